package login_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/password"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// wrongly tries n wrong passwords for Ada, each of which is looked at.
func (b *browser) wrongly(page *reply, n int) {
	b.Helper()
	for range n {
		b.submit(page, "username", "ada@example.com", "password", "wrong").want(http.StatusBadRequest).says("Wrong email or password.")
	}
}

func TestTooManyWrongPasswordsBlock(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		page := b.begin()
		b.wrongly(page, 9)
		b.finish(b.submit(page, "username", "ada@example.com", "password", good)) // in time: the count begins anew
		b = w.browser()
		page = b.begin()
		b.wrongly(page, 10)
		b.submit(page, "username", " Ada@Example.com", "password", good).want(http.StatusTooManyRequests).says("This account is locked for now")
		if got := w.mails()[0]; got.To != "ada@example.com" || got.Kind != "blocked_account" || len(w.mails()) != 1 {
			w.Errorf("mails %+v", w.mails())
		}
		other := w.browser()
		unknown := other.begin()
		for range 10 {
			other.submit(unknown, "username", "nobody@example.com", "password", "wrong").want(http.StatusBadRequest)
		}
		other.submit(unknown, "username", "nobody@example.com", "password", "wrong").want(http.StatusTooManyRequests).says("This account is locked for now")
		if len(w.mails()) != 1 {
			w.Errorf("a mail went to nobody: %+v", w.mails())
		}

		link := w.link()
		for range 2 { // programs that look into mails open links too
			w.browser().do("HEAD", link, "").want(http.StatusOK)
			asked := w.browser().get(link).want(http.StatusOK).says("Your account is locked", "ada@example.com", "Unlock my account")
			b.submit(page, "username", "ada@example.com", "password", good).want(http.StatusTooManyRequests)
			w.browser().do("POST", link, "", "Sec-Fetch-Site", "cross-site").want(http.StatusForbidden)
			b.submit(page, "username", "ada@example.com", "password", good).want(http.StatusTooManyRequests)
			if action, _ := asked.form(); action != link[strings.Index(link, "/u/"):] {
				w.Errorf("the form goes to %s", action)
			}
		}
		fresh := w.browser()
		fresh.submit(fresh.get(link)).want(http.StatusOK).says("Your account is unlocked", "ada@example.com")
		w.browser().do("POST", link, "").want(http.StatusBadRequest).says("This link was used already")
		w.browser().get(link).want(http.StatusBadRequest).says("This link was used already")
		w.browser().get("/u/unblock?ticket=x").want(http.StatusBadRequest).says("This link does not work")
		if q := b.finish(b.submit(page, "username", "ada@example.com", "password", good)); q.Get("code") == "" {
			w.Errorf("came back with %v", q)
		}
	})
}

// TestWrongPasswordsOfOneNetwork, the attack: who has an IPv6 network guesses from another of its addresses each time. The log says which it was.
func TestWrongPasswordsOfOneNetwork(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		page := b.begin()
		guess := func(n int) {
			w.Helper()
			for i := range n {
				b.from = fmt.Sprintf("2001:db8:77:1::%x", i+1)
				b.wrongly(page, 1)
			}
		}
		guess(9)
		b.from = "2001:db8:77:1::f00"
		b.finish(b.submit(page, "username", "ada@example.com", "password", good)) // the count begins anew for the network
		b = w.browser()
		page = b.begin()
		guess(10)
		b.from = "2001:db8:77:1::f01"
		b.submit(page, "username", "ada@example.com", "password", good).want(http.StatusTooManyRequests).says("This account is locked for now")
		logs, _, err := w.st.Logs(w.Context(), store.LogQuery{PerPage: 100})
		w.ok(err)
		seen := map[string]bool{}
		for _, e := range logs {
			seen[e.Type+" "+e.IP] = true
		}
		if !seen["limit_wc 2001:db8:77:1::f01"] || !seen["fp 2001:db8:77:1::a"] {
			w.Errorf("logged %v", seen)
		}
		b.from = "2001:db8:77:2::1"
		b.finish(b.submit(page, "username", "ada@example.com", "password", good))
	})
}

// TestWrongPasswordsAtOnce, the attack: guesses that are sent at the same time are all looked at before the first one counts. As many are answered as there would be one by one.
func TestWrongPasswordsAtOnce(t *testing.T) {
	each(t, func(w *world) {
		const sent = 30
		hasher, done := w.pipe.Database.Hasher, new(atomic.Int64)
		hasher.Done = func(_, _ time.Duration) { // none is answered before all are let in
			done.Add(1)
			for l := hasher.Load(); int(done.Load())+l.Running+l.Waiting < sent; l = hasher.Load() {
				time.Sleep(time.Millisecond)
			}
		}
		statuses := make(chan int, sent)
		for range sent {
			b := w.browser()
			page := b.begin()
			go func() {
				statuses <- b.submit(page, "username", "ada@example.com", "password", "wrong").status
			}()
		}
		answers := map[int]int{}
		for range sent {
			answers[<-statuses]++
		}
		if answers[http.StatusBadRequest] != 10 || answers[http.StatusTooManyRequests] != sent-10 {
			w.Errorf("answers %v", answers)
		}
		if len(w.mails()) != 1 {
			w.Errorf("mails %+v", w.mails())
		}
	})
}

