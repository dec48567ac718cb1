package login_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/internal/token"
)

// signs lets the world's tenant sign tokens: three tests need that, so that the others do without the price of a key.
func (w *world) signs() {
	w.Helper()
	signingKey.Do(func() {
		w.ok((&token.Keys{}).Ensure(w.Context(), w.st))
		signingKey.all = must(w.st.SigningKeys(w.Context()))
	})
	if len(must(w.st.SigningKeys(w.Context()))) == 0 {
		w.ok(w.st.CreateSigningKey(w.Context(), &signingKey.all[0]))
	}
}

var signingKey struct {
	sync.Once
	all []stagedoor.SigningKey
}

// factors switches factors on, and sets the policies.
func (w *world) factors(policies []string, on ...string) {
	w.Helper()
	w.ok(w.st.ChangeSetting(w.Context(), mfa.SettingFactors, func(m map[string]any) error {
		for _, name := range on {
			m[strings.TrimPrefix(name, "!")] = !strings.HasPrefix(name, "!")
		}
		return nil
	}))
	w.ok(w.st.ChangeSetting(w.Context(), mfa.SettingPolicies, func(m map[string]any) error { m["policies"] = policies; return nil }))
}

var always = []string{"all-applications"}

// code is what an app with the secret shows; a new one at each call.
func (w *world) code(secret string) string {
	w.Helper()
	w.wait(30 * time.Second)
	code, err := totp.GenerateCode(secret, w.clock())
	w.ok(err)
	return code
}

var shownCode = regexp.MustCompile(`<p class="secret"><code>([A-Z0-9 ]+)</code>`)

// secret is what the page shows to be typed or noted down.
func (r *reply) secret() string {
	r.Helper()
	found := shownCode.FindStringSubmatch(r.body)
	if found == nil {
		r.Fatalf("no secret is shown: %s", r.body)
	}
	return strings.ReplaceAll(found[1], " ", "")
}

// logIn fills in the login page and returns the page behind it, or the way back to the client.
func (b *browser) logIn(params ...string) *reply {
	b.Helper()
	return b.follow(b.submit(b.begin(params...), "username", "ada@example.com", "password", good))
}

// follow goes on to the next page, or the way back to the client.
func (b *browser) follow(r *reply) *reply {
	b.Helper()
	for r.status/100 == 3 && !strings.HasPrefix(r.to(), callback) {
		r = b.get(r.to())
	}
	return r
}

// setUp goes through the enrolment pages and returns the secret, the recovery code and the way back to the client.
func (b *browser) setUp(r *reply) (secret, recovery string, end *reply) {
	b.Helper()
	r.want(http.StatusOK).says("Secure your account")
	secret = r.secret()
	r = b.follow(b.submit(r, "code", b.code(secret)).want(http.StatusSeeOther)).says("Your recovery code")
	recovery = r.secret()
	return secret, recovery, b.follow(b.submit(r, "noted", "1"))
}

// enrolled gives ada an app.
func (w *world) enrolled() (secret, recovery string) {
	w.Helper()
	u := w.found("ada@example.com")
	e := mfa.Enrollment{Store: w.st, UserID: u.ID, Key: "test", Only: true}
	secret, err := e.Begin(w.Context(), w.clock().Add(time.Hour))
	w.ok(err)
	recovery, err = e.Confirm(w.Context(), w.code(secret))
	w.ok(err)
	return secret, recovery
}

const verifier = "a-verifier-of-the-length-that-RFC-7636-wants-at-the-least"

// tokens redeems the code in the way back to the client, and returns the claims of the ID token.
func (b *browser) claims(r *reply) map[string]any {
	b.Helper()
	q := b.finish(r)
	if q.Get("code") == "" {
		b.Fatalf("came back with %v", q)
	}
	answer := b.post("/oauth/token", url.Values{
		"grant_type": {"authorization_code"}, "client_id": {"app"}, "code": {q.Get("code")}, "redirect_uri": {callback}, "code_verifier": {verifier},
	}).want(http.StatusOK)
	var tokens struct {
		ID string `json:"id_token"`
	}
	b.ok(json.Unmarshal([]byte(answer.body), &tokens))
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(tokens.ID, ".")[1])
	b.ok(err)
	claims := map[string]any{}
	b.ok(json.Unmarshal(payload, &claims))
	return claims
}

