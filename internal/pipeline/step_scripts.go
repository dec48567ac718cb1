package pipeline

import (
	"context"
	"encoding/json"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/form"
	"github.com/stagedoor/stagedoor/internal/mfa"
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
