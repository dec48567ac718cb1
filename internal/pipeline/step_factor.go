package pipeline

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
)

// ACRMultiFactor is the context class that asks for a second factor in this login, whatever is remembered (Authentication API fact sheet 2.1).
const ACRMultiFactor = "http://schemas.openid.net/pape/policies/2007/06/multi-factor"

// lately is how long a second factor counts for what changes factors (the wire's default policy of the My Account API).
const lately = 15 * time.Minute

// factor asks for a second factor where scripts, the tenant's policy or the client want one.
func (l *login) factor(ctx context.Context) (string, error) {
	if l.tx.Noting {
		return AskNote, nil
	}
	if l.tx.Proof == "" || demandsDuo(l.tx.Factor) && l.tx.Proof != mfa.Duo {
		if ask, err := l.wantsFactor(ctx); ask != "" || err != nil {
			return ask, err
		}
	}
	if l.tx.Proof == "" && gaveLately(l.st, l.session) {
		l.tx.Result.Factor = true
	}
	if l.tx.Proof != "" {
		l.tx.Result.AMR, l.tx.Result.Factor = []string{"mfa"}, true
		if l.stepsUp() {
			l.tx.Result.ACR = ACRMultiFactor
		}
	}
	return "", nil
}

// stepsUp tells whether the client asks for a second factor.
func (l *login) stepsUp() bool {
	return slices.Contains(stagedoor.Words(strings.Join(l.tx.Request.Query["acr_values"], " ")), ACRMultiFactor)
}

// wantsFactor says which page asks for the second factor, none if there is no need.
func (l *login) wantsFactor(ctx context.Context) (string, error) {
	d := l.tx.Factor
	req := &l.tx.Request
	guards, err := guardsFactors(ctx, l.st, l.api, req.Scope, l.user.ID)
	guards = guards && !(token.IsMyAccount(l.st.Tenant(), l.api.Identifier) && gaveLately(l.st, l.session))
	guards = guards || l.stepsUp() && l.st.Tenant().Settings.ComesBackToAccount(req.ClientID, req.RedirectURI, req.Issuer) // which lets nobody on who comes back without
	if err != nil || d != nil && d.None && !guards {
		return "", err
	}
	settings, err := mfa.SettingsOf(ctx, l.st)
	if err != nil {
		return "", err
	}
	up, low := l.stepsUp() || guards, risky(settings, l.session)
	switch {
	case d == nil && !up && !settings.Always && !low && !unmeasured(settings, l.session):
		return "", nil
	case d == nil && !settings.Any() && !settings.Others && !settings.Duo: // the tenant has none, so that its policy asks for none
		return "", nil
	case d == nil && !up && l.session.Has("mfa"):
		return "", nil
	}
	if (d == nil || d.Remember) && !up && !low {
		is, err := l.remembered(ctx)
		if is || err != nil {
			return "", err
		}
	}
	return l.askFactor(ctx, settings, d)
}

// guardsFactors tells whether tokens of an API with these scopes reach the factors of somebody who has some: whoever knows a password alone must not take them away.
func guardsFactors(ctx context.Context, st *store.Store, api *stagedoor.ResourceServer, scope []string, userID string) (bool, error) {
	if !token.ReachesMethods(st.Tenant(), api, scope) {
		return false, nil
	}
	m, err := mfa.MethodsOf(ctx, st, userID)
	return err == nil && (m.Enrolled() || m.Others), err
}

// gaveLately tells whether somebody has given their second factor in a session, lately enough for a token of the My Account API.
func gaveLately(st *store.Store, s *stagedoor.Session) bool {
	since := st.Clock().Now().Add(-lately).UnixMilli()
	return s != nil && slices.ContainsFunc(s.Methods, func(m stagedoor.AuthMethod) bool { return m.Name == "mfa" && m.Timestamp >= since })
}

