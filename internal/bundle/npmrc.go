package bundle

import (
	"bufio"
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// FindRegistry is the registry that the npm client of this environment would ask: what is given, NPM_CONFIG_REGISTRY, registry in the
// .npmrc of this folder or of the home folder, or what an installed npm says. The token is the one of the .npmrc for that registry.
func FindRegistry(ctx context.Context, given string, getenv func(string) string) (*Registry, error) {
	settings := map[string]string{}
	for _, file := range []string{filepath.Join(getenv("HOME"), ".npmrc"), ".npmrc"} {
		readSettings(file, getenv, settings)
	}
	address := given
	for _, other := range []string{getenv("NPM_CONFIG_REGISTRY"), getenv("npm_config_registry"), settings["registry"]} {
		if address == "" {
			address = other
		}
	}
	if address == "" {
		if out, err := exec.CommandContext(ctx, "npm", "config", "get", "registry").Output(); err == nil {
			address = strings.TrimSpace(string(out))
		}
	}
	u, err := url.Parse(address)
	if address == "" || err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("no registry is known: name one with --registry URL, NPM_CONFIG_REGISTRY, or registry=URL in .npmrc")
	}
	address = strings.TrimRight(address, "/")
	_, bare, _ := strings.Cut(address, ":")
	return &Registry{URL: address, Token: settings[bare+"/:_authToken"]}, nil
}

// readSettings reads name=value lines; ${NAME} is taken from the environment.
func readSettings(file string, getenv func(string) string, into map[string]string) {
	f, err := os.Open(file)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if name, value, ok := strings.Cut(line, "="); ok {
			value = strings.Trim(strings.TrimSpace(value), `"`)
			into[strings.TrimSpace(name)] = os.Expand(value, func(name string) string { return getenv(name) })
		}
	}
}
