package ui

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	Assets().ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestAssets(t *testing.T) {
	for name, mediaType := range map[string]string{
		"stagedoor.css": "text/css; charset=utf-8", "reveal.js": "text/javascript; charset=utf-8",
		"door.svg": "image/svg+xml", "fraunces-latin-600.woff2": "font/woff2",
	} {
		path := AssetPath(name)
		if !regexp.MustCompile(`^/ui/assets/[a-z0-9-]+\.[0-9a-f]{10}\.[a-z0-9]+$`).MatchString(path) {
			t.Errorf("%s is at %q", name, path)
		}
		w := get(t, http.MethodGet, path)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != mediaType || w.Body.Len() == 0 {
			t.Errorf("%s: %d %q, %d bytes", path, w.Code, w.Header().Get("Content-Type"), w.Body.Len())
		}
		if got := w.Header().Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: Cache-Control %q", path, got)
		}
	}
	for _, path := range []string{AssetPrefix, AssetPrefix + "stagedoor.css", AssetPrefix + "../doc.go", "/ui/assets/stagedoor.0000000000.css"} {
		if w := get(t, http.MethodGet, path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := get(t, http.MethodPost, AssetPath("door.svg")); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
	if AssetPath("nothing.css") != "" {
		t.Error("a file that is not there has an address")
	}
}

// The stylesheet names other files by their hashed names, or else a cache could mix releases.
func TestStylesheetNamesHashedFiles(t *testing.T) {
	css := get(t, http.MethodGet, AssetPath("stagedoor.css")).Body.String()
	found := regexp.MustCompile(`url\("([^"]+)"\)`).FindAllStringSubmatch(css, -1)
	if len(found) == 0 {
		t.Fatal("no url() at all")
	}
	for _, url := range found {
		if w := get(t, http.MethodGet, AssetPrefix+url[1]); w.Code != http.StatusOK {
			t.Errorf("the stylesheet names %q: %d", url[1], w.Code)
		}
	}
	if strings.Contains(css, "http:") || strings.Contains(css, "https:") || strings.Contains(css, "@import") {
		t.Error("the stylesheet leads elsewhere")
	}
}

func TestHeaders(t *testing.T) {
	h := http.Header{}
	SetHeaders(h)
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": CSP, "Cache-Control": "no-store",
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, never := range []string{"unsafe", "form-action", "*"} {
		if strings.Contains(CSP, never) {
			t.Errorf("CSP holds %q", never)
		}
	}
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(CSP, want) {
			t.Errorf("CSP lacks %q", want)
		}
	}
}
