package scim_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/scim"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

const (
	userURN       = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupURN      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	patchURN      = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
)

var mapping = []stagedoor.SCIMMapping{
	{Attribute: "preferred_username", SCIM: "userName"},
	{Attribute: "email", SCIM: "emails[primary eq true].value"},
	{Attribute: "app_metadata.external_id", SCIM: "externalId"},
	{Attribute: "blocked", SCIM: "active"},
	{Attribute: "name", SCIM: "displayName"},
	{Attribute: "given_name", SCIM: "name.givenName"},
	{Attribute: "family_name", SCIM: "name.familyName"},
	{Attribute: "nickname", SCIM: "nickName"},
	{Attribute: "app_metadata.department", SCIM: enterpriseURN + ".department"},
	{Attribute: "app_metadata.address.city", SCIM: `addresses[type eq "work"].locality`},
	{Attribute: "user_id", SCIM: "title"},
	{Attribute: "app_metadata.work_email", SCIM: `emails[type eq "work"].value`},
}

type ticking struct {
	mu  sync.Mutex
	now time.Time
}

func (c *ticking) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *ticking) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is a tenant with a connection that is provisioned, served over HTTP.
type world struct {
	*testing.T
	st    *store.Store
	clock *ticking
	host  string
	url   string // of the connection's endpoint
	token string
}

// each runs fn on both databases.
func each(t *testing.T, fn func(*world)) {
	clock := &ticking{now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)}
	storetest.Each(t, func(t *testing.T, db *store.DB) { fn(newWorld(t, db, clock)) }, storetest.WithClock(clock.Now))
}

// one runs fn on SQLite: what no database sees is the same on both.
func one(t *testing.T, fn func(*world)) {
	clock := &ticking{now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)}
	fn(newWorld(t, storetest.Open(t, storetest.SQLite, storetest.WithClock(clock.Now)), clock))
}

func newWorld(t *testing.T, db *store.DB, clock *ticking) *world {
	clock.advance(time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC).Sub(clock.Now()))
	w := &world{T: t, st: storetest.Tenant(t, db, "acme"), clock: clock, token: "tok_of_everything"}
	door := scim.New()
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		r.URL.Scheme = "http"
		door.ServeHTTP(rw, r, w.st)
	}))
	t.Cleanup(s.Close)
	w.host, w.url = s.URL, s.URL+"/scim/v2/connections/con"
	w.ok(w.st.CreateConnection(t.Context(), &stagedoor.Connection{ID: "con", Name: "corp", Strategy: "okta"}))
	all := []string{}
	for _, verb := range []string{"get", "post", "put", "patch", "delete"} {
		all = append(all, verb+":users", verb+":groups")
	}
	until := clock.Now().Add(24 * time.Hour)
	w.ok(store.SCIMConfigs.Create(t.Context(), w.st, &stagedoor.SCIMConfig{ConnectionID: "con", UserIDAttribute: "externalId", Mapping: mapping, Tokens: []stagedoor.SCIMToken{
		{ID: "t1", Hash: hash(w.token), Scopes: all}, {ID: "t2", Hash: hash("tok_reads"), Scopes: []string{"get:users"}, ValidUntil: &until},
	}}))
	return w
}

func hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

type answer struct {
	w      *world
	what   string
	code   int
	header http.Header
	text   string
	body   map[string]any
}

