package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Half a login: whoever knows the password, and stops where the second factor is asked for, has a session, and sees and does nothing on the page.
func TestHalfALoginOnTheAccountPage(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			w := accountWorld(t, kind)
			w.factors(always, "otp")
			secret, _ := w.enrolled()
			b := w.browser()
			asked := b.logIn().want(http.StatusOK).says("Verify that it is you")
			if to := b.get("/account").to(); to != "/account/login?to=%2Faccount" {
				t.Errorf("the page leads to %s", to)
			}
			form := url.Values{"nonce": {jose.HashToken("account form " + cookieOf(b))}, "name": {"Evil"}, "json": {`{"theme":"evil"}`}}
			for _, path := range strings.Fields("profile metadata sessions/end clients/revoke browsers/forget logout") {
				if to := b.post("/account/"+path, form).to(); !strings.HasPrefix(to, "/account/login?") {
					t.Errorf("POST %s leads to %s", path, to)
				}
			}
			if u := w.found("ada@example.com"); u.Name == "Evil" || len(u.UserMetadata) != 0 {
				t.Errorf("something was done: %+v", u)
			}
			b.onward(b.get("/account")).says("Verify that it is you").hides("Your account")
			b.finish(b.submit(asked, "code", w.code(secret)))
			b.get("/account").want(http.StatusOK).says("Your account")
		})
	}
}

// A password that has become public is kept from people on the page as it is where they reset theirs.
func TestLeakedPasswordOnTheAccountPage(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	w.setting(stagedoor.SettingBreached, `{"enabled":true,"stage":{"pre-change-password":{"shields":["block"]}}}`)
	b, _ := w.onAccount("ada@example.com")
	page := b.get("/account/password").want(http.StatusOK)
	b.press(page, "/account/password", "", "password", "AUTH0-TEST-Aa1!").want(http.StatusBadRequest).says("Choose one that you use nowhere else.")
	w.logs("reset_pwd_leak")
	b.onward(b.press(page, "/account/password", "", "password", "Another-Horse-2")).says("Your password is changed.")
	if !w.signsIn("Another-Horse-2") {
		t.Error("the new password does not work")
	}
}

// Whoever holds an identity that its person unlinks is signed in as them no more: the sessions that began by it end, with their refresh tokens.
func TestUnlinkedIdentityIsOut(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	u := w.found("ada@example.com")
	_, err := w.st.LinkIdentity(t.Context(), u.ID, stagedoor.Identity{Connection: "radio", Provider: "oauth2", UserID: "radio|7"}, true)
	w.ok(err)
	b, page := w.onAccount("ada@example.com")
	other, _ := w.onAccount("ada@example.com")
	until := w.clock().Add(time.Hour)
	w.ok(w.st.CreateSession(t.Context(), "theirs", &stagedoor.Session{
		ID: "sess_theirs", UserID: u.ID, Connection: "radio", Clients: []string{"app"}, CreatedAt: w.clock(), LastInteractionAt: w.clock(), ExpiresAt: until, IdleExpiresAt: until,
	}))
	w.ok(w.st.CreateRefreshToken(t.Context(), "refresh", &stagedoor.RefreshToken{ID: "rt", FamilyID: "family", UserID: u.ID, ClientID: "app", SessionID: "sess_theirs", ExpiresAt: until}))
	b.onward(b.press(page, "/account/identities/unlink", "radio|7")).says("unlinked")
	if s, err := session.Live(t.Context(), w.st, "theirs"); err != nil || s != nil {
		t.Errorf("the session lives on: %v %v", s, err)
	}
	if tokens, err := w.st.UserRefreshTokens(t.Context(), u.ID); err != nil || len(tokens) != 0 {
		t.Errorf("tokens %v %v", tokens, err)
	}
	other.get("/account").want(http.StatusOK)
}

