package store

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stagedoor/stagedoor"
)

// channel is where servers of one database tell each other what changed: "server tenant", or "server *" for all tenants.
const channel = "stagedoor"

const everyTenant = "*"

// hints tell other servers of the database that what they keep of a tenant is old, and listen to theirs. Nothing depends on them: what is kept is
// never older than [CacheFor]. Where the database has no notifications, or a pooler swallows them, that is all that happens.
type hints struct {
	engine *postgresEngine
	log    *slog.Logger
	self   string
	heard  func(tenant string)

	stop context.CancelFunc
	done sync.WaitGroup
	wake chan struct{}

	mu        sync.Mutex
	off       bool
	pending   map[string]bool
	listening bool
}

func newHints(e *postgresEngine, log *slog.Logger, heard func(string)) *hints {
	ctx, stop := context.WithCancel(context.Background())
	h := &hints{engine: e, log: log, self: stagedoor.NewHexID(), heard: heard, stop: stop, wake: make(chan struct{}, 1), pending: map[string]bool{}}
	h.done.Go(func() { h.send(ctx) })
	h.done.Go(func() { h.listen(ctx) })
	return h
}

func (h *hints) close() {
	h.stop()
	h.done.Wait()
}

// tell lets the others know; it does not wait.
func (h *hints) tell(tenant string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.off {
		return
	}
	h.pending[tenant] = true
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (h *hints) send(ctx context.Context) {
	for {
		select {
		case <-h.wake:
		case <-ctx.Done():
			return
		}
		h.mu.Lock()
		pending := h.pending
		h.pending = map[string]bool{}
		h.mu.Unlock()
		for tenant := range pending {
			within, cancel := context.WithTimeout(ctx, CacheFor) // later it is of no use
			err := h.notify(within, tenant)
			cancel()
			h.unsupported(err)
		}
	}
}

func (h *hints) notify(ctx context.Context, tenant string) error {
	conn, err := h.engine.connection(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	_, err = conn.Exec(ctx, "SELECT pg_notify($1, $2)", channel, h.self+" "+tenant)
	return err
}

// unsupported turns hints off where the database does not know them.
func (h *hints) unsupported(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "0A000" && pg.Code != "42601" && pg.Code != "42883" {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.off {
		h.log.Info("the database does not notify: changes made by other servers are seen within "+CacheFor.String(), "because", pg.Message)
	}
	h.off = true
	return true
}

// listen hears of changes until the context ends, over a connection of its own. What was missed before it was there is caught up
// by forgetting everything.
func (h *hints) listen(ctx context.Context) {
	for try := 0; ctx.Err() == nil; try++ {
		start := time.Now()
		err := h.hear(ctx)
		h.setListening(false)
		if h.unsupported(err) || ctx.Err() != nil {
			return
		}
		if time.Since(start) > time.Minute {
			try = 0
		}
		pause := min(250*time.Millisecond<<min(try, 7), 30*time.Second)
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-ctx.Done():
		}
	}
}

func (h *hints) hear(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, h.engine.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	h.heard(everyTenant)
	h.setListening(true)
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		if from, tenant, valid := strings.Cut(n.Payload, " "); valid && from != h.self {
			h.heard(tenant)
		}
	}
}

func (h *hints) setListening(is bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listening = is
}

// OnChange has fn called when something of a tenant changed, through this handle or, where the database notifies, through another server's. fn
// must be quick.
func (db *DB) OnChange(fn func(tenant string)) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.onChange = append(db.onChange, fn)
}

// heard drops what is kept of a tenant.
func (db *DB) heard(tenant string) {
	db.mu.Lock()
	db.changes++
	if tenant == everyTenant {
		clear(db.byID)
		clear(db.hosts)
	}
	delete(db.byID, tenant)
	for host, c := range db.hosts {
		if c.store.tenant.ID == tenant {
			delete(db.hosts, host)
		}
	}
	called := db.onChange
	db.mu.Unlock()
	for _, fn := range called {
		fn(tenant)
	}
}

// forget drops what is kept of a tenant here and, soon, elsewhere.
func (db *DB) forget(tenant string) {
	db.heard(tenant)
	if db.hints != nil {
		db.hints.tell(tenant)
	}
}

func (db *DB) forgetAll() { db.forget(everyTenant) }
