package login_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// mailed tells whether the newest mail says to an address what was changed.
func (w *world) mailed(to, says string) {
	w.Helper()
	mails := w.mails()
	if len(mails) == 0 || mails[0].To != to || !strings.Contains(mails[0].Text, says) {
		w.Errorf("no mail to %s says %q: %+v", to, says, mails)
	}
}

// A code for another address works for a quarter of an hour and five tries, and a person has ten tries, however many codes they ask for.
func TestAccountEmailCodeIsBounded(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	b, _ := w.onAccount("ada@example.com")
	asked := func() (*reply, string) {
		form := b.get("/account/email").want(http.StatusOK)
		page := b.onward(b.press(form, "/account/email", "", "email", "countess@example.com")).want(http.StatusOK)
		return page, mailedCode.FindString(w.mails()[0].Text)
	}
	page, code := asked()
	for range 5 {
		page = b.press(page, "/account/email/code", "", "code", other(code)).want(http.StatusBadRequest).says("This code does not work.")
	}
	b.press(page, "/account/email/code", "", "code", code).want(http.StatusBadRequest).says("There were too many wrong codes.")
	page, code = asked()
	for range 4 {
		page = b.press(page, "/account/email/code", "", "code", other(code)).want(http.StatusBadRequest)
	}
	b.press(page, "/account/email/code", "", "code", code).want(http.StatusTooManyRequests)
	if w.found("countess@example.com") != nil {
		t.Error("the address was changed")
	}

	w.wait(2 * time.Hour)
	b, _ = w.onAccount("ada@example.com")
	page, code = asked()
	w.wait(15 * time.Minute)
	w.ok(w.st.UpdateSession(t.Context(), w.sessionOf(b).ID, func(s *stagedoor.Session) { s.AuthenticatedAt = w.clock() })) // as who proves themselves again
	b.onward(b.press(page, "/account/email/code", "", "code", code)).says("New email address")
	if w.found("countess@example.com") != nil {
		t.Error("the address was changed by a code of long ago")
	}
}

// with is a form with one more field.
func with(form url.Values, name, value string) url.Values {
	more := maps.Clone(form)
	more.Set(name, value)
	return more
}

func (w *world) sessionOf(b *browser) *stagedoor.Session {
	w.Helper()
	s, err := session.Live(w.Context(), w.st, cookieOf(b))
	w.ok(err)
	if s == nil {
		w.Fatal("nobody is signed in")
	}
	return s
}

// Who changes their password here stays signed in as before: neither longer, nor as if they had proved themselves anew.
func TestAccountPasswordProlongsNothing(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			w := accountWorld(t, kind)
			b, _ := w.onAccount("ada@example.com")
			before := w.sessionOf(b)
			w.wait(9 * time.Minute)
			page := b.get("/account/password").want(http.StatusOK)
			b.onward(b.press(page, "/account/password", "", "password", good+"2")).want(http.StatusOK).says("Your password is changed.")
			after := w.sessionOf(b)
			if after.ID == before.ID || !after.AuthenticatedAt.Equal(before.AuthenticatedAt) || !after.CreatedAt.Equal(before.CreatedAt) || !after.ExpiresAt.Equal(before.ExpiresAt) {
				t.Errorf("the session was %+v, and is %+v", before, after)
			}
			w.wait(2 * time.Minute)
			b.onward(b.get("/account/password")).says("Log in")
		})
	}
}

// What others decide about is not the person's to change: a profile that each login takes from a provider, the first identity, what they have no part in. They hear of what is.
func TestAccountRefusesAndTells(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	w.setting(mfa.SettingFactors, `{"sms":true,"recovery-code":true}`)
	w.options(func(o *stagedoor.ConnectionOptions) { o.RequiresUsername = true })
	u := w.found("ada@example.com")
	_, err := w.st.LinkIdentity(t.Context(), u.ID, stagedoor.Identity{Connection: "radio", Provider: "oauth2", UserID: "radio|7"}, true)
	w.ok(err)
	b, page := w.onAccount("ada@example.com")

	for _, picture := range []string{"http://pictures.example/ada.png", "https:///ada.png", "/ada.png"} {
		b.press(page, "/account/profile", "", "name", "Ada", "picture", picture).want(http.StatusBadRequest)
	}
	b.press(page, "/account/identities/unlink", "radio|7", "id", u.ID).want(http.StatusBadRequest)
	b.onward(b.press(page, "/account/identities/unlink", "radio|7")).want(http.StatusOK)
	w.mailed("ada@example.com", "a way to log in")
	form := b.get("/account/username").want(http.StatusOK)
	b.onward(b.press(form, "/account/username", "", "username", "Countess")).want(http.StatusOK)
	w.mailed("ada@example.com", "the username")

	_, hidden := page.form()
	b.post("/account/factors/recovery", hidden).want(http.StatusNotFound) // it would stand in for nothing
	w.ok(w.st.AddAuthenticationMethods(t.Context(), u.ID, []*stagedoor.AuthenticationMethod{{Type: "phone", PhoneNumber: "+15550100"}, {Type: store.TypeRecovery, Secret: "x"}}, false))
	w.ok(w.st.UpdateSession(t.Context(), w.sessionOf(b).ID, func(s *stagedoor.Session) {
		s.Methods = append(s.Methods, stagedoor.AuthMethod{Name: "mfa", Type: "phone", Timestamp: w.clock().UnixMilli()})
	}))
	b.post("/account/factors/recovery", hidden).want(http.StatusOK).says("Note this code down")
	w.mailed("ada@example.com", "there is a new recovery code")
	methods, err := w.st.AuthenticationMethods(t.Context(), u.ID)
	w.ok(err)
	page = b.get("/account").want(http.StatusOK)
	for _, m := range methods {
		if m.Type == "phone" {
			b.onward(b.press(page, "/account/factors/remove", m.ID)).says("removed")
		}
	}
	w.mailed("ada@example.com", "a second step was removed")
	w.setting(mfa.SettingFactors, `{"sms":true,"recovery-code":false}`)
	w.ok(w.st.AddAuthenticationMethods(t.Context(), u.ID, []*stagedoor.AuthenticationMethod{{Type: "phone", PhoneNumber: "+15550101"}}, false))
	b.post("/account/factors/recovery", hidden).want(http.StatusNotFound) // the tenant has none

	w.ok(w.st.CreateConnection(t.Context(), &stagedoor.Connection{Name: "hub", Strategy: "github"}))
	theirs := &stagedoor.User{ID: "github|7", Connection: "hub", Name: "Ada", Identities: []stagedoor.Identity{{Connection: "hub", Provider: "github", UserID: "7"}}}
	w.ok(w.st.CreateUser(t.Context(), theirs, ""))
	w.ok(w.st.UpdateSession(t.Context(), w.sessionOf(b).ID, func(s *stagedoor.Session) { s.UserID, s.Connection = theirs.ID, "hub" }))
	b.post("/account/profile", with(hidden, "name", "Augusta")).want(http.StatusBadRequest)
	if got, err := w.st.User(t.Context(), theirs.ID); err != nil || got.Name != "Ada" {
		t.Errorf("what the provider says of the person was changed: %+v %v", got, err)
	}
}
