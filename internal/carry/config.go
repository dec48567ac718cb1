package carry

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// Config is what of the deploy tool's configuration matters here.
type Config struct {
	Keywords Keywords
	Excluded []string            // kinds that are left out
	Only     []string            // kinds that alone are taken; empty: all
	Names    map[string][]string // names of objects that are left out, by kind
	Ignored  []string            // settings that leave something out and are not known here
}

// excludedNames are the tool's settings that leave objects out by name.
var excludedNames = map[string]string{
	"AUTH0_EXCLUDED_RULES": "rules", "AUTH0_EXCLUDED_CLIENTS": "clients", "AUTH0_EXCLUDED_DATABASES": "databases",
	"AUTH0_EXCLUDED_CONNECTIONS": "connections", "AUTH0_EXCLUDED_RESOURCE_SERVERS": "resourceServers",
}

// ReadConfig reads the tool's config.json; an empty name is none. set are further KEY=VALUE, which come first; a KEY alone takes its value
// from the environment. Other variables of the environment are never looked at: files from elsewhere could ask for any.
func ReadConfig(name string, set []string) (Config, error) {
	c := Config{Keywords: Keywords{}, Names: map[string][]string{}}
	if name != "" {
		b, err := os.ReadFile(name)
		if err != nil {
			return c, fmt.Errorf("reading %s: %w", name, unwrapped(err))
		}
		var all map[string]json.RawMessage
		if err := json.Unmarshal(b, &all); err != nil {
			return c, fmt.Errorf("%s is not the deploy tool's configuration: it is no JSON object", name)
		}
		if err := c.read(all); err != nil {
			return c, fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, one := range set {
		key, value, given := strings.Cut(one, "=")
		if !given {
			if value, given = os.LookupEnv(key); !given {
				return c, fmt.Errorf("the environment has no variable %s", key)
			}
		}
		var v any
		if strings.HasPrefix(value, "[") && json.Unmarshal([]byte(value), &v) == nil {
			c.Keywords[key] = v // for @@KEY@@
			continue
		}
		c.Keywords[key] = value
	}
	return c, nil
}

func (c *Config) read(all map[string]json.RawMessage) error {
	if raw := all["AUTH0_KEYWORD_REPLACE_MAPPINGS"]; raw != nil {
		if err := json.Unmarshal(raw, &c.Keywords); err != nil {
			return fmt.Errorf("AUTH0_KEYWORD_REPLACE_MAPPINGS is no object")
		}
	}
	for _, setting := range slices.Sorted(maps.Keys(all)) {
		if strings.HasPrefix(setting, "AUTH0_EXCLUDED_") && excludedNames[setting] == "" {
			c.Ignored = append(c.Ignored, setting)
		}
	}
	lists := map[string]*[]string{"AUTH0_EXCLUDED": &c.Excluded, "AUTH0_INCLUDED_ONLY": &c.Only}
	for setting, kind := range excludedNames {
		names := []string{}
		lists[setting] = &names
		defer func() { c.Names[kind] = names }()
	}
	for setting, into := range lists {
		if all[setting] == nil {
			continue
		}
		if err := json.Unmarshal(all[setting], into); err != nil {
			return fmt.Errorf("%s is no list of texts", setting)
		}
	}
	return nil
}

// Kinds are the names of all kinds, as the deploy tool has them.
func Kinds() []string {
	var names []string
	for _, k := range table() {
		names = append(names, k.asset)
	}
	slices.Sort(names)
	return names
}

// Unknown are the kinds that are wanted, or left out, and that there are not.
func (c Config) Unknown() []string {
	known := Kinds()
	return slices.DeleteFunc(slices.Concat(c.Only, c.Excluded), func(kind string) bool { return slices.Contains(known, kind) })
}

// takes tells whether a kind is wanted.
func (c Config) takes(asset string) bool {
	return !slices.Contains(c.Excluded, asset) && (len(c.Only) == 0 || slices.Contains(c.Only, asset))
}
