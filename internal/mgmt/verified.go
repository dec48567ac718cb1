package mgmt

import (
	"cmp"
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
)

// maxVerified is how many tokens are remembered: one for each of ten thousand tenants, and more. With all scopes of this API 10 KB each.
const maxVerified = 12_000

// verified remembers tokens whose signature was found right: a machine's token with all scopes has 8 KB, and to take it apart
// and verify it anew costs more than the write that it asks for. Only what cannot change is remembered. Time and key are
// looked at on every call, so that an expired token and one whose key was withdrawn are refused at once. Bad tokens are not
// remembered: nobody can fill the memory without tokens that we signed.
type verified struct {
	mu     sync.Mutex
	tokens map[[sha256.Size]byte]*remembered
	most   int // 0: maxVerified
}

// remembered is what a token says, and whom it stands for if it is no ID token of a client. Nobody changes it.
type remembered struct {
	claims jose.Claims
	caller *caller
}

// parse is Keys.Parse.
func (v *verified) parse(ctx context.Context, keys *token.Keys, st *store.Store, bearer string, now time.Time) (*remembered, error) {
	var room [2048]byte // so that few tokens need any of the heap
	id := sha256.Sum256(append(append(append(room[:0], st.Tenant().ID...), 0), bearer...))
	v.mu.Lock()
	known := v.tokens[id]
	v.mu.Unlock()
	if known != nil && now.Before(known.claims.ExpiresAt) && !now.Before(known.claims.NotBefore) {
		verifies, err := keys.Verifies(ctx, st, known.claims.Header.KeyID)
		if err != nil {
			return nil, err
		}
		if verifies {
			return known, nil
		}
	}
	claims, err := keys.Parse(ctx, st, bearer, now)
	if err != nil {
		return nil, err
	}
	fresh := &remembered{claims, newCaller(claims, nil)}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.tokens == nil {
		v.tokens = map[[sha256.Size]byte]*remembered{}
	}
	if len(v.tokens) >= cmp.Or(v.most, maxVerified) {
		for other := range v.tokens { // any: there is no order in which they were used
			delete(v.tokens, other)
			break
		}
	}
	v.tokens[id] = fresh
	return fresh, nil
}