// call sends a request; more are headers, name and value.
func (w *world) call(method, path, body string, more ...string) *answer {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, w.url+path, strings.NewReader(body))
	w.ok(err)
	req.Header.Set("Authorization", "Bearer "+w.token)
	if body != "" {
		req.Header.Set("Content-Type", "application/scim+json")
	}
	for i := 0; i < len(more); i += 2 {
		req.Header.Set(more[i], more[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	w.ok(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	w.ok(err)
	a := &answer{w: w, what: method + " " + path, code: resp.StatusCode, header: resp.Header, text: string(text)}
	if len(text) > 0 {
		w.ok(json.Unmarshal(text, &a.body))
		if media := resp.Header.Get("Content-Type"); !strings.HasPrefix(media, "application/scim+json") {
			w.Errorf("%s: content type %s", a.what, media)
		}
	}
	return a
}

func (a *answer) is(code int) *answer {
	a.w.Helper()
	if a.code != code {
		a.w.Fatalf("%s: %d %s, want %d", a.what, a.code, a.text, code)
	}
	return a
}

// fails expects an error of RFC 7644 section 3.12.
func (a *answer) fails(code int, scimType string) *answer {
	a.w.Helper()
	got, _ := a.body["scimType"].(string)
	if a.is(code); got != scimType || a.body["status"] != text(code) || a.body["detail"] == "" || !strings.Contains(a.text, "urn:ietf:params:scim:api:messages:2.0:Error") {
		a.w.Errorf("%s: %s, want scimType %q", a.what, a.text, scimType)
	}
	return a
}

func text(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// has compares a part of the answer, found by its path of names, with JSON.
func (a *answer) has(path, want string) *answer {
	a.w.Helper()
	var v any = a.body
	for _, name := range strings.Split(path, "/") {
		switch in := v.(type) {
		case map[string]any:
			v = in[name]
		case []any:
			v = nil
			if n := int(name[0] - '0'); n < len(in) {
				v = in[n]
			}
		default:
			v = nil
		}
	}
	var wanted any
	a.w.ok(json.Unmarshal([]byte(want), &wanted))
	if !reflect.DeepEqual(v, wanted) {
		a.w.Errorf("%s: %s is %s, want %s", a.what, path, text(v), want)
	}
	return a
}

func (a *answer) id() string {
	a.w.Helper()
	id, _ := a.body["id"].(string)
	if id == "" {
		a.w.Fatalf("%s: no id in %s", a.what, a.text)
	}
	return id
}

func at(id string) string { return "/Users/" + url.PathEscape(id) }

// person is a user as directories send them.
func person(name string) string {
	return `{"schemas":["` + userURN + `","` + enterpriseURN + `"],"externalId":"ext-` + name + `","userName":"` + name + `@Corp.example","displayName":"Dr ` + name + `","active":true,
		"name":{"givenName":"` + name + `","familyName":"Doe"},"emails":[{"type":"work","value":"` + name + `@corp.example","primary":true}],
		"addresses":[{"type":"work","locality":"Bern"}],"password":"t0p-secret","title":"auth0|evil","` + enterpriseURN + `":{"department":"Sales","manager":{"value":"boss"}}}`
}

func patchOf(operations string) string {
	return `{"schemas":["` + patchURN + `"],"Operations":[` + operations + `]}`
}

func (w *world) user(id string) *stagedoor.User {
	w.Helper()
	u, err := w.st.User(w.Context(), id)
	w.ok(err)
	return u
}

// TestUsers makes, reads, replaces and deletes a user.
func TestUsers(t *testing.T) {
	each(t, func(w *world) {
		made := w.call("POST", "/Users", person("ada")).is(201)
		id := made.id()
		made.has("id", `"okta|corp|ext-ada"`).has("userName", `"ada@Corp.example"`).has("meta/resourceType", `"User"`).has("password", "null").
			has("schemas", `["`+userURN+`","`+enterpriseURN+`"]`).has("meta/location", text(w.url+at(id)))
		if made.header.Get("Location") != w.url+at(id) || made.header.Get("ETag") == "" {
			w.Errorf("headers: %v", made.header)
		}
		u := w.user(id)
		if u.Connection != "corp" || u.Email != "ada@corp.example" || u.GivenName != "ada" || u.FamilyName != "Doe" || u.Name != "Dr ada" || u.EmailVerified || u.IsBlocked() ||
			string(u.AppMetadata["department"]) != `"Sales"` || !strings.Contains(string(u.AppMetadata["address"]), `"Bern"`) || string(u.Attributes["preferred_username"]) != `"ada@Corp.example"` ||
			len(u.Identities) != 1 || u.Identities[0].UserID != "corp|ext-ada" {
			w.Errorf("the user: %s", text(u.Wire()))
		}
		if hash, err := w.st.PasswordHash(w.Context(), id); err == nil && hash != "" {
			w.Errorf("a password was kept")
		}
		made.has("meta/created", `"2026-11-25T12:00:00.000Z"`).has("meta/lastModified", `"2026-11-25T12:00:00.000Z"`)
		got := w.call("GET", at(id), "").is(200)
		if got.text != made.text {
			w.Errorf("read %s, made %s", got.text, made.text)
		}
		w.call("POST", "/Users", person("ada")).fails(409, "uniqueness")
		w.call("POST", "/Users", strings.Replace(person("ada"), "ext-ada", "other", 1)).fails(409, "uniqueness")
		w.call("POST", "/Users", strings.NewReplacer("ext-ada", "other", "ada@", "ADA@").Replace(person("ada"))).fails(409, "uniqueness")
		for _, name := range []string{"", `"userName":"",`, `"userName":" ",`} {
			w.call("POST", "/Users", `{"schemas":["`+userURN+`"],`+name+`"externalId":"ext-nameless"}`).fails(400, "invalidValue")
		}
		w.clock.advance(time.Minute)

		// Okta's example of a PUT leaves out what it created the person by.
		w.call("PUT", at(id), strings.Replace(person("ada"), `"externalId":"ext-ada",`, "", 1)).is(200).has("externalId", `"ext-ada"`)
		w.call("PUT", at(id), strings.Replace(person("ada"), `"ext-ada"`, `null`, 1)).is(200).has("externalId", `"ext-ada"`)
		w.call("PUT", at(id), strings.Replace(person("ada"), `"ext-ada"`, `"ext-bob"`, 1)).fails(400, "mutability")
		w.call("PUT", at(id), `{"schemas":["`+userURN+`"],"USERNAME":"ada@corp.example","externalId":"ext-ada","id":"other","groups":[{"value":"grp_of_mine"}],"meta":{"created":"1999-01-01T00:00:00Z"},"emails":[{"value":"new@corp.example"}]}`).is(200).
			has("meta/created", `"2026-11-25T12:00:00.000Z"`).has("meta/lastModified", `"2026-11-25T12:01:00.000Z"`).has("groups", "null").
			has("userName", `"ada@corp.example"`).has("id", text(id)).has("displayName", "null").has(enterpriseURN, "null").has("active", "true")
		if u = w.user(id); u.Email != "new@corp.example" || u.GivenName != "" || u.AppMetadata["department"] != nil || u.AppMetadata["address"] != nil {
			w.Errorf("after PUT: %s", text(u.Wire()))
		}
		w.call("DELETE", at(id), "").is(204)
		w.call("GET", at(id), "").fails(404, "")
		w.call("DELETE", at(id), "").fails(404, "")
		w.call("PUT", at(id), person("ada")).fails(404, "")
		if _, err := w.st.User(w.Context(), id); !stagedoor.IsKind(err, stagedoor.NotFound) {
			w.Errorf("the user is there: %v", err)
		}
	})
}

// TestTakeOver provisions somebody who has logged in before, and nobody else's user.
func TestTakeOver(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.Context()
		known := &stagedoor.User{ID: "okta|corp|ext-bob", Connection: "corp", Picture: "https://example.com/bob.png"}
		w.ok(w.st.CreateUser(ctx, known, ""))
		w.call("GET", at(known.ID), "").fails(404, "")
		w.call("POST", "/Users", person("bob")).is(201).has("id", text(known.ID))
		if u := w.user(known.ID); u.GivenName != "bob" || u.Picture != known.Picture {
			w.Errorf("taken over: %s", text(u.Wire()))
		}
		primary := &stagedoor.User{ID: "auth0|main", Connection: "Users", Email: "main@example.com", Identities: []stagedoor.Identity{{Connection: "Users", Provider: "auth0", UserID: "main"}}}
		w.ok(w.st.CreateUser(ctx, primary, ""))
		_, err := w.st.LinkIdentity(ctx, primary.ID, stagedoor.Identity{Connection: "corp", Provider: "okta", UserID: "corp|ext-cy"}, true)
		w.ok(err)
		w.call("POST", "/Users", person("cy")).fails(409, "uniqueness")
		w.call("GET", at(primary.ID), "").fails(404, "")
		w.call("DELETE", at(primary.ID), "").fails(404, "")
		w.call("PATCH", at(primary.ID), patchOf(`{"op":"replace","path":"active","value":false}`)).fails(404, "")
	})
}

// TestActive blocks and lets in again, as directories really say it.
func TestActive(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.Context()
		id := w.call("POST", "/Users", person("ada")).id()
		w.ok(w.st.CreateClient(ctx, &stagedoor.Client{ID: "app", Name: "App"}))
		soon := w.clock.Now().Add(time.Hour)
		w.ok(w.st.CreateSession(ctx, "handle", &stagedoor.Session{ID: "sid", UserID: id, ExpiresAt: soon, IdleExpiresAt: soon}))
		for i, off := range []string{
			`{"op":"Replace","path":"active","value":"False"}`, `{"op":"replace","value":{"active":false}}`, `{"op":"REPLACE","path":"` + userURN + `:active","value":false}`, `{"op":"add","value":{"Active":"false"}}`,
		} {
			w.call("PATCH", at(id), patchOf(off)).is(200).has("active", "false")
			if u := w.user(id); !u.IsBlocked() {
				w.Errorf("%s blocks nobody", off)
			}
			if _, err := w.st.SessionByHandle(ctx, "handle"); i == 0 && !stagedoor.IsKind(err, stagedoor.NotFound) {
				w.Errorf("the session of who is blocked: %v", err)
			}
			w.call("PUT", at(id), strings.Replace(person("ada"), `"active":true,`, "", 1)).is(200).has("active", "false") // silence lets nobody in
			w.call("PATCH", at(id), patchOf(`{"op":"Replace","path":"active","value":"True"}`)).is(200).has("active", "true")
			if u := w.user(id); u.IsBlocked() {
				w.Errorf("active:true after %s blocks", off)
			}
		}
		blocked := true
		_, err := w.st.UpdateUser(ctx, id, func(u *stagedoor.User) error { u.Blocked = &blocked; return nil })
		w.ok(err)
		w.call("GET", at(id), "").is(200).has("active", "false")
		w.call("PATCH", at(id), patchOf(`{"op":"replace","path":"nickName","value":"A"}`)).is(200).has("active", "false")
		if u := w.user(id); !u.IsBlocked() || u.Nickname != "A" {
			w.Errorf("another change lets in: %s", text(u.Wire()))
		}
	})
}

