package e2e

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite"
)

// api calls Mixtape's API.
func api(t *testing.T, status int, method, path, bearer string, body any) answer {
	t.Helper()
	return want(t, status, method, demo.MixtapeAPIURL+path, bearer, body)
}

// play counts plays of a song.
func play(t *testing.T, bearer, song string, times int) {
	t.Helper()
	for i := range times {
		api(t, 200, "POST", "/songs/"+song+"/play", bearer, map[string]string{"play_id": fmt.Sprintf("%s-%d-%d", song, time.Now().UnixNano(), i)})
	}
}

// TestA6_EditorByPlays: whose playlists are played 100 times becomes an editor at the next login, and is none with 99.
func TestA6_EditorByPlays(t *testing.T) {
	op := operatorOf(t)
	listener := op.newListener("pia", map[string]any{"app_metadata": map[string]any{"plan": "gold", "since": 2019}})
	login := func(name string, plays string, editor bool) string {
		t.Helper()
		tokens := signIn(t, mixtape(t), listener)
		if got := api(t, 200, "GET", "/playlists/getPlays", tokens.Access, nil).body; got != plays {
			t.Errorf("%s: %s plays, want %s", name, got, plays)
		}
		roles := []string{}
		if editor {
			roles = append(roles, "playlist_editor")
		}
		kept := op.user(listener.UserID).AppMetadata
		if kept["plan"] != "gold" || kept["since"] != 2019.0 {
			t.Errorf("%s: the rule lost metadata: %v", name, kept)
		}
		stored := kept["roles"]
		if stored == nil {
			stored = []string{}
		}
		told := claims(t, tokens.Access)[namespace+"app_metadata"].(map[string]any)["roles"]
		shown := claims(t, tokens.ID)[namespace+"roles"]
		for _, got := range []any{stored, told, shown} {
			if text(got) != text(roles) {
				t.Errorf("%s: roles %s stored, %s in the access token, %s in the ID token; want %s", name, text(stored), text(told), text(shown), text(roles))
				break
			}
		}
		return tokens.Access
	}
	token := login("at the start", "0", false)
	var list struct {
		ID string `json:"playlist_id"`
	}
	made := api(t, 201, "POST", "/playlists", token, map[string]any{"name": "On repeat", "songs": []string{"1", "2"}})
	if err := json.Unmarshal([]byte(made.body), &list); err != nil || list.ID == "" {
		t.Fatalf("a playlist: %v %s", err, made.body)
	}
	play(t, token, "1", 99)
	token = login("99 plays", "99", false)
	play(t, token, "2", 1)
	token = login("100 plays", "100", true)
	login("still 100 plays", "100", true)
	api(t, 200, "PATCH", "/playlists/"+list.ID, token, map[string]any{"songs": []string{"1"}})
	login("back to 99", "99", false)
}

