package store

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

// CacheFor is how old what is kept in memory may be when another server changed it: tenants with their settings, domains and look, and the keys
// that rooms above keep. It counts from before it was read.
const CacheFor = 3 * time.Second

// KeepFor is how old it may be while the version of the tenant's configuration is still the one that it was read under, which is asked for within
// each [CacheFor]: in one statement, where to read it takes five. Programs of the release before change tenants and keys without another version; while
// servers are replaced one by one, that is seen within this time.
const KeepFor = 100 * CacheFor

// Store is a handle bound to one tenant; all queries of a tenant go through it.
type Store struct {
	db     *DB
	tenant *stagedoor.Tenant
	look   *cachedLook

	streams *atomic.Pointer[heardStreams]
	seen    *seen
	once    *atomic.Pointer[config] // see Once; nil: the configuration is asked for each time
}

// seen is the version of the configuration that a handle was read under, and when it was last found unchanged.
type seen struct {
	version string
	at      atomic.Int64 // in nanoseconds
}

// newStore makes a handle.
func newStore(db *DB, t *stagedoor.Tenant) *Store {
	return &Store{db: db, tenant: t, look: &cachedLook{}, streams: &atomic.Pointer[heardStreams]{}, seen: &seen{}}
}

type cachedTenant struct {
	store *Store
	read  time.Time
}

// Fresh tells whether what was read at a time under a version, that the handle had then, may be taken for what is in the database now.
func (s *Store) Fresh(read time.Time, version string) bool {
	age := time.Since(read)
	return age < CacheFor || age < KeepFor && version != "" && version == s.seen.version && time.Since(time.Unix(0, s.seen.at.Load())) < CacheFor
}

// Version names the configuration that the handle was read under; "" if it has no name.
func (s *Store) Version() string { return s.seen.version }

// Tenant returns the tenant with its settings as they were when the handle was taken.
func (s *Store) Tenant() *stagedoor.Tenant { return s.tenant }

// Clock returns the store's clock.
func (s *Store) Clock() stagedoor.Clock { return s.db.clock }

func (s *Store) read() querier { return s.db.reader() }

// lookup is read for a row by its key.
func (s *Store) lookup() querier { return s.db.lookup() }

// list is read for what takes long and may be read elsewhere: lists, logs, statistics.
func (s *Store) list() querier { return s.db.replica() }

// place binds a sealed value to the tenant and row that it belongs to.
func (s *Store) place(table, id string) []byte { return jose.Place(s.tenant.ID, table, id) }

func (s *Store) seal(plain, table, id string) string {
	if plain == "" {
		return ""
	}
	return s.db.sealer.Seal([]byte(plain), s.place(table, id))
}

func (s *Store) unseal(sealed, table, id string) (string, error) {
	if sealed == "" {
		return "", nil
	}
	b, err := s.db.sealer.Open(sealed, s.place(table, id))
	return string(b), err
}

// CreateTenant makes a tenant that answers under the domains, the first being
// canonical. A domain or id that is taken is a Conflict.
func (db *DB) CreateTenant(ctx context.Context, id string, domains []string) (*Store, error) {
	t := &stagedoor.Tenant{ID: id, Domains: lowered(domains), Settings: stagedoor.DefaultTenantSettings(), CreatedAt: db.clock.Now()}
	doc, err := json.Marshal(t.Settings)
	if err != nil {
		return nil, err
	}
	err = db.write(ctx, func(q querier) error {
		if _, err := q.exec(ctx, "INSERT INTO tenants (id, settings, created_at) VALUES (?, ?, ?)", id, document(doc), millis(t.CreatedAt)); err != nil {
			return err
		}
		if err := newVersion(ctx, q, id); err != nil {
			return err
		}
		return insertDomains(ctx, q, id, t.Domains)
	})
	if uniqueViolation(err) != "" {
		return nil, stagedoor.Errorf(stagedoor.Conflict, "tenant_exists", "A tenant with this name or one of these domains already exists.")
	}
	if err != nil {
		return nil, err
	}
	db.forget(id)
	return newStore(db, t), nil
}

// insertDomains adds them in one order: another tenant may want the same ones.
func insertDomains(ctx context.Context, q querier, id string, domains []string) error {
	for _, host := range slices.Sorted(slices.Values(domains)) {
		if _, err := q.exec(ctx, "INSERT INTO domains (host, tenant, position) VALUES (?, ?, ?)", host, id, slices.Index(domains, host)); err != nil {
			return err
		}
	}
	return nil
}

