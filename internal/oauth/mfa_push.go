package oauth

import (
	"context"
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/store"
)

// deviceOOB is the oob_code by which a client asks whether a device is set up: each mfa_token has one, that nobody else knows.
func deviceOOB(token string) string { return jose.HashToken("oob_code of a device\x00" + token) }

// askDevice has a person's device asked for the request of an mfa_token, and returns the oob_code by which the client asks for the answer.
func (d *Door) askDevice(r *http.Request, st *store.Store, t *stagedoor.MFAToken, token string, client *stagedoor.Client, m *stagedoor.AuthenticationMethod) (string, error) {
	u, err := st.User(r.Context(), t.UserID)
	if err != nil {
		return "", err
	}
	oob := stagedoor.NewToken()
	return oob, d.Pipeline.AskDevice(r.Context(), visit(r, st), u, client, oobKey(oob), token, m, false)
}

// associateDevice lets an app set up its device as a factor of the person.
func (d *Door) associateDevice(r *http.Request, st *store.Store, t *stagedoor.MFAToken, token string, u *stagedoor.User) (map[string]any, error) {
	uri, err := d.Pipeline.BeginPush(r.Context(), visit(r, st), association(st, t, token), u, jose.HashToken(token), t.ExpiresAt)
	return map[string]any{"authenticator_type": "oob", "oob_channel": "auth0", "oob_code": deviceOOB(token), "barcode_uri": uri}, err
}

// askedDevice is the answer of a device to the question of an oob_code: nothing if it approved, or was set up. is tells whether the oob_code is of such a question.
func (t *tokenRequest) askedDevice(ctx context.Context, token *stagedoor.MFAToken, oob string) (is bool, err error) {
	mine := t.params["mfa_token"]
	e := association(t.st, token, mine)
	of, enrolls := oobKey(oob), jose.Equal(oob, deviceOOB(mine))
	if enrolls {
		of = mfa.DeviceKey(e.Key)
	}
	c, err := t.st.Push(ctx, of)
	switch {
	case stagedoor.IsKind(err, stagedoor.NotFound) && !enrolls: // of a code that was sent
		return false, nil
	case stagedoor.IsKind(err, stagedoor.NotFound):
		return true, stagedoor.Errorf(stagedoor.Forbidden, "expired_token", "oob_code is expired")
	case err != nil:
		return true, err
	case !jose.Equal(c.MFAToken, jose.HashToken(mine)):
		return true, invalid("The oob_code doesn't match the mfa_token")
	}
	if tooFast, err := t.st.PollPush(ctx, of, mfa.PushInterval); err != nil {
		return true, err
	} else if tooFast && c.State == stagedoor.PushPending {
		return true, stagedoor.Errorf(stagedoor.TooMany, "slow_down", "You are polling faster than the specified interval of %d seconds.", int(mfa.PushInterval.Seconds()))
	}
	logged := "gd_auth_succeed"
	if enrolls {
		logged = "gd_enrollment_complete"
		_, err = e.ConfirmDevice(ctx)
	} else {
		err = mfa.CheckDevice(ctx, t.st, token.UserID, of)
	}
	switch {
	case err == nil:
		if t.proof = mfa.Push; enrolls {
			t.changed = "factor"
		}
		t.logFactor(logged, nil)
	case stagedoor.IsKind(err, stagedoor.NotFound): // another request was faster, or the device is gone
		err = stagedoor.Errorf(stagedoor.Forbidden, "expired_token", "oob_code is expired")
	}
	return true, err
}
