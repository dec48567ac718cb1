package compat

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPython runs the Python SDKs of the vendor: auth0-python of two generations, and auth0-api-python.
func TestPython(t *testing.T) {
	python, err := filepath.Abs("python/venv/bin/python3")
	ok(t, err)
	if _, err := os.Stat(python); err != nil {
		missing(t, "the packages of compat/python are not installed")
	}
	machine := machineToken(t)
	r := newRelying(t, machine)
	withCodes(t, machine, r)
	r.tokensOf(t)
	setting, err := json.Marshal(r)
	ok(t, err)
	run := func(t *testing.T, path, script string) string {
		t.Helper()
		env := []string{"STAGEDOOR_CLIENT=" + string(setting), "PYTHONPATH=" + path, "SSL_CERT_FILE=" + demo.CAFile, "REQUESTS_CA_BUNDLE=" + demo.CAFile, "PYTHONDONTWRITEBYTECODE=1"}
		out, err := program(t, "python", env, python, "-W", "ignore", script)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		t.Log("\n" + out)
		return out
	}
	for generation, path := range map[string]string{"v4": "venv/v4", "v6": ""} {
		t.Run("auth0-python "+generation, func(t *testing.T) {
			run(t, path, "management_"+generation+".py")
			run(t, path, "authentication.py")
		})
	}
	t.Run("auth0-api-python", func(t *testing.T) {
		lines := strings.Split(strings.TrimSpace(run(t, "", "api.py")), "\n")
		var did struct {
			Name, Version string
			Can           []string
		}
		ok(t, json.Unmarshal([]byte(lines[len(lines)-1]), &did))
		listed(t, did.Name+" "+did.Version, did.Can)
	})
}
