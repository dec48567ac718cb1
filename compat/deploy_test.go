package compat

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestDeployTool_Export writes the demo's tenant down with the vendor's deploy tool, in both formats, and brings it into an empty server: a
// second run there has nothing to do. It goes before others leave something in the tenant.
func TestDeployTool_Export(t *testing.T) {
	node, tool := deployTool(t)
	before := loadedBefore(t, "no-pause.cjs")
	for _, format := range []string{"directory", "yaml"} {
		t.Run(format, func(t *testing.T) {
			dir := t.TempDir()
			environment := []string{
				"AUTH0_DOMAIN=" + demo.Domain, "AUTH0_CLIENT_ID=" + demo.Management.ClientID, "AUTH0_CLIENT_SECRET=" + demo.Management.ClientSecret,
				"AUTH0_EXPORT_IDENTIFIERS=true", "NODE_EXTRA_CA_CERTS=" + demo.CAFile, before,
			}
			out, err := program(t, dir, environment, node, tool, "export", "--format="+format, "--output_folder=written")
			if err != nil || !strings.Contains(out, "Export Successful") {
				t.Fatalf("%v\n%s", err, out)
			}
			out, err = program(t, dir, nil, binary, "init", "second", "--domain", "second.example.com", "--data", "data", "--log-level", "error")
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			out = carried(t, dir, "written", "--yes")
			if !strings.Contains(out, `"name": "Mixtape API"`) || strings.Contains(out, `"action": "refuse"`) {
				t.Errorf("the first run:\n%s", out)
			}
			again := carried(t, dir, "written", "--plan")
			if strings.Contains(again, `"action": "create"`) || strings.Contains(again, `"action": "change"`) {
				t.Errorf("the second run would do something:\n%s", again)
			}
		})
	}
}

// loadedBefore is what has Node.js load files of compat/deploy before the deploy tool.
func loadedBefore(t *testing.T, files ...string) string {
	t.Helper()
	options := "NODE_OPTIONS="
	for _, file := range files {
		path, err := filepath.Abs(filepath.Join("deploy", file))
		ok(t, err)
		options += " --require " + path
	}
	return options
}

// deployTool returns the paths of Node.js and of the deploy tool.
func deployTool(t *testing.T) (node, tool string) {
	t.Helper()
	node = need(t, "node")
	tool, err := filepath.Abs("deploy/node_modules/.bin/a0deploy")
	if err == nil {
		_, err = os.Stat(tool)
	}
	if err != nil {
		missing(t, "the packages of compat/deploy are not installed")
	}
	return node, tool
}

