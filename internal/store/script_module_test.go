package store_test

import (
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

func TestScriptModules(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		if got := must(db.ScriptModules(ctx))(t); len(got) != 0 {
			t.Errorf("%+v", got)
		}
		code := strings.Repeat("module.exports = {};\n", 1e5)
		for _, m := range []stagedoor.ScriptModule{
			{Name: "b", Version: "1.0.0", Hash: "h1", Parts: []string{"x"}, Contains: []string{"c@1 (MIT)"}, Size: 7},
			{Name: "a", Version: "2.0.0", Hash: "h2"},
			{Name: "b", Version: "1.1.0", Hash: "h3"},
		} {
			ok(t, db.SaveScriptModule(ctx, &m, code+m.Hash))
		}
		ok(t, db.SaveScriptModule(ctx, &stagedoor.ScriptModule{Name: "b", Version: "1.1.0", Hash: "h4"}, "new"))
		got := must(db.ScriptModules(ctx))(t)
		if len(got) != 3 || got[0].Name != "a" || got[1].Name != "b" || got[0].CreatedAt.IsZero() {
			t.Errorf("%+v", got)
		}
		for hash, want := range map[string]string{"h1": code + "h1", "h2": code + "h2", "h4": "new"} {
			if text := must(db.ScriptModuleCode(ctx, hash))(t); text != want {
				t.Errorf("%s: %d bytes", hash, len(text))
			}
		}
		_, err := db.ScriptModuleCode(ctx, "h3")
		isKind(t, err, stagedoor.NotFound)
		isKind(t, db.DeleteScriptModule(ctx, "b", "9"), stagedoor.NotFound)
		ok(t, db.DeleteScriptModule(ctx, "a", "2.0.0"))
		ok(t, db.DeleteScriptModule(ctx, "b", ""))
		if got := must(db.ScriptModules(ctx))(t); len(got) != 0 {
			t.Errorf("%+v", got)
		}
	})
}
