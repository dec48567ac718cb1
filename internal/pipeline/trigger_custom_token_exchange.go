package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
)

// TokenExchange is a request to give tokens for a token of somebody else's making (RFC 8693).
type TokenExchange struct {
	Client                   *stagedoor.Client
	API                      *stagedoor.ResourceServer // nil: for /userinfo only
	Audience                 string
	Scope                    []string // as asked for
	Organization             string   // id or name; may be empty
	Subject, SubjectType     string
	RequestedType            string
	Actor, ActorType, Locale string
}

// Exchange runs the action of the profile for the subject token's type, and then the login's scripts for the user whom it names, and returns
// what tokens are made from. The event, which the caller writes, is completed with the user and with what scripts said.
func (p *Pipeline) Exchange(ctx context.Context, v Visit, x *TokenExchange, e *stagedoor.LogEvent) (*stagedoor.Authorization, *stagedoor.User, error) {
	if err := guard.Exchange(ctx, v.Store, v.IP); err != nil {
		return nil, nil, err
	}
	out, s, err := p.exchangeAction(ctx, v, x)
	e.Details = s.details(with(e.Details, "subject_token_type", x.SubjectType))
	if err != nil {
		return nil, nil, err
	}
	u, through, err := p.exchangedUser(ctx, v, x, &out)
	if err != nil {
		return nil, nil, err
	}
	e.UserID, e.UserName, e.Connection = u.ID, u.Shown(), cmp.Or(through, u.Connection)
	if u.IsBlocked() {
		return nil, nil, errBlocked()
	}
	a := &stagedoor.Authorization{
		ClientID: x.Client.ID, UserID: u.ID, Audience: x.Audience, Scope: token.Granted(x.Client, x.API, x.Scope), Conformant: true, Issuer: v.Issuer,
		AuthTime: v.Store.Clock().Now().Unix(), Connection: through, AccessEnded: u.AccessEnded,
	}
	if raw, ok := out.Effects.Answers["actor"]; ok {
		a.Actor = raw
		a.Scope = slices.DeleteFunc(a.Scope, func(s string) bool { return s == "offline_access" })
	}
	in := &ruleInput{client: x.Client, user: u, api: x.API, protocol: "oauth2-token-exchange", state: &stagedoor.ScriptState{}, exchange: x, through: through}
	if err := p.exchangeOrganization(ctx, v, x, &out, in, a); err != nil {
		return nil, nil, err
	}
	if in.org != nil {
		e.OrgID, e.OrgName = in.org.ID, in.org.Name
	}
	if err := saveMetadata(ctx, v.Store, u.ID, out.Effects); err != nil {
		return nil, nil, err
	}
	if on, err := assesses(ctx, v.Store); err != nil {
		return nil, nil, err
	} else if on { // a program asks, and its person need not be there
		if err := guard.Stay(ctx, v.Store, u); err != nil {
			return nil, nil, err
		}
	}
	if err := v.Store.RecordLogin(ctx, u, v.IP); err != nil {
		return nil, nil, err
	}
	if in.user, err = v.Store.User(ctx, u.ID); err != nil { // with the metadata and the login
		return nil, nil, err
	}
	spoken, err := p.runScripts(ctx, v, in, a)
	if d := in.factor; err == nil && (in.elsewhere != "" || d != nil && !d.None) { // there is nobody to ask
		err = cannotAsk(AskRedirect)
	}
	s.console, s.executions = append(s.console, spoken.console...), append(s.executions, spoken.executions...)
	e.Details = s.details(e.Details)
	if a.Actor != nil {
		a.Scope = slices.DeleteFunc(a.Scope, func(s string) bool { return s == "offline_access" })
	}
	return a, in.user, err
}

