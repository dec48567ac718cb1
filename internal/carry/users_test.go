package carry_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
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
			"hashes.ndjson 2 auth0|5f0000000000000000000009 false [{ There is no such user: a row with a password alone makes none.}]",
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
		if made.Created != 4 || made.Changed != 1 {
			t.Errorf("carried: %+v", made)
		}
		if !reflect.DeepEqual(plan, made) {
			t.Errorf("planned were %+v, carried %+v", plan, made)
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

// A row that cannot be read is told, with its place, and the others are carried; a file whose rows cannot be found ends it, with its name.
// The vendor's extension for exports labels its columns for people.
func TestUsersOfTheExtension(t *testing.T) {
	s := stagedoortest.New(t)
	ctx, c := t.Context(), s.Carrier(s.Tenant)
	st, err := s.DB().TenantByID(ctx, s.Tenant)
	ok(t, err)
	googled(t, st)
	name := filepath.Join(t.TempDir(), "extension.json")
	write(t, name, `[{"Id":"auth0|5f0000000000000000000001","Given Name":"Grace","Family Name":"Hopper","Nickname":"gh","Name":"Grace Hopper","Email":"grace@move.example","Email Verified":true,
		"Picture":"https://pictures.example/g.png","Connection":"Username-Password-Authentication","Created At":"2020-01-02T03:04:05.678Z","Updated At":"2021-01-02T03:04:05.678Z"},
		{"Id":"google-oauth2|77","Name":"Kay","Email":"kay@gmail.example","Connection":"google-oauth2"},
		{"Id":"auth0|5f0000000000000000000002","Email":"joan@move.example","email":"other@move.example"}]`)
	var reports []carry.RowReport
	made, err := c.ApplyUsers(ctx, []string{name}, carry.UserOptions{Report: func(r carry.RowReport) error { reports = append(reports, r); return nil }})
	ok(t, err)
	if made.Created != 3 || len(reports) != 0 {
		t.Fatalf("%+v %+v", made, reports)
	}
	u, err := st.User(ctx, "auth0|5f0000000000000000000001")
	ok(t, err)
	if u.Email != "grace@move.example" || !u.EmailVerified || u.Name != "Grace Hopper" || u.GivenName != "Grace" || u.FamilyName != "Hopper" || u.Nickname != "gh" || u.Picture != "https://pictures.example/g.png" ||
		u.Connection != database || stagedoor.FormatTime(u.CreatedAt) != "2020-01-02T03:04:05.678Z" || len(u.Attributes) != 0 {
		t.Errorf("%+v", u)
	}
	if u, err := st.User(ctx, "google-oauth2|77"); err != nil || u.Connection != "google-oauth2" {
		t.Errorf("%+v %v", u, err)
	}
	if u, err := st.User(ctx, "auth0|5f0000000000000000000002"); err != nil || u.Email != "other@move.example" {
		t.Errorf("%+v %v", u, err)
	}
}

func TestBrokenFiles(t *testing.T) {
	s := stagedoortest.New(t)
	c := s.Carrier(s.Tenant)
	dir := t.TempDir()
	row := func(n int) string { return fmt.Sprintf(`{"user_id":"auth0|%024d","email":"u%d@broken.example"}`, n, n) }
	large := `{"email":"` + strings.Repeat("a", 5<<20) + `"}`
	pretty := func(n int) string { return strings.ReplaceAll(row(n), ",", ",\n ") }
	for name, one := range map[string]struct {
		text    string
		created int
		refused []int // rows
		fails   string
	}{
		"lines":          {text: row(1) + "\n\n" + row(2) + "\r\n", created: 2},
		"last.cut":       {text: row(1) + "\n" + `{"email":`, created: 1, refused: []int{2}},
		"cut.in.a.text":  {text: row(1) + "\n" + `{"email":"a@b` + "\n" + row(2), created: 2, refused: []int{2}},
		"cut":            {text: row(1) + "\n" + `{"email":` + "\n" + row(2) + "\n" + row(3), created: 3, refused: []int{2}},
		"first.cut":      {text: `{"email":` + "\n" + row(2) + "\n" + row(3), created: 2, refused: []int{1}},
		"large":          {text: row(1) + "\n" + large + "\n" + row(2), created: 2, refused: []int{2}},
		"large.alone":    {text: large, refused: []int{1}},
		"no.users":       {text: "[]\n" + row(1) + "\nnull\n42\n[]\n\"x\"\n" + row(2), created: 2, refused: []int{1, 3, 4, 5, 6}},
		"spread":         {text: pretty(1) + "\n" + pretty(2), created: 2},
		"spread.large":   {text: pretty(1) + "\n" + large + "\n" + pretty(2), created: 2, refused: []int{2}},
		"spread.cut":     {text: pretty(1) + "\n" + `{"email":` + "\n" + pretty(2), fails: "row 2"},
		"together":       {text: row(1) + row(2), created: 2},
		"list":           {text: "[" + row(1) + ",\n" + row(2) + "]\n", created: 2},
		"empty.list":     {text: " [] "},
		"list.of.others": {text: "[" + row(1) + ", null, 42, [{}], \"]\", " + row(2) + ", true]", created: 2, refused: []int{2, 3, 4, 5, 7}},
		"list.large":     {text: "[" + row(1) + "," + large + "," + row(2) + "]", created: 2, refused: []int{2}},
		"list.cut":       {text: "[" + row(1) + `,{"email":`, fails: "row 2: the file ends in the middle"},
		"list.no.comma":  {text: "[" + row(1) + row(2) + "]", fails: "row 1: after it, a comma is missing"},
		"list.broken":    {text: "[" + row(1) + `,{"email":}]`, fails: "row 2: it is not JSON"},
		"list.and.more":  {text: "[" + row(1) + "]" + row(2), fails: "row 1: something follows the array"},
		"binary":         {text: "\x00\x01\x02", fails: "row 1: it is not JSON"},
		"prose":          {text: "{these are\nno users\n", fails: "row 2: it is not JSON"},
		"nothing":        {text: "\n", fails: "The file is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, name)
			write(t, file, one.text)
			plan, err := c.PlanUsers(t.Context(), []string{file}, carry.UserOptions{})
			if one.fails != "" {
				if !stagedoor.IsKind(err, stagedoor.Invalid) || !strings.Contains(stagedoor.AsError(err).Message, one.fails) || !strings.Contains(stagedoor.AsError(err).Message, file) {
					t.Errorf("told: %v", err)
				}
				return
			}
			ok(t, err)
			var refused []int
			_, err = c.PlanUsers(t.Context(), []string{file}, carry.UserOptions{Report: func(r carry.RowReport) error {
				refused = append(refused, r.Row)
				return nil
			}})
			ok(t, err)
			if plan.Created != one.created || !slices.Equal(refused, one.refused) {
				t.Errorf("%d created, refused %v: %+v", plan.Created, refused, plan)
			}
		})
	}
}

