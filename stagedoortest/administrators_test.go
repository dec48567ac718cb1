package stagedoortest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/standin"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

var ada = stagedoortest.Person{Subject: "ada-1", Email: "Ada@corp.example", EmailVerified: true, Name: "Ada Lovelace", More: map[string]any{"groups": []string{"staff", "ops"}}}

// office is a server whose administrators sign in at a provider.
type office struct {
	*stagedoortest.Server
	t        *testing.T
	provider *stagedoortest.StandIn
}

func newOffice(t *testing.T, kind string) *office {
	t.Helper()
	o := &office{t: t, provider: stagedoortest.NewStandIn(t)}
	o.Server = stagedoortest.New(t, stagedoortest.Options{Database: storetest.Migrated(t, kind), Tenants: []string{"other"}, Configure: func(c *config.Config) {
		// The slash is as some write it; the provider calls itself without.
		c.Dashboard = config.Dashboard{Issuer: o.provider.URL + "/", ClientID: o.provider.ClientID, ClientSecret: o.provider.ClientSecret, Scope: []string{"email", "groups"}}
	}})
	return o
}

// browser is one that keeps cookies and follows nothing.
func (o *office) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		o.t.Fatal(err)
	}
	return &http.Client{Transport: o.Client.Transport, CheckRedirect: o.Client.CheckRedirect, Jar: jar}
}

func (o *office) get(b *http.Client, address string) *url.URL {
	o.t.Helper()
	a, err := b.Get(address) //nolint:noctx // a test
	if err != nil {
		o.t.Fatal(err)
	}
	defer a.Body.Close()
	to, err := a.Location()
	if err != nil {
		text, _ := io.ReadAll(a.Body)
		o.t.Fatalf("%s leads nowhere: %s %.300s", address, a.Status, text)
	}
	return to
}

// atProvider goes to the provider and returns what the page is given there.
func (o *office) atProvider(b *http.Client, who stagedoortest.Person) map[string]string {
	o.t.Helper()
	o.provider.Choose(&who)
	return o.given(b)
}

// given goes to the provider, which knows who comes.
func (o *office) given(b *http.Client) map[string]string {
	o.t.Helper()
	to := o.get(b, o.get(b, o.HTTPSURL+"/dashboard/sign-in").String())
	if want := o.HTTPSURL + "/dashboard/"; to.Scheme+"://"+to.Host+to.Path != want {
		o.t.Fatalf("the provider leads to %s", to)
	}
	answer := map[string]string{}
	for name := range to.Query() {
		answer[name] = to.Query().Get(name)
	}
	return answer
}

// String is for failures: without the token.
func (a admitted) String() string {
	return fmt.Sprint(a.status, " ", a.Code, " ", a.Description, " token: ", a.Token != "")
}

type admitted struct {
	Token       string `json:"access_token"`
	Life        int    `json:"expires_in"`
	Code        string `json:"error"`
	Description string `json:"error_description"`
	status      int
}

// post gives the server what the page was given.
func (o *office) post(b *http.Client, answer map[string]string) admitted {
	o.t.Helper()
	body, _ := json.Marshal(answer)
	a, err := b.Post(o.HTTPSURL+"/dashboard/token", "application/json", strings.NewReader(string(body))) //nolint:noctx // a test
	if err != nil {
		o.t.Fatal(err)
	}
	defer a.Body.Close()
	out := admitted{status: a.StatusCode}
	if err := json.NewDecoder(a.Body).Decode(&out); err != nil {
		o.t.Fatal(err)
	}
	if a.Header.Get("Cache-Control") != "no-store" {
		o.t.Errorf("may be kept: %v", a.Header)
	}
	return out
}

func (o *office) signIn(who stagedoortest.Person) admitted {
	o.t.Helper()
	b := o.browser()
	return o.post(b, o.atProvider(b, who))
}

func (o *office) add(who string, scopes ...string) {
	o.t.Helper()
	st, err := o.DB().TenantByID(o.t.Context(), o.Tenant)
	if err == nil {
		_, err = st.SetAdministrator(o.t.Context(), who, scopes)
	}
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) remove(who string) {
	o.t.Helper()
	st, err := o.DB().TenantByID(o.t.Context(), o.Tenant)
	if err == nil {
		_, err = st.DeleteAdministrator(o.t.Context(), who)
	}
	if err != nil {
		o.t.Fatal(err)
	}
}

