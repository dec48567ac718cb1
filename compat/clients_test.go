package compat

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

var updateClients = flag.Bool("update", false, "rewrite the rows of docs/clients.md")

// drivers are the client libraries of compat/clients, each with what it does. Two have no session: they are the API's side.
var drivers = map[string][]string{
	"auth0-server-js":           {"sign in", "renew", "single sign-on", "step up", "PAR", "sign out"},
	"express-openid-connect-v2": webClient,
	"express-openid-connect-v3": webClient,
	"next-auth":                 {"sign in", "single sign-on", "step up"},
	"nextjs-auth0":              webClient,
	"oidc-client-ts":            {"sign in", "userinfo", "renew", "single sign-on", "step up", "revoke", "sign out"},
	"openid-client-v5":          {"sign in", "userinfo", "renew", "single sign-on", "step up", "revoke", "sign out"},
	"openid-client-v6":          {"sign in", "userinfo", "renew", "single sign-on", "step up", "PAR", "DPoP", "revoke", "sign out"},
	"passport-auth0":            {"sign in", "userinfo", "single sign-on", "step up"},
	"passport-saml":             {"sign in", "single sign-on", "sign out"},
	"simple-oauth2":             {"sign in", "single sign-on", "renew", "step up", "revoke"},
	"express-oauth2-jwt-bearer": {"verify", "refuse"},
	"jwks-rsa-v3":               {"verify", "refuse"},
	"jwks-rsa-v4":               {"verify", "refuse"},
}

var webClient = []string{"sign in", "userinfo", "renew", "single sign-on", "step up", "sign out"}

