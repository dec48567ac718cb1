package ui

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"net/http"
	"path"
	"strings"
)

//go:embed dashboard
var dashboardFiles embed.FS

// DashboardPrefix is where Dashboard must be mounted.
const DashboardPrefix = "/dashboard/"

// dashboardCSP lets the dashboard ask its own server, and load pictures of people by https. Its code sets what people wrote as texts only; were it to
// forget that once, nothing inline would run.
const dashboardCSP = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data: https:; connect-src 'self'; " +
	"form-action 'none'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// dashboardFile is a file with the tag by which browsers ask whether it changed.
type dashboardFile struct {
	asset
	tag string
}

// readDashboard reads the embedded files. Their modules name each other, so that their names do not change with
// what is in them, as assets' do: browsers ask each time whether they changed.
func readDashboard(provider string) map[string]dashboardFile {
	entries, err := dashboardFiles.ReadDir("dashboard")
	if err != nil {
		panic("read the embedded dashboard: " + err.Error())
	}
	files := map[string]dashboardFile{}
	for _, e := range entries {
		body, err := dashboardFiles.ReadFile("dashboard/" + e.Name())
		if err != nil {
			panic("read the embedded dashboard: " + err.Error())
		}
		name, kind := e.Name(), map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8"}[path.Ext(e.Name())]
		if name == "index.html" {
			name, body = "", dashboardPage(body, provider)
		}
		sum := sha256.Sum256(body)
		files[name] = dashboardFile{asset{kind, body}, `"` + hex.EncodeToString(sum[:8]) + `"`}
	}
	return files
}

// dashboardPage puts in the addresses of the hosted pages' assets, and the host of the provider at which administrators sign in.
func dashboardPage(source []byte, provider string) []byte {
	var b bytes.Buffer
	t := template.Must(template.New("dashboard").Funcs(template.FuncMap{"asset": AssetPath}).Parse(string(source)))
	if err := t.Execute(&b, provider); err != nil {
		panic("render the dashboard: " + err.Error())
	}
	return b.Bytes()
}

// Dashboard serves the page on which people look after a tenant, and its modules, under DashboardPrefix. provider is the host at which administrators sign in; empty
// if there is none.
func Dashboard(provider string) http.Handler {
	files := readDashboard(provider)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := files[strings.TrimPrefix(r.URL.Path, DashboardPrefix)]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		SetHeaders(h)
		h.Set("Content-Security-Policy", dashboardCSP)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Type", a.mediaType)
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", a.tag)
		if r.Header.Get("If-None-Match") == a.tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Write(a.body) //nolint:errcheck // the client is gone
	})
}
