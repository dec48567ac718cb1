package ui

import (
	"flag"
	"net/http"
	"reflect"
	"sort"
	"strings"
	"testing"
)

var preview = flag.String("preview", "", "address to serve every page at, until interrupted")

// in is a page in another language.
func in(p Page, lang string) Page {
	v := reflect.New(reflect.TypeOf(p)).Elem()
	v.Set(reflect.ValueOf(p))
	if f, is := v.FieldByName("Frame").Addr().Interface().(*Frame); is {
		f.Lang, f.Languages, f.Here = lang, Choices(Languages(), lang), "/"
	}
	page := v.Interface().(Page)
	if login, is := page.(LoginPage); is && login.Passkeys != nil {
		keys := *login.Passkeys
		keys.Frame.Lang, login.Passkeys = lang, &keys
		return login
	}
	return page
}

// TestPreview serves the sample pages for a look in a browser: go test ./ui -run TestPreview -preview :9999, and with ?lang=de in German.
func TestPreview(t *testing.T) {
	if *preview == "" {
		t.Skip("not asked for: -preview :9999")
	}
	samples := samples()
	names := make([]string, 0, len(samples))
	for name := range samples {
		names = append(names, name)
	}
	sort.Strings(names)
	mux := http.NewServeMux()
	mux.Handle(AssetPrefix, Assets())
	mux.HandleFunc(BrandPath, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/css")
		_, _ = w.Write([]byte(Brand{Primary: "#" + r.FormValue("v")}.CSS()))
	})
	mux.HandleFunc("GET /mailbody/{kind}", func(w http.ResponseWriter, r *http.Request) {
		_, _, html, err := Mail(MailKind(r.PathValue("kind")), "en", sampleMail)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", MailCSP)
		_, _ = w.Write([]byte(html))
	})
	mux.HandleFunc("GET /{name}", func(w http.ResponseWriter, r *http.Request) {
		page, ok := samples[r.PathValue("name")]
		if !ok {
			_, _ = w.Write([]byte(strings.Join(names, "\n")))
			return
		}
		if lang := r.FormValue("lang"); lang != "" {
			page = in(page, lang)
		}
		SetHeaders(w.Header())
		if err := Render(w, page); err != nil {
			t.Error(err)
		}
	})
	t.Log(http.ListenAndServe(*preview, mux)) //nolint:gosec // a preview on a developer's machine
}