// TestAdministratorsSignIn at the operator's provider: who was named may do what was said, at once and until that is taken back.
func TestAdministratorsSignIn(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) { administratorSignsIn(t, newOffice(t, kind)) })
	}
}

func administratorSignsIn(t *testing.T, o *office) {
	t.Helper()
	users := o.HTTPSURL + "/api/v2/users"
	if got := o.signIn(ada); got.status != 403 || got.Code != "access_denied" || !strings.Contains(got.Description, "stagedoor administrators add ada@corp.example") {
		t.Errorf("nobody yet: %v", got)
	}
	o.add("ada@corp.example")
	got := o.signIn(ada)
	if got.status != 200 || got.Life != 8*3600 {
		t.Fatalf("an administrator: %v", got)
	}
	var made struct {
		ID string `json:"user_id"`
	}
	if status := o.JSON(t, "POST", users, got.Token, map[string]any{"connection": "Username-Password-Authentication", "email": "kim@example.com", "password": "Correct-horse-1"}, &made); status != 201 {
		t.Errorf("makes a user: %d", status)
	}
	soon(t, "the log says who did it", 10*time.Second, func() bool {
		var log []map[string]any
		if status := o.JSON(t, "GET", o.HTTPSURL+"/api/v2/logs", got.Token, nil, &log); status != 200 {
			t.Fatalf("reads the log: %d", status)
		}
		text, _ := json.Marshal(log)
		return strings.Contains(string(text), `"user":{"email":"ada@corp.example","user_id":"administrator|ada-1"}`) &&
			strings.Contains(string(text), "Signed in to the dashboard, of which they are no administrator") && strings.Contains(string(text), `"Signed in to the dashboard"`)
	})
	if status := o.JSON(t, "GET", strings.Replace(o.HTTPURL, "localhost", "other.localhost", 1)+"/api/v2/users", got.Token, nil, nil); status != 401 {
		t.Errorf("another tenant: %d", status)
	}

	o.add("ada@corp.example", "read:users")
	if status := o.JSON(t, "GET", users, got.Token, nil, nil); status != 200 {
		t.Errorf("reads yet: %d", status)
	}
	if status := o.JSON(t, "DELETE", users+"/"+url.PathEscape(made.ID), got.Token, nil, nil); status != 403 {
		t.Errorf("may read alone: %d", status)
	}
	o.remove("ada@corp.example")
	if status := o.JSON(t, "GET", users, got.Token, nil, nil); status != 401 {
		t.Errorf("removed: %d", status)
	}
}

// TestAdministratorsByName: by which name somebody is known, and by which not.
func TestAdministratorsByName(t *testing.T) {
	o := newOffice(t, storetest.SQLite)
	for _, one := range []struct {
		what, added string
		who         stagedoortest.Person
		status      int
	}{
		{"the provider's id", "sub:ada-1", ada, 200},
		{"another's id", "sub:ada-2", ada, 403},
		{"a group", "group:ops", ada, 200},
		{"a group of which they are not", "group:board", ada, 403},
		{"an address that nobody verified", "ada@corp.example", stagedoortest.Person{Subject: "x", Email: "ada@corp.example"}, 403},
		{"an id that looks like an address", "ada@corp.example", stagedoortest.Person{Subject: "ada@corp.example"}, 403},
		{"a group that looks like an address", "ada@corp.example", stagedoortest.Person{Subject: "x", More: map[string]any{"groups": []string{"ada@corp.example"}}}, 403},
		{"an id that looks like a group", "group:ops", stagedoortest.Person{Subject: "group:ops"}, 403},
		{"groups that are no list", "group:ops", stagedoortest.Person{Subject: "x", More: map[string]any{"groups": "group:ops ops"}}, 403},
	} {
		o.add(one.added)
		if got := o.signIn(one.who); got.status != one.status {
			t.Errorf("%s: %v", one.what, got)
		}
		o.remove(one.added)
	}
}

