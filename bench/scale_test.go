package bench

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

var (
	scale   = flag.Bool("scale", false, "measure how cost grows with users, and print the tables")
	sizes   = flag.String("sizes", "10000,100000,1000000", "numbers of users")
	engines = flag.String("engine", "sqlite,postgres", "databases")
	patient = flag.Duration("patience", 2*time.Second, "how long one shape is asked at most, at one size")
)

// A latency is how long calls of one caller took.
type latency struct {
	Calls    int     `json:"calls"`
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
	TimedOut int     `json:"timed_out,omitempty"` // calls that ended with search_timeout
}

func (l latency) String() string {
	if l.Calls == l.TimedOut {
		return "time limit"
	}
	text := fmt.Sprintf("%.1f · %.1f", l.P50, l.P99)
	if l.TimedOut > 0 {
		text += fmt.Sprintf(" (%d of %d at the time limit)", l.TimedOut, l.Calls)
	}
	return text
}

// A shaped is what a shape cost.
type shaped struct {
	Name    string  `json:"name"`
	Query   string  `json:"query"`
	Indexed bool    `json:"indexed"`
	Page    latency `json:"page"`
	Total   latency `json:"total"`
	Found   int     `json:"found"`
	Margin  int     `json:"margin,omitempty"` // by which Found may be off, where it is an estimate
}

// A grown is a database of some size, and what it cost to make and use.
type grown struct {
	Users      int                `json:"users"`
	Ordered    bool               `json:"ordered_after_loading,omitempty"` // see unordered: the pages of the search index are full
	LoadRate   float64            `json:"users_loaded_per_second"`
	Bytes      int64              `json:"bytes"`
	AttrRows   int64              `json:"attr_rows,omitempty"`
	Operations map[string]latency `json:"operations"`
	Shapes     []shaped           `json:"shapes"`
}

// operations are measured at each size, in this order.
var operations = []string{"GET a user", "PATCH one key, durable", "login with a password", "list of 50 users"}

// TestScale loads users up to each size and measures there. Without -scale it does nothing.
func TestScale(t *testing.T) {
	if !*scale {
		t.Skip("only with -scale")
	}
	for _, kind := range strings.Split(*engines, ",") {
		t.Run(kind, func(t *testing.T) { growth(t, kind) })
	}
}

// loadBatch is how many users are added at once, and how many more there have to be for the search index to be put in order once, after they
// are there.
const loadBatch = 20_000

