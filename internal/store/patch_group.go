package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/telemetry"
)

// patches gathers the patches of a PostgreSQL database that come while others are being written: those go together, in one transaction of four round trips
// (ADR 15). A patch that comes alone is written at once.
//
// A patch of a group never waits for another one: a user whom somebody else has locked is left to a write of its own, as is each patch of a group that the
// database refuses. So one patch cannot harm another.
type patches struct {
	db   *DB
	most int // writes at once

	mu      sync.Mutex
	active  int
	waiting []*patchJob
	busy    map[userKey]bool // users of groups that are being written
}

type userKey struct{ tenant, id string }

// patchJob is a patch that waits for its group.
type patchJob struct {
	*patch
	ctx   context.Context
	store *Store
	done  chan struct{}
	span  *telemetry.Span // of the wait

	user  *stagedoor.User
	err   error
	alone bool // it is left to its caller
	slot  bool // and the caller takes the place of the group among the writes at once
}

func (j *patchJob) key() userKey { return userKey{j.store.tenant.ID, j.id} }

// slotHeld is how long a patch that is written alone, or a read, keeps others waiting for their group: it may wait for a lock.
const slotHeld = 20 * time.Millisecond

// holdSlot returns what gives a place among those who are served at once to those who wait, by next. It happens by itself after slotHeld.
func holdSlot(next func()) (release func()) {
	once := sync.OnceFunc(next)
	timer := time.AfterFunc(slotHeld, once)
	return func() {
		timer.Stop()
		once()
	}
}

func newPatches(db *DB) *patches {
	return &patches{db: db, most: max(2, runtime.GOMAXPROCS(0)/2), busy: map[userKey]bool{}}
}

// patch writes a patch, with others or alone. Once a group has begun, it is carried out even if the caller gives up.
func (p *patches) patch(ctx context.Context, s *Store, one *patch) (*stagedoor.User, error) {
	p.mu.Lock()
	if p.active < p.most {
		p.active++
		p.mu.Unlock()
		return p.withSlot(ctx, s, one)
	}
	j := &patchJob{patch: one, ctx: ctx, store: s, done: make(chan struct{})}
	_, j.span = telemetry.Start(ctx, "wait for a group of patches")
	p.waiting = append(p.waiting, j)
	p.mu.Unlock()
	<-j.done
	j.span.End()
	switch {
	case j.slot:
		return p.withSlot(ctx, s, one)
	case j.alone:
		return s.patchAlone(ctx, one)
	}
	return j.user, j.err
}

func (p *patches) withSlot(ctx context.Context, s *Store, one *patch) (*stagedoor.User, error) {
	defer holdSlot(p.next)()
	return s.patchAlone(ctx, one)
}

// next has the place of a write that is over taken by those who wait, if anybody does.
func (p *patches) next() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) == 0 {
		p.active--
		return
	}
	go p.run()
}

// run writes groups until nobody waits.
func (p *patches) run() {
	for {
		runtime.Gosched() // let those who were just answered come with their next patch
		group := p.take()
		switch len(group) {
		case 0:
			return
		case 1:
			group[0].slot = true
			close(group[0].done)
			return
		}
		p.write(group)
		p.mu.Lock()
		for _, j := range group {
			delete(p.busy, j.key())
		}
		p.mu.Unlock()
		for _, j := range group {
			close(j.done)
		}
	}
}

// take takes the next group from those who wait: none whose user another group has. Where there is none, a place among the writes becomes free.
func (p *patches) take() (group []*patchJob) {
	p.mu.Lock()
	defer p.mu.Unlock()
	users, rest := map[userKey]bool{}, p.waiting[:0]
	for _, j := range p.waiting {
		if len(group) < groupSize && !p.busy[j.key()] {
			group = append(group, j)
			users[j.key()] = true
		} else {
			rest = append(rest, j)
		}
	}
	clear(p.waiting[len(rest):])
	p.waiting = rest
	switch len(group) {
	case 0:
		p.active-- // whoever writes the group of those who wait takes them next
	case 1:
	default:
		maps.Copy(p.busy, users)
	}
	return group
}

// write writes a group. What goes wrong with all of it is tried again by each alone, unless it is not known whether it was carried out, or
// the database is away.
func (p *patches) write(group []*patchJob) {
	waits := make([]*telemetry.Span, len(group))
	for i, j := range group {
		waits[i] = j.span
	}
	ctx, span := telemetry.Together(waits, "group of patches")
	span.SetInt("stagedoor.patches", len(group))
	defer span.End()
	err := func() (err error) {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("panic in a group of patches: %v", r)
			}
		}()
		return p.db.write(ctx, func(q querier) error { return p.in(ctx, q, group) })
	}()
	if err != nil {
		span.Fail("database")
	}
	for _, j := range group {
		switch {
		case err == nil:
		case stagedoor.IsKind(err, stagedoor.Unavailable):
			j.user, j.err, j.alone = nil, err, false
		default:
			j.user, j.err, j.alone = nil, nil, true
		}
	}
}

// groupPlan keeps the planner to looking each user and each row up by its key. A plan that was made while the tables were small reads all of them, and is kept when
// they have grown, until they are analyzed again.
const groupPlan = `SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)`

// heldUsersSQL locks the users whom nobody else has locked, and reads them.
const heldUsersSQL = `SELECT u.tenant, ` + userColumns + ` FROM unnest(?::text[], ?::text[]) AS w (tenant, id) JOIN users u ON u.tenant = w.tenant AND u.id = w.id
	LEFT JOIN logins l ON l.tenant = u.tenant AND l.user_id = u.id FOR NO KEY UPDATE OF u SKIP LOCKED`

