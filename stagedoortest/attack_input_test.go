package stagedoortest_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// wellFormed tells what is wrong with an answer, whatever it says: no 500, and a body that is what it claims to be.
func wellFormed(t *testing.T, what string, a *answer) {
	t.Helper()
	if a.StatusCode >= 500 && a.StatusCode != http.StatusNotImplemented {
		t.Errorf("%s: %d %.300s", what, a.StatusCode, a.body)
	}
	switch kind := a.Header.Get("Content-Type"); {
	case strings.HasPrefix(kind, "application/json"):
		if !json.Valid([]byte(a.body)) && a.Request.Method != http.MethodHead {
			t.Errorf("%s: no JSON: %.300q", what, a.body)
		}
	case strings.HasPrefix(kind, "text/html"):
		if _, err := html.Parse(strings.NewReader(a.body)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		harmless(t, what, a)
	}
	if to := a.Header.Get("Location"); strings.ContainsAny(to, "\r\n\x00") {
		t.Errorf("%s leads to %q", what, to)
	}
}

// path fills in a route's pattern.
func (h *house) path(pattern, id string) string {
	if id == "" {
		id = "x" // of nothing
	}
	return placeholders.ReplaceAllString(strings.ReplaceAll(pattern, "{$}", ""), id)
}

func deep(open, middle, shut string, n int) string {
	return strings.Repeat(open, n) + middle + strings.Repeat(shut, n)
}

// hostileJSON are bodies that no endpoint may take.
func hostileJSON() map[string]string {
	return map[string]string{
		"empty": "", "spaces": "  \n", "cut": `{"name":`, "no object": `"text"`, "null": "null", "number": "1e999999", "two": `{}{}`, "comma": `{"a":1,}`,
		"single quotes": `{'a':1}`, "comment": `{}//x`, "BOM": "\ufeff{}", "bad UTF-8": "{\"name\":\"\xff\xfe\"}", "raw NUL": "{\"name\":\"a\x00b\"}",
		"NUL": `{"name":"a\u0000b","email":"a\u0000b","grant_type":"a\u0000b","client_id":"a\u0000b","token":"\u0000"}`, "NUL name": `{"a\u0000":1}`,
		"twice":      `{"name":"a","name":"b","email":"a","email":"b","client_id":"a","client_id":"b","token":"a","token":"b"}`,
		"deep lists": deep("[", "", "]", 20000), "deep objects": deep(`{"user_metadata":`, "1", "}", 5000), "open": strings.Repeat("[", 50000),
		"wrong types": `{"name":{"a":[1]},"email":[],"client_id":{},"user_metadata":"x","app_metadata":1,"scope":{},"scopes":1,"callbacks":{},"connection":[],"grant_type":[],"token":[]}`,
		"unknown":     `{"__proto__":{"a":1},"constructor":1,"nobody knows this":true}`, "NaN": "NaN", "surrogate": `{"name":"\ud800","email":"\udfff"}`,
		"long name": `{"` + strings.Repeat("a", 60000) + `":1}`, "XML": "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
		"number as id": `{"client_id":12345678901234567890123456789,"token":1e400,"grant_type":1}`,
	}
}

// withoutBody tells whether a route that writes looks at no body: what comes in one is not its concern.
func withoutBody(pattern string) bool {
	for _, end := range []string{"/rotate-secret", "/signing/rotate", "/keys/rotate", "/encryption/rekey", "/wrapping-key", "/recovery-code-regeneration", "/invalidate-remember-browser", "/login/unlink", "/impersonate"} {
		if strings.HasSuffix(pattern, end) {
			return true
		}
	}
	return false
}

// tellsAll are endpoints that read nothing, and tell everybody the same.
var tellsAll = []string{"/passwordless/challenge", "/usernamepassword/challenge", "/dbconnections/signup/challenge", "/dbconnections/change_password/challenge"}

// TestHostileBodies sends every POST, PATCH and PUT route bodies that are wrong in every way: the answer is an error, and
// nothing is changed.
func TestHostileBodies(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		h := w.a
		b, _ := h.session()
		p := b.begin(h.request("prompt", "login"))
		many := url.Values{}
		for i := range 3000 {
			many.Add(fmt.Sprint("p", i), "x")
		}
		kinds := []string{"application/json", "application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", "application/json; charset=utf-16", "", "nonsense/;;", "application/xml"}
		var zipped bytes.Buffer
		zip := gzip.NewWriter(&zipped)
		zip.Write(make([]byte, 10<<20))
		zip.Close()
		for _, route := range w.routes() {
			if !slices.Contains([]string{"POST", "PATCH", "PUT"}, route.Method) || withoutBody(route.Pattern) {
				continue
			}
			target := h.base + h.path(route.Pattern, url.PathEscape(h.made[strings.Split(strings.TrimPrefix(route.Pattern, "/api/v2/"), "/")[0]]))
			if strings.HasSuffix(route.Pattern, "{key}") {
				target = h.base + h.path(route.Pattern, "KEY")
			}
			call := func(what, kind, body string, headers ...string) *answer {
				t.Helper()
				headers = append(headers, "Cookie", b.cookie())
				if kind != "" {
					headers = append(headers, "Content-Type", kind)
				}
				if strings.Contains(target, "/api/v2/") {
					headers = append(headers, "Authorization", "Bearer "+h.token)
				}
				a := w.send(route.Method, target+map[bool]string{true: "?state=" + p.state}[strings.HasPrefix(route.Pattern, "/u/")], body, headers...)
				wellFormed(t, route.Method+" "+route.Pattern+" with "+what, a)
				return a
			}
			refused := func(what string, a *answer) {
				t.Helper()
				asked := route.Pattern == "/oidc/logout" && a.StatusCode == 200 // the question before a logout
				if route.Pattern == "/u/language" {                             // a language that is none changes nothing, and who clicked is back on a page
					asked = a.StatusCode == 303 && a.Header.Get("Location") == "/"
				}
				if first, _, later := strings.Cut(strings.TrimPrefix(route.Pattern, "/u/"), "/"); later && strings.HasPrefix(route.Pattern, "/u/") { // a step of what nobody has begun
					to, _, _ := strings.Cut(a.Header.Get("Location"), "?")
					asked = a.StatusCode == 303 && to == "/u/"+first
				}
				if slices.Contains(tellsAll, route.Pattern) { // which reads nothing, and tells everybody the same
					asked = a.StatusCode == 200
				}
				if route.Pattern == "/anonymous/logout" { // who has no session is out already
					asked = a.StatusCode == 204
				}
				if strings.HasSuffix(route.Pattern, "/branding") && strings.HasPrefix(what, "empty") { // which means no change
					asked = a.StatusCode == 200
				}
				// The Go SDK sends no body where nothing is to be changed, others null: the settings stay as they are.
				none := strings.HasPrefix(what, "empty") || what == "null" || what == "spaces"
				nothing := none && (a.StatusCode == 200 || a.StatusCode == 204)
				if a.StatusCode/100 != 4 && !asked && !nothing {
					t.Errorf("%s %s with %s: %d %.200s", route.Method, route.Pattern, what, a.StatusCode, a.body)
				}
			}
			h.unchanged(route.Method+" "+route.Pattern, func() {
				for name, body := range hostileJSON() {
					refused(name, call(name, "application/json", body))
					refused(name+" as form", call(name+" as form", "application/x-www-form-urlencoded", body))
				}
				for _, kind := range kinds[2:] {
					refused(kind, call(kind, kind, `{"nobody":1}`))
				}
				for name, form := range map[string]string{
					"bad escape": "%zz=1&a=%", "NUL": "username=%00&password=%00&email=%00&client_id=%00&connection=%00&token=%00&grant_type=%00&state=%00&nonce=%00",
					"bad UTF-8": "username=%ff&password=%ff&email=%ff&client_id=%ff&connection=%ff&token=%ff&grant_type=%ff&nonce=%ff", "semicolons": "a=1;b=2",
					"twice": "client_id=a&client_id=b&email=a&email=b&nonce=a&nonce=b", "many": many.Encode(), "lone": "=&=&&&", "long": "client_id=" + strings.Repeat("a", 60000),
				} {
					refused("form: "+name, call("form: "+name, "application/x-www-form-urlencoded", form))
				}
				large := strings.Repeat("a", 4<<20) // refused before the database matters
				for _, kind := range kinds[:2] {
					if strings.HasPrefix(w.database, "postgres") {
						break
					}
					// Some look at the path or the caller first, and refuse before they read.
					if a := call("4 MB", kind, `{"name":"`+large+`"}`); a.StatusCode/100 != 4 && !(route.Pattern == "/authorize" || route.Pattern == "/oidc/logout" || route.Pattern == "/userinfo" || slices.Contains(tellsAll, route.Pattern)) {
						t.Errorf("%s %s with 4 MB of %s: %d", route.Method, route.Pattern, kind, a.StatusCode)
					}
				}
				refused("gzip", call("gzip", "application/json", zipped.String(), "Content-Encoding", "gzip"))
			})
		}
	})
}

