package pipeline

import (
	"context"
	"maps"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
)

// CodeLogin is a login to a database by a code: on our page, or in an app. Nobody else's login can use its codes, nor end them.
type CodeLogin struct {
	ID           string // a secret of whoever logs in
	ClientID     string
	Organization string
	SignsUp      bool // strangers are sent a code, too, and become users by it
}

func (l CodeLogin) purpose() string { return "login-code/" + hash(l.ID) }

func codeLogin(tx *stagedoor.Transaction) CodeLogin {
	return CodeLogin{ID: tx.ID, ClientID: tx.Request.ClientID, Organization: tx.Request.Organization}
}

// SendDatabaseCode sends a code to log in with to the person of a database who has the address, or the number, that was typed, and returns it as the
// server writes it. Nobody waits for what depends on whether there is somebody; a code is kept before in any case, so that wrong ones do not tell either.
func (p *Pipeline) SendDatabaseCode(ctx context.Context, v Visit, l CodeLogin, conn *stagedoor.Connection, client *stagedoor.Client, typed string) (string, error) {
	to, _ := connection.CodeAddress(conn, typed)
	if to == "" {
		return "", stagedoor.Errorf(stagedoor.Invalid, "invalid_email", "No code is sent there.")
	}
	e := stagedoor.LogEvent{Type: "cs", ClientID: client.ID, ClientName: client.Name, Connection: conn.Name, ConnID: conn.ID, Strategy: conn.Strategy, UserName: to}
	if err := guard.Code(ctx, v.Store, v.IP); err != nil {
		e.Type, e.Description = "limit_mu", describe(err)
		v.Log(e)
		return "", err
	}
	code := stagedoor.NewDigits(IdentifierCodeDigits)
	c := &stagedoor.OneTimeCode{
		Purpose: l.purpose(), Subject: guard.Identifier(to), ClientID: client.ID, ExpiresAt: v.Store.Clock().Now().Add(IdentifierCodeLife),
	}
	if err := v.Store.SaveOneTimeCode(ctx, code, c); err != nil {
		return "", err
	}
	e.Details = codeAsked(v, e, "code")
	ctx = context.WithoutCancel(ctx)
	p.unhurried(ctx, v, "a code", func() {
		if err := p.sendLoginCode(ctx, v, l, conn, client, to, code, c, &e); err != nil {
			e.Type, e.Description = "fn", "The code could not be sent: "+describe(err)
		}
		if e.Type == "fn" {
			maps.Copy(e.Details, stagedoor.NotificationDetails(channelOf(to), "verification_code", to, e.Description))
			delete(e.Details, "body")
		}
		v.Log(e)
	})
	return to, nil
}

// channelOf is how a code goes to an address, or to a number.
func channelOf(to string) string {
	if strings.Contains(to, "@") {
		return "email"
	}
	return "sms"
}

// sendLoginCode sends a code that is kept to whoever is known by the address, or the number. It is theirs from then on, and nobody's before.
func (p *Pipeline) sendLoginCode(ctx context.Context, v Visit, l CodeLogin, conn *stagedoor.Connection, client *stagedoor.Client, to, code string, c *stagedoor.OneTimeCode, e *stagedoor.LogEvent) error {
	on := &connection.Occasion{ClientID: client.ID, Organization: l.Organization}
	u, err := p.Database.On(on).Find(ctx, v.Store, conn, to)
	e.Details = said{console: on.Console}.details(e.Details)
	if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
		return err
	}
	stranger := err != nil
	if stranger && l.SignsUp && !conn.Options.DisableSignup && connection.CheckSignUp(conn, reachedAt(to)) == nil {
		u = reachedAt(to)
	} else if stranger || u.Email != to && u.PhoneNumber != to || !connection.MaySend(conn, u, to) {
		e.Type, e.Description = "fn", "No code was sent: there is no such user, or something else of theirs is proved and this is not."
		return nil
	}
	c.UserID, c.To, e.UserID = u.ID, to, u.ID
	switch err := v.Store.NameOneTimeCode(ctx, code, c); {
	case stagedoor.IsKind(err, stagedoor.NotFound):
		e.Type, e.Description = "fn", "No code was sent: another one was asked for meanwhile."
	case err != nil:
		return err
	case u.PhoneNumber == to:
		return p.SendText(ctx, v, PhoneMessage{Kind: "otp_verify", To: to, Code: code, Method: "text", Locale: v.Language, User: u, Client: client}, nil)
	case p.MailCode != nil:
		p.MailCode(ctx, v, CodeMail{Connection: conn, Client: client, User: u, To: to, Code: code, Life: IdentifierCodeLife})
	}
	return nil
}

// reachedAt is somebody of whom nothing is known but where a code was sent.
func reachedAt(to string) *stagedoor.User {
	if stagedoor.IsPhoneNumber(to) {
		return &stagedoor.User{PhoneNumber: to, PhoneVerified: true}
	}
	return &stagedoor.User{Email: to, EmailVerified: true}
}

