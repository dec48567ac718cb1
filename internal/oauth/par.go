package oauth

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Limits of a pushed request (Authentication API fact sheet 2.4).
const (
	maxPushed = 10 << 10 // bytes
	maxExt    = 10       // parameters of the client's own, ext-…
)

// proofsOfClients are the parameters by which clients prove themselves: they are no part of what is asked for.
var proofsOfClients = []string{"client_secret", "client_assertion", "client_assertion_type"}

// push takes an authorization request from the client itself, checks it as /authorize would, and gives a name for it that a browser can go there
// with (RFC 9126).
func (d *Door) push(w http.ResponseWriter, r *http.Request, st *store.Store) {
	out, err := d.pushed(w, r, st)
	token.OfferNonce(w, r, st)
	if err != nil {
		refuse(w, r, st, pushRefused(err))
		return
	}
	noStore(w)
	web.WriteJSON(w, http.StatusCreated, out)
}

// pushRefused gives an error of the authorization endpoint the status that it has here: nobody is there to be sent anywhere
// (RFC 9126 section 2.3).
func pushRefused(err error) error {
	e := stagedoor.AsError(err)
	if e.Kind == stagedoor.Forbidden {
		return stagedoor.Errorf(stagedoor.Invalid, e.Code, "%s", e.Message)
	}
	return asInvalidClient(err)
}

func (d *Door) pushed(w http.ResponseWriter, r *http.Request, st *store.Store) (_ map[string]any, err error) {
	event := web.LogEvent(r, stagedoor.LogEvent{Type: "fpar"})
	defer func() {
		if err != nil {
			logToken(st, &event, err)
		}
	}()
	if !st.Tenant().Settings.AllowsPAR() {
		return nil, stagedoor.Errorf(stagedoor.NotFound, "not_found", "This tenant takes no pushed authorization requests.")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxPushed)
	form, err := readParams(w, r)
	if err != nil {
		return nil, err
	}
	event.ClientID, event.Audience = form["client_id"], form["audience"]
	if err := d.described(r, st, form["client_id"]); err != nil {
		return nil, err
	}
	client, err := authenticateClient(r.Context(), r, st, form)
	if err != nil {
		return nil, err
	}
	if client.Global {
		return nil, errClient()
	}
	event.ClientID, event.ClientName = client.ID, client.Name
	params := url.Values{}
	ext := 0
	for name, value := range form {
		if !slices.Contains(proofsOfClients, name) && (value != "" || !knownParams[name]) { // without a value it is as if left out
			params.Set(name, value)
		}
		if strings.HasPrefix(name, "ext-") {
			ext++
		}
	}
	params.Set("client_id", client.ID)
	switch {
	case params.Has("request_uri"):
		return nil, invalid("request_uri must not be pushed")
	case ext > maxExt:
		return nil, invalid("At most %d parameters may begin with ext-", maxExt)
	}
	in, err := d.asked(r, st, client, params)
	if err != nil {
		return nil, err
	}
	in.pushed = true
	if in.jkt, err = token.Prove(r, st, "", false); err != nil {
		return nil, err
	}
	req, err := d.trusted(r, st, client, in.params)
	if stagedoor.HasCode(err, "unauthorized_client") { // a callback that is not the client's
		err = invalid("%s", stagedoor.AsError(err).Message)
	}
	if err != nil {
		return nil, err
	}
	if _, err := d.check(r, st, client, in, req); err != nil {
		return nil, err
	}
	if err := d.begins(r, st, client, guard.Pushes); err != nil {
		return nil, err
	}
	name, life := stagedoor.NewToken(), client.PushedLife()
	err = st.SavePushedRequest(r.Context(), name, &stagedoor.PushedRequest{
		ClientID: client.ID, Params: maps.Clone(in.params), Signed: in.signed, DPoPJKT: in.jkt, ExpiresAt: st.Clock().Now().Add(life),
	})
	if err != nil {
		return nil, err
	}
	return map[string]any{"request_uri": requestURI + name, "expires_in": int(life.Seconds())}, nil
}
