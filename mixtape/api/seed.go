package api

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/stagedoor/stagedoor/mixtape/music"
)

// SeedData is a first filling of the database.
type SeedData struct {
	Listeners []SeedListener `json:"listeners"`
	Featured  []SeedPlaylist `json:"featured"`
}

// SeedListener is what Mixtape keeps about one listener.
type SeedListener struct {
	UserID    string         `json:"user_id"` // as in the "sub" of their tokens
	FavGenre  string         `json:"fav_genre"`
	Songs     []SeedSong     `json:"songs"` // owned by the listener
	Playlists []SeedPlaylist `json:"playlists"`
	Plays     map[string]int `json:"plays"` // by song_id
}

// SeedSong is a song that only its owner has.
type SeedSong struct {
	ID     string `json:"song_id"`
	Name   string `json:"songname"`
	Artist string `json:"artist"`
	Genre  string `json:"genre"`
}

// SeedPlaylist is a playlist with the ids of its songs.
type SeedPlaylist struct {
	ID    string   `json:"playlist_id"`
	Name  string   `json:"name"`
	Songs []string `json:"songs"`
}

// Seed fills in listeners and featured playlists that are not there yet. Who
// is there already is left alone, so that it may run at every start.
func (s *Server) Seed(ctx context.Context, data SeedData) error {
	return transact(ctx, s.db, func(tx *sql.Tx) error {
		for _, l := range data.Listeners {
			if err := seedListener(ctx, tx, l); err != nil {
				return fmt.Errorf("seed %s: %w", l.UserID, err)
			}
		}
		for i, list := range data.Featured {
			if err := seedPlaylist(ctx, tx, house, i, list); err != nil {
				return fmt.Errorf("seed playlist %s: %w", list.ID, err)
			}
		}
		return nil
	})
}

func seedListener(ctx context.Context, tx *sql.Tx, l SeedListener) error {
	isNew, err := changed(tx.ExecContext(ctx,
		`INSERT INTO user_data (user_id, fav_genre) VALUES ($1, $2) ON CONFLICT DO NOTHING`, l.UserID, l.FavGenre))
	if err != nil || !isNew {
		return err
	}
	for _, song := range l.Songs {
		if !slices.Contains(music.Genres(), song.Genre) {
			return fmt.Errorf("song %s: unknown genre %q", song.ID, song.Genre)
		}
		_, err := tx.ExecContext(ctx,
			`INSERT INTO songs (song_id, songname, user_id, artist, genre) VALUES ($1, $2, $3, $4, $5)`,
			song.ID, song.Name, l.UserID, song.Artist, song.Genre)
		if err != nil {
			return err
		}
	}
	for i, list := range l.Playlists {
		if err := seedPlaylist(ctx, tx, l.UserID, i, list); err != nil {
			return err
		}
	}
	now := time.Now().UnixMilli()
	for song, n := range l.Plays {
		for i := range n {
			_, err := tx.ExecContext(ctx,
				`INSERT INTO plays (user_id, play_id, song_id, played_at) VALUES ($1, $2, $3, $4)`,
				l.UserID, fmt.Sprintf("seed-%s-%d", song, i), song, now)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// seedPlaylist adds a playlist; order keeps those of one owner in sequence.
func seedPlaylist(ctx context.Context, tx *sql.Tx, owner string, order int, list SeedPlaylist) error {
	isNew, err := changed(tx.ExecContext(ctx,
		`INSERT INTO playlists (playlist_id, name, user_id, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		list.ID, list.Name, owner, time.Now().UnixMilli()+int64(order)))
	if err != nil || !isNew {
		return err
	}
	return writeTracks(ctx, tx, list.ID, &list.Songs)
}
