package oauth

import (
	"cmp"
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Anonymous sessions: a client gets tokens for a visitor whom nobody knows, and brings the visitor's session along when they sign in.

const (
	anonymousToken  = "/anonymous/token"
	anonymousLogout = "/anonymous/logout"
)

const (
	// anonymousTicket is the audience that asks for a ticket, and ticketParam the parameter of /authorize that brings it.
	anonymousTicket = "urn:auth0:anon_transfer"
	ticketParam     = "anon_transfer_token"

	// anonymousHeader brings the session token itself to /authorize, for apps that open it themselves.
	anonymousHeader = "Auth0-Anonymous-Session"

	// ticketLife is how long a ticket is good: the client opens the browser at once.
	ticketLife = 30 * time.Second
)

// Log events of anonymous sessions.
const (
	anonymousBegan  = "anonymous_session_created"
	anonymousFailed = "anonymous_session_failed"
	anonymousEnded  = "anonymous_session_ended"
)

// visitorRequest is a request for the tokens of a visitor.
type visitorRequest struct {
	*Door
	st       *store.Store
	client   *stagedoor.Client
	params   map[string]string
	metadata json.RawMessage
	ip       string
	network  string // of the visitor; empty: the address is the client's
	issuer   string
	event    *stagedoor.LogEvent
	held     *stagedoor.AnonymousSession // that the client, or the browser, has already; nil: one begins
	named    bool                        // the client named it
}

// visitorResponse is the answer.
type visitorResponse struct {
	SessionToken     string  `json:"session_token,omitempty"` // where the client did not name it
	SessionExpiresIn int     `json:"session_expires_in,omitempty"`
	AccessToken      string  `json:"access_token,omitempty"`
	Ticket           string  `json:"anon_transfer_token,omitempty"`
	Scope            *string `json:"scope,omitempty"`
	ExpiresIn        int     `json:"expires_in"`
	TokenType        string  `json:"token_type"`
}

// anonymous is the token endpoint of visitors.
func (d *Door) anonymous(w http.ResponseWriter, r *http.Request, st *store.Store) {
	event := web.LogEvent(r, stagedoor.LogEvent{Type: anonymousFailed})
	v := &visitorRequest{Door: d, st: st, event: &event, issuer: web.Issuer(r)}
	resp, err := v.answer(w, r)
	if err != nil {
		d.logVisitor(st, &event, err)
		refuse(w, r, st, err)
		return
	}
	if v.held == nil {
		logToken(st, &event, nil)
	}
	noStore(w)
	web.WriteJSON(w, http.StatusOK, resp)
}

// logVisitor tells the log why a request failed: of those that come too often once a second, else it would grow by what is refused.
func (d *Door) logVisitor(st *store.Store, event *stagedoor.LogEvent, err error) {
	if !stagedoor.HasCode(err, "too_many_requests") || d.refusals.Take(st.Tenant().ID, st.Clock().Now(), 1, 1).OK {
		logToken(st, event, err)
	}
}

func (v *visitorRequest) answer(w http.ResponseWriter, r *http.Request) (resp *visitorResponse, err error) {
	defer func() {
		result := "success"
		if err != nil {
			result = "failure"
		}
		v.countRequest("anonymous", result)
	}()
	if v.params, v.metadata, err = visitorParams(w, r); err != nil {
		return nil, err
	}
	v.event.ClientID, v.event.Audience = v.params["client_id"], v.params["audience"]
	if v.client, err = authenticateClient(r.Context(), r, v.st, v.params); err != nil {
		return nil, err
	}
	v.event.ClientID, v.event.ClientName = v.client.ID, v.client.Name
	if err := ofClient(w, r, v.client); err != nil {
		return nil, err
	}
	told := forwardedFor(r, v.client)
	v.ip = cmp.Or(told, r.RemoteAddr)
	if v.event.IP = v.ip; told != "" || v.client.Public() {
		v.network = stagedoor.Network(v.ip)
	}
	switch {
	case !v.client.AnonymousSessions():
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "unauthorized_client", "Anonymous sessions are not enabled for the client.")
	case v.client.NeedsProof():
		return nil, stagedoor.Errorf(stagedoor.Invalid, "unauthorized_client", "Client configuration requires the use of Proof-of-Possession mechanism")
	}
	if err := v.room(v.st, v.network, guard.Visitors, 0); err != nil {
		return nil, err
	}
	if err := v.hold(r); err != nil {
		return nil, err
	}
	if v.params["audience"] == anonymousTicket {
		return v.ticket()
	}
	return v.tokens(r.Context(), w, r)
}

