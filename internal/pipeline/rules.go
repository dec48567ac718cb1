package pipeline

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
)

// runRules runs the enabled rules and writes their claims and scopes into a. The console lines come back also
// when a rule refuses the login.
func (p *Pipeline) runRules(ctx context.Context, v Visit, in *ruleInput, a *stagedoor.Authorization) ([]map[string]any, error) {
	rules, err := enabledRules(ctx, v.Store)
	if err != nil {
		return nil, err
	}
	if len(rules) == 0 {
		a.Profile, err = json.Marshal(in.ruleUser())
		dropProfile(a)
		return nil, err
	}
	told := ruleRun{Run: script.Run{Tenant: v.Store.Tenant().ID, Rules: rules, Domain: v.Store.Tenant().Domain(), BaseURL: strings.TrimSuffix(v.Issuer, "/") + "/api/v2"}}
	if err := p.tellRules(ctx, v, in, &told); err != nil {
		return nil, err
	}
	a.Profile = told.person
	out, err := p.Scripts.Rules(ctx, told.Run)
	if err != nil {
		return nil, err
	}
	p.deprecated(v, in, out.Deprecated)
	console := consoleLines("rule", out.Console)
	if out.Failure != nil {
		return console, refusedByRule(out.Failure)
	}
	return console, p.heedRules(ctx, v, in, a, &told, &out)
}

func enabledRules(ctx context.Context, st *store.Store) ([]script.Rule, error) {
	all, err := st.Rules(ctx)
	var enabled []script.Rule
	for _, r := range all {
		if r.Runs() {
			enabled = append(enabled, script.Rule{ID: r.ID, Name: r.Name, Source: r.Script})
		}
	}
	return enabled, err
}

// ruleRun is a run of rules and the person in it.
type ruleRun struct {
	script.Run
	person json.RawMessage // as rules find them, but for the tokens of their providers
	tokens bool            // rules find those, too
}

// ruleUser is the person as rules find them, with what earlier rules have invented.
func (in *ruleInput) ruleUser() map[string]any {
	wire := in.user.Wire()
	wire["clientID"] = in.client.ID
	for name, value := range in.state.Properties {
		if _, there := wire[name]; !there {
			wire[name] = value
		}
	}
	return wire
}

// tellRules fills in what rules are given: the user, the context, the configuration, and what `auth0` can do.
func (p *Pipeline) tellRules(ctx context.Context, v Visit, in *ruleInput, run *ruleRun) error {
	has := in.has
	if has == nil {
		b, err := v.Store.Belongings(ctx, in.user.ID)
		if err != nil {
			return err
		}
		has = &b
	}
	wire := in.ruleUser()
	if has.Factors {
		providers, _, err := enrolledWith(ctx, v.Store, in.user.ID)
		if err != nil {
			return err
		}
		if providers != nil {
			wire["multifactor"] = providers
		}
	}
	person, err := json.Marshal(wire)
	if err != nil {
		return err
	}
	run.person, run.User = person, person
	if has.Tokens {
		tokens, err := v.Store.IdentityTokens(ctx, in.user.ID)
		if run.tokens = len(tokens) > 0; err == nil && run.tokens {
			run.User, err = withTokens(in.user, wire, tokens)
		}
		if err != nil {
			return err
		}
	}
	if in.roles == nil && in.org == nil && !has.Roles {
		in.roles = []stagedoor.Role{}
	}
	if run.Context, err = p.ruleContext(ctx, v, in); err != nil {
		return err
	}
	run.AccessToken = func(ctx context.Context) (string, error) { return p.ScriptToken(ctx, v, "read:users", "update:users") }
	run.UpdateMetadata = MetadataUpdate(v.Store)
	run.Configuration, err = v.Store.RulesConfigs(ctx)
	return err
}

