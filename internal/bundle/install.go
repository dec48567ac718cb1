package bundle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
)

const maxPackages = 500 // that one package may bring

// Request says what is added.
type Request struct {
	Spec     string       // NAME, NAME@VERSION with a version, range or tag
	Tarballs [][]byte     // packages that are at hand; without a Spec the first is meant
	Registry *Registry    // nil: nothing is fetched
	Parts    []string     // sub-paths that scripts may require
	Progress func(string) // told what is done; may be nil

	IgnoreScripts bool // take packages that would run a command when they are installed; it is not run
}

// Added is a package made ready.
type Added struct {
	Built
	Name, Version, License string
	Integrity              string // of its tarball
}

// Add resolves a package and what it depends on, lays them out in a directory of its own, and makes one file of them. Optional
// dependencies are left out. Nothing is run.
func Add(ctx context.Context, r Request) (Added, error) {
	root, err := os.MkdirTemp("", "stagedoor-modules-")
	if err != nil {
		return Added{}, err
	}
	defer func() { _ = os.RemoveAll(root) }()
	in := &installation{root: root, registry: r.Registry, documents: map[string]*document{}, progress: r.Progress, ignoreScripts: r.IgnoreScripts}
	if in.progress == nil {
		in.progress = func(string) {}
	}
	if err := in.takeTarballs(r.Tarballs); err != nil {
		return Added{}, err
	}
	name, wanted := SplitSpec(r.Spec)
	if r.Spec == "" {
		if len(in.local) == 0 {
			return Added{}, errors.New("nothing is named that could be added")
		}
		name, wanted = in.local[0].Name, in.local[0].Version
	}
	if !validName(name) {
		return Added{}, fmt.Errorf("%q is no name of a package", name)
	}
	first, err := in.place(ctx, root, name, wanted)
	if err != nil {
		return Added{}, err
	}
	for len(in.queue) > 0 {
		next := in.queue[0]
		in.queue = in.queue[1:]
		if err := in.dependencies(ctx, next); err != nil {
			return Added{}, err
		}
	}
	in.progress("bundling " + first.Name + "@" + first.Version)
	b, err := Build(Source{Root: root, Import: name, Parts: r.Parts})
	if err != nil {
		return Added{}, fmt.Errorf("%s@%s cannot be bundled: %w", first.Name, first.Version, err)
	}
	return Added{Built: b, Name: first.Name, Version: first.Version, License: first.license(), Integrity: in.integrity}, nil
}

// SplitSpec takes NAME@VERSION apart.
func SplitSpec(spec string) (name, version string) {
	if at := strings.LastIndex(spec, "@"); at > 0 {
		return spec[:at], spec[at+1:]
	}
	return spec, ""
}

// validName tells whether a name can be one of the registry, and a folder.
func validName(name string) bool {
	scope, rest, scoped := strings.Cut(name, "/")
	if !scoped {
		scope, rest = "@x", name
	}
	ok := func(s string) bool {
		return s != "" && s[0] != '.' && s[0] != '_' && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~") == ""
	}
	return strings.HasPrefix(scope, "@") && ok(scope[1:]) && ok(rest) && len(name) <= 214
}

// placed is a package that lies in its folder, with its dependencies yet to be looked at.
type placed struct {
	manifest
	dir string
}

type installation struct {
	root      string
	registry  *Registry
	documents map[string]*document
	local     []local
	queue     []placed
	count     int
	integrity string // of the first
	progress  func(string)

	ignoreScripts bool
}

// local is a tarball at hand.
type local struct {
	manifest
	tarball []byte
}

