package stagedoortest_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// Two servers of one database are one to their clients.
func TestTwoServers(t *testing.T) {
	a := stagedoortest.New(t, stagedoortest.Options{Database: storetest.Migrated(t, storetest.Postgres)})
	b := stagedoortest.New(t, stagedoortest.Options{Beside: a})
	api := a.HTTPURL + "/api/v2"
	token := a.ManagementToken(t)

	var connections []struct {
		ID string `json:"id"`
	}
	a.JSON(t, "GET", api+"/connections?name=Username-Password-Authentication", token, nil, &connections)
	enable := map[string]any{"enabled_clients": []string{a.Machine.ID}}
	if status := b.JSON(t, "PATCH", api+"/connections/"+connections[0].ID, token, enable, nil); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}

	t.Run("a token of one is good at the other", func(t *testing.T) {
		if status := b.JSON(t, "GET", api+"/clients", token, nil, nil); status != http.StatusOK {
			t.Errorf("status %d", status)
		}
		if status := a.JSON(t, "GET", api+"/clients", b.ManagementToken(t), nil, nil); status != http.StatusOK {
			t.Errorf("back: status %d", status)
		}
	})

	t.Run("what one writes the other reads", func(t *testing.T) {
		for i := range 10 {
			from, to := a, b
			if i%2 == 1 {
				from, to = b, a
			}
			var made, read struct {
				UserID  string `json:"user_id"`
				Message string `json:"message"`
			}
			email := fmt.Sprintf("ada%d@example.com", i)
			body := map[string]any{"connection": "Username-Password-Authentication", "email": email, "password": "Correct-horse-9!"}
			if status := from.JSON(t, "POST", api+"/users", token, body, &made); status != http.StatusCreated {
				t.Fatalf("status %d: %s", status, made.Message)
			}
			if status := to.JSON(t, "GET", api+"/users/"+made.UserID, token, nil, &read); status != http.StatusOK || read != made {
				t.Fatalf("status %d, %v for %v", status, read, made)
			}
		}
	})

	t.Run("one name, two servers at once", func(t *testing.T) {
		var group sync.WaitGroup
		var created, refused atomic.Int64
		for i := range 8 {
			s := []*stagedoortest.Server{a, b}[i%2]
			group.Go(func() {
				body := map[string]any{"connection": "Username-Password-Authentication", "email": "grace@example.com", "password": "Correct-horse-9!"}
				switch status := s.JSON(t, "POST", api+"/users", token, body, nil); status {
				case http.StatusCreated:
					created.Add(1)
				case http.StatusConflict:
					refused.Add(1)
				default:
					t.Errorf("status %d", status)
				}
			})
		}
		group.Wait()
		if created.Load() != 1 || refused.Load() != 7 {
			t.Errorf("%d created, %d refused", created.Load(), refused.Load())
		}
	})

	t.Run("a key that is rotated and revoked at one", func(t *testing.T) {
		var rotated, revoked map[string]any
		if status := a.JSON(t, "POST", api+"/keys/signing/rotate", token, nil, &rotated); status != http.StatusCreated {
			t.Fatalf("status %d: %v", status, rotated)
		}
		if status := b.JSON(t, "GET", api+"/clients", a.ManagementToken(t), nil, nil); status != http.StatusOK {
			t.Errorf("a token under the new key: status %d", status)
		}
		var keys []map[string]any
		a.JSON(t, "GET", api+"/keys/signing", a.ManagementToken(t), nil, &keys)
		for _, k := range keys {
			if k["previous"] == true {
				if status := a.JSON(t, "PUT", fmt.Sprintf("%s/keys/signing/%s/revoke", api, k["kid"]), a.ManagementToken(t), nil, &revoked); status != http.StatusOK {
					t.Fatalf("status %d: %v", status, revoked)
				}
			}
		}
		start := time.Now()
		for b.JSON(t, "GET", api+"/clients", token, nil, nil) != http.StatusUnauthorized {
			if time.Since(start) > store.CacheFor+slack {
				t.Fatal("a revoked key is still good at the other server")
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
}
