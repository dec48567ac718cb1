package store

import (
	"context"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
)

// HoldPatches has patches of a PostgreSQL database wait for each other until as many as said do, and go as one group when do is called.
func HoldPatches(t testing.TB, db *DB) (wait func(n int), do func()) {
	t.Helper()
	p := db.patches
	p.mu.Lock()
	defer p.mu.Unlock()
	p.active = p.most
	waiting := func() int {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.waiting)
	}
	return func(n int) {
			for start := time.Now(); waiting() < n; time.Sleep(time.Millisecond) {
				if time.Since(start) > time.Minute {
					t.Fatalf("%d patches wait instead of %d", waiting(), n)
				}
			}
		}, func() {
			p.next()
			for range p.most - 1 {
				p.mu.Lock()
				p.active--
				p.mu.Unlock()
			}
		}
}

// A Grouped is a patch as its group leaves it.
type Grouped struct {
	User  *stagedoor.User
	Err   error
	Alone bool // it is left to its caller
}

// WriteGroup writes patches of one key as one group.
func WriteGroup(db *DB, s *Store, ctxs []context.Context, ids []string, patches []stagedoor.Metadata, limits []int) []Grouped {
	group := make([]*patchJob, len(ids))
	for i, id := range ids {
		group[i] = &patchJob{patch: &patch{id, patches[i], nil, limits[i]}, ctx: ctxs[i], store: s, done: make(chan struct{})}
	}
	db.patches.write(group)
	out := make([]Grouped, len(group))
	for i, j := range group {
		out[i] = Grouped{j.user, j.err, j.alone}
	}
	return out
}

// TakeGroup takes a group of patches of users of s, of whom those of busy are being written, and returns who is in it and how many wait on.
func TakeGroup(db *DB, s *Store, ids, busy []string) (group []string, waiting int) {
	p := &patches{db: db, most: 1, active: 1, busy: map[userKey]bool{}}
	for _, id := range busy {
		p.busy[userKey{s.tenant.ID, id}] = true
	}
	for _, id := range ids {
		p.waiting = append(p.waiting, &patchJob{patch: &patch{id: id}, store: s})
	}
	for _, j := range p.take() {
		group = append(group, j.id)
	}
	return group, len(p.waiting)
}
