package guard

import (
	"context"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Flow is what a form is for, as far as programs that fill it in are concerned.
type Flow int

// The flows.
const (
	FlowPassword Flow = iota // logins and sign-ups
	FlowPasswordless
	FlowReset
)

// risks are how many failures of a network address make it risky, and how many leading bits of work then prove that somebody is in no
// hurry, by the level of the settings.
var risks = map[string]struct{ failures, bits int }{"low": {10, 14}, "medium": {3, 16}, "high": {1, 18}}

// Challenge is what somebody has to do before a form of theirs is looked at.
type Challenge struct {
	Vendor   *Vendor // nil: work
	Provider string  // the vendor's name
	SiteKey  string
	Work     string // what the work is about
	Bits     int

	settings stagedoor.CaptchaProvider
}

// Challenged returns what a form of a flow asks of who comes from an address; nil if nothing.
func Challenged(ctx context.Context, st *store.Store, flow Flow, ip string) (*Challenge, error) {
	bot := stagedoor.DefaultBotDetection()
	if err := st.Setting(ctx, stagedoor.SettingBotDetection, &bot); err != nil {
		return nil, err
	}
	policy := [...]string{bot.Password, bot.Passwordless, bot.Reset}[flow]
	if policy != "always" && policy != "when_risky" || bot.Monitoring || stagedoor.Listed(bot.Allowlist, ip) {
		return nil, nil
	}
	level, known := risks[bot.Level]
	if !known {
		level = risks["medium"]
	}
	if policy == "when_risky" {
		if risky, err := isRisky(ctx, st, ip, level.failures); err != nil || !risky {
			return nil, err
		}
	}
	captcha, err := captchaFor(ctx, st, ip)
	if err != nil {
		return nil, err
	}
	c := &Challenge{Bits: level.bits, settings: captcha.Provider()}
	if v, is := vendors[captcha.Active]; is && c.settings.SiteKey != "" {
		c.Vendor, c.Provider, c.SiteKey = &v, captcha.Active, c.settings.SiteKey
		return c, nil
	}
	c.Work = newWork(st.Clock().Now())
	return c, nil
}

// captchaFor is what the tenant says about captchas to who comes from an address.
func captchaFor(ctx context.Context, st *store.Store, ip string) (stagedoor.Captcha, error) {
	captcha := stagedoor.Captcha{}
	if err := st.Setting(ctx, stagedoor.SettingCaptcha, &captcha); err != nil {
		return captcha, err
	}
	policies, err := store.CaptchaPolicies.All(ctx, st)
	if err != nil || len(policies) == 0 {
		return captcha, err
	}
	place := st.Place(ip)
	var counts *stagedoor.CaptchaPolicy
	for i := range policies {
		if p := &policies[i]; p.Matches(place) && (counts == nil || p.Priority < counts.Priority) {
			counts = p
		}
	}
	if counts == nil {
		return captcha, nil
	}
	return counts.Over(captcha)
}

// isRisky tells whether so many logins from an address have failed, or so many codes been sent for it.
func isRisky(ctx context.Context, st *store.Store, ip string, failures int) (bool, error) {
	s, err := suspiciousIP(ctx, st)
	if err != nil {
		return false, err
	}
	network := stagedoor.Network(ip)
	failed, err := st.Attempted(ctx, BucketLogin, network, s.Stage.PreLogin)
	if err != nil || failed > 0 && failed >= min(failures, s.Stage.PreLogin.MaxAttempts) {
		return err == nil, err
	}
	sent, err := st.Attempted(ctx, BucketCode, network, codes)
	return sent > failures, err // one is everybody's
}

// ErrVerification is the answer to who has not done what a form asks for.
func ErrVerification() error {
	return stagedoor.Errorf(stagedoor.Unauthorized, "requires_verification", "Suspicious request requires verification")
}
