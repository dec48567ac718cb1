package api_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stagedoor/stagedoor/mixtape/api"
	"github.com/stagedoor/stagedoor/mixtape/music"
)

const ada, bob = "auth0|ada", "google-oauth2|bob"

type song struct {
	ID       string `json:"song_id"`
	Name     string `json:"songname"`
	UserID   string `json:"user_id"`
	Artist   string `json:"artist"`
	Genre    string `json:"genre"`
	Explicit bool   `json:"explicit"`
	Seconds  int    `json:"seconds"`
	Plays    int    `json:"plays"`
	AudioURL string `json:"audio_url"`
	CoverURL string `json:"cover_url"`
}

type playlist struct {
	ID       string   `json:"playlist_id"`
	Name     string   `json:"name"`
	UserID   string   `json:"user_id"`
	Featured bool     `json:"featured"`
	Songs    []string `json:"songs"`
	Plays    int      `json:"plays"`
}

// songs returns the library of a listener by id.
func (f *fixture) songs(token string) map[string]song {
	f.Helper()
	byID := map[string]song{}
	for _, s := range parse[[]song](f, f.want(f.call("GET", "/songs", token, ""), 200)) {
		byID[s.ID] = s
	}
	return byID
}

func (f *fixture) seed(data api.SeedData) {
	f.Helper()
	if err := f.server.Seed(context.Background(), data); err != nil {
		f.Fatal(err)
	}
}

// sample has Ada with 99 plays and Bob with none.
func sample() api.SeedData {
	return api.SeedData{
		Listeners: []api.SeedListener{
			{
				UserID: ada, FavGenre: "Dub",
				Songs:     []api.SeedSong{{ID: "ada-1", Name: "Kitchen Demo", Artist: "Ada", Genre: "Lo-Fi"}},
				Playlists: []api.SeedPlaylist{{ID: "ada-list", Name: "Mine", Songs: []string{"1", "2", "ada-1"}}},
				Plays:     map[string]int{"1": 90, "2": 5, "ada-1": 4, "9": 70},
			},
			{UserID: bob, FavGenre: "House"},
		},
		Featured: []api.SeedPlaylist{
			{ID: "night-bus", Name: "Night Bus", Songs: []string{"1", "16"}},
			{ID: "kitchen", Name: "Kitchen", Songs: []string{"6"}},
		},
	}
}

func TestGenres(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		token := f.listener(ada)
		genres := parse[map[string][]string](f, f.want(f.call("GET", "/genres", token, ""), 200))["genres"]
		if !slices.Equal(genres, music.Genres()) || len(genres) != 6 {
			f.Errorf("genres: %v", genres)
		}
		for _, path := range []string{"/genres/getFav", "/secured/getFavGenre"} {
			got := f.want(f.call("GET", path, token, ""), 200)
			if got.body != "" || !strings.HasPrefix(got.header.Get("Content-Type"), "text/plain") {
				f.Errorf("before: %q %q", got.body, got.header.Get("Content-Type"))
			}
		}
		f.want(f.call("PUT", "/genres/fav", token, `{"genre":"Dub"}`), 204)
		f.want(f.call("PUT", "/genres/fav", token, `{"genre":"Chiptune"}`), 204)
		f.want(f.call("PUT", "/genres/fav", token, `{"genre":"Polka"}`), 400)
		for _, path := range []string{"/genres/getFav", "/secured/getFavGenre"} {
			if got := f.call("GET", path, token, ""); got.body != "Chiptune" {
				f.Errorf("after: %q", got.body)
			}
		}
		if got := f.call("GET", "/genres/getFav", f.listener(bob), ""); got.body != "" {
			f.Errorf("another listener's: %q", got.body)
		}
	})
}

