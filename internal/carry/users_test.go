package carry_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/carry"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

const database = "Username-Password-Authentication"

// an export as the vendor's job writes it: linked identities, other connections, counters, and rows that are wrong.
const export = `{"user_id":"auth0|5f0000000000000000000001","email":"Grace@Move.example","email_verified":true,"name":"Grace","created_at":"2020-01-02T03:04:05.678Z","updated_at":"2021-01-02T03:04:05.678Z","last_login":"2022-01-02T03:04:05.678Z","last_ip":"192.0.2.1","logins_count":7,"blocked":false,"locale":"sv","user_metadata":{"theme":"dark"},"app_metadata":{"plan":"gold"},"identities":[{"user_id":"5f0000000000000000000001","provider":"auth0","connection":"Username-Password-Authentication","isSocial":false},{"user_id":"1234","provider":"google-oauth2","connection":"google-oauth2","isSocial":true,"access_token":"hidden","profileData":{"email":"grace@gmail.example","email_verified":true,"name":"G"}}],"multifactor":["google-authenticator"]}
{"user_id":"auth0|5f0000000000000000000002","email":"joan@move.example","identities":[{"user_id":"5f0000000000000000000002","provider":"auth0","connection":"Username-Password-Authentication","isSocial":false}]}
{"user_id":"google-oauth2|77","email":"kay@gmail.example","identities":[{"user_id":"77","provider":"google-oauth2","connection":"google-oauth2","isSocial":true}]}
{"user_id":"samlp|corp|x","email":"sam@corp.example","identities":[{"user_id":"corp|x","provider":"samlp","connection":"corp","isSocial":false}]}
{"user_id":"auth0|5f0000000000000000000003","email":"no address"}
{"user_id":"auth0|5f0000000000000000000002","email":"joan@move.example"}
{"user_id":"auth0|5f0000000000000000000004","email":"joan@move.example"}
{"user_id":"auth0|5f0000000000000000000005","email":"bad` + "\xff" + `@move.example"}
{"user_id":"auth0|5f0000000000000000000006","email":"nul@move.example","user_metadata":{"a":"\u0000"}}
{"user_id":"google-oauth2|78","identities":[{"user_id":"78","provider":"auth0","connection":"google-oauth2"}]}
{"email":"noid@move.example"}
`

func passwords(t testing.TB) string {
	hash, err := bcrypt.GenerateFromPassword([]byte("correct horse"), 10)
	ok(t, err)
	return fmt.Sprintf(`{"_id":{"$oid":"5f0000000000000000000002"},"email":"joan@move.example","email_verified":true,"passwordHash":"%s","tenant":"shop","connection":"%s","_tmp_is_unique":true,"password_set_date":{"$date":"2020-01-01T00:00:00Z"}}
{"_id":{"$oid":"5f0000000000000000000009"},"email":"only@move.example","email_verified":true,"passwordHash":"%s","connection":"%s"}
{"_id":{"$oid":"5f0000000000000000000010"},"email":"weak@move.example","passwordHash":"$2b$31$abcdefghijklmnopqrstuuWlW4VqIVf4TzLzYpPpXtAk4ZHF4rxDm","connection":"%s"}
`, hash, database, hash, database, database)
}

func zipped(t testing.TB, name, text string) {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(text))
	ok(t, err)
	ok(t, w.Close())
	ok(t, os.WriteFile(name, b.Bytes(), 0o600))
}

func googled(t testing.TB, st *store.Store) {
	t.Helper()
	ok(t, st.CreateConnection(t.Context(), &stagedoor.Connection{Name: "google-oauth2", Strategy: "google-oauth2", EnabledClients: []string{}}))
}

