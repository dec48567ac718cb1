package main

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// groups are those of the settings in the help of a command, which has its own flags before them.
var groups = []kong.Group{
	{Key: "storage", Title: "Database and keys:"},
	{Key: "serving", Title: "Serving:"},
	{Key: "watching", Title: "For operators:"},
	{Key: "lines", Title: "Log lines:"},
	{Key: "mail", Title: "Mail:"},
	{Key: "outbound", Title: "What leaves:"},
	{Key: "scripts", Title: "Scripts:"},
	{Key: "tenants", Title: "Tenants:"},
}

// file is what of the settings a command reads that looks at the embedded database alone.
var file = []string{"data", "database", "database-file", "master-key-file"}

// reads tells which settings commands read, by their groups and names, for those that do not read them all. The others are taken, since a settings file
// and an environment are for all commands, but not shown.
var reads = map[string][]string{
	"init": {"storage"}, "migrate": {"storage"}, "check": {"storage"}, "reindex": {"storage"}, "backup": file, "restore": file,
	"import auth0": {"storage", "lines", "outbound", "scripts"}, "routes": {},
	"ready": {"http", "admin-addr"}, "tenants list": {"storage"}, "tenants domains": {"storage"}, "tenants credentials": {"storage"}, "tenants delete": {"storage"},
	"administrators list": {"storage"}, "administrators add": {"storage", "dashboard-issuer"}, "administrators remove": {"storage"},
	"keys list": {"storage"}, "keys new": {"storage"}, "keys use": {"storage"}, "keys rotate": {"storage"}, "keys drop": {"storage"},
	"login runs": {"storage"}, "login replay": {"storage", "script-node"},
	"modules add": {"storage", "outbound-proxy", "outbound-proxy-file"}, "modules list": {"storage"}, "modules remove": {"storage"},
}

// hideUnread takes from the help of a command what it does not read.
func hideUnread(command string, node *kong.Node) {
	shown, listed := reads[command]
	for _, flag := range node.Flags {
		if listed && flag.Group != nil && !slices.Contains(shown, flag.Group.Key) && !slices.Contains(shown, flag.Name) {
			flag.Hidden = true
		}
	}
}

// eachCommand visits a command and those within it, by their names with spaces between.
func eachCommand(node *kong.Node, name string, visit func(name string, node *kong.Node)) {
	visit(name, node)
	for _, child := range node.Children {
		eachCommand(child, strings.TrimSpace(name+" "+child.Name), visit)
	}
}

// valueHelp is the help of a flag with its default, which a placeholder would keep from view.
func valueHelp(v *kong.Value) string {
	if v.Flag == nil || v.Flag.PlaceHolder == "" || v.Default == "" || v.Default == "0" {
		return kong.DefaultHelpValueFormatter(v)
	}
	told := *v
	told.Help += " Default: " + v.Default + "."
	return kong.DefaultHelpValueFormatter(&told)
}
