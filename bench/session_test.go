package bench

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// oneRule gives the tenant a rule that adds claims to tokens, if it has none.
func oneRule(t testing.TB, s *stagedoortest.Server) {
	t.Helper()
	st := tenant(t, s)
	rules, err := st.Rules(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(rules) > 0 {
		return
	}
	body := map[string]any{"name": "Bench", "script": storyRulesText[2], "enabled": true}
	if status := s.JSON(t, "POST", s.HTTPURL+"/api/v2/rules", s.ManagementToken(t), body, nil); status != http.StatusCreated {
		t.Fatalf("creating a rule: status %d", status)
	}
}

func tenant(t testing.TB, s *stagedoortest.Server) *store.Store {
	t.Helper()
	st, err := s.DB().TenantByID(context.Background(), s.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// codeLogins are people with a session each who sign in to a client: /authorize without a page or consent, one rule, and the code for an
// access token and an ID token, both signed with RS256.
func codeLogins(t testing.TB, s *stagedoortest.Server) work {
	client, _ := loginClient(t, s, "bench-session")
	oneRule(t, s)
	ctx, st := context.Background(), tenant(t, s)
	conn, err := st.ConnectionByName(ctx, directory)
	if err != nil {
		t.Fatal(err)
	}
	api := &stagedoor.ResourceServer{
		Name: "Sessions", Identifier: "https://sessions.example.com/", Scopes: []stagedoor.APIScope{{Value: "read:songs"}}, SigningAlgorithm: "RS256",
		TokenLifetime: 86400, TokenLifetimeForWeb: 7200, SkipConsent: true,
	}
	if err := st.CreateResourceServer(ctx, api); err != nil {
		t.Fatal(err)
	}
	cookies := make(chan string, callers)
	for _, userID := range people(t, s, "bench-session", cap(cookies)) {
		u, err := st.User(ctx, userID)
		if err != nil {
			t.Fatal(err)
		}
		handle, _, err := session.Open(ctx, st, u, conn, []stagedoor.AuthMethod{{Name: "pwd", Timestamp: time.Now().UnixMilli()}}, nil, nil, session.Visit{IP: "127.0.0.1"})
		if err != nil {
			t.Fatal(err)
		}
		cookies <- "auth0=" + handle + "; did=" + stagedoor.NewToken()
	}
	query := url.Values{
		"client_id": {client.ID}, "response_type": {"code"}, "redirect_uri": {client.Callbacks[0]}, "scope": {"openid read:songs"},
		"audience": {api.Identifier}, "state": {"s"}, "nonce": {"n"},
	}.Encode()
	from := callerOf(s)
	return work{cap(cookies), func() error {
		cookie := <-cookies
		defer func() { cookies <- cookie }()
		at, err := from.redirected("/authorize?"+query, cookie)
		if err != nil {
			return err
		}
		code := at.Query().Get("code")
		if code == "" {
			return fmt.Errorf("no code: %s", at)
		}
		return from.exchange(client, map[string]string{"grant_type": "authorization_code", "code": code, "redirect_uri": client.Callbacks[0]}, nil)
	}}
}

// redirected is where a GET leads.
func redirected(client *http.Client, address, cookie string) (*url.URL, error) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return nil, err
	}
	return resp.Location()
}

// loginPage asks for /authorize and the login page to which that leads, in a browser with a cookie.
func loginPage(t testing.TB, s *stagedoortest.Server) func(cookie string) error {
	client, _ := loginClient(t, s, "bench-page-"+stagedoor.NewHexID()[:6])
	enableDirectory(t, s, client.ID)
	query := url.Values{
		"client_id": {client.ID}, "response_type": {"code"}, "redirect_uri": {client.Callbacks[0]}, "scope": {"openid"}, "state": {"s"},
	}.Encode()
	return func(cookie string) error {
		at, err := redirected(s.Client, s.HTTPURL+"/authorize?"+query, cookie)
		if err != nil {
			return err
		}
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.HTTPURL+at.RequestURI(), nil)
		if err != nil {
			return err
		}
		r.Header.Set("Cookie", cookie)
		resp, err := s.Client.Do(r)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err == nil && (resp.StatusCode != http.StatusOK || !strings.Contains(string(text), `type="password"`) && !strings.Contains(string(text), `name="username"`)) {
			err = fmt.Errorf("no login page: %s %.200s", resp.Status, text)
		}
		return err
	}
}

// openPages are 64 clients that each look at the login page, again after a pause. It returns how long both requests took together, and pages per
// second.
func openPages(t *testing.T, s *stagedoortest.Server, pause, lasting time.Duration) (*sample, float64) {
	page := loginPage(t, s)
	var out sample
	began := time.Now()
	end := began.Add(lasting)
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			cookie := "did=" + stagedoor.NewToken()
			time.Sleep(min(pause*time.Duration(i)/64, lasting/2))
			for time.Now().Before(end) {
				start := time.Now()
				err := page(cookie)
				took := time.Since(start)
				out.mu.Lock()
				if out.took = append(out.took, took); err != nil {
					out.bad = append(out.bad, err)
				}
				out.mu.Unlock()
				time.Sleep(min(pause, time.Until(end)))
			}
		})
	}
	group.Wait()
	if len(out.bad) > 0 {
		t.Fatal(out.bad[0])
	}
	return &out, float64(len(out.took)) / time.Since(began).Seconds()
}