func refusedByRule(f *script.Failure) error {
	e := stagedoor.Errorf(stagedoor.Forbidden, f.Code, "%s", f.Message)
	if f.Code == "unauthorized" {
		e.Kind = stagedoor.Unauthorized
	}
	e.Extra = map[string]any{logRule: f.Rule, logKind: f.Kind, logStack: f.Stack}
	return e
}

// heedRules takes over what rules have changed of the user and of the context.
func (p *Pipeline) heedRules(ctx context.Context, v Visit, in *ruleInput, a *stagedoor.Authorization, told *ruleRun, out *script.Outcome) (err error) {
	if a.Profile, err = without(told.person, out.User, out.Merged); err == nil && told.tokens {
		a.Profile, err = withoutTokens(a.Profile)
	}
	if err != nil {
		return err
	}
	if err := applyContext(out.Context, in, a); err != nil {
		return err
	}
	if err := keepKey(ctx, v.Store, a); err != nil {
		return err
	}
	if in.primary != "" {
		if err := p.become(ctx, v, in, a, in.primary); err != nil {
			return err
		}
		if err := primaryProfile(a, in.user, told.person); err != nil {
			return err
		}
	}
	if in.elsewhere != "" {
		in.state.Properties, err = invented(told.person, a.Profile)
		return err
	}
	if a.Conformant && in.primary == "" {
		err = keepChanges(told.person, a)
	}
	dropProfile(a)
	return err
}

// without returns the user without what only rules see: the keys of app_metadata that stand at its root, but
// for those that a rule has put there itself. What stood there before, in whose place they were, is there again.
func without(before, user json.RawMessage, merged []string) (json.RawMessage, error) {
	if len(merged) == 0 {
		return user, nil
	}
	var was, members map[string]json.RawMessage
	if err := json.Unmarshal(before, &was); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(user, &members); err != nil {
		return nil, err
	}
	for _, key := range merged {
		delete(members, key)
		if value, there := was[key]; there {
			members[key] = value
		}
	}
	return json.Marshal(members)
}

// dropProfile keeps the profile only where legacy claims are made from it.
func dropProfile(a *stagedoor.Authorization) {
	if a.Conformant {
		a.Profile = nil
	}
}

// applyContext reads what rules wrote into the context.
func applyContext(raw json.RawMessage, in *ruleInput, a *stagedoor.Authorization) error {
	var c struct {
		IDToken     map[string]json.RawMessage `json:"idToken"`
		AccessToken map[string]json.RawMessage `json:"accessToken"`
		Redirect    json.RawMessage            `json:"redirect"`
		Multifactor json.RawMessage            `json:"multifactor"`
		PrimaryUser json.RawMessage            `json:"primaryUser"`
		Assertion   json.RawMessage            `json:"samlConfiguration"`
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "A rule left context.idToken or context.accessToken that is not an object.")
	}
	if err := in.demandFactor(c.Multifactor); err != nil {
		return err
	}
	if raw := c.PrimaryUser; len(raw) > 0 && string(raw) != "null" {
		if err := json.Unmarshal(raw, &in.primary); err != nil {
			return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "A rule set context.primaryUser to something else than the id of a user.")
		}
	}
	if err := in.leaveFor(c.Redirect); err != nil {
		return err
	}
	if err := in.configure(c.Assertion, a); err != nil {
		return err
	}
	if override, ok := c.AccessToken["scope"]; ok {
		var scope []string
		if err := json.Unmarshal(override, &scope); err != nil {
			return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "A rule set context.accessToken.scope to something else than an array of strings.")
		}
		a.Scope = slices.DeleteFunc(scope, func(s string) bool { return !isScope(s) })
		a.ScopeSet = true
		delete(c.AccessToken, "scope")
	}
	var err error
	if a.IDClaims, err = token.Custom(c.IDToken, a.Scope, a.Conformant); err != nil {
		return err
	}
	a.TokenClaims, err = token.Custom(c.AccessToken, a.Scope, true)
	return err
}
