package oauth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/stagedoor/stagedoor"
)

// prover makes DPoP proofs with a key of its own.
type prover struct {
	*world
	key   *ecdsa.PrivateKey
	jkt   string
	nonce string
}

func (w *world) prover() *prover {
	w.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(w, err)
	public := gojose.JSONWebKey{Key: &key.PublicKey}
	sum, err := public.Thumbprint(5) // SHA-256
	ok(w, err)
	return &prover{world: w, key: key, jkt: base64.RawURLEncoding.EncodeToString(sum)}
}

// proof makes a proof for a request. A claim of nil is left out; TYP changes the header.
func (p *prover) proof(method, path, access string, changes map[string]any) string {
	p.Helper()
	claims := map[string]any{"jti": stagedoor.NewToken(), "htm": method, "htu": "https://acme.test" + path, "iat": p.clock().Unix()}
	if access != "" {
		sum := sha256.Sum256([]byte(access))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	if p.nonce != "" {
		claims["nonce"] = p.nonce
	}
	typ := "dpop+jwt"
	maps.Copy(claims, changes)
	for name, value := range claims {
		if name == "TYP" {
			typ = value.(string)
		}
		if value == nil || name == "TYP" {
			delete(claims, name)
		}
	}
	signer, err := gojose.NewSigner(gojose.SigningKey{Algorithm: gojose.ES256, Key: p.key}, (&gojose.SignerOptions{EmbedJWK: true}).WithType(gojose.ContentType(typ)))
	ok(p, err)
	payload, err := json.Marshal(claims)
	ok(p, err)
	signed, err := signer.Sign(payload)
	ok(p, err)
	raw, err := signed.CompactSerialize()
	ok(p, err)
	return raw
}

// send posts a form with a proof to a path; a proof that wants a nonce is not sent again.
func (p *prover) send(path string, form url.Values, proofs ...string) *answer {
	p.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if len(proofs) == 0 {
		proofs = []string{p.proof("POST", path, "", nil)}
	}
	for _, proof := range proofs {
		r.Header.Add("DPoP", proof)
	}
	a := p.browser().do(r)
	if n := a.Header().Get("DPoP-Nonce"); n == "" {
		p.Error("no nonce is offered")
	} else if p.nonce != "-" {
		p.nonce = n
	}
	return a
}

func (p *prover) token(form url.Values, proofs ...string) *tokenAnswer {
	p.Helper()
	return p.read(p.send("/oauth/token", form, proofs...))
}

// bound wants tokens that are bound to the prover's key.
func (p *prover) bound(a *tokenAnswer) *tokenAnswer {
	p.Helper()
	if a.Code != http.StatusOK || a.TokenType != "DPoP" {
		p.Fatalf("%d %s", a.Code, a.Body)
	}
	if strings.Count(a.AccessToken, ".") == 2 {
		same(p, "cnf", p.claims(a.AccessToken)["cnf"], map[string]string{"jkt": p.jkt})
	}
	return a
}

// use calls /userinfo with a token.
func (p *prover) use(scheme, access string, proofs ...string) *answer {
	r := httptest.NewRequest("GET", "/userinfo", nil)
	r.Header.Set("Authorization", scheme+" "+access)
	for _, proof := range proofs {
		r.Header.Add("DPoP", proof)
	}
	return p.browser().do(r)
}

const wantsNonce = "Authorization server requires nonce in DPoP proof"

func TestDPoP(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.prover()
		code := w.browser().login(request(spa, "audience", apiAudience, "scope", "openid profile offline_access read:songs", "dpop_jkt", p.jkt)).got().Get("code")
		p.token(exchange(spa, code)).bad(400, "use_dpop_nonce", wantsNonce) // and the code is still good
		first := p.bound(p.token(exchange(spa, code)))
		if first.RefreshToken == "" || first.IDToken == "" {
			t.Fatal(first.Body)
		}
		if a := p.use("DPoP", first.AccessToken, p.proof("GET", "/userinfo", first.AccessToken, nil)); a.Code != http.StatusOK {
			t.Errorf("userinfo: %d %v", a.Code, a.Header())
		}
		refresh := values("grant_type", "refresh_token", "client_id", spa, "refresh_token", first.RefreshToken)
		second := p.bound(p.token(refresh))

		// A thief of the tokens has not the key: neither token works, and the refresh token is not spoiled.
		thief := w.prover()
		thief.token(refresh).bad(400, "use_dpop_nonce", wantsNonce)
		thief.token(refresh).bad(403, "invalid_grant", "Unknown or invalid refresh token.")
		w.token(refresh).bad(403, "invalid_grant", "Unknown or invalid refresh token.")
		for name, a := range map[string]*answer{
			"bearer":      p.use("Bearer", second.AccessToken),
			"no proof":    p.use("DPoP", second.AccessToken),
			"another key": p.use("DPoP", second.AccessToken, thief.proof("GET", "/userinfo", second.AccessToken, map[string]any{"nonce": nil})),
		} {
			if a.Code != http.StatusUnauthorized || !strings.HasPrefix(a.Header().Get("WWW-Authenticate"), "DPoP error=\"invalid_") || !strings.Contains(a.Header().Get("WWW-Authenticate"), `algs="ES256 `) {
				t.Errorf("%s: %d %v", name, a.Code, a.Header())
			}
		}
		p.bound(p.token(refresh))
	})
}

