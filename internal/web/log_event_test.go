package web

import (
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/stagedoor/stagedoor"
)

func TestLogEvent(t *testing.T) {
	prints := &stagedoor.Fingerprints{JA4: "t13d"}
	r := httptest.NewRequest("GET", "https://acme.test:8443/", nil)
	r = r.WithContext(WithFingerprints(r.Context(), prints))
	r.RemoteAddr = "2001:db8::7" // as the server in front leaves it
	r.Header.Set("User-Agent", "Browser")
	got := LogEvent(r, stagedoor.LogEvent{Type: "slo", UserID: "auth0|ada", IP: "192.0.2.1"})
	want := stagedoor.LogEvent{Type: "slo", UserID: "auth0|ada", IP: "2001:db8::7", UserAgent: "Browser", Hostname: "acme.test", SecurityContext: prints}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}
