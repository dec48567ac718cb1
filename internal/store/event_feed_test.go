package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// feed reads a tenant's events behind a place: whom they are about, and the last place.
func feed(t *testing.T, s *store.Store, q store.FeedQuery) (who string, last int64) {
	t.Helper()
	var all []string
	for {
		read := must(s.FeedEvents(t.Context(), q))(t)
		for _, e := range read.Events {
			var event stagedoor.CloudEvent
			ok(t, json.Unmarshal(e.Event, &event))
			object := event.Data.Object.(map[string]any)
			if event.Type != e.Type || event.Tenant != s.Tenant().ID || !strings.HasPrefix(event.Stream, "est_") {
				t.Errorf("%+v", event)
			}
			all = append(all, strings.TrimPrefix(fmt.Sprint(object["user_id"]), "auth0|"))
		}
		if q.After = read.Last; !read.More {
			return strings.Join(all, " "), q.After
		}
	}
}

// opened is a handle of a tenant whose events are read.
func opened(t *testing.T, db *store.DB, s *store.Store) *store.Store {
	t.Helper()
	_, _, err := s.OpenFeed(t.Context())
	ok(t, err)
	return must(db.TenantByID(t.Context(), s.Tenant().ID))(t)
}

// Events are kept from the first reader on, in their order, of one tenant each, and until nobody has read for a week.
func TestEventFeed(t *testing.T) {
	clock := newClock()
	start := clock.now
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		clock.now = start
		ctx, s, other := t.Context(), storetest.Tenant(t, db, "acme"), storetest.Tenant(t, db, "other")
		newUser(t, s, "auth0|before")
		if feed, fresh, err := s.OpenFeed(ctx); err != nil || !fresh || !strings.HasPrefix(feed.Stream, "est_") {
			t.Fatal(feed, fresh, err)
		}
		s = must(db.TenantByID(ctx, "acme"))(t)
		first, fresh, err := s.OpenFeed(ctx)
		if err != nil || fresh {
			t.Error(fresh, err)
		}
		newUser(t, other, "auth0|elsewhere")
		var users []*stagedoor.User
		for i := range 12 { // in one change
			users = append(users, &stagedoor.User{ID: fmt.Sprintf("auth0|u%d", i), Connection: "Users", Identities: []stagedoor.Identity{{Connection: "Users", Provider: "auth0", UserID: fmt.Sprint("u", i)}}})
		}
		ok(t, s.CreateUsers(ctx, users))
		clock.now = clock.in(10 * time.Minute)
		ok(t, s.DeleteUser(ctx, "auth0|u3"))
		const created = "u0 u1 u2 u3 u4 u5 u6 u7 u8 u9 u10 u11"
		if who, last := feed(t, s, store.FeedQuery{Take: 5}); who != created+" u3" || last != 13 {
			t.Errorf("%s, %d", who, last)
		}
		if who, last := feed(t, s, store.FeedQuery{Take: 5, After: 11, Types: []string{"organization.created", "user.deleted"}}); who != "u3" || last != 13 {
			t.Errorf("%s, %d", who, last)
		}
		if who, last := feed(t, s, store.FeedQuery{Take: 5, Types: []string{"organization.created"}}); who != "" || last != 13 {
			t.Errorf("%s, %d", who, last)
		}
		for _, row := range []struct {
			since time.Time
			after int64
			who   string
		}{{start.Add(-time.Hour), 0, created + " u3"}, {start, 0, created + " u3"}, {start.Add(30 * time.Second), 0, "u3"}, {clock.now, 12, "u3"}, {clock.in(time.Hour), 13, ""}} {
			after := must(s.FeedSince(ctx, row.since))(t)
			if who, _ := feed(t, s, store.FeedQuery{Take: 5, After: after, Since: row.since}); after != row.after || who != row.who {
				t.Errorf("since %v: from %d on, %s", row.since, after, who)
			}
		}
		if who, last := feed(t, other, store.FeedQuery{Take: 5}); who != "" || last != 0 {
			t.Errorf("the other's: %s, %d", who, last)
		}
		has := func(want string) {
			t.Helper()
			got := ""
			for _, at := range []int64{0, 11, 12, 13, 14} {
				got += fmt.Sprint(must(s.FeedHas(ctx, at))(t), " ")
			}
			if got != want {
				t.Error(got)
			}
		}
		has("true true true true false ")
		clock.now = start.Add(7*24*time.Hour + time.Minute)
		ok(t, db.Sweep(ctx))
		has("false false true true false ")

		s = must(db.TenantByID(ctx, "acme"))(t)
		newUser(t, s, "auth0|unread") // nobody has read for a week: nothing more is kept
		if end := must(s.FeedEnd(ctx))(t); end != 13 {
			t.Errorf("%d events", end)
		}
		again, fresh, err := s.OpenFeed(ctx)
		if err != nil || !fresh || again.Stream == first.Stream {
			t.Error(again, fresh, err)
		}
		s = must(db.TenantByID(ctx, "acme"))(t)
		newUser(t, s, "auth0|later")
		if who, last := feed(t, s, store.FeedQuery{Take: 5, After: 13}); who != "later" || last != 14 {
			t.Errorf("%s, %d", who, last)
		}
	}, storetest.WithClock(clock.clock))
}

