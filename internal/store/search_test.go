package store_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/lucene"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

var searches = flag.Int("searches", 3000, "pairs of data and query that TestSearch tries on each database")

// record is a user as a search should see one, made from the wire by other means than the index's.
type record struct {
	id     string
	at     time.Time
	values map[string][]string
}

func newRecord(t testing.TB, u *stagedoor.User) *record {
	t.Helper()
	b, err := json.Marshal(u.Wire())
	ok(t, err)
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	ok(t, dec.Decode(&v))
	r := &record{u.ID, u.CreatedAt, map[string][]string{}}
	r.add("", v)
	r.values["updated_at"] = []string{lucene.Text(stagedoor.FormatTime(u.UpdatedAt))} // see UserSchema.Last
	if _, domain, found := strings.Cut(u.Email, "@"); found {
		r.values["email.domain"] = []string{lucene.Text(strings.ToLower(domain))}
	}
	return r
}

func (r *record) add(path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			r.add(strings.TrimPrefix(path+"."+k, "."), inner)
		}
	case []any:
		for _, inner := range v {
			r.add(path, inner)
		}
	case string:
		if slices.Contains([]string{"email", "name", "nickname", "given_name", "family_name"}, path) {
			v = strings.ToLower(v)
		}
		r.values[path] = append(r.values[path], lucene.Text(v))
	case bool:
		r.values[path] = append(r.values[path], lucene.Bool(v))
	case json.Number:
		r.values[path] = append(r.values[path], lucene.Number(string(v)))
	}
}

// wanted returns the ids that a search should find, in order.
func wanted(records []*record, where *lucene.Expr, sort string, desc bool) []string {
	var hits []*record
	for _, r := range records {
		if where.Match(func(path string) []string { return r.values[path] }) {
			hits = append(hits, r)
		}
	}
	slices.SortFunc(hits, func(a, b *record) int {
		key := func(r *record) string {
			k := strings.Join(r.values[sort], "")
			if sort == "updated_at" {
				k = max(k, strings.Join(r.values["last_login"], ""))
			}
			return k
		}
		if sort != "" && (key(a) == "") != (key(b) == "") {
			return cmp.Compare(key(b), key(a)) // the one without comes last
		}
		c := a.at.Compare(b.at)
		if c == 0 {
			c = strings.Compare(a.id, b.id)
		}
		if sort != "" {
			c = cmp.Or(strings.Compare(key(a), key(b)), c)
		}
		if desc {
			c = -c
		}
		return c
	})
	ids := []string{}
	for _, r := range hits {
		ids = append(ids, r.id)
	}
	return ids
}

// random makes data and queries.
type random struct{ *rand.Rand }

func (r random) of(list ...string) string { return list[r.IntN(len(list))] }

var vocabulary = []string{
	"jazz", "Jazz", "jazz rock", "bebop", "be", "punk", "50%", "a_b", "a*b", "x[y]", `back\slash`, "Ärger", "日本語", "2025", "2025-12", "2025-12-24", "true", "3", "03", "-1.5", "", "it's", `say "hi"`,
	strings.Repeat("very long ", 40) + "one", strings.Repeat("very long ", 40) + "two", "null", "auth0|7",
}

func (r random) json(depth int) string {
	switch n := r.IntN(12); {
	case n < 4:
		return quoted(r.of(vocabulary...))
	case n < 7:
		return r.of("0", "1", "2", "3", "3.0", "-1.5", "1e2", "100", "12345678901234567890", "0.25")
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
			members[r.of("city", "a b", "n")] = r.json(depth - 1)
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
		m[r.of("genre", "level", "tags", "home", "ok")] = json.RawMessage(r.json(2))
	}
	return m.WithoutNulls()
}

