package e2e

import (
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A server is `stagedoor serve` with a tenant that was made by `stagedoor init`.
type server struct {
	url, data string
	operator
	tenant struct {
		Domain       string `json:"domain"`
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
		Audience     string `json:"audience"`
	}
}

// serve starts a server for the length of a test. Rules may call the addresses.
func serve(t *testing.T, outbound ...string) *server {
	t.Helper()
	var flags []string
	for _, one := range outbound {
		flags = append(flags, "--outbound-allow", one)
	}
	return serveWith(t, flags...)
}

// serveWith is serve with further flags.
func serveWith(t *testing.T, flags ...string) *server {
	t.Helper()
	address := freeAddresses(1)[0]
	s := &server{url: "http://localhost:" + port(address), data: t.TempDir()}
	out, err := exec.Command(binary, "init", "label", "--data", s.data, "--domain", strings.TrimPrefix(s.url, "http://"), "--json").Output()
	if err == nil {
		err = json.Unmarshal(out, &s.tenant)
	}
	if err != nil {
		t.Fatalf("init: %v %s", err, out)
	}
	running(t, s.url+"/readyz", exec.Command(binary, append([]string{"serve", "--data", s.data, "--http", address, "--https", "", "--log-level", "warn"}, flags...)...))
	s.operator = signInMachine(t, s.url, s.tenant.ClientID, s.tenant.ClientSecret, s.tenant.Audience)
	return s
}

// setUp does by hand what mixtape/tenant/README.md tells an operator to do. It returns the clients by their keys.
func (s *server) setUp(values map[string]string) map[string]client {
	s.t.Helper()
	var file struct {
		Settings        json.RawMessage   `json:"settings"`
		ResourceServers []map[string]any  `json:"resource_servers"`
		Clients         []map[string]any  `json:"clients"`
		ClientGrants    []map[string]any  `json:"client_grants"`
		Connections     []map[string]any  `json:"connections"`
		RulesConfigs    map[string]string `json:"rules_configs"`
		Rules           []struct {
			Order      int
			Name, File string
		} `json:"rules"`
	}
	readFile(s.t, "tenant.json", &file)
	values["management_audience"] = s.tenant.Audience
	filled := func(v any) json.RawMessage {
		b, _ := json.Marshal(v)
		return json.RawMessage(fill(string(b), values))
	}
	s.do("PATCH", "/tenants/settings", file.Settings, nil)
	for _, body := range file.ResourceServers {
		s.do("POST", "/resource-servers", filled(body), nil)
	}
	clients := map[string]client{}
	for _, body := range file.Clients {
		key := body["key"].(string)
		delete(body, "key")
		var c client
		s.do("POST", "/clients", filled(body), &c)
		clients[key] = c
		values[key+".client_id"], values[key+".client_secret"] = c.ClientID, c.ClientSecret
	}
	for _, body := range file.ClientGrants {
		s.do("POST", "/client-grants", filled(body), nil)
	}
	var there []struct{ ID, Name string }
	s.do("GET", "/connections", nil, &there)
	for _, body := range file.Connections {
		if len(there) == 1 && there[0].Name == body["name"] { // every tenant begins with one
			delete(body, "name")
			delete(body, "strategy")
			s.do("PATCH", "/connections/"+there[0].ID, filled(body), nil)
			continue
		}
		s.do("POST", "/connections", filled(body), nil)
	}
	for key, value := range file.RulesConfigs {
		s.do("PUT", "/rules-configs/"+url.PathEscape(key), filled(map[string]string{"value": value}), nil)
	}
	for _, r := range file.Rules {
		s.do("POST", "/rules", map[string]any{"name": r.Name, "order": r.Order, "enabled": true, "script": rule(s.t, r.File, values)}, nil)
	}
	return clients
}

func fill(text string, values map[string]string) string {
	for name, value := range values {
		text = strings.ReplaceAll(text, "{{"+name+"}}", value)
	}
	return text
}

// rule reads a rule of mixtape/tenant.
func rule(t *testing.T, file string, values map[string]string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../mixtape/tenant", file))
	if err != nil {
		t.Fatal(err)
	}
	return fill(string(text), values)
}

func readFile(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../mixtape/tenant", file))
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}
