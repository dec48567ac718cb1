package login_test

import (
	"context"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// TestApprovalUnsent: a client learns that the mail could not be sent by which it asks for an approval, and the tenant's log why nobody was asked.
func TestApprovalUnsent(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.send = func(context.Context, *store.Store, mail.Message) error { return errStop }
	ada, client := w.found("ada@example.com"), must(w.st.Client(t.Context(), "app"))
	err := w.door.SendApproval(t.Context(), w.st, ada, client, origin+"/u/approve?ticket=x", "en", time.Minute)
	e := stagedoor.AsError(err)
	if e.Kind != stagedoor.Unavailable || e.Code != "temporarily_unavailable" || e.Message != "The mail that asks the person for their approval could not be sent." {
		t.Errorf("error %v", err)
	}
	if got := w.events(); got != "fn" {
		t.Errorf("events %s", got)
	}
}
