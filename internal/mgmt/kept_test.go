package mgmt

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestKeptSettings: what the API takes has an effect, so that code outside of this room names it, or docs/divergences.md says under "Kept, without
// effect" that it has none.
func TestKeptSettings(t *testing.T) {
	page, err := os.ReadFile("../../docs/divergences.md")
	if err != nil {
		t.Fatal(err)
	}
	_, kept, found := strings.Cut(string(page), "\n## Kept, without effect\n")
	kept, _, ended := strings.Cut(kept, "\n## ")
	if !found || !ended {
		t.Fatal("the page has no such section")
	}
	code := codeElsewhere(t)
	here := []string{"oidc_backchannel_logout"} // the old name of oidc_logout
	var names []string
	for _, shape := range []any{
		clientIn{},
		clientShape{},
		refreshTokenIn{},
		mobileIn{},
		androidIn{},
		iosIn{},
		connectionIn{},
		databaseOptionsIn{},
		databaseShape{},
		passkeyIn{},
		customScriptsIn{},
		resourceServerShape{},
		tenantSettingsIn{},
		localSettingsIn{},
		throttleIn{},
		captchaProviderIn{},
	} {
		names = append(names, membersOf(reflect.TypeOf(shape))...)
	}
	names = append(names, slices.Sorted(maps.Keys(tenantStored))...)
	if len(names) < 100 {
		t.Fatalf("%d settings were found", len(names))
	}
	for _, name := range names {
		name = strings.TrimSuffix(name, "_in_minutes") // another unit of the same
		named := strings.Contains(kept, "`"+name+"`") || strings.Contains(kept, "."+name+"`") || strings.Contains(kept, " "+name+"`")
		if !named && !slices.Contains(here, name) && !strings.Contains(code, `"`+name+`"`) && !strings.Contains(code, `json:"`+name+",") {
			t.Errorf("nobody reads %s, and the page does not say so", name)
		}
	}
	root, err := os.ReadFile("../../tenant.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, flag := range strings.Fields(knownFlags) {
		if strings.Contains(string(root), `= "`+flag+`"`) != strings.Contains(kept, "`"+flag+"`") {
			t.Errorf("the flag %s: the page must name those that have an effect, and no others", flag)
		}
	}
}

// membersOf are the names of an input's members; those of what it embeds are its own.
func membersOf(shape reflect.Type) (names []string) {
	for i := range shape.NumField() {
		f := shape.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && f.Type.Kind() == reflect.Struct:
			names = append(names, membersOf(f.Type)...)
		case name != "":
			names = append(names, name)
		}
	}
	return names
}

// codeElsewhere is the server's code but for this room, and for what carries tenants from elsewhere, which takes all names.
func codeElsewhere(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{"mgmt", "carry", "compat", "e2e", "mixtape", "bench", "ordeal", "standin", "stagedoortest", "testdata", "node_modules", ".git"}, d.Name()) {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
