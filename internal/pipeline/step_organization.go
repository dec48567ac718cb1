package pipeline

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/store"
)

// findOrganization reads the organization that the login is for.
func (l *login) findOrganization(ctx context.Context) (err error) {
	if l.tx.Request.Organization == "" {
		return nil
	}
	l.org, err = l.st.Organization(ctx, l.tx.Request.Organization)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return ErrOrganization(l.tx.Request.Organization)
	}
	return err
}

// ErrOrganization is the answer to an organization that is not there (Authentication API fact sheet 2.2).
func ErrOrganization(id string) error {
	return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "parameter organization is invalid: %s", id)
}

// FindOrganization returns the organization that a request names: by its id, or by its name where the tenant allows that.
func FindOrganization(ctx context.Context, st *store.Store, asked string) (*stagedoor.Organization, error) {
	names := st.Tenant().Settings.OrganizationNames()
	var o *stagedoor.Organization
	err := error(stagedoor.Errorf(stagedoor.NotFound, "", ""))
	if strings.HasPrefix(asked, "org_") {
		o, err = st.Organization(ctx, asked)
	} else if !names {
		return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "authorization request parameter organization must be an organization id")
	}
	if stagedoor.IsKind(err, stagedoor.NotFound) && names {
		o, err = st.OrganizationByName(ctx, strings.ToLower(asked))
	}
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, ErrOrganization(stagedoor.Shorten(asked, 1024))
	}
	return o, err
}

// OrganizationName is the name of an organization as tokens show it; empty where the tenant keeps names out of them.
func OrganizationName(st *store.Store, o *stagedoor.Organization) string {
	if !st.Tenant().Settings.OrganizationNames() {
		return ""
	}
	return strings.ToLower(o.Name)
}

// asks tells whether the client has people say, in the way given, which organization they mean.
func (l *login) asks(behavior string) bool {
	return l.org == nil && !l.tx.Organized && l.client.OrganizationBehavior() == behavior && l.client.UsesOrganizations()
}

// nameOrganization asks, before anybody proves who they are, which organization the login is for.
func (l *login) nameOrganization(context.Context) (string, error) {
	if l.asks(stagedoor.OrganizationPreLogin) {
		return AskOrganization, nil
	}
	return "", nil
}

// chooseOrganization lets a person who is known choose among the organizations that they are a member of. Where one is needed
// and there is one only, that is it.
func (l *login) chooseOrganization(ctx context.Context) (string, error) {
	if !l.asks(stagedoor.OrganizationPostLogin) {
		return "", nil
	}
	theirs, err := choices(ctx, l.st, l.client, l.session)
	required := l.client.OrganizationUse() == stagedoor.OrganizationsRequire
	switch {
	case err != nil:
		return "", err
	case len(theirs) == 0 && required:
		return "", stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "client requires organization membership, but user does not belong to any organization")
	case len(theirs) == 0:
		return "", nil
	case len(theirs) == 1 && required:
		l.choose(&theirs[0])
		return "", nil
	}
	return AskOrganization, nil
}

func (l *login) choose(o *stagedoor.Organization) {
	l.org, l.tx.Request.Organization, l.tx.Organized, l.tx.Chosen = o, o.ID, true, true
}

// choices are the organizations of a session's person that take the client, and that people come to through the session's connection.
func choices(ctx context.Context, st *store.Store, client *stagedoor.Client, s *stagedoor.Session) ([]stagedoor.Organization, error) {
	all, err := st.UserOrganizations(ctx, s.UserID)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return taking(ctx, st, client, all, func(o *stagedoor.Organization) (bool, error) {
		enabled, err := throughConnection(ctx, st, o.ID, s.Connection)
		return enabled != nil, err
	})
}

// taking leaves of organizations those that take the client, and of which more is true.
func taking(ctx context.Context, st *store.Store, client *stagedoor.Client, all []stagedoor.Organization, more func(*stagedoor.Organization) (bool, error)) ([]stagedoor.Organization, error) {
	var out []stagedoor.Organization
	for _, o := range all {
		is, err := Takes(ctx, st, &o, client)
		if err == nil && is {
			is, err = more(&o)
		}
		if err != nil {
			return nil, err
		}
		if is {
			out = append(out, o)
		}
	}
	return out, nil
}

