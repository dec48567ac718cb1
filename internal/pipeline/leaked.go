package pipeline

import (
	"context"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
)

// CodeLeaked is the code of errors about passwords that have become public.
const CodeLeaked = "password_leaked"

// leak is a password that somebody logs in with, or wants to have.
type leak struct {
	stage    guard.Stage
	conn     *stagedoor.Connection
	clientID string
	user     *stagedoor.User
	secret   string
}

// leakEvents are the log events of the stages.
var leakEvents = [...]string{guard.AtLogin: "pwd_leak", guard.AtSignUp: "signup_pwd_leak", guard.AtReset: "reset_pwd_leak"}

// CheckLeaked tells whether a password may become a user's, as far as it has become public.
func (p *Pipeline) CheckLeaked(ctx context.Context, v Visit, conn *stagedoor.Connection, clientID string, u *stagedoor.User, secret string) error {
	return p.leaked(ctx, v, leak{stage: guard.AtReset, conn: conn, clientID: clientID, user: u, secret: secret})
}

// leaked looks a password up and does what the tenant wants to be done about one that has become public. A login is refused only after
// the password was right, so that the answer tells nothing to who guesses.
func (p *Pipeline) leaked(ctx context.Context, v Visit, l leak) error {
	found, err := guard.Leaked(ctx, v.Store, p.Leaks, l.stage, l.secret)
	if err != nil || !found.Found {
		return err
	}
	v.Log(stagedoor.LogEvent{
		Type: leakEvents[l.stage], ClientID: l.clientID, Connection: l.conn.Name, ConnID: l.conn.ID, Strategy: l.conn.Strategy, UserID: l.user.ID,
		UserName: l.user.Shown(), Description: "The password has become public in a data leak of another site.",
	})
	if found.NotifyUser && p.WarnLeaked != nil && l.user.Email != "" {
		now, err := guard.WarnOnce(ctx, v.Store, l.user.ID)
		if err != nil {
			return err
		}
		if now {
			p.WarnLeaked(ctx, v, l.user, l.clientID)
		}
	}
	if found.TellAdmin && p.TellAdmin != nil {
		p.TellAdmin(ctx, v, "Passwords that have become public", "Somebody has used a password that became public in a data leak of another site (connection "+l.conn.Name+
			"). The events pwd_leak, signup_pwd_leak and reset_pwd_leak of the tenant's log tell who.")
	}
	switch {
	case !found.Block:
		return nil
	case l.stage == guard.AtLogin:
		return stagedoor.Errorf(stagedoor.Unauthorized, CodeLeaked, "This login attempt has been blocked because the password you're using was previously disclosed through a data breach "+
			"(not in this application). Please check your email for more information.")
	}
	return stagedoor.Errorf(stagedoor.Invalid, CodeLeaked, "The password was previously disclosed through a data breach (not in this application). Please choose another one.")
}
