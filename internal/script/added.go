package script

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script/npm"
)

// Added are packages that an operator added for the scripts of all tenants.
type Added interface {
	ScriptModules(ctx context.Context) ([]stagedoor.ScriptModule, error)
	ScriptModuleCode(ctx context.Context, hash string) (string, error)
}

// addedMaxAge is how long a package may be unknown, or still be there, after another program added or removed it.
const addedMaxAge = 3 * time.Second

// added is what the host knows of them.
type added struct {
	mu       sync.Mutex
	looked   time.Time
	rows     []row
	revision uint64 // 0: none were ever there
}

// refresh reads the list when it is old. If it cannot be read, what is known stays.
func (a *added) refresh(ctx context.Context, cfg Config) {
	if cfg.Added == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Since(a.looked) < addedMaxAge {
		return
	}
	all, err := cfg.Added.ScriptModules(ctx)
	if err != nil {
		cfg.Log.Warn("reading the packages that were added for scripts", "err", err)
		return
	}
	a.looked = time.Now()
	rows := addedRows(all)
	if !slices.EqualFunc(rows, a.rows, func(x, y row) bool {
		return x.Module == y.Module && x.Name == y.Name && x.Version == y.Version && slices.Equal(x.Parts, y.Parts)
	}) {
		a.rows = rows
		a.revision++
	}
}

// addedRows are the rows of packages that were added.
func addedRows(all []stagedoor.ScriptModule) []row {
	var rows []row
	for _, m := range all {
		rows = append(rows, row{Name: m.Name, Version: m.Version, Module: "npm:+" + m.Hash, Parts: m.Parts})
	}
	return rows
}

// frame is what tells a worker of the packages, if it does not know them yet.
func (a *added) frame(proc *process) ([]byte, error) {
	a.mu.Lock()
	rows, revision := a.rows, a.revision
	a.mu.Unlock()
	proc.mu.Lock()
	known := proc.table == revision
	proc.table = revision
	proc.mu.Unlock()
	if known {
		return nil, nil
	}
	return appendFrame(nil, message{Type: "modules", Table: rows})
}

// module is the text of a package that was added, held against its hash again.
func (j *job) module(params json.RawMessage) (any, error) {
	var c moduleCall
	if err := json.Unmarshal(params, &c); err != nil {
		return nil, &callError{Message: "malformed request"}
	}
	if j.host.cfg.Added == nil {
		return nil, errors.New("no packages were added")
	}
	code, err := j.host.cfg.Added.ScriptModuleCode(j.ctx, c.Hash)
	if err != nil {
		return nil, fmt.Errorf("reading a package that was added: %w", err)
	}
	if npm.Hash([]byte(code)) != c.Hash {
		return nil, &callError{Message: "a package is not what was added: its hash differs"}
	}
	return code, nil
}
