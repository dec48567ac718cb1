package oauth

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/outbound"
	"github.com/stagedoor/stagedoor/internal/store"
)

// documentSite serves the documents of a stranger's clients.
type documentSite struct {
	*httptest.Server
	fetched atomic.Int32
	answer  func(w http.ResponseWriter, address string)
}

// strangers lets the world take clients of documents, and gives it such a site.
func (w *world) strangers(outside func(*documentSite) *http.Client) *documentSite {
	w.Helper()
	s := &documentSite{}
	s.answer = func(rw http.ResponseWriter, address string) { write(rw, document(address)) }
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s.fetched.Add(1)
		s.answer(rw, s.URL+r.URL.Path)
	}))
	w.Cleanup(s.Close)
	client := s.Client()
	if outside != nil {
		client = outside(s)
	}
	mux := http.NewServeMux()
	New(Deps{DB: w.db, Pipeline: w.pipe, Minter: w.minter, HTTP: client}).Register(mux)
	w.door = mux
	w.settings(func(s *stagedoor.TenantSettings) { s.ClientIDMetadataSupported = true })
	c, err := w.st.ConnectionByName(w.Context(), "Users")
	ok(w, err)
	_, err = w.st.UpdateConnection(w.Context(), c.ID, func(c *stagedoor.Connection) error { c.IsDomainConnection = true; return nil })
	ok(w, err)
	return s
}

func document(address string) map[string]any {
	return map[string]any{"client_id": address, "client_name": "Photo Print", "redirect_uris": []string{callback}, "logo_uri": "https://photo.test/logo.png"}
}

func write(rw http.ResponseWriter, v any) {
	rw.Header().Set("Content-Type", "application/json")
	json.NewEncoder(rw).Encode(v)
}

func described(id string, more ...string) url.Values {
	return request(id, append([]string{"code_challenge", challenge, "code_challenge_method", "S256"}, more...)...)
}

func TestClientDocument(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		site := w.strangers(nil)
		id := site.URL + "/client.json"
		access := ""
		for range 2 { // it is asked about each time
			b := w.browser()
			state := b.login(described(id)).asks("consent")
			code := b.decide(state, true).got().Get("code")
			got := w.token(values("grant_type", "authorization_code", "client_id", id, "code", code, "redirect_uri", callback, "code_verifier", verifier)).good()
			same(t, "aud", w.claims(got.IDToken)["aud"], id)
			access = got.AccessToken
		}
		if n := site.fetched.Load(); n != 1 {
			t.Errorf("fetched %d times", n)
		}
		c, err := w.st.Client(t.Context(), id)
		ok(t, err)
		same(t, "the client", []any{c.Name, c.IsFirstParty, c.OIDCConformant, c.Public(), c.Strict(), c.Secret, c.LogoURI, c.Callbacks}, []any{"Photo Print", false, true, true, true, "", "", []string{callback}})
		w.browser().authorize(request(id)).page(400, "Missing required parameter: code_challenge") // nobody is sent to a stranger's before they were asked

		w.pass(documentLife)
		site.answer = func(rw http.ResponseWriter, address string) {
			doc := document(address)
			doc["redirect_uris"], doc["post_logout_redirect_uris"] = []string{"https://photo.test/new"}, []string{"https://photo.test/bye"}
			doc["dpop_bound_access_tokens"], doc["userinfo_signed_response_alg"], doc["id_token_signed_response_alg"] = true, "RS256", "PS256"
			write(rw, doc)
		}
		w.browser().authorize(described(id)).page(403, "Callback URL mismatch")
		w.browser().authorize(described(id, "redirect_uri", "https://photo.test/new")).asks("login")
		c, err = w.st.Client(t.Context(), id)
		ok(t, err)
		same(t, "what it says now", []any{c.RequireProofOfPossession != nil && *c.RequireProofOfPossession, c.UserInfoAlgorithm(), c.JWTConfiguration.Algorithm}, []any{true, "RS256", "PS256"})
		out := "/v2/logout?" + values("client_id", id, "returnTo", "https://photo.test/bye").Encode()
		w.browser().get(out).page(200, `<a href="https://photo.test/bye">Back to photo.test</a>`)
		if body := w.browser().get("/.well-known/oauth-authorization-server").Body.String(); !strings.Contains(body, `"client_id_metadata_document_supported":true`) {
			t.Error(body)
		}

		// From now on administrators alone make such clients: this one stays, others are not fetched.
		w.settings(func(s *stagedoor.TenantSettings) { no := false; s.ClientIDMetadataDynamic = &no })
		same(t, "/userinfo", w.info(access).Code, http.StatusOK)
		w.browser().authorize(described(id, "redirect_uri", "https://photo.test/new")).asks("login")
		w.browser().authorize(described("https://photo.test/another", "redirect_uri", "https://photo.test/new")).page(400, "Unknown client")
		if body := w.browser().get("/.well-known/oauth-authorization-server").Body.String(); strings.Contains(body, "client_id_metadata_document_supported") {
			t.Error(body)
		}

		// The tenant changes its mind: the client is known no more, here and at the token endpoint.
		same(t, "/userinfo", w.info(access).Code, http.StatusOK)
		w.settings(func(s *stagedoor.TenantSettings) { s.ClientIDMetadataSupported = false })
		if a := w.info(access); a.Code != http.StatusUnauthorized {
			t.Errorf("/userinfo: %d %s", a.Code, a.Body)
		}
		w.read(w.browser().post("/passwordless/verify", values("client_id", id, "connection", "email", "verification_code", "1", "email", adaMail))).bad(400, "bad.client_id", "Unknown client: "+id)
		w.browser().authorize(described(id, "redirect_uri", "https://photo.test/new")).page(400, "Unknown client")
		w.token(values("grant_type", "authorization_code", "client_id", id, "code", "x", "redirect_uri", callback)).bad(401, "access_denied", "Unauthorized")
		w.browser().get(out).page(400, "Unknown client")
		if body := w.browser().get("/.well-known/oauth-authorization-server").Body.String(); strings.Contains(body, "client_id_metadata_document_supported") {
			t.Error(body)
		}
	})
}

