package carry

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Assets are the objects of a tenant by the deploy tool's names of their kinds: an object, or a list of objects.
type Assets struct {
	Kinds    map[string]any
	Problems []Object // what could not be read
}

// A shelf is where one kind lies in the tool's directory format, and which of its members name files.
type shelf struct {
	asset string
	dir   string
	one   string   // the file that holds all of the kind; empty: each .json of dir is an object
	refs  []string // members, by path, whose text names a file
	loose bool     // the text may also be what else would be in the file
	key   string   // the member that the file's own name stands for where it is missing
	ext   string   // of the file of the same name that stands for the first of refs where that is missing
}

// shelves is the table of the directory format, and of the vendor's extensions for deployments, in which names of files stand for members. What is laid out otherwise is in the functions below.
var shelves = []shelf{
	{asset: "tenant", dir: ".", one: "tenant.json"},
	{asset: "resourceServers", dir: "resource-servers"},
	{asset: "clients", dir: "clients", refs: []string{"custom_login_page"}, loose: true},
	{asset: "connections", dir: "connections", refs: []string{"options.email.body"}, loose: true},
	{asset: "clientGrants", dir: "grants"},
	{asset: "rules", dir: "rules", refs: []string{"script"}, key: "name", ext: ".js"},
	{asset: "rulesConfigs", dir: "rules-configs", key: "key"},
	{asset: "hooks", dir: "hooks", refs: []string{"script"}, key: "name", ext: ".js"},
	{asset: "actionModules", dir: "action-modules", refs: []string{"code"}},
	{asset: "actions", dir: "actions", refs: []string{"code"}},
	{asset: "triggers", dir: "triggers", one: "triggers.json"},
	{asset: "roles", dir: "roles"},
	{asset: "organizations", dir: "organizations"},
	{asset: "emailProvider", dir: "emails", one: "provider.json"},
	{asset: "emailTemplates", dir: "emails", refs: []string{"body"}, ext: ".html"},
	{asset: "branding", dir: "branding", one: "branding.json", refs: []string{"templates[].body"}},
	{asset: "themes", dir: "themes"},
	{asset: "guardianFactors", dir: "guardian/factors"},
	{asset: "guardianFactorProviders", dir: "guardian/providers"},
	{asset: "guardianFactorTemplates", dir: "guardian/templates"},
	{asset: "guardianPolicies", dir: "guardian", one: "policies.json"},
	{asset: "guardianPhoneFactorMessageTypes", dir: "guardian", one: "phoneFactorMessageTypes.json"},
	{asset: "guardianPhoneFactorSelectedProvider", dir: "guardian", one: "phoneFactorSelectedProvider.json"},
	{asset: "logStreams", dir: "log-streams"},
	{asset: "customDomains", dir: "custom-domains", one: "custom-domains.json"},
	{asset: "forms", dir: "forms"},
	{asset: "flows", dir: "flows"},
	{asset: "flowVaultConnections", dir: "flow-vault-connections"},
	{asset: "selfServiceProfiles", dir: "self-service-profiles"},
	{asset: "networkACLs", dir: "network-acls"},
	{asset: "userAttributeProfiles", dir: "user-attribute-profiles"},
	{asset: "connectionProfiles", dir: "connection-profiles"},
	{asset: "tokenExchangeProfiles", dir: "token-exchange-profiles"},
	{asset: "eventStreams", dir: "event-streams"},
	{asset: "rateLimitPolicies", dir: "rate-limit-policies"},
	{asset: "phoneProviders", dir: "phone-providers", one: "provider.json"},
	{asset: "phoneTemplates", dir: "phone-templates"},
	{asset: "riskAssessment", dir: "risk-assessment", one: "settings.json"},
	{asset: "supplementalSignals", dir: ".", one: "supplemental-signals.json"},
}

// IsConfiguration tells whether a path is of the deploy tool: a directory, or a YAML file.
func IsConfiguration(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir() || slices.Contains([]string{".yaml", ".yml"}, strings.ToLower(filepath.Ext(name)))
}

