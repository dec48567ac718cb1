package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/stagedoor/stagedoor/stagedoortest"
)

// nothing is an operation that the server knows and does not serve: its answer is fixed and comes from behind everything that a read
// passes too, the log line, the tenant, the token and the limits.
func nothing(t testing.TB, s *stagedoortest.Server) work {
	token := scoped(t, s, "read:users")
	return work{callers, func() error {
		r, err := http.NewRequestWithContext(context.Background(), "GET", s.HTTPURL+"/api/v2/experimentation/experiments", nil)
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
			return fmt.Errorf("GET /experimentation/experiments is served: %s; choose an operation that is not", resp.Status)
		}
		return nil
	}}
}

// lists reads 50 users at a time.
func lists(t testing.TB, s *stagedoortest.Server) work {
	token := s.ManagementToken(t)
	for i := range 60 {
		newUser(t, s, token, fmt.Sprintf("list-%d@example.com", i))
	}
	token = scoped(t, s, "read:users")
	return work{8, func() error {
		return post(s.Client, "GET", s.HTTPURL+"/api/v2/users?per_page=50", token, nil, nil)
	}}
}

// BenchmarkGetUser is for a profile of a read by id.
func BenchmarkGetUser(b *testing.B) {
	profiled(b, func(t testing.TB, s *stagedoortest.Server) work {
		return reads(t, s, fmt.Sprintf("read-%d@example.com", b.N), false)
	})
}

// BenchmarkList is for a profile of a list of 50 users.
func BenchmarkList(b *testing.B) { profiled(b, lists) }

// BenchmarkNothing is for a profile of what stands in front of each operation.
func BenchmarkNothing(b *testing.B) { profiled(b, nothing) }
