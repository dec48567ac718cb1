package api

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"
)

// house owns the shared catalogue and the featured playlists.
const house = "mixtape"

// Server is the API as an http.Handler. Make it with New, end it with Close.
type Server struct {
	db      *sql.DB
	tokens  *verifier
	users   *managementClient
	audio   *audioStore
	log     *slog.Logger
	stop    context.CancelFunc
	handler http.Handler
}

// New opens the database, brings its schema up to date and returns the API.
// The identity server need not answer yet.
func New(ctx context.Context, cfg Config) (*Server, error) {
	cfg.Log = cmp.Or(cfg.Log, slog.Default())
	cfg.HTTPClient = cmp.Or(cfg.HTTPClient, &http.Client{Timeout: 10 * time.Second})
	cfg.DataDir = cmp.Or(cfg.DataDir, ".")
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	db, err := openDatabase(ctx, cfg.DatabaseURL, cfg.DataDir)
	if err != nil {
		return nil, err
	}
	audio, err := newAudioStore(ctx, db, cfg.DataDir)
	if err != nil {
		db.Close()
		return nil, err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	s := &Server{
		db:     db,
		tokens: newVerifier(background, cfg),
		users:  newManagementClient(cfg),
		audio:  audio,
		log:    cfg.Log,
		stop:   stop,
	}
	s.handler = cors(cfg.AllowedOrigins, s.routes())
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Close ends the background work and closes the database.
func (s *Server) Close() error {
	s.stop()
	return s.db.Close()
}

// routes is the whole API. Only what stands outside the loop is served without
// a token.
func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, h := range map[string]handler{
		"GET /genres":                    s.listGenres,
		"GET /genres/getFav":             s.favouriteGenre,
		"GET /secured/getFavGenre":       s.favouriteGenre,
		"PUT /genres/fav":                s.setFavouriteGenre,
		"GET /songs":                     s.listSongs,
		"POST /songs/{id}/play":          s.playSong,
		"GET /playlists":                 s.listPlaylists,
		"POST /playlists":                s.createPlaylist,
		"PATCH /playlists/{id}":          s.updatePlaylist,
		"DELETE /playlists/{id}":         s.deletePlaylist,
		"GET /playlists/getPlays":        s.countPlays,
		"GET /playlists/featured":        s.listFeatured,
		"PATCH /playlists/featured/{id}": s.updateFeatured,
		"GET /displayName":               s.displayName,
		"PUT /displayName":               s.setDisplayName,
	} {
		mux.Handle(pattern, s.authenticated(h))
	}
	mux.HandleFunc("GET /songs/{id}/audio", s.songAudio)     // by signed address
	mux.HandleFunc("GET /songs/{id}/cover.svg", s.songCover) // drawn from the id alone
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, notFound("address")) })
	return mux
}

func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	if err := s.db.PingContext(r.Context()); err != nil {
		s.fail(w, r, fmt.Errorf("ping the database: %w", err))
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}