// TestPatch changes users as RFC 7644 says it and as directories do.
func TestPatch(t *testing.T) {
	one(t, func(w *world) {
		id := w.call("POST", "/Users", person("ada")).id()
		for _, c := range []struct{ operations, path, want string }{
			{`{"op":"Replace","path":"emails[type eq \"work\"].value","value":"w@corp.example"}`, "emails", `[{"type":"work","value":"w@corp.example","primary":true}]`},
			{`{"op":"Add","path":"emails[type eq \"home\"].value","value":"h@corp.example"}`, "emails", `[{"type":"work","value":"w@corp.example","primary":true},{"type":"home","value":"h@corp.example"}]`},
			{`{"op":"add","path":"emails","value":[{"value":"p@corp.example","primary":"True"}]}`, "emails", `[{"type":"work","value":"w@corp.example","primary":false},{"type":"home","value":"h@corp.example"},{"value":"p@corp.example","primary":true}]`},
			{`{"op":"remove","path":"emails[type eq \"home\"]"}`, "emails", `[{"type":"work","value":"w@corp.example","primary":false},{"value":"p@corp.example","primary":true}]`},
			{`{"op":"replace","path":"emails[type eq \"work\"].primary","value":true}`, "emails", `[{"type":"work","value":"w@corp.example","primary":true},{"value":"p@corp.example","primary":false}]`},
			{`{"op":"add","path":"phoneNumbers","value":[{"value":"1","primary":true}]},{"op":"add","path":"phoneNumbers","value":[{"value":"2","primary":true}]}`, "phoneNumbers", `[{"value":"1","primary":false},{"value":"2","primary":true}]`},
			{`{"op":"add","path":"phoneNumbers","value":[{"value":"1","primary":true},{"value":"3","primary":true}]}`, "phoneNumbers", `[{"value":"1","primary":false},{"value":"2","primary":false},{"value":"1","primary":false},{"value":"3","primary":true}]`},
			{`{"op":"replace","path":"password","value":"Correct-Horse-9"}`, "password", "null"},
			{`{"op":"replace","path":"emails","value":[{"type":"work","value":"x@corp.example","primary":true}]}`, "emails", `[{"type":"work","value":"x@corp.example","primary":true}]`},
			{`{"op":"replace","value":{"name.givenName":"Augusta","displayName":"Augusta"}}`, "name", `{"givenName":"Augusta","familyName":"Doe"}`},
			{`{"op":"replace","path":"name","value":{"familyName":"King"}}`, "name", `{"givenName":"Augusta","familyName":"King"}`},
			{`{"op":"Replace","path":"` + enterpriseURN + `:department","value":"Maths"}`, enterpriseURN, `{"department":"Maths","manager":{"value":"boss"}}`},
			{`{"op":"add","path":"` + enterpriseURN + `:manager","value":"other"}`, enterpriseURN + "/manager", `{"value":"other"}`},
			{`{"op":"add","value":{"` + enterpriseURN + `":{"costCenter":"1"}}}`, enterpriseURN, `{"department":"Maths","manager":{"value":"other"},"costCenter":"1"}`},
			{`{"op":"remove","path":"` + enterpriseURN + `:manager"}`, enterpriseURN, `{"department":"Maths","costCenter":"1"}`},
			{`{"op":"Add","path":"roles","value":[{"value":"a"}]},{"op":"Add","path":"roles","value":[{"value":"a"},{"value":"b"}]}`, "roles", `[{"value":"a"},{"value":"b"}]`},
			{`{"op":"Replace","path":"nickName","value":null}`, "nickName", "null"},
			{`{"op":"remove","path":"displayName"}`, "displayName", "null"},
			{`{"op":"replace","value":{"id":"other","schemas":[],"title":"Countess"}}`, "title", `"Countess"`},
		} {
			w.call("PATCH", at(id), patchOf(c.operations)).is(200).has(c.path, c.want)
		}
		u := w.user(id)
		if u.Email != "x@corp.example" || u.GivenName != "Augusta" || u.FamilyName != "King" || string(u.AppMetadata["department"]) != `"Maths"` || string(u.AppMetadata["work_email"]) != `"x@corp.example"` {
			w.Errorf("the user: %s", text(u.Wire()))
		}
		before := w.call("GET", at(id), "").text
		for _, c := range []struct{ body, scimType string }{
			{patchOf(`{"op":"replace","path":"emails[type eq \"other\"].value","value":"x@y.z"}`), "noTarget"},
			{patchOf(`{"op":"remove"}`), "noTarget"},
			{patchOf(`{"op":"replace","path":"id","value":"x"}`), "mutability"},
			{patchOf(`{"op":"replace","path":"meta.created","value":"1999-01-01T00:00:00Z"}`), "mutability"},
			{patchOf(`{"op":"replace","path":"schemas","value":[]}`), "mutability"},
			{patchOf(`{"op":"replace","path":"groups","value":[]}`), "mutability"},
			{patchOf(`{"op":"replace","path":"externalId","value":"x"}`), "mutability"},
			{patchOf(`{"op":"replace","path":"emails[type eq","value":"x"}`), "invalidPath"},
			{patchOf(`{"op":"replace","path":"active","value":"perhaps"}`), "invalidValue"},
			{patchOf(`{"op":"replace","path":"userName","value":null}`), "invalidValue"},
			{patchOf(`{"op":"replace","path":"emails","value":[{"primary":true,"value":"no address"}]}`), "invalidValue"},
			{patchOf(`{"op":"add","path":"title","value":"kept?"},{"op":"add","path":"displayName","value":"a\u0000b"}`), "invalidValue"},
			{patchOf(`{"op":"move","path":"title"}`), "invalidSyntax"},
			{patchOf(``), "invalidSyntax"},
			{`{"Operations":[{"op":"add","path":"title","value":"x"}]}`, "invalidSyntax"},
			{`{`, "invalidSyntax"},
		} {
			w.call("PATCH", at(id), c.body).fails(400, c.scimType)
		}
		if after := w.call("GET", at(id), "").text; after != before {
			w.Errorf("refused operations changed\n%s\nto\n%s", before, after)
		}
	})
}