func (r random) user(i int) *stagedoor.User {
	names := []string{"Ann", "ann", "Bob", "Johnson", "john", "Ärzte", ""}
	u := &stagedoor.User{
		ID: fmt.Sprintf("%s|%d", r.of("auth0", "google-oauth2", "Sms"), i), Connection: r.of("Users", "google"),
		Name: r.of(names...), Nickname: r.of(names...), GivenName: r.of(names...), PhoneVerified: r.IntN(2) == 0,
		UserMetadata: r.metadata(), AppMetadata: r.metadata(),
		Identities: []stagedoor.Identity{{Connection: "Users", Provider: "auth0", UserID: fmt.Sprint(i)}},
	}
	if r.IntN(4) > 0 {
		u.Email, u.EmailVerified = fmt.Sprintf("%s%d@%s", strings.ToLower(r.of("ann", "bob")), i, r.of("x.test", "Y.test")), r.IntN(2) == 0
	}
	if r.IntN(2) == 0 {
		u.PhoneNumber = r.of("+4912345", "+1555")
	}
	if r.IntN(3) == 0 {
		blocked := r.IntN(2) == 0
		u.Blocked = &blocked
	}
	if r.IntN(3) == 0 {
		u.Identities = append(u.Identities, stagedoor.Identity{Connection: "google", Provider: "google-oauth2", UserID: r.of("1", "2"), IsSocial: true})
	}
	return u
}

func (r random) field() string {
	return r.of("email", "name", "nickname", "given_name", "user_id", "phone_number", "email.domain", "identities.provider", "identities.isSocial", "blocked", "email_verified",
		"user_metadata.genre", "user_metadata.level", "user_metadata.tags", "user_metadata.home.city", `user_metadata.home.a\ b`, "user_metadata.home.n", "app_metadata.genre", "app_metadata.level",
		"app_metadata.ok", "logins_count", "last_ip", "nothing", "user_metadata.home", "username", "organization_id", "organization_id")
}

func (r random) date() string {
	return r.of("2026", "2026-03", "2026-03-01", "2026-03-02", "2026-03-01T12", "2026-03-01T12:10:00Z", "2026-03-01T12:00:30.000Z", "2027", "2020", "*")
}

