package pipeline

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/store"
)

// ACRMultiFactor is the context class that asks for a second factor in this login, whatever is remembered (Authentication API fact sheet 2.1).
const ACRMultiFactor = "http://schemas.openid.net/pape/policies/2007/06/multi-factor"

// A browser is remembered for thirty days, unless its person stays away for seven (Authentication API fact sheet 3.5).
const (
	rememberFor  = 30 * 24 * time.Hour
	rememberIdle = 7 * 24 * time.Hour
)

// factor asks for a second factor where scripts, the tenant's policy or the client want one.
func (l *login) factor(ctx context.Context) (string, error) {
	if l.tx.Noting {
		return AskNote, nil
	}
	if l.tx.Proof == "" {
		if ask, err := l.wantsFactor(ctx); ask != "" || err != nil {
			return ask, err
		}
	}
	if l.tx.Proof != "" {
		l.tx.Result.AMR = []string{"mfa"}
		if l.stepsUp() {
			l.tx.Result.ACR = ACRMultiFactor
		}
	}
	return "", nil
}

// stepsUp tells whether the client asks for a second factor.
func (l *login) stepsUp() bool {
	return slices.Contains(strings.Fields(strings.Join(l.tx.Request.Query["acr_values"], " ")), ACRMultiFactor)
}

// wantsFactor says which page asks for the second factor, none if there is no need.
func (l *login) wantsFactor(ctx context.Context) (string, error) {
	d := l.tx.Factor
	if d != nil && d.None {
		return "", nil
	}
	settings, err := mfa.SettingsOf(ctx, l.st)
	if err != nil {
		return "", err
	}
	up := l.stepsUp()
	switch {
	case d == nil && !up && !settings.Always:
		return "", nil
	case d == nil && !settings.OTP && !settings.Others: // the tenant has none, so that its policy asks for none
		return "", nil
	case d == nil && !up && l.session.Has("mfa"):
		return "", nil
	}
	if (d == nil || d.Remember) && !up {
		is, err := l.remembered(ctx)
		if is || err != nil {
			return "", err
		}
	}
	return l.askFactor(ctx, settings, d)
}

// remembered tells whether the person gave their second factor in this browser, and still has one.
func (l *login) remembered(ctx context.Context) (bool, error) {
	if l.visit.Remembered == "" {
		return false, nil
	}
	return l.st.BrowserRemembered(ctx, l.visit.Remembered, l.user.ID, rememberIdle)
}

// askFactor says which page asks for a factor, or why none can. Who has none enrols one on the way.
func (l *login) askFactor(ctx context.Context, settings mfa.Settings, d *stagedoor.FactorDemand) (string, error) {
	methods, err := mfa.MethodsOf(ctx, l.st, l.user.ID)
	if err != nil {
		return "", err
	}
	may := (settings.OTP || d != nil && d.Always) && d.Takes("otp")
	ask := ""
	switch {
	case d != nil && d.Enroll:
		if may && !methods.OTP {
			ask = AskEnroll
		}
	case may && methods.OTP, settings.Recovery && methods.Recovery && d.Takes("recovery-code") && (may || d != nil && d.Types != nil):
		ask = AskFactor
	case d != nil && d.Types != nil: // a challenge that nobody can answer
	case may && methods.Others:
		err = mfa.ErrOthers()
	case may:
		ask = AskEnroll
	default:
		err = mfa.ErrOff()
	}
	if ask == "" && err == nil {
		err = scripted("access_denied", "An action asked for a second factor, but for none that the user can give here.")
	}
	if ask != "" && l.tx.Step != ask && !l.tx.Request.HasPrompt("none") {
		l.logAsked(ask, d != nil)
	}
	return ask, err
}

func (l *login) logAsked(ask string, byScript bool) {
	if byScript {
		l.visit.log(l.event("mfar"))
	}
	kind := "gd_start_auth"
	if ask == AskEnroll {
		kind = "gd_start_enroll"
	}
	l.visit.log(l.event(kind))
}

// FactorChoice is what the page that asks for a factor offers.
type FactorChoice struct {
	OTP, Recovery bool
	Remember      bool // the browser may be remembered
}

// FactorChoice tells what the page of a login under way offers.
func (p *Pipeline) FactorChoice(ctx context.Context, v Visit, tx *stagedoor.Transaction) (FactorChoice, error) {
	settings, err := mfa.SettingsOf(ctx, v.Store)
	if err != nil {
		return FactorChoice{}, err
	}
	m, err := mfa.MethodsOf(ctx, v.Store, tx.UserID)
	d := demand(tx)
	return FactorChoice{
		OTP:      m.OTP && d.Takes("otp"),
		Recovery: m.Recovery && settings.Recovery && d.Takes("recovery-code"),
		Remember: d == nil || d.Remember,
	}, err
}