// patchUsersSQL writes the users and the search rows of a group.
const patchUsersSQL = `WITH changed AS (UPDATE users SET user_metadata = COALESCE(CAST(w.user_metadata AS JSONB), users.user_metadata),
		app_metadata = COALESCE(CAST(w.app_metadata AS JSONB), users.app_metadata), updated_at = w.at
		FROM unnest(?::text[], ?::text[], ?::text[], ?::text[], ?::bigint[]) AS w (tenant, id, user_metadata, app_metadata, at)
		WHERE users.tenant = w.tenant AND users.id = w.id RETURNING users.id),
	gone AS (DELETE FROM attr USING unnest(?::text[], ?::bigint[], ?::text[], ?::bigint[], ?::text[]) AS x (tenant, path, value, at, user_id)
		WHERE attr.tenant = x.tenant AND attr.path = x.path AND attr.value = x.value AND attr.at = x.at AND attr.user_id = x.user_id),
	come AS (INSERT INTO attr (tenant, path, value, at, user_id)
		SELECT tenant, path, value, at, user_id FROM unnest(?::text[], ?::bigint[], ?::text[], ?::bigint[], ?::text[]) AS x (tenant, path, value, at, user_id)
		ON CONFLICT DO NOTHING)
	SELECT COUNT(*) FROM changed`

// groupUser is a user of a group: several patches may be of one.
type groupUser struct {
	patched
	tenant  string
	patches []*patch
}

// in writes a group inside its transaction, which may be run again.
func (p *patches) in(ctx context.Context, q querier, group []*patchJob) error {
	users := map[userKey]*groupUser{}
	var tenants, ids []string
	for _, j := range group {
		j.user, j.err, j.alone = nil, j.ctx.Err(), false
		if _, there := users[j.key()]; j.err == nil && !there {
			users[j.key()] = nil
			tenants, ids = append(tenants, j.store.tenant.ID), append(ids, j.id)
		}
	}
	if _, err := q.exec(ctx, groupPlan); err != nil {
		return err
	}
	err := q.each(ctx, heldUsersSQL, []any{tenants, ids}, func(scan func(...any) error) error {
		g := &groupUser{}
		t, err := scanUserText(func(dest ...any) error { return scan(append([]any{&g.tenant}, dest...)...) })
		if err != nil {
			return err
		}
		if g.was, err = t.Decoded(); err == nil {
			g.now = g.was
			users[userKey{g.tenant, g.was.ID}] = g
		}
		return err
	})
	if err != nil {
		return err
	}
	var changed []*groupUser
	for _, j := range group {
		g := users[j.key()]
		if j.err != nil {
			continue
		}
		if g == nil { // locked, or not there
			j.alone = true
			continue
		}
		done, err := j.apply(j.store, g.now)
		if err != nil {
			j.err = err
			continue
		}
		if !storableJSON(done.userText) || !storableJSON(done.appText) {
			j.alone = true
			continue
		}
		if len(g.patches) == 0 {
			changed = append(changed, g)
		}
		g.patches, g.now, j.user = append(g.patches, j.patch), done.now, done.now
		if j.patch.user != nil {
			g.userText = done.userText
		}
		if j.app != nil {
			g.appText = done.appText
		}
	}
	if len(changed) == 0 {
		return nil
	}
	slices.SortFunc(changed, func(a, b *groupUser) int {
		return strings.Compare(a.tenant+"\x00"+a.was.ID, b.tenant+"\x00"+b.was.ID)
	})
	var rows patchedRows
	var gone, come attrRowsOf
	for _, g := range changed {
		rows.add(g)
		less, more := g.difference(g.patches...)
		gone.add(g.tenant, less)
		come.add(g.tenant, more)
	}
	var n int
	if err := q.row(ctx, patchUsersSQL, slices.Concat(rows.args(), gone.args(), come.args()), &n); err != nil {
		return err
	}
	if n != len(changed) {
		return errors.New("a user of a group of patches who was locked is gone")
	}
	return nil
}

// patchedRows are users as arrays.
type patchedRows struct {
	tenants, ids []string
	user, app    []*string
	at           []int64
}

func (r *patchedRows) add(g *groupUser) {
	text := func(s *string) *string {
		if *s == "" {
			return nil
		}
		return s
	}
	r.tenants, r.ids, r.at = append(r.tenants, g.tenant), append(r.ids, g.was.ID), append(r.at, millis(g.now.UpdatedAt))
	r.user, r.app = append(r.user, text(&g.userText)), append(r.app, text(&g.appText))
}

func (r *patchedRows) args() []any { return []any{r.tenants, r.ids, r.user, r.app, r.at} }

// attrRowsOf are rows of the search index as arrays.
type attrRowsOf struct {
	tenants, values, users []string
	paths, ats             []int64
}

func (r *attrRowsOf) add(tenant string, rows []attr) {
	for _, a := range rows {
		r.tenants, r.paths, r.values = append(r.tenants, tenant), append(r.paths, a.path), append(r.values, a.value)
		r.ats, r.users = append(r.ats, a.at), append(r.users, a.user)
	}
}

func (r *attrRowsOf) args() []any { return []any{r.tenants, r.paths, r.values, r.ats, r.users} }