// Read reads what the deploy tool wrote: a directory, or a YAML file with what it refers to. What of it cannot be read is a problem of the
// object; an error means that nothing of it can.
func Read(name string, c Config) (*Assets, error) {
	dir, file := name, ""
	if info, err := os.Stat(name); err != nil {
		return nil, fmt.Errorf("opening %s: %w", name, unwrapped(err))
	} else if !info.IsDir() {
		dir, file = filepath.Split(name)
	}
	f, err := openFolder(cmp.Or(dir, "."), c.Keywords)
	if err != nil {
		return nil, err
	}
	defer f.close()
	a := &Assets{Kinds: map[string]any{}}
	for _, kind := range c.Unknown() {
		a.Problems = append(a.Problems, Object{Kind: "kind", Name: kind, Action: Refused, Lost: []Loss{{Reason: "the configuration of the deploy tool names it, and there is no such kind here"}}})
	}
	for _, setting := range c.Ignored {
		a.Problems = append(a.Problems, Object{Kind: "setting", Name: setting, Action: Refused, Lost: []Loss{{Reason: "this server does not know the setting of the deploy tool: nothing is left out by it"}}})
	}
	for _, usual := range []string{"tenant.yaml", "tenant.yml"} {
		if file == "" && f.has(usual) {
			file = usual
		}
	}
	if file == "" {
		err = a.directory(f, c)
	} else {
		err = a.yaml(f, file, c)
	}
	if err != nil {
		return nil, err
	}
	if len(a.Kinds) == 0 && len(a.Problems) == 0 {
		return nil, fmt.Errorf("%s holds nothing that the deploy tool would write", name)
	}
	return a, nil
}

func (a *Assets) problem(asset, name string, err error) {
	a.Problems = append(a.Problems, Object{Kind: titleOf(asset), Name: name, Action: Refused, Lost: []Loss{{Reason: err.Error()}}})
}

func (a *Assets) directory(f *folder, c Config) error {
	for _, s := range shelves {
		if !c.takes(s.asset) {
			continue
		}
		if s.one != "" {
			a.whole(f, s)
			continue
		}
		names, err := f.list(s.dir, ".json")
		if err != nil {
			return err
		}
		var all []any
		for _, name := range names {
			if s.asset == "emailTemplates" && name == "provider.json" {
				continue
			}
			item, err := f.object(path.Join(s.dir, name))
			if err == nil && len(item) == 0 {
				err = errNothing
			}
			if err == nil {
				s.usual(item, strings.TrimSuffix(name, ".json"))
				err = f.fetch(item, s)
			}
			if err != nil {
				a.problem(s.asset, name, err)
			} else {
				all = append(all, item)
			}
		}
		if len(all) > 0 {
			a.Kinds[s.asset] = all
		}
	}
	for asset, read := range map[string]func(*folder) error{
		"databases": a.databases, "pages": a.pages, "prompts": a.prompts, "attackProtection": a.attackProtection, "branding": a.brandingTemplates,
	} {
		if !c.takes(asset) {
			continue
		}
		if err := read(f); err != nil {
			return err
		}
	}
	return a.strange(f, c)
}

// usual fills in what the name of an object's file stands for.
func (s shelf) usual(item map[string]any, name string) {
	if s.key != "" && textOf(item, s.key) == "" {
		item[s.key] = name
	}
	if s.ext == "" {
		return
	}
	if _, given := item[s.refs[0]]; !given {
		item[s.refs[0]] = name + s.ext
	}
}

// errNothing is what is wrong with a file in which an object should be.
var errNothing = errors.New("it holds no properties")

// ownLayout are the folders of what is laid out otherwise than shelves are.
var ownLayout = []string{"database-connections", "pages", "prompts", "attack-protection"}

// strange notes the folders that would hold objects of kinds which this server does not know. What holds no JSON is not the tool's.
func (a *Assets) strange(f *folder, c Config) error {
	known := map[string]bool{}
	for _, name := range ownLayout {
		known[name] = true
	}
	for _, s := range shelves {
		first, _, _ := strings.Cut(s.dir, "/")
		known[first] = true
	}
	names, err := f.list(".", "/")
	if err != nil {
		return err
	}
	for _, name := range names {
		if known[name] || strings.HasPrefix(name, ".") || !c.takes(kindOf(name)) {
			continue
		}
		holds, err := f.holdsJSON(name)
		if err != nil {
			return err
		}
		if holds {
			a.Problems = append(a.Problems, Object{Kind: kindOf(name), Action: Refused, Lost: []Loss{{Reason: fmt.Sprintf("this server knows no objects of this kind (folder %s)", name)}}})
		}
	}
	return nil
}

