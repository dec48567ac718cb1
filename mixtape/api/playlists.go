package api

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxPlaylists = 200 // of one listener
	maxTracks    = 500 // of one playlist
)

// playlist belongs to a listener, or to the house: then it is featured.
type playlist struct {
	ID       string   `json:"playlist_id"`
	Name     string   `json:"name"`
	UserID   string   `json:"user_id"`
	Featured bool     `json:"featured"`
	Songs    []string `json:"songs"`
	Plays    int      `json:"plays"` // of its songs, by its owner; featured: by everybody
}

func (s *Server) listPlaylists(w http.ResponseWriter, r *http.Request, l listener) error {
	return s.writePlaylists(w, r, l.id)
}

func (s *Server) listFeatured(w http.ResponseWriter, r *http.Request, _ listener) error {
	return s.writePlaylists(w, r, house)
}

func (s *Server) writePlaylists(w http.ResponseWriter, r *http.Request, owner string) error {
	lists, err := s.playlists(r.Context(), owner, "")
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, lists)
}

// countPlays answers how often the listener has played the songs of their
// playlists, as plain text. A song in two playlists is counted once.
func (s *Server) countPlays(w http.ResponseWriter, r *http.Request, l listener) error {
	var plays int
	err := s.db.QueryRowContext(r.Context(),
		`SELECT count(*) FROM plays WHERE user_id = $1 AND song_id IN
		   (SELECT t.song_id FROM playlist_songs t JOIN playlists l ON l.playlist_id = t.playlist_id WHERE l.user_id = $1)`,
		l.id).Scan(&plays)
	if err != nil {
		return err
	}
	return writeText(w, strconv.Itoa(plays))
}

// playlistIn holds what a request may set. An absent field stays as it is.
type playlistIn struct {
	Name  *string   `json:"name"`
	Songs *[]string `json:"songs"`
}

func (s *Server) createPlaylist(w http.ResponseWriter, r *http.Request, l listener) error {
	in, err := s.readPlaylist(w, r, l.id)
	if err != nil {
		return err
	}
	if in.Name == nil {
		return badRequest("A playlist needs a name.")
	}
	ctx, id := r.Context(), strings.ToLower(rand.Text())
	err = transact(ctx, s.db, func(tx *sql.Tx) error {
		added, err := changed(tx.ExecContext(ctx,
			`INSERT INTO playlists (playlist_id, name, user_id, created_at)
			 SELECT $1, $2, $3, $4 WHERE (SELECT count(*) FROM playlists WHERE user_id = $3) < $5`,
			id, *in.Name, l.id, time.Now().UnixMilli(), maxPlaylists))
		if err != nil {
			return err
		}
		if !added {
			return badRequest("There are too many playlists.")
		}
		return writeTracks(ctx, tx, id, in.Songs)
	})
	if err != nil {
		return err
	}
	return s.writePlaylist(w, r, http.StatusCreated, l.id, id)
}

func (s *Server) updatePlaylist(w http.ResponseWriter, r *http.Request, l listener) error {
	return s.changePlaylist(w, r, l.id)
}

// updateFeatured is for editors, by the roles in their verified token.
func (s *Server) updateFeatured(w http.ResponseWriter, r *http.Request, l listener) error {
	if !l.editor() {
		return problem{http.StatusForbidden, "forbidden", "Only playlist editors may change featured playlists."}
	}
	return s.changePlaylist(w, r, house)
}

// changePlaylist changes a playlist of the owner and of nobody else.
func (s *Server) changePlaylist(w http.ResponseWriter, r *http.Request, owner string) error {
	in, err := s.readPlaylist(w, r, owner)
	if err != nil {
		return err
	}
	ctx, id := r.Context(), r.PathValue("id")
	err = transact(ctx, s.db, func(tx *sql.Tx) error {
		found, err := changed(tx.ExecContext(ctx,
			`UPDATE playlists SET name = coalesce($1, name) WHERE playlist_id = $2 AND user_id = $3`, in.Name, id, owner))
		if err != nil || !found {
			return orNotFound(err, "playlist")
		}
		return writeTracks(ctx, tx, id, in.Songs)
	})
	if err != nil {
		return err
	}
	return s.writePlaylist(w, r, http.StatusOK, owner, id)
}

func (s *Server) deletePlaylist(w http.ResponseWriter, r *http.Request, l listener) error {
	found, err := changed(s.db.ExecContext(r.Context(),
		`DELETE FROM playlists WHERE playlist_id = $1 AND user_id = $2`, r.PathValue("id"), l.id))
	if err != nil || !found {
		return orNotFound(err, "playlist")
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// readPlaylist checks the name and that the owner has all the songs.
func (s *Server) readPlaylist(w http.ResponseWriter, r *http.Request, owner string) (playlistIn, error) {
	in, err := readJSON[playlistIn](w, r)
	if err != nil {
		return in, err
	}
	if in.Name != nil {
		name, ok := cleanName(*in.Name, 100)
		if !ok {
			return in, badRequest("A playlist's name has 1 to 100 characters.")
		}
		in.Name = &name
	}
	if in.Songs == nil {
		return in, nil
	}
	if len(*in.Songs) > maxTracks {
		return in, badRequest("A playlist has at most 500 songs.")
	}
	ok, err := s.haveSongs(r.Context(), owner, *in.Songs)
	if err == nil && !ok {
		err = badRequest("A playlist may hold only songs of the library.")
	}
	return in, err
}

// writeTracks replaces the songs of a playlist; nil leaves them.
func writeTracks(ctx context.Context, tx *sql.Tx, id string, songs *[]string) error {
	if songs == nil {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM playlist_songs WHERE playlist_id = $1`, id); err != nil {
		return err
	}
	for i, song := range *songs {
		_, err := tx.ExecContext(ctx,
			`INSERT INTO playlist_songs (playlist_id, position, song_id) VALUES ($1, $2, $3)`, id, i, song)
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) writePlaylist(w http.ResponseWriter, r *http.Request, status int, owner, id string) error {
	lists, err := s.playlists(r.Context(), owner, id)
	if err != nil || len(lists) == 0 {
		return orNotFound(err, "playlist")
	}
	return writeJSON(w, status, lists[0])
}

// playlists returns the owner's playlists, or only the one of that id.
func (s *Server) playlists(ctx context.Context, owner, id string) ([]playlist, error) {
	rows, err := s.db.QueryContext(ctx,
		`SELECT l.playlist_id, l.name, l.user_id,
		   (SELECT count(*) FROM plays p WHERE (p.user_id = l.user_id OR l.user_id = $3) AND p.song_id IN
		     (SELECT song_id FROM playlist_songs t WHERE t.playlist_id = l.playlist_id)),
		   coalesce(t.song_id, '')
		 FROM playlists l LEFT JOIN playlist_songs t ON t.playlist_id = l.playlist_id
		 WHERE l.user_id = $1 AND $2 IN ('', l.playlist_id)
		 ORDER BY l.created_at, l.playlist_id, t.position`, owner, id, house)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	lists := []playlist{}
	for rows.Next() { // a row for each song, one with '' for an empty playlist
		var l playlist
		var song string
		if err := rows.Scan(&l.ID, &l.Name, &l.UserID, &l.Plays, &song); err != nil {
			return nil, err
		}
		if len(lists) == 0 || lists[len(lists)-1].ID != l.ID {
			l.Featured, l.Songs = l.UserID == house, []string{}
			lists = append(lists, l)
		}
		if song != "" {
			last := &lists[len(lists)-1]
			last.Songs = append(last.Songs, song)
		}
	}
	return lists, rows.Err()
}