// TestDeployTool_Import brings a tenant with something of each kind into an empty server by the vendor's deploy tool, twice; our own import finds
// nothing to do there then.
func TestDeployTool_Import(t *testing.T) {
	t.Parallel()
	node, tool := deployTool(t)
	before := loadedBefore(t, "fewer-languages.cjs", "no-pause.cjs")
	file, err := filepath.Abs("deploy/tenant/tenant.yaml")
	ok(t, err)
	s := newServer(t)
	environment := []string{
		"AUTH0_DOMAIN=" + s.Domain, "AUTH0_CLIENT_ID=" + s.ClientID, "AUTH0_CLIENT_SECRET=" + s.ClientSecret, "NODE_EXTRA_CA_CERTS=" + s.ca, before,
	}
	for range 2 {
		out, err := program(t, s.directory, environment, node, tool, "import", "--input_file="+file)
		if err != nil || !strings.Contains(out, "Import Successful") {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	s.stop()
	left := map[string]bool{
		"action module shelves": true, "action Tell": true, // the tool publishes the module with each run, and the file names its first version
	}
	var plan struct {
		Configuration struct {
			Objects []struct {
				Kind, Name, Action string
				Changes            []string
				Lost               []any `json:"not_carried"`
			}
		}
	}
	ok(t, json.Unmarshal([]byte(carried(t, s.directory, file, "--plan")), &plan))
	if n := len(plan.Configuration.Objects); n < 60 {
		t.Errorf("%d things of the file were compared", n)
	}
	for _, o := range plan.Configuration.Objects {
		if (o.Action != "leave" || len(o.Lost) > 0) && !left[o.Kind+" "+o.Name] {
			t.Errorf("%s %s is not what the file says: %s %v %v", o.Kind, o.Name, o.Action, o.Changes, o.Lost)
		}
	}
}

// TestDeployTool_Delete has the deploy tool delete actions before what names them, as its order is.
func TestDeployTool_Delete(t *testing.T) {
	t.Parallel()
	node, tool := deployTool(t)
	before := loadedBefore(t, "fewer-languages.cjs", "no-pause.cjs")
	s := newServer(t)
	environment := []string{
		"AUTH0_DOMAIN=" + s.Domain, "AUTH0_CLIENT_ID=" + s.ClientID, "AUTH0_CLIENT_SECRET=" + s.ClientSecret, "NODE_EXTRA_CA_CERTS=" + s.ca, "AUTH0_ALLOW_DELETE=true",
		before, `AUTH0_INCLUDED_ONLY=["actions","tokenExchangeProfiles","eventStreams"]`,
	}
	ok(t, os.WriteFile(filepath.Join(s.directory, "action.js"), []byte("exports.onExecuteCustomTokenExchange = async () => {};\nexports.onExecuteEventStream = async () => {};\n"), 0o600))
	tenant := filepath.Join(s.directory, "tenant.yaml")
	const things = `actions:
  - {name: Exchange, code: ./action.js, runtime: node22, deployed: true, dependencies: [], secrets: [], supported_triggers: [{id: custom-token-exchange, version: v1}]}
  - {name: Stream, code: ./action.js, runtime: node22, deployed: true, dependencies: [], secrets: [], supported_triggers: [{id: event-stream, version: v1}]}
tokenExchangeProfiles: [{name: Songs elsewhere, type: custom_authentication, subject_token_type: "https://songs.example/token", action: Exchange}]
eventStreams: [{name: By action, subscriptions: [{event_type: user.created}], destination: {type: action, configuration: {action_id: Stream}}}]
`
	for _, file := range []string{things, "actions: []\ntokenExchangeProfiles: []\neventStreams: []\n"} {
		ok(t, os.WriteFile(tenant, []byte(file), 0o600))
		out, err := program(t, s.directory, environment, node, tool, "import", "--input_file=tenant.yaml")
		if err != nil || !strings.Contains(out, "Import Successful") {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	s.stop()
	ok(t, os.WriteFile(tenant, []byte(things), 0o600))
	var plan struct {
		Configuration struct {
			Objects []struct{ Kind, Name, Action string }
		}
	}
	ok(t, json.Unmarshal([]byte(carried(t, s.directory, tenant, "--plan")), &plan))
	gone := 0
	for _, o := range plan.Configuration.Objects {
		if o.Action == "create" {
			gone++
		} else {
			t.Errorf("%s %s is still there: %s", o.Kind, o.Name, o.Action)
		}
	}
	if gone != 4 {
		t.Errorf("%d of 4 things are gone: %+v", gone, plan.Configuration.Objects)
	}
}

// ownServer is a server with one empty tenant, for a test alone.
type ownServer struct {
	Domain       string
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	directory    string // with the data in data
	ca           string
	stop         func()
}

func newServer(t *testing.T) *ownServer {
	t.Helper()
	addresses, err := freeAddresses(1)
	ok(t, err)
	s := &ownServer{directory: t.TempDir()}
	s.ca = filepath.Join(s.directory, "data", "ca", "ca.pem")
	out, err := program(t, s.directory, nil, binary, "init", "songs", "--domain", strings.Replace(addresses[0], "127.0.0.1", "localhost", 1), "--data", "data", "--log-level", "error", "--json")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ok(t, json.Unmarshal([]byte(out), s))
	var printed bytes.Buffer
	command := exec.Command(binary, "serve", "--data", "data", "--http", "", "--https", addresses[0], "--log-level", "error")
	command.Dir, command.Stdout, command.Stderr = s.directory, &printed, &printed
	ok(t, command.Start())
	s.stop = sync.OnceFunc(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		if err := command.Wait(); err != nil {
			t.Errorf("%v\n%s", err, &printed)
		}
	})
	t.Cleanup(s.stop)
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if _, err := os.Stat(s.ca); err == nil {
			if connection, err := net.Dial("tcp", addresses[0]); err == nil {
				connection.Close()
				return s
			}
		}
	}
	t.Fatalf("the server does not answer: %s", &printed)
	return nil
}

// carried runs the import; what is not carried of a tenant that has its own management client already is told by the exit code.
func carried(t *testing.T, dir, what, how string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), binary, "import", "auth0", what, "--data", "data", "--json", how)
	command.Dir = dir
	out, err := command.Output()
	if err != nil && command.ProcessState.ExitCode() != 3 {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}