// Given is what the door has to give to the browser after a second factor.
type Given struct {
	*Opened
	Remembered string    // the value of the cookie by which the browser is remembered; empty if it is not
	Until      time.Time // how long
}

// choosing is a login whose page of factors was answered, and what the person may choose from there.
func (p *Pipeline) choosing(ctx context.Context, v Visit, id, nonce string) (*stagedoor.Transaction, FactorChoice, error) {
	tx, err := p.answered(ctx, v, id, AskFactor, nonce)
	if err != nil {
		return nil, FactorChoice{}, err
	}
	choice, err := p.FactorChoice(ctx, v, tx)
	return tx, choice, err
}

// GiveCode takes a code of the person's app on the page of a login.
func (p *Pipeline) GiveCode(ctx context.Context, v Visit, id, nonce, code string, remember bool) (*Given, error) {
	tx, choice, err := p.choosing(ctx, v, id, nonce)
	if err != nil {
		return nil, err
	}
	if !choice.OTP {
		return nil, lost()
	}
	err = mfa.Check(ctx, v.Store, tx.UserID, code)
	p.logFactor(ctx, v, tx, factorLogs["otp"], err)
	if err != nil {
		return nil, err
	}
	given, err := p.gave(ctx, v, tx, "otp")
	if err == nil && remember && choice.Remember {
		given.Remembered, given.Until = stagedoor.NewToken(), v.Store.Clock().Now().Add(rememberFor)
		err = v.Store.RememberBrowser(ctx, v.Remembered, given.Remembered, tx.UserID, given.Until)
	}
	return given, err
}

// GiveRecoveryCode takes the person's recovery code on the page of a login. It is used up; the next page shows another one.
func (p *Pipeline) GiveRecoveryCode(ctx context.Context, v Visit, id, nonce, code string) (*Given, error) {
	tx, choice, err := p.choosing(ctx, v, id, nonce)
	if err != nil {
		return nil, err
	}
	if !choice.Recovery {
		return nil, lost()
	}
	next, err := mfa.Recover(ctx, v.Store, tx.UserID, code)
	p.logFactor(ctx, v, tx, factorLogs["recovery-code"], err)
	if err != nil {
		return nil, err
	}
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
	return mfa.Enrollment{Store: v.Store, UserID: tx.UserID, Key: "login/" + tx.ID, Only: true}
}

// Enroll takes the first code of the person's app on the enrolment page of a login, which is their second factor at once.
func (p *Pipeline) Enroll(ctx context.Context, v Visit, id, nonce, code string) (*Given, error) {
	tx, err := p.answered(ctx, v, id, AskEnroll, nonce)
	if err != nil {
		return nil, err
	}
	recovery, err := p.enrollment(v, tx).Confirm(ctx, code)
	if stagedoor.HasCode(err, "already_enrolled") { // meanwhile, by another login or the same form sent twice: the next page tells
		return &Given{}, nil
	}
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, lost()
	}
	p.logFactor(ctx, v, tx, factorLogs["enroll"], err)
	if err != nil {
		return nil, err
	}
	if recovery != "" {
		if err := p.toNote(ctx, v, tx, recovery); err != nil {
			return nil, err
		}
	}
	return p.gave(ctx, v, tx, "otp")
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
	case mfa.IsWrong(err):
		e.Type = types.wrong
	case stagedoor.IsKind(err, stagedoor.TooMany):
		e.Type = types.tooMany
	default:
		return
	}
	if err != nil {
		e.Description = stagedoor.AsError(err).Message
	}
	if u, err := v.Store.User(ctx, e.UserID); err == nil {
		e.UserName, e.Connection = u.Email, u.Connection
	}
	v.log(e)
}

// enrolledWith is what scripts see of a person's second factors as user.multifactor: nothing, or the one provider that there is.
func enrolledWith(ctx context.Context, st *store.Store, userID string) ([]string, []any, error) {
	all, err := st.AuthenticationMethods(ctx, userID)
	var providers []string
	var factors []any
	for _, m := range all {
		kind := map[string]string{"totp": "otp", "passkey": "", "password": ""}
		name, known := kind[m.Type]
		if !known {
			name = m.Type
		}
		if name == "" {
			continue
		}
		providers = []string{"guardian"}
		factors = append(factors, map[string]any{"type": name})
	}
	return providers, factors, err
}