// TestList pages and filters.
func TestList(t *testing.T) {
	each(t, func(w *world) {
		for _, name := range []string{"ada", "bob", "cy"} {
			w.call("POST", "/Users", person(name)).is(201)
			w.clock.advance(time.Second)
		}
		w.call("PATCH", at("okta|corp|ext-cy"), patchOf(`{"op":"replace","path":"active","value":false}`)).is(200)
		w.ok(w.st.CreateUser(w.Context(), &stagedoor.User{ID: "auth0|eve", Connection: "Users", Email: "eve@example.com"}, ""))
		w.call("GET", "/Users", "").is(200).has("totalResults", "3").has("itemsPerPage", "3").has("startIndex", "1").has("schemas", `["urn:ietf:params:scim:api:messages:2.0:ListResponse"]`)
		w.call("GET", "/Users?startIndex=2&count=1", "").is(200).has("totalResults", "3").has("Resources/0/externalId", `"ext-bob"`).has("Resources/1", "null")
		w.call("GET", "/Users?startIndex=-5&count=-1", "").is(200).has("totalResults", "3").has("startIndex", "1").has("Resources", "[]")
		for filter, want := range map[string]string{
			`userName eq "ADA@corp.example"`: "ext-ada", `externalId eq "ext-bob"`: "ext-bob", `externalId eq "EXT-BOB"`: "", `id eq "okta|corp|ext-cy"`: "ext-cy",
			`userName eq "ada@corp.example" and active eq false`: "", `emails[type eq "work"].value eq "bob@corp.example"`: "ext-bob", `emails.value co "cy@"`: "ext-cy",
			`emails eq "ada@corp.example"`: "ext-ada", `name.givenName sw "b"`: "ext-bob", `active eq false`: "ext-cy", `active eq "False"`: "ext-cy", `not (active eq true)`: "ext-cy",
			`userName ew "example" and (name.givenName eq "cy" or displayName eq "nobody")`: "ext-cy", `meta.lastModified lt "2026-11-25T12:00:00.500Z"`: "ext-ada",
			enterpriseURN + `:department eq "sales"`: "ext-ada ext-bob ext-cy", `nickName pr`: "", `userName eq "a\"b"`: "", `emails[type eq "work" and primary eq true]`: "ext-ada ext-bob ext-cy",
			`id eq "auth0|eve"`: "", `externalId eq "EXT-BOB" and active eq true`: "", `externalId sw "EXT"`: "", `externalId sw "ext-c"`: "ext-cy", `name.givenName eq "CY"`: "ext-cy",
		} {
			got := w.call("GET", "/Users?filter="+url.QueryEscape(filter), "").is(200)
			var found []string
			for _, one := range got.body["Resources"].([]any) {
				found = append(found, one.(map[string]any)["externalId"].(string))
			}
			if strings.Join(found, " ") != want || got.body["totalResults"] != float64(len(found)) {
				w.Errorf("%s finds %v, want %s", filter, found, want)
			}
		}
		for _, filter := range []string{`userName`, `userName eq`, `userName eq ada`, `(userName pr`, `active gt true`, `userName co 1`, strings.Repeat("(", 3000), `userName eq "\u0000"`} {
			w.call("GET", "/Users?filter="+url.QueryEscape(filter), "").fails(400, "invalidFilter")
		}
		w.call("GET", "/Users?count=many", "").fails(400, "invalidValue")
		w.call("POST", "/Users/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"filter":"userName sw \"b\"","attributes":["name.familyName"]}`).is(200).
			has("Resources/0/name", `{"familyName":"Doe"}`).has("Resources/0/userName", "null").has("Resources/0/id", `"okta|corp|ext-bob"`)
		w.call("POST", "/Users/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"startIndex":2,"count":1,"excludedAttributes":["name"]}`).is(200).
			has("totalResults", "3").has("startIndex", "2").has("Resources/0/externalId", `"ext-bob"`).has("Resources/0/name", "null").has("Resources/1", "null")
		w.call("GET", at("okta|corp|ext-ada")+"?attributes=userName,"+enterpriseURN+":department", "").is(200).has("userName", `"ada@Corp.example"`).has("name", "null").has(enterpriseURN, `{"department":"Sales"}`).
			has("schemas", `["`+userURN+`","`+enterpriseURN+`"]`).has("id", `"okta|corp|ext-ada"`)
		w.call("GET", at("okta|corp|ext-ada")+"?excludedAttributes=emails,name.givenName,id", "").is(200).has("emails", "null").has("name", `{"familyName":"Doe"}`).has("id", `"okta|corp|ext-ada"`)
	})
}

