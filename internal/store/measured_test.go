package store_test

import (
	"testing"

	"github.com/stagedoor/stagedoor/internal/store"
)

func TestTableOf(t *testing.T) {
	for query, want := range map[string]string{
		"SELECT doc FROM users WHERE id = ?":                            "users",
		"SELECT (SELECT COUNT(*) FROM tenants), id FROM users":          "users",
		"SELECT * FROM (SELECT id FROM sessions WHERE x) s ORDER BY 1":  "sessions",
		"SELECT COUNT(*) FROM ( SELECT 1 FROM attr LIMIT 10 ) AS found": "attr",
		"INSERT INTO users (id) SELECT id FROM others":                  "users",
		"UPDATE users SET doc = ?":                                      "users",
		"SELECT 1":                                                      "",
	} {
		if got := store.TableOf(query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}