// exchangeAction runs the action of the subject token's type.
func (p *Pipeline) exchangeAction(ctx context.Context, v Visit, x *TokenExchange) (script.TriggerOutcome, said, error) {
	all, err := p.exchangeProfile(ctx, v, x.SubjectType)
	if err != nil {
		return script.TriggerOutcome{}, said{}, err
	}
	event := commonEvent(v, "POST", nil)
	api := v.Issuer + "userinfo"
	if x.API != nil {
		api = x.API.Identifier
	}
	event["client"], event["resource_server"] = eventClient(x.Client), map[string]any{"identifier": api}
	if x.Organization != "" {
		if o, err := FindOrganization(ctx, v.Store, x.Organization); err == nil {
			event["organization"] = scriptOrganization(o)
		} else {
			return script.TriggerOutcome{}, said{}, err
		}
	}
	transaction := map[string]any{
		"protocol": "oauth2-token-exchange", "subject_token": x.Subject, "subject_token_type": x.SubjectType, "requested_token_type": x.RequestedType,
		"requested_scopes": nonNilList(x.Scope),
	}
	set(transaction, map[string]string{"actor_token": x.Actor, "actor_token_type": x.ActorType})
	if acting, err := p.actingUser(ctx, v, x); err != nil {
		return script.TriggerOutcome{}, said{}, err
	} else if acting != nil {
		transaction["actor_token_user"] = acting
	}
	event["transaction"] = transaction
	out, s, err := all.run(ctx, event, nil)
	switch d := out.Effects.Denied; {
	case err != nil:
		return out, s, err
	case out.Failure != nil:
		return out, s, scripted("server_error", out.Failure.Message)
	case d != nil:
		var wrong bool
		if out.Effects.Answer("invalid_subject_token", &wrong) && wrong {
			if err := guard.WrongToken(ctx, v.Store, v.IP); err != nil {
				return out, s, err
			}
		}
		refusal := scripted(d.Code, d.Reason)
		if d.Code != "server_error" {
			refusal.Kind = stagedoor.Invalid
		}
		return out, s, refusal
	}
	return out, s, nil
}

// exchangeProfile is the action, in the version in force, that the profile of a type of tokens names.
func (p *Pipeline) exchangeProfile(ctx context.Context, v Visit, subjectType string) (*actions, error) {
	profiles, err := store.TokenExchangeProfiles.All(ctx, v.Store)
	if err != nil {
		return nil, err
	}
	for _, d := range profiles {
		var profile struct {
			SubjectType string `json:"subject_token_type"`
			Action      string `json:"action_id"`
		}
		if err := json.Unmarshal([]byte(d.Sealed), &profile); err != nil || profile.SubjectType != subjectType {
			continue
		}
		all, err := p.named(ctx, v, script.CustomTokenExchange, profile.Action)
		if no := noAction(""); errors.As(err, &no) {
			err = scripted("server_error", "The action of the token exchange profile "+string(no)+".")
		}
		return all, err
	}
	return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "There is no token exchange profile for the subject_token_type.")
}

// exchangedUser is the one user whom the action named, and the name of the connection if it named them by one.
func (p *Pipeline) exchangedUser(ctx context.Context, v Visit, x *TokenExchange, out *script.TriggerOutcome) (*stagedoor.User, string, error) {
	var id string
	var by script.ExchangedUser
	switch {
	case out.Effects.Answer("user", &id):
		u, err := v.Store.User(ctx, id)
		if stagedoor.IsKind(err, stagedoor.NotFound) {
			err = noSuchUser()
		}
		return u, "", err
	case out.Effects.Answer("connection", &by):
		u, err := p.connectedUser(ctx, v, x.Client, &by)
		return u, by.Connection, err
	}
	return nil, "", scripted("server_error", "The action of the token exchange profile set no user.")
}

func noSuchUser() error {
	return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "The user of the subject token does not exist.")
}

