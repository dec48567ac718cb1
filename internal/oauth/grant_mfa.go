package oauth

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
)

// The grants by which a token request goes on that needs a second factor (Authentication API fact sheet 4.6).
const (
	grantOTP      = "http://auth0.com/oauth/grant-type/mfa-otp"
	grantRecovery = "http://auth0.com/oauth/grant-type/mfa-recovery-code"
)

// mfaTokenLife is how long an mfa_token works (Authentication API fact sheet 5.6).
const mfaTokenLife = 10 * time.Minute

// requireFactor keeps a token request until its person gives a second factor, and is the answer that says so.
func (t *tokenRequest) requireFactor(ctx context.Context, waits stagedoor.MFAToken) error {
	settings, err := mfa.SettingsOf(ctx, t.st)
	if err != nil {
		return err
	}
	methods, err := mfa.MethodsOf(ctx, t.st, waits.UserID)
	may := apiKinds(mfa.Enrollable(settings.On))
	give := slices.DeleteFunc(apiKinds(methods.Have), func(k string) bool { return !settings.Has(k) })
	switch {
	case err != nil:
		return err
	case len(may) == 0:
		return mfa.ErrOff()
	case !methods.None() && len(give) == 0: // keys sign on pages of ours only
		return mfa.ErrOthers()
	}
	needs := map[string]any{"enroll": types(may...)}
	if len(give) > 0 {
		needs = map[string]any{"challenge": types(give...)}
	}
	token := stagedoor.NewToken()
	waits.ClientID, waits.ExpiresAt = t.client.ID, t.st.Clock().Now().Add(mfaTokenLife)
	if err := t.st.SaveMFAToken(ctx, token, &waits); err != nil {
		return err
	}
	e := *t.event
	e.Type = "mfar"
	t.st.Log(e)
	refusal := *stagedoor.AsError(pipeline.ErrFactorRequired())
	refusal.Extra = map[string]any{"mfa_token": token, "mfa_requirements": needs}
	return &refusal
}

func types(names ...string) []map[string]string {
	out := []map[string]string{}
	for _, n := range names {
		out = append(out, map[string]string{"type": n})
	}
	return out
}

// mfaToken finds what an mfa_token stands for, without using it up.
func mfaToken(ctx context.Context, st *store.Store, token, clientID string) (*stagedoor.MFAToken, error) {
	t, err := st.MFAToken(ctx, token)
	switch {
	case stagedoor.IsKind(err, stagedoor.NotFound):
		return nil, invalidGrant("Malformed mfa_token")
	case err != nil:
		return nil, err
	case clientID != "" && t.ClientID != clientID:
		return nil, invalid("mfa_token not issued to this client")
	case !st.Clock().Now().Before(t.ExpiresAt):
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "expired_token", "mfa_token is expired")
	}
	return t, nil
}

// redeemOTP goes on with a token request by a code of the person's app: of the one that they have, or of the one that they have just set up.
func redeemOTP(ctx context.Context, t *tokenRequest) (*tokenResponse, error) {
	t.proof = "otp"
	return t.redeemFactor(ctx, "otp", func(token *stagedoor.MFAToken, code string) error {
		if settings, err := mfa.SettingsOf(ctx, t.st); err != nil {
			return err
		} else if !settings.Has(mfa.OTP) { // the request asks for another one
			return invalidGrant("MFA Authorization rejected.")
		}
		e := association(t.st, token, t.params["mfa_token"])
		_, err := e.Confirm(ctx, code)
		if err == nil {
			t.changed = "factor"
			t.logFactor("gd_enrollment_complete", nil)
		}
		if token.Enroll && stagedoor.IsKind(err, stagedoor.NotFound) {
			return errForEnrolment()
		}
		if !token.Enroll && (stagedoor.IsKind(err, stagedoor.NotFound) || stagedoor.HasCode(err, "already_enrolled")) {
			if err = t.enrolled(ctx, token.UserID); err == nil {
				err = mfa.Check(ctx, t.st, token.UserID, code)
			}
			if err == nil {
				t.logFactor("gd_auth_succeed", nil)
			}
		}
		if mfa.IsWrong(err) {
			t.logFactor("gd_auth_failed", err)
			return invalidGrant("Invalid otp_code.")
		}
		if stagedoor.IsKind(err, stagedoor.TooMany) {
			t.logFactor("gd_otp_rate_limit_exceed", err)
		}
		return err
	})
}