// BenchmarkLoginPage is for a profile of /authorize and the login page.
func BenchmarkLoginPage(b *testing.B) {
	profiled(b, func(t testing.TB, s *stagedoortest.Server) work {
		page := loginPage(t, s)
		return work{callers, func() error { return page("did=" + stagedoor.NewToken()) }}
	})
}

// pageTimes adds the rows of the login page to the table: clients that look at a page for a second before the next, and such as never pause, which
// measures how long 64 wait for two cores.
func pageTimes(t *testing.T, w io.Writer) {
	s := stagedoortest.New(t)
	openPages(t, s, 50*time.Millisecond, time.Second) // templates are read, tenants and clients known
	for _, pause := range []time.Duration{time.Second, 0} {
		all, rate := openPages(t, s, pause, 4*time.Second)
		wanted := ""
		if pause > 0 {
			wanted = "p99 < 5 ms"
		}
		fmt.Fprintf(w, "/authorize to the page, 64 clients, %v between pages\tp50 %.1f ms, p99 %.1f ms\t%.0f pages/s\t\t%s\n", pause, all.at(0.5), all.at(0.99), rate, wanted)
	}
}

var liveTokens = flag.Int("tokens", 20_000, "how many refresh tokens, and a tenth as many sessions, are kept for the row that tells what they cost")

// kept adds the row of what live sessions and refresh tokens cost: they are rows of the database, and the process keeps none.
func kept(t *testing.T, w io.Writer, kind string, tokens int) {
	d := openDatabase(t, kind)
	s := stagedoortest.New(t, d.options)
	client, userID := loginClient(t, s, "bench-kept")
	ctx, st := context.Background(), tenant(t, s)
	u, err := st.User(ctx, userID)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := st.ConnectionByName(ctx, u.Connection)
	if err != nil {
		t.Fatal(err)
	}
	debug.FreeOSMemory()
	before, _ := d.size(t)
	heap := resident(t)
	batch := 500
	for at := 0; at < tokens; at, batch = at+batch, 5000 {
		err := s.DB().Together(ctx, func(in *store.DB) error {
			st, err := in.TenantByID(ctx, s.Tenant)
			if err != nil {
				return err
			}
			for i := at; i < min(at+batch, tokens); i++ {
				now := time.Now()
				sid := stagedoor.NewID("sess_")
				if i%10 == 0 {
					_, opened, err := session.Open(ctx, st, u, conn, []stagedoor.AuthMethod{{Name: "pwd", Timestamp: now.UnixMilli()}}, nil, nil, session.Visit{IP: "127.0.0.1", UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"})
					if err != nil {
						return err
					}
					sid = opened.ID
				}
				err := st.CreateRefreshToken(ctx, stagedoor.NewToken(), &stagedoor.RefreshToken{
					ID: stagedoor.NewID("rt_"), FamilyID: stagedoor.NewID("rtf_"), ClientID: fmt.Sprintf("%s-%d", client.ID, i%max(tokens/10, 1)), UserID: userID, SessionID: sid, Audience: "https://api.example.com/",
					Scope: []string{"openid", "offline_access"}, Conformant: true, Rotating: true, AuthTime: now.Unix(), CreatedAt: now, LastUsedAt: now,
					ExpiresAt: now.AddDate(0, 1, 0), IdleExpiry: now.AddDate(0, 0, 14), InitialIP: "127.0.0.1",
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		d.settle(t) // as it does within a minute, long before there are so many
	}
	debug.FreeOSMemory()
	after, _ := d.size(t)
	fmt.Fprintf(w, "%s: %s sessions and %s refresh tokens\t%+.0f MB of memory in use\t%.0f MB of database\t\t< 200 MB\n",
		kind, thousands(tokens/10), thousands(tokens), resident(t)-heap, float64(after-before)/1e6)
}

// resident is the memory of this process, in MB, as the system counts it.
func resident(t *testing.T) float64 {
	var n float64
	if _, err := fmt.Sscan(rss(t, os.Getpid()), &n); err != nil {
		t.Skip("memory is not known on this system")
	}
	return n
}

// TestPaths: what is measured works.
func TestPaths(t *testing.T) {
	s := stagedoortest.New(t)
	for name, path := range map[string]func(testing.TB) work{
		"code login":                func(t testing.TB) work { return codeLogins(t, s) },
		"client_credentials, ES256": shortCredentials,
	} {
		if err := path(t).call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	openPages(t, s, time.Hour, 200*time.Millisecond)
	var row strings.Builder
	if kept(t, &row, storetest.SQLite, 100); !strings.Contains(row.String(), "10 sessions and 100 refresh tokens") {
		t.Error(row.String())
	}
}
