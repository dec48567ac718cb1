package mfa

import (
	"cmp"
	"context"
	"time"

	"github.com/stagedoor/stagedoor/internal/store"
)

// SettingRemembering is the name of what a tenant says about browsers that are remembered.
const SettingRemembering = "guardian/settings"

// Remembering is what a tenant says about browsers that are remembered for the second factor.
type Remembering struct {
	Offered bool `json:"display_remember_me_checkbox"`
	Ticked  bool `json:"remember_me_default_value"`      // as long as nobody has chosen
	Idle    int  `json:"mfa_session_inactivity_timeout"` // seconds that a person may stay away
	Overall int  `json:"mfa_session_overall_timeout"`    // seconds
}

// DefaultRemembering is what holds where a tenant says nothing: thirty days, seven without its person (Authentication API fact sheet 3.5).
func DefaultRemembering() Remembering {
	return Remembering{Offered: true, Idle: 7 * 24 * 60 * 60, Overall: 30 * 24 * 60 * 60}
}

// RememberingOf reads what a tenant says.
func RememberingOf(ctx context.Context, st *store.Store) (Remembering, error) {
	r := DefaultRemembering()
	err := st.Setting(ctx, SettingRemembering, &r)
	return r, err
}

// Lasts is how long a browser is remembered at most.
func (r Remembering) Lasts() time.Duration { return time.Duration(r.Overall) * time.Second }

// Ages are how long ago a person may have been there last, and how long ago the browser may have been remembered.
func (r Remembering) Ages() (idle, overall time.Duration) {
	return time.Duration(r.Idle) * time.Second, r.Lasts()
}

// SettingCodes are the names of what a tenant says about codes that are sent, by the kind of the factor.
var SettingCodes = map[string]string{Email: "guardian/email-codes", Phone: "guardian/phone-codes"}

// Codes are how codes that are sent are made.
type Codes struct {
	Digits  int `json:"otp_length"`
	Seconds int `json:"otp_expiration_time"`
}

// DefaultCodes are those of a tenant that says nothing.
func DefaultCodes() Codes { return Codes{Digits: CodeDigits, Seconds: int(CodeLife.Seconds())} }

// Life is how long a code works.
func (c Codes) Life() time.Duration { return time.Duration(c.Seconds) * time.Second }

// CodesOf reads what a tenant says about codes of a kind.
func CodesOf(ctx context.Context, st *store.Store, kind string) (Codes, error) {
	c := DefaultCodes()
	err := st.Setting(ctx, SettingCodes[kind], &c)
	return c, err
}

// Length is how many digits the code has.
func (c SentCode) Length() int { return cmp.Or(c.Digits, CodeDigits) }
