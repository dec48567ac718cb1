package login_test

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

var workOf = regexp.MustCompile(`data-work="([^"]*)" data-bits="(\d+)"`)

// solve does the work that a page asks for, as assets/proof.js does, and returns the fields of the form.
func (r *reply) solve(fields ...string) []string {
	r.Helper()
	found := workOf.FindStringSubmatch(r.body)
	if found == nil {
		r.Fatalf("the page asks for no work: %s", words(r.body))
	}
	want, err := strconv.Atoi(found[2])
	r.ok(err)
	for n := 0; ; n++ {
		sum := sha256.Sum256([]byte(found[1] + ":" + strconv.Itoa(n)))
		if bits.LeadingZeros32(binary.BigEndian.Uint32(sum[:4])) >= want {
			return append(fields, "work_number", strconv.Itoa(n))
		}
	}
}

// An address that has failed is risky also where nothing throttles it, or it is on the list of those that are not throttled: bot detection has a list of its own.
func TestRiskyWithoutThrottling(t *testing.T) {
	for _, throttling := range []string{`{"enabled":false}`, `{"enabled":true,"allowlist":["192.0.2.0/24"]}`} {
		w := newWorld(t, storetest.SQLite)
		w.setting(stagedoor.SettingSuspiciousIP, throttling)
		w.setting(stagedoor.SettingBotDetection, `{"bot_detection_level":"medium","challenge_password_policy":"when_risky"}`)
		b := w.browser()
		page := b.begin().hides("data-work")
		for range 3 {
			page = b.submit(page, "username", "ada@example.com", "password", "wrong").want(http.StatusBadRequest)
		}
		b.submit(page, "username", "ada@example.com", "password", good).want(http.StatusBadRequest).says("Please confirm that you are not a program")
		w.setting(stagedoor.SettingBotDetection, `{"bot_detection_level":"medium","challenge_password_policy":"when_risky","allowlist":["192.0.2.7"]}`)
		b.submit(page, "username", "ada@example.com", "password", good).want(http.StatusSeeOther)
	}
}

// TestProofOfWork: forms of a login, a sign-up, a forgotten password and a code are looked at only with work behind them.
func TestProofOfWork(t *testing.T) {
	each(t, func(w *world) {
		w.signs()
		w.passwordless("email", nil)
		w.setting(stagedoor.SettingBotDetection, `{"bot_detection_level":"low","challenge_password_policy":"always","challenge_passwordless_policy":"always","challenge_password_reset_policy":"always"}`)
		b := w.browser()
		page := b.begin().want(200).says("This form needs JavaScript")
		r := b.submit(page, "username", "ada@example.com", "password", good).want(400).says("Please confirm that you are not a program")
		if strings.Contains(w.events(), "fp") || strings.Contains(w.events(), "s ") {
			t.Errorf("the password was looked at: %s", w.events())
		}
		solved := r.solve("username", "ada@example.com", "password", "wrong")
		b.submit(r, solved...).want(400).says("Wrong email or password.")
		b.submit(r, solved...).want(400).says("Please confirm") // the same work again
		late := b.begin()
		solved = late.solve("username", "ada@example.com", "password", good)
		w.wait(11 * time.Minute)
		b.submit(late, solved...).want(400).says("Please confirm")
		page = b.begin()
		b.submit(page, page.solve("username", "ada@example.com", "password", good)...).want(http.StatusSeeOther)

		c := w.browser()
		page = c.begin("screen_hint", "signup")
		r = c.submit(page, "email", "new@example.com", "password", good).want(400).says("Please confirm")
		c.submit(r, r.solve("email", "new@example.com", "password", good)...).want(http.StatusSeeOther)
		w.passkeys(`{}`)
		d := w.browser()
		page = d.begin("screen_hint", "signup")
		r = d.submit(page, "email", "grace@example.com", "passkey", "1").want(400).says("Please confirm")
		d.submit(r, r.solve("email", "grace@example.com", "passkey", "1")...).want(200).says("Create a passkey")
		page = c.get("/u/forgot").want(200)
		r = c.submit(page, "email", "ada@example.com").want(400).says("Please confirm")
		c.submit(r, r.solve("email", "ada@example.com")...).want(200).says("Check your mail")
		w.without()
		page = c.begin("prompt", "login")
		r = c.submit(page, "email", "ada@example.com").want(400).says("Please confirm")
		page = c.get(c.submit(r, r.solve("email", "ada@example.com")...).to()).want(200)
		c.submit(page, "code", w.sent()).want(http.StatusSeeOther)

		// Without a form there is nothing to prove it with.
		w.grants("app", "http://auth0.com/oauth/grant-type/password-realm")
		_, err := w.st.UpdateConnection(w.Context(), w.conn.ID, func(c *stagedoor.Connection) error { c.EnabledClients = []string{"app"}; return nil })
		w.ok(err)
		password := `{"grant_type":"http://auth0.com/oauth/grant-type/password-realm","client_id":"app","realm":"Users","username":"ada@example.com","password":"` + good + `"}`
		b.json("/oauth/token", password).want(401).says(`"error":"requires_verification","error_description":"Suspicious request requires verification"`)
		b.json("/passwordless/start", `{"client_id":"app","connection":"email","email":"a@b.test"}`).want(401).says("requires_verification")
		w.setting(stagedoor.SettingBotDetection, `{"challenge_password_policy":"always","allowlist":["192.0.2.0/24"]}`)
		b.json("/oauth/token", password).want(200)
		w.setting(stagedoor.SettingBotDetection, `{"challenge_password_policy":"always","monitoring_mode_enabled":true}`)
		b.json("/oauth/token", password).want(200)
	})
}

