package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/lucene"
)

// stream yields places in the order of results, each once.
type stream interface {
	next(ctx context.Context) (place, bool, error)
	// narrow leaves out, from now on, who does not satisfy e: the database decides, set by set, and not the records.
	narrow(e *lucene.Expr)
}

// pull takes up to n places.
func pull(ctx context.Context, st stream, n int) ([]place, error) {
	var out []place
	for len(out) < n {
		pl, more, err := st.next(ctx)
		if err != nil || !more {
			return out, err
		}
		out = append(out, pl)
	}
	return out, nil
}

// walk reads places from the database, in chunks that grow: each begins where the one before ended.
type walk struct {
	p        *searcher
	key      string // the expression that is sorted by before creation; empty: none
	at, id   string
	from     string // table and condition
	args     []any
	distinct bool // a place may be there several times, in a row: what is skipped must not count it twice
	exact    bool // nothing but the condition decides, so that an offset counts users

	chunk, offset int
	buffer        []place
	given, last   *place // handed out, and read
	ended         bool
}

// narrowChunk is how many places a narrowed walk reads at once: each time the sets are made anew.
const narrowChunk = 1000

func (w *walk) narrow(e *lucene.Expr) {
	text, args := w.p.member(e, w.id)
	w.from, w.args = w.from+" AND "+text, append(slices.Clone(w.args), args...)
	w.buffer, w.last, w.chunk = nil, w.given, narrowChunk
	w.ended = false
}

// maxChunk bounds what a walk holds in memory.
const maxChunk = 5000

func (w *walk) next(ctx context.Context) (place, bool, error) {
	if len(w.buffer) == 0 && !w.ended {
		if err := w.fetch(ctx); err != nil {
			return place{}, false, err
		}
	}
	if len(w.buffer) == 0 {
		return place{}, false, nil
	}
	pl := w.buffer[0]
	again := w.given != nil && *w.given == pl
	w.buffer, w.given = w.buffer[1:], &pl
	if again {
		return w.next(ctx)
	}
	return pl, true, nil
}

func (w *walk) columns() []string {
	if w.key == "" {
		return []string{w.at, w.id}
	}
	return []string{w.key, w.at, w.id}
}

func (w *walk) selects() string {
	text := "SELECT "
	if w.distinct && w.offset > 0 {
		text += "DISTINCT "
	}
	key := w.key
	if key == "" {
		key = "''"
	}
	return text + key + " AS k, " + w.at + " AS at, " + w.id + " AS id FROM " + w.from
}

// fetch reads the next chunk.
func (w *walk) fetch(ctx context.Context) error {
	query, args := w.selects(), slices.Clone(w.args)
	columns, direction, beyond := w.columns(), "", " > "
	if w.p.desc {
		direction, beyond = " DESC", " < "
	}
	if w.last != nil {
		values := []any{w.last.at, w.last.id}
		if w.key != "" {
			values = append([]any{w.last.key}, values...)
		}
		query += " AND (" + strings.Join(columns, ", ") + ")" + beyond + "(" + strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", ") + ")"
		args = append(args, values...)
	}
	query += " ORDER BY " + strings.Join(columns, direction+", ") + direction + " LIMIT ? OFFSET ?"
	size := max(w.chunk, w.p.s.db.search.chunk)
	n := 0
	err := w.p.run(ctx, query, append(args, size, w.offset), func(scan func(...any) error) error {
		var pl place
		n++
		err := scan(&pl.key, &pl.at, &pl.id)
		w.buffer = append(w.buffer, pl)
		return err
	})
	if n > 0 {
		last := w.buffer[len(w.buffer)-1]
		w.last = &last
	}
	w.ended, w.offset, w.chunk = n < size, 0, min(8*size, maxChunk)
	return err
}

// run reads rows and notes the statement.
func (p *searcher) run(ctx context.Context, query string, args []any, scan func(func(...any) error) error) error {
	start, n := time.Now(), 0
	err := p.q.adhoc(ctx, query, args, func(row func(...any) error) error {
		n++
		return scan(row)
	})
	p.why.Statements = append(p.why.Statements, Statement{query, n, time.Since(start).Seconds() * 1000})
	return err
}

// number reads one number.
func (p *searcher) number(ctx context.Context, query string, args []any) (n int, err error) {
	err = p.run(ctx, query, args, func(scan func(...any) error) error { return scan(&n) })
	return n, err
}

// union merges streams of one order.
type union struct {
	p     *searcher
	parts []stream
	heads []*place
}

