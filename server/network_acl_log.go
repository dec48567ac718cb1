package server

import (
	"net/http"
	"sync"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// How many requests that a list meets are in the log each by itself: so many at once, then so many a second. Whoever is kept out asks as often as they like.
const (
	aclNotesAtOnce    = 60
	aclNotesPerSecond = 1
	maxUnsaid         = 10000 // lists that are counted, of those that were deleted too
)

// aclNotes counts the requests that lists meet, so that an event stands for those since the one before.
type aclNotes struct {
	rates  guard.Rates
	mu     sync.Mutex
	unsaid map[string]int // by tenant and list
}

// take counts a request of a list. It returns how many the log is to tell of; 0 if it is to wait.
func (n *aclNotes) take(key string, now time.Time) int {
	tell := n.rates.Take(key, now, aclNotesPerSecond, aclNotesAtOnce).OK
	n.mu.Lock()
	defer n.mu.Unlock()
	requests := n.unsaid[key] + 1
	if tell {
		delete(n.unsaid, key)
		return requests
	}
	if n.unsaid == nil || len(n.unsaid) >= maxUnsaid {
		n.unsaid = map[string]int{}
	}
	n.unsaid[key] = requests
	return 0
}

// logACL tells what a list did with a request, and how many there were since the last event of it.
func (s *Server) logACL(st *store.Store, r *http.Request, acl stagedoor.NetworkACL, what string) {
	requests := s.aclNotes.take(st.Tenant().ID+" "+acl.ID, st.Clock().Now())
	if requests == 0 {
		return
	}
	st.Log(web.LogEvent(r, stagedoor.LogEvent{
		Type: "acls_summary", Description: "A request was " + what + " by a network access list",
		Details: map[string]any{"acl": map[string]any{"id": acl.ID, "description": acl.Description, "action": what, "requests": requests}},
	}))
}
