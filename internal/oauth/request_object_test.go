package oauth

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

// signsObjects gives a client a key for request objects, and returns what makes them. A claim of nil is left out; KID, TYP, ALG and KEY change how
// it is signed.
func signsObjects(t testing.TB, w *world, client, alg string, required bool) func(changes map[string]any) string {
	t.Helper()
	key, err := jose.NewRSAKey(2048, "client", w.clock())
	if strings.HasPrefix(alg, "ES") {
		key, err = jose.NewECKey("client", w.clock())
	}
	ok(t, err)
	public := publicPEM(t, key.Public())
	w.client(client, func(c *stagedoor.Client) {
		c.Credentials = []stagedoor.ClientCredential{{ID: "cred_o", KID: "object-key", Type: "public_key", Algorithm: alg, PEM: public}}
		c.SignedRequestObject = &stagedoor.SignedRequestObject{Required: required, Credentials: []stagedoor.CredentialID{{ID: "cred_o"}}}
	})
	return func(changes map[string]any) string {
		claims := map[string]any{
			"iss": client, "aud": "https://acme.test/", "client_id": client, "response_type": "code", "redirect_uri": callback,
			"scope": "openid profile", "state": "of the object", "nonce": "n-0", "max_age": 3600, "exp": w.clock().Unix() + 60, "nbf": w.clock().Unix(), "jti": stagedoor.NewToken(),
			"code_challenge": challenge, "code_challenge_method": "S256",
		}
		kid, typ, how, with := "object-key", "oauth-authz-req+jwt", alg, any(key.Private)
		maps.Copy(claims, changes)
		for name, value := range claims {
			switch {
			case value == nil:
			case name == "KID":
				kid = value.(string)
			case name == "TYP":
				typ = value.(string)
			case name == "ALG":
				how = value.(string)
			case name == "KEY":
				with = value
			default:
				continue
			}
			delete(claims, name)
		}
		signer, err := jose.NewSigner(how, kid, with, typ)
		ok(t, err)
		signed, err := signer.Sign(claims)
		ok(t, err)
		return signed
	}
}

