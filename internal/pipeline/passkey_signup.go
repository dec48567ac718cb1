package pipeline

import (
	"context"
	"encoding/json"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
)

// PasskeySignUp is somebody on the way to a user of their own whose passkey is still to be made.
type PasskeySignUp struct {
	User       stagedoor.User // with the id that they will have
	Connection string
	ClientID   string
	Body       map[string]any `json:",omitempty"` // what they sent, as scripts see it
}

// StartPasskeySignUp begins a sign-up without a password, for what of is, and returns what is needed to make the passkey.
func (p *Pipeline) StartPasskeySignUp(ctx context.Context, v Visit, conn *stagedoor.Connection, clientID string, u *stagedoor.User, of string, until time.Time, origins ...string) (json.RawMessage, error) {
	if !conn.Passkeys().On || conn.Options.DisableSignup {
		return nil, stagedoor.Errorf(stagedoor.Invalid, "signup_disabled", "Public signup is disabled")
	}
	if err := connection.CheckSignUp(conn, u); err != nil {
		return nil, err
	}
	var err error
	if u.Email, err = connection.NormalizeEmail(u.Email); err != nil {
		return nil, err
	}
	if u.PhoneNumber != "" {
		if u.PhoneNumber, err = connection.NormalizePhone(u.PhoneNumber); err != nil {
			return nil, err
		}
	}
	u.ID = connection.StrategyDatabase + "|" + stagedoor.NewHexID()
	keys, err := p.passkeys(ctx, v, origins...)
	if err != nil {
		return nil, err
	}
	state, err := json.Marshal(PasskeySignUp{*u, conn.Name, clientID, v.Body})
	if err == nil {
		err = p.room(v, guard.Logins, len(state))
	}
	if err != nil {
		return nil, err
	}
	if err := v.Store.SaveCeremony(ctx, "passkey sign-up/"+of, string(state), until); err != nil {
		return nil, err
	}
	return keys.BeginNew(ctx, u, of, until)
}

// PasskeySigningUp is the sign-up that is under way for what of is, without ending it.
func (p *Pipeline) PasskeySigningUp(ctx context.Context, v Visit, of string) (*PasskeySignUp, error) {
	state, err := v.Store.Ceremony(ctx, "passkey sign-up/"+of)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, lost()
	}
	if err != nil {
		return nil, err
	}
	s := &PasskeySignUp{}
	return s, json.Unmarshal([]byte(state), s)
}

// finishPasskeySignUp checks the passkey, and makes the user whose it is.
func (p *Pipeline) finishPasskeySignUp(ctx context.Context, v Visit, conn *stagedoor.Connection, on *connection.Occasion, of string, response []byte, origins ...string) (*stagedoor.User, error) {
	s, err := p.PasskeySigningUp(ctx, v, of)
	if err != nil {
		return nil, err
	}
	keys, err := p.passkeys(ctx, v, origins...)
	if err != nil {
		return nil, err
	}
	if s.Connection != conn.Name || s.ClientID != on.ClientID {
		return nil, lost()
	}
	if v.Body == nil { // the page that takes the key sends nothing else
		v.Body = s.Body
	}
	u := &s.User
	m, err := keys.New(ctx, u, of, response)
	if err != nil {
		return nil, err
	}
	if err := p.registerLogged(ctx, v, conn, on, u, "", true); err != nil {
		return nil, err
	}
	if err := keepPasskey(ctx, v, u, m); err != nil {
		return u, err
	}
	return u, v.Store.DropCeremony(ctx, "passkey sign-up/"+of)
}

// BeginPasskeySignUp begins a sign-up without a password on the sign-up page of a login.
func (p *Pipeline) BeginPasskeySignUp(ctx context.Context, v Visit, id, nonce string, in SignUp) (json.RawMessage, error) {
	tx, conn, err := p.signingUp(ctx, v, id, nonce, &in)
	if err != nil {
		return nil, err
	}
	u := in.user()
	if err := p.provedSignUp(ctx, v, tx, conn, u); err != nil {
		return nil, err
	}
	return p.StartPasskeySignUp(ctx, v, conn, tx.Request.ClientID, u, "sign-up/"+tx.ID, tx.ExpiresAt)
}

// EndPasskeySignUp takes the passkey that the browser has made on the sign-up page, makes the user and proves the person with it.
func (p *Pipeline) EndPasskeySignUp(ctx context.Context, v Visit, id, nonce string, response []byte) (*Opened, *stagedoor.User, error) {
	tx, conn, err := p.signingUp(ctx, v, id, nonce, nil)
	if err != nil {
		return nil, nil, err
	}
	on := &connection.Occasion{ClientID: tx.Request.ClientID, Organization: tx.Request.Organization}
	v.Login = &tx.Request
	u, err := p.finishPasskeySignUp(ctx, v, conn, on, "sign-up/"+tx.ID, response)
	if err != nil {
		return nil, nil, err
	}
	opened, err := p.proved(ctx, v, tx, proof{conn: conn, user: u, method: byPasskey, by: byPasskey, console: on.Console})
	return opened, u, err
}

// signingUp is the login in which somebody signs up, and where. What they fill in is checked against an invitation.
func (p *Pipeline) signingUp(ctx context.Context, v Visit, id, nonce string, in *SignUp) (*stagedoor.Transaction, *stagedoor.Connection, error) {
	tx, err := p.answered(ctx, v, id, AskLogin, nonce)
	if err != nil {
		return nil, nil, err
	}
	conn, err := connection.ForRequest(ctx, v.Store, &tx.Request)
	if err == nil && !conn.ForLogin() {
		err = connection.ErrNoPassword()
	}
	if err == nil {
		conn, err = signupThrough(ctx, v.Store, &tx.Request, conn)
	}
	if err == nil && in != nil && tx.Request.Invitation != "" && !stagedoor.SameAddress(in.Email, tx.Request.LoginHint) {
		err = stagedoor.Errorf(stagedoor.Invalid, "not_invited", "The invitation is for another address.")
	}
	return tx, conn, err
}
