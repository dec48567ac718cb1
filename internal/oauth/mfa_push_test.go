package oauth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

const (
	pushSecret = "a-secret-of-the-sender"
	resolveURL = "https://acme.test/appliance-mfa/api/resolve-transaction"
)

// companion is an app on somebody's device.
type companion struct {
	*world
	key           *ecdsa.PrivateKey
	id, token     string
	notifications chan map[string]any
}

// companion lets the tenant send notifications through a server of its own, and returns an app that gets them.
func (w *world) companion() *companion {
	w.Helper()
	w.sendsCodes("push-notification")
	_, err := w.st.UpdateSettings(w.Context(), func(s *stagedoor.TenantSettings) error { s.Local.DevelopmentInbox = false; return nil })
	ok(w, err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(w, err)
	c := &companion{world: w, key: key, notifications: make(chan map[string]any, 20)}
	host := strings.ToLower(stagedoor.NewHexID()) + ".test"
	sites.all.Store(host, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var at int64
		var sum string
		_, err := fmt.Sscanf(r.Header.Get(mail.PushSignature), "t=%d,v1=%s", &at, &sum)
		mac := hmac.New(sha256.New, []byte(pushSecret))
		fmt.Fprintf(mac, "%d.%s", at, body)
		var n map[string]any
		if err != nil || sum != hex.EncodeToString(mac.Sum(nil)) || at != w.clock().Unix() || json.Unmarshal(body, &n) != nil {
			w.Errorf("a notification that is not signed: %s %s", r.Header.Get(mail.PushSignature), body)
		}
		c.notifications <- n
		rw.WriteHeader(http.StatusAccepted)
	}))
	w.pipe.HTTP = &http.Client{Transport: &sites}
	ok(w, w.st.ChangeSetting(w.Context(), mfa.SettingPush, func(m map[string]any) error {
		m["url"], m["secret"] = "https://"+host+"/push", pushSecret
		return nil
	}))
	return c
}

