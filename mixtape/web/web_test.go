package web

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

var config = Config{
	IssuerURL:          "http://localhost:8080/",
	ClientID:           "client",
	APIAudience:        "https://mixtape.example/api",
	ManagementAudience: "http://localhost:8080/api/v2/",
	APIURL:             "http://localhost:3001",
	AccountURL:         "http://localhost:8080/account",
	ClaimNamespace:     "https://mixtape.example/",
}

func get(t *testing.T, method, target string) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	Handler(config).ServeHTTP(w, httptest.NewRequest(method, target, nil))
	return w.Result()
}

func body(t *testing.T, answer *http.Response) string {
	t.Helper()
	var b strings.Builder
	if err := answer.Write(&b); err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(b.String(), "\r\n\r\n")
	return text
}

func TestConfig(t *testing.T) {
	answer := get(t, "GET", "/config.json")
	var got map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"domain": "http://localhost:8080", "client_id": "client", "audience": "https://mixtape.example/api",
		"management_audience": "http://localhost:8080/api/v2/", "api_url": "http://localhost:3001",
		"claim_namespace": "https://mixtape.example/", "use_refresh_tokens": false, "account_url": "http://localhost:8080/account",
	}
	if len(got) != len(want) {
		t.Errorf("members: got %v, want %v", got, want)
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s = %v, want %v", name, got[name], value)
		}
	}
}

func TestPaths(t *testing.T) {
	asset := firstAsset(t)
	for _, c := range []struct {
		method, path string
		status       int
		kind, cache  string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8", "no-cache"},
		{"HEAD", "/", 200, "text/html; charset=utf-8", "no-cache"},
		{"GET", "/settings", 200, "text/html; charset=utf-8", "no-cache"},
		{"GET", "/playlists/p.1", 200, "text/html; charset=utf-8", "no-cache"},
		{"GET", "/?code=a&state=b", 200, "text/html; charset=utf-8", "no-cache"},
		{"GET", "/assets/" + asset, 200, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"GET", "/assets/missing", 404, "text/plain; charset=utf-8", "no-store"},
		{"GET", "/missing.js", 404, "text/plain; charset=utf-8", "no-store"},
		{"GET", "/../web.go", 404, "text/plain; charset=utf-8", "no-store"},
		{"GET", "/sw.js", 200, "text/javascript; charset=utf-8", "no-cache"},
		{"GET", "/manifest.webmanifest", 200, "application/manifest+json", "no-cache"},
		{"GET", "/icon-512.png", 200, "image/png", "no-cache"},
		{"POST", "/", 405, "text/plain; charset=utf-8", ""},
	} {
		answer := get(t, c.method, c.path)
		h := answer.Header
		if answer.StatusCode != c.status || h.Get("Content-Type") != c.kind || h.Get("Cache-Control") != c.cache {
			t.Errorf("%s %s: %d %q %q, want %d %q %q", c.method, c.path, answer.StatusCode, h.Get("Content-Type"), h.Get("Cache-Control"), c.status, c.kind, c.cache)
		}
		if h.Get("Content-Security-Policy") == "" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s %s: answered without its protections: %v", c.method, c.path, h)
		}
	}
}

func TestPolicy(t *testing.T) {
	for _, c := range []struct{ name, issuer, api, want string }{
		{"the two servers", "http://localhost:8080/", "http://localhost:3001/", "connect-src 'self' http://localhost:8080 http://localhost:3001; frame-src http://localhost:8080; media-src http://localhost:3001;"},
		{"paths are left out", "https://id.example/x", "https://api.example/v1", "connect-src 'self' https://id.example https://api.example; frame-src https://id.example; media-src https://api.example;"},
		{"a host cannot add a directive", "https://id.example;script-src *", "ftp://api.example", "connect-src 'self'; frame-src 'none'; media-src 'none';"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := policy(origin(c.issuer), origin(c.api))
			if !strings.Contains(got, c.want) {
				t.Errorf("got %s\nwant it to hold %s", got, c.want)
			}
			if strings.Contains(got, "unsafe") || strings.Contains(got, "*") {
				t.Errorf("too wide: %s", got)
			}
		})
	}
}

// The policy allows no inline script or style, so the page must not need any.
func TestPageNeedsNothingInline(t *testing.T) {
	page := body(t, get(t, "GET", "/"))
	for _, part := range []string{"<style", " style=", "onclick=", "onload="} {
		if strings.Contains(page, part) {
			t.Errorf("the page holds %q", part)
		}
	}
	for _, tag := range strings.SplitAfter(page, "<script")[1:] {
		if !strings.Contains(strings.SplitN(tag, ">", 2)[0], "src=") {
			t.Errorf("the page holds an inline script: %s", tag)
		}
	}
}

func firstAsset(t *testing.T) string {
	t.Helper()
	names, err := fs.Glob(embedded, "dist/assets/app-*.js")
	if err != nil || len(names) != 1 {
		t.Fatalf("dist/assets/app-*.js: %v %v, want one file", names, err)
	}
	return strings.TrimPrefix(names[0], "dist/assets/")
}
