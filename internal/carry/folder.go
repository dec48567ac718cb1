package carry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor/internal/web"
)

// Bounds of what is read of a configuration.
const (
	maxFile  = 4 << 20   // bytes of one file
	maxAll   = 256 << 20 // bytes of all files
	maxFiles = 50000
)

// folder reads files under one directory and none elsewhere, whatever paths and symbolic links say.
type folder struct {
	root     *os.Root
	keywords Keywords
	size     int64 // read so far
}

func openFolder(name string, k Keywords) (*folder, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", name, err)
	}
	return &folder{root: root, keywords: k}, nil
}

// local cleans a path that a file names; it must stay within the folder.
func local(name string) (string, error) {
	name = path.Clean(strings.ReplaceAll(name, `\`, "/"))
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return "", leadsOut(name)
	}
	return name, nil
}

func leadsOut(name string) error { return fmt.Errorf("%q leads out of the folder", name) }

// text reads a file with its keywords filled in. A missing one is fs.ErrNotExist.
func (f *folder) text(name string) (string, error) {
	name, err := local(name)
	if err != nil {
		return "", err
	}
	info, err := f.root.Stat(filepath.FromSlash(name))
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", name, unwrapped(err))
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a file", name)
	}
	file, err := f.root.Open(filepath.FromSlash(name))
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", name, unwrapped(err))
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	switch f.size += int64(len(b)); {
	case err != nil:
		return "", fmt.Errorf("reading %s: %w", name, unwrapped(err))
	case len(b) > maxFile:
		return "", fmt.Errorf("%s is larger than %d MB", name, maxFile>>20)
	case f.size > maxAll:
		return "", fmt.Errorf("the files have more than %d MB in all", maxAll>>20)
	case !utf8.Valid(b):
		return "", fmt.Errorf("%s is not UTF-8", name)
	}
	return f.keywords.fill(strings.TrimPrefix(string(b), "\ufeff")), nil
}

// unwrapped takes the machine's own path out of an error.
func unwrapped(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// json reads a JSON file.
func (f *folder) json(name string) (any, error) {
	text, err := f.text(name)
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(text) == "" {
		return nil, fmt.Errorf("%s is empty", name)
	}
	if err := web.CheckJSON([]byte(text)); err != nil {
		if keyword := unfilled(text); keyword != "" && !json.Valid([]byte(text)) {
			return nil, fmt.Errorf("%s is not JSON as long as the keyword %s has no value: give it one, as with --set %s=VALUE", name, keyword, bareKeyword(keyword))
		}
		return nil, fmt.Errorf("%s is not JSON that can be used: %w", name, err)
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("%s is not JSON: %w", name, err)
	}
	return v, nil
}

// object is json for an object.
func (f *folder) object(name string) (map[string]any, error) {
	v, err := f.json(name)
	if err != nil || v == nil {
		return nil, err
	}
	m, is := v.(map[string]any)
	if !is {
		return nil, fmt.Errorf("%s is no object", name)
	}
	return m, nil
}

// list returns the names of what lies in a directory of the folder and ends with the extension ("/" for directories), in order. A
// directory that is not there has nothing.
func (f *folder) list(dir, ext string) ([]string, error) {
	d, err := f.root.Open(filepath.FromSlash(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", dir, unwrapped(err))
	}
	defer d.Close()
	entries, err := d.ReadDir(maxFiles + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading %s: %w", dir, unwrapped(err))
	}
	if len(entries) > maxFiles {
		return nil, fmt.Errorf("%s has more than %d files", dir, maxFiles)
	}
	var names []string
	for _, e := range entries {
		if ext == "/" && e.IsDir() || ext != "/" && !e.IsDir() && strings.HasSuffix(e.Name(), ext) {
			names = append(names, e.Name())
		}
	}
	sort.Strings(names)
	return names, nil
}

func (f *folder) has(name string) bool {
	name, err := local(name)
	if err != nil {
		return false
	}
	info, err := f.root.Stat(filepath.FromSlash(name))
	return err == nil && info.Mode().IsRegular()
}

func (f *folder) close() { f.root.Close() }