// connectedUser finds, makes or updates a user by their identity at a connection.
func (p *Pipeline) connectedUser(ctx context.Context, v Visit, client *stagedoor.Client, by *script.ExchangedUser) (*stagedoor.User, error) {
	conn, err := v.Store.ConnectionByName(ctx, by.Connection)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && !conn.EnabledFor(client.ID) {
		return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "The connection of the subject token's user is not enabled for the client.")
	}
	if err != nil {
		return nil, err
	}
	attributes := &by.Attributes
	identity := connection.ScriptedIdentity(conn, attributes.UserID)
	given := stagedoor.User{
		Email: attributes.Email, EmailVerified: isTrue(attributes.EmailVerified), Username: attributes.Username, PhoneNumber: attributes.PhoneNumber,
		PhoneVerified: isTrue(attributes.PhoneVerified), Name: attributes.Name, Nickname: attributes.Nickname, GivenName: attributes.GivenName,
		FamilyName: attributes.FamilyName, Picture: attributes.Picture,
	}
	if wrong := connection.Describe(conn, attributes.UserID, &given); wrong != "" {
		return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "The %s of the subject token's user is not valid.", wrong)
	}
	rename := func(u *stagedoor.User) error {
		if wrong := otherThan(u, &given, by); wrong != "" {
			return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "The %s of the subject token's user is not that of the existing user.", wrong)
		}
		u.Name, u.Nickname, u.GivenName, u.FamilyName, u.Picture = given.Name, given.Nickname, given.GivenName, given.FamilyName, given.Picture
		u.FillDefaults()
		return nil
	}
	u, err := v.Store.UserByIdentity(ctx, identity.FullID())
	switch {
	case err == nil && !slices.ContainsFunc(u.Identities, func(i stagedoor.Identity) bool { return i.FullID() == identity.FullID() && i.Connection == conn.Name }):
		return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "A user of another connection has the user_id of the subject token's user.")
	case err == nil && u.ID == identity.FullID() && by.Update:
		return v.Store.UpdateUser(ctx, u.ID, rename)
	case !stagedoor.IsKind(err, stagedoor.NotFound):
		return u, err
	case !by.Create:
		return nil, noSuchUser()
	}
	u = &given
	u.ID, u.Connection, u.Identities = identity.FullID(), conn.Name, []stagedoor.Identity{identity}
	u.FillDefaults()
	if err := v.Store.CreateUser(ctx, u, ""); err != nil {
		if stagedoor.IsKind(err, stagedoor.Conflict) {
			err = stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "%s", stagedoor.AsError(err).Message)
		}
		return nil, err
	}
	if attributes.VerifyEmail && p.AskToVerify != nil {
		p.AskToVerify(ctx, v, u, client)
	}
	return u, nil
}

func isTrue(b *bool) bool { return b != nil && *b }

// otherThan names what an action says of a user who is there already and what it is not: by what somebody is known, and whether that is theirs, no token of
// somebody else's making changes.
func otherThan(u, given *stagedoor.User, by *script.ExchangedUser) string {
	verified, phone := by.Attributes.EmailVerified, by.Attributes.PhoneVerified
	switch {
	case given.Email != "" && given.Email != u.Email:
		return "email"
	case verified != nil && *verified != u.EmailVerified:
		return "email_verified"
	case given.Username != "" && given.Username != u.Username:
		return "username"
	case given.PhoneNumber != "" && given.PhoneNumber != u.PhoneNumber:
		return "phone_number"
	case phone != nil && *phone != u.PhoneVerified:
		return "phone_verified"
	}
	return ""
}

// exchangeOrganization is for which organization the tokens are: the one that the action says, else the one that was asked for.
func (p *Pipeline) exchangeOrganization(ctx context.Context, v Visit, x *TokenExchange, out *script.TriggerOutcome, in *ruleInput, a *stagedoor.Authorization) error {
	var said string
	var err error
	if out.Effects.Answer("organization", &said) { // by the tenant's own word, whatever the client's settings are
		var o *stagedoor.Organization
		if o, err = anyOrganization(ctx, v.Store, said); err == nil {
			in.org, _, err = p.Organization(ctx, v.Store, o.ID, in.user.ID)
			a.OrgSet = true
		}
	} else {
		in.org, err = p.organizationOf(ctx, v.Store, x.Client, x.Organization, in.through, in.user.ID)
	}
	if in.org != nil {
		a.OrgID, a.OrgName = in.org.ID, OrganizationName(v.Store, in.org)
	}
	return err
}

// anyOrganization is the organization that an action names by its id or its name.
func anyOrganization(ctx context.Context, st *store.Store, asked string) (*stagedoor.Organization, error) {
	o, err := st.Organization(ctx, asked)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		o, err = st.OrganizationByName(ctx, asked)
	}
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		err = ErrOrganization(asked)
	}
	return o, err
}
