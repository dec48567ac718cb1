package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// codes is how many authorization codes are made before the exchange is measured.
const codes = 8000

// loginClient makes a client that people sign in to, and a user; it returns both.
func loginClient(t testing.TB, s *stagedoortest.Server, name string) (client *stagedoor.Client, userID string) {
	t.Helper()
	ctx := context.Background()
	st, err := s.DB().TenantByID(ctx, s.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	client = &stagedoor.Client{
		Name: name, Secret: stagedoor.NewSecret(), IsFirstParty: true, OIDCConformant: true, Callbacks: []string{"https://app.example.com/callback"},
		GrantTypes:       []string{"authorization_code", "refresh_token"},
		JWTConfiguration: stagedoor.JWTConfiguration{Algorithm: "RS256"},
		RefreshToken:     stagedoor.RefreshTokenRules{RotationType: "non-rotating", ExpirationType: "non-expiring"},
	}
	if err := st.CreateClient(ctx, client); err != nil {
		t.Fatal(err)
	}
	return client, "auth0|" + newUser(t, s, s.ManagementToken(t), name+"@example.com")
}

// people makes users and returns their ids: everybody who calls at the same time is somebody else, as in real life.
func people(t testing.TB, s *stagedoortest.Server, name string, n int) (ids []string) {
	t.Helper()
	token := s.ManagementToken(t)
	for i := range n {
		ids = append(ids, "auth0|"+newUser(t, s, token, fmt.Sprintf("%s-%d@example.com", name, i)))
	}
	return ids
}

func newCode(t testing.TB, s *stagedoortest.Server, client *stagedoor.Client, userID, audience string, scope ...string) string {
	st, err := s.DB().TenantByID(context.Background(), s.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	code := stagedoor.NewToken()
	err = st.SaveCode(context.Background(), code, &stagedoor.Code{
		Authorization: stagedoor.Authorization{ClientID: client.ID, UserID: userID, SessionID: "s", Audience: audience, Scope: scope, Conformant: true, Issuer: s.HTTPURL + "/"},
		RedirectURI:   client.Callbacks[0], ExpiresAt: time.Now().Add(time.Hour),
	})
	if err != nil {
		t.Error(err)
	}
	return code
}

func (c *caller) exchange(client *stagedoor.Client, params map[string]string, into any) error {
	params["client_id"], params["client_secret"] = client.ID, client.Secret
	body, err := json.Marshal(params)
	if err != nil {
		return err
	}
	return c.token(body, into)
}

// codeExchange measures codes for an access token and an ID token, both signed with RS256.
func codeExchange(t testing.TB, s *stagedoortest.Server) work {
	client, userID := loginClient(t, s, "bench-code")
	ready := make([]string, codes)
	var group sync.WaitGroup
	for worker := range 32 {
		group.Go(func() {
			for i := worker; i < codes; i += 32 {
				ready[i] = newCode(t, s, client, userID, "https://"+s.Domain+"/api/v2/", "openid", "read:current_user")
			}
		})
	}
	group.Wait()
	var n atomic.Int64
	from := callerOf(s)
	return work{8, func() error {
		i := n.Add(1) - 1
		if i >= codes {
			return fmt.Errorf("more than %d exchanges", codes)
		}
		return from.exchange(client, map[string]string{"grant_type": "authorization_code", "code": ready[i]}, nil)
	}}
}

// The rules of the published scenario without the one that calls out.
var storyRulesText = []string{
	`function(user, context, callback){
user.user_metadata = user.user_metadata || {};
user.user_metadata.displayName = user.user_metadata.displayName || "user";
callback(null, user, context);
}`,
	`function(user, context, callback) {
if (user.app_metadata) {
user.roles = user.app_metadata.roles;
}
user.roles = user.roles || [];
callback(null, user, context);
}`,
	`function (user, context, callback) {
  var namespace = 'https://mixtape.example/';
  context.idToken[namespace + 'user_metadata'] = user.user_metadata;
  context.accessToken[namespace + 'app_metadata'] = user.app_metadata;
  callback(null, user, context);
}`,
}

// storyRules returns what the rules add to a login in milliseconds, the hop to the worker included: the median
// of a refresh with them less the median without.
func storyRules(t *testing.T, s *stagedoortest.Server) float64 {
	client, userID := loginClient(t, s, "bench-rules")
	var tokens struct {
		RefreshToken string `json:"refresh_token"`
	}
	code, from := newCode(t, s, client, userID, "", "openid", "offline_access"), callerOf(s)
	if err := from.exchange(client, map[string]string{"grant_type": "authorization_code", "code": code}, &tokens); err != nil {
		t.Fatal(err)
	}
	refresh := func() {
		if err := from.exchange(client, map[string]string{"grant_type": "refresh_token", "refresh_token": tokens.RefreshToken}, nil); err != nil {
			t.Fatal(err)
		}
	}
	without := median(refresh)
	token := s.ManagementToken(t)
	for i, text := range storyRulesText {
		body := map[string]any{"name": fmt.Sprintf("Story %d", i), "script": text, "enabled": true}
		if status := s.JSON(t, "POST", s.HTTPURL+"/api/v2/rules", token, body, nil); status != http.StatusCreated {
			t.Fatalf("creating a rule: status %d", status)
		}
	}
	return (median(refresh) - without).Seconds() * 1000
}

func median(fn func()) time.Duration {
	for range 20 {
		fn()
	}
	times := make([]time.Duration, 200)
	for i := range times {
		start := time.Now()
		fn()
		times[i] = time.Since(start)
		time.Sleep(2 * time.Millisecond) // logins do not come back to back
	}
	slices.Sort(times)
	return times[len(times)/2]
}

// process measures the program by itself: its size, how soon it is ready on an existing database, and its memory at rest.
func process(t *testing.T, w io.Writer) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "stagedoor")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "../cmd/stagedoor")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the server: %v\n%s", err, out)
	}
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	if out, err := exec.Command(binary, "init", "bench", "--data", data, "--domain", "localhost:8443").CombinedOutput(); err != nil {
		t.Fatalf("creating a tenant: %v\n%s", err, out)
	}
	var best time.Duration
	var memory string
	for range 3 {
		took, rss := startOnce(t, binary, data)
		if best == 0 || took < best {
			best, memory = took, rss
		}
	}
	fmt.Fprintf(w, "ready on an existing database\t%.0f ms\t\t\t< 300 ms\n", best.Seconds()*1000)
	fmt.Fprintf(w, "memory at rest (RSS)\t%s\t\t\t< 60 MB\n", memory)
	fmt.Fprintf(w, "size of the program\t%.0f MB\t\t\t≤ 66 MB\n", float64(info.Size())/1e6)
}

