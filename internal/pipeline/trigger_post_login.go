package pipeline

import (
	"context"
	"encoding/json"
	"maps"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
)

// runScripts runs rules and then post-login actions, and writes what came of them into a. What they said comes back also when one of
// them refuses. When in.elsewhere is set they are not done: in.state says where they go on.
func (p *Pipeline) runScripts(ctx context.Context, v Visit, in *ruleInput, a *stagedoor.Authorization) (said, error) {
	before := len(in.state.Console)
	s, err := p.rulesAndActions(ctx, v, in, a)
	warned(v, in, s.console[min(before, len(s.console)):])
	return s, err
}

func (p *Pipeline) rulesAndActions(ctx context.Context, v Visit, in *ruleInput, a *stagedoor.Authorization) (said, error) {
	s := said{console: in.state.Console, executions: in.state.Executions}
	if in.state.Binding == "" {
		console, err := p.runRules(ctx, v, in, a)
		s.console = append(s.console, console...)
		if err == nil && in.elsewhere == "" {
			err = permit(ctx, v.Store, in.api, a) // actions change what is granted
		}
		if err != nil || in.elsewhere != "" {
			return s, err
		}
	}
	all, err := p.bound(ctx, v, script.PostLogin)
	if err != nil || len(all.bound) == 0 {
		return s, err
	}
	if err := all.from(in.state.Binding, in.state.Passed); err != nil {
		return s, err
	}
	for in.again = true; in.again && len(all.bound) > 0; {
		in.again = false
		more, err := p.postLogin(ctx, v, in, all, a)
		s.console, s.executions = append(s.console, more.console...), append(s.executions, more.executions...)
		if err == nil && in.again { // with what the actions before have set
			if err = all.from(in.state.Binding, in.state.Passed); err == nil {
				var u *stagedoor.User
				if u, err = v.Store.User(ctx, in.user.ID); err == nil {
					in.user = u
				}
			}
		}
		if err != nil {
			return s, err
		}
	}
	return s, nil
}

func (p *Pipeline) postLogin(ctx context.Context, v Visit, in *ruleInput, all *actions, a *stagedoor.Authorization) (said, error) {
	event, err := p.postLoginEvent(ctx, v, in, a)
	if err != nil {
		return said{}, err
	}
	rules, err := enabledRuleIDs(ctx, v.Store)
	if err != nil {
		return said{}, err
	}
	if all.known, err = p.known(ctx, v, in, all); err != nil {
		return said{}, err
	}
	out, s, err := all.run(ctx, event, rules)
	switch {
	case err != nil:
		return s, err
	case out.Failure != nil:
		return s, scripted("access_denied", out.Failure.Message)
	case out.Effects.Unsupported != "":
		return s, notSupported(out.Effects.Unsupported)
	}
	e := out.Effects
	if e.PrimaryUser != "" && e.Denied == nil {
		before := a.Profile
		if err = p.become(ctx, v, in, a, e.PrimaryUser); err == nil {
			err = primaryProfile(a, in.user, before)
		}
		if err != nil {
			return s, err
		}
	}
	if err := saveMetadata(ctx, v.Store, in.user.ID, e); err != nil { // also when the login is denied
		return s, err
	}
	if e.Denied != nil {
		return s, p.denied(ctx, v, in, e)
	}
	if err := p.changeAccess(ctx, v, in, e, a); err != nil {
		return s, err
	}
	a.Scope = changed(a.Scope, e.Scopes)
	if a.IDClaims, err = claimed(a.IDClaims, e.IDClaims, a.Scope, a.Conformant); err != nil {
		return s, err
	}
	if a.TokenClaims, err = claimed(a.TokenClaims, e.AccessClaims, a.Scope, true); err != nil {
		return s, err
	}
	if err := in.respond(e.Answers, a); err != nil {
		return s, err
	}
	if err := keepKey(ctx, v.Store, a); err != nil {
		return s, err
	}
	in.demandedFactor(e.Factor)
	if err := all.suspend(in, e); err != nil {
		return s, err
	}
	return s, p.render(ctx, v, in)
}