// TestHostileQueriesAndPaths does the same to everything that stands in an address.
func TestHostileQueriesAndPaths(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		h := w.a
		b, got := h.session()
		ids := []string{"%00", "%ff%fe", "..%2f..%2fetc", "%2e%2e", "a%0d%0ab", strings.Repeat("a", 8000), "%F0%9F%92%A9", "'%20OR%201=1--", "%25%30%30", "auth0%7C%00", "{id}", "*", "%7Bid%7D", ";", "%E2%80%AE"}
		queries := []string{
			"%zz", "a;b", "=", "&&&", "state=%00", "state=%ff", strings.Repeat("a=1&", 3000), "ticket=%00", "ticket=%ff", "client_id=%00", "client_id=%ff", "client_id=" + strings.Repeat("x", 30000),
			"page=-1", "page=99999999999999999999", "per_page=1e9", "per_page=0&include_totals=true", "page=10000000&per_page=100", "fields=%00", "fields=" + strings.Repeat("a,", 5000), "from=%00&take=1", "from=AA%ff", "sort=email:1;drop", "sort=%00:1", "q=%00", "email=%00", "email=%ff",
			"returnTo=%00&client_id=%00", "user_id=%00", "audience=%00&client_id=%00&user_id=%ff", "identifiers=%00", "name=%00", "strategy=%ff", "ui_locales=%00%ff", "from=&take=0",
			"client_id=" + h.spa + "&response_type=code&redirect_uri=" + callback + "&scope=%00", "client_id=" + h.spa + "&response_type=code&redirect_uri=" + callback + "&connection=%00&code_challenge=" + challenge(),
			"client_id=" + h.spa + "&response_type=code&redirect_uri=" + callback + "&prompt=none&max_age=99999999999999999999", "client_id=" + h.spa + "&response_type=code&redirect_uri=%ff",
			"id_token_hint=" + got.ID + "&logout_hint=%00", "post_logout_redirect_uri=%00", "id_token_hint=" + strings.Repeat("a.", 9000),
		}
		for _, route := range w.routes() {
			headers := []string{"Cookie", b.cookie(), "Accept", "text/html,*/*", "Accept-Language", strings.Repeat("\xff,de;q=9,", 50), "User-Agent", "\xff\xfe<script>"}
			if strings.HasPrefix(route.Pattern, "/api/v2/") {
				headers = append(headers, "Authorization", "Bearer "+h.token)
			}
			method := func(what, target string) {
				t.Helper()
				if route.Method != "GET" && !strings.Contains(route.Pattern, "{") {
					return // TestHostileBodies
				}
				wellFormed(t, route.Method+" "+route.Pattern+" with "+what, w.send(route.Method, target, "", headers...))
			}
			if strings.Contains(route.Pattern, "{id}") || strings.Contains(route.Pattern, "{key}") {
				for _, id := range ids {
					method(id[:min(len(id), 20)], h.base+h.path(route.Pattern, id))
				}
			}
			if route.Method != "GET" || strings.HasSuffix(route.Pattern, "logout") {
				continue
			}
			for _, query := range queries {
				method(query[:min(len(query), 60)], h.base+h.path(route.Pattern, "x")+"?"+query)
			}
		}
		for _, path := range []string{"/%00", "/%ff", "/u/%00", "/ui/assets/..%2f..%2fgo.mod", "/ui/assets/%00", "/ui/assets/../../etc/passwd", "/api/v2/../../etc/passwd", "/api/v2/%2e%2e/users", "/api/v2/users/%2e%2e/clients", "/api/v2//users", "/API/V2/users", "/api/v2/users/", "/.well-known/%00", "/" + strings.Repeat("a/", 5000)} {
			a := w.send("GET", h.base+path, "", "Accept", "text/html")
			wellFormed(t, path, a)
			if a.StatusCode == 200 {
				t.Errorf("%s: 200 %.100s", path, a.body)
			}
		}
		for _, method := range []string{"HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "PATCH", "PROPFIND"} {
			for _, path := range []string{"/authorize", "/oauth/token", "/userinfo", "/u/login", "/api/v2/users", "/", "/healthz", "/v2/logout"} {
				a := w.send(method, h.base+path, "", "Origin", "https://evil.example", "Access-Control-Request-Method", "PATCH")
				wellFormed(t, method+" "+path, a)
				if strings.Contains(a.body, "TRACE") || a.Header.Get("Access-Control-Allow-Credentials") != "" {
					t.Errorf("%s %s: %v %s", method, path, a.Header, a.body)
				}
			}
		}
	})
}

