package scim_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

func bulkOf(more, operations string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],` + more + `"Operations":[` + operations + `]}`
}

// post is an operation that makes something.
func post(path, bulkID, data string) string {
	return `{"method":"POST","path":"` + path + `","bulkId":"` + bulkID + `","data":` + data + `}`
}

func groupOf(name string, members ...string) string {
	var all []string
	for _, m := range members {
		all = append(all, `{"value":"`+m+`"}`)
	}
	return `{"schemas":["` + groupURN + `"],"displayName":"` + name + `","members":[` + strings.Join(all, ",") + `]}`
}

// statuses are what became of the operations of an answer.
func (a *answer) statuses() string {
	a.w.Helper()
	a.is(200).has("schemas", `["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]`)
	var out []string
	for _, one := range a.body["Operations"].([]any) {
		o := one.(map[string]any)
		out = append(out, fmt.Sprint(o["method"], " ", o["status"]))
		if status := o["status"].(string); (status[0] != '2') != (o["response"] != nil) || o["location"] == nil && o["method"] != "POST" {
			a.w.Errorf("%s", text(o))
		}
	}
	return strings.Join(out, ", ")
}

func (a *answer) became(want string) *answer {
	a.w.Helper()
	if got := a.statuses(); got != want {
		a.w.Errorf("%s, not %s: %s", got, want, a.text)
	}
	return a
}

// made is the id of what an operation made.
func (a *answer) made(i int) string {
	a.w.Helper()
	location := a.body["Operations"].([]any)[i].(map[string]any)["location"].(string)
	id, err := url.PathUnescape(location[strings.LastIndexByte(location, '/')+1:])
	a.w.ok(err)
	return id
}

// TestBulk does many operations at once, of which some refer to what others make, also before they do (RFC 7644 section 3.7).
func TestBulk(t *testing.T) {
	each(t, func(w *world) {
		a := w.call("POST", "/Bulk", bulkOf("", strings.Join([]string{
			post("/Groups", "g", groupOf("staff", "bulkId:bob", "bulkId:ada")),
			post("/Users", "ada", strings.Replace(person("ada"), `"value":"boss"`, `"value":"bulkId:bob"`, 1)),
			post("/Users", "bob", person("bob")),
			`{"method":"patch","path":"/Users/bulkId:bob","data":` + patchOf(`{"op":"replace","path":"displayName","value":"Bob"}`) + `}`,
		}, ","))).became("POST 201, POST 201, POST 201, PATCH 200").has("Operations/0/bulkId", `"g"`)
		group, ada, bob := a.made(0), a.made(1), a.made(2)
		w.call("GET", at(bob), "").is(200).has("displayName", `"Bob"`)
		w.call("GET", at(ada), "").is(200).has(enterpriseURN+"/manager/value", text(bob))
		if members := w.call("GET", "/Groups/"+group, "").is(200).body["members"].([]any); len(members) != 2 {
			w.Errorf("members %s", text(members))
		}
		version := w.call("GET", at(ada), "").header.Get("ETag")
		if got := a.body["Operations"].([]any)[1].(map[string]any)["version"]; got == nil {
			w.Errorf("no version: %s", a.text)
		}
		w.call("POST", "/Bulk", bulkOf("", strings.Join([]string{
			`{"method":"PUT","path":"` + at(ada) + `","version":"W/\"other\"","data":` + person("ada") + `}`,
			`{"method":"PUT","path":"` + at(ada) + `","version":` + text(version) + `,"data":` + person("ada") + `}`,
			`{"method":"PATCH","path":"/Groups/` + group + `","data":` + patchOf(`{"op":"remove","path":"members[value eq \"`+bob+`\"]"}`) + `}`,
			`{"method":"DELETE","path":"` + at(bob) + `"}`,
			`{"method":"DELETE","path":"` + at(bob) + `"}`,
		}, ","))).became("PUT 412, PUT 200, PATCH 200, DELETE 204, DELETE 404").has("Operations/4/response/status", `"404"`)
		if members := w.call("GET", "/Groups/"+group, "").is(200).body["members"].([]any); len(members) != 1 {
			w.Errorf("members %s", text(members))
		}
		w.call("GET", at(bob), "").is(404)

		events, _, err := w.st.Logs(w.Context(), store.LogQuery{PerPage: 100})
		w.ok(err)
		kinds := map[string]int{}
		for _, e := range events {
			kinds[e.Type+" "+e.Description]++
			if strings.Contains(e.Description, "at once") {
				w.Errorf("%+v", e)
			}
		}
		if kinds["sscim SCIM: create a user"] != 2 || kinds["sscim SCIM: delete a user"] != 1 || len(kinds) < 6 {
			w.Errorf("%v", kinds)
		}
	})
}

