package login_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// custom makes the connection ask scripts.
func (w *world) custom(l *legacy, importing bool, scripts map[string]string) {
	w.Helper()
	w.options(func(o *stagedoor.ConnectionOptions) {
		if o.Stored == nil {
			o.Stored = map[string]json.RawMessage{}
		}
		o.Stored["enabledDatabaseCustomization"] = json.RawMessage(`true`)
		o.Stored["import_mode"], _ = json.Marshal(importing)
		o.Stored["customScripts"], _ = json.Marshal(scripts)
		o.Stored["configuration"], _ = json.Marshal(map[string]string{"URL": l.URL, "KEY": "s3cret"})
	})
}

// option sets one further option.
func (w *world) option(name, value string) {
	w.Helper()
	w.options(func(o *stagedoor.ConnectionOptions) { o.Stored[name] = json.RawMessage(value) })
}

// logIn fills in the login page of a new browser.
func (w *world) logIn(identifier, secret string) (*browser, *reply) {
	w.Helper()
	b := w.browser()
	return b, b.submit(b.begin(), "username", identifier, "password", secret)
}

// last returns the newest log event.
func (w *world) last() stagedoor.LogEvent {
	w.Helper()
	logs, _, err := w.st.Logs(w.Context(), store.LogQuery{PerPage: 1})
	w.ok(err)
	return logs[0]
}

// TestConformance24DatabaseOfScripts: logins that scripts check, with a bcrypt hash of a store behind HTTP; fp and fu as item 24 has it.
func TestConformance24DatabaseOfScripts(t *testing.T) {
	each(t, func(w *world) {
		l := newLegacy(t)
		w.custom(l, false, legacyScripts)
		l.has(t, "kim@old.example", `{"id":7,"nickname":"kim","plan":{"name":"gold"},"email_verified":true,"metadata":{"level":3},"user_metadata":{"color":"red"},"passwordSalt":"x"}`)
		b, r := w.logIn("KIM@old.example", good)
		if q := b.finish(r); q.Get("code") == "" {
			w.Fatalf("no code: %v", q)
		}
		w.logs("login of KIM@old.example", `"type":"s"`)
		u := w.found("kim@old.example")
		if u == nil || u.ID != "auth0|7" || u.Nickname != "kim" || !u.EmailVerified || strings.ReplaceAll(string(u.Attributes["plan"]), " ", "") != `{"name":"gold"}` ||
			string(u.AppMetadata["level"]) != "3" || string(u.UserMetadata["color"]) != `"red"` || len(u.Attributes) != 1 || u.LoginsCount != 1 {
			w.Fatalf("%+v", u)
		}
		if hash, _ := w.st.PasswordHash(w.Context(), u.ID); hash != "" {
			w.Error("the password is kept here")
		}
		l.called()
		changed := u.UpdatedAt
		w.wait(time.Minute)
		b, r = w.logIn("kim@old.example", good)
		b.finish(r)
		if u = w.found("kim@old.example"); !u.UpdatedAt.Equal(changed) {
			w.Error("a login that changed nothing wrote the record")
		}
		l.called()
		// Each login asks, and refreshes the profile and the metadata.
		l.has(t, "kim@old.example", `{"id":"auth0|7","nickname":"kimmy","plan":null,"app_metadata":{"level":4},"metadata":{"level":5}}`)
		b, r = w.logIn("kim@old.example", good)
		b.finish(r)
		if u = w.found("kim@old.example"); u.Nickname != "kimmy" || u.Attributes != nil || string(u.AppMetadata["level"]) != "4" || u.EmailVerified || u.LoginsCount != 3 || l.called() != "GET /users/kim@old.example" {
			w.Errorf("%+v", u)
		}
		// Item 24 of the checklist: whom a wrong password is of is what the script says.
		_, r = w.logIn("kim@old.example", "wrong")
		r.want(http.StatusBadRequest).says("Wrong email or password.").hides("not that one")
		if e := w.last(); e.Type != "fp" || e.UserID != "auth0|7" || e.Description != "not that one" {
			w.Errorf("%+v", e)
		}
		_, r = w.logIn("nobody@old.example", good)
		r.want(http.StatusBadRequest).says("Wrong email or password.").hides("nobody there")
		if e := w.last(); e.Type != "fu" || e.UserID != "" || e.Description != "nobody there" {
			w.Errorf("%+v", e)
		}
		// What a script writes for the person is shown; what goes wrong in it is not.
		l.has(t, "sue@old.example", `{"id":8,"suspended":true}`)
		_, r = w.logIn("sue@old.example", good)
		r.want(http.StatusBadRequest).says("Your membership has ended.")
		if e := w.last(); e.Type != "f" || e.Description != "Your membership has ended." {
			w.Errorf("%+v", e)
		}
		w.option("configuration", `{"URL":"`+l.URL+`","KEY":"another"}`)
		_, r = w.logIn("kim@old.example", good)
		r.want(http.StatusBadRequest).says("Logging in does not work right now.").hides("answers 403", "another")
		if e := w.last(); e.Type != "f" || e.Description != "the store answers 403" {
			w.Errorf("%+v", e)
		}
	})
}