// Takes tells whether people may log in to the organization through the client.
func Takes(ctx context.Context, st *store.Store, o *stagedoor.Organization, client *stagedoor.Client) (bool, error) {
	if !o.ListsClients() {
		return o.Takes(client, nil), nil
	}
	of, err := st.OrganizationClient(ctx, o.ID, client.ID)
	if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
		return false, err
	}
	return o.Takes(client, of), nil
}

// throughConnection returns the connection called name as the organization has enabled it; nil if it has not.
func throughConnection(ctx context.Context, st *store.Store, orgID, name string) (*stagedoor.OrganizationConnection, error) {
	conn, err := st.ConnectionByName(ctx, name)
	var oc *stagedoor.OrganizationConnection
	if err == nil {
		oc, err = st.OrganizationConnection(ctx, orgID, conn.ID)
	}
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && !oc.IsEnabled {
		return nil, nil
	}
	return oc, err
}

// Choices are what the organization page offers: the organizations of the person, if the login knows one. personal tells
// whether the login may be for no organization.
func (p *Pipeline) Choices(ctx context.Context, v Visit, tx *stagedoor.Transaction, client *stagedoor.Client) (theirs []stagedoor.Organization, personal bool, err error) {
	personal = client.OrganizationUse() == stagedoor.OrganizationsAllow
	if tx.UserID == "" {
		return nil, personal, nil
	}
	s, err := v.Store.Session(ctx, tx.SessionID)
	if err != nil {
		return nil, false, gone(err)
	}
	theirs, err = choices(ctx, v.Store, client, s)
	return theirs, personal, err
}

// Choose takes the person's answer on the organization page: the id or the name of an organization, an e-mail address of one
// of its domains where the client takes that, or nothing for no organization. An address of several is [ErrSeveral]; the id of one of them comes with it, then.
func (p *Pipeline) Choose(ctx context.Context, v Visit, id, nonce, answer, address string) error {
	tx, err := p.answered(ctx, v, id, AskOrganization, nonce)
	if err != nil {
		return err
	}
	client, err := v.Store.Client(ctx, tx.Request.ClientID)
	if err != nil {
		return err
	}
	theirs, personal, err := p.Choices(ctx, v, tx, client)
	if err != nil {
		return err
	}
	switch {
	case answer == "" && personal:
		tx.Request.Organization = ""
	case tx.UserID != "":
		if !slices.ContainsFunc(theirs, func(o stagedoor.Organization) bool { return o.ID == answer }) {
			return ErrNoSuchOrganization()
		}
		tx.Request.Organization = answer
	default:
		if tx.Request.Organization, err = named(ctx, v.Store, client, answer, address, &tx.Request); err != nil {
			return err
		}
	}
	tx.Organized, tx.Chosen = true, tx.UserID != ""
	tx.Step, tx.Nonce = "", ""
	return v.Store.SaveTransaction(ctx, tx)
}

// ErrNoSuchOrganization is for what a person typed.
func ErrNoSuchOrganization() error {
	return stagedoor.Errorf(stagedoor.NotFound, "no_organization", "There is no such organization.")
}

// ErrSeveral is for an address that people of several organizations have: they say which.
func ErrSeveral() error {
	return stagedoor.Errorf(stagedoor.Invalid, "several_organizations", "There are several organizations of this domain.")
}

// named finds the organization that a person typed, or that they have chosen of those of their address. One through which nobody could log in counts as not there.
func named(ctx context.Context, st *store.Store, client *stagedoor.Client, answer, address string, req *stagedoor.AuthorizationRequest) (string, error) {
	answer, address = strings.ToLower(strings.TrimSpace(answer)), strings.ToLower(strings.TrimSpace(address))
	chosen := ""
	if address != "" {
		chosen, answer = answer, address
	}
	var found []stagedoor.Organization
	var err error
	if strings.Contains(answer, "@") && client.FindsOrganizationBy("email") {
		found, err = OfAddress(ctx, st, client, req, answer)
	} else if address == "" && client.FindsOrganizationBy("organization_name") {
		var o *stagedoor.Organization
		if o, err = st.OrganizationByName(ctx, answer); err == nil {
			found, err = openTo(ctx, st, client, req, []stagedoor.Organization{*o})
		}
		answer = req.LoginHint
	}
	if chosen != "" {
		found = slices.DeleteFunc(found, func(o stagedoor.Organization) bool { return !strings.EqualFold(o.ID, chosen) })
	}
	switch {
	case err != nil && !stagedoor.IsKind(err, stagedoor.NotFound):
		return "", err
	case err != nil || len(found) == 0:
		return "", ErrNoSuchOrganization()
	case len(found) > 1:
		return "", ErrSeveral()
	}
	req.LoginHint = answer
	return found[0].ID, nil
}

