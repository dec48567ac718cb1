package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor/internal/lucene"
)

// searchBounds are where a search changes its way.
type searchBounds struct {
	few    int // rows that are as good as read
	some   int // rows beyond which it does not matter which of two conditions is walked
	many   int // rows that are read and sorted; beyond, walking everybody meets enough of them soon
	sample int // rows of an index that tell how often a pattern fits
	chunk  int // places that a walk reads first
	probes int // looks at the size of a condition in one search

	patience int // records that are asked before the database is
	set      int // rows of a set that are worth one record less

	bytes  int           // of metadata that is read at once, but for the first users
	exact  time.Duration // how long an exact total may take to count where an estimate will do
	blocks int           // parts of the order of creation from each of which an estimate asks users
	block  int           // so many
}

var usualBounds = searchBounds{few: 1000, some: 5000, many: 16000, sample: 2000, chunk: 100, probes: 64, patience: 400, set: 20, bytes: 16 << 20, exact: 2 * time.Second, blocks: 250, block: 8}

// many is the number of rows of a drive that has more than was counted.
const many = -1

// drive is a way to all users that may match, in the order of results.
type drive struct {
	rows  int  // at most; many
	exact bool // and nobody else
	cond  *lucene.Condition
	tell  string
	open  func(checks []*lucene.Expr) stream
}

// A Probe is a look at how many rows a condition has.
type Probe struct {
	Condition string `json:"condition"`
	Rows      int    `json:"rows"`
	AtLeast   bool   `json:"at_least,omitempty"`
}

// A Statement is one that was run.
type Statement struct {
	SQL          string  `json:"sql"`
	Rows         int     `json:"rows"`
	Milliseconds float64 `json:"ms"`
}

// An Explanation tells how a search ran.
type Explanation struct {
	Tree         string      `json:"tree"`
	Probes       []Probe     `json:"probes"`
	Plan         []string    `json:"plan"`
	Total        string      `json:"total,omitempty"` // how it was counted
	Statements   []Statement `json:"statements"`
	Read         int         `json:"users_read"`
	Milliseconds float64     `json:"ms"`
}

// probe counts rows, up to bound. What an earlier probe knows is not counted again.
func (p *searcher) probe(ctx context.Context, c *lucene.Condition, in []lucene.Interval, bound int) (int, error) {
	name := (&lucene.Condition{Path: c.Path, In: in, Pattern: c.Pattern}).String()
	for _, known := range p.why.Probes {
		if known.Condition == name && (!known.AtLeast || known.Rows >= bound) {
			return min(known.Rows, bound), nil
		}
	}
	if p.asked++; p.asked > p.s.db.search.probes {
		return bound, nil
	}
	from, args := p.rows(c, in)
	n, err := p.number(ctx, "SELECT COUNT(*) FROM (SELECT 1 FROM "+from+" LIMIT ?) x", append(args, bound))
	p.why.Probes = append(p.why.Probes, Probe{name, n, n >= bound})
	return n, err
}

// drive returns the way to the users that may satisfy e, or nil if everybody has to be asked.
func (p *searcher) drive(ctx context.Context, e *lucene.Expr) (*drive, error) {
	switch e.Op {
	case lucene.None:
		return &drive{exact: true, tell: "nobody can match", open: func([]*lucene.Expr) stream { return &union{p: p} }}, nil
	case lucene.Is:
		return p.driveCondition(ctx, e.Cond)
	case lucene.Or:
		return p.driveOr(ctx, e)
	case lucene.And:
		return p.driveAnd(ctx, e)
	}
	return nil, nil
}

