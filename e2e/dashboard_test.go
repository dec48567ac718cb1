package e2e

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// TestDashboard is what somebody who looks after a tenant does in the dashboard, in the tab of a browser and with the keyboard that people have.
func TestDashboard(t *testing.T) {
	op := operatorOf(t)
	listener := op.newListener("dora", map[string]any{
		"name":          `Dora <img src=x onerror=alert(1)>`,
		"user_metadata": map[string]any{"favourite": "techno", "colour": "red", "serial": 1},
		"app_metadata":  map[string]any{"plan": "free", "secret_number": 1},
	})
	op.do("PATCH", "/users/"+url.PathEscape(listener.UserID), map[string]any{"app_metadata": map[string]any{"secret_number": json.RawMessage("9007199254740993")}}, nil)

	b := newTab(t)
	b.manage(demo.Management.ClientID, "wrong")
	b.awaitText(".problems", "wrong")
	b.fill("input[type=password]", demo.Management.ClientSecret)
	b.click("form .primary")
	b.awaitText("h1", "Overview")

	// A person is found by what stands in the metadata, and their name stays a text.
	b.goTo("users", "Users")
	b.fill("#q", "user_metadata.favourite:techno AND "+quote(listener.Email))
	b.click(".search .primary")
	b.awaitText("tbody", "Dora <img")
	b.look("dashboard-users")
	b.click("tbody a")
	b.awaitText("h1", `Dora <img src=x onerror=alert(1)>`)
	b.look("dashboard-user")

	// Only what was changed is sent: what an app changes meanwhile stays, and so do numbers that JavaScript cannot hold.
	op.do("PATCH", "/users/"+url.PathEscape(listener.UserID), map[string]any{"app_metadata": map[string]any{"since": 2019}}, nil)
	b.edit("app_metadata", `"plan": "free"`, `"plan": "gold"`)
	b.awaitText(".told", "Saved.")
	b.edit("user_metadata", `"colour": "red",`, ``)
	b.awaitText(".told", "Saved.")
	kept := op.raw("/users/" + url.PathEscape(listener.UserID))
	for _, want := range []string{`"plan":"gold"`, `"since":2019`, `"secret_number":9007199254740993`, `"favourite":"techno"`} {
		if !strings.Contains(kept, want) {
			t.Errorf("%s is not there after the edit: %s", want, kept)
		}
	}
	if strings.Contains(kept, "colour") {
		t.Error("a member that was taken away is there still: " + kept)
	}
	b.edit("app_metadata", `"plan"`, `plan`)
	b.awaitText(".wrong .problem", "not JSON")

	// What is done elsewhere on the page takes nothing of it away that is not saved, nor what was there when it was begun.
	op.do("PATCH", "/users/"+url.PathEscape(listener.UserID), map[string]any{"user_metadata": map[string]any{"favourite": "jazz"}}, nil)
	b.set(b.control("user_metadata"), `{"favourite": "techno", "serial": 2}`)
	b.pressButton("Block")
	b.click(`dialog button[value="yes"]`)
	b.awaitText(".who-is", "blocked")
	b.await("what was written", `document.querySelector(`+quote(b.control("user_metadata"))+`).value.includes('"serial": 2')`)
	b.pressButton("Save user_metadata")
	b.awaitText(".told", "Saved.")
	if kept := op.raw("/users/" + url.PathEscape(listener.UserID)); !strings.Contains(kept, `"favourite":"jazz"`) || !strings.Contains(kept, `"serial":2`) {
		t.Error("after a save of what was begun before: " + kept)
	}

	// Whoever goes away without saving is asked, by the browser's button, too.
	b.set(b.control("app_metadata"), `{}`)
	b.eval(nil, `void history.back()`)
	b.click(`dialog button[value="no"]`)
	b.awaitText("h1", "Dora")
	b.await("the address is that of the page", `location.hash.startsWith("#/users/") && document.querySelector(`+quote(b.control("app_metadata"))+`).value === "{}"`)
	b.menu("roles")
	b.click(`dialog button[value="no"]`)
	b.awaitText("h1", "Dora")
	b.click(`header a[href="#/roles"]`)
	b.click(`dialog button[value="yes"]`)
	b.awaitText("h1", "Roles")

	for _, complaint := range b.complaints() {
		if !strings.Contains(complaint, "/oauth/token") && !strings.Contains(complaint, "gravatar.com") { // the wrong secret, and pictures of elsewhere
			t.Error("the browser complained: " + complaint)
		}
	}
	for _, r := range b.sent() {
		if strings.Contains(r.url, demo.Management.ClientSecret) {
			t.Error("the secret stood in an address: " + r.url)
		}
	}
}

