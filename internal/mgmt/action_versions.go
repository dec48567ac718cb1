package mgmt

import (
	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/web"
)

// built looks at a draft that nobody has looked at yet, and keeps what it found. A draft that is changed meanwhile stays as it is.
func (a *API) built(c *call, act *stagedoor.Action) (*stagedoor.Action, error) {
	if act.Status != stagedoor.ActionPending {
		return act, nil
	}
	draft := script.Draft{Source: act.Draft.Code}
	for _, d := range act.Draft.Dependencies {
		draft.Modules = append(draft.Modules, joinedVersion(d))
	}
	wrong, err := a.whatIsWrong(c, draft)
	if err != nil {
		return nil, err
	}
	return c.store.UpdateAction(c.ctx(), act.ID, func(now *stagedoor.Action) error {
		if now.Revision == act.Revision && now.Status == stagedoor.ActionPending {
			now.Status, now.Errors = stagedoor.ActionBuilt, wrong
			if len(wrong) > 0 {
				now.Status = stagedoor.ActionFailed
			}
		}
		return nil
	})
}

func joinedVersion(d stagedoor.ActionDependency) string {
	if d.Version == "" {
		return d.Name
	}
	return d.Name + "@" + d.Version
}

// whatIsWrong compiles code and returns what keeps it from running.
func (a *API) whatIsWrong(c *call, d script.Draft) ([]stagedoor.ActionError, error) {
	if a.CheckDraft == nil {
		return nil, nil
	}
	err := a.CheckDraft(c.ctx(), d)
	if e := stagedoor.AsError(err); err != nil && e.Kind == stagedoor.Invalid {
		return []stagedoor.ActionError{{ID: e.Code, Message: e.Message}}, nil
	}
	return nil, err
}

func notBuilt() error {
	return bad("", "A draft must be in the 'built' state before it can be deployed.")
}

// neverRuns refuses to put an action in force that would never run.
func neverRuns(t *script.Trigger) error {
	return stagedoor.Errorf(stagedoor.Unsupported, "not_supported", "Actions of the trigger %s cannot run on this server: nothing calls them.", t.ID)
}

// deployDraft makes a version of a draft.
func deployDraft(act *stagedoor.Action) (*stagedoor.ActionVersion, error) {
	if t := script.TriggerByID(act.Draft.Trigger.ID); t != nil && !t.Runs {
		return nil, neverRuns(t)
	}
	if act.Status != stagedoor.ActionBuilt {
		return nil, notBuilt()
	}
	act.AllDeployed = true
	return &stagedoor.ActionVersion{Body: act.Draft, Sealed: act.Sealed}, nil
}

func (a *API) deployAction(c *call) (any, error) {
	if _, err := a.action(c, c.id()); err != nil {
		return nil, err
	}
	act, v, err := c.store.DeployAction(c.ctx(), c.id(), deployDraft)
	if err != nil {
		return nil, err
	}
	return deployedNow(act, v), nil
}

// deployedNow is the answer to a deployment: the version as it was just before, as observed.
func deployedNow(act *stagedoor.Action, v *stagedoor.ActionVersion) any {
	out := showVersion(v, false)
	delete(out, "built_at")
	out["action"] = brief(act)
	return out
}

func (a *API) listActionVersions(c *call, in actionPaging) (any, error) {
	act, err := c.store.Action(c.ctx(), c.r.PathValue("action_id"))
	if err != nil {
		return nil, err
	}
	all, err := c.store.ActionVersions(c.ctx(), act.ID)
	if err != nil {
		return nil, err
	}
	return paged(in, "versions", all, func(v *stagedoor.ActionVersion) (any, error) { return versionOf(act, v), nil })
}

func versionOf(act *stagedoor.Action, v *stagedoor.ActionVersion) map[string]any {
	out := showVersion(v, v.ID == act.Deployed)
	out["action"] = brief(act)
	return out
}

func (a *API) readActionVersion(c *call) (any, error) {
	act, err := c.store.Action(c.ctx(), c.r.PathValue("action_id"))
	if err != nil {
		return nil, err
	}
	v, err := c.store.ActionVersion(c.ctx(), act.ID, c.id())
	if err != nil {
		return nil, err
	}
	return versionOf(act, v), nil
}

type deployVersionIn struct {
	UpdateDraft web.Opt[bool] `json:"update_draft" doc:"True if the draft of the action should be updated with the reverted version"`
}

// deployVersion puts the content of an older version in force again, as a new one.
func (a *API) deployVersion(c *call, in deployVersionIn) (any, error) {
	old, err := c.store.ActionVersion(c.ctx(), c.r.PathValue("action_id"), c.id())
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		if _, err := c.store.Action(c.ctx(), c.r.PathValue("action_id")); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	act, v, err := c.store.DeployAction(c.ctx(), old.Action, func(act *stagedoor.Action) (*stagedoor.ActionVersion, error) {
		act.AllDeployed = act.AllDeployed && act.Deployed == old.ID
		if in.UpdateDraft.Value {
			act.Draft, act.Sealed, act.AllDeployed = old.Body, old.Sealed, true
			act.Status, act.Errors, act.UpdatedAt = stagedoor.ActionBuilt, nil, c.store.Clock().Now()
			act.Revision++
		}
		return &stagedoor.ActionVersion{Body: old.Body, Sealed: old.Sealed}, nil
	})
	if err != nil {
		return nil, err
	}
	return deployedNow(act, v), nil
}
