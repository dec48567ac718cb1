package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/stagedoor/stagedoor"
)

const (
	maxUnpacked = 256 << 20 // bytes of one package
	maxFiles    = 20000     // of one package
)

// unpack lays a tarball of the registry out in dir. The first folder of its names is left out; what is no plain file is passed over, and a
// name that would lead out of dir is refused.
func unpack(tarball []byte, dir string) error {
	z, err := gzip.NewReader(bytes.NewReader(tarball))
	if err != nil {
		return errors.New("it is no tarball")
	}
	left, files := int64(maxUnpacked), 0
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("its tarball cannot be read: %w", err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if files++; files > maxFiles {
			return fmt.Errorf("it has more than %d files", maxFiles)
		}
		_, name, _ := strings.Cut(strings.TrimPrefix(h.Name, "./"), "/")
		if name == "" {
			continue
		}
		if name = path.Clean(name); !filepath.IsLocal(name) {
			return fmt.Errorf("its tarball names a file outside of it: %q", h.Name)
		}
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		n, err := io.Copy(f, io.LimitReader(r, left+1))
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		if left -= n; left < 0 {
			return fmt.Errorf("it is larger than %d MB", maxUnpacked>>20)
		}
	}
}

// installScripts are those that npm runs when it installs a package.
var installScripts = []string{"preinstall", "install", "postinstall"}

// refuse tells why a package cannot be added: nothing of it is run, and scripts have no place for machine code. With ignore, what would run a
// command is told by progress alone.
func refuse(dir string, m manifest, ignore bool, progress func(string)) error {
	name := m.Name + "@" + m.Version
	if _, err := os.Stat(filepath.Join(dir, "binding.gyp")); err == nil || m.Gypfile {
		return fmt.Errorf("%s is a native add-on (it is compiled when it is installed): only packages in pure JavaScript can be added", name)
	}
	for _, script := range installScripts {
		command, ok := m.Scripts[script].(string)
		if !ok || command == "" {
			continue
		}
		command = strconv.QuoteToASCII(stagedoor.Shorten(command, 200)) // on a terminal: somebody else's words
		if !ignore {
			return fmt.Errorf("%s runs a command when it is installed (%s: %s), and nothing of a package is run here: --ignore-scripts adds it all the same", name, script, command)
		}
		progress(fmt.Sprintf("%s: %s (%s) is not run", name, command, script))
	}
	return nil
}
