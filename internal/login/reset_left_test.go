package login_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// leavesWhen takes back the request that do sends as soon as something is so, which is looked at whenever the database asks for the time.
func (w *world) leavesWhen(is func() bool, do func()) {
	w.Helper()
	ctx, leave := context.WithCancel(w.Context())
	defer leave()
	var looking atomic.Bool
	w.left, w.asks = ctx, func() {
		if looking.CompareAndSwap(false, true) { // who looks asks for the time, too
			if is() {
				leave()
			}
			looking.Store(false)
		}
	}
	do()
	w.left, w.asks = nil, nil
	if ctx.Err() == nil {
		w.Fatal("it has not left")
	}
}

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
		form, key := b.get(link), link[strings.Index(link, "ticket=")+len("ticket="):]
		w.leavesWhen(func() bool {
			_, err := w.st.Ticket(context.Background(), key, stagedoor.TicketReset)
			return stagedoor.IsKind(err, stagedoor.NotFound)
		}, func() { b.submit(form, "password", "Another-Horse-2") })
		if _, _, err := w.pipe.Database.Authenticate(w.Context(), w.st, w.conn, "ada@example.com", "Another-Horse-2"); err != nil {
			w.Errorf("the new password: %v", err)
		}
		if methods, err := w.st.AuthenticationMethods(w.Context(), id); err != nil || len(methods) != 0 {
			w.Errorf("the attacker's passkey stays: %+v %v", methods, err)
		}
		w.logs(`"type":"scp"`)
	})
}

// What is done on the account page is done, though the browser takes the request back: whoever found it open changes an address, and does not wait, so that nobody is told.
func TestAccountIsToldThoughLeft(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			w := accountWorld(t, kind)
			b, _ := w.onAccount("ada@example.com")
			page := b.onward(b.press(b.get("/account/email"), "/account/email", "", "email", "countess@example.com"))
			code := mailedCode.FindString(w.mails()[0].Text)
			w.leavesWhen(func() bool { return w.found("countess@example.com") != nil }, func() { b.press(page, "/account/email/code", "", "code", code) })
			w.logs(`"type":"sce"`)
			told := map[string]bool{}
			for _, m := range w.mails() {
				told[m.To] = told[m.To] || strings.Contains(m.Subject, "was changed")
			}
			if !told["ada@example.com"] || !told["countess@example.com"] {
				t.Errorf("told: %v", told)
			}
		})
	}
}

// What runs after a sign-up runs for everybody who has signed up: a user whose browser left at once is one too, whom the tenant's other systems are to hear of.
func TestScriptsAfterwardsThoughLeft(t *testing.T) {
	each(t, func(w *world) {
		w.hook(script.PostUserRegistration, `module.exports = function (user, context, cb) { cb(new Error('hook saw ' + user.email)); };`)
		w.action(script.PostUserRegistration, `exports.onExecutePostUserRegistration = async (event) => { throw new Error('action saw ' + event.user.email); };`)
		b := w.browser()
		w.leavesWhen(func() bool { return w.found("new@example.com") != nil }, func() {
			b.json(signupPath, `{"client_id":"app","connection":"Users","email":"new@example.com","password":"`+good+`"}`)
		})
		w.mails() // waits for what runs behind
		w.logs("hook saw new@example.com", "action saw new@example.com")
	})
}
