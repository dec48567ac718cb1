package bench

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

var hostile = flag.Bool("hostile", false, "run all hostile scripts under load and print the table")

const (
	neighbours   = 4                     // tenants with ordinary rules
	neighbourGap = 40 * time.Millisecond // between two logins of one of them
	attackers    = 4                     // logins of the hostile tenant at a time
)

// someone can sign in to a tenant: here, by exchanging a refresh token, which runs the rules.
type someone struct {
	s      *stagedoortest.Server
	base   string // http://host of the tenant
	token  string // of the Management API
	client *stagedoor.Client
	fresh  string
	rule   string // id of the tenant's rule
}

// someoneOf makes a client, a user with a refresh token, and a rule, in a tenant.
func someoneOf(t *testing.T, s *stagedoortest.Server, tenant, runtime, rule string) *someone {
	t.Helper()
	ctx := context.Background()
	st, err := s.DB().TenantByID(ctx, tenant)
	if err != nil {
		t.Fatal(err)
	}
	domain := s.Domains[tenant]
	o := &someone{s: s, base: "http://" + domain}
	o.token = s.MachineToken(t, o.base, s.Machines[tenant], "https://"+domain+"/api/v2/")
	o.api(t, "PATCH", "tenants/settings", map[string]any{"stagedoor": map[string]any{"script_runtime": runtime}}, nil)
	o.client = &stagedoor.Client{
		Name: "App", Secret: stagedoor.NewSecret(), IsFirstParty: true, OIDCConformant: true, Callbacks: []string{"https://app.example.com/callback"},
		GrantTypes:       []string{"authorization_code", "refresh_token"},
		JWTConfiguration: stagedoor.JWTConfiguration{Algorithm: "RS256"},
		RefreshToken:     stagedoor.RefreshTokenRules{RotationType: "non-rotating", ExpirationType: "non-expiring"},
	}
	if err := st.CreateClient(ctx, o.client); err != nil {
		t.Fatal(err)
	}
	var user struct {
		ID string `json:"user_id"`
	}
	o.api(t, "POST", "users", map[string]any{
		"connection": "Username-Password-Authentication", "email": tenant + "@example.com", "password": "Correct-Horse-9", "email_verified": true,
		"user_metadata": map[string]string{"bio": strings.Repeat("x", 1500)}, "app_metadata": map[string]any{"roles": []string{"listener"}},
	}, &user)
	code := stagedoor.NewToken()
	err = st.SaveCode(ctx, code, &stagedoor.Code{
		Authorization: stagedoor.Authorization{ClientID: o.client.ID, UserID: user.ID, SessionID: "s", Scope: []string{"openid", "offline_access"}, Conformant: true, Issuer: o.base + "/"},
		RedirectURI:   o.client.Callbacks[0], ExpiresAt: time.Now().Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	var tokens struct {
		RefreshToken string `json:"refresh_token"`
	}
	if err := o.exchange(map[string]string{"grant_type": "authorization_code", "code": code}, &tokens); err != nil {
		t.Fatal(err)
	}
	o.fresh = tokens.RefreshToken
	var made struct{ ID string }
	o.api(t, "POST", "rules", map[string]any{"name": "The rule", "script": rule, "enabled": true}, &made)
	o.rule = made.ID
	return o
}

func (o *someone) api(t *testing.T, method, path string, body, into any) {
	t.Helper()
	if status := o.s.JSON(t, method, o.base+"/api/v2/"+path, o.token, body, into); status >= 300 {
		t.Fatalf("%s %s: status %d", method, path, status)
	}
}

func (o *someone) exchange(params map[string]string, into any) error {
	params["client_id"], params["client_secret"] = o.client.ID, o.client.Secret
	body, err := json.Marshal(params)
	if err != nil {
		return err
	}
	return post(o.s.Client, "POST", o.base+"/oauth/token", "", body, into)
}

func (o *someone) login() error {
	return o.exchange(map[string]string{"grant_type": "refresh_token", "refresh_token": o.fresh}, nil)
}

// sample is how long logins of the neighbours took.
type sample struct {
	mu   sync.Mutex
	took []time.Duration
	bad  []error
}

// at is a quantile, in milliseconds.
func (s *sample) at(q float64) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.took) == 0 {
		return 0
	}
	slices.Sort(s.took)
	return float64(s.took[min(int(q*float64(len(s.took))), len(s.took)-1)]) / 1e6
}

