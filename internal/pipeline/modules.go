package pipeline

import (
	"context"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Modules reads the versions of shared modules that an action has pinned.
func Modules(ctx context.Context, st *store.Store, uses []stagedoor.ActionModuleUse) ([]script.Module, error) {
	var out []script.Module
	for _, use := range uses {
		v, err := store.ActionModuleVersions.Get(ctx, st, use.VersionID)
		if err != nil {
			return nil, err
		}
		out = append(out, script.Module{Name: v.Name, Source: v.Code, Secrets: stagedoor.SecretValues(v.Sealed)})
	}
	return out, nil
}
