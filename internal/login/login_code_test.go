package login_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// codesFirst is the option attributes of a database whose people are asked for a code first, by mail or by telephone.
const codesFirst = `{"email":{"identifier":{"active":true,"default_method":"email_otp"},"signup":{"status":"optional"}},
	"phone_number":{"identifier":{"active":true,"default_method":"phone_otp"},"signup":{"status":"optional"}},
	"username":{"identifier":{"active":true},"signup":{"status":"optional"}}}`

// codeMethods switches on the methods by which people may log in with a code.
func (w *world) codeMethods(methods string) {
	w.Helper()
	w.options(func(o *stagedoor.ConnectionOptions) {
		o.Stored = map[string]json.RawMessage{"authentication_methods": json.RawMessage(methods)}
	})
}

// instead is the page's form that asks for a code instead of a password.
func (b *browser) instead(r *reply) *reply {
	b.Helper()
	for _, form := range anyForm.FindAllStringSubmatch(r.body, -1) {
		if strings.Contains(form[1], "/u/login/passwordless?") {
			values := url.Values{}
			for _, hidden := range formHidden.FindAllStringSubmatch(form[0], -1) {
				values.Set(html.UnescapeString(hidden[1]), html.UnescapeString(hidden[2]))
			}
			return b.onto(b.post(html.UnescapeString(form[1]), values))
		}
	}
	b.Fatalf("no way to a code: %s", words(r.body))
	return nil
}

// Who says who they are is sent a code, by which they log in, and may give their password instead.
func TestDatabaseLoginByCode(t *testing.T) {
	each(t, func(w *world) {
		w.knownBy(allThree, "")
		eve := w.signedUp(`"email":"eve@example.com","phone_number":"+4915123456789","username":"evening"`)
		_, err := w.st.UpdateUser(w.Context(), eve, func(u *stagedoor.User) error { u.EmailVerified, u.PhoneVerified = true, true; return nil }) // else the password ends
		w.ok(err)
		w.knownBy(codesFirst, "")
		for _, tt := range []struct{ typed, to, kind string }{{"EVE@example.com", "eve@example.com", "auth_email_by_code"}, {"0049 151 23456789", "+4915123456789", "phone"}} {
			b := w.browser()
			page := b.begin().says("Continue").hides(`name="password"`)
			page = b.onto(b.submit(page, "username", tt.typed)).says("Enter your code", "If there is an account for "+tt.to, "Use your password instead")
			to, code := w.sentTo()
			if to != tt.to || w.mails()[0].Kind != tt.kind {
				w.Errorf("%s: sent to %s, %s", tt.typed, to, w.mails()[0].Kind)
			}
			b.submit(page, "code", other(code)).want(http.StatusBadRequest).says("This code does not work.")
			password := b.get(page.href("Use your password instead")).says(tt.to, "Password")
			page = b.instead(password).says("Enter your code")
			_, code = w.sentTo()
			if q := b.finish(b.submit(page, "code", code)); q.Get("code") == "" {
				w.Errorf("came back with %v", q)
			}
			b = w.browser()
			page = b.onto(b.submit(b.begin(), "username", tt.typed))
			b.finish(b.submit(b.get(page.href("Use your password instead")), "password", good))
		}
		u, err := w.st.User(w.Context(), eve)
		w.ok(err)
		if !u.EmailVerified || !u.PhoneVerified || u.LoginsCount != 4 {
			w.Errorf("%+v", u)
		}
		b := w.browser() // usernames get no codes
		page := b.submit(b.begin(), "username", "evening").says("Password").hides("Get a code")
		b.finish(b.submit(page, "password", good))
	})
}

// Where the password comes first, a code is a button away, for those identifiers that it is switched on for.
func TestDatabaseCodeInsteadOfPassword(t *testing.T) {
	each(t, func(w *world) {
		w.codeMethods(`{"password":{"enabled":true},"email_otp":{"enabled":true}}`)
		b := w.browser()
		page := b.submit(b.begin(), "username", "ada@example.com").says("Password", "Get a code by email")
		if len(w.mails()) != 0 {
			w.Error("a code was sent unasked")
		}
		page = b.instead(page)
		_, code := w.sentTo()
		b.finish(b.submit(page, "code", code))
		w.codeMethods(`{"password":{"enabled":true},"email_otp":{"enabled":false}}`)
		b = w.browser()
		b.begin().says("Password").hides("Get a code")
	})
}

// A right code forgets the wrong ones before it: who mistypes now and then is not kept out in the end.
func TestRightCodeForgetsWrongOnes(t *testing.T) {
	each(t, func(w *world) {
		w.knownBy(codesFirst, "")
		for range 6 { // twelve wrong ones in all, where ten keep out
			b := w.browser()
			page := b.onto(b.submit(b.begin(), "username", "ada@example.com"))
			_, code := w.sentTo()
			for range 2 {
				b.submit(page, "code", other(code)).want(http.StatusBadRequest).says("This code does not work.")
			}
			b.finish(b.submit(page, "code", code))
		}
	})
}

// Attack: who asks for a code learns from no page whether there is somebody, and strangers are sent nothing.
func TestDatabaseLoginCodeTellsNothing(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.knownBy(codesFirst, "")
	seen := map[string][]string{}
	for _, name := range []string{"ada@example.com", "bob@example.com"} {
		b := w.browser()
		page := b.onto(b.submit(b.begin(), "username", name))
		for range 5 {
			seen[name] = append(seen[name], strings.ReplaceAll(words(page.body), name, "X"))
			page = b.submit(page, "code", "x23456")
		}
	}
	for i, got := range seen["bob@example.com"] {
		if got != seen["ada@example.com"][i] {
			t.Errorf("%d: %s\n%s", i, got, seen["ada@example.com"][i])
		}
	}
	if mails := w.mails(); len(mails) != 1 || mails[0].To != "ada@example.com" {
		t.Errorf("mails %+v", mails)
	}
}

// Attack: a code of another login, an old one, one that was used, and one of an address that is somebody else's by now are given.
func TestDatabaseLoginCodeOfOthers(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.knownBy(codesFirst, "")
	b, c := w.browser(), w.browser()
	mine := b.onto(b.submit(b.begin(), "username", "ada@example.com"))
	_, code := w.sentTo()
	theirs := c.onto(c.submit(c.begin(), "username", "ada@example.com"))
	if _, newer := w.sentTo(); newer != code {
		c.submit(theirs, "code", code).want(http.StatusBadRequest)
	}
	w.wait(11 * time.Minute)
	b.submit(mine, "code", code).want(http.StatusBadRequest).says("This code has expired.")
	again := b.onto(b.submit(b.begin(), "username", "ada@example.com"))
	_, code = w.sentTo()
	ada := w.found("ada@example.com")
	if _, err := w.st.UpdateUser(w.Context(), ada.ID, func(u *stagedoor.User) error { u.Email = "new@example.com"; return nil }); err != nil {
		t.Fatal(err)
	}
	b.submit(again, "code", code).want(http.StatusBadRequest).says("This code does not work.")
	fresh := b.onto(b.submit(b.begin(), "username", "new@example.com"))
	_, code = w.sentTo()
	b.submit(fresh, "code", code).want(http.StatusSeeOther)
	b.submit(fresh, "code", code).want(http.StatusBadRequest)
}
