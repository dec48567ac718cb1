package mfa

import (
	"context"
	"slices"

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
	On     []string // the kinds that may be used, in the order in which they are offered
	Others bool     // a factor is on that this server does not have
	Always bool     // everybody is asked in every login
	Risky  bool     // who logs in as they do not usually is asked, see [stagedoor.RiskAssessment]
	Duo    bool     // Duo is asked: it is the only factor that is on, and the tenant has keys
}

// Has tells whether a kind may be used.
func (s Settings) Has(kind string) bool { return slices.Contains(s.On, kind) }

// Any tells whether people can be asked for something: a recovery code alone is not a factor.
func (s Settings) Any() bool { return len(Enrollable(s.On)) > 0 }

// Switches tells for each factor whether it is on.
func Switches(ctx context.Context, st *store.Store) (map[string]bool, error) {
	on := map[string]bool{}
	for name, is := range defaults {
		on[name] = is
	}
	return on, st.Setting(ctx, SettingFactors, &on)
}

// Adaptive is the policy that asks where a login looks risky.
const Adaptive = "confidence-score"

// Policies are the policies of a tenant.
func Policies(ctx context.Context, st *store.Store) ([]string, error) {
	var kept struct {
		Policies []string `json:"policies"`
	}
	err := st.Setting(ctx, SettingPolicies, &kept)
	return kept.Policies, err
}

// SettingsOf reads what a tenant says.
func SettingsOf(ctx context.Context, st *store.Store) (Settings, error) {
	var s Settings
	on, err := Switches(ctx, st)
	if err != nil {
		return s, err
	}
	policies, err := Policies(ctx, st)
	if err != nil {
		return s, err
	}
	s.Always, s.Risky = slices.ContainsFunc(policies, func(p string) bool { return p != Adaptive }), slices.Contains(policies, Adaptive)
	known := map[string]bool{}
	reached, err := true, error(nil)
	if on["push-notification"] {
		if reached, err = Pushes(ctx, st); err != nil {
			return s, err
		}
	}
	for _, k := range kinds {
		if k.kind == Push && !reached { // a factor that nobody can be asked for
			continue
		}
		if known[k.factor] = true; on[k.factor] {
			s.On = append(s.On, k.kind)
		}
	}
	if on[Duo] {
		if _, known[Duo], err = DuoKeysOf(ctx, st); err != nil {
			return s, err
		}
		s.Duo = known[Duo] && !s.Any()
	}
	for _, name := range FactorNames {
		s.Others = s.Others || on[name] && !known[name]
	}
	return s, nil
}

// Methods is what a person has to prove themselves with.
type Methods struct {
	Have   []string // kinds, in the order in which they are offered
	Mail   bool     // email is among them because of the person's own verified address
	Others bool     // a second factor that this server cannot ask for
}

// Has tells whether the person has a kind.
func (m Methods) Has(kind string) bool { return slices.Contains(m.Have, kind) }

// None tells whether the person has no second factor at all.
func (m Methods) None() bool { return len(m.Have) == 0 && !m.Others }

// MethodsOf reads them.
func MethodsOf(ctx context.Context, st *store.Store, userID string) (Methods, error) {
	all, err := st.AuthenticationMethods(ctx, userID)
	if err != nil {
		return Methods{}, err
	}
	return MethodsIn(ctx, st, userID, all)
}

// MethodsIn are those of a person whose authentication methods were read.
func MethodsIn(ctx context.Context, st *store.Store, userID string, all []stagedoor.AuthenticationMethod) (m Methods, err error) {
	has := map[string]bool{}
	for _, one := range all {
		switch kind := KindOf(one.Type); {
		case kind != "":
			has[kind] = true
		case one.Type == store.TypePasskey, one.Type == "password": // first factors
		default:
			m.Others = true
		}
	}
	if !has[Email] {
		if m.Mail, err = mailCounts(ctx, st, userID); m.Mail {
			has[Email] = true
		}
	}
	for _, k := range kinds {
		if has[k.kind] {
			m.Have = append(m.Have, k.kind)
		}
	}
	return m, err
}

// mailCounts tells whether codes can go to a person's own address: the tenant has that factor on, and the address is verified.
func mailCounts(ctx context.Context, st *store.Store, userID string) (bool, error) {
	on, err := Switches(ctx, st)
	if err != nil || !on["email"] {
		return false, err
	}
	u, err := st.User(ctx, userID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return false, nil
	}
	return err == nil && u.Email != "" && u.EmailVerified, err
}

// Enrolled tells whether the person has set something up themselves.
func (m Methods) Enrolled() bool {
	own := Enrollable(m.Have)
	return len(own) > 1 || len(own) == 1 && !(own[0] == Email && m.Mail)
}

// errUnavailable is for who has to give a second factor that nobody can give here. To let them pass would pass over a check.
func errUnavailable(why string) error {
	return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "A second factor is required, but %s.", why)
}

// ErrOff refuses where the tenant has no factor on that this server has.
func ErrOff() error { return errUnavailable("none that this server has is enabled") }

// ErrNoAddress refuses a person whose login looks risky and who has nothing to prove themselves with, not even an address: what they set up now, somebody else might.
func ErrNoAddress() error {
	return errUnavailable("the user has none, and no address that a code could go to")
}

// ErrNone refuses a person who has nothing to prove themselves with where a login looks risky that cannot ask for a code from their address.
func ErrNone() error { return errUnavailable("the user has none") }

// ErrOthers refuses a person who is enrolled with factors only that this server does not have: else whoever knows their password could
// enrol another one in their place.
func ErrOthers() error {
	return errUnavailable("this server cannot ask for the ones that the user is enrolled with")
}
