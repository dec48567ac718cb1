package oauth

import (
	"context"
	"net/http"
	"net/url"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// errClient is the one answer for an unknown client and a wrong secret (Authentication API fact
// sheet 4.1).
func errClient() error {
	return stagedoor.Errorf(stagedoor.Unauthorized, "access_denied", "Unauthorized")
}

// authenticateClient finds out which client asks: by a signed assertion, by the certificate of the connection, by HTTP Basic, by client_id and
// client_secret in the body, or, for public clients, by client_id alone.
func authenticateClient(ctx context.Context, r *http.Request, st *store.Store, params map[string]string) (*stagedoor.Client, error) {
	c, err := provenClient(ctx, r, st, params)
	if err == nil {
		err = checkMethod(c, params)
	}
	if err == nil {
		web.EventOf(ctx).SetClient(c.ID)
		return c, nil
	}
	return nil, err
}

// asInvalidClient gives errClient the name that the standards have for it (RFC 6749 section 5.2), at endpoints that are theirs alone.
func asInvalidClient(err error) error {
	if stagedoor.IsKind(err, stagedoor.Unauthorized) && stagedoor.HasCode(err, "access_denied") {
		return stagedoor.Errorf(stagedoor.Unauthorized, "invalid_client", "Invalid client credentials")
	}
	return err
}

// aboutToken reads a client's request about a token (RFC 7009 section 2.1, RFC 7662 section 2.1).
func aboutToken(w http.ResponseWriter, r *http.Request, st *store.Store) (raw string, client *stagedoor.Client, err error) {
	params, err := readParams(w, r)
	if err != nil {
		return "", nil, err
	}
	if params["token"] == "" {
		return "", nil, missing("token")
	}
	client, err = authenticateClient(r.Context(), r, st, params)
	return params["token"], client, asInvalidClient(err)
}

// checkMethod holds a client to the way of proving itself that its compliance level names (FAPI 2.0 Security Profile 5.3.2.1, FAPI 1.0 Advanced 5.2.2).
func checkMethod(c *stagedoor.Client, params map[string]string) error {
	switch c.ComplianceMethod() {
	case "pkj":
		if !byKey(c) || params["client_assertion"] == "" {
			return stagedoor.Errorf(stagedoor.Unauthorized, "invalid_client", "The client must prove itself by private_key_jwt, as its compliance level says.")
		}
	case "mtls":
		if !byCertificate(c) {
			return stagedoor.Errorf(stagedoor.Unauthorized, "invalid_client", "The client must prove itself by a certificate, as its compliance level says.")
		}
	}
	return nil
}

func provenClient(ctx context.Context, r *http.Request, st *store.Store, params map[string]string) (*stagedoor.Client, error) {
	if params["client_assertion"] != "" {
		return assertedClient(ctx, r, st, params)
	}
	id, secret, err := credentials(r, params)
	if err != nil {
		return nil, err
	}
	c, err := st.Client(ctx, id)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		jose.Equal(secret, "unknown clients cost the same") // constant-time, against nothing
		return nil, errClient()
	}
	if err != nil {
		return nil, err
	}
	switch {
	case byCertificate(c):
		return certifiedClient(ctx, r, st, c, secret)
	case len(c.AuthenticationMethods.Lists()) > 0: // a client with keys has no usable secret
	case !st.Tenant().Serves(c):
	case c.Public() && secret == "":
		return c, nil
	case c.Secret != "" && jose.Equal(secret, c.Secret):
		return c, nil
	}
	return nil, errClient()
}

// credentials reads a client's id and secret. Two different sets of them are an attack or a mistake.
func credentials(r *http.Request, params map[string]string) (id, secret string, err error) {
	id, secret = params["client_id"], params["client_secret"]
	rawID, rawSecret, basic := r.BasicAuth()
	if !basic {
		if id == "" {
			return "", "", missing("client_id")
		}
		return id, secret, nil
	}
	basicID, err1 := url.QueryUnescape(rawID)
	basicSecret, err2 := url.QueryUnescape(rawSecret)
	if err1 != nil || err2 != nil {
		return "", "", errClient()
	}
	if id != "" && id != basicID || secret != "" && secret != basicSecret {
		return "", "", invalid("The client is authenticated in two ways that differ.")
	}
	return basicID, basicSecret, nil
}