// TestMembersByAddress takes members as clients name them that read an id off the end of its address: there it is percent-encoded.
func TestMembersByAddress(t *testing.T) {
	each(t, func(w *world) {
		ada := w.call("POST", "/Users", person("ada")).is(201)
		ref := ada.body["meta"].(map[string]any)["location"].(string)
		last := ref[strings.LastIndex(ref, "/")+1:]
		if last == ada.id() {
			t.Fatal("the address has the id as it is")
		}
		member := `{"value":` + text(last) + `,"$ref":` + text(ref) + `,"type":"User"}`
		made := w.call("POST", "/Groups", `{"schemas":["`+groupURN+`"],"displayName":"Team","members":[`+member+`]}`).is(201).has("members/0/value", text(ada.id()))
		group := "/Groups/" + made.id()
		w.call("PATCH", group, patchOf(`{"op":"replace","path":"members","value":[`+member+`]}`)).is(204)
		w.call("PUT", group, `{"schemas":["`+groupURN+`"],"displayName":"Team","members":[`+member+`]}`).is(200).has("members/0/value", text(ada.id()))
		w.call("PATCH", group, patchOf(`{"op":"add","path":"members","value":[{"value":`+text(last)+`}]}`)).fails(400, "invalidValue") // an id is an id
	})
}

// TestMethodsAndSearch tells what is not taken from what is not there (RFC 7644 sections 3.12 and 4).
func TestMethodsAndSearch(t *testing.T) {
	one(t, func(w *world) {
		for _, path := range []string{"/ServiceProviderConfig", "/ResourceTypes", "/ResourceTypes/User", "/Schemas"} {
			for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
				got := w.call(method, path, "{}")
				if got.is(405); got.header.Get("Allow") != "GET, HEAD" || !strings.Contains(got.header.Get("Content-Type"), "scim+json") {
					w.Errorf("%s %s: %v", method, path, got.header)
				}
			}
		}
		w.call("DELETE", "/Users", "").is(405)
		w.call("GET", "/Nothing", "").is(404)
		w.call("POST", "/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}`).is(501)
	})
}

