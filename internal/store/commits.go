package store

import (
	"runtime"
	"sync"
)

// commits tells whether anything that matters has been committed to an embedded database since a question was answered, by whichever process.
// While nothing has, the answer is still true, and there is no need to ask again. Commits of this process that change no configuration do not matter.
type commits struct {
	index *walIndex

	mu       sync.Mutex
	at       walHeader         // after which commit the versions were asked for
	versions map[string]string // of tenants' configurations
	ours     bool              // nobody but this process can commit, and what it commits does not matter
}

// watchCommits watches the database at path, of which the process must hold a connection until close is called: else SQLite takes the index away. It
// returns nil, which watches nothing, where systems do not promise that a file reads as others have it mapped in memory.
func watchCommits(path string) *commits {
	if runtime.GOOS != "linux" {
		return nil
	}
	return &commits{index: openWALIndex(path)}
}

// close is called after the database is closed.
func (c *commits) close() error {
	if c == nil {
		return nil
	}
	return c.index.close()
}

// version returns what is known of a tenant's configuration as it is now, and what a newer answer is to be noted with.
func (c *commits) version(tenant string) (version string, known bool, asked walHeader) {
	if c == nil {
		return "", false, walHeader{}
	}
	now, ok := c.index.header()
	if !ok {
		return "", false, walHeader{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if now != c.at && !(c.ours && now.since(c.at) <= 1) {
		return "", false, now
	}
	version, known = c.versions[tenant]
	return version, known, c.at
}

// note keeps a version that was asked for after the header was read: so it is no older.
func (c *commits) note(tenant, version string, asked walHeader) {
	if asked == (walHeader{}) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at != asked {
		if now, ok := c.index.header(); !ok || now != asked {
			return // of a moment that has passed
		}
		c.move(asked)
	}
	c.versions[tenant] = version
}

// move forgets what was known before another commit.
func (c *commits) move(to walHeader) { c.at, c.versions, c.ours = to, map[string]string{}, false }

// begin is called when this process has the right to write, which nobody else has until it commits or gives up.
func (c *commits) begin() {
	if c == nil {
		return
	}
	now, ok := c.index.header()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at != now {
		c.move(now)
	}
	c.ours = ok
}

// matters says, before it is committed, that what this process writes changes a configuration.
func (c *commits) matters() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ours = false
}

// end is called when this process has committed, or before it gives up what it has written.
func (c *commits) end(committed bool) {
	if c == nil {
		return
	}
	now, ok := c.index.header()
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := now.since(c.at); ok && c.ours && (n == 0 || n == 1 && committed) { // nobody else has committed in between
		c.at = now
	}
	c.ours = false
}