// TestRightPasswordTooLate, the attack: among guesses that are sent at the same time the right one tells nothing once as many have failed as may.
func TestRightPasswordTooLate(t *testing.T) {
	each(t, func(w *world) {
		held, release, done := make(chan bool), make(chan bool), new(atomic.Int64)
		w.pipe.Database.Hasher.Done = func(_, _ time.Duration) {
			if done.Add(1) == 1 { // the right one is let in first, and held
				close(held)
				<-release
			}
		}
		b := w.browser()
		page, late := b.begin(), make(chan *reply)
		go func() { late <- b.submit(page, "username", "ada@example.com", "password", good) }()
		<-held
		other := w.browser()
		other.wrongly(other.begin(), 10)
		close(release)
		(<-late).want(http.StatusTooManyRequests).says("This account is locked for now")
	})
}

func TestBlockEndsWithTimeAndByNewPassword(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		page := b.begin()
		b.wrongly(page, 10)
		b.submit(page, "username", "ada@example.com", "password", good).want(http.StatusTooManyRequests)
		w.wait(stagedoor.BlockFor)
		b = w.browser()
		page = b.begin()
		b.finish(b.submit(page, "username", "ada@example.com", "password", good))

		b = w.browser()
		page = b.begin()
		b.wrongly(page, 10)
		link := w.browser().forget()
		other := w.browser()
		other.submit(other.get(link), "password", good+"2").want(http.StatusOK)
		b.finish(b.submit(page, "username", "ada@example.com", "password", good+"2"))
	})
}

func TestBruteForceSettings(t *testing.T) {
	each(t, func(w *world) {
		set := func(members map[string]any) {
			w.ok(w.st.ChangeSetting(w.Context(), stagedoor.SettingBruteForce, func(kept map[string]any) error {
				clear(kept)
				for k, v := range members {
					kept[k] = v
				}
				return nil
			}))
		}
		try := func(want int) {
			w.Helper()
			b := w.browser()
			page := b.begin()
			b.submit(page, "username", "ada@example.com", "password", "wrong").want(want)
		}
		set(map[string]any{"max_attempts": 1, "shields": []string{"block"}})
		try(http.StatusBadRequest)
		try(http.StatusTooManyRequests)
		set(map[string]any{"max_attempts": 2}) // a raised limit lifts the block
		try(http.StatusBadRequest)
		try(http.StatusTooManyRequests)
		set(map[string]any{"max_attempts": 1, "allowlist": []string{"192.0.2.0/24"}})
		try(http.StatusBadRequest)
		set(map[string]any{"max_attempts": 1, "shields": []string{}})
		try(http.StatusBadRequest)
		set(map[string]any{"max_attempts": 1, "enabled": false})
		try(http.StatusBadRequest)
		set(map[string]any{"max_attempts": 1})
		w.options(func(o *stagedoor.ConnectionOptions) { o.BruteForceProtection = new(false) })
		try(http.StatusBadRequest)
	})
}

func TestSuspiciousAddresses(t *testing.T) {
	each(t, func(w *world) {
		w.ok(w.st.ChangeSetting(w.Context(), stagedoor.SettingSuspiciousIP, func(kept map[string]any) error {
			kept["stage"] = map[string]any{"pre-login": map[string]any{"max_attempts": 2, "rate": 1000}, "pre-user-registration": map[string]any{"max_attempts": 1, "rate": 1000}}
			return nil
		}))
		b := w.browser()
		page := b.begin()
		b.wrongly(page, 2)
		b.submit(page, "username", "ada@example.com", "password", good).want(http.StatusTooManyRequests).says("Please wait a moment")
		w.wait(1001e6)
		b.finish(b.submit(page, "username", "ada@example.com", "password", good))

		b = w.browser()
		b.submit(b.begin("screen_hint", "signup"), "email", "one@example.com", "password", good).want(http.StatusSeeOther)
		b = w.browser()
		b.submit(b.begin("screen_hint", "signup"), "email", "two@example.com", "password", good).want(http.StatusBadRequest).says("Please wait a moment")

		b = w.browser()
		page = b.begin()
		b.wrongly(page, 1)
		b.submit(page, "username", "ada@example.com", "password", good).want(http.StatusTooManyRequests)
		w.ok(w.st.ChangeSetting(w.Context(), stagedoor.SettingSuspiciousIP, func(kept map[string]any) error {
			kept["allowlist"] = []string{"192.0.2.0/24"}
			return nil
		}))
		b.finish(b.submit(page, "username", "ada@example.com", "password", good)) // whatever has failed before
		for _, email := range []string{"two@example.com", "three@example.com"} {
			b = w.browser()
			b.submit(b.begin("screen_hint", "signup"), "email", email, "password", good).want(http.StatusSeeOther)
		}
	})
}

// The link of the mail lifts the block of everything that the person logs in with, not of what was guessed at alone.
func TestUnblockLinkLiftsAllBlocks(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.options(func(o *stagedoor.ConnectionOptions) { o.RequiresUsername = true })
	w.ok((&connection.Database{Hasher: password.NewHasher()}).Create(t.Context(), w.st, w.conn, &stagedoor.User{Email: "kim@example.com", Username: "kim"}, good))
	names := []string{"kim@example.com", "kim"}
	for _, name := range names {
		b := w.browser()
		page := b.begin()
		for range 10 {
			b.submit(page, "username", name, "password", "wrong").want(http.StatusBadRequest)
		}
		b.submit(page, "username", name, "password", good).want(http.StatusTooManyRequests)
	}
	b := w.browser()
	b.submit(b.get(w.link())).want(http.StatusOK).says("Your account is unlocked")
	for _, name := range names {
		b := w.browser()
		b.finish(b.submit(b.begin(), "username", name, "password", good))
	}
}
