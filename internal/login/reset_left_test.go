package login_test

import (
	"context"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Attack (account pre-hijacking): whoever signed up with the victim's address has a passkey, or a linked account of their own. The victim chooses a password, and their browser takes the
// request back as soon as the link is used up: a click too many on the button does that, and so does a tab that is closed. What the attacker has ends all the same.
func TestPreHijackedAndLeft(t *testing.T) {
	each(t, func(w *world) {
		id := w.found("ada@example.com").ID
		w.verified("ada@example.com", false)
		w.ok(w.st.AddAuthenticationMethods(w.Context(), id, []*stagedoor.AuthenticationMethod{{Type: store.TypePasskey, KeyID: "theirs"}}, false))
		b := w.browser()
		b.submit(b.get("/u/forgot"), "email", "ada@example.com")
		link := w.link()
		action, form := b.get(link).form("password", "Another-Horse-2")
		ticket, err := url.Parse(link)
		w.ok(err)
		ctx, leave := context.WithCancel(w.Context())
		var asked atomic.Bool
		w.asks = func() {
			if asked.CompareAndSwap(false, true) { // it asks for the time itself
				if _, err := w.st.Ticket(context.Background(), ticket.Query().Get("ticket"), stagedoor.TicketReset); stagedoor.IsKind(err, stagedoor.NotFound) {
					leave()
				}
				asked.Store(false)
			}
		}
		r := httptest.NewRequestWithContext(ctx, "POST", b.origin+action, strings.NewReader(form.Encode()))
		r.RemoteAddr = b.from
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Origin", b.origin)
		for _, c := range b.jar.Cookies(r.URL) {
			r.AddCookie(c)
		}
		w.mux.ServeHTTP(httptest.NewRecorder(), r)
		w.asks = nil
		if ctx.Err() == nil {
			w.Fatal("it has not left")
		}
		if _, _, err := w.pipe.Database.Authenticate(w.Context(), w.st, w.conn, "ada@example.com", "Another-Horse-2"); err != nil {
			w.Errorf("the new password: %v", err)
		}
		if methods, err := w.st.AuthenticationMethods(w.Context(), id); err != nil || len(methods) != 0 {
			w.Errorf("the attacker's passkey stays: %+v %v", methods, err)
		}
		w.logs(`"type":"scp"`)
	})
}