// TestDashboardHelpsPeople is the support desk: roles, a block, a link for a new password, a factor, a session, the end.
func TestDashboardHelpsPeople(t *testing.T) {
	op := operatorOf(t)
	listener := op.newListener("desk", nil)
	path := "/users/" + url.PathEscape(listener.UserID)
	signIn(t, mixtape(t), listener)
	var role struct{ ID, Name string }
	op.do("POST", "/roles", map[string]string{"name": "Curator " + listener.Email}, &role)
	t.Cleanup(func() { op.do("DELETE", "/roles/"+role.ID, nil, nil) })

	b := newTab(t)
	b.manage(demo.Management.ClientID, demo.Management.ClientSecret)
	b.at("", "Overview")
	b.openPage("users/" + url.PathEscape(listener.UserID))
	b.choose(`select[aria-label="Give this role"]`, role.ID)
	b.pressButton("Give this role")
	b.awaitText("tbody", role.Name)
	b.pressButton("End") // the session
	b.awaitText("main", "Not signed in anywhere.")
	if left := want(t, 200, "GET", op.base+path+"/sessions", op.token, nil).body; !strings.Contains(left, `"sessions":[]`) {
		t.Error("the session goes on: " + left)
	}
	b.pressButton("Block")
	b.click(`dialog button[value="yes"]`)
	b.awaitText(".who-is", "blocked")
	if !strings.Contains(op.raw(path), `"blocked":true`) {
		t.Error("nobody is blocked")
	}
	b.pressButton("Unblock")
	b.await("the block is gone", `!document.querySelector(".who-is").innerText.includes("blocked")`)
	b.pressButton("Link for a new password")
	b.see(".notice code")
	if link := b.text(".notice code"); !strings.HasPrefix(link, "http") || strings.Contains(link, " ") {
		t.Error("the link: " + link)
	}
	b.pressButton("Delete") // not before the address is typed
	b.click(`dialog button[value="yes"]`)
	b.see("dialog[open]")
	b.fill("dialog input", listener.Email)
	b.click(`dialog button[value="yes"]`)
	b.at("#/users", "Users")
	want(t, 404, "GET", op.base+path, op.token, nil)
}

// TestDashboardRunsCode writes, tries and switches on a rule, and an action with a secret; the tokens show both.
func TestDashboardRunsCode(t *testing.T) {
	op := operatorOf(t)
	listener := op.newListener("code", map[string]any{"app_metadata": map[string]any{"plan": "gold"}})
	b := newTab(t)
	b.manage(demo.Management.ClientID, demo.Management.ClientSecret)
	b.at("", "Overview")
	name := "Dashboard " + strings.Split(listener.Email, "@")[0]

	b.openPage("rules/new")
	b.fill(b.control("Name"), name)
	b.set(b.control("Code"), `function (user, context, callback) { console.log("plan " + user.app_metadata.plan); context.idToken["https://mixtape.example/tried"] = user.app_metadata.plan; callback(null, user, context); }`)
	b.pressButton("Create")
	b.await("the rule", `location.hash.startsWith("#/rules/rul_") && document.querySelector("h1").innerText === `+quote(name))
	var ruleID string
	b.eval(&ruleID, `location.hash.split("/")[2]`)
	t.Cleanup(func() { op.do("DELETE", "/rules/"+ruleID, nil, nil) })
	b.fill(b.control("User ID"), listener.UserID)
	b.pressButton("Try it")
	b.awaitText(".told-run", "plan gold")
	b.look("dashboard-rule-tried")
	b.pressButton("Switch on")
	b.awaitText(".badge", "on")

	b.openPage("actions/new")
	b.fill(b.control("Name"), name)
	b.pressButton("Create")
	b.await("the action", `/^#\/actions\/.{8}/.test(location.hash) && document.querySelector("h1").innerText === `+quote(name))
	var actionID string
	b.eval(&actionID, `location.hash.split("/")[2]`)
	b.set(b.control("Code"), `exports.onExecutePostLogin = async (event, api) => { api.idToken.setCustomClaim("https://mixtape.example/secret_length", event.secrets.WORD.length); };`)
	b.pressButton("Save")
	b.awaitText(".told", "Saved.")
	b.fill(b.control("Name"), "WORD")
	b.fill(b.control("Value"), "abracadabra")
	b.pressButton("Set the secret")
	b.awaitText("tbody", "WORD")
	b.pressButton("Deploy")
	b.awaitText(".badge.good", "deployed")
	b.pressButton("Let it run at post-login")
	b.awaitText("main > .row", "runs at post-login")
	b.look("dashboard-action")

	told := claims(t, signIn(t, mixtape(t), listener).ID)
	if told["https://mixtape.example/tried"] != "gold" || told["https://mixtape.example/secret_length"] != 11.0 {
		t.Errorf("the ID token says %v", told)
	}
	b.pressButton("Take out of the flow")
	b.awaitText("main > .row", "runs nowhere")
	b.pressButton("Delete")
	b.click(`dialog button[value="yes"]`)
	b.at("#/actions", "Actions")
	want(t, 404, "GET", op.base+"/actions/actions/"+actionID, op.token, nil)
}

