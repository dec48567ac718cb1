package store

import "sync"

// commits tells whether anything has been committed to an embedded database since a question was answered, by whichever process. While nothing
// has, the answer is still true, and there is no need to ask again.
type commits struct {
	index *walIndex

	mu       sync.Mutex
	at       walHeader         // after which commit the versions were asked for
	versions map[string]string // of tenants' configurations
}

// version returns what is known of a tenant's configuration as it is now, and what a newer answer is to be noted with. Nil watches nothing.
func (c *commits) version(tenant string) (version string, known bool, now walHeader) {
	if c == nil {
		return "", false, walHeader{}
	}
	now, ok := c.index.header()
	if !ok {
		return "", false, walHeader{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at != now {
		return "", false, now
	}
	version, known = c.versions[tenant]
	return version, known, now
}

// note keeps a version that was asked for after the header was read: so it is no older.
func (c *commits) note(tenant, version string, asked walHeader) {
	if asked == (walHeader{}) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at != asked {
		c.at, c.versions = asked, map[string]string{}
	}
	c.versions[tenant] = version
}