// takeDatabaseCode proves a person of a database by the code that was sent to the address, or the number, that they are known by; it is verified thereby.
func (p *Pipeline) takeDatabaseCode(ctx context.Context, v Visit, l CodeLogin, conn *stagedoor.Connection, address, code string) (*stagedoor.User, error) {
	u, err := p.ownerOfCode(ctx, v, l, conn, address, code)
	if err != nil {
		w := wrong{visit: v, conn: conn, on: &connection.Occasion{ClientID: l.ClientID}, identifier: address}
		if stagedoor.IsKind(err, stagedoor.TooMany) {
			w.logRefused(err)
		} else {
			v.Log(w.event("f", err))
		}
		return nil, err
	}
	return p.provedByCode(ctx, v, l, conn, u, address)
}

// provedByCode notes that the address, or the number, is proved. Where that is for the first time whoever made the account may be somebody else: what they could come back with ends.
func (p *Pipeline) provedByCode(ctx context.Context, v Visit, l CodeLogin, conn *stagedoor.Connection, u *stagedoor.User, address string) (*stagedoor.User, error) {
	if u.Email == address && u.EmailVerified || u.PhoneNumber == address && u.PhoneVerified {
		return u, nil
	}
	nobodys, err := p.Database.Hasher.Hash(ctx, stagedoor.NewToken())
	if err != nil {
		return nil, err
	}
	u, first, err := v.Store.FirstProof(ctx, u.ID, address, nobodys)
	if stagedoor.IsKind(err, stagedoor.NotFound) { // it has changed meanwhile
		return nil, ErrWrongCode(conn)
	}
	if first {
		v.Log(stagedoor.LogEvent{
			Type: "w", Description: "An address was proved for the first time, by a code: the password, factors, sessions and links from before have ended.", UserID: u.ID, UserName: address,
			ClientID: l.ClientID, Connection: conn.Name, ConnID: conn.ID, Strategy: conn.Strategy,
		})
	}
	return u, err
}

func (p *Pipeline) ownerOfCode(ctx context.Context, v Visit, l CodeLogin, conn *stagedoor.Connection, address, code string) (*stagedoor.User, error) {
	c, err := p.tryIdentifierCode(ctx, v, conn, l.purpose(), guard.Identifier(address), code)
	if err != nil {
		return nil, err
	}
	if l.SignsUp && c.UserID == "" && c.To == address {
		return p.registerByDatabaseCode(ctx, v, l, conn, address)
	}
	return codeOwner(ctx, v, conn, c)
}

// registerByDatabaseCode makes a user of a stranger who has given the code that was sent to them; somebody may have been faster.
func (p *Pipeline) registerByDatabaseCode(ctx context.Context, v Visit, l CodeLogin, conn *stagedoor.Connection, address string) (*stagedoor.User, error) {
	u, on := reachedAt(address), &connection.Occasion{ClientID: l.ClientID, Organization: l.Organization}
	err := p.registerLogged(ctx, v, conn, on, u, "", true)
	if stagedoor.IsKind(err, stagedoor.Conflict) {
		return p.Database.On(on).Find(ctx, v.Store, conn, address)
	}
	return u, err
}

// ByDatabaseCode signs somebody in, or up, with a code that SendDatabaseCode has sent to the address. See [Pipeline.ByPassword].
func (p *Pipeline) ByDatabaseCode(ctx context.Context, v Visit, x *Direct, l CodeLogin, conn *stagedoor.Connection, address, code string, e *stagedoor.LogEvent) (*stagedoor.Authorization, *stagedoor.User, error) {
	e.Connection, e.ConnID, e.Strategy, e.UserName = conn.Name, conn.ID, conn.Strategy, address
	u, err := p.takeDatabaseCode(ctx, v, l, conn, address, code)
	if err != nil {
		return nil, nil, err
	}
	return p.directly(ctx, v, x, conn, u, codeMethod(address), e)
}

// codeMethod is how sessions name a code that went to an address, or to a number.
func codeMethod(address string) string {
	if stagedoor.IsPhoneNumber(address) {
		return stagedoor.StrategySMS
	}
	return stagedoor.StrategyEmail
}

// codeOwner is the user to whom a code was sent that was given back, if what it was sent to is still theirs.
func codeOwner(ctx context.Context, v Visit, conn *stagedoor.Connection, c *stagedoor.OneTimeCode) (*stagedoor.User, error) {
	if c.UserID == "" { // guessed: it was sent to nobody
		return nil, ErrWrongCode(conn)
	}
	u, err := v.Store.User(ctx, c.UserID)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && c.To != u.Email && c.To != u.PhoneNumber {
		return nil, ErrWrongCode(conn)
	}
	return u, err
}
