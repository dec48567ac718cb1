package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// A program that is one version older than the database touches nothing and says which way is open.
func TestDowngradeIsRefused(t *testing.T) {
	data, _ := initTenant(t)
	database := filepath.Join(data, "stagedoor.db")
	execSQL(t, database, "INSERT INTO goose_db_version (version_id, is_applied) SELECT MAX(version_id) + 1, 1 FROM goose_db_version")
	execSQL(t, database, "UPDATE schema_compatible SET version = (SELECT MAX(version_id) FROM goose_db_version)") // as a migration does that older programs cannot live with
	for _, args := range [][]string{
		{"serve", "--http", "127.0.0.1:0", "--https", ""},
		{"migrate"},
		{"init", "other", "--domain", "other.test"},
		{"reindex"},
		{"keys", "list"},
		{"keys", "rotate"},
		{"backup", filepath.Join(t.TempDir(), "backup.db")},
	} {
		out, errs, code := runCommand(t, append(args, "--data", data)...)
		if code != 1 || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, "use a newer stagedoor") {
			t.Errorf("%v: code %d, %q %q", args, code, out, errs)
		}
	}
	if _, errs, code := runCommand(t, "copy", "--from", database, "--to", filepath.Join(t.TempDir(), "copy.db")); code != 1 || !strings.Contains(errs, "use a newer stagedoor") {
		t.Errorf("copy: code %d, %q", code, errs)
	}
}