func challenge() []string {
	sum := sha256.Sum256([]byte(verifier))
	return []string{"code_challenge", base64.RawURLEncoding.EncodeToString(sum[:])}
}

func (w *world) session() *stagedoor.Session {
	w.Helper()
	all, err := w.st.UserSessions(w.Context(), w.found("ada@example.com").ID)
	w.ok(err)
	if len(all) != 1 {
		w.Fatalf("%d sessions", len(all))
	}
	return &all[0]
}

// Who has no second factor sets one up in the middle of the login, and gives it in the next one.
func TestSecondFactorByPolicy(t *testing.T) {
	each(t, func(w *world) {
		w.signs()
		w.factors(always, "otp")
		b := w.browser()
		page := b.logIn(challenge()...).says("Scan this picture", "Enter this key into your app")
		if again := b.get("/u/mfa-otp-enrollment?" + strings.Split(page.action(), "?")[1]); again.secret() != page.secret() {
			w.Error("the page shows another secret when it is loaded again")
		}
		b.submit(page, "code", "").want(http.StatusBadRequest).says("Enter the code.")
		b.submit(page, "code", "000000").want(http.StatusBadRequest).says("This code does not work")
		b.get("/authorize/resume?" + strings.Split(page.action(), "?")[1]).want(http.StatusFound) // no way past it
		secret, recovery, end := b.setUp(page)
		claims := b.claims(end)
		if amr, _ := json.Marshal(claims["amr"]); string(amr) != `["mfa"]` || claims["acr"] != nil {
			w.Errorf("amr %s, acr %v", amr, claims["acr"])
		}
		if got := w.session().Methods; len(got) != 2 || got[0].Name != "pwd" || got[1].Name != "mfa" || got[1].Type != "otp" || got[1].Timestamp != w.clock().UnixMilli() {
			w.Errorf("methods %+v", got)
		}
		// The session keeps it: no page, and no amr, in a login without one.
		if claims := b.claims(b.begin(append(challenge(), "prompt", "none")...)); claims["amr"] != nil {
			w.Errorf("silent: amr %v", claims["amr"])
		}
		other := w.browser()
		page = other.logIn(challenge()...).want(http.StatusOK).says("Verify that it is you", "Remember this browser for 30 days")
		other.submit(page, "code", w.code("JBSWY3DPEHPK3PXP")).want(http.StatusBadRequest).says("each works only once")
		code := w.code(secret)
		if claims := other.claims(other.follow(other.submit(page, "code", code[:3]+" "+code[3:]))); claims["amr"] == nil {
			w.Error("no amr")
		}
		third := w.browser()
		page = third.logIn()
		third.submit(page, "code", code).want(http.StatusBadRequest).says("each works only once") // RFC 6238 section 5.2
		page = third.get(page.href("Use your recovery code instead")).says("Enter the recovery code")
		third.submit(page, "code", "AAAAAAAAAAAAAAAAAAAAAAAA").want(http.StatusBadRequest).says("This recovery code does not work")
		page = third.follow(third.submit(page, "code", strings.ToLower(recovery))).says("The one that you have just used works no more.")
		if next := page.secret(); next == recovery || len(next) != 24 {
			w.Errorf("the new recovery code is %q", next)
		}
		third.submit(page).want(http.StatusOK).says("Your recovery code") // not noted
		if q := third.finish(third.submit(page, "noted", "1")); q.Get("code") == "" {
			w.Errorf("came back with %v", q)
		}
		fourth := w.browser()
		page = fourth.logIn()
		page = fourth.get(page.href("Use your recovery code instead"))
		fourth.submit(page, "code", recovery).want(http.StatusBadRequest) // used up
		page = fourth.get(page.href("Use your authenticator app instead"))
		if q := fourth.finish(fourth.submit(page, "code", w.code(secret))); q.Get("code") == "" {
			w.Errorf("came back with %v", q)
		}
		w.logs(`"failure_details":{"errorCode":"`)
		for kind, n := range map[string]int{"gd_start_enroll": 1, "gd_enrollment_complete": 1, "gd_start_auth": 3, "gd_auth_failed": 3, "gd_auth_succeed": 2, "gd_recovery_failed": 2, "gd_recovery_succeed": 1, "mfar": 0} {
			if got := slices.Collect(strings.SplitSeq(w.events(), " ")); count(got, kind) != n {
				w.Errorf("%d events %s, want %d: %v", count(got, kind), kind, n, got)
			}
		}
	})
}

