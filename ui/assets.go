package ui

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
)

//go:embed assets
var assetFiles embed.FS

// AssetPrefix is where Assets must be mounted.
const AssetPrefix = "/ui/assets/"

// asset is one embedded file under its public name.
type asset struct {
	mediaType string
	body      []byte
}

// shelf holds the assets by public name ("stagedoor.0a1b2c3d4e.css") and the public name of each file.
type shelf struct {
	files map[string]asset
	names map[string]string
}

// assets reads the embedded files on first use. The stylesheet is last, because it names the others:
// url("NAME") in it becomes the public name.
var assets = sync.OnceValue(func() shelf {
	s := shelf{files: map[string]asset{}, names: map[string]string{}}
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		panic("read embedded assets: " + err.Error())
	}
	read := func(name string) []byte {
		body, err := assetFiles.ReadFile("assets/" + name)
		if err != nil {
			panic("read embedded assets: " + err.Error())
		}
		return body
	}
	for _, e := range entries {
		if path.Ext(e.Name()) != ".css" {
			s.add(e.Name(), read(e.Name()))
		}
	}
	for _, e := range entries {
		if path.Ext(e.Name()) == ".css" {
			css := string(read(e.Name()))
			for name, public := range s.names {
				css = strings.ReplaceAll(css, `url("`+name+`")`, `url("`+public+`")`)
			}
			s.add(e.Name(), []byte(css))
		}
	}
	return s
})

func (s shelf) add(name string, body []byte) {
	ext := path.Ext(name)
	mediaType := mime.TypeByExtension(ext)
	if ext == ".woff2" {
		mediaType = "font/woff2" // not in every system's table
	}
	sum := sha256.Sum256(body)
	public := strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:5]) + ext
	s.files[public] = asset{mediaType, body}
	s.names[name] = public
}

// AssetPath is the address of an embedded file. It changes with the file's content, so that browsers
// may keep it for ever. It is "" for a file that does not exist.
func AssetPath(name string) string {
	public, ok := assets().names[name]
	if !ok {
		return ""
	}
	return AssetPrefix + public
}

// Assets serves the embedded files under AssetPrefix.
func Assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := assets().files[strings.TrimPrefix(r.URL.Path, AssetPrefix)]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		h := w.Header()
		h.Set("Content-Type", a.mediaType)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("X-Content-Type-Options", "nosniff")
		if a.mediaType == "image/svg+xml" {
			h.Set("Content-Security-Policy", "default-src 'none'; sandbox") // opened as a document of its own
		}
		w.Write(a.body) //nolint:errcheck // the client is gone
	})
}