func (p *searcher) driveCondition(ctx context.Context, c *lucene.Condition) (*drive, error) {
	n, err := p.probe(ctx, &lucene.Condition{Path: c.Path}, c.In, p.s.db.search.few)
	if err != nil {
		return nil, err
	}
	d := &drive{rows: n, exact: true, cond: c, tell: "read the rows of " + c.String()}
	d.open = func(checks []*lucene.Expr) stream { return p.alongAttr(c, c.In, checks) }
	if n < p.s.db.search.few {
		return d, nil
	}
	d.rows = many
	switch {
	case c.Pattern == nil && len(c.In) == 1 && c.In[0].Single():
		d.tell = "walk " + c.String() + " in the order of creation"
		return d, nil
	case c.Path == "created_at" && c.Pattern == nil && len(c.In) == 1 && p.sort == "":
		d.tell = "walk " + c.String() + " in the order of creation"
		d.open = func(checks []*lucene.Expr) stream { return p.alongUsers(checks, &c.In[0]) }
		return d, nil
	case c.Pattern == nil:
		if lists := p.driveLists(c); lists != nil {
			return lists, nil
		}
	}
	if n, err = p.probe(ctx, &lucene.Condition{Path: c.Path}, c.In, p.s.db.search.many); err != nil {
		return nil, err
	}
	if n < p.s.db.search.many {
		d.rows = n
		return d, nil
	}
	if c.Pattern != nil {
		return p.drivePattern(ctx, c, d)
	}
	return nil, nil // a range
}

// drivePattern reads a whole index for a pattern that seldom fits; one that often fits is soon met on a walk.
func (p *searcher) drivePattern(ctx context.Context, c *lucene.Condition, d *drive) (*drive, error) {
	from, args := p.rows(&lucene.Condition{Path: c.Path}, c.In)
	like, pattern := p.s.like(c.Pattern)
	n, err := p.number(ctx, "SELECT COUNT(*) FROM (SELECT a.value FROM "+from+" LIMIT ?) a WHERE "+like, append(args, p.s.db.search.sample, pattern))
	p.why.Probes = append(p.why.Probes, Probe{fmt.Sprintf("%s in a sample of %d", c, p.s.db.search.sample), n, false})
	if n > p.s.db.search.sample/50 {
		return nil, err
	}
	return d, err
}

// driveLists merges the walks of several values; of a range there is none.
func (p *searcher) driveLists(c *lucene.Condition) *drive {
	for _, i := range c.In {
		if !i.Single() {
			return nil
		}
	}
	return &drive{rows: many, exact: true, cond: c, tell: fmt.Sprintf("walk %d values of %s in the order of creation", len(c.In), c.Path), open: func(checks []*lucene.Expr) stream {
		u := &union{p: p}
		for _, i := range c.In {
			u.parts = append(u.parts, p.alongAttr(c, []lucene.Interval{i}, checks))
		}
		return u
	}}
}

func (p *searcher) driveOr(ctx context.Context, e *lucene.Expr) (*drive, error) {
	all := &drive{exact: true}
	var parts []*drive
	for _, a := range e.Args {
		d, err := p.drive(ctx, a)
		if d == nil || err != nil {
			return nil, err
		}
		parts = append(parts, d)
		all.exact = all.exact && d.exact
		all.tell += " or " + d.tell
		if all.rows != many {
			all.rows += d.rows
		}
		if d.rows == many { // the number is lost
			all.rows = many
		}
	}
	all.tell = "merge: " + all.tell[len(" or "):]
	all.open = func(checks []*lucene.Expr) stream {
		u := &union{p: p}
		for _, d := range parts {
			u.parts = append(u.parts, d.open(checks))
		}
		return u
	}
	return all, nil
}

// driveAnd takes the part with the fewest rows and checks the others on the way.
func (p *searcher) driveAnd(ctx context.Context, e *lucene.Expr) (*drive, error) {
	best, rows, err := p.fewest(ctx, e.Args)
	if err != nil || best.drive == nil {
		return nil, err
	}
	var checks []*lucene.Expr
	d := *best.drive
	rest := 0
	for _, a := range e.Args {
		n, known := rows[a]
		switch {
		case a == best.of:
		case isCheck(a), known && best.rows == many, known && n < p.s.db.search.set*best.rows:
			checks = append(checks, a)
			d.tell += ", checking " + a.String()
		default:
			rest++
		}
	}
	d.cond, d.exact = nil, best.exact && rest == 0
	if rest > 0 {
		d.tell += ", asking each record for the rest"
	}
	d.open = func(more []*lucene.Expr) stream { return best.open(append(slices.Clip(checks), more...)) }
	return &d, nil
}