// TestGroups makes groups, fills them and empties them, as directories do.
func TestGroups(t *testing.T) {
	each(t, func(w *world) {
		ada, bob := w.call("POST", "/Users", person("ada")).id(), w.call("POST", "/Users", person("bob")).id()
		member := func(id string) string { return `{"value":` + text(id) + `}` }
		made := w.call("POST", "/Groups", `{"schemas":["`+groupURN+`"],"displayName":"Team","externalId":"x","members":[`+member(ada)+`]}`).is(201).
			has("displayName", `"Team"`).has("externalId", `"x"`).has("members/0/value", text(ada)).has("members/0/type", `"User"`)
		id := made.id()
		group := "/Groups/" + id
		if !strings.HasPrefix(id, "grp_") {
			w.Errorf("id %s", id)
		}
		w.call("GET", at(ada), "").is(200).has("groups", `[{"value":"`+id+`","display":"Team","type":"direct","$ref":"`+w.url+group+`"}]`)
		w.call("POST", "/Groups", `{"schemas":["`+groupURN+`"],"displayName":"Team"}`).fails(409, "uniqueness")
		w.call("POST", "/Groups", `{"schemas":["`+groupURN+`"],"displayName":" "}`).fails(400, "invalidValue")
		w.call("POST", "/Groups", `{"schemas":["`+groupURN+`"],"displayName":"O","members":[{"value":"auth0|nobody"}]}`).fails(400, "invalidValue")
		w.call("POST", "/Groups", `{"schemas":["`+groupURN+`"],"displayName":"O","members":[{"value":"`+id+`","type":"Group"}]}`).fails(400, "invalidValue")
		who := func() string {
			got := w.call("GET", group, "").is(200)
			names := []string{}
			all, _ := got.body["members"].([]any)
			for _, one := range all {
				names = append(names, strings.TrimPrefix(one.(map[string]any)["value"].(string), "okta|corp|ext-"))
			}
			return strings.Join(names, " ")
		}
		for _, c := range []struct{ operations, want string }{
			{`{"op":"Add","path":"members","value":[` + member(bob) + `]}`, "ada bob"},
			{`{"op":"Remove","path":"members","value":[` + member(ada) + `]}`, "bob"},
			{`{"op":"add","value":{"members":[` + member(ada) + `]}}`, "bob ada"},
			{`{"op":"remove","path":"members[value eq ` + strings.ReplaceAll(text(bob), `"`, `\"`) + `]"}`, "ada"},
			{`{"op":"replace","path":"members","value":[` + member(bob) + `]}`, "bob"},
			{`{"op":"remove","path":"members"},{"op":"add","path":"members","value":[` + member(ada) + `]}`, "ada"},
			{`{"op":"replace","value":{"id":"` + id + `","displayName":"Team 2"}}`, "ada"},
		} {
			w.clock.advance(time.Second)
			if w.call("PATCH", group, patchOf(c.operations)).is(204); who() != c.want {
				w.Errorf("%s: %s, want %s", c.operations, who(), c.want)
			}
		}
		w.call("PATCH", group, patchOf(`{"op":"add","path":"members","value":[{"value":"auth0|nobody"}]}`)).fails(400, "invalidValue")
		w.call("PATCH", group+"?attributes=displayName", patchOf(`{"op":"replace","path":"displayName","value":"Team 3"}`)).is(200).has("displayName", `"Team 3"`).has("members", "null")
		w.call("PUT", group, `{"schemas":["`+groupURN+`"],"displayName":"Team","members":[`+member(bob)+`]}`).is(200).has("externalId", "null")
		if who() != "bob" {
			w.Errorf("members after PUT of another: %s", who())
		}
		w.call("PUT", group, `{"schemas":["`+groupURN+`"],"displayName":"Team","members":[`+member(ada)+`,`+member(bob)+`]}`).is(200)
		for filter, want := range map[string]string{
			`displayName eq "team"`: "1", `externalId eq "x"`: "0", `id eq "` + id + `" and members eq "` + ada + `"`: "1", `members[value eq "` + bob + `"]`: "1", `members.value eq "nobody"`: "0",
			`id eq "grp_nobody"`: "0", `displayName sw "T"`: "1",
		} {
			w.call("GET", "/Groups?excludedAttributes=members&filter="+url.QueryEscape(filter), "").is(200).has("totalResults", want).has("Resources/0/members", "null")
		}
		w.call("GET", "/Groups?count=1", "").is(200).has("totalResults", "1").has("Resources/0/displayName", `"Team"`)
		w.call("DELETE", at(bob), "").is(204)
		if who() != "ada" {
			w.Errorf("members after the deletion of one: %s", who())
		}
		w.ok(w.st.CreateConnection(w.Context(), &stagedoor.Connection{ID: "con2", Name: "other", Strategy: "okta"}))
		theirs := &stagedoor.Group{Name: "Theirs", ConnectionID: "con2"}
		w.ok(w.st.CreateGroup(w.Context(), theirs, nil))
		for _, method := range []string{"GET", "PUT", "PATCH", "DELETE"} {
			body := map[string]string{"PUT": `{"schemas":["` + groupURN + `"],"displayName":"x"}`, "PATCH": patchOf(`{"op":"replace","path":"displayName","value":"x"}`)}[method]
			w.call(method, "/Groups/"+theirs.ID, body).fails(404, "")
		}
		w.call("GET", "/Groups?filter="+url.QueryEscape(`id eq "`+theirs.ID+`"`), "").is(200).has("totalResults", "0")
		w.call("DELETE", group, "").is(204)
		w.call("GET", group, "").fails(404, "")
	})
}

// TestVersions refuses changes of what has changed meanwhile.
func TestVersions(t *testing.T) {
	one(t, func(w *world) {
		user := at(w.call("POST", "/Users", person("ada")).id())
		group := "/Groups/" + w.call("POST", "/Groups", `{"schemas":["`+groupURN+`"],"displayName":"Team"}`).id()
		for path, change := range map[string]string{user: `{"op":"replace","path":"nickName","value":"B"}`, group: `{"op":"replace","path":"displayName","value":"B"}`} {
			old := w.call("GET", path, "").is(200).header.Get("ETag")
			if !strings.HasPrefix(old, `W/"`) {
				w.Errorf("version %s", old)
			}
			w.call("GET", path, "", "If-None-Match", old).is(304)
			w.call("PATCH", path, patchOf(change), "If-Match", old)
			w.call("GET", path, "", "If-None-Match", old).is(200)
			w.call("PATCH", path, patchOf(change), "If-Match", old).fails(412, "")
			w.call("DELETE", path, "", "If-Match", old).fails(412, "")
			w.call("DELETE", path, "", "If-Match", "*").is(204)
		}
	})
}