// An opaque token is bound like a signed one, and a client with a secret needs no nonce and binds no refresh token.
func TestDPoPOfConfidentialClients(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.prover()
		p.nonce = "-"
		code := w.browser().login(request(site, "scope", "openid offline_access")).got().Get("code")
		plain := map[string]any{"nonce": nil}
		got := p.bound(p.token(exchange(site, code), p.proof("POST", "/oauth/token", "", plain)))
		if a := p.use("DPoP", got.AccessToken, p.proof("GET", "/userinfo", got.AccessToken, plain)); a.Code != http.StatusOK {
			t.Errorf("userinfo: %d %v", a.Code, a.Header())
		}
		if a := p.use("Bearer", got.AccessToken); a.Code != http.StatusUnauthorized {
			t.Errorf("as a bearer token: %d", a.Code)
		}
		w.refresh(site, got.RefreshToken).good()
		p.bound(p.token(machineForm2(w), p.proof("POST", "/oauth/token", "", plain)))
		w.client(machine, func(c *stagedoor.Client) { c.RequireProofOfPossession = new(true) })
		w.token(machineForm2(w)).bad(400, "invalid_dpop_proof", "The client must prove the possession of a key, by DPoP or by its certificate.")
		p.bound(p.token(machineForm2(w), p.proof("POST", "/oauth/token", "", plain)))
		// A token that is bound to nothing is none for DPoP.
		bearer := w.redeem(site, w.browser().login(request(site)).got().Get("code")).good().AccessToken
		if a := p.use("DPoP", bearer, p.proof("GET", "/userinfo", bearer, plain)); a.Code != http.StatusUnauthorized {
			t.Errorf("a bearer token under DPoP: %d", a.Code)
		}
	})
}

func machineForm2(w *world) url.Values { return values(machineForm()...) }

func TestDPoPProofRefused(t *testing.T) {
	w := newWorld(t)
	p := w.prover()
	p.nonce = "-"
	now := w.clock().Unix()
	for why, changes := range map[string]map[string]any{
		"jti must have 1 to 256 characters":                                        {"jti": nil},
		"jti must have 1 to 256 characters ":                                       {"jti": strings.Repeat("x", 257)},
		"htm must be POST":                                                         {"htm": "GET"},
		"htu must be https://acme.test/oauth/token":                                {"htu": "https://other.test/oauth/token"},
		"htu must be https://acme.test/oauth/token ":                               {"htu": "http://acme.test/oauth/token"},
		"htu must be https://acme.test/oauth/token  ":                              {"htu": "https://acme.test/oauth/par"},
		"htu must be https://acme.test/oauth/token   ":                             {"htu": nil},
		"htu must be https://acme.test/oauth/token    ":                            {"htu": "https://acme.test@evil.test/oauth/token"},
		"htu must be https://acme.test/oauth/token     ":                           {"htu": "https://acme.test/oauth%2Ftoken"},
		"htu must be https://acme.test/oauth/token      ":                          {"htu": "https://acme.test/oauth//token"},
		"iat is missing":                                                           {"iat": nil},
		"iat is too far from now":                                                  {"iat": now - 121},
		"iat is too far from now ":                                                 {"iat": now + 61},
		"it is not signed with the key in its header, or not of the type dpop+jwt": {"TYP": "JWT"},
	} {
		all := map[string]any{"nonce": nil}
		maps.Copy(all, changes)
		p.token(machineForm2(w), p.proof("POST", "/oauth/token", "", all)).bad(400, "invalid_dpop_proof", "Invalid DPoP proof: "+strings.TrimRight(why, " "))
	}
	plain := map[string]any{"nonce": nil, "htu": "HTTPS://ACME.test:443/x/../oauth/%74oken?a=b#c"}
	good := p.proof("POST", "/oauth/token", "", plain)
	p.token(machineForm2(w), good, p.proof("POST", "/oauth/token", "", plain)).bad(400, "invalid_dpop_proof", "Invalid DPoP proof: there is more than one")
	p.token(machineForm2(w), strings.Repeat("x", 9<<10)).bad(400, "invalid_dpop_proof", "Invalid DPoP proof: it is too long")
	p.bound(p.token(machineForm2(w), good))
	// At a resource the proof is for this token.
	code := w.browser().login(request(site)).got().Get("code")
	access := p.bound(p.token(exchange(site, code), p.proof("POST", "/oauth/token", "", map[string]any{"nonce": nil}))).AccessToken
	for _, ath := range []any{nil, "x"} {
		if a := p.use("DPoP", access, p.proof("GET", "/userinfo", access, map[string]any{"nonce": nil, "ath": ath})); a.Code != http.StatusUnauthorized {
			t.Errorf("ath %v: %d", ath, a.Code)
		}
	}
}