// candidate is a part that can drive a search.
type candidate struct {
	*drive // nil: there is none
	of     *lucene.Expr
}

// fewest returns the part by which the fewest rows are read, and how many rows each has of which that is known.
func (p *searcher) fewest(ctx context.Context, parts []*lucene.Expr) (best candidate, rows map[*lucene.Expr]int, err error) {
	var ordered candidate // of one value, which lies in the order of results
	rows = map[*lucene.Expr]int{}
	for _, a := range parts {
		d, err := p.drive(ctx, a)
		if err != nil {
			return best, nil, err
		}
		if d == nil {
			continue
		}
		if best.drive != nil && best.rows == many && d.rows == many && d.cond != nil && best.cond != nil {
			if err := p.weigh(ctx, best.drive, d); err != nil {
				return best, nil, err
			}
		}
		if d.rows != many {
			rows[a] = d.rows
		} else if isCheck(a) && len(a.Cond.In) == 1 {
			ordered = candidate{d, a}
		}
		if best.drive == nil || d.fewerThan(best.drive) {
			best = candidate{d, a}
		}
		if best.rows != many && best.rows < p.s.db.search.few/20 {
			break // good enough
		}
	}
	if ordered.drive != nil && ordered.rows == many && best.rows > p.s.db.search.few && !isCheck(best.of) {
		best = ordered // and look into the set of the other: cheaper than to check all of its rows
	}
	return best, rows, nil
}

func (d *drive) fewerThan(other *drive) bool {
	return d.rows != many && (other.rows == many || d.rows < other.rows)
}

// weigh counts further where two conditions have many rows.
func (p *searcher) weigh(ctx context.Context, all ...*drive) error {
	for _, d := range all {
		n, err := p.probe(ctx, &lucene.Condition{Path: d.cond.Path}, d.cond.In, p.s.db.search.some)
		if err != nil {
			return err
		}
		if n < p.s.db.search.some {
			d.rows = n
		}
	}
	return nil
}

// isCheck tells whether e can be looked up for a user in the index at once.
func isCheck(e *lucene.Expr) bool {
	if e.Op != lucene.Is || e.Cond.Pattern != nil || len(e.Cond.In) > 4 || e.Cond.Path == organizationField {
		return false
	}
	for _, i := range e.Cond.In {
		if !i.Single() {
			return false
		}
	}
	return true
}

// checkable returns the conditions of e, all of which have to hold, that can be looked up; without the one of except.
func (p *searcher) checkable(e, except *lucene.Expr) []*lucene.Expr {
	all := []*lucene.Expr{e}
	if e.Op == lucene.And {
		all = e.Args
	}
	var out []*lucene.Expr
	for _, a := range all {
		if a != except && isCheck(a) {
			out = append(out, a)
		}
	}
	return out
}

// everybody walks all users and asks each record.
func (p *searcher) everybody(e *lucene.Expr) *drive {
	d := &drive{rows: many, exact: e.Op == lucene.All, tell: "walk all users in the order of creation"}
	if !d.exact {
		d.tell += ", asking each record"
	}
	d.open = func([]*lucene.Expr) stream { return p.alongUsers(p.checkable(e, nil), nil) }
	return d
}

// total counts all users that match.
func (p *searcher) total(ctx context.Context, got int, uq UserQuery) (int, error) {
	start := time.Now()
	n, how, err := p.counted(ctx, got, uq)
	p.why.Total = fmt.Sprintf("%s: %.1f ms", how, time.Since(start).Seconds()*1000)
	return n, err
}

