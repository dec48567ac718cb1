package pipeline

import (
	"context"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/store"
)

// codeTries is how many wrong codes end the right one (Authentication API fact sheet 4.7).
const codeTries = 3

// maxCode bounds a code that somebody gives, in bytes.
const maxCode = 100

// CodeWish is somebody's wish for a code, or a link, by which they sign in.
type CodeWish struct {
	Client       *stagedoor.Client
	Connection   *stagedoor.Connection // one that sends codes
	Address      string                // as typed: e-mail address or telephone number
	Link         bool                  // by mail only
	Params       map[string]string     // of the authorization request that a link goes on with
	Organization string
}

// CodeMail is a mail with a code, or with a link.
type CodeMail struct {
	Connection *stagedoor.Connection
	Client     *stagedoor.Client
	User       *stagedoor.User // nil if there is none yet
	To         string
	Code       string // in a link too
	Link       string // empty: the code is to be typed
	Life       time.Duration
	Params     map[string]string
}

// StartCode sends a code or a link to an address. The newest alone works. The answer is the same for those who are known and those
// who are not: where nobody may sign up, strangers are sent nothing, and who asked does not learn of it. Too many wishes from one network
// address are TooMany; an address that is none is Invalid.
func (p *Pipeline) StartCode(ctx context.Context, v Visit, w CodeWish) (*stagedoor.OneTimeCode, error) {
	conn := w.Connection
	address, err := connection.Address(conn, w.Address)
	if err != nil {
		return nil, err
	}
	if err := guard.Code(ctx, v.Store, v.IP); err != nil {
		v.Log(stagedoor.LogEvent{Type: "limit_mu", ClientID: w.Client.ID, ClientName: w.Client.Name, Connection: conn.Name, Description: describe(err)})
		return nil, err
	}
	return p.sendCode(ctx, v, w, address)
}

// TextNewNumber sends somebody a code to log in with at a client, after somebody else has changed the number: by it they prove that it is theirs.
func (p *Pipeline) TextNewNumber(ctx context.Context, v Visit, conn *stagedoor.Connection, client *stagedoor.Client, number string) error {
	_, err := p.sendCode(ctx, v, CodeWish{Client: client, Connection: conn, Address: number}, number)
	return err
}

// sendCode sends a code or a link to an address as the server writes it.
func (p *Pipeline) sendCode(ctx context.Context, v Visit, w CodeWish, address string) (*stagedoor.OneTimeCode, error) {
	conn := w.Connection
	options := conn.Passwordless()
	code := stagedoor.NewDigits(options.Length())
	if w.Link {
		code = stagedoor.NewToken()
	}
	u, err := connection.FindPasswordless(ctx, v.Store, conn, address)
	stranger := stagedoor.IsKind(err, stagedoor.NotFound)
	if err != nil && !stranger {
		return nil, err
	}
	c := &stagedoor.OneTimeCode{
		Purpose: codePurpose(conn), Subject: address, ClientID: w.Client.ID, Organization: w.Organization, Link: w.Link, Params: w.Params,
		UserID: stagedoor.NewHexID(), ExpiresAt: v.Store.Clock().Now().Add(options.Life()),
	}
	if err := v.Store.SaveOneTimeCode(ctx, code, c); err != nil {
		return nil, err
	}
	if stranger && conn.Options.DisableSignup {
		return c, nil
	}
	e := stagedoor.LogEvent{
		Type: "cs", ClientID: w.Client.ID, ClientName: w.Client.Name, Connection: conn.Name, ConnID: conn.ID, Strategy: conn.Strategy, UserName: address,
	}
	if u != nil {
		e.UserID = u.ID
	}
	e.Details = codeAsked(v, e, map[bool]string{true: "link", false: "code"}[w.Link])
	if w.Link {
		e.Type = "cls"
	}
	asked := map[string]any{}
	for _, name := range []string{"audience", "redirect_uri", "response_type", "scope"} { // not the state, which nobody else shall have
		if w.Params[name] != "" {
			asked[name] = w.Params[name]
		}
	}
	if len(asked) > 0 {
		e.Details["body"].(map[string]any)["authParams"] = asked //nolint:forcetypeassert // codeAsked made it
	}
	if conn.Strategy == stagedoor.StrategyEmail {
		out := CodeMail{Connection: conn, Client: w.Client, User: u, To: address, Code: code, Life: options.Life(), Params: w.Params}
		if w.Link {
			out.Link = v.Issuer + "passwordless/verify_redirect?" + linkQuery(w, address, code).Encode()
		}
		if p.MailCode != nil {
			p.MailCode(ctx, v, out)
		}
		v.Log(e)
		return c, nil
	}
	send := func(ctx context.Context) error { return p.textCode(ctx, v, w, u, options, address, code, e) }
	if conn.Options.DisableSignup { // strangers are sent nothing, and nobody shall notice by the time it takes
		p.unhurried(ctx, v, "a code", func() { _ = send(context.WithoutCancel(ctx)) }) // what fails is in the log
		return c, nil
	}
	return c, send(ctx)
}