// TestDashboardOfAFew is somebody whose client may only read people: the rest says which permission it lacks, and nothing else breaks. A reload signs out unless they said otherwise.
func TestDashboardOfAFew(t *testing.T) {
	op := operatorOf(t)
	b := newTab(t)
	b.manage(demo.Management.ClientID, demo.Management.ClientSecret)
	b.at("", "Overview")
	b.openPage("clients/new")
	b.fill(b.control("Name"), "Support desk")
	b.choose(b.control("Kind"), "non_interactive")
	b.pressButton("Create")
	b.await("the client", `/^#\/clients\/\w{32}$/.test(location.hash) && document.querySelector("h1").innerText === "Support desk"`)
	var id string
	b.eval(&id, `location.hash.split("/")[2]`)
	t.Cleanup(func() { op.do("DELETE", "/clients/"+id, nil, nil) })
	for _, wanted := range []string{`"grant_types":["client_credentials"]`, `"oidc_conformant":true`, `"alg":"RS256"`} {
		if got := op.raw("/clients/" + id); !strings.Contains(got, wanted) {
			t.Errorf("the client lacks %s: %s", wanted, got)
		}
	}
	b.pressButton("Show")
	old := b.text(".copyable:has([aria-pressed=true]) code")
	b.pressButton("Make a new secret")
	b.click(`dialog button[value="yes"]`)
	b.awaitText(".told", "new one")
	b.pressButton("Show")
	secret := b.text(".copyable:has([aria-pressed=true]) code")
	if secret == old || len(secret) < 32 {
		t.Errorf("the new secret is %q, the old one was %q", secret, old)
	}
	b.unfold("Let it call an API by itself")
	b.choose(b.control("API"), demo.Management.Audience)
	b.set(b.control("Permissions"), "read:users\nread:logs")
	b.pressButton("Allow")
	b.awaitText("tbody", demo.Management.Audience)

	few := newTab(t)
	few.open(demo.HTTPURL + "/dashboard")
	few.click("form input[type=checkbox]")
	few.manageHere(id, secret)
	few.at("", "Overview")
	few.awaitText("main", "read:stats")
	few.reload()
	few.at("", "Overview")
	few.openPage("users/" + url.PathEscape(userNamed(t, "juno").UserID))
	few.awaitText("h1", "Juno")
	few.awaitText("main", "read:sessions")
	few.pressButton("Block")
	few.click(`dialog button[value="yes"]`)
	few.awaitText(".problems", "update:users")
	few.menu("settings")
	few.awaitText("main", "read:tenant_settings")
	few.click("header .menu")
	few.pressButton("Sign out")
	few.at("#/settings", "Sign in")
	few.reload()
	few.awaitText("h1", "Sign in")

	b.reload()
	b.awaitText("h1", "Sign in")
}

// TestDashboardPages looks at every page of the dashboard that the other test does not.
func TestDashboardPages(t *testing.T) {
	signIn(t, mixtape(t), userNamed(t, "ivo"))
	b := newTab(t)
	b.open(demo.HTTPURL + "/dashboard")
	b.awaitText("h1", "Sign in")
	b.look("dashboard-sign-in")
	b.manage(demo.Management.ClientID, demo.Management.ClientSecret)
	b.awaitText("h1", "Overview")
	b.see(".chart svg")
	b.look("dashboard-overview")
	for _, noun := range []string{"clients", "resource-servers", "connections", "roles", "organizations", "groups", "log-streams", "event-streams", "custom-domains", "mails", "phones", "texts", "page-template", "rules", "actions", "forms", "logs"} {
		b.goTo(noun, "")
		b.glance("dashboard-" + noun)
		if b.has(`main a[href="#/` + noun + `/new"]`) {
			b.click(`main a[href="#/` + noun + `/new"]`)
			b.at("#/"+noun+"/new", "New")
			b.glance("dashboard-" + noun + "-new")
			b.goTo(noun, "")
		}
		if b.has("tbody a") {
			b.click("tbody a")
			b.await("the page of one", `document.querySelector("main").dataset.shown.split("/").length === 3 && document.querySelector("dl.facts, form")`)
			b.look("dashboard-" + noun + "-one")
		}
	}
	b.openPage("users/" + url.PathEscape(userNamed(t, "ivo").UserID))
	b.look("dashboard-person")
	b.goTo("settings", "Settings")
	b.look("dashboard-settings")
	for _, complaint := range b.complaints() {
		if !strings.Contains(complaint, "gravatar.com") && !unset.MatchString(complaint) {
			t.Error("the browser complained: " + complaint)
		}
	}
}

