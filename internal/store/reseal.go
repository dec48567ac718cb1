package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stagedoor/stagedoor/internal/jose"
)

// resealBatch is how many values are sealed again in one transaction.
const resealBatch = 200

// keyIDLength is how long the id of a master key is in a sealed value.
const keyIDLength = 8

// A KeyUse tells how many values were sealed under a master key.
type KeyUse struct {
	Key    string         `json:"key"`
	Values int64          `json:"values"`
	Tables map[string]int `json:"tables"`
}

// keyID is the SQL of the id of the master key in a value.
func (t *sealedTable) keyID() string {
	return "SUBSTR(" + t.column + ", " + strconv.Itoa(len(t.prefix())+len("s1.")+1) + ", " + strconv.Itoa(keyIDLength) + ")"
}

// KeysInUse tells under which master keys the values of the database were sealed, by the keys' ids.
func (db *DB) KeysInUse(ctx context.Context) ([]KeyUse, error) {
	if err := db.sameVersion(ctx); err != nil {
		return nil, err
	}
	byKey := map[string]*KeyUse{}
	for _, t := range sealedTables {
		query := "SELECT " + t.keyID() + ", COUNT(*) FROM " + t.table + " WHERE " + t.holds() + " GROUP BY 1"
		err := db.reader().each(ctx, query, nil, func(scan func(...any) error) error {
			var id string
			var n int
			if err := scan(&id, &n); err != nil {
				return err
			}
			if byKey[id] == nil {
				byKey[id] = &KeyUse{Key: id, Tables: map[string]int{}}
			}
			byKey[id].Values += int64(n)
			byKey[id].Tables[t.table] += n
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("counting what is sealed in %s: %w", t.table, err)
		}
	}
	out := []KeyUse{}
	for _, use := range byKey {
		out = append(out, *use)
	}
	slices.SortFunc(out, func(a, b KeyUse) int { return strings.Compare(a.Key, b.Key) })
	return out, nil
}

// A Resealed is what sealing again has done.
type Resealed struct {
	Done   int64    `json:"resealed"`
	Left   int64    `json:"left"`           // values that are still under another key than the first
	Failed []string `json:"failed"`         // where values lie that no key opens; at most maxFaults
	More   int      `json:"more,omitempty"` // how many there are beside them
}

// Reseal seals everything again that was sealed under another master key than the first, while servers run. A value that a server changes
// meanwhile is left to that server. It can be stopped at any time; the next run goes on with what is left.
func (db *DB) Reseal(ctx context.Context, progress func(table string, done int64)) (*Resealed, error) {
	if progress == nil {
		progress = func(string, int64) {}
	}
	if err := db.sameVersion(ctx); err != nil {
		return nil, err
	}
	tables, err := catalogOf(ctx, db.reader(), db.postgres)
	if err != nil {
		return nil, err
	}
	r := &Resealed{Failed: []string{}}
	for _, t := range sealedTables {
		i := slices.IndexFunc(tables, func(c catalogTable) bool { return c.name == t.table })
		if i < 0 || len(tables[i].key) == 0 {
			return nil, fmt.Errorf("the table %s is not there or has no primary key", t.table)
		}
		if err := db.resealTable(ctx, &t, &tables[i], r, progress); err != nil {
			return r, fmt.Errorf("sealing %s again: %w", t.table, err)
		}
	}
	uses, err := db.KeysInUse(ctx)
	for _, use := range uses {
		if use.Key != db.sealer.Current() {
			r.Left += use.Values
		}
	}
	return r, err
}

// A resealing is one value on its way from one key to another.
type resealing struct {
	key      []any // of its row
	old, new string
}

func (db *DB) resealTable(ctx context.Context, t *sealedTable, c *catalogTable, r *Resealed, progress func(string, int64)) error {
	var after []any
	for {
		batch, last, err := db.nextSealed(ctx, t, c, after, r)
		if err != nil {
			return err
		}
		if last == nil {
			return nil
		}
		after = last
		if len(batch) == 0 {
			continue
		}
		update := "UPDATE " + t.table + " SET " + t.column + " = ? WHERE " + strings.Join(c.key, " = ? AND ") + " = ? AND " + t.column + " = ?"
		var changed int64
		err = db.write(ctx, func(q querier) error {
			changed = 0
			for _, one := range batch {
				n, err := q.exec(ctx, update, append(append([]any{one.new}, one.key...), one.old)...)
				if err != nil {
					return err
				}
				changed += n
			}
			return nil
		})
		if err != nil {
			return err
		}
		r.Done += changed
		progress(t.table, r.Done)
	}
}

// nextSealed reads the rows behind after, in the order of the key, that were sealed under an older master key, and seals their values
// again. last is the key of the last row that was read; nil when there is none.
func (db *DB) nextSealed(ctx context.Context, t *sealedTable, c *catalogTable, after []any, r *Resealed) (batch []resealing, last []any, err error) {
	keys := strings.Join(c.key, ", ")
	query := "SELECT " + t.column + ", " + t.name + ", " + t.id + ", " + keys + " FROM " + t.table + " WHERE " + t.holds() + " AND " + t.keyID() + " <> ?"
	args := []any{db.sealer.Current()}
	if after != nil {
		query += " AND (" + keys + ") > (?" + strings.Repeat(", ?", len(c.key)-1) + ")"
		args = append(args, after...)
	}
	query += " ORDER BY " + keys + " LIMIT " + strconv.Itoa(resealBatch)
	err = db.reader().each(ctx, query, args, func(scan func(...any) error) error {
		var value, name, id string
		dest := []any{&value, &name, &id}
		for _, column := range c.key {
			if c.kind(column) == kindInt {
				dest = append(dest, new(int64))
			} else {
				dest = append(dest, new(string))
			}
		}
		if err := scan(dest...); err != nil {
			return err
		}
		last = nil
		for _, d := range dest[3:] {
			switch v := d.(type) {
			case *int64:
				last = append(last, *v)
			case *string:
				last = append(last, *v)
			}
		}
		place := jose.Place(last[0].(string), name, id) // the tenant is first in every key
		plain, err := db.sealer.Open(strings.TrimPrefix(value, t.prefix()), place)
		if err != nil {
			if len(r.Failed) >= maxFaults {
				r.More++
			} else {
				r.Failed = append(r.Failed, t.table+" "+id)
			}
			return nil
		}
		batch = append(batch, resealing{last, value, t.prefix() + db.sealer.Seal(plain, place)})
		return nil
	})
	return batch, last, err
}