// visitorParams reads the body, which is JSON: no page of anybody's can send that unasked.
func visitorParams(w http.ResponseWriter, r *http.Request) (map[string]string, json.RawMessage, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, nil, stagedoor.Errorf(stagedoor.UnsupportedMedia, "invalid_request", "The content type must be application/json.")
	}
	b, err := readBody(w, r, "invalid_request")
	if err != nil {
		return nil, nil, err
	}
	if web.CheckJSON(b) != nil {
		return nil, nil, invalid("The request body is not a valid JSON object.")
	}
	params, err := jsonParams(b)
	if err != nil {
		return nil, nil, err
	}
	var more struct{ Metadata json.RawMessage }
	if err := json.Unmarshal(b, &more); err != nil {
		return nil, nil, invalid("The request body is not a valid JSON object.")
	}
	metadata, err := visitorMetadata(more.Metadata)
	return params, metadata, err
}

// visitorMetadata checks what a client says of a visitor: a small object, with no name that is more than a name to scripts.
func visitorMetadata(raw json.RawMessage) (json.RawMessage, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return nil, invalid("metadata must be an object.")
	}
	for _, name := range []string{"__proto__", "constructor", "prototype"} {
		if _, has := members[name]; has {
			return nil, invalid("metadata must not have the property %s.", name)
		}
	}
	if raw = stagedoor.AppendCompact(nil, raw); len(raw) > stagedoor.MaxAnonymousMetadata {
		return nil, invalid("metadata must not exceed %d bytes.", stagedoor.MaxAnonymousMetadata)
	}
	return raw, nil
}

// ofClient lets a page of the client's read the answer, and refuses one of somebody else's, for which the browser would send its cookie.
func ofClient(w http.ResponseWriter, r *http.Request, client *stagedoor.Client) error {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return nil
	}
	if !fromClient(r, client) {
		return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "Origin %s is not allowed.", cut(origin))
	}
	allowOwn(w, r, true)
	w.Header().Set("Access-Control-Expose-Headers", "Retry-After")
	return nil
}

// preflightVisitor answers what browsers ask before they let a page send JSON: pages of clients that have visitors. Whose of them the page is, is looked at when the client is named.
func (d *Door) preflightVisitor(w http.ResponseWriter, r *http.Request, st *store.Store) {
	all, err := st.Clients(r.Context())
	if err != nil {
		answerError(w, r, err)
		return
	}
	answerPreflight(w, r, slices.ContainsFunc(all, func(c stagedoor.Client) bool { return c.AnonymousSessions() && fromClient(r, &c) }))
}

// hold finds the session that the client names or, where it names none, the one of the browser's cookie. A cookie of a session that is over counts for nothing.
func (v *visitorRequest) hold(r *http.Request) (err error) {
	if named := v.params["session_token"]; named != "" {
		if v.held, err = v.st.AnonymousSession(r.Context(), named); err != nil {
			v.held = nil
			return err
		}
		v.named = true
	} else if v.held, err = visitorOf(r, v.st); err != nil {
		return err
	}
	switch {
	case v.held != nil && v.metadata != nil:
		return invalid("metadata cannot be provided when session_token is present")
	case v.held == nil && v.params["audience"] == anonymousTicket:
		return missing("session_token")
	}
	if v.held != nil {
		v.event.UserID = v.held.Subject
	}
	return nil
}

// tokens gives the visitor an access token, and a session where they have none.
func (v *visitorRequest) tokens(ctx context.Context, w http.ResponseWriter, r *http.Request) (*visitorResponse, error) {
	a, api, err := v.granted(ctx)
	if err != nil {
		return nil, err
	}
	life, cookie := v.st.Tenant().Settings.AnonymousSessions()
	s, now := v.held, v.st.Clock().Now()
	if s == nil {
		if err := v.room(v.st, v.network, guard.NewVisitors, 1); err != nil {
			return nil, err
		}
		s = stagedoor.NewAnonymousSession(now, life, v.metadata)
		v.event.Type, v.event.UserID, v.event.Details = anonymousBegan, s.Subject, map[string]any{"session_id": s.ID}
	}
	resp := &visitorResponse{SessionExpiresIn: int(s.ExpiresAt.Sub(now) / time.Second), TokenType: "Bearer"}
	if resp.AccessToken, resp.ExpiresIn, err = v.Minter.Anonymous(ctx, v.st, s, a, token.Access{Client: v.client, API: api}); err != nil {
		return nil, err
	}
	if len(a.Scope) > 0 {
		resp.Scope = new(joined(a.Scope))
		v.event.Scope = *resp.Scope
	}
	v.countTokens("anonymous", resp.AccessToken, "", "")
	if v.named {
		return resp, nil
	}
	if resp.SessionToken, err = v.st.AnonymousToken(s); err == nil && cookie {
		session.SetVisitor(w, r, resp.SessionToken, s.ExpiresAt)
	}
	return resp, err
}

