package mgmt

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/job"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/password"
	"github.com/stagedoor/stagedoor/internal/store"
)

// runner does the jobs of the house and keeps what it would send.
func (h *house) runner(sent *[]string) *job.Runner {
	return job.New(job.Deps{
		DB: h.db, Log: slog.New(slog.DiscardHandler), Identify: connection.Identify,
		Send: func(_ context.Context, _ *store.Store, m mail.Message) error {
			*sent = append(*sent, m.To+" "+m.Subject+"\n"+m.Text)
			return nil
		},
		SendVerification: func(_ context.Context, _ *store.Store, u *stagedoor.User, clientID, organizationID string) error {
			*sent = append(*sent, strings.TrimSpace(u.ID+" "+clientID+" "+organizationID))
			return nil
		},
	})
}

// work does all jobs there are and returns what was sent.
func (h *house) work() (sent []string) {
	h.Helper()
	r := h.runner(&sent)
	for {
		some, err := r.Once(context.Background())
		h.ok(err)
		if !some {
			return sent
		}
	}
}

// form is a multipart body: pairs of a name and a value; a name that begins with @ is a file.
func form(pairs ...string) (body, contentType string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		var part io.Writer
		if name, is := strings.CutPrefix(pairs[i], "@"); is {
			part, _ = w.CreateFormFile(name, "users.json")
		} else {
			part, _ = w.CreateFormField(pairs[i])
		}
		io.WriteString(part, pairs[i+1])
	}
	w.Close()
	return b.String(), w.FormDataContentType()
}

func (h *house) importForm(pairs ...string) answer {
	h.Helper()
	body, contentType := form(pairs...)
	return h.send("acme", "POST", "/jobs/users-imports?any=thing", body, http.Header{"Authorization": {"Bearer " + h.machine("acme")}, "Content-Type": {contentType}})
}

// imported imports a file and returns the job when it is over, and what was sent.
func (h *house) imported(file string, pairs ...string) (answer, []string) {
	h.Helper()
	id := h.importForm(append([]string{"connection_id", h.connectionID(), "@users", file}, pairs...)...).is(202, "").text("id")
	sent := h.work()
	return h.call(h.machine("acme"), "GET", "/jobs/"+id, ""), sent
}

func TestImport(t *testing.T) {
	each(t, func(h *house) {
		conn := h.connectionID()
		bearer := h.machine("acme")
		made := h.importForm("connection_id", conn, "upsert", "false", "external_id", "first", "send_completion_email", "false", "@users",
			`[{"email":"Ada@x.test","email_verified":true,"user_id":"a1","username":"ada","given_name":"Ada","family_name":"L","name":"Ada L","nickname":"countess",
			"picture":"https://x.test/a.png","blocked":false,"phone_number":"+358401","phone_verified":true,"user_metadata":{"theme":{"dark":true},"gone":null},"app_metadata":{"plan":"gold"}},
			{"email":"bob@x.test"}]`)
		id := made.text("id")
		made.is(202, fmt.Sprintf(`{"id":%q,"type":"users_import","status":"pending","connection_id":%q,"connection":"Users","external_id":"first","created_at":"2026-11-25T12:00:00.000Z"}`, id, conn))
		h.call(bearer, "GET", "/jobs/"+id+"/errors", "").is(204, "")
		if sent := h.work(); sent != nil {
			t.Errorf("sent %q", sent)
		}
		h.call(bearer, "GET", "/jobs/"+id, "").is(200, fmt.Sprintf(`{"id":%q,"type":"users_import","status":"completed","connection_id":%q,"connection":"Users","external_id":"first",
			"created_at":"2026-11-25T12:00:00.000Z","summary":{"failed":0,"updated":0,"inserted":2,"total":2}}`, id, conn))
		h.call(bearer, "GET", "/jobs/"+id+"/errors", "").is(204, "")
		h.call(bearer, "GET", "/users/auth0%7Ca1", "").is(200, `{"user_id":"auth0|a1","email":"ada@x.test","email_verified":true,"username":"ada","given_name":"Ada","family_name":"L","name":"Ada L",
			"nickname":"countess","picture":"https://x.test/a.png","blocked":false,"phone_number":"+358401","phone_verified":true,"user_metadata":{"theme":{"dark":true}},"app_metadata":{"plan":"gold"},
			"identities":[{"connection":"Users","provider":"auth0","user_id":"a1","isSocial":false}],"created_at":"2026-11-25T12:00:00.000Z","updated_at":"2026-11-25T12:00:00.000Z"}`)
		bob := h.call(bearer, "GET", "/users-by-email?email=bob@x.test", "").is(200, "")
		if !strings.Contains(bob.body, `"nickname":"bob"`) || strings.Contains(bob.body, "user_metadata") {
			t.Errorf("bob: %s", bob.body)
		}
		for _, query := range []string{`user_metadata.theme.dark:true`, `app_metadata.plan:"gold"`} { // found by search at once
			if found := h.call(bearer, "GET", "/users?q="+url.QueryEscape(query), ""); found.code == 200 && !strings.Contains(found.body, "auth0|a1") {
				t.Errorf("%s finds %s", query, found.body)
			}
		}

		// Those who are there already.
		again, _ := h.imported(`{"email":"ada@x.test","user_metadata":{"secret":1}}` + "\n" + `{"email":"new@x.test","user_id":"a1"}` + "\n" + `{"email":"new2@x.test","username":"ADA"}` + "\n")
		again.is(200, "")
		if s := canonical(t, fmt.Sprintf("%v", again.get("summary", "failed"))); s != "3" {
			t.Errorf("summary %s", again.body)
		}
		const duplicated = `[{"code":"DUPLICATED_USER","message":"The user already exist and upsert parameter is false"}]`
		h.call(bearer, "GET", "/jobs/"+again.text("id")+"/errors", "").is(200, `[{"user":{"email":"ada@x.test","user_metadata":{"secret":1}},"errors":`+duplicated+`},
			{"user":{"email":"new@x.test","user_id":"a1"},"errors":`+duplicated+`},{"user":{"email":"new2@x.test","username":"ADA"},"errors":`+duplicated+`}]`)

		upserted, _ := h.imported(`[{"email":"ADA@x.test","name":"Countess","user_metadata":{"lang":"fi"}},{"email":"new@x.test","user_id":"a1"},{"email":"new2@x.test","username":"ada"},{"email":"third@x.test"}]`, "upsert", "true")
		upserted.is(200, "")
		if s, _ := upserted.get("summary").(map[string]any); fmt.Sprint(s) != "map[failed:2 inserted:1 total:4 updated:1]" {
			t.Errorf("summary %v", s)
		}
		h.call(bearer, "GET", "/jobs/"+upserted.text("id")+"/errors", "").is(200, `[{"user":{"email":"new@x.test","user_id":"a1"},"errors":[{"code":"CONFLICT","message":"The user_id is in use by a user with another email","path":"user_id"}]},
			{"user":{"email":"new2@x.test","username":"ada"},"errors":[{"code":"CONFLICT_USERNAME","message":"The username is in use by a user with another email","path":"username"}]}]`)
		ada := h.call(bearer, "GET", "/users/auth0%7Ca1?fields=name,user_metadata,app_metadata,email_verified,nickname", "")
		ada.is(200, `{"name":"Countess","nickname":"countess","email_verified":false,"user_metadata":{"lang":"fi"},"app_metadata":{"plan":"gold"}}`)
	})
}