// TestRandomRequests sends every route requests that are made by chance from the parts above.
func TestRandomRequests(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		h := w.a
		b, got := h.session()
		p := b.begin(h.request("prompt", "login"))
		seed := uint64(time.Now().UnixNano())
		rng := rand.New(rand.NewPCG(seed, 1))
		texts := []string{
			"", "\x00", "\xff", "'", "\"", "<script>", "../", "%00", "\u202e", "\U0001F4A9", strings.Repeat("é", 2000), "-1", "9223372036854775808", "1e400", "null", "true", "[]", "{}", h.user, h.spa, h.site, h.secret, got.ID, got.Refresh,
			h.mail, h.pwd, callback, audience, connection, p.state, p.form.Get("nonce"), "code", "token id_token", "none", "openid", "authorization_code", "refresh_token", "client_credentials", "web_message", "form_post", h.made["connections"],
		}
		names := []string{
			"client_id", "client_secret", "response_type", "response_mode", "redirect_uri", "scope", "audience", "state", "nonce", "prompt", "max_age", "connection", "grant_type", "code", "refresh_token", "token", "username", "password", "email",
			"decision", "ticket", "login_hint", "ui_locales", "returnTo", "id_token_hint", "post_logout_redirect_uri", "user_metadata", "app_metadata", "user_metadata[a]", "name", "page", "per_page", "fields", "include_totals", "from", "take", "q", "sort", "blocked", "access_token", "script", "value", "scopes", "identifier", "options", "flags", "callbacks",
		}
		pick := func(all []string) string { return all[rng.IntN(len(all))] }
		values := func() url.Values {
			v := url.Values{}
			for range rng.IntN(8) {
				v.Add(pick(names), pick(texts))
			}
			return v
		}
		var object func(depth int) any
		object = func(depth int) any {
			switch rng.IntN(7) {
			case 0:
				return rng.NormFloat64() * 1e20
			case 1:
				return nil
			case 2:
				return rng.IntN(2) == 0
			case 3:
				if depth < 4 {
					return []any{object(depth + 1), object(depth + 1)}
				}
			case 4:
				if depth < 4 {
					out := map[string]any{}
					for range rng.IntN(4) {
						out[pick(names)] = object(depth + 1)
					}
					return out
				}
			}
			return pick(texts)
		}
		for range 4 {
			for _, route := range w.routes() {
				if route.Method == "DELETE" || withoutBody(route.Pattern) || strings.Contains(route.Pattern, "tenants/settings") {
					continue
				}
				target := h.base + h.path(route.Pattern, url.PathEscape(pick(texts))) + "?" + values().Encode()
				if strings.HasPrefix(route.Pattern, "/u/") && rng.IntN(2) == 0 {
					target += "&state=" + p.state
				}
				headers, body := []string{"Cookie", b.cookie()}, ""
				if strings.HasPrefix(route.Pattern, "/api/v2/") {
					headers = append(headers, "Authorization", "Bearer "+h.token)
				}
				if route.Method != "GET" {
					if strings.HasPrefix(route.Pattern, "/api/v2/") || rng.IntN(2) == 0 {
						out := map[string]any{}
						for range 1 + rng.IntN(5) {
							out[pick(names)] = object(0)
						}
						b, err := json.Marshal(out)
						if err != nil {
							t.Fatal(err)
						}
						body = string(b)
						headers = append(headers, "Content-Type", "application/json")
					} else {
						body = values().Encode()
						headers = append(headers, "Content-Type", "application/x-www-form-urlencoded")
					}
				}
				wellFormed(t, fmt.Sprintf("seed %d: %s %.300s %.500s", seed, route.Method, target, body), w.send(route.Method, target, body, headers...))
			}
		}
		if log := w.log.String(); strings.Contains(log, "panic") {
			t.Errorf("a panic: %s", log[strings.Index(log, "panic"):])
		}
	})
}