func TestUsers(t *testing.T) {
	onEach(t, func(t *testing.T, s *stagedoortest.Server) {
		ctx, c := t.Context(), s.Carrier(s.Tenant)
		st, err := s.DB().TenantByID(ctx, s.Tenant)
		ok(t, err)
		googled(t, st)
		dir := t.TempDir()
		all, hashes := filepath.Join(dir, "users.json.gz"), filepath.Join(dir, "hashes.ndjson")
		zipped(t, all, export)
		write(t, hashes, passwords(t))
		files := []string{hashes, all} // the order does not matter
		plan, err := c.PlanUsers(ctx, files, carry.UserOptions{})
		ok(t, err)
		if n, err := st.CountUsers(ctx, ""); err != nil || n != 0 {
			t.Fatalf("the plan has written %d users, %v", n, err)
		}
		if plan.Rows != 14 || plan.Passwords != 2 {
			t.Errorf("the plan is %+v", plan)
		}
		var reports []string
		made, err := c.ApplyUsers(ctx, files, carry.UserOptions{Report: func(r carry.RowReport) error {
			reports = append(reports, fmt.Sprintf("%s %d %s %v %v", filepath.Base(r.File), r.Row, r.UserID, r.Taken, r.Lost))
			return nil
		}})
		ok(t, err)
		want := []string{
			"users.json.gz 1 auth0|5f0000000000000000000001 true [{multifactor the file does not hold the secrets of the second factor (google-authenticator): it is to be enrolled again}]",
			"users.json.gz 4 samlp|corp|x false [{identities[0] There is no connection \"corp\" here.}]",
			"users.json.gz 5 auth0|5f0000000000000000000003 false [{email It is not an e-mail address.}]",
			"users.json.gz 8  false [{ Invalid request payload JSON format}]",
			"users.json.gz 10 google-oauth2|78 false [{identities[0] The connection \"google-oauth2\" is one of the strategy google-oauth2 here, not auth0.}]",
			"users.json.gz 6 auth0|5f0000000000000000000002 false [{ The same user is in the file more than once.}]",
			"users.json.gz 7 auth0|5f0000000000000000000004 false [{ Another user has the e-mail address, the telephone number or an identity of this one.}]",
		}
		told := strings.Join(reports, "\n")
		for _, line := range want {
			if !strings.Contains(told, line) {
				t.Errorf("%s\nis not in\n%s", line, told)
			}
		}
		if !strings.Contains(told, "hashes.ndjson 3") || strings.Contains(told, "$2b$31") {
			t.Errorf("the report on passwords:\n%s", told)
		}
		if made.Created != 5 || made.Changed != 1 {
			t.Errorf("carried: %+v", made)
		}
		u, err := st.UserByIdentity(ctx, "google-oauth2|1234")
		ok(t, err)
		if u.ID != "auth0|5f0000000000000000000001" || u.Email != "grace@move.example" || u.LoginsCount != 7 || u.LastIP != "192.0.2.1" || string(u.Attributes["locale"]) != `"sv"` ||
			stagedoor.FormatTime(u.CreatedAt) != "2020-01-02T03:04:05.678Z" || string(u.AppMetadata["plan"]) != `"gold"` || strings.Contains(fmt.Sprint(u), "hidden") {
			t.Errorf("the user is %+v", u)
		}
		if status, answer := signIn(t, s, "joan@move.example", "correct horse"); status != 200 {
			t.Errorf("the carried password does not work: %d %v", status, answer)
		}
		again, err := c.ApplyUsers(ctx, files, carry.UserOptions{})
		ok(t, err)
		if again.Created+again.Changed != 0 {
			t.Errorf("a second run did something: %+v", again)
		}
		updated(t, c, st, filepath.Join(dir, "more.json"))
	})
}

// updated carries a user again who has changed in the file: only where that is wanted.
func updated(t *testing.T, c *carry.Carrier, st *store.Store, name string) {
	write(t, name, `[{"user_id":"auth0|5f0000000000000000000002","email":"joan@move.example","name":"Joan C.","user_metadata":{"x":1}}]`)
	for _, one := range []struct {
		update  bool
		changed int
		name    string
	}{{false, 0, "joan@move.example"}, {true, 1, "Joan C."}, {true, 0, "Joan C."}} {
		made, err := c.ApplyUsers(t.Context(), []string{name}, carry.UserOptions{Update: one.update})
		ok(t, err)
		u, err := st.User(t.Context(), "auth0|5f0000000000000000000002")
		ok(t, err)
		if made.Changed != one.changed || u.Name != one.name {
			t.Errorf("update %v: %+v, name %q", one.update, made, u.Name)
		}
	}
}

// A file that is cut off is told where, and what came before it stays.
func TestBrokenFiles(t *testing.T) {
	s := stagedoortest.New(t)
	c := s.Carrier(s.Tenant)
	dir := t.TempDir()
	for name, text := range map[string]string{"cut.json": `{"email":"a@b.example"}` + "\n" + `{"email":`, "binary.json": "\x00\x01\x02", "big.json": `{"email":"` + strings.Repeat("a", 5<<20) + `"}`} {
		file := filepath.Join(dir, name)
		write(t, file, text)
		if _, err := c.PlanUsers(t.Context(), []string{file}, carry.UserOptions{}); !stagedoor.IsKind(err, stagedoor.Invalid) || !strings.Contains(err.Error(), "row") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Reading twenty thousand users takes no more memory than reading a few.
func TestManyUsersInFlatMemory(t *testing.T) {
	s := stagedoortest.New(t)
	name := filepath.Join(t.TempDir(), "many.json")
	f, err := os.Create(name)
	ok(t, err)
	for i := range 20000 {
		fmt.Fprintf(f, `{"user_id":"auth0|%024x","email":"u%d@many.example","user_metadata":{"text":"%s"}}`+"\n", i, i, strings.Repeat("x", 1000))
	}
	ok(t, f.Close())
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	most := uint64(0)
	plan, err := s.Carrier(s.Tenant).PlanUsers(context.WithoutCancel(t.Context()), []string{name}, carry.UserOptions{Progress: func(n int) {
		if n%5000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc)
		}
	}})
	ok(t, err)
	if plan.Created != 20000 {
		t.Errorf("%+v", plan)
	}
	if grown := int64(most) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("the heap grew by %d MB", grown>>20)
	}
}
