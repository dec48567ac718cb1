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
	Licenses             []struct{ Type string }
	Dependencies         map[string]string
	OptionalDependencies map[string]string
	PeerDependencies     map[string]string
	PeerDependenciesMeta map[string]struct{ Optional bool }
	Scripts              map[string]string
	Gypfile              bool
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
	var all []string
	for _, l := range m.Licenses {
		all = append(all, l.Type)
	}
	return strings.Join(all, " OR ")
}