func TestLibrary(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.seed(sample())
		adas, bobs := f.songs(f.listener(ada)), f.songs(f.listener(bob))
		if len(bobs) != 30 || len(adas) != 31 {
			f.Fatalf("%d and %d songs", len(adas), len(bobs))
		}
		for id, s := range adas {
			if s.Seconds < 45 || s.Seconds > 75 || s.Name == "" || s.Artist == "" || !slices.Contains(music.Genres(), s.Genre) {
				f.Errorf("song %s: %+v", id, s)
			}
		}
		if own := adas["ada-1"]; own.UserID != ada || own.Plays != 4 {
			f.Errorf("own song: %+v", own)
		}
		if adas["1"].Plays != 90 || bobs["1"].Plays != 0 || bobs["1"].Name != "Number One Hit" || bobs["1"].Explicit || !bobs["4"].Explicit {
			f.Errorf("song 1: %+v, %+v", adas["1"], bobs["1"])
		}
		f.want(f.call("POST", "/songs/ada-1/play", f.listener(bob), `{"play_id":"bob-0000"}`), 404)
		f.want(f.call("POST", "/songs/nothing/play", f.listener(bob), `{"play_id":"bob-0000"}`), 404)
	})
}

// However often and concurrently a play is reported, it counts once.
func TestA11PlaysCount(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		token := f.listener(ada)
		var group sync.WaitGroup
		for i := range 64 {
			group.Go(func() {
				body := fmt.Sprintf(`{"play_id":"play-%04d"}`, i/4)
				if got := f.call("POST", "/songs/3/play", token, body); got.status != 200 {
					f.Errorf("play: %d %s", got.status, got.body)
				}
			})
		}
		group.Wait()
		got := f.want(f.call("POST", "/songs/3/play", token, `{"play_id":"play-0000"}`), 200)
		if plays := parse[map[string]int](f, got)["plays"]; plays != 16 {
			f.Errorf("%d plays, want 16", plays)
		}
		if plays := f.songs(token)["3"].Plays; plays != 16 {
			f.Errorf("%d plays in the library, want 16", plays)
		}
		// Another listener's same play_id is another play.
		got = f.want(f.call("POST", "/songs/3/play", f.listener(bob), `{"play_id":"play-0000"}`), 200)
		if plays := parse[map[string]int](f, got)["plays"]; plays != 1 {
			f.Errorf("%d plays of the other listener, want 1", plays)
		}
		for _, id := range []string{"", "short", strings.Repeat("x", 65), "no spaces", `a\u0000bcdefgh`} {
			f.want(f.call("POST", "/songs/3/play", token, `{"play_id":"`+id+`"}`), 400)
		}
	})
}

// The rule asks with an HS256 token: 99, then 100, then 99 again.
func TestA6GetPlays(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.seed(sample())
		rule := sign(f, jwt.SigningMethodHS256, []byte(legacySecret), "",
			claims(ada, jwt.MapClaims{"aud": legacyID, "iss": "https://example.auth0.com", "user_id": bob, "email": "x"}))
		plays := func() string {
			f.Helper()
			got := f.want(f.send("GET", "/playlists/getPlays",
				http.Header{"Authorization": {"Bearer " + rule}, "Content-Type": {"text/html"}}, ""), 200)
			if !strings.HasPrefix(got.header.Get("Content-Type"), "text/plain") {
				f.Errorf("Content-Type: %s", got.header.Get("Content-Type"))
			}
			return got.body
		}
		if got := plays(); got != "99" {
			f.Fatalf("seeded: %s, want 99", got)
		}
		token := f.listener(ada)
		f.want(f.call("POST", "/songs/20/play", token, `{"play_id":"play-0001"}`), 200)
		if got := plays(); got != "99" {
			f.Fatalf("a song outside the playlists counted: %s", got)
		}
		f.want(f.call("PATCH", "/playlists/ada-list", token, `{"songs":["1","2","ada-1","20"]}`), 200)
		if got := plays(); got != "100" {
			f.Fatalf("one more: %s, want 100", got)
		}
		copied := parse[playlist](f, f.want(f.call("POST", "/playlists", token, `{"name":"Copy","songs":["1","1","20"]}`), 201))
		if got := plays(); got != "100" {
			f.Fatalf("a copy of the playlist counted: %s", got)
		}
		f.want(f.call("DELETE", "/playlists/"+copied.ID, token, ""), 204)
		f.want(f.call("PATCH", "/playlists/ada-list", token, `{"songs":["1","2","ada-1"]}`), 200)
		if got := plays(); got != "99" {
			f.Fatalf("taken out: %s, want 99", got)
		}
		if got := f.call("GET", "/playlists/getPlays", f.listener("auth0|nobody"), ""); got.body != "0" {
			f.Errorf("a stranger has %q plays", got.body)
		}
	})
}