// TestDPoPProofReplayed: a proof works once, at whichever server of the database.
func TestDPoPProofReplayed(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.prover()
		p.nonce = "-"
		proof := p.proof("POST", "/oauth/token", "", map[string]any{"nonce": nil})
		p.bound(p.token(machineForm2(w), proof))
		p.token(machineForm2(w), proof).bad(400, "invalid_dpop_proof", "Invalid DPoP proof: it was used before")
	})
}

// TestDPoPNonces: proofs that were made beforehand are worth nothing where nonces are wanted.
func TestDPoPNonces(t *testing.T) {
	w := newWorld(t)
	p := w.prover()
	code := func() url.Values { return exchange(spa, w.browser().login(request(spa)).got().Get("code")) }
	p.nonce = w.st.Nonce(w.clock().Add(-time.Second))
	p.token(code()).bad(400, "use_dpop_nonce", wantsNonce)
	fresh := p.nonce
	p.nonce = fresh + "x"
	p.token(code()).bad(400, "use_dpop_nonce", wantsNonce)
	other := w.tenant("globex")
	p.nonce = other.Nonce(w.clock().Add(time.Hour))
	p.token(code()).bad(400, "use_dpop_nonce", wantsNonce)
	// Who needs none has none that is not ours.
	p.nonce = other.Nonce(w.clock().Add(time.Hour))
	p.token(machineForm2(w)).bad(400, "use_dpop_nonce", wantsNonce)
	p.nonce = fresh
	p.bound(p.token(machineForm2(w)))
	// With a good nonce the sender's clock does not matter.
	p.nonce = fresh
	p.bound(p.token(code(), p.proof("POST", "/oauth/token", "", map[string]any{"iat": w.clock().Unix() - 86400})))
	p.nonce = fresh
	w.pass(5 * time.Minute)
	p.token(code()).bad(400, "use_dpop_nonce", wantsNonce)
}

// TestDPoPCodeInjection: a code that is bound to a key works for nobody else's.
func TestDPoPCodeInjection(t *testing.T) {
	w := newWorld(t)
	p, thief := w.prover(), w.prover()
	thief.nonce, p.nonce = w.st.Nonce(w.clock().Add(time.Minute)), w.st.Nonce(w.clock().Add(time.Minute))
	code := func(more ...string) url.Values {
		return exchange(spa, w.browser().login(request(spa, more...)).got().Get("code"))
	}
	thief.token(code("dpop_jkt", p.jkt)).bad(403, "invalid_grant", "The code is bound to another key")
	w.token(code("dpop_jkt", p.jkt)).bad(403, "invalid_grant", "The code is bound to another key")
	w.browser().authorize(request(spa, "dpop_jkt", "short")).fails("invalid_request", "dpop_jkt must be a JWK thumbprint with SHA-256")

	// A proof beside a pushed request binds the code too.
	push := func(more ...string) (int, map[string]any) {
		a := p.send("/oauth/par", request(spa, more...), p.proof("POST", "/oauth/par", "", nil))
		var body map[string]any
		ok(t, json.Unmarshal(a.Body.Bytes(), &body))
		return a.Code, body
	}
	status, body := push("dpop_jkt", thief.jkt)
	same(t, "two keys", []any{status, body["error"]}, []any{400, "invalid_dpop_proof"})
	status, body = push()
	if status != http.StatusCreated {
		t.Fatal(body)
	}
	got := w.browser().login(values("client_id", spa, "request_uri", body["request_uri"].(string))).got().Get("code")
	thief.token(exchange(spa, got)).bad(403, "invalid_grant", "The code is bound to another key")
}

// The token endpoints of then cannot check a proof, so a client that demands one gets nothing there.
func TestOldEndpointsGiveNoUnboundTokens(t *testing.T) {
	w := newWorld(t)
	w.oldWays(legacy)
	w.client(legacy, func(c *stagedoor.Client) { c.RequireProofOfPossession = new(true) })
	for _, path := range []string{"/oauth/ro", "/delegation"} {
		w.old(path, ro()).bad(400, "invalid_dpop_proof", "The client must prove the possession of a key, by DPoP or by its certificate.")
	}
}

// TestPushedRequestRace: what is good once is good for one of many that come at once.
func TestPushedRequestRace(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		name := w.pushed(site)
		won := atOnce(func() bool {
			return w.browser().authorize(values("client_id", site, "request_uri", name)).Code == http.StatusFound
		})
		same(t, "logins that began", won, 1)
	})
}

// TestDPoPProofRace: the same of a proof.
func TestDPoPProofRace(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.prover()
		p.nonce = "-"
		proof := p.proof("POST", "/oauth/token", "", map[string]any{"nonce": nil})
		won := atOnce(func() bool {
			r := httptest.NewRequest("POST", "/oauth/token", strings.NewReader(machineForm2(w).Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("DPoP", proof)
			return w.browser().do(r).Code == http.StatusOK
		})
		same(t, "tokens", won, 1)
	})
}

// atOnce does something eight times at once and counts how often it worked.
func atOnce(do func() bool) (won int) {
	results := make(chan bool, 8)
	for range cap(results) {
		go func() { results <- do() }()
	}
	for range cap(results) {
		if <-results {
			won++
		}
	}
	return won
}
