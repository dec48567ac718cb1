package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/server"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

var (
	table = flag.Bool("table", false, "measure and print the table")
	brief = flag.Bool("brief", false, "only the ratios")
)

func TestMain(m *testing.M) {
	flag.Parse()
	script.Serve()
	server.PaceCollector() // as the program does
	os.Exit(m.Run())       // hashes cost what they cost
}

// callers is how many clients call at once, unless it is said.
const callers = 32

// TestTable measures everything once and prints it. Without -table it does nothing.
func TestTable(t *testing.T) {
	if !*table {
		t.Skip("only with -table")
	}
	ratios(t)
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "the story's rules in a login\t%.2f ms\t\t\t< 2 ms\n", storyRules(t, stagedoortest.New(t)))
	if *brief {
		w.Flush()
		return
	}
	scripts(t, w)
	searches(t, w)
	imports(t, w)
	process(t, w)
	pageTimes(t, w)
	kept(t, w, storetest.SQLite, *liveTokens)
	if os.Getenv("STAGEDOOR_TEST_POSTGRES") != "" {
		kept(t, w, storetest.Postgres, *liveTokens)
	}
	w.Flush()
}

// work is something to call again and again, from callers at a time.
type work struct {
	callers int
	call    func() error
}

// compare measures a path and its limit in turns, so that whatever else the machine does slows both down. It
// returns calls per second.
func compare(t *testing.T, path, limit work) (float64, float64) {
	t.Helper()
	const turns, turn = 6, 600 * time.Millisecond
	var calls [2]int64
	var took [2]time.Duration
	both := []work{path, limit}
	for _, w := range both {
		if err := w.call(); err != nil {
			t.Fatal(err)
		}
	}
	for range turns {
		for i, w := range both {
			n, d := run(t, w, turn)
			calls[i] += n
			took[i] += d
		}
	}
	return float64(calls[0]) / took[0].Seconds(), float64(calls[1]) / took[1].Seconds()
}

func run(t *testing.T, w work, d time.Duration) (int64, time.Duration) {
	t.Helper()
	var calls atomic.Int64
	var first atomic.Pointer[error]
	start := time.Now()
	end := start.Add(d)
	var group sync.WaitGroup
	for range w.callers {
		group.Go(func() {
			for time.Now().Before(end) {
				if err := w.call(); err != nil {
					first.CompareAndSwap(nil, &err)
					return
				}
				calls.Add(1)
			}
		})
	}
	group.Wait()
	if err := first.Load(); err != nil {
		t.Fatal(*err)
	}
	return calls.Load(), time.Since(start)
}

func emptyHandler(t *testing.T) work {
	hs := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") }), ReadHeaderTimeout: time.Second}
	addr := listen(t, hs)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	return work{callers, func() error { return post(client, "GET", "http://"+addr, "", nil, nil) }}
}

// clientCredentials is a machine client of an API with a few scopes, over HTTP, the calling program on the same cores.
func clientCredentials(t testing.TB, s *stagedoortest.Server) work {
	const audience = "https://api.example.com/"
	token := s.ManagementToken(t)
	scopes := []string{"read:songs", "write:songs", "read:playlists"}
	api := map[string]any{"identifier": audience, "name": "Songs", "signing_alg": "RS256", "scopes": []map[string]string{
		{"value": scopes[0]}, {"value": scopes[1]}, {"value": scopes[2]},
	}}
	var client struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	for _, one := range []struct {
		path       string
		body, into any
	}{
		{"resource-servers", api, nil},
		{"clients", map[string]any{"name": "Bench", "app_type": "non_interactive", "grant_types": []string{"client_credentials"}}, &client},
	} {
		if status := s.JSON(t, "POST", s.HTTPURL+"/api/v2/"+one.path, token, one.body, one.into); status != http.StatusCreated {
			t.Fatalf("POST %s: status %d", one.path, status)
		}
	}
	grant := map[string]any{"client_id": client.ID, "audience": audience, "scope": scopes}
	if status := s.JSON(t, "POST", s.HTTPURL+"/api/v2/client-grants", token, grant, nil); status != http.StatusCreated {
		t.Fatalf("POST client-grants: status %d", status)
	}
	body, _ := json.Marshal(map[string]string{
		"grant_type": "client_credentials", "client_id": client.ID, "client_secret": client.Secret, "audience": audience,
	})
	from := callerOf(s)
	return work{8, func() error { return from.token(body, nil) }}
}

