package mgmt

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
)

// found calls a list with q and returns the ids of what came, by the member named.
func (h *house) found(path, q, more, member string) []string {
	h.Helper()
	got := h.call(h.machine("acme"), "GET", path+"?q="+url.QueryEscape(q)+more, "")
	if got.code != 200 {
		h.Errorf("q=%s: %d %s", q, got.code, got.body)
		return nil
	}
	var list []map[string]any
	h.ok(json.Unmarshal([]byte(got.body), &list))
	out := []string{}
	for _, item := range list {
		s, _ := item[member].(string)
		out = append(out, strings.TrimPrefix(s, "auth0|"))
	}
	return out
}

// listeners are the people of the searches.
func (h *house) listeners() {
	h.Helper()
	st, ctx := h.store("acme"), context.Background()
	yes, no := true, false
	for _, u := range []stagedoor.User{
		{
			ID: "auth0|jane", Email: "jane@exampleco.com", EmailVerified: true, Name: "Jane Smith", GivenName: "Jane", Blocked: &no,
			UserMetadata: stagedoor.Metadata{
				"favorite_color": raw(`"blue"`), "age": raw(`31`), "tags": raw(`["jazz","late night"]`),
				"addresses": raw(`[{"city":"Paris","zip":"75001"},{"city":"Lyon"}]`), "since": raw(`"2024-11-30T08:00:00.000Z"`), "nothing": raw(`[]`),
			},
			AppMetadata: stagedoor.Metadata{"plan_level": raw(`3`), "roles": raw(`["editor"]`)},
		},
		{
			ID: "auth0|jim", Email: "john@Example.com", Name: "John Doe", Nickname: "JD", Blocked: &yes,
			UserMetadata: stagedoor.Metadata{"favorite_color": raw(`"Blue"`), "age": raw(`17.5`), "addresses": raw(`{"city":"Berlin"}`), "since": raw(`"2025-12-05"`)},
			AppMetadata:  stagedoor.Metadata{"plan_level": raw(`10`), "vip": raw(`true`)},
		},
		{
			ID: "auth0|johanna", Email: "jo@sub.exampleco.com", Name: "johanna (jo)", FamilyName: "O'Neil", Username: "jojo",
			UserMetadata: stagedoor.Metadata{"favorite_color": raw(`"light blue"`), "age": raw(`"31"`), "note": raw(`"50% off_now"`)},
		},
		{ID: "google-oauth2|1", Email: "kim@example.com", Name: "Kim", PhoneNumber: "+4912345"},
	} {
		u.Connection = "Users"
		provider, id, _ := strings.Cut(u.ID, "|")
		u.Identities = []stagedoor.Identity{{Connection: "Users", Provider: provider, UserID: id, IsSocial: provider != "auth0"}}
		h.ok(st.CreateUser(ctx, &u, ""))
	}
	for range 2 {
		h.ok(st.RecordLogin(ctx, &stagedoor.User{ID: "auth0|jane"}, "192.0.2.7"))
	}
}

func raw(s string) json.RawMessage { return json.RawMessage(s) }

