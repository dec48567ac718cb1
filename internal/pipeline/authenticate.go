package pipeline

import (
	"context"
	"crypto/subtle"
	"errors"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/password"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
)

// Opened is a session that the door has to give to the browser.
type Opened struct {
	Handle  string
	Session *stagedoor.Session
}

// answered returns the login that waits for page, if the form carries the value bound to it.
func (p *Pipeline) answered(ctx context.Context, v Visit, id, page, nonce string) (*stagedoor.Transaction, error) {
	tx, err := p.Page(ctx, v, id, page)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare([]byte(tx.Nonce), []byte(nonce)) != 1 {
		return nil, lost()
	}
	return tx, nil
}

// api returns the API of a request; nil where only /userinfo is meant.
func (p *Pipeline) api(ctx context.Context, st *store.Store, audience string) (*stagedoor.ResourceServer, error) {
	if token.IsUserInfo(st.Tenant(), audience) {
		return nil, nil
	}
	return token.ResourceServer(ctx, st, audience)
}

// Authenticate proves the person by identifier and password on the login page. A wrong password
// leaves the login where it was, for another try.
func (p *Pipeline) Authenticate(ctx context.Context, v Visit, id, nonce, identifier, secret string) (*Opened, error) {
	tx, err := p.answered(ctx, v, id, AskLogin, nonce)
	if err != nil {
		return nil, err
	}
	conn, err := connection.ForRequest(ctx, v.Store, &tx.Request)
	if err == nil && !conn.ForLogin() {
		err = connection.ErrNoPassword()
	}
	if err != nil {
		return nil, err
	}
	on := &connection.Occasion{ClientID: tx.Request.ClientID, Organization: tx.Request.Organization}
	u, err := p.password(ctx, v, conn, on, identifier, secret)
	if err != nil {
		return nil, err
	}
	return p.proved(ctx, v, tx, proof{conn: conn, user: u, method: "pwd", by: byPassword, console: on.Console})
}

// wrongSince makes a password that was right, but before all access of its user ended, a wrong one.
func wrongSince(err error) error {
	if stagedoor.HasCode(err, store.CodeAccessEnded) {
		return connection.ErrWrongCredentials()
	}
	return err
}

// password proves a person by their password, unless they or their address failed too often.
func (p *Pipeline) password(ctx context.Context, v Visit, conn *stagedoor.Connection, on *connection.Occasion, identifier, secret string) (*stagedoor.User, error) {
	if !conn.Passwords() {
		return nil, connection.ErrNoPassword()
	}
	w := wrong{visit: v, conn: conn, on: on, identifier: identifier}
	attempt := guard.Attempt{Store: v.Store, Connection: conn, Identifier: connection.Counted(conn, identifier), IP: v.IP}
	if err := guard.Login(ctx, attempt); err != nil {
		w.logRefused(err)
		return nil, err
	}
	on.Custom = p.customHash(v, conn, on)
	u, known, err := p.Database.On(on).Authenticate(ctx, v.Store, conn, identifier, secret)
	if err == nil {
		if err = guard.Passed(ctx, attempt); !stagedoor.IsKind(err, stagedoor.TooMany) {
			if err == nil {
				err = p.leaked(ctx, v, leak{stage: guard.AtLogin, conn: conn, clientID: on.ClientID, user: u, secret: secret})
			}
			return u, err
		}
		err = connection.ErrWrongCredentials() // too late: it counts as a wrong one, so that nothing tells them apart
	}
	if !stagedoor.HasCode(err, "invalid_grant") {
		w.log(u, known, err)
		return nil, err
	}
	out, countErr := guard.Failed(ctx, attempt)
	if countErr != nil {
		return nil, countErr
	}
	if out.Late {
		err = guard.ErrBlocked()
		w.logRefused(err)
	} else {
		w.log(u, known, err)
	}
	if out.TellAdmin && p.TellAdmin != nil {
		p.TellAdmin(ctx, v, "Too many failed logins from "+v.IP, "Too many logins from the network address "+v.IP+" have failed; the last was for the connection "+conn.Name+". "+
			"Where throttling of suspicious addresses blocks, it may not log anybody in for now. The tenant's log has the attempts.")
	}
	if out.NotifyUser && known && u.Email != "" && p.Blocked != nil {
		p.Blocked(ctx, v, conn, u, on.ClientID)
	}
	return nil, err
}

