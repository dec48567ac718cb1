package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/lucene"
	"github.com/stagedoor/stagedoor/internal/telemetry"
)

// UserSchema is what is special about the fields of users in a search (Management API fact sheet 2.6).
var UserSchema = lucene.Schema{
	Bare:  []string{"email", "username", "name", "nickname", "given_name", "family_name", "phone_number", "user_id"},
	Dates: []string{"created_at", "updated_at", "last_login", "last_password_reset"},
	Fold:  folded,
	Last:  map[string]string{"updated_at": "last_login"}, // a login counts as an update
}

// organizationField is the field that memberships answer, not the user's own record.
const organizationField = "organization_id"

// DefaultSearchLimit is how long a search may take.
const DefaultSearchLimit = 5 * time.Second

// UserQuery asks for a page of users.
type UserQuery struct {
	Page, PerPage int          // Page counts from 0
	Where         *lucene.Expr // which users, by UserSchema; nil: all
	Sort          string       // a field that SortsUsersBy knows; empty: by creation
	Descending    bool
	NoTotal       bool         // how many there are in all is not wanted
	Estimate      bool         // a total that takes too long to count may be an estimate; else it is counted until the search's own limit
	Explain       *Explanation // is told how the search ran; may be nil
}

// sortable are the fields that users can be sorted by: each has one value at most.
var sortable = []string{
	"created_at", "updated_at", "email", "email_verified", "username", "name", "nickname", "given_name", "family_name", "user_id", "phone_number",
	"phone_verified", "blocked", "last_login", "last_ip", "logins_count", "last_password_reset",
}

// SortsUsersBy tells whether Users can sort by the field.
func SortsUsersBy(field string) bool { return field == "" || slices.Contains(sortable, field) }

// Users returns a page of the tenant's users and, if it is wanted, how many there are in all. Users without the field that they
// are sorted by come last; ties are in the order of creation, then of ids. A search that takes too long is Unavailable.
func (s *Store) Users(ctx context.Context, uq UserQuery) ([]stagedoor.User, int, error) {
	texts, total, err := s.UserTexts(ctx, uq)
	if err != nil {
		return nil, 0, err
	}
	users, err := decodedUsers(texts)
	return users, total.Count, err
}

// UserTexts is Users for who shows the users and nothing else.
func (s *Store) UserTexts(ctx context.Context, uq UserQuery) ([]*stagedoor.UserText, Total, error) {
	where := uq.Where
	if where == nil {
		where = &lucene.Expr{Op: lucene.All}
	}
	if !SortsUsersBy(uq.Sort) {
		return nil, Total{}, stagedoor.Errorf(stagedoor.Invalid, "invalid_query_string", "Users cannot be sorted by %q.", uq.Sort)
	}
	p := &searcher{s: s, where: where, desc: uq.Descending, why: cmpOr(uq.Explain, &Explanation{})}
	if uq.Sort != "created_at" {
		p.sort = uq.Sort
	}
	const counting = "counting the total (include_totals)"
	if p.doing = "looking for the page"; uq.PerPage == 0 {
		p.doing = counting
	}
	start := time.Now()
	p.why.Tree = where.String()
	users, total := []*stagedoor.UserText{}, Total{}
	ctx, cancel := context.WithTimeout(ctx, s.db.searchLimit)
	defer cancel()
	err := s.db.searching(ctx, s.db.searchLimit, func(q querier) (err error) {
		p.q = q
		if uq.PerPage > 0 {
			if users, err = p.page(ctx, uq.Page*uq.PerPage, uq.PerPage); err != nil {
				return err
			}
		}
		if !uq.NoTotal {
			p.doing = counting
			total.Count, err = p.total(ctx, len(users), uq)
		}
		return err
	})
	if errors.Is(err, errSlowTotal) {
		err = s.db.searching(ctx, max(s.db.searchLimit-time.Since(start), time.Millisecond), func(q querier) (err error) {
			p.q = q
			total, err = p.estimate(ctx)
			return err
		})
		total.Count = max(total.Count, uq.Page*uq.PerPage+len(users)) // so many were seen
	}
	p.why.Milliseconds = time.Since(start).Seconds() * 1000
	s.db.metrics.Since(telemetry.SearchTime, start, "users", p.kind())
	return users, total, s.searchError(ctx, err, p.doing, narrowing(where))
}

