package token

import (
	"fmt"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Of tenants whom nobody asks for no keys stay in memory.
func TestKeysOfOldAreForgotten(t *testing.T) {
	k := &Keys{tenants: map[string]*keySet{"new": {loaded: time.Now()}}}
	for i := range 64 {
		k.tenants[fmt.Sprint("old ", i)] = &keySet{loaded: time.Now().Add(-store.KeepFor)}
	}
	st := storetest.Tenant(t, storetest.Open(t, storetest.SQLite), "acme")
	if _, err := k.Current(t.Context(), st); err != nil {
		t.Fatal(err)
	}
	if len(k.tenants) != 2 || k.tenants["acme"] == nil || k.tenants["new"] == nil {
		t.Errorf("%d tenants are kept", len(k.tenants))
	}
}