// remembered tells whether the person gave their second factor in this browser, and still has one.
func (l *login) remembered(ctx context.Context) (bool, error) {
	if l.visit.Remembered == "" {
		return false, nil
	}
	r, err := mfa.RememberingOf(ctx, l.st)
	if err != nil {
		return false, err
	}
	idle, overall := r.Ages()
	return l.st.BrowserRemembered(ctx, l.visit.Remembered, l.user.ID, idle, overall)
}

// askFactor says which page asks for a factor, or why none can. Who has none enrols one on the way.
func (l *login) askFactor(ctx context.Context, settings mfa.Settings, d *stagedoor.FactorDemand) (string, error) {
	if asksDuo(settings, d) {
		l.asksFactor(AskDuo, d)
		return AskDuo, nil
	}
	methods, err := mfa.MethodsOf(ctx, l.st, l.user.ID)
	if err != nil {
		return "", err
	}
	give, enroll := givable(settings, methods, d), enrollable(settings, methods, d)
	ask := ""
	switch {
	case d != nil && d.Own:
		ask = AskFactor
	case d != nil && d.Enroll:
		if len(enroll) > 0 {
			ask = AskEnroll
		}
	case len(give) > 0:
		ask = AskFactor
	case d != nil && d.Types != nil: // a challenge that nobody can answer
	case len(enroll) > 0 && (methods.Others || methods.Enrolled()): // theirs are switched off, or not of this server
		err = mfa.ErrOthers()
	case len(enroll) > 0 && risky(settings, l.session): // what is set up now might be somebody else's
		ask, d, err = l.askAddress()
	case len(enroll) > 0:
		ask = AskEnroll
	default:
		err = mfa.ErrOff()
	}
	if ask == "" && err == nil {
		err = scripted("access_denied", "An action asked for a second factor, but for none that the user can give here.")
	}
	l.asksFactor(ask, d)
	return ask, err
}

// usable are the kinds of factors that will do, as far as the tenant has them on.
func usable(settings mfa.Settings, d *stagedoor.FactorDemand) []string {
	on := settings.On
	if d != nil && d.Always && !settings.Has(mfa.OTP) {
		on = append([]string{mfa.OTP}, on...)
	}
	return slices.DeleteFunc(slices.Clone(on), func(kind string) bool { return !d.Takes(kind) })
}

// givable are the kinds that a person has of those that will do. A recovery code stands in for something else: alone it is a factor only where
// a script names it.
func givable(settings mfa.Settings, m mfa.Methods, d *stagedoor.FactorDemand) []string {
	may := usable(settings, d)
	give := slices.DeleteFunc(slices.Clone(may), func(kind string) bool { return !m.Has(kind) })
	if slices.Equal(give, []string{mfa.Recovery}) && len(mfa.Enrollable(may)) == 0 && (d == nil || d.Types == nil) {
		return nil
	}
	return give
}

// enrollable are the kinds that a person may set up in a login: of those that will do, and of which they have none where another one is asked
// for.
func enrollable(settings mfa.Settings, m mfa.Methods, d *stagedoor.FactorDemand) []string {
	return slices.DeleteFunc(mfa.Enrollable(usable(settings, d)), func(kind string) bool { return d != nil && d.Enroll && m.Has(kind) })
}

// asksFactor notes that a page begins to ask for a factor.
func (l *login) asksFactor(ask string, d *stagedoor.FactorDemand) {
	if ask == "" || l.tx.Step == ask || l.tx.Request.HasPrompt("none") {
		return
	}
	if d != nil && !d.Own {
		l.visit.Log(l.event("mfar"))
	}
	kind := "gd_start_auth"
	if ask == AskEnroll {
		kind = "gd_start_enroll"
	}
	l.visit.Log(l.event(kind))
}

// FactorChoice is what the pages that ask for a factor offer.
type FactorChoice struct {
	Kinds []string // what the person can give, or set up, in the order in which it is offered
	mfa.Remembering
}

// Has tells whether a kind is offered.
func (c FactorChoice) Has(kind string) bool { return slices.Contains(c.Kinds, kind) }

