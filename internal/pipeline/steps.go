package pipeline

import (
	"context"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/telemetry"
	"github.com/stagedoor/stagedoor/internal/token"
)

// login is one run of the steps.
type login struct {
	*Pipeline
	visit   Visit
	st      *store.Store
	tx      *stagedoor.Transaction
	client  *stagedoor.Client
	api     *stagedoor.ResourceServer
	user    *stagedoor.User
	has     store.Belongings          // of the user with knownID
	risk    *stagedoor.RiskAssessment // nil: it is not measured
	knownID string
	org     *stagedoor.Organization // nil: the login is for none
	session *stagedoor.Session
	said    said // what scripts leave behind for the login's log event
	back    *way // how the person came back whom scripts had sent elsewhere; nil: they did not

	opened *Opened // the session that a session transfer token has opened
	taken  bool    // a session transfer token was used up

	recookie  bool   // scripts changed what the session's cookie says
	elsewhere string // where scripts send the person
}

// step asks for a page, refuses, or has nothing to say.
type step struct {
	name string
	run  func(*login, context.Context) (ask string, err error)
}

// steps is the whole login, in order.
var steps = []step{
	{"take a session transfer token", (*login).transfer},
	{"give up where the provider did", (*login).giveUp},
	{"ask which organization it is for", (*login).nameOrganization},
	{"know the person", (*login).know},
	{"refuse blocked users", (*login).refuse},
	{"suggest to link another account", (*login).suggest},
	{"use the session", (*login).useSession},
	{"let the person choose an organization", (*login).chooseOrganization},
	{"make sure that they are a member", (*login).joinOrganization},
	{"measure the risk", (*login).assess},
	{"run post-login scripts", (*login).scripts},
	{"ask for a second factor", (*login).factor},
	{"offer a passkey", (*login).offerPasskey},
	{"ask for consent", (*login).consent},
	{"let the client know the session", (*login).join},
	{"know the browser next time", (*login).settle},
}

func (p *Pipeline) run(ctx context.Context, l *login) (*Outcome, error) {
	out, err := p.outcome(ctx, l)
	if out == nil {
		return nil, err
	}
	if out.Opened, out.Transferred = l.opened, l.taken; l.recookie && l.opened != nil {
		out.Opened = &Opened{Handle: l.opened.Handle, Session: l.session}
	} else if l.recookie {
		out.Recookie = l.session
	}
	return out, err
}

// outcome is what becomes of a login now: a page, a refusal, or what it gives.
func (p *Pipeline) outcome(ctx context.Context, l *login) (*Outcome, error) {
	out := &Outcome{Request: l.tx.Request, Client: l.client, API: l.api}
	err := l.findOrganization(ctx)
	if err == nil {
		out.Ask, err = l.walk(ctx)
	}
	switch {
	case err != nil:
		return l.refused(ctx, out, err)
	case out.Ask == AskRedirect:
		out.Elsewhere, err = l.leave(ctx)
		return out, err
	case out.Ask != "":
		out.Transaction, err = l.tx, l.save(ctx, out.Ask)
		return out, err
	}
	if err := l.end(ctx); err != nil {
		return nil, err
	}
	if !hinted(&l.tx.Request, l.user.ID) { // a script has made somebody else of them
		err := cannotAsk(AskLogin)
		l.logFailure(err)
		return out, err
	}
	out.User, out.Result = l.user, l.tx.Result
	out.Result.AccessEnded = l.session.AccessEnded
	l.logSuccess()
	return out, nil
}

// walk takes the steps until one asks for something, or refuses.
func (l *login) walk(ctx context.Context) (string, error) {
	for _, s := range steps {
		if ask, err := l.take(ctx, s); ask != "" || err != nil {
			return ask, err
		}
	}
	return "", nil
}

