package stagedoortest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// The code that is sent to a number which an administrator has changed logs in, once, and proves the number.
func TestNewNumberIsProved(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			s := stagedoortest.New(t, stagedoortest.Options{Database: storetest.Migrated(t, kind)})
			token, api := s.ManagementToken(t), s.HTTPURL+"/api/v2"
			call := func(method, path string, body any, want int) map[string]any {
				t.Helper()
				out := map[string]any{}
				if status := s.JSON(t, method, api+path, token, body, &out); status != want {
					t.Fatalf("%s %s: %d %v", method, path, status, out)
				}
				return out
			}
			call("PATCH", "/tenants/settings", map[string]any{"stagedoor": map[string]any{"development_inbox": true}}, 200)
			client := call("POST", "/clients", map[string]any{"name": "Phone", "grant_types": []string{"http://auth0.com/oauth/grant-type/passwordless/otp"}, "app_type": "regular_web", "token_endpoint_auth_method": "client_secret_post"}, 201)
			call("POST", "/connections", map[string]any{"name": "sms", "strategy": "sms", "enabled_clients": []any{client["client_id"]}, "options": map[string]any{"template": "{{ code }} is the code", "syntax": "liquid"}}, 201)
			id, _ := call("POST", "/users", map[string]any{"connection": "sms", "phone_number": "+15550100"}, 201)["user_id"].(string)
			if u := call("PATCH", "/users/"+url.PathEscape(id), map[string]any{"phone_number": "+15550101", "verify_phone_number": true}, 200); u["phone_verified"] == true {
				t.Errorf("%v", u)
			}
			st, err := s.DB().TenantByID(t.Context(), s.Tenant)
			if err != nil {
				t.Fatal(err)
			}
			mails, err := st.Mails(t.Context())
			if err != nil || len(mails) != 1 || mails[0].To != "+15550101" {
				t.Fatal(mails, err)
			}
			code, _, _ := strings.Cut(mails[0].Text, " ")
			redeem := func() int {
				return s.JSON(t, "POST", s.HTTPURL+"/oauth/token", "", map[string]any{
					"grant_type": "http://auth0.com/oauth/grant-type/passwordless/otp", "client_id": client["client_id"], "client_secret": client["client_secret"],
					"username": "+15550101", "otp": code, "realm": "sms", "scope": "openid",
				}, nil)
			}
			if status := redeem(); status != http.StatusOK {
				t.Fatalf("status %d", status)
			}
			if u := call("GET", "/users/"+url.PathEscape(id), nil, 200); u["phone_verified"] != true {
				t.Errorf("%v", u)
			}
			if status := redeem(); status != http.StatusForbidden {
				t.Errorf("again: status %d", status)
			}
		})
	}
}
