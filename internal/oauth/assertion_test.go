package oauth

import (
	"encoding/pem"
	"maps"
	"net/url"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

// keyed gives the machine client a key and returns what makes its assertions.
func keyed(t *testing.T, w *world, alg string) func(changes map[string]any) url.Values {
	t.Helper()
	key, err := jose.NewRSAKey(2048, "client", w.clock())
	ok(t, err)
	cert := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: key.Cert.Raw}))
	w.client(machine, func(c *stagedoor.Client) {
		c.Credentials = []stagedoor.ClientCredential{{ID: "cred_1", KID: "the-key-id", Type: "public_key", Algorithm: alg, PEM: cert}}
		c.AuthenticationMethods = &stagedoor.ClientAuthentication{
			PrivateKeyJWT: &stagedoor.CredentialList{Credentials: []stagedoor.CredentialID{{ID: "cred_1"}}},
		}
	})
	return func(changes map[string]any) url.Values {
		claims := map[string]any{
			"iss": machine, "sub": machine, "aud": "https://acme.test/", "jti": stagedoor.NewToken(),
			"iat": w.clock().Unix(), "nbf": w.clock().Unix(), "exp": w.clock().Unix() + 60,
		}
		kid, signWith, typ := "the-key-id", alg, "JWT"
		maps.Copy(claims, changes)
		for name, value := range claims {
			switch {
			case value == nil:
				delete(claims, name)
			case name == "KID":
				kid = value.(string)
				delete(claims, name)
			case name == "TYP":
				typ = value.(string)
				delete(claims, name)
			case name == "ALG":
				signWith = value.(string)
				delete(claims, name)
			}
		}
		signer, err := jose.NewSigner(signWith, kid, key.Private, typ)
		ok(t, err)
		signed, err := signer.Sign(claims)
		ok(t, err)
		return values("grant_type", "client_credentials", "audience", apiAudience, "client_assertion_type", assertionType, "client_assertion", signed)
	}
}

func TestPrivateKeyJWT(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for _, alg := range []string{"RS256", "RS384", "PS256"} {
			assert := keyed(t, w, alg)
			same(t, alg, w.token(assert(nil)).good().Scope, "read:songs edit:songs")
			w.token(assert(map[string]any{"KID": "", "aud": "https://acme.test/oauth/token", "nbf": nil})).good()
			for _, typ := range []string{"", "jwt", "client-authentication+jwt"} {
				w.token(assert(map[string]any{"TYP": typ})).good()
			}
			w.pass(time.Minute)
		}
	})
}

// TestPrivateKeyJWTAudience: the issuer, the token endpoint and the endpoint that is asked are meant; where a client keeps to FAPI 2.0, the issuer alone.
func TestPrivateKeyJWTAudience(t *testing.T) {
	w := newWorld(t)
	assert := keyed(t, w, "PS256")
	push := func(audience any) int {
		form := assert(map[string]any{"aud": audience})
		for name, values := range request(machine, "response_type", "code") {
			form[name] = values
		}
		return w.browser().post("/oauth/par", form).Code
	}
	w.client(machine, func(c *stagedoor.Client) {
		c.Callbacks, c.GrantTypes = append(c.Callbacks, callback), append(c.GrantTypes, "authorization_code")
	})
	for level, good := range map[string]int{"": 4, "fapi2_sp_pkj_mtls": 1} {
		w.client(machine, func(c *stagedoor.Client) { c.ComplianceLevel = level })
		for i, audience := range []any{
			"https://acme.test/", []string{"https://acme.test/"}, "https://acme.test/oauth/token", "https://acme.test/oauth/par", "https://acme.test/bc-authorize", "https://acme.test",
		} {
			if got := push(audience); (got != 401) != (i < good) {
				t.Errorf("%q %v: %d", level, audience, got)
			}
		}
	}
}

