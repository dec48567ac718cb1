package store_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// random makes data and queries.
type random struct{ *rand.Rand }

func (r random) of(list ...string) string { return list[r.IntN(len(list))] }

func (r random) half() bool { return r.IntN(2) == 0 }

// vocabulary are texts that are likely to be mistaken for something else, somewhere.
var vocabulary = []string{
	"jazz", "Jazz", "jazz rock", "bebop", "be", "punk", "50%", "a_b", "a*b", "a?b", "x[y]", "x]", "{x}", `back\slash`, `\`, "Ärger", "äRGER", "日本語", "日本", "e\u0301", "é", "İstanbul", "🎷", "🎷🎺",
	"2025", "2025-12", "2025-12-24", "2025-12-24T10", "2025-12-24T10:30:00Z", "2025-13", "true", "True", "false", "3", "03", "+3", "-1.5", "1e2", "1E2", "0x10", "NaN", ".5", "5.", "", " ", "it's", `say "hi"`, "''; DROP TABLE users; --",
	strings.Repeat("very long ", 40) + "one", strings.Repeat("very long ", 40) + "two", strings.Repeat("ä", 128), strings.Repeat("ä", 129), "x" + strings.Repeat("ä", 128), "null", "auth0|7", "AND", "OR", "NOT", "TO", "a AND b",
	"tab\there", "new\nline", "\u3000wide\u3000", "\u00a0", "zero\u200bwidth", "rtl\u202etxt", "\uffff", "a\uffffb", "\U0010ffff", "be\U0010ffff", "be\U0010fffe!", "\ufffd", "+a", "-a", "!a", "/a/", "a~", "a^2", "a:b", ":", "(a)", "&&", "||", ">1", "<=x", "$1", "?", "%s", "{{x}}", "_exists_",
}

// numbers are numbers in many spellings, of no more digits than count.
var numbers = []string{"0", "-0", "0.0", "1", "2", "3", "3.0", "30e-1", "-1.5", "-15E-1", "1e2", "100", "1E+2", "12345678901234567890", "12345678901234567891", "0.25", "2.5e-1", "-2", "-3", "1e300", "-1e300", "1e-300", "999999999999999999999999999999999999.25"}

// names are keys of objects within metadata, where more is allowed than at the first level.
var names = []string{"city", "a b", "n", "a.b", "ключ", "k:y", `q"t`, "AND", "*", "(", "_exists_", "City"}

func (r random) json(depth int) string {
	switch n := r.IntN(12); {
	case n < 4:
		return quoted(r.of(vocabulary...))
	case n < 7:
		return r.of(numbers...)
	case n == 7:
		return r.of("true", "false", "null")
	case n < 10 && depth > 0:
		items := make([]string, r.IntN(3))
		for i := range items {
			items[i] = r.json(depth - 1)
		}
		return "[" + strings.Join(items, ",") + "]"
	case depth > 0:
		members := map[string]string{}
		for range r.IntN(3) {
			members[r.of(names...)] = r.json(depth - 1)
		}
		var out []string
		for k, v := range members {
			out = append(out, quoted(k)+":"+v)
		}
		return "{" + strings.Join(out, ",") + "}"
	}
	return quoted(r.of(vocabulary...))
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func (r random) metadata() stagedoor.Metadata {
	if r.IntN(5) == 0 {
		return nil
	}
	m := stagedoor.Metadata{}
	for range r.IntN(4) {
		m[r.of("genre", "level", "tags", "home", "ok", "a b", "ключ", "x:y")] = json.RawMessage(r.json(2))
	}
	return m.WithoutNulls()
}

func (r random) user(i int) *stagedoor.User {
	people := append([]string{"Ann", "ann", "Bob", "Johnson", "john", "Ärzte", "İris", "ẞ", "O'Neil", ""}, vocabulary...)
	u := &stagedoor.User{
		ID: fmt.Sprintf("%s|%d", r.of("auth0", "google-oauth2", "Sms"), i), Connection: r.of("Users", "google"),
		Name: r.of(people...), Nickname: r.of(people[:10]...), GivenName: r.of(people[:10]...), PhoneVerified: r.half(),
		UserMetadata: r.metadata(), AppMetadata: r.metadata(),
		Identities: []stagedoor.Identity{{Connection: "Users", Provider: "auth0", UserID: fmt.Sprint(i)}},
	}
	if r.IntN(4) > 0 {
		u.Email, u.EmailVerified = fmt.Sprintf("%s%d@%s", strings.ToLower(r.of("ann", "bob")), i, r.of("x.test", "Y.test")), r.half()
	}
	if r.half() {
		u.PhoneNumber = r.of("+4912345", "+1555")
	}
	if r.IntN(3) == 0 {
		blocked := r.half()
		u.Blocked = &blocked
	}
	if r.IntN(3) == 0 {
		u.Identities = append(u.Identities, stagedoor.Identity{Connection: "google", Provider: "google-oauth2", UserID: r.of("1", "2"), IsSocial: true})
	}
	if r.IntN(3) == 0 {
		u.Attributes = map[string]json.RawMessage{r.of("locale", "department"): json.RawMessage(r.json(1))}
	}
	return u
}

// fill makes users in every way in which the index learns of them, and returns them as a search should see them.
func fill(t *testing.T, s *store.Store, r random, clock *ticking, n int) []*naive {
	t.Helper()
	for i := range n {
		if r.IntN(3) > 0 { // some are created at once
			clock.now = clock.in(time.Duration(r.IntN(100000)) * time.Millisecond)
		}
		u := r.user(i)
		ok(t, s.CreateUser(t.Context(), u, ""))
		for range r.IntN(3) {
			clock.now = clock.in(time.Duration(r.IntN(2)) * time.Second)
			ok(t, s.RecordLogin(t.Context(), u, r.of("192.0.2.1", "192.0.2.2")))
		}
		if r.IntN(3) == 0 {
			clock.now = clock.in(time.Duration(r.IntN(2)) * time.Second)
			must(s.PatchMetadata(t.Context(), u.ID, stagedoor.Metadata{"level": json.RawMessage(r.json(1))}, nil, mebibyte))(t)
		}
		if r.IntN(4) == 0 {
			ok(t, s.SetPasswordHash(t.Context(), u.ID, "hash", clock.now))
		}
		if r.IntN(4) == 0 {
			must(s.UpdateUser(t.Context(), u.ID, func(u *stagedoor.User) error {
				u.Name, u.UserMetadata = r.of("Zoe", "zoe", ""), r.metadata()
				return nil
			}))(t)
		}
	}
	users, _, err := s.Users(t.Context(), store.UserQuery{PerPage: 1000})
	ok(t, err)
	if len(users) != n {
		t.Fatalf("%d users of %d", len(users), n)
	}
	all := make([]*naive, n)
	for _, o := range []string{"org_a", "org_b", "3"} {
		ok(t, s.CreateOrganization(t.Context(), &stagedoor.Organization{ID: o, Name: "name-" + o}, nil))
	}
	for i := range users {
		all[i] = newNaive(t, &users[i])
		for _, o := range []string{"org_a", "org_b", "3"} {
			if r.IntN(4) == 0 {
				ok(t, s.AddMembers(t.Context(), o, []string{users[i].ID}))
				all[i].put("organization_id", o)
			}
		}
	}
	return all
}

// An ask is a query as it is written and, made beside it, what it means.
type ask struct {
	text  string
	holds func(*naive) bool
	word  bool // needs no brackets
}

func (a ask) bracketed() string {
	if a.word {
		return a.text
	}
	return "(" + a.text + ")"
}

// escaped writes a text as a word: with a backslash where one is needed, and now and then where none is.
func (r random) escaped(s string) string {
	var b strings.Builder
	for i, c := range []rune(s) {
		first := i == 0 && slices.Contains([]string{"AND", "OR", "NOT", "TO"}, s)
		if first || strings.ContainsRune(`+-&|!(){}[]^"~*?:\/<>`, c) || unicode.IsSpace(c) || r.IntN(40) == 0 {
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}

func (r random) phrase(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// written writes a text in one of the ways.
func (r random) written(s string) string {
	if s != "" && r.half() {
		return r.escaped(s)
	}
	return r.phrase(s)
}

var fields = []string{
	"email", "name", "nickname", "given_name", "family_name", "user_id", "phone_number", "phone_verified", "email.domain", "identities.provider", "identities.isSocial", "identities.user_id", "identities.connection", "blocked", "email_verified", "username", "locale", "department",
	"user_metadata.genre", "user_metadata.level", "user_metadata.tags", "user_metadata.home.city", "user_metadata.home.a b", "user_metadata.home.a.b", "user_metadata.home.n", "user_metadata.a b", "user_metadata.ключ", "user_metadata.ключ.ключ", "user_metadata.x:y", `user_metadata.home.q"t`,
	"user_metadata", "app_metadata", "user_metadata.home", "user_metadata.list", "user_metadata.a", "identities.profileData",
	"user_metadata.home.AND", "user_metadata.home.*", "user_metadata.home.(", "user_metadata.home._exists_", "user_metadata.tags.city", "user_metadata.genre.n", "user_metadata.GENRE",
	"app_metadata.genre", "app_metadata.level", "app_metadata.ok", "app_metadata.home.k:y", "logins_count", "last_ip", "nothing", "user_metadata", "user_metadata.home", "organization_id", "organization_id", "organization_id",
}

var timed = []string{"created_at", "updated_at", "last_login", "last_password_reset"}

// bare are the fields that a word without one is looked for in.
var bare = []string{"email", "username", "name", "nickname", "given_name", "family_name", "phone_number", "user_id"}

func (r random) colon() string { return r.of(":", ":", ":", ":", " :", ": ") }

// asked returns what is asked of a field, without the field, and what holds for it then.
func (r random) asked() (string, func(path string) func(any) bool) {
	w := r.of(append(vocabulary, append(numbers, "ann", "ANN", "john", "zoe", "x.test", "y.test", "google-oauth2", "auth0|3", "auth0", "+1555", "true", "false", "192.0.2.1", "org_a", "org_b")...)...)
	letters := []rune(w)
	some := func(from, to int) string { return string(letters[from:to]) }
	switch n := r.IntN(9); {
	case n == 0 && len(letters) > 1 && len(letters) < 200:
		start := some(0, 1+r.IntN(len(letters)))
		return r.escaped(start) + "*", func(path string) func(any) bool { return fits(path, []string{start, ""}) }
	case n == 1 && len(letters) > 4:
		from := r.IntN(len(letters) - 3)
		part := some(from, from+3)
		if r.half() {
			return "*" + r.escaped(part), func(path string) func(any) bool { return fits(path, []string{"", part}) }
		}
		return "*" + r.escaped(part) + "*", func(path string) func(any) bool { return fits(path, []string{"", part, ""}) }
	case n == 2 && len(letters) > 3:
		parts := []string{some(0, 1), some(1, 2), some(len(letters)-1, len(letters))}
		if r.half() {
			return r.escaped(parts[0]) + "*" + r.escaped(parts[2]), func(path string) func(any) bool { return fits(path, []string{parts[0], parts[2]}) }
		}
		return r.escaped(parts[0]) + "*" + r.escaped(parts[1]) + "**" + r.escaped(parts[2]), func(path string) func(any) bool { return fits(path, parts) }
	}
	return r.written(w), func(path string) func(any) bool { return isWord(path, w) }
}

func (r random) limit() (string, limit) {
	if r.IntN(4) == 0 {
		return "*", limit{open: true}
	}
	s := r.of(append(numbers, "a", "jazz", "z", "2025-12", "2025-12-24", "2025", "2025-12-24T10", "be", "B", "org_a", "日本", "ä", "\uffff", "true", "auth0|3", "", "very long very", "be\U0010ffff")...)
	if s == "" || r.IntN(4) == 0 {
		return r.phrase(s), limit{text: s, quoted: true}
	}
	return r.escaped(s), limit{text: s}
}

// condition makes a query of one condition.
func (r random) condition() ask {
	field := r.of(fields...)
	written := r.escaped(field)
	if r.IntN(10) == 0 {
		written = r.phrase(field)
	}
	of := func(text string, is func(any) bool) ask {
		return ask{written + r.colon() + text, func(n *naive) bool { return n.has(field, is) }, true}
	}
	switch r.IntN(12) {
	case 0:
		field = r.of(append(timed, fields...)...)
		written = r.escaped(field)
		if r.IntN(3) == 0 {
			return of(r.of("*", "[* TO *]", "{* TO *}"), func(any) bool { return true })
		}
		return ask{"_exists_" + r.colon() + written, func(n *naive) bool { return len(n.values[field]) > 0 }, true}
	case 1, 2:
		from, low := r.limit()
		to, high := r.limit()
		low.out, high.out = r.half(), r.half()
		open, end := "[", "]"
		if low.out {
			open = "{"
		}
		if high.out {
			end = "}"
		}
		return of(open+from+" TO "+to+end, between(field, low, high))
	case 3:
		to, high := r.limit()
		if high.open {
			return r.condition()
		}
		sign := r.of(">", "<", ">=", "<=")
		high.out = len(sign) == 1
		if sign[0] == '<' {
			return of(sign+to, between(field, limit{open: true}, high))
		}
		return of(sign+to, between(field, high, limit{open: true}))
	case 4:
		return r.time()
	case 5:
		a, isA := r.asked()
		b, isB := r.asked()
		x, y := isA(field), isB(field)
		op := r.of(" OR ", " ", " AND ", " && ", " || ", " -", " +")
		holds := func(n *naive) bool { return n.has(field, x) || n.has(field, y) }
		switch op {
		case " AND ", " && ":
			holds = func(n *naive) bool { return n.has(field, x) && n.has(field, y) }
		case " -":
			holds = func(n *naive) bool { return n.has(field, x) && !n.has(field, y) }
		case " +":
			holds = func(n *naive) bool { return n.has(field, y) }
		}
		return ask{written + r.colon() + "(" + a + op + b + ")", holds, true}
	case 6:
		text, is := r.asked()
		return ask{text, func(n *naive) bool {
			return slices.ContainsFunc(bare, func(path string) bool { return n.has(path, is(path)) })
		}, true}
	case 7:
		if r.IntN(5) == 0 {
			return ask{r.of("*", "*:*"), func(*naive) bool { return true }, true}
		}
	}
	text, is := r.asked()
	return of(text, is(field))
}

// time makes a condition on a field that holds times.
func (r random) time() ask {
	field := r.of(timed...)
	of := func(text string, is func(any) bool) ask {
		return ask{field + r.colon() + text, func(n *naive) bool { return n.has(field, is) }, true}
	}
	a, b := moments[r.IntN(len(moments))], moments[r.IntN(len(moments))]
	switch r.IntN(6) {
	case 0:
		return of(r.written(a.text), isMoment(&a.from, &a.to))
	case 1:
		start := r.of("2026*", "2026-03*", "2026-03-0*", "2026-03-01T12\\:1*", "2*")
		return of(start, fits(field, []string{strings.ReplaceAll(strings.TrimSuffix(start, "*"), `\`, ""), ""}))
	case 2:
		end := a.from
		return of("<"+r.written(a.text), isMoment(nil, &end))
	case 3:
		return of(">"+r.written(a.text), isMoment(&a.to, nil))
	}
	from, to := &a.from, &b.to
	open, end := r.of("[", "{"), r.of("]", "}")
	if open == "{" {
		from = &a.to
	}
	if end == "}" {
		to = &b.from
	}
	first, last := r.written(a.text), r.written(b.text)
	switch r.IntN(4) {
	case 0:
		first, from = "*", nil
	case 1:
		last, to = "*", nil
	}
	return of(open+first+" TO "+last+end, isMoment(from, to))
}

// query makes one of conditions and operators, nested up to a depth.
func (r random) query(depth int) ask {
	if depth == 0 || r.IntN(3) == 0 {
		return r.condition()
	}
	a, b := r.query(depth-1), r.query(depth-1)
	both := func(n *naive) bool { return a.holds(n) && b.holds(n) }
	either := func(n *naive) bool { return a.holds(n) || b.holds(n) }
	switch r.IntN(10) {
	case 0, 1:
		return ask{a.bracketed() + r.of(" AND ", " && ", "  AND\t") + b.bracketed(), both, false}
	case 2, 3:
		return ask{a.bracketed() + r.of(" OR ", " || ") + b.bracketed(), either, false}
	case 4:
		sign := r.of("NOT ", "-", "!", "NOT NOT -", "!")
		return ask{sign + a.bracketed(), func(n *naive) bool { return !a.holds(n) }, false}
	case 5, 6:
		return r.mixed(depth - 1)
	case 7: // AND binds tighter
		c := r.query(0)
		return ask{a.bracketed() + " AND " + b.bracketed() + " OR " + c.bracketed(), func(n *naive) bool { return both(n) || c.holds(n) }, false}
	case 8:
		c := r.query(0)
		return ask{c.bracketed() + " OR " + a.bracketed() + " AND NOT " + b.bracketed(), func(n *naive) bool { return c.holds(n) || a.holds(n) && !b.holds(n) }, false}
	}
	return ask{"(" + a.text + ")", a.holds, true}
}

// mixed makes clauses without operators: those with + have to hold, those with - must not; of the others one has to, unless
// there is one with +.
func (r random) mixed(depth int) ask {
	var texts []string
	var must, may, mustNot []ask
	for range 1 + r.IntN(4) {
		a := r.query(depth)
		switch r.IntN(6) {
		case 0, 1:
			must, texts = append(must, a), append(texts, "+"+a.bracketed())
		case 2:
			mustNot, texts = append(mustNot, a), append(texts, r.of("-", "NOT ", "!", "+-")+a.bracketed())
		default:
			may, texts = append(may, a), append(texts, a.bracketed())
		}
	}
	return ask{strings.Join(texts, r.of(" ", "\n", "  ")), func(n *naive) bool {
		yes := func(a ask) bool { return a.holds(n) }
		no := func(a ask) bool { return !a.holds(n) }
		if slices.ContainsFunc(must, no) || slices.ContainsFunc(mustNot, yes) {
			return false
		}
		return len(must) > 0 || len(may) == 0 || slices.ContainsFunc(may, yes)
	}, false}
}