func growth(t *testing.T, kind string) {
	d := openDatabase(t, kind)
	s := stagedoortest.New(t, d.options)
	st, err := s.DB().TenantByID(t.Context(), s.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	logins := newLogins(t, s)
	next := storetest.Crowd()
	var all []grown
	have := 0
	for _, text := range strings.Split(*sizes, ",") {
		size, err := strconv.Atoi(text)
		if err != nil || size <= have {
			t.Fatalf("the sizes %q do not grow", *sizes)
		}
		start := time.Now()
		told := start
		var ids []string
		r := rand.New(rand.NewPCG(5, uint64(size)))
		had := have
		bulk := size-had > loadBatch
		var attr string
		if bulk {
			attr = d.attrTable(t)
			d.unordered(t)
		}
		for have < size {
			batch := make([]*stagedoor.User, 0, loadBatch)
			for len(batch) < cap(batch) && have < size {
				batch = append(batch, next())
				have++
			}
			if err := st.CreateUsers(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			if ids = append(ids, batch[r.IntN(len(batch))].ID, batch[r.IntN(len(batch))].ID); time.Since(told) > 20*time.Second {
				told = time.Now()
				fmt.Printf("%s: %d of %d users, %.0f per second\n", kind, have, size, float64(have-had)/time.Since(start).Seconds())
			}
		}
		if bulk {
			d.ordered(t, attr)
			fmt.Printf("%s: in order after %.0f s\n", kind, time.Since(start).Seconds())
		}
		g := grown{Users: size, Ordered: bulk, LoadRate: float64(size-had) / time.Since(start).Seconds(), Operations: map[string]latency{}}
		d.settle(t)
		g.Bytes, g.AttrRows = d.size(t)
		measureOperations(t, s, &g, ids, logins(logged))
		g.Shapes = measureShapes(t, s)
		all = append(all, g)
		save(t, "scale-"+kind+".json", all)
		fmt.Println(scaleTable(kind, all, false))
	}
}

// measured calls again and again, until there were enough or time is up. A call may end at the time limit of searches.
func measured(t *testing.T, most int, fn func() error) latency {
	t.Helper()
	var took []time.Duration
	l := latency{}
	for start := time.Now(); l.Calls < most && (l.Calls < 3 || time.Since(start) < *patient); l.Calls++ {
		began := time.Now()
		switch err := fn(); {
		case err != nil && strings.Contains(err.Error(), "search_timeout"):
			l.TimedOut++
		case err != nil:
			t.Fatal(err)
		default:
			took = append(took, time.Since(began))
		}
	}
	if len(took) > 0 {
		slices.Sort(took)
		l.P50, l.P99 = took[len(took)/2].Seconds()*1000, took[min(len(took)-1, len(took)*99/100)].Seconds()*1000
	}
	return l
}

func measureOperations(t *testing.T, s *stagedoortest.Server, g *grown, ids []string, logins func() error) {
	token := s.ManagementToken(t)
	r := rand.New(rand.NewPCG(1, 1))
	user := func() string { return s.HTTPURL + "/api/v2/users/" + url.PathEscape(ids[r.IntN(len(ids))]) }
	n := 0
	for name, fn := range map[string]func() error{
		"GET a user": func() error { return post(s.Client, "GET", user(), token, nil, nil) },
		"PATCH one key, durable": func() error {
			n++
			return post(s.Client, "PATCH", user(), token, fmt.Appendf(nil, `{"user_metadata":{"displayName":"name %d"}}`, n), nil)
		},
		"login with a password": logins,
		"list of 50 users": func() error {
			return post(s.Client, "GET", fmt.Sprintf("%s/api/v2/users?per_page=50&page=%d", s.HTTPURL, r.IntN(20)), token, nil, nil)
		},
	} {
		most := 400
		if name == "login with a password" {
			most = logged
		}
		g.Operations[name] = measured(t, most, fn)
	}
}

func measureShapes(t *testing.T, s *stagedoortest.Server) []shaped {
	token := s.ManagementToken(t)
	var out []shaped
	for _, sh := range shapes {
		r := rand.New(rand.NewPCG(7, 7))
		x := shaped{Name: sh.name, Query: sh.query(r), Indexed: sh.indexed}
		address := func() string {
			text := s.HTTPURL + "/api/v2/users?per_page=50&q=" + url.QueryEscape(sh.query(r))
			if sh.sort != "" {
				text += "&sort=" + url.QueryEscape(sh.sort)
			}
			return text
		}
		var answer struct {
			Total  int
			Margin int `json:"total_margin"`
		}
		x.Page = measured(t, 200, func() error { return post(s.Client, "GET", address(), token, nil, nil) })
		x.Total = measured(t, 20, func() error {
			answer.Margin = 0
			return post(s.Client, "GET", address()+"&include_totals=true", token, nil, &answer)
		})
		x.Found, x.Margin = answer.Total, answer.Margin
		out = append(out, x)
	}
	return out
}

// logged is how many logins are measured.
const logged = 100

// newLogins returns what makes users with the hash that other systems keep, bcrypt at cost 10, and returns a login that takes the next
// one of them: the first login of each, which also makes the hash anew.
func newLogins(t testing.TB, s *stagedoortest.Server) func(n int) func() error {
	client, _ := loginClient(t, s, "bench-login")
	ctx := context.Background()
	st, err := s.DB().TenantByID(ctx, s.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.UpdateClient(ctx, client.ID, func(c *stagedoor.Client) error {
		c.GrantTypes = append(c.GrantTypes, realmGrant)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	enableDirectory(t, s, client.ID)
	hash, err := bcrypt.GenerateFromPassword([]byte("Correct-Horse-9"), 10)
	if err != nil {
		t.Fatal(err)
	}
	return func(n int) func() error {
		names := make([]string, n)
		for i := range names {
			id := stagedoor.NewHexID()
			names[i] = "login-" + id + "@example.com"
			u := &stagedoor.User{
				ID: "auth0|" + id, Connection: directory, Email: names[i], EmailVerified: true,
				Identities: []stagedoor.Identity{{Connection: directory, Provider: "auth0", UserID: id}},
			}
			u.FillDefaults()
			if err := st.CreateUser(ctx, u, string(hash)); err != nil {
				t.Fatal(err)
			}
		}
		var next atomic.Int64
		from := callerOf(s)
		return func() error {
			return from.exchange(client, map[string]string{
				"grant_type": realmGrant, "realm": directory, "username": names[int(next.Add(1)-1)%n], "password": "Correct-Horse-9", "scope": "openid",
			}, nil)
		}
	}
}

const (
	realmGrant = "http://auth0.com/oauth/grant-type/password-realm"
	directory  = "Username-Password-Authentication"
)

// enableDirectory lets people of the tenant's directory sign in to a client.
func enableDirectory(t testing.TB, s *stagedoortest.Server, client string) {
	t.Helper()
	token := s.ManagementToken(t)
	var connections []struct {
		ID      string   `json:"id"`
		Name    string   `json:"name"`
		Clients []string `json:"enabled_clients"`
	}
	s.JSON(t, "GET", s.HTTPURL+"/api/v2/connections?strategy=auth0", token, nil, &connections)
	for _, c := range connections {
		if c.Name == directory {
			if status := s.JSON(t, "PATCH", s.HTTPURL+"/api/v2/connections/"+c.ID, token, map[string]any{"enabled_clients": append(c.Clients, client)}, nil); status != 200 {
				t.Fatalf("enabling the connection: status %d", status)
			}
			return
		}
	}
	t.Fatal("there is no directory")
}

// save keeps figures, from which the pages are made.
func save(t *testing.T, name string, v any) {
	t.Helper()
	b, err := json.MarshalIndent(struct {
		Machine string `json:"machine"`
		Date    string `json:"date"`
		Figures any    `json:"figures"`
	}{fmt.Sprintf("%s %s, %d cores", runtime.GOOS, runtime.GOARCH, runtime.NumCPU()), time.Now().Format("January 2006"), v}, "", " ")
	if err == nil {
		err = errors.Join(os.MkdirAll(*figuresDir, 0o755), os.WriteFile(filepath.Join(*figuresDir, name), append(b, '\n'), 0o644))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// scaleTable shows what grew.
func scaleTable(kind string, all []grown, markdown bool) string {
	var b strings.Builder
	row := func(cells ...string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	head := []string{kind}
	for _, g := range all {
		head = append(head, thousands(g.Users)+" users")
	}
	head = append(head, "growth", "wanted")
	row(head...)
	row(slices.Repeat([]string{"---"}, len(head))...)
	line := func(name, wanted string, cell func(g grown) string, value func(g grown) float64) {
		cells := []string{name}
		for _, g := range all {
			cells = append(cells, cell(g))
		}
		growth := ""
		if first, last := value(all[0]), value(all[len(all)-1]); first > 0 && last > 0 {
			growth = fmt.Sprintf("%.2f", last/first)
		}
		row(append(cells, growth, wanted)...)
	}
	none := func(grown) float64 { return 0 }
	line("users loaded per second", "", func(g grown) string { return thousands(int(g.LoadRate)) }, none)
	line("database, bytes per user", "", func(g grown) string { return thousands(int(g.Bytes) / g.Users) }, none)
	line("rows of the search index per user", "", func(g grown) string { return fmt.Sprintf("%.1f", float64(g.AttrRows)/float64(g.Users)) }, none)
	for _, name := range operations {
		line(name, "≤ 1.5", func(g grown) string { return g.Operations[name].String() }, func(g grown) float64 { return g.Operations[name].P50 })
	}
	for i := range all[0].Shapes {
		sh := all[0].Shapes[i]
		wanted := "< 50 ms"
		if !sh.Indexed {
			wanted = "bounded"
		}
		line("`"+sh.Query+"`: "+sh.Name, wanted, func(g grown) string { return g.Shapes[i].Page.String() }, func(g grown) float64 { return g.Shapes[i].Page.P50 })
	}
	for i := range all[0].Shapes {
		sh := all[0].Shapes[i]
		line("total: "+sh.Name, "< 2 s, or estimated", func(g grown) string {
			if g.Shapes[i].Total.TimedOut > 0 {
				return g.Shapes[i].Total.String()
			}
			if margin := g.Shapes[i].Margin; margin > 0 {
				return fmt.Sprintf("%s, estimated at %s ± %s", g.Shapes[i].Total, thousands(g.Shapes[i].Found), thousands(margin))
			}
			return fmt.Sprintf("%s, found %s", g.Shapes[i].Total, thousands(g.Shapes[i].Found))
		}, none)
	}
	if markdown {
		return b.String()
	}
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 4, 2, ' ', 0)
	for text := range strings.Lines(b.String()) {
		if !strings.HasPrefix(text, "| ---") {
			fmt.Fprintln(w, strings.ReplaceAll(strings.Trim(text, "| \n"), " | ", "\t"))
		}
	}
	w.Flush()
	return out.String()
}

func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
