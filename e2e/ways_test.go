package e2e

import (
	"encoding/json"
	"fmt"
	"testing"
)

// TestWaysOut: a screen with nothing on it leads on, and a window says what it shows.
func TestWaysOut(t *testing.T) {
	b := newTab(t)
	b.signIn(operatorOf(t).newListener("wes", map[string]any{"user_metadata": map[string]any{"language": "de", "theme": "dark"}}))
	if got := b.text(id("tab-hood")); got != "Tokens" {
		t.Errorf("the tab is called %q", got)
	}
	for path, title := range map[string]string{
		"/playlists/none": "Playlists · Mixtape", "/playlists/%FF": "Playlists · Mixtape", "/playing": "Läuft gerade · Mixtape", "/no/such/screen": "Mixtape",
	} {
		b.open(demo.MixtapeURL + path)
		b.await(path+" leads on", `document.querySelector("main h1") && document.querySelector("main a[href]")`)
		b.await(path+" has its title", fmt.Sprintf(`document.title === %q`, title))
		b.await("the bar of the browser is dark, as the app is whatever the device is", `new Set([...document.querySelectorAll("meta[name=theme-color]")].map(e => e.content)).size === 1`)
	}
}

// TestExplicitFilter: what the filter hides is told, and is not played either.
func TestExplicitFilter(t *testing.T) {
	listener := operatorOf(t).newListener("eli", map[string]any{"user_metadata": map[string]any{"explicitFilter": true}})
	token := signIn(t, mixtape(t), listener).Access
	var songs []struct {
		ID       string `json:"song_id"`
		Name     string `json:"songname"`
		Explicit bool   `json:"explicit"`
	}
	if err := json.Unmarshal([]byte(api(t, 200, "GET", "/songs", token, nil).body), &songs); err != nil {
		t.Fatal(err)
	}
	explicit, clean, shown := "", "", ""
	for _, s := range songs {
		if s.Explicit {
			explicit = s.ID
		} else {
			clean, shown = s.ID, s.Name
		}
	}
	if explicit == "" || clean == "" {
		t.Fatalf("songs of one kind alone: %+v", songs)
	}
	api(t, 201, "POST", "/playlists", token, map[string]any{"name": "Both", "songs": []string{explicit, clean}})
	b := newTab(t)
	b.signIn(listener)
	b.await("five songs to begin with, none of them played or hidden", `document.querySelectorAll('[data-testid="song-row"]').length === 5`)
	b.awaitText(id("home-songs"), "Start here")
	b.click(id("tab-playlists"))
	b.click(id("playlist-card"))
	b.awaitData(id("playlist-hidden"), "hidden", "1")
	b.click(id("playlist-play"))
	b.awaitText(id("mini-player"), shown)
}
