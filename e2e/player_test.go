package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// api calls Mixtape's API.
func api(t *testing.T, status int, method, path, bearer string, body any) answer {
	t.Helper()
	return want(t, status, method, demo.MixtapeAPIURL+path, bearer, body)
}

// play counts plays of a song.
func play(t *testing.T, bearer, song string, times int) {
	t.Helper()
	for i := range times {
		api(t, 200, "POST", "/songs/"+song+"/play", bearer, map[string]string{"play_id": fmt.Sprintf("%s-%d-%d", song, time.Now().UnixNano(), i)})
	}
}

// TestA11_MusicPlays: a song sounds in the browser, its time goes on, and the play counts.
func TestA11_MusicPlays(t *testing.T) {
	op := operatorOf(t)
	listener := op.newListener("kit", nil)
	b := newTab(t)
	b.ears()
	b.signIn(listener)
	b.click(id("tab-library"))
	row := id("song-row") + `[data-song-id="2"]`
	b.see(row)
	before := b.data(row+" "+id("plays-count"), "plays")
	b.click(row + " " + id("play-button"))
	b.awaitText(id("mini-player"), "Midnight Arcade")
	b.await("the music goes on", `window.heard?.currentTime > 0.6 && !window.heard.paused`)
	b.await("the play is counted", `document.querySelector(`+quote(row+" "+id("plays-count"))+`).dataset.plays === String(`+before+` + 1)`)
	var sound struct {
		Duration float64
		Loud     float64
		Type     string
	}
	b.eval(&sound, `(async () => {
		const answer = await fetch(window.heard.src), bytes = await answer.arrayBuffer();
		const decoded = await new OfflineAudioContext(1, 1, 44100).decodeAudioData(bytes);
		let sum = 0; const samples = decoded.getChannelData(0);
		for (const s of samples) sum += s * s;
		return {Duration: decoded.duration, Loud: Math.sqrt(sum / samples.length), Type: answer.headers.get("content-type")};
	})()`)
	if sound.Duration < 5 || sound.Loud < 0.01 || !strings.HasPrefix(sound.Type, "audio/") {
		t.Errorf("not music: %+v", sound)
	}
	token := signIn(t, mixtape(t), listener).Access
	api(t, 201, "POST", "/playlists", token, map[string]any{"name": "All", "songs": []string{"2"}})
	if plays := api(t, 200, "GET", "/playlists/getPlays", token, nil).body; plays != "1" {
		t.Errorf("%s plays, want 1", plays)
	}
	b.click(id("player-toggle"))
	b.await("the music pauses", `window.heard.paused`)
}
