package script

import (
	"encoding/json"
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
// utilities of rules are not in the registry.
var ownModules = []row{
	{Name: "request", Version: "2.88.2", Module: "request"},
	{Name: "bcrypt", Version: "5.1.1", Module: "bcrypt"},
	{Name: "@auth0/rule-utilities", Version: "0.2.0", Module: "rule-utilities"},
	{Name: "@auth0/rule-utilities", Version: "0.1.0", Module: "rule-utilities"},
}

// quicker are the modules of js/modules that the embedded runtime takes in the place of a bundle, by its ID: the work is the program's, and
// they are there in a tenth of the time.
var quicker = map[string]row{
	"jsonwebtoken@9.0.3": {Module: "jsonwebtoken"},
	"jsonwebtoken@8.5.1": {Module: "jsonwebtoken"},
	"uuid@3.4.0":         {Module: "uuid", Members: []string{""}},
	"bcryptjs@2.4.3":     {Module: "bcrypt"},
}

// packages is the table of the embedded runtime, as JSON.
var packages = sync.OnceValue(func() string { return packagesTable(quicker) })

// nodePackages is that of Node.js, where packages run as they were published; uuid is all of its versions at once in both.
var nodePackages = sync.OnceValue(func() string { return packagesTable(map[string]row{"uuid@3.4.0": quicker["uuid@3.4.0"]}) })

func packagesTable(instead map[string]row) string {
	table := slices.Clone(ownModules)
	for _, p := range npm.Packages() {
		r := row{Name: p.Name, Version: p.Version, Module: "npm:" + p.ID(), Parts: p.Parts, Members: p.Members}
		if own, ok := instead[p.ID()]; ok {
			r.Module, r.Parts, r.Members = own.Module, nil, own.Members
		}
		table = append(table, r)
	}
	b, err := json.Marshal(table)
	if err != nil {
		panic("script: packages: " + err.Error()) // strings only
	}
	return string(b)
}
