package pipeline

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/form"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
)

// scripts runs the tenant's rules and actions and keeps what came of them.
func (l *login) scripts(ctx context.Context) (string, error) {
	if l.tx.Scripted {
		return "", nil
	}
	state := l.tx.Script
	if state == nil || state.Waits == AskRedirect && l.back == nil {
		state = &stagedoor.ScriptState{}
	}
	if state.Waits == waitsFactor {
		if ask, err := l.awaitFactor(ctx, state.Factor); ask != "" || err != nil {
			return ask, err
		}
	}
	filled, ask, err := l.filled(ctx, state)
	if ask != "" || err != nil {
		return ask, err
	}
	if filled != nil {
		defer l.dropForm(ctx, state.Form)
		state.Form = ""
	}
	a := l.tx.Result
	if a == nil || state.Binding == "" {
		a, l.tx.Factor = l.authorization(), nil
	}
	in := &ruleInput{
		client: l.client, user: l.user, session: l.session, protocol: l.tx.Request.Protocol(), query: l.tx.Request.Query,
		silent: l.tx.Request.HasPrompt("none"), request: &l.tx.Request, org: l.org, api: l.api, state: state, back: l.back,
		factor: l.tx.Factor, proof: l.tx.Proof, filled: filled, transfer: l.tx.Transfer, risk: l.risk,
	}
	if l.knownID == l.user.ID {
		in.has = &l.has
	}
	said, err := l.runScripts(ctx, l.visit, in, a)
	l.said = said
	if err != nil {
		l.user, l.recookie = in.user, in.recookie
		return "", err
	}
	l.tx.Result, l.user, l.recookie = a, in.user, in.recookie
	if l.tx.Factor = in.factor; l.tx.UserID != in.user.ID {
		l.tx.UserID, l.tx.Proof = in.user.ID, "" // which was the other user's
	}
	if err := l.keepDuo(ctx, in.duo); err != nil {
		return "", err
	}
	if in.elsewhere != "" {
		l.tx.Script, l.elsewhere = said.keptIn(state, AskRedirect), in.elsewhere
		return AskRedirect, nil
	}
	if in.form != nil {
		l.tx.Script = said.keptIn(state, waitsForm)
		return AskForm, l.keepForm(ctx, in.form)
	}
	if in.asked != nil {
		state.Factor = in.asked
		l.tx.Script = said.keptIn(state, waitsFactor)
		return l.awaitFactor(ctx, in.asked)
	}
	l.tx.Scripted, l.tx.Script = true, nil
	return "", nil
}

// permit leaves the scopes that the person's roles allow, as they are once rules have run, unless a rule chose them
// (Authentication API fact sheet 5.3).
func permit(ctx context.Context, st *store.Store, api *stagedoor.ResourceServer, a *stagedoor.Authorization) (err error) {
	if a.Conformant && !a.ScopeSet {
		a.Scope, err = token.Permitted(ctx, st, api, a)
	}
	return err
}

// ruleInput is what rules learn beyond the visit.
type ruleInput struct {
	client   *stagedoor.Client
	user     *stagedoor.User
	has      *store.Belongings         // of the user, if they were read with the user
	session  *stagedoor.Session        // nil for token requests
	org      *stagedoor.Organization   // nil: the login is for none
	api      *stagedoor.ResourceServer // nil: for /userinfo only
	protocol string
	query    map[string][]string
	silent   bool
	request  *stagedoor.AuthorizationRequest // nil for token requests
	refresh  *stagedoor.RefreshToken         // nil unless one is exchanged
	transfer *stagedoor.SessionTransferToken // nil unless the login began with one
	state    *stagedoor.ScriptState          // how far scripts have come; never nil
	risk     *stagedoor.RiskAssessment       // of the login; nil: it is not measured
	back     *way                            // nil unless the person came back from elsewhere

	primary  string           // context.primaryUser of rules
	exchange *TokenExchange   // nil unless a token of somebody else's is exchanged
	direct   *Direct          // nil unless somebody signs in at the token endpoint
	through  string           // name of the connection of who signs in otherwise; empty: that is not known
	became   bool             // scripts have made the person another user
	recookie bool             // the session's cookie has to be set again
	roles    []stagedoor.Role // once they were read; see [Pipeline.roles]

	factor *stagedoor.FactorDemand // what scripts want of a second factor at the end; nil: they did not speak of it
	duo    *mfa.DuoKeys            // what factor asks Duo with, if scripts have just said so
	asked  *stagedoor.FactorDemand // what actions wait for in their middle
	again  bool                    // they wait for nothing and are not done
	proof  string                  // the second factor that the person gave in this login
	fresh  bool                    // they have just set it up, where there is no browser

	wants  json.RawMessage // the form that an action has just asked for
	form   *form.State     // the form that actions wait for
	filled *form.State     // the one that the person has filled in, for the action that waited

	elsewhere string // where scripts send the person, an address without the state; empty: nowhere
}

// sessionID is the session that the login belongs to; empty if there is none.
func (in *ruleInput) sessionID() string {
	switch {
	case in.session != nil:
		return in.session.ID
	case in.refresh != nil:
		return in.refresh.SessionID
	}
	return ""
}