// OfAddress are the organizations that people with an address belong to, by its domain, and through which somebody could log in for the request.
func OfAddress(ctx context.Context, st *store.Store, client *stagedoor.Client, req *stagedoor.AuthorizationRequest, address string) ([]stagedoor.Organization, error) {
	_, domain, _ := strings.Cut(strings.ToLower(strings.TrimSpace(address)), "@")
	all, err := st.OrganizationsByDomain(ctx, domain)
	if err != nil {
		return nil, err
	}
	return openTo(ctx, st, client, req, all)
}

// openTo leaves of organizations those through which somebody could log in for the request.
func openTo(ctx context.Context, st *store.Store, client *stagedoor.Client, req *stagedoor.AuthorizationRequest, all []stagedoor.Organization) ([]stagedoor.Organization, error) {
	return taking(ctx, st, client, all, func(o *stagedoor.Organization) (bool, error) {
		asked := *req
		asked.Organization = o.ID
		_, err := connection.ForRequest(ctx, st, &asked)
		if stagedoor.IsKind(err, stagedoor.Invalid) {
			return false, nil
		}
		return err == nil, err
	})
}

// joinOrganization makes sure that the person is a member of the organization that the login is for: by the invitation that
// they follow, or because who comes through the connection becomes one.
func (l *login) joinOrganization(ctx context.Context) (string, error) {
	if l.org == nil {
		if l.client.OrganizationUse() == stagedoor.OrganizationsRequire {
			return "", ErrOrganizationRequired()
		}
		return "", nil
	}
	through, err := throughConnection(ctx, l.st, l.org.ID, l.session.Connection)
	if err != nil {
		return "", err
	}
	if through == nil {
		return "", errNotThrough()
	}
	if l.tx.Request.Invitation != "" {
		return "", l.accept(ctx)
	}
	member, err := l.st.IsMember(ctx, l.org.ID, l.user.ID)
	if member || err != nil {
		return "", err
	}
	if !through.AssignMembershipOnLogin {
		return "", errNoMember(l.user.ID, l.org.ID)
	}
	if l.tx.Request.HasPrompt("none") { // which is no login: whose membership was taken away would have it again by a frame of a page that they have open
		return "", cannotAsk(AskLogin)
	}
	if err := l.st.AddMembers(ctx, l.org.ID, []string{l.user.ID}); err != nil {
		return "", err
	}
	l.logMember("auto_membership")
	return "", nil
}

// logMember notes that the login has made the person a member, and why.
func (l *login) logMember(reason string) {
	e := l.event("organization_member_added")
	e.Details = with(e.Details, "reason", reason)
	l.visit.Log(e)
}

// ErrOrganizationRequired is the answer where a client needs an organization and the request names none.
func ErrOrganizationRequired() error {
	return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "parameter organization is required for this client")
}

// ErrNotForClient is the answer where a request names what its client may not use (Authentication API fact sheet 2.2).
func ErrNotForClient(parameter string) error {
	return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "parameter %s is not allowed for this client", parameter)
}

// notTaken tells the log, and nobody else, that it is the organization which does not take the client.
type notTaken struct{ org *stagedoor.Organization }

func (n *notTaken) Error() string {
	return "the organization " + n.org.ID + " does not take the client"
}

// ErrNotTaken is the answer where the organization does not take the client: that of a client without organizations.
func ErrNotTaken(o *stagedoor.Organization) error {
	e := stagedoor.AsError(ErrNotForClient("organization"))
	e.Err = &notTaken{o}
	return e
}

// Denied makes the log event of a failure, of whatever kind, one of its own where the organization does not take the client.
func Denied(e *stagedoor.LogEvent, err error) {
	var n *notTaken
	if errors.As(err, &n) {
		e.Type, e.OrgID, e.OrgName = "organization_access_denied", n.org.ID, n.org.Name
	}
}

// errNotThrough is the answer where an organization's people do not come through the connection.
func errNotThrough() error {
	return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "the connection is not enabled")
}

func errNoMember(userID, orgID string) error {
	return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "user %s is not part of the %s organization", userID, orgID)
}

// ErrInvitation is the one answer for an invitation that never was, is used, taken back or has expired.
func ErrInvitation() error {
	return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "invitation not found or already used")
}