// TestScriptsCountFailures: wrong passwords that a script finds block like those of the server's own.
func TestScriptsCountFailures(t *testing.T) {
	each(t, func(w *world) {
		l := newLegacy(t)
		w.custom(l, false, legacyScripts)
		l.has(t, "kim@old.example", `{"id":7}`)
		for range 10 {
			w.logIn("kim@old.example", "wrong")
		}
		l.called()
		_, r := w.logIn("kim@old.example", good)
		r.want(http.StatusTooManyRequests)
		if l.called() != "" || w.last().Type != "limit_wc" {
			w.Errorf("asked all the same, %s", w.last().Type)
		}
	})
}

func TestSignUpByScripts(t *testing.T) {
	each(t, func(w *world) {
		l := newLegacy(t)
		w.custom(l, false, legacyScripts)
		l.has(t, "kim@old.example", `{"id":7}`)
		b := w.browser()
		page := b.begin("screen_hint", "signup")
		b.finish(b.submit(page, "email", "New@old.example", "password", good))
		if got := l.called(); got != "GET /users/new@old.example, POST /users, GET /users/new@old.example" {
			w.Error(got)
		}
		u := w.found("new@old.example")
		if u == nil || u.ID != "auth0|101" || string(u.Attributes["arrived"]) != `"app"` || u.EmailVerified || len(w.mails()) != 1 {
			w.Fatalf("%+v, %d mails", u, len(w.mails()))
		}
		b = w.browser()
		body := func(email string) string {
			return `{"client_id":"app","connection":"Users","email":"` + email + `","password":"` + good + `","user_metadata":{"color":"red"}}`
		}
		b.json(signupPath, body("kim@old.example")).want(http.StatusBadRequest).is(badRequest("invalid_signup", "Invalid sign up"))
		b.json(signupPath, body("race@old.example")).want(http.StatusBadRequest).is(badRequest("invalid_signup", "Invalid sign up"))
		b.json(signupPath, body("refused@old.example")).want(http.StatusBadRequest).is(badRequest("not_a_member", "Only members may sign up."))
		if e := w.last(); e.Type != "fs" || e.Description != "Only members may sign up." {
			w.Errorf("%+v", e)
		}
		b.submit(b.begin("screen_hint", "signup"), "email", "refused@old.example", "password", good).want(http.StatusBadRequest).says("Only members may sign up.")
		if r := b.json(signupPath, body("other@old.example")).want(http.StatusOK); !strings.Contains(r.body, `"_id":"102"`) {
			w.Error(r.body)
		}
		if u := w.found("other@old.example"); string(u.UserMetadata["color"]) != `"red"` {
			w.Errorf("%+v", u)
		}
	})
}

