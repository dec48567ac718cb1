package store

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/stagedoor/stagedoor"
)

// ScriptModules lists the packages that were added for scripts, by name and by when they were added. They are the same for all tenants.
func (db *DB) ScriptModules(ctx context.Context) ([]stagedoor.ScriptModule, error) {
	out := []stagedoor.ScriptModule{}
	err := db.reader().each(ctx, "SELECT doc FROM script_modules ORDER BY name, created_at DESC, version", nil, func(scan func(...any) error) error {
		var doc []byte
		if err := scan(&doc); err != nil {
			return err
		}
		var m stagedoor.ScriptModule
		if err := json.Unmarshal(doc, &m); err != nil {
			return err
		}
		out = append(out, m)
		return nil
	})
	return out, err
}

// ScriptModuleCode returns the text of a package by its hash.
func (db *DB) ScriptModuleCode(ctx context.Context, hash string) (string, error) {
	var code string
	err := db.reader().row(ctx, "SELECT code FROM script_modules WHERE hash = ? LIMIT 1", []any{hash}, &code)
	if errors.Is(err, errNoRows) {
		return "", errNotFound("module")
	}
	return code, err
}

// SaveScriptModule adds a package, or replaces what was added under its name and version.
func (db *DB) SaveScriptModule(ctx context.Context, m *stagedoor.ScriptModule, code string) error {
	m.CreatedAt = db.clock.Now()
	doc, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return db.write(ctx, func(q querier) error {
		if _, err := q.exec(ctx, "DELETE FROM script_modules WHERE name = ? AND version = ?", m.Name, m.Version); err != nil {
			return err
		}
		_, err := q.exec(ctx, "INSERT INTO script_modules (name, version, hash, doc, code, created_at) VALUES (?, ?, ?, ?, ?, ?)",
			m.Name, m.Version, m.Hash, document(doc), code, millis(m.CreatedAt))
		return err
	})
}

// DeleteScriptModule removes a package; without a version all versions of it. One that is not there is NotFound.
func (db *DB) DeleteScriptModule(ctx context.Context, name, version string) error {
	return db.write(ctx, func(q querier) error {
		n, err := q.exec(ctx, "DELETE FROM script_modules WHERE name = ? AND (version = ? OR ? = '')", name, version, version)
		if err == nil && n == 0 {
			err = errNotFound("module")
		}
		return err
	})
}
