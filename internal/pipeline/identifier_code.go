package pipeline

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
)

// Codes by which people of a database prove that an address or a number is theirs: how long they work, and how many digits they have.
const (
	IdentifierCodeLife   = 10 * time.Minute
	IdentifierCodeDigits = 6
)

// SigningUp is somebody on the way to a user of their own who proves what they are known by, before there is one.
type SigningUp struct {
	SignUp
	Connection string
	Proved     []string // attributes
	Asked      []string // attributes that are still to be proved, the first one first

	Body map[string]any `json:",omitempty"` // what they sent at first, as scripts see it
}

// Address is where the code goes that is asked for now, and whether that is a phone; empty if all is proved.
func (s *SigningUp) Address() (address string, phone bool) {
	switch {
	case len(s.Asked) == 0:
		return "", false
	case s.Asked[0] == stagedoor.AttributePhone:
		return s.Phone, true
	}
	return s.Email, false
}

func signingUpKey(id string) string { return "sign-up proof/" + id }

// Mailed tells whether whoever is in a login has read a mail that proves their address: that of an invitation, which lets nobody sign up with another one. An invitation
// that its maker hands on by themselves proves nothing.
func (p *Pipeline) Mailed(ctx context.Context, v Visit, tx *stagedoor.Transaction) (bool, error) {
	if tx.Request.Invitation == "" {
		return false, nil
	}
	i, err := v.Store.Invitation(ctx, tx.Request.Organization, tx.Request.Invitation)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return false, nil
	}
	return err == nil && i.Mailed, err
}

// toProve are the attributes of a sign-up that are proved by a code before there is a user; mailed is what [Pipeline.Mailed] says.
// Where there are no passwords it is what people log in with.
func toProve(conn *stagedoor.Connection, in *SignUp, mailed bool) (names []string) {
	rules, codes := conn.Options.Attributes(), codesAlone(conn)
	if r := rules.Email; (codes.Email || rules.Flexible && r.Verified && r.ByCode) && in.Email != "" && !mailed {
		names = append(names, stagedoor.AttributeEmail)
	}
	if r := rules.Phone; (codes.Phone || rules.Flexible && r.Verified) && in.Phone != "" {
		names = append(names, stagedoor.AttributePhone)
	}
	return names
}

// codesAlone are the codes that people log in with who have no password.
func codesAlone(conn *stagedoor.Connection) stagedoor.CodeRule {
	if conn.Passwords() {
		return stagedoor.CodeRule{}
	}
	return conn.LoginCodes()
}

// ByCodeAlone tells whether who signs up like this can log in by code where nobody has a password.
func (in *SignUp) ByCodeAlone(conn *stagedoor.Connection) bool {
	codes := codesAlone(conn)
	return codes.Email && in.Email != "" || codes.Phone && in.Phone != ""
}

// ProvesFirst tells whether people who sign up to a connection may have to prove something before they choose their password.
func ProvesFirst(conn *stagedoor.Connection, mailed bool) bool {
	return len(toProve(conn, &SignUp{Email: "x", Phone: "x"}, mailed)) > 0
}

// BeginSignUp keeps what somebody filled in, and sends the first code if there is something to prove. The answer is the same whether or not
// the address is known: who proves that it is theirs may learn it.
func (p *Pipeline) BeginSignUp(ctx context.Context, v Visit, id, nonce string, in SignUp) (*SigningUp, error) {
	tx, conn, err := p.signingUp(ctx, v, id, nonce, &in)
	if err != nil {
		return nil, err
	}
	u := in.user()
	if err := connection.CheckSignUp(conn, u); err != nil {
		return nil, err
	}
	if err := connection.Identify(conn, u); err != nil {
		return nil, err
	}
	s := &SigningUp{SignUp: SignUp{Email: u.Email, Phone: u.PhoneNumber, Username: u.Username}, Connection: conn.Name, Body: v.Body}
	mailed, err := p.Mailed(ctx, v, tx)
	if err != nil {
		return nil, err
	}
	s.Asked = toProve(conn, &s.SignUp, mailed)
	if err := p.sendSignUpCode(ctx, v, tx, conn, s); err != nil {
		return nil, err
	}
	return s, keepSigningUp(ctx, v, tx, s)
}

