package bench

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/server"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

var tenants = flag.Int("tenants", 10000, "tenants that are compared with ten")

// A crowded is what a request costs among many tenants, against ten.
type crowded struct {
	Engine  string  `json:"engine"`
	Tenants int     `json:"tenants"`
	Call    string  `json:"call"`
	Ten     float64 `json:"ten_per_second"`
	Many    float64 `json:"many_per_second"`
	RSS     string  `json:"rss"`
}

// TestTenants asks the same of ten tenants and of many, in turns. Without -scale it does nothing.
func TestTenants(t *testing.T) {
	if !*scale || *tenants == 0 {
		t.Skip("only with -scale")
	}
	for _, kind := range strings.Split(*engines, ",") {
		t.Run(kind, func(t *testing.T) { amongTenants(t, kind) })
	}
}

type tenantHost struct {
	host, token string
	users       int // auth0|1 and so on
}

func amongTenants(t *testing.T, kind string) {
	s := stagedoortest.New(t, openDatabase(t, kind).options)
	all := newTenants(t, s, *tenants)
	ask := func(of int, method string, body func() string) work {
		return work{callers, func() error {
			h := all[rand.IntN(of)]
			return hosted(s, method, h, body())
		}}
	}
	var out []crowded
	for _, call := range []struct {
		name, method string
		body         func() string
	}{
		{"GET of a user", "GET", func() string { return "" }},
		{"PATCH of one key, durable", "PATCH", func() string { return fmt.Sprintf(`{"user_metadata":{"n":%d}}`, rand.Int()) }},
	} {
		for i := range all { // everybody was there once
			if err := hosted(s, call.method, all[i], call.body()); err != nil {
				t.Fatal(err)
			}
		}
		many, ten := compare(t, ask(len(all), call.method, call.body), ask(few, call.method, call.body))
		debug.FreeOSMemory()
		out = append(out, crowded{kind, len(all), call.name, ten, many, rss(t, os.Getpid())})
	}
	save(t, "tenants-"+kind+".json", out)
	fmt.Println(tenantsTable(out))
}

// hosted asks a tenant for one of its users, or changes it.
func hosted(s *stagedoortest.Server, method string, h tenantHost, body string) error {
	r, err := http.NewRequestWithContext(context.Background(), method, fmt.Sprintf("%s/api/v2/users/auth0%%7C%d", s.HTTPURL, 1+rand.IntN(h.users)), strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Host = h.host
	r.Header.Set("Authorization", "Bearer "+h.token)
	r.Header.Set("Content-Type", "application/json")
	resp, err := s.Client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s %s", method, h.host, resp.Status, text)
	}
	return err
}

// machineToken returns a token of a tenant's management client.
func machineToken(s *stagedoortest.Server, host string, c *stagedoor.Client) (string, error) {
	body := fmt.Sprintf(`{"grant_type":"client_credentials","client_id":%q,"client_secret":%q,"audience":"https://%s/api/v2/"}`, c.ID, c.Secret, host)
	r, err := http.NewRequestWithContext(context.Background(), "POST", s.HTTPURL+"/oauth/token", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Host = host
	r.Header.Set("Content-Type", "application/json")
	resp, err := s.Client.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
		Error string `json:"error_description"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Token == "" {
		return "", fmt.Errorf("no token of %s: %s %s %w", host, resp.Status, answer.Error, err)
	}
	return answer.Token, nil
}

// few are the tenants that many are compared with.
const few = 10

// newTenants makes tenants with a user each, and the first few with as many as all others together, so that either way as many rows are asked for. They share a signing key: to make 10,000 pairs of keys would take a quarter of an hour.
func newTenants(t *testing.T, s *stagedoortest.Server, n int) []tenantHost {
	ctx := context.Background()
	db := s.DB()
	first, err := db.TenantByID(ctx, s.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := first.SigningKeys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	port := s.HTTPURL[strings.LastIndexByte(s.HTTPURL, ':'):]
	all := make([]tenantHost, n)
	one := func(i int) error {
		name := fmt.Sprintf("t%05d", i)
		host := name + ".localhost" + port
		st, err := db.CreateTenant(ctx, name, []string{host})
		if err != nil {
			return err
		}
		for _, k := range keys {
			if err := st.CreateSigningKey(ctx, &k); err != nil {
				return err
			}
		}
		machine, err := server.EnsureTenant(ctx, db, name, []string{host})
		if err != nil {
			return err
		}
		var users []*stagedoor.User
		for id := 1; id <= 1 || i < few && id <= n/few; id++ {
			users = append(users, &stagedoor.User{
				ID: fmt.Sprintf("auth0|%d", id), Connection: directory, Email: fmt.Sprintf("u%d@example.com", id),
				UserMetadata: stagedoor.Metadata{"bio": []byte(`"` + strings.Repeat("x", 2000) + `"`)},
				Identities:   []stagedoor.Identity{{Connection: directory, Provider: "auth0", UserID: fmt.Sprint(id)}},
			})
		}
		if err := st.CreateUsers(ctx, users); err != nil {
			return err
		}
		token, err := machineToken(s, host, machine)
		all[i] = tenantHost{host, token, len(users)}
		return err
	}
	var group sync.WaitGroup
	for w := range callers {
		group.Go(func() {
			for i := w; i < n; i += callers {
				if err := one(i); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return all
}

func tenantsTable(all []crowded) string {
	var b strings.Builder
	b.WriteString("| | ten tenants | tenants | rate | cost, times that of ten | memory of server and caller | wanted |\n|---|---|---|---|---|---|---|\n")
	for _, c := range all {
		fmt.Fprintf(&b, "| %s, %s | %.0f/s | %s | %.0f/s | %.2f | %s | ≤ 1.2, < 1.5 GB |\n", c.Engine, c.Call, c.Ten, thousands(c.Tenants), c.Many, c.Ten/c.Many, c.RSS)
	}
	return b.String()
}