func (c *companion) call(method, path, authorization, body string) *answer {
	c.Helper()
	r := httptest.NewRequest(method, "/appliance-mfa/api/"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", authorization)
	return c.browser().do(r)
}

func (a *answer) refused(status int, code string) {
	a.t.Helper()
	var body struct {
		Code string `json:"errorCode"`
	}
	if json.Unmarshal(a.Body.Bytes(), &body) != nil || a.Code != status || body.Code != code {
		a.t.Errorf("%d %s, want %d %s", a.Code, a.Body, status, code)
	}
}

func (c *companion) enroll(ticket string) *answer {
	c.Helper()
	jwk, err := (gojose.JSONWebKey{Key: c.key.Public(), Algorithm: "ES256", Use: "sig"}).MarshalJSON()
	ok(c, err)
	return c.call("POST", "enroll", `Ticket id="`+ticket+`"`,
		`{"identifier":"device-1","name":"Ada's phone","push_credentials":{"service":"FCM","token":"registration"},"public_key":`+string(jwk)+`}`)
}

// received is the newest notification, as the app reads it.
func (c *companion) received() map[string]any {
	c.Helper()
	select {
	case n := <-c.notifications:
		to := n["device"].(map[string]any)["push_credentials"].(map[string]any)
		if n["type"] != "push.challenge" || to["token"] != "registration" || n["user_id"] != ada || n["tenant"] != "acme" {
			c.Errorf("notification %v", n)
		}
		return n["notification"].(map[string]any)
	default:
		c.Fatal("no notification was sent")
		return nil
	}
}

func (c *companion) sign(key any, alg string, claims map[string]any) string {
	c.Helper()
	s, err := jose.NewSigner(alg, "", key, "JWT")
	ok(c, err)
	out, err := s.Sign(claims)
	ok(c, err)
	return out
}

// answer is what the app answers to a notification, with changes.
func (c *companion) answer(n map[string]any, accepted bool, changes ...any) *answer {
	c.Helper()
	now := c.clock().Unix()
	claims := map[string]any{
		"iat": now, "exp": now + 30, "aud": resolveURL, "iss": "device-1", "sub": n["c"], "auth0_guardian_method": "push", "auth0_guardian_accepted": accepted,
	}
	for i := 0; i < len(changes); i += 2 {
		claims[changes[i].(string)] = changes[i+1]
	}
	return c.respond(n, c.sign(c.key, "ES256", claims))
}

func (c *companion) respond(n map[string]any, signed string) *answer {
	c.Helper()
	return c.call("POST", "resolve-transaction", "Bearer "+n["txtkn"].(string), `{"challenge_response":"`+signed+`"}`)
}

// set makes the app's device ada's, through the MFA API.
func (c *companion) set(refresh string) *tokenAnswer {
	c.Helper()
	token := c.refresh(spa, refresh).mfaRequired(`{"enroll":[{"type":"push-notification"}]}`)
	var a struct {
		oobAnswer
		URI string `json:"barcode_uri"`
	}
	c.bearing("POST", "/mfa/associate", token, `{"authenticator_types":["oob"],"oob_channels":["auth0"]}`).json(200, &a)
	u, err := url.Parse(a.URI)
	ok(c, err)
	q := u.Query()
	if a.Type != "oob" || a.Channel != "auth0" || a.oobAnswer.Code == "" || a.Binding != "" || len(a.Codes) != 1 || u.Scheme != "otpauth" || q.Get("base_url") != "https://acme.test/appliance-mfa" {
		c.Errorf("%+v", a)
	}
	poll := func() *tokenAnswer { c.Helper(); return c.mfa(oobGrant, token, "oob_code", a.oobAnswer.Code) }
	poll().bad(400, "authorization_pending", "Authorization pending: please repeat the request in a few seconds.")
	poll().bad(429, "slow_down", "You are polling faster than the specified interval of 5 seconds.")
	c.enroll("not a ticket").refused(404, "enrollment_transaction_not_found")
	c.call("POST", "enroll", `Ticket id="`+q.Get("enrollment_tx_id")+`"`, `{"identifier":"x","push_credentials":{"service":"FCM","token":"x"},"public_key":{"kty":"oct","k":"AAAA"}}`).refused(400, "invalid_request")
	var device struct{ ID, Token, URL, Issuer string }
	c.enroll(q.Get("enrollment_tx_id")).json(200, &device)
	if !strings.HasPrefix(device.ID, "dev_") || device.Token == "" || device.URL != "https://acme.test/appliance-mfa" {
		c.Errorf("%+v", device)
	}
	c.id, c.token = device.ID, device.Token
	c.enroll(q.Get("enrollment_tx_id")).refused(404, "enrollment_transaction_not_found") // a ticket works once
	c.logged()
	got := poll().good()
	c.wantLog("gd_enrollment_complete", "seoobft")
	same(c, "methods", c.claims(got.AccessToken)["https://app.test/methods"], "mfa push-notification")
	return got
}

// ask begins a challenge.
func (c *companion) ask(refresh string) (token, oob string) {
	c.Helper()
	token = c.refresh(spa, refresh).mfaRequired(`{"challenge":[{"type":"push-notification"},{"type":"recovery-code"}]}`)
	var a oobAnswer
	c.browser().post("/mfa/challenge", values("client_id", spa, "mfa_token", token, "challenge_type", "oob")).json(200, &a)
	if a.Kind != "oob" || a.Code == "" || a.Binding != "" {
		c.Errorf("%+v", a)
	}
	return token, a.Code
}

// A device that approves: Authentication API fact sheet 4.6 and 6.11.
func TestApproveOnDevice(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c := w.companion()
		first := w.offline(spa)
		c.set(first.RefreshToken)
		token, oob := c.ask(first.RefreshToken)
		n := c.received()
		if n["dai"] != c.id || n["sh"] != "acme.test" || n["s"].(map[string]any)["client_id"] != spa {
			t.Errorf("notification %v", n)
		}
		w.mfa(oobGrant, token, "oob_code", oob).bad(400, "authorization_pending", "Authorization pending: please repeat the request in a few seconds.")
		w.mfa(oobGrant, token, "oob_code", oob).bad(429, "slow_down", "You are polling faster than the specified interval of 5 seconds.")
		w.pass(5 * time.Second)
		w.mfa(oobGrant, token, "oob_code", oob).bad(400, "authorization_pending", "Authorization pending: please repeat the request in a few seconds.")
		w.logged()
		if a := c.answer(n, false); a.Code != 204 {
			t.Errorf("%d %s", a.Code, a.Body)
		}
		w.wantLog("gd_auth_rejected")
		w.mfa(oobGrant, token, "oob_code", oob).bad(400, "access_denied", "MFA Authorization rejected.")
		token, oob = c.ask(first.RefreshToken)
		if a := c.answer(c.received(), true); a.Code != 204 {
			t.Errorf("%d %s", a.Code, a.Body)
		}
		w.mfa(oobGrant, token, "oob_code", oob).good()
		w.mfa(oobGrant, token, "oob_code", oob).bad(403, "invalid_grant", "Malformed mfa_token")
		token, oob = c.ask(first.RefreshToken)
		c.received()
		w.pass(mfa.PushLife)
		w.mfa(oobGrant, token, "oob_code", oob).bad(403, "expired_token", "oob_code is expired")

		var list []map[string]any
		w.bearing("GET", "/mfa/authenticators", token, "").json(200, &list)
		if len(list) != 2 || list[0]["id"] != "push|"+c.id || list[0]["authenticator_type"] != "oob" || list[0]["oob_channel"] != "auth0" || list[0]["name"] != "Ada's phone" {
			t.Errorf("%v", list)
		}
		ok(t, w.rename("push|"+c.id, "The one at work"))
		c.call("PATCH", "device-accounts/"+c.id, "Bearer "+c.token, `{"push_credentials":{"service":"APNS","token":"another"}}`).json(200, &map[string]any{})
		all, err := w.st.AuthenticationMethods(t.Context(), ada)
		ok(t, err)
		if p := all[0].Push; p == nil || p.Address != "another" || p.Service != "APNS" || p.Name != "Ada's phone" || all[0].Name != "The one at work" {
			t.Errorf("%+v", all[0])
		}
		now := w.clock().Unix()
		own := c.sign(c.key, "ES256", map[string]any{"iat": now, "exp": now + 7200, "aud": "https://acme.test/appliance-mfa/api/device-accounts", "iss": c.id, "sub": ada})
		c.call("DELETE", "device-accounts/"+c.id, "Bearer "+c.token+"x", "").refused(401, "invalid_token")
		c.call("DELETE", "device-accounts/dev_0000000000000000", "Bearer "+own, "").refused(401, "invalid_token")
		for _, none := range []string{"%00", "dev_%ff"} { // which a database might not take
			c.call("PATCH", "device-accounts/"+none, "Bearer "+own, "{}").refused(401, "invalid_token")
		}
		if a := c.call("DELETE", "device-accounts/"+c.id, "Bearer "+own, ""); a.Code != 204 {
			t.Errorf("%d %s", a.Code, a.Body)
		}
		if all, err := w.st.AuthenticationMethods(t.Context(), ada); err != nil || len(all) != 0 {
			t.Errorf("%+v %v", all, err)
		}
	})
}