func count(all []string, one string) (n int) {
	for _, s := range all {
		if s == one {
			n++
		}
	}
	return n
}

// Item 11 of the conformance checklist (extensibility fact sheet 6.6). Silent authentication fails in the words that SDKs know; a remembered
// browser is asked again after thirty days, or seven without a visit.
func TestConformance11RememberedBrowser(t *testing.T) {
	each(t, func(w *world) {
		w.rule(`function (user, context, cb) { context.multifactor = {provider: 'any'}; cb(null, user, context); }`)
		w.factors(nil, "otp")
		secret, _ := w.enrolled()
		b := w.browser()
		page := b.logIn()
		silent := func(b *browser) string {
			q := b.finish(b.begin("prompt", "none"))
			return q.Get("error") + " " + q.Get("error_description")
		}
		const refused = "login_required Multifactor authentication required"
		if got := silent(b); got != refused {
			w.Errorf("silent before: %s", got)
		}
		b.finish(b.submit(page, "code", w.code(secret), "remember", "1"))
		if got := silent(b); got != " " {
			w.Errorf("silent in a remembered browser: %s", got)
		}
		eve := w.user("eve@example.com")
		if is, err := w.st.BrowserRemembered(w.Context(), "x", eve.ID, time.Hour, 1000*time.Hour); err != nil || is {
			w.Error("somebody else is remembered", err)
		}
		for range 4 { // there every six days
			w.wait(6 * 24 * time.Hour)
			if q := b.finish(b.logIn()); q.Get("code") == "" {
				w.Errorf("asked again: %v", q)
			}
		}
		w.wait(6*24*time.Hour + time.Minute)
		b.finish(b.submit(b.logIn().says("Verify that it is you"), "code", w.code(secret), "remember", "1"))
		w.wait(7*24*time.Hour + time.Minute)
		b.finish(b.submit(b.logIn().says("Verify that it is you"), "code", w.code(secret), "remember", "1"))
		w.ok(w.st.ForgetBrowsers(w.Context(), w.found("ada@example.com").ID))
		if got := silent(b); got != refused {
			w.Errorf("silent after all browsers were forgotten: %s", got)
		}
		b.logIn().says("Verify that it is you")
		if !strings.Contains(w.events(), "mfar gd_start_auth") {
			w.Errorf("events %s", w.events())
		}
	})
}

// rule makes a rule, or actions, part of the world's logins.
func (w *world) rule(source string) {
	w.Helper()
	w.ok(w.st.CreateRule(w.Context(), &stagedoor.Rule{ID: stagedoor.NewID("rul_"), Name: stagedoor.NewID("Rule "), Script: source, Enabled: true}))
}

func (w *world) actions(sources ...string) {
	w.Helper()
	var ids []string
	for _, source := range sources {
		a := &stagedoor.Action{ID: stagedoor.NewUUID(), Name: stagedoor.NewID("Action "), Draft: stagedoor.ActionCode{Code: source}}
		w.ok(w.st.CreateAction(w.Context(), a))
		_, _, err := w.st.DeployAction(w.Context(), a.ID, func(a *stagedoor.Action) (*stagedoor.ActionVersion, error) {
			return &stagedoor.ActionVersion{Body: a.Draft}, nil
		})
		w.ok(err)
		ids = append(ids, a.ID)
	}
	_, err := w.st.SetActionBindings(w.Context(), "post-login", func([]stagedoor.ActionBinding, []stagedoor.Action) ([]stagedoor.ActionBinding, error) {
		var out []stagedoor.ActionBinding
		for _, id := range ids {
			out = append(out, stagedoor.ActionBinding{Action: id})
		}
		return out, nil
	})
	w.ok(err)
}

