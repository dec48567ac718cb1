package login_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/store"
)

// TestPanicOfAMail: a panic while a mail is made or sent ends this mail alone, and is in the server's log: the next one is sent.
func TestPanicOfAMail(t *testing.T) {
	each(t, func(w *world) {
		w.configure(func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox = false })
		b, sent := w.browser(), 0
		ask := func() {
			b.do(http.MethodPost, changePath, `{"client_id":"app","email":"ada@example.com","connection":"Users"}`, "Content-Type", "application/json").want(http.StatusOK)
			w.ok(w.door.Wait(w.Context()))
		}
		w.send = func(context.Context, *store.Store, mail.Message) error { panic("nobody has thought of it") }
		ask()
		if log := w.log.String(); !strings.Contains(log, "panic") || !strings.Contains(log, "nobody has thought of it") || !strings.Contains(log, "tenant=acme") {
			w.Errorf("log %s", log)
		}
		w.send = func(context.Context, *store.Store, mail.Message) error { sent++; return nil }
		if ask(); sent != 1 {
			w.Errorf("%d mails were sent", sent)
		}
	})
}