// FactorChoice tells what the pages of a login under way offer: what to give, or where a factor is enrolled, what to set up.
func (p *Pipeline) FactorChoice(ctx context.Context, v Visit, tx *stagedoor.Transaction) (FactorChoice, error) {
	settings, err := mfa.SettingsOf(ctx, v.Store)
	if err != nil {
		return FactorChoice{}, err
	}
	remembering, err := Remembering(ctx, v.Store, tx)
	if err != nil {
		return FactorChoice{}, err
	}
	m, err := mfa.MethodsOf(ctx, v.Store, tx.UserID)
	d := demand(tx)
	c := FactorChoice{Kinds: givable(settings, m, d), Remembering: remembering}
	switch {
	case d != nil && d.Own:
		c.Kinds = []string{mfa.Email}
	case tx.Step == AskEnroll:
		c.Kinds = enrollable(settings, m, d)
	}
	return c, err
}

// Remembering tells whether the pages of a login offer to remember the browser, and how: the tenant and what asks for the factor both have to have it so.
func Remembering(ctx context.Context, st *store.Store, tx *stagedoor.Transaction) (mfa.Remembering, error) {
	r, err := mfa.RememberingOf(ctx, st)
	if d := demand(tx); d != nil && !d.Remember {
		r.Offered = false
	}
	r.Ticked = r.Ticked && r.Offered
	return r, err
}

// Given is what the door has to give to the browser after a second factor.
type Given struct {
	*Opened
	Remembered string    // the value of the cookie by which the browser is remembered; empty if it is not
	Until      time.Time // how long
}

// choosing is a login whose page of factors was answered with a kind that is among those that the person may choose.
func (p *Pipeline) choosing(ctx context.Context, v Visit, id, step, nonce, kind string) (*stagedoor.Transaction, FactorChoice, error) {
	tx, err := p.answered(ctx, v, id, step, nonce)
	if err != nil {
		return nil, FactorChoice{}, err
	}
	choice, err := p.FactorChoice(ctx, v, tx)
	if err == nil && !choice.Has(kind) {
		err = lost()
	}
	return tx, choice, err
}

// GiveCode takes a code of the person's app on the page of a login.
func (p *Pipeline) GiveCode(ctx context.Context, v Visit, id, nonce, code string, remember bool) (*Given, error) {
	tx, choice, err := p.choosing(ctx, v, id, AskFactor, nonce, mfa.OTP)
	if err != nil {
		return nil, err
	}
	err = mfa.Check(ctx, v.Store, tx.UserID, code)
	p.logFactor(ctx, v, tx, factorLogs["otp"], err)
	if err != nil {
		return nil, err
	}
	return p.gaveRemembered(ctx, v, tx, mfa.OTP, remember && choice.Offered)
}

// gaveRemembered is gave, and has the browser remembered where that is wanted.
func (p *Pipeline) gaveRemembered(ctx context.Context, v Visit, tx *stagedoor.Transaction, kind string, remember bool) (*Given, error) {
	given, err := p.gave(ctx, v, tx, kind)
	if err != nil || !remember {
		return given, err
	}
	r, err := mfa.RememberingOf(ctx, v.Store)
	if err == nil {
		given.Remembered, given.Until = stagedoor.NewToken(), v.Store.Clock().Now().Add(r.Lasts())
		err = v.Store.RememberBrowser(ctx, v.Remembered, given.Remembered, tx.UserID, strings.ToValidUTF8(stagedoor.Clip(v.UserAgent, 500), "\ufffd"), v.IP, given.Until)
	}
	return given, err
}

