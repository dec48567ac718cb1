package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/lucene"
	"github.com/stagedoor/stagedoor/internal/telemetry"
)

// logQueue writes log events in batches, so that a login does not wait for its log entry.
// Close and every read of logs write what is queued first.
type logQueue struct {
	db   *DB
	wake chan struct{}
	stop chan struct{}
	done sync.WaitGroup

	limit   logLimit   // of what anybody can cause
	writing sync.Mutex // held by who writes, so that the order is kept; guards newest
	newest  string     // the greatest id that was written, or tried; empty: none was yet
	mu      sync.Mutex // guards queued; held for moments only
	queued  []queuedLog
}

type queuedLog struct {
	tenant string
	event  stagedoor.LogEvent
	doc    document  // without the id
	named  time.Time // when the id was made; zero: it stays as it is
	unsure bool      // it may have been written
}

// logDelay is how long an event may wait for others, logLate how old its id may be when it is written (less than streams wait for ids that are
// smaller than those they see), logBatch how many share a transaction, and maxQueuedLogs how many may wait.
const (
	logDelay      = 20 * time.Millisecond
	logLate       = time.Second
	logBatch      = 500
	maxQueuedLogs = 10000

	maxLogHost = 255 // bytes
)

func newLogQueue(db *DB) *logQueue {
	l := &logQueue{db: db, wake: make(chan struct{}, 1), stop: make(chan struct{})}
	l.done.Add(1)
	go l.run()
	return l
}

func (l *logQueue) run() {
	defer l.done.Done()
	for {
		select {
		case <-l.wake:
		case <-l.stop:
			return
		}
		select {
		case <-time.After(logDelay):
		case <-l.stop:
			return
		}
		if l.flush() != nil {
			time.AfterFunc(time.Second, l.soon)
		}
	}
}

func (l *logQueue) close() {
	close(l.stop)
	l.done.Wait()
	l.tellLeftOut()
	if l.flush() != nil {
		l.lost(l.take(maxQueuedLogs*2), errors.New("the database was closed"))
	}
}

func (l *logQueue) add(tenant string, e stagedoor.LogEvent) {
	var named time.Time
	if e.ID == "" {
		named = e.Date
		e.ID = l.db.logIDs.New(named)
	}
	for _, s := range []*string{&e.ID, &e.Type, &e.UserID, &e.ClientID} {
		*s = strings.ReplaceAll(strings.ToValidUTF8(*s, "\ufffd"), "\x00", "\ufffd")
	}
	e = shortened(rounded(e))
	e.LocationInfo = l.db.places.Place(e.IP)
	text, err := logText(e)
	if err == nil && !storableJSON(string(text)) { // that it happened is kept, whatever somebody has sent
		e.Details = map[string]any{"omitted": "cannot be stored"}
		text, err = logText(e)
	}
	if err == nil && len(text) > longUnproved && e.Unproved() {
		e.Details, _ = shorter(e.Details).(map[string]any)
		text, err = logText(e)
	}
	if err != nil {
		l.db.log.Error("a log event cannot be written", "tenant", tenant, "type", e.Type, "error", err)
		return
	}
	l.mu.Lock()
	l.queued = append(l.queued, queuedLog{tenant: tenant, event: e, doc: text, named: named})
	full := len(l.queued) >= maxQueuedLogs
	l.mu.Unlock()
	if full && l.flush() != nil { // the caller waits: better slow than out of memory
		l.lost(l.take(logBatch), errors.New("too many are waiting"))
	}
	l.soon()
}

func (l *logQueue) soon() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// take removes and returns up to n of the oldest events.
func (l *logQueue) take(n int) []queuedLog {
	l.mu.Lock()
	defer l.mu.Unlock()
	n = min(n, len(l.queued))
	batch := l.queued[:n:n]
	l.queued = l.queued[n:]
	return batch
}

// flush writes what is queued. When the database cannot, events stay queued; an event that is
// itself at fault is reported and left out.
func (l *logQueue) flush() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	for {
		batch := l.take(logBatch)
		if len(batch) == 0 {
			return nil
		}
		err := l.write(batch)
		if err == nil {
			continue
		}
		for i := range batch {
			if err = l.write(batch[i : i+1]); err == nil || batch[i].unsure && uniqueViolation(err) != "" {
				continue
			}
			if !faulty(err) {
				l.putBack(batch[i:])
				return err
			}
			l.lost(batch[i:i+1], err)
		}
	}
}