// TestBulkThatFails goes on after errors unless the request says otherwise, and tells of each operation that was tried.
func TestBulkThatFails(t *testing.T) {
	each(t, func(w *world) {
		bad := post("/Users", "bad", `{"schemas":["`+userURN+`"]}`)
		operations := strings.Join([]string{
			post("/Groups", "early", groupOf("early", "bulkId:bad")), bad, post("/Users", "ada", person("ada")), post("/Users", "ada2", person("ada")), post("/Users", "bob", person("bob")),
		}, ",")
		w.call("POST", "/Bulk", bulkOf(`"failOnErrors":2,`, operations)).became("POST 400, POST 201, POST 409").has("Operations/0/response/scimType", `"invalidValue"`).
			has("Operations/2/response/scimType", `"uniqueness"`).has("Operations/1/bulkId", `"ada"`)
		w.call("POST", "/Bulk", bulkOf("", operations)).became("POST 409, POST 400, POST 409, POST 409, POST 201")
		for operation, want := range map[string]string{
			post("/Users", "", person("x")):                           "POST 400",
			post("/Users/.search", "x", "{}"):                         "POST 400",
			post("/Bulk", "x", "{}"):                                  "POST 400",
			post("/Users", "x", `null`):                               "POST 400",
			post("/Users", "x", `"text"`):                             "POST 400",
			post("Users", "x", person("x")):                           "POST 400",
			post("/Groups", "x", groupOf("x", "bulkId:nobody")):       "POST 400",
			post("/Groups", "x", groupOf("x", "bulkId:x")):            "POST 409",
			`{"method":"PATCH","path":"/Users","data":{}}`:            "PATCH 400",
			`{"method":"GET","path":"/Users/x"}`:                      "GET 400",
			`{"method":"DELETE","path":"/Users/bulkId:nobody"}`:       "DELETE 400",
			`{"method":"DELETE","path":"/Users/../../other/Users/x"}`: "DELETE 400",
			`{"method":"DELETE","path":"/Users/%2e%2e"}`:              "DELETE 404",
			`{"path":"/Users"}`:                                       " 400",
			post("/Groups", "a", groupOf("a", "bulkId:b")) + "," + post("/Groups", "b", groupOf("b", "bulkId:a")): "POST 409, POST 409",
		} {
			a := w.call("POST", "/Bulk", bulkOf("", operation)).is(200)
			got := ""
			for i, one := range a.body["Operations"].([]any) {
				o := one.(map[string]any)
				got += map[bool]string{true: ", "}[i > 0] + fmt.Sprint(o["method"], " ", o["status"])
			}
			if got != want {
				w.Errorf("%s: %s, want %s: %s", operation, got, want, a.text)
			}
		}
		w.call("POST", "/Bulk", "{}").fails(400, "invalidSyntax")
		w.call("POST", "/Bulk", bulkOf("", "null")).fails(400, "invalidSyntax")
		w.call("POST", "/Bulk", bulkOf("", "{}")).is(200)
		w.call("POST", "/Bulk", bulkOf("", "")).is(200).has("Operations", "[]")
		w.call("POST", "/Bulk", bulkOf(`"failOnErrors":0,`, bad)).fails(400, "invalidValue")
		w.call("POST", "/Bulk", bulkOf("", bad+","+bad)).fails(400, "invalidValue")
		w.call("POST", "/Bulk", bulkOf("", strings.Repeat("{},", 500)+"{}")).fails(413, "")
		w.call("POST", "/Bulk", bulkOf("", post("/Users", "x", `"`+strings.Repeat("x", 1<<20)+`"`))).fails(413, "")
	})
}

// TestBulkNeedsWhatItsOperationsNeed: scopes, and room in the limit of requests.
func TestBulkNeedsWhatItsOperationsNeed(t *testing.T) {
	each(t, func(w *world) {
		three := strings.Join([]string{post("/Users", "a", person("a")), post("/Users", "b", person("b")), post("/Users", "c", person("c"))}, ",")
		w.call("POST", "/Bulk", bulkOf("", three), "Authorization", "Bearer tok_reads").became("POST 403, POST 403, POST 403")
		w.call("POST", "/Bulk", bulkOf("", three), "Authorization", "Bearer nobody").fails(401, "")
		w.call("GET", "/Users", "").is(200).has("totalResults", "0")
		_, err := w.st.UpdateSettings(w.Context(), func(s *stagedoor.TenantSettings) error {
			s.Local.ManagementRate, s.Local.ManagementBurst = 1, 3
			return nil
		})
		w.ok(err)
		w.st.Tenant().Settings.Local.ManagementRate, w.st.Tenant().Settings.Local.ManagementBurst = 1, 3
		if got := w.call("POST", "/Bulk", bulkOf("", three)).became("POST 201, POST 201, POST 429"); got.header.Get("Retry-After") != "" {
			w.Errorf("an answer of 200 says when to come again: %v", got.header)
		}
		w.clock.advance(time.Minute)
	})
}

// TestBulkReferenceInEscapes refuses a reference to what no operation makes, also one that is written with escapes.
func TestBulkReferenceInEscapes(t *testing.T) {
	each(t, func(w *world) {
		w.call("POST", "/Bulk", bulkOf("", post("/Users", "ada", person("ada"))+","+post("/Groups", "staff", groupOf("staff", "bulkId:ada", `\u0062ulkId:nobody`)))).
			became("POST 201, POST 400").has("Operations/1/response/scimType", `"invalidValue"`)
	})
}
