package main

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

func TestReady(t *testing.T) {
	data, _ := initTenant(t)
	addr := freeAddr(t)
	if out, errs, code := runCommand(t, "ready", "--http", addr); code != 1 || out != "" || !strings.Contains(errs, "does not answer at "+addr) {
		t.Errorf("without a server: code %d, %q %q", code, out, errs)
	}
	if _, errs, code := runCommand(t, "ready", "--http", ""); code != 1 || !strings.Contains(errs, "no address") {
		t.Errorf("without an address: code %d, %q", code, errs)
	}
	for _, args := range [][]string{{"--http", addr[strings.LastIndexByte(addr, ':'):]}, {"--http", "127.0.0.1:0", "--admin-addr", addr}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			start(t, exec.Command(binary, append([]string{"serve", "--data", data, "--https", ""}, args...)...))
			await(t, "http://"+addr+"/readyz")
			if out, errs, code := runCommand(t, append([]string{"ready"}, args...)...); code != 0 || out != "ready\n" {
				t.Errorf("code %d, %q %q", code, out, errs)
			}
		})
	}
}

// start runs a program until the test ends, and tells what it said if the test fails.
func start(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s", &said)
		}
	})
}

// A service of type notify is told when it answers, and its scripts are not told where systemd listens.
func TestSystemdIsTold(t *testing.T) {
	data, _ := initTenant(t)
	socket := filepath.Join(t.TempDir(), "notify")
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer systemd.Close()
	t.Setenv("NOTIFY_SOCKET", socket)
	addr := freeAddr(t)
	start(t, exec.Command(binary, "serve", "--data", data, "--http", addr, "--https", ""))
	systemd.SetReadDeadline(time.Now().Add(20 * time.Second))
	said := make([]byte, 100)
	n, err := systemd.Read(said)
	if err != nil || string(said[:n]) != "READY=1" {
		t.Fatalf("systemd was told %q: %v", said[:n], err)
	}
	answer, err := http.Get("http://" + addr + "/readyz") //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("it answers %s", answer.Status)
	}
}

// What the files of deploy say to the program is what it reads.
func TestDeployedSettings(t *testing.T) {
	parser, err := kong.New(&cli{}, kong.ExplicitGroups(groups))
	if err != nil {
		t.Fatal(err)
	}
	known, commands := map[string]bool{}, map[string]bool{}
	eachCommand(parser.Model.Node, "", func(name string, n *kong.Node) {
		commands[name] = true
		for _, f := range n.Flags {
			for _, env := range f.Envs {
				known[env] = true
			}
		}
	})
	for file, want := range map[string][]string{"stagedoor.service": {"serve"}, "Containerfile": {"serve", "ready"}} {
		text, err := os.ReadFile("../../deploy/" + file)
		if err != nil {
			t.Fatal(err)
		}
		settings := regexp.MustCompile(`STAGEDOOR_\w+`).FindAllString(string(text), -1)
		if len(settings) == 0 {
			t.Errorf("%s has no settings", file)
		}
		for _, name := range settings {
			if !known[name] {
				t.Errorf("%s sets %s, which nothing reads", file, name)
			}
		}
		for _, command := range want {
			if !commands[command] || !regexp.MustCompile(`(ExecStart=\S+ |CMD \["|"stagedoor", ")`+command).Match(text) {
				t.Errorf("%s does not run %s", file, command)
			}
		}
	}
}

// The program needs no other file: with what the image has, and what every container has from its engine, it serves and runs scripts.
func TestEmptyRoot(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"usr/bin", "data", "tmp", "etc", "proc"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(binary, filepath.Join(root, "usr/bin/stagedoor")); err != nil {
		t.Fatal(err)
	}
	inside := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), "unshare", append([]string{
			"--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c",
			`mount -t proc proc "$0/proc" && exec chroot "$0" "$@"`, root, "/usr/bin/stagedoor",
		}, args...)...)
		cmd.Env = append(containerSettings(t), "PATH="+os.Getenv("PATH"))
		return cmd
	}
	addr := freeAddr(t)
	initialize := inside("init", "acme", "--domain", "id.acme.test", "--json")
	var why bytes.Buffer
	initialize.Stderr = &why
	out, err := initialize.Output()
	if err != nil && strings.HasPrefix(why.String(), "unshare: ") && os.Getenv("CI") == "" {
		t.Skipf("no namespaces for users here: %s", &why)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, &why)
	}
	start(t, inside("serve", "--http", addr, "--trusted-proxies", "127.0.0.1/32"))
	await(t, "http://"+addr+"/readyz")
	var credentials map[string]string
	if err := json.Unmarshal(out, &credentials); err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+"/api/v2/rules", strings.NewReader(`{"name":"hello","script":"function (user, context, callback) { callback(null, user, context); }"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "id.acme.test"
	r.Header.Set("X-Forwarded-Proto", "https")
	r.Header.Set("Authorization", "Bearer "+machineToken(t, addr, credentials))
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusCreated {
		t.Errorf("a rule: %s", answer.Status)
	}
}

// containerSettings are those that the image gives to the program.
func containerSettings(t *testing.T) (all []string) {
	text, err := os.ReadFile("../../deploy/Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range regexp.MustCompile(`(?m)^ENV (.*)$`).FindAllSubmatch(text, -1) {
		all = append(all, strings.Fields(string(line[1]))...)
	}
	return all
}