// A value that is not what it should be is read if it is clear what is meant, and told otherwise; who may be blocked is not let in.
func TestValuesOfUsers(t *testing.T) {
	s := stagedoortest.New(t)
	c := s.Carrier(s.Tenant)
	st, err := s.DB().TenantByID(t.Context(), s.Tenant)
	ok(t, err)
	file := filepath.Join(t.TempDir(), "users.json")
	write(t, file, `{"user_id":"auth0|1","email":"v1@values.example","blocked":"yes"}
{"user_id":"auth0|2","email":"v2@values.example","blocked":"true","email_verified":1,"created_at":"2020-01-01 10:00:00","updated_at":{"$date":{"$numberLong":"1600000000000"}},"last_login":{"$date":"2021-01-01T00:00:00Z"},"logins_count":"7"}
{"user_id":"auth0|3","email":"v3@values.example","blocked":false,"given_name":5,"email_verified":"maybe","created_at":"yesterday","logins_count":-1,"last_ip":["192.0.2.1"],"old_password_hint":"x"}
{"user_id":"auth0|4","email":4,"username":"four"}
`)
	reports := map[string]string{}
	_, err = c.ApplyUsers(t.Context(), []string{file}, carry.UserOptions{Report: func(r carry.RowReport) error {
		var paths []string
		for _, l := range r.Lost {
			paths = append(paths, l.Path)
		}
		slices.Sort(paths)
		reports[fmt.Sprint(r.Row)] = fmt.Sprint(r.Taken, paths)
		return nil
	}})
	ok(t, err)
	want := map[string]string{"1": "false [blocked]", "3": "true [created_at email_verified given_name last_ip logins_count old_password_hint]", "4": "false [email]"}
	if !reflect.DeepEqual(reports, want) {
		t.Errorf("told: %v", reports)
	}
	u, err := st.User(t.Context(), "auth0|2")
	ok(t, err)
	if !u.IsBlocked() || !u.EmailVerified || u.LoginsCount != 7 || stagedoor.FormatTime(u.CreatedAt) != "2020-01-01T10:00:00.000Z" ||
		stagedoor.FormatTime(u.UpdatedAt) != "2020-09-13T12:26:40.000Z" || stagedoor.FormatTime(u.LastLogin) != "2021-01-01T00:00:00.000Z" {
		t.Errorf("the user is %+v", u)
	}
	if u, err := st.User(t.Context(), "auth0|3"); err != nil || u.Blocked == nil || u.IsBlocked() {
		t.Errorf("the third is %+v, %v", u, err)
	}
}