// relying is a client of the demo, made for a test, and the person who signs in to it.
type relying struct {
	Domain       string `json:"domain"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	RedirectURI  string `json:"redirect_uri"`
	LogoutURI    string `json:"logout_uri"`
	Audience     string `json:"audience"`
	Person       user   `json:"person"`
	AccessToken  string `json:"access_token,omitempty"` // of the person, for the audience
	IDToken      string `json:"id_token,omitempty"`
	Key          string `json:"key,omitempty"` // of a program of SAML
}

// newRelying makes a client with a secret that lives at a free address, and a person.
func newRelying(t *testing.T, machine string) relying {
	t.Helper()
	addresses, err := freeAddresses(1)
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + strings.Replace(addresses[0], "127.0.0.1", "localhost", 1)
	r := relying{Domain: demo.Domain, RedirectURI: base + "/callback", LogoutURI: base + "/bye", Audience: "https://songs.example/" + rand.Text()}
	admin(t, machine, http.MethodPost, "/resource-servers", map[string]any{
		"identifier": r.Audience, "name": r.Audience, "allow_offline_access": true, "skip_consent_for_verifiable_first_party_clients": true, "scopes": []map[string]string{{"value": "read:songs"}, {"value": "edit:songs"}},
	}, nil)
	admin(t, machine, http.MethodPost, "/clients", map[string]any{
		"name": t.Name(), "app_type": "regular_web", "oidc_conformant": true, "jwt_configuration": map[string]any{"alg": "RS256"},
		"callbacks": []string{r.RedirectURI, base + "/auth/callback", base + "/auth/callback/auth0", base + "/form/callback"}, "allowed_logout_urls": []string{r.LogoutURI, base, base + "/"},
		"grant_types": []string{
			"authorization_code", "refresh_token", "implicit", "password", "http://auth0.com/oauth/grant-type/password-realm", "http://auth0.com/oauth/grant-type/mfa-otp",
			"http://auth0.com/oauth/grant-type/mfa-oob", "http://auth0.com/oauth/grant-type/mfa-recovery-code", "http://auth0.com/oauth/grant-type/passwordless/otp",
			"urn:ietf:params:oauth:grant-type:device_code",
		},
	}, &r)
	t.Cleanup(func() { admin(t, machine, http.MethodDelete, "/clients/"+r.ClientID, nil, nil) })
	r.Person = user{Email: strings.ToLower(rand.Text()) + "@clients.example", Password: "Signs-In-7-" + rand.Text()[:6]}
	admin(t, machine, http.MethodPost, "/users", map[string]any{"connection": userDatabase, "email": r.Person.Email, "password": r.Person.Password, "email_verified": true}, &r.Person)
	var connections []struct {
		ID, Name string
		Clients  []string `json:"enabled_clients"`
	}
	get(t, "/connections?name="+userDatabase, machine, &connections)
	admin(t, machine, http.MethodPatch, "/connections/"+connections[0].ID+"/clients", []map[string]any{{"client_id": r.ClientID, "status": true}}, nil)
	return r
}

// admin calls the Management API and wants success.
func admin(t *testing.T, machine, method, path string, body, into any) {
	t.Helper()
	b, err := json.Marshal(body)
	ok(t, err)
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, "https://"+demo.Domain+"/api/v2"+path, strings.NewReader(string(b)))
	ok(t, err)
	request.Header.Set("Authorization", "Bearer "+machine)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	ok(t, err)
	defer response.Body.Close()
	var problem map[string]any
	if response.StatusCode >= 300 {
		_ = json.NewDecoder(response.Body).Decode(&problem)
		t.Fatalf("%s %s: %s %v", method, path, response.Status, problem)
	}
	if into != nil {
		ok(t, json.NewDecoder(response.Body).Decode(into))
	}
}

// withFactor lets people give codes of an app while the test runs.
func withFactor(t *testing.T, machine string) {
	t.Helper()
	admin(t, machine, http.MethodPut, "/guardian/factors/otp", map[string]any{"enabled": true}, nil)
	t.Cleanup(func() {
		admin(t, machine, http.MethodPut, "/guardian/factors/otp", map[string]any{"enabled": false}, nil)
	})
}

// tokensOf signs the person in and returns the tokens for the client's API.
func (r *relying) tokensOf(t *testing.T) {
	t.Helper()
	code, verifier := signIn(t, r.Person, r.ClientID, r.RedirectURI, url.Values{"audience": {r.Audience}, "scope": {"openid read:songs"}})
	got := token(t, url.Values{
		"grant_type": {"authorization_code"}, "client_id": {r.ClientID}, "client_secret": {r.ClientSecret}, "redirect_uri": {r.RedirectURI}, "code": {code}, "code_verifier": {verifier},
	})
	r.AccessToken, r.IDToken = got.AccessToken, got.IDToken
}

// speaksSAML lets the client sign people in and out by SAML, with a key of its own.
func (r *relying) speaksSAML(t *testing.T, machine string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	ok(t, err)
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	ok(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	ok(t, err)
	r.Key = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	admin(t, machine, http.MethodPatch, "/clients/"+r.ClientID, map[string]any{"addons": map[string]any{"samlp": map[string]any{
		"signingCert": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})), "logout": map[string]any{"callback": r.LogoutURI},
	}}}, nil)
}

// TestClients lets every client library of compat/clients do what it is made for, over https and unchanged, and holds the page that lists them.
func TestClients(t *testing.T) {
	node := need(t, "node")
	if _, err := os.Stat("clients/node_modules"); err != nil {
		missing(t, "the packages of compat/clients are not installed")
	}
	machine := machineToken(t)
	withFactor(t, machine)
	for name, can := range drivers {
		t.Run(name, func(t *testing.T) {
			r := newRelying(t, machine)
			if slices.Contains(can, "verify") {
				r.tokensOf(t)
			}
			if name == "passport-saml" {
				r.speaksSAML(t, machine)
			}
			setting, err := json.Marshal(r)
			ok(t, err)
			out, err := program(t, "clients", []string{"STAGEDOOR_CLIENT=" + string(setting)}, node, "--no-warnings", "main.mjs", name)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			var did struct {
				Name, Version string
				Can           []string
			}
			lines := strings.Split(strings.TrimSpace(out), "\n")
			if err := json.Unmarshal([]byte(lines[len(lines)-1]), &did); err != nil || !slices.Equal(did.Can, can) {
				t.Fatalf("did %v, want %v: %s", did.Can, can, out)
			}
			listed(t, did.Name+" "+did.Version, can)
		})
	}
}

// capabilities are the columns of the page.
var capabilities = []string{"sign in", "single sign-on", "userinfo", "renew", "step up", "revoke", "sign out", "PAR", "DPoP", "verify", "refuse"}

// listed holds the row of a client in docs/clients.md; with -update it writes it.
func listed(t *testing.T, client string, can []string) {
	t.Helper()
	const page = "../docs/clients.md"
	row := "| " + client + " |"
	for _, c := range capabilities {
		row += map[bool]string{true: " yes |", false: " – |"}[slices.Contains(can, c)]
	}
	text, err := os.ReadFile(page)
	ok(t, err)
	if strings.Contains(string(text), "\n"+row+"\n") {
		return
	}
	if !*updateClients {
		t.Errorf("docs/clients.md has no row\n%s\n(go test ./compat -run TestClients -update writes it)", row)
		return
	}
	name, _, _ := strings.Cut(client, " ")
	var rows, rest []string
	in := false
	first, others, _ := strings.Cut(string(text), "\n## ") // the table is the page's first
	for line := range strings.SplitSeq(first, "\n") {
		switch {
		case strings.HasPrefix(line, "|---"):
			in = true
			rest = append(rest, line, "ROWS")
		case in && strings.HasPrefix(line, "| "):
			if !sameClient(line, client, name) {
				rows = append(rows, line)
			}
		default:
			in = false
			rest = append(rest, line)
		}
	}
	rows = append(rows, row)
	slices.SortFunc(rows, func(a, b string) int {
		return strings.Compare(strings.ToLower(strings.TrimLeft(a, "| @")), strings.ToLower(strings.TrimLeft(b, "| @")))
	})
	ok(t, os.WriteFile(page, []byte(strings.Replace(strings.Join(rest, "\n"), "ROWS", strings.Join(rows, "\n"), 1)+"\n## "+others), 0o644))
}

// sameClient tells whether a row is an older one of the client's: of the same name and major version.
func sameClient(row, client, name string) bool {
	_, version, _ := strings.Cut(client, " ")
	major, _, _ := strings.Cut(version, ".")
	return strings.HasPrefix(row, fmt.Sprintf("| %s %s.", name, major))
}