func (u *union) next(ctx context.Context) (place, bool, error) {
	if u.heads == nil {
		u.heads = make([]*place, len(u.parts))
		for i := range u.parts {
			if err := u.advance(ctx, i); err != nil {
				return place{}, false, err
			}
		}
	}
	var first *place
	for _, h := range u.heads {
		if h != nil && (first == nil || u.p.compare(*h, *first) < 0) {
			first = h
		}
	}
	if first == nil {
		return place{}, false, nil
	}
	pl := *first
	for i, h := range u.heads {
		if h != nil && *h == pl {
			if err := u.advance(ctx, i); err != nil {
				return place{}, false, err
			}
		}
	}
	return pl, true, nil
}

func (u *union) narrow(e *lucene.Expr) {
	for _, part := range u.parts {
		part.narrow(e)
	}
}

func (u *union) advance(ctx context.Context, i int) error {
	pl, more, err := u.parts[i].next(ctx)
	u.heads[i] = nil
	if more {
		u.heads[i] = &pl
	}
	return err
}

// id returns how the id of a user is compared: by its bytes.
func (p *searcher) id(column string) string {
	if p.s.db.postgres {
		return column + ` COLLATE "C"`
	}
	return column
}

// valued returns the condition that a row of attr lies in the intervals and fits the pattern.
func (p *searcher) valued(c *lucene.Condition, in []lucene.Interval) (string, []any) {
	var single, parts []string
	var args, ends []any
	for _, i := range in {
		if i.Single() {
			single, args = append(single, "?"), append(args, i.From)
			continue
		}
		from, to := " >= ?", " < ?"
		if i.After {
			from = " > ?"
		}
		if i.Through {
			to = " <= ?"
		}
		parts, ends = append(parts, "a.value"+from+" AND a.value"+to), append(ends, i.From, i.To)
	}
	switch {
	case len(single) == 1:
		parts = append([]string{"a.value = ?"}, parts...)
	case len(single) > 1:
		parts = append([]string{"a.value IN (" + strings.Join(single, ", ") + ")"}, parts...)
	}
	text := balanced("OR", parts)
	args = append(args, ends...)
	if c.Pattern != nil {
		like, pattern := p.s.like(c.Pattern)
		text, args = text+" AND "+like, append(args, pattern)
	}
	return text, args
}

// balanced joins conditions so that they nest little: SQLite bounds the depth.
func balanced(operator string, parts []string) string {
	switch len(parts) {
	case 0:
		return "1 = 0"
	case 1:
		return "(" + parts[0] + ")"
	}
	half := len(parts) / 2
	return "(" + balanced(operator, parts[:half]) + " " + operator + " " + balanced(operator, parts[half:]) + ")"
}

