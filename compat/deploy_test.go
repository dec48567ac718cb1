package compat

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDeployTool_Export writes the demo's tenant down with the vendor's deploy tool, in both formats, and brings it into an empty server: a
// second run there has nothing to do.
func TestDeployTool_Export(t *testing.T) {
	node := need(t, "node")
	tool, err := filepath.Abs("deploy/node_modules/.bin/a0deploy")
	if err == nil {
		_, err = os.Stat(tool)
	}
	if err != nil {
		missing(t, "the packages of compat/deploy are not installed")
	}
	for _, format := range []string{"directory", "yaml"} {
		t.Run(format, func(t *testing.T) {
			dir := t.TempDir()
			environment := []string{
				"AUTH0_DOMAIN=" + demo.Domain, "AUTH0_CLIENT_ID=" + demo.Management.ClientID, "AUTH0_CLIENT_SECRET=" + demo.Management.ClientSecret,
				"AUTH0_EXPORT_IDENTIFIERS=true", "NODE_EXTRA_CA_CERTS=" + demo.CAFile,
			}
			out, err := program(t, dir, environment, node, tool, "export", "--format="+format, "--output_folder=written")
			if err != nil || !strings.Contains(out, "Export Successful") {
				t.Fatalf("%v\n%s", err, out)
			}
			out, err = program(t, dir, nil, binary, "init", "second", "--domain", "second.example.com", "--data", "data", "--log-level", "error")
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			out = carried(t, dir, "--yes")
			if !strings.Contains(out, `"name": "Mixtape API"`) || strings.Contains(out, `"action": "refuse"`) {
				t.Errorf("the first run:\n%s", out)
			}
			again := carried(t, dir, "--plan")
			if strings.Contains(again, `"action": "create"`) || strings.Contains(again, `"action": "change"`) {
				t.Errorf("the second run would do something:\n%s", again)
			}
		})
	}
}

// carried runs the import; what is not carried of a tenant that has its own management client already is told by the exit code.
func carried(t *testing.T, dir, how string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), binary, "import", "auth0", "written", "--data", "data", "--json", how)
	command.Dir = dir
	out, err := command.Output()
	if err != nil && command.ProcessState.ExitCode() != 3 {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}