// unset is what a browser says of what a tenant has not set: that the API answers 404.
var unset = regexp.MustCompile(`404.*/api/v2/(emails/provider|email-templates/|branding/templates/universal-login)`)

// glance views a page that is made of the parts of others: in every way if pictures are wanted, else on a phone.
func (b *tab) glance(name string) {
	b.t.Helper()
	if *screenshots != "" {
		b.look(name)
		return
	}
	b.audit(name)
}

// raw is what the Management API answers, as it stands.
func (o operator) raw(path string) string {
	return want(o.t, 200, "GET", o.base+path, o.token, nil).body
}

// manage signs somebody in to the dashboard.
func (b *tab) manage(id, secret string) {
	b.t.Helper()
	b.open(demo.HTTPURL + "/dashboard")
	b.manageHere(id, secret)
}

func (b *tab) manageHere(id, secret string) {
	b.t.Helper()
	b.fill("form input[autocomplete=username]", id)
	b.fill("form input[type=password]", secret)
	b.click("form .primary")
}

// goTo follows the menu, and waits for the page.
func (b *tab) goTo(to, heading string) {
	b.t.Helper()
	b.menu(to)
	b.at("#/"+to, heading)
}

func (b *tab) at(hash, heading string) {
	b.t.Helper()
	b.await("the page "+hash, `document.querySelector("main").dataset.shown === `+quote(hash)+` && !document.querySelector("main[aria-busy]") && document.querySelector("h1").innerText.includes(`+quote(heading)+`)`)
}

// menu presses a link of the menu, which a phone folds up, in its group, which may be folded up, too.
func (b *tab) menu(to string) {
	b.t.Helper()
	var folded bool
	b.eval(&folded, `(m => m && m.checkVisibility() && m.getAttribute("aria-expanded") === "false")(document.querySelector("header .menu"))`)
	if folded {
		b.click("header .menu")
	}
	b.await("the link to "+to, `(a => a && ((a.closest("details") ?? {}).open = true))(document.querySelector(`+quote(`header a[href="#/`+to+`"]`)+`))`)
	b.click(`header a[href="#/` + to + `"]`)
}

// edit changes the text of one of a person's metadata, and saves it.
func (b *tab) edit(name, from, into string) {
	b.t.Helper()
	b.eval(nil, `(() => {
		const area = [...document.querySelectorAll("label")].find(l => l.innerText === `+quote(name)+`).control;
		if (!area.value.includes(`+quote(from)+`)) throw new Error("it is not there: " + area.value);
		area.value = area.value.replace(`+quote(from)+`, `+quote(into)+`);
		area.dispatchEvent(new Event("input", {bubbles: true}));
		document.querySelector(".told").textContent = "";
		area.form.requestSubmit();
	})()`)
}

// openPage goes to a page as a bookmark does.
func (b *tab) openPage(path string) {
	b.t.Helper()
	b.eval(nil, `void (location.hash = `+quote("#/"+path)+`)`)
	b.at("#/"+path, "")
}

// unfold opens what is folded up under the words.
func (b *tab) unfold(words string) {
	b.t.Helper()
	b.await(words, `(e => e && (e.parentElement.open = true))([...document.querySelectorAll("main summary")].find(e => e.innerText === `+quote(words)+`))`)
}

// control is the selector of what has the label.
func (b *tab) control(label string) string {
	b.t.Helper()
	find := `[...document.querySelectorAll("main label")].find(l => l.innerText === ` + quote(label) + ` && l.control)`
	b.await("a field "+label, find)
	var id string
	b.eval(&id, find+`.htmlFor`)
	return "#" + id
}

// set puts a long text where keys would take long.
func (b *tab) set(selector, value string) {
	b.t.Helper()
	b.eval(nil, `(e => { e.value = `+quote(value)+`; e.dispatchEvent(new Event("input", {bubbles: true})) })(document.querySelector(`+quote(selector)+`))`)
}

// pressButton clicks the button that says so.
func (b *tab) pressButton(text string) {
	b.t.Helper()
	b.await("a button "+text, `(e => { document.querySelector("[data-pressed]")?.removeAttribute("data-pressed"); e?.setAttribute("data-pressed", ""); return e; })(
		[...document.querySelectorAll("button")].find(e => e.innerText.trim() === `+quote(text)+` && e.checkVisibility()))`)
	b.click("[data-pressed]")
}
