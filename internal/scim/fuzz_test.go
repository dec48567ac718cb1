package scim

import (
	"encoding/json"
	"testing"
)

// FuzzFilter reads filters and compares them with a resource: neither may fail but by an error.
func FuzzFilter(f *testing.F) {
	for _, text := range []string{
		`userName eq "bjensen"`, `emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp"]`, `emails[type eq "work"].value eq "x"`, `not (active eq true)`,
		`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department sw "a"`, `meta.lastModified ge "2011-05-13T04:42:34Z"`, `a pr and (b eq 1.5e3 or c ne null)`, `userName eq "\u00e9\""`, `((((`, `[`,
	} {
		f.Add(text)
	}
	resource := map[string]any{"userName": "bjensen", "active": true, "emails": []any{map[string]any{"type": "work", "value": "x@example.com"}}, "name": map[string]any{"givenName": "b"}}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := parseFilter(text)
		if err != nil {
			if status, scimType := statusOf(err); status != 400 || scimType != invalidFilter {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if e != nil {
			matches(e, resource)
			wanted(e, "userName")
			mentions(e, "members")
		}
	})
}

// FuzzPatch changes a resource by an operation: what comes of it is a resource or an error.
func FuzzPatch(f *testing.F) {
	for _, seed := range [][2]string{
		{`emails[type eq "work"].value`, `"x"`},
		{`name.givenName`, `"x"`},
		{``, `{"emails":[{"value":"x","primary":"True"}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":"x"}}`},
		{`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager`, `"x"`},
		{`members[value eq "x"]`, `null`},
		{`active`, `"False"`},
		{`emails`, `{"value":"x"}`},
		{`emails`, `"x"`},
		{`roles[primary eq "True"]`, `[1]`},
	} {
		for _, op := range []string{"add", "replace", "remove"} {
			f.Add(op, seed[0], seed[1])
		}
	}
	f.Fuzz(func(t *testing.T, op, path, value string) {
		doc := map[string]any{"userName": "b", "emails": []any{map[string]any{"type": "work", "value": "x", "primary": true}}, "name": map[string]any{"givenName": "b"}, "title": "x"}
		body, err := json.Marshal(map[string]any{"schemas": []string{patchSchema}, "Operations": []any{map[string]any{"op": op, "path": path, "value": json.RawMessage(value)}}})
		if err != nil {
			return
		}
		operations, err := readPatch(body)
		if err != nil {
			return
		}
		if err := patch(doc, operations[0]); err != nil {
			if status, _ := statusOf(err); status != 400 {
				t.Errorf("%s %q %s: %v", op, path, value, err)
			}
			return
		}
		if err := checkUser(doc); err == nil {
			if _, err := json.Marshal(doc); err != nil {
				t.Errorf("%s %q %s makes what cannot be written: %v", op, path, value, err)
			}
		}
		for _, name := range []string{"id", "meta", "schemas", "password"} {
			if doc[name] != nil {
				t.Errorf("%s %q %s sets %s", op, path, value, name)
			}
		}
	})
}
