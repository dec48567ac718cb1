package scim_test

import (
	"fmt"
	"net/url"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestManyValues adds values by operation after operation. Nobody else may wait for long to write meanwhile.
func TestManyValues(t *testing.T) {
	one(t, func(w *world) {
		id := w.call("POST", "/Users", person("ada")).id()
		n := 0
		operation := func(values int, fields string) string {
			var all []string
			for range values {
				n++
				all = append(all, `{"value":"`+strconv.Itoa(n)+`"`+fields+`}`)
			}
			return `{"op":"add","path":"entitlements","value":[` + strings.Join(all, ",") + `]}`
		}
		many := func(operations, values int, fields string) string {
			var all []string
			for range operations {
				all = append(all, operation(values, fields))
			}
			return patchOf(strings.Join(all, ","))
		}
		begun := time.Now()
		w.call("PATCH", at(id), many(45, 990, "")).fails(400, "invalidValue")
		w.call("PATCH", at(id), many(2, 600, "")).fails(400, "invalidValue")
		w.call("PATCH", at(id), many(1, 900, `,"type":"a"`)).is(200)
		toggle := strings.TrimSuffix(strings.Repeat(`{"op":"replace","path":"entitlements[type eq \"a\"].primary","value":true},`, 900), ",")
		w.call("PATCH", at(id), patchOf(toggle)).is(200).has("entitlements/0/primary", "false")
		if took := time.Since(begun); took > 15*time.Second {
			t.Errorf("it took %v", took)
		}
		w.call("PATCH", at(id), patchOf(`{"op":"replace","path":"entitlements","value":[{"value":"1","primary":true},{"value":"2"}]}`)).is(200)
		w.call("PATCH", at(id), patchOf(`{"op":"add","path":"entitlements","value":[{"value":"2"},{"value":"3","primary":true}]}`)).is(200).
			has("entitlements", `[{"value":"1","primary":false},{"value":"2"},{"value":"3","primary":true}]`)
		w.call("PATCH", at(id), patchOf(`{"op":"add","path":"entitlements","value":[{"primary":false,"value":"1"},{"value":"4"}]}`)).is(200).
			has("entitlements", `[{"value":"1","primary":false},{"value":"2"},{"value":"3","primary":true},{"value":"4"}]`)
	})
}

// TestManyNames asks for more attributes than there are, of each of many resources.
func TestManyNames(t *testing.T) {
	one(t, func(w *world) {
		for i := range 50 {
			w.call("POST", "/Users", person(fmt.Sprint("p", i))).is(201)
		}
		begun := time.Now()
		names := strings.TrimSuffix(strings.Repeat(`"name.givenName",`, 50000), ",")
		w.call("POST", "/Users/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"attributes":[`+names+`]}`).fails(400, "invalidValue")
		w.call("GET", "/Users?attributes="+strings.Repeat("a,", 3000), "").fails(400, "invalidValue")
		w.call("POST", "/Groups?excludedAttributes="+strings.Repeat("a,", 3000), `{"schemas":["`+groupURN+`"],"displayName":"g"}`).fails(400, "invalidValue")
		w.call("GET", "/Users?attributes=userName,name.givenName&count=1", "").is(200).has("Resources/0/name", `{"givenName":"p0"}`)
		if took := time.Since(begun); took > 15*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// TestManyLargeUsers filters and sorts users who are as large as may be. A server holds few of them at a time, however many there are: it is not one directory's alone.
func TestManyLargeUsers(t *testing.T) {
	one(t, func(w *world) {
		var values []string
		for i := range 950 {
			values = append(values, fmt.Sprintf(`{"value":"%d","display":"an entitlement of somebody's","type":"a"}`, i))
		}
		const users = 300
		for i := range users {
			w.call("POST", "/Users", strings.TrimSuffix(person(fmt.Sprint("p", i)), "}")+`,"entitlements":[`+strings.Join(values, ",")+`]}`).is(201)
		}
		defer debug.SetGCPercent(debug.SetGCPercent(10))
		for _, query := range []string{"filter=" + url.QueryEscape(`userName pr`), "sortBy=entitlements", "sortBy=userName&sortOrder=descending"} {
			runtime.GC()
			var at runtime.MemStats
			runtime.ReadMemStats(&at)
			begun, most, done := at.HeapAlloc, uint64(0), make(chan bool)
			go func() {
				for {
					select {
					case <-done:
						done <- true
						return
					case <-time.After(5 * time.Millisecond):
						var now runtime.MemStats
						runtime.ReadMemStats(&now)
						most = max(most, now.HeapAlloc)
					}
				}
			}()
			w.call("GET", "/Users?count=1&startIndex=7&"+query, "").is(200).has("totalResults", strconv.Itoa(users)).has("itemsPerPage", "1")
			done <- true
			<-done
			if held := (most - min(begun, most)) >> 20; held > 90 {
				t.Errorf("%s held %d MiB", query, held)
			}
		}
	})
}

// TestManyLargeGroups lists groups that have many members together: an answer shows fewer groups then than are asked for, and the next one goes on behind them.
func TestManyLargeGroups(t *testing.T) {
	one(t, func(w *world) {
		var members []string
		for i := range 120 {
			members = append(members, `{"value":"`+w.call("POST", "/Users", person(fmt.Sprint("p", i))).id()+`"}`)
		}
		const groups = 100
		for i := range groups {
			w.call("POST", "/Groups", fmt.Sprintf(`{"schemas":["%s"],"displayName":"g%d","members":[%s]}`, groupURN, i, strings.Join(members, ","))).is(201)
		}
		for _, query := range []string{"", "&sortBy=displayName", "&filter=" + url.QueryEscape("displayName sw \"g\"")} {
			seen := map[string]bool{}
			for pages := 1; len(seen) < groups; pages++ {
				a := w.call("GET", fmt.Sprintf("/Groups?count=%d&startIndex=%d%s", groups, len(seen)+1, query), "").is(200).has("totalResults", strconv.Itoa(groups))
				shown, _ := a.body["Resources"].([]any)
				a.has("itemsPerPage", strconv.Itoa(len(shown)))
				for _, one := range shown {
					seen[one.(map[string]any)["displayName"].(string)] = true
				}
				if len(shown) == 0 || len(shown)*len(members) > 10_000+len(members) || pages > 2 {
					t.Fatalf("%q: page %d shows %d groups", query, pages, len(shown))
				}
			}
		}
		w.call("GET", "/Groups?excludedAttributes=members&count=100", "").is(200).has("itemsPerPage", strconv.Itoa(groups))
	})
}
