package oauth

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/internal/web"
)

// tokenRequest is what a grant gets: a client that has proved itself and may use the grant.
type tokenRequest struct {
	*Door
	st      *store.Store
	client  *stagedoor.Client
	params  map[string]string
	visit   pipeline.Visit
	event   *stagedoor.LogEvent // the grant fills in the user
	bound   token.Confirmation  // the keys that the client proved to have: the tokens are bound to them
	success string              // log event type of success, where it is not the grant's
	changed string              // what the person's factors have changed by, that they are told of
	proof   string              // the second factor that the person has just given: otp, recovery-code
	session *stagedoor.Session  // of the online refresh token that the client presents
	header  http.Header         // of the answer
}

// tokenResponse is the answer of every grant (RFC 6749 section 5.1).
type tokenResponse struct {
	AccessToken  string  `json:"access_token"`
	RefreshToken string  `json:"refresh_token,omitempty"`
	IDToken      string  `json:"id_token,omitempty"`
	RecoveryCode string  `json:"recovery_code,omitempty"` // the next one, of whoever has used one
	Scope        *string `json:"scope,omitempty"`         // what was granted; empty: nothing of what was asked for

	IssuedTokenType string `json:"issued_token_type,omitempty"` // of a token exchange (RFC 8693)

	Details json.RawMessage `json:"authorization_details,omitempty"` // what was granted (RFC 9396 section 7)

	ExpiresIn int    `json:"expires_in"` // seconds
	TokenType string `json:"token_type"`
}

// token is the token endpoint. All that grants share is done here, before any of them runs.
func (d *Door) token(w http.ResponseWriter, r *http.Request, st *store.Store) {
	params, err := readParams(w, r)
	if err != nil {
		answerError(w, r, err)
		return
	}
	resp, err := d.redeem(w, r, st, params)
	token.OfferNonce(w, r, st)
	d.count(params["grant_type"], resp, err)
	if err != nil {
		refuse(w, r, st, err)
		return
	}
	noStore(w)
	web.WriteJSON(w, http.StatusOK, resp)
}

func (d *Door) redeem(w http.ResponseWriter, r *http.Request, st *store.Store, params map[string]string) (*tokenResponse, error) {
	name := params["grant_type"]
	if name == "" {
		return nil, missing("grant_type")
	}
	client, err := authenticateClient(r.Context(), r, st, params)
	g, known := grants[name]
	event := web.LogEvent(r, stagedoor.LogEvent{Type: "f"})
	if event.Audience = params["audience"]; known {
		event.Type = g.failure
	}
	if err != nil {
		event.ClientID = params["client_id"]
		logToken(st, &event, err)
		return nil, err
	}
	event.ClientID, event.ClientName = client.ID, client.Name
	switch {
	case !known:
		err = stagedoor.Errorf(stagedoor.Forbidden, "unsupported_grant_type", "Unsupported grant type: %s", name)
	case g.may != nil && !g.may(client), g.may == nil && !client.Allows(name):
		err = errGrant(name)
	}
	var bound token.Confirmation
	if err == nil {
		bound, err = possession(r, st, client)
	}
	if err != nil {
		logToken(st, &event, err)
		return nil, err
	}
	if err := nameAPI(r.Context(), st, params); err != nil {
		logToken(st, &event, err)
		return nil, err
	}
	v := visitFor(r, st, client)
	event.IP, v.Body = v.IP, scriptBody(params)
	t := &tokenRequest{Door: d, st: st, client: client, params: params, visit: v, event: &event, bound: bound, header: w.Header()}
	resp, err := g.redeem(r.Context(), t)
	if err = ended(name, err); err == nil {
		event.Type = cmp.Or(t.success, g.success)
		if resp.Scope != nil {
			event.Scope = *resp.Scope
		}
	}
	logToken(st, &event, err)
	return resp, err
}

// ended is the answer to a request of a person all of whose access has ended while it was under way. A password was right before that, and is not told from one that never was.
func ended(grant string, err error) error {
	if !stagedoor.HasCode(err, store.CodeAccessEnded) {
		return err
	}
	switch grant {
	case grantPassword, grantRealm:
		return connection.ErrWrongCredentials()
	}
	return invalidGrant("All access of the user has ended meanwhile.")
}

