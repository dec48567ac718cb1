package pipeline

import (
	"cmp"
	"context"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
)

// Direct is a token request by which a person signs in without a browser: there is no session, no page and no consent (Authentication API
// fact sheet 4.5).
type Direct struct {
	Client   *stagedoor.Client
	API      *stagedoor.ResourceServer // nil: for /userinfo only
	Audience string
	Scope    []string // as asked for

	Organization string // id or name of the one that it is for; may be empty
	Connection   string // name of the one by which they have proved themselves; empty: that is not known
	Protocol     string // as scripts know it
	GrantType    string // as access tokens name it
	Methods      []stagedoor.AuthMethod
	Legacy       bool // by the rules of the old kind: the scope names members of the profile
	Proof        Second
	Risk         *stagedoor.RiskAssessment // of the login, before it was counted; nil: it was not measured
	Since        *int64                    // User.AccessEnded of when they proved themselves; nil: they do so now
}

// Second is the second factor that a person has just given at the token endpoint; none is empty.
type Second struct {
	Kind  string
	Fresh bool // they have just set it up
}

// ByPassword signs a person in by their password, and returns what tokens are made from. The event, which the caller writes, is completed
// with the user and with what scripts said. It is ErrFactorRequired where a second factor is wanted: then the request goes on with
// [Pipeline.Direct].
func (p *Pipeline) ByPassword(ctx context.Context, v Visit, x *Direct, conn *stagedoor.Connection, identifier, secret string, e *stagedoor.LogEvent) (*stagedoor.Authorization, *stagedoor.User, error) {
	on := &connection.Occasion{ClientID: x.Client.ID, Organization: x.Organization}
	e.Connection, e.ConnID, e.Strategy, e.UserName = conn.Name, conn.ID, conn.Strategy, stagedoor.Clip(identifier, 254)
	if err := p.Human(ctx, v, guard.FlowPassword, nil); err != nil {
		return nil, nil, err
	}
	u, err := p.password(ctx, v, conn, on, identifier, secret)
	e.Details = said{console: on.Console}.details(e.Details)
	if err != nil {
		return nil, nil, err
	}
	return p.directly(ctx, v, x, conn, u, "pwd", e)
}

// directly counts the login of who has proved themselves through a connection, by a method as sessions name it, and goes on with the request.
func (p *Pipeline) directly(ctx context.Context, v Visit, x *Direct, conn *stagedoor.Connection, u *stagedoor.User, method string, e *stagedoor.LogEvent) (*stagedoor.Authorization, *stagedoor.User, error) {
	var err error
	if x.Risk, err = assessCounted(ctx, v, u.ID, true); err != nil {
		return nil, nil, err
	}
	if !u.IsBlocked() {
		if err := v.Store.RecordLogin(ctx, u, v.IP); err != nil {
			return nil, nil, err
		}
	}
	x.Since = &u.AccessEnded
	x.Connection = conn.Name
	x.Methods = []stagedoor.AuthMethod{{Name: method, Timestamp: v.Store.Clock().Now().UnixMilli()}}
	return p.Direct(ctx, v, x, u.ID, e)
}

