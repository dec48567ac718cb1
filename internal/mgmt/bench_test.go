package mgmt

import (
	"context"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// BenchmarkPatchOneKey is PATCH /users/{id} of one metadata key by 16 callers on the embedded database, durable, token verified
// and log event written.
func BenchmarkPatchOneKey(b *testing.B) {
	t := &testing.T{}
	h := newHouse(t, storetest.Open(b, storetest.SQLite))
	bearer := h.sign("acme", map[string]any{"exp": 1 << 33})
	h.api.Clock = nil
	h.api = New(h.api.Deps)
	st := h.store("acme")
	for i := range 16 {
		id := "auth0|" + strconv.Itoa(i)
		h.ok(st.CreateUser(context.Background(), &stagedoor.User{ID: id, Connection: "Users", Email: strconv.Itoa(i) + "@x.test", UserMetadata: stagedoor.Metadata{
			"displayName": []byte(`"user"`), "theme": []byte(`"dark"`), "language": []byte(`"fi"`),
		}}, ""))
	}
	var callers atomic.Int64
	b.SetParallelism(8) // of two cores: 16 callers
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		id := strconv.FormatInt(callers.Add(1)%16, 10)
		for pb.Next() {
			r := httptest.NewRequest("PATCH", "https://acme.test/api/v2/users/auth0%7C"+id, strings.NewReader(`{"user_metadata":{"displayName":"J-vald3z"}}`))
			r.Header.Set("Authorization", "Bearer "+bearer)
			w := httptest.NewRecorder()
			h.api.ServeHTTP(w, r, st)
			if w.Code != 200 {
				b.Errorf("%d %s", w.Code, w.Body)
				return
			}
		}
	})
}

// BenchmarkPatchMetadata is the same write without the door.
func BenchmarkPatchMetadata(b *testing.B) {
	h := newHouse(&testing.T{}, storetest.Open(b, storetest.SQLite))
	st := h.store("acme")
	for i := range 16 {
		h.ok(st.CreateUser(context.Background(), &stagedoor.User{ID: "auth0|" + strconv.Itoa(i), Connection: "Users", Email: strconv.Itoa(i) + "@x.test"}, ""))
	}
	var callers atomic.Int64
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		id := "auth0|" + strconv.FormatInt(callers.Add(1)%16, 10)
		for pb.Next() {
			if _, err := st.PatchMetadata(context.Background(), id, stagedoor.Metadata{"displayName": []byte(`"J"`)}, nil, 1<<20); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
