package pipeline

import (
	"context"
	"maps"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
)

// loginCodePurpose is what the codes of one login are kept for: nobody else's login can use them, nor end them.
func loginCodePurpose(tx *stagedoor.Transaction) string { return "login-code/" + hash(tx.ID) }

// sendDatabaseCode sends a code to log in with to the person of a database who has the address, or the number, that was typed, and returns it as the
// server writes it. Nobody waits for what depends on whether there is somebody; a code is kept before in any case, so that wrong ones do not tell either.
func (p *Pipeline) sendDatabaseCode(ctx context.Context, v Visit, tx *stagedoor.Transaction, conn *stagedoor.Connection, client *stagedoor.Client, typed string) (string, error) {
	to, _ := connection.CodeAddress(conn, typed)
	if to == "" {
		return "", stagedoor.Errorf(stagedoor.Invalid, "invalid_email", "No code is sent there.")
	}
	e := stagedoor.LogEvent{Type: "cs", ClientID: client.ID, ClientName: client.Name, Connection: conn.Name, ConnID: conn.ID, Strategy: conn.Strategy, UserName: to}
	if err := guard.Code(ctx, v.Store, v.IP); err != nil {
		e.Type, e.Description = "limit_mu", describe(err)
		v.log(e)
		return "", err
	}
	code := stagedoor.NewDigits(IdentifierCodeDigits)
	c := &stagedoor.OneTimeCode{
		Purpose: loginCodePurpose(tx), Subject: guard.Identifier(to), ClientID: client.ID, ExpiresAt: v.Store.Clock().Now().Add(IdentifierCodeLife),
	}
	if err := v.Store.SaveOneTimeCode(ctx, code, c); err != nil {
		return "", err
	}
	e.Details = codeAsked(v, e, "code")
	ctx = context.WithoutCancel(ctx)
	p.unwaited.Go(func() {
		if err := p.sendLoginCode(ctx, v, tx, conn, client, to, code, c, &e); err != nil {
			e.Type, e.Description = "fn", "The code could not be sent: "+describe(err)
		}
		if e.Type == "fn" {
			maps.Copy(e.Details, stagedoor.NotificationDetails(channelOf(to), "verification_code", to, e.Description))
			delete(e.Details, "body")
		}
		v.log(e)
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
func (p *Pipeline) sendLoginCode(ctx context.Context, v Visit, tx *stagedoor.Transaction, conn *stagedoor.Connection, client *stagedoor.Client, to, code string, c *stagedoor.OneTimeCode, e *stagedoor.LogEvent) error {
	on := &connection.Occasion{ClientID: client.ID, Organization: tx.Request.Organization}
	u, err := p.Database.On(on).Find(ctx, v.Store, conn, to)
	e.Details = said{console: on.Console}.details(e.Details)
	if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
		return err
	}
	if err != nil || u.Email != to && u.PhoneNumber != to || !connection.MaySend(conn, u, to) {
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

// takeDatabaseCode proves a person of a database by the code that was sent to the address, or the number, that they are known by; it is verified thereby.
func (p *Pipeline) takeDatabaseCode(ctx context.Context, v Visit, tx *stagedoor.Transaction, conn *stagedoor.Connection, code string) (*stagedoor.User, error) {
	address := tx.Code.Address
	u, err := p.ownerOfCode(ctx, v, tx, conn, address, code)
	if err != nil {
		w := wrong{visit: v, conn: conn, on: &connection.Occasion{ClientID: tx.Request.ClientID}, identifier: address}
		if stagedoor.IsKind(err, stagedoor.TooMany) {
			w.logRefused(err)
		} else {
			v.log(w.event("f", err))
		}
		return nil, err
	}
	return p.provedByCode(ctx, v, tx, conn, u, address)
}

// provedByCode notes that the address, or the number, is proved. Where that is for the first time whoever made the account may be somebody else: what they could come back with ends.
func (p *Pipeline) provedByCode(ctx context.Context, v Visit, tx *stagedoor.Transaction, conn *stagedoor.Connection, u *stagedoor.User, address string) (*stagedoor.User, error) {
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
		v.log(stagedoor.LogEvent{
			Type: "w", Description: "An address was proved for the first time, by a code: the password, factors, sessions and links from before have ended.", UserID: u.ID, UserName: address,
			ClientID: tx.Request.ClientID, Connection: conn.Name, ConnID: conn.ID, Strategy: conn.Strategy,
		})
	}
	return u, err
}

func (p *Pipeline) ownerOfCode(ctx context.Context, v Visit, tx *stagedoor.Transaction, conn *stagedoor.Connection, address, code string) (*stagedoor.User, error) {
	c, err := p.tryIdentifierCode(ctx, v, conn, loginCodePurpose(tx), guard.Identifier(address), code)
	if err != nil {
		return nil, err
	}
	return codeOwner(ctx, v, conn, c)
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
