package saml_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
)

// A client of SAML takes a session transfer token as one of OAuth does, once.
func TestSessionTransfer(t *testing.T) {
	each(t, func(w *world) {
		u := w.ada()
		w.ok(w.st.CreateRefreshToken(t.Context(), "refresh", &stagedoor.RefreshToken{ID: "rt_1", FamilyID: "family", UserID: u.ID, ClientID: "plain"}))
		w.ok(w.st.SaveSessionTransfer(t.Context(), "transfer", &stagedoor.SessionTransferToken{
			Transferred: stagedoor.Transferred{ClientID: "plain", Family: "family", TokenID: "rt_1"}, UserID: u.ID, Connection: "Users",
			AuthenticatedAt: w.clock(), IP: "192.0.2.7", ExpiresAt: w.clock().Add(time.Minute),
		}))
		_, err := w.st.UpdateClient(t.Context(), "app", func(c *stagedoor.Client) error {
			c.Stored["session_transfer"] = json.RawMessage(`{"allowed_authentication_methods":["query"]}`)
			return nil
		})
		w.ok(err)
		b := w.browser()
		if values := b.get("/samlp/app?session_transfer_token=transfer").posted(); values.Get("SAMLResponse") == "" {
			w.Errorf("no answer: %v", values)
		}
		again := w.browser().get("/samlp/app?session_transfer_token=transfer")
		if !strings.Contains(again.body, `type="password"`) {
			w.Errorf("used twice: %d %.300s", again.status, again.body)
		}
	})
}
