package login_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// A tenant whose mail server hangs keeps its own mails waiting, and nobody's of another one: neither their mails nor their pages.
func TestMailThatHangsIsItsTenants(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	off := func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox = false }
	w.configure(off)
	hangs, sent := make(chan struct{}), make(chan string, 1)
	w.send = func(_ context.Context, st *store.Store, m mail.Message) error {
		if st.Tenant().ID == "acme" {
			<-hangs
			return nil
		}
		sent <- m.To
		return nil
	}
	defer func() {
		close(hangs)
		w.ok(w.door.Wait(context.Background()))
	}()
	for i := range 32 {
		acme := w.browser()
		acme.from = fmt.Sprintf("192.0.2.%d", i)
		go acme.post("/u/forgot", url.Values{"email": {"ada@example.com"}})
	}
	time.Sleep(200 * time.Millisecond)
	w.furnish("bravo")
	w.configure(off)
	b, answered := w.browser(), make(chan int, 1)
	go func() { answered <- b.post("/u/forgot", url.Values{"email": {"ada@example.com"}}).status }()
	for range 2 {
		select {
		case status := <-answered:
			if status != http.StatusOK {
				t.Errorf("status %d", status)
			}
		case to := <-sent:
			if to != "ada@example.com" {
				t.Errorf("sent to %s", to)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the other tenant waits")
		}
	}
}

// The pages of a tenant whose mail server hangs go on: nobody waits for mails that wait. What is too much is in the log, and not done.
func TestPagesGoOnWhereMailHangs(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.configure(func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox = false })
	hangs, sent := make(chan struct{}), atomic.Int64{}
	w.send = func(context.Context, *store.Store, mail.Message) error {
		<-hangs
		sent.Add(1)
		return nil
	}
	const asked, kept = 1040, 1032
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		var all sync.WaitGroup
		for i := range asked {
			b := w.browser()
			b.from = fmt.Sprintf("192.0.%d.%d", 2+i/200, i%200)
			all.Go(func() { b.post("/u/forgot", url.Values{"email": {"ada@example.com"}}) })
			if i%50 == 49 {
				all.Wait()
			}
		}
		all.Wait()
	}()
	select {
	case <-answered:
	case <-time.After(20 * time.Second):
		close(hangs)
		t.Fatal("pages wait for mails")
	}
	close(hangs)
	w.ok(w.door.Wait(context.Background()))
	if sent.Load() != kept {
		t.Errorf("%d mails were sent", sent.Load())
	}
}

// What the Management API asks for does not keep its callers waiting either, until too many mails wait; then nothing is dropped. A mail that fails is in the tenant's log.
func TestProgramsGoOnWhereMailHangs(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.configure(func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox = false })
	hangs := make(chan struct{})
	w.send = blocked(hangs, errStop)
	const kept, running = 1000, 32
	ada, answered := w.found("ada@example.com"), make(chan struct{})
	go func() {
		defer close(answered)
		for range kept {
			w.door.VerifyLater(w.Context(), w.st, ada, "app")
		}
	}()
	select {
	case <-answered:
	case <-time.After(20 * time.Second):
		close(hangs)
		t.Fatal("programs wait for mails")
	}
	patient := make(chan struct{})
	go func() {
		defer close(patient)
		for range running + 1 {
			w.door.VerifyLater(w.Context(), w.st, ada, "app")
		}
	}()
	select {
	case <-patient:
		t.Error("a mail for which there is no room was not waited for")
	case <-time.After(100 * time.Millisecond):
	}
	close(hangs)
	<-patient
	w.ok(w.door.Wait(context.Background()))
	events, _, err := w.st.Logs(w.Context(), store.LogQuery{PerPage: 1})
	w.ok(err)
	if len(events) != 1 || events[0].Type != "fn" {
		t.Errorf("the log has %+v", events)
	}
	if n := strings.Count(w.log.String(), "a mail could not be sent"); n != kept+running+1 {
		t.Errorf("the operator reads of %d mails", n)
	}
}
