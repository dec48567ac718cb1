package api

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/stagedoor/stagedoor/mixtape/music"
)

// song is a song as a listener sees it.
type song struct {
	ID       string `json:"song_id"`
	Name     string `json:"songname"`
	UserID   string `json:"user_id"` // the owner
	Artist   string `json:"artist"`
	Genre    string `json:"genre"`
	Explicit bool   `json:"explicit"`
	Seconds  int    `json:"seconds"`
	Plays    int    `json:"plays"`     // by the calling listener
	AudioURL string `json:"audio_url"` // good for about an hour, relative to the API
	CoverURL string `json:"cover_url"` // relative to the API
}

// listSongs answers the library: the shared catalogue and the listener's own.
func (s *Server) listSongs(w http.ResponseWriter, r *http.Request, l listener) error {
	rows, err := s.db.QueryContext(r.Context(),
		`SELECT s.song_id, s.songname, s.user_id, s.artist, s.genre, s.explicit, count(p.play_id)
		 FROM songs s LEFT JOIN plays p ON p.song_id = s.song_id AND p.user_id = $1
		 WHERE s.user_id IN ($1, $2)
		 GROUP BY s.song_id ORDER BY s.artist, s.songname, s.song_id`, l.id, house)
	if err != nil {
		return err
	}
	defer rows.Close()
	songs, now := []song{}, time.Now()
	for rows.Next() {
		var x song
		if err := rows.Scan(&x.ID, &x.Name, &x.UserID, &x.Artist, &x.Genre, &x.Explicit, &x.Plays); err != nil {
			return err
		}
		path := "/songs/" + url.PathEscape(x.ID)
		x.Seconds = music.Song{ID: x.ID, Genre: x.Genre}.Seconds()
		x.AudioURL = path + "/audio?t=" + s.audio.sign(x.ID, now)
		x.CoverURL = path + "/cover.svg"
		songs = append(songs, x)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, songs)
}

// playID is what a player may choose to name one start of a song; a UUID fits.
var playID = regexp.MustCompile(`^[A-Za-z0-9_-]{8,64}$`)

type playIn struct {
	PlayID string `json:"play_id"`
}

// playSong counts one play. The same play_id counts once, however often and
// however concurrently it is sent: the primary key sees to that.
func (s *Server) playSong(w http.ResponseWriter, r *http.Request, l listener) error {
	in, err := readJSON[playIn](w, r)
	if err != nil {
		return err
	}
	if !playID.MatchString(in.PlayID) {
		return badRequest("play_id must be 8 to 64 letters, digits, hyphens or underscores.")
	}
	ctx, id := r.Context(), r.PathValue("id")
	if ok, err := s.haveSongs(ctx, l.id, []string{id}); err != nil || !ok {
		return orNotFound(err, "song")
	}
	_, err = s.db.ExecContext(ctx,
		`INSERT INTO plays (user_id, play_id, song_id, played_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		l.id, in.PlayID, id, time.Now().UnixMilli())
	if err != nil {
		return err
	}
	var plays int
	err = s.db.QueryRowContext(ctx,
		`SELECT count(*) FROM plays WHERE song_id = $1 AND user_id = $2`, id, l.id).Scan(&plays)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]int{"plays": plays})
}

// haveSongs tells whether all the songs are in the library of the owner.
func (s *Server) haveSongs(ctx context.Context, owner string, ids []string) (bool, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT song_id FROM songs WHERE user_id IN ($1, $2)`, owner, house)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	library := map[string]bool{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return false, err
		}
		library[id] = true
	}
	for _, id := range ids {
		if !library[id] {
			return false, rows.Err()
		}
	}
	return true, rows.Err()
}

// orNotFound returns err, or that there is no such thing when err is nil.
func orNotFound(err error, what string) error {
	if err != nil {
		return err
	}
	return notFound(what)
}

// songCover draws a cover from the id alone. It looks nothing up, so it needs
// no token and tells nobody which songs there are.
func (s *Server) songCover(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "image/svg+xml")
	h.Set("Content-Security-Policy", "default-src 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Cache-Control", "public, max-age=86400")
	w.Write(music.Cover(r.PathValue("id")))
}