// attribute is the one of a name that a schema describes.
func attribute(schema map[string]any, name string) map[string]any {
	all, _ := schema["attributes"].([]any)
	for _, one := range all {
		if a, ok := one.(map[string]any); ok && a["name"] == name {
			return a
		}
	}
	return nil
}

// TestStrangers are told nothing: neither without a token, nor with one of another connection, of another scope, or too late.
func TestStrangers(t *testing.T) {
	one(t, func(w *world) {
		w.ok(w.st.CreateConnection(w.Context(), &stagedoor.Connection{ID: "con2", Name: "other", Strategy: "okta"}))
		w.ok(store.SCIMConfigs.Create(w.Context(), w.st, &stagedoor.SCIMConfig{ConnectionID: "con2", UserIDAttribute: "externalId", Tokens: []stagedoor.SCIMToken{{ID: "t", Hash: hash("tok_other"), Scopes: []string{"get:users"}}}}))
		for _, auth := range []string{"", "Bearer", "Bearer ", "Basic dDp0", "Bearer tok_other", "Bearer " + strings.Repeat("x", 5000), "Bearer " + hash(w.token)} {
			if got := w.call("GET", "/Users", "", "Authorization", auth).fails(401, ""); got.header.Get("WWW-Authenticate") != "Bearer" {
				w.Errorf("%v", got.header)
			}
		}
		here := w.url
		w.url = w.host + "/scim/v2/connections/con_nobody"
		w.call("GET", "/Users", "").fails(401, "")
		w.url = here
		w.call("GET", "/Users", "", "Authorization", "bearer tok_reads").is(200)
		w.call("POST", "/Users", person("ada"), "Authorization", "Bearer tok_reads").fails(403, "")
		w.call("GET", "/Groups", "", "Authorization", "Bearer tok_reads").fails(403, "")
		w.call("GET", "/ServiceProviderConfig", "", "Authorization", "Bearer tok_reads").is(200)
		config, err := store.SCIMConfigs.Get(w.Context(), w.st, "con")
		w.ok(err)
		if used := config.Tokens[1].LastUsedAt; used == nil || !used.Equal(w.clock.Now()) || config.Tokens[0].LastUsedAt != nil {
			w.Errorf("used: %v %v", used, config.Tokens[0].LastUsedAt)
		}
		w.clock.advance(25 * time.Hour)
		w.call("GET", "/Users", "", "Authorization", "Bearer tok_reads").fails(401, "")
		w.clock.advance(-25 * time.Hour)
	})
}

// TestHostileBodies are refused, and change nothing.
func TestHostileBodies(t *testing.T) {
	one(t, func(w *world) {
		nested := strings.Repeat(`{"a":`, 50) + "1" + strings.Repeat("}", 50)
		for body, want := range map[string]int{
			`[]`: 400, `null`: 400, `{"userName":"x"}`: 400, `{"schemas":["` + userURN + `"]}`: 400, `{"schemas":["` + userURN + `"],"userName":5,"externalId":"x"}`: 400,
			`{"schemas":["` + userURN + `"],"userName":"x"}`: 400, `{"schemas":["` + userURN + `"],"userName":"x","USERNAME":"y","externalId":"x"}`: 400,
			`{"schemas":["` + userURN + `"],"userName":"x","externalId":"x","emails":"a","name":[]}`:                          400,
			`{"schemas":["` + userURN + `"],"userName":"x","externalId":"x","emails":[1]}`:                                    400,
			`{"schemas":["` + userURN + `"],"userName":"x","externalId":"x","x":` + nested + `}`:                              400,
			`{"schemas":["` + userURN + `"],"userName":"x","externalId":"x\u0000"}`:                                           400,
			`{"schemas":["` + userURN + `"],"userName":"x","externalId":"x\ny"}`:                                              400,
			`{"schemas":["` + userURN + `"],"userName":"x","externalId":"` + strings.Repeat("x", 300) + `"}`:                  400,
			`{"schemas":["` + userURN + `"],"userName":"x","externalId":"x","roles":[` + strings.Repeat("{},", 2000) + `{}]}`: 400,
			`{"schemas":["` + userURN + `"],"userName":"x","externalId":"x","title":"` + strings.Repeat("x", 70<<10) + `"}`:   400,
			`{"schemas":["` + userURN + `"],"userName":"x","externalId":"x","title":"` + strings.Repeat("x", 2<<20) + `"}`:    413,
			`{"schemas":["` + userURN + `"],"userName":"x","externalId":"x","active":"maybe"}`:                                400,
			`{"schemas":["` + userURN + `"],"userName":"x","externalId":"x","emails":[{"primary":true,"value":"<script>"}]}`:  400,
			`{"schemas":["` + groupURN + `"],"userName":"x","externalId":"x"}`:                                                400,
		} {
			w.call("POST", "/Users", body).is(want)
		}
		w.call("POST", "/Users", person("ada"), "Content-Type", "text/plain").fails(415, "")
		w.call("POST", "/Users", person("ada"), "Content-Encoding", "gzip").fails(415, "")
		w.call("POST", "/Users", person("ada"), "Content-Type", "application/json; charset=utf-8").is(201)
		w.call("GET", "/Users", "").is(200).has("totalResults", "1")
		w.call("GET", "/Me", "").fails(501, "")
		w.call("GET", "/Nothing", "").fails(404, "")
	})
}

