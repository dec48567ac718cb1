package bench

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	_ "modernc.org/sqlite"

	"github.com/stagedoor/stagedoor/stagedoortest"
)

var table = flag.Bool("table", false, "measure and print the table")

func TestMain(m *testing.M) {
	flag.Parse()
	stagedoortest.Main(m)
}

// callers is how many clients call at once in the measurements of writes.
const callers = 16

// TestTable measures everything once and prints it. Without -table it does nothing.
func TestTable(t *testing.T) {
	if !*table {
		t.Skip("only with -table")
	}
	s := stagedoortest.New(t)
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "path\trate or cost\tlimit of the same run\tratio\twanted")
	row := func(name string, rate, limit float64, limitName, wanted string) {
		fmt.Fprintf(w, "%s\t%.0f/s\t%s %.0f/s\t%.2f\t%s\n", name, rate, limitName, limit, rate/limit, wanted)
	}
	sign := rawSignatures(t)
	row("client_credentials, RS256", clientCredentials(t, s), sign, "RSA-2048 signatures", "≥ 0.70")
	row("code for tokens, two RS256", codeExchange(t, s), sign/2, "pairs of RSA-2048 signatures", "≥ 0.70")
	row("PATCH of one key, durable", patches(t, s), bareUpdates(t), "bare UPDATE transactions", "≥ 0.40")
	row("GET of a user", reads(t, s), emptyHandler(t), "empty handler", "")
	fmt.Fprintf(w, "the story's rules in a login\t%.2f ms\t\t\t< 2 ms\n", storyRules(t, s))
	process(t, w)
	w.Flush()
}

// rate calls fn from n goroutines for a while and returns calls per second.
func rate(t *testing.T, n int, fn func() error) float64 {
	t.Helper()
	if err := fn(); err != nil { // warm
		t.Fatal(err)
	}
	var calls atomic.Int64
	var first atomic.Pointer[error]
	start := time.Now()
	end := start.Add(3 * time.Second)
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			for time.Now().Before(end) {
				if err := fn(); err != nil {
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
	return float64(calls.Load()) / time.Since(start).Seconds()
}

func rawSignatures(t *testing.T) float64 {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("a token"))
	return rate(t, 2, func() error {
		_, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
		return err
	})
}

func emptyHandler(t *testing.T) float64 {
	hs := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") }), ReadHeaderTimeout: time.Second}
	addr := listen(t, hs)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}}
	return rate(t, callers, func() error { return post(client, "GET", "http://"+addr, "", nil, nil) })
}

func clientCredentials(t *testing.T, s *stagedoortest.Server) float64 {
	body, _ := json.Marshal(map[string]string{
		"grant_type": "client_credentials", "client_id": s.Machine.ID, "client_secret": s.Machine.Secret, "audience": "https://" + s.Domain + "/api/v2/",
	})
	return rate(t, 4, func() error { return post(s.Client, "POST", s.HTTPURL+"/oauth/token", "", body, nil) })
}

func patches(t *testing.T, s *stagedoortest.Server) float64 {
	token := s.ManagementToken(t)
	ids := make([]string, callers)
	for i := range ids {
		ids[i] = newUser(t, s, token, fmt.Sprintf("patch-%d@example.com", i))
	}
	var n atomic.Int64
	return rate(t, callers, func() error {
		i := n.Add(1)
		body := fmt.Appendf(nil, `{"user_metadata":{"displayName":"name %d"}}`, i)
		return post(s.Client, "PATCH", s.HTTPURL+"/api/v2/users/auth0%7C"+ids[int(i)%callers], token, body, nil)
	})
}

func reads(t *testing.T, s *stagedoortest.Server) float64 {
	token := s.ManagementToken(t)
	id := newUser(t, s, token, "read@example.com")
	return rate(t, callers, func() error {
		return post(s.Client, "GET", s.HTTPURL+"/api/v2/users/auth0%7C"+id, token, nil, nil)
	})
}

// bareUpdates is what people would write: one UPDATE of a 2 KB document in a transaction of its own, durable.
func bareUpdates(t *testing.T) float64 {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "bare.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE users (tenant TEXT, id TEXT, doc JSONB, PRIMARY KEY (tenant, id))"); err != nil {
		t.Fatal(err)
	}
	doc := `{"bio":"` + strings.Repeat("x", 2000) + `"}`
	for i := range callers {
		if _, err := db.Exec("INSERT INTO users VALUES ('t', ?, ?)", fmt.Sprint(i), doc); err != nil {
			t.Fatal(err)
		}
	}
	var n atomic.Int64
	return rate(t, callers, func() error {
		i := n.Add(1)
		tx, err := db.Begin()
		if err != nil {
			return err
		}
		if _, err := tx.Exec("UPDATE users SET doc = ? WHERE tenant = 't' AND id = ?", fmt.Sprintf(`{"n":%d,"bio":%q}`, i, doc), fmt.Sprint(i%callers)); err != nil {
			tx.Rollback()
			return err
		}
		return tx.Commit()
	})
}

func newUser(t *testing.T, s *stagedoortest.Server, token, email string) string {
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
