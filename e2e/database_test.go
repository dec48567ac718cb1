package e2e

import (
	"database/sql"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"
)

// TestA9_MixtapesOwnDatabase: songs, playlists, plays and favourite genres are Mixtape's, keyed by user_id, and the server knows none of them.
func TestA9_MixtapesOwnDatabase(t *testing.T) {
	op := operatorOf(t)
	listener := op.newListener("gil", nil)
	token := signIn(t, mixtape(t), listener).Access
	api(t, 204, "PUT", "/genres/fav", token, map[string]string{"genre": "Lo-Fi"})
	api(t, 201, "POST", "/playlists", token, map[string]any{"name": "Gil's tape", "songs": []string{"3"}})
	play(t, token, "3", 2)

	db, err := sql.Open("sqlite", "file:"+filepath.Join(scratch, "data", "mixtape.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	count := func(query string, args ...any) (n int) {
		t.Helper()
		if err := db.QueryRow(query, args...).Scan(&n); err != nil {
			t.Errorf("%s: %v", query, err)
		}
		return n
	}
	for query, want := range map[string]int{
		"SELECT count(*) FROM user_data WHERE user_id = ? AND fav_genre = 'Lo-Fi'":                        1,
		"SELECT count(*) FROM playlists WHERE user_id = ? AND name = 'Gil''s tape'":                       1,
		"SELECT count(*) FROM plays WHERE user_id = ?":                                                    2,
		"SELECT count(song_id) + count(songname) FROM songs WHERE user_id = ?":                            0,
		"SELECT count(*) FROM songs WHERE user_id <> ? AND song_id = '1' AND songname = 'Number One Hit'": 1,
	} {
		if got := count(query, listener.UserID); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	identity, err := sql.Open("sqlite", "file:"+filepath.Join(scratch, "data", "stagedoor.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer identity.Close()
	var shared int
	if err := identity.QueryRow("SELECT count(*) FROM sqlite_master WHERE name IN ('songs', 'playlists', 'plays', 'user_data')").Scan(&shared); err != nil || shared != 0 {
		t.Errorf("the identity server's database has %d of Mixtape's tables (%v)", shared, err)
	}
	if kept := text(op.user(listener.UserID)); strings.Contains(kept, "Lo-Fi") {
		t.Errorf("the genre is at the identity server: %s", kept)
	}
}

// TestA9_PostgreSQL: the whole scenario on PostgreSQL, by DATABASE_URL for Mixtape and --database for the server.
func TestA9_PostgreSQL(t *testing.T) {
	database := postgres(t)
	t.Setenv("DATABASE_URL", database)
	data := t.TempDir()
	p, info, err := startDemo(data, append(demoFlags(), "--database", database))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.stop(); err != nil {
			t.Errorf("stop: %v\n%s", err, p.tail())
		}
	}()
	if files, _ := filepath.Glob(filepath.Join(data, "*.db")); len(files) != 0 {
		t.Errorf("there are SQLite files: %q", files)
	}
	for _, one := range []struct {
		user  user
		plays string
		roles []string
	}{{info.Users[0], "99", []string{}}, {info.Users[1], "100", []string{"playlist_editor"}}} {
		tokens := signIn(t, request{
			server: info.HTTPURL, clientID: info.Clients[0].ClientID, redirectURI: info.MixtapeURL,
			extra: map[string]string{"audience": "https://mixtape.example/api"},
		}, one.user)
		if roles := claims(t, tokens.ID)[namespace+"roles"]; text(roles) != text(one.roles) {
			t.Errorf("%s: roles %s, want %s", one.user.Email, text(roles), text(one.roles))
		}
		if got := want(t, 200, "GET", info.MixtapeAPIURL+"/playlists/getPlays", tokens.Access, nil).body; got != one.plays {
			t.Errorf("%s: %s plays, want %s", one.user.Email, got, one.plays)
		}
	}
}

// postgres starts a PostgreSQL for the length of the test and returns its URL.
func postgres(t *testing.T) string {
	t.Helper()
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); len(found) == 0 {
		if _, err := exec.LookPath("initdb"); err != nil {
			missing(t, "postgresql")
		}
	}
	command := exec.Command("../scripts/postgres", "sh", "-c", `echo "$STAGEDOOR_TEST_POSTGRES"; exec cat`) // until its input ends
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var output, complaints buffer
	command.Stdout, command.Stderr = &output, &complaints
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		input.Close()
		_ = command.Wait()
	})
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if line, found := strings.CutSuffix(string(output.bytes()), "\n"); found {
			return line
		}
	}
	t.Fatalf("PostgreSQL did not start: %s", complaints.bytes())
	return ""
}