// TestOversizeAndSlow: large headers are refused, and slow bodies do not stop others.
func TestOversizeAndSlow(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	h := w.a
	for name, request := range map[string]string{
		"a large header":    "GET / HTTP/1.1\r\nHost: " + h.host + "\r\nX: " + strings.Repeat("a", 1<<20) + "\r\n\r\n",
		"many headers":      "GET / HTTP/1.1\r\nHost: " + h.host + "\r\n" + strings.Repeat("X-A: b\r\n", 100000) + "\r\n",
		"a long target":     "GET /" + strings.Repeat("a", 1<<20) + " HTTP/1.1\r\nHost: " + h.host + "\r\n\r\n",
		"a large cookie":    "GET / HTTP/1.1\r\nHost: " + h.host + "\r\nCookie: auth0=" + strings.Repeat("a", 1<<20) + "\r\n\r\n",
		"two lengths":       "POST /oauth/token HTTP/1.1\r\nHost: " + h.host + "\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
		"length and chunks": "POST /oauth/token HTTP/1.1\r\nHost: " + h.host + "\r\nContent-Length: 5\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
		"a negative length": "POST /oauth/token HTTP/1.1\r\nHost: " + h.host + "\r\nContent-Length: -1\r\n\r\n",
		"no HTTP":           "\x16\x03\x01\x00\x00 hello\r\n\r\n",
	} {
		if status, _, body := w.raw(request); status != 0 && status/100 != 4 && status != 501 {
			t.Errorf("%s: %d %.100s", name, status, body)
		}
	}
	// Many clients that send a head and then nothing more.
	addr := strings.TrimPrefix(strings.Replace(w.HTTPURL, "localhost", "127.0.0.1", 1), "http://")
	for _, head := range []string{
		"POST /oauth/token HTTP/1.1\r\nHost: " + h.host + "\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
		"POST /u/login?state=x HTTP/1.1\r\nHost: " + h.host + "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\na",
		"PATCH /api/v2/users/" + url.PathEscape(h.user) + " HTTP/1.1\r\nHost: " + h.host + "\r\nAuthorization: Bearer " + h.token + "\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
		"GET / HTTP/1.1\r\nHost: " + h.host + "\r\nX-Slow: ",
	} {
		for range 60 {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, head); err != nil {
				t.Fatal(err)
			}
		}
	}
	start := time.Now()
	h.session()
	h.want(200, h.api("PATCH", "/users/"+url.PathEscape(h.user), map[string]any{"user_metadata": map[string]any{"a": 1}}, nil))
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("beside slow clients a login took %v", took)
	}
}