// possession finds out which keys the client proves to have, and whether they are all that it needs. Proofs of public clients hold a nonce: they are
// all that protects such a client's tokens (RFC 9449 section 8).
func possession(r *http.Request, st *store.Store, client *stagedoor.Client) (bound token.Confirmation, err error) {
	if bound.JKT, err = token.Prove(r, st, "", client.Public()); err != nil {
		return bound, err
	}
	bound.X5T = token.Thumbprint(r)
	return bound, checkProof(client, bound)
}

// given is the second factor that the person has just given.
func (t *tokenRequest) given() pipeline.Second {
	return pipeline.Second{Kind: t.proof, Fresh: t.changed == "factor"}
}

// binding is what tokens for the API are bound to: the key of a DPoP proof, and the certificate of a client that is known by it, that must
// prove possession, or whose API wants it. Others may show one for reasons of their own.
func (t *tokenRequest) binding(api *stagedoor.ResourceServer) token.Confirmation {
	bound := t.bound
	if !byCertificate(t.client) && !t.client.NeedsProof() && (api == nil || api.ProofOfPossession == nil || api.ProofOfPossession.Mechanism != "mtls") {
		bound.X5T = ""
	}
	return bound
}

// tokenType is how the access tokens of the request are used.
func (t *tokenRequest) tokenType() string { return typeOf(t.bound.JKT) }

// typeOf is the token_type of an access token that is bound to the key with the thumbprint, or to none.
func typeOf(jkt string) string {
	if jkt != "" {
		return "DPoP"
	}
	return "Bearer"
}

// cut bounds what a request can write into the log, in bytes.
func cut(s string) string { return stagedoor.Shorten(s, 1024) }

func errGrant(name string) error {
	e := stagedoor.Errorf(stagedoor.Forbidden, "unauthorized_client", "Grant type '%s' not allowed for the client.", name)
	e.Extra = map[string]any{"error_uri": "https://auth0.com/docs/clients/client-grant-types"}
	return e
}

func logToken(st *store.Store, e *stagedoor.LogEvent, err error) {
	if err != nil {
		pipeline.Denied(e, err)
		e.Description = cut(stagedoor.AsError(err).Message)
	}
	e.ClientID, e.Audience = cut(e.ClientID), cut(e.Audience)
	st.Log(*e)
}

// scriptBody is the body as scripts may see it.
func scriptBody(params map[string]string) map[string]any {
	out := map[string]any{}
	for name, value := range params {
		switch name {
		case "client_secret", "password", "otp", "refresh_token", "code", "device_code", "auth_req_id", "code_verifier", "client_assertion", "subject_token", "actor_token", "auth_session", "authn_response",
			"mfa_token", "oob_code", "binding_code", "recovery_code", "id_token":
		default:
			out[name] = value
		}
	}
	return out
}

// grant is a row of the table of grants.
type grant struct {
	success, failure string // log event types
	redeem           func(context.Context, *tokenRequest) (*tokenResponse, error)
	may              func(*stagedoor.Client) bool // nil: the client's grant types say
}

// grants are what /oauth/token redeems.
var grants = map[string]grant{
	"authorization_code": {success: "seacft", failure: "feacft", redeem: redeemCode},
	"refresh_token":      {success: "sertft", failure: "fertft", redeem: redeemRefreshToken},
	"client_credentials": {success: "seccft", failure: "feccft", redeem: redeemClientCredentials},
	grantPassword:        {success: "sepft", failure: "fepft", redeem: redeemPassword},
	grantRealm:           {success: "sepft", failure: "fepft", redeem: redeemRealm},
	grantOTP:             {success: "seotpft", failure: "feotpft", redeem: redeemOTP},
	grantOOB:             {success: "seoobft", failure: "feoobft", redeem: redeemOOB},
	grantRecovery:        {success: "sercft", failure: "fercft", redeem: redeemRecovery},
	grantPasswordless:    {success: "sepotpft", failure: "fepotpft", redeem: redeemPasswordless},
	grantPasskey:         {success: "s", failure: "f", redeem: redeemPasskey},
	grantDevice:          {success: "sede", failure: "fede", redeem: redeemDevice},
	grantCIBA:            {success: "ciba_exchange_succeeded", failure: "ciba_exchange_failed", redeem: redeemCIBA},
	grantTokenExchange:   {success: "secte", failure: "fecte", redeem: exchangeToken, may: mayExchangeAny},
	grantFederated:       {success: "seta", failure: "feta", redeem: exchangeFederated, may: mayFederate},
}

func joined(scope []string) string { return strings.Join(scope, " ") }
