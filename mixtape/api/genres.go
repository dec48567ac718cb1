package api

import (
	"database/sql"
	"errors"
	"net/http"
	"slices"

	"github.com/stagedoor/stagedoor/mixtape/music"
)

func (s *Server) listGenres(w http.ResponseWriter, _ *http.Request, _ listener) error {
	return writeJSON(w, http.StatusOK, map[string][]string{"genres": music.Genres()})
}

// favouriteGenre answers plain text, empty when the listener has chosen none.
func (s *Server) favouriteGenre(w http.ResponseWriter, r *http.Request, l listener) error {
	var genre string
	err := s.db.QueryRowContext(r.Context(),
		`SELECT fav_genre AS value FROM user_data WHERE user_id = $1`, l.id).Scan(&genre)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return writeText(w, genre)
}

type genreIn struct {
	Genre string `json:"genre"`
}

func (s *Server) setFavouriteGenre(w http.ResponseWriter, r *http.Request, l listener) error {
	in, err := readJSON[genreIn](w, r)
	if err != nil {
		return err
	}
	if !slices.Contains(music.Genres(), in.Genre) {
		return badRequest("The genre must be one of those that /genres lists.")
	}
	_, err = s.db.ExecContext(r.Context(),
		`INSERT INTO user_data (user_id, fav_genre) VALUES ($1, $2)
		 ON CONFLICT (user_id) DO UPDATE SET fav_genre = excluded.fav_genre`, l.id, in.Genre)
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
