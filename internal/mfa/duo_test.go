package mfa_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/outbound"
	"github.com/stagedoor/stagedoor/internal/standin"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

const duoBack = "https://acme.test/u/mfa-duo-callback"

func duoClient(d *stagedoortest.Duo) mfa.DuoClient {
	return mfa.DuoClient{DuoKeys: mfa.DuoKeys{Host: d.Host, IKey: d.IKey, SKey: d.SKey, User: "ada"}, HTTP: d.HTTP, Back: duoBack, Now: time.Now}
}

// duoCode is what somebody brings back from Duo.
func duoCode(t *testing.T, c mfa.DuoClient, client *http.Client) string {
	t.Helper()
	address, err := c.Address(strings.Repeat("s", 43))
	if err != nil {
		t.Fatal(err)
	}
	direct := *client
	direct.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := direct.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	back, err := url.Parse(answer.Header.Get("Location"))
	if err != nil || answer.StatusCode != http.StatusFound || !strings.HasPrefix(back.String(), duoBack+"?") || back.Query().Get("state") != strings.Repeat("s", 43) {
		t.Fatalf("Duo answers %s %s", answer.Status, back)
	}
	return back.Query().Get("duo_code")
}

func TestDuo(t *testing.T) {
	d := stagedoortest.NewDuo(t)
	d.Answer("allow")
	c := duoClient(d)
	if err := c.Healthy(t.Context()); err != nil || d.Pings() != 1 {
		t.Fatal(err)
	}
	code := duoCode(t, c, d.HTTP)
	if asked := d.Asked(); asked["duo_uname"] != "ada" || asked["redirect_uri"] != duoBack {
		t.Errorf("asked for %v", asked)
	}
	if err := c.Result(t.Context(), code); err != nil {
		t.Fatal(err)
	}
	if err := c.Result(t.Context(), code); !stagedoor.HasCode(err, "duo_failed") {
		t.Errorf("the same code again: %v", err)
	}
	d.Answer("deny")
	if err := c.Result(t.Context(), duoCode(t, c, d.HTTP)); !stagedoor.HasCode(err, "duo_denied") || !mfa.IsDuo(err) {
		t.Errorf("denied: %v", err)
	}
	d.Answer("allow")
	other := c
	other.User = "mallory" // a good code, of somebody else's
	if err := other.Result(t.Context(), duoCode(t, c, d.HTTP)); !stagedoor.HasCode(err, "duo_failed") {
		t.Errorf("somebody else's code: %v", err)
	}
}

// TestDuoMisbehaves: whatever Duo, or who stands in its place, answers wrongly lets nobody pass, and no error tells the key.
func TestDuoMisbehaves(t *testing.T) {
	d := stagedoortest.NewDuo(t)
	c := duoClient(d)
	fails := func(name string, err error) {
		t.Helper()
		if !stagedoor.HasCode(err, "duo_failed") && !(name == standin.NoResult && stagedoor.HasCode(err, "duo_denied")) || strings.Contains(err.Error(), c.SKey) || strings.Contains(err.Error(), "eyJ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, mode := range []string{
		standin.WrongIssuer, standin.WrongAudience, standin.Expired, standin.Future, standin.Unsigned, standin.OtherKey, standin.OtherSubject, standin.Garbage,
		standin.TokenError, standin.Huge, standin.Elsewhere, standin.HTML, standin.NoResult,
	} {
		d.Answer("allow")
		d.Misbehave(mode)
		fails(mode, c.Result(t.Context(), duoCode(t, c, d.HTTP)))
	}
	d.Misbehave(standin.Down)
	fails(standin.Down, c.Healthy(t.Context()))

	d.Answer("allow")
	slow, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	code := duoCode(t, c, d.HTTP)
	d.Misbehave(standin.Slow)
	fails(standin.Slow, c.Result(slow, code))

	d.Answer("allow")
	wrong := c
	wrong.SKey = strings.Repeat("x", 40)
	fails("a wrong key", wrong.Healthy(t.Context()))
	private := c
	private.HTTP = outbound.New(outbound.Config{})
	if err := private.Healthy(t.Context()); !strings.Contains(err.Error(), outbound.ErrForbidden.Error()) {
		t.Errorf("a private address: %v", err)
	}
}

func TestDuoKeys(t *testing.T) {
	good := mfa.DuoKeys{Host: "api-1b2c3d4e.duosecurity.com", IKey: strings.Repeat("D", 20), SKey: strings.Repeat("s", 40)}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for _, host := range []string{"", "https://api.duosecurity.com", "api.duosecurity.com/x", "a@b.test", "a.test?x", "a.test#x", "a b.test", "a.test:", ".test", "a.test\n", "[::1]", "a%2e.test", "a.test:123456"} {
		bad := good
		if bad.Host = host; bad.Check() == nil {
			t.Errorf("the host %q is taken", host)
		}
	}
	for _, bad := range []mfa.DuoKeys{{good.Host, "short", good.SKey, ""}, {good.Host, good.IKey, "short", ""}} {
		if err := bad.Check(); err == nil || strings.Contains(err.Error(), "short") {
			t.Errorf("%v", err)
		}
	}
}
