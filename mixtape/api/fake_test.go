package api_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stagedoor/stagedoor/mixtape/api"
)

const (
	audience     = "https://mixtape.example/api"
	namespace    = "https://mixtape.example/"
	legacyID     = "legacy-client-id"
	legacySecret = "a-secret-that-only-the-legacy-client-and-we-know"
	webOrigin    = "http://127.0.0.1:3000"
)

// identity is an identity server as small as a test needs: keys, a token
// endpoint and user records.
type identity struct {
	*httptest.Server
	key *rsa.PrivateKey

	mu        sync.Mutex
	keys      map[string]*rsa.PublicKey // by kid
	fetches   int                       // of the key set
	grants    int                       // machine tokens given
	lifetime  int                       // of machine tokens, seconds
	machine   string                    // the machine token that is good
	names     map[string]any            // displayName by user id
	paths     []string                  // escaped paths of management calls
	bodies    []string                  // of management calls
	forbidden bool                      // answer 403 to management calls
}

func newIdentity(t *testing.T) *identity {
	t.Helper()
	id := &identity{key: testKey(), keys: map[string]*rsa.PublicKey{}, lifetime: 86400, names: map[string]any{}}
	id.keys["k1"] = &id.key.PublicKey
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/jwks.json", id.jwks)
	mux.HandleFunc("POST /oauth/token", id.token)
	mux.HandleFunc("/api/v2/users/{id}", id.user)
	id.Server = httptest.NewServer(mux)
	t.Cleanup(id.Close)
	return id
}

// testKey makes one RSA key for all tests of the package.
var testKey = sync.OnceValue(newKey)

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// set changes the identity server while it runs.
func (id *identity) set(change func(id *identity)) {
	id.mu.Lock()
	defer id.mu.Unlock()
	change(id)
}

func (id *identity) jwks(w http.ResponseWriter, _ *http.Request) {
	id.mu.Lock()
	defer id.mu.Unlock()
	id.fetches++
	keys := []map[string]string{}
	for kid, key := range id.keys {
		keys = append(keys, map[string]string{
			"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid,
			"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
			"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
		})
	}
	json.NewEncoder(w).Encode(map[string]any{"keys": keys})
}

func (id *identity) token(w http.ResponseWriter, r *http.Request) {
	var in map[string]string
	json.NewDecoder(r.Body).Decode(&in)
	if r.Header.Get("Content-Type") != "application/json" || in["grant_type"] != "client_credentials" ||
		in["client_id"] != "machine" || in["client_secret"] != "machine-secret" || in["audience"] != id.URL+"/api/v2/" {
		http.Error(w, `{"error":"access_denied"}`, http.StatusUnauthorized)
		return
	}
	id.mu.Lock()
	defer id.mu.Unlock()
	id.grants++
	id.machine = rand.Text()
	json.NewEncoder(w).Encode(map[string]any{"access_token": id.machine, "token_type": "Bearer", "expires_in": id.lifetime})
}

func (id *identity) user(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	id.mu.Lock()
	defer id.mu.Unlock()
	id.paths, id.bodies = append(id.paths, r.URL.EscapedPath()), append(id.bodies, string(body))
	user := r.PathValue("id")
	name, known := id.names[user]
	switch {
	case r.Header.Get("Authorization") != "Bearer "+id.machine:
		w.WriteHeader(http.StatusUnauthorized)
		return
	case id.forbidden:
		w.WriteHeader(http.StatusForbidden)
		return
	case !known:
		w.WriteHeader(http.StatusNotFound)
		return
	case r.Method == http.MethodPatch:
		var in struct {
			UserMetadata map[string]any `json:"user_metadata"`
		}
		json.Unmarshal(body, &in)
		name = in.UserMetadata["displayName"]
		id.names[user] = name
	}
	json.NewEncoder(w).Encode(map[string]any{"user_metadata": map[string]any{"displayName": name, "theme": "dark"}})
}

// fixture is a Mixtape under test with its identity server.
type fixture struct {
	*testing.T
	identity *identity
	url      string
	server   *api.Server
	config   api.Config
}

// onEachDatabase runs a test on SQLite and on PostgreSQL.
func onEachDatabase(t *testing.T, test func(f *fixture)) {
	t.Run("sqlite", func(t *testing.T) { test(start(t, "")) })
	t.Run("postgres", func(t *testing.T) { test(start(t, postgres(t))) })
}