func TestSearchUsers(t *testing.T) {
	const jane, john, johanna, kim = "jane", "jim", "johanna", "google-oauth2|1"
	each(t, func(h *house) {
		h.listeners()
		for _, c := range []struct {
			q    string
			want []string
		}{
			// Fields and values, whole.
			{`email:"jane@exampleco.com"`, []string{jane}},
			{`email:jane@exampleco.com`, []string{jane}},
			{`email:"JANE@EXAMPLECO.COM"`, []string{jane}},
			{`name:"jane smith"`, []string{jane}},
			{`name:jane\ smith`, []string{jane}},
			{`name:jane`, []string{}},
			{`name:"johanna \(jo\)"`, []string{johanna}},
			{`user_id:"auth0|jane"`, []string{jane}},
			{`user_id:auth0|jane`, []string{jane}},
			{`family_name:"o'neil"`, []string{johanna}},
			{`username:jojo`, []string{johanna}},
			{`username:JOJO`, []string{}},
			{`phone_number:"+4912345"`, []string{kim}},
			{`phone_number:\+4912345`, []string{kim}},
			{`email.domain:"exampleco.com"`, []string{jane}},
			{`email.domain:example.com`, []string{john, kim}},
			{`identities.connection:"Users"`, []string{jane, john, johanna, kim}},
			{`identities.provider:"google-oauth2"`, []string{kim}},
			{`identities.user_id:1`, []string{kim}},
			{`identities.isSocial:true`, []string{kim}},
			{`connection:"Users"`, []string{}},
			{`nickname.raw:jd`, []string{}},
			{`blocked:true`, []string{john}},
			{`blocked:false`, []string{jane}},
			{`email_verified:false`, []string{john, johanna, kim}},
			{`logins_count:2`, []string{jane}},
			{`last_ip:"192.0.2.7"`, []string{jane}},
			// Bare words: profile fields, never metadata.
			{`jane`, []string{jane}},
			{`kim`, []string{kim}},
			{`blue`, []string{}},
			{`"john doe"`, []string{john}},
			{`jo*`, []string{john, johanna}},
			{`*`, []string{jane, john, johanna, kim}},
			{`*:*`, []string{jane, john, johanna, kim}},
			{``, []string{jane, john, johanna, kim}},
			// Wildcards.
			{`name:jo*`, []string{john, johanna}},
			{`name:j*`, []string{jane, john, johanna}},
			{`name:*ohn*`, []string{john}},
			{`name:*oha*`, []string{johanna}},
			{`email:*@exampleco.com`, []string{jane}},
			{`email:*exampleco*`, []string{jane, johanna}},
			{`name:j*e`, []string{john}},
			{`name:"jo*"`, []string{}},
			{`user_metadata.favorite_color:bl*`, []string{jane}},
			{`user_metadata.favorite_color:*blue`, []string{jane, johanna}},
			{`user_metadata.note:*%\ off_*`, []string{johanna}},
			{`user_metadata.note:*%_off*`, []string{}},
			// Metadata: every path, lists passed over, in their case.
			{`user_metadata.favorite_color:"blue"`, []string{jane}},
			{`user_metadata.favorite_color:Blue`, []string{john}},
			{`user_metadata.favorite_color:("blue" OR "light blue")`, []string{jane, johanna}},
			{`user_metadata.tags:jazz`, []string{jane}},
			{`user_metadata.tags:"late night"`, []string{jane}},
			{`user_metadata.addresses.city:"Paris"`, []string{jane}},
			{`user_metadata.addresses.city:Berlin`, []string{john}},
			{`user_metadata.addresses.city:(Lyon AND Paris)`, []string{jane}},
			{`app_metadata.plan_level:3`, []string{jane}},
			{`app_metadata.plan_level:3.0`, []string{jane}},
			{`app_metadata.vip:true`, []string{john}},
			{`app_metadata.roles:editor AND blocked:false`, []string{jane}},
			{`user_metadata.age:31`, []string{jane, johanna}}, // as a number and as a text
			// Ranges.
			{`logins_count:[1 TO 2]`, []string{jane}},
			{`logins_count:{0 TO 2}`, []string{}},
			{`logins_count:[2 TO *]`, []string{jane}},
			{`logins_count:[* TO 2}`, []string{}},
			{`logins_count:>=2`, []string{jane}},
			{`app_metadata.plan_level:[3 TO 10}`, []string{jane}},
			{`app_metadata.plan_level:{3 TO 10]`, []string{john}},
			{`user_metadata.age:[10 TO 20]`, []string{john}},
			{`user_metadata.age:["3" TO "4"]`, []string{johanna}},
			{`user_metadata.since:[2025-12 TO *]`, []string{john}},
			{`user_metadata.since:[2024-11 TO 2024-11]`, []string{jane}},
			{`name:[jane TO john]`, []string{jane, johanna}},
			{`name:[j TO k}`, []string{jane, john, johanna}},
			{`last_login:[2026-11-25 TO 2026-11-25]`, []string{jane}},
			{`last_login:[2026-11 TO *]`, []string{jane}},
			{`last_login:{2026-11 TO *]`, []string{}},
			{`last_login:[* TO 2026-11-25T12:00:00.000Z]`, []string{jane}},
			{`last_login:[* TO 2026-11-25T12:00:00.000Z}`, []string{}},
			{`last_login:2026-11-25`, []string{jane}},
			{`created_at:[2025 TO 2026]`, []string{jane, john, johanna, kim}},
			{`created_at:[2025 TO 2026-11-24]`, []string{}},
			{`updated_at:2026-11*`, []string{jane, john, johanna, kim}},
			// Booleans.
			{`name:kim OR name:"jane smith"`, []string{jane, kim}},
			{`name:kim name:"jane smith"`, []string{jane, kim}},
			{`name:j* AND NOT blocked:true`, []string{jane, johanna}},
			{`name:j* -blocked:true`, []string{jane, johanna}},
			{`+name:j* blocked:true`, []string{jane, john, johanna}},
			{`NOT name:j*`, []string{kim}},
			{`!name:j*`, []string{kim}},
			{`-name:j*`, []string{kim}},
			{`name:j* && (blocked:true || email_verified:true)`, []string{jane, john}},
			{`name:kim OR name:j* AND blocked:true`, []string{john, kim}},
			{`email:(*@example.com -kim*)`, []string{john}},
			// Existence. Null, {} and [] are not there.
			{`_exists_:logins_count`, []string{jane}},
			{`NOT _exists_:logins_count`, []string{john, johanna, kim}},
			{`_exists_:user_metadata.tags`, []string{jane}},
			{`_exists_:user_metadata.nothing`, []string{}},
			{`user_metadata.age:*`, []string{jane, john, johanna}},
			{`_exists_:blocked AND _exists_:app_metadata.vip`, []string{john}},
		} {
			if got := h.found("/users", c.q, "", "user_id"); !slices.Equal(got, c.want) {
				h.Errorf("q=%s: %q, want %q", c.q, got, c.want)
			}
		}
		for more, want := range map[string][]string{
			"&sort=name:1":                              {jane, johanna, john},
			"&sort=name:-1":                             {john, johanna, jane},
			"&sort=email:-1&per_page=1&page=1":          {johanna},
			"&sort=logins_count:-1":                     {jane, johanna, john},
			"&sort=last_login:1":                        {jane, john, johanna},
			"&connection=Users&sort=created_at:1":       {jane, john, johanna},
			"&connection=google":                        {},
			"&search_engine=v3&primary_order=false":     {jane, john, johanna},
			"&fields=user_id,email&include_fields=true": {jane, john, johanna},
		} {
			if got := h.found("/users", "name:j*", more, "user_id"); !slices.Equal(got, want) {
				h.Errorf("%s: %q, want %q", more, got, want)
			}
		}
		h.call(h.machine("acme"), "GET", "/users?q=name:j*&include_totals=true&per_page=2&page=1&fields=user_id", "").
			is(200, `{"start":2,"limit":2,"length":1,"total":3,"users":[{"user_id":"auth0|johanna"}]}`)
	})
}