// kindOf is how the tool calls the kind whose folder has a name: log-streams holds logStreams.
func kindOf(dir string) string {
	words := strings.Split(dir, "-")
	for i, w := range words[1:] {
		if w != "" {
			words[i+1] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, "")
}

// holdsJSON tells whether a folder, or one in it, holds JSON.
func (f *folder) holdsJSON(dir string) (bool, error) {
	within, err := f.list(dir, "/")
	if err != nil {
		return false, err
	}
	for _, one := range append([]string{"."}, within...) {
		names, err := f.list(path.Join(dir, one), ".json")
		if err != nil || len(names) > 0 {
			return len(names) > 0, err
		}
	}
	return false, nil
}

// whole reads a kind that lies in one file.
func (a *Assets) whole(f *folder, s shelf) {
	name := path.Join(s.dir, s.one)
	v, err := f.json(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		a.problem(s.asset, s.one, err)
	case v != nil:
		a.Kinds[s.asset] = v
	}
}

func (a *Assets) yaml(f *folder, name string, c Config) error {
	text, err := f.text(name)
	if err != nil {
		return err
	}
	all, err := readYAML(name, text)
	if err != nil {
		return err
	}
	for asset, v := range all {
		if v == nil || !c.takes(asset) || asset == "exclude" || asset == "include" {
			continue
		}
		if list, is := v.([]any); is {
			v = a.fetched(f, asset, list)
		} else if m, is := v.(map[string]any); is {
			if err := f.fetchFor(m, asset); err != nil {
				a.problem(asset, "", err)
				continue
			}
		}
		a.Kinds[asset] = v
	}
	return nil
}

// fetched reads the files that items of a YAML file name; those whose files cannot be read are problems.
func (a *Assets) fetched(f *folder, asset string, list []any) []any {
	return slices.DeleteFunc(list, func(v any) bool {
		item, is := v.(map[string]any)
		if !is {
			return false
		}
		err := f.fetchFor(item, asset)
		if err != nil {
			a.problem(asset, nameOf(item), err)
		}
		return err != nil
	})
}

// fetchFor fetches what an item of a YAML file refers to.
func (f *folder) fetchFor(item map[string]any, asset string) error {
	switch asset {
	case "databases":
		return f.scripts(item, "databases")
	case "pages":
		return f.fetch(item, shelf{dir: "pages", refs: []string{"html"}})
	case "prompts":
		return f.renderers(item)
	case "flows", "forms":
		return f.inFile(item, asset)
	}
	for _, s := range shelves {
		if s.asset == asset {
			return f.fetch(item, s)
		}
	}
	return nil
}

// inFile puts the object that a file holds, which an item names as its body, in the item's place.
func (f *folder) inFile(item map[string]any, dir string) error {
	name := textOf(item, "body")
	if name == "" {
		return nil
	}
	delete(item, "body")
	file := path.Clean(strings.ReplaceAll(name, `\`, "/"))
	if within := path.Join(dir, file); !f.has(file) && f.has(within) {
		file = within
	}
	held, err := f.object(file)
	if err != nil {
		return err
	}
	if len(held) == 0 {
		return fmt.Errorf("%s: %w", name, errNothing)
	}
	delete(held, "body")
	maps.Copy(item, held)
	return nil
}

// fetch replaces the names of files in an item by what the files hold. They are looked for beside the item, then from the top, and then
// below it from where the name comes to the item's folder: the tool wrote them as they lay from where it was called.
func (f *folder) fetch(item map[string]any, s shelf) error {
	for _, ref := range s.refs {
		if list, member, is := strings.Cut(ref, "[]."); is {
			for _, one := range objects(item[list]) {
				if err := f.fetch(one, shelf{dir: s.dir, refs: []string{member}, loose: s.loose}); err != nil {
					return err
				}
			}
			continue
		}
		holder, member := item, ref
		for strings.Contains(member, ".") {
			var first string
			first, member, _ = strings.Cut(member, ".")
			holder, _ = holder[first].(map[string]any)
		}
		name, _ := holder[member].(string)
		if name == "" {
			continue
		}
		text, err := f.beside(s.dir, name, s.loose)
		if err != nil {
			return err
		}
		holder[member] = text
	}
	return nil
}

func (f *folder) beside(dir, name string, loose bool) (string, error) {
	name = strings.ReplaceAll(name, `\`, "/")
	if loose && (len(name) > 1024 || strings.ContainsAny(name, "<\n")) {
		return name, nil
	}
	candidates := []string{path.Join(dir, name), path.Clean(name)}
	if i := strings.LastIndex(name, "/"+dir+"/"); i >= 0 {
		candidates = append(candidates, name[i+1:])
	}
	for _, candidate := range candidates {
		if f.has(candidate) {
			return f.text(candidate)
		}
	}
	if loose && !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "/") {
		return name, nil
	}
	if _, err := local(path.Join(dir, name)); err != nil {
		return "", leadsOut(name)
	}
	return "", fmt.Errorf("the file %s is missing", name)
}
