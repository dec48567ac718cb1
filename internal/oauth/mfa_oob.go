package oauth

import (
	"context"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
)

// grantOOB is the grant by which a token request goes on with a code that was sent to its person (Authentication API fact sheet 4.6).
const grantOOB = "http://auth0.com/oauth/grant-type/mfa-oob"

// oobKey is what a code belongs to that was sent for an oob_code.
func oobKey(oob string) string { return "oob/" + oob }

// sendOOB has a code sent for the request of an mfa_token, and returns the oob_code by which it is asked for.
func (d *Door) sendOOB(ctx context.Context, v pipeline.Visit, t *stagedoor.MFAToken, token string, client *stagedoor.Client, c mfa.SentCode) (string, error) {
	u, err := v.Store.User(ctx, t.UserID)
	if err != nil {
		return "", err
	}
	oob := stagedoor.NewToken()
	c.Token = jose.HashToken(token)
	_, err = d.Pipeline.SendFactorCode(ctx, v, u, client, oobKey(oob), c, false)
	return oob, err
}

// sentOOB is the code that was sent for an oob_code, if it belongs to the mfa_token.
func sentOOB(ctx context.Context, st *store.Store, oob, token string) (mfa.SentCode, error) {
	c, err := mfa.CodeSent(ctx, st, oobKey(oob))
	switch {
	case stagedoor.IsKind(err, stagedoor.NotFound):
		return c, stagedoor.Errorf(stagedoor.Forbidden, "expired_token", "oob_code is expired")
	case err != nil:
		return c, err
	case !jose.Equal(c.Token, jose.HashToken(token)):
		return c, invalid("The oob_code doesn't match the mfa_token")
	}
	return c, nil
}

// redeemOOB goes on with a token request by the code that was sent to its person: of a method that they have, or of the one that they set up.
func redeemOOB(ctx context.Context, t *tokenRequest) (*tokenResponse, error) {
	return t.redeemFactor(ctx, "oob_code", func(token *stagedoor.MFAToken, oob string) error {
		if is, err := t.askedDevice(ctx, token, oob); is || err != nil {
			return err
		}
		c, err := sentOOB(ctx, t.st, oob, t.params["mfa_token"])
		if err != nil {
			return err
		}
		code := t.params["binding_code"]
		if code == "" {
			return missing("binding_code")
		}
		logged := "gd_auth_succeed"
		if c.Enroll {
			logged = "gd_enrollment_complete"
			_, err = association(t.st, token, t.params["mfa_token"]).ConfirmSent(ctx, oobKey(oob), c.Kind, code)
		} else {
			_, err = mfa.CheckCode(ctx, t.st, token.UserID, oobKey(oob), c.Kind, code)
		}
		switch {
		case err == nil:
			if t.proof = c.Kind; c.Enroll {
				t.changed = "factor"
			}
			t.logFactor(logged, nil)
		case mfa.IsWrong(err):
			t.logFactor("gd_auth_failed", err)
			return invalidGrant("Invalid binding_code.")
		case stagedoor.IsKind(err, stagedoor.TooMany):
			t.logFactor("gd_otp_rate_limit_exceed", err)
		}
		return err
	})
}

// authenticatorID is what the MFA API calls a method: phones by the way in which codes reach them.
func authenticatorID(m *stagedoor.AuthenticationMethod) string {
	if m.Type == mfa.Phone {
		return mfa.TargetOf(m).Channel + "|" + m.Device()
	}
	return m.ID
}

// madeID is the id of a method that has none of its own, made of what it belongs to.
func madeID(kind, of string) string {
	return kind + "|dev_" + strings.NewReplacer("-", "x", "_", "x").Replace(jose.HashToken(of))[:16]
}

// ownMail is the person's own verified address as a method, nil if codes do not go there.
func ownMail(ctx context.Context, st *store.Store, userID string, methods mfa.Methods) (*stagedoor.AuthenticationMethod, error) {
	if !methods.Mail {
		return nil, nil
	}
	u, err := st.User(ctx, userID)
	if err != nil {
		return nil, err
	}
	return &stagedoor.AuthenticationMethod{ID: madeID("email", "mail of "+userID), Type: mfa.Email, Email: u.Email}, nil
}

// factorsOf are a person's methods as the MFA API knows them.
func factorsOf(ctx context.Context, st *store.Store, userID string) ([]stagedoor.AuthenticationMethod, mfa.Methods, error) {
	methods, err := mfa.MethodsOf(ctx, st, userID)
	if err != nil {
		return nil, methods, err
	}
	all, err := st.AuthenticationMethods(ctx, userID)
	if err != nil {
		return nil, methods, err
	}
	own, err := ownMail(ctx, st, userID, methods)
	if own != nil {
		all = append(all, *own)
	}
	return all, methods, err
}

// apiKinds are the kinds that a person can give at the token endpoint: keys sign on pages of ours only.
func apiKinds(kinds []string) (out []string) {
	for _, k := range kinds {
		if !mfa.IsKey(k) {
			out = append(out, k)
		}
	}
	return out
}
