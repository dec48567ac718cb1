package web

import (
	"bytes"
	"embed"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

//go:embed dist
var embedded embed.FS

// Config tells the app about its surroundings. None of it is secret.
type Config struct {
	// IssuerURL is the base URL of the identity server with its scheme: "http://localhost:8080".
	IssuerURL string
	// ClientID is the app's public client at the identity server.
	ClientID string
	// APIAudience is the identifier of Mixtape's API, the audience of the everyday access token.
	APIAudience string
	// ManagementAudience is the identifier of the Management API, normally IssuerURL + "/api/v2/".
	ManagementAudience string
	// APIURL is the base URL of Mixtape's API.
	APIURL string
	// ClaimNamespace is the prefix of custom claims, with its trailing slash.
	ClaimNamespace string
	// AccountURL is where listeners look after their account at the identity server; "" if there is no such page.
	AccountURL string
	// UseRefreshTokens renews with rotating refresh tokens first, instead of the hidden frame. The app
	// falls back to them by itself in browsers that keep the session cookie from the frame.
	UseRefreshTokens bool
}

// document is Config as the app reads it.
type document struct {
	Domain             string `json:"domain"`
	ClientID           string `json:"client_id"`
	Audience           string `json:"audience"`
	ManagementAudience string `json:"management_audience"`
	APIURL             string `json:"api_url"`
	ClaimNamespace     string `json:"claim_namespace"`
	AccountURL         string `json:"account_url,omitempty"`
	UseRefreshTokens   bool   `json:"use_refresh_tokens"`
}

// Handler serves the app: its files, /config.json, and the same page under every path that is a
// screen of the app.
func Handler(c Config) http.Handler {
	dist, err := fs.Sub(embedded, "dist")
	if err != nil {
		panic(err) // only a malformed name can fail, and the name is a constant
	}
	config, err := json.Marshal(document{
		Domain:             strings.TrimRight(c.IssuerURL, "/"),
		ClientID:           c.ClientID,
		Audience:           c.APIAudience,
		ManagementAudience: c.ManagementAudience,
		APIURL:             strings.TrimRight(c.APIURL, "/"),
		ClaimNamespace:     c.ClaimNamespace,
		AccountURL:         c.AccountURL,
		UseRefreshTokens:   c.UseRefreshTokens,
	})
	if err != nil {
		panic(err) // strings and a boolean always encode
	}
	a := app{files: dist, config: config, policy: policy(origin(c.IssuerURL), origin(c.APIURL))}
	return http.HandlerFunc(a.serve)
}

type app struct {
	files  fs.FS
	config []byte
	policy string
}

func (a app) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", a.policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	// Not "same-origin": that would cut the opener of the SDK's login window.
	h.Set("Cross-Origin-Opener-Policy", "same-origin-allow-popups")

	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if name == "config.json" {
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", "no-cache")
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(a.config))
		return
	}
	content, err := fs.ReadFile(a.files, name)
	switch {
	case err == nil:
	case isFile(name):
		// A missing asset must not come as a page: scripts and caches would keep it.
		h.Set("Cache-Control", "no-store")
		http.Error(w, "not found", http.StatusNotFound)
		return
	default:
		name = "index.html"
		if content, err = fs.ReadFile(a.files, name); err != nil {
			http.Error(w, "the app was not built", http.StatusInternalServerError)
			return
		}
	}
	h.Set("Cache-Control", caching(name))
	h.Set("Content-Type", contentType(name))
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}

// isFile tells a missing file from a screen of the app: screens have no dot in their last part, except
// for identifiers below /playlists/.
func isFile(name string) bool {
	return strings.HasPrefix(name, "assets/") || path.Ext(name) != "" && !strings.HasPrefix(name, "playlists/")
}

// caching lets files with a hash in their name stay for ever; everything else is asked for again.
func caching(name string) string {
	if strings.HasPrefix(name, "assets/") {
		return "public, max-age=31536000, immutable"
	}
	return "no-cache"
}

// contentType knows the few kinds there are, so that the answer does not depend on the machine's tables.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".woff2":
		return "font/woff2"
	case ".webmanifest":
		return "application/manifest+json"
	case ".txt":
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}

// policy is the Content-Security-Policy: scripts and styles from here alone, requests to the two
// servers that the app knows, the hidden frame from the identity server, music from the API.
func policy(issuer, api string) string {
	return strings.Join([]string{
		"default-src 'none'",
		"script-src 'self'",
		"style-src 'self'",
		"font-src 'self'",
		"img-src 'self'",
		"manifest-src 'self'",
		"worker-src 'self'",
		"connect-src " + strings.TrimSpace("'self' "+issuer+" "+api),
		"frame-src " + orNone(issuer),
		"media-src " + orNone(api),
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
	}, "; ")
}

func orNone(source string) string {
	if source == "" {
		return "'none'"
	}
	return source
}

// origin is the scheme and host of a URL, or "" when it has none; a policy can hold nothing else of it.
func origin(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || strings.ContainsAny(u.Host, " ;,'\"") {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