// GiveRecoveryCode takes the person's recovery code on the page of a login. It is used up; the next page shows another one.
func (p *Pipeline) GiveRecoveryCode(ctx context.Context, v Visit, id, nonce, code string) (*Given, error) {
	tx, _, err := p.choosing(ctx, v, id, AskFactor, nonce, mfa.Recovery)
	if err != nil {
		return nil, err
	}
	next, err := mfa.Recover(ctx, v.Store, tx.UserID, code)
	p.logFactor(ctx, v, tx, factorLogs["recovery-code"], err)
	if err != nil {
		return nil, err
	}
	p.FactorChanged(ctx, v, tx.UserID, "recovery_used")
	if err := p.toNote(ctx, v, tx, next); err != nil {
		return nil, err
	}
	return p.gave(ctx, v, tx, "recovery-code")
}

// Enrollment returns what the enrolment page of a login shows: the secret, and what apps call the server.
func (p *Pipeline) Enrollment(ctx context.Context, v Visit, tx *stagedoor.Transaction) (secret, issuer string, err error) {
	if d := demand(tx); d != nil {
		issuer = d.Issuer
	}
	secret, err = p.enrollment(v, tx).Begin(ctx, tx.ExpiresAt)
	return secret, issuer, err
}

func (p *Pipeline) enrollment(v Visit, tx *stagedoor.Transaction) mfa.Enrollment {
	d := demand(tx)
	return mfa.Enrollment{Store: v.Store, UserID: tx.UserID, Key: "login/" + tx.ID, Only: true, First: d == nil || !d.Enroll}
}

// Enroll takes the first code of the person's app on the enrolment page of a login, which is their second factor at once.
func (p *Pipeline) Enroll(ctx context.Context, v Visit, id, nonce, code string) (*Given, error) {
	tx, _, err := p.choosing(ctx, v, id, AskEnroll, nonce, mfa.OTP)
	if err != nil {
		return nil, err
	}
	recovery, err := p.enrollment(v, tx).Confirm(ctx, code)
	return p.enrolled(ctx, v, tx, mfa.OTP, recovery, err)
}

// enrolled goes on with a login in which a factor was set up, or was not.
func (p *Pipeline) enrolled(ctx context.Context, v Visit, tx *stagedoor.Transaction, kind, recovery string, err error) (*Given, error) {
	if stagedoor.HasCode(err, "already_enrolled") { // meanwhile, by another login or the same form sent twice: the next page tells
		return &Given{}, nil
	}
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, lost()
	}
	logs := factorLogs["enroll"]
	if mfa.IsKey(kind) {
		logs = factorLogs["new key"]
	}
	p.logFactor(ctx, v, tx, logs, err)
	if err != nil {
		return nil, err
	}
	p.FactorChanged(ctx, v, tx.UserID, "factor")
	if recovery != "" {
		if err := p.toNote(ctx, v, tx, recovery); err != nil {
			return nil, err
		}
	}
	return p.gave(ctx, v, tx, kind)
}

// toNote keeps a recovery code until the person has noted it down.
func (p *Pipeline) toNote(ctx context.Context, v Visit, tx *stagedoor.Transaction, code string) error {
	tx.Noting = true
	_, err := v.Store.KeepPending(ctx, noteKey(tx), tx.UserID, code, tx.ExpiresAt)
	return err
}

func noteKey(tx *stagedoor.Transaction) string { return "recovery/login/" + tx.ID }

// ToNote returns the recovery code that the page of a login shows, and whether it takes the place of one that was used up.
func (p *Pipeline) ToNote(ctx context.Context, v Visit, tx *stagedoor.Transaction) (code string, used bool, err error) {
	code, err = v.Store.Pending(ctx, noteKey(tx), tx.UserID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		err = lost()
	}
	return code, tx.Proof == "recovery-code", err
}

// Noted lets a login go on whose person has noted their recovery code down, which is forgotten here.
func (p *Pipeline) Noted(ctx context.Context, v Visit, id, nonce string) error {
	tx, err := p.answered(ctx, v, id, AskNote, nonce)
	if err != nil {
		return err
	}
	if err := v.Store.DropPending(ctx, noteKey(tx)); err != nil {
		return err
	}
	tx.Noting, tx.Step, tx.Nonce = false, "", ""
	return v.Store.SaveTransaction(ctx, tx)
}

