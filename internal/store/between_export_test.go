package store

import (
	"context"
	"strings"
	"sync"
)

// BeforeRead has something done once, before a database asks what holds a text.
func BeforeRead(db *DB, part string, then func()) {
	var once sync.Once
	db.engine = listening{db.engine, func(query string, _ []any) {
		if strings.Contains(query, part) {
			once.Do(then)
		}
	}}
}

// EachNumberElsewhere is [EachNumber] where a replica may answer.
func EachNumberElsewhere(ctx context.Context, db *DB, query string, fn func(n int64)) error {
	return db.replica().each(ctx, query, nil, func(scan func(...any) error) error {
		var n int64
		err := scan(&n)
		fn(n)
		return err
	})
}

// KeptValues is how many values are kept of all tenants' configurations.
func KeptValues(db *DB) (n int) {
	for _, c := range db.configs.tenants {
		n += len(c.values)
	}
	return n
}