func startOnce(t *testing.T, binary, data string) (time.Duration, string) {
	addr := freeAddress(t)
	cmd := exec.Command(binary, "serve", "--data", data, "--http", addr, "--https", freeAddress(t), "--log-level", "error")
	cmd.Stderr = os.Stderr
	start := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	}()
	client := &http.Client{Timeout: time.Second}
	for time.Since(start) < 10*time.Second {
		if resp, err := client.Get("http://" + addr + "/readyz"); err == nil {
			resp.Body.Close()
			took := time.Since(start)
			time.Sleep(2 * time.Second)
			return took, rss(t, cmd.Process.Pid)
		}
		time.Sleep(2 * time.Millisecond)
	}
	t.Fatal("the server did not get ready")
	return 0, ""
}

func rss(t *testing.T, pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return "not known on this system"
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			var kb int
			if _, err := fmt.Sscan(value, &kb); err != nil {
				t.Fatal(err)
			}
			return fmt.Sprintf("%d MB", kb/1000)
		}
	}
	return "not known on this system"
}

func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func listen(t *testing.T, hs *http.Server) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go hs.Serve(l)
	t.Cleanup(func() { hs.Close() })
	return l.Addr().String()
}

// BenchmarkLogin is for a profile of a login with argon2id, BenchmarkArgon2 for what it costs by itself.
func BenchmarkLogin(b *testing.B) {
	profiled(b, func(t testing.TB, s *stagedoortest.Server) work { return work{4, newLogins(t, s)(1)} })
}

// BenchmarkArgon2 is the hash of BenchmarkLogin.
func BenchmarkArgon2(b *testing.B) {
	profiled(b, func(testing.TB, *stagedoortest.Server) work { return rawArgon2() })
}
