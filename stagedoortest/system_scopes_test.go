package stagedoortest_test

import (
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/server"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// TestScopesOfAnUpgrade: tenants from before an upgrade can use what it brought. Their APIs of the system know its scopes, so that grants can name them.
func TestScopesOfAnUpgrade(t *testing.T) {
	s := stagedoortest.New(t)
	st, err := s.DB().TenantByID(t.Context(), s.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	api := func(identifier string) *stagedoor.ResourceServer {
		t.Helper()
		r, err := st.ResourceServerByIdentifier(t.Context(), identifier)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if err := st.CreateResourceServer(t.Context(), token.MyOrganizationAPI(st.Tenant())); err != nil {
		t.Fatal(err)
	}
	late := map[string]string{token.ManagementAudience(st.Tenant()): "read:stats", token.MyOrganizationAudience(st.Tenant()): "delete:my_org:organizations"}
	for identifier, scope := range late {
		before := api(identifier).Scopes
		_, err := st.UpdateResourceServer(t.Context(), api(identifier).ID, func(r *stagedoor.ResourceServer) error {
			r.Scopes = slices.DeleteFunc(slices.Clone(r.Scopes), func(one stagedoor.APIScope) bool { return one.Value == scope })
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		after := api(identifier)
		if !after.Defines(scope) || len(after.Scopes) != len(before) {
			t.Errorf("%s: %d scopes, %d before; %s: %t", identifier, len(after.Scopes), len(before), scope, after.Defines(scope))
		}
	}

	// An API of the tenant's own has what it was given.
	own := &stagedoor.ResourceServer{Name: "Songs", Identifier: "https://songs.example/api/v2/", SigningAlgorithm: "RS256", Scopes: []stagedoor.APIScope{{Value: "sing"}}}
	if err := st.CreateResourceServer(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	if got := api(own.Identifier).Scopes; len(got) != 1 {
		t.Errorf("the tenant's own API has %v", got)
	}

	machine, err := server.AddMachine(t.Context(), s.DB(), s.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	bearer := s.MachineToken(t, s.HTTPURL, machine, "https://"+s.Domain+"/api/v2/")
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.HTTPURL+"/api/v2/stats/active-users", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+bearer)
	a, err := s.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if text, _ := io.ReadAll(a.Body); a.StatusCode != 200 {
		t.Errorf("a new machine client: %s %s", a.Status, text)
	}
}
