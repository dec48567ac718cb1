package oauth

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/pipeline"
)

const codeGrant = "http://auth0.com/oauth/grant-type/passwordless/otp"

// byCodes lets people of the database log in by codes, and returns what tells the newest code and where it went.
func (w *world) byCodes(options func(*stagedoor.ConnectionOptions)) func() (to, code string) {
	w.Helper()
	w.client(spa, func(c *stagedoor.Client) { c.GrantTypes = append(c.GrantTypes, codeGrant) })
	conn, err := w.st.ConnectionByName(w.Context(), "Users")
	ok(w, err)
	_, err = w.st.UpdateConnection(w.Context(), conn.ID, func(c *stagedoor.Connection) error {
		c.Options.Stored = map[string]json.RawMessage{
			"authentication_methods": json.RawMessage(`{"password":{"enabled":true},"email_otp":{"enabled":true},"phone_otp":{"enabled":true}}`),
			"attributes":             json.RawMessage(`{"email":{"identifier":{"active":true},"signup":{"status":"optional"}},"phone_number":{"identifier":{"active":true},"signup":{"status":"optional"}}}`),
		}
		if options != nil {
			options(&c.Options)
		}
		return nil
	})
	ok(w, err)
	var mu sync.Mutex
	var to, code string
	keep := func(address, c string) {
		mu.Lock()
		defer mu.Unlock()
		to, code = address, c
	}
	w.pipe.MailCode = func(_ context.Context, _ pipeline.Visit, m pipeline.CodeMail) { keep(m.To, m.Code) }
	w.settings(func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox = true }) // where messages to phones go
	return func() (string, string) {
		ok(w, w.pipe.Wait(w.Context()))
		mu.Lock()
		defer mu.Unlock()
		defer func() { to, code = "", "" }()
		return to, code
	}
}

// An app asks for a code for somebody of a database, and gives it back for tokens.
func TestDatabaseCode(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.noRules()
		ask := func(more map[string]any) *answer {
			w.Helper()
			body := map[string]any{"client_id": spa, "connection": "Users"}
			for name, v := range more {
				body[name] = v
			}
			return w.sends("/otp/challenge", body)
		}
		session := func(more map[string]any) string {
			w.Helper()
			var got map[string]string
			ask(more).json(200, &got)
			if got["auth_session"] == "" || len(got) != 1 {
				t.Fatalf("%v", got)
			}
			return got["auth_session"]
		}
		redeem := func(session, code string, more ...string) *tokenAnswer {
			w.Helper()
			return w.token(values(append([]string{"grant_type", codeGrant, "client_id", spa, "auth_session", session, "otp", code, "scope", "openid email offline_access"}, more...)...))
		}
		mail := map[string]any{"email": "ADA@example.com"}
		w.read(ask(mail)).bad(403, "unauthorized_client", "Grant type '"+codeGrant+"' not allowed for the client.")
		sent := w.byCodes(nil)
		first := session(mail)
		if to, code := sent(); to != adaMail || len(code) != 6 {
			t.Fatalf("sent %q to %q", code, to)
		}
		second := session(mail) // of another login: neither can use the other's code
		_, code := sent()
		redeem(first, code).bad(403, "invalid_grant", "Wrong email or verification code.")
		got := redeem(second, code).good()
		if id := w.claims(got.IDToken); id["sub"] != ada || id["email_verified"] != true || got.RefreshToken == "" {
			t.Errorf("%v %q", id, got.RefreshToken)
		}
		redeem(second, code).bad(403, "invalid_grant", "Wrong email or verification code.")
		w.wantLog("cs", "cs", "f", "fepotpft", "sepotpft", "f", "fepotpft")

		// strangers: nobody learns of them, unless they may sign up
		stranger := map[string]any{"email": "new@example.com"}
		one := session(stranger)
		if to, _ := sent(); to != "" {
			t.Errorf("a code was sent to %s", to)
		}
		redeem(one, "000000").bad(403, "invalid_grant", "Wrong email or verification code.")
		stranger["allow_signup"] = true
		one = session(stranger)
		_, code = sent()
		id := w.claims(redeem(one, code).good().IDToken)
		u := w.user(id["sub"].(string))
		if u.Email != "new@example.com" || !u.EmailVerified || len(u.Identities) != 1 || u.Identities[0].Connection != "Users" {
			t.Errorf("%+v", u)
		}
		phone := session(map[string]any{"phone_number": "+49 151 23456789", "allow_signup": true, "delivery_method": "text"})
		sent()
		id = w.claims(redeem(phone, w.texted()).good().IDToken)
		if u := w.user(id["sub"].(string)); u.PhoneNumber != "+4915123456789" || !u.PhoneVerified {
			t.Errorf("%+v", u)
		}

		// what is wrong
		w.read(ask(nil)).bad(400, "invalid_request", "One of these is needed: email, phone_number.")
		w.read(ask(map[string]any{"email": adaMail, "phone_number": "+4915123456789"})).bad(400, "invalid_request", "One of these is needed: email, phone_number.")
		w.read(ask(map[string]any{"phone_number": "+4915123456789", "delivery_method": "voice"})).bad(400, "invalid_request", "Codes to log in to a database are not spoken: delivery_method must be text.")
		w.read(ask(map[string]any{"email": "nobody"})).bad(400, "invalid_request", "No code is sent there: the connection takes no such address.")
		w.read(ask(map[string]any{"email": adaMail, "organization": strings.Repeat("o", 60_000)})).bad(400, "invalid_request", "organization is neither the id nor the name of one.")
		w.read(ask(map[string]any{"email": adaMail, "connection": "Nowhere"})).bad(400, "invalid_request", "the connection was not found or is not enabled")
		w.read(w.sends("/otp/challenge", map[string]any{"client_id": site, "connection": "Users", "email": adaMail})).bad(401, "access_denied", "Unauthorized")
		redeem("bogus", "000000").bad(403, "invalid_grant", "Invalid or expired auth_session.")
		w.token(values("grant_type", codeGrant, "client_id", spa, "auth_session", first)).bad(400, "invalid_request", "Missing required parameter: otp")
		last := session(mail)
		_, code = sent()
		w.client(site, func(c *stagedoor.Client) { c.GrantTypes = append(c.GrantTypes, codeGrant) })
		redeem(last, code, "client_id", site, "client_secret", secret(site)).bad(403, "invalid_grant", "auth_session not issued to this client")
		for range 3 {
			redeem(last, "000000").bad(403, "invalid_grant", "Wrong email or verification code.")
		}
		redeem(last, code).bad(403, "invalid_grant", "You've reached the maximum number of attempts. Please try to login again.")
		last = session(mail)
		_, code = sent()
		w.pass(11 * time.Minute)
		redeem(last, code).bad(403, "invalid_grant", "Invalid or expired auth_session.")
	})
}

// Where nobody may sign up a stranger gets no code, whatever the app asks for.
func TestDatabaseCodeWithoutSignUp(t *testing.T) {
	w := newWorld(t)
	sent := w.byCodes(func(o *stagedoor.ConnectionOptions) { o.DisableSignup = true })
	w.sends("/otp/challenge", map[string]any{"client_id": spa, "connection": "Users", "email": "new@example.com", "allow_signup": true}).json(200, &map[string]any{})
	if to, _ := sent(); to != "" {
		t.Errorf("a code was sent to %s", to)
	}
}
