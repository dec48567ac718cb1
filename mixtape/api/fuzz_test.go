package api

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor/mixtape/music"
)

// Whatever a body holds, it is decoded or refused with a 400.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"name":"x","songs":["1"]}`, `{"name":null}`, `{}`, `{"a":1}`, `[`, "\xff", `{"name":"x"}{}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		in, err := decode[playlistIn](body)
		if err != nil {
			var p problem
			if !errors.As(err, &p) || p.status != 400 {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		if !json.Valid(body) {
			t.Fatalf("%q was taken", body)
		}
		if in.Name != nil {
			if name, ok := cleanName(*in.Name, 100); ok && (name == "" || !utf8.ValidString(name)) {
				t.Fatalf("name %q", name)
			}
		}
	})
}

// No text that was not signed is a token.
func FuzzVerify(f *testing.F) {
	v := newVerifier(context.Background(), Config{
		Audience: "a", LegacyClientID: "c", LegacyClientSecret: "fuzzing cannot guess this", LegacyIssuers: []string{"i"},
	})
	f.Add("eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJpIiwic3ViIjoicyIsImF1ZCI6ImMiLCJleHAiOjk5OTk5OTk5OTl9.AAAA")
	f.Add("eyJhbGciOiJub25lIn0.eyJpc3MiOiJpIn0.")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		if l, err := v.verify(context.Background(), token); err == nil {
			t.Fatalf("%q is %v", token, l)
		}
	})
}

// No signature but the one that was given is good, and none for ever.
func FuzzSigned(f *testing.F) {
	a, now := &audioStore{key: []byte("key")}, time.Unix(1_800_000_000, 0)
	good := a.sign("1", now)
	f.Add("1", good)
	f.Add("2", "rtmsg0.AAAA")
	f.Add("1\n1", ".")
	f.Fuzz(func(t *testing.T, id, signature string) {
		if a.signed(id, signature, now) != (id == "1" && signature == good) {
			t.Fatalf("%q for %q", signature, id)
		}
	})
}

func TestSignedExpires(t *testing.T) {
	a, now := &audioStore{key: []byte("key")}, time.Now()
	signature := a.sign("1", now)
	if !a.signed("1", signature, now.Add(audioLifetime)) {
		t.Error("good for less than its lifetime")
	}
	if a.signed("1", signature, now.Add(audioLifetime+2*audioStep)) {
		t.Error("good for ever")
	}
}

// The cache stays within its limit, keeps what was played last, and forgets the
// song that was not played for longest.
func TestAudioCache(t *testing.T) {
	song := func(id string) music.Song { return music.Song{ID: id, Genre: "Chiptune"} }
	a := &audioStore{dir: t.TempDir(), limit: 27 << 20} // two songs of about 10 MB
	for i, id := range []string{"1", "2", "1", "3"} {
		file, err := a.open(song(id))
		if err != nil {
			t.Fatal(err)
		}
		file.Close()
		past := time.Now().Add(time.Duration(i-10) * time.Hour)
		if err := os.Chtimes(file.Name(), past, past); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(a.dir, "*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%v %v", files, err)
	}
	file, err := a.open(song("1")) // "2" has gone
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	if !slices.Contains(files, file.Name()) {
		t.Errorf("%s was not among %v", file.Name(), files)
	}
	if left, err := filepath.Glob(filepath.Join(a.dir, "*")); err != nil || !slices.Equal(left, files) {
		t.Errorf("%v became %v, %v", files, left, err)
	}
}