// SignUp is what a person fills in to get a user of their own.
type SignUp struct{ Email, Phone, Username, Password string }

// user is the user that it makes.
func (in *SignUp) user() *stagedoor.User {
	return &stagedoor.User{Email: in.Email, PhoneNumber: in.Phone, Username: in.Username}
}

// SignUp makes a user on the sign-up page and proves the person with it.
func (p *Pipeline) SignUp(ctx context.Context, v Visit, id, nonce string, in SignUp) (*Opened, *stagedoor.User, error) {
	tx, conn, err := p.signingUp(ctx, v, id, nonce, &in)
	if err != nil {
		return nil, nil, err
	}
	u := in.user()
	v.Login = &tx.Request
	if err := p.provedSignUp(ctx, v, tx, conn, u); err != nil {
		return nil, nil, err
	}
	on := &connection.Occasion{ClientID: tx.Request.ClientID, Organization: tx.Request.Organization}
	by := proof{conn: conn, user: u, method: "pwd", by: byPassword}
	if !conn.Passwords() {
		if !in.ByCodeAlone(conn) {
			return nil, nil, stagedoor.Errorf(stagedoor.Invalid, "missing_identifier", "There is nothing to log in with.")
		}
		in.Password, by.by, by.method = "", "", stagedoor.StrategyEmail
		if !u.EmailVerified && u.PhoneVerified {
			by.method = stagedoor.StrategySMS
		}
	}
	if err := p.registerLogged(ctx, v, conn, on, u, in.Password, !conn.Passwords()); err != nil {
		return nil, nil, err
	}
	by.console = on.Console
	opened, err := p.proved(ctx, v, tx, by)
	return opened, u, err
}

// Register makes a user of a database connection that people may sign up to, and logs it. The caller sends
// the mail that asks for the proof of the address.
func (p *Pipeline) Register(ctx context.Context, v Visit, conn *stagedoor.Connection, on *connection.Occasion, u *stagedoor.User, secret string) error {
	return p.registerLogged(ctx, v, conn, on, u, secret, false)
}

// registerLogged is Register, also of somebody who comes with a passkey, or a code, instead of a password.
func (p *Pipeline) registerLogged(ctx context.Context, v Visit, conn *stagedoor.Connection, on *connection.Occasion, u *stagedoor.User, secret string, bare bool) error {
	err := guard.SignUp(ctx, v.Store, v.IP)
	var client *stagedoor.Client
	if err == nil {
		if client, err = clientOf(ctx, v, on.ClientID); err == nil {
			err = p.register(ctx, v, conn, on, client, u, secret, bare)
		}
	}
	e := stagedoor.LogEvent{Type: "ss", ClientID: on.ClientID, Connection: conn.Name, ConnID: conn.ID, Strategy: conn.Strategy, UserID: u.ID, UserName: u.Shown()}
	e.Details = said{on.Console, on.Executions}.details(nil)
	if err != nil {
		e = unregistered(e, err)
	}
	v.Log(e)
	if err == nil {
		p.AfterRegistration(ctx, v, conn, client, u)
	}
	return err
}

// unregistered is the event of a sign-up that failed.
func unregistered(e stagedoor.LogEvent, err error) stagedoor.LogEvent {
	e.Type, e.UserID, e.Description = "fs", "", describe(err)
	if stagedoor.HasCode(err, "too_many_requests") {
		e.Type = "limit_mu"
	}
	if weak := (*password.Error)(nil); errors.As(err, &weak) {
		e.Description = weak.Message
	}
	if stagedoor.HasCode(err, CodeExtensibility) {
		e.Description = "PreUserRegistrationError on pre-user-registration: " + e.Description
	}
	return e
}

// clientOf returns the client in whose name a request comes, nil if that is nobody's.
func clientOf(ctx context.Context, v Visit, id string) (*stagedoor.Client, error) {
	if id == "" {
		return nil, nil
	}
	return v.Store.Client(ctx, id)
}

