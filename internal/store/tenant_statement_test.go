package store_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

var (
	namesTable  = regexp.MustCompile(`(?i)\b(?:FROM|JOIN|UPDATE(?: OR REPLACE)?|USING)\s+([a-z_]+)`)
	namesTenant = regexp.MustCompile(`(?i)(?:\b[a-z_]*\.)?\btenant\s*=\s*(?:\?|[a-z_]+\.tenant\b|t\.id\b|\(\))`) // t is the tenant
	ofTenant    = regexp.MustCompile(`(?i)\(tenant\b[^()]*\)\s+IN\b`)
)

// levels are the parts of a statement: what stands in parentheses is one by itself, and an empty pair where it was. Tuples of columns stay.
func levels(text string) (out []string) {
	stack := []string{""}
	for i := 0; i < len(text); i++ {
		top := len(stack) - 1
		switch c := text[i]; {
		case c == '(' && !strings.HasPrefix(text[i:], "(tenant"):
			stack[top] += "("
			stack = append(stack, "")
		case c == '(':
			end := i + strings.IndexByte(text[i:], ')')
			stack[top] += text[i : end+1]
			i = end
		case c == ')' && top > 0:
			out = append(out, stack[top])
			stack = stack[:top]
			stack[top-1] += ")"
		default:
			stack[top] += string(c)
		}
	}
	return append(out, stack...)
}

// withoutItsTenant returns the part of a statement that reads, or changes, a table of tenants without saying whose; "" if there is none.
func withoutItsTenant(tables map[string]bool, text string) string {
	for _, level := range levels(strings.Join(strings.Fields(text), " ")) {
		for _, part := range regexp.MustCompile(`(?i)\bUNION(?: ALL)?\b`).Split(level, -1) {
			n := 0
			for _, m := range namesTable.FindAllStringSubmatch(part, -1) {
				if tables[m[1]] {
					n++
				}
			}
			if said := len(namesTenant.FindAllString(part, -1)) + len(ofTenant.FindAllString(part, -1)); said < n {
				return part
			}
		}
	}
	return ""
}

// Each statement of a tenant says whose rows it means, of every table that it names. It is no matter whether the ids in it could be another tenant's.
func TestStatementsSayWhose(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		acme, evil := storetest.Tenant(t, db, "acme"), storetest.Tenant(t, db, "evil")
		tables := map[string]bool{}
		for _, table := range store.TablesOf(t, db) {
			tables[table.Name()] = table.Has("tenant")
		}
		statements := store.StatementsOf(db, func() {
			furnish(t, acme)
			furnish(t, evil)
			belongings(t, acme)
			photograph(t, acme)
			for _, s := range []*store.Store{evil, acme} {
				for _, trespass := range trespasses {
					trespass.try(t.Context(), s) //nolint:errcheck // the statements are of interest
				}
			}
		})
		conditions := 0
		for text := range statements {
			if part := withoutItsTenant(tables, text); part != "" {
				t.Errorf("%s\nin %s", part, text)
				continue
			}
			flat := strings.Join(strings.Fields(text), " ")
			for _, at := range namesTenant.FindAllStringIndex(flat, -1) { // without any one of them this would fail
				conditions++
				if without := flat[:at[0]] + "1 = 1" + flat[at[1]:]; withoutItsTenant(tables, without) == "" {
					t.Errorf("%s could be without its tenant at %d", flat, at[0])
				}
			}
		}
		if conditions < 400 {
			t.Errorf("only %d conditions were seen", conditions)
		}
	})
}
