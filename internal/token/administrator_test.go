package token

import (
	"testing"

	"github.com/stagedoor/stagedoor/internal/jose"
)

// TestAdministratorNames: only a token that was made for an administrator names one, whatever claims others have.
func TestAdministratorNames(t *testing.T) {
	claims := func(sub, gty string, names any) *jose.Claims {
		return &jose.Claims{Subject: sub, Raw: map[string]any{"sub": sub, "gty": gty, "administrator": names}}
	}
	if got := AdministratorNames(claims("administrator|1", "administrator", []any{"ada@example.com", 1, "group:ops"})); len(got) != 2 || got[0] != "ada@example.com" || got[1] != "group:ops" {
		t.Errorf("an administrator: %q", got)
	}
	for what, c := range map[string]*jose.Claims{
		"a user":    claims("auth0|administrator|1", "administrator", []any{"ada@example.com"}),
		"a machine": claims("administrator@clients", "administrator", []any{"ada@example.com"}),
		"a grant":   claims("administrator|1", "client-credentials", []any{"ada@example.com"}),
		"no list":   claims("administrator|1", "administrator", "ada@example.com"),
		"nothing":   {},
	} {
		if got := AdministratorNames(c); len(got) != 0 {
			t.Errorf("%s: %q", what, got)
		}
	}
}
