package stagedoor

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func encoded(t testing.TB, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(b.Bytes())
}

// TestUserJSON holds both ways to write a user together.
func TestUserJSON(t *testing.T) {
	yes := true
	at := time.Date(2026, 11, 1, 12, 30, 0, 5e6, time.UTC)
	for name, u := range map[string]*User{
		"nothing": {},
		"usual": {
			ID: "auth0|1", Email: "ada@example.com", Name: "Ada <\"&\u2028\\>", CreatedAt: at, UpdatedAt: at,
			Identities:   []Identity{{Connection: "c", Provider: "auth0", UserID: "1"}},
			UserMetadata: Metadata{"b": json.RawMessage(`{"x":  [1, 2 ,"a b \" \\"]}`), "a": json.RawMessage(`"<é>"`), `"\`: json.RawMessage("1e5")},
		},
		"everything": {
			ID: "google-oauth2|é\x7f", EmailVerified: true, Username: "ada", PhoneNumber: "+15551234", PhoneVerified: true, Nickname: "\xff", GivenName: "A", FamilyName: "B",
			Picture: "https://x/y?a=b&c=d", Blocked: &yes, LastIP: "::1", LoginsCount: 7, LastLogin: at.Add(time.Hour), LastPasswordReset: at, UpdatedAt: at,
			UserMetadata: Metadata{}, AppMetadata: Metadata{"n": json.RawMessage("null")},
			Attributes: map[string]json.RawMessage{"locale": json.RawMessage(`"de"`), "email": json.RawMessage(`"hidden"`), "z\n": json.RawMessage(`[ ]`)},
			Identities: []Identity{{UserID: "2", IsSocial: true, ProfileData: map[string]any{"email": "x"}}, {Provider: "sms", ProfileData: map[string]any{"a": "<b>"}}},
		},
		"cleared": {AppMetadata: Metadata{}, Identities: []Identity{}},
	} {
		want := encoded(t, u.Wire())
		text := &UserText{User: *u}
		text.User.UserMetadata, text.User.AppMetadata = nil, nil
		if u.UserMetadata != nil {
			text.UserMetadata = string(encoded(t, u.UserMetadata))
		}
		if u.AppMetadata != nil {
			text.AppMetadata = string(encoded(t, u.AppMetadata))
		}
		decoded, err := text.Decoded()
		if err != nil || string(encoded(t, decoded.Wire())) != string(want) {
			t.Errorf("%s: decoded %s, %v; want %s", name, encoded(t, decoded.Wire()), err, want)
		}
		for way, got := range map[string][]byte{"user": u.AppendJSON(nil), "text": text.AppendJSON(nil), "part": encoded(t, text)} {
			var a, b any
			if err := json.Unmarshal(got, &a); err != nil {
				t.Fatalf("%s, %s: %v: %s", name, way, err, got)
			}
			if err := json.Unmarshal(want, &b); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(a, b) || len(got) > len(want)+6*strings.Count(string(want), "\\u00") {
				t.Errorf("%s, %s:\n%s\nwant\n%s", name, way, got, want)
			}
		}
	}
}

// FuzzEachMember compares the members of an object with those that encoding/json finds.
func FuzzEachMember(f *testing.F) {
	for _, s := range []string{`{}`, ` { "a" : 1 , "b":"x\"}\\", "c":[{"d":"]"}],"e":null,"\u00e9\n":{"f":{}} } `, `[1]`, `"a"`, `{"a":-1.5e3}`, `{`, `{"a`, `{"a":`, `{"a\`, `{"a":1}x`, "{\"a\":\"\xff\"}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := map[string]string{}
		_ = EachMember(s, func(name string, from, to int) error {
			got[name] = s[from:to]
			return nil
		})
		compact := AppendCompact(nil, s)
		var want map[string]json.RawMessage
		if json.Unmarshal([]byte(s), &want) != nil {
			return
		}
		if len(got) != len(want) {
			t.Fatalf("%q: %v; want %v", s, got, want)
		}
		for name, value := range want {
			if got[name] != string(value) {
				t.Errorf("%q: %q is %q; want %q", s, name, got[name], value)
			}
		}
		var plain bytes.Buffer
		if err := json.Compact(&plain, []byte(s)); err != nil || plain.String() != string(compact) {
			t.Errorf("%q: compact %q; want %q", s, compact, plain.String())
		}
	})
}
