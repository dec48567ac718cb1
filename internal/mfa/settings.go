package mfa

import (
	"context"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// The names of the settings that the Management API writes (Management API fact sheet 3.18).
const (
	SettingFactors  = "guardian/factors"
	SettingPolicies = "guardian/policies"
)

// FactorNames are the factors that a tenant may switch on, in the order of the wire.
var FactorNames = []string{"sms", "push-notification", "otp", "email", "duo", "webauthn-roaming", "webauthn-platform", "recovery-code"}

// defaults are the factors that are on until they are switched off.
var defaults = map[string]bool{"recovery-code": true}

// Settings are what a tenant says about second factors.
type Settings struct {
	OTP      bool // authenticator apps may be used
	Recovery bool // recovery codes are given and taken
	Others   bool // a factor is on that this server does not have
	Always   bool // everybody is asked in every login
}

// Switches tells for each factor whether it is on.
func Switches(ctx context.Context, st *store.Store) (map[string]bool, error) {
	on := map[string]bool{}
	for name, is := range defaults {
		on[name] = is
	}
	return on, st.Setting(ctx, SettingFactors, &on)
}

// SettingsOf reads what a tenant says. The policy confidence-score, which asks where a login looks risky, counts as always: nothing here
// measures risk, and a login that was not measured is not a safe one.
func SettingsOf(ctx context.Context, st *store.Store) (Settings, error) {
	var s Settings
	on, err := Switches(ctx, st)
	if err != nil {
		return s, err
	}
	var kept struct {
		Policies []string `json:"policies"`
	}
	if err := st.Setting(ctx, SettingPolicies, &kept); err != nil {
		return s, err
	}
	s.OTP, s.Recovery, s.Always = on["otp"], on["recovery-code"], len(kept.Policies) > 0
	for _, name := range FactorNames {
		s.Others = s.Others || on[name] && name != "otp" && name != "recovery-code"
	}
	return s, nil
}

// Methods is what a person has to prove themselves with.
type Methods struct {
	OTP      bool // an authenticator app
	Recovery bool // a recovery code
	Others   bool // a second factor that this server cannot ask for
}

// MethodsOf reads them.
func MethodsOf(ctx context.Context, st *store.Store, userID string) (Methods, error) {
	all, err := st.AuthenticationMethods(ctx, userID)
	var m Methods
	for _, one := range all {
		switch one.Type {
		case store.TypeTOTP:
			m.OTP = true
		case store.TypeRecovery:
			m.Recovery = true
		case "passkey", "password": // first factors
		default:
			m.Others = true
		}
	}
	return m, err
}

// errUnavailable is for who has to give a second factor that nobody can give here. To let them pass would pass over a check.
func errUnavailable(why string) error {
	return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "A second factor is required, but %s.", why)
}

// ErrOff refuses where the tenant has no factor on that this server has.
func ErrOff() error { return errUnavailable("none that this server has is enabled") }

// ErrOthers refuses a person who is enrolled with factors only that this server does not have: else whoever knows their password could
// enrol another one in their place.
func ErrOthers() error {
	return errUnavailable("this server cannot ask for the ones that the user is enrolled with")
}