func TestPlaylists(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.seed(sample())
		adas, bobs := f.listener(ada), f.listener(bob)
		lists := parse[[]playlist](f, f.want(f.call("GET", "/playlists", adas, ""), 200))
		if len(lists) != 1 || lists[0].Plays != 99 || lists[0].Featured || lists[0].UserID != ada ||
			!slices.Equal(lists[0].Songs, []string{"1", "2", "ada-1"}) {
			f.Errorf("Ada's: %+v", lists)
		}
		if got := f.call("GET", "/playlists", bobs, ""); strings.TrimSpace(got.body) != "[]" {
			f.Errorf("Bob's: %s", got.body)
		}

		for _, id := range []string{"%00", "a%00b", "%ff"} {
			f.want(f.call("PATCH", "/playlists/"+id, bobs, `{"name":"Later"}`), 404)
			f.want(f.call("DELETE", "/playlists/"+id, bobs, ""), 404)
			f.want(f.call("POST", "/songs/"+id+"/play", bobs, `{"play_id":"12345678"}`), 404)
		}

		made := parse[playlist](f, f.want(f.call("POST", "/playlists", bobs, `{"name":"  Früh & spät \u003cb\u003e ","songs":["3","1","3"]}`), 201))
		if made.Name != "Früh & spät <b>" || !slices.Equal(made.Songs, []string{"3", "1", "3"}) || made.UserID != bob {
			f.Errorf("made: %+v", made)
		}
		empty := parse[playlist](f, f.want(f.call("POST", "/playlists", bobs, `{"name":"Empty"}`), 201))
		if empty.Songs == nil || len(empty.Songs) != 0 || empty.Plays != 0 {
			f.Errorf("empty: %+v", empty)
		}
		renamed := parse[playlist](f, f.want(f.call("PATCH", "/playlists/"+made.ID, bobs, `{"name":"Later"}`), 200))
		if renamed.Name != "Later" || len(renamed.Songs) != 3 {
			f.Errorf("renamed: %+v", renamed)
		}
		emptied := parse[playlist](f, f.want(f.call("PATCH", "/playlists/"+made.ID, bobs, `{"songs":[]}`), 200))
		if emptied.Name != "Later" || len(emptied.Songs) != 0 {
			f.Errorf("emptied: %+v", emptied)
		}

		for _, body := range []string{
			`{}`, `{"name":""}`, `{"name":"   "}`, `{"name":"a\nb"}`, `{"name":"` + strings.Repeat("ü", 101) + `"}`,
			`{"name":"x","songs":["nothing"]}`, `{"name":"x","songs":["ada-1"]}`, `{"name":"x","songs":[1]}`,
			`{"name":"x","songs":["1"` + strings.Repeat(`,"1"`, 500) + `]}`, `{"name":"x","user_id":"auth0|ada"}`,
		} {
			f.want(f.call("POST", "/playlists", bobs, body), 400)
		}

		// Another listener's playlist does not exist, and a featured one is not one's own.
		for _, id := range []string{"ada-list", "night-bus", "nothing", "%2e%2e"} {
			f.want(f.call("PATCH", "/playlists/"+id, bobs, `{"name":"Mine now"}`), 404)
			f.want(f.call("DELETE", "/playlists/"+id, f.editor(bob), ""), 404)
		}
		f.want(f.call("DELETE", "/playlists/"+made.ID, bobs, ""), 204)
		f.want(f.call("DELETE", "/playlists/"+made.ID, bobs, ""), 404)
		if lists := parse[[]playlist](f, f.call("GET", "/playlists", bobs, "")); len(lists) != 1 || lists[0].ID != empty.ID {
			f.Errorf("left: %+v", lists)
		}
		if lists := parse[[]playlist](f, f.call("GET", "/playlists", adas, "")); len(lists) != 1 || lists[0].Name != "Mine" {
			f.Errorf("Ada's afterwards: %+v", lists)
		}
	})
}

