package store_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// victimVariable names the database for the process that is killed.
const victimVariable = "STAGEDOOR_TEST_VICTIM"

// What is acknowledged survives kill -9: a child process patches metadata with 8 callers and prints
// each key once its patch has returned, and each login that it began; it is killed in the middle, and every printed key is there.
func TestAcknowledgedPatchesSurviveAKill(t *testing.T) {
	if url := os.Getenv(victimVariable); url != "" {
		patchForever(t, url)
		return
	}
	eachURL(t, func(t *testing.T, url string) {
		db := storetest.OpenURL(t, url)
		ok(t, db.Migrate(t.Context()))
		newUser(t, storetest.Tenant(t, db, "acme"), "auth0|ada")
		ok(t, db.Close())
		acknowledged := map[string]bool{}
		for range 3 {
			for _, key := range runVictim(t, url, 100) {
				acknowledged[key] = true
			}
		}
		s := must(storetest.OpenURL(t, url).TenantByID(t.Context(), "acme"))(t)
		kept := must(s.User(t.Context(), "auth0|ada"))(t).UserMetadata
		for key := range acknowledged {
			if strings.HasPrefix(key, "begun") {
				if _, err := s.Transaction(t.Context(), key); err != nil {
					t.Errorf("%s was acknowledged: %v", key, err)
				}
			} else if _, there := kept[key]; !there {
				t.Errorf("%s was acknowledged and is lost", key)
			}
		}
		t.Logf("%d acknowledged, %d kept", len(acknowledged), len(kept))
	})
}

// runVictim kills the child once it has acknowledged so many patches, and returns all that it did.
func runVictim(t *testing.T, url string, enough int) (keys []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()[:strings.Index(t.Name(), "/")]+"$")
	cmd.Env = append(os.Environ(), victimVariable+"="+url)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	ok(t, err)
	ok(t, cmd.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if key, found := strings.CutPrefix(lines.Text(), "acknowledged "); found {
			keys = append(keys, key)
		}
		if len(keys) == enough {
			ok(t, cmd.Process.Kill())
		}
	}
	if err := cmd.Wait(); err == nil || len(keys) < enough {
		t.Fatalf("the child ended by itself after %d patches", len(keys))
	}
	return keys
}

func patchForever(t *testing.T, url string) {
	s := must(storetest.OpenURL(t, url).TenantByID(t.Context(), "acme"))(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 5000 {
				key := fmt.Sprintf("p%d_%d_%d", os.Getpid(), i, n)
				_, err := s.PatchMetadata(t.Context(), "auth0|ada", stagedoor.Metadata{key: json.RawMessage("1")}, nil, mebibyte)
				if err != nil {
					t.Error(err)
					return
				}
				fmt.Fprintln(os.Stdout, "acknowledged "+key)
				begun := "begun" + key
				if err := s.BeginTransaction(t.Context(), &stagedoor.Transaction{ID: begun, ExpiresAt: time.Now().Add(time.Hour)}); err != nil {
					t.Error(err)
					return
				}
				fmt.Fprintln(os.Stdout, "acknowledged "+begun)
			}
		})
	}
	wg.Wait()
}

// Only writes that a loss of power may take back do not wait for the disk, and only where nobody who waits shares their commit.
func TestWhatWaitsForTheDisk(t *testing.T) {
	const normal, full = 1, 2
	db := storetest.Open(t, storetest.SQLite)
	ok(t, db.Migrate(t.Context()))
	for _, soon := range []bool{false, true, true, false, true} {
		want := full
		if soon {
			want = normal
		}
		if got := must(db.Synchronous(t.Context(), soon, nil))(t); got != want {
			t.Errorf("soon %v: synchronous is %d", soon, got)
		}
	}
	hold, busy := make(chan struct{}), make(chan struct{})
	go db.Synchronous(t.Context(), true, func() { close(busy); <-hold }) //nolint:errcheck // it only keeps the writer
	<-busy
	levels := make(chan int, 2)
	for _, soon := range []bool{true, false} {
		go func() { levels <- must(db.Synchronous(t.Context(), soon, nil))(t) }()
	}
	db.WaitForWrites(2)
	close(hold)
	if a, b := <-levels, <-levels; a != full || b != full {
		t.Errorf("of a commit that both share: %d, %d", a, b)
	}
}