func TestPasswordsAndAddressesByScripts(t *testing.T) {
	each(t, func(w *world) {
		l := newLegacy(t)
		w.custom(l, false, legacyScripts)
		l.has(t, "kim@old.example", `{"id":7}`)
		b := w.browser()
		forgot := func(email string) {
			w.Helper()
			b.submit(b.get("/u/forgot"), "email", email).want(http.StatusOK)
		}
		forgot("nobody@old.example")
		if len(w.mails()) != 0 || w.last().Type != "fcpr" {
			w.Error("a mail went to nobody")
		}
		forgot("kim@old.example")
		if len(w.mails()) != 1 || w.last().Type != "scpr" || w.last().UserID != "auth0|7" {
			w.Fatalf("%+v", w.last())
		}
		l.called()
		// A password that the script refuses changes nothing, and another one can be chosen; what the script says to people they read, and no more.
		page := b.get(w.link())
		page = b.submit(page, "password", "Refused-Horse-2").want(http.StatusBadRequest).says("Not that one.")
		w.logs(`"type":"fcp","description":"The password could not be changed. Not that one.`)
		page = b.submit(page, "password", "Broken-Horse-2").want(http.StatusBadRequest).says("Something went wrong. Please try again.").hides("s3cret.example")
		w.passwordPage(resetHTML, true)
		own := b.onto(b.get(w.link()))
		b.renews(own, "Refused-Horse-2").want(http.StatusBadRequest).is(badRequest("too_plain", "Not that one."))
		w.passwordPage("", false)
		b.submit(page, "password", "Other-Horse-2").want(http.StatusOK)
		if got := l.called(); got != "POST /password" || w.last().Type != "scp" || w.found("kim@old.example").LastPasswordReset.IsZero() {
			w.Errorf("%s %+v", got, w.last())
		}
		_, r := w.logIn("kim@old.example", good)
		r.want(http.StatusBadRequest)
		back, r := w.logIn("kim@old.example", "Other-Horse-2")
		back.finish(r)
		// Somebody whom the store has lost in the meantime: change_password answers false.
		forgot("kim@old.example")
		l.mu.Lock()
		delete(l.users, "kim@old.example")
		l.mu.Unlock()
		b.submit(b.get(w.link()), "password", "Third-Horse-3").want(http.StatusBadRequest)
		w.logs(`"type":"fcp","description":"The password could not be changed. The script change_password did not find the user`)
		// The flag comes from the profile, not from what verify answers.
		l.has(t, "new@old.example", `{"id":9}`)
		back, r = w.logIn("new@old.example", good)
		back.finish(r)
		u := w.found("new@old.example")
		verify := func(want int) {
			w.Helper()
			w.ok(w.door.SendVerification(w.Context(), w.st, u, "app", ""))
			b.get(w.link()).want(want)
		}
		scripts := map[string]string{"login": legacyScripts["login"], "get_user": legacyScripts["get_user"], "verify": `(email, callback) => callback(null, false)`}
		w.custom(l, false, scripts)
		verify(http.StatusBadRequest)
		if e := w.last(); e.Type != "fv" || w.found("new@old.example").EmailVerified {
			w.Errorf("%+v", e)
		}
		scripts["verify"] = `(email, callback) => callback(null, true)`
		w.custom(l, false, scripts)
		verify(http.StatusOK)
		if w.found("new@old.example").EmailVerified {
			w.Error("verified by the word of the script verify alone")
		}
		w.custom(l, false, legacyScripts)
		verify(http.StatusOK)
		if !w.found("new@old.example").EmailVerified {
			w.Error("not verified")
		}
	})
}

// TestConformance25LazyMigration is item 25 of the checklist: the first login brings a person here, the second one asks no script.
func TestConformance25LazyMigration(t *testing.T) {
	each(t, func(w *world) {
		l := newLegacy(t)
		w.custom(l, true, legacyScripts)
		l.has(t, "kim@old.example", `{"id":"7","nickname":"kim","email_verified":true,"app_metadata":{"level":3}}`)
		_, r := w.logIn("kim@old.example", "wrong")
		r.want(http.StatusBadRequest)
		if e := w.last(); e.Type != "fp" || e.UserID != "auth0|7" || w.found("kim@old.example") != nil {
			w.Errorf("%+v", e)
		}
		for range 2 {
			b, r := w.logIn("kim@old.example", good)
			b.finish(r)
		}
		if got := l.called(); got != "GET /users/kim@old.example, GET /users/kim@old.example" {
			w.Errorf("the script was asked again: %s", got)
		}
		u := w.found("kim@old.example")
		if u == nil || u.ID != "auth0|7" || u.Nickname != "kim" || !u.EmailVerified || string(u.AppMetadata["level"]) != "3" || u.LoginsCount != 2 {
			w.Fatalf("%+v", u)
		}
		if hash, _ := w.st.PasswordHash(w.Context(), u.ID); !strings.HasPrefix(hash, "$argon2id$") {
			w.Errorf("hash %.10s", hash)
		}
		_, r = w.logIn("kim@old.example", "wrong")
		r.want(http.StatusBadRequest)
		// Who was here before is never asked for there.
		b, r := w.logIn("ada@example.com", good)
		b.finish(r)
		if got := l.called(); got != "" {
			w.Error(got)
		}
		// A sign-up is stored here, unless the person is there.
		l.has(t, "sue@old.example", `{"id":8}`)
		c := w.browser()
		body := `{"client_id":"app","connection":"Users","email":"sue@old.example","password":"` + good + `"}`
		c.json(signupPath, body).want(http.StatusBadRequest).is(badRequest("invalid_signup", "Invalid sign up"))
		c.json(signupPath, strings.ReplaceAll(body, "sue@", "new@")).want(http.StatusOK)
		if got := l.called(); got != "GET /users/sue@old.example, GET /users/new@old.example" {
			w.Error(got)
		}
		// Another password brings a person without one, and is stored here.
		c.submit(c.get("/u/forgot"), "email", "sue@old.example").want(http.StatusOK)
		sue := w.found("sue@old.example")
		if sue == nil || sue.ID != "auth0|8" {
			w.Fatalf("%+v", sue)
		}
		link := w.link()
		other := w.browser()
		other.finish(other.submit(other.begin(), "username", "sue@old.example", "password", good)) // the old one still works until then
		c.submit(c.get(link), "password", "Other-Horse-2").want(http.StatusOK)
		l.called()
		b, r = w.logIn("sue@old.example", "Other-Horse-2")
		b.finish(r)
		_, r = w.logIn("sue@old.example", good)
		r.want(http.StatusBadRequest)
		if got := l.called(); got != "" {
			w.Error(got)
		}
	})
}

