package store_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

const mebibyte = 1 << 20

func object(t testing.TB, text string) stagedoor.Metadata {
	t.Helper()
	if text == "" {
		return nil
	}
	m := stagedoor.Metadata{}
	ok(t, json.Unmarshal([]byte(text), &m))
	return m
}

func TestPatchMetadata(t *testing.T) {
	steps := []struct{ name, user, app, wantUser, wantApp string }{
		{"an untouched object stays absent", "", `{"plan":"silver"}`, `null`, `{"plan":"silver"}`},
		{"first key", `{"a":1}`, "", `{"a":1}`, `{"plan":"silver"}`},
		{"another key stays beside it", `{"b":{"c":[1,2],"d":{"e":null}}}`, "", `{"a":1,"b":{"c":[1,2],"d":{"e":null}}}`, `{"plan":"silver"}`},
		{"an inner object is replaced, not merged", `{"b":{"x":true}}`, "", `{"a":1,"b":{"x":true}}`, `{"plan":"silver"}`},
		{"null removes, missing keys too", `{"a":null,"never":null}`, `{"plan":null,"tier":2}`, `{"b":{"x":true}}`, `{"tier":2}`},
		{"empty clears one object only", `{}`, "", `{}`, `{"tier":2}`},
		{"a cleared object can be filled", `{"z":"ü"}`, `{}`, `{"z":"ü"}`, `{}`},
		{"nothing at all", "", "", `{"z":"ü"}`, `{}`},
		{"removing the last key leaves an object", `{"z":null}`, "", `{}`, `{}`},
	}
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		newUser(t, s, "auth0|ada")
		newUser(t, s, "auth0|eve")
		for _, step := range steps {
			clock.now = clock.in(1e9)
			got := must(s.PatchMetadata(t.Context(), "auth0|ada", object(t, step.user), object(t, step.app), mebibyte))(t)
			read := must(s.User(t.Context(), "auth0|ada"))(t)
			for _, u := range []*stagedoor.User{got, read} {
				same(t, u.UserMetadata, json.RawMessage(step.wantUser))
				same(t, u.AppMetadata, json.RawMessage(step.wantApp))
				if !u.UpdatedAt.Equal(clock.now) || u.Email != "ada@example.com" {
					t.Errorf("updated at %s, e-mail %s", u.UpdatedAt, u.Email)
				}
			}
			if t.Failed() {
				t.Fatal(step.name)
			}
		}
		if eve := must(s.User(t.Context(), "auth0|eve"))(t); eve.UserMetadata != nil || eve.AppMetadata != nil {
			t.Errorf("another user changed: %+v", eve)
		}
		_, err := s.PatchMetadata(t.Context(), "auth0|nobody", object(t, `{"a":1}`), nil, mebibyte)
		hasCode(t, err, stagedoor.NotFound, "inexistent_user")
	}, storetest.WithClock(clock.clock))
}