// codeAsked are the details of an event about a code, or a link, that somebody asks for: the request as it is understood, without the code.
func codeAsked(v Visit, e stagedoor.LogEvent, send string) map[string]any {
	body := map[string]any{
		"client_id": e.ClientID, "connection": e.Connection, "send": send, "tenant": v.Store.Tenant().ID, "ip": v.IP, "user-agent": v.UserAgent,
		"request_language": v.Language, "username": e.UserName,
	}
	if strings.Contains(e.UserName, "@") {
		body["email"] = e.UserName
	} else {
		body["phone_number"] = e.UserName
	}
	return map[string]any{"body": body}
}

// codePurpose is what codes by which people sign in through a connection are kept for.
func codePurpose(c *stagedoor.Connection) string { return "login/" + c.ID }

// CheckCode tells what is wrong with a code without using it up; a wrong one counts.
func (p *Pipeline) CheckCode(ctx context.Context, v Visit, client *stagedoor.Client, conn *stagedoor.Connection, address, code string) error {
	_, err := p.tryCode(ctx, v, client, conn, address, code, true)
	return err
}

// IsLink tells whether what was sent to an address is a link, which nobody types.
func (p *Pipeline) IsLink(ctx context.Context, v Visit, conn *stagedoor.Connection, address string) bool {
	c, err := v.Store.OneTimeCode(ctx, codePurpose(conn), address)
	return err == nil && c.Link
}

// tryCode tries a code. Nobody learns from the answer whether there is such a user, or whether one was sent.
func (p *Pipeline) tryCode(ctx context.Context, v Visit, client *stagedoor.Client, conn *stagedoor.Connection, address, code string, keep bool) (*stagedoor.OneTimeCode, error) {
	attempt := guard.Attempt{Store: v.Store, Connection: conn, Identifier: address, IP: v.IP}
	if err := guard.Login(ctx, attempt); err != nil {
		return nil, err
	}
	c, err := guessCode(ctx, attempt, codePurpose(conn), code, keep)
	if err != nil || c != nil && c.ClientID == client.ID {
		return c, err
	}
	if out, err := guard.Failed(ctx, attempt); err != nil {
		return nil, err
	} else if out.NotifyUser && p.Blocked != nil {
		if u, err := connection.FindPasswordless(ctx, v.Store, conn, address); err == nil {
			p.Blocked(ctx, v, conn, u, client.ID)
		}
	}
	return nil, ErrWrongCode(conn)
}

// takeCode proves a person by a code, and makes a user of them if they are none yet.
func (p *Pipeline) takeCode(ctx context.Context, v Visit, client *stagedoor.Client, conn *stagedoor.Connection, typed, code string) (*stagedoor.User, error) {
	address, err := connection.Address(conn, typed)
	if err != nil {
		return nil, ErrWrongCode(conn)
	}
	c, err := p.tryCode(ctx, v, client, conn, address, code, false)
	if err != nil {
		w := wrong{visit: v, conn: conn, on: &connection.Occasion{ClientID: client.ID}, identifier: address}
		if stagedoor.IsKind(err, stagedoor.TooMany) {
			w.logRefused(err)
		} else {
			v.Log(w.event("f", err))
		}
		return nil, err
	}
	u, err := connection.FindPasswordless(ctx, v.Store, conn, address)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		u, err = p.registerByCode(ctx, v, client, conn, connection.NewPasswordless(conn, address, c.UserID))
	} else if err == nil {
		u, err = connection.ProvedAddress(ctx, v.Store, conn, u, address)
	}
	if err != nil {
		return nil, err
	}
	return u, guard.Passed(ctx, guard.Attempt{Store: v.Store, Connection: conn, Identifier: address, IP: v.IP})
}

// registerByCode makes a user of somebody who came with a code for the first time.
func (p *Pipeline) registerByCode(ctx context.Context, v Visit, client *stagedoor.Client, conn *stagedoor.Connection, u *stagedoor.User) (*stagedoor.User, error) {
	if conn.Options.DisableSignup {
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "Public signup is disabled")
	}
	address, on := u.Shown(), &connection.Occasion{ClientID: client.ID}
	err := guard.SignUp(ctx, v.Store, v.IP)
	if err == nil {
		err = p.BeforeRegistration(ctx, v, conn, on, client, u, "")
	}
	if err == nil {
		err = connection.CreatePasswordless(ctx, v.Store, conn, u)
		if stagedoor.IsKind(err, stagedoor.Conflict) { // somebody was faster
			return connection.FindPasswordless(ctx, v.Store, conn, address)
		}
	}
	e := stagedoor.LogEvent{Type: "ss", ClientID: client.ID, ClientName: client.Name, Connection: conn.Name, ConnID: conn.ID, Strategy: conn.Strategy, UserID: u.ID, UserName: address, Details: said{on.Console, on.Executions}.details(nil)}
	if err != nil {
		e = unregistered(e, err)
	}
	v.Log(e)
	if err != nil {
		if e := stagedoor.AsError(err); e.Kind == stagedoor.Scripted {
			text, _ := e.Extra[FriendlyMessage].(string)
			if text == "" {
				text = e.Message
			}
			refused := stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "%s", text) // for the person
			refused.Err = err
			err = refused
		}
		return nil, err
	}
	p.AfterRegistration(ctx, v, conn, client, u)
	return u, nil
}

