package login_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/standin"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// duoWorld is a world with a stand-in for Duo.
type duoWorld struct {
	*world
	duo *stagedoortest.Duo
}

func newDuoWorld(t *testing.T, kind string) *duoWorld {
	t.Helper()
	w := &duoWorld{newWorld(t, kind), stagedoortest.NewDuo(t)}
	w.signs()
	w.duo.Now, w.pipe.HTTP = w.clock, w.duo.HTTP
	w.duo.Answer("allow")
	return w
}

// keys are the stand-in's, as scripts write them.
func (w *duoWorld) keys(more string) string {
	return "{host: '" + w.duo.Host + "', ikey: '" + w.duo.IKey + "', skey: '" + w.duo.SKey + "'" + more + "}"
}

// tenantKeys gives the tenant keys of its own.
func (w *duoWorld) tenantKeys() {
	w.Helper()
	w.ok(w.st.ChangeSetting(w.Context(), mfa.SettingDuo, func(m map[string]any) error {
		m["host"], m["ikey"], m["skey"] = strings.ToUpper(w.duo.Host), w.duo.IKey, w.duo.SKey
		return nil
	}))
}

// atDuo goes where the answer leads, to Duo, and returns the way back, a path of our own.
func (w *duoWorld) atDuo(r *reply) string {
	w.Helper()
	if !strings.HasPrefix(r.to(), "https://"+w.duo.Host+"/oauth/v1/authorize?") || strings.Contains(r.to(), w.duo.SKey) {
		w.Fatalf("the way leads to %s", r.to())
	}
	direct := *w.duo.HTTP
	direct.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	req, err := http.NewRequestWithContext(w.Context(), http.MethodGet, r.to(), nil)
	w.ok(err)
	answer, err := direct.Do(req)
	w.ok(err)
	defer answer.Body.Close()
	back, ours := strings.CutPrefix(answer.Header.Get("Location"), origin)
	if answer.StatusCode != http.StatusFound || !ours {
		w.Fatalf("Duo answers %s %s", answer.Status, answer.Header.Get("Location"))
	}
	return back
}

// pass goes through the page, and Duo, to what comes next.
func (w *duoWorld) pass(b *browser, page *reply, fields ...string) *reply {
	w.Helper()
	return b.follow(b.get(w.atDuo(b.submit(page, fields...).want(http.StatusSeeOther))))
}

const duoHeading = "Verify that it is you with Duo"

func TestDuo(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		for name, script := range map[string]func(*duoWorld){
			"rule": func(w *duoWorld) {
				w.rule("function (user, context, cb) { context.multifactor = Object.assign({provider: 'duo'}, " + w.keys(", username: 'ada.l'") + "); cb(null, user, context); }")
			},
			"action": func(w *duoWorld) {
				w.actions("exports.onExecutePostLogin = async (event, api) => { api.multifactor.enable('duo', {allowRememberBrowser: true, providerOptions: "+w.keys(", username: 'ada.l'")+"}); };",
					"exports.onExecutePostLogin = async (event, api) => { api.idToken.setCustomClaim('https://a.test/methods', event.authentication.methods.map(m => m.name)); };")
			},
		} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				w := newDuoWorld(t, kind)
				script(w)
				b := w.browser()
				page := b.logIn(challenge()...).want(http.StatusOK).says(duoHeading, "Remember this browser for 30 days").hides(w.duo.SKey)

				// The key lies in no login that is under way.
				at, _ := url.Parse(page.path)
				tx, err := w.st.Transaction(w.Context(), at.Query().Get("state"))
				w.ok(err)
				if kept, _ := json.Marshal(tx); strings.Contains(string(kept), w.duo.SKey) || strings.Contains(string(kept), w.duo.IKey) || !tx.Factor.Duo {
					w.Errorf("the login under way holds %s", kept)
				}
				last := w.pass(b, page, "remember", "1")
				claims := b.claims(last)
				if amr, _ := json.Marshal(claims["amr"]); string(amr) != `["mfa"]` {
					w.Errorf("claims %v", claims)
				}
				if asked := w.duo.Asked(); asked["duo_uname"] != "ada.l" || asked["redirect_uri"] != origin+"/u/mfa-duo-callback" || w.duo.Pings() != 1 {
					w.Errorf("Duo was asked for %v", asked)
				}
				if got := w.events(); !strings.Contains(got, "mfar gd_start_auth gd_auth_succeed s") || strings.Contains(w.log.String(), w.duo.SKey) {
					w.Errorf("events %s", got)
				}
				again := b.logIn(append(challenge(), "prompt", "login")...) // the browser is remembered
				if claims := b.claims(again); claims["amr"] != nil {
					w.Errorf("claims of a remembered browser %v", claims)
				}
				w.browser().logIn().says(duoHeading)
			})
		}
	}
}

