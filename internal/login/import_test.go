package login_test

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/job"
)

// TestImportedSignsIn: people who were imported sign in with the passwords that they had, and have hashes of ours from then on.
func TestImportedSignsIn(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.Context()
		j := &stagedoor.Job{Type: stagedoor.JobImport, Status: stagedoor.JobUploading, ConnectionID: w.conn.ID, Connection: w.conn.Name}
		w.ok(w.st.CreateJob(ctx, j, 0))
		w.ok(w.st.AddJobPart(ctx, j.ID, 0, []byte(`[{"email":"old@x.test","user_id":"old","password_hash":"$2b$10$rJsmhNOCcLUL3aH60jreV.csTi/59rVLiGLKCuIMANNlkqhN2hiAG"},
			{"email":"pepper@x.test","user_id":"pepper","custom_password_hash":{"algorithm":"hmac","hash":{"value":"bb901c31a45f1239980f71d72dc5ac716ca120e60fb44625faf83a922b08008a","encoding":"hex","digest":"sha256","key":{"value":"pepper"}}}}]`)))
		w.ok(w.st.SubmitJob(ctx, j))
		_, err := job.New(job.Deps{DB: w.db, Log: slog.Default(), Identify: connection.Identify}).Once(ctx)
		w.ok(err)
		for _, who := range []struct{ email, id, secret string }{{"old@x.test", "auth0|old", "Correct-Horse-7"}, {"pepper@x.test", "auth0|pepper", "Correct-Horse-8"}} {
			for range 2 {
				b := w.browser()
				if got := b.submit(b.begin(), "username", who.email, "password", "Wrong-Horse-1").status; got == http.StatusSeeOther {
					w.Errorf("%s signs in with a wrong password", who.email)
				}
				b = w.browser()
				if got := b.submit(b.begin(), "username", who.email, "password", who.secret).status; got != http.StatusSeeOther {
					w.Errorf("%s does not sign in: %d", who.email, got)
				}
				hash, err := w.st.PasswordHash(ctx, who.id)
				w.ok(err)
				if !strings.HasPrefix(hash, "$argon2id$") {
					w.Errorf("the hash of %s stays %.20s", who.email, hash)
				}
			}
		}
	})
}

// TestPasswordTicket: the link of a ticket works once, and the browser goes where the ticket says.
func TestPasswordTicket(t *testing.T) {
	each(t, func(w *world) {
		u := w.found("ada@example.com")
		w.ok(w.st.CreateTicket(w.Context(), "t", &stagedoor.Ticket{
			Kind: stagedoor.TicketReset, UserID: u.ID, Email: u.Email, ResultURL: "https://app.example/done?tab=1", ExpiresAt: w.clock().Add(time.Hour), MarkVerified: true,
		}))
		b := w.browser()
		form := b.get("/u/reset-password?ticket=t").want(http.StatusOK)
		to, err := url.Parse(b.submit(form, "password", "Another-Horse-2").want(http.StatusSeeOther).to())
		w.ok(err)
		want := url.Values{
			"tab": {"1"}, "success": {"true"}, "code": {"success"}, "message": {"You can now login to the application with the new password."},
			"supportSignUp": {"true"}, "supportForgotPassword": {"true"},
		}
		if to.Host != "app.example" || to.Path != "/done" || to.Query().Encode() != want.Encode() {
			w.Errorf("leads to %s", to)
		}
		if !w.found("ada@example.com").EmailVerified || !w.signsIn("Another-Horse-2") {
			w.Error("not verified, or the new password does not work")
		}
		b.get("/u/reset-password?ticket=t").want(http.StatusBadRequest).says("This link was used already")
	})
}