// Of what is kept to be read there is only so much: the oldest goes, of each tenant alone, and who is not there yet is told.
func TestEventFeedIsBounded(t *testing.T) {
	const most = 60 << 10
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, other := t.Context(), opened(t, db, storetest.Tenant(t, db, "other"))
		s := opened(t, db, storetest.Tenant(t, db, "acme"))
		newUser(t, s, "auth0|ada")
		newUser(t, other, "auth0|bob")
		write := func(n int) {
			t.Helper()
			for i := range n {
				_, err := s.UpdateUser(ctx, "auth0|ada", func(u *stagedoor.User) error {
					u.UserMetadata = stagedoor.Metadata{"text": json.RawMessage(`"` + strings.Repeat(fmt.Sprint(i%10), 4<<10) + `"`)}
					return nil
				})
				ok(t, err)
			}
		}
		kept := func() (after, size int64) {
			t.Helper()
			after = must(s.FeedSince(ctx, time.Time{}))(t)
			for q := (store.FeedQuery{After: after, Take: 100}); ; {
				read := must(s.FeedEvents(ctx, q))(t)
				for _, e := range read.Events {
					size += int64(len(e.Event))
				}
				if q.After = read.Last; !read.More {
					return after, size
				}
			}
		}
		write(5)
		before := must(s.FeedEnd(ctx))(t)
		ok(t, db.Sweep(ctx))
		if after, size := kept(); after != 0 || size > most {
			t.Errorf("%d bytes behind %d", size, after)
		}
		for range 3 { // also where nobody looks
			write(250)
			ok(t, db.Sweep(ctx))
		}
		after, size := kept()
		if size > most || size < most/2 || after <= before {
			t.Errorf("%d bytes behind %d", size, after)
		}
		if must(s.FeedHas(ctx, before))(t) || !must(s.FeedHas(ctx, after))(t) {
			t.Errorf("the places are %d and %d", before, after)
		}
		if _, err := s.FeedEvents(ctx, store.FeedQuery{After: before, Take: 5}); !stagedoor.IsKind(err, stagedoor.Gone) {
			t.Error(err)
		}
		if who, last := feed(t, other, store.FeedQuery{Take: 5}); who != "bob" || last != 1 {
			t.Errorf("the other's: %s, %d", who, last)
		}
		write(1)
		if again, _ := kept(); again != after {
			t.Errorf("behind %d", again)
		}
	}, func(o *store.Options) { o.Retention.FeedBytes = most })
}

