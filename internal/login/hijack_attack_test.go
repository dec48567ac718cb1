package login_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// codesToBoth is a database whose people log in by password, or by a code to either of two addresses.
const codesToBoth = `{"email":{"identifier":{"active":true},"signup":{"status":"optional"}},"phone_number":{"identifier":{"active":true},"signup":{"status":"optional","verification":{"active":false}}}}`

func (w *world) codesToBoth() {
	w.Helper()
	w.options(func(o *stagedoor.ConnectionOptions) {
		o.Stored = map[string]json.RawMessage{
			"attributes":             json.RawMessage(codesToBoth),
			"authentication_methods": json.RawMessage(`{"email_otp":{"enabled":true},"phone_otp":{"enabled":true}}`),
		}
	})
}

// byCode logs in by a code that is sent to an address of the person.
func (w *world) byCode(identifier string) *browser {
	w.Helper()
	b := w.browser()
	page := b.instead(b.submit(b.begin(), "username", identifier))
	to, code := w.sentTo()
	if to != identifier {
		w.Fatalf("the code went to %q", to)
	}
	b.finish(b.submit(page, "code", code))
	return b
}

// getsNoCode asks for a code that nobody is to get.
func (w *world) getsNoCode(identifier string) {
	w.Helper()
	before := len(w.mails())
	b := w.browser()
	b.instead(b.submit(b.begin(), "username", identifier)).says("Enter your code") // as ever
	if got := len(w.mails()); got != before {
		w.Errorf("something was sent to %s", identifier)
	}
}

// Attack (account pre-hijacking): somebody signs up with the address, or the number, of somebody else and a password, keeps a session, a factor, a consent and a linked
// account of their own, and waits until the owner comes by a code.
func TestPreHijackedAccount(t *testing.T) {
	each(t, func(w *world) {
		w.knownBy(codesToBoth, "")
		for member, address := range map[string]string{"email": "victim@example.com", "phone_number": "+4915123456789"} {
			w.codesToBoth()
			id := w.signedUp(`"` + member + `":"` + address + `"`)
			attacker := w.browser()
			attacker.finish(attacker.submit(attacker.submit(attacker.begin(), "username", address), "password", good))
			w.ok(w.st.AddAuthenticationMethods(w.Context(), id, []*stagedoor.AuthenticationMethod{{Type: store.TypePasskey, KeyID: "theirs " + member}}, false))
			w.ok(w.st.AddGrant(w.Context(), id, "foreign", "https://api.example/", []string{"read:all"}))
			_, err := w.st.LinkIdentity(w.Context(), id, stagedoor.Identity{Connection: "social", Provider: "oidc", UserID: "social|" + member, ProfileData: map[string]any{"email": "attacker@example.com", "email_verified": true}}, true)
			w.ok(err)

			w.byCode(address)
			if q := attacker.finish(attacker.begin("prompt", "none")); q.Get("error") != "login_required" {
				w.Errorf("%s: the session of before: %v", member, q)
			}
			b := w.browser()
			b.submit(b.submit(b.begin(), "username", address), "password", good).want(http.StatusBadRequest)
			u, err := w.st.User(w.Context(), id)
			w.ok(err)
			methods, err := w.st.AuthenticationMethods(w.Context(), id)
			w.ok(err)
			grants, err := w.st.UserGrants(w.Context(), id, "foreign")
			w.ok(err)
			sessions, err := w.st.UserSessions(w.Context(), id)
			w.ok(err)
			if len(methods) != 0 || len(grants) != 0 || len(u.Identities) != 1 || len(sessions) != 1 || !u.EmailVerified && !u.PhoneVerified {
				w.Errorf("%s: methods %v, grants %v, sessions %v, user %+v", member, methods, grants, sessions, u)
			}
			w.byCode(address) // what they have set up since stays
			if sessions, err := w.st.UserSessions(w.Context(), id); err != nil || len(sessions) != 2 {
				w.Errorf("%s: sessions %v %v", member, sessions, err)
			}
		}
	})
}

// Attack (trojan identifier): whoever signed up with the victim's address put a number of their own beside it, by which they come back: with a code, or another password.
func TestPreHijackedByAnotherIdentifier(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.codesToBoth()
	id := w.signedUp(`"email":"victim@example.com","phone_number":"+4915100000001"`)
	w.byCode("victim@example.com")
	w.getsNoCode("+4915100000001")
	before := len(w.mails())
	b := w.browser()
	b.post("/u/forgot", url.Values{"email": {"+4915100000001"}}).says("Enter your code")
	if len(w.mails()) != before {
		t.Error("a code for another password was sent to the number")
	}
	// The other way round: the victim's number beside an address that the attacker has proved.
	w.signedUp(`"email":"attacker@example.com","phone_number":"+4915100000002"`)
	w.verified("attacker@example.com", true)
	w.getsNoCode("+4915100000002")
	if u, err := w.st.User(t.Context(), id); err != nil || u.PhoneVerified {
		t.Errorf("%+v %v", u, err)
	}
}

