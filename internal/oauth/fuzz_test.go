package oauth

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor"
)

// FuzzForm: a form is read as the standard library reads it, or refused; what is let through is text, each name has one value, none is empty.
func FuzzForm(f *testing.F) {
	for _, s := range []string{"grant_type=x&client_id=y", "a=1&a=2", "a=&b=%00", "%zz", "a=%ff", "a;b=1", "=", "&&&", "a=b=c", "a+b=c%20d", "client_secret=%C3%A9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		got, err := readParams(httptest.NewRecorder(), r)
		if err != nil {
			if e := stagedoor.AsError(err); e.Code != "invalid_request" {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		want, err := url.ParseQuery(body)
		if err != nil {
			t.Fatalf("%q was read: %v", body, got)
		}
		for name, value := range got {
			if len(want[name]) != 1 || want[name][0] != value || value == "" || unreadable(name) || unreadable(value) {
				t.Fatalf("%q: %q is %q", body, name, value)
			}
		}
		for name, values := range want {
			if values[0] != "" && got[name] != values[0] {
				t.Fatalf("%q lost %q", body, name)
			}
		}
	})
}

// FuzzJSONBody: a JSON body is an object of which texts, numbers and booleans count; a name twice is refused, whatever its spelling.
func FuzzJSONBody(f *testing.F) {
	for _, s := range []string{`{"grant_type":"x","n":1,"b":true,"o":{}}`, `{"a":"1","a":"2"}`, `{"a":"1","\u0061":"2"}`, `[]`, `{"a":"\ud800"}`, `{"a":1e999}`, `{}{}`, `{"a":null}`, "\xef\xbb\xbf{}", `{"":"x"}`, `{"__proto__":"x"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		got, err := readParams(httptest.NewRecorder(), r)
		if err != nil {
			return
		}
		var want map[string]any
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.UseNumber()
		if !utf8.Valid(body) || dec.Decode(&want) != nil || want == nil {
			t.Fatalf("%q was read: %v", body, got)
		}
		for name, value := range got {
			s, is := want[name].(string)
			if is && s != value || value == "" || unreadable(name) || unreadable(value) {
				t.Fatalf("%q: %q is %q", body, name, value)
			}
			if _, there := want[name]; !there {
				t.Fatalf("%q: %q came from nowhere", body, name)
			}
		}
	})
}

// FuzzBasic: a client's credentials come out of the Authorization header as they went in, and nonsense is refused.
func FuzzBasic(f *testing.F) {
	for _, s := range [][3]string{{"site", "secret", ""}, {"a:b", "c:d", ""}, {"é", "%zz+ ", ""}, {"", "", ""}, {"x", "y", "Basic !!!"}, {"x", "y", "basic eDp5"}, {"x", "y", "Basic eDp5, Basic eDp6"}, {"x", "y", "Bearer z"}} {
		f.Add(s[0], s[1], s[2])
	}
	f.Fuzz(func(t *testing.T, id, secret, header string) {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header["Authorization"] = []string{basic(id, secret)}
		gotID, gotSecret, err := credentials(r, map[string]string{})
		if err != nil || gotID != id || gotSecret != secret {
			t.Fatalf("%q %q came out as %q %q: %v", id, secret, gotID, gotSecret, err)
		}
		if other := id + "x"; other != "" {
			if _, _, err := credentials(r, map[string]string{"client_id": other}); err == nil {
				t.Fatalf("two clients in one request: %q and %q", id, other)
			}
		}
		r.Header["Authorization"] = []string{header}
		if gotID, _, err := credentials(r, map[string]string{}); err == nil && !strings.HasPrefix(strings.ToLower(header), "basic ") {
			t.Fatalf("%q is %q", header, gotID)
		}
	})
}

// FuzzScopes: scopes keep their order and are there once; a renewal never has more than was granted; the order of a response type's words is nothing.
func FuzzScopes(f *testing.F) {
	for _, s := range [][2]string{{"openid profile", "openid"}, {"a a b", "b a a"}, {"", "x"}, {" \t", "\u00a0"}, {"read:songs", "read:songs edit:songs"}, {"code id_token token", "token code"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, granted, asked string) {
		all := distinct(stagedoor.Words(granted))
		seen := map[string]bool{}
		for _, s := range all {
			if seen[s] || s == "" || strings.Contains(s, " ") {
				t.Fatalf("%q: %q", granted, all)
			}
			seen[s] = true
		}
		for _, s := range narrowed(all, asked) {
			if !seen[s] {
				t.Fatalf("%q asked of %q gives %q", asked, granted, s)
			}
		}
		if again := narrowed(all, ""); !slices.Equal(again, all) {
			t.Fatalf("nothing asked of %q gives %q", granted, again)
		}
		backwards := stagedoor.Words(granted)
		slices.Reverse(backwards)
		once := sortedWords(granted)
		if once != sortedWords(joined(backwards)) || once != sortedWords(once) {
			t.Fatalf("%q: %q", granted, once)
		}
	})
}

// FuzzAllowedReturn wants that a way back after a logout leads to a registered host and path, whatever its query.
func FuzzAllowedReturn(f *testing.F) {
	for _, s := range []string{"https://app.test/bye", "https://app.test/bye?x=1#y", "https://a.app.test?@evil.test", "https://app.test/bye\\@evil.test", "https://app.test:/bye", "https://app.test/bye?\r\n"} {
		f.Add(s)
	}
	registered := []string{"https://app.test/bye", "https://*.app.test"}
	f.Fuzz(func(t *testing.T, s string) {
		if !allowedReturn(s, registered) {
			return
		}
		u, err := url.Parse(s)
		if err != nil || u.User != nil || strings.ContainsAny(s, "\\\r\n\t ") {
			t.Fatalf("%q was let through", s)
		}
		host := strings.ToLower(u.Host)
		if !(host == "app.test" && u.Path == "/bye" || strings.HasSuffix(host, ".app.test") && strings.Count(host, ".") == 2 && u.Path == "") || !strings.EqualFold(u.Scheme, "https") {
			t.Fatalf("%q was let through", s)
		}
	})
}