// TestFirstLoginsAtOnce: two first logins of one person make one user.
func TestFirstLoginsAtOnce(t *testing.T) {
	each(t, func(w *world) {
		l := newLegacy(t)
		for _, importing := range []bool{true, false} {
			w.custom(l, importing, legacyScripts)
			email := map[bool]string{true: "a@old.example", false: "b@old.example"}[importing]
			l.has(t, email, `{"id":"`+email+`"}`)
			var done sync.WaitGroup
			codes := make([]url.Values, 4)
			for i := range codes {
				b := w.browser()
				page := b.begin()
				done.Go(func() {
					r := b.submit(page, "username", email, "password", good)
					if r.status/100 != 3 {
						w.Errorf("%d %s, %+v", r.status, words(r.body), w.last().Description)
						return
					}
					codes[i] = b.finish(r)
				})
			}
			done.Wait()
			for i, q := range codes {
				if q.Get("code") == "" {
					w.Errorf("login %d of %s: %v", i, email, q)
				}
			}
			if all, err := w.st.UsersByEmail(w.Context(), email); err != nil || len(all) != 1 || all[0].LoginsCount != len(codes) {
				w.Errorf("%+v %v", all, err)
			}
		}
	})
}

// TestHostileProfiles: what a script answers is read with care, and never becomes another connection's user.
func TestHostileProfiles(t *testing.T) {
	each(t, func(w *world) {
		l := newLegacy(t)
		other := &stagedoor.Connection{Name: "Yet-Other", Strategy: "auth0", EnabledClients: []string{"app"}, Options: w.conn.Options}
		w.ok(w.st.CreateConnection(w.Context(), other))
		ada := w.found("ada@example.com")
		for _, importing := range []bool{false, true} {
			for name, c := range map[string]struct{ profile, log string }{
				"no id":                   {`{email: 'x@old.example'}`, "user_id is mandatory"},
				"an object for an id":     {`{user_id: {a: 1}}`, "user_id is mandatory"},
				"a long id":               {`{user_id: 'x'.repeat(300)}`, "longer than 255"},
				"a control character":     {`{user_id: 'a\nb'}`, "control characters"},
				"NUL":                     {`{user_id: '1', note: 'a\u0000b'}`, "NUL characters"},
				"no address":              {`{user_id: '1', email: 'A <a@b.example>'}`, "not an e-mail address"},
				"metadata":                {`{user_id: '1', app_metadata: 'admin'}`, "app_metadata is no object"},
				"a key of metadata":       {`{user_id: '1', user_metadata: {'a.b': 1}}`, "a.b"},
				"too many attributes":     {`{user_id: '1', big: 'x'.repeat(100000)}`, "its attributes have more than"},
				"a huge profile":          {`{user_id: '1', app_metadata: {a: 'x'.repeat(3 << 20)}}`, "it has more than"},
				"huge metadata":           {`{user_id: '1', app_metadata: {a: 'x'.repeat(1500000)}}`, "larger than its limit"},
				"a list":                  {`[1]`, "it is no object"},
				"somebody else's address": {`{user_id: '99', email: 'taken@old.example'}`, "another user of the connection"},
			} {
				u := &stagedoor.User{ID: "auth0|98", Email: "taken@old.example", Connection: "Users", Identities: []stagedoor.Identity{{Connection: "Users", Provider: "auth0", UserID: "98"}}}
				if err := w.st.CreateUser(w.Context(), u, ""); err != nil && !stagedoor.HasCode(err, "user_exists") {
					w.Fatal(err)
				}
				w.custom(l, importing, map[string]string{"login": `(user, password, callback) => callback(null, ` + c.profile + `)`})
				_, r := w.logIn("x@old.example", good)
				if r.want(http.StatusBadRequest).says("Logging in does not work right now."); !strings.Contains(w.last().Description, c.log) {
					w.Errorf("%s: %+v", name, w.last())
				}
			}
			// A user of another connection.
			w.custom(l, importing, map[string]string{"login": `(user, password, callback) => callback(null, {user_id: '` + ada.ID + `', email: 'evil@old.example', app_metadata: {admin: true}})`})
			w.ok(w.st.DeleteUser(w.Context(), "auth0|98"))
			_, err := w.st.UpdateConnection(w.Context(), other.ID, func(o *stagedoor.Connection) error { o.Options = w.conn.Options; return nil })
			w.ok(err)
			b := w.browser()
			b.submit(b.begin("connection", "Yet-Other"), "username", "evil@old.example", "password", good).want(http.StatusBadRequest).says("Logging in does not work right now.")
			if e := w.last(); !strings.Contains(e.Description, "a user of another connection") || len(w.found("ada@example.com").AppMetadata) != 0 {
				w.Errorf("%+v", e)
			}
		}
		// What is not the script's to say is passed over.
		w.custom(l, false, map[string]string{"login": `(user, password, callback) => callback(null, {id: 5, blocked: true, identities: [], created_at: 'x', logins_count: 99,
			roles: ['a'], PasswordHash: 'x', password: 'y', __proto__: {a: 1}, ['__proto__']: 'p', constructor: 'c', 'email.domain': 'd', $x: 1, picture: 'javascript:alert(1)',
			username: 'ada@example.com', email_verified: 1, email: 'Mixed@Old.example', phone_number: 5})`})
		b, r := w.logIn("x@old.example", good)
		b.finish(r)
		u := w.found("mixed@old.example")
		if u == nil || u.ID != "auth0|5" || u.IsBlocked() || u.LoginsCount != 1 || len(u.Identities) != 1 || len(u.Attributes) != 1 || !u.EmailVerified || u.Username != "" || !strings.HasPrefix(u.Picture, "https://") {
			w.Errorf("%+v", u)
		}
		// A username like an address is one where the connection wants such names.
		w.custom(l, false, map[string]string{"login": `(user, password, callback) => callback(null, {id: 6, username: 'Ada@Work.example', email: 'six@old.example', phone_number: '+49 (151) 234-56'})`})
		w.options(func(o *stagedoor.ConnectionOptions) { o.Stored["attributes"] = json.RawMessage(allThree) })
		b, r = w.logIn("ada@work.example", good)
		b.finish(r)
		if u := w.found("six@old.example"); u == nil || u.Username != "ada@work.example" || u.PhoneNumber != "+4915123456" { // as it is compared with what people type
			w.Errorf("%+v", u)
		}
	})
}