// searchError says that a search took too long, if that was it, at what, and what to do about it.
func (s *Store) searchError(ctx context.Context, err error, doing, advice string) error {
	if err == nil || !errors.Is(ctx.Err(), context.DeadlineExceeded) && !isTimeout(err) {
		return err
	}
	return &stagedoor.Error{Kind: stagedoor.Unavailable, Code: "search_timeout", Err: err, Message: "The search took longer than " + s.db.searchLimit.String() +
		" while " + doing + ". Narrow it: ask for an exact value or a prefix, or leave out include_totals." + advice}
}

// isTimeout tells whether PostgreSQL ended a statement for its time.
func isTimeout(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "57014"
}

func cmpOr[T any](p, otherwise *T) *T {
	if p != nil {
		return p
	}
	return otherwise
}

// searcher runs one search.
type searcher struct {
	s     *Store
	q     querier // where places are found
	where *lucene.Expr
	sort  string // a path; empty: by creation
	desc  bool
	asked int // probes so far
	bytes int // of the metadata of those who were read so far
	plan  *drive
	why   *Explanation
	doing string // what takes the time
}

// place is where a user stands in the order of results.
type place struct {
	key string // normal form of the value that is sorted by
	at  int64  // creation, milliseconds
	id  string
}

func (p *searcher) compare(a, b place) int {
	c := attr{value: a.key, at: a.at, user: a.id}.compare(attr{value: b.key, at: b.at, user: b.id})
	if p.desc {
		return -c
	}
	return c
}

// found is a user whose values can be asked for; only what is asked for is read.
type found struct {
	text          *stagedoor.UserText
	whole         *stagedoor.User // text with its metadata, once somebody asks for them
	root          map[string][]string
	organizations []string // if they are asked for
}

// user returns the user with metadata.
func (f *found) user() *stagedoor.User {
	if f.whole == nil {
		var err error
		if f.whole, err = f.text.Decoded(); err != nil { // what the database has as an object is one
			f.whole = &f.text.User
		}
	}
	return f.whole
}

// at returns the normal forms of the user's values at a path.
func (f *found) at(path string) []string {
	switch path {
	case organizationField:
		return f.organizations
	case "user_metadata", "app_metadata":
		ix := &indexed{}
		ix.addFilled(f.user())
		return valuesAt(ix.root, path)
	}
	for _, prefix := range []string{"user_metadata.", "app_metadata."} {
		rest, inside := strings.CutPrefix(path, prefix)
		if !inside {
			continue
		}
		metadata := f.user().UserMetadata
		if prefix == "app_metadata." {
			metadata = f.user().AppMetadata
		}
		key, _, _ := strings.Cut(rest, ".") // keys of the first level hold no dots
		raw, there := metadata[key]
		if !there {
			return nil
		}
		return valuesAt(lucene.Leaves(prefix+key, raw, folded), path)
	}
	if f.root == nil {
		f.root = map[string][]string{}
		for _, l := range indexOf(&f.text.User).root {
			f.root[l.Path] = append(f.root[l.Path], l.Value)
		}
	}
	return f.root[path]
}

func valuesAt(leaves []lucene.Leaf, path string) []string {
	var out []string
	for _, l := range leaves {
		if l.Path == path {
			out = append(out, l.Value)
		}
	}
	return out
}

