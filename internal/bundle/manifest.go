package bundle

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// manifest is what is read of a package.json.
type manifest struct {
	Name                 string
	Version              string
	License              json.RawMessage // text, or {type}
	Licenses             json.RawMessage // [{type}] or [text]: what old packages have
	Dependencies         ranges
	OptionalDependencies ranges
	PeerDependencies     ranges
	PeerDependenciesMeta map[string]struct{ Optional bool }
	Scripts              map[string]any // text, as far as npm runs it; old packages keep settings of tools in it
	Gypfile              bool
}

// ranges are versions by the name of a package. Packages of 2012 that depend on nothing have an empty list in its place; what is no object
// names none.
type ranges map[string]string

func (r *ranges) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] != '{' {
		*r = nil
		return nil
	}
	return json.Unmarshal(b, (*map[string]string)(r))
}

// optional tells whether the package says that it can do without another one.
func (m manifest) optional(name string) bool {
	_, optional := m.OptionalDependencies[name]
	return optional || m.PeerDependenciesMeta[name].Optional
}

func readManifest(dir string) (manifest, error) {
	b, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if err != nil {
		return manifest{}, err
	}
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return manifest{}, fmt.Errorf("package.json of %s: %w", filepath.Base(dir), err)
	}
	return m, nil
}

// license is the name of the license in its forms of fifteen years.
func (m manifest) license() string {
	var text string
	if json.Unmarshal(m.License, &text) == nil && text != "" {
		return text
	}
	var object struct{ Type string }
	if json.Unmarshal(m.License, &object) == nil && object.Type != "" {
		return object.Type
	}
	var several []manifestLicense
	_ = json.Unmarshal(m.Licenses, &several) // what is none is left out
	var all []string
	for _, l := range several {
		all = append(all, string(l))
	}
	return strings.Join(all, " OR ")
}

// manifestLicense is one of several: its name, or {type}.
type manifestLicense string

func (l *manifestLicense) UnmarshalJSON(b []byte) error {
	var object struct{ Type string }
	if json.Unmarshal(b, &object) == nil {
		*l = manifestLicense(object.Type)
		return nil
	}
	return json.Unmarshal(b, (*string)(l))
}