// TestSorted lists in an order that is asked for, whatever page (RFC 7644 section 3.4.2.3).
func TestSorted(t *testing.T) {
	each(t, func(w *world) {
		for _, name := range []string{"bob", "Ada", "cleo"} {
			w.call("POST", "/Users", person(name)).is(201)
			w.call("POST", "/Groups", `{"schemas":["`+groupURN+`"],"displayName":"`+name+`"}`).is(201)
		}
		w.call("POST", "/Users", `{"schemas":["`+userURN+`"],"externalId":"x","userName":"a-nobody","active":false}`).is(201)
		names := func(path, attribute, want string) {
			w.Helper()
			var got []string
			body := w.call("GET", path, "").is(200).body
			for _, one := range body["Resources"].([]any) {
				got = append(got, one.(map[string]any)[attribute].(string))
			}
			if strings.Join(got, " ") != want {
				w.Errorf("%s: %v, want %s", path, got, want)
			}
		}
		names("/Users?sortBy=userName&sortOrder=descending", "userName", "cleo@Corp.example bob@Corp.example Ada@Corp.example a-nobody")
		names("/Users?sortBy=displayName", "userName", "Ada@Corp.example bob@Corp.example cleo@Corp.example a-nobody")
		names("/Users?sortBy=name.givenName&sortOrder=descending&startIndex=2&count=2", "userName", "cleo@Corp.example bob@Corp.example")
		names("/Users?sortBy=emails", "userName", "Ada@Corp.example bob@Corp.example cleo@Corp.example a-nobody")
		names("/Users?sortBy=active&count=1", "userName", "a-nobody")
		names("/Users?sortBy="+enterpriseURN+":department&count=1&sortOrder=descending", "userName", "a-nobody")
		names("/Groups?sortBy=displayName", "displayName", "Ada bob cleo")
		names(`/Groups?sortBy=displayName&sortOrder=descending&filter=displayName+ne+"bob"`, "displayName", "cleo Ada")
		w.call("POST", "/Users/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"sortBy":"userName","count":1}`).is(200).has("Resources/0/userName", `"a-nobody"`).has("totalResults", "4")
		for _, q := range []string{"sortBy=emails%5Btype+eq+%22work%22%5D", "sortBy=members", "sortBy=userName&sortOrder=up", "sortBy=(((", "sortBy=" + enterpriseURN} {
			w.call("GET", "/Users?"+q, "").is(400)
		}
	})
}

// TestDiscovery tells what the server can do.
func TestDiscovery(t *testing.T) {
	one(t, func(w *world) {
		w.call("GET", "/ServiceProviderConfig", "").is(200).has("patch/supported", "true").has("bulk", `{"supported":true,"maxOperations":500,"maxPayloadSize":1048576}`).has("filter/supported", "true").has("sort/supported", "true").has("etag/supported", "true").
			has("authenticationSchemes/0/type", `"oauthbearertoken"`).has("changePassword/supported", "false").has("filter/maxResults", "200")
		w.call("GET", "/ResourceTypes", "").is(200).has("totalResults", "2").has("Resources/0/schemaExtensions/0/schema", `"`+enterpriseURN+`"`)
		w.call("GET", "/ResourceTypes/Group", "").is(200).has("endpoint", `"/Groups"`)
		w.call("GET", "/Schemas", "").is(200).has("totalResults", "3")
		w.call("GET", "/Schemas/"+userURN, "").is(200).has("attributes/0/name", `"userName"`).has("attributes/0/uniqueness", `"server"`).has("attributes/0/required", "true").has("attributes/0/caseExact", "false").
			has("attributes/1/caseExact", "true").has("attributes/1/multiValued", "false")
		for name, want := range map[string]string{"emails": "readWrite true", "groups": "readOnly true", "active": "readWrite false"} {
			if got := attribute(w.call("GET", "/Schemas/"+userURN, "").is(200).body, name); text(got["mutability"])+" "+text(got["multiValued"]) != text(strings.Fields(want)[0])+" "+strings.Fields(want)[1] {
				w.Errorf("%s: %s", name, text(got))
			}
		}
		members := attribute(w.call("GET", "/Schemas/"+groupURN, "").is(200).body, "members")
		if value := attribute(map[string]any{"attributes": members["subAttributes"]}, "value"); value["mutability"] != "immutable" {
			w.Errorf("members: %s", text(members))
		}
		// What a validator does by the schemas is taken: people have what the connection knows them by, and members are people.
		w.call("GET", "/Schemas/"+userURN, "").is(200).has("attributes/0/mutability", `"readWrite"`).has("attributes/1/name", `"externalId"`).has("attributes/1/required", "true").has("attributes/1/mutability", `"immutable"`)
		w.call("GET", "/Schemas/"+groupURN, "").is(200).has("attributes/2/subAttributes/1/referenceTypes", `["User"]`).has("attributes/2/subAttributes/3/canonicalValues", `["User"]`)
		w.call("GET", "/Schemas/nothing", "").fails(404, "")
		w.call("GET", "/Schemas?filter=id+pr", "").fails(403, "")
	})
}

// TestLog tells the tenant what was changed and what was refused, and nothing that is secret.
func TestLog(t *testing.T) {
	one(t, func(w *world) {
		w.call("POST", "/Users", person("ada")).is(201)
		w.call("POST", "/Users", person("ada")).is(409)
		w.call("GET", "/Users", "").is(200)
		w.call("GET", "/Users", "", "Authorization", "Bearer tok_wrong").is(401)
		logs, _, err := w.st.Logs(w.Context(), store.LogQuery{PerPage: 50})
		w.ok(err)
		var types []string
		for _, e := range logs {
			types = append(types, e.Type)
			if b := text(e); bytes.Contains([]byte(b), []byte("t0p-secret")) || strings.Contains(b, w.token) {
				w.Errorf("a secret in the log: %s", b)
			}
		}
		if got := strings.Join(types, " "); got != "fscim sscim" {
			w.Errorf("logged %s", got)
		}
	})
}