// invited tells whether the invitation is meant for the user.
func (l *login) invited(ctx context.Context, userID string) (bool, error) {
	v, err := l.st.Invitation(ctx, l.tx.Request.Organization, l.tx.Request.Invitation)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return false, ErrInvitation()
	}
	if err != nil {
		return false, err
	}
	u, err := l.st.User(ctx, userID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return false, nil
	}
	return err == nil && v.For(u.Email), err
}

// accept makes the person a member by the invitation, which is used up. Who followed the link of a mail has the mail's address.
func (l *login) accept(ctx context.Context) error {
	meant, err := l.invited(ctx, l.user.ID)
	if err == nil && !meant {
		err = stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "the specified account is not allowed to accept the current invitation")
	}
	var v *stagedoor.Invitation
	if err == nil {
		if v, err = l.st.AcceptInvitation(ctx, l.org.ID, l.tx.Request.Invitation, l.user.ID); stagedoor.IsKind(err, stagedoor.NotFound) {
			err = ErrInvitation()
		}
	}
	if err != nil {
		l.visit.Log(failed(l.event("fi"), err))
		return err
	}
	l.tx.Request.Invitation = ""
	l.visit.Log(l.event("si"))
	l.logMember("invitation")
	if v.UserMetadata != nil || v.AppMetadata != nil {
		if l.user, err = l.st.PatchMetadata(ctx, l.user.ID, v.UserMetadata, v.AppMetadata, l.st.Tenant().Settings.MetadataLimit()); err != nil {
			return err
		}
	}
	if v.Mailed && !l.user.EmailVerified {
		l.user, err = l.st.UpdateUser(ctx, l.user.ID, func(u *stagedoor.User) error {
			u.EmailVerified = u.EmailVerified || v.For(u.Email)
			return nil
		})
	}
	return err
}

// Signup tells whether strangers may sign up in a login: in one for an organization by an invitation, or where the
// organization's connection lets them; else where the connection does.
func Signup(ctx context.Context, st *store.Store, req *stagedoor.AuthorizationRequest, conn *stagedoor.Connection) (bool, error) {
	switch {
	case req.Organization == "":
		return !conn.Options.DisableSignup, nil
	case req.Invitation != "":
		return true, nil
	}
	oc, err := throughConnection(ctx, st, req.Organization, conn.Name)
	return oc != nil && oc.IsSignupEnabled && !conn.Options.DisableSignup, err
}

// signupThrough returns the connection as a sign-up in the login finds it: switched on or off.
func signupThrough(ctx context.Context, st *store.Store, req *stagedoor.AuthorizationRequest, conn *stagedoor.Connection) (*stagedoor.Connection, error) {
	may, err := Signup(ctx, st, req, conn)
	c := *conn
	c.Options.DisableSignup = !may
	return &c, err
}

// Organization returns the organization of a token that is about to be made anew, and its name as tokens show it. A person who
// is no member any more gets none.
func (p *Pipeline) Organization(ctx context.Context, st *store.Store, orgID, userID string) (*stagedoor.Organization, string, error) {
	o, err := st.Organization(ctx, orgID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, "", errNoMember(userID, orgID)
	}
	if err != nil {
		return nil, "", err
	}
	member, err := st.IsMember(ctx, orgID, userID)
	if err == nil && !member {
		err = errNoMember(userID, orgID)
	}
	return o, OrganizationName(st, o), err
}

// StillIn is [Pipeline.Organization] for somebody who logged in for the organization some time ago, through the client and the connection called through, which
// is empty where that is not known. What has closed since gives no further tokens.
func (p *Pipeline) StillIn(ctx context.Context, st *store.Store, client *stagedoor.Client, orgID, userID, through string) (*stagedoor.Organization, string, error) {
	o, name, err := p.Organization(ctx, st, orgID, userID)
	if err == nil {
		err = opens(ctx, st, client, o, through)
	}
	return o, name, err
}

// opens tells whether an organization lets its people in through the client, and through the connection, if that is known.
func opens(ctx context.Context, st *store.Store, client *stagedoor.Client, o *stagedoor.Organization, through string) error {
	takes, err := Takes(ctx, st, o, client)
	if err != nil {
		return err
	}
	switch {
	case !client.UsesOrganizations():
		return ErrNotForClient("organization")
	case !takes:
		return ErrNotTaken(o)
	}
	if through == "" {
		return nil
	}
	oc, err := throughConnection(ctx, st, o.ID, through)
	if err == nil && oc == nil {
		err = errNotThrough()
	}
	return err
}