func publicPEM(t testing.TB, key crypto.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	ok(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func TestRequestObject(t *testing.T) {
	for _, alg := range []string{"RS256", "RS384", "PS256", "ES256"} {
		w := newWorld(t)
		object := signsObjects(t, w, site, alg, true)
		// What stands in the query counts for nothing, not even where the object is silent.
		a := w.browser().login(values("client_id", site, "request", object(nil), "response_type", "token", "scope", "openid email", "state", "other", "audience", apiAudience))
		code := a.got()
		same(t, "state", code.Get("state"), "of the object")
		tokens := w.redeem(site, code.Get("code"), "code_verifier", verifier).good()
		same(t, "scope", tokens.Scope, "openid profile")
		if strings.Contains(tokens.AccessToken, ".") {
			t.Errorf("%s: the audience of the query counts", alg)
		}
		claims := w.claims(tokens.IDToken)
		if claims["nonce"] != "n-0" || claims["auth_time"] == nil {
			t.Errorf("%s: %v", alg, claims)
		}
		// Also inside of a pushed request, where it counts as signed at /authorize too.
		status, name, body := w.push(values("client_id", site, "client_secret", secret(site), "request", object(nil), "scope", "openid email"))
		same(t, "pushed", []any{status, body["error"]}, []any{201, nil})
		w.browser().authorize(values("client_id", site, "request_uri", name)).asks("login")
		w.browser().authorize(request(site)).fails("invalid_request", "The client must send its authorization requests in signed request objects.")
		status, _, body = w.push(request(site, "client_secret", secret(site)))
		same(t, "pushed in the open", []any{status, body["error"]}, []any{400, "invalid_request"})
	}
}

func TestRequestObjectRefused(t *testing.T) {
	w := newWorld(t)
	object := signsObjects(t, w, site, "RS256", false)
	now := w.clock().Unix()
	for why, changes := range map[string]map[string]any{
		"iss and client_id must be the client's":   {"iss": spa},
		"iss and client_id must be the client's ":  {"client_id": spa},
		"iss and client_id must be the client's  ": {"client_id": nil},
		"aud must be https://acme.test/":           {"aud": "https://other.test/"},
		"aud must be https://acme.test/ ":          {"aud": nil},
		"sub must not be the client's":             {"sub": site},
		"it has expired":                           {"exp": now - 11},
		"it is from the future":                    {"nbf": now + 11},
		"it is from the future ":                   {"iat": now + 11},
		"jti must have at most 64 characters":      {"jti": strings.Repeat("j", 65)},
		"typ must be oauth-authz-req+jwt":          {"TYP": "dpop+jwt"},
		"request must not be in it":                {"request": "x"},
		"request_uri must not be in it":            {"request_uri": "https://evil.test/"},
		"no key of the client verifies it":         {"KID": "another-key"},
		"no key of the client verifies it ":        {"ALG": "PS256"},
		"it holds text that cannot be read":        {"state": "\x00"},
	} {
		why = strings.TrimRight(why, " ")
		w.browser().authorize(values("client_id", site, "redirect_uri", callback, "request", object(changes))).fails("invalid_request_object", "Invalid request object: "+why)
	}
	// Where no callback stands beside it, there is nobody to tell.
	w.browser().authorize(values("client_id", site, "request", object(map[string]any{"iss": spa}))).page(400, "iss and client_id")
	w.browser().authorize(values("client_id", site, "redirect_uri", "https://evil.test/", "request", object(map[string]any{"iss": spa}))).page(400, "iss and client_id")
	w.browser().authorize(values("client_id", site, "request", object(map[string]any{"redirect_uri": "https://evil.test/"}))).page(403, "Callback URL mismatch")
	w.browser().authorize(values("client_id", site, "request", object(map[string]any{"exp": nil, "nbf": nil, "jti": nil, "TYP": "", "organization": "", "response_mode": ""}))).asks("login")
	// A client that complies with FAPI bounds their life.
	object = signsObjects(t, w, site, "PS256", false)
	w.client(site, func(c *stagedoor.Client) { c.ComplianceLevel = "fapi1_adv_pkj_par" })
	w.browser().authorize(values("client_id", site, "redirect_uri", callback, "request", object(map[string]any{"exp": nil}))).fails("invalid_request_object", "Invalid request object: it needs nbf and exp, an hour apart at most")
}

// TestRequestObjectKeyConfusion: an object is verified as its key's record says, whatever its header says.
func TestRequestObjectKeyConfusion(t *testing.T) {
	w := newWorld(t)
	object := signsObjects(t, w, site, "RS256", true)
	refused := func(what, raw string) {
		t.Helper()
		_, _, v := w.browser().authorize(values("client_id", site, "redirect_uri", callback, "request", raw)).response()
		if v.Get("error") != "invalid_request_object" {
			t.Errorf("%s: %v", what, v)
		}
	}
	client, err := w.st.Client(t.Context(), site)
	ok(t, err)
	public := []byte(client.Credentials[0].PEM)
	refused("the public key as a shared secret", object(map[string]any{"ALG": "HS256", "KEY": public}))
	refused("the client's secret", object(map[string]any{"ALG": "HS256", "KEY": []byte(client.Secret)}))
	parts := strings.Split(object(nil), ".")
	for _, alg := range []string{"none", "None", "NONE", "nOnE", ""} {
		header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"` + alg + `","typ":"oauth-authz-req+jwt"}`))
		refused("alg "+alg, header+"."+parts[1]+".")
		refused("alg "+alg+" with a signature", header+"."+parts[1]+"."+parts[2])
	}
	other, err := jose.NewRSAKey(2048, "other", w.clock())
	ok(t, err)
	refused("another key", object(map[string]any{"KEY": crypto.Signer(other.Private)}))
	w.client(site, func(c *stagedoor.Client) { // the same key, but for something else
		c.Credentials[0].ID = "cred_a"
		c.Credentials = append(c.Credentials, stagedoor.ClientCredential{ID: "cred_o", KID: "other-key", Type: "public_key", Algorithm: "RS256", PEM: publicPEM(t, other.Public())})
	})
	refused("a key of the client's that is not for request objects", object(nil))
	refused("the same under the id of the one that is", object(map[string]any{"KID": "other-key"}))
	refused("the same under no id", object(map[string]any{"KID": ""}))
	w.browser().authorize(values("client_id", site, "request", object(map[string]any{"KEY": crypto.Signer(other.Private), "KID": ""}))).asks("login")
	w.client(site, func(c *stagedoor.Client) { c.Credentials = c.Credentials[:1]; c.Credentials[0].ID = "cred_o" })
	past := w.clock().Add(-time.Second)
	w.client(site, func(c *stagedoor.Client) { c.Credentials[0].ExpiresAt = &past })
	refused("a key that has expired", object(nil))
	w.client(site, func(c *stagedoor.Client) { c.SignedRequestObject.Credentials = nil })
	w.browser().authorize(values("client_id", site, "redirect_uri", callback, "request", object(nil))).fails("request_not_supported", "The client has no keys for request objects.")
}

// FuzzRequestObject: whatever somebody sends as a request object, it begins no login.
func FuzzRequestObject(f *testing.F) {
	w := newWorld(f)
	object := signsObjects(f, w, site, "ES256", true)
	good := object(nil)
	parts := strings.Split(good, ".")
	f.Add(good[:len(good)-1])
	f.Add(parts[0] + "." + parts[1] + ".")
	f.Add("eyJhbGciOiJub25lIn0." + parts[1] + ".")
	f.Add(parts[0] + "..")
	f.Fuzz(func(t *testing.T, raw string) {
		w.TB = t
		if raw == good || raw == "" { // an empty parameter is none
			return
		}
		a := w.browser().authorize(url.Values{"client_id": {site}, "request": {raw}})
		if a.Code != 400 || a.Header().Get("Location") != "" {
			t.Errorf("%q: %d %s", raw, a.Code, a.Header().Get("Location"))
		}
	})
}
