package store

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/stagedoor/stagedoor"
)

// noun is a configuration noun that lives as one JSON document per row: clients,
// connections, resource servers, client grants, rules. Its functions are all that
// the five verbs need to know.
type noun[T any] struct {
	table   string
	kind    string // of the rows of documents that are of this noun; for other tables empty
	order   string
	id      func(*T) *string
	columns []string                          // further columns, for keys
	values  func(*T) []any                    // their values
	secret  func(*T) *string                  // sealed apart from the document; nil = none
	hide    func(*T) (string, error)          // the same for more than one text: takes them out of a copy, and
	reveal  func(*T, string) error            // puts them back
	missing *stagedoor.Error                  // the wire's words for "there is none"
	clash   func(*T, string) *stagedoor.Error // the wire's words for a duplicate
	newID   func() string
	grown   func(*Store, *T) // adds what this program knows and an earlier one that wrote the row did not; nil = nothing
}

func (n *noun[T]) seals() bool { return n.secret != nil || n.hide != nil }

func (n *noun[T]) selects() string {
	if n.seals() {
		return "SELECT doc, sealed FROM " + n.table
	}
	return "SELECT doc, '' FROM " + n.table
}

// mine is the condition that holds for the rows of the noun and the tenant.
func (n *noun[T]) mine() string {
	if n.kind != "" {
		return " WHERE kind = '" + n.kind + "' AND tenant = ?"
	}
	return " WHERE tenant = ?"
}

// sealedAs names what is sealed, so that it can be opened nowhere else.
func (n *noun[T]) sealedAs() string {
	if n.kind != "" {
		return n.table + "/" + n.kind
	}
	return n.table
}

func (n *noun[T]) scan(s *Store, scan func(...any) error) (*T, error) {
	var doc, sealed string
	if err := scan(&doc, &sealed); err != nil {
		if errors.Is(err, errNoRows) {
			missing := *n.missing
			return nil, &missing
		}
		return nil, err
	}
	v := new(T)
	if err := json.Unmarshal([]byte(doc), v); err != nil {
		return nil, err
	}
	if n.grown != nil {
		n.grown(s, v)
	}
	if !n.seals() {
		return v, nil
	}
	plain, err := s.unseal(sealed, n.sealedAs(), *n.id(v))
	if err != nil {
		return nil, err
	}
	if n.reveal != nil {
		return v, n.reveal(v, plain)
	}
	*n.secret(v) = plain
	return v, nil
}