// Whoever knows the password of somebody whose second factor is switched off takes it from them as little as they set up one of their own, as in a login.
func TestFactorsThatAreSwitchedOffStay(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	w.factors(nil, "otp")
	w.enrolled()
	w.factors(nil, "!otp", "webauthn-roaming")
	u := w.found("ada@example.com")
	before, err := w.st.AuthenticationMethods(t.Context(), u.ID)
	w.ok(err)
	b, page := w.onAccount("ada@example.com")
	b.press(page, "/account/factors/add", "webauthn-roaming").want(http.StatusForbidden).says("cannot ask for the ones that the user is enrolled with")
	for _, m := range before {
		if m.Type == store.TypeTOTP {
			b.press(page, "/account/factors/remove", m.ID).want(http.StatusForbidden)
		}
	}
	if after, err := w.st.AuthenticationMethods(t.Context(), u.ID); err != nil || len(after) != len(before) {
		t.Errorf("%+v %v", after, err)
	}
	b.get("/account/password").want(http.StatusOK)
}

// A rule that spares people the second factor spares them none where the page asks for it: the way to what is sensitive would never end.
func TestStepUpUnderARuleThatAsksForNone(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	w.factors(always, "otp")
	secret, _ := w.enrolled()
	w.rule(`function (user, context, callback) { context.multifactor = {provider: 'none'}; callback(null, user, context); }`)
	b := w.browser()
	b.passLogin(b.get("/account"), "ada@example.com", good).says("Your account")
	w.wait(11 * time.Minute)
	asked := b.passLogin(b.get("/account/email"), "ada@example.com", good).says("Verify that it is you")
	if got := b.onward(b.submit(asked, "code", w.code(secret))); !strings.Contains(got.body, `action="/account/email"`) {
		t.Errorf("not back at the form: %s", words(got.body))
	}
}

// Nor do refresh tokens that whoever holds the identity took along: of a session that is over, of a device, of an app that brought the provider's token. Which of those from
// before tokens told their connection are theirs is not known.
func TestUnlinkedIdentityKeepsNoTokens(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	u := w.found("ada@example.com")
	_, err := w.st.LinkIdentity(t.Context(), u.ID, stagedoor.Identity{Connection: "radio", Provider: "oauth2", UserID: "radio|7"}, true)
	w.ok(err)
	b, page := w.onAccount("ada@example.com")
	live, err := w.st.UserSessions(t.Context(), u.ID)
	w.ok(err)
	stays := map[string]bool{}
	for id, token := range map[string]struct {
		session, connection string
		stays               bool
	}{
		"rt_over": {"sess_over", "radio", false}, "rt_device": {"", "radio", false}, "rt_unknown": {"", "", false}, "rt_long_ago": {"sess_over", "", false},
		"rt_own": {"", "Users", true}, "rt_here": {live[0].ID, "", true}, "rt_mobile": {"sess_mobile", "Users", true},
	} {
		stays[id] = token.stays
		w.ok(w.st.CreateRefreshToken(t.Context(), "token "+id, &stagedoor.RefreshToken{
			ID: id, FamilyID: id, UserID: u.ID, ClientID: "app", SessionID: token.session, Connection: token.connection, ExpiresAt: w.clock().Add(time.Hour),
		}))
	}
	b.onward(b.press(page, "/account/identities/unlink", "radio|7")).says("unlinked")
	left, err := w.st.UserRefreshTokens(t.Context(), u.ID)
	w.ok(err)
	for _, token := range left {
		if !stays[token.ID] {
			t.Errorf("%s works on", token.ID)
		}
		delete(stays, token.ID)
	}
	for id, stay := range stays {
		if stay {
			t.Errorf("%s has ended", id)
		}
	}
}