// TestA6_APIDown: when Mixtape's API is down or slow, the login ends in the rule's error, in the rule's time, and no metadata is lost.
func TestA6_APIDown(t *testing.T) {
	var plays atomic.Value
	plays.Store("")
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := plays.Load().(string); n != "" {
			fmt.Fprint(w, n)
			return
		}
		select { // slower than the rule is patient
		case <-r.Context().Done():
		case <-time.After(10 * time.Second):
		}
	}))
	defer slow.Close()
	slowHost, closedHost := strings.TrimPrefix(slow.URL, "http://"), freeAddresses(1)[0]
	s := serve(t, slowHost, closedHost)
	s.setUp(map[string]string{"mixtape_url": "http://localhost:1", "mixtape_api_url": slow.URL})
	var c client
	s.do("POST", "/clients", map[string]any{"name": "Page", "app_type": "regular_web", "callbacks": []string{"http://localhost:1/done"}, "oidc_conformant": true}, &c)
	var connections []struct {
		ID      string
		Clients []string `json:"enabled_clients"`
	}
	s.do("GET", "/connections", nil, &connections)
	s.do("PATCH", "/connections/"+connections[0].ID, map[string]any{"enabled_clients": append(connections[0].Clients, c.ClientID)}, nil)
	metadata := map[string]any{"plan": "gold", "roles": []any{"playlist_editor"}, "since": 2019.0}
	listener := s.newListener("pia", map[string]any{"app_metadata": metadata, "user_metadata": map[string]any{"displayName": "Pia"}})

	var rules []struct{ ID, Name, Script string }
	s.do("GET", "/rules", nil, &rules)
	printed := ""
	ruleID := ""
	for _, r := range rules {
		if strings.Contains(r.Script, "getPlays") {
			printed, ruleID = r.Script, r.ID
		}
	}
	const patience = 700 * time.Millisecond
	asks := request{server: s.url, clientID: c.ClientID, secret: c.ClientSecret, redirectURI: "http://localhost:1/done"}
	for _, one := range []struct {
		name, api, says string
		least, most     time.Duration
	}{
		{"slow", slow.URL, "TIMEDOUT", patience, patience + 3*time.Second},
		{"down", "http://" + closedHost, "ECONNREFUSED", 0, 3 * time.Second},
	} {
		t.Run(one.name, func(t *testing.T) {
			script := strings.NewReplacer(slow.URL, one.api, "timeout: 15000", fmt.Sprintf("timeout: %d", patience.Milliseconds())).Replace(printed)
			s.do("PATCH", "/rules/"+ruleID, map[string]any{"script": script}, nil)
			before := text(s.user(listener.UserID).AppMetadata)
			v := newVisitor(t)
			start := time.Now()
			back, _ := v.authorize(asks, listener)
			took := time.Since(start)
			if back.Get("error") != "access_denied" || !strings.Contains(back.Get("error_description"), one.says) || back.Has("code") {
				t.Errorf("came back with %v, want the rule's %s", back, one.says)
			}
			if took < one.least || took > one.most {
				t.Errorf("it took %s, want %s to %s", took, one.least, one.most)
			}
			if after := text(s.user(listener.UserID).AppMetadata); after != before {
				t.Errorf("app_metadata became %s, was %s", after, before)
			}
			var events []struct{ Type, Description string }
			s.do("GET", "/logs?per_page=5", nil, &events)
			logged := false
			for _, e := range events {
				logged = logged || strings.HasPrefix(e.Type, "f") && strings.Contains(e.Description, one.says)
			}
			if !logged {
				t.Errorf("no log event tells why: %v", events)
			}
		})
	}
	s.do("PATCH", "/rules/"+ruleID, map[string]any{"script": printed}, nil)
	plays.Store("100")
	if back, _ := newVisitor(t).authorize(asks, listener); back.Get("code") == "" {
		t.Errorf("the API is back and the login fails: %v", back)
	}
	if got := text(s.user(listener.UserID).AppMetadata); got != text(metadata) {
		t.Errorf("app_metadata %s, want %s", got, text(metadata))
	}
}

// TestA8_EditorsEditFeaturedPlaylists: the app greets an editor and shows the plan; the API lets editors alone edit the shelf.
func TestA8_EditorsEditFeaturedPlaylists(t *testing.T) {
	editor := newTab(t)
	editor.signIn(userNamed(t, "ivo"))
	editor.awaitText(id("editor-badge"), "EDITOR")
	editor.awaitText(id("editor-welcome"), "EDITOR")
	if plan := editor.data(id("plan"), "plan"); plan != "platinum" {
		t.Errorf("plan %q", plan)
	}
	editor.see(id("featured-card"))
	list, name := editor.data(id("featured-card"), "id"), editor.text(id("featured-card")+" > strong")
	editor.click(id("featured-card"))
	editor.click(id("featured-edit"))
	editor.fill(id("playlist-name"), "Shelf of the Week")
	editor.click(id("playlist-save"))
	editor.awaitText(id("playlist-title"), "Shelf of the Week")

	plain := newTab(t)
	plain.signIn(userNamed(t, "mara"))
	if plain.has(id("editor-badge")) || plain.has(id("editor-welcome")) {
		t.Error("a listener with 12 plays is greeted as an editor")
	}
	if plan := plain.data(id("plan"), "plan"); plan != "free" {
		t.Errorf("plan %q", plan)
	}
	plain.awaitText(id("featured-card")+`[data-id=`+quote(list)+`]`, "Shelf of the Week")
	plain.click(id("featured-card") + `[data-id=` + quote(list) + `]`)
	plain.awaitText(id("playlist-title"), "Shelf of the Week")
	if plain.has(id("featured-edit")) {
		t.Error("the app offers a listener to edit the shelf")
	}

	// What the client says does not count: the token does.
	mara := signIn(t, mixtape(t), userNamed(t, "mara"))
	ivo := signIn(t, mixtape(t), userNamed(t, "ivo"))
	featured := func() string { return api(t, 200, "GET", "/playlists/featured", mara.Access, nil).body }
	before := featured()
	edit := map[string]any{"name": "Mine now", "songs": []string{"1"}, "roles": []string{"playlist_editor"}}
	api(t, 403, "PATCH", "/playlists/featured/"+list, mara.Access, map[string]any{"name": "Mine now", "songs": []string{"1"}})
	for _, token := range []string{mara.Access, ivo.ID, forged(t, mara.Access, namespace+"app_metadata", map[string]any{"roles": []string{"playlist_editor"}})} {
		a := send(t, "PATCH", demo.MixtapeAPIURL+"/playlists/featured/"+list, token, edit)
		if a.status < 400 {
			t.Errorf("the shelf was edited: %d %s", a.status, a.body)
		}
	}
	if after := featured(); after != before {
		t.Errorf("the shelf changed: %s", after)
	}
	api(t, 200, "PATCH", "/playlists/featured/"+list, ivo.Access, map[string]any{"name": name})
}

