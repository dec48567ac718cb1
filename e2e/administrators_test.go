package e2e

import (
	"os/exec"
	"strings"
	"testing"
)

// TestAdministrators have accounts of their own, at a provider of the operator's: they sign in to the dashboard there, do what they may, and are locked out at once.
func TestAdministrators(t *testing.T) {
	provider := freeAddresses(1)[0]
	running(t, "http://"+provider+"/.well-known/openid-configuration", exec.Command(binary, "stand-in", "--http", provider))
	s := serveWith(t, "--dashboard-issuer", "http://"+provider, "--dashboard-client-id", "stagedoor", "--dashboard-client-secret", "of the stand-in")
	administrators := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(binary, append(append([]string{"administrators"}, args...), "--data", s.data)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v %s", args, err, out)
		}
		return string(out)
	}

	b := newTab(t)
	b.open(s.url + "/dashboard/#/users")
	b.awaitText("h1", "Sign in")
	b.look("dashboard-sign-in")
	comesBack := func() {
		b.click("form.narrow .primary")
		b.click(`button[value="1001"]`) // Ada, of the stand-in
	}
	comesBack()
	b.awaitText(".notice", "no administrator of this tenant")
	b.audit("dashboard-no-administrator")
	_, command, _ := strings.Cut(b.text(".notice"), "stagedoor administrators ")
	administrators(strings.Fields(command)...)

	comesBack()
	b.awaitText("h1", "Users") // where they wanted to go
	var address string
	if b.eval(&address, `location.href`); strings.Contains(address, "code=") || strings.Contains(address, "state=") {
		t.Error("the code stands in the address: " + address)
	}
	b.await("who is signed in", `document.querySelector("header nav").textContent.includes("ada@example.com")`)
	if out := administrators("list"); !strings.Contains(out, "everything") {
		t.Error(out)
	}
	b.reload()
	b.awaitText("h1", "Sign in")
	b.click("form.narrow .tick input")
	comesBack()
	b.awaitText("h1", "Users")
	b.reload()
	b.awaitText("h1", "Users")

	administrators(append([]string{"add", "--scope", "read:users"}, strings.Fields(command)[1:]...)...)
	b.eval(nil, `void (location.hash = "#/roles")`)
	b.awaitText(".problems", "read:roles")
	administrators("remove", strings.Fields(command)[1])
	b.eval(nil, `void (location.hash = "#/users")`)
	b.awaitText("h1", "Sign in")
	for _, complaint := range b.complaints() {
		if !strings.Contains(complaint, " 401 ") && !strings.Contains(complaint, " 403 ") {
			t.Error("the browser complained: " + complaint)
		}
	}
}

// TestAdministratorsOfAnotherTenant: the provider is a tenant of Stagedoor, whose people look after others.
func TestAdministratorsOfAnotherTenant(t *testing.T) {
	provider := serve(t)
	ada := provider.newListener("ada", map[string]any{"name": "Ada"})
	var app client
	provider.do("POST", "/clients", map[string]any{"name": "Dashboard", "app_type": "regular_web", "oidc_conformant": true, "jwt_configuration": map[string]any{"alg": "RS256"}}, &app)
	var databases []struct{ ID string }
	provider.do("GET", "/connections?strategy=auth0", nil, &databases)
	provider.do("PATCH", "/connections/"+databases[0].ID+"/clients", []map[string]any{{"client_id": app.ClientID, "status": true}}, nil)
	s := serveWith(t, "--dashboard-issuer", provider.url, "--dashboard-client-id", app.ClientID, "--dashboard-client-secret", app.ClientSecret)
	provider.do("PATCH", "/clients/"+app.ClientID, map[string]any{"callbacks": []string{s.url + "/dashboard/"}}, nil)
	if out, err := exec.Command(binary, "administrators", "add", ada.Email, "--data", s.data).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}

	b := newTab(t)
	b.open(s.url + "/dashboard/")
	b.click("form.narrow .primary")
	b.logIn(ada)
	b.awaitText("h1", "Overview")
	b.open(s.url + "/dashboard/")
	b.click("form.narrow .primary") // whose session there goes on
	b.awaitText("h1", "Overview")
}