// runRules runs the enabled rules and writes their claims and scopes into a. The console lines come back also
// when a rule refuses the login.
func (p *Pipeline) runRules(ctx context.Context, v Visit, in *ruleInput, a *stagedoor.Authorization) ([]map[string]any, error) {
	all, err := v.Store.Rules(ctx)
	if err != nil {
		return nil, err
	}
	wire := in.user.Wire()
	wire["clientID"] = in.client.ID
	for name, value := range in.state.Properties {
		if _, there := wire[name]; !there {
			wire[name] = value
		}
	}
	user, err := json.Marshal(wire)
	if err != nil {
		return nil, err
	}
	a.Profile = user
	run := script.Run{Tenant: v.Store.Tenant().ID, User: user, Domain: v.Store.Tenant().Domain(), BaseURL: strings.TrimSuffix(v.Issuer, "/") + "/api/v2"}
	for _, r := range all {
		if r.Enabled {
			run.Rules = append(run.Rules, script.Rule{ID: r.ID, Name: r.Name, Source: r.Script})
		}
	}
	if len(run.Rules) == 0 {
		dropProfile(a)
		return nil, nil
	}
	has := in.has
	if has == nil {
		b, err := v.Store.Belongings(ctx, in.user.ID)
		if err != nil {
			return nil, err
		}
		has = &b
	}
	if has.Factors {
		providers, _, err := enrolledWith(ctx, v.Store, in.user.ID)
		if err != nil {
			return nil, err
		}
		if providers != nil {
			wire["multifactor"] = providers
			if user, err = json.Marshal(wire); err != nil {
				return nil, err
			}
			a.Profile, run.User = user, user
		}
	}
	var tokens []stagedoor.IdentityTokens
	if has.Tokens {
		if tokens, err = v.Store.IdentityTokens(ctx, in.user.ID); err == nil && len(tokens) > 0 {
			run.User, err = withTokens(in.user, wire, tokens)
		}
		if err != nil {
			return nil, err
		}
	}
	if in.roles == nil && in.org == nil && !has.Roles {
		in.roles = []stagedoor.Role{}
	}
	if run.Context, err = p.ruleContext(ctx, v, in); err != nil {
		return nil, err
	}
	if run.Configuration, err = v.Store.RulesConfigs(ctx); err != nil {
		return nil, err
	}
	run.AccessToken = func(ctx context.Context) (string, error) { return p.ScriptToken(ctx, v, "read:users", "update:users") }
	run.UpdateMetadata = MetadataUpdate(v.Store)
	out, err := p.Scripts.Rules(ctx, run)
	if err != nil {
		return nil, err
	}
	p.deprecated(v, in, out.Deprecated)
	console := consoleLines("rule", out.Console)
	if f := out.Failure; f != nil {
		e := stagedoor.Errorf(stagedoor.Forbidden, f.Code, "%s", f.Message)
		if f.Code == "unauthorized" {
			e.Kind = stagedoor.Unauthorized
		}
		e.Extra = map[string]any{logRule: f.Rule, logKind: f.Kind}
		return console, e
	}
	if a.Profile, err = without(user, out.User, out.Merged); err == nil && len(tokens) > 0 {
		a.Profile, err = withoutTokens(a.Profile)
	}
	if err != nil {
		return console, err
	}
	if err := applyContext(out.Context, in, a); err != nil {
		return console, err
	}
	if err := keepKey(ctx, v.Store, a); err != nil {
		return console, err
	}
	if in.primary != "" {
		if err = p.become(ctx, v, in, a, in.primary); err == nil {
			err = primaryProfile(a, in.user, user)
		}
		if err != nil {
			return console, err
		}
	}
	if in.elsewhere != "" {
		in.state.Properties, err = invented(user, a.Profile)
		return console, err
	}
	if a.Conformant && in.primary == "" {
		err = keepChanges(user, a)
	}
	dropProfile(a)
	return console, err
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

// ScriptToken is auth0.accessToken, a management token; in logins it reads and updates users.
func (p *Pipeline) ScriptToken(ctx context.Context, v Visit, scopes ...string) (string, error) {
	audience := v.Issuer + "api/v2/"
	rs, err := token.ResourceServer(ctx, v.Store, audience)
	if err != nil {
		return "", err
	}
	t, _, err := p.Minter.Machine(ctx, v.Store, &stagedoor.Client{ID: "rules"}, rs, audience, v.Issuer, scopes)
	return t, err
}

// MetadataUpdate is what writes metadata of a tenant's users for its rules, see [script.Run].
func MetadataUpdate(st *store.Store) func(ctx context.Context, userID, kind string, patch json.RawMessage) (json.RawMessage, error) {
	return func(ctx context.Context, userID, kind string, patch json.RawMessage) (json.RawMessage, error) {
		return updateMetadata(ctx, st, userID, kind, patch)
	}
}

// updateMetadata is auth0.users.updateUserMetadata and updateAppMetadata.
func updateMetadata(ctx context.Context, st *store.Store, userID, kind string, raw json.RawMessage) (json.RawMessage, error) {
	var patch stagedoor.Metadata
	if err := json.Unmarshal(raw, &patch); err != nil || patch == nil {
		return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_body", "Payload validation error: 'Expected type object' on property %s.", kind)
	}
	if err := stagedoor.CheckMetadata(kind, patch); err != nil {
		return nil, err
	}
	var user, app stagedoor.Metadata
	if kind == "app_metadata" {
		app = patch
	} else {
		user = patch
	}
	u, err := st.PatchMetadata(ctx, userID, user, app, st.Tenant().Settings.MetadataLimit())
	if err != nil {
		return nil, err
	}
	return json.Marshal(u.Wire())
}