// forged replaces a claim and keeps the signature.
func forged(t *testing.T, token, name string, value any) string {
	t.Helper()
	c := claims(t, token)
	c[name] = value
	parts := strings.Split(token, ".")
	return parts[0] + "." + encoded(c) + "." + parts[2]
}

func encoded(v any) string { return base64.RawURLEncoding.EncodeToString([]byte(text(v))) }

// signed returns the token's header and claims with an HS256 signature of the secret.
func signed(token string, secret []byte) string {
	content := token[:strings.LastIndexByte(token, '.')]
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(content))
	return content + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// TestA9_MixtapesOwnDatabase: songs, playlists, plays and favourite genres are Mixtape's, keyed by user_id, and the server knows none of them.
func TestA9_MixtapesOwnDatabase(t *testing.T) {
	op := operatorOf(t)
	listener := op.newListener("gil", nil)
	token := signIn(t, mixtape(t), listener).Access
	api(t, 204, "PUT", "/genres/fav", token, map[string]string{"genre": "Lo-Fi"})
	api(t, 201, "POST", "/playlists", token, map[string]any{"name": "Gil's tape", "songs": []string{"3"}})
	play(t, token, "3", 2)

	db, err := sql.Open("sqlite", "file:"+filepath.Join(scratch, "data", "mixtape.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	count := func(query string, args ...any) (n int) {
		t.Helper()
		if err := db.QueryRow(query, args...).Scan(&n); err != nil {
			t.Errorf("%s: %v", query, err)
		}
		return n
	}
	for query, want := range map[string]int{
		"SELECT count(*) FROM user_data WHERE user_id = ? AND fav_genre = 'Lo-Fi'":                        1,
		"SELECT count(*) FROM playlists WHERE user_id = ? AND name = 'Gil''s tape'":                       1,
		"SELECT count(*) FROM plays WHERE user_id = ?":                                                    2,
		"SELECT count(song_id) + count(songname) FROM songs WHERE user_id = ?":                            0,
		"SELECT count(*) FROM songs WHERE user_id <> ? AND song_id = '1' AND songname = 'Number One Hit'": 1,
	} {
		if got := count(query, listener.UserID); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	identity, err := sql.Open("sqlite", "file:"+filepath.Join(scratch, "data", "stagedoor.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer identity.Close()
	var shared int
	if err := identity.QueryRow("SELECT count(*) FROM sqlite_master WHERE name IN ('songs', 'playlists', 'plays', 'user_data')").Scan(&shared); err != nil || shared != 0 {
		t.Errorf("the identity server's database has %d of Mixtape's tables (%v)", shared, err)
	}
	if kept := text(op.user(listener.UserID)); strings.Contains(kept, "Lo-Fi") {
		t.Errorf("the genre is at the identity server: %s", kept)
	}
}

// TestA9_PostgreSQL: the whole scenario on PostgreSQL, by DATABASE_URL for Mixtape and --database for the server.
func TestA9_PostgreSQL(t *testing.T) {
	database := postgres(t)
	t.Setenv("DATABASE_URL", database)
	data := t.TempDir()
	p, info, err := startDemo(data, append(demoFlags(), "--database", database))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.stop(); err != nil {
			t.Errorf("stop: %v\n%s", err, p.tail())
		}
	}()
	if files, _ := filepath.Glob(filepath.Join(data, "*.db")); len(files) != 0 {
		t.Errorf("there are SQLite files: %q", files)
	}
	for _, one := range []struct {
		user  user
		plays string
		roles []string
	}{{info.Users[0], "99", []string{}}, {info.Users[1], "100", []string{"playlist_editor"}}} {
		tokens := signIn(t, request{
			server: info.HTTPURL, clientID: info.Clients[0].ClientID, redirectURI: info.MixtapeURL,
			extra: map[string]string{"audience": "https://mixtape.example/api"},
		}, one.user)
		if roles := claims(t, tokens.ID)[namespace+"roles"]; text(roles) != text(one.roles) {
			t.Errorf("%s: roles %s, want %s", one.user.Email, text(roles), text(one.roles))
		}
		if got := want(t, 200, "GET", info.MixtapeAPIURL+"/playlists/getPlays", tokens.Access, nil).body; got != one.plays {
			t.Errorf("%s: %s plays, want %s", one.user.Email, got, one.plays)
		}
	}
}

// postgres starts a PostgreSQL for the length of the test and returns its URL.
func postgres(t *testing.T) string {
	t.Helper()
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); len(found) == 0 {
		if _, err := exec.LookPath("initdb"); err != nil {
			missing(t, "postgresql")
		}
	}
	command := exec.Command("../scripts/postgres", "sh", "-c", `echo "$STAGEDOOR_TEST_POSTGRES"; exec cat`) // until its input ends
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var output, complaints buffer
	command.Stdout, command.Stderr = &output, &complaints
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		input.Close()
		_ = command.Wait()
	})
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if line, found := strings.CutSuffix(string(output.bytes()), "\n"); found {
			return line
		}
	}
	t.Fatalf("PostgreSQL did not start: %s", complaints.bytes())
	return ""
}