// known is what api.roles and api.groups answer from. Groups are read for actions that speak of them alone.
func (p *Pipeline) known(ctx context.Context, v Visit, in *ruleInput, all *actions) (json.RawMessage, error) {
	held, err := in.roleList(ctx, v.Store)
	if err != nil {
		return nil, err
	}
	roles, groups := []map[string]string{}, []map[string]string{}
	for _, r := range held {
		roles = append(roles, map[string]string{"id": r.ID, "name": r.Name, "description": r.Description})
	}
	if asks, err := all.speakOf(ctx, "groups"); err != nil || !asks {
		return known(roles, groups, err)
	}
	of, err := v.Store.UserGroups(ctx, in.user.ID)
	for _, g := range of {
		groups = append(groups, map[string]string{"id": g.ID, "name": g.Name, "external_id": g.ExternalID, "connection_id": g.ConnectionID})
	}
	return known(roles, groups, err)
}

func known(roles, groups []map[string]string, err error) (json.RawMessage, error) {
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{"roles": roles, "groups": groups})
}

// denied ends what an action wants to be ended, and is the refusal.
func (p *Pipeline) denied(ctx context.Context, v Visit, in *ruleInput, e script.Effects) error {
	refusal := scripted("access_denied", e.Denied.Reason)
	refusal.Extra = map[string]any{logRule: e.Denied.Action, logKind: "denied"}
	switch {
	case e.Revoke == "session":
		if err := v.Store.EndSession(ctx, in.sessionID(), e.KeepTokens); err != nil {
			return err
		}
	case e.Revoke == "refresh_token" && in.refresh != nil:
		end := func() error { return v.Store.EndRefreshTokens(ctx, in.refresh.UserID, in.refresh.FamilyID) }
		if in.refresh.Online {
			end = func() error { return v.Store.DeleteSession(ctx, in.refresh.SessionID, stagedoor.LogoutRevoked) }
		}
		if err := end(); err != nil {
			return err
		}
		refusal.Kind = stagedoor.Forbidden
		v.Log(stagedoor.LogEvent{Type: "srrt", Description: e.Denied.Reason, ClientID: in.client.ID, ClientName: in.client.Name, UserID: in.user.ID, UserName: in.user.Shown()})
	}
	return refusal
}

// claimed adds claims of actions to those of rules; the sum is bounded as each is.
func claimed(old, more map[string]json.RawMessage, scope []string, conformant bool) (map[string]json.RawMessage, error) {
	if len(more) == 0 {
		return old, nil
	}
	sum := maps.Clone(old)
	if sum == nil {
		sum = map[string]json.RawMessage{}
	}
	maps.Copy(sum, more)
	return token.Custom(sum, scope, conformant)
}

// saveMetadata writes what actions set, at once.
func saveMetadata(ctx context.Context, st *store.Store, userID string, e script.Effects) error {
	if len(e.UserMetadata) == 0 && len(e.AppMetadata) == 0 {
		return nil
	}
	for name, m := range map[string]stagedoor.Metadata{"user_metadata": e.UserMetadata, "app_metadata": e.AppMetadata} {
		if err := stagedoor.CheckMetadata(name, m); err != nil {
			return scripted("access_denied", stagedoor.AsError(err).Message)
		}
	}
	_, err := st.PatchMetadata(ctx, userID, e.UserMetadata, e.AppMetadata, st.Tenant().Settings.MetadataLimit())
	if stagedoor.IsKind(err, stagedoor.TooLarge) {
		return scripted("access_denied", stagedoor.AsError(err).Message)
	}
	return err
}

func enabledRuleIDs(ctx context.Context, st *store.Store) ([]string, error) {
	rules, err := enabledRules(ctx, st)
	var ids []string
	for _, r := range rules {
		ids = append(ids, r.ID)
	}
	return ids, err
}