// take takes one step, and refuses to ask where nobody can be asked, or the login has no room.
func (l *login) take(ctx context.Context, s step) (string, error) {
	stepCtx, span := telemetry.Start(ctx, "step: "+s.name)
	ask, err := s.run(l, stepCtx)
	if err != nil {
		span.Fail("refused")
	}
	span.Set("stagedoor.ask", ask)
	span.End()
	switch {
	case err != nil || ask == "":
		return "", err
	case l.tx.Request.HasPrompt("none"):
		return "", cannotAsk(ask)
	case ask == AskLogin && l.org != nil:
		err = l.shown(ctx)
	}
	if err == nil && l.tx.ID == "" {
		err = l.room(l.visit, guard.Logins, sizeOf(&l.tx.Request))
	}
	if err != nil {
		return "", err
	}
	return ask, nil
}

// refused ends a login that gives nothing.
func (l *login) refused(ctx context.Context, out *Outcome, err error) (*Outcome, error) {
	if gone := l.end(ctx); gone != nil {
		return nil, gone
	}
	out.Request = l.tx.Request
	l.logFailure(err)
	return out, err
}

// shown tells whether the login page shows a way in to the login's organization.
func (l *login) shown(ctx context.Context) error {
	choice, err := connection.Choose(ctx, l.st, &l.tx.Request)
	if err != nil {
		return err
	}
	return choice.Shown()
}

// end uses up a stored login: of two callers one gets the result, the other a lost transaction.
func (l *login) end(ctx context.Context) error {
	if l.tx.ID == "" {
		return nil
	}
	_, err := l.st.TakeTransaction(ctx, l.tx.ID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return lost()
	}
	return err
}

// cannotAsk is the answer when a page is needed but prompt=none forbids it.
func cannotAsk(ask string) error {
	switch ask {
	case AskConsent:
		return stagedoor.Errorf(stagedoor.Forbidden, "consent_required", "Consent required")
	case AskOrganization, AskRedirect, AskForm:
		return stagedoor.Errorf(stagedoor.Forbidden, "interaction_required", "Interaction required")
	case AskFactor, AskEnroll, AskNote, AskDuo: // SDKs know this text
		return stagedoor.Errorf(stagedoor.Forbidden, "login_required", "Multifactor authentication required")
	}
	return stagedoor.Errorf(stagedoor.Forbidden, "login_required", "Login required")
}

// save stores the login before its page is shown. The form's value stays the same
// as long as the step does, so that a page may be loaded twice.
func (l *login) save(ctx context.Context, ask string) error {
	keep := l.st.SaveTransaction
	if l.tx.ID == "" {
		l.tx.ID, keep = stagedoor.NewToken(), l.st.BeginTransaction
	}
	if l.tx.Step != ask {
		l.tx.Step, l.tx.Nonce = ask, stagedoor.NewToken()
	}
	return keep(ctx, l.tx)
}

// know finds out who the person is: from this login's own proof, or from the session. A login that knows its person goes on
// only in the browser that holds that person's session: not after a logout, nor where somebody else is signed in now, nor
// where the browser cookie was planted to end a stranger's login.
func (l *login) know(ctx context.Context) (string, error) {
	req := &l.tx.Request
	s, err := session.Live(ctx, l.st, l.visit.Session)
	switch {
	case err != nil:
		return "", err
	case l.tx.UserID == "":
		if s == nil || req.HasPrompt("login") || req.HasPrompt("select_account") || tooOld(l.st, s, req.MaxAge) || !hinted(req, s.UserID) {
			return AskLogin, nil
		}
		if ok, err := l.serves(ctx, s); !ok || err != nil {
			return AskLogin, err
		}
		l.tx.UserID, l.tx.SessionID = s.UserID, s.ID
	case !sameSession(l.tx, s), req.Approval && !hinted(req, s.UserID): // nobody else's login ends the request
		return l.startOver()
	}
	l.session = s
	u, has, err := l.st.UserWith(ctx, l.tx.UserID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return l.startOver()
	}
	if l.user = u; err == nil {
		l.has, l.knownID = has, u.ID
	}
	if err == nil && !hinted(req, u.ID) {
		err = stagedoor.Errorf(stagedoor.Forbidden, "login_required", "The user is not the one of the id_token_hint.")
	}
	return "", err
}

// hinted tells whether the user is the one that the client expects, if it expects one (OpenID Connect Core 3.1.2.2).
func hinted(req *stagedoor.AuthorizationRequest, userID string) bool {
	return req.Subject == "" || req.Subject == userID
}

