package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// sample is Mixtape by its own command, as a customer would run it beside a server of their own.
type sample struct{ url, apiURL string }

var buildSample = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "mixtape")
	return path, build(path, "./mixtape/cmd/mixtape")
})

// sampleAddresses chooses where a sample will be, for the callbacks of its client.
func sampleAddresses(host string) (s sample, listen [2]string) {
	a := freeAddresses(2)
	return sample{"http://" + host + ":" + port(a[0]), "http://" + host + ":" + port(a[1])}, [2]string{a[0], a[1]}
}

// run starts the sample for the length of the test.
func (s sample) run(t *testing.T, listen [2]string, issuer string, clients map[string]client, more ...string) {
	t.Helper()
	path, err := buildSample()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(path, "-seed", "../mixtape/tenant/listeners.json")
	command.Env = append(os.Environ(), append([]string{
		"ISSUER_URL=" + issuer, "CLIENT_ID=" + clients["spa"].ClientID,
		"MANAGEMENT_CLIENT_ID=" + clients["api"].ClientID, "MANAGEMENT_CLIENT_SECRET=" + clients["api"].ClientSecret,
		"AUTH0_CLIENT_ID=" + clients["legacy"].ClientID, "AUTH0_CLIENT_SECRET=" + clients["legacy"].ClientSecret,
		"LEGACY_ISSUERS=https://example.auth0.com", "MIXTAPE_DATA=" + t.TempDir(), "MIXTAPE_ADDR=" + listen[0], "MIXTAPE_API_ADDR=" + listen[1],
		"MIXTAPE_URL=" + s.url, "MIXTAPE_API_URL=" + s.apiURL,
	}, more...)...)
	running(t, "http://"+listen[1]+"/healthz", command)
}

// TestC3_TenantIsDataOnly: a server that never heard of Mixtape becomes its identity server by what an operator types.
func TestC3_TenantIsDataOnly(t *testing.T) {
	place, listen := sampleAddresses("localhost")
	s := serve(t, strings.TrimPrefix(place.apiURL, "http://"))
	clients := s.setUp(map[string]string{"mixtape_url": place.url, "mixtape_api_url": place.apiURL})
	var file struct {
		Listeners []struct{ User map[string]any }
	}
	readFile(t, "listeners.json", &file)
	for _, l := range file.Listeners {
		s.do("POST", "/users", l.User, nil)
	}
	audience := s.tenant.Audience
	place.run(t, listen, s.url, clients, "MANAGEMENT_AUDIENCE="+audience)

	for name, editor := range map[string]bool{"ivo": true, "juno": false} {
		b := newTab(t)
		b.open(place.url)
		b.click(id("sign-in"))
		b.logIn(userNamed(t, name))
		b.see(id("greeting"))
		if b.has(id("editor-badge")) != editor {
			t.Errorf("%s is an editor: %v", name, !editor)
		}
	}

	// And the server's source has no word of it, but for the command that starts the demo.
	err := filepath.WalkDir("..", func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			switch filepath.Base(path) {
			case "node_modules", "testdata", ".git", "docs":
				return filepath.SkipDir
			}
			switch path {
			case "../mixtape", "../compat", "../e2e", "../bench", "../cmd", "../data", "../bin":
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for number, line := range strings.Split(string(source), "\n") {
			code, _, _ := strings.Cut(line, "//")
			if lower := strings.ToLower(code); strings.Contains(lower, "mixtape") || strings.Contains(lower, "playlist") {
				t.Errorf("%s:%d: %s", path, number+1, line)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