func lowered(domains []string) []string {
	out := make([]string, len(domains))
	for i, d := range domains {
		out[i] = strings.ToLower(d)
	}
	return out
}

// SetDomains replaces the domains of the tenant; the first is canonical. Custom domains stay.
func (s *Store) SetDomains(ctx context.Context, domains []string) error {
	err := s.write(ctx, func(q querier) error {
		in, list, err := s.idList(lowered(domains))
		if err == nil { // what was a custom domain is the operator's now
			_, err = q.exec(ctx, "DELETE FROM domains WHERE tenant = ? AND (position < ? OR host "+in+")", s.tenant.ID, customPosition, list)
		}
		if err != nil {
			return err
		}
		return insertDomains(ctx, q, s.tenant.ID, lowered(domains))
	})
	if uniqueViolation(err) != "" {
		return stagedoor.Errorf(stagedoor.Conflict, "domain_taken", "One of these domains belongs to another tenant.")
	}
	s.db.forget(s.tenant.ID)
	return err
}

// HasTenants tells whether there is any tenant.
func (db *DB) HasTenants(ctx context.Context) (bool, error) {
	var some int
	err := db.reader().row(ctx, "SELECT COUNT(*) FROM (SELECT id FROM tenants LIMIT 1) AS one", nil, &some)
	return some > 0, err
}