// What rules write into context.multifactor.
func TestSecondFactorByRule(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	secret, _ := w.enrolled()
	for _, c := range []struct {
		name, multifactor string
		factors           []string
		policies          []string
		page, fails       string
	}{
		{"nothing", "null", []string{"otp"}, nil, "", ""},
		{"nothing under a policy", "false", []string{"otp"}, always, "Verify that it is you", ""},
		{"any", "{provider: 'any'}", []string{"otp"}, nil, "Remember this browser", ""},
		{"never remembered", "{provider: 'any', allowRememberBrowser: false}", []string{"otp"}, nil, "Verify that it is you", ""},
		{"an unknown provider", "{provider: 'smoke signals', ignoreCookie: true}", []string{"otp"}, nil, "Verify that it is you", ""},
		{"none against a policy", "{provider: 'none'}", []string{"otp"}, always, "", ""},
		{"google-authenticator without the switch", "{provider: 'google-authenticator', issuer: 'Songs'}", []string{"!otp"}, nil, "Verify that it is you", ""},
		{"any without the switch", "{provider: 'guardian'}", []string{"!otp"}, nil, "", "A second factor is required, but none that this server has is enabled."},
		{"duo", "{provider: 'duo', ikey: 'a', skey: 'b', host: 'c'}", []string{"otp"}, nil, "", "The second factor duo cannot be asked for: ikey does not have 20 characters."},
		{"no object", "7", []string{"otp"}, nil, "", "A rule set context.multifactor to something else than an object."},
		{"a policy without factors", "null", []string{"!otp"}, always, "", ""},
		{"a policy with other factors", "null", []string{"!otp", "duo"}, always, "", "A second factor is required, but none that this server has is enabled."},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.T = t
			w.wait(time.Minute)
			for _, r := range must(w.st.Rules(t.Context())) {
				w.ok(w.st.DeleteRule(t.Context(), r.ID))
			}
			w.rule("function (user, context, cb) { context.multifactor = " + c.multifactor + "; cb(null, user, context); }")
			w.factors(c.policies, append([]string{"!duo"}, c.factors...)...)
			b := w.browser()
			r := b.logIn()
			if c.page != "" {
				r.want(http.StatusOK).says(c.page)
				if strings.Contains(c.multifactor, "Browser: false") || strings.Contains(c.multifactor, "ignoreCookie: true") {
					r.hides("Remember this browser for")
				}
				r = b.submit(r, "code", w.code(secret), "remember", "1")
			}
			q := b.finish(r)
			if q.Get("error_description") != c.fails || c.fails != "" && q.Get("error") != "access_denied" || c.fails == "" && q.Get("code") == "" {
				t.Errorf("came back with %v", q)
			}
		})
	}
}

func must[V any](v V, err error) V {
	if err != nil {
		panic(err)
	}
	return v
}

// The client asks for a second factor, whatever the browser or the session remembers.
func TestStepUp(t *testing.T) {
	each(t, func(w *world) {
		w.signs()
		w.factors(nil, "otp")
		w.rule(`function (user, context, cb) { user.app_metadata = {}; context.idToken['https://x.test/methods'] = context.authentication.methods.map(m => m.name + '/' + m.type).join(' '); cb(null, user, context); }`)
		secret, _ := w.enrolled()
		b := w.browser()
		claims := b.claims(b.logIn(challenge()...))
		if claims["amr"] != nil || claims["https://x.test/methods"] != "pwd/undefined" {
			w.Errorf("claims %v", claims)
		}
		up := append(challenge(), "acr_values", "other http://schemas.openid.net/pape/policies/2007/06/multi-factor")
		for range 2 {
			page := b.begin(up...).want(http.StatusOK).says("Verify that it is you")
			claims = b.claims(b.submit(page, "code", w.code(secret), "remember", "1"))
			if amr, _ := json.Marshal(claims["amr"]); string(amr) != `["mfa"]` || claims["acr"] != "http://schemas.openid.net/pape/policies/2007/06/multi-factor" {
				w.Errorf("claims %v", claims)
			}
		}
		if q := b.finish(b.begin(append(up, "prompt", "none")...)); q.Get("error_description") != "Multifactor authentication required" {
			w.Errorf("silent: %v", q)
		}
		if claims = b.claims(b.begin(challenge()...)); claims["amr"] != nil || claims["https://x.test/methods"] != "pwd/undefined mfa/otp" {
			w.Errorf("claims %v", claims)
		}
	})
}

