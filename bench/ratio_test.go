package bench

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// A ratio is a path with the limit that was taken in the same run.
type ratio struct {
	Path   string  `json:"path"`
	Rate   float64 `json:"per_second"`
	Limit  string  `json:"limit"`
	Most   float64 `json:"limit_per_second"`
	Ratio  float64 `json:"ratio"`
	Wanted float64 `json:"wanted,omitempty"`
	Bytes  float64 `json:"bytes_per_call"`  // allocated, those of the calling program included
	Allocs float64 `json:"allocs_per_call"` // as Bytes
	Heap   float64 `json:"heap_mb"`         // in use afterwards, as Bytes
}

// ratios measures every path with its limit, and prints a row for each as it goes.
func ratios(t *testing.T) {
	var out []ratio
	add := func(r ratio) {
		out = append(out, r)
		save(t, "ratios.json", out)
		fmt.Printf("%-58s %9.0f/s  %-44s %9.0f/s  ratio %.2f (wanted %.2f)  %7.1f KB, %5.0f allocations per call, %4.0f MB in use\n", r.Path, r.Rate, r.Limit, r.Most, r.Ratio, r.Wanted, r.Bytes/1e3, r.Allocs, r.Heap)
	}
	row := func(path string, w work, limit string, wanted float64, l work, each float64) {
		rate, most := compare(t, w, l)
		r := ratio{Path: path, Rate: rate, Limit: limit, Most: most / each, Ratio: rate * each / most, Wanted: wanted}
		r.Bytes, r.Allocs, r.Heap = memory(t, w)
		add(r)
	}
	raw := func(name string, w work) {
		n, took := run(t, w, 2*time.Second)
		r := ratio{Path: name, Rate: float64(n) / took.Seconds()}
		r.Bytes, r.Allocs, r.Heap = memory(t, w)
		add(r)
	}
	rsa, ecdsa, bcrypted, argon := rawRSA(t), rawECDSA(t), rawBcrypt(t), rawArgon2()
	raw("raw: RSA-2048 signature", rsa)
	raw("raw: ES256 signature", ecdsa)
	raw("raw: bcrypt, cost 10", bcrypted)
	raw("raw: argon2id, 19 MiB", argon)
	empty := emptyHandler(t)
	raw("raw: empty handler, 32 callers", empty)
	kinds := []string{storetest.SQLite}
	if os.Getenv("STAGEDOOR_TEST_POSTGRES") != "" {
		kinds = append(kinds, storetest.Postgres)
	}
	for _, kind := range kinds {
		d := openDatabase(t, kind)
		s := stagedoortest.New(t, d.options)
		listeners(t, s)
		update, read := bareStatements(t, kind)
		on := kind + ": "
		row := func(path string, w work, limit string, wanted float64, l work, each float64) {
			d.settle(t) // or PostgreSQL plans as if nobody knew what is in its tables
			row(on+path, w, limit, wanted, l, each)
		}
		raw(on+"raw UPDATE, durable, 32 callers", update)
		raw(on+"raw SELECT, 32 callers", read)
		if kind == storetest.SQLite {
			row("client_credentials, RS256", clientCredentials(t, s), "RSA-2048 signatures", 0.85, rsa, 1)
			row("client_credentials, ES256", shortCredentials(t), "ES256 signatures", 0.50, ecdsa, 1)
			logins := newLogins(t, s)
			row("login, bcrypt cost 10, which is made anew", work{4, logins(1000)}, "bcrypt and argon2id", 0.90, both(bcrypted, argon), 1)
			row("login, argon2id", work{4, logins(1)}, "argon2id", 0.90, argon, 1)
		}
		row("code for two RS256 tokens", codeExchange(t, s), "pairs of RSA-2048 signatures", 0, rsa, 2)
		row("refresh with rotation and one rule", refreshes(t, s), "RSA-2048 signatures", 0.50, rsa, 1)
		row("code login with a session and one rule", codeLogins(t, s), "pairs of RSA-2048 signatures", 0.35, rsa, 2)
		row("PATCH of one key, durable, indexed, logged", patches(t, s), "raw UPDATE, durable", 0.30, update, 1)
		row("GET of a user", reads(t, s, "read@example.com", false), "nothing, behind the same middleware", 0.35, nothing(t, s), 1)
		row("GET of a user", reads(t, s, "read-2@example.com", false), "empty handler", 0.35, empty, 1)
		row("GET of a user, token with all scopes", reads(t, s, "read-3@example.com", true), "empty handler", 0, empty, 1)
		row("list of 50 users, 2 KB each", lists(t, s), "nothing, behind the same middleware", 0, nothing(t, s), 1)
	}
}

// listeners gives the tenant a thousand users: PostgreSQL reads a table of a few rows from its beginning to its end, whatever index there is.
func listeners(t testing.TB, s *stagedoortest.Server) {
	t.Helper()
	if err := tenant(t, s).CreateUsers(context.Background(), storetest.Listeners(1000)); err != nil {
		t.Fatal(err)
	}
}