// The plan of users is what the run does, whichever rows meet, also in different batches.
func TestUsersAsPlanned(t *testing.T) {
	onEach(t, func(t *testing.T, s *stagedoortest.Server) {
		ctx, c := t.Context(), s.Carrier(s.Tenant)
		st, err := s.DB().TenantByID(ctx, s.Tenant)
		ok(t, err)
		googled(t, st)
		dir := t.TempDir()
		users, more, hashes := filepath.Join(dir, "users.json"), filepath.Join(dir, "more.json"), filepath.Join(dir, "hashes.json")
		write(t, users, `{"user_id":"auth0|7","email":"u7@planned.example"}
{"user_id":"auth0|8","email":"U7@PLANNED.example"}
{"user_id":"auth0|5f0000000000000000000002","email":"joan@move.example","identities":[{"user_id":"5f0000000000000000000002","provider":"auth0","connection":"`+database+`"},{"user_id":"9","provider":"google-oauth2","connection":"google-oauth2","isSocial":true}]}
`)
		write(t, more, `{"user_id":"auth0|7","email":"u7@planned.example","name":"Other"}
{"user_id":"auth0|10","email":"U7@planned.example"}
{"email":"u7@planned.example"}
{"user_id":"google-oauth2|9","email":"other@planned.example","connection":"google-oauth2"}
{"user_id":"auth0|11","email":"u11@planned.example"}
`)
		write(t, hashes, passwords(t)+passwords(t))
		for range 2 {
			for _, update := range []bool{false, true} {
				plan, err := c.PlanUsers(ctx, []string{users, more, hashes}, carry.UserOptions{Update: update})
				ok(t, err)
				if update { // which comes second, so that all are there
					continue
				}
				made, err := c.ApplyUsers(ctx, []string{users, more, hashes}, carry.UserOptions{})
				ok(t, err)
				if !reflect.DeepEqual(plan, made) {
					t.Errorf("planned were\n%+v, carried\n%+v", plan, made)
				}
			}
		}
		if n, err := st.CountUsers(ctx, ""); err != nil || n != 3 {
			t.Errorf("%d users, %v", n, err)
		}
	})
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

// A hash that only code of the tenant's own understands is carried into a database that has such code, and refused elsewhere.
func TestUsersWithCustomHashes(t *testing.T) {
	s := stagedoortest.New(t)
	api, token := s.HTTPURL+"/api/v2", s.ManagementToken(t)
	var action struct{ ID string }
	s.JSON(t, "POST", api+"/actions/actions", token, map[string]any{
		"name": "Old hashes", "supported_triggers": []any{map[string]string{"id": "password-hash-migration", "version": "v1"}}, "code": "exports.onExecutePasswordHashMigration = async () => {};",
	}, &action)
	if status := s.JSON(t, "POST", api+"/connections", token, map[string]any{
		"name": "Old", "strategy": "auth0", "options": map[string]any{"custom_password_hash": map[string]string{"action_id": action.ID}},
	}, nil); status != 201 {
		t.Fatalf("creating the database: %d", status)
	}
	file := filepath.Join(t.TempDir(), "users.ndjson")
	const hash = `"custom_password_hash":{"algorithm":"custom","hash":{"value":"x-1","encoding":"utf8"}}`
	write(t, file, `{"email":"ada@move.example","connection":"Old",`+hash+`}`+"\n"+`{"email":"eve@move.example","connection":"`+database+`",`+hash+`}`)
	plan, err := s.Carrier(s.Tenant).PlanUsers(t.Context(), []string{file}, carry.UserOptions{})
	ok(t, err)
	if plan.Rows != 2 || plan.Created != 1 || plan.Refused != 1 {
		t.Errorf("the plan is %+v", plan)
	}
}