// Actions ask for a factor in their middle, and go on behind it.
func TestChallengeInTheMiddle(t *testing.T) {
	each(t, func(w *world) {
		w.signs()
		w.factors(nil, "otp")
		w.actions(
			`exports.onExecutePostLogin = async (event, api) => { api.idToken.setCustomClaim('https://x.test/one', 1); api.transaction.setMetadata('seen', 'yes');
				if (event.user.enrolledFactors) api.authentication.challengeWith({type: 'otp'}); else api.authentication.enrollWithAny([{type: 'phone'}, {type: 'otp'}]); };
			 exports.onContinuePostLogin = async (event, api) => { api.access.deny('must not run'); };`,
			`exports.onExecutePostLogin = async (event, api) => { api.user.setUserMetadata('given', 'too'); api.authentication.challengeWithAny([{type: 'otp'}, {type: 'recovery-code'}]); };`,
			`exports.onExecutePostLogin = async (event, api) => { api.idToken.setCustomClaim('https://x.test/three', [event.transaction.metadata.seen, event.user.user_metadata.given, ...event.authentication.methods.map(m => m.name + m.type)].join(' ')); };`,
		)
		b := w.browser()
		secret, _, end := b.setUp(b.logIn(challenge()...))
		claims := b.claims(end)
		if claims["https://x.test/one"] != 1.0 || claims["https://x.test/three"] != "yes too pwdundefined mfaotp" || claims["amr"] == nil {
			w.Errorf("claims %v", claims)
		}
		page := b.begin(challenge()...).says("Verify that it is you").hides("Remember this browser", "Use your recovery code")
		b.get("/authorize/resume?" + strings.Split(page.action(), "?")[1]).want(http.StatusFound)
		page = b.begin(challenge()...)
		if claims = b.claims(b.submit(page, "code", w.code(secret))); claims["https://x.test/one"] != 1.0 || claims["https://x.test/three"] == nil {
			w.Errorf("claims %v", claims)
		}
		w.actions(`exports.onExecutePostLogin = async (event, api) => { api.authentication.enrollWith({type: 'otp'}); };`)
		if q := b.finish(b.begin()); q.Get("error") != "access_denied" || !strings.Contains(q.Get("error_description"), "none that the user can give here") {
			w.Errorf("came back with %v", q)
		}
		w.actions(`exports.onExecutePostLogin = async (event, api) => { api.multifactor.enable('any'); };`)
		page = b.begin().says("Verify that it is you").hides("Remember this browser")
		if q := b.finish(b.submit(page, "code", w.code(secret), "remember", "1")); q.Get("code") == "" {
			w.Errorf("came back with %v", q)
		}
		b.begin().says("Verify that it is you") // it was not remembered
	})
}

// Ten wrong codes, then none for a while, in whatever login.
func TestWrongCodesRunOut(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.factors(always, "otp")
	secret, _ := w.enrolled()
	b := w.browser()
	page := b.logIn()
	for range 10 {
		b.submit(page, "code", "000000").want(http.StatusBadRequest)
	}
	b.submit(page, "code", w.code(secret)).want(http.StatusTooManyRequests).says("Too many wrong codes")
	other := w.browser()
	page = other.logIn()
	other.submit(page, "code", w.code(secret)).want(http.StatusTooManyRequests)
	if !strings.HasSuffix(w.events(), "gd_otp_rate_limit_exceed") {
		t.Errorf("events %s", w.events())
	}
	w.wait(6 * time.Minute)
	if q := other.finish(other.submit(page, "code", w.code(secret))); q.Get("code") == "" {
		t.Errorf("came back with %v", q)
	}
}

