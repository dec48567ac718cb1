package script

import (
	"encoding/json"
	"maps"
	"slices"
	"sync"

	"github.com/stagedoor/stagedoor/internal/script/npm"
)

// row is a row of the table from which js/modules/resolve.js chooses.
type row struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Module  string   `json:"module"` // what the runtime loads: a module of js/modules, or npm: and the ID of a bundle
	Parts   []string `json:"parts,omitempty"`
	Members []string `json:"members,omitempty"`
}

// ownModules are the modules of js/modules that stand in for packages, in both runtimes: request and bcrypt need Node's insides, the
// utilities of rules and Incognia's client are not in every registry.
var ownModules = []row{
	{Name: "request", Version: "2.88.2", Module: "request"},
	{Name: "request#fresh", Version: "2.88.2", Module: "request"}, // no name of the registry: a copy for bundles that change it
	{Name: "bcrypt", Version: "5.1.1", Module: "bcrypt"},
	{Name: "@auth0/rule-utilities", Version: "0.2.0", Module: "rule-utilities"},
	{Name: "@auth0/rule-utilities", Version: "0.1.0", Module: "rule-utilities"},
	{Name: "@incognia/api", Version: "1.1.1", Module: "incognia"},
}

// quicker are the modules of js/modules that the embedded runtime takes in the place of a bundle, by its ID: the work is the program's, and
// they are there in a tenth of the time.
var quicker = map[string]row{
	"jsonwebtoken@9.0.3": {Module: "jsonwebtoken"},
	"jsonwebtoken@8.5.1": {Module: "jsonwebtoken"},
	"uuid@3.4.0":         {Module: "uuid", Members: []string{""}},
	"bcryptjs@2.4.3":     {Module: "bcrypt"},
}

// wrapped are bundles that scripts get through a module of js/modules, in both runtimes, which adds what scripts of old expect of them.
var wrapped = map[string]row{
	"mysql@2.18.1": {Module: "mysql"},
	"pg@8.23.1":    {Module: "pg"},
}

// shipped are the rows of the packages that come with the program, as the embedded runtime loads them.
var shipped = sync.OnceValue(func() []row {
	instead := maps.Clone(wrapped)
	maps.Copy(instead, quicker)
	return packageRows(instead)
})

// nodePackages is the table of Node.js, as JSON; packages run there as they were published; uuid is all of its versions at once in both.
var nodePackages = sync.OnceValue(func() string {
	instead := maps.Clone(wrapped)
	instead["uuid@3.4.0"] = quicker["uuid@3.4.0"]
	return packages(packageRows(instead), nil)
})

func packageRows(instead map[string]row) []row {
	table := slices.Clone(ownModules)
	for _, p := range npm.Packages() {
		r := row{Name: p.Name, Version: p.Version, Module: "npm:" + p.ID(), Parts: p.Parts, Members: p.Members}
		if own, ok := instead[p.ID()]; ok {
			r.Module, r.Parts, r.Members = own.Module, nil, own.Members
		}
		table = append(table, r)
	}
	return table
}

// packages is a table as JSON, followed by what was added.
func packages(table, added []row) string {
	b, err := json.Marshal(append(slices.Clone(table), added...))
	if err != nil {
		panic("script: packages: " + err.Error()) // strings only
	}
	return string(b)
}

var shippedPackages = sync.OnceValue(func() string { return packages(shipped(), nil) })

// packages are what scripts of this worker may require.
func (b *bytecode) packages() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.table != "" {
		return b.table
	}
	return shippedPackages()
}

// offer replaces what was added. Realms that were made before know nothing of it.
func (b *bytecode) offer(added []row) {
	table := packages(shipped(), added)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.table = table
	b.revision++
}

// current tells whether a realm was made with the table that is in force.
func (b *bytecode) current(r *realm) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.revision == r.table
}
