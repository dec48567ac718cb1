package script

import (
	"sync"
	"time"
)

// Limits of api.cache for one trigger of a tenant (extensibility fact sheet 3.2).
const (
	cacheEntries   = 20
	cacheKeyBytes  = 64
	cacheValue     = 4 << 10
	cacheBytes     = 8 << 10
	cacheLife      = 24 * time.Hour
	cachedTriggers = 4096 // of all tenants, 8 KB each at most
)

// cacheRecord is one value; ExpiresAt is in milliseconds.
type cacheRecord struct {
	Value     string `json:"value"`
	ExpiresAt int64  `json:"expires_at"`
}

// cacheChange is what a run did to the cache: without a record the key was deleted.
type cacheChange struct {
	Key    string       `json:"key"`
	Record *cacheRecord `json:"record"`
}

// caches are what api.cache keeps, in memory: a cache may forget at any time, and does when the server stops.
type caches struct {
	mu  sync.Mutex
	all map[cacheKey]map[string]cacheRecord
}

type cacheKey struct{ tenant, trigger string }

// of returns a copy of what is kept for a trigger and has not expired.
func (c *caches) of(tenant, trigger string, now time.Time) map[string]cacheRecord {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]cacheRecord{}
	for key, record := range c.all[cacheKey{tenant, trigger}] {
		if record.ExpiresAt > now.UnixMilli() {
			out[key] = record
		}
	}
	return out
}

// apply keeps what a run changed, within the limits.
func (c *caches) apply(tenant, trigger string, changes []cacheChange, now time.Time) {
	if len(changes) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = make(map[cacheKey]map[string]cacheRecord)
	}
	at := cacheKey{tenant, trigger}
	if c.all[at] == nil {
		for key := range c.all { // any one: the order of a map is random
			if len(c.all) < cachedTriggers {
				break
			}
			delete(c.all, key)
		}
		c.all[at] = make(map[string]cacheRecord)
	}
	kept := c.all[at]
	for key, record := range kept {
		if record.ExpiresAt <= now.UnixMilli() {
			delete(kept, key)
		}
	}
	for _, change := range changes {
		delete(kept, change.Key)
		if r := change.Record; r != nil && len(change.Key) <= cacheKeyBytes && len(r.Value) <= cacheValue && fits(kept, change.Key, r.Value) {
			r.ExpiresAt = min(r.ExpiresAt, now.Add(cacheLife).UnixMilli())
			kept[change.Key] = *r
		}
	}
}

func fits(kept map[string]cacheRecord, key, value string) bool {
	size := len(key) + len(value)
	for k, r := range kept {
		size += len(k) + len(r.Value)
	}
	return len(kept) < cacheEntries && size <= cacheBytes
}
