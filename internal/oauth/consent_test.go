package oauth

import (
	"encoding/json"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/pipeline"
)

// The table of the wire (Authentication API fact sheet 7).
func TestConsentIsAsked(t *testing.T) {
	w := newWorld(t)
	local, scheme := "http://localhost:3000/cb", "myapp://cb"
	for name, c := range map[string]struct {
		client string
		more   []string
		skip   bool // the API's
		asks   bool
	}{
		"first party, no API":            {spa, nil, true, false},
		"first party, API skips":         {spa, []string{"audience", apiAudience}, true, false},
		"first party, API does not skip": {spa, []string{"audience", apiAudience}, false, true},
		"localhost":                      {spa, []string{"audience", apiAudience, "redirect_uri", local}, true, true},
		"localhost, no API":              {spa, []string{"redirect_uri", local}, true, false},
		"a scheme of its own":            {spa, []string{"audience", apiAudience, "redirect_uri", scheme}, true, true},
		"prompt=consent":                 {spa, []string{"prompt", "consent"}, true, true},
		"third party, no API":            {third, nil, true, true},
		"third party":                    {third, []string{"audience", apiAudience}, true, true},
		"old kind":                       {legacy, nil, true, false},
	} {
		w.api(func(rs *stagedoor.ResourceServer) { rs.SkipConsent = c.skip })
		b := w.browser()
		a := b.login(request(c.client, c.more...))
		if c.asks {
			a.asks("consent")
			if c.more == nil || c.more[0] != "prompt" {
				b.authorize(request(c.client, append(c.more, "prompt", "none")...)).fails("consent_required", "Consent required")
			}
		} else {
			a.got()
		}
		if t.Failed() {
			t.Fatal(name)
		}
	}
	w.settings(func(s *stagedoor.TenantSettings) { s.Local.LoopbackIsVerifiable = true })
	w.api(func(rs *stagedoor.ResourceServer) { rs.SkipConsent = true })
	w.browser().login(request(spa, "audience", apiAudience, "redirect_uri", local)).got()
	w.browser().login(request(spa, "audience", apiAudience, "redirect_uri", scheme)).asks("consent")
	w.browser().login(request(third, "audience", apiAudience)).asks("consent")
	w.client(spa, func(c *stagedoor.Client) {
		c.Stored = map[string]json.RawMessage{"skip_non_verifiable_callback_uri_confirmation_prompt": json.RawMessage("true")}
	})
	w.browser().login(request(spa, "audience", apiAudience, "redirect_uri", scheme)).got()
}

func TestConsent(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		b := w.browser()
		ask := func(scope string, more ...string) *answer {
			return b.authorize(request(third, append([]string{"audience", apiAudience, "scope", scope}, more...)...))
		}
		state := b.login(request(third, "audience", apiAudience, "scope", "openid read:songs")).asks("consent")
		b.resume(state).asks("consent") // nothing was decided
		w.logged()
		b.decide(state, false).fails("access_denied", "User did not authorize the request")
		w.wantLog("f")
		b.resume(state).page(400, "pressed the back button")
		state = ask("openid read:songs").asks("consent")
		a := w.redeem(third, b.decide(state, true).got().Get("code")).good()
		same(t, "scope", a.Scope, "openid read:songs")
		ask("openid read:songs", "prompt", "none").got()
		ask("read:songs").got()
		ask("openid edit:songs", "prompt", "none").fails("consent_required", "Consent required")
		b.decide(ask("openid edit:songs").asks("consent"), true).got()
		ask("openid read:songs edit:songs", "prompt", "none").got() // the union
		b.decide(ask("openid", "prompt", "consent").asks("consent"), true).got()
		// It is this person's, for this client and audience.
		b.authorize(request(third, "prompt", "none")).fails("consent_required", "Consent required")
		w.api(func(rs *stagedoor.ResourceServer) { rs.SkipConsent = false })
		b.authorize(request(spa, "audience", apiAudience, "prompt", "none")).fails("consent_required", "Consent required")
		state = b.authorize(request(third, "audience", apiAudience, "scope", "openid read:songs", "prompt", "login")).asks("login")
		ok(t, b.password(state, bobMail, adaWord))
		b.resume(state).asks("consent")
	})
}

// A consent that is taken back ends the refresh tokens that rest on it, also those for /userinfo and for another
// name of the API.
func TestConsentTakenBack(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for _, audience := range []string{apiAudience, "-", "https://acme.test/userinfo"} {
			b := w.browser()
			state := b.login(request(third, "audience", audience, "scope", "openid offline_access", "prompt", "consent")).asks("consent")
			a := w.redeem(third, b.decide(state, true).got().Get("code")).good()
			w.refresh(third, a.RefreshToken).good()
			ok(t, w.st.DeleteUserGrants(t.Context(), ada))
			w.refresh(third, a.RefreshToken).bad(403, "invalid_grant", wrongRefresh)
			b.authorize(request(third, "audience", audience, "prompt", "none")).fails("consent_required", "Consent required")
		}
	})
}

// What one person agreed to does not count for the next in the same login.
func TestConsentOfAnother(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	state := b.login(request(third)).asks("consent")
	v := w.visit(b)
	tx, err := w.pipe.Page(t.Context(), v, state, pipeline.AskConsent)
	ok(t, err)
	ok(t, w.pipe.Decide(t.Context(), v, state, tx.Nonce, true))
	ok(t, w.st.DeleteSession(t.Context(), tx.SessionID, stagedoor.LogoutByClient))
	b.resume(state).asks("login")
	ok(t, b.password(state, bobMail, adaWord))
	b.resume(state).asks("consent")
}

// A revoked token takes its consent along where the tenant wants that.
func TestRevokeConsent(t *testing.T) {
	w := newWorld(t)
	w.settings(func(s *stagedoor.TenantSettings) { s.Flags = stagedoor.Flags{stagedoor.FlagRevokeGrant: true} })
	b := w.browser()
	first := func() *tokenAnswer {
		state := b.authorize(request(third, "scope", "openid offline_access", "prompt", "consent")).asks("consent")
		return w.redeem(third, b.decide(state, true).got().Get("code")).good()
	}
	b.login(request(spa)).got()
	one, two := first(), first()
	w.browser().post("/oauth/revoke", values("client_id", third, "client_secret", secret(third), "token", one.RefreshToken))
	w.refresh(third, two.RefreshToken).bad(403, "invalid_grant", wrongRefresh)
	b.authorize(request(third, "prompt", "none")).fails("consent_required", "Consent required")
}
