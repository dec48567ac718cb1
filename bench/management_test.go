package bench

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/stagedoor/stagedoor/stagedoortest"
)

// nothing is an operation that the server knows and does not serve: its answer is fixed and comes from behind everything that a read
// passes too, the log line, the tenant, the token and the limits.
func nothing(t *testing.T, s *stagedoortest.Server) work {
	token := scoped(t, s, "read:users")
	return work{callers, func() error {
		r, err := http.NewRequestWithContext(t.Context(), "GET", s.HTTPURL+"/api/v2/events", nil)
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := s.Client.Do(r)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return err
		}
		if resp.StatusCode != http.StatusNotImplemented {
			return fmt.Errorf("GET /events is served: %s; choose an operation that is not", resp.Status)
		}
		return nil
	}}
}

// lists reads 50 users at a time.
func lists(t *testing.T, s *stagedoortest.Server) work {
	token := s.ManagementToken(t)
	for i := range 60 {
		newUser(t, s, token, fmt.Sprintf("list-%d@example.com", i))
	}
	token = scoped(t, s, "read:users")
	return work{8, func() error {
		return post(s.Client, "GET", s.HTTPURL+"/api/v2/users?per_page=50", token, nil, nil)
	}}
}

func BenchmarkGetUser(b *testing.B) {
	s := stagedoortest.New(b)
	clientCredentials(b, s) // a client, without which the connection is disabled
	w := reads(b, s, fmt.Sprintf("read-%d@example.com", b.N), false)
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := w.call(); err != nil {
				b.Error(err)
			}
		}
	})
}