func keepSigningUp(ctx context.Context, v Visit, tx *stagedoor.Transaction, s *SigningUp) error {
	state, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return v.Store.SaveCeremony(ctx, signingUpKey(tx.ID), string(state), tx.ExpiresAt)
}

// SigningUpNow is the sign-up of a login that is under way; nil if there is none.
func (p *Pipeline) SigningUpNow(ctx context.Context, v Visit, tx *stagedoor.Transaction, conn *stagedoor.Connection) (*SigningUp, error) {
	state, err := v.Store.Ceremony(ctx, signingUpKey(tx.ID))
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, nil
	}
	s := &SigningUp{}
	if err == nil {
		err = json.Unmarshal([]byte(state), s)
	}
	if err != nil || s.Connection != conn.Name { // the login was sent to another connection meanwhile
		return nil, err
	}
	return s, nil
}

// signUpPurpose is what the codes of one sign-up are kept for: nobody else's sign-up can use them, nor end them.
func signUpPurpose(tx *stagedoor.Transaction, attribute string) string {
	return "sign-up/" + attribute + "/" + hash(tx.ID)
}

func (p *Pipeline) sendSignUpCode(ctx context.Context, v Visit, tx *stagedoor.Transaction, conn *stagedoor.Connection, s *SigningUp) error {
	address, phone := s.Address()
	if address == "" {
		return nil
	}
	client, err := clientOf(ctx, v, tx.Request.ClientID)
	if err != nil {
		return err
	}
	e := stagedoor.LogEvent{Type: "cs", ClientID: tx.Request.ClientID, Connection: conn.Name, ConnID: conn.ID, Strategy: conn.Strategy, UserName: address}
	e.Details = codeAsked(v, e, "code")
	if err := guard.Code(ctx, v.Store, v.IP); err != nil {
		e.Type, e.Description = "limit_mu", describe(err)
		v.Log(e)
		return err
	}
	code := stagedoor.NewDigits(IdentifierCodeDigits)
	err = v.Store.SaveOneTimeCode(ctx, code, &stagedoor.OneTimeCode{
		Purpose: signUpPurpose(tx, s.Asked[0]), Subject: address, ClientID: tx.Request.ClientID, ExpiresAt: v.Store.Clock().Now().Add(IdentifierCodeLife),
	})
	if err != nil {
		return err
	}
	return p.sendProof(ctx, v, Proof{Client: client, To: address, Phone: phone, Code: code}, e)
}

// Proof is a code on its way to somebody who proves that an address, or a number, is theirs.
type Proof struct {
	Client *stagedoor.Client
	User   *stagedoor.User // nil: there is none yet, it is a sign-up; else they want another password
	To     string
	Phone  bool
	Code   string
}

// sendProof sends a code. Nobody waits for a mail.
func (p *Pipeline) sendProof(ctx context.Context, v Visit, out Proof, e stagedoor.LogEvent) error {
	if !out.Phone {
		v.logUnless(e)
		if p.MailProof == nil {
			return nil
		}
		return p.MailProof(ctx, v, out)
	}
	m := PhoneMessage{Kind: "otp_verify", To: out.To, Code: out.Code, Method: "text", Locale: v.Language, User: out.User, Client: out.Client}
	if out.User != nil {
		m.Kind = "change_password"
	}
	if err := p.SendText(ctx, v, m, nil); err != nil {
		e.Type, e.Description = "fn", "The code could not be sent: "+describe(err)
		e.Details = stagedoor.NotificationDetails("sms", m.Kind, out.To, e.Description)
		v.Log(e)
		return stagedoor.Errorf(stagedoor.Invalid, "sms_provider_error", "The message could not be sent.")
	}
	v.logUnless(e)
	return nil
}

// logUnless logs an event that has a type: the event of a reset is its caller's.
func (v Visit) logUnless(e stagedoor.LogEvent) {
	if e.Type != "" {
		v.Log(e)
	}
}