var (
	globEscapes = strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]")
	likeEscapes = strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`)
)

// like returns the condition that a text fits the pattern. LIKE of SQLite knows no case, GLOB does.
func (s *Store) like(pattern lucene.Pattern) (string, string) {
	operator, escapes, wildcard := "a.value GLOB ?", globEscapes, "*"
	if s.db.postgres {
		operator, escapes, wildcard = "a.value LIKE ?", likeEscapes, "%"
	}
	parts := make([]string, len(pattern))
	for i, part := range pattern {
		parts[i] = escapes.Replace(part)
	}
	return operator, "s" + strings.Join(parts, wildcard)
}

// rows returns the table and the condition that find the rows of attr for a condition.
func (p *searcher) rows(c *lucene.Condition, in []lucene.Interval) (string, []any) {
	if c.Path == organizationField {
		return p.memberships(c, in)
	}
	where, args := p.valued(c, in)
	return "attr a WHERE a.tenant = ? AND a.path = ? AND " + where, append([]any{p.s.tenant.ID, pathID(c.Path)}, args...)
}

// memberships is rows for the organizations that users belong to, which have a table of their own, and ids without a type.
func (p *searcher) memberships(c *lucene.Condition, in []lucene.Interval) (string, []any) {
	var bare []lucene.Interval
	value := "m.org_id"
	for _, i := range in {
		from, isText := strings.CutPrefix(i.From, "s")
		to, ends := strings.CutPrefix(i.To, "s")
		switch {
		case i.Single() && isText:
			bare = append(bare, lucene.Interval{From: from, To: from, Through: true})
			continue
		case i.Single() || i.To <= "s":
			continue // a number or a boolean
		case !isText:
			from = ""
		}
		if !ends {
			to = "\U0010ffff"
		}
		value = p.id("m.org_id")
		bare = append(bare, lucene.Interval{From: from, After: i.After && isText, To: to, Through: i.Through && ends})
	}
	where, args := p.valued(&lucene.Condition{Path: c.Path}, bare)
	if c.Pattern != nil {
		like, pattern := p.s.like(c.Pattern)
		where, args = where+" AND "+like, append(args, strings.TrimPrefix(pattern, "s"))
	}
	return "(SELECT m.tenant, " + value + " AS value, " + p.id("m.user_id") + " AS user_id, " +
		"(SELECT u.created_at FROM users u WHERE u.tenant = m.tenant AND u.id = m.user_id) AS at FROM organization_members m) a WHERE a.tenant = ? AND " +
		where, append([]any{p.s.tenant.ID}, args...)
}

// checked adds conditions that the user of the row satisfies: equalities each by one look at the index, others by their sets.
func (p *searcher) checked(from string, args []any, checks []*lucene.Expr, at, id string) (string, []any) {
	args = slices.Clone(args)
	for _, e := range checks {
		if !isCheck(e) {
			text, more := p.member(e, id)
			from, args = from+" AND "+text, append(args, more...)
			continue
		}
		c := e.Cond
		where, values := p.valued(c, c.In)
		where = strings.ReplaceAll(where, "a.value", "c.value")
		from += " AND (SELECT COUNT(*) FROM attr c WHERE c.tenant = ? AND c.path = ? AND " + where + " AND c.at = " + at + " AND c.user_id = " + id + ") > 0"
		args = append(append(args, p.s.tenant.ID, pathID(c.Path)), values...)
	}
	return from, args
}

// alongAttr walks the rows of a condition in the order of creation.
func (p *searcher) alongAttr(c *lucene.Condition, in []lucene.Interval, checks []*lucene.Expr) *walk {
	from, args := p.rows(c, in)
	from, args = p.checked(from, args, checks, "a.at", "a.user_id")
	return &walk{p: p, at: "a.at", id: "a.user_id", from: from, args: args, distinct: len(in) > 1 || !in[0].Single(), exact: true}
}

// alongUsers walks all users in the order of creation.
func (p *searcher) alongUsers(checks []*lucene.Expr, created *lucene.Interval) *walk {
	from, args := "users u WHERE u.tenant = ?", []any{p.s.tenant.ID}
	if created != nil {
		low, high := createdBetween(*created)
		from, args = from+" AND u.created_at >= ? AND u.created_at <= ?", append(args, low, high)
	}
	id := p.id("u.id")
	from, args = p.checked(from, args, checks, "u.created_at", id)
	return &walk{p: p, at: "u.created_at", id: id, from: from, args: args, exact: true}
}

// createdBetween turns an interval of texts into milliseconds, both included: those of the times whose texts lie in it. Texts of times are in the
// order of times, so that any text, also a part of one or none, divides them in two.
func createdBetween(i lucene.Interval) (low, high int64) {
	low = firstTime(func(text string) bool { return text > i.From || text == i.From && !i.After })
	high = firstTime(func(text string) bool { return text > i.To || text == i.To && !i.Through }) - 1
	return low, high
}

// The first and the last year that have four digits, in milliseconds.
const firstMilli, lastMilli = -62167219200000, 253402300799999

// firstTime returns the first time, in milliseconds, for whose text in normal form holds is true, as it is for all after it; one after the last if
// there is none.
func firstTime(holds func(text string) bool) int64 {
	low, high := int64(firstMilli), int64(lastMilli+1)
	for low < high {
		if middle := low + (high-low)/2; holds(lucene.Text(stagedoor.FormatTime(time.UnixMilli(middle)))) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}

// inOrderOf walks the users who have the field in its order.
func (p *searcher) inOrderOf(path string) (stream, string) {
	checks := p.checkable(p.where, nil)
	in := lucene.HasField(path).Cond.In
	if bound := bounding(p.where, path); bound != nil {
		in = []lucene.Interval{*bound}
	}
	along := func(path, also string) *walk {
		c := &lucene.Condition{Path: path, In: in}
		from, args := p.rows(c, in)
		from, args = p.checked(from+also, args, checks, "a.at", "a.user_id")
		return &walk{p: p, key: "a.value", at: "a.at", id: "a.user_id", from: from, args: args}
	}
	if path != "updated_at" {
		return along(path, ""), "walk the index of " + path + " in its order"
	}
	// The later one of two: each user is met once, where the later one stands.
	const (
		login  = "COALESCE((SELECT l.last_login FROM logins l WHERE l.tenant = a.tenant AND l.user_id = a.user_id), 0)"
		update = "COALESCE((SELECT u.updated_at FROM users u WHERE u.tenant = a.tenant AND u.id = a.user_id), 0)"
	)
	return &union{p: p, parts: []stream{along("updated_at", " AND "+update+" >= "+login), along("last_login", " AND "+update+" < "+login)}},
		"walk the indexes of updated_at and last_login in their order"
}

// bounding returns the interval of the path in which all results lie, if a condition says so.
func bounding(e *lucene.Expr, path string) *lucene.Interval {
	switch {
	case e.Op == lucene.Is && e.Cond.Path == path && len(e.Cond.In) == 1:
		return &e.Cond.In[0]
	case e.Op == lucene.And:
		for _, a := range e.Args {
			if i := bounding(a, path); i != nil {
				return i
			}
		}
	}
	return nil
}
