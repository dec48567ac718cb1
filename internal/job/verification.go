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
		return stagedoor.Errorf(stagedoor.Invalid, "", "The user does not have an email address.")
	case u.EmailVerified:
		return stagedoor.Errorf(stagedoor.Invalid, "", "The user's email is already verified.")
	}
	w.lease.For = mailFor
	if err := w.save(ctx); err != nil {
		return err
	}
	if err := r.SendVerification(ctx, w.st.Under(w.Domain), u, w.ClientID, w.OrganizationID); err != nil {
		return err
	}
	return r.complete(context.WithoutCancel(ctx), w)
}