// TestDuoRefuses: whom Duo does not let pass, or about whom it cannot be asked, is not let through, reads why, and may try again.
func TestDuoRefuses(t *testing.T) {
	w := newDuoWorld(t, storetest.SQLite)
	w.rule("function (user, context, cb) { context.multifactor = Object.assign({provider: 'duo', allowRememberBrowser: false}, " + w.keys("") + "); cb(null, user, context); }")
	b := w.browser()
	page := b.logIn().says(duoHeading).hides("Remember this browser")

	w.duo.Misbehave(standin.Down)
	failed := b.submit(page).want(http.StatusServiceUnavailable).says("Duo could not be reached").hides(w.duo.SKey)
	w.duo.Answer("deny")
	denied := w.pass(b, failed).want(http.StatusOK).says(duoHeading, "Duo did not let you pass")
	for _, mode := range []string{standin.OtherKey, standin.OtherSubject, standin.NoResult, standin.TokenError, standin.HTML} {
		w.duo.Answer("allow")
		w.duo.Misbehave(mode)
		denied = w.pass(b, denied).says("Duo")
		if denied.status != http.StatusOK || !strings.Contains(denied.body, "problem") {
			t.Errorf("%s: %d", mode, denied.status)
		}
	}
	if got := w.events(); strings.Count(got, "gd_auth_failed") != 7 || strings.Contains(got, "gd_auth_succeed") {
		t.Errorf("events %s", got)
	}
	w.duo.Answer("allow")
	if q := b.finish(w.pass(b, denied)); q.Get("code") == "" {
		t.Errorf("came back with %v", q)
	}
	if w.duo.Asked()["duo_uname"] != "ada@example.com" {
		t.Errorf("Duo was asked for %v", w.duo.Asked())
	}
	if got := w.browser().begin("prompt", "none"); got.status/100 != 3 {
		t.Errorf("%d", got.status)
	}
}

// TestDuoState: the way back is this login's and this browser's, works once, and takes the page's form to begin.
func TestDuoState(t *testing.T) {
	w := newDuoWorld(t, storetest.SQLite)
	w.rule("function (user, context, cb) { context.multifactor = Object.assign({provider: 'duo'}, " + w.keys("") + "); cb(null, user, context); }")
	lost := func(r *reply) {
		t.Helper()
		r.want(http.StatusBadRequest).says("pressed the back button")
	}
	b := w.browser()
	page := b.logIn().says(duoHeading)
	action, _ := page.form()
	lost(b.post(action, url.Values{}))
	back := w.atDuo(b.submit(page))
	lost(w.browser().get(back))
	eve := w.browser()
	eve.logIn().says(duoHeading)
	lost(eve.get(back)) // somebody else who is as far
	state, _ := url.Parse(back)
	lost(b.get("/u/mfa-duo-challenge?state=" + state.Query().Get("state")))
	if r := b.get("/authorize/resume?state=" + state.Query().Get("state")); r.status != http.StatusBadRequest {
		t.Errorf("%d %s", r.status, r.header.Get("Location"))
	}
	b.do(http.MethodHead, back, "").want(http.StatusOK)
	if q := b.finish(b.get(back)); q.Get("code") == "" {
		t.Errorf("came back with %v", q)
	}
	lost(b.get(back))
	for _, path := range []string{"/u/mfa-duo-callback", "/u/mfa-duo-callback?state=x&duo_code=y"} {
		lost(b.get(path))
	}

	// A code that was taken to another login of the same person's does nothing for one that never left for Duo.
	other := w.browser()
	page = other.logIn()
	own := w.atDuo(other.submit(page))
	q, _ := url.Parse(own)
	at, _ := url.Parse(page.path)
	lost(other.get("/u/mfa-duo-callback?state=" + at.Query().Get("state") + "&duo_code=" + q.Query().Get("duo_code")))
}

// TestDuoOfAPrimaryUser: the keys that an action brings outlive that the person is sent elsewhere and comes back as somebody else, who has their account now.
func TestDuoOfAPrimaryUser(t *testing.T) {
	w := newDuoWorld(t, storetest.SQLite)
	w.ok(w.st.CreateUser(t.Context(), &stagedoor.User{ID: "auth0|bob", Connection: w.conn.Name, Email: "bob@example.com", Identities: []stagedoor.Identity{{Provider: "auth0", UserID: "bob", Connection: w.conn.Name}}}, ""))
	links := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		ada, err := w.st.UserByIdentifier(t.Context(), w.conn.Name, "ada@example.com")
		if err == nil {
			_, err = w.st.LinkIdentity(t.Context(), "auth0|bob", stagedoor.Identity{Provider: "auth0", UserID: strings.TrimPrefix(ada.ID, "auth0|")}, false)
		}
		if err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(links.Close)
	w.actions("exports.onExecutePostLogin = async (event, api) => { api.multifactor.enable('duo', {providerOptions: "+w.keys("")+"}); api.redirect.sendUserTo('https://check.example/'); }; exports.onContinuePostLogin = async () => {};",
		"exports.onExecutePostLogin = async (event, api) => { await fetch('"+links.URL+"'); api.authentication.setPrimaryUser('auth0|bob'); };")
	b := w.browser()
	r := b.submit(b.begin(challenge()...), "username", "ada@example.com", "password", good)
	for strings.HasPrefix(r.to(), "/") || strings.HasPrefix(r.to(), origin) {
		r = b.get(r.to())
	}
	away, err := url.Parse(r.to())
	w.ok(err)
	if away.Host != "check.example" {
		t.Fatalf("sent to %s", away)
	}
	page := b.follow(b.get("/continue?state=" + away.Query().Get("state"))).says(duoHeading)
	if claims := b.claims(w.pass(b, page)); claims["sub"] != "auth0|bob" {
		t.Errorf("claims %v", claims)
	}
}