func escaped(s string) string {
	var b strings.Builder
	for _, c := range s {
		if strings.ContainsRune(`+-&|!(){}[]^"~*?:\/ <>`, c) {
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}

func (r random) word() string {
	w := r.of(append(vocabulary, "ann", "ANN", "john", "x.test", "y.test", "google-oauth2", "auth0|3", "+1555", "true", "false", "192.0.2.1", "100", "1", "2", "org_a", "org_b")...)
	switch n := r.IntN(8); {
	case n < 3 && w != "":
		return escaped(w)
	case n == 3 && len(w) > 1:
		return escaped(string([]rune(w)[:1])) + "*"
	case n == 4 && len([]rune(w)) > 4:
		return "*" + escaped(string([]rune(w)[1:4])) + "*"
	case n == 5 && len([]rune(w)) > 3:
		return escaped(string([]rune(w)[0])) + "*" + escaped(string([]rune(w)[len([]rune(w))-1]))
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(w) + `"`
}

func (r random) bound() string {
	return r.of("*", "1", "3", "-2", "100", "a", "jazz", "z", `"2"`, "2025-12", "2025-12-24", "2025", `"be"`, "B", "org_a")
}

func (r random) query(depth int) string {
	if depth > 0 && r.IntN(3) > 0 {
		a, b := r.query(depth-1), r.query(depth-1)
		switch r.IntN(8) {
		case 0, 1, 2:
			return "(" + a + ") AND (" + b + ")"
		case 3, 4:
			return a + " OR " + b
		case 5:
			return "NOT (" + a + ")"
		case 6:
			return "(" + a + ") -(" + b + ")"
		}
		return a + " " + b
	}
	switch r.IntN(14) {
	case 0:
		return "_exists_:" + r.field()
	case 1, 2:
		return r.field() + ":" + r.of("[", "{") + r.bound() + " TO " + r.bound() + r.of("]", "}")
	case 3:
		return r.of("created_at", "updated_at", "last_login") + ":" + r.of("[", "{") + r.date() + " TO " + r.date() + r.of("]", "}")
	case 4:
		return r.field() + ":(" + r.word() + r.of(" OR ", " ", " AND ") + r.word() + ")"
	case 5:
		return r.word()
	case 6:
		return r.of("updated_at", "created_at") + `:"` + r.of("2026-03-01", "2026", "2027") + `"`
	case 7:
		return r.field() + r.of(":>", ":<", ":>=", ":<=") + r.of("1", "3", "jazz")
	}
	return r.field() + ":" + r.word()
}

// Whatever the data and the query: the databases find what asking every record finds, in the same order, and count the same.
func TestSearch(t *testing.T) {
	const dataSets = 10
	clock := newClock()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		store.SmallSearch(db)
		seed := uint64(time.Now().UnixNano())
		for set := range uint64(dataSets) {
			r := random{rand.New(rand.NewPCG(seed, set))}
			s := storetest.Tenant(t, db, fmt.Sprint("t", set))
			records := fill(t, s, r, clock, 5+r.IntN(60))
			for range *searches / dataSets {
				compareSearch(t, s, r, records)
				if t.Failed() {
					t.Fatalf("seed %d, data set %d", seed, set)
				}
			}
		}
	}, storetest.WithClock(clock.clock))
}

func fill(t *testing.T, s *store.Store, r random, clock *ticking, n int) []*record {
	t.Helper()
	for i := range n {
		if r.IntN(3) > 0 { // some are created at once
			clock.now = clock.in(time.Duration(r.IntN(100000)) * time.Millisecond)
		}
		u := r.user(i)
		ok(t, s.CreateUser(t.Context(), u, ""))
		for range r.IntN(3) {
			clock.now = clock.in(time.Duration(r.IntN(2)) * time.Second)
			ok(t, s.RecordLogin(t.Context(), u.ID, r.of("192.0.2.1", "192.0.2.2")))
		}
		if r.IntN(3) == 0 {
			clock.now = clock.in(time.Duration(r.IntN(2)) * time.Second)
			must(s.PatchMetadata(t.Context(), u.ID, stagedoor.Metadata{"level": json.RawMessage(r.json(1))}, nil, mebibyte))(t)
		}
	}
	users, _, err := s.Users(t.Context(), store.UserQuery{PerPage: 1000})
	ok(t, err)
	if len(users) != n {
		t.Fatalf("%d users of %d", len(users), n)
	}
	records := make([]*record, n)
	for _, o := range []string{"org_a", "org_b", "3"} {
		ok(t, s.CreateOrganization(t.Context(), &stagedoor.Organization{ID: o, Name: "name-" + o}, nil))
	}
	for i := range users {
		records[i] = newRecord(t, &users[i])
		for _, o := range []string{"org_a", "org_b", "3"} {
			if r.IntN(4) == 0 {
				ok(t, s.AddMembers(t.Context(), o, []string{users[i].ID}))
				records[i].values["organization_id"] = append(records[i].values["organization_id"], lucene.Text(o))
			}
		}
	}
	return records
}

func compareSearch(t *testing.T, s *store.Store, r random, records []*record) {
	t.Helper()
	text := r.query(3)
	node, err := lucene.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	where, err := store.UserSchema.Compile(node)
	if err != nil {
		if strings.Contains(text, "_at:") || strings.Contains(text, "last_login") || strings.Contains(err.Error(), "leading wildcard") {
			return // a word that is no date, or too short
		}
		t.Fatalf("%s: %v", text, err)
	}
	uq := store.UserQuery{Where: where, Sort: r.of("", "", "", "created_at", "email", "name", "updated_at", "logins_count", "user_id", "last_login", "blocked"), Descending: r.IntN(3) == 0, Explain: &store.Explanation{}}
	sort := uq.Sort
	if sort == "created_at" {
		sort = ""
	}
	all := wanted(records, where, sort, uq.Descending)
	uq.PerPage = 1 + r.IntN(12)
	uq.Page = r.IntN(1 + len(all)/uq.PerPage)
	want := all[min(uq.Page*uq.PerPage, len(all)):min((uq.Page+1)*uq.PerPage, len(all))]
	users, total, err := s.Users(t.Context(), uq)
	got := []string{}
	for _, u := range users {
		got = append(got, u.ID)
	}
	if err != nil || total != len(all) || !slices.Equal(got, want) {
		why, _ := json.MarshalIndent(uq.Explain, "", " ")
		t.Errorf("q=%s\nsort %q, descending %v, page %d of %d\n got %d %q, error %v\nwant %d %q\n%s", text, uq.Sort, uq.Descending, uq.Page, uq.PerPage, total, got, err, len(all), want, why)
	}
}
