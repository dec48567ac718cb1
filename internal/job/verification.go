package job

import (
	"context"

	"github.com/stagedoor/stagedoor"
)

// sendVerification sends the mail that asks a user to verify the address. For one who has done so the job fails, as on the wire.
func (r *Runner) sendVerification(ctx context.Context, w *work) error {
	u, err := w.st.User(ctx, w.UserID)
	switch {
	case stagedoor.IsKind(err, stagedoor.NotFound):
		return stagedoor.Errorf(stagedoor.Invalid, "", "The user does not exist.")
	case err != nil:
		return err
	case u.Email == "":
		return refused(w, u, "The user does not have an email address.")
	case u.EmailVerified:
		return refused(w, u, "The user's email is already verified.")
	}
	w.lease.For = mailFor
	if err := w.save(ctx); err != nil {
		return err
	}
	if err := r.SendVerification(ctx, w.st.Under(w.Domain), u, w.ClientID, w.OrganizationID); err != nil {
		if w.Tries >= maxTries { // else it is tried again
			logVerification(w, u, "fvr", "The mail could not be sent.")
		}
		return err
	}
	logVerification(w, u, "svr", "")
	return r.complete(context.WithoutCancel(ctx), w)
}

// refused is why no mail is sent to a user.
func refused(w *work, u *stagedoor.User, why string) error {
	logVerification(w, u, "fvr", why)
	return stagedoor.Errorf(stagedoor.Invalid, "", "%s", why)
}

// logVerification tells the tenant's log what became of the request for a mail.
func logVerification(w *work, u *stagedoor.User, kind, why string) {
	body := map[string]any{"user_id": u.ID, "job_id": w.ID, "tenant": w.st.Tenant().ID, "connection": u.Connection, "template": map[string]any{"type": "verify_email"}}
	for name, value := range map[string]string{"client_id": w.ClientID, "email": u.Email, "to": u.Email} {
		if value != "" {
			body[name] = value
		}
	}
	w.st.Log(stagedoor.LogEvent{
		Type: kind, Description: why, ClientID: w.ClientID, UserID: u.ID, UserName: u.Shown(), Connection: u.Connection, OrgID: w.OrganizationID,
		Details: map[string]any{"body": body},
	})
}
