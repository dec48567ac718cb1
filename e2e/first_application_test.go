package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var codeBlock = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")

// TestFirstApplication does what the guide to a first application says, word for word but for the ports: what an operator types, the program of its
// two files, and somebody who signs up and meets the rule.
func TestFirstApplication(t *testing.T) {
	modules, err := filepath.Abs("../compat/clients/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(modules); err != nil {
		missing(t, "the packages of compat/clients")
	}
	page, err := os.ReadFile("../docs/guide/first-application.md")
	if err != nil {
		t.Fatal(err)
	}
	s, here := serve(t), port(freeAddresses(1)[0])
	text := strings.NewReplacer("http://localhost:8080", s.url, "localhost:5000", "localhost:"+here, "listen(5000", "listen("+here).Replace(string(page))
	blocks := map[string][]string{}
	for _, block := range codeBlock.FindAllStringSubmatch(text, -1) {
		blocks[block[1]] = append(blocks[block[1]], block[2])
	}
	if len(blocks["sh"]) < 3 || len(blocks["js"]) != 1 || len(blocks["html"]) != 1 {
		t.Fatalf("the page has other blocks: %d sh, %d js, %d html", len(blocks["sh"]), len(blocks["js"]), len(blocks["html"]))
	}

	dir := t.TempDir()
	typed := blocks["sh"][:len(blocks["sh"])-1] // the last one takes everything away again
	shell := exec.Command("bash", "-euo", "pipefail", "-c", strings.Join(typed, "")+`echo "$client" > client`)
	shell.Dir, shell.Env = dir, append(os.Environ(), "URL="+s.url, "TOKEN="+s.token)
	if out, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	client, err := os.ReadFile(filepath.Join(dir, "client"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"server.js": blocks["js"][0], "index.html": strings.ReplaceAll(blocks["html"][0], "CLIENT_ID", strings.TrimSpace(string(client))),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	program := exec.Command("node", "server.js")
	program.Dir = dir
	address := "http://localhost:" + here + "/"
	p, err := start(program)
	if err != nil {
		missing(t, "node")
	}
	t.Cleanup(func() { _ = p.stop() }) // Node.js ends with an error where it is told to stop
	if err := p.awaitURL(address); err != nil {
		t.Fatalf("%v\n%s", err, p.tail())
	}

	b := newTab(t)
	b.open(address)
	b.click("#login")
	b.click(`.aside a[href*="signup"]`)
	b.fill(`input[name="email"]`, "ada@songbook.example")
	b.fill(`input[name="password"]`, "Ada-Likes-Jazz-7")
	b.click(`button[type="submit"].primary`)
	for _, shown := range []string{"Blue Train", "ada@songbook.example", "Hello, ada@songbook.example"} {
		b.awaitText("#shown", shown)
	}
	b.reload()
	b.awaitText("#shown", "Blue Train")
	b.click("#logout")
	b.await("nobody is logged in", `location.href === `+quote(address)+` && document.querySelector("#shown")?.innerText === ""`)
	b.open(s.url + "/u/inbox")
	b.awaitText("main", "ada@songbook.example")
}