// postgres returns the address of an empty schema that ends with the test.
func postgres(t *testing.T) string {
	t.Helper()
	base := os.Getenv("STAGEDOOR_TEST_POSTGRES")
	if base == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("STAGEDOOR_TEST_POSTGRES must name a database")
		}
		t.Skip("STAGEDOOR_TEST_POSTGRES names no database")
	}
	db, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatal(err)
	}
	schema := "mixtape_" + strings.ToLower(rand.Text())
	if _, err := db.Exec("CREATE SCHEMA " + schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := db.Exec("DROP SCHEMA " + schema + " CASCADE"); err != nil {
			t.Error(err)
		}
		db.Close()
	})
	address, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	query.Set("search_path", schema)
	address.RawQuery = query.Encode()
	return address.String()
}

func start(t *testing.T, database string) *fixture {
	t.Helper()
	id := newIdentity(t)
	f := &fixture{T: t, identity: id, config: api.Config{
		DatabaseURL: database,
		DataDir:     t.TempDir(),
		Issuers: []api.Issuer{
			{Issuer: "http://localhost:8080/", JWKSURL: id.URL + "/.well-known/jwks.json"},
			{Issuer: "https://localhost:8443/", JWKSURL: id.URL + "/.well-known/jwks.json"},
		},
		Audience:               audience,
		LegacyClientID:         legacyID,
		LegacyClientSecret:     legacySecret,
		LegacyIssuers:          []string{"https://example.auth0.com"},
		ManagementDomainURL:    id.URL,
		ManagementClientID:     "machine",
		ManagementClientSecret: "machine-secret",
		ManagementAudience:     id.URL + "/api/v2/",
		ClaimNamespace:         namespace,
		AllowedOrigins:         []string{webOrigin},
		Log:                    slog.New(slog.DiscardHandler),
	}}
	f.open()
	return f
}

// open starts the API on the fixture's configuration.
func (f *fixture) open() {
	f.Helper()
	server, err := api.New(context.Background(), f.config)
	if err != nil {
		f.Fatal(err)
	}
	web := httptest.NewServer(server)
	f.server, f.url = server, web.URL
	f.Cleanup(func() {
		web.Close()
		server.Close()
	})
}

// claims are those of a good access token, with changes.
func claims(subject string, changes ...jwt.MapClaims) jwt.MapClaims {
	c := jwt.MapClaims{
		"iss": "http://localhost:8080/",
		"sub": subject,
		"aud": []string{audience, "http://localhost:8080/userinfo"},
		"iat": time.Now().Unix(),
		"exp": time.Now().Add(time.Hour).Unix(),
	}
	for _, change := range changes {
		for name, value := range change {
			if c[name] = value; value == nil {
				delete(c, name)
			}
		}
	}
	return c
}

// sign makes a token; a kid of "" leaves the header out.
func sign(t testing.TB, method jwt.SigningMethod, key any, kid string, c jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, c)
	if kid != "" {
		token.Header["kid"] = kid
	}
	raw, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// listener returns a good access token, editor one with the editor's role.
func (f *fixture) listener(subject string) string {
	return sign(f, jwt.SigningMethodRS256, f.identity.key, "k1", claims(subject))
}

func (f *fixture) editor(subject string) string {
	return sign(f, jwt.SigningMethodRS256, f.identity.key, "k1", claims(subject,
		jwt.MapClaims{namespace + "app_metadata": map[string]any{"plan": "gold", "roles": []string{"playlist_editor"}}}))
}

// answer is a response that has been read.
type answer struct {
	status int
	header http.Header
	body   string
}

// call makes a request; a body is sent as JSON.
func (f *fixture) call(method, path, token, body string) answer {
	f.Helper()
	header := http.Header{}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		header.Set("Content-Type", "application/json")
	}
	return f.send(method, path, header, body)
}

func (f *fixture) send(method, path string, header http.Header, body string) answer {
	f.Helper()
	req, err := http.NewRequest(method, f.url+path, strings.NewReader(body))
	if err != nil {
		f.Fatal(err)
	}
	req.Header = header
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		f.Fatal(err)
	}
	defer res.Body.Close()
	read, err := io.ReadAll(res.Body)
	if err != nil {
		f.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(read)}
}

// want checks the status and returns the answer.
func (f *fixture) want(a answer, status int) answer {
	f.Helper()
	if a.status != status {
		f.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// parse decodes a body.
func parse[T any](f *fixture, a answer) T {
	f.Helper()
	var out T
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		f.Fatalf("%v in %s", err, a.body)
	}
	return out
}