func TestImportRows(t *testing.T) {
	h := sqlite(t)
	rows := []struct{ row, errors string }{
		{`{"email":"no"}`, `[{"code":"FORMAT","message":"Object didn't pass validation for format email: no","path":"email"}]`},
		{`{"email":"a@x.test (c)"}`, `[{"code":"FORMAT","message":"Object didn't pass validation for format email: a@x.test (c)","path":"email"}]`},
		{`{"name":"Nobody"}`, `[{"code":"OBJECT_REQUIRED","message":"Missing required property: email"}]`},
		{`{"email":7}`, `[{"code":"INVALID_TYPE","message":"Expected type string but found type integer","path":"email"}]`},
		{`[]`, `[{"code":"INVALID_TYPE","message":"Expected type object but found type array"}]`},
		{`{"email":"u1@x.test","shoe":1}`, `[{"code":"NOT_PASSED","message":"Additional properties not allowed: shoe"}]`},
		{`{"email":"u1@x.test","email":"u2@x.test"}`, ``},
		{`{"email":"u1@x.test","given_name":"` + strings.Repeat("x", 151) + `"}`, `[{"code":"MAX_LENGTH","message":"String is too long (151 chars), maximum 150","path":"given_name"}]`},
		{`{"email":"u1@x.test","user_id":""}`, `[{"code":"MIN_LENGTH","message":"String is too short (0 chars), minimum 1","path":"user_id"}]`},
		{`{"email":"u1@x.test","phone_number":"12"}`, `[{"code":"PATTERN","message":"String does not match pattern ^\\+[0-9]{1,15}$: 12","path":"phone_number"}]`},
		{`{"email":"u1@x.test","username":"a b"}`, `[{"code":"FORMAT","message":"Object didn't pass validation for format username","path":"username"}]`},
		{`{"email":"u1@x.test","app_metadata":{"a.b":1}}`, `[{"code":"NOT_PASSED","message":"Invalid key \"a.b\": keys must not contain . or $","path":"app_metadata"}]`},
		{`{"email":"u1@x.test","user_metadata":{"big":"` + strings.Repeat("x", 3000) + `"}}`, ``},
		{`{"email":"u1@x.test","password_hash":"$2a$12$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`, `[{"code":"PATTERN","message":"String does not match pattern ^\\$2[ab]\\$10\\$[./A-Za-z0-9]{53}$","path":"password_hash"}]`},
		{`{"email":"u1@x.test","custom_password_hash":{"algorithm":"rot13","hash":{"value":"x","encoding":"hex"}}}`, `[{"code":"ENUM_MISMATCH","message":"No enum match for: rot13","path":"custom_password_hash.algorithm"}]`},
		{`{"email":"u1@x.test","custom_password_hash":{"algorithm":"md5","hash":{"value":"5e","encoding":"hex"}}}`, `[{"code":"FORMAT","message":"Object didn't pass validation for format md5","path":"custom_password_hash.hash.value"}]`},
		{`{"email":"u1@x.test","custom_password_hash":{"algorithm":"scrypt","hash":{"value":"5e","encoding":"hex"}}}`, `[{"code":"OBJECT_REQUIRED","message":"Missing required property: keylen","path":"custom_password_hash"}]`},
		{`{"email":"u1@x.test","custom_password_hash":{"algorithm":"md5","hash":{"value":"5ebe2294ecd0e0f08eab7690d2a6ee69"}}}`, `[{"code":"OBJECT_REQUIRED","message":"Missing required property: encoding","path":"custom_password_hash.hash"}]`},
		{`{"email":"u3@x.test","custom_password_hash":{"algorithm":"bcrypt","hash":{"value":"$2b$10$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}}`, ""},
		{`{"email":"u1@x.test","mfa_factors":[]}`, `[{"code":"ARRAY_LENGTH_SHORT","message":"Array is too short (0), minimum 1","path":"mfa_factors"}]`},
		{`{"email":"u1@x.test","mfa_factors":[{}]}`, `[{"code":"MFA_FACTORS_FAILED","message":"A factor is one of totp, phone and email","path":"mfa_factors"}]`},
		{`{"email":"u1@x.test","mfa_factors":[{"totp":{"secret":"tell nobody"}}]}`, `[{"code":"PATTERN","message":"String does not match pattern ^[A-Z2-7]{8,512}=*$","path":"mfa_factors[0].totp.secret"}]`},
		{`{"email":"twice@x.test"}`, ""},
		{`{"email":"TWICE@x.test"}`, `[{"code":"CONFLICT_EMAIL","message":"The same user is in the file more than once","path":"email"}]`},
	}
	h.call(h.machine("acme"), "PATCH", "/tenants/settings", `{"stagedoor":{"max_metadata_bytes":2000}}`).is(200, "")
	var file []string
	for _, r := range rows {
		file = append(file, r.row)
	}
	done, _ := h.imported("[" + strings.Join(file, ",\n") + "]")
	if got := fmt.Sprint(done.get("summary")); got != fmt.Sprintf("map[failed:%d inserted:2 total:%d updated:0]", len(rows)-2, len(rows)) {
		t.Errorf("summary %s", got)
	}
	report := h.call(h.machine("acme"), "GET", "/jobs/"+done.text("id")+"/errors", "").is(200, "")
	if report.header.Get("Content-Length") != "" { // of a large import they would be as large as its file
		t.Error("the errors were put together before they were sent")
	}
	for _, r := range rows {
		if r.errors != "" && !strings.Contains(canonical(t, report.body), `"errors":`+canonical(t, r.errors)) {
			t.Errorf("%.80s: no %s in\n%s", r.row, canonical(t, r.errors), canonical(t, report.body))
		}
	}
	for _, secret := range []string{"tell nobody", "AAAAAAAAAAAAA", `"5e"`} {
		if strings.Contains(report.body, secret) {
			t.Errorf("the report tells %s", secret)
		}
	}
	if !strings.Contains(report.body, `"password_hash":"*****"`) {
		t.Errorf("no mask in %s", report.body)
	}
	odd, _ := h.imported(`[{"email":"u1@x.test","app_metadata":{"n":1e999}},{"email":"u2@x.test"}]`) // a number that no database takes
	if got := fmt.Sprint(odd.get("summary")); got != "map[failed:1 inserted:1 total:2 updated:0]" {
		t.Errorf("summary %s", got)
	}
	events := strings.Join(h.logged("acme"), "\n")
	if !strings.Contains(events, "sapi Create import users job") || !strings.Contains(events, "sui Import of users: 1 added, 0 updated, 1 failed") {
		t.Errorf("log %s", events)
	}
}

