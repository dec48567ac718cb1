package bench

import (
	"context"
	"fmt"
	"net/http"
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
	rsa, bcrypted, argon := rawRSA(t), rawBcrypt(t), rawArgon2()
	raw("raw: RSA-2048 signature", rsa)
	raw("raw: ES256 signature", rawECDSA(t))
	raw("raw: bcrypt, cost 10", bcrypted)
	raw("raw: argon2id, 19 MiB", argon)
	empty := emptyHandler(t)
	raw("raw: empty handler, 32 callers", empty)
	kinds := []string{storetest.SQLite}
	if os.Getenv("STAGEDOOR_TEST_POSTGRES") != "" {
		kinds = append(kinds, storetest.Postgres)
	}
	for _, kind := range kinds {
		s := stagedoortest.New(t, openDatabase(t, kind).options)
		update, read := bareStatements(t, kind)
		on := kind + ": "
		raw(on+"raw UPDATE, durable, 32 callers", update)
		raw(on+"raw SELECT, 32 callers", read)
		if kind == storetest.SQLite {
			row(on+"client_credentials, RS256", clientCredentials(t, s), "RSA-2048 signatures", 0.70, rsa, 1)
			logins := newLogins(t, s)
			row(on+"login, bcrypt cost 10, which is made anew", work{4, logins(1000)}, "bcrypt and argon2id", 0.90, both(bcrypted, argon), 1)
			row(on+"login, argon2id", work{4, logins(1)}, "argon2id", 0.90, argon, 1)
		}
		row(on+"code for two RS256 tokens", codeExchange(t, s), "pairs of RSA-2048 signatures", 0, rsa, 2)
		row(on+"refresh with rotation and one rule", refreshes(t, s), "RSA-2048 signatures", 0.50, rsa, 1)
		row(on+"PATCH of one key, durable, indexed, logged", patches(t, s), "raw UPDATE, durable", 0.30, update, 1)
		row(on+"GET of a user", reads(t, s, "read@example.com", false), "nothing, behind the same middleware", 0.35, nothing(t, s), 1)
		row(on+"GET of a user", reads(t, s, "read-2@example.com", false), "empty handler", 0.35, empty, 1)
		row(on+"GET of a user, token with all scopes", reads(t, s, "read-3@example.com", true), "empty handler", 0, empty, 1)
		row(on+"list of 50 users, 2 KB each", lists(t, s), "nothing, behind the same middleware", 0, nothing(t, s), 1)
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
	client, userID := loginClient(t, s, "bench-refresh")
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
	body := map[string]any{"name": "Bench", "script": storyRulesText[2], "enabled": true}
	if status := s.JSON(t, "POST", s.HTTPURL+"/api/v2/rules", s.ManagementToken(t), body, nil); status != http.StatusCreated {
		t.Fatalf("creating a rule: status %d", status)
	}
	// Every caller has a family of tokens of its own.
	tokens := make(chan string, callers)
	for range cap(tokens) {
		var got struct {
			Refresh string `json:"refresh_token"`
		}
		code := newCode(t, s, client, userID, "https://"+s.Domain+"/api/v2/", "offline_access", "read:current_user")
		if err := exchange(s, client, map[string]string{"grant_type": "authorization_code", "code": code}, &got); err != nil || got.Refresh == "" {
			t.Fatalf("no refresh token: %v", err)
		}
		tokens <- got.Refresh
	}
	return work{cap(tokens), func() error {
		var got struct {
			Refresh string `json:"refresh_token"`
		}
		err := exchange(s, client, map[string]string{"grant_type": "refresh_token", "refresh_token": <-tokens}, &got)
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

// BenchmarkRefresh is for a profile of a refresh with rotation and one rule.
func BenchmarkRefresh(b *testing.B) {
	w := refreshes(b, stagedoortest.New(b))
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := w.call(); err != nil {
				b.Error(err)
			}
		}
	})
}
