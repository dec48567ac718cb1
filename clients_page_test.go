package stagedoor_test

import (
	"slices"
	"strings"
	"testing"
)

// clientsOf are the client libraries that must sign people in, renew, step up and sign out, or say why that is not their matter.
var clientsOf = []string{
	"@auth0/auth0-spa-js", "auth0-js", "express-openid-connect", "express-oauth2-jwt-bearer", "jwks-rsa", "openid-client", "github.com/auth0/go-auth0",
	"github.com/coreos/go-oidc", "github.com/zitadel/oidc",
}

// TestClientsGuard holds the tables of docs/clients.md: each client is there, each cell names a test that exists or says why there is none, and
// where one says so the table of what was seen has nothing either.
func TestClientsGuard(t *testing.T) {
	seen, rest, found := strings.Cut(read(t, "docs/clients.md"), "\n## Which test holds what\n")
	if !found {
		t.Fatal("docs/clients.md has no table of tests")
	}
	held, more, _ := strings.Cut(rest, "\nWhat else ")
	rows := cellsOf(held)
	columns := map[string]int{"signs in": 0, "renews": 0, "steps up": 0, "signs out": 0}
	header := cellsOf(seen)[0]
	for column, name := range map[string]string{"signs in": "sign in", "renews": "renew", "steps up": "step up", "signs out": "sign out"} {
		if columns[column] = slices.Index(header, name); columns[column] < 0 {
			t.Fatalf("the page has no column %q", name)
		}
	}
	var clients []string
	for _, row := range rows[1:] {
		clients = append(clients, row[0])
		for i, cell := range row[1:] {
			tests := heldBy.FindAllStringSubmatch(cell, -1)
			for _, m := range tests {
				if why := testThere(t, m[1], m[2], strings.TrimPrefix(m[3], "/")); why != "" {
					t.Errorf("%s %s: %s", row[0], rows[0][i+1], why)
				}
			}
			not := strings.HasPrefix(cell, "not its matter: ")
			if len(tests) == 0 && !not {
				t.Errorf("%s %s: %q names no test", row[0], rows[0][i+1], cell)
			}
			had := 0
			for _, was := range cellsOf(seen)[1:] {
				if name, _, _ := strings.Cut(was[0], " "); name != row[0] && !strings.HasPrefix(name, row[0]+"/v") {
					continue
				}
				had++
				if yes := was[columns[rows[0][i+1]]] == "yes"; yes == not {
					t.Errorf("%s %s: seen to %s, but the table of tests says otherwise", was[0], rows[0][i+1], was[columns[rows[0][i+1]]])
				}
			}
			if had == 0 {
				t.Errorf("nobody has seen %s", row[0])
			}
		}
	}
	for _, name := range clientsOf {
		if !slices.Contains(clients, name) {
			t.Errorf("%s is missing", name)
		}
	}
	for _, row := range cellsOf(more)[1:] {
		tests := heldBy.FindAllStringSubmatch(row[2], -1)
		for _, m := range tests {
			if why := testThere(t, m[1], m[2], strings.TrimPrefix(m[3], "/")); why != "" {
				t.Errorf("%s: %s", row[0], why)
			}
		}
		if len(tests) == 0 {
			t.Errorf("%s: no test", row[0])
		}
	}
}

// cellsOf reads the rows of a page's first table, its header first.
func cellsOf(page string) (rows [][]string) {
	for line := range strings.SplitSeq(page, "\n") {
		m := tableRow.FindStringSubmatch(line)
		switch {
		case m == nil && rows != nil:
			return rows
		case m == nil || strings.HasPrefix(line, "|---"):
			continue
		}
		cells := strings.Split(m[1], "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	return rows
}
