package oauth

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Lock and auth0.js ask for a country to begin telephone numbers with its prefix, from any page; they send their name along, which browsers ask about first.
func TestCountry(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	for languages, want := range map[string]string{
		"de-AT,de;q=0.9": "AT", "de": "DE", "en-GB": "GB", "en;q=0.1, ja": "JP", "es-419, pt-BR;q=0.5": "BR", "*": "", "": "", "x-nonsense": "", "es-419": "",
	} {
		r := httptest.NewRequest(http.MethodGet, "/user/geoloc/country", nil)
		r.Header.Set("Origin", "https://app.test")
		r.Header.Set("Accept-Language", languages)
		got := b.do(r)
		if want == "" && got.Code == http.StatusNotFound {
			continue
		}
		if got.Code != http.StatusOK || strings.TrimSpace(got.Body.String()) != `{"country_code":"`+want+`"}` || got.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%q: %d %s %v", languages, got.Code, got.Body, got.Header())
		}
	}
	r := httptest.NewRequest(http.MethodOptions, "/user/geoloc/country", nil)
	r.Header.Set("Origin", "https://app.test")
	if got := b.do(r); got.Code != http.StatusNoContent || !strings.Contains(got.Header().Get("Access-Control-Allow-Headers"), "Auth0-Client") {
		t.Errorf("preflight: %d %v", got.Code, got.Header())
	}
}