func (s *sample) add(more *sample) {
	more.mu.Lock()
	defer more.mu.Unlock()
	s.took, s.bad = append(s.took, more.took...), append(s.bad, more.bad...)
}

// crowd lets the neighbours log in until the context ends; into says which sample it is.
func crowd(ctx context.Context, all []*someone, into *atomic.Pointer[sample]) *sync.WaitGroup {
	var group sync.WaitGroup
	for i, o := range all {
		group.Go(func() {
			time.Sleep(time.Duration(i) * neighbourGap / neighbours)
			for ctx.Err() == nil {
				began, s := time.Now(), into.Load()
				err := o.login()
				took := time.Since(began)
				s.mu.Lock()
				s.took = append(s.took, took)
				if err != nil {
					s.bad = append(s.bad, err)
				}
				s.mu.Unlock()
				time.Sleep(neighbourGap)
			}
		})
	}
	return &group
}

// The rule of the neighbours: what published rules do.
const neighbourRule = `function (user, context, callback) {
  const _ = require('lodash');
  user.user_metadata = user.user_metadata || {};
  context.idToken['https://mixtape.example/roles'] = _.uniq(_.get(user, 'app_metadata.roles', []));
  context.accessToken['https://mixtape.example/bio'] = _.size(user.user_metadata.bio);
  callback(null, user, context);
}`

// hostileScripts are the scripts of internal/script/testdata/hostile/rules.txtar by name, in order.
func hostileScripts(t *testing.T) (names, bodies []string) {
	b, err := os.ReadFile("../internal/script/testdata/hostile/rules.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if name, ok := strings.CutPrefix(line, "-- "); ok && strings.HasSuffix(line, " --\n") {
			name, _, _ = strings.Cut(strings.TrimSuffix(name, " --\n"), " |")
			names, bodies = append(names, name), append(bodies, "")
		} else {
			bodies[len(bodies)-1] += line
		}
	}
	return names, bodies
}

// TestHostile lets one tenant run the hostile scripts, several at a time, while others log in. The server stays, each hostile login that
// failed has its entry in that tenant's log, and the neighbours notice little: with -hostile all scripts run and their latency is held
// against the quiet one; without it a few run, and what is looked at is that all logins of the neighbours succeed.
func TestHostile(t *testing.T) {
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "runtime\thostile logins\tfailed, with an entry\tneighbours' logins\tp50 quiet\tp50 under attack\tp99 quiet\tp99 under attack\twanted")
	for _, runtime := range []string{script.RuntimeEmbedded, script.RuntimeNode} {
		t.Run(runtime, func(t *testing.T) { attack(t, w, runtime) })
	}
	if *hostile {
		w.Flush()
	}
}

