package mgmt

import (
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/web"
)

// nano is a time as actions show it: with nanoseconds (Management API fact sheet 1.8).
func nano(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000000Z") }

func showSecrets(in []stagedoor.ActionSecret) []any {
	out := []any{}
	for _, s := range in {
		out = append(out, map[string]any{"name": s.Name, "updated_at": nano(s.UpdatedAt)})
	}
	return out
}

// showCode is what a draft and a version have in common.
func showCode(code *stagedoor.ActionCode) map[string]any {
	deps := code.Dependencies
	if deps == nil {
		deps = []stagedoor.ActionDependency{}
	}
	out := map[string]any{
		"code": code.Code, "dependencies": deps, "runtime": code.Runtime, "secrets": showSecrets(code.Secrets),
		"supported_triggers": []stagedoor.ActionTrigger{code.Trigger},
	}
	if len(code.Modules) > 0 {
		out["modules"] = code.Modules
	}
	return out
}

// showAction is an action with the version in force, which may be nil.
func showAction(a *stagedoor.Action, deployed *stagedoor.ActionVersion) map[string]any {
	out := showCode(&a.Draft)
	out["id"], out["name"], out["status"], out["all_changes_deployed"] = a.ID, a.Name, a.Status, a.AllDeployed
	out["created_at"], out["updated_at"] = nano(a.CreatedAt), nano(a.UpdatedAt)
	if len(a.Errors) > 0 {
		out["errors"] = a.Errors
	}
	addVersions(out, deployed)
	return out
}

// addVersions shows the version in force twice, as the wire does: it is also the newest one.
func addVersions(out map[string]any, v *stagedoor.ActionVersion) {
	if v == nil {
		return
	}
	out["deployed_version"] = showVersion(v, true)
	out["current_version"] = map[string]any{
		"id": v.ID, "code": v.Body.Code, "runtime": v.Body.Runtime, "status": strings.ToUpper(stagedoor.ActionBuilt), "number": v.Number,
		"build_time": nano(v.CreatedAt), "created_at": nano(v.CreatedAt), "updated_at": nano(v.CreatedAt),
	}
}

func showVersion(v *stagedoor.ActionVersion, deployed bool) map[string]any {
	out := showCode(&v.Body)
	out["id"], out["number"], out["status"], out["deployed"] = v.ID, v.Number, stagedoor.ActionBuilt, deployed
	out["created_at"], out["updated_at"], out["built_at"] = nano(v.CreatedAt), nano(v.CreatedAt), nano(v.CreatedAt)
	return out
}

// brief is an action inside of a version or a binding; all_changes_deployed is never true there, as observed.
func brief(a *stagedoor.Action) map[string]any {
	return map[string]any{
		"id": a.ID, "name": a.Name, "supported_triggers": []stagedoor.ActionTrigger{a.Draft.Trigger}, "all_changes_deployed": false,
		"created_at": nano(a.CreatedAt), "updated_at": nano(a.UpdatedAt),
	}
}

// actionPaging is the paging of everything under /actions (Management API fact sheet 1.4).
type actionPaging struct {
	Page    int          `json:"page" schema:"min=0,max=10000000" doc:"Use this field to request a specific page of the list results"`
	PerPage web.Opt[int] `json:"per_page" schema:"notnull,min=0,max=100" doc:"The maximum number of results to be returned by the server in single response. 20 by default"`
}

// paged answers a page of a list in the envelope of /actions, whose zeros are left out. Behind the last page there is no total: go-auth0 looks
// for start and limit, which are not here, to see whether there is more, so that auth0-cli asks on until that is gone.
func paged[T any](in actionPaging, key string, all []T, show func(*T) (any, error)) (any, error) {
	size := in.PerPage.Or(20)
	shown := []any{}
	for i := min(in.Page*size, len(all)); i < min(in.Page*size+size, len(all)); i++ {
		one, err := show(&all[i])
		if err != nil {
			return nil, err
		}
		shown = append(shown, one)
	}
	total := len(all)
	if len(shown) == 0 && in.Page > 0 {
		total = 0
	}
	out := map[string]any{key: shown}
	for name, n := range map[string]int{"total": total, "page": in.Page, "per_page": size} {
		if n != 0 {
			out[name] = n
		}
	}
	return out, nil
}