// faulty tells whether the event is to blame for an error and not the database.
func faulty(err error) bool {
	var ours *stagedoor.Error
	return errors.As(err, &ours) && ours.Kind != stagedoor.Unavailable || uniqueViolation(err) != ""
}

func (l *logQueue) putBack(batch []queuedLog) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queued = append(append([]queuedLog{}, batch...), l.queued...)
}

func (l *logQueue) lost(batch []queuedLog, err error) {
	l.db.metrics.Add(telemetry.LogLost, float64(len(batch)))
	l.db.log.Error("log events were lost", "count", len(batch), "error", err)
}

// write writes events in one transaction. One that waited for it, as for a database that was away, gets its id now: streams have passed the
// ids of before; and so do those behind it. What may have been written keeps its id, so that it is not written twice.
func (l *logQueue) write(batch []queuedLog) error {
	ctx := context.Background()
	if err := l.complete(ctx, l.db.reader(), batch); err != nil { // not while other writes wait
		return err
	}
	err := l.db.write(ctx, func(q querier) error {
		if err := l.begin(ctx, q); err != nil {
			return err
		}
		now := l.db.clock.Now()
		for i := range batch {
			e := &batch[i]
			if !e.named.IsZero() && (now.Sub(e.named) > logLate || e.event.ID < l.newest) {
				e.event.ID, e.named = l.db.logIDs.New(now), now
			}
			l.newest = max(l.newest, e.event.ID)
		}
		insert := l.insertRows
		if l.db.postgres {
			insert = l.insertArrays
		}
		written, err := insert(ctx, q, batch)
		if err != nil {
			return err
		}
		return l.count(ctx, q, batch, written)
	})
	if stagedoor.HasCode(err, CodeUnknown) || stagedoor.HasCode(err, CodeAnswerLost) {
		for i := range batch {
			batch[i].named, batch[i].unsure = time.Time{}, true
		}
	}
	return err
}

// begin learns, before the first event, the greatest id that there is: if the clock was put back while no server ran, streams have passed what it
// would say now.
func (l *logQueue) begin(ctx context.Context, q querier) error {
	if l.newest != "" {
		return nil
	}
	err := q.row(ctx, "SELECT COALESCE(MAX((SELECT MAX(l.id) FROM logs l WHERE l.tenant = t.id)), '') FROM tenants t", nil, &l.newest)
	if err == nil {
		l.db.logIDs.After(l.newest)
	}
	return err
}

// rowsAtOnce are the numbers of rows that statements write: few, so that statements are known before, and small, as a batch of a quiet moment is.
var rowsAtOnce = []int{32, 8, 1}

// insertRows writes events and returns how long each is.
func (l *logQueue) insertRows(ctx context.Context, q querier, batch []queuedLog) (sizes []int, err error) {
	var rows [][]any
	for _, e := range batch {
		rows = append(rows, []any{e.tenant, e.event.ID, e.event.Type, e.event.UserID, e.event.ClientID, e.doc, millis(e.event.Date)})
		sizes = append(sizes, utf8.RuneCountInString(string(e.doc)))
	}
	return sizes, execRows(ctx, q, "INSERT INTO logs (tenant, id, type, user_id, client_id, doc, date) VALUES ", rows, "")
}

// execRows writes rows with few statements: head, the values and tail.
func execRows(ctx context.Context, q querier, head string, rows [][]any, tail string) error {
	for _, n := range rowsAtOnce {
		for len(rows) >= n {
			values := "(" + strings.Repeat("?, ", len(rows[0])-1) + "?)"
			query := head + strings.Repeat(values+", ", n-1) + values + tail
			if _, err := q.exec(ctx, query, slices.Concat(rows[:n]...)...); err != nil {
				return err
			}
			rows = rows[n:]
		}
	}
	return nil
}

// insertLogsSQL writes events that come as arrays.
const insertLogsSQL = `INSERT INTO logs (tenant, id, type, user_id, client_id, doc, date)
	SELECT tenant, id, type, user_id, client_id, CAST(doc AS JSONB), date
	FROM unnest(?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::bigint[]) AS e (tenant, id, type, user_id, client_id, doc, date)
	RETURNING LENGTH(CAST(doc AS TEXT))`