func (in *installation) takeTarballs(all [][]byte) error {
	for _, b := range all {
		dir, err := os.MkdirTemp(in.root, "tarball-")
		if err != nil {
			return err
		}
		if err := unpack(b, dir); err != nil {
			return err
		}
		m, err := readManifest(dir)
		if err != nil || m.Name == "" || m.Version == "" {
			return errors.New("a tarball is no package: it has no package.json with a name and a version")
		}
		in.local = append(in.local, local{m, b})
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// place puts a package that fits into dir/node_modules.
func (in *installation) place(ctx context.Context, dir, name, wanted string) (placed, error) {
	if in.count++; in.count > maxPackages {
		return placed{}, fmt.Errorf("it depends on more than %d packages", maxPackages)
	}
	real, limits := name, wanted
	if alias, is := strings.CutPrefix(wanted, "npm:"); is {
		real, limits = SplitSpec(alias)
	}
	if !validName(real) {
		return placed{}, fmt.Errorf("%q is no name of a package", real)
	}
	tarball, err := in.find(ctx, real, limits)
	if err != nil {
		return placed{}, err
	}
	if in.integrity == "" {
		in.integrity = Integrity(tarball)
	}
	to := filepath.Join(dir, "node_modules", filepath.FromSlash(name))
	if err := os.MkdirAll(to, 0o700); err != nil {
		return placed{}, err
	}
	if err := unpack(tarball, to); err != nil {
		return placed{}, fmt.Errorf("%s: %w", real, err)
	}
	m, err := readManifest(to)
	if err != nil {
		return placed{}, err
	}
	if err := refuse(to, m, in.ignoreScripts, in.progress); err != nil {
		return placed{}, err
	}
	p := placed{m, to}
	in.queue = append(in.queue, p)
	return p, nil
}

// find gets the tarball of the version that is wanted: one at hand, else the registry's.
func (in *installation) find(ctx context.Context, name, wanted string) ([]byte, error) {
	for _, l := range in.local {
		if l.Name == name && fits(l.Version, wanted) {
			return l.tarball, nil
		}
	}
	if in.registry == nil {
		return nil, fmt.Errorf("%s@%s is not among the files, and no registry is asked", name, wanted)
	}
	d := in.documents[name]
	if d == nil {
		var err error
		if d, err = in.registry.versions(ctx, name); err != nil {
			return nil, err
		}
		in.documents[name] = d
	}
	version, err := d.choose(name, wanted)
	if err != nil {
		return nil, err
	}
	v, ok := d.Versions[version]
	if !ok {
		return nil, fmt.Errorf("the registry has no %s@%s", name, version)
	}
	in.progress("fetching " + name + "@" + version)
	return in.registry.tarball(ctx, name+"@"+version, v.Dist)
}

// fits tells whether a version is one that is wanted.
func fits(version, wanted string) bool {
	if wanted == "" || wanted == "latest" || wanted == "*" || version == wanted {
		return true
	}
	v, err := semver.NewVersion(version)
	if err != nil {
		return false
	}
	limits, err := constraint(wanted)
	return err == nil && limits.Check(v)
}

// dependencies places what a package depends on: as near to the root as nothing else stands in the way, the way Node looks for it.
func (in *installation) dependencies(ctx context.Context, p placed) error {
	wanted := map[string]string(maps.Clone(p.PeerDependencies))
	if wanted == nil {
		wanted = map[string]string{}
	}
	for name := range p.PeerDependencies {
		if p.PeerDependenciesMeta[name].Optional {
			delete(wanted, name)
		}
	}
	maps.Copy(wanted, p.Dependencies)
	for name := range p.OptionalDependencies {
		delete(wanted, name)
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if strings.HasPrefix(name, "@types/") {
			continue
		}
		if !validName(name) {
			return fmt.Errorf("%s depends on %q, which is no name of a package", p.Name, name)
		}
		dir, there, err := in.seat(p.dir, name, wanted[name])
		if err != nil {
			return err
		}
		if there {
			continue
		}
		if _, err := in.place(ctx, dir, name, wanted[name]); err != nil {
			return fmt.Errorf("%w\n(%s@%s depends on it)", err, p.Name, p.Version)
		}
	}
	return nil
}

// seat finds where a dependency belongs, and whether one that fits is in reach already.
func (in *installation) seat(dir, name, wanted string) (at string, there bool, err error) {
	for at = dir; ; at = filepath.Dir(at) {
		if filepath.Base(at) != "node_modules" {
			m, err := readManifest(filepath.Join(at, "node_modules", filepath.FromSlash(name)))
			if err == nil {
				if alias, is := strings.CutPrefix(wanted, "npm:"); is {
					_, wanted = SplitSpec(alias)
				}
				return dir, fits(m.Version, wanted), nil
			}
			if !errors.Is(err, os.ErrNotExist) {
				return "", false, err
			}
		}
		if at == in.root {
			return at, false, nil
		}
	}
}
