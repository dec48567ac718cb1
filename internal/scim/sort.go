package scim

import (
	"cmp"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// sort reads what a list is to be sorted by (RFC 7644 section 3.4.2.3).
func (q *query) sort(by, order string) error {
	switch strings.ToLower(order) {
	case "", "ascending":
	case "descending":
		q.descending = true
	default:
		return bad(invalidValue, "sortOrder must be ascending or descending.")
	}
	if by == "" {
		return nil
	}
	p, err := parsePath(by)
	if err != nil {
		return err
	}
	if p.where != nil || p.name == "" || p.name == "members" {
		return bad(invalidPath, "Resources are not sorted by that.")
	}
	q.by = &p
	return nil
}

// keyed is something with the value by which it is sorted.
type keyed[T any] struct {
	one T
	key any
}

// maxKey is how much of a text counts where resources are sorted, in bytes: as many are held as there are resources.
const maxKey = 512

// key is the value by which a resource is sorted; nil if it has none that has an order.
func (q *query) key(doc map[string]any) any {
	key, _ := q.by.value(doc)
	text, is := key.(string)
	if !is {
		if _, flag := key.(bool); flag {
			return key
		} else if n, is := number(key); is {
			return n
		}
		return nil
	}
	if text = strings.Clone(stagedoor.Clip(text, maxKey)); caseExact[q.by.name] && q.by.sub == "" {
		return text
	}
	return strings.ToLower(text)
}

// inOrder sorts resources of which doc shows what is sorted by.
func inOrder[T any](q *query, all []T, doc func(*T) map[string]any) []T {
	if q.by == nil {
		return all
	}
	rows := make([]keyed[T], len(all))
	for i := range all {
		rows[i] = keyed[T]{all[i], q.key(doc(&all[i]))}
	}
	return sorted(q, rows)
}

// sorted puts rows in order; with equal values they stay as they are. What has no value comes last, and first where the order is descending.
func sorted[T any](q *query, rows []keyed[T]) []T {
	slices.SortStableFunc(rows, func(a, b keyed[T]) int {
		order := compareValues(a.key, b.key)
		if q.descending {
			return -order
		}
		return order
	})
	out := make([]T, len(rows))
	for i := range rows {
		out[i] = rows[i].one
	}
	return out
}

// compareValues orders truths, numbers, texts and what is none of them, which comes last.
func compareValues(a, b any) int {
	rank := func(v any) int {
		if _, is := number(v); is {
			return 1
		}
		switch v.(type) {
		case bool:
			return 0
		case string:
			return 2
		}
		return 3
	}
	if order := cmp.Compare(rank(a), rank(b)); order != 0 {
		return order
	}
	switch a := a.(type) {
	case string:
		return strings.Compare(a, b.(string))
	case bool:
		switch b := b.(bool); {
		case a == b:
			return 0
		case b:
			return -1
		}
		return 1
	}
	x, _ := number(a)
	y, _ := number(b)
	return cmp.Compare(x, y)
}