// ResendSignUpCode sends another code for what is asked for now; the one before works no more.
func (p *Pipeline) ResendSignUpCode(ctx context.Context, v Visit, id, nonce string) error {
	tx, conn, err := p.signingUp(ctx, v, id, nonce, nil)
	if err != nil {
		return err
	}
	s, err := p.SigningUpNow(ctx, v, tx, conn)
	if err == nil && s == nil {
		err = lost()
	}
	if err != nil {
		return err
	}
	return p.sendSignUpCode(ctx, v, tx, conn, s)
}

// GiveSignUpCode takes a code of a sign-up, and sends the next one if there is more to prove.
func (p *Pipeline) GiveSignUpCode(ctx context.Context, v Visit, id, nonce, code string) (*SigningUp, error) {
	tx, conn, err := p.signingUp(ctx, v, id, nonce, nil)
	if err != nil {
		return nil, err
	}
	s, err := p.SigningUpNow(ctx, v, tx, conn)
	if err != nil {
		return nil, err
	}
	if s == nil || len(s.Asked) == 0 {
		return nil, lost()
	}
	address, _ := s.Address()
	if _, err := p.tryIdentifierCode(ctx, v, conn, signUpPurpose(tx, s.Asked[0]), address, code); err != nil {
		return nil, err
	}
	s.Proved, s.Asked = append(s.Proved, s.Asked[0]), s.Asked[1:]
	if err := keepSigningUp(ctx, v, tx, s); err != nil {
		return nil, err
	}
	return s, p.sendSignUpCode(ctx, v, tx, conn, s)
}

// tryIdentifierCode tries a code, and uses it up if it is right. Nobody learns from the answer whether one was sent. Who gave too many wrong passwords gets a try all the
// same: it is what they ask for another password for.
func (p *Pipeline) tryIdentifierCode(ctx context.Context, v Visit, conn *stagedoor.Connection, purpose, subject, code string) (*stagedoor.OneTimeCode, error) {
	attempt := guard.Attempt{Store: v.Store, Connection: conn, Identifier: subject, IP: v.IP, Code: true}
	if err := guard.Login(ctx, attempt); err != nil {
		return nil, err
	}
	t, err := guessCode(ctx, attempt, purpose, code, false)
	if err != nil {
		return nil, err
	}
	if t != nil {
		return t, guard.Passed(ctx, attempt)
	}
	if out, err := guard.Failed(ctx, attempt); err != nil {
		return nil, err
	} else if out.NotifyUser && p.Blocked != nil {
		if u, err := p.Database.Find(ctx, v.Store, conn, subject); err == nil {
			p.Blocked(ctx, v, conn, u, "")
		}
	}
	return nil, ErrWrongCode(conn)
}

// guessCode looks at a code of the person of an attempt, if it may, and uses it up if it is right, unless it is to be kept; nil if it is wrong.
func guessCode(ctx context.Context, attempt guard.Attempt, purpose, code string, keep bool) (*stagedoor.OneTimeCode, error) {
	if err := guard.Guess(ctx, attempt); err != nil {
		return nil, err
	}
	if len(code) > maxCode {
		code = ""
	}
	t, err := attempt.Store.TryOneTimeCode(ctx, purpose, attempt.Identifier, code, codeTries, keep)
	if err != nil {
		return nil, err
	}
	if t.Expired || t.TooMany || t.Code != nil {
		err = guard.Guessed(ctx, attempt, t.Code != nil)
	}
	switch {
	case err != nil:
	case t.Expired:
		err = errExpiredCode
	case t.TooMany:
		err = errSpentCode
	}
	return t.Code, err
}

// provedSignUp refuses a sign-up that has not proved what it must, and notes in the user what was proved.
func (p *Pipeline) provedSignUp(ctx context.Context, v Visit, tx *stagedoor.Transaction, conn *stagedoor.Connection, u *stagedoor.User) error {
	mailed, err := p.Mailed(ctx, v, tx)
	if err != nil {
		return err
	}
	must := toProve(conn, &SignUp{Email: u.Email, Phone: u.PhoneNumber}, mailed)
	if len(must) == 0 {
		return nil
	}
	s, err := p.SigningUpNow(ctx, v, tx, conn)
	if err != nil {
		return err
	}
	missing := func(name string) bool { return !slices.Contains(s.Proved, name) }
	if s == nil || slices.ContainsFunc(must, missing) || s.Email != u.Email || s.Phone != u.PhoneNumber || s.Username != u.Username {
		return lost()
	}
	for _, name := range s.Proved {
		u.EmailVerified, u.PhoneVerified = u.EmailVerified || name == stagedoor.AttributeEmail, u.PhoneVerified || name == stagedoor.AttributePhone
	}
	return nil
}