// Direct goes on with a request whose person is proved: it runs the login's scripts with the user as they are now.
func (p *Pipeline) Direct(ctx context.Context, v Visit, x *Direct, userID string, e *stagedoor.LogEvent) (*stagedoor.Authorization, *stagedoor.User, error) {
	u, err := v.Store.User(ctx, userID)
	if err != nil {
		return nil, nil, err
	}
	e.UserID, e.UserName = u.ID, u.Shown()
	if u.IsBlocked() {
		return nil, u, errBlocked()
	}
	a := &stagedoor.Authorization{
		ClientID: x.Client.ID, UserID: u.ID, Audience: x.Audience, Scope: token.Granted(x.Client, x.API, x.Scope), Conformant: true, Issuer: v.Issuer,
		GrantType: x.GrantType, Connection: x.Connection, AccessEnded: u.AccessEnded,
	}
	if x.Since != nil {
		a.AccessEnded = *x.Since
	}
	if x.Legacy {
		a.Scope, a.Conformant = x.Scope, false
	}
	in := &ruleInput{client: x.Client, user: u, api: x.API, protocol: x.Protocol, proof: x.Proof.Kind, fresh: x.Proof.Fresh, state: &stagedoor.ScriptState{}, direct: x}
	if in.risk = x.Risk; in.risk == nil {
		if in.risk, err = assess(ctx, v, u.ID, true); err != nil {
			return nil, u, err
		}
	}
	if in.org, err = p.organizationOf(ctx, v.Store, x.Client, x.Organization, x.Connection, u.ID); err != nil {
		return nil, u, err
	}
	if in.org != nil {
		a.OrgID, a.OrgName, e.OrgID, e.OrgName = in.org.ID, OrganizationName(v.Store, in.org), in.org.ID, in.org.Name
	}
	spoken, err := p.runScripts(ctx, v, in, a)
	if err == nil && in.elsewhere != "" { // there is no browser
		err = cannotAsk(AskRedirect)
	}
	if err == nil && demandsDuo(in.factor) {
		err = ErrDuoBrowser()
	}
	if a.Factor = x.Proof.Kind != ""; err == nil && !a.Factor {
		err = wantsFactor(ctx, v.Store, in.factor, x.Risk)
		if guards, wrong := guardsFactors(ctx, v.Store, x.API, a.Scope, u.ID); err == nil && guards {
			err = ErrFactorRequired()
		} else if err == nil {
			err = wrong
		}
	}
	if stagedoor.HasCode(err, "mfa_required") {
		err = unlessStrange(ctx, v.Store, u.ID, x.Risk, err)
	}
	if err == nil && in.risk != nil {
		err = guard.End(ctx, v.Store, u.ID)
	}
	e.Details = spoken.details(e.Details)
	if err != nil {
		*e = failed(*e, err)
	}
	return a, in.user, err
}

// organizationOf is the organization that a token request of a user is for; nil if it is for none. What /authorize holds a request to, and a login, holds
// here, too: whether the client may use organizations, whether this one takes it, and whether its people come through the connection, if it is named.
func (p *Pipeline) organizationOf(ctx context.Context, st *store.Store, client *stagedoor.Client, asked, through, userID string) (*stagedoor.Organization, error) {
	if asked == "" {
		if client.OrganizationUse() == stagedoor.OrganizationsRequire {
			return nil, ErrOrganizationRequired()
		}
		return nil, nil
	}
	if !client.UsesOrganizations() {
		return nil, ErrNotForClient("organization")
	}
	o, err := FindOrganization(ctx, st, asked)
	if err != nil {
		return nil, err
	}
	if err := opens(ctx, st, client, o, through); err != nil {
		return nil, err
	}
	o, _, err = p.Organization(ctx, st, o.ID, userID)
	return o, err
}

// wantsFactor is ErrFactorRequired where scripts or the tenant's policy ask for a second factor.
func wantsFactor(ctx context.Context, st *store.Store, d *stagedoor.FactorDemand, risk *stagedoor.RiskAssessment) error {
	if d != nil {
		if d.None {
			return nil
		}
		return ErrFactorRequired()
	}
	s, err := mfa.SettingsOf(ctx, st)
	low := s.Risky && risk.Low()
	switch {
	case err != nil || !s.Always && !low:
		return err
	case s.Duo:
		return ErrDuoBrowser()
	case !s.Any() && !s.Others:
		return nil
	}
	return ErrFactorRequired()
}

// unlessStrange refuses whoever is asked for a second factor, by whom ever, and has none, where the policy asks by the risk and the login does not look like theirs: what they set up now might be
// somebody else's, and there is no page that asks for a code from their address.
func unlessStrange(ctx context.Context, st *store.Store, userID string, risk *stagedoor.RiskAssessment, asked error) error {
	s, err := mfa.SettingsOf(ctx, st)
	if err != nil || !s.Risky || risk == nil || !risk.Low() {
		return cmp.Or(err, asked)
	}
	m, err := mfa.MethodsOf(ctx, st, userID)
	if err == nil && m.None() {
		err = mfa.ErrNone()
	}
	return cmp.Or(err, asked)
}