// TestDuoWithTenantKeys: scripts need not bring keys where the tenant has some; Duo alone is also what a policy asks for.
func TestDuoWithTenantKeys(t *testing.T) {
	each(t, func(plain *world) {
		w := &duoWorld{plain, stagedoortest.NewDuo(plain.T)}
		w.duo.Now, w.pipe.HTTP = w.clock, w.duo.HTTP
		w.duo.Answer("allow")
		w.rule("function (user, context, cb) { if (context.clientID === 'other') context.multifactor = {provider: 'duo', username: 'x'}; cb(null, user, context); }")
		w.actions("exports.onExecutePostLogin = async (event, api) => { if (event.client.client_id === 'foreign') api.multifactor.enable('duo'); };")
		_, err := w.st.UpdateConnection(w.Context(), w.conn.ID, func(c *stagedoor.Connection) error {
			c.EnabledClients = []string{"app", "foreign", "other"}
			return nil
		})
		w.ok(err)
		const none = "The second factor duo cannot be asked for: neither the script nor the tenant has its keys."
		for _, client := range []string{"other", "foreign"} {
			b := w.browser()
			if q := b.finish(b.logIn("client_id", client)); q.Get("error") != "access_denied" || q.Get("error_description") != none {
				w.Errorf("came back with %v", q)
			}
		}
		w.factors(always, "duo", "!otp")
		if q := w.browser().finish(w.browser().logIn()); q.Get("error") != "access_denied" {
			w.Errorf("a policy without keys: %v", q)
		}
		w.tenantKeys()
		for _, client := range []string{"app", "other", "foreign"} {
			b := w.browser()
			r := w.pass(b, b.logIn("client_id", client).says(duoHeading))
			for r.status == http.StatusOK && strings.Contains(r.body, "decision") { // consent
				r = b.follow(b.submit(r, "decision", "accept"))
			}
			if q := b.finish(r); q.Get("code") == "" {
				w.Errorf("%s: came back with %v", client, q)
			}
		}
		secret, _ := w.enrolled()
		w.factors(always, "duo", "otp") // then the other one is asked for
		b := w.browser()
		page := b.logIn().says("Verify that it is you").hides(duoHeading)
		if q := b.finish(b.submit(page, "code", w.code(secret))); q.Get("code") == "" {
			w.Errorf("came back with %v", q)
		}
	})
}

// TestDuoIsNotAnythingElse: another factor that was given in the same login is not what scripts have named.
func TestDuoIsNotAnythingElse(t *testing.T) {
	w := newDuoWorld(t, storetest.SQLite)
	secret, _ := w.enrolled()
	w.factors(nil, "otp")
	w.actions(
		"exports.onExecutePostLogin = async (event, api) => { api.authentication.challengeWith({type: 'otp'}); };",
		"exports.onExecutePostLogin = async (event, api) => { api.multifactor.enable('duo', {providerOptions: "+w.keys("")+"}); };",
	)
	b := w.browser()
	page := b.follow(b.submit(b.logIn().says("Verify that it is you"), "code", w.code(secret))).says(duoHeading)
	if q := b.finish(w.pass(b, page)); q.Get("code") == "" {
		t.Errorf("came back with %v", q)
	}
	s := must(w.st.UserSessions(t.Context(), w.found("ada@example.com").ID))
	if len(s) == 0 || !s[0].Has("mfa") {
		t.Errorf("sessions %+v", s)
	}

	w.wait(time.Minute)
	for script, why := range map[string]string{
		"{providerOptions: {host: 'https://evil.example/', ikey: 'x', skey: 'y'}}":              "host is not the name of a host",
		"{providerOptions: {host: 'a.test', ikey: 'x', skey: 'y'}}":                             "ikey does not have 20 characters",
		"{providerOptions: {host: 'a.test', ikey: 'DIXXXXXXXXXXXXXXXXXX', skey: 'top secret'}}": "skey does not have 40 characters",
	} {
		w.actions("exports.onExecutePostLogin = async (event, api) => { api.multifactor.enable('duo', " + script + "); };")
		b := w.browser()
		if q := b.finish(b.logIn()); q.Get("error") != "access_denied" || q.Get("error_description") != "The second factor duo cannot be asked for: "+why+"." {
			t.Errorf("%s: %v", script, q)
		}
	}
}