// insertArrays writes any number of events in one round trip to PostgreSQL, and returns how long each is there: it writes JSON its own way.
func (l *logQueue) insertArrays(ctx context.Context, q querier, batch []queuedLog) (sizes []int, err error) {
	var tenants, ids, types, users, clients, docs []string
	var dates []int64
	for _, e := range batch {
		if !storable([]any{e.tenant, e.event.ID, e.event.Type, e.event.UserID, e.event.ClientID, e.doc}) {
			return nil, errUnstorable()
		}
		tenants, ids, types = append(tenants, e.tenant), append(ids, e.event.ID), append(types, e.event.Type)
		users, clients = append(users, e.event.UserID), append(clients, e.event.ClientID)
		docs, dates = append(docs, string(e.doc)), append(dates, millis(e.event.Date))
	}
	err = q.each(ctx, insertLogsSQL, []any{tenants, ids, types, users, clients, docs, dates}, func(scan func(...any) error) error {
		var size int
		err := scan(&size)
		sizes = append(sizes, size)
		return err
	})
	if err = classify(err); err == nil && len(sizes) != len(batch) {
		err = fmt.Errorf("%d of %d log events were written", len(sizes), len(batch))
	}
	return sizes, err
}

// count adds a batch to the statistics of its days.
func (l *logQueue) count(ctx context.Context, q querier, batch []queuedLog, written []int) error {
	type key struct{ tenant, day string }
	counts := map[key]*[3]int{}
	for _, e := range batch {
		what := map[string]int{"s": 0, "ss": 1, "pwd_leak": 2, "signup_pwd_leak": 2}
		i, counted := what[e.event.Type]
		if !counted {
			continue
		}
		k := key{e.tenant, e.event.Date.UTC().Format(dayForm)}
		if counts[k] == nil {
			counts[k] = new([3]int)
		}
		counts[k][i]++
	}
	if err := l.measure(ctx, q, batch, written); err != nil {
		return err
	}
	now := millis(l.db.clock.Now())
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b key) int { return cmp.Or(cmp.Compare(a.tenant, b.tenant), cmp.Compare(a.day, b.day)) }) // all servers lock in one order
	for _, k := range keys {
		n := counts[k]
		_, err := q.exec(ctx, `INSERT INTO days (tenant, day, logins, signups, leaks, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (tenant, day) DO UPDATE SET logins = days.logins + excluded.logins, signups = days.signups + excluded.signups,
			leaks = days.leaks + excluded.leaks, updated_at = excluded.updated_at`, k.tenant, k.day, n[0], n[1], n[2], now, now)
		if err != nil {
			return err
		}
	}
	return nil
}

// measure notes how much log there is of each tenant and day.
func (l *logQueue) measure(ctx context.Context, q querier, batch []queuedLog, written []int) error {
	sizes := map[string]map[int64][2]int{}
	for i, e := range batch {
		days := sizes[e.tenant]
		if days == nil {
			days = map[int64][2]int{}
			sizes[e.tenant] = days
		}
		day := millis(e.event.Date) / logDay
		days[day] = [2]int{days[day][0] + 1, days[day][1] + written[i]}
	}
	var rows [][]any // all servers lock in one order
	for _, tenant := range slices.Sorted(maps.Keys(sizes)) {
		for _, day := range sortedDays(sizes[tenant]) {
			rows = append(rows, []any{tenant, day, sizes[tenant][day][0], sizes[tenant][day][1]})
		}
	}
	return execRows(ctx, q, "INSERT INTO log_days (tenant, day, events, bytes) VALUES ", rows,
		" ON CONFLICT (tenant, day) DO UPDATE SET events = log_days.events + excluded.events, bytes = log_days.bytes + excluded.bytes")
}

// NewLogID returns the id of an event of now, for who must know it before the event is logged.
func (s *Store) NewLogID() string { return s.db.logIDs.New(s.db.clock.Now()) }

// Log adds an event to the tenant's log, unless it is one of too many that anybody can cause. It is written within moments; a failure is
// reported to the operator's log.
func (s *Store) Log(e stagedoor.LogEvent) {
	if e.Date.IsZero() {
		e.Date = s.db.clock.Now()
	}
	s.db.metrics.LogEvent(s.tenant.ID, e.Type)
	if s.db.logs.takes(s.tenant.ID, &e) {
		s.db.logs.add(s.tenant.ID, e)
	}
}

// LogQuery asks for a part of the log: a page, or with Take the events after From.
type LogQuery struct {
	Page, PerPage int
	From          string
	Take          int
	Uncounted     bool // how many match is of no interest: to count them reads all of them, a page does not
	Ascending     bool
	UserID        string
	Type          string
	ClientID      string
	Where         *lucene.Expr // by LogSchema; nil: all
}