// TestRiskyAddress: who has failed before is asked, others are not.
func TestRiskyAddress(t *testing.T) {
	each(t, func(w *world) {
		w.setting(stagedoor.SettingBotDetection, `{"bot_detection_level":"medium","challenge_password_policy":"when_risky"}`)
		b := w.browser()
		page := b.begin().want(200).hides("data-work")
		for range 3 {
			b.submit(page, "username", "ada@example.com", "password", "wrong").want(400).says("Wrong email or password.")
		}
		r := b.submit(page, "username", "ada@example.com", "password", good).want(400).says("Please confirm")
		b.submit(r, r.solve("username", "ada@example.com", "password", good)...).want(http.StatusSeeOther)
	})
}

// vendor stands in for who checks captchas.
type vendor struct {
	answer string
	status int
	asked  string
	away   bool
}

func (v *vendor) RoundTrip(r *http.Request) (*http.Response, error) {
	if v.away {
		return nil, errors.New("no route to the vendor")
	}
	b, err := io.ReadAll(r.Body)
	v.asked = r.URL.String() + " " + string(b)
	return &http.Response{StatusCode: v.status, Body: io.NopCloser(strings.NewReader(v.answer)), Header: http.Header{}, Request: r}, err
}

// TestCaptcha: each vendor's script is on the page, and what it puts into the form is asked after.
func TestCaptcha(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.setting(stagedoor.SettingBotDetection, `{"challenge_password_reset_policy":"always"}`)
	for _, row := range []struct{ name, members, script, field, asked, good, bad string }{
		{"recaptcha_v2", `{"site_key":"k","secret":"s3cret"}`, "https://www.google.com/recaptcha/api.js", "g-recaptcha-response", "https://www.google.com/recaptcha/api/siteverify response=tok&secret=s3cret", `{"success":true}`, `{"success":false}`},
		{"recaptcha_enterprise", `{"site_key":"k","api_key":"s3cret","project_id":"p"}`, "https://www.google.com/recaptcha/enterprise.js", "g-recaptcha-response", `https://recaptchaenterprise.googleapis.com/v1/projects/p/assessments?key=s3cret {"event":{"siteKey":"k","token":"tok"}}`, `{"tokenProperties":{"valid":true},"riskAnalysis":{"score":0.7}}`, `{"tokenProperties":{"valid":true},"riskAnalysis":{"score":0.1}}`},
		{"hcaptcha", `{"site_key":"k","secret":"s3cret"}`, "https://js.hcaptcha.com/1/api.js", "h-captcha-response", "https://api.hcaptcha.com/siteverify response=tok&secret=s3cret", `{"success":true}`, `nonsense`},
		{"friendly_captcha", `{"site_key":"k","secret":"s3cret"}`, "https://cdn.jsdelivr.net/npm/friendly-challenge", "frc-captcha-solution", `https://api.friendlycaptcha.com/api/v1/siteverify {"secret":"s3cret","sitekey":"k","solution":"tok"}`, `{"success":true}`, `{}`},
		{"turnstile", `{"site_key":"k","secret":"s3cret"}`, "https://challenges.cloudflare.com/turnstile/v0/api.js", "cf-turnstile-response", "https://challenges.cloudflare.com/turnstile/v0/siteverify response=tok&secret=s3cret", `{"success":true}`, `{"success":false}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			w.setting(stagedoor.SettingCaptcha, `{"active_provider_id":"`+row.name+`","`+row.name+`":`+row.members+`}`)
			v := &vendor{answer: row.good, status: 200}
			w.pipe.HTTP = &http.Client{Transport: v}
			b := w.browser()
			page := b.get("/u/forgot").want(200)
			host := strings.Join(strings.SplitAfterN(row.script, "/", 4)[:3], "")
			if !strings.Contains(page.body, row.script) || !strings.Contains(page.body, `data-sitekey="k"`) || strings.Contains(page.body, "s3cret") ||
				!strings.Contains(page.header.Get("Content-Security-Policy"), "script-src 'self' https://") || row.name != "hcaptcha" && !strings.Contains(page.header.Get("Content-Security-Policy"), strings.TrimSuffix(host, "/")) {
				t.Errorf("page %s %s", page.header.Get("Content-Security-Policy"), page.body)
			}
			b.submit(page, "email", "ada@example.com").want(400).says("Please confirm")
			if v.asked != "" {
				t.Errorf("asked without a token: %s", v.asked)
			}
			b.submit(page, "email", "ada@example.com", row.field, "tok").want(200).says("Check your mail")
			if v.asked != row.asked {
				t.Errorf("asked %s", v.asked)
			}
			v.answer = row.bad
			b.submit(page, "email", "ada@example.com", row.field, "tok").want(400)
			if row.name == "recaptcha_enterprise" { // the score of a token that is not valid says nothing
				v.answer = `{"tokenProperties":{"valid":false},"riskAnalysis":{"score":0.9}}`
				b.submit(page, "email", "ada@example.com", row.field, "tok").want(400)
			}
			for _, v.status = range []int{404, 302, 503} {
				v.answer = row.good
				b.submit(page, "email", "ada@example.com", row.field, "tok").want(400)
			}
			v.away = true // who cannot be asked has confirmed nothing
			b.submit(page, "email", "ada@example.com", row.field, "tok").want(400)
			if logged := w.logged(); strings.Contains(logged, "s3cret") || !strings.Contains(logged, "A captcha could not be checked") {
				t.Errorf("log %s", logged)
			}
		})
	}
}

// TestPasswordlessChallenge: a client's own page learns what is asked of it, and brings a vendor's word along.
func TestPasswordlessChallenge(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.passwordless("email", nil)
	v := &vendor{answer: `{"success":true}`, status: 200}
	w.pipe.HTTP = &http.Client{Transport: v}
	b := w.browser()
	asks := func() *reply { return b.json("/passwordless/challenge", `{"state":"x"}`).want(200) }
	start := func(more string) *reply {
		return b.json("/passwordless/start", `{"client_id":"app","connection":"email","email":"ada@example.com","send":"code"`+more+`}`)
	}
	asks().is(`{"required":false}`)
	start("").want(200)
	w.setting(stagedoor.SettingBotDetection, `{"challenge_passwordless_policy":"always"}`)
	asks().is(`{"required":true}`)
	start(`,"captcha":"tok"`).want(401)
	w.setting(stagedoor.SettingCaptcha, `{"active_provider_id":"turnstile","turnstile":{"site_key":"k","secret":"s3cret"}}`)
	asks().is(`{"provider":"auth0_v2","required":true,"siteKey":"k"}`)
	start("").want(401)
	if v.asked != "" {
		t.Errorf("asked without a token: %s", v.asked)
	}
	start(`,"captcha":"tok"`).want(200)
	if !strings.HasSuffix(v.asked, "response=tok&secret=s3cret") {
		t.Errorf("asked %s", v.asked)
	}
	v.answer = `{"success":false}`
	start(`,"captcha":"tok"`).want(401)
}