// Tenants lists all tenants by name.
func (db *DB) Tenants(ctx context.Context) ([]stagedoor.Tenant, error) {
	var ids []string
	err := db.reader().each(ctx, "SELECT id FROM tenants ORDER BY id", nil, func(scan func(...any) error) error {
		var id string
		if err := scan(&id); err != nil {
			return err
		}
		ids = append(ids, id)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make([]stagedoor.Tenant, 0, len(ids))
	for _, id := range ids {
		s, err := db.TenantByID(ctx, id)
		if err != nil {
			return nil, err
		}
		out = append(out, *s.tenant)
	}
	return out, nil
}

// unreadKey is where a request's context keeps why its tenant could not be read.
type unreadKey struct{}

// TenantUnread returns the context of a request whose tenant could not be read: whoever looks for it again gets err, and does not wait for the
// database once more.
func TenantUnread(ctx context.Context, err error) context.Context {
	return context.WithValue(ctx, unreadKey{}, err)
}

// TenantByDomain returns the handle of the tenant that answers under host, which is
// compared in lower case with its port.
func (db *DB) TenantByDomain(ctx context.Context, host string) (*Store, error) {
	if err, failed := ctx.Value(unreadKey{}).(error); failed {
		return nil, err
	}
	host = strings.ToLower(host)
	if s, err := db.cached(ctx, db.hosts, host); s != nil || err != nil {
		return s, err
	}
	var id string
	err := db.reader().row(ctx, "SELECT tenant FROM domains WHERE host = ?", []any{host}, &id)
	if errors.Is(err, errNoRows) {
		return nil, stagedoor.Errorf(stagedoor.NotFound, "unknown_tenant", "No tenant answers under this domain.")
	}
	if err != nil {
		return nil, err
	}
	s, err := db.TenantByID(ctx, id)
	if err != nil {
		return nil, err
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if c := db.byID[id]; c != nil && c.store.tenant.Allows(host) {
		db.hosts[host] = c
	}
	return s, nil
}

// TenantByID returns the handle of a tenant.
func (db *DB) TenantByID(ctx context.Context, id string) (*Store, error) {
	if s, err := db.cached(ctx, db.byID, id); s != nil || err != nil {
		return s, err
	}
	db.mu.Lock()
	changes, asked := db.changes, time.Now()
	db.mu.Unlock()
	version, err := db.configVersion(ctx, id) // first: what is read after it is no older
	if err != nil {
		return nil, err
	}
	t := &stagedoor.Tenant{ID: id}
	var doc string
	var created int64
	err = db.reader().row(ctx, "SELECT settings, created_at FROM tenants WHERE id = ?", []any{id}, &doc, &created)
	if errors.Is(err, errNoRows) {
		return nil, stagedoor.Errorf(stagedoor.NotFound, "unknown_tenant", "There is no such tenant.")
	}
	if err != nil {
		return nil, err
	}
	t.CreatedAt = fromMillis(created)
	if err := json.Unmarshal([]byte(doc), &t.Settings); err != nil {
		return nil, err
	}
	err = db.reader().each(ctx, "SELECT host FROM domains WHERE tenant = ? ORDER BY position", []any{id}, func(scan func(...any) error) error {
		var host string
		if err := scan(&host); err != nil {
			return err
		}
		t.Domains = append(t.Domains, host)
		return nil
	})
	if err != nil {
		return nil, err
	}
	s := newStore(db, t)
	s.seen.version = version
	s.seen.at.Store(asked.UnixNano())
	if t.ACLs, err = s.NetworkACLs(ctx); err != nil {
		return nil, err
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.changes == changes { // else it may be older than the change
		db.keep(id, &cachedTenant{s, asked})
	}
	return s, nil
}

// keep keeps a handle. Those that are too old to be used again go now and then: of a tenant whom nobody asks for, nothing stays in memory.
func (db *DB) keep(id string, c *cachedTenant) {
	if len(db.byID) >= db.crowd {
		old := func(_ string, c *cachedTenant) bool { return time.Since(c.read) >= KeepFor }
		maps.DeleteFunc(db.byID, old)
		maps.DeleteFunc(db.hosts, old)
		db.crowd = 2*len(db.byID) + 64
	}
	db.byID[id] = c
}

// cached returns the handle that is kept, if it is not too old, else nil.
func (db *DB) cached(ctx context.Context, m map[string]*cachedTenant, key string) (*Store, error) {
	db.mu.Lock()
	c := m[key]
	db.mu.Unlock()
	ok := c != nil && c.store.Fresh(c.read, c.store.seen.version)
	var err error
	if c != nil && !ok {
		ok, err = db.unchanged(ctx, c)
	}
	db.metrics.Cache("tenants", ok)
	if !ok {
		return nil, err
	}
	return c.store, nil
}

// unchanged asks whether a tenant is still what it was when it was read.
func (db *DB) unchanged(ctx context.Context, c *cachedTenant) (bool, error) {
	asked, s := time.Now(), c.store
	if s.seen.version == "" || asked.Sub(c.read) >= KeepFor {
		return false, nil
	}
	version, err := db.configVersion(ctx, s.tenant.ID)
	if err != nil || version != s.seen.version {
		return false, err
	}
	s.seen.at.Store(asked.UnixNano())
	return true, nil
}

// UpdateSettings changes the tenant's settings; the handle itself keeps the old ones.
func (s *Store) UpdateSettings(ctx context.Context, change func(*stagedoor.TenantSettings) error) (*stagedoor.TenantSettings, error) {
	defer s.db.forget(s.tenant.ID)
	var settings stagedoor.TenantSettings
	err := s.write(ctx, func(q querier) error {
		var doc string
		if err := q.row(ctx, "SELECT settings FROM tenants WHERE id = ?"+s.db.noKeyUpdate(), []any{s.tenant.ID}, &doc); err != nil {
			return err
		}
		settings = stagedoor.TenantSettings{}
		if err := json.Unmarshal([]byte(doc), &settings); err != nil {
			return err
		}
		if err := change(&settings); err != nil {
			return err
		}
		b, err := json.Marshal(settings)
		if err != nil {
			return err
		}
		_, err = q.exec(ctx, "UPDATE tenants SET settings = ? WHERE id = ?", document(b), s.tenant.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &settings, nil
}

// forShare keeps a row that a write has read as it is until the write is over; SQLite has one writer anyway.
func (db *DB) forShare() string {
	if db.postgres {
		return " FOR SHARE"
	}
	return ""
}

// by names the index that a statement goes by, behind the table. SQLite keeps no statistics here: it takes an index with all columns in it, or in the order
// that is asked for, for better than one that leads to a few rows, and reads what belongs to the whole tenant.
func (db *DB) by(index string) string {
	if db.postgres {
		return ""
	}
	return " INDEXED BY " + index
}

// keyShare locks a row that others may lock likewise, as a reference to it does, but not change under whoever locks it for an update.
func (db *DB) keyShare() string {
	if db.postgres {
		return " FOR KEY SHARE"
	}
	return ""
}

// noKeyUpdate is forUpdate for a row that stays, and that others may go on to refer to.
func (db *DB) noKeyUpdate() string {
	if db.postgres {
		return " FOR NO KEY UPDATE"
	}
	return ""
}

// forUpdate locks the row that a write has read; SQLite has one writer anyway.
func (db *DB) forUpdate() string {
	if db.postgres {
		return " FOR UPDATE"
	}
	return ""
}
