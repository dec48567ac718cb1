package login_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/standin"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

func newLinking(t *testing.T, kind string) (w *abroadWorld, person standin.Person) {
	t.Helper()
	w = newAbroad(t, kind)
	w.configure(func(s *stagedoor.TenantSettings) { s.Local.SuggestLinking = true })
	w.oidc("corp", nil)
	w.verified("ada@example.com", true)
	person = standin.Person{Subject: "a1", Email: "ada@example.com", EmailVerified: true, Name: "Ada by Corp"}
	w.standin.Choose(&person)
	return w, person
}

// verified says whether the address of a user is.
func (w *world) verified(email string, yes bool) {
	w.Helper()
	_, err := w.st.UpdateUser(w.Context(), w.found(email).ID, func(u *stagedoor.User) error { u.EmailVerified = yes; return nil })
	w.ok(err)
}

// TestAccountLinkingIsSuggested: who comes by a provider with the verified address of their account here links the two by its password.
func TestAccountLinkingIsSuggested(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			w, _ := newLinking(t, kind)
			ada := w.found("ada@example.com").ID
			arrive := func(b *browser) *reply {
				r := b.through(b.begin("connection", "corp"))
				for r.status/100 == 3 {
					r = b.get(r.to())
				}
				return r.want(http.StatusOK)
			}
			// No is no, for this login.
			b := w.browser()
			page := arrive(b).says("Is this you, too?", "ada@example.com", "Not now")
			if q := b.finish(b.submit(page, "decision", "decline")); q.Get("code") == "" {
				t.Errorf("%v", q)
			}
			if _, err := w.st.User(t.Context(), "oidc|corp|a1"); err != nil {
				t.Error(err)
			}
			// A wrong password links nothing, and counts as one.
			c := w.browser()
			page = arrive(c)
			page = c.submit(page, "decision", "accept", "password", "Wrong-Horse-1").want(http.StatusBadRequest).says("Wrong email or password.")
			page = c.submit(page, "decision", "accept", "password", "").want(http.StatusBadRequest)
			w.logs(`"type":"fp"`)
			if q := c.finish(c.submit(page, "decision", "accept", "password", good)); q.Get("code") == "" {
				t.Errorf("%v", q)
			}
			u, err := w.st.User(t.Context(), ada)
			if err != nil || len(u.Identities) != 2 || u.Identities[1].FullID() != "oidc|corp|a1" || u.Name == "Ada by Corp" {
				t.Fatalf("%+v %v", u, err)
			}
			if _, err := w.st.User(t.Context(), "oidc|corp|a1"); !stagedoor.IsKind(err, stagedoor.NotFound) {
				t.Error(err)
			}
			// The session is the account's, and both ways lead to it from now on, with no question.
			if q := c.finish(c.begin()); q.Get("code") == "" {
				t.Errorf("%v", q)
			}
			w.in("corp")
			if e := w.last(); e.UserID != ada || e.Connection != "corp" {
				t.Errorf("%+v", e)
			}
		})
	}
}

// suggested tells whether a login by the provider suggests to link.
func (w *abroadWorld) suggested() bool {
	w.Helper()
	b := w.browser()
	r := b.through(b.begin("connection", "corp"))
	for r.status/100 == 3 && r.to()[0] == '/' {
		r = b.get(r.to())
	}
	return r.status == http.StatusOK
}