// rename is what a person does who calls one of ada's methods otherwise.
func (w *world) rename(method, name string) error {
	_, err := w.st.UpdateAuthenticationMethod(w.Context(), ada, method, func(m *stagedoor.AuthenticationMethod) error { m.Name = name; return nil })
	return err
}

// Answers that the device did not give to this question: another key, the public key as a shared secret, another challenge, audience or device, an old answer, one that
// was given before; and an approval for somebody else's request.
func TestAttackForgedApproval(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	c := w.companion()
	first := w.offline(spa)
	c.set(first.RefreshToken)
	token, oob := c.ask(first.RefreshToken)
	n := c.received()
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	now := w.clock().Unix()
	claims := map[string]any{"iat": now, "exp": now + 30, "aud": resolveURL, "iss": "device-1", "sub": n["c"], "auth0_guardian_accepted": true}
	public, err := c.key.PublicKey.Bytes()
	ok(t, err)
	c.respond(n, c.sign(other, "ES256", claims)).refused(401, "invalid_token")
	c.respond(n, c.sign(public, "HS256", claims)).refused(401, "invalid_token")
	c.respond(n, "eyJhbGciOiJub25lIn0.e30.").refused(401, "invalid_token")
	for name, value := range map[string]any{
		"aud": "https://evil.test/appliance-mfa/api/resolve-transaction", "iss": "device-2", "sub": "another challenge", "exp": now - 120, "auth0_guardian_accepted": "true", "iat": now + 600,
	} {
		c.answer(n, true, name, value).refused(401, "invalid_token")
	}
	w.mfa(oobGrant, token, "oob_code", oob).bad(400, "authorization_pending", "Authorization pending: please repeat the request in a few seconds.")
	_, theirs := c.ask(first.RefreshToken)
	second := c.received()
	c.answer(second, true, "sub", n["c"]).refused(401, "invalid_token") // over the challenge of the other one
	if a := c.answer(second, true); a.Code != 204 {
		t.Fatalf("%d %s", a.Code, a.Body)
	}
	c.answer(second, false).refused(404, "login_transaction_not_found") // a replay, and a change of mind
	w.pass(5 * time.Second)
	w.mfa(oobGrant, token, "oob_code", theirs).bad(400, "invalid_request", "The oob_code doesn't match the mfa_token")
	w.mfa(oobGrant, token, "oob_code", oob).bad(400, "authorization_pending", "Authorization pending: please repeat the request in a few seconds.")
}

