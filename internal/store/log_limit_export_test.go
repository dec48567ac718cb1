package store

// TellLeftOut tells the logs now what they lack.
func TellLeftOut(db *DB) { db.logs.tellLeftOut() }

// LeftOutNetworks is how many networks are counted whose events the log of a tenant lacks.
func LeftOutNetworks(db *DB, tenant string) int {
	l := &db.logs.limit
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.leftOut[tenant].networks)
}
