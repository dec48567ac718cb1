package store

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stagedoor/stagedoor"
)

// What a login needs of a tenant's configuration stands in half a dozen tables, is asked for by every request, and changes seldom. Each write to
// one of these tables gives the tenant's configuration another version, in the same transaction; whoever reads asks for the version, in one
// statement, and takes what was read under the same one. So nothing here is ever older than the database, whichever server changed it. (An embedded
// database is asked only after a configuration has changed, or another program has written: [commits].)
//
// Programs that know nothing of versions may serve the same database, while servers are replaced one by one: what they change is seen within
// [CacheFor].

// configTables are the tables of a tenant's configuration, and of what else is kept of it.
var configTables = map[string]bool{
	"tenants": true, "domains": true, "signing_keys": true,
	"clients": true, "connections": true, "resource_servers": true, "client_grants": true, "rules": true, "rules_configs": true,
	"actions": true, "action_versions": true, "action_bindings": true, "documents": true,
	"config_versions": true,
}

// maxConfig is how many values of all tenants' configurations are kept, and maxConfigBytes how long the texts may be together that they were read from; at the limit
// all are dropped. Longer lists than maxConfigList, and values of a text longer than maxShare, are read each time.
const (
	maxConfig      = 4096
	maxConfigBytes = maxDecodedBytes
	maxConfigList  = 200
)

// configs keeps tenants' configurations.
type configs struct {
	mu      sync.Mutex
	tenants map[string]*config
	values  int
	bytes   int
}

// config is what was read of one version.
type config struct {
	version string
	read    time.Time // when the version was asked for
	mu      sync.RWMutex
	values  map[configKey]any
	bytes   int // of the texts that they were read from
}

// configKey is what was asked for: of a table, or a kind of documents, the rows of a condition.
type configKey struct {
	table, where string
	args         [3]string
}

// of returns the configuration of a version that was asked for at a time.
func (c *configs) of(tenant, version string, asked time.Time) *config {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.tenants[tenant]
	if known != nil && known.version == version && asked.Sub(known.read) < CacheFor {
		return known
	}
	if known != nil {
		values, bytes := known.size()
		c.values, c.bytes = c.values-values, c.bytes-bytes
	}
	if c.tenants == nil || c.values >= maxConfig {
		c.drop()
	}
	known = &config{version: version, read: asked, values: map[configKey]any{}}
	c.tenants[tenant] = known
	return known
}

// drop forgets all.
func (c *configs) drop() { c.tenants, c.values, c.bytes = map[string]*config{}, 0, 0 }

// put keeps a value with a configuration; size is the length of what it was read from.
func (c *configs) put(of *config, key configKey, v any, size int) {
	if size > maxShare {
		return
	}
	of.mu.Lock()
	_, there := of.values[key]
	of.values[key] = v
	if !there {
		of.bytes += size
	}
	of.mu.Unlock()
	if there {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.values, c.bytes = c.values+1, c.bytes+size; c.bytes > maxConfigBytes {
		c.drop()
	}
}

func (c *config) get(key configKey) any {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.values[key]
}

func (c *config) size() (values, bytes int) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.values), c.bytes
}

// configuration returns what is kept of the tenant's configuration as it is now or, in a handle for one request, as it was when the request
// asked first; nil within a transaction, which reads for itself.
func (s *Store) configuration(ctx context.Context) (*config, error) {
	if s.db.configs == nil {
		return nil, nil //nolint:nilnil // nothing is kept
	}
	if s.once != nil {
		if c := s.once.Load(); c != nil {
			return c, nil
		}
	}
	asked := time.Now()
	version, err := s.db.configVersion(ctx, s.tenant.ID)
	if err != nil {
		return nil, err
	}
	c := s.db.configs.of(s.tenant.ID, version, asked)
	if s.once != nil {
		s.once.Store(c)
	}
	return c, nil
}

// configVersion asks for the version of a tenant's configuration: "" if nothing has changed since there are versions, or there is no such tenant.
func (db *DB) configVersion(ctx context.Context, tenant string) (version string, err error) {
	version, known, now := db.commits.version(tenant)
	if known {
		return version, nil
	}
	err = db.lookup().row(ctx, "SELECT version FROM config_versions WHERE tenant = ?", []any{tenant}, &version)
	if errors.Is(err, errNoRows) {
		err = nil
	}
	if err == nil {
		db.commits.note(tenant, version, now)
	}
	return version, err
}

// Once returns the handle for one request: whether the configuration has changed is asked once in it, and after what it changes itself. All that
// the request reads of the configuration is then of one moment, or newer.
func (s *Store) Once() *Store {
	one := *s
	one.once = &atomic.Pointer[config]{}
	return &one
}