func attack(t *testing.T, w *tabwriter.Writer, runtime string) {
	h := script.New(script.Config{})
	missing := h.NodeError()
	h.Close()
	if runtime == script.RuntimeNode && missing != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	tenants := []string{"evil"}
	for i := range neighbours {
		tenants = append(tenants, fmt.Sprint("neighbour-", i))
	}
	s := stagedoortest.New(t, stagedoortest.Options{Tenants: tenants})
	evil := someoneOf(t, s, "evil", runtime, neighbourRule)
	var others []*someone
	for _, name := range tenants[1:] {
		others = append(others, someoneOf(t, s, name, runtime, neighbourRule))
	}
	names, bodies := hostileScripts(t)
	quietFor, limits := 10*time.Second, `{"cpu_ms":1000,"wall_ms":4000}`
	if !*hostile {
		limits, quietFor = `{"cpu_ms":200,"wall_ms":1000}`, time.Second
	}
	for _, o := range append(others, evil) { // everything is warm
		for range 5 {
			if err := o.login(); err != nil {
				t.Fatal(err)
			}
		}
	}
	evil.api(t, "PATCH", "tenants/settings", json.RawMessage(`{"stagedoor":{"script_limits":{"rules":`+limits+`}}}`), nil) // which the first run on a busy machine might not keep
	quiet, under := &sample{}, &sample{}
	var into atomic.Pointer[sample]
	into.Store(quiet)
	ctx, stop := context.WithCancel(t.Context())
	group := crowd(ctx, others, &into)
	time.Sleep(quietFor)
	logins, failed := 0, 0
	for i, name := range names {
		if !*hostile && i%30 != 0 {
			continue
		}
		one := &sample{}
		into.Store(one)
		began := time.Now()
		failed += assault(t, evil, name, bodies[i])
		logins += attackers
		if *hostile && testing.Verbose() {
			t.Logf("%-50s %5.1f s, neighbours p50 %.1f ms, worst %.1f ms", name, time.Since(began).Seconds(), one.at(0.5), one.at(1))
		}
		under.add(one)
	}
	into.Store(&sample{})
	if *hostile {
		time.Sleep(6 * time.Second) // what they left behind ends
		into.Store(quiet)
		time.Sleep(quietFor)
	}
	stop()
	group.Wait()
	if len(quiet.bad)+len(under.bad) > 0 {
		t.Errorf("logins of the neighbours failed: %v %v", quiet.bad, under.bad)
	}
	entries(t, evil, failed)
	for _, q := range []float64{0.5, 0.99} {
		if *hostile && under.at(q) > 2*quiet.at(q) {
			t.Errorf("quantile %v: %.1f ms under attack, %.1f when it is quiet", q, under.at(q), quiet.at(q))
		}
	}
	fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%.1f ms\t%.1f ms\t%.1f ms\t%.1f ms\twithin twice\n", runtime, logins, failed, len(under.took), quiet.at(0.5), under.at(0.5), quiet.at(0.99), under.at(0.99))
}

// assault gives the hostile tenant a rule and lets several people log in. It returns how many logins failed; what they are told must be
// the words of a script, of a limit, or of the pipeline.
func assault(t *testing.T, evil *someone, name, body string) (failed int) {
	evil.api(t, "PATCH", "rules/"+evil.rule, map[string]any{"script": "function (user, context, callback) {\n" + body + "\n}"}, nil)
	var count atomic.Int64
	var group sync.WaitGroup
	for range attackers {
		group.Go(func() {
			if err := evil.login(); err != nil {
				count.Add(1)
				if !strings.Contains(err.Error(), "access_denied") && !strings.Contains(err.Error(), "unauthorized") {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	group.Wait()
	return int(count.Load())
}

// entries looks for an entry of the tenant's log for each login that failed, which says what happened; of more than the log takes from one network in a
// minute an entry of the minute after tells how many there were.
func entries(t *testing.T, o *someone, want int) {
	found := 0
	for range 900 {
		found = 0
		for page := 0; ; page++ {
			var all []struct {
				Type, Description string
				Details           map[string]any
			}
			o.api(t, "GET", fmt.Sprintf("logs?per_page=100&page=%d", page), nil, &all)
			for _, e := range all {
				if left, is := e.Details["left_out"].(map[string]any); is {
					types, _ := left["types"].(map[string]any)
					n, _ := types["fertft"].(float64)
					found += int(n)
				}
				if e.Type != "fertft" {
					continue
				}
				found++
				if e.Description == "" || e.Details["rule"] == nil && e.Details["kind"] == nil {
					t.Errorf("an entry that says little: %+v", e)
				}
			}
			if len(all) < 100 {
				break
			}
		}
		if found >= want {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("%d entries for %d logins that failed", found, want)
}
