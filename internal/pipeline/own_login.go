package pipeline

import (
	"context"
	"crypto/subtle"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
)

// OwnLogin returns the login under way to which a login page of the tenant's own belongs: one of this client, that waits for its person in this browser. csrf is
// the value bound to the page, if what the page sent has one.
func (p *Pipeline) OwnLogin(ctx context.Context, v Visit, id, clientID, csrf string) (*stagedoor.Transaction, error) {
	tx, err := p.Page(ctx, v, id, AskLogin)
	if err != nil {
		return nil, err
	}
	if v.Browser == "" || tx.Reset != nil || tx.Request.ClientID != clientID || csrf != "" && subtle.ConstantTimeCompare([]byte(tx.Nonce), []byte(csrf)) != 1 {
		return nil, lost()
	}
	return tx, nil
}

// OwnConnection is the connection that such a page names.
func (p *Pipeline) OwnConnection(ctx context.Context, v Visit, tx *stagedoor.Transaction, name string) (*stagedoor.Connection, error) {
	choice, err := connection.Choose(ctx, v.Store, &tx.Request)
	if err != nil {
		return nil, err
	}
	if conn := choice.Named(name); conn != nil {
		return conn, nil
	}
	return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "the connection is not enabled")
}

// OwnTicket proves the person of a login under way by the password that they gave to such a page, and returns a ticket with which this login, and no other, goes
// on in this browser. captcha reads what the page brought along. The event, which the caller writes, is completed.
func (p *Pipeline) OwnTicket(ctx context.Context, v Visit, tx *stagedoor.Transaction, conn *stagedoor.Connection, identifier, secret string, captcha func(string) string, e *stagedoor.LogEvent) (string, error) {
	e.Connection, e.ConnID, e.Strategy, e.UserName = conn.Name, conn.ID, conn.Strategy, stagedoor.Clip(identifier, 254)
	on := &connection.Occasion{ClientID: tx.Request.ClientID, Organization: tx.Request.Organization}
	v.Login = &tx.Request
	var u *stagedoor.User
	err := p.Human(ctx, v, guard.FlowPassword, captcha)
	if err == nil {
		u, err = p.password(ctx, v, conn, on, identifier, secret)
	}
	return p.ticket(ctx, v, tx.Request.ClientID, hash(tx.ID), conn, on, u, err, e)
}

// Redeem lets a login under way go on with the person of a ticket: one for this login, or one that this client got in this browser.
func (p *Pipeline) Redeem(ctx context.Context, v Visit, tx *stagedoor.Transaction, ticket string) (*Opened, error) {
	t, err := v.Store.ConsumeTicket(ctx, ticket, stagedoor.TicketLogin)
	if err == nil && (t.ClientID != tx.Request.ClientID || t.Browser != hash(v.Browser) || t.Login != "" && t.Login != hash(tx.ID)) {
		err = lost()
	}
	var conn *stagedoor.Connection
	if err == nil {
		conn, err = p.OwnConnection(ctx, v, tx, t.Connection)
	}
	if err != nil {
		return nil, gone(err)
	}
	u, err := v.Store.User(ctx, t.UserID)
	if err != nil {
		return nil, gone(err)
	}
	u.AccessEnded = t.AccessEnded // as when the ticket was taken
	by := proof{conn: conn, user: u, method: "pwd", by: byPassword, counted: true, risk: t.Risk}
	if conn.SendsCodes() {
		by.method, by.by = conn.Strategy, ""
	}
	return p.proved(ctx, v, tx, by)
}

// EnterCode lets a login under way go on with the person to whom a code was sent.
func (p *Pipeline) EnterCode(ctx context.Context, v Visit, tx *stagedoor.Transaction, conn *stagedoor.Connection, address, code string) (*Opened, error) {
	client, err := v.Store.Client(ctx, tx.Request.ClientID)
	if err != nil {
		return nil, gone(err)
	}
	v.Login = &tx.Request
	u, err := p.takeCode(ctx, v, client, conn, address, code)
	if err != nil {
		return nil, err
	}
	return p.proved(ctx, v, tx, proof{conn: conn, user: u, method: conn.Strategy})
}
