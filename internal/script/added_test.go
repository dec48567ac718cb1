package script

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script/npm"
)

// closet holds packages that were added.
type closet struct {
	mu     sync.Mutex
	all    []stagedoor.ScriptModule
	codes  map[string]string
	asked  int
	broken error
}

func (c *closet) put(name, version, code string, parts ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	hash := npm.Hash([]byte(code))
	c.all = append(c.all, stagedoor.ScriptModule{Name: name, Version: version, Hash: hash, Parts: parts})
	if c.codes == nil {
		c.codes = map[string]string{}
	}
	c.codes[hash] = code
}

func (c *closet) ScriptModules(context.Context) ([]stagedoor.ScriptModule, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all, c.broken
}

func (c *closet) ScriptModuleCode(_ context.Context, hash string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	return c.codes[hash], nil
}

// Packages that an operator adds are there for all tenants, from the next look at the list on, and gone again when they are removed.
func TestAddedPackages(t *testing.T) {
	for _, runtime := range runtimes(t) {
		t.Run(runtime, func(t *testing.T) { addPackages(t, runtime) })
	}
}

func addPackages(t *testing.T, runtime string) {
	c := &closet{}
	h := newHost(t, Config{Workers: 1, Added: c, Runtime: always(runtime)})
	answer := func(tenant, expression string) string {
		t.Helper()
		h.added.mu.Lock()
		h.added.looked = time.Time{}
		h.added.mu.Unlock()
		out, err := h.Rules(t.Context(), Run{Tenant: tenant, User: json.RawMessage(`{}`), Context: json.RawMessage(`{}`), Rules: []Rule{{
			Name: "r", Source: "function (user, context, callback) { try { user.out = String(" + expression + "); } catch (e) { user.out = e.code + ' ' + e.message; } callback(null, user, context); }",
		}}})
		if err != nil || out.Failure != nil {
			t.Fatal(err, out.Failure)
		}
		var user struct{ Out string }
		if err := json.Unmarshal(out.User, &user); err != nil {
			t.Fatal(err)
		}
		for _, l := range out.Console {
			user.Out += " [" + l.Text + "]"
		}
		return user.Out
	}
	want := func(tenant, expression, want string) {
		t.Helper()
		if got := answer(tenant, expression); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s: got %q, want %q", tenant, expression, got, want)
		}
	}
	want("a", "require('extra')", "MODULE_NOT_FOUND Cannot find module 'extra'")
	c.put("extra", "1.0.0", "const m = {n: 1, url: require('url').format({pathname: '/x'})}; module.exports = {'': () => m, sub: () => 'part'}", "sub")
	c.put("lodash", "4.17.15", "module.exports = {'': () => ({VERSION: 'added'})}")
	want("a", "require('extra').n++ + require('extra/sub') + require('extra@1.0.0').url", "1part/x")
	want("b", "require('extra').n", "1") // and nothing is left of the other tenant's run
	want("b", "require('lodash').VERSION + require('lodash@4.17.15').VERSION", "4.18.1added")
	want("b", "require('extra@1.2.3').n", "1 [require('extra@1.2.3'): version 1.0.0 is used]")
	if err := h.CheckDraft(t.Context(), Draft{Source: "exports.x = 1", Modules: []string{"extra@1.0.0"}}); err != nil {
		t.Error(err)
	}
	if c.asked > 3 {
		t.Errorf("the text was asked for %d times", c.asked)
	}
	c.mu.Lock()
	c.broken = errors.New("the database is away")
	c.mu.Unlock()
	want("a", "require('extra').n", "1")
	c.mu.Lock()
	c.all, c.broken = c.all[1:], nil
	c.mu.Unlock()
	want("a", "require('extra').n", "MODULE_NOT_FOUND Cannot find module 'extra'")
	c.put("spoilt", "1.0.0", "module.exports = {'': () => 1}")
	c.codes[c.all[len(c.all)-1].Hash] = "module.exports = {'': () => 2}"
	want("a", "require('spoilt')", "MODULE_NOT_FOUND Cannot find module 'spoilt' [A package could not be loaded: a package is not what was added: its hash differs]")
	c.put("syntax", "1.0.0", "this is no JavaScript")
	want("a", "require('syntax')", "MODULE_NOT_FOUND Cannot find module 'syntax' [A package could not be loaded: ")
}