// What is written is found at once, and no more under its old value.
func TestSearchIsConsistent(t *testing.T) {
	each(t, func(h *house) {
		kim, all := h.user("kim", `,"user_metadata":{"mood":{"now":"blue"}}`), h.machine("acme")
		is := func(q string, want int) {
			h.Helper()
			if got := h.found("/users", q, "", "user_id"); len(got) != want {
				h.Errorf("q=%s: %q, want %d", q, got, want)
			}
		}
		is(`user_metadata.mood.now:blue`, 1)
		h.call(all, "PATCH", "/users/"+kim, `{"user_metadata":{"mood":{"then":"red"}}}`).is(200, "")
		is(`user_metadata.mood.now:blue`, 0)
		is(`user_metadata.mood.then:red`, 1)
		h.call(all, "PATCH", "/users/"+kim, `{"user_metadata":{},"name":"New"}`).is(200, "")
		is(`_exists_:user_metadata.mood.then`, 0)
		is(`name:new`, 1)
		is(`updated_at:[2026-11-25T12:00:00.000Z TO 2026-11-25T12:00:00.000Z]`, 1)
		h.call(all, "DELETE", "/users/"+kim, "").is(204, "")
		is(`*`, 0)
	})
}

func TestSearchRefusals(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	h.listeners()
	const paging = "You can only page through the first 1000 records. See https://auth0.com/docs/users/search/v3/view-search-results-by-page#limitation"
	for _, c := range []struct{ q, reason string }{
		{`(name:a`, `Syntax error at character 1: this ( is not closed`},
		{`name:a)`, `Syntax error at character 7: there is no ( for this )`},
		{`name:"a`, `Syntax error at character 6: this quote is not closed`},
		{`name:`, `Syntax error at character 6: the query ends where a word is expected`},
		{`name:a AND`, `Syntax error at character 11: the query ends where a word is expected`},
		{`AND a`, `Syntax error at character 1: AND has nothing on its left`},
		{`a OR OR b`, `Syntax error at character 6: OR has nothing on its left`},
		{`Ärger ()`, `Syntax error at character 7: there is nothing between these brackets`},
		{`a:b:c`, `Syntax error at character 4: a second colon; write \: or put the value in quotes`},
		{`name:j?hn`, `Syntax error at character 7: the wildcard ? is not supported; escape it if it belongs to the word`},
		{`name:jon~`, `Syntax error at character 9: fuzzy search is not supported; escape the ~ if it belongs to the word`},
		{`name:jon^2`, `Syntax error at character 9: boosting is not supported; escape the ^ if it belongs to the word`},
		{`name:/jo.*/`, `Syntax error at character 6: regular expressions are not supported; escape the / if it belongs to the word`},
		{`name:*hn`, `Syntax error at character 6: after a leading wildcard at least 3 characters must be given`},
		{`n:[1 TO 2`, `Syntax error at character 3: this range is not closed`},
		{`n:[1 2]`, `Syntax error at character 6: a range is written [from TO to]`},
		{`n:[TO 2]`, `Syntax error at character 7: a range is written [from TO to]`},
		{`n:[1 TO 2*]`, `Syntax error at character 9: a bound of a range cannot hold wildcards`},
		{`[1 TO 2]`, `Syntax error at character 1: a range needs a field, as in field:[1 TO 2]`},
		{`user_metadata.*:x`, `Syntax error at character 1: the name of a field cannot hold wildcards`},
		{`a:(b:c)`, `Syntax error at character 4: a field within the brackets of the field a`},
		{`created_at:[yesterday TO *]`, `Syntax error at character 13: this is no date; write it as 2026-01-31, shorter, or with a time as 2026-01-31T12:00:00Z`},
		{`last_login:soon`, `Syntax error at character 12: this is no date; write it as 2026-01-31, shorter, or with a time as 2026-01-31T12:00:00Z`},
		{`a\`, `Syntax error at character 2: a backslash has nothing to escape`},
		{`]`, `Syntax error at character 1: "]" where a word is expected`},
		{strings.Repeat("(", 60) + "a" + strings.Repeat(")", 60), `Syntax error at character 52: more than 50 levels of brackets`},
		{strings.Repeat("a ", 1025), `Syntax error at character 2049: more than 1024 conditions`},
		{strings.Repeat("- ", 60) + "a", `Syntax error at character 102: more than 50 signs before one condition`},
		{`name:a` + strings.Repeat("*b", 11), `Syntax error at character 6: more than 10 wildcards in one word`},
	} {
		h.call(all, "GET", "/users?q="+url.QueryEscape(c.q), "").
			fails(400, "invalid_query_string", "Query validation error: '"+c.reason+"' on property q (Query in Lucene query string syntax).")
	}
	h.call(all, "GET", "/users?q=a%00b", "").fails(400, "invalid_query_string", "Query validation error: 'Texts must be valid Unicode without NUL characters' on property q (Query in Lucene query string syntax).")
	h.call(all, "GET", "/users?q="+strings.Repeat("a", 16<<10), "").fails(414, "", "The query string is longer than 16384 bytes.")
	for _, page := range []string{"/users?page=10&per_page=100", "/users?q=a&page=20", "/logs?page=10&per_page=100", "/users/x/logs?page=20"} {
		h.call(all, "GET", page, "").is(200, "[]")
	}
	h.call(all, "PATCH", "/tenants/settings", `{"stagedoor":{"max_search_results":1000}}`).is(200, "")
	for _, page := range []string{"/users?page=10&per_page=100", "/users?q=a&page=20", "/logs?page=10&per_page=100", "/users/x/logs?page=20"} {
		h.call(all, "GET", page, "").fails(400, "invalid_paging", paging)
	}
	h.call(all, "GET", "/users?page=9&per_page=100", "").is(200, "[]")
	h.call(all, "GET", "/users?q=name:a&sort=user_metadata.a:1", "").fails(400, "invalid_query_string", "Query validation error: 'No enum match for: user_metadata.a' on property sort.")
	h.call(all, "GET", "/users?q=name:a&sort=name", "").is(400, "")
}

// Queries that are made to hurt find nothing, or what they say, and nothing else.
func TestHostileSearch(t *testing.T) {
	each(t, func(h *house) {
		h.listeners()
		var ids []string
		for i := range 300 {
			ids = append(ids, fmt.Sprintf(`"auth0|%d"`, i))
		}
		for q, want := range map[string]int{
			`name:"' OR 1=1 --"`: 0, `name:"%"`: 0, `name:_*`: 0, `name:\%*`: 0, `name:"\"; DROP TABLE attr; --"`: 0,
			`user_metadata.a'b\"c:x`: 0, `user_metadata.note:50%*`: 1, `user_metadata.note:50\%\ off_now`: 1, `user_metadata.note:"50_ off_now"`: 0,
			`name:[* TO ￿]`: 4, "name:\U0010ffff*": 0, `name:"[a-z]*"`: 0, `name:[a-z]`: -1, `name:j[a-z]*`: -1, `name:j\[a-z\]*`: 0,
			`user_id:(` + strings.Join(ids, " OR ") + ` OR "auth0|jane")`:           1,
			strings.Repeat("(", 49) + `name:"jane smith"` + strings.Repeat(")", 49): 1,
			strings.Repeat("NOT (", 49) + `name:kim` + strings.Repeat(")", 49):      3,
			`user_metadata.age:1e400`: 0, `user_metadata.age:[-1e999999999 TO 1e999999999]`: 2, `user_metadata.age:0000031`: 0, `user_metadata.age:31.00`: 1,
			strings.TrimSuffix(strings.Repeat("name:*qqq* OR email:*zzz* OR ", 60), " OR "): 0,
		} {
			got := h.call(h.machine("acme"), "GET", "/users?include_totals=true&q="+url.QueryEscape(q), "")
			if want < 0 && got.code != 400 || want >= 0 && (got.code != 200 || got.get("total") != float64(want) || got.get("length") != float64(want)) {
				h.Errorf("q=%.100s: %d %.300s, want %d", q, got.code, got.body, want)
			}
		}
		if got := h.call(h.machine("acme"), "GET", "/users", "").is(200, ""); strings.Count(got.body, `"user_id":"auth0|`) != 3 {
			h.Errorf("users are gone: %s", got.body)
		}
	})
}