// redeemRecovery goes on with a token request by the person's recovery code, and answers the one that takes its place.
func redeemRecovery(ctx context.Context, t *tokenRequest) (*tokenResponse, error) {
	t.proof = "recovery-code"
	next := ""
	resp, err := t.redeemFactor(ctx, "recovery_code", func(token *stagedoor.MFAToken, code string) error {
		if token.Enroll {
			return errForEnrolment()
		}
		settings, err := mfa.SettingsOf(ctx, t.st)
		if err == nil && !settings.Has(mfa.Recovery) {
			err = invalidGrant("MFA Authorization rejected.")
		}
		if err != nil {
			return err
		}
		next, err = mfa.Recover(ctx, t.st, token.UserID, code)
		switch {
		case err == nil:
			t.changed = "recovery_used"
			t.logFactor("gd_recovery_succeed", nil)
		case mfa.IsWrong(err):
			t.logFactor("gd_recovery_failed", err)
			return invalidGrant("MFA Authorization rejected.")
		case stagedoor.IsKind(err, stagedoor.TooMany):
			t.logFactor("gd_recovery_rate_limit_exceed", err)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	resp.RecoveryCode = next
	return resp, nil
}

// redeemFactor checks a code and goes on with the request that waits for it: scripts run again, and find the second factor given.
// The mfa_token is used up by a code that is right.
func (t *tokenRequest) redeemFactor(ctx context.Context, param string, check func(*stagedoor.MFAToken, string) error) (*tokenResponse, error) {
	for _, name := range []string{"mfa_token", param} {
		if t.params[name] == "" {
			return nil, missing(name)
		}
	}
	token, err := mfaToken(ctx, t.st, t.params["mfa_token"], t.client.ID)
	if err != nil {
		return nil, err
	}
	t.event.UserID = token.UserID
	if u, err := t.st.User(ctx, token.UserID); err == nil {
		t.event.UserName, t.event.Connection = u.Shown(), u.Connection
	}
	if err := check(token, t.params[param]); stagedoor.HasCode(err, "already_enrolled") { // with something else, since this began
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "User is already enrolled.")
	} else if err != nil {
		return nil, err
	}
	if t.changed != "" {
		t.Pipeline.FactorChanged(ctx, t.visit, token.UserID, t.changed)
	}
	if token, err = t.st.ConsumeMFAToken(ctx, t.params["mfa_token"]); stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, invalidGrant("Malformed mfa_token")
	} else if err != nil {
		return nil, err
	}
	if token.RefreshToken == "" {
		return t.resume(ctx, token)
	}
	t.params["refresh_token"], t.params["scope"], t.params["audience"] = token.RefreshToken, strings.Join(token.Scope, " "), token.Audience
	return redeemRefreshToken(ctx, t)
}

// enrolled refuses who has no app.
func (t *tokenRequest) enrolled(ctx context.Context, userID string) error {
	m, err := mfa.MethodsOf(ctx, t.st, userID)
	if err == nil && !m.Has(mfa.OTP) {
		err = errNotEnrolled()
	}
	return err
}

func errNotEnrolled() error {
	return stagedoor.Errorf(stagedoor.Forbidden, "association_required", "User is not enrolled. You can use /mfa/associate endpoint to enroll the first authenticator.")
}

func (t *tokenRequest) logFactor(kind string, err error) {
	e := *t.event
	if e.Type = kind; err != nil {
		e.Description, e.Details = stagedoor.AsError(err).Message, stagedoor.FactorFailure(err)
	}
	t.st.Log(e)
}
