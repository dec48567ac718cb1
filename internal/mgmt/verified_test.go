package mgmt

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/token"
)

// TestRememberedTokens tells whether a token that was good once is still looked at: its time, its tenant, its key.
func TestRememberedTokens(t *testing.T) {
	h := sqlite(t)
	now := start
	h.api.Clock = func() time.Time { return now }
	good := h.machine("acme")
	for range 2 {
		h.call(good, "GET", "/rules", "").is(200, "")
	}
	if len(h.api.verified.tokens) != 1 {
		t.Errorf("%d tokens are remembered", len(h.api.verified.tokens))
	}
	h.callTo("other", good, "GET", "/rules", "").is(401, unauthorizedBody(invalidSignature))
	dot := strings.LastIndexByte(good, '.')
	h.call(good[:dot+1]+strings.Repeat("A", len(good)-dot-1), "GET", "/rules", "").is(401, unauthorizedBody(invalidSignature))

	keys := h.api.Keys
	h.api.Keys = &token.Keys{} // as if the key were another: the cache of keys is empty, the tenant's keys are read anew
	h.call(good, "GET", "/rules", "").is(200, "")
	h.api.Keys = keys

	now = start.Add(time.Hour)
	h.call(good, "GET", "/rules", "").is(401, unauthorizedBody(expiredToken))
	now = start
	const few = 30
	h.api.verified.most = few
	for i := range few + 10 {
		h.call(h.sign("acme", map[string]any{"jti": fmt.Sprint(i)}), "GET", "/rules", "").is(200, "")
	}
	if n := len(h.api.verified.tokens); n > few {
		t.Errorf("%d tokens are remembered", n)
	}
}
