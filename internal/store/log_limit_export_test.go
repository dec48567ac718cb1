package store

// TellLeftOut tells the logs now what they lack.
func TellLeftOut(db *DB) { db.logs.tellLeftOut() }