func TestClientDocumentRefused(t *testing.T) {
	w := newWorld(t)
	site := w.strangers(nil)
	with := func(name string, value any) func(http.ResponseWriter, string) {
		return func(rw http.ResponseWriter, address string) {
			doc := document(address)
			doc[name] = value
			write(rw, doc)
		}
	}
	for why, answer := range map[string]func(http.ResponseWriter, string){
		"its client_id is not its address":             with("client_id", "https://bank.test/client.json"),
		"it holds a secret":                            with("client_secret", "s"),
		"token_endpoint_auth_method must be none":      with("token_endpoint_auth_method", "client_secret_basic"),
		"it is larger than 5 KB":                       with("padding", strings.Repeat("x", maxDocument)),
		"redirect_uris must not be empty":              with("redirect_uris", []string{}),
		"redirect_uris must hold absolute URIs":        with("redirect_uris", []string{"javascript:alert(1)"}),
		"grant_types may hold":                         with("grant_types", []string{"client_credentials"}),
		"client_name must have at most":                with("client_name", "Bank\u202e"),
		"client_name must have at most ":               with("client_name", "Bank\u200b"),
		"client_name must have at most  ":              with("client_name", "\u3164"),
		"it is not a JSON object of the known members": func(rw http.ResponseWriter, _ string) { write(rw, "x") },
		"it holds a secret ":                           with("client_secret_expires_at", 0),
		"the answer is not 200 with JSON  ": func(rw http.ResponseWriter, address string) {
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(http.StatusNotFound)
			json.NewEncoder(rw).Encode(document(address))
		},
		"the answer is not 200 with JSON": func(rw http.ResponseWriter, _ string) { rw.Header().Set("Content-Type", "text/html") },
		"the answer is not 200 with JSON ": func(rw http.ResponseWriter, _ string) {
			http.Redirect(rw, httptest.NewRequest("GET", "/", nil), "/other", http.StatusFound)
		},
	} {
		w.pass(time.Minute)
		site.answer = answer
		w.browser().authorize(described(site.URL+"/client.json")).page(400, "cannot be used: "+strings.TrimSpace(why))
	}
	n := site.fetched.Load()
	for _, id := range []string{
		"http" + strings.TrimPrefix(site.URL, "https") + "/c", site.URL, site.URL + "/", site.URL + "/a/../c", site.URL + "/c#x", site.URL + "/./c", site.URL + "/c?n=1",
		strings.Replace(site.URL, "https://", "https://ada@", 1) + "/c", site.URL + "/" + strings.Repeat("x", 255),
		"https://b%D0%B0nk.test/c", "https://bank.test%E2%88%95login.evil.test/c", "https://[fe80::1%25bank.test]/c", // hosts that people would read as others
	} {
		w.browser().authorize(described(id)).page(400, "Unknown client")
	}
	if site.fetched.Load() != n {
		t.Error("an address that is no client's was fetched")
	}
	site.answer = func(rw http.ResponseWriter, _ string) { http.Error(rw, "", http.StatusNotFound) }
	w.pass(time.Minute)
	for i := range 25 {
		w.browser().authorize(described(fmt.Sprint(site.URL, "/client", i, ".json")))
	}
	if n := site.fetched.Load() - n; n != 20 {
		t.Errorf("one address had %d documents fetched at once", n)
	}
}