func TestExplain(t *testing.T) {
	each(t, func(h *house) {
		h.listeners()
		got := h.call(h.machine("acme"), "GET", "/users?explain=true&include_totals=true&fields=user_id&q="+url.QueryEscape(`user_metadata.favorite_color:blue AND name:j*`), "").is(200, "")
		if got.get("length") != 1.0 || got.get("start") != 0.0 || encode(got.get("users")) != `[{"user_id":"auth0|jane"}]` {
			h.Errorf("the answer: %s", got.body)
		}
		if tree := got.text("explain", "tree"); tree != `(user_metadata.favorite_color = text "blue" and name begins with "j")` {
			h.Errorf("tree: %s", tree)
		}
		for _, want := range []string{`"rows":1`, "read the rows of", "SELECT", `"users_read":`, `"total":"the page was the last`} {
			if !strings.Contains(got.body, want) {
				h.Errorf("no %s in %s", want, got.body)
			}
		}
	})
}

func TestSearchLogs(t *testing.T) {
	each(t, func(h *house) {
		st := h.store("acme")
		for i, e := range []stagedoor.LogEvent{
			{Type: "s", UserID: "auth0|jane", UserName: "jane@x.test", ClientID: "web_acme", ClientName: "Web App", IP: "192.0.2.7", Connection: "Users", Description: "in"},
			{Type: "f", UserName: "jane@x.test", IP: "192.0.2.8", Connection: "Users", Description: "Wrong email or password."},
			{Type: "fp", UserID: "auth0|john", IP: "2001:db8::1", UserAgent: strings.Repeat("Mozilla ", 60), Strategy: "auth0"},
			{Type: "sapi", Description: "Update a User", ClientID: "cli"},
		} {
			e.ID, e.Date = fmt.Sprint("900", i), start.AddDate(0, 0, i-3)
			st.Log(e)
		}
		for _, c := range []struct {
			q    string
			want []string
		}{
			{`type:s`, []string{"s"}},
			{`type:"sapi"`, []string{"sapi"}},
			{`type:(s OR fp)`, []string{"fp", "s"}},
			{`type:f*`, []string{"fp", "f"}},
			{`NOT type:f*`, []string{"sapi", "s"}},
			{`user_id:"auth0|jane"`, []string{"s"}},
			{`user_name:jane@x.test AND type:f`, []string{"f"}},
			{`client_id:cli`, []string{"sapi"}},
			{`client_name:"Web App"`, []string{"s"}},
			{`client_name:"web app"`, []string{}},
			{`connection:Users`, []string{"f", "s"}},
			{`ip:"2001:db8::1"`, []string{"fp"}},
			{`ip:192.0.2.*`, []string{"f", "s"}},
			{`log_id:9001`, []string{"f"}},
			{`strategy:auth0 strategy_type:x`, []string{"fp", "f", "s"}}, // also those that the connection tells
			{`strategy_type:database AND type:f*`, []string{"fp", "f"}},
			{`description:*password*`, []string{"f"}},
			{`description:"Update a User"`, []string{"sapi"}},
			{`jane@x.test`, []string{"f", "s"}},
			{`date:[2026-11-24 TO *]`, []string{"sapi", "fp"}},
			{`date:[2026-11-23 TO 2026-11-24}`, []string{"f"}},
			{`date:2026-11-22`, []string{"s"}},
			{`date:{2026-11-23 TO *] -type:sapi`, []string{"fp"}},
			{`user_agent:"` + strings.Repeat("Mozilla ", 60) + `"`, []string{"fp"}},
			{`user_agent:"` + strings.Repeat("Mozilla ", 59) + `"`, []string{}},
			{`user_agent:Mozilla*`, []string{"fp"}},
			{`_exists_:user_id`, []string{"fp", "s"}},
			{`NOT _exists_:client_id`, []string{"fp", "f"}},
			{`_exists_:date AND type:[f TO g]`, []string{"fp", "f"}},
			{`organization_id:org_1`, []string{}},
			{``, []string{"sapi", "fp", "f", "s"}},
		} {
			if got := h.found("/logs", c.q, "", "type"); !slices.Equal(got, c.want) {
				h.Errorf("q=%s: %q, want %q", c.q, got, c.want)
			}
		}
		all := h.machine("acme")
		h.call(all, "GET", "/logs?search=type:s&fields=type&include_totals=true", "").is(200, `{"start":0,"limit":50,"length":1,"total":1,"logs":[{"_id":"9000","type":"s"}]}`)
		if got := h.found("/users/auth0%7Cjane/logs", "type:s", "", "type"); !slices.Equal(got, []string{"s"}) {
			h.Errorf("a user's logs: %q", got)
		}
		if got := h.found("/users/auth0%7Cjane/logs", "type:f", "", "type"); len(got) > 0 {
			h.Errorf("a user's logs: %q", got)
		}
		h.call(all, "GET", "/logs?q=colour:red", "").fails(400, "invalid_query_string", "Query validation error: 'Syntax error at character 1: there is no field \"colour\"; there are "+
			"client_id, client_name, connection, connection_id, date, description, hostname, ip, log_id, organization_id, strategy, strategy_type, type, user_agent, user_id, user_name' "+
			"on property q (Query in Lucene query string syntax).")
		h.call(all, "GET", "/logs?search=(type:s", "").fails(400, "invalid_query_string", "Query validation error: 'Syntax error at character 1: this ( is not closed' on property search (Query in Lucene query string syntax).")
		h.call(all, "GET", "/logs?q=date:x", "").is(400, "")
	})
}