// resetPurpose is what codes by which people of a database choose another password are kept for.
func resetPurpose(conn *stagedoor.Connection) string { return "reset/" + conn.ID }

// ResetsByCode tells whether somebody who typed the identifier is sent a code to choose another password, not a link: the connection verifies
// addresses by code, or they typed their telephone number.
func ResetsByCode(conn *stagedoor.Connection, identifier string) bool {
	rules := conn.Options.Attributes()
	if !rules.Flexible || rules.Email.ByCode {
		return rules.Flexible
	}
	_, err := connection.NormalizePhone(identifier)
	return rules.Phone.Identifies && (err == nil || !rules.Email.Had())
}

// SendResetCode sends a code to choose another password with to the user, where they are known by what was typed, and keeps one in any
// case: who gives wrong codes must not learn whether there is somebody. u is nil if there is nobody. It tells whether a code was sent.
func (p *Pipeline) SendResetCode(ctx context.Context, v Visit, conn *stagedoor.Connection, client *stagedoor.Client, org, identifier string, u *stagedoor.User) (bool, error) {
	code := stagedoor.NewDigits(IdentifierCodeDigits)
	c := &stagedoor.OneTimeCode{
		Purpose: resetPurpose(conn), Subject: guard.Identifier(connection.Counted(conn, identifier)), Organization: org, ExpiresAt: v.Store.Clock().Now().Add(IdentifierCodeLife),
	}
	if client != nil && !client.Global {
		c.ClientID = client.ID
	}
	out := Proof{Client: client, User: u, Code: code}
	if u != nil {
		rules := conn.Options.Attributes()
		out.To = u.Email
		if typed, err := connection.NormalizePhone(identifier); rules.Phone.Identifies && u.PhoneNumber != "" && (u.Email == "" || err == nil && typed == u.PhoneNumber) {
			out.To, out.Phone = u.PhoneNumber, true
		}
		if !connection.MaySend(conn, u, out.To) {
			out.To = ""
		}
		if out.To != "" {
			c.UserID, c.To = u.ID, out.To
		}
	}
	if err := v.Store.SaveOneTimeCode(ctx, code, c); err != nil || out.To == "" {
		return false, err
	}
	return true, p.sendProof(ctx, v, out, stagedoor.LogEvent{UserName: out.To})
}

// AwaitsResetCode tells whether a code to choose another password with was asked for lately for what was typed, be there somebody or not.
func (p *Pipeline) AwaitsResetCode(ctx context.Context, v Visit, conn *stagedoor.Connection, identifier string) (bool, error) {
	_, err := v.Store.OneTimeCode(ctx, resetPurpose(conn), guard.Identifier(connection.Counted(conn, identifier)))
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// TakeResetCode takes a code to choose another password with, and returns the ticket of the page where that is done.
func (p *Pipeline) TakeResetCode(ctx context.Context, v Visit, conn *stagedoor.Connection, identifier, code string) (string, error) {
	c, err := p.tryIdentifierCode(ctx, v, conn, resetPurpose(conn), guard.Identifier(connection.Counted(conn, identifier)), strings.TrimSpace(code))
	if err != nil {
		return "", err
	}
	u, err := codeOwner(ctx, v, conn, c)
	if err != nil {
		return "", err
	}
	ticket := stagedoor.NewToken()
	return ticket, v.Store.CreateTicket(ctx, ticket, &stagedoor.Ticket{
		Kind: stagedoor.TicketReset, UserID: u.ID, Email: u.Email, To: c.To, ClientID: c.ClientID, OrganizationID: c.Organization,
		ExpiresAt: v.Store.Clock().Now().Add(transactionLife),
	})
}