// Somebody who goes on reading keeps the feed, and that is noted once a day.
func TestEventFeedIsKept(t *testing.T) {
	clock := newClock()
	start := clock.now
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		clock.now = start
		s := opened(t, db, storetest.Tenant(t, db, "acme"))
		first, _, err := s.OpenFeed(t.Context())
		ok(t, err)
		for range 10 {
			clock.now = clock.in(25 * time.Hour)
			s = opened(t, db, s)
		}
		last, fresh, err := s.OpenFeed(t.Context())
		if err != nil || fresh || last.Stream != first.Stream {
			t.Error(last, fresh, err)
		}
		if last.ReadAt == first.ReadAt || time.UnixMilli(last.ReadAt).Sub(time.UnixMilli(first.ReadAt)) != 250*time.Hour {
			t.Errorf("%d, %d", first.ReadAt, last.ReadAt)
		}
	}, storetest.WithClock(clock.clock))
}

// What is committed after what began later, and was read already, is read all the same.
func TestEventsThatAreCommittedLate(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := opened(t, db, storetest.Tenant(t, db, "acme"))
		if !s.Shared() {
			return // one writer at a time
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		written, go1, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			done <- db.Together(ctx, func(in *store.DB) error {
				of, err := in.TenantByID(ctx, "acme")
				if err != nil {
					return err
				}
				u := &stagedoor.User{ID: "auth0|late", Connection: "Users", Identities: []stagedoor.Identity{{Connection: "Users", Provider: "auth0", UserID: "late"}}}
				if err := of.CreateUser(ctx, u, ""); err != nil {
					return err
				}
				written <- struct{}{}
				<-go1
				return nil
			})
		}()
		<-written
		newUser(t, s, "auth0|early")
		who, at := feed(t, s, store.FeedQuery{Take: 5})
		if who != "early" {
			t.Error(who)
		}
		close(go1)
		ok(t, <-done)
		if who, _ := feed(t, s, store.FeedQuery{Take: 5, After: at}); who != "late" {
			t.Error(who)
		}
	})
}

// However long events are, few of them are in memory at once.
func TestLongEventsAreReadOneByOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, s := t.Context(), opened(t, db, storetest.Tenant(t, db, "acme"))
		newUser(t, s, "auth0|ada")
		for i := range 3 {
			_, err := s.UpdateUser(ctx, "auth0|ada", func(u *stagedoor.User) error {
				u.UserMetadata = stagedoor.Metadata{"text": json.RawMessage(`"` + strings.Repeat(fmt.Sprint(i), 600<<10) + `"`)}
				return nil
			})
			ok(t, err)
		}
		if read := must(s.FeedEvents(ctx, store.FeedQuery{Take: 9}))(t); len(read.Events) != 3 || !read.More || read.Last != 3 {
			t.Errorf("%d events, %d, %t", len(read.Events), read.Last, read.More)
		}
		if who, last := feed(t, s, store.FeedQuery{Take: 9}); who != "ada ada ada ada" || last != 4 {
			t.Errorf("%s, %d", who, last)
		}
	})
}

// Many write and many read at once: each reader sees each event once, all in the same order.
func TestEventFeedInParallel(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := opened(t, db, storetest.Tenant(t, db, "acme"))
		const writers, each = 4, 25
		done := make(chan struct{}, writers)
		for w := range writers {
			go func() {
				defer func() { done <- struct{}{} }()
				for i := range each {
					newUser(t, s, fmt.Sprintf("auth0|w%d-%d", w, i))
				}
			}()
		}
		read := make(chan string, 3)
		for range cap(read) {
			go func() {
				var all []string
				after := int64(0)
				for end := time.Now().Add(time.Minute); len(all) < writers*each && time.Now().Before(end); {
					got, err := s.FeedEvents(context.Background(), store.FeedQuery{After: after, Take: 7})
					if err != nil {
						all = append(all, err.Error())
						break
					}
					for _, e := range got.Events {
						var event struct{ ID string }
						_ = json.Unmarshal(e.Event, &event)
						all = append(all, event.ID)
					}
					after = got.Last
				}
				read <- strings.Join(all, " ")
			}()
		}
		for range writers {
			<-done
		}
		first := <-read
		ids := strings.Fields(first)
		if slices.Sort(ids); len(slices.Compact(ids)) != writers*each {
			t.Errorf("%d events", len(ids))
		}
		for range cap(read) - 1 {
			if other := <-read; other != first {
				t.Error("readers see another order, or other events")
			}
		}
	})
}