// A person with a factor that nobody here can ask for cannot enrol another one by their password alone.
func TestOtherFactorsAreNotPassedOver(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.factors(always, "otp")
	u := w.found("ada@example.com")
	w.ok(w.st.AddAuthenticationMethods(t.Context(), u.ID, []*stagedoor.AuthenticationMethod{{Type: "phone", PhoneNumber: "+15551234567"}}, false))
	b := w.browser()
	if q := b.finish(b.logIn()); q.Get("error") != "access_denied" || !strings.Contains(q.Get("error_description"), "cannot ask for the ones that the user is enrolled with") {
		t.Errorf("came back with %v", q)
	}
	w.ok(w.st.AddAuthenticationMethods(t.Context(), u.ID, []*stagedoor.AuthenticationMethod{{Type: "totp", Secret: "JBSWY3DPEHPK3PXP"}}, false)) // as imports do
	if q := b.finish(b.submit(b.begin(), "code", w.code("JBSWY3DPEHPK3PXP"))); q.Get("code") == "" {
		t.Errorf("came back with %v", q)
	}
}

// A form of another step, another browser or another login is refused; a new proof of the password asks for the second factor again.
func TestFactorFormsAreBound(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.factors(always, "otp")
	secret, _ := w.enrolled()
	b := w.browser()
	page := b.logIn()
	action, values := page.form("code", w.code(secret))
	const lost = "You may have pressed the back button"
	w.browser().post(action, values).want(http.StatusBadRequest).says(lost)
	forged := url.Values{"nonce": {"x"}, "code": values["code"]}
	b.post(action, forged).want(http.StatusBadRequest).says(lost)
	for _, other := range []string{"/u/login", "/u/consent", "/u/mfa-otp-enrollment", "/u/mfa-recovery-code-enrollment"} {
		b.post(strings.Replace(action, "/u/mfa-otp-challenge", other, 1), values).want(http.StatusBadRequest).says(lost)
	}
	old := b.jar.Cookies(mustURL(origin))
	done := b.post(action, values).want(http.StatusSeeOther)
	b.post(action, values).want(http.StatusBadRequest).says(lost)
	if q := b.finish(done); q.Get("code") == "" {
		t.Errorf("came back with %v", q)
	}
	// The session's handle of before opens nothing any more.
	thief := w.browser()
	thief.jar.SetCookies(mustURL(origin), old)
	thief.begin().says("Log in")
	b.follow(b.submit(b.begin("prompt", "login"), "username", "ada@example.com", "password", good)).says("Verify that it is you")
	if logs, _, err := w.st.Logs(t.Context(), store.LogQuery{PerPage: 100}); err != nil || strings.Contains(must(jsonText(logs)), secret) {
		t.Error("the log holds the secret", err)
	}
}

// The link of an enrolment ticket: it works once, for the person that it was made for, and opens no login.
func TestEnrollmentTicket(t *testing.T) {
	each(t, func(w *world) {
		ctx, u := w.Context(), w.found("ada@example.com")
		ticket := func(another bool) string {
			token := stagedoor.NewToken()
			w.ok(w.st.CreateTicket(ctx, token, &stagedoor.Ticket{Kind: stagedoor.TicketEnrollment, UserID: u.ID, Another: another, ExpiresAt: w.clock().Add(time.Hour)}))
			return "/u/mfa-enroll?ticket=" + token
		}
		first := ticket(false)
		w.ok(w.door.SendEnrollment(ctx, w.st, u, "ada@home.test", "", origin+first, 48*time.Hour))
		if m := w.mails()[0]; m.To != "ada@home.test" || m.Subject != "Secure your account on Acme Records" || !strings.Contains(m.Text, "within 2 days") || w.link() != first {
			w.Errorf("mail %+v", m)
		}
		w.factors(nil, "otp")
		b := w.browser()
		b.do(http.MethodHead, first, "").want(http.StatusOK)
		page := b.get(first).want(http.StatusOK).says("Secure your account", "Enter this key into your app")
		b.submit(page, "code", "000000").want(http.StatusBadRequest).says("This code does not work")
		code := w.code(page.secret())
		done := b.submit(page, "code", code).want(http.StatusOK).says("You are all set", "Your recovery code")
		if len(done.secret()) != 24 {
			w.Errorf("recovery code %q", done.secret())
		}
		b.submit(page, "code", w.code(page.secret())).want(http.StatusBadRequest).says("This link was used already")
		b.get(first).want(http.StatusBadRequest).says("This link was used already").hides(page.secret())
		b.begin().says("Log in")                                                         // the ticket is no login
		b.get(ticket(false)).want(http.StatusBadRequest).says("This link does not work") // who has an app needs no other
		page = b.get(ticket(true)).want(http.StatusOK)
		b.submit(page, "code", w.code(page.secret())).want(http.StatusOK).says("You are all set").hides("recovery code")
		old := ticket(true)
		ticket(true)
		b.get(old).want(http.StatusBadRequest).says("This link does not work")
		b.get("/u/mfa-enroll?ticket=x").want(http.StatusBadRequest)
		late := ticket(true)
		w.wait(time.Hour)
		b.get(late).want(http.StatusBadRequest).says("This link has expired")
		w.factors(always)
		c := w.browser()
		if q := c.finish(c.submit(c.logIn(), "code", w.code(page.secret()))); q.Get("code") == "" { // the second app's
			w.Errorf("came back with %v", q)
		}
		if events := w.events(); !strings.HasPrefix(events, "gd_send_email gd_start_enroll gd_auth_failed gd_enrollment_complete") {
			w.Errorf("events %s", events)
		}
	})
}

