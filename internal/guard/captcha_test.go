package guard_test

import (
	"maps"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/geoip"
	"github.com/stagedoor/stagedoor/internal/geoip/geoiptest"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Who asks is a matter of where somebody comes from; whether anybody asks is none.
func TestCaptchaPolicies(t *testing.T) {
	places, err := geoip.Open([]string{geoiptest.Cities(t)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, st := t.Context(), storetest.Tenant(t, db, "acme")
		set := func(name string, members map[string]any) {
			t.Helper()
			if err := st.ChangeSetting(ctx, name, func(m map[string]any) error { maps.Copy(m, members); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		asks := func(ip, want string) {
			t.Helper()
			c, err := guard.Challenged(ctx, st, guard.FlowPassword, ip)
			got := "nobody"
			if c != nil {
				if got = c.Provider + " " + c.SiteKey; c.Work != "" {
					got = "work"
				}
			}
			if err != nil || got != want {
				t.Errorf("%s: %s asks, want %s (%v)", ip, got, want, err)
			}
		}
		const berlin, newYork, france, nowhere = "203.0.113.9", "2001:db8:1::7", "198.51.100.1", "192.0.2.7"
		for _, p := range []stagedoor.CaptchaPolicy{
			{Priority: 9, Countries: []string{"DE", "FR"}, Action: `{"active_provider_id":"recaptcha_v2","recaptcha_v2":{"site_key":"nine","secret":"s"}}`},
			{Priority: 5, Countries: []string{"FR"}, Action: `{"active_provider_id":"simple_captcha"}`},
			{Priority: 7, Countries: []string{"US"}, Action: `{"hcaptcha":{"site_key":"seven","secret":"s"}}`},
		} {
			if err := store.CaptchaPolicies.Create(ctx, st, &p); err != nil {
				t.Fatal(err)
			}
		}
		asks(berlin, "nobody")
		set(stagedoor.SettingBotDetection, map[string]any{"challenge_password_policy": "always"})
		set(stagedoor.SettingCaptcha, map[string]any{"active_provider_id": "hcaptcha", "hcaptcha": map[string]any{"site_key": "own", "secret": "s"}})
		asks(nowhere, "hcaptcha own")
		asks(berlin, "recaptcha_v2 nine")
		asks(newYork, "hcaptcha seven")
		asks(france, "work")
	}, func(o *store.Options) { o.Places = places })
}
