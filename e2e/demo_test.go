package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestC1_OneCommand: the demo starts in a fresh folder, goes on where it was left, begins anew when told, and prints what programs need.
func TestC1_OneCommand(t *testing.T) {
	data := filepath.Join(t.TempDir(), "not", "there", "yet")
	flags := demoFlags()
	round := func(args []string, what func(p *process, info *demoInfo)) (ready time.Duration) {
		t.Helper()
		begin := time.Now()
		p, info, err := startDemo(data, append(args, flags...))
		if err != nil {
			t.Fatal(err)
		}
		ready = time.Since(begin)
		what(p, info)
		if err := p.stop(); err != nil {
			t.Fatalf("stop: %v\n%s", err, p.tail())
		}
		return ready
	}
	var first demoInfo
	ready := round(nil, func(p *process, info *demoInfo) {
		first = *info
		complete(t, filepath.Join(data, "demo.json"))
		for _, word := range []string{info.MixtapeURL, info.HTTPURL, info.Domain, info.CAFile, info.Users[0].Email, info.Users[0].Password} {
			if err := p.await(func() bool { return strings.Contains(string(p.output.bytes()), word) }); err != nil { // it prints when the file is written
				t.Errorf("what it prints lacks %s: %v\n%s", word, err, p.tail())
			}
		}
		for _, address := range []string{info.MixtapeURL, info.MixtapeAPIURL + "/healthz", info.HTTPURL + "/healthz", info.HTTPURL + "/readyz"} {
			want(t, 200, "GET", address, "", nil)
		}
		op := signInMachine(t, info.HTTPURL, info.Management.ClientID, info.Management.ClientSecret, info.Management.Audience)
		op.do("PATCH", "/users/"+url.PathEscape(info.Users[0].UserID), map[string]any{"user_metadata": map[string]any{"displayName": "kept"}}, nil)
	})
	t.Logf("first start: ready in %s", ready.Round(time.Millisecond))

	displayName := func(info *demoInfo) any {
		op := signInMachine(t, info.HTTPURL, info.Management.ClientID, info.Management.ClientSecret, info.Management.Audience)
		var r record
		op.do("GET", "/users/"+url.PathEscape(info.Users[0].UserID), nil, &r)
		return r.UserMetadata["displayName"]
	}
	ready = round(nil, func(_ *process, info *demoInfo) {
		if text(*info) != text(first) {
			t.Errorf("demo.json changed: %s, was %s", text(*info), text(first))
		}
		if got := displayName(info); got != "kept" {
			t.Errorf("displayName %v after a restart", got)
		}
	})
	t.Logf("second start: ready in %s", ready.Round(time.Millisecond))

	round([]string{"--fresh", "--json"}, func(p *process, info *demoInfo) {
		if info.Management.ClientSecret == first.Management.ClientSecret || info.Clients[0].ClientID == first.Clients[0].ClientID {
			t.Error("--fresh kept clients")
		}
		if got := displayName(info); got == "kept" {
			t.Error("--fresh kept a user")
		}
		file, err := os.ReadFile(filepath.Join(data, "demo.json"))
		if err != nil || strings.TrimSpace(string(p.output.bytes())) != strings.TrimSpace(string(file)) {
			t.Errorf("--json printed %s, demo.json is %s (%v)", p.output.bytes(), file, err)
		}
	})
}

// complete fails if demo.json lacks a member that tools rely on.
func complete(t *testing.T, path string) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode, err := os.Stat(path); err != nil || mode.Mode().Perm() != 0o600 {
		t.Errorf("demo.json, which holds secrets, has mode %s", mode.Mode())
	}
	var members map[string]any
	if err := json.Unmarshal(file, &members); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"http_url", "https_url", "domain", "ca_file", "tenant", "mixtape_url", "mixtape_api_url"} {
		if s, _ := members[name].(string); s == "" {
			t.Errorf("demo.json has no %s", name)
		}
	}
	management, _ := members["management"].(map[string]any)
	for _, name := range []string{"client_id", "client_secret", "audience"} {
		if s, _ := management[name].(string); s == "" {
			t.Errorf("demo.json has no management.%s", name)
		}
	}
	for list, names := range map[string][]string{"clients": {"name", "client_id"}, "users": {"user_id", "email", "password"}} {
		all, _ := members[list].([]any)
		if len(all) < 3 {
			t.Errorf("demo.json has %d %s", len(all), list)
		}
		for _, one := range all {
			for _, name := range names {
				if s, _ := one.(map[string]any)[name].(string); s == "" {
					t.Errorf("one of %s has no %s: %v", list, name, one)
				}
			}
		}
	}
}

// TestC1_HTTPS: the certificate is good for Go and curl with the authority's file, and for no one without it.
func TestC1_HTTPS(t *testing.T) {
	authority, err := os.ReadFile(demo.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		t.Fatal("ca_file holds no certificate")
	}
	address := demo.HTTPSURL + "/.well-known/openid-configuration"
	trusting := &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	response, err := trusting.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var document struct{ Issuer string }
	if err := json.NewDecoder(response.Body).Decode(&document); err != nil || document.Issuer != demo.HTTPSURL+"/" {
		t.Errorf("issuer %q (%v), want %s/", document.Issuer, err, demo.HTTPSURL)
	}
	strict := &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: x509.NewCertPool()}}}
	if response, err := strict.Get(address); err == nil {
		response.Body.Close()
		t.Error("the certificate is good without the authority")
	}

	curl, err := exec.LookPath("curl")
	if err != nil {
		missing(t, "curl")
	}
	for _, host := range []string{"localhost", "mixtape.localhost", "mixtape.stagedoor.test"} {
		https := host + ":" + port(demo.Domain)
		out, err := exec.Command(curl, "--silent", "--show-error", "--fail", "--cacert", demo.CAFile, "--resolve", https+":127.0.0.1",
			"https://"+https+"/.well-known/openid-configuration").CombinedOutput()
		if err != nil || !strings.Contains(string(out), `"issuer":"https://`+https+`/"`) {
			t.Errorf("%s: %v %.200s", host, err, out)
		}
	}
	if out, err := exec.Command(curl, "--silent", "--show-error", address).CombinedOutput(); err == nil {
		t.Errorf("curl trusts it without the file: %.100s", out)
	}
}
