package stagedoortest_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/stagedoortest"
)

// A clock that jumps, in both directions: tokens expire or are taken by what it says now, pages list each user once, and events of the log
// keep the order in which they happened.
func TestClockJumps(t *testing.T) {
	var mu sync.Mutex
	offset := time.Duration(0)
	jump := func(to time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		offset = to
	}
	s := stagedoortest.New(t, stagedoortest.Options{Clock: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return time.Now().Add(offset)
	}})
	api := s.HTTPURL + "/api/v2"
	token := s.ManagementToken(t)
	made := 0
	add := func() {
		t.Helper()
		made++
		body := map[string]any{"connection": connection, "email": fmt.Sprintf("u%d@jump.test", made), "password": "Engine-No.1", "verify_email": false}
		if status := s.JSON(t, "POST", api+"/users", token, body, nil); status != http.StatusCreated {
			t.Fatalf("user %d: status %d", made, status)
		}
	}
	var connections []struct{ ID string }
	s.JSON(t, "GET", api+"/connections", token, nil, &connections)
	s.JSON(t, "PATCH", api+"/connections/"+connections[0].ID+"/clients", token, []map[string]any{{"client_id": s.Machine.ID, "status": true}}, nil)
	add()
	jump(48 * time.Hour)
	if status := s.JSON(t, "GET", api+"/users", token, nil, nil); status != http.StatusUnauthorized {
		t.Errorf("two days later the token is answered with %d", status)
	}
	token = s.ManagementToken(t)
	add()
	jump(-24 * 365 * time.Hour)
	if status := s.JSON(t, "GET", api+"/users", token, nil, nil); status != http.StatusOK && status != http.StatusUnauthorized {
		t.Errorf("a year earlier the token is answered with %d", status)
	}
	token = s.ManagementToken(t)
	add()
	jump(0)
	token = s.ManagementToken(t)
	add()
	seen := map[string]int{}
	for page := range made {
		var users []struct{ Email string }
		if status := s.JSON(t, "GET", fmt.Sprintf("%s/users?per_page=1&page=%d&sort=created_at:1", api, page), token, nil, &users); status != http.StatusOK || len(users) != 1 {
			t.Fatalf("page %d: status %d, %v", page, status, users)
		}
		seen[users[0].Email]++
	}
	if len(seen) != made {
		t.Errorf("pages show %v of %d users", seen, made)
	}
	var events []struct {
		ID string `json:"_id"`
	}
	s.JSON(t, "GET", api+"/logs?q=type:sapi&per_page=100&sort=date:1", token, nil, &events)
	ids := []string{}
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	if len(ids) < made || !slices.IsSorted(ids) {
		t.Errorf("%d events: %v", len(ids), ids)
	}
}