// TestConformance24Context is item 24 of the checklist: the context is there only where the connection wants it.
func TestConformance24Context(t *testing.T) {
	each(t, func(w *world) {
		l := newLegacy(t)
		count := map[string]string{"login": `function login(user, password, ...rest) { console.log(JSON.stringify(rest.slice(0, -1))); rest[rest.length - 1](null); }`}
		w.custom(l, false, count)
		w.logIn("x@old.example", good)
		w.logs(`"text":"[]"`, `"type":"fu"`)
		w.option("enable_script_context", "true")
		w.logIn("x@old.example", good)
		w.logs(`"text":"[{}]"`)
		o := w.organized("allow", "no_prompt", nil)
		_, err := w.st.UpdateOrganization(w.Context(), o.ID, func(o *stagedoor.Organization) error { o.Metadata = map[string]string{"a": "b"}; return nil })
		w.ok(err)
		b := w.browser()
		b.submit(b.begin("organization", o.ID), "username", "x@old.example", "password", good)
		w.logs(`[{\"organization\":{\"display_name\":\"The Night Shift\",\"id\":\"` + o.ID + `\",\"metadata\":{\"a\":\"b\"},\"name\":\"night-shift\"}}]`)
		// A script that is not there fails with a word.
		w.custom(l, false, nil)
		_, r := w.logIn("x@old.example", good)
		r.want(http.StatusBadRequest)
		if e := w.last(); e.Type != "f" || e.Description != "Sandbox Error: Please implement the login script for this database connection" {
			w.Errorf("%+v", e)
		}
	})
}
