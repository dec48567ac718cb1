package carry_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/carry"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

const loginClient = "LoginClient0123456789abcdefghijk"

// signIn signs somebody in with the password grant.
func signIn(t testing.TB, s *stagedoortest.Server, name, password string) (int, map[string]any) {
	t.Helper()
	ctx := t.Context()
	st, err := s.DB().TenantByID(ctx, s.Tenant)
	ok(t, err)
	if _, err := st.Client(ctx, loginClient); err != nil {
		ok(t, st.CreateClient(ctx, &stagedoor.Client{
			ID: loginClient, Name: "Login", Secret: strings.Repeat("s", 40), GrantTypes: []string{"http://auth0.com/oauth/grant-type/password-realm"}, OIDCConformant: true, IsFirstParty: true,
			AppType: "regular_web", TokenEndpointAuthMethod: "client_secret_post", JWTConfiguration: stagedoor.JWTConfiguration{Algorithm: "RS256", LifetimeInSeconds: 3600},
		}))
		conn, err := st.ConnectionByName(ctx, database)
		ok(t, err)
		_, err = st.UpdateConnection(ctx, conn.ID, func(c *stagedoor.Connection) error {
			c.EnabledClients = append(c.EnabledClients, loginClient)
			return nil
		})
		ok(t, err)
	}
	var out map[string]any
	status := s.JSON(t, "POST", s.HTTPSURL+"/oauth/token", "", map[string]string{
		"grant_type": "http://auth0.com/oauth/grant-type/password-realm", "realm": database, "username": name, "password": password,
		"client_id": loginClient, "client_secret": strings.Repeat("s", 40), "scope": "openid",
	}, &out)
	return status, out
}

// People whose hashes the old server does not give away sign in with their old passwords; after that nobody asks the old server any more.
func TestPasswordsAreCaptured(t *testing.T) {
	old := stagedoortest.New(t)
	token := old.ManagementToken(t)
	signIn(t, old, "nobody@move.example", "x") // makes the client, for which the database is enabled then
	var user map[string]any
	if status := old.JSON(t, "POST", old.HTTPSURL+"/api/v2/users", token, map[string]any{"connection": database, "email": "ida@move.example", "password": "Correct-horse-1", "email_verified": true}, &user); status != 201 {
		t.Fatalf("%d %v", status, user)
	}
	row, err := json.Marshal(user)
	ok(t, err)

	asked, answer := 0, http.HandlerFunc(nil)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if answer != nil {
			answer(w, r)
			return
		}
		r.Host = strings.TrimPrefix(old.HTTPURL, "http://")
		old.Handler().ServeHTTP(w, r)
	}))
	defer front.Close()
	fresh := stagedoortest.New(t, stagedoortest.Options{Allow: []string{strings.TrimPrefix(front.URL, "http://")}})
	ctx, c := t.Context(), fresh.Carrier(fresh.Tenant)
	file := filepath.Join(t.TempDir(), "users.json")
	write(t, file, string(row))
	ok(t, c.SetCapture(ctx, stagedoor.Capture{URL: front.URL, ClientID: loginClient, ClientSecret: strings.Repeat("s", 40)}))
	made, err := c.ApplyUsers(ctx, []string{file}, carry.UserOptions{Capture: true})
	ok(t, err)
	if made.Captured != 1 {
		t.Fatalf("%+v", made)
	}
	st, err := fresh.DB().TenantByID(ctx, fresh.Tenant)
	ok(t, err)
	expect := func(what, name, password string, want, wantAsked, left int) {
		t.Helper()
		status, out := signIn(t, fresh, name, password)
		n, err := st.CountCaptures(ctx)
		ok(t, err)
		if status != want || asked != wantAsked || n != left || strings.Contains(fmt.Sprint(out), password) {
			t.Errorf("%s: %d %v, asked %d times, %d left", what, status, out, asked, n)
		}
	}
	expect("somebody unknown", "else@move.example", "Correct-horse-1", 403, 0, 1)
	expect("a wrong password", "ida@move.example", "wrong", 403, 1, 1)
	for what, one := range map[string]http.HandlerFunc{
		"an outage": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) },
		"another user": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"id_token":"e30.eyJzdWIiOiJhdXRoMHx4In0.x"}`)
		},
		"a limit": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(429)
			fmt.Fprint(w, `{"error":"too_many_attempts"}`)
		},
		"a redirect":     func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", 307) },
		"an endless one": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("[", 1<<20)) },
	} {
		answer = one
		asked = 1
		expect(what, "ida@move.example", "Correct-horse-1", 503, 2, 1)
	}
	answer, asked = nil, 2
	expect("the right password", "ida@move.example", "Correct-horse-1", 200, 3, 0)
	expect("the next time", "ida@move.example", "Correct-horse-1", 200, 3, 0)
	expect("a wrong one then", "ida@move.example", "wrong", 403, 3, 0)
	if raw, err := st.PasswordHash(ctx, user["user_id"].(string)); err != nil || !strings.HasPrefix(raw, "$argon2id$") {
		t.Errorf("the hash is not our own: %v", err)
	}
}

// Passwords go nowhere but to a server over https, or on this machine.
func TestCaptureAddress(t *testing.T) {
	s := stagedoortest.New(t)
	for _, address := range []string{"http://old.example", "https://old.example/path", "https://user@old.example", "ftp://old.example", "https://", "old.example"} {
		if err := s.Carrier(s.Tenant).SetCapture(t.Context(), stagedoor.Capture{URL: address, ClientID: "x"}); !stagedoor.IsKind(err, stagedoor.Invalid) {
			t.Errorf("%s: %v", address, err)
		}
	}
}