// Logs returns log events and, in page mode, how many match in all, unless nobody asks. A search that takes too long is Unavailable.
func (s *Store) Logs(ctx context.Context, lq LogQuery) (events []stagedoor.LogEvent, total int, err error) {
	if err := s.db.logs.flush(); err != nil {
		return nil, 0, err
	}
	if lq.Where == nil {
		return s.logsIn(ctx, s.list(), lq)
	}
	defer s.db.metrics.Since(telemetry.SearchTime, time.Now(), "logs", "scan")
	ctx, cancel := context.WithTimeout(ctx, s.db.searchLimit)
	defer cancel()
	err = s.db.searching(ctx, s.db.searchLimit, func(q querier) (err error) {
		events, total, err = s.logsIn(ctx, q, lq)
		return err
	})
	return events, total, s.searchError(ctx, err, "looking for log events", "")
}

func (s *Store) logsIn(ctx context.Context, q querier, lq LogQuery) ([]stagedoor.LogEvent, int, error) {
	where, args, each := "tenant = ?", []any{s.tenant.ID}, q.each
	for _, f := range []struct{ column, value string }{{"user_id", lq.UserID}, {"type", lq.Type}, {"client_id", lq.ClientID}} {
		if f.value != "" {
			where, args = where+" AND "+f.column+" = ?", append(args, f.value)
		}
	}
	if lq.Where != nil {
		narrow, bounds := narrowLogs(lq.Where)
		where, args = where+narrow, append(args, bounds...)
		text, more := s.logCondition(lq.Where)
		where, args = where+" AND "+text, append(args, more...)
		each = q.adhoc
	}
	rest, total := " ORDER BY id DESC LIMIT ? OFFSET ?", 0
	if lq.Ascending {
		rest = " ORDER BY id LIMIT ? OFFSET ?"
	}
	if lq.Take > 0 {
		where, args = where+" AND id > ?", append(args, lq.From)
		rest = " ORDER BY id LIMIT ? OFFSET ?"
		lq.PerPage, lq.Page = lq.Take, 0
	} else if !lq.Uncounted {
		err := each(ctx, "SELECT COUNT(*) FROM logs WHERE "+where, args, func(scan func(...any) error) error { return scan(&total) })
		if err != nil {
			return nil, 0, err
		}
	}
	out := []stagedoor.LogEvent{}
	err := each(ctx, "SELECT id, doc, date FROM logs WHERE "+where+rest, append(args, lq.PerPage, lq.Page*lq.PerPage), func(scan func(...any) error) error {
		e, err := s.scanLog(scan)
		if err == nil {
			out = append(out, *e)
		}
		return err
	})
	return out, total, err
}

// UserLogs returns the newest events of some types, most of them at most, among so many newest of a user.
func (s *Store) UserLogs(ctx context.Context, userID string, types []string, most, among int) ([]stagedoor.LogEvent, error) {
	out := []stagedoor.LogEvent{}
	if err := s.db.logs.flush(); err != nil || len(types) == 0 {
		return out, err
	}
	args := []any{s.tenant.ID, userID, among}
	for _, t := range types {
		args = append(args, t)
	}
	err := s.list().each(ctx, "SELECT id, doc, date FROM (SELECT id, type, doc, date FROM logs WHERE tenant = ? AND user_id = ? ORDER BY id DESC LIMIT ?) l WHERE type IN (?"+
		strings.Repeat(", ?", len(types)-1)+") ORDER BY id DESC LIMIT ?", append(args, most), func(scan func(...any) error) error {
		e, err := s.scanLog(scan)
		if err == nil {
			out = append(out, *e)
		}
		return err
	})
	return out, err
}

// LogEvent returns one event.
func (s *Store) LogEvent(ctx context.Context, id string) (*stagedoor.LogEvent, error) {
	if err := s.db.logs.flush(); err != nil {
		return nil, err
	}
	return s.scanLog(func(dest ...any) error {
		return s.read().row(ctx, "SELECT id, doc, date FROM logs WHERE tenant = ? AND id = ?", []any{s.tenant.ID, id}, dest...)
	})
}

func (s *Store) scanLog(scan func(...any) error) (*stagedoor.LogEvent, error) {
	e, err := scanLog(scan)
	if err == nil {
		e.Tenant = s.tenant.ID
	}
	return e, err
}

func scanLog(scan func(...any) error) (*stagedoor.LogEvent, error) {
	var id, doc string
	var date int64
	if err := scan(&id, &doc, &date); err != nil {
		if errors.Is(err, errNoRows) {
			return nil, errNotFound("log event")
		}
		return nil, err
	}
	e := new(stagedoor.LogEvent)
	if err := json.Unmarshal([]byte(doc), e); err != nil {
		return nil, err
	}
	e.ID, e.Date = id, fromMillis(date)
	return e, nil
}