// TestA10_TokensThatMixtapeRefuses: forged, expired and foreign tokens of every kind get 401; the genuine ones 200.
func TestA10_TokensThatMixtapeRefuses(t *testing.T) {
	op := operatorOf(t)
	listener, legacy := userNamed(t, "juno"), clientNamed(t, "Mixtape Legacy")
	q := mixtape(t)
	genuine := signIn(t, q, listener)
	old := signIn(t, request{server: demo.HTTPURL, clientID: legacy.ClientID, secret: legacy.ClientSecret, redirectURI: demo.MixtapeURL}, listener)
	key := publicKey(t)
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	header, kid := part(t, genuine.Access, 0), part(t, genuine.Access, 0)["kid"]
	content := strings.Split(genuine.Access, ".")[1]
	as := func(h map[string]any) string { return encoded(h) + "." + content + "." }
	legacyClaims := claims(t, old.ID)
	legacyWith := func(name string, value any) string {
		c := map[string]any{}
		for k, v := range legacyClaims {
			c[k] = v
		}
		c[name] = value
		return signed(encoded(map[string]any{"alg": "HS256", "typ": "JWT"})+"."+encoded(c)+".", []byte(legacy.ClientSecret))
	}

	cases := map[string]struct {
		token string
		want  int
	}{
		"RS256 by JWKS":                        {genuine.Access, 200},
		"HS256 by the client's secret":         {old.ID, 200},
		"no token":                             {"", 401},
		"garbage":                              {"a.b.c", 401},
		"alg none":                             {as(map[string]any{"alg": "none", "typ": "JWT"}), 401},
		"alg none with a kid":                  {as(map[string]any{"alg": "none", "typ": "JWT", "kid": kid}), 401},
		"alg None":                             {as(map[string]any{"alg": "NonE", "typ": "JWT"}), 401},
		"public key in PEM as HMAC secret":     {signed(as(map[string]any{"alg": "HS256", "typ": "JWT", "kid": kid}), public), 401},
		"public key in DER as HMAC secret":     {signed(as(map[string]any{"alg": "HS256", "typ": "JWT", "kid": kid}), der), 401},
		"modulus as HMAC secret":               {signed(as(map[string]any{"alg": "HS256", "typ": "JWT", "kid": kid}), key.N.Bytes()), 401},
		"legacy client's secret, API audience": {signed(as(map[string]any{"alg": "HS256", "typ": "JWT"}), []byte(legacy.ClientSecret)), 401},
		"changed claim":                        {forged(t, genuine.Access, "sub", "auth0|mixtape-ivo"), 401},
		"signature cut off":                    {genuine.Access[:strings.LastIndexByte(genuine.Access, '.')+1], 401},
		"ID token of the web client":           {genuine.ID, 401},
		"for the Management API":               {signIn(t, ownRecord(t), listener).Access, 401},
		"machine token":                        {op.token, 401},
		"HS256, expired":                       {legacyWith("exp", time.Now().Add(-time.Minute).Unix()), 401},
		"HS256 for another client":             {legacyWith("aud", "somebody-else"), 401},
		"HS256 of another issuer":              {legacyWith("iss", "https://evil.example/"), 401},
		"HS256 with another secret":            {signed(old.ID, []byte("guessed")), 401},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/genres", "/songs", "/playlists", "/displayName"} {
				a := send(t, "GET", demo.MixtapeAPIURL+path, c.token, nil)
				if a.status != c.want {
					t.Errorf("%s: %d %s, want %d", path, a.status, a.body, c.want)
				}
				if c.want == 401 && !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
					t.Errorf("%s: WWW-Authenticate %q", path, a.header.Get("WWW-Authenticate"))
				}
			}
		})
	}
	if header["alg"] != "RS256" {
		t.Errorf("the genuine token is signed with %v", header["alg"])
	}

	t.Run("expired for real", func(t *testing.T) {
		var apis []struct {
			ID, Identifier string
			Lifetime       int `json:"token_lifetime"`
			Web            int `json:"token_lifetime_for_web"`
		}
		op.do("GET", "/resource-servers", nil, &apis)
		for _, one := range apis {
			if one.Identifier != "https://mixtape.example/api" {
				continue
			}
			op.do("PATCH", "/resource-servers/"+one.ID, map[string]int{"token_lifetime": 1, "token_lifetime_for_web": 1}, nil)
			defer op.do("PATCH", "/resource-servers/"+one.ID, map[string]int{"token_lifetime": one.Lifetime, "token_lifetime_for_web": one.Web}, nil)
		}
		token := signIn(t, q, listener).Access
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			a := send(t, "GET", demo.MixtapeAPIURL+"/genres", token, nil)
			if a.status == 401 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("a token of one second is still good: %v", claims(t, token)["exp"])
			}
		}
	})

	t.Run("another tenant", func(t *testing.T) {
		name := "other-" + strings.ToLower(rand.Text()[:6])
		domain := name + ".localhost:" + port(strings.TrimPrefix(demo.HTTPURL, "http://"))
		out, err := exec.Command(binary, "init", name, "--data", filepath.Join(scratch, "data"), "--domain", domain, "--json").Output()
		var made struct {
			ClientID     string `json:"client_id"`
			ClientSecret string `json:"client_secret"`
			Audience     string `json:"audience"`
		}
		if err == nil {
			err = json.Unmarshal(out, &made)
		}
		if err != nil {
			t.Fatalf("init: %v %s", err, out)
		}
		other := signInMachine(t, "http://"+domain, made.ClientID, made.ClientSecret, made.Audience)
		other.do("POST", "/resource-servers", map[string]any{"name": "Also Mixtape", "identifier": "https://mixtape.example/api"}, nil)
		other.do("POST", "/client-grants", map[string]any{"client_id": made.ClientID, "audience": "https://mixtape.example/api", "scope": []string{}}, nil)
		foreign := signInMachine(t, "http://"+domain, made.ClientID, made.ClientSecret, "https://mixtape.example/api").token
		if iss := claims(t, foreign)["iss"]; iss != "http://"+domain+"/" {
			t.Fatalf("issuer %v", iss)
		}
		for name, token := range map[string]string{"as it is": foreign, "with our issuer": forged(t, foreign, "iss", demo.HTTPURL+"/")} {
			if a := send(t, "GET", demo.MixtapeAPIURL+"/genres", token, nil); a.status != 401 {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
		if a := send(t, "GET", demo.HTTPURL+"/api/v2/users", other.token, nil); a.status != 401 {
			t.Errorf("the other tenant's machine at our Management API: %d %s", a.status, a.body)
		}
	})

	t.Run("favourite genre", func(t *testing.T) {
		for _, path := range []string{"/genres/getFav", "/secured/getFavGenre"} {
			for _, token := range []string{genuine.Access, old.ID} {
				if got := api(t, 200, "GET", path, token, nil).body; got != "Synthwave" {
					t.Errorf("%s: %q", path, got)
				}
			}
		}
	})
}

// publicKey reads the tenant's signing key from its JWKS and checks that it is the one that signs.
func publicKey(t *testing.T) *rsa.PublicKey {
	t.Helper()
	var set struct {
		Keys []struct{ Kty, Kid, N, E string }
	}
	a := want(t, 200, "GET", demo.HTTPURL+"/.well-known/jwks.json", "", nil)
	if err := json.Unmarshal([]byte(a.body), &set); err != nil || len(set.Keys) == 0 {
		t.Fatalf("JWKS: %v %s", err, a.body)
	}
	n, err := base64.RawURLEncoding.DecodeString(set.Keys[0].N)
	if err != nil {
		t.Fatal(err)
	}
	e, err := base64.RawURLEncoding.DecodeString(set.Keys[0].E)
	if err != nil {
		t.Fatal(err)
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	token := signIn(t, mixtape(t), userNamed(t, "suki")).Access
	dot := strings.LastIndexByte(token, '.')
	signature, _ := base64.RawURLEncoding.DecodeString(token[dot+1:])
	sum := sha256.Sum256([]byte(token[:dot]))
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature); err != nil {
		t.Fatalf("the published key does not verify a token: %v", err)
	}
	return key
}

// TestA11_MusicPlays: a song sounds in the browser, its time goes on, and the play counts.
func TestA11_MusicPlays(t *testing.T) {
	op := operatorOf(t)
	listener := op.newListener("kit", nil)
	b := newTab(t)
	b.ears()
	b.signIn(listener)
	b.click(id("tab-library"))
	row := id("song-row") + `[data-song-id="2"]`
	b.see(row)
	before := b.data(row+" "+id("plays-count"), "plays")
	b.click(row + " " + id("play-button"))
	b.awaitText(id("mini-player"), "Midnight Arcade")
	b.await("the music goes on", `window.heard?.currentTime > 0.6 && !window.heard.paused`)
	b.await("the play is counted", `document.querySelector(`+quote(row+" "+id("plays-count"))+`).dataset.plays === String(`+before+` + 1)`)
	var sound struct {
		Duration float64
		Loud     float64
		Type     string
	}
	b.eval(&sound, `(async () => {
		const answer = await fetch(window.heard.src), bytes = await answer.arrayBuffer();
		const decoded = await new OfflineAudioContext(1, 1, 44100).decodeAudioData(bytes);
		let sum = 0; const samples = decoded.getChannelData(0);
		for (const s of samples) sum += s * s;
		return {Duration: decoded.duration, Loud: Math.sqrt(sum / samples.length), Type: answer.headers.get("content-type")};
	})()`)
	if sound.Duration < 5 || sound.Loud < 0.01 || !strings.HasPrefix(sound.Type, "audio/") {
		t.Errorf("not music: %+v", sound)
	}
	token := signIn(t, mixtape(t), listener).Access
	api(t, 201, "POST", "/playlists", token, map[string]any{"name": "All", "songs": []string{"2"}})
	if plays := api(t, 200, "GET", "/playlists/getPlays", token, nil).body; plays != "1" {
		t.Errorf("%s plays, want 1", plays)
	}
	b.click(id("player-toggle"))
	b.await("the music pauses", `window.heard.paused`)
}