// shortCredentials is clientCredentials of a tenant that signs with ES256. No API of the server makes such a key: it is put into the database.
func shortCredentials(t testing.TB) work {
	s := stagedoortest.New(t)
	ctx, st := context.Background(), tenant(t, s)
	w := clientCredentials(t, s)
	for range 2 { // next, then current
		key, err := jose.NewECKey(s.Domain, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		private, err := key.PEM()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := st.RotateSigningKeys(ctx, &stagedoor.SigningKey{
			KID: key.KID, Algorithm: key.Algorithm, State: "next", Private: private, CertDER: key.Cert.Raw, CreatedAt: time.Now(),
		}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := st.ResourceServers(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, api := range all {
		if _, err := st.UpdateResourceServer(ctx, api.ID, func(r *stagedoor.ResourceServer) error {
			r.SigningAlgorithm = "" // as the key
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func patches(t testing.TB, s *stagedoortest.Server) work {
	token := s.ManagementToken(t)
	narrow := scoped(t, s, "update:users")
	ids := make([]string, callers)
	for i := range ids {
		ids[i] = newUser(t, s, token, fmt.Sprintf("patch-%d@example.com", i))
	}
	var n atomic.Int64
	return work{callers, func() error {
		i := n.Add(1)
		body := fmt.Appendf(nil, `{"user_metadata":{"displayName":"name %d"}}`, i)
		return post(s.Client, "PATCH", s.HTTPURL+"/api/v2/users/auth0%7C"+ids[int(i)%callers], narrow, body, nil)
	}}
}

// scoped is a management token for what a program needs: one with all scopes has 8 KB, which HTTP alone pays for on both sides.
func scoped(t testing.TB, s *stagedoortest.Server, scope string) string {
	var got struct {
		AccessToken string `json:"access_token"`
	}
	body := map[string]string{
		"grant_type": "client_credentials", "client_id": s.Machine.ID, "client_secret": s.Machine.Secret,
		"audience": "https://" + s.Domain + "/api/v2/", "scope": scope,
	}
	if status := s.JSON(t, "POST", s.HTTPURL+"/oauth/token", "", body, &got); status != http.StatusOK {
		t.Fatalf("no token for %s: status %d", scope, status)
	}
	return got.AccessToken
}

// reads reads one user again and again, with a token of one scope or, if all, of every scope.
func reads(t testing.TB, s *stagedoortest.Server, email string, all bool) work {
	token := s.ManagementToken(t)
	id := newUser(t, s, token, email)
	if !all {
		token = scoped(t, s, "read:users")
	}
	return work{callers, func() error {
		return post(s.Client, "GET", s.HTTPURL+"/api/v2/users/auth0%7C"+id, token, nil, nil)
	}}
}

func newUser(t testing.TB, s *stagedoortest.Server, token, email string) string {
	id := strings.NewReplacer("@", "-", ".", "-").Replace(email)
	body := map[string]any{
		"connection": "Username-Password-Authentication", "user_id": id, "email": email, "password": "Correct-Horse-9", "email_verified": true,
		"user_metadata": map[string]string{"bio": strings.Repeat("x", 2000)},
	}
	if status := s.JSON(t, "POST", s.HTTPURL+"/api/v2/users", token, body, nil); status != http.StatusCreated {
		t.Fatalf("creating a user: status %d", status)
	}
	return id
}

// post sends a request and wants a success.
func post(client *http.Client, method, url, token string, body []byte, into any) error {
	r, err := http.NewRequestWithContext(context.Background(), method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s %s", method, r.URL.Path, resp.Status, answer)
	}
	if into != nil {
		return json.Unmarshal(answer, into)
	}
	return nil
}

// BenchmarkClientCredentials is for a profile: go test ./bench -bench ClientCredentials -engine sqlite -cpuprofile cpu.out.
func BenchmarkClientCredentials(b *testing.B) { profiled(b, clientCredentials) }