// Nor does what somebody has begun by the identity and not come back for: a request that waits for a second factor, a device that was approved, a code, the login of a client's own form,
// a token that the server itself is asked with. What began by another connection, or in the session that goes on, stays.
func TestUnlinkedIdentityHasNothingBegun(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			w := accountWorld(t, kind)
			ctx, u := t.Context(), w.found("ada@example.com")
			_, err := w.st.LinkIdentity(ctx, u.ID, stagedoor.Identity{Connection: "radio", Provider: "oauth2", UserID: "radio|7"}, true)
			w.ok(err)
			b, page := w.onAccount("ada@example.com")
			live, err := w.st.UserSessions(ctx, u.ID)
			w.ok(err)
			until := w.clock().Add(time.Hour)
			for _, by := range []struct{ name, connection, session string }{{"theirs", "radio", "sess_over"}, {"own", "Users", "sess_over"}, {"here", "radio", live[0].ID}} {
				a := stagedoor.Authorization{UserID: u.ID, ClientID: "app", Connection: by.connection, SessionID: by.session}
				w.ok(w.st.SaveCode(ctx, "code "+by.name, &stagedoor.Code{Authorization: a, ExpiresAt: until}))
				w.ok(w.st.SaveAccessToken(ctx, "opaque "+by.name, "", &a, until))
				if by.name == "here" {
					continue
				}
				w.ok(w.st.SaveMFAToken(ctx, "mfa "+by.name, &stagedoor.MFAToken{UserID: u.ID, ClientID: "app", Connection: by.connection, ExpiresAt: until}))
				device := &stagedoor.DeviceCode{ClientID: "app", ExpiresAt: until}
				w.ok(w.st.CreateDeviceCode(ctx, "device "+by.name, "user "+by.name, device))
				device.Authorization = &a
				w.ok(w.st.DecideDevice(ctx, device))
			}
			w.ok(w.st.CreateTicket(ctx, "ticket", &stagedoor.Ticket{Kind: stagedoor.TicketLogin, UserID: u.ID, Connection: "radio", ExpiresAt: until}))
			b.onward(b.press(page, "/account/identities/unlink", "radio|7")).says("unlinked")
			for _, name := range []string{"theirs", "own", "here"} {
				_, _, code := w.st.ConsumeCode(ctx, "code "+name)
				_, opaque := w.st.AccessToken(ctx, "opaque "+name)
				_, waits := w.st.MFAToken(ctx, "mfa "+name)
				_, device := w.st.PollDevice(ctx, "device "+name, "app", 0)
				found := map[string]error{"a code": code, "an opaque token": opaque, "an mfa_token": waits, "a device": device}
				if name == "here" {
					delete(found, "an mfa_token")
					delete(found, "a device")
				}
				for what, err := range found {
					if gone := stagedoor.IsKind(err, stagedoor.NotFound); gone != (name == "theirs") || err != nil && !gone {
						t.Errorf("%s of %q: %v", what, name, err)
					}
				}
			}
			if _, err := w.st.Ticket(ctx, "ticket", stagedoor.TicketLogin); !stagedoor.IsKind(err, stagedoor.NotFound) {
				t.Errorf("the login of a client's own form goes on: %v", err)
			}
		})
	}
}

// Attack: whoever has the password of somebody without a second factor asks for one on the account page and keeps the way to set it up. It ends with their session: once the owner has
// another password, or has ended other sessions, nobody sets up a factor that the owner does not have.
func TestFactorSetUpEndsWithItsSession(t *testing.T) {
	for name, end := range map[string]func(*world){
		"another password": func(w *world) {
			c := w.browser()
			c.submit(c.get("/u/forgot"), "email", "ada@example.com").want(http.StatusOK)
			c.submit(c.get(w.link()), "password", "Another-Horse-2").want(http.StatusOK).says("Your password is changed")
		},
		"other sessions ended": func(w *world) {
			c, page := w.onAccount("ada@example.com")
			c.onward(c.press(page, "/account/sessions/end", "everywhere")).want(http.StatusOK)
		},
	} {
		w := accountWorld(t, storetest.SQLite)
		w.factors(nil, "otp")
		b, page := w.onAccount("ada@example.com")
		link := b.press(page, "/account/factors/add", "otp").to()
		shown := b.get(link).want(http.StatusOK)
		w.browser().get(link).want(http.StatusBadRequest) // of another browser, before
		end(w)
		b.get(link).want(http.StatusBadRequest)
		b.submit(shown, "code", w.code(shown.secret())).want(http.StatusBadRequest)
		if all, err := w.st.AuthenticationMethods(t.Context(), w.found("ada@example.com").ID); err != nil || len(all) != 0 {
			t.Errorf("%s: %+v %v", name, all, err)
		}
	}
}
