// Package npm holds the packages of the npm registry that come with the program, each bundled into one file, for both runtimes of
// scripts. table.json says which; `go generate` makes the rest of the directory from it: lock.json pins everything that they depend on by
// hash, index.json tells what each bundle is, bundles holds them compressed, and LICENSES.txt what their authors ask to be told.
package npm

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
)

//go:generate go run ./generate

//go:embed index.json bundles/*.js.gz
var files embed.FS

// Package is one bundle.
type Package struct {
	Name      string   `json:"name"`
	Version   string   `json:"version"`
	License   string   `json:"license"`
	Integrity string   `json:"integrity"` // of the tarball as published
	Hash      string   `json:"hash"`      // SHA-256 of the bundle, hexadecimal
	Size      int      `json:"size"`      // of the bundle, in bytes
	Parts     []string `json:"parts,omitempty"`
	Members   []string `json:"members,omitempty"` // folders whose files are members of the package's exports: "lib" for validator/lib/isEmail
	Requires  []string `json:"requires,omitempty"`
	Contains  []string `json:"contains,omitempty"` // other packages in it, "name@version (license)"
}

// ID is what a package is called where one is meant exactly.
func (p Package) ID() string { return p.Name + "@" + p.Version }

// FileName is where the bundle of a package lies in bundles.
func (p Package) FileName() string { return strings.ReplaceAll(p.ID(), "/", "__") + ".js.gz" }

// Packages are all that come with the program; of several versions the first is meant when a script names none.
var Packages = sync.OnceValue(func() []Package {
	b, err := files.ReadFile("index.json")
	var all []Package
	if err == nil {
		err = json.Unmarshal(b, &all)
	}
	if err != nil {
		panic("npm: index.json: " + err.Error()) // it is part of the program, and tested
	}
	return all
})

// Source is the bundle of a package that comes with the program, by its ID. See bundle.Built for its form.
func Source(id string) (string, error) {
	for _, p := range Packages() {
		if p.ID() == id {
			return p.source()
		}
	}
	return "", fmt.Errorf("npm: no package %s", id)
}

// Packed is the bundle of a package, compressed with gzip.
func (p Package) Packed() ([]byte, error) { return files.ReadFile("bundles/" + p.FileName()) }

func (p Package) source() (string, error) {
	b, err := p.Packed()
	if err != nil {
		return "", err
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(z)
	return string(text), err
}

// Hash is the hash of a bundle's text as the index has it.
func Hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
