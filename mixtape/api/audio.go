package api

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/stagedoor/stagedoor/mixtape/music"
)

const (
	audioLifetime = time.Hour        // how long a signed address is good, at least
	audioStep     = 10 * time.Minute // how long it stays the same, for the browser's cache
	audioCache    = 256 << 20        // bytes of rendered songs kept on disk
)

// audioStore renders songs on demand and keeps the latest on disk. An <audio>
// element cannot send a bearer token, so that addresses are signed instead.
type audioStore struct {
	dir    string
	limit  int64 // bytes
	key    []byte
	render sync.Mutex // one song at a time: rendering takes a core and memory
}

func newAudioStore(ctx context.Context, db *sql.DB, dataDir string) (*audioStore, error) {
	a := &audioStore{dir: filepath.Join(dataDir, "audio"), limit: audioCache}
	if err := os.MkdirAll(a.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the audio directory: %w", err)
	}
	// All servers on one database share a key, whoever writes it first.
	_, err := db.ExecContext(ctx,
		`INSERT INTO settings (name, value) VALUES ('audio_key', $1) ON CONFLICT DO NOTHING`, rand.Text()+rand.Text())
	if err != nil {
		return nil, fmt.Errorf("write the audio key: %w", err)
	}
	var key string
	if err := db.QueryRowContext(ctx, `SELECT value FROM settings WHERE name = 'audio_key'`).Scan(&key); err != nil {
		return nil, fmt.Errorf("read the audio key: %w", err)
	}
	a.key = []byte(key)
	return a, nil
}

// sign returns the t parameter of a song's address: expiry and signature.
func (a *audioStore) sign(songID string, now time.Time) string {
	expiry := strconv.FormatInt(now.Truncate(audioStep).Add(audioLifetime+audioStep).Unix(), 36)
	return expiry + "." + a.mac(songID, expiry)
}

// signed tells whether t was made by sign for this song and is still good.
func (a *audioStore) signed(songID, t string, now time.Time) bool {
	expiry, mac, _ := strings.Cut(t, ".")
	if !hmac.Equal([]byte(mac), []byte(a.mac(songID, expiry))) {
		return false
	}
	until, err := strconv.ParseInt(expiry, 36, 64)
	return err == nil && now.Before(time.Unix(until, 0))
}

func (a *audioStore) mac(songID, expiry string) string {
	h := hmac.New(sha256.New, a.key)
	fmt.Fprintf(h, "%s\n%s", expiry, songID) // expiry has no line feed once it has parsed
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

func (s *Server) songAudio(w http.ResponseWriter, r *http.Request) {
	id, now := r.PathValue("id"), time.Now()
	if !s.audio.signed(id, r.URL.Query().Get("t"), now) {
		s.fail(w, r, problem{http.StatusForbidden, "forbidden", "The address has expired. Ask /songs for a new one."})
		return
	}
	x := music.Song{ID: id}
	err := s.db.QueryRowContext(r.Context(), `SELECT genre FROM songs WHERE song_id = $1`, id).Scan(&x.Genre)
	if errors.Is(err, sql.ErrNoRows) {
		err = notFound("song")
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	file, err := s.audio.open(x)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer file.Close()
	h := w.Header()
	h.Set("Content-Type", "audio/wav")
	h.Set("Cache-Control", "private, max-age=3600")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("ETag", strconv.Quote(strings.TrimSuffix(filepath.Base(file.Name()), ".wav")))
	http.ServeContent(w, r, "", time.Time{}, file) // knows about Range
}

// open returns the rendered song, from the cache or fresh.
func (a *audioStore) open(x music.Song) (*os.File, error) {
	sum := sha256.Sum256([]byte(music.Version + "\n" + x.Genre + "\n" + x.ID))
	name := filepath.Join(a.dir, fmt.Sprintf("%x.wav", sum[:16]))
	if file, err := a.cached(name); err == nil {
		return file, nil
	}
	a.render.Lock()
	defer a.render.Unlock()
	if file, err := a.cached(name); err == nil { // somebody else was first
		return file, nil
	}
	if err := a.write(name, x); err != nil {
		return nil, fmt.Errorf("render song %s: %w", x.ID, err)
	}
	if err := a.evict(name); err != nil {
		return nil, err
	}
	return os.Open(name)
}

// cached opens a song on disk and marks it as used.
func (a *audioStore) cached(name string) (*os.File, error) {
	file, err := os.Open(name)
	if err == nil {
		now := time.Now()
		os.Chtimes(name, now, now) // only the order of eviction depends on it
	}
	return file, err
}

// write renders beside the final name and moves the file there when complete.
func (a *audioStore) write(name string, x music.Song) error {
	file, err := os.CreateTemp(a.dir, "new-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	w := bufio.NewWriterSize(file, 1<<16)
	if err := x.WriteWAV(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), name)
}

// evict removes the songs that were not played for longest, but never keep,
// until the cache is within its limit.
func (a *audioStore) evict(keep string) error {
	entries, err := os.ReadDir(a.dir)
	if err != nil {
		return err
	}
	var files []fs.FileInfo
	var total int64
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			files, total = append(files, info), total+info.Size()
		}
	}
	slices.SortFunc(files, func(x, y fs.FileInfo) int { return x.ModTime().Compare(y.ModTime()) })
	for _, info := range files {
		if total <= a.limit {
			return nil
		}
		if info.Name() == filepath.Base(keep) {
			continue
		}
		if os.Remove(filepath.Join(a.dir, info.Name())) == nil {
			total -= info.Size()
		}
	}
	return nil
}
