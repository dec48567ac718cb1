package mgmt

import (
	_ "embed"
	"regexp"
	"strings"

	"github.com/stagedoor/stagedoor/internal/web"
)

//go:embed operations.tsv
var operationsTable string

// Operation is one row of the inventory: an operation that the API we follow has, or one of our own, whose tier is "own".
type Operation struct {
	Method, Path, Scopes, Purpose, Status, Tier string
	State                                       string // served, planned, or declined: and why
}

// Operations returns the inventory (Management API fact sheet 4), in its order.
func Operations() []Operation {
	var out []Operation
	for _, line := range strings.Split(strings.TrimSpace(operationsTable), "\n")[1:] {
		f := strings.Split(line, "\t")
		out = append(out, Operation{f[0], f[1], f[2], f[3], f[4], f[5], f[6]})
	}
	return out
}

// ambiguous are the paths that http.ServeMux could not tell from others: they are looked at first.
var ambiguous = map[string]bool{"/organizations/name/{name}": true}

// addPlanned adds the row of an operation that is not served.
func (a *API) addPlanned(o Operation) {
	a.add(&row{method: o.Method, pattern: o.Path, scopes: o.Scopes, title: o.Purpose})
}

func (a *API) add(r *row) {
	r.needs, r.names = r.groups(), web.Wildcards(r.pattern)
	if ambiguous[r.pattern] {
		a.mux.AddFirst(r.method, Base+r.pattern, r)
	} else {
		a.mux.Add(r.method, Base+r.pattern, r)
	}
}

var wildcard = regexp.MustCompile(`\{[^}]*\}`)

// shape is a pattern without the names of its wildcards, which carry no meaning.
func shape(pattern string) string { return wildcard.ReplaceAllString(pattern, "{}") }
