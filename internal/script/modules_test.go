package script

import (
	"compress/gzip"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestModules runs the corpus of modules under both runtimes: one file for each package, a rule that does what scripts do with it, over a real HTTP server where
// it talks to one: <SERVER> is its URL, <DOMAIN> the host of one that speaks TLS. Sections are `rule`, `configuration.json` and `want.json`, with the members user and console.
func TestModules(t *testing.T) {
	files, err := filepath.Glob("testdata/modules/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no corpus", err)
	}
	server := httptest.NewServer(http.HandlerFunc(serveModules))
	t.Cleanup(server.Close)
	secure := httptest.NewTLSServer(http.HandlerFunc(serveModules))
	t.Cleanup(secure.Close)
	for _, runtime := range runtimes(t) {
		limits := Limits{CPU: 20 * time.Second, Wall: 2 * time.Minute} // many packages are compiled for the first time at once here
		h := newHost(t, Config{Workers: 2, HTTP: secure.Client(), Runtime: always(runtime), Limits: limits})
		t.Run(runtime, func(t *testing.T) { runModules(t, h, files, server, secure) })
	}
}

func runModules(t *testing.T, h *Host, files []string, server, secure *httptest.Server) {
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			var err error
			run := Run{
				Tenant: "modules", User: json.RawMessage(`{"user_id":"auth0|1","email":"a@example.com"}`), Context: json.RawMessage(`{"idToken":{},"accessToken":{}}`),
				Domain: strings.TrimPrefix(server.URL, "http://"), BaseURL: server.URL + "/api/v2",
				AccessToken: func(context.Context) (string, error) { return "management-token", nil },
			}
			var w want
			for _, s := range archive(t, file) {
				text := strings.NewReplacer("<SERVER>", server.URL, "<DOMAIN>", strings.TrimPrefix(secure.URL, "https://")).Replace(s.text)
				switch s.name {
				case "rule":
					run.Rules = []Rule{{ID: "rul_1", Name: "rule", Source: text}}
				case "configuration.json":
					err = json.Unmarshal([]byte(text), &run.Configuration)
				case "want.json":
					err = json.Unmarshal([]byte(text), &w)
				default:
					t.Fatalf("unknown section %q", s.name)
				}
				if err != nil {
					t.Fatalf("%s: %v", s.name, err)
				}
			}
			got, err := h.Rules(t.Context(), run)
			if err != nil {
				t.Fatal(err)
			}
			w.compare(t, got, &outside{})
			if t.Failed() {
				t.Logf("user %s\nconsole %+v", got.User, got.Console)
			}
		})
	}
}

var digestPart = regexp.MustCompile(`(\w+)="?([^",]+)"?`)

// digested tells whether a request knows the password p of the user u (RFC 7616, MD5).
func digested(r *http.Request) bool {
	text, is := strings.CutPrefix(r.Header.Get("Authorization"), "Digest ")
	if !is {
		return false
	}
	given := map[string]string{}
	for _, m := range digestPart.FindAllStringSubmatch(text, -1) {
		given[m[1]] = m[2]
	}
	hash := func(s string) string { sum := md5.Sum([]byte(s)); return hex.EncodeToString(sum[:]) }
	ha1, ha2 := hash("u:r:p"), hash(r.Method+":"+r.URL.RequestURI())
	return given["opaque"] == "o" && given["response"] == hash(strings.Join([]string{ha1, "n1", given["nc"], given["cnonce"], "auth", ha2}, ":"))
}

// serveModules is the other side of packages that call out. Paths: /echo tells what came; /status/N; /redirect/N goes on to /echo after N
// steps; /gzip; /slow; /bytes; /text; /cookie sets one.
func serveModules(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	first, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch first {
	case "status":
		status, _ := strconv.Atoi(rest)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"status":%d}`, status)
	case "redirect":
		left, _ := strconv.Atoi(rest)
		to := "/redirect/" + strconv.Itoa(left-1)
		if left <= 1 {
			to = "/echo"
		}
		http.Redirect(w, r, to, http.StatusFound)
	case "gzip":
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = z.Write([]byte(`{"compressed":true}`))
		_ = z.Close()
	case "slow":
		select {
		case <-r.Context().Done():
		case <-time.After(5 * time.Second):
		}
	case "bytes":
		_, _ = w.Write([]byte{0, 255, 128, 7})
	case "basic":
		if user, pass, ok := r.BasicAuth(); !ok || user != "u" || pass != "p" {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
	case "digest":
		if !digested(r) {
			w.Header().Set("WWW-Authenticate", `Digest realm="r", qop="auth", nonce="n1", opaque="o"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, "digest ok")
	case "oauth", "api":
		w.Header().Set("Content-Type", "application/json")
		switch {
		case rest == "token":
			_, _ = io.WriteString(w, `{"access_token":"machine","expires_in":86400,"token_type":"Bearer"}`)
		case r.Header.Get("Authorization") != "Bearer management-token" && r.Header.Get("Authorization") != "Bearer machine":
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"statusCode":401,"error":"Unauthorized","message":"Invalid token","errorCode":"invalid_token"}`)
		case strings.HasSuffix(rest, "/users-by-email"):
			_, _ = fmt.Fprintf(w, `[{"user_id":"auth0|7","email":%q}]`, r.URL.Query().Get("email"))
		case r.Method == http.MethodPatch:
			_, _ = w.Write(body)
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"statusCode":404,"error":"Not Found","message":"The user does not exist.","errorCode":"inexistent_user"}`)
		}
	case "jwks":
		_, _ = fmt.Fprintf(w, `{"keys":[%s]}`, r.URL.Query().Get("key"))
	case "slack":
		_, _ = io.WriteString(w, "ok")
	case "track":
		_, _ = io.WriteString(w, "1")
	case "text":
		_, _ = io.WriteString(w, "plain text")
	case "cookie":
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: "c1", Path: "/"})
		_, _ = io.WriteString(w, "ok")
	default:
		headers := map[string]string{}
		for name, values := range r.Header {
			headers[strings.ToLower(name)] = strings.Join(values, ", ")
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("X-Echo", "yes")
		_ = json.NewEncoder(w).Encode(map[string]any{"method": r.Method, "url": r.URL.String(), "headers": headers, "body": string(body)})
	}
}