func TestSearchClients(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	for _, body := range []string{`{"name":"Player","app_type":"spa","description":"plays music"}`, `{"name":"Robot","app_type":"non_interactive","is_first_party":false}`} {
		h.call(all, "POST", "/clients", body).is(201, "")
	}
	robot := h.found("/clients", "name:Robot", "", "client_id")[0]
	h.call(all, "POST", "/resource-servers", `{"identifier":"urn:api"}`).is(201, "")
	h.call(all, "POST", "/client-grants", `{"client_id":"`+robot+`","audience":"urn:api","scope":[]}`).is(201, "")
	for q, want := range map[string][]string{
		`app_type:spa`: {"Player"}, `name:(Player OR Robot)`: {"Player", "Robot"}, `Robot`: {"Robot"}, robot: {"Robot"}, `is_first_party:false`: {"Robot"}, `name:P*`: {"Player"},
		`description:*music*`: {"Player"}, `client_grant.allow_any_organization:false`: {"Robot"}, `client_grant.allow_any_organization:true`: {}, `_exists_:client_grant.organization_id`: {},
		`name:R* AND NOT app_type:spa`: {"Robot"}, `_exists_:description`: {"Player"},
	} {
		got := h.found("/clients", q, "", "name")
		slices.Sort(got)
		if !slices.Equal(got, want) {
			h.Errorf("q=%s: %q, want %q", q, got, want)
		}
	}
	h.call(all, "GET", "/clients?q=colour:red", "").fails(400, "invalid_query_string", "Query validation error: 'Syntax error at character 1: there is no field \"colour\"; there are "+
		"client_id, external_client_id, name, description, app_type, is_first_party, global, updated_at, metadata.*, client_grant.organization_id, client_grant.allow_any_organization' on property q (Query in Lucene query string syntax).")
	h.call(all, "GET", "/clients?q=(", "").is(400, "")
}