func TestPrivateKeyJWTRefused(t *testing.T) {
	w := newWorld(t)
	assert := keyed(t, w, "RS256")
	now := w.clock().Unix()
	for why, changes := range map[string]map[string]any{
		"aud must be https://acme.test/":                     {"aud": "https://other.test/"},
		"aud must be https://acme.test/ ":                    {"aud": []string{"https://acme.test/", "https://other.test/"}},
		"iss, sub and client_id differ":                      {"iss": spa},
		"the client does not authenticate with a key":        {"iss": spa, "sub": spa},
		"the client does not authenticate with a key ":       {"iss": "nobody", "sub": "nobody"},
		"jti must have 1 to 64 characters":                   {"jti": nil},
		"it may live for five minutes at most":               {"exp": now + 3600},
		"it has expired":                                     {"exp": now - 11},
		"it is from the future":                              {"nbf": now + 11},
		"it is from the future ":                             {"iat": now + 11},
		"no key of the client verifies it":                   {"KID": "another-key"},
		"no key of the client verifies it ":                  {"ALG": "PS256"},
		"it is a token of another kind, oauth-authz-req+jwt": {"TYP": "oauth-authz-req+jwt"},
		"it is a token of another kind, at+jwt":              {"TYP": "at+jwt"},
	} {
		for len(why) > 0 && why[len(why)-1] == ' ' {
			why = why[:len(why)-1]
		}
		w.token(assert(changes)).bad(401, "invalid_client", "Invalid client assertion: "+why)
	}
	w.token(assert(map[string]any{"exp": now - 9})).good() // within the skew
	form := assert(nil)
	w.token(form).good()
	w.token(form).bad(401, "invalid_client", "Invalid client assertion: its jti was used before")

	form = assert(nil)
	form.Set("client_secret", secret(machine))
	w.token(form).bad(400, "invalid_request", "The client is authenticated in two ways that differ.")
	form = assert(nil)
	form.Set("client_assertion_type", "magic")
	w.token(form).bad(400, "invalid_request", "Unknown client_assertion_type")
	form.Set("client_assertion_type", assertionType)
	form.Set("client_assertion", "nonsense")
	w.token(form).bad(401, "invalid_client", "Invalid client assertion: it is not a signed token")

	form = assert(nil)
	form.Set("client_id", spa)
	w.token(form).bad(401, "invalid_client", "Invalid client assertion: iss, sub and client_id differ")

	// A key of somebody else's with the same id.
	stranger, err := jose.NewRSAKey(2048, "stranger", w.clock())
	ok(t, err)
	signer, err := jose.NewSigner("RS256", "the-key-id", stranger.Private, "JWT")
	ok(t, err)
	forged, err := signer.Sign(map[string]any{"iss": machine, "sub": machine, "aud": "https://acme.test/", "jti": "forged", "iat": w.clock().Unix(), "exp": w.clock().Unix() + 60})
	ok(t, err)
	form = assert(nil)
	form.Set("client_assertion", forged)
	w.token(form).bad(401, "invalid_client", "Invalid client assertion: no key of the client verifies it")

	// A client with keys has no usable secret.
	w.token(values(machineForm()...)).bad(401, "access_denied", "Unauthorized")
	// An expired credential is none, nor is one that the client does not name.
	past := w.clock().Add(-time.Second)
	w.client(machine, func(c *stagedoor.Client) { c.Credentials[0].ExpiresAt = &past })
	w.token(assert(nil)).bad(401, "invalid_client", "Invalid client assertion: no key of the client verifies it")
	w.client(machine, func(c *stagedoor.Client) {
		c.Credentials[0].ExpiresAt = nil
		c.AuthenticationMethods.PrivateKeyJWT.Credentials = nil
	})
	w.token(assert(nil)).bad(401, "invalid_client", "Invalid client assertion: no key of the client verifies it")
}

// A client that demands more than what it uses gets nothing, rather than less than it demands.
func TestDemands(t *testing.T) {
	w := newWorld(t)
	w.client(machine, func(c *stagedoor.Client) { c.RequireProofOfPossession = new(true) })
	w.token(values(machineForm()...)).bad(400, "invalid_dpop_proof", "The client must prove the possession of a key, by DPoP or by its certificate.")
	w.client(machine, func(c *stagedoor.Client) { c.RequireProofOfPossession, c.ComplianceLevel = nil, "none" })
	w.token(values(machineForm()...)).good()
}

// A client whose only connection has a strategy that nobody can sign in through is told so.
func TestConnectionsThatAreConfigurationOnly(t *testing.T) {
	w := newWorld(t)
	ok(t, w.st.CreateConnection(t.Context(), &stagedoor.Connection{Name: "corp", Strategy: "samlp", EnabledClients: []string{site}}))
	a := w.browser().get("/authorize?" + request(site, "connection", "corp").Encode())
	want := "the connection corp (samlp) cannot be used to log in: this server keeps it as configuration only"
	if to, err := url.Parse(a.Header().Get("Location")); err != nil || to.Query().Get("error") != "invalid_request" || to.Query().Get("error_description") != want {
		t.Errorf("%d %s", a.Code, a.Header().Get("Location"))
	}
}