// load reads the users at places, in that order, and leaves out those who do not match: the index finds, the record decides.
func (p *searcher) load(ctx context.Context, places []place, match *lucene.Expr) ([]*found, error) {
	ids := make([]string, len(places))
	for i := range places {
		ids[i] = places[i].id
	}
	organizations := map[string][]string{}
	if match.Mentions(organizationField) {
		var err error
		if organizations, err = p.s.organizationsOf(ctx, p.q, ids); err != nil {
			return nil, err
		}
	}
	byID := make(map[string]*found, len(ids))
	err := p.s.eachText(ctx, p.q, ids, func(u *stagedoor.UserText) {
		p.why.Read++
		p.bytes += len(u.UserMetadata) + len(u.AppMetadata)
		if f := (&found{text: u, organizations: organizations[u.User.ID]}); match.Match(f.at) {
			byID[u.User.ID] = f
		}
	})
	var out []*found
	for _, id := range ids {
		if f := byID[id]; f != nil {
			out = append(out, f)
		}
	}
	return out, err
}

// fits is how many of n users may be read at once, going by how much metadata those had that were read before: there may be megabytes of each.
func (p *searcher) fits(n int) int {
	most := p.s.db.search.bytes
	switch {
	case p.why.Read == 0:
		return min(n, 100)
	case p.bytes <= most/10:
		return n
	}
	return max(1, min(n, most/(p.bytes/p.why.Read+1)))
}

// organizationsOf returns the normal forms of the ids of the organizations that users belong to.
func (s *Store) organizationsOf(ctx context.Context, q querier, ids []string) (map[string][]string, error) {
	out := map[string][]string{}
	in, list, err := s.idList(ids)
	if err != nil {
		return nil, err
	}
	err = q.each(ctx, "SELECT user_id, org_id FROM organization_members"+s.db.by("organization_members_user")+" WHERE tenant = ? AND user_id "+in, []any{s.tenant.ID, list}, func(scan func(...any) error) error {
		var user, organization string
		err := scan(&user, &organization)
		out[user] = append(out[user], lucene.Text(organization))
		return err
	})
	return out, err
}

// page returns want users after the first skip.
func (p *searcher) page(ctx context.Context, skip, want int) ([]*stagedoor.UserText, error) {
	d, err := p.drive(ctx, p.where)
	if err != nil {
		return nil, err
	}
	p.plan = d
	if p.sort != "" {
		return p.sorted(ctx, d, skip, want)
	}
	if d == nil {
		d = p.everybody(p.where)
	}
	p.why.Plan = append(p.why.Plan, d.tell)
	return p.take(ctx, d.open(nil), d.exact, p.where, &skip, want)
}

// take reads from a stream until it has what is wanted. exact tells whether all that the stream has matches.
func (p *searcher) take(ctx context.Context, st stream, exact bool, match *lucene.Expr, skip *int, want int) ([]*stagedoor.UserText, error) {
	if w, isWalk := st.(*walk); isWalk && exact && w.exact {
		w.offset, w.chunk = *skip, want
		if err := w.fetch(ctx); err != nil {
			return nil, err
		}
		*skip = 0
	}
	for ; exact && *skip > 0; *skip-- {
		if _, more, err := st.next(ctx); err != nil || !more {
			return nil, err
		}
	}
	out, read, matched, strict := []*stagedoor.UserText{}, 0, 0, false
	for batch := want; len(out) < want; batch = min(2*batch, 1000) {
		if exact {
			batch = want - len(out)
		} else if matched > 0 { // as many as will do, going by those that were asked, and some more
			batch = min(batch, (want-len(out)+*skip)*read/matched*5/4+10)
		}
		places, err := pull(ctx, st, p.fits(batch))
		if err != nil || len(places) == 0 {
			return out, err
		}
		users, err := p.load(ctx, places, match)
		if err != nil {
			return nil, err
		}
		if read += len(places); !exact && !strict && read > p.s.db.search.patience && len(users) < len(places)/2 {
			st.narrow(match)
			strict = true
			p.why.Plan = append(p.why.Plan, "too few match: go on in the database alone")
		}
		matched += len(users)
		for _, f := range users {
			if *skip > 0 {
				*skip--
			} else if len(out) < want {
				out = append(out, f.text)
			}
		}
	}
	return out, nil
}