// TestAdministratorsAttacks: what others put into the browser, and what a provider that lies says, makes nobody an administrator.
func TestAdministratorsAttacks(t *testing.T) {
	o := newOffice(t, storetest.SQLite)
	o.add("ada@corp.example")
	refused := func(what string, got admitted) {
		t.Helper()
		if got.status < 400 || got.status > 499 || got.Token != "" || got.Code == "" {
			t.Errorf("%s: %v", what, got)
		}
	}

	began := o.browser()
	answer := o.atProvider(began, ada)
	refused("in another browser", o.post(o.browser(), answer))
	elsewhere := o.browser()
	o.atProvider(elsewhere, ada)
	refused("in a browser that began another login", o.post(elsewhere, answer))
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", ""} {
		body, _ := json.Marshal(answer)
		a, err := began.Post(o.HTTPSURL+"/dashboard/token", kind, strings.NewReader(string(body))) //nolint:noctx // a test
		if err != nil {
			t.Fatal(err)
		}
		a.Body.Close()
		if a.StatusCode != 400 {
			t.Errorf("as %q: %s", kind, a.Status)
		}
	}
	for _, body := range []string{"", "[]", `{"code":1,"state":"x"}`, `{"code":"x"}`, `{"code":"x","state":""}`, `{"code":"x","state":"x","more":1}`, strings.Repeat("x", 1<<17)} {
		a, err := began.Post(o.HTTPSURL+"/dashboard/token", "application/json", strings.NewReader(body)) //nolint:noctx // a test
		if err != nil {
			t.Fatal(err)
		}
		a.Body.Close()
		if a.StatusCode < 400 || a.StatusCode > 499 {
			t.Errorf("%.30q: %s", body, a.Status)
		}
	}
	if got := o.post(began, answer); got.status != 200 {
		t.Fatalf("where it began: %v", got)
	}
	refused("a second time", o.post(began, answer))
	b := o.browser()
	refusedThere := o.atProvider(b, ada)
	delete(refusedThere, "code")
	refusedThere["error"], refusedThere["error_description"] = "access_denied", "Not today."
	if got := o.post(b, refusedThere); got.status != 403 || got.Description != "Not today." {
		t.Errorf("the provider refuses: %v", got)
	}

	for _, mode := range standin.Modes {
		if slices.Contains([]string{standin.Slow, standin.Admin, standin.OtherSubject, standin.HugeProfile}, mode) {
			continue
		}
		who := ada
		o.provider.Choose(&who)
		o.provider.Misbehave(mode)
		b := o.browser()
		refused(mode, o.post(b, o.given(b)))
	}

	token := o.signIn(ada).Token
	for _, address := range []string{"/userinfo", "/me/v1/factors"} {
		if status := o.JSON(t, "GET", o.HTTPSURL+address, token, nil, nil); status < 400 || status > 499 {
			t.Errorf("%s takes the token: %d", address, status)
		}
	}
}

// TestAdministratorsAreBounded: one network has the provider asked so many times, and the operator's log says why somebody was not let in.
func TestAdministratorsAreBounded(t *testing.T) {
	var log lockedLog
	o := &office{t: t, provider: stagedoortest.NewStandIn(t)}
	o.Server = stagedoortest.New(t, stagedoortest.Options{Log: &log, Configure: func(c *config.Config) {
		c.Dashboard = config.Dashboard{Issuer: o.provider.URL, ClientID: o.provider.ClientID, ClientSecret: o.provider.ClientSecret}
	}})
	o.provider.Choose(&ada)
	o.provider.Misbehave(standin.WrongAudience)
	b := o.browser()
	if got := o.post(b, o.given(b)); got.status != 403 {
		t.Errorf("for somebody else: %v", got)
	}
	if !strings.Contains(log.String(), "the dashboard's provider does not do its part") || strings.Contains(log.String(), "eyJ") {
		t.Errorf("the log: %s", log.String())
	}
	refused := 0
	for range 300 {
		a, err := b.Get(o.HTTPSURL + "/dashboard/sign-in") //nolint:noctx // a test
		if err != nil {
			t.Fatal(err)
		}
		a.Body.Close()
		if a.StatusCode == 429 {
			refused++
		}
	}
	if refused == 0 || refused > 110 {
		t.Errorf("%d of 300 were refused", refused)
	}
}

// TestAdministratorsNeedAProvider: without one there is no way to a token.
func TestAdministratorsNeedAProvider(t *testing.T) {
	s := stagedoortest.New(t, stagedoortest.Options{})
	if status := s.JSON(t, "POST", s.HTTPSURL+"/dashboard/token", "", map[string]any{"code": "x", "state": "x"}, nil); status != 404 && status != 405 {
		t.Errorf("a token: %d", status)
	}
	a, err := s.Client.Get(s.HTTPSURL + "/dashboard/sign-in") //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	a.Body.Close()
	if a.StatusCode != 404 {
		t.Errorf("the way to the provider: %s", a.Status)
	}
}
