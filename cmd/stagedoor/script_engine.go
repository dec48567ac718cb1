package main

import (
	"context"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/rehearsal"
)

// Engine says what runs scripts.
type Engine struct {
	Runtime string `help:"What runs the scripts: embedded, node, or auto, which takes Node.js for modules that only it has." enum:"auto,embedded,node" default:"auto"`
	Node    string `help:"Node.js to use; by default the one on PATH." type:"existingfile" placeholder:"FILE"`
	Data    string `help:"A server's data directory: its packages (stagedoor modules add) can be required." type:"existingdir" placeholder:"DIR"`
}

// into completes how plays are run. close follows in any case.
func (e *Engine) into(ctx context.Context, cfg *rehearsal.Config) (closing func(), err error) {
	cfg.Runtime, cfg.Node = e.Runtime, e.Node
	if e.Data == "" {
		return func() {}, nil
	}
	db, err := openMigrated(ctx, &config.Config{DataDir: e.Data, HTTP: "127.0.0.1:0"}) // nothing is served
	if err != nil {
		return func() {}, err
	}
	cfg.Added = db
	return func() { _ = db.Close() }, nil
}
