package pipeline

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
)

// AskConnect is where somebody is who connects an account: at its provider, and on no page of ours.
const AskConnect = "connect-account"

// ConnectLife is how long somebody may take to leave for a provider, and a program to take what they came back with.
const ConnectLife = 5 * time.Minute

// ConnectPath is where a program sends somebody with a ticket.
const ConnectPath = "connected-accounts/connect"

// Connecting is a program's wish that its person connects an account, and later what came of it.
//
//	program ─▶ BeginConnect ─▶ ticket ─▶ the person's browser ─▶ LeaveToConnect ─▶ the provider ─▶ connect code ─▶ the program ─▶ TakeConnected
//
// The program has a secret of its own meanwhile, the auth_session, and perhaps a code verifier. Whoever lures somebody else into the browser's part has an account connected to nobody's
// user: the code comes to the program in that browser, which knows neither of both.
type Connecting struct {
	User, Client, ConnectionID string
	RedirectURI, State         string
	Challenge                  string // S256 of the verifier; empty: there is none
	Session                    string // hash of the auth_session
	Scopes                     []string
	Params                     map[string]string
	Account                    *connection.Connected `json:",omitempty"` // what they came back with
}

func ticketKey(ticket string) string { return "connect ticket/" + ticket }
func connectKey(code string) string  { return "connect code/" + code }

// BeginConnect keeps a wish and returns the ticket by which the person's browser goes on, and the auth_session.
func (p *Pipeline) BeginConnect(ctx context.Context, st *store.Store, c Connecting) (ticket, auth string, err error) {
	ticket, auth = stagedoor.NewToken(), stagedoor.NewToken()
	c.Session = jose.HashToken(auth)
	return ticket, auth, saveConnecting(ctx, st, ticketKey(ticket), &c)
}

func saveConnecting(ctx context.Context, st *store.Store, key string, c *Connecting) error {
	state, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return st.SaveCeremony(ctx, key, string(state), st.Clock().Now().Add(ConnectLife))
}

func takeConnecting(ctx context.Context, st *store.Store, key string) (*Connecting, error) {
	state, err := st.TakeCeremony(ctx, key)
	if err != nil {
		return nil, err
	}
	var c Connecting
	return &c, json.Unmarshal([]byte(state), &c)
}

// LeaveToConnect sends the browser that came with a ticket to the provider, or back to the program with an error. A browser in which somebody else is signed in does not go.
func (p *Pipeline) LeaveToConnect(ctx context.Context, v Visit, ticket string) (address string, err error) {
	if ticket == "" || p.Upstream == nil {
		return "", lost()
	}
	c, err := takeConnecting(ctx, v.Store, ticketKey(ticket))
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		err = lost()
	}
	if err != nil {
		return "", err
	}
	s, err := session.Live(ctx, v.Store, v.Session)
	if err != nil {
		return "", err
	}
	if s != nil && s.UserID != c.User {
		return c.back(url.Values{"error": {"access_denied"}, "error_description": {"Somebody else is signed in in this browser."}}), nil
	}
	conn, err := v.Store.Connection(ctx, c.ConnectionID)
	if err != nil {
		return "", gone(err)
	}
	state := stagedoor.NewToken()
	to, err := p.Upstream.LeaveToConnect(ctx, conn, c.Scopes, c.Params, v.Issuer+callbackPath, state)
	if err != nil {
		return c.refused(v, conn, err)
	}
	kept, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	tx := &stagedoor.Transaction{
		ID: state, Browser: hash(v.Browser), Step: AskConnect, Upstream: &to.Back, Connecting: kept, ExpiresAt: v.Store.Clock().Now().Add(transactionLife),
		Request: stagedoor.AuthorizationRequest{ClientID: c.Client},
	}
	return to.Address, v.Store.SaveTransaction(ctx, tx)
}

// back is the program's address with an answer.
func (c *Connecting) back(q url.Values) string {
	u, err := url.Parse(c.RedirectURI)
	if err != nil { // it was looked at in the beginning
		return c.RedirectURI
	}
	all := u.Query()
	for name, values := range q {
		all[name] = values
	}
	if c.State != "" {
		all.Set("state", c.State)
	}
	u.RawQuery = all.Encode()
	return u.String()
}

// refused is the way back of who could not connect an account. What nobody classified stays an error.
func (c *Connecting) refused(v Visit, conn *stagedoor.Connection, err error) (string, error) {
	e := stagedoor.AsError(err)
	if e.Kind == stagedoor.Internal || e.Kind == stagedoor.Unavailable {
		return "", err
	}
	v.Log(stagedoor.LogEvent{
		Type: "connected_accounts_connection_failed", Description: describe(err), UserID: c.User, ClientID: c.Client, Connection: conn.Name, ConnID: conn.ID, Strategy: conn.Strategy,
	})
	return c.back(url.Values{"error": {"access_denied"}, "error_description": {e.Message}}), nil
}

// connected goes on with somebody who comes back from the provider of an account, and returns where their browser goes: to the program, with a code, or an error.
func (p *Pipeline) connected(ctx context.Context, v Visit, tx *stagedoor.Transaction, values map[string]string) (string, error) {
	var c Connecting
	if err := json.Unmarshal(tx.Connecting, &c); err != nil {
		return "", err
	}
	conn, err := v.Store.Connection(ctx, tx.Upstream.ConnectionID)
	if err != nil {
		return "", gone(err)
	}
	on := &connection.Occasion{ClientID: c.Client}
	if c.Account, err = p.Upstream.Connect(ctx, v.Store, conn, on, tx.Upstream, answerOf(tx.Upstream, values)); err != nil {
		return c.refused(v, conn, err)
	}
	if len(c.Account.Scopes) == 0 { // a provider that does not say gives what was asked for (RFC 6749 section 5.1)
		if c.Account.Scopes = c.Scopes; len(c.Scopes) == 0 {
			c.Account.Scopes = connection.ScopesOf(conn)
		}
	}
	code := stagedoor.NewToken()
	if err := saveConnecting(ctx, v.Store, connectKey(code), &c); err != nil {
		return "", err
	}
	return c.back(url.Values{"connect_code": {code}}), nil
}

// TakeConnected connects the account of a code to the person whose program began, which shows what it has of the beginning. The code works once.
func (p *Pipeline) TakeConnected(ctx context.Context, st *store.Store, userID, clientID, code, auth, redirectURI, verifier string) (*stagedoor.ConnectedAccount, *stagedoor.Connection, error) {
	refused := stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "The connect_code is unknown, has expired, or was not begun with this auth_session.")
	c, err := takeConnecting(ctx, st, connectKey(code))
	switch {
	case stagedoor.IsKind(err, stagedoor.NotFound):
		return nil, nil, refused
	case err != nil:
		return nil, nil, err
	case c.User != userID || c.Client != clientID || c.Account == nil || !jose.Equal(c.Session, jose.HashToken(auth)) || c.RedirectURI != redirectURI:
		return nil, nil, refused
	case c.Challenge != "" && !jose.Equal(c.Challenge, jose.HashToken(verifier)), c.Challenge == "" && verifier != "":
		return nil, nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "The code_verifier does not fit.")
	}
	conn, err := st.Connection(ctx, c.ConnectionID)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && !conn.ConnectsAccounts() {
		return nil, nil, refused
	}
	if err != nil {
		return nil, nil, err
	}
	a := &stagedoor.ConnectedAccount{UserID: userID, ConnectionID: conn.ID, Account: c.Account.Account, Names: c.Account.Names, Scopes: c.Account.Scopes, Tokens: c.Account.Tokens}
	return a, conn, st.SaveConnectedAccount(ctx, a)
}
