package pipeline

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/script"
)

// waitsFactor is why actions wait whose api asked for a second factor in their middle.
const waitsFactor = "factor"

// demandFactor reads context.multifactor of rules (extensibility fact sheet 1.14).
func (in *ruleInput) demandFactor(raw json.RawMessage) error {
	if !truthy(raw) {
		return nil
	}
	var asked struct {
		Provider     any             `json:"provider"`
		Remember     json.RawMessage `json:"allowRememberBrowser"`
		IgnoreCookie json.RawMessage `json:"ignoreCookie"`
		Issuer       any             `json:"issuer"`
		Key          json.RawMessage `json:"key"`
	}
	if err := json.Unmarshal(raw, &asked); err != nil {
		return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "A rule set context.multifactor to something else than an object.")
	}
	in.duo = nil
	provider, _ := asked.Provider.(string)
	d := &stagedoor.FactorDemand{Remember: (len(asked.Remember) == 0 || truthy(asked.Remember)) && !truthy(asked.IgnoreCookie)}
	d.Issuer, _ = asked.Issuer.(string)
	switch {
	case provider == mfa.Duo:
		d.Duo, in.duo = true, &mfa.DuoKeys{}
		if err := json.Unmarshal(raw, in.duo); err != nil {
			return errNoDuo("a rule set host, ikey, skey or username to something else than a text")
		}
	case truthy(asked.Key):
		return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "A rule set context.multifactor.key, which this server does not take: users enrol with a key of their own.")
	case provider == "none":
		d.None = true
	case provider == "google-authenticator":
		d.Always = true
	}
	in.factor = d
	return nil
}

// truthy tells whether a value of a script counts as true there.
func truthy(raw json.RawMessage) bool {
	switch string(raw) {
	case "", "null", "false", "0", "-0", `""`:
		return false
	}
	return true
}

// demandedFactor is what api.multifactor.enable asked for, in the place of what rules did.
func (in *ruleInput) demandedFactor(f *script.Factor) {
	if f == nil {
		return
	}
	in.factor = &stagedoor.FactorDemand{None: f.Provider == "none", Always: f.Provider == "google-authenticator", Duo: f.Provider == mfa.Duo, Remember: f.Remember}
	in.duo = nil
	if in.factor.Duo {
		in.duo = &mfa.DuoKeys{Host: f.Duo.Host, IKey: f.Duo.IKey, SKey: f.Duo.SKey, User: f.Duo.Username}
	}
}

// waitForFactor suspends actions until the person has given, or enrolled, one of some factors. What they gave in this login is not asked
// for again: then the actions go on at once.
func (in *ruleInput) waitForFactor(details json.RawMessage) error {
	var asked struct {
		Enroll  bool     `json:"enroll"`
		Factors []string `json:"factors"`
	}
	if err := json.Unmarshal(details, &asked); err != nil {
		return err
	}
	if (!asked.Enroll || in.fresh) && slices.Contains(asked.Factors, in.proof) {
		in.again = true
		return nil
	}
	if in.request == nil { // there is no browser
		return ErrFactorRequired()
	}
	in.asked = &stagedoor.FactorDemand{Enroll: asked.Enroll, Types: asked.Factors}
	return nil
}

// ErrFactorRequired is for who needs a second factor where there is no page to ask for it.
func ErrFactorRequired() error {
	return stagedoor.Errorf(stagedoor.Forbidden, "mfa_required", "Multifactor authentication required")
}

// awaitFactor asks for what actions wait for; nothing if the person has done it.
func (l *login) awaitFactor(ctx context.Context, d *stagedoor.FactorDemand) (string, error) {
	if l.tx.Noting {
		return AskNote, nil
	}
	if d == nil {
		return "", nil
	}
	settings, err := mfa.SettingsOf(ctx, l.st)
	if err != nil {
		return "", err
	}
	return l.askFactor(ctx, settings, d)
}

// demand is what the login asks for just now.
func demand(tx *stagedoor.Transaction) *stagedoor.FactorDemand {
	if tx.Script != nil && tx.Script.Factor != nil {
		return tx.Script.Factor
	}
	return tx.Factor
}
