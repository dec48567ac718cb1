package ui

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestProofScript: the browser's hash is SHA-256.
func TestProofScript(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("node is missing")
		}
		t.Skip("node is missing")
	}
	out, err := exec.CommandContext(t.Context(), node, "-e", `const f = new Function(require("fs").readFileSync("assets/proof.js", "utf8") + ";return firstWord")();
		for (let i = 0; i < 300; i++) console.log(f("AAAAAAAAAAAAAAAA.t6whyo:" + i * 7919) >>> 0);`).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for i, line := range strings.Fields(string(out)) {
		sum := sha256.Sum256(fmt.Appendf(nil, "AAAAAAAAAAAAAAAA.t6whyo:%d", i*7919))
		if want := fmt.Sprint(binary.BigEndian.Uint32(sum[:4])); line != want {
			t.Fatalf("%d: %s, want %s", i, line, want)
		}
	}
}

// TestProofPolicy: a vendor's hosts are let in where its riddle is asked for, and nowhere else; nothing inline is.
func TestProofPolicy(t *testing.T) {
	if got := PolicyOf(LoginPage{}); got != CSP {
		t.Errorf("without: %s", got)
	}
	if got := PolicyOf(LoginPage{Form: Form{Proof: &Proof{Work: "x"}}}); got != CSP {
		t.Errorf("with work: %s", got)
	}
	got := PolicyOf(LoginPage{Form: Form{Proof: &Proof{Hosts: []string{"https://hcaptcha.com"}}}})
	if !strings.Contains(got, "script-src 'self' https://hcaptcha.com;") || !strings.Contains(got, "frame-src 'self' https://hcaptcha.com;") || !strings.Contains(got, "frame-ancestors 'none'") || strings.Contains(got, "unsafe") {
		t.Errorf("with a vendor: %s", got)
	}
}
