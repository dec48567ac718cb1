package login_test

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// authenticator is a key, and the browser that speaks with it.
type authenticator struct {
	*world
	virtualwebauthn.Authenticator
	key virtualwebauthn.Credential
}

func (w *world) authenticator() *authenticator {
	return &authenticator{world: w, Authenticator: virtualwebauthn.NewAuthenticator(), key: ecKey()}
}

var party = virtualwebauthn.RelyingParty{ID: "acme.test", Name: "acme", Origin: origin}

var keyOptions = regexp.MustCompile(`data-options="([^"]*)"`)

func (r *reply) options() string {
	r.Helper()
	if contextOf.MatchString(r.body) { // of a front end of the tenant's own
		var told struct {
			Screen struct {
				Data struct {
					Passkey struct {
						Options json.RawMessage `json:"public_key"`
					}
				}
			}
		}
		r.ok(json.Unmarshal([]byte(contextOf.FindStringSubmatch(r.body)[1]), &told))
		return string(told.Screen.Data.Passkey.Options)
	}
	found := keyOptions.FindStringSubmatch(r.body)
	if found == nil || found[1] == "" {
		r.Fatalf("the page asks for no key: %s", r.body)
	}
	return html.UnescapeString(found[1])
}

var choice = regexp.MustCompile(`<a class="choice" href="([^"]*)"><span><strong>([^<]*)</strong>`)

// choice is where a page leads that lets people choose.
func (r *reply) choice(name string) string {
	r.Helper()
	for _, found := range choice.FindAllStringSubmatch(r.body, -1) {
		if found[2] == name {
			return html.UnescapeString(found[1])
		}
	}
	r.Fatalf("there is no choice %q: %s", name, r.body)
	return ""
}

// makes answers a page that wants a new key.
func (d *authenticator) makes(r *reply) string {
	d.Helper()
	o, err := virtualwebauthn.ParseAttestationOptions(r.options())
	d.ok(err)
	return virtualwebauthn.CreateAttestationResponse(party, d.Authenticator, d.key, *o)
}

// signs answers a page that wants a key.
func (d *authenticator) signs(r *reply) string {
	d.Helper()
	o, err := virtualwebauthn.ParseAssertionOptions(r.options())
	d.ok(err)
	d.key.Counter++
	return virtualwebauthn.CreateAssertionResponse(party, d.Authenticator, d.key, *o)
}

// Somebody without a factor chooses a security key, and gives it in the next login; or something else that they have.
func TestSecurityKeyInLogins(t *testing.T) {
	each(t, func(w *world) {
		w.signs()
		w.factors(always, "otp", "webauthn-roaming", "webauthn-platform")
		b := w.browser()
		page := b.logIn(challenge()...).says("Security key", "This device", "Authenticator app").hides("Recovery code")
		page = b.get(page.choice("Security key")).says("Set up a security key", "need JavaScript")
		d := w.authenticator()
		b.submit(page, "key", "").want(http.StatusBadRequest).says("No key was used.")
		page = b.submit(page, "key", "{}").want(http.StatusBadRequest).says("This key does not work here.")
		made := d.makes(page)
		page = b.follow(b.submit(page, "key", made).want(http.StatusSeeOther)).says("Your recovery code")
		recovery := page.secret()
		if claims := b.claims(b.follow(b.submit(page, "noted", "1"))); claims["amr"] == nil {
			w.Error("no amr")
		}
		if m := w.session().Methods; len(m) != 2 || m[1].Name != "mfa" || m[1].Type != "webauthn-roaming" {
			w.Errorf("methods %+v", m)
		}
		other := w.browser()
		page = other.logIn(challenge()...).want(http.StatusOK).says("Use your security key", "Remember this browser", "Try another way")
		signed := d.signs(page)
		if claims := other.claims(other.follow(other.submit(page, "key", signed, "remember", "1"))); claims["amr"] == nil {
			w.Error("no amr")
		}
		w.wait(4 * 24 * time.Hour)
		other.finish(other.logIn()) // remembered
		third := w.browser()
		page = third.logIn()
		page = third.submit(page, "key", signed).want(http.StatusBadRequest).says("This key does not work here.") // for another login
		page = third.get(page.href("Try another way")).says("Security key", "Recovery code").hides("This device", "Authenticator app")
		page = third.get(page.choice("Recovery code")).says("Enter the recovery code")
		page = third.follow(third.submit(page, "code", recovery)).says("The one that you have just used works no more.")
		third.finish(third.submit(page, "noted", "1"))
		for kind, n := range map[string]int{"gd_enrollment_complete": 1, "gd_webauthn_enrollment_failed": 1, "gd_auth_succeed": 1, "gd_webauthn_challenge_failed": 1} {
			if got := count(strings.Split(w.events(), " "), kind); got != n {
				w.Errorf("%d events %s, want %d: %s", got, kind, n, w.events())
			}
		}
		// Where the tenant switches keys off, nobody is asked for one.
		w.factors(always, "!webauthn-roaming", "!webauthn-platform")
		w.browser().logIn().says("Verify that it is you").hides("security key")
	})
}

// A form for a kind that is not offered leads nowhere.
func TestAttackKindThatIsNotOffered(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.factors(always, "otp", "webauthn-roaming")
	secret, _ := w.enrolled()
	b := w.browser()
	page := b.logIn().says("Enter the code that your authenticator app shows.")
	_, form := page.form()
	state := strings.Split(page.action(), "?")[1]
	form.Set("key", "{}")
	b.post("/u/mfa-webauthn-roaming-challenge?"+state, form).want(http.StatusBadRequest).says("pressed the back button")
	b.post("/u/mfa-webauthn-roaming-enrollment?"+state, form).want(http.StatusBadRequest).says("pressed the back button")
	b.finish(b.submit(page, "code", w.code(secret)))
}

// The link of an enrolment ticket sets up a key.
func TestTicketForKey(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	u := w.user("bob@example.com")
	w.factors(nil, "otp", "webauthn-platform")
	ticket := func(token, factor string) string {
		w.ok(w.st.CreateTicket(w.Context(), token, &stagedoor.Ticket{Kind: stagedoor.TicketEnrollment, UserID: u.ID, ExpiresAt: w.clock().Add(time.Hour), Factor: factor}))
		return "/u/mfa-enroll?ticket=" + token
	}
	b := w.browser()
	page := b.get(ticket("one", "")).says("Authenticator app", "This device")
	page = b.get(page.choice("This device")).says("Log in faster on this device")
	d := w.authenticator()
	b.submit(page, "key", d.makes(page)).want(http.StatusOK).says("You are all set")
	b.get("/u/mfa-enroll?ticket=one").want(http.StatusBadRequest)
	b.get(ticket("two", "webauthn-platform")).want(http.StatusBadRequest) // has one already
	b.begin()
	page = b.follow(b.submit(b.begin(), "username", "bob@example.com", "password", good))
	b.finish(page)
	w.factors(always)
	other := w.browser()
	page = other.follow(other.submit(other.begin(), "username", "bob@example.com", "password", good)).says("Verify with this device")
	other.finish(other.submit(page, "key", d.signs(page)))
}

// ecKey makes a key. Those with a leading zero in a coordinate are made again: what plays the key in tests writes them too short.
func ecKey() virtualwebauthn.Credential {
	for {
		c := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
		if k, err := x509.ParsePKCS8PrivateKey(c.Key.Data); err == nil {
			if p := k.(*ecdsa.PrivateKey); p.X.BitLen() > 248 && p.Y.BitLen() > 248 { //nolint:staticcheck // the coordinates themselves
				return c
			}
		}
	}
}
