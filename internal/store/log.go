package store

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/stagedoor/stagedoor"
)

// logQueue writes log events in batches, so that a login does not wait for its log entry.
// Close and every read of logs write what is queued first.
type logQueue struct {
	db     *DB
	mu     sync.Mutex
	queued []queuedLog
	wake   chan struct{}
	stop   chan struct{}
	done   sync.WaitGroup
}

type queuedLog struct {
	tenant string
	event  stagedoor.LogEvent
	doc    string
}

// logDelay is how long an event may wait for others, maxQueuedLogs how many may wait.
const (
	logDelay      = 20 * time.Millisecond
	maxQueuedLogs = 10000
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
		l.flush(context.Background())
	}
}

func (l *logQueue) close() {
	close(l.stop)
	l.done.Wait()
	l.flush(context.Background())
}

func (l *logQueue) add(tenant string, e stagedoor.LogEvent) {
	doc, err := json.Marshal(e)
	if err != nil {
		l.db.log.Error("a log event cannot be written", "tenant", tenant, "type", e.Type, "error", err)
		return
	}
	l.mu.Lock()
	full := len(l.queued) >= maxQueuedLogs
	l.queued = append(l.queued, queuedLog{tenant, e, strings.ReplaceAll(string(doc), `\u0000`, `\ufffd`)})
	l.mu.Unlock()
	if full {
		l.flush(context.Background()) // the caller waits: better slow than out of memory
		return
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *logQueue) flush(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queued) > 0 {
		batch := l.queued[:min(len(l.queued), 500)]
		err := l.db.write(ctx, func(q querier) error {
			for _, e := range batch {
				_, err := q.exec(ctx, "INSERT INTO logs (tenant, id, type, user_id, client_id, doc, date) VALUES (?, ?, ?, ?, ?, ?, ?)",
					e.tenant, e.event.ID, e.event.Type, e.event.UserID, e.event.ClientID, e.doc, millis(e.event.Date))
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			l.db.log.Error("log events were lost", "count", len(batch), "error", err)
			l.queued = l.queued[len(batch):]
			return err
		}
		l.queued = l.queued[len(batch):]
	}
	l.queued = nil
	return nil
}

// Log adds an event to the tenant's log. It is written within moments; a failure is
// reported to the operator's log.
func (s *Store) Log(e stagedoor.LogEvent) {
	if e.Date.IsZero() {
		e.Date = s.db.clock.Now()
	}
	if e.ID == "" {
		e.ID = stagedoor.NewLogID(e.Date)
	}
	s.db.logs.add(s.tenant.ID, e)
}

// LogQuery asks for a part of the log: a page, or with Take the events after From.
type LogQuery struct {
	Page, PerPage int
	From          string
	Take          int
	Ascending     bool
	UserID        string
	Type          string
	ClientID      string
}

// Logs returns log events and, in page mode, how many match in all.
func (s *Store) Logs(ctx context.Context, lq LogQuery) ([]stagedoor.LogEvent, int, error) {
	if err := s.db.logs.flush(ctx); err != nil {
		return nil, 0, err
	}
	where, args := "tenant = ?", []any{s.tenant.ID}
	for column, value := range map[string]string{"user_id": lq.UserID, "type": lq.Type, "client_id": lq.ClientID} {
		if value != "" {
			where, args = where+" AND "+column+" = ?", append(args, value)
		}
	}
	rest, total := " ORDER BY id DESC LIMIT ? OFFSET ?", 0
	if lq.Ascending {
		rest = " ORDER BY id LIMIT ? OFFSET ?"
	}
	if lq.Take > 0 {
		where, args = where+" AND id > ?", append(args, lq.From)
		rest = " ORDER BY id LIMIT ? OFFSET ?"
		lq.PerPage, lq.Page = lq.Take, 0
	} else if err := s.read().row(ctx, "SELECT COUNT(*) FROM logs WHERE "+where, args, &total); err != nil {
		return nil, 0, err
	}
	out := []stagedoor.LogEvent{}
	err := s.read().each(ctx, "SELECT doc, date FROM logs WHERE "+where+rest, append(args, lq.PerPage, lq.Page*lq.PerPage), func(scan func(...any) error) error {
		e, err := scanLog(scan)
		if err == nil {
			out = append(out, *e)
		}
		return err
	})
	return out, total, err
}

// LogEvent returns one event.
func (s *Store) LogEvent(ctx context.Context, id string) (*stagedoor.LogEvent, error) {
	if err := s.db.logs.flush(ctx); err != nil {
		return nil, err
	}
	return scanLog(func(dest ...any) error {
		return s.read().row(ctx, "SELECT doc, date FROM logs WHERE tenant = ? AND id = ?", []any{s.tenant.ID, id}, dest...)
	})
}

func scanLog(scan func(...any) error) (*stagedoor.LogEvent, error) {
	var doc string
	var date int64
	if err := scan(&doc, &date); err != nil {
		if errors.Is(err, errNoRows) {
			return nil, errNotFound("log event")
		}
		return nil, err
	}
	e := new(stagedoor.LogEvent)
	if err := json.Unmarshal([]byte(doc), e); err != nil {
		return nil, err
	}
	e.Date = fromMillis(date)
	return e, nil
}
