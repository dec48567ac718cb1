package oauth

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/stagedoor/stagedoor"
)

const passkeyGrant = "urn:okta:params:oauth:grant-type:webauthn"

// sends posts a JSON object.
func (w *world) sends(path string, body map[string]any) *answer {
	w.Helper()
	b, err := json.Marshal(body)
	ok(w, err)
	r := httptest.NewRequest("POST", path, strings.NewReader(string(b)))
	r.Header.Set("Content-Type", "application/json")
	return w.browser().do(r)
}

// An app signs somebody up with a passkey, and in: Authentication API fact sheet 4.9.
func TestPasskeyGrant(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.client(spa, func(c *stagedoor.Client) {
			c.GrantTypes = append(c.GrantTypes, passkeyGrant, otpGrant)
			c.Stored = map[string]json.RawMessage{"mobile": json.RawMessage(`{"android":{"sha256_cert_fingerprints":["` + strings.TrimSuffix(strings.Repeat("AB:", 32), ":") + `"]}}`)}
		})
		conns, err := w.st.Connections(t.Context())
		ok(t, err)
		challenge := map[string]any{"client_id": spa}
		w.read(w.sends("/passkey/challenge", challenge)).bad(400, "invalid_request", "No connection of the client takes passkeys.")
		for _, c := range conns {
			_, err := w.st.UpdateConnection(t.Context(), c.ID, func(c *stagedoor.Connection) error {
				c.Options.Stored = map[string]json.RawMessage{"authentication_methods": json.RawMessage(`{"passkey":{"enabled":true}}`)}
				return nil
			})
			ok(t, err)
		}
		var asked struct {
			Session string          `json:"auth_session"`
			Options json.RawMessage `json:"authn_params_public_key"`
		}
		begin := func(path string, more map[string]any) {
			w.Helper()
			body := map[string]any{"client_id": spa}
			for name, v := range more {
				body[name] = v
			}
			asked.Session, asked.Options = "", nil
			w.sends(path, body).json(200, &asked)
		}
		redeem := func(client, response string) *tokenAnswer {
			w.Helper()
			return w.read(w.sends("/oauth/token", map[string]any{
				"grant_type": passkeyGrant, "client_id": client, "auth_session": asked.Session, "authn_response": json.RawMessage(response), "scope": "openid profile offline_access",
			}))
		}
		auth, key := virtualwebauthn.NewAuthenticator(), ecKey()
		party := virtualwebauthn.RelyingParty{ID: "acme.test", Origin: "https://acme.test"}
		makes := func() string {
			o, err := virtualwebauthn.ParseAttestationOptions(string(asked.Options))
			ok(w, err)
			auth.Options.UserHandle = []byte(o.UserID)
			return virtualwebauthn.CreateAttestationResponse(party, auth, key, *o)
		}
		signs := func() string {
			o, err := virtualwebauthn.ParseAssertionOptions(string(asked.Options))
			ok(w, err)
			key.Counter++
			return virtualwebauthn.CreateAssertionResponse(party, auth, key, *o)
		}
		person := map[string]any{"user_profile": map[string]any{"email": "Grace@example.com", "name": "Grace"}}
		w.read(w.sends("/passkey/register", challenge)).bad(400, "invalid_request", "Missing required parameter: user_profile")
		begin("/passkey/register", person)
		first := redeem(spa, makes()).good()
		if claims := w.claims(first.IDToken); claims["name"] != "Grace" || first.RefreshToken == "" {
			t.Errorf("claims %v", claims)
		}
		handle := auth.Options.UserHandle
		begin("/passkey/register", person)
		redeem(spa, makes()).bad(403, "invalid_grant", "The passkey could not be verified.") // the key has an owner
		auth.Options.UserHandle = handle
		begin("/passkey/challenge", nil)
		second := redeem(spa, signs()).good()
		same(t, "sub", w.claims(second.IDToken)["sub"], w.claims(first.IDToken)["sub"])
		redeem(spa, "{}").bad(403, "invalid_grant", "Invalid or expired auth_session.") // it works once
		begin("/passkey/challenge", nil)
		w.client(site, func(c *stagedoor.Client) { c.GrantTypes = append(c.GrantTypes, passkeyGrant) })
		w.read(w.sends("/oauth/token", map[string]any{
			"grant_type": passkeyGrant, "client_id": site, "client_secret": secret(site), "auth_session": asked.Session, "authn_response": json.RawMessage(signs()),
		})).bad(403, "invalid_grant", "auth_session not issued to this client")
		party.Origin = "https://evil.test"
		begin("/passkey/challenge", nil)
		redeem(spa, signs()).bad(403, "invalid_grant", "The passkey could not be verified.")
		party.Origin = "android:apk-key-hash:q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s" // the client's app
		begin("/passkey/challenge", nil)
		redeem(spa, signs()).good()
		begin("/passkey/challenge", nil)
		response := signs()
		w.pass(11 * time.Minute)
		redeem(spa, response).bad(403, "invalid_grant", "Invalid or expired auth_session.")
		for _, c := range conns {
			_, err := w.st.UpdateConnection(t.Context(), c.ID, func(c *stagedoor.Connection) error {
				c.EnabledClients = slices.DeleteFunc(c.EnabledClients, func(id string) bool { return id == spa })
				return nil
			})
			ok(t, err)
		}
		w.read(w.sends("/passkey/challenge", challenge)).bad(400, "invalid_request", "No connection of the client takes passkeys.")
		w.enable("Users", spa)
		w.sends("/passkey/challenge", challenge).json(200, &asked)
		w.client(spa, func(c *stagedoor.Client) { c.GrantTypes = []string{"authorization_code"} })
		w.read(w.sends("/passkey/challenge", challenge)).bad(403, "unauthorized_client", "Grant type '"+passkeyGrant+"' not allowed for the client.")
		w.client(spa, func(c *stagedoor.Client) { c.GrantTypes = append(c.GrantTypes, passkeyGrant); c.IsFirstParty = false })
		w.read(w.sends("/passkey/challenge", challenge)).bad(403, "unauthorized_client", "Grant type '"+passkeyGrant+"' not allowed for the client.")
	})
}

// ecKey makes a key. Those with a leading zero in a coordinate are made again: what plays the key in tests writes them too short.
func ecKey() virtualwebauthn.Credential {
	for {
		c := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
		if k, err := x509.ParsePKCS8PrivateKey(c.Key.Data); err == nil {
			if p := k.(*ecdsa.PrivateKey); p.X.BitLen() > 248 && p.Y.BitLen() > 248 { //nolint:staticcheck // the coordinates themselves
				return c
			}
		}
	}
}