// postLoginEvent is event of post-login (extensibility fact sheet 3.5). What rules are told of roles and of the organization, actions are
// told too.
func (p *Pipeline) postLoginEvent(ctx context.Context, v Visit, in *ruleInput, a *stagedoor.Authorization) (map[string]any, error) {
	method := "GET"
	if in.refresh != nil || in.exchange != nil || in.direct != nil {
		method = "POST"
	}
	query := in.query
	if in.back != nil {
		method, query = in.back.method, in.back.query
	}
	event := commonEvent(v, method, query)
	raw, err := p.ruleContext(ctx, v, in)
	if err != nil {
		return nil, err
	}
	var of struct {
		Authorization, Organization                  json.RawMessage
		ConnectionID, Connection, ConnectionStrategy string
		ConnectionMetadata                           map[string]string
	}
	if err := json.Unmarshal(raw, &of); err != nil {
		return nil, err
	}
	user, err := enrolledUser(ctx, v.Store, in.user)
	if err != nil {
		return nil, err
	}
	event["user"] = user
	client := eventClient(in.client)
	if policies := in.client.RefreshToken.Policies; len(policies) > 0 {
		client["refresh_token"] = map[string]any{"policies": policies}
	}
	authentication := eventMethods(in.methods(v))
	if in.risk != nil {
		authentication["riskAssessment"] = in.risk
	}
	event["authorization"], event["client"], event["authentication"] = of.Authorization, client, authentication
	event["connection"] = eventConnection(&stagedoor.Connection{ID: of.ConnectionID, Name: of.Connection, Strategy: of.ConnectionStrategy, Metadata: of.ConnectionMetadata})
	event["stats"] = map[string]any{"logins_count": in.user.LoginsCount}
	if len(of.Organization) > 0 {
		event["organization"] = of.Organization
	}
	if in.api != nil {
		event["resource_server"] = map[string]any{"identifier": in.api.Identifier}
	}
	s := in.session
	if s == nil && in.refresh != nil && in.refresh.SessionID != "" {
		if s, err = v.Store.Session(ctx, in.refresh.SessionID); err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
			return nil, err
		}
	}
	if s != nil {
		if event["session"], err = p.transferredSession(ctx, v, s); err != nil {
			return nil, err
		}
	}
	if in.transfer != nil {
		event["session_transfer_token"] = eventTransfer(v.Store, in.transfer)
	}
	if in.request != nil && in.request.Anonymous != nil {
		event["anonymous_session"] = in.request.Anonymous.Told()
	}
	if in.refresh != nil {
		event["refresh_token"] = eventRefreshToken(v.Store, in.refresh)
	}
	event["transaction"] = eventTransaction(v, in, a)
	in.tellFilled(event)
	return event, nil
}

// enrolledUser is event.user with the person's second factors.
func enrolledUser(ctx context.Context, st *store.Store, u *stagedoor.User) (map[string]any, error) {
	user, err := eventUser(u)
	if err != nil {
		return nil, err
	}
	providers, factors, err := enrolledWith(ctx, st, u.ID)
	if providers != nil {
		user["multifactor"], user["enrolledFactors"] = providers, factors
	}
	return user, err
}

// eventTransaction is the login as its request began it.
func eventTransaction(v Visit, in *ruleInput, a *stagedoor.Authorization) map[string]any {
	t := map[string]any{"requested_scopes": nonNilList(a.Scope)}
	if r := in.request; r != nil {
		t = requested(v, r)
		if len(r.Details) > 0 {
			t["requested_authorization_details"] = r.Details
		}
	}
	t["protocol"], t["metadata"] = in.protocol, nonNilMetadata(in.state.Metadata)
	if x := in.exchange; x != nil {
		t["requested_scopes"], t["subject_token_type"] = nonNilList(x.Scope), x.SubjectType
		if a.Actor != nil {
			t["actor"] = a.Actor
		}
		set(t, map[string]string{"actor_token_type": x.ActorType})
	}
	if x := in.direct; x != nil {
		t["requested_scopes"] = nonNilList(x.Scope)
	}
	return t
}

func nonNilMetadata(m map[string]json.RawMessage) map[string]json.RawMessage {
	if m == nil {
		return map[string]json.RawMessage{}
	}
	return m
}

func nonNilList(l []string) []string {
	if l == nil {
		return []string{}
	}
	return l
}