func TestSearchMembers(t *testing.T) {
	each(t, func(h *house) {
		h.listeners()
		all := h.machine("acme")
		org := h.call(all, "POST", "/organizations", `{"name":"band"}`).is(201, "").text("id")
		h.call(all, "POST", "/organizations/"+org+"/members", `{"members":["auth0|jane","auth0|johanna"]}`).is(204, "")
		for q, want := range map[string][]string{
			`organization_id:` + org: {"jane", "johanna"}, `organization_id:"` + org + `" AND name:"jane smith"`: {"jane"}, `_exists_:organization_id`: {"jane", "johanna"},
			`NOT organization_id:` + org: {"jim", "google-oauth2|1"}, `organization_id:org_none`: {}, `organization_id:org_* AND NOT blocked:false`: {"johanna"},
		} {
			if got := h.found("/users", q, "", "user_id"); !slices.Equal(got, want) {
				h.Errorf("q=%s: %q, want %q", q, got, want)
			}
		}
		h.call(all, "DELETE", "/organizations/"+org+"/members", `{"members":["auth0|jane"]}`).is(204, "")
		if got := h.found("/users", "organization_id:"+org, "", "user_id"); !slices.Equal(got, []string{"johanna"}) {
			h.Errorf("after one left: %q", got)
		}
	})
}
