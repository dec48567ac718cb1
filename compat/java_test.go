package compat

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var withJava = flag.Bool("java", false, "run the clients for Java, too (make java)")

// TestJava runs the clients of compat/java: the SDK of two generations, and libraries that sign people in and verify tokens. It is a command of its own
// (make java), since a compiler and the libraries take their time to come.
func TestJava(t *testing.T) {
	if !*withJava {
		t.Skip("make java runs it")
	}
	java, javac, keytool := need(t, "java"), need(t, "javac"), need(t, "keytool")
	lib, err := filepath.Abs("java/lib")
	ok(t, err)
	if _, err := os.Stat(filepath.Join(lib, "installed")); err != nil {
		missing(t, "the libraries of compat/java are not installed")
	}
	scratch := t.TempDir()
	all := filepath.Join(lib, "*")
	sources, err := filepath.Glob("java/*.java")
	ok(t, err)
	if out, err := program(t, ".", nil, javac, append([]string{"-nowarn", "-proc:none", "-d", scratch, "-cp", all}, sources...)...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	trust := filepath.Join(scratch, "trust.p12")
	if out, err := program(t, ".", nil, keytool, "-importcert", "-noprompt", "-alias", "demo", "-file", demo.CAFile, "-keystore", trust, "-storepass", "changeit"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	machine := machineToken(t)
	withFactor(t, machine)
	run := func(t *testing.T, class, path string) {
		t.Helper()
		r := newRelying(t, machine)
		if r.tokensOf(t); class == "Authentication" {
			withCodes(t, machine, r)
			asksForFactor(t, machine, r)
		}
		setting, err := json.Marshal(r)
		ok(t, err)
		out, err := program(t, scratch, []string{"STAGEDOOR_CLIENT=" + string(setting)}, java, "-XX:TieredStopAtLevel=1", "-Djavax.net.ssl.trustStore="+trust,
			"-Djavax.net.ssl.trustStorePassword=changeit", "-cp", scratch+":"+path, class)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		t.Log("\n" + out)
		for line := range strings.SplitSeq(out, "\n") {
			var did struct {
				Name string
				Can  []string
			}
			if json.Unmarshal([]byte(line), &did) == nil && did.Name != "" {
				listed(t, did.Name+" "+artifactVersion(t, did.Name), did.Can)
			}
		}
	}
	t.Run("auth0 v2", func(t *testing.T) { run(t, "Authentication", filepath.Join(lib, "v2", "*")+":"+all) })
	t.Run("auth0 v3", func(t *testing.T) {
		run(t, "Authentication", all)
		run(t, "Management", all)
	})
	t.Run("oauth2-oidc-sdk", func(t *testing.T) { run(t, "OpenID", all) })
	t.Run("spring", func(t *testing.T) { run(t, "Spring", all) })
}

// artifactVersion reads the version of an artifact in pom.xml.
func artifactVersion(t *testing.T, artifact string) string {
	t.Helper()
	text, err := os.ReadFile("java/pom.xml")
	ok(t, err)
	_, name, _ := strings.Cut(artifact, ":")
	m := regexp.MustCompile(`<artifactId>` + regexp.QuoteMeta(name) + `</artifactId>\s*<version>([^<]+)<`).FindSubmatch(text)
	if m == nil {
		t.Fatalf("pom.xml does not name %s", artifact)
	}
	return string(m[1])
}