func (p *searcher) counted(ctx context.Context, got int, uq UserQuery) (n int, how string, err error) {
	if got < uq.PerPage && (got > 0 || uq.Page == 0) {
		return uq.Page*uq.PerPage + got, "the page was the last", nil
	}
	most := p.s.db.search.few
	if p.where.Op == lucene.And && p.plan != nil && p.plan.exact { // looking up each row costs less than sets of all users
		most = p.s.db.search.some
	}
	if d := p.plan; d != nil && d.rows >= 0 && d.rows < most {
		places, err := pull(ctx, d.open(nil), 1<<30)
		if err != nil || d.exact {
			return len(places), "the places were counted", err
		}
		err = p.loadAll(ctx, places, p.where, func(*found) { n++ })
		return n, "each record was asked", err
	}
	if !uq.Estimate {
		return p.count(ctx, p.where)
	}
	err = p.bounded(ctx, func(ctx context.Context) (err error) {
		n, how, err = p.count(ctx, p.where)
		return err
	})
	return n, how, err
}

// count counts in the database, set by set.
func (p *searcher) count(ctx context.Context, e *lucene.Expr) (int, string, error) {
	switch e.Op {
	case lucene.None:
		return 0, "nobody can match", nil
	case lucene.All:
		n, err := p.number(ctx, "SELECT COUNT(*) FROM users WHERE tenant = ?", []any{p.s.tenant.ID})
		return n, "all users", err
	case lucene.Not:
		all, _, err := p.count(ctx, &lucene.Expr{Op: lucene.All})
		if err != nil {
			return 0, "", err
		}
		n, how, err := p.count(ctx, e.Args[0])
		return all - n, "all users but: " + how, err
	case lucene.Is:
		from, args := p.rows(e.Cond, e.Cond.In)
		what := "DISTINCT a.user_id"
		if len(e.Cond.In) == 1 && e.Cond.In[0].Single() {
			what = "*"
		}
		n, err := p.number(ctx, "SELECT COUNT("+what+") FROM "+from, args)
		return n, "rows of the condition", err
	}
	from, args, rest := p.counting(e)
	where, more := p.member(rest, "x.user_id")
	n, err := p.number(ctx, "SELECT COUNT(*) FROM "+from+" x WHERE "+where, append(args, more...))
	return n, "sets of users", err
}

// counting returns the set to count in: the rows of the condition that drives, or all users.
func (p *searcher) counting(e *lucene.Expr) (string, []any, *lucene.Expr) {
	if e.Op == lucene.And {
		best := -1
		for i, a := range e.Args {
			if a.Op == lucene.Is && (best < 0 || isCheck(a) && !isCheck(e.Args[best])) {
				best = i
			}
		}
		if best >= 0 {
			from, args := p.rows(e.Args[best].Cond, e.Args[best].Cond.In)
			rest := &lucene.Expr{Op: lucene.And}
			rest.Args = append(append(rest.Args, e.Args[:best]...), e.Args[best+1:]...)
			return "(SELECT DISTINCT a.user_id FROM " + from + ")", args, rest
		}
	}
	return "(SELECT " + p.id("id") + " AS user_id FROM users WHERE tenant = ?)", []any{p.s.tenant.ID}, e
}

// member returns the condition that the user whose id stands in a column satisfies e.
func (p *searcher) member(e *lucene.Expr, id string) (string, []any) {
	switch e.Op {
	case lucene.All:
		return "1 = 1", nil
	case lucene.None:
		return "1 = 0", nil
	case lucene.Is:
		from, args := p.rows(e.Cond, e.Cond.In)
		return id + " IN (SELECT a.user_id FROM " + from + ")", args
	case lucene.Not:
		text, args := p.member(e.Args[0], id)
		return "NOT (" + text + ")", args
	}
	var parts []string
	var args []any
	for _, a := range e.Args {
		text, more := p.member(a, id)
		parts, args = append(parts, text), append(args, more...)
	}
	return balanced(map[lucene.Op]string{lucene.And: "AND", lucene.Or: "OR"}[e.Op], parts), args
}

// kind is how a search was done, in a word for metrics.
func (p *searcher) kind() string {
	if len(p.why.Plan) == 0 {
		return "count"
	}
	for _, k := range []struct{ tell, kind string }{{"nobody", "nobody"}, {"walk all", "everybody"}, {"walk", "walk"}, {"read the rows", "rows"}, {"merge", "merge"}} {
		if strings.HasPrefix(p.why.Plan[0], k.tell) {
			return k.kind
		}
	}
	return "order"
}