// known is scan for readers: a document that was decoded before is not decoded again. The value is a copy, but its lists
// and maps are shared: readers do not change them in place.
func (n *noun[T]) known(s *Store, scan func(...any) error) (*T, error) {
	var doc, sealed string
	if err := scan(&doc, &sealed); err != nil {
		return n.scan(s, func(...any) error { return err })
	}
	key := decodedKey{n.sealedAs(), doc, sealed}
	v, known := s.db.decoded.get(key).(*T)
	s.db.metrics.Cache("documents", known)
	if known {
		c := *v
		return &c, nil
	}
	var err error
	v, err = n.scan(s, func(dest ...any) error {
		*dest[0].(*string), *dest[1].(*string) = doc, sealed
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.db.decoded.put(key, v)
	c := *v
	return &c, nil
}

// encode returns the document and the sealed secret of v.
func (n *noun[T]) encode(s *Store, v *T) (doc document, sealed string, err error) {
	c := *v
	if n.secret != nil {
		sealed = s.seal(*n.secret(v), n.sealedAs(), *n.id(v))
		*n.secret(&c) = ""
	}
	if n.hide != nil {
		plain, err := n.hide(&c)
		if err != nil {
			return document(""), "", err
		}
		sealed = s.seal(plain, n.sealedAs(), *n.id(v))
	}
	b, err := json.Marshal(&c)
	return document(b), sealed, err
}

func (n *noun[T]) one(ctx context.Context, s *Store, q querier, where string, args ...any) (*T, error) {
	return n.scan(s, func(dest ...any) error {
		return q.row(ctx, n.selects()+n.mine()+" AND "+where, append([]any{s.tenant.ID}, args...), dest...)
	})
}

// read returns one record to a reader.
func (n *noun[T]) read(ctx context.Context, s *Store, where string, args ...any) (*T, error) {
	if !configTables[n.table] {
		return n.readNow(ctx, s, new(int), where, args...)
	}
	key := configKey{table: n.sealedAs(), where: where}
	for i := range args {
		text, is := args[i].(string)
		if !is || i >= len(key.args) {
			return n.readNow(ctx, s, new(int), where, args...)
		}
		key.args[i] = text
	}
	v, err := kept(ctx, s, key, func(size *int) (*T, error) { return n.readNow(ctx, s, size, where, args...) })
	if err != nil {
		return nil, err
	}
	c := *v
	return &c, nil
}

func (n *noun[T]) readNow(ctx context.Context, s *Store, size *int, where string, args ...any) (*T, error) {
	return n.known(s, weighed(func(dest ...any) error {
		return s.read().row(ctx, n.selects()+n.mine()+" AND "+where, append([]any{s.tenant.ID}, args...), dest...)
	}, size))
}

func (n *noun[T]) all(ctx context.Context, s *Store) ([]T, error) {
	read := func(size *int) ([]T, error) { return n.weighedList(ctx, s, s.read(), size) }
	if !configTables[n.table] {
		return read(new(int))
	}
	return keptList(ctx, s, configKey{table: n.sealedAs(), where: "all"}, read)
}

// list is all, as a transaction or another connection sees it.
func (n *noun[T]) list(ctx context.Context, s *Store, q querier) ([]T, error) {
	return n.weighedList(ctx, s, q, new(int))
}

func (n *noun[T]) weighedList(ctx context.Context, s *Store, q querier, size *int) ([]T, error) {
	out := []T{}
	err := q.each(ctx, n.selects()+n.mine()+" ORDER BY "+n.order, []any{s.tenant.ID}, func(scan func(...any) error) error {
		v, err := n.known(s, weighed(scan, size))
		if err == nil {
			out = append(out, *v)
		}
		return err
	})
	return out, err
}

func (n *noun[T]) create(ctx context.Context, s *Store, v *T) error {
	return n.named(v, s.write(ctx, func(q querier) error { return n.insert(ctx, s, q, v) }))
}

func (n *noun[T]) insert(ctx context.Context, s *Store, q querier, v *T) error {
	if *n.id(v) == "" {
		*n.id(v) = newID(ctx, n.newID)
	}
	doc, sealed, err := n.encode(s, v)
	if err != nil {
		return err
	}
	columns, marks := "tenant, id, doc", "?, ?, ?"
	args := []any{s.tenant.ID, *n.id(v), doc}
	if n.seals() {
		columns, marks, args = columns+", sealed", marks+", ?", append(args, sealed)
	}
	if n.sized() {
		size := len(doc) + len(sealed)
		if err := n.fits(ctx, s, q, *n.id(v), size); err != nil {
			return err
		}
		columns, marks, args = columns+", size", marks+", ?", append(args, size)
	}
	if len(n.columns) > 0 {
		for _, c := range n.columns {
			columns, marks = columns+", "+c, marks+", ?"
		}
		args = append(args, n.values(v)...)
	}
	_, err = q.exec(ctx, "INSERT INTO "+n.table+" ("+columns+") VALUES ("+marks+")", args...)
	return err
}

func (n *noun[T]) update(ctx context.Context, s *Store, id string, change func(*T) error) (*T, error) {
	return n.updateThen(ctx, s, id, change, nil)
}

// updateThen is update with something more in the same transaction.
func (n *noun[T]) updateThen(ctx context.Context, s *Store, id string, change func(*T) error, then func(querier, *T) error) (*T, error) {
	var v *T
	err := s.write(ctx, func(q querier) (err error) {
		if v, err = n.one(ctx, s, q, "id = ?"+s.db.forUpdate(), id); err != nil {
			return err
		}
		if err := change(v); err != nil {
			return err
		}
		if err := n.save(ctx, s, q, id, v); err != nil || then == nil {
			return err
		}
		return then(q, v)
	})
	if err != nil {
		return nil, n.named(v, err)
	}
	return v, nil
}

func (n *noun[T]) save(ctx context.Context, s *Store, q querier, id string, v *T) error {
	doc, sealed, err := n.encode(s, v)
	if err != nil {
		return err
	}
	set, args := "doc = ?", []any{doc}
	if n.seals() {
		set, args = set+", sealed = ?", append(args, sealed)
	}
	if n.sized() {
		size := len(doc) + len(sealed)
		if err := n.fits(ctx, s, q, id, size); err != nil {
			return err
		}
		set, args = set+", size = ?", append(args, size)
	}
	if len(n.columns) > 0 {
		for _, c := range n.columns {
			set += ", " + c + " = ?"
		}
		args = append(args, n.values(v)...)
	}
	_, err = q.exec(ctx, "UPDATE "+n.table+" SET "+set+n.mine()+" AND id = ?", append(args, s.tenant.ID, id)...)
	return err
}

// named gives a duplicate the wire's words.
func (n *noun[T]) named(v *T, err error) error {
	if what := uniqueViolation(err); what != "" {
		return n.clash(v, what)
	}
	return err
}

func (n *noun[T]) delete(ctx context.Context, s *Store, q querier, id string) error {
	_, err := q.exec(ctx, "DELETE FROM "+n.table+n.mine()+" AND id = ?", s.tenant.ID, id)
	return err
}
