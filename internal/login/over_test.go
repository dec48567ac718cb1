package login_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
)

// TestLoginThatIsOver: an organization that is deleted, or a connection that is switched off, while somebody is on a page of a login, ends it at the client,
// which sent them, and not at a page of ours. The log has why.
func TestLoginThatIsOver(t *testing.T) {
	each(t, func(w *world) {
		told := func(how string, b *browser, r *reply, why string) {
			w.Helper()
			q := b.finish(r)
			if q.Get("error") != "invalid_request" || !strings.HasPrefix(q.Get("error_description"), why) || q.Get("state") != "s t" {
				w.Errorf("%s: %v", how, q)
			}
			if got := w.events(); !strings.HasSuffix(got, "f") {
				w.Errorf("%s: the log has %s", how, got)
			}
		}
		o := w.organized("allow", "no_prompt", nil, "ada@example.com")
		// At the login page: read again, and posted.
		read, posts, away := w.browser(), w.browser(), w.browser()
		first := read.begin("organization", o.ID).want(http.StatusOK)
		second := posts.begin("organization", o.ID).want(http.StatusOK)
		third := away.begin("organization", o.ID).want(http.StatusOK)
		w.ok(w.st.DeleteOrganization(w.Context(), o.ID))
		told("read", read, read.get(first.action()), "parameter organization is invalid: "+o.ID)
		told("posted", posts, posts.submit(second, "username", "ada@example.com", "password", good), "parameter organization is invalid: "+o.ID)
		told("resumed", away, away.get(strings.Replace(third.action(), "/u/login", "/authorize/resume", 1)), "parameter organization is invalid: "+o.ID)
		posts.get(second.action()).want(http.StatusBadRequest).says("lost_transaction") // it ended once

		b := w.browser()
		page := b.begin().want(http.StatusOK)
		_, err := w.st.UpdateConnection(w.Context(), w.conn.ID, func(c *stagedoor.Connection) error { c.EnabledClients = nil; return nil })
		w.ok(err)
		told("connection", b, b.submit(page, "username", "ada@example.com", "password", good), "no connections enabled for the client")
	})
}