func (p *Pipeline) register(ctx context.Context, v Visit, conn *stagedoor.Connection, on *connection.Occasion, client *stagedoor.Client, u *stagedoor.User, secret string, bare bool) error {
	wrong := connection.CheckSignUp(conn, u)
	switch {
	case conn.Options.DisableSignup:
		return stagedoor.Errorf(stagedoor.Invalid, "signup_disabled", "Public signup is disabled")
	case wrong != nil:
		return wrong
	case !bare && !conn.Passwords():
		return stagedoor.Errorf(stagedoor.Invalid, "invalid_signup", "Nobody signs up to this connection with a password.")
	case secret == "" && !bare:
		return connection.CheckPassword(conn, secret)
	}
	if !bare { // scripts see what could become a user only
		if err := connection.CheckPassword(conn, secret); err != nil {
			return err
		}
	}
	var err error
	if u.Email, err = connection.NormalizeEmail(u.Email); err != nil {
		return err
	}
	if u.PhoneNumber != "" {
		if u.PhoneNumber, err = connection.NormalizePhone(u.PhoneNumber); err != nil {
			return err
		}
	}
	if err := p.BeforeRegistration(ctx, v, conn, on, client, u, secret); err != nil {
		return err
	}
	if err := p.leaked(ctx, v, leak{stage: guard.AtSignUp, conn: conn, clientID: on.ClientID, user: u, secret: secret}); err != nil {
		return err
	}
	return p.Database.On(on).Create(ctx, v.Store, conn, u, secret)
}

// proof is how a person has proved who they are.
type proof struct {
	conn    *stagedoor.Connection
	user    *stagedoor.User  // as they were when what they gave was looked at
	method  string           // as sessions name it: pwd, passkey, federated
	by      string           // as the step that offers a passkey knows it; empty: none is offered
	console []map[string]any // what the connection's scripts said
	counted bool             // as a login, already
	came    *stagedoor.CameBy
	risk    *stagedoor.RiskAssessment // nil: it is to be measured yet, if the login is not counted
}

// proved opens or renews the session, counts the login, and lets it go on: a login that fails here is not counted. One whose person has lost all access since they were looked at is lost, too.
func (p *Pipeline) proved(ctx context.Context, v Visit, tx *stagedoor.Transaction, by proof) (*Opened, error) {
	opened, err := p.admit(ctx, v, tx, by)
	if stagedoor.HasCode(err, store.CodeAccessEnded) {
		if err = lost(); by.method == "pwd" && !by.counted {
			err = connection.ErrWrongCredentials() // as if it had come a moment later
		}
	}
	return opened, err
}

func (p *Pipeline) admit(ctx context.Context, v Visit, tx *stagedoor.Transaction, by proof) (*Opened, error) {
	if !by.counted {
		risk, err := assessCounted(ctx, v, by.user.ID, false)
		if err != nil {
			return nil, err
		}
		by.risk = risk
	}
	opened, err := p.open(ctx, v, by)
	if err != nil {
		return nil, err
	}
	tx.UserID, tx.SessionID, tx.Fresh, tx.By = by.user.ID, opened.Session.ID, true, ""
	if by.conn.Passkeys().On {
		tx.By = by.by
	}
	tx.Scripted, tx.Result, tx.Script, tx.Step, tx.Nonce = false, nil, nil, "", ""
	tx.Factor, tx.Proof, tx.Noting, tx.Code = nil, "", false, nil
	if len(by.console) > 0 {
		tx.Script = &stagedoor.ScriptState{Console: by.console}
	}
	tx.Twin, tx.Alone, tx.Transfer = "", false, nil
	tx.Consented, tx.Denied = false, false // that was the word of who was here before
	if by.counted {
		return opened, v.Store.SaveTransaction(ctx, tx)
	}
	if err := v.Store.SaveProved(ctx, tx, by.user, v.IP); err != nil {
		return nil, err
	}
	return opened, nil
}

// open opens or renews the session of who has proved themselves. The caller counts the login.
func (p *Pipeline) open(ctx context.Context, v Visit, by proof) (*Opened, error) {
	u := by.user
	methods := []stagedoor.AuthMethod{{Name: by.method, Timestamp: v.Store.Clock().Now().UnixMilli()}}
	opened := &Opened{}
	old, err := session.Live(ctx, v.Store, v.Session)
	if err != nil {
		return nil, err
	}
	if old != nil && old.UserID == u.ID {
		opened.Session = old
		opened.Handle, err = session.Renew(ctx, v.Store, old, by.conn, methods, by.came, by.risk)
		return opened, err
	}
	if old != nil { // another person signs in with this browser
		if err := v.Store.DeleteSession(ctx, old.ID, stagedoor.LogoutRevoked); err != nil {
			return nil, err
		}
	}
	opened.Handle, opened.Session, err = session.Open(ctx, v.Store, u, by.conn, methods, by.came, by.risk, v.who())
	return opened, err
}