// sorted returns a page in the order of a field: few are sorted here, many are met in the order of the field's index.
func (p *searcher) sorted(ctx context.Context, d *drive, skip, want int) ([]*stagedoor.UserText, error) {
	if d != nil && d.rows >= 0 && d.rows <= p.s.db.search.few {
		p.why.Plan = append(p.why.Plan, d.tell, "sort them by "+p.sort)
		return p.sortedHere(ctx, d, skip, want)
	}
	st, tell := p.inOrderOf(p.sort)
	if d != nil && d.rows >= 0 { // the set is small enough to be looked into all the time
		st.narrow(p.where)
		tell += ", looking into the set of those who match"
	}
	p.why.Plan = append(p.why.Plan, tell)
	out, err := p.take(ctx, st, false, p.where, &skip, want)
	if err != nil || len(out) == want {
		return out, err
	}
	without := &lucene.Expr{Op: lucene.And, Args: []*lucene.Expr{p.where, {Op: lucene.Not, Args: []*lucene.Expr{lucene.HasField(p.sort)}}}}
	byCreation := *p
	byCreation.sort = ""
	rest := byCreation.everybody(without)
	if requires(p.where, p.sort) {
		return out, nil
	}
	p.why.Plan = append(p.why.Plan, "then those without "+p.sort+": "+rest.tell)
	last := rest.open(nil)
	if d != nil && d.rows >= 0 {
		last.narrow(without)
	}
	more, err := byCreation.take(ctx, last, false, without, &skip, want-len(out))
	return append(out, more...), err
}

// requires tells whether nobody without the field can match.
func requires(e *lucene.Expr, path string) bool {
	switch e.Op {
	case lucene.Is:
		return e.Cond.Path == path
	case lucene.And:
		return slices.ContainsFunc(e.Args, func(a *lucene.Expr) bool { return requires(a, path) })
	case lucene.Or:
		return !slices.ContainsFunc(e.Args, func(a *lucene.Expr) bool { return !requires(a, path) })
	}
	return false
}

// loadAll calls fn with those of load, so many at once as fit.
func (p *searcher) loadAll(ctx context.Context, places []place, match *lucene.Expr, fn func(*found)) error {
	const atOnce = 500
	for next := []place(nil); len(places) > 0; places = places[len(next):] {
		next = places[:min(p.fits(atOnce), len(places))]
		some, err := p.load(ctx, next, match)
		if err != nil {
			return err
		}
		for _, f := range some {
			fn(f)
		}
	}
	return nil
}

// sortedUser is a user among those who are sorted.
type sortedUser struct {
	place
	has  bool
	text *stagedoor.UserText // nil: there was too much of the others
}

func (p *searcher) sortedHere(ctx context.Context, d *drive, skip, want int) ([]*stagedoor.UserText, error) {
	places, err := pull(ctx, d.open(nil), 1<<30)
	if err != nil {
		return nil, err
	}
	var users []sortedUser
	err = p.loadAll(ctx, places, p.where, func(f *found) {
		u := sortedUser{place{"", millis(f.text.User.CreatedAt), f.text.User.ID}, true, f.text}
		if p.sort == "updated_at" {
			u.key = lucene.Text(stagedoor.FormatTime(f.text.User.LastChange()))
		} else {
			values := f.at(p.sort)
			u.key, u.has = strings.Join(values, ""), len(values) > 0
		}
		if p.bytes > p.s.db.search.bytes {
			u.text = nil
		}
		users = append(users, u)
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(users, func(a, b sortedUser) int {
		if a.has != b.has {
			if a.has {
				return -1
			}
			return 1
		}
		return p.compare(a.place, b.place)
	})
	out := []*stagedoor.UserText{}
	for _, u := range users[min(skip, len(users)):min(skip+want, len(users))] {
		if u.text == nil {
			again, err := p.load(ctx, []place{u.place}, p.where)
			if err != nil {
				return nil, err
			}
			if len(again) == 0 { // changed, or gone, meanwhile
				continue
			}
			u.text = again[0].text
		}
		out = append(out, u.text)
	}
	return out, nil
}