// TestImportOfLinked: who is a linked identity of another user is there already.
func TestImportOfLinked(t *testing.T) {
	each(t, func(h *house) {
		ada, bob := h.user("ada", ""), h.user("bob", "")
		h.call(h.machine("acme"), "POST", "/users/"+ada+"/identities", `{"provider":"auth0","user_id":"`+bob+`"}`).is(201, "")
		done, _ := h.imported(`[{"email":"bob@x.test"},{"email":"new@x.test","user_id":"bob"},{"email":"carl@x.test"}]`)
		if got := fmt.Sprint(done.get("summary")); got != "map[failed:2 inserted:1 total:3 updated:0]" {
			t.Errorf("summary %s", got)
		}
		h.call(h.machine("acme"), "GET", "/users-by-email?email=bob@x.test&fields=user_id", "").is(200, `[]`)
		h.call(h.machine("acme"), "GET", "/users-by-email?email=carl@x.test&fields=email", "").is(200, `[{"email":"carl@x.test"}]`)
	})
}

// TestImportBroken: of a file that is not right, nothing is taken.
func TestImportBroken(t *testing.T) {
	h := sqlite(t)
	for name, file := range map[string]string{
		"text": "hello", "cut off": `[{"email":"a@x.test"},{"email":"b@x.te`, "no comma": `[{"email":"a@x.test"}{"email":"b@x.test"}]`, "more": `[{"email":"a@x.test"}] {}`,
		"comma at the end": `[{"email":"a@x.test"},]`, "bad line": `{"email":"a@x.test"}` + "\n" + `{"email":}`, "empty": "  ", "closed twice": `{"email":"a@x.test"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			done, _ := h.imported(file)
			if details := done.text("status_details"); done.text("status") != "failed" || !strings.HasPrefix(details, "Failed to parse users file JSON when importing users. Make sure it is valid JSON.") {
				t.Errorf("%s", done.body)
			}
			h.call(h.machine("acme"), "GET", "/jobs/"+done.text("id")+"/errors", "").is(200, done.body)
			h.call(h.machine("acme"), "GET", "/users-by-email?email=a@x.test", "").is(200, `[]`)
		})
	}
	if events := strings.Join(h.logged("acme"), "\n"); !strings.Contains(events, "fui Failed to parse users file JSON") {
		t.Errorf("log %s", events)
	}
	done, _ := h.imported("\xef\xbb\xbf []\n")
	if done.text("status") != "completed" || fmt.Sprint(done.get("summary")) != "map[failed:0 inserted:0 total:0 updated:0]" {
		t.Errorf("an empty list: %s", done.body)
	}
}

func TestImportRefused(t *testing.T) {
	h := sqlite(t)
	conn := h.connectionID()
	const invalid = "invalid_body"
	h.importForm("@users", "[]").fails(400, invalid, "Payload validation error: 'Missing required property: connection_id'.")
	h.importForm("connection_id", conn).fails(400, invalid, "Payload validation error: 'Missing required property: users'.")
	h.importForm("connection_id", "x", "@users", "[]").fails(400, invalid, "Payload validation error: 'String does not match pattern ^con_[A-Za-z0-9]{16}$: x' on property connection_id.")
	h.importForm("connection_id", "con_0123456789abcdef", "@users", "[]").fails(404, "inexistent_connection", "The connection does not exist")
	h.importForm("connection_id", conn, "upsert", "maybe", "@users", "[]").fails(400, invalid, "Payload validation error: 'Expected type boolean but found type string' on property upsert.")
	h.importForm("connection_id", conn, "shoe", "42", "@users", "[]").fails(400, invalid, "Payload validation error: 'Additional properties not allowed: shoe'.")
	h.importForm("connection_id", conn, "external_id", strings.Repeat("x", 1025), "@users", "[]").fails(400, invalid, "Payload validation error: 'String is too long (1025 chars), maximum 1024' on property external_id.")
	h.importForm("connection_id", conn, "@users", "[]", "@users", "[]").fails(400, invalid, "Payload validation error: 'Expected type object but found type array' on property users.")
	github := h.call(h.machine("acme"), "POST", "/connections", `{"name":"hub","strategy":"github"}`).is(201, "").text("id")
	h.importForm("connection_id", github, "@users", "[]").fails(400, "operation_not_supported", "The connection must be a database connection that keeps its users here.")
	h.importForm("connection_id", conn, "@users", strings.Repeat(" ", 512001)).fails(413, "", "Payload content length greater than maximum allowed: 512000")
	h.importForm("connection_id", conn, "@users", strings.Repeat(" ", 700000)).fails(413, "", "Payload content length greater than maximum allowed: 512000")
	h.importForm("@users", strings.Repeat(" ", 512000), "connection_id", conn, "upsert", "").is(202, "")
	h.call(h.machine("acme"), "POST", "/jobs/users-imports", `{}`).fails(415, "", "Unsupported Media Type: send multipart/form-data")
	body, contentType := form("connection_id", conn, "@users", "[]")
	for _, cut := range []int{len(body) / 2, len(body) - 5} {
		h.send("acme", "POST", "/jobs/users-imports", body[:cut], http.Header{"Authorization": {"Bearer " + h.machine("acme")}, "Content-Type": {contentType}}).
			fails(400, "", "Invalid multipart payload format")
	}
	h.importForm("connection_id", conn, "@users", "[]").is(202, "") // those that were refused do not count
	h.importForm("connection_id", conn, "@users", "[]").fails(429, "too_many_requests", "There are 2 active import users jobs already running")
	h.work()
	h.importForm("connection_id", conn, "@users", "[]").is(202, "")
	bearer := h.machine("acme", "read:users")
	h.call(bearer, "GET", "/jobs/job_0123456789abcdef", "").fails(404, "inexistent_job", "The job does not exist.")
	h.call(bearer, "GET", "/jobs/job_0123456789abcdef/errors", "").fails(404, "inexistent_job", "The job does not exist.")

	h.call(h.machine("acme"), "PATCH", "/tenants/settings", `{"stagedoor":{"max_import_bytes":2000000}}`).is(200, "")
	large := strings.Repeat(" ", 1900000) + `[{"email":"late@x.test"}]`
	if done, _ := h.imported(large); fmt.Sprint(done.get("summary")) != "map[failed:0 inserted:1 total:1 updated:0]" {
		t.Errorf("a large file: %s", done.body)
	}
	h.importForm("connection_id", conn, "@users", strings.Repeat(" ", 2000001)).fails(413, "", "Payload content length greater than maximum allowed: 2000000")
}

// TestImportedPasswords: who comes with a hash signs in with the password, and has a hash of ours afterwards.
func TestImportedPasswords(t *testing.T) {
	each(t, func(h *house) {
		const sha = `{"algorithm":"sha256","hash":{"value":"1e7d8a9fbfbcffbb41c3a37abaf5b7d1d9b59d9d70e7b1c5bd11ee0b9a5a6b0e","encoding":"hex"}}`
		done, sent := h.imported(`[{"email":"old@x.test","user_id":"old","password_hash":"$2b$10$nOUIs5kJ7naTuTFkBy1veuK0kSxUFXfuaOKdOKf9xYT0KKIGSJwFa"},
			{"email":"hmac@x.test","user_id":"hmac","custom_password_hash":{"algorithm":"hmac","hash":{"value":"d4e4f1d5e8c6a8b9b9a5a7a0c3a5f8a3c0b0d5b7c5a1f8e3d2c1b0a9f8e7d6c5","encoding":"hex","digest":"sha256","key":{"value":"pepper of all"}}}},
			{"email":"sha@x.test","user_id":"sha","custom_password_hash":` + sha + `,"mfa_factors":[{"totp":{"secret":"JBSWY3DPEHPK3PXP"}}]}]`)
		if fmt.Sprint(done.get("summary")) != "map[failed:0 inserted:3 total:3 updated:0]" || sent != nil {
			t.Fatalf("%s %v", done.body, sent)
		}
		ctx, st := t.Context(), h.store("acme")
		hash, err := st.PasswordHash(ctx, "auth0|hmac")
		h.ok(err)
		if !strings.Contains(hash, "pepper of all") {
			t.Errorf("hash %s", hash)
		}
		factors, err := st.Factors(ctx, "auth0|sha")
		h.ok(err)
		if len(factors) != 1 || factors[0].Type != "totp" || factors[0].Secret != "JBSWY3DPEHPK3PXP" {
			t.Errorf("factors %+v", factors)
		}
		conn, err := st.ConnectionByName(ctx, "Users")
		h.ok(err)
		d := &connection.Database{Hasher: password.NewHasher()}
		if _, _, err := d.Authenticate(ctx, st, conn, "old@x.test", "U*U"); err == nil {
			t.Error("signed in with another password")
		}
		// An import may replace a hash that was never used, and no other.
		own, err := d.Hasher.Hash(ctx, "Mine-Alone-1")
		h.ok(err)
		h.ok(st.SetPasswordHash(ctx, "auth0|old", own, time.Time{}))
		again, _ := h.imported(`[{"email":"old@x.test","custom_password_hash":`+sha+`},{"email":"hmac@x.test","custom_password_hash":`+sha+`}]`, "upsert", "true")
		if fmt.Sprint(again.get("summary")) != "map[failed:0 inserted:0 total:2 updated:2]" {
			t.Fatalf("%s", again.body)
		}
		if hash, err := st.PasswordHash(ctx, "auth0|old"); err != nil || hash != own {
			t.Errorf("%s %v", hash, err)
		}
		if hash, err := st.PasswordHash(ctx, "auth0|hmac"); err != nil || !strings.Contains(hash, "sha256") || strings.Contains(hash, "pepper") {
			t.Errorf("%s %v", hash, err)
		}
	})
}

func TestCompletionMail(t *testing.T) {
	h := sqlite(t)
	if _, sent := h.imported(`[]`); sent != nil {
		t.Errorf("nobody is known, and %q was sent", sent)
	}
	h.call(h.machine("acme"), "PATCH", "/tenants/settings", `{"support_email":"ops@acme.test"}`).is(200, "")
	done, sent := h.imported(`[{"email":"a@x.test"},{}]`)
	if want := "ops@acme.test Import of users: completed\nThe import of users " + done.text("id") + " into Users has completed.\n\nRows: 2\nAdded: 1\nUpdated: 0\nFailed: 1\n"; len(sent) != 1 || sent[0] != want {
		t.Errorf("sent %q", sent)
	}
	if _, sent := h.imported(`x`); len(sent) != 1 || !strings.Contains(sent[0], "has failed") {
		t.Errorf("sent %q", sent)
	}
	if _, sent := h.imported(`[]`, "send_completion_email", "false"); sent != nil {
		t.Errorf("sent %q", sent)
	}
}

// result fetches a file as the address in location says.
func (h *house) result(location string) (int, string) {
	h.Helper()
	u, err := url.Parse(location)
	h.ok(err)
	r := httptest.NewRequest("GET", location, nil)
	r.SetPathValue("file", strings.TrimPrefix(u.Path, "/exports/"))
	w := httptest.NewRecorder()
	h.api.ServeResult(w, r, h.store(strings.TrimSuffix(u.Host, ".test")))
	if w.Code != 200 {
		return w.Code, w.Body.String()
	}
	zip, err := gzip.NewReader(w.Body)
	h.ok(err)
	text, err := io.ReadAll(zip)
	h.ok(err)
	return w.Code, string(text)
}

func TestExport(t *testing.T) {
	each(t, func(h *house) {
		bearer, conn := h.machine("acme"), h.connectionID()
		h.user("ada", `,"user_metadata":{"lang":"fi","n":{"deep":[1,2]}},"given_name":"=1+1"`)
		h.user("bob", "")
		h.user("carl", "")
		export := func(body string) (answer, string) {
			h.Helper()
			id := h.call(bearer, "POST", "/jobs/users-exports", body).is(200, "").text("id")
			h.work()
			done := h.call(bearer, "GET", "/jobs/"+id, "").is(200, "")
			code, text := h.result(done.text("location"))
			if code != 200 {
				t.Fatalf("%s: %d %s", done.text("location"), code, text)
			}
			return done, text
		}
		made := h.call(bearer, "POST", "/jobs/users-exports", `{"connection_id":"`+conn+`","format":"json","limit":2,"fields":[{"name":"email"},{"name":"identities[0].connection","export_as":"in"},{"name":"user_metadata.n.deep[1]"}]}`)
		made.is(200, `{"id":"`+made.text("id")+`","type":"users_export","status":"pending","connection_id":"`+conn+`","connection":"Users","format":"json","limit":2,
			"fields":[{"name":"email"},{"name":"identities[0].connection","export_as":"in"},{"name":"user_metadata.n.deep[1]"}],"created_at":"2026-11-25T12:00:00.000Z"}`)
		h.work()
		done := h.call(bearer, "GET", "/jobs/"+made.text("id"), "").is(200, "")
		location := done.text("location")
		if _, text := h.result(location); text != `{"email":"ada@x.test","in":"Users","user_metadata.n.deep[1]":2}`+"\n"+`{"email":"bob@x.test","in":"Users"}`+"\n" {
			t.Errorf("NDJSON %s", text)
		}
		_, text := export(`{}`)
		if lines := strings.Split(strings.TrimSpace(text), "\n"); len(lines) != 3 || canonical(t, lines[1]) != canonical(t, h.call(bearer, "GET", "/users/auth0%7Cbob", "").body) {
			t.Errorf("all: %s", text)
		}
		if _, text := export(`{"format":"csv","fields":[{"name":"email","export_as":"E-mail"},{"name":"given_name"},{"name":"user_metadata"}]}`); text != "E-mail,given_name,user_metadata\nada@x.test,'=1+1,\"{\"\"lang\"\":\"\"fi\"\",\"\"n\"\":{\"\"deep\"\":[1,2]}}\"\nbob@x.test,,\ncarl@x.test,,\n" {
			t.Errorf("CSV %s", text)
		}
		if _, text := export(`{"format":"csv"}`); !strings.HasPrefix(text, "user_id,email,email_verified,") || !strings.Contains(text, "auth0|bob,bob@x.test,false,") {
			t.Errorf("CSV %s", text)
		}
		if _, text := export(`{"connection_id":"` + conn + `","limit":1,"fields":[{"name":"user_id"}]}`); text != `{"user_id":"auth0|ada"}`+"\n" {
			t.Errorf("limited: %s", text)
		}

		// The address is good for a minute, for this job and this tenant.
		for _, wrong := range []string{
			strings.Replace(location, "signature=", "signature=0", 1), strings.Replace(location, "expires=", "expires=9", 1), strings.Replace(location, ".json.gz", ".csv.gz", 1),
			strings.Replace(location, "acme.test", "other.test", 1), strings.Replace(location, "job_", "job_x", 1),
		} {
			if code, text := h.result(wrong); code != 403 || canonical(t, text) != `{"error":"Forbidden","message":"This address is not valid.","statusCode":403}` {
				t.Errorf("%s: %d %s", wrong, code, text)
			}
		}
		if code, text := h.result(strings.Replace(location, "expires=", "expires=1&x=", 1)); code != 403 || !strings.Contains(text, "expired") {
			t.Errorf("late: %d %s", code, text)
		}
	})
}

// TestExportMany: a file of many pieces is one file.
func TestExportMany(t *testing.T) {
	h := sqlite(t)
	var file strings.Builder
	var want []string
	for i := range 2500 {
		fmt.Fprintf(&file, `{"email":"u%04d@x.test","user_id":"u%04d"}`+"\n", i, i)
		want = append(want, fmt.Sprintf("u%04d@x.test", i))
	}
	if done, _ := h.imported(file.String()); fmt.Sprint(done.get("summary")) != "map[failed:0 inserted:2500 total:2500 updated:0]" {
		t.Fatal(done.body)
	}
	id := h.call(h.machine("acme"), "POST", "/jobs/users-exports", `{"format":"csv","fields":[{"name":"email"}]}`).is(200, "").text("id")
	h.work()
	_, text := h.result(h.call(h.machine("acme"), "GET", "/jobs/"+id, "").text("location"))
	if lines := strings.Fields(text); len(lines) != 2501 || lines[0] != "email" || !slices.Equal(lines[1:], want) {
		t.Errorf("%d lines", len(lines))
	}
}

func TestExportRefused(t *testing.T) {
	h := sqlite(t)
	bearer := h.machine("acme")
	h.call(bearer, "POST", "/jobs/users-exports", `{"format":"xml"}`).fails(400, "invalid_body", "Payload validation error: 'No enum match for: xml' on property format (Format of the file).")
	h.call(bearer, "POST", "/jobs/users-exports", `{"limit":0}`).fails(400, "invalid_body", "Payload validation error: 'Value 0 is less than minimum 1' on property limit (Limit the number of records).")
	h.call(bearer, "POST", "/jobs/users-exports", `{"connection_id":"con_0123456789abcdef"}`).fails(404, "inexistent_connection", "The connection does not exist")
	fields := strings.TrimSuffix(strings.Repeat(`{"name":"x"},`, 31), ",")
	h.call(bearer, "POST", "/jobs/users-exports", `{"format":"csv","fields":[`+fields+`]}`).fails(400, "invalid_body", "Payload validation error: 'Array is too long (31), maximum 30' on property fields.")
	h.call(bearer, "POST", "/jobs/users-exports", `{"format":"json","fields":[`+fields+`]}`).is(200, "")
	h.call(h.machine("acme", "create:users"), "POST", "/jobs/users-exports", `{}`).fails(403, "insufficient_scope", "Insufficient scope, expected any of: read:users")
}

func TestVerificationEmail(t *testing.T) {
	each(t, func(h *house) {
		bearer := h.machine("acme")
		id := h.user("ada", "")
		h.mails = nil
		made := h.call(bearer, "POST", "/jobs/verification-email", `{"user_id":"`+id+`","client_id":"web_acme","identity":{"user_id":"ada","provider":"auth0"}}`)
		made.is(201, `{"id":"`+made.text("id")+`","type":"verification_email","status":"pending","created_at":"2026-11-25T12:00:00.000Z"}`)
		if sent := h.work(); len(sent) != 1 || sent[0] != "auth0|ada web_acme" {
			t.Errorf("sent %q", sent)
		}
		h.call(bearer, "GET", "/jobs/"+made.text("id"), "").is(200, `{"id":"`+made.text("id")+`","type":"verification_email","status":"completed","created_at":"2026-11-25T12:00:00.000Z"}`)
		h.call(bearer, "PATCH", "/users/"+id, `{"email_verified":true}`).is(200, "")
		again := h.call(bearer, "POST", "/jobs/verification-email", `{"user_id":"`+id+`"}`).is(201, "").text("id")
		if sent := h.work(); sent != nil {
			t.Errorf("sent %q", sent)
		}
		h.call(bearer, "GET", "/jobs/"+again, "").is(200, `{"id":"`+again+`","type":"verification_email","status":"failed","status_details":"The user's email is already verified.","created_at":"2026-11-25T12:00:00.000Z"}`)

		for _, path := range []string{"/jobs/verification-email", "/tickets/email-verification"} {
			h.call(bearer, "POST", path, `{}`).fails(400, "invalid_body", "Payload validation error: 'Missing required property: user_id'.")
			h.call(bearer, "POST", path, `{"user_id":"auth0|nobody"}`).fails(404, "inexistent_user", "The user does not exist.")
			h.call(bearer, "POST", path, `{"user_id":"`+id+`","client_id":"nobody"}`).fails(404, "inexistent_client", "The client does not exist")
			h.call(bearer, "POST", path, `{"user_id":"`+id+`","organization_id":"org_0123456789abcdef"}`).fails(404, "", "No organization found by that id or name")
			h.call(bearer, "POST", path, `{"user_id":"`+id+`","identity":{"user_id":"bob","provider":"auth0"}}`).fails(400, "invalid_body", "The user does not have the given identity.")
		}
		h.ok(h.store("acme").CreateUser(t.Context(), &stagedoor.User{ID: "auth0|mute", Connection: "Users", Username: "mute"}, ""))
		for _, path := range []string{"/jobs/verification-email", "/tickets/email-verification", "/tickets/password-change"} {
			h.call(bearer, "POST", path, `{"user_id":"auth0|mute"}`).fails(400, "operation_not_supported", "The user does not have an email address.")
		}
	})
}

func TestTickets(t *testing.T) {
	each(t, func(h *house) {
		bearer, conn := h.machine("acme"), h.connectionID()
		id := h.user("ada", "")
		ticket := func(path, body, kind string) *stagedoor.Ticket {
			h.Helper()
			u, err := url.Parse(h.call(bearer, "POST", "/tickets/"+path, body).is(201, "").text("ticket"))
			h.ok(err)
			page := map[string]string{stagedoor.TicketReset: "/u/reset-password", stagedoor.TicketVerification: "/u/email-verification"}[kind]
			if u.Scheme != "https" || u.Host != "acme.test" || u.Path != page || !strings.HasSuffix(u.String(), u.Query().Get("ticket")) {
				t.Errorf("ticket %s", u)
			}
			got, err := h.store("acme").Ticket(t.Context(), u.Query().Get("ticket"), kind)
			h.ok(err)
			return got
		}
		got := ticket("password-change", `{"user_id":"`+id+`","result_url":"https://app.test/done","ttl_sec":3600,"mark_email_as_verified":true,"includeEmailInRedirect":false,"client_id":"web_acme","identity":{"user_id":"ada","provider":"auth0"}}`, stagedoor.TicketReset)
		want := stagedoor.Ticket{Kind: "reset_password", UserID: id, ClientID: "web_acme", ResultURL: "https://app.test/done", Email: "ada@x.test", ExpiresAt: start.Add(time.Hour), MarkVerified: true}
		if *got != want {
			t.Errorf("%+v", got)
		}
		got = ticket("password-change", `{"connection_id":"`+conn+`","email":"ADA@x.test","ttl_sec":0}`, stagedoor.TicketReset)
		if want = (stagedoor.Ticket{Kind: "reset_password", UserID: id, Email: "ada@x.test", ExpiresAt: start.Add(432000 * time.Second), IncludeEmail: true}); *got != want {
			t.Errorf("%+v", got)
		}
		got = ticket("email-verification", `{"user_id":"`+id+`","includeEmailInRedirect":true}`, stagedoor.TicketVerification)
		if want.Kind = "verify_email"; *got != want {
			t.Errorf("%+v", got)
		}
		const anyOf = "Payload validation error: 'Data does not match any schemas from 'anyOf''."
		for _, body := range []string{`{}`, `{"email":"ada@x.test"}`, `{"connection_id":"` + conn + `"}`, `{"user_id":"` + id + `","connection_id":"` + conn + `","email":"ada@x.test"}`} {
			h.call(bearer, "POST", "/tickets/password-change", body).fails(400, "invalid_body", anyOf)
		}
		h.call(bearer, "POST", "/tickets/password-change", `{"user_id":"`+id+`","new_password":"x"}`).fails(400, "invalid_body", "Payload validation error: 'Additional properties not allowed: new_password'.")
		h.call(bearer, "POST", "/tickets/password-change", `{"connection_id":"`+conn+`","email":"no@x.test"}`).fails(404, "inexistent_user", "The user does not exist.")
		h.call(bearer, "POST", "/tickets/password-change", `{"connection_id":"con_0123456789abcdef","email":"no@x.test"}`).fails(404, "inexistent_connection", "The connection does not exist")
		h.call(bearer, "POST", "/tickets/password-change", `{"user_id":"`+id+`","ttl_sec":-1}`).fails(400, "invalid_body", "Payload validation error: 'Value -1 is less than minimum 0' on property ttl_sec (Number of seconds for which the ticket is valid before expiration).")
		h.call(bearer, "POST", "/tickets/email-verification", `{"user_id":"`+id+`","result_url":"javascript:alert(1)"}`).
			fails(400, "invalid_body", "Payload validation error: 'Object didn't pass validation for format url: javascript:alert(1)' on property result_url.")
	})
}

// TestImportByOtherIdentifiers: where people are known by numbers and usernames, rows need no address, and nobody is in a file twice.
func TestImportByOtherIdentifiers(t *testing.T) {
	each(t, func(h *house) {
		h.conn("auth0", "Phones", `{"attributes":{"phone_number":{"identifier":{"active":true}},"username":{"identifier":{"active":true}}}}`)
		conn, err := h.store("acme").ConnectionByName(t.Context(), "Phones")
		h.ok(err)
		run := func(upsert, file string) answer {
			h.Helper()
			id := h.importForm("connection_id", conn.ID, "upsert", upsert, "@users", file).is(202, "").text("id")
			h.work()
			return h.call(h.machine("acme"), "GET", "/jobs/"+id, "").is(200, "")
		}
		summary := func(a answer) string { s, _ := a.get("summary").(map[string]any); return fmt.Sprint(s) }
		first := run("false", `[{"phone_number":"+4915123456789","user_id":"p1"},{"username":"grace","user_id":"g1"},{"phone_number":"+4915123456789","user_id":"p2"},{"name":"Nobody"}]`)
		if s := summary(first); s != "map[failed:2 inserted:2 total:4 updated:0]" {
			t.Errorf("first %s", s)
		}
		second := run("true", `[{"phone_number":"+4915123456789","name":"Ada"},{"username":"grace","name":"Grace"}]`)
		if s := summary(second); s != "map[failed:0 inserted:0 total:2 updated:2]" {
			t.Errorf("second %s", s)
		}
		for id, name := range map[string]string{"auth0|p1": "Ada", "auth0|g1": "Grace"} {
			if u, err := h.store("acme").User(t.Context(), id); err != nil || u.Name != name {
				t.Errorf("%s: %+v %v", id, u, err)
			}
		}
	})
}
