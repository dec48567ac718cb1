package pipeline

import (
	"context"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
)

// ticketLife is how long a login ticket is good: the browser goes to /authorize with it at once.
const ticketLife = 5 * time.Minute

// Ticket proves a person outside of any login, by their password or by a code that was sent to them, in a form of the client's own, and returns a ticket that a login of the client in the same browser may
// begin with (Authentication API fact sheet 6.12). The event, which the caller writes, is completed.
func (p *Pipeline) Ticket(ctx context.Context, v Visit, client *stagedoor.Client, conn *stagedoor.Connection, identifier, secret string, e *stagedoor.LogEvent) (string, error) {
	e.Connection, e.ConnID, e.Strategy, e.UserName = conn.Name, conn.ID, conn.Strategy, stagedoor.Clip(identifier, 254)
	on := &connection.Occasion{ClientID: client.ID}
	var u *stagedoor.User
	var err error
	if conn.SendsCodes() {
		u, err = p.takeCode(ctx, v, client, conn, identifier, secret)
	} else if err = p.Human(ctx, v, guard.FlowPassword, nil); err == nil {
		u, err = p.password(ctx, v, conn, on, identifier, secret)
	}
	return p.ticket(ctx, v, client.ID, "", conn, on, u, err, e)
}

// ticket makes a ticket of who has proved themselves.
func (p *Pipeline) ticket(ctx context.Context, v Visit, clientID, login string, conn *stagedoor.Connection, on *connection.Occasion, u *stagedoor.User, err error, e *stagedoor.LogEvent) (string, error) {
	e.Details = said{console: on.Console}.details(e.Details)
	if err != nil {
		return "", err
	}
	e.UserID = u.ID
	if u.IsBlocked() {
		return "", errBlocked()
	}
	risk, err := assessCounted(ctx, v, u.ID, false)
	if err != nil {
		return "", err
	}
	ticket := stagedoor.NewToken()
	err = v.Store.CreateTicket(ctx, ticket, &stagedoor.Ticket{
		Kind: stagedoor.TicketLogin, UserID: u.ID, ClientID: clientID, Connection: conn.Name, Browser: hash(v.Browser), Login: login, Risk: risk,
		ExpiresAt: v.Store.Clock().Now().Add(ticketLife), AccessEnded: u.AccessEnded,
	})
	if err == nil {
		err = v.Store.RecordLogin(ctx, u, v.IP) // also where nothing comes of it (fact sheet 3.4)
	}
	if !conn.SendsCodes() {
		err = wrongSince(err)
	}
	return ticket, err
}

// MoveTicket gives a ticket to the browser of the visit, for which the caller answers.
func (p *Pipeline) MoveTicket(ctx context.Context, v Visit, ticket, clientID string) (string, error) {
	t, err := v.Store.ConsumeTicket(ctx, ticket, stagedoor.TicketLogin)
	if err == nil && (t.ClientID != clientID || t.Login != "") {
		err = lost()
	}
	if err != nil {
		return "", gone(err)
	}
	moved := stagedoor.NewToken()
	t.Browser = hash(v.Browser)
	return moved, v.Store.CreateTicket(ctx, moved, t)
}

// BeginProved is Begin for a request that brings a ticket. One that is not good, that another client got, or that comes from another browser, which
// may have been sent here by whoever holds it, begins an ordinary login.
func (p *Pipeline) BeginProved(ctx context.Context, v Visit, client *stagedoor.Client, api *stagedoor.ResourceServer, req stagedoor.AuthorizationRequest, ticket string) (*Opened, *Outcome, error) {
	otherwise := func() (*Opened, *Outcome, error) {
		out, err := p.Begin(ctx, v, client, api, req)
		return nil, out, err
	}
	t, err := v.Store.ConsumeTicket(ctx, ticket, stagedoor.TicketLogin)
	if err != nil || t.ClientID != client.ID || t.Login != "" || v.Browser == "" || t.Browser != hash(v.Browser) {
		if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
			return nil, &Outcome{Request: req, Client: client, API: api}, err
		}
		return otherwise()
	}
	named := req
	named.Connection = t.Connection
	conn, err := connection.ForRequest(ctx, v.Store, &named)
	if err != nil {
		return otherwise()
	}
	u, err := v.Store.User(ctx, t.UserID)
	if err != nil {
		return otherwise()
	}
	u.AccessEnded = t.AccessEnded // as when the ticket was taken
	tx := begun(v, req)
	tx.ID = stagedoor.NewToken()
	method := "pwd"
	if conn.SendsCodes() {
		method = conn.Strategy
	}
	opened, err := p.proved(ctx, v, tx, proof{conn: conn, user: u, method: method, counted: true, risk: t.Risk})
	if err != nil {
		return nil, &Outcome{Request: req, Client: client, API: api}, err
	}
	v.Session = opened.Handle
	out, err := p.Continue(ctx, v, tx.ID)
	return opened, out, err
}