// memory returns what a call allocates, in bytes and in pieces, and the megabytes in use after many.
func memory(t *testing.T, w work) (bytes, allocations, heap float64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n := 0
	for start := time.Now(); n < 200 && (n < 5 || time.Since(start) < time.Second); n++ {
		if err := w.call(); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	return float64(after.TotalAlloc-before.TotalAlloc) / float64(n), float64(after.Mallocs-before.Mallocs) / float64(n), float64(after.HeapInuse) / 1e6
}

// refreshes are people who each change their refresh token for a new one and an access token, by way of one rule.
func refreshes(t testing.TB, s *stagedoortest.Server) work {
	client, _ := loginClient(t, s, "bench-refresh")
	st, err := s.DB().TenantByID(context.Background(), s.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.UpdateClient(context.Background(), client.ID, func(c *stagedoor.Client) error {
		c.RefreshToken = stagedoor.RefreshTokenRules{RotationType: "rotating", ExpirationType: "expiring", TokenLifetime: 86400, Leeway: 0}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	oneRule(t, s)
	tokens, from := make(chan string, callers), callerOf(s)
	for _, userID := range people(t, s, "bench-refresh", cap(tokens)) {
		var got struct {
			Refresh string `json:"refresh_token"`
		}
		code := newCode(t, s, client, userID, "https://"+s.Domain+"/api/v2/", "offline_access", "read:current_user")
		if err := from.exchange(client, map[string]string{"grant_type": "authorization_code", "code": code}, &got); err != nil || got.Refresh == "" {
			t.Fatalf("no refresh token: %v", err)
		}
		tokens <- got.Refresh
	}
	return work{cap(tokens), func() error {
		var got struct {
			Refresh string `json:"refresh_token"`
		}
		err := from.exchange(client, map[string]string{"grant_type": "refresh_token", "refresh_token": <-tokens}, &got)
		if err == nil && got.Refresh == "" {
			err = fmt.Errorf("no new refresh token")
		}
		tokens <- got.Refresh
		return err
	}}
}

func ratioTable(all []ratio) string {
	var b strings.Builder
	b.WriteString("| path | rate | limit of the same run | ratio | wanted | allocated per call | allocations | memory in use |\n|---|---|---|---|---|---|---|---|\n")
	for _, r := range all {
		wanted := ""
		if r.Wanted > 0 {
			wanted = fmt.Sprintf("≥ %.2f", r.Wanted)
		}
		most := ""
		if r.Limit != "" {
			most = fmt.Sprintf("%s %s/s", r.Limit, thousands(int(r.Most)))
		}
		share := ""
		if r.Ratio > 0 {
			share = fmt.Sprintf("%.2f", r.Ratio)
		}
		fmt.Fprintf(&b, "| %s | %s/s | %s | %s | %s | %.1f KB | %.0f | %.0f MB |\n", r.Path, thousands(int(r.Rate)), most, share, wanted, r.Bytes/1e3, r.Allocs, r.Heap)
	}
	return b.String()
}

func ratioChart(all []ratio) string {
	var out []bar
	for _, r := range all {
		if r.Limit != "" {
			out = append(out, bar{r.Path, r.Ratio, r.Wanted})
		}
	}
	return bars("What each path reaches of its limit", out)
}

// BenchmarkCodeLogin is for a profile of a code login with a session and one rule.
func BenchmarkCodeLogin(b *testing.B) { profiled(b, codeLogins) }

// BenchmarkPatch is for a profile of a PATCH.
func BenchmarkPatch(b *testing.B) { profiled(b, patches) }

// profiled measures a path on each of the engines: -engine sqlite, and -cpuprofile, are for a profile of one.
func profiled(b *testing.B, path func(testing.TB, *stagedoortest.Server) work) {
	for kind := range strings.SplitSeq(*engines, ",") {
		b.Run(kind, func(b *testing.B) {
			if kind == storetest.Postgres && os.Getenv("STAGEDOOR_TEST_POSTGRES") == "" {
				b.Skip("there is no PostgreSQL")
			}
			d := openDatabase(b, kind)
			s := stagedoortest.New(b, d.options)
			listeners(b, s)
			loginClient(b, s, "bench") // without a client the connection is disabled
			w := path(b, s)
			d.settle(b)
			b.SetParallelism(max(w.callers/runtime.GOMAXPROCS(0), 1))
			b.ReportAllocs()
			used := processorTime(d.address)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := w.call(); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.StopTimer()
			b.ReportMetric(float64((processorTime(d.address)-used).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

// BenchmarkRefresh is for a profile of a refresh with rotation and one rule.
func BenchmarkRefresh(b *testing.B) { profiled(b, refreshes) }