func TestMetadataValuesAreKept(t *testing.T) {
	exact := []string{
		`true`, `false`, `""`, `[]`, `{}`, `0`, `-1`, `1.0`, `1.50`, `0.1`, `9007199254740993`, `123456789012345678901234567890`,
		`-0.000001`, `3.141592653589793238462643383279`, `[null,1,"a",[2,{"b":null}]]`, `"日本 \"q\" \\ / 🎸"`, `"\n\t"`, `" spaced "`,
		`{"a":{"a":{"a":[[[]]]}}}`, `"<script>alert(1)</script>"`, `"'; DROP TABLE users; --"`, `"$1 ? :x @y"`, `"1e5"`,
	}
	// What PostgreSQL writes in another way, with the same meaning.
	normalised := map[string]string{
		`1e5`: `100000`, `1E+2`: `100`, `1.5e-3`: `0.0015`, `-0`: `0`, `{"b":1,"a":2}`: `{"a":2,"b":1}`,
		`{"long":1,"k":2}`: `{"k":2,"long":1}`, `"\u00fc"`: `"ü"`, `"\ud83c\udfb8"`: `"🎸"`, `"\/"`: `"/"`,
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.Tenant(t, db, "acme")
		newUser(t, s, "auth0|ada")
		check := func(value, want string) {
			t.Helper()
			patch := stagedoor.Metadata{"k": json.RawMessage(value)}
			_, err := s.PatchMetadata(t.Context(), "auth0|ada", patch, nil, mebibyte)
			if ok(t, err); err != nil {
				return
			}
			var compact bytes.Buffer
			ok(t, json.Compact(&compact, must(s.User(t.Context(), "auth0|ada"))(t).UserMetadata["k"]))
			// json.Marshal writes < and > as escapes, which mean the same.
			text := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(compact.String())
			if text != want {
				t.Errorf("%s became %s, want %s", value, text, want)
			}
		}
		for _, value := range exact {
			check(value, value)
		}
		for value, written := range normalised {
			if strings.HasSuffix(t.Name(), storetest.SQLite) {
				written = value
			}
			check(value, written)
		}
		for _, key := range []string{"", " ", `quo"te`, `back\slash`, "日本", "a/b", "0", "$", "'", "{}", "__proto__", strings.Repeat("k", 3000)} {
			_, err := s.PatchMetadata(t.Context(), "auth0|ada", stagedoor.Metadata{key: json.RawMessage("1")}, nil, mebibyte)
			ok(t, err)
			if got := must(s.User(t.Context(), "auth0|ada"))(t).UserMetadata[key]; string(got) != "1" {
				t.Errorf("key %q holds %s", key, got)
			}
			_, err = s.PatchMetadata(t.Context(), "auth0|ada", stagedoor.Metadata{key: json.RawMessage("null")}, nil, mebibyte)
			ok(t, err)
			if got, there := must(s.User(t.Context(), "auth0|ada"))(t).UserMetadata[key]; there {
				t.Errorf("key %q still holds %s", key, got)
			}
		}
	})
}

func TestMetadataThatCannotBeKept(t *testing.T) {
	deep := strings.Repeat("[", 600) + strings.Repeat("]", 600)
	bad := []stagedoor.Metadata{
		{"k": json.RawMessage(`"\u0000"`)},
		{"k": json.RawMessage(`{"a\u0000":1}`)},
		{"k": json.RawMessage(`"\ud800"`)},
		{"k": json.RawMessage(`"\udc00\ud800"`)},
		{"k": json.RawMessage("\"\xff\"")},
		{"k\x00": json.RawMessage(`1`)},
		{"k\xff": json.RawMessage(`1`)},
		{"k": json.RawMessage(`1e999999`)},
		{"k": json.RawMessage(`1e-999`)},
		{"k": json.RawMessage(strings.Repeat("9", 200000))},
		{"k": json.RawMessage(deep)},
		{"k": json.RawMessage(`{"broken`)},
		{"k": json.RawMessage(``)},
		{"k": json.RawMessage("\"a\x00b\"")},
	}
	each(t, func(t *testing.T, s *store.Store) {
		newUser(t, s, "auth0|ada")
		must(s.PatchMetadata(t.Context(), "auth0|ada", object(t, `{"old":1}`), nil, mebibyte))(t)
		before := must(s.User(t.Context(), "auth0|ada"))(t)
		for i, m := range bad {
			_, userErr := s.PatchMetadata(t.Context(), "auth0|ada", m, nil, mebibyte)
			_, appErr := s.PatchMetadata(t.Context(), "auth0|ada", nil, m, mebibyte)
			isKind(t, userErr, stagedoor.Invalid)
			isKind(t, appErr, stagedoor.Invalid)
			if t.Failed() {
				t.Fatalf("patch %d", i)
			}
		}
		same(t, must(s.User(t.Context(), "auth0|ada"))(t), before)
		// What looks like NUL and is none.
		must(s.PatchMetadata(t.Context(), "auth0|ada", stagedoor.Metadata{"k": json.RawMessage(`"\\u0000"`)}, nil, mebibyte))(t)
	})
}