// A8: the verified token decides who edits featured playlists.
func TestA8Featured(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.seed(sample())
		f.want(f.call("POST", "/songs/16/play", f.listener(bob), `{"play_id":"play-0001"}`), 200)
		lists := parse[[]playlist](f, f.want(f.call("GET", "/playlists/featured", f.listener(bob), ""), 200))
		if len(lists) != 2 || lists[0].ID != "night-bus" || !lists[0].Featured || lists[0].Plays != 91 {
			f.Fatalf("featured: %+v", lists)
		}
		role := func(metadata any) string {
			return sign(f, jwt.SigningMethodRS256, f.identity.key, "k1", claims(bob, jwt.MapClaims{namespace + "app_metadata": metadata}))
		}
		for name, token := range map[string]string{
			"no metadata":   f.listener(bob),
			"no roles":      role(map[string]any{"plan": "platinum"}),
			"other role":    role(map[string]any{"roles": []string{"playlist_editor2", "admin"}}),
			"a string":      role(map[string]any{"roles": "playlist_editor"}),
			"an object":     role(map[string]any{"roles": map[string]any{"playlist_editor": true}}),
			"a list":        role([]string{"playlist_editor"}),
			"user_metadata": sign(f, jwt.SigningMethodRS256, f.identity.key, "k1", claims(bob, jwt.MapClaims{namespace + "user_metadata": map[string]any{"roles": []string{"playlist_editor"}}, "roles": []string{"playlist_editor"}})),
		} {
			got := f.call("PATCH", "/playlists/featured/night-bus", token, `{"name":"Mine now"}`)
			if got.status != 403 || parse[map[string]string](f, got)["error"] != "forbidden" {
				f.Errorf("%s: %d %s", name, got.status, got.body)
			}
		}
		f.want(f.call("PATCH", "/playlists/featured/night-bus", f.editor(ada), `{"name":"Last Bus","songs":["2","3"]}`), 200)
		f.want(f.call("PATCH", "/playlists/featured/night-bus", f.editor(ada), `{"songs":["ada-1"]}`), 400)
		f.want(f.call("PATCH", "/playlists/featured/ada-list", f.editor(ada), `{"name":"x"}`), 404)
		lists = parse[[]playlist](f, f.call("GET", "/playlists/featured", f.listener(bob), ""))
		if lists[0].Name != "Last Bus" || !slices.Equal(lists[0].Songs, []string{"2", "3"}) {
			f.Errorf("edited: %+v", lists[0])
		}
	})
}

// A9: what is kept survives a restart, and seeding again changes nothing.
func TestA9Restart(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.seed(sample())
		token := f.listener(ada)
		f.want(f.call("PUT", "/genres/fav", token, `{"genre":"House"}`), 204)
		f.want(f.call("DELETE", "/playlists/ada-list", token, ""), 204)
		f.want(f.call("PATCH", "/playlists/featured/kitchen", f.editor(ada), `{"songs":[]}`), 200)
		audio := f.songs(token)["1"].AudioURL
		f.open()
		f.seed(sample())
		if got := f.call("GET", "/genres/getFav", token, ""); got.body != "House" {
			f.Errorf("favourite genre: %q", got.body)
		}
		if got := f.call("GET", "/playlists", token, ""); strings.TrimSpace(got.body) != "[]" {
			f.Errorf("playlists: %s", got.body)
		}
		if lists := parse[[]playlist](f, f.call("GET", "/playlists/featured", token, "")); len(lists) != 2 || len(lists[1].Songs) != 0 {
			f.Errorf("featured: %+v", lists)
		}
		if plays := f.songs(token)["1"].Plays; plays != 90 {
			f.Errorf("%d plays, want 90", plays)
		}
		f.want(f.send("GET", audio, http.Header{"Range": {"bytes=0-3"}}, ""), 206)
	})
}