// The pages say what the tenant wants them to say, in its words.
func TestOwnWordsOfFactors(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.factors(always, "otp")
	w.setting(stagedoor.SettingCustomText, `{"mfa-otp":{"en":{
		"mfa-otp-enrollment-qr":{"title":"One more thing, ${clientName}","placeholder":"Six digits","codeEnrollmentText":"No camera?"},
		"mfa-otp-challenge":{"description":"Look at your phone","rememberMeText":"Trust me","invalid-code":"Nope"}}},
		"mfa-recovery-code":{"en":{"mfa-recovery-code-enrollment":{"title":"Keep this"},"mfa-recovery-code-challenge":{"placeholder":"The long one"}}}}`)
	b := w.browser()
	page := b.logIn().says("One more thing, Mixtape", "Six digits", "No camera?").hides("One-time code")
	secret := page.secret()
	b.follow(b.submit(page, "code", w.code(secret))).says("Keep this")
	other := w.browser()
	page = other.logIn().says("Look at your phone", "Trust me", "One-time code")
	other.submit(page, "code", "000000").want(http.StatusBadRequest).says("Nope")
	other.get(page.href("Use your recovery code instead")).says("The long one")
}

// A form that was sent twice leads to the recovery code all the same.
func TestEnrollmentSentTwice(t *testing.T) {
	each(t, func(w *world) {
		w.factors(always, "otp")
		b := w.browser()
		page := b.logIn()
		action, values := page.form("code", w.code(page.secret()))
		answers := make(chan *reply, 4)
		for range 4 {
			c := &browser{w, &still{b.jar.Cookies(mustURL(origin))}, origin, "192.0.2.7"}
			go func() { answers <- c.post(action, values) }()
		}
		enrolled := 0
		for range 4 {
			r := <-answers
			for _, c := range (&http.Response{Header: r.header}).Cookies() {
				if c.Name == "__Host-auth0" {
					enrolled++
					b.jar.SetCookies(mustURL(origin), []*http.Cookie{c})
				}
			}
		}
		if enrolled != 1 {
			w.Errorf("%d enrolments", enrolled)
		}
		page = b.follow(b.get("/authorize/resume?" + strings.Split(action, "?")[1])).says("Your recovery code")
		if q := b.finish(b.submit(page, "noted", "1")); q.Get("code") == "" {
			w.Errorf("came back with %v", q)
		}
	})
}

// still is a cookie jar that keeps what it has.
type still struct{ cookies []*http.Cookie }

func (s *still) SetCookies(*url.URL, []*http.Cookie) {}
func (s *still) Cookies(*url.URL) []*http.Cookie     { return s.cookies }

func jsonText(v any) (string, error) { b, err := json.Marshal(v); return string(b), err }