// A host that does not answer keeps nobody out whose client it has described: what it said counts for a day. What it takes back counts at once.
func TestClientDocumentOfAHostThatIsDown(t *testing.T) {
	w := newWorld(t)
	site := w.strangers(nil)
	id, good := site.URL+"/client.json", site.answer
	w.browser().authorize(described(id)).asks("login")
	w.pass(documentLife)
	site.answer = func(rw http.ResponseWriter, _ string) { http.Error(rw, "", http.StatusBadGateway) }
	n := site.fetched.Load()
	for range 3 {
		w.browser().authorize(described(id)).asks("login")
	}
	if got := site.fetched.Load() - n; got != 1 {
		t.Errorf("fetched %d times", got)
	}
	w.pass(documentRetry)
	site.answer = func(rw http.ResponseWriter, _ string) { http.NotFound(rw, httptest.NewRequest("GET", "/", nil)) }
	w.browser().authorize(described(id)).page(400, "the answer is not 200 with JSON")
	w.pass(documentRetry)
	site.answer = func(rw http.ResponseWriter, _ string) { http.Error(rw, "", http.StatusBadGateway) }
	w.pass(documentLast)
	w.browser().authorize(described(id)).page(400, "the answer is not 200 with JSON")
	w.pass(documentRetry)
	site.answer = good
	w.browser().authorize(described(id)).asks("login")
}

// TestAttackManyAtOnce: however many people come at the same time, a document is fetched once.
func TestAttackManyFetchesAtOnce(t *testing.T) {
	w := newWorld(t)
	site := w.strangers(nil)
	waits := make(chan struct{})
	good := site.answer
	site.answer = func(rw http.ResponseWriter, address string) { <-waits; good(rw, address) }
	var all sync.WaitGroup
	for range 8 {
		b := w.browser()
		all.Go(func() {
			if a := b.authorize(described(site.URL + "/client.json")); a.Code != http.StatusFound {
				t.Errorf("%d", a.Code)
			}
		})
	}
	for site.fetched.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	close(waits)
	all.Wait()
	if n := site.fetched.Load(); n != 1 {
		t.Errorf("fetched %d times", n)
	}
}

// TestDeclinedClientDocument: a client that an administrator has taken out does not come back by itself.
func TestDeclinedClientDocument(t *testing.T) {
	w := newWorld(t)
	site := w.strangers(nil)
	id := site.URL + "/client.json"
	w.browser().authorize(described(id)).asks("login")
	ok(t, store.DeclinedClients.Create(t.Context(), w.st, &stagedoor.Document{Name: id}))
	ok(t, w.st.DeleteClient(t.Context(), id))
	w.browser().authorize(described(id)).page(400, "Unknown client")
}

// TestClientDocumentReachesNoNeighbour: whoever names a client by an address within makes this server ask nobody there (SSRF).
func TestClientDocumentReachesNoNeighbour(t *testing.T) {
	w := newWorld(t)
	site := w.strangers(func(s *documentSite) *http.Client {
		pool := x509.NewCertPool()
		pool.AddCert(s.Certificate())
		return outbound.New(outbound.Config{RootCAs: pool})
	})
	for _, id := range []string{site.URL + "/client.json", "https://169.254.169.254/latest/meta-data/", "https://[::1]/x"} {
		w.browser().authorize(described(id)).page(400, "cannot be used: there was no answer")
	}
	if n := site.fetched.Load(); n != 0 {
		t.Errorf("%d requests", n)
	}
}