func TestMetadataTooLarge(t *testing.T) {
	text := func(n int) json.RawMessage { return json.RawMessage(`"` + strings.Repeat("x", n-2) + `"`) }
	each(t, func(t *testing.T, s *store.Store) {
		newUser(t, s, "auth0|ada")
		// {"a":"…"} is six characters more than its value.
		must(s.PatchMetadata(t.Context(), "auth0|ada", stagedoor.Metadata{"a": text(94)}, object(t, `{"p":1}`), 100))(t)
		before := must(s.User(t.Context(), "auth0|ada"))(t)
		for name, patch := range map[string][2]stagedoor.Metadata{
			"one more": {{"a": text(95)}, nil}, "another key": {{"b": json.RawMessage("1")}, nil},
			"the other object": {nil, {"q": text(100)}}, "both, one too large": {{"a": json.RawMessage("null")}, {"q": text(100)}},
		} {
			_, err := s.PatchMetadata(t.Context(), "auth0|ada", patch[0], patch[1], 100)
			if !stagedoor.IsKind(err, stagedoor.TooLarge) {
				t.Errorf("%s: error %v", name, err)
			}
		}
		same(t, must(s.User(t.Context(), "auth0|ada"))(t), before)
		// A replacement that fits counts by its merged size, not by the sum.
		must(s.PatchMetadata(t.Context(), "auth0|ada", stagedoor.Metadata{"a": text(94)}, nil, 100))(t)
		// An object that is larger than a limit that fell can still shrink, and the other be changed.
		_, err := s.PatchMetadata(t.Context(), "auth0|ada", nil, object(t, `{"p":2}`), 50)
		ok(t, err)
		_, err = s.PatchMetadata(t.Context(), "auth0|ada", object(t, `{"a":null}`), nil, 50)
		ok(t, err)
		big := must(s.PatchMetadata(t.Context(), "auth0|ada", stagedoor.Metadata{"big": text(mebibyte - 8)}, nil, mebibyte))(t)
		if len(big.UserMetadata["big"]) != mebibyte-8 {
			t.Errorf("kept %d bytes", len(big.UserMetadata["big"]))
		}
	})
}

// 64 callers each patch keys of their own, while others update the user and count logins: nobody
// loses anything.
func TestConcurrentPatches(t *testing.T) {
	const callers, rounds, others = 64, 3, 10
	each(t, func(t *testing.T, s *store.Store) {
		newUser(t, s, "auth0|ada")
		var wg sync.WaitGroup
		check := func(err error) {
			if err != nil {
				t.Error(err)
			}
		}
		for i := range callers {
			wg.Go(func() {
				for round := range rounds {
					patch := stagedoor.Metadata{fmt.Sprintf("k%d_%d", i, round): json.RawMessage(fmt.Sprint(i))}
					user, app := patch, stagedoor.Metadata(nil)
					if i%2 == 1 {
						user, app = app, user
					}
					_, err := s.PatchMetadata(t.Context(), "auth0|ada", user, app, mebibyte)
					check(err)
				}
			})
		}
		for i := range others {
			wg.Go(func() {
				_, err := s.UpdateUser(t.Context(), "auth0|ada", func(u *stagedoor.User) error {
					u.Nickname += "x"
					u.UserMetadata = stagedoor.MergeMetadata(u.UserMetadata, stagedoor.Metadata{fmt.Sprintf("u%d", i): json.RawMessage("1")})
					return nil
				})
				check(err)
			})
			wg.Go(func() { check(s.RecordLogin(t.Context(), &stagedoor.User{ID: "auth0|ada"}, "192.0.2.1")) })
		}
		wg.Wait()
		u := must(s.User(t.Context(), "auth0|ada"))(t)
		if len(u.UserMetadata) != callers/2*rounds+others || len(u.AppMetadata) != callers/2*rounds {
			t.Errorf("%d keys of user_metadata and %d of app_metadata survived", len(u.UserMetadata), len(u.AppMetadata))
		}
		if u.LoginsCount != others || u.Nickname != "ada"+strings.Repeat("x", others) {
			t.Errorf("logins %d, nickname %s", u.LoginsCount, u.Nickname)
		}
	})
}