// kept reads a part of the tenant's configuration, from the database unless it was read before and has not changed. The value is shared: nobody
// changes it. Errors are not kept, nor that something is not there. read adds the length of what it reads to its argument: see weighed.
func kept[T any](ctx context.Context, s *Store, key configKey, read func(size *int) (T, error)) (T, error) {
	c, err := s.configuration(ctx)
	if err != nil {
		var none T
		return none, err
	}
	size := 0
	if c == nil {
		return read(&size)
	}
	v, known := c.get(key).(T)
	s.db.metrics.Cache("configuration", known)
	if known {
		return v, nil
	}
	v, err = read(&size)
	if err == nil {
		s.db.configs.put(c, key, v, size)
	}
	return v, err
}

// weighed is scan that adds the length of the texts that it reads to size.
func weighed(scan func(...any) error, size *int) func(...any) error {
	return func(dest ...any) error {
		err := scan(dest...)
		for _, d := range dest {
			if text, is := d.(*string); is {
				*size += len(*text)
			}
		}
		return err
	}
}

// keptList is kept for a list, of which the caller gets a copy.
func keptList[T any](ctx context.Context, s *Store, key configKey, read func(size *int) ([]T, error)) ([]T, error) {
	var long []T
	all, err := kept(ctx, s, key, func(size *int) (*[]T, error) {
		list, err := read(size)
		if len(list) > maxConfigList { // that it is so is kept
			long, *size = list, 0
			return nil, err
		}
		return &list, err
	})
	switch {
	case err != nil:
		return nil, err
	case long != nil:
		return long, nil
	case all == nil:
		return read(new(int))
	}
	return slices.Clone(*all), nil
}

// configWrites is a write that notices whether it changes the configuration.
type configWrites struct {
	querier
	changed     bool
	connections []string       // that are locked: see heldConnection
	last        []func() error // what is looked at once more when there is a version: see under
}

var changesConfig sync.Map // by the text of the statement

func (w *configWrites) notice(query string) {
	changes, known := changesConfig.Load(query)
	if !known {
		changes = verbOf(query) != "select" && configTables[tableOf(query)]
		changesConfig.Store(query, changes)
	}
	w.changed = w.changed || changes.(bool)
}

func (w *configWrites) exec(ctx context.Context, query string, args ...any) (int64, error) {
	w.notice(query)
	return w.querier.exec(ctx, query, args...)
}

func (w *configWrites) row(ctx context.Context, query string, args []any, dest ...any) error {
	w.notice(query)
	return w.querier.row(ctx, query, args, dest...)
}

func (w *configWrites) each(ctx context.Context, query string, args []any, scan func(func(...any) error) error) error {
	w.notice(query)
	return w.querier.each(ctx, query, args, scan)
}

// write runs fn in a transaction. What it changes of the configuration gives that another version, last, so that nobody waits long for it.
func (s *Store) write(ctx context.Context, fn func(querier) error) error {
	var first []string
	for {
		err := s.writeFirst(ctx, first, fn)
		var wants *wantsConnection
		if !errors.As(err, &wants) || slices.Contains(first, wants.name) {
			return err
		}
		first = append(first, wants.name)
	}
}

// writeFirst is write that locks connections before anything else.
func (s *Store) writeFirst(ctx context.Context, first []string, fn func(querier) error) error {
	changed := false
	err := s.db.write(ctx, func(q querier) error {
		w := &configWrites{querier: q, connections: first}
		err := s.lockConnections(ctx, q, first)
		if err == nil {
			err = fn(w)
		}
		if changed = w.changed; err != nil || !changed {
			return err
		}
		if part, is := s.db.engine.(*nested); is {
			part.changed[s.tenant.ID] = true
			return nil
		}
		err = newVersion(ctx, q, s.tenant.ID)
		for _, look := range w.last {
			if err == nil {
				err = look()
			}
		}
		return err
	})
	if changed && s.once != nil {
		s.once.Store(nil)
	}
	return err
}

// writeOne is write for an fn of exactly one statement, which changes nothing of the configuration: it needs no transaction around it.
func (s *Store) writeOne(ctx context.Context, fn func(querier) error) error {
	return s.db.writeOne(ctx, func(q querier) error {
		w := &configWrites{querier: q}
		err := fn(w)
		if err == nil && w.changed {
			err = errors.New("store: what changes the configuration is not one statement")
		}
		return err
	})
}

// newVersion gives a tenant's configuration a version that it never had: not even one of a tenant of the same name that was deleted.
func newVersion(ctx context.Context, q querier, tenant string) error {
	_, err := q.exec(ctx, "INSERT INTO config_versions (tenant, version) VALUES (?, ?) ON CONFLICT (tenant) DO UPDATE SET version = excluded.version", tenant, stagedoor.NewHexID())
	return err
}