func TestSeedRefusesNonsense(t *testing.T) {
	f := start(t, "")
	for name, data := range map[string]api.SeedData{
		"genre": {Listeners: []api.SeedListener{{UserID: ada, Songs: []api.SeedSong{{ID: "x", Name: "x", Artist: "x", Genre: "Polka"}}}}},
		"song":  {Featured: []api.SeedPlaylist{{ID: "x", Name: "x", Songs: []string{"nothing"}}}},
		"plays": {Listeners: []api.SeedListener{{UserID: ada, Plays: map[string]int{"nothing": 1}}}},
	} {
		if err := f.server.Seed(context.Background(), data); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if got := f.call("GET", "/playlists/featured", f.listener(ada), ""); strings.TrimSpace(got.body) != "[]" {
		t.Errorf("half a seed was kept: %s", got.body)
	}
}

func TestA11Audio(t *testing.T) {
	f := start(t, "")
	f.seed(sample())
	s := f.songs(f.listener(ada))["6"]
	whole := f.want(f.call("GET", s.AudioURL, "", ""), 200)
	if got := whole.header.Get("Content-Type"); got != "audio/wav" {
		t.Errorf("Content-Type: %s", got)
	}
	wav := []byte(whole.body)
	rate := binary.LittleEndian.Uint32(wav[28:])
	if seconds := (len(wav) - 44) / int(rate); string(wav[:4]) != "RIFF" || seconds != s.Seconds {
		t.Errorf("%q of %d s, want %d s", wav[:4], seconds, s.Seconds)
	}
	part := f.want(f.send("GET", s.AudioURL, http.Header{"Range": {"bytes=1000000-1000099"}}, ""), 206)
	if part.body != whole.body[1000000:1000100] {
		t.Error("another part than was asked for")
	}
	f.want(f.send("GET", s.AudioURL, http.Header{"If-None-Match": {whole.header.Get("ETag")}}, ""), 304)
	f.want(f.send("GET", s.AudioURL, http.Header{"Range": {"bytes=999999999-"}}, ""), 416)

	other := f.songs(f.listener(ada))["7"]
	_, signature, _ := strings.Cut(s.AudioURL, "?t=")
	expiry, mac, _ := strings.Cut(signature, ".")
	for name, path := range map[string]string{
		"no signature":    "/songs/6/audio",
		"empty signature": "/songs/6/audio?t=",
		"another song":    "/songs/7/audio?t=" + signature,
		"a later expiry":  "/songs/6/audio?t=zzzzzz." + mac,
		"no expiry":       "/songs/6/audio?t=." + mac,
		"cut":             "/songs/6/audio?t=" + expiry + "." + mac[:10],
		"private song":    "/songs/ada-1/audio?t=" + signature,
		"unknown song":    "/songs/nothing/audio?t=" + signature,
		"other's":         strings.Replace(other.AudioURL, "/7/", "/8/", 1),
	} {
		if got := f.call("GET", path, "", ""); got.status != 403 {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	cover := f.want(f.call("GET", s.CoverURL, "", ""), 200)
	if cover.header.Get("Content-Type") != "image/svg+xml" || !strings.HasPrefix(cover.body, "<svg") {
		t.Errorf("cover: %s %.20s", cover.header.Get("Content-Type"), cover.body)
	}
}
