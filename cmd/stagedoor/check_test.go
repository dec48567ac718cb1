package main

import (
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	if _, errs, code := runCommand(t, "check", "--data", t.TempDir()); code != 1 || !strings.Contains(errs, "there is no database") {
		t.Errorf("without a database: %d %s", code, errs)
	}
	data, _ := initTenant(t)
	if out, errs, code := runCommand(t, "check", "--data", data); code != 0 || !strings.Contains(out, "Nothing is wrong.") || errs != "" {
		t.Fatalf("of a sound database: %d %s%s", code, out, errs)
	}
	db, err := sql.Open("sqlite", filepath.Join(data, "stagedoor.db"))
	if err == nil {
		_, err = db.Exec("UPDATE clients SET sealed = 's1.x.x'; INSERT INTO attr (tenant, path, value, at, user_id) VALUES ('acme', 1, 'x', 1, 'auth0|gone')")
		db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	out, _, code := runCommand(t, "check", "--data", data, "--json")
	var found struct {
		Faults []struct{ Tenant, Where, What string }
		Sealed int `json:"sealed_values"`
	}
	if err := json.Unmarshal([]byte(out), &found); err != nil || code != 1 || len(found.Faults) != 3 || found.Sealed == 0 {
		t.Errorf("of a damaged one: %d %v %s", code, err, out)
	}
	if out, _, code := runCommand(t, "check", "--data", data); code != 1 || !strings.Contains(out, "3 things are wrong.") || strings.Contains(out, "s1.x") {
		t.Errorf("of a damaged one: %d %s", code, out)
	}
	key := filepath.Join(data, "master.key")
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := runCommand(t, "check", "--data", data); code != 1 || !strings.Contains(errs, "master key file") {
		t.Errorf("without a key: %d %s", code, errs)
	}
	if _, err := os.Stat(key); err == nil {
		t.Error("the check made a key")
	}
}