// granted finds the API and the scopes that a visitor gets: those that the client was granted for visitors.
func (v *visitorRequest) granted(ctx context.Context) (*stagedoor.Authorization, *stagedoor.ResourceServer, error) {
	audience := cmp.Or(v.params["audience"], v.st.Tenant().Settings.DefaultAudience)
	a := &stagedoor.Authorization{ClientID: v.client.ID, Audience: audience, Issuer: v.issuer}
	asked := distinct(stagedoor.Words(v.params["scope"]))
	if audience == "" {
		return a, nil, withheld(asked)
	}
	v.event.Audience = audience
	api, err := apiOf(ctx, v.st, audience)
	if stagedoor.HasCode(err, "access_denied") || err == nil && api == nil {
		return nil, nil, errTarget("Service not found: %s", cut(audience))
	}
	if err != nil {
		return nil, nil, err
	}
	if api.AnonymousPolicy() != "require_client_grant" {
		return nil, nil, errTarget("The resource server %s does not allow anonymous access.", cut(audience))
	}
	g, err := v.st.ClientGrantFor(ctx, v.client, api.Identifier, stagedoor.SubjectNobody)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, nil, errTarget("The client has no grant for anonymous users of the resource server %s.", cut(audience))
	}
	if err != nil {
		return nil, nil, err
	}
	a.Scope = slices.DeleteFunc(slices.Clone(g.Scopes(api)), func(s string) bool { return token.IsOIDCScope(s) || !api.Defines(s) })
	if len(asked) > 0 {
		beyond := slices.DeleteFunc(slices.Clone(asked), func(s string) bool { return slices.Contains(a.Scope, s) })
		a.Scope, err = asked, withheld(beyond)
	}
	return a, api, err
}

// withheld refuses scopes that visitors do not get.
func withheld(scopes []string) error {
	if len(scopes) == 0 {
		return nil
	}
	return stagedoor.Errorf(stagedoor.Invalid, "invalid_scope", "Scopes are not granted to anonymous users: %s", cut(joined(scopes)))
}

// ticket gives the client a ticket that carries the session into a login.
func (v *visitorRequest) ticket() (*visitorResponse, error) {
	t := &stagedoor.AnonymousTicket{ID: stagedoor.NewToken(), Session: *v.held, ClientID: v.client.ID, IP: v.ip, ExpiresAt: v.st.Clock().Now().Add(ticketLife)}
	sealed, err := v.st.AnonymousTicket(t)
	return &visitorResponse{Ticket: sealed, ExpiresIn: int(ticketLife / time.Second), TokenType: "N_A"}, err
}

// usualRate is how many sessions of a tenant's visitors may begin a second in the long run, at all servers together, and burstOf for how many seconds' worth there is room at
// once: a tenant has neither the machine nor the disk for itself, and one of endsPart of that may end, of which the names are kept.
const (
	usualRate = 100
	burstOf   = 20
	endsPart  = 10
)

// begins counts what a client begins, or refuses it. Of clients that prove themselves it counts those alone who say for whom they ask.
func (d *Door) begins(r *http.Request, st *store.Store, client *stagedoor.Client, a guard.Allowance) error {
	told := forwardedFor(r, client)
	if told == "" && !client.Public() {
		return nil
	}
	return d.Pipeline.Networks.Begin(st, stagedoor.Network(cmp.Or(told, r.RemoteAddr)), a, 0)
}

// room counts what a visitor does, or refuses it: of the network, and of all of the tenant's visitors, who have one of part of its rate; 0: as much as networks have. An empty network is a client that
// has proved itself and does not say for whom it asks: it stands for many visitors.
func (d *Door) room(st *store.Store, network string, a guard.Allowance, part int) error {
	if network != "" {
		if err := d.Pipeline.Networks.Begin(st, network, a, 0); err != nil {
			return err
		}
	}
	if part == 0 {
		return nil
	}
	rate := max(cmp.Or(st.Tenant().Settings.Local.AnonymousRate, usualRate)/part, 1)
	return d.visitors.Take(st, a.Name, st.Clock().Now(), rate, rate*burstOf).Refusal()
}
