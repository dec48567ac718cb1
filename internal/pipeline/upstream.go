package pipeline

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/script"
)

// callbackPath is where providers send people back to.
const callbackPath = "login/callback"

// Leave sends the person of a login page to the provider of the connection with the name, and tells how. What brings them back
// is bound to this login, this connection and this browser, and works once. more are parameters for the provider beside those of the request.
func (p *Pipeline) Leave(ctx context.Context, v Visit, id, name string, more map[string]string) (*connection.Departure, error) {
	tx, err := p.Page(ctx, v, id, AskLogin)
	if err != nil {
		return nil, err
	}
	choice, err := connection.Choose(ctx, v.Store, &tx.Request)
	if err != nil {
		return nil, err
	}
	all := choice.Elsewhere()
	at := slices.IndexFunc(all, func(c stagedoor.Connection) bool { return c.Name == name })
	if at < 0 || p.Upstream == nil {
		return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "the connection is not enabled")
	}
	if err := p.room(v, guard.Logins, sizeOf(&tx.Request)); err != nil {
		return nil, err
	}
	away := *tx
	away.ID, away.Step, away.Nonce = stagedoor.NewToken(), AskUpstream, ""
	asked := tx.Request
	if len(more) > 0 {
		if asked.Query = maps.Clone(asked.Query); asked.Query == nil {
			asked.Query = map[string][]string{}
		}
		for name, value := range more {
			asked.Query[name] = []string{value}
		}
	}
	to, err := p.Upstream.Leave(ctx, v.Store, &all[at], &asked, v.Issuer+callbackPath, away.ID)
	if err != nil {
		return nil, err
	}
	away.Upstream = &to.Back
	away.ExpiresAt = v.Store.Clock().Now().Add(transactionLife)
	return to, v.Store.SaveTransaction(ctx, &away)
}

// Posted keeps an answer that a provider had the browser post, until the browser asks by itself: a form of another site may come without the
// cookie that tells whose login it is. Whoever knows the state may post, once; to go on takes the cookie.
func (p *Pipeline) Posted(ctx context.Context, v Visit, state string, values map[string]string) error {
	tx, err := v.Store.Transaction(ctx, state)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && (tx.Step != AskUpstream && tx.Step != AskConnect || tx.Upstream == nil || tx.Upstream.Posted != nil) {
		err = lost()
	}
	if err != nil {
		return err
	}
	size := 0
	for _, value := range values {
		size += len(value)
	}
	if err := p.room(v, guard.Posts, size); err != nil {
		return err
	}
	tx.ID, tx.Upstream.Posted = state, values
	if soon := v.Store.Clock().Now().Add(postedLife); soon.Before(tx.ExpiresAt) {
		tx.ExpiresAt = soon
	}
	return v.Store.SaveTransaction(ctx, tx)
}

// Arrival is how somebody goes on who came back from a provider.
type Arrival struct {
	ID        string  // by which their login is resumed
	Opened    *Opened // nil: the provider or the connection's script refused them, and the login ends with their word
	Elsewhere string  // where their browser goes if this is no login: they have connected an account
}

// Arrive goes on with a person who comes back from a provider. A state that is unknown, was used or is another browser's is a lost transaction.
func (p *Pipeline) Arrive(ctx context.Context, v Visit, state string, values map[string]string) (*Arrival, error) {
	tx, err := p.take(ctx, v, state, AskUpstream, AskConnect)
	if err == nil && tx.Upstream == nil {
		err = lost()
	}
	if err != nil {
		return nil, err
	}
	if tx.Step == AskConnect {
		to, err := p.connected(ctx, v, tx, values)
		return &Arrival{Elsewhere: to}, err
	}
	return p.arrive(ctx, v, tx, values)
}

// arrive goes on with a login.
func (p *Pipeline) arrive(ctx context.Context, v Visit, tx *stagedoor.Transaction, values map[string]string) (*Arrival, error) {
	up := tx.Upstream
	tx.ID, tx.Step, tx.Upstream = stagedoor.NewToken(), "", nil
	if up.Posted != nil { // the login goes on, and has its time again
		tx.ExpiresAt = v.Store.Clock().Now().Add(transactionLife)
	}
	conn, err := v.Store.Connection(ctx, up.ConnectionID)
	if err != nil {
		return nil, gone(err)
	}
	on := &connection.Occasion{ClientID: tx.Request.ClientID, Organization: tx.Request.Organization}
	u, err := p.identify(ctx, v, conn, on, up, values)
	if err == nil {
		opened, err := p.proved(ctx, v, tx, proof{conn: conn, user: u, method: "federated", console: on.Console, came: on.CameBy})
		return &Arrival{ID: tx.ID, Opened: opened}, err
	}
	e := stagedoor.AsError(err)
	if e.Kind == stagedoor.Internal {
		return nil, err
	}
	if e.Kind == stagedoor.Scripted {
		e = &stagedoor.Error{Kind: stagedoor.Forbidden, Code: e.Code, Message: e.Message}
	}
	tx.Refused = &stagedoor.Refusal{Kind: e.Kind, Code: e.Code, Message: e.Message, Why: describe(err), Connection: conn.Name}
	if len(on.Console) > 0 {
		tx.Script = &stagedoor.ScriptState{Console: on.Console}
	}
	return &Arrival{ID: tx.ID}, v.Store.SaveTransaction(ctx, tx)
}

func (p *Pipeline) identify(ctx context.Context, v Visit, conn *stagedoor.Connection, on *connection.Occasion, up *stagedoor.Upstream, values map[string]string) (*stagedoor.User, error) {
	if p.Upstream == nil || !conn.Redirects() {
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "the connection is not enabled")
	}
	return p.Upstream.Identify(ctx, v.Store, conn, on, up, answerOf(up, values))
}

// AnsweredAt is under which name of what came with an answer the query is that it was posted to.
const AnsweredAt = "at"

// answerOf is what somebody came back with: in the address, or before by a form.
func answerOf(up *stagedoor.Upstream, values map[string]string) *connection.Answer {
	if up.Posted != nil {
		values = up.Posted
	}
	said := func(name string) string {
		return strings.ToValidUTF8(strings.Join(strings.Fields(values[name]), " "), "")
	}
	return &connection.Answer{
		Code: values["code"], IDToken: values["id_token"], SAMLResponse: values["SAMLResponse"], Token: values["wresult"], Issuer: values["iss"], User: values["user"],
		Error: said("error"), Description: said("error_description"), At: values[AnsweredAt],
	}
}

// Refuse notes why a login that waits at a page cannot go on: what it is for, or by, is there no more. Where it is resumed its client is told.
func (p *Pipeline) Refuse(ctx context.Context, v Visit, tx *stagedoor.Transaction, err error) error {
	e := stagedoor.AsError(err)
	tx.Refused = &stagedoor.Refusal{Kind: e.Kind, Code: e.Code, Message: e.Message, Why: e.Message}
	return v.Store.SaveTransaction(ctx, tx)
}

// giveUp ends a login with the word of the provider that did not let the person in, or of the page that it waited at.
func (l *login) giveUp(context.Context) (string, error) {
	r := l.tx.Refused
	if r == nil {
		return "", nil
	}
	if l.tx.Script != nil {
		l.said.console = l.tx.Script.Console
	}
	e := stagedoor.Errorf(r.Kind, r.Code, "%s", r.Message)
	if r.Why != r.Message {
		e.Err = &connection.ScriptFailure{Failure: script.Failure{Message: r.Why}}
	}
	return "", e
}