// gave notes the second factor in the session, which gets another handle: what an old one opens is not more than before. Then the login goes on.
func (p *Pipeline) gave(ctx context.Context, v Visit, tx *stagedoor.Transaction, kind string) (*Given, error) {
	given := &Given{}
	if tx.Reset == nil { // else there is no session
		var err error
		if given.Opened, err = p.gaveInSession(ctx, v, tx, kind); err != nil {
			return nil, err
		}
	}
	tx.Proof, tx.Step, tx.Nonce = kind, "", ""
	if tx.Script != nil {
		tx.Script.Factor = nil
	}
	return given, v.Store.SaveTransaction(ctx, tx)
}

func (p *Pipeline) gaveInSession(ctx context.Context, v Visit, tx *stagedoor.Transaction, kind string) (*Opened, error) {
	opened := &Opened{Handle: stagedoor.NewToken()}
	err := v.Store.RenewSession(ctx, tx.SessionID, opened.Handle, func(s *stagedoor.Session) {
		s.Methods = slices.DeleteFunc(s.Methods, func(m stagedoor.AuthMethod) bool { return m.Name == "mfa" && m.Type == kind })
		s.Methods = append(s.Methods, stagedoor.AuthMethod{Name: "mfa", Type: kind, Timestamp: v.Store.Clock().Now().UnixMilli()})
		opened.Session = s
	})
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, lost()
	}
	return opened, err
}

// factorLogs are the types of log events of what came of a code.
var factorLogs = map[string]struct{ good, wrong, tooMany string }{
	"otp":           {"gd_auth_succeed", "gd_auth_failed", "gd_otp_rate_limit_exceed"},
	"enroll":        {"gd_enrollment_complete", "gd_auth_failed", "gd_otp_rate_limit_exceed"},
	"key":           {"gd_auth_succeed", "gd_webauthn_challenge_failed", "gd_webauthn_challenge_failed"},
	"new key":       {"gd_enrollment_complete", "gd_webauthn_enrollment_failed", "gd_webauthn_enrollment_failed"},
	"recovery-code": {"gd_recovery_succeed", "gd_recovery_failed", "gd_recovery_rate_limit_exceed"},
}

// logFactor notes what came of a code.
func (p *Pipeline) logFactor(ctx context.Context, v Visit, tx *stagedoor.Transaction, types struct{ good, wrong, tooMany string }, err error) {
	e := stagedoor.LogEvent{Type: types.good, ClientID: tx.Request.ClientID, UserID: tx.UserID}
	v.logFactor(ctx, e, types, err)
}

func (v Visit) logFactor(ctx context.Context, e stagedoor.LogEvent, types struct{ good, wrong, tooMany string }, err error) {
	switch {
	case err == nil:
	case mfa.IsWrong(err), mfa.IsDuo(err):
		e.Type = types.wrong
	case stagedoor.IsKind(err, stagedoor.TooMany):
		e.Type = types.tooMany
	default:
		return
	}
	if err != nil {
		e.Description, e.Details = stagedoor.AsError(err).Message, stagedoor.FactorFailure(err)
	}
	if u, err := v.Store.User(ctx, e.UserID); err == nil {
		e.UserName, e.Connection = u.Shown(), u.Connection
	}
	v.Log(e)
}

// enrolledWith is what scripts see of a person's second factors as user.multifactor: nothing, or the one provider that there is.
func enrolledWith(ctx context.Context, st *store.Store, userID string) ([]string, []any, error) {
	all, err := st.AuthenticationMethods(ctx, userID)
	var providers []string
	var factors []any
	for _, m := range all {
		if m.Type == store.TypePasskey || m.Type == "password" { // first factors
			continue
		}
		providers = []string{"guardian"}
		factors = append(factors, map[string]any{"type": cmp.Or(mfa.KindOf(m.Type), m.Type)})
	}
	return providers, factors, err
}