// A person is not worn down by notifications: ten, and one more every six minutes.
func TestAttackManyNotifications(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	c := w.companion()
	first := w.offline(spa)
	c.set(first.RefreshToken)
	token := ""
	for range 10 {
		token, _ = c.ask(first.RefreshToken)
	}
	w.read(w.browser().post("/mfa/challenge", values("client_id", spa, "mfa_token", token))).
		bad(429, "too_many_attempts", "Too many notifications were sent. Please wait a few minutes and try again.")
}

// Whoever knows the password begins to set up the first factor, waits until its person has set up theirs, and goes on with a device, or a number, of their own.
func TestAttackAssociateBesideTheOwner(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	c := w.companion()
	w.sendsCodes("sms")
	first := w.offline(spa)
	begin := func(body string) (token, oob string, ticket string) {
		t.Helper()
		token = w.refresh(spa, first.RefreshToken).mfaRequired(`{"enroll":[{"type":"push-notification"},{"type":"phone"}]}`)
		var a struct {
			oobAnswer
			URI string `json:"barcode_uri"`
		}
		w.bearing("POST", "/mfa/associate", token, body).json(200, &a)
		u, err := url.Parse(a.URI)
		ok(t, err)
		return token, a.oobAnswer.Code, u.Query().Get("enrollment_tx_id")
	}
	token, oob, ticket := begin(`{"authenticator_types":["oob"],"oob_channels":["auth0"]}`)
	c.enroll(ticket).json(200, &map[string]any{})
	phone, sent, _ := begin(`{"authenticator_types":["oob"],"oob_channels":["sms"],"phone_number":"+4915100000000"}`)
	code := w.texted()
	ok(t, w.st.AddAuthenticationMethods(t.Context(), ada, []*stagedoor.AuthenticationMethod{{Type: "totp", Secret: "JBSWY3DPEHPK3PXP"}}, false))
	w.mfa(oobGrant, token, "oob_code", oob).bad(403, "access_denied", "User is already enrolled.")
	w.mfa(oobGrant, phone, "oob_code", sent, "binding_code", code).bad(403, "access_denied", "User is already enrolled.")
	if all, err := w.st.AuthenticationMethods(t.Context(), ada); err != nil || len(all) != 1 {
		t.Errorf("%+v %v", all, err)
	}
}