// sameSession tells whether s is the session that the login's person proved themselves in.
func sameSession(tx *stagedoor.Transaction, s *stagedoor.Session) bool {
	return s != nil && s.ID == tx.SessionID && s.UserID == tx.UserID
}

// startOver asks for a person, and forgets all that the one before has proved, agreed to and would have been granted.
func (l *login) startOver() (string, error) {
	l.tx.UserID, l.tx.SessionID, l.tx.Fresh, l.tx.By, l.tx.Transfer = "", "", false, "", nil
	if l.tx.Chosen {
		l.tx.Chosen, l.tx.Organized, l.tx.Request.Organization, l.org = false, false, "", nil
	}
	l.tx.Factor, l.tx.Proof, l.tx.Noting = nil, "", false
	l.tx.Scripted, l.tx.Result, l.tx.Script, l.tx.Consented, l.tx.Denied = false, nil, nil, false, false
	return AskLogin, nil
}

// serves tells whether the client may sign people in through the session's connection, and whether
// that is the one asked for.
func (l *login) serves(ctx context.Context, s *stagedoor.Session) (bool, error) {
	req := l.tx.Request
	req.Connection = s.Connection
	conn, err := connection.ForRequest(ctx, l.st, &req)
	if err == nil && l.tx.Request.Connection != "" {
		var asked *stagedoor.Connection
		if asked, err = connection.ForRequest(ctx, l.st, &l.tx.Request); err == nil && asked.ID != conn.ID {
			return false, nil
		}
	}
	if err == nil && l.tx.Request.Invitation != "" {
		return l.invited(ctx, s.UserID)
	}
	if stagedoor.IsKind(err, stagedoor.Invalid) {
		return false, nil
	}
	return err == nil, err
}

func tooOld(st *store.Store, s *stagedoor.Session, maxAge *int) bool {
	return maxAge != nil && st.Clock().Now().Unix()-s.AuthenticatedAt.Unix() >= int64(*maxAge)
}

func (l *login) refuse(context.Context) (string, error) {
	if l.user.IsBlocked() {
		return "", errBlocked()
	}
	return "", nil
}

func errBlocked() error {
	return stagedoor.Errorf(stagedoor.Unauthorized, "unauthorized", "user is blocked")
}

// useSession notes that the session was used. One that ends just now ends the login too.
func (l *login) useSession(ctx context.Context) (string, error) {
	return l.unlessEnded(session.Touch(ctx, l.st, l.session, l.visit.who()))
}

// join notes the client in the session, now that nothing keeps it from what the login ends in. A device learns nothing of the browser's session.
func (l *login) join(ctx context.Context) (string, error) {
	if l.tx.Request.Device != "" {
		return "", nil
	}
	return l.unlessEnded(session.Join(ctx, l.st, l.session, l.client.ID, l.tx.Request.Issuer))
}

func (l *login) unlessEnded(err error) (string, error) {
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return l.startOver()
	}
	return "", err
}

// authorization is what the request amounts to before scripts change it.
func (l *login) authorization() *stagedoor.Authorization {
	req := &l.tx.Request
	a := &stagedoor.Authorization{
		ClientID: l.client.ID, UserID: l.user.ID, SessionID: l.session.ID, Audience: req.Audience,
		Scope: req.Scope, Nonce: req.Nonce, Conformant: req.Conformant, Issuer: req.Issuer, Connection: l.session.Connection,
	}
	if req.Conformant {
		a.Scope = token.Granted(l.client, l.api, req.Scope)
	}
	if a.Transfer = l.session.Transfer; (a.Transfer != nil || l.tx.Transfer != nil) && l.client.KeepsTransfersOffline() {
		a.Scope = slices.DeleteFunc(slices.Clone(a.Scope), func(s string) bool { return s == "offline_access" })
	}
	a.Online = req.HasScope("online_access") && req.Has("code") && req.Device == "" && l.api != nil && l.api.AllowsOnline(true)
	a.Details = req.Details
	if l.org != nil {
		a.OrgID, a.OrgName = l.org.ID, OrganizationName(l.st, l.org)
	}
	if req.MaxAge != nil || req.HasPrompt("login") {
		a.AuthTime = l.session.AuthenticatedAt.Unix()
	}
	return a
}