// TestPreHijacking: an address that is not verified, on either side, never leads into somebody's account, nor does anything but the account's own
// password.
func TestPreHijacking(t *testing.T) {
	w, person := newLinking(t, storetest.SQLite)
	if !w.suggested() {
		t.Fatal("nothing is suggested at all")
	}
	unlinked := func(what string) {
		t.Helper()
		if w.suggested() {
			t.Errorf("%s: linking is suggested", what)
		}
		if u := w.found("ada@example.com"); len(u.Identities) != 1 {
			t.Errorf("%s: %+v", what, u.Identities)
		}
	}
	// The provider lets anybody write any address: the victim's account is not offered.
	person.Subject, person.EmailVerified = "mallory", false
	w.standin.Choose(&person)
	unlinked("an unverified address at the provider")
	// Somebody signed up with the victim's address before they came: that account is not offered to them.
	person.Subject, person.EmailVerified = "a1", true
	w.standin.Choose(&person)
	w.verified("ada@example.com", false)
	unlinked("an unverified address here")
	w.verified("ada@example.com", true)
	// An account with a second factor is not linked by its password alone.
	ada := w.found("ada@example.com")
	w.ok(w.st.AddAuthenticationMethods(t.Context(), ada.ID, []*stagedoor.AuthenticationMethod{{Type: "totp", Secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}}, false))
	unlinked("a second factor")
	_, err := w.st.DeleteAuthenticationMethods(t.Context(), ada.ID, "totp")
	w.ok(err)
	// What changes while the page is shown counts: the form of before links nothing.
	b := w.browser()
	r := b.through(b.begin("connection", "corp"))
	for r.status/100 == 3 {
		r = b.get(r.to())
	}
	w.verified("ada@example.com", false)
	b.submit(r, "decision", "accept", "password", good).want(http.StatusBadRequest)
	w.verified("ada@example.com", true)
	// Another browser cannot answer.
	action, form := r.form("decision", "accept", "password", good)
	w.browser().post(action, form).want(http.StatusBadRequest)
	if u := w.found("ada@example.com"); len(u.Identities) != 1 {
		t.Errorf("%+v", u.Identities)
	}
	// Off unless the tenant wants it.
	w.configure(func(s *stagedoor.TenantSettings) { s.Local.SuggestLinking = false })
	unlinked("switched off")
}

// TestLinkingIsNotSuggested: nobody is asked who could not prove that the account is theirs, nor whoever has several already, nor twice by one login.
func TestLinkingIsNotSuggested(t *testing.T) {
	w, _ := newLinking(t, storetest.SQLite)
	ada := w.found("ada@example.com")
	block := func(yes bool) {
		_, err := w.st.UpdateUser(t.Context(), ada.ID, func(u *stagedoor.User) error { u.Blocked = &yes; return nil })
		w.ok(err)
	}
	passwords := func(on bool) {
		w.options(func(o *stagedoor.ConnectionOptions) {
			o.Stored = map[string]json.RawMessage{"authentication_methods": json.RawMessage(fmt.Sprintf(`{"password":{"enabled":%v},"email_otp":{"enabled":%v}}`, on, !on))}
		})
	}
	if !w.suggested() {
		t.Fatal("nothing is suggested at all")
	}
	block(true)
	if w.suggested() {
		t.Error("an account that is blocked is suggested")
	}
	block(false)
	passwords(false)
	if w.suggested() {
		t.Error("an account is suggested whose passwords are switched off")
	}
	passwords(true)
	b := w.browser()
	page := b.through(b.begin("connection", "corp"))
	for page.status/100 == 3 {
		page = b.get(page.to())
	}
	if q := b.finish(b.submit(page.want(http.StatusOK), "decision", "decline")); q.Get("code") == "" {
		t.Errorf("%v", q)
	}
	if q := b.finish(b.begin()); q.Get("code") == "" { // the session is used again, and nobody has come anew
		t.Errorf("asked again: %v", q)
	}
	eve := w.signedUp(`"email":"eve@example.com"`)
	_, err := w.st.LinkIdentity(t.Context(), "oidc|corp|a1", stagedoor.Identity{Connection: w.conn.Name, Provider: "auth0", UserID: strings.TrimPrefix(eve, "auth0|")}, false)
	w.ok(err)
	if w.suggested() {
		t.Error("who has linked accounts already is asked for another one")
	}
}

// TestLinkingWhereAddressesDoNotIdentify: the account's password proves it there, too.
func TestLinkingWhereAddressesDoNotIdentify(t *testing.T) {
	w, _ := newLinking(t, storetest.SQLite)
	w.knownBy(`{"email":{"identifier":{"active":false},"signup":{"status":"optional"}},"username":{"identifier":{"active":true}}}`, "")
	_, err := w.st.UpdateUser(t.Context(), w.found("ada@example.com").ID, func(u *stagedoor.User) error { u.Username = "ada"; return nil })
	w.ok(err)
	b := w.browser()
	r := b.through(b.begin("connection", "corp"))
	for r.status/100 == 3 {
		r = b.get(r.to())
	}
	if q := b.finish(b.submit(r.want(http.StatusOK), "decision", "accept", "password", good)); q.Get("code") == "" {
		t.Errorf("%v", q)
	}
}