// SendLoginCode sends a code to the person of a login page, through one of the connections that the page offers.
func (p *Pipeline) SendLoginCode(ctx context.Context, v Visit, id, nonce, name, address string) error {
	tx, err := p.answered(ctx, v, id, AskLogin, nonce)
	if err != nil {
		return err
	}
	conn, err := codeConnection(ctx, v.Store, &tx.Request, name, nil)
	if err != nil {
		return err
	}
	client, err := v.Store.Client(ctx, tx.Request.ClientID)
	if err != nil {
		return gone(err)
	}
	if conn.ForLogin() {
		address, err = p.SendDatabaseCode(ctx, v, codeLogin(tx), conn, client, address)
	} else {
		var c *stagedoor.OneTimeCode
		if c, err = p.StartCode(ctx, v, CodeWish{Client: client, Connection: conn, Address: address, Organization: tx.Request.Organization}); err == nil {
			address = c.Subject
		}
	}
	if err != nil {
		return err
	}
	tx.Code = &stagedoor.CodeState{Connection: conn.ID, Address: address}
	return v.Store.SaveTransaction(ctx, tx)
}

// GiveLoginCode proves the person of a login page by the code that was sent.
func (p *Pipeline) GiveLoginCode(ctx context.Context, v Visit, id, nonce, code string) (*Opened, error) {
	tx, err := p.answered(ctx, v, id, AskLogin, nonce)
	if err == nil && tx.Code == nil {
		err = lost()
	}
	if err != nil {
		return nil, err
	}
	conn, err := codeConnection(ctx, v.Store, &tx.Request, "", tx.Code)
	if err != nil {
		return nil, gone(err)
	}
	if conn.ForLogin() {
		u, err := p.takeDatabaseCode(ctx, v, codeLogin(tx), conn, tx.Code.Address, code)
		if err != nil {
			return nil, err
		}
		return p.proved(ctx, v, tx, proof{conn: conn, user: u, method: codeMethod(tx.Code.Address)})
	}
	client, err := v.Store.Client(ctx, tx.Request.ClientID)
	if err != nil {
		return nil, gone(err)
	}
	v.Login = &tx.Request
	u, err := p.takeCode(ctx, v, client, conn, tx.Code.Address, code)
	if err != nil {
		return nil, err
	}
	return p.proved(ctx, v, tx, proof{conn: conn, user: u, method: conn.Strategy})
}

// codeConnection is the connection by which a request's people sign in with a code: see [connection.Choice.Code].
func codeConnection(ctx context.Context, st *store.Store, req *stagedoor.AuthorizationRequest, name string, sent *stagedoor.CodeState) (*stagedoor.Connection, error) {
	choice, err := connection.Choose(ctx, st, req)
	if err != nil {
		return nil, err
	}
	return choice.Code(name, sent)
}

// EnterByCode begins a login of somebody who proves themselves by the code of a link, and returns the id by which it is resumed.
func (p *Pipeline) EnterByCode(ctx context.Context, v Visit, client *stagedoor.Client, req stagedoor.AuthorizationRequest, conn *stagedoor.Connection, address, code string) (string, *Opened, error) {
	v.Login = &req
	u, err := p.takeCode(ctx, v, client, conn, address, code)
	if err != nil {
		return "", nil, err
	}
	tx := begun(v, req)
	tx.ID = stagedoor.NewToken()
	opened, err := p.proved(ctx, v, tx, proof{conn: conn, user: u, method: conn.Strategy})
	return tx.ID, opened, err
}

// ByCode signs a person in by a code, like [Pipeline.ByPassword].
func (p *Pipeline) ByCode(ctx context.Context, v Visit, x *Direct, conn *stagedoor.Connection, address, code string, e *stagedoor.LogEvent) (*stagedoor.Authorization, *stagedoor.User, error) {
	e.Connection, e.ConnID, e.Strategy, e.UserName = conn.Name, conn.ID, conn.Strategy, stagedoor.Clip(address, 254)
	u, err := p.takeCode(ctx, v, x.Client, conn, address, code)
	if err != nil {
		return nil, nil, refusedRegistration(err)
	}
	return p.directly(ctx, v, x, conn, u, conn.Strategy, e)
}

// refusedRegistration tells a client in the script's own words why nobody was registered (extensibility fact sheet 3.4). The status is a guess.
func refusedRegistration(err error) error {
	if cause := stagedoor.AsError(err).Err; stagedoor.HasCode(cause, CodeExtensibility) {
		return stagedoor.Errorf(stagedoor.Forbidden, CodeExtensibility, "%s", stagedoor.AsError(cause).Message)
	}
	return err
}