// Attack (account pre-hijacking): somebody signs up with the victim's address and a passkey, and waits until the owner, who is told that there is an account, chooses a password
// by mail. Who proved their address before keeps their passkeys, and a second factor stays in any case.
func TestPreHijackedByPasskey(t *testing.T) {
	each(t, func(w *world) {
		w.passkeys(`{"progressive_enrollment_enabled":false}`)
		b := w.browser()
		page := b.begin("screen_hint", "signup")
		asks := b.submit(page, "email", "victim@example.com", "passkey", "1").want(http.StatusOK)
		d := w.authenticator()
		b.finish(b.follow(b.submit(asks, "key", d.becomes(asks)).want(http.StatusSeeOther)))
		id := w.found("victim@example.com").ID
		w.ok(w.st.AddAuthenticationMethods(w.Context(), id, []*stagedoor.AuthenticationMethod{{Type: store.TypeTOTP, Secret: "JBSWY3DPEHPK3PXP"}}, false))

		reset := func(secret string) {
			w.Helper()
			c := w.browser()
			c.submit(c.get("/u/forgot"), "email", "victim@example.com").want(http.StatusOK)
			c.submit(c.get(w.link()), "password", secret).want(http.StatusOK).says("Your password is changed")
		}
		reset("Another-Horse-2")
		page = b.begin("prompt", "login")
		b.passkey(page, d.signs(page)).want(http.StatusBadRequest)
		methods, err := w.st.AuthenticationMethods(w.Context(), id)
		w.ok(err)
		if len(methods) != 1 || methods[0].Type != store.TypeTOTP {
			w.Errorf("methods %+v", methods)
		}
		w.logs("Linked accounts and passkeys from before the new password have ended")

		w.verified("victim@example.com", true)
		w.ok(w.st.AddAuthenticationMethods(w.Context(), id, []*stagedoor.AuthenticationMethod{{Type: store.TypePasskey, KeyID: "theirs"}}, false))
		reset("Another-Horse-3")
		if methods, err := w.st.AuthenticationMethods(w.Context(), id); err != nil || len(methods) != 2 {
			w.Errorf("methods %+v %v", methods, err)
		}
		if m := w.mails(); !strings.Contains(m[0].Text, "Your passkeys still work") || m[0].To != "victim@example.com" || strings.Contains(m[1].Text, "passkeys") {
			w.Errorf("what the mails say: %q, %q", m[0].Text, m[1].Text)
		}
	})
}

// Attack (account pre-hijacking): somebody signs up with the victim's address, or number, links an account of their own elsewhere, and waits until the owner chooses a password by mail,
// or by a code. What proves the very address that this proves stays, and so does all of who has proved theirs before.
func TestPreHijackedByLinkedAccount(t *testing.T) {
	each(t, func(w *world) {
		w.codesToBoth()
		linked := func(id, by string, profile map[string]any) {
			w.Helper()
			_, err := w.st.LinkIdentity(w.Context(), id, stagedoor.Identity{Connection: "social", Provider: "oidc", UserID: "social|" + by, ProfileData: profile}, true)
			w.ok(err)
		}
		has := func(when, id string, want ...string) {
			w.Helper()
			u, err := w.st.User(w.Context(), id)
			w.ok(err)
			var got []string
			for _, i := range u.Identities[1:] {
				got = append(got, strings.TrimPrefix(i.UserID, "social|"))
			}
			if !slices.Equal(got, want) {
				w.Errorf("%s: linked %v, want %v", when, got, want)
			}
		}
		reset := func(secret string) {
			w.Helper()
			c := w.browser()
			c.submit(c.get("/u/forgot"), "email", "victim@example.com").want(http.StatusOK)
			c.submit(c.get(w.link()), "password", secret).want(http.StatusOK).says("Your password is changed")
		}
		id := w.signedUp(`"email":"victim@example.com"`)
		linked(id, "theirs", map[string]any{"email": "attacker@example.com", "email_verified": true})
		linked(id, "claimed", map[string]any{"email": "victim@example.com", "email_verified": false})
		linked(id, "own", map[string]any{"email": "victim@example.com", "email_verified": true})
		reset("Another-Horse-2")
		has("by mail", id, "own")
		w.logs("Linked accounts and passkeys from before the new password have ended")
		w.verified("victim@example.com", true)
		linked(id, "later", map[string]any{"email": "else@example.com", "email_verified": true})
		reset("Another-Horse-3")
		has("proved before", id, "own", "later")

		id = w.signedUp(`"email":"attacker@example.com","phone_number":"+4915100000009"`)
		linked(id, "by mail", map[string]any{"email": "attacker@example.com", "email_verified": true})
		linked(id, "by phone", map[string]any{"phone_number": "+4915100000009", "phone_verified": true})
		b := w.browser()
		page := b.post("/u/forgot", url.Values{"email": {"+4915100000009"}}).says("Enter your code")
		_, code := w.sentTo()
		b.submit(b.onto(b.submit(page, "code", code)), "password", "Another-Horse-4").want(http.StatusOK)
		has("by phone", id, "by phone")
	})
}

// Who has proved their address before keeps all that they have.
func TestCodeToProvedAddressEndsNothing(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.codesToBoth()
	w.signedUp(`"email":"eve@example.com"`)
	w.verified("eve@example.com", true)
	w.byCode("eve@example.com")
	b := w.browser()
	b.finish(b.submit(b.submit(b.begin(), "username", "eve@example.com"), "password", good))
}
