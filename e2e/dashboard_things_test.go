package e2e

import (
	"strings"
	"testing"
)

// TestDashboardMakesThings makes an API with a permission, a role with that, an organization with a connection and a member, a log stream, and a connection that an application uses; and changes the order of rules.
func TestDashboardMakesThings(t *testing.T) {
	op := operatorOf(t)
	listener := op.newListener("thing", nil)
	mark := strings.Split(strings.Split(listener.Email, "@")[0], "-")[1]
	b := newTab(t)
	b.manage(demo.Management.ClientID, demo.Management.ClientSecret)
	b.at("", "Overview")
	made := func(path string) (id string) {
		t.Helper()
		b.await("the page of the new one", `document.querySelector("main").dataset.shown.startsWith("#/`+path+`/") && !location.hash.endsWith("/new") && document.querySelector("dl.facts")`)
		b.eval(&id, `decodeURIComponent(location.hash.split("/")[2])`)
		t.Cleanup(func() { op.do("DELETE", "/"+path+"/"+id, nil, nil) })
		return id
	}

	b.openPage("resource-servers/new")
	b.fill(b.control("Name"), "Songs "+mark)
	b.fill(b.control("Identifier"), "https://songs.example/"+mark)
	b.pressButton("Create")
	api := made("resource-servers")
	b.unfold("Add a permission")
	b.fill(b.control("Permission"), "sing:songs")
	b.fill(b.control("What it allows"), "Sing")
	b.pressButton("Add")
	b.awaitText("tbody", "sing:songs")
	b.click(b.control("Refresh tokens"))
	b.pressButton("Save")
	b.awaitText(".told", "Saved.")
	if got := op.raw("/resource-servers/" + api); !strings.Contains(got, `"allow_offline_access":true`) || !strings.Contains(got, `"description":"Sing"`) {
		t.Error("the API is " + got)
	}

	b.openPage("clients/new") // of a single-page app, which has no secret to hide
	b.fill(b.control("Name"), "Page "+mark)
	b.pressButton("Create")
	page := made("clients")
	b.set(b.control("Callback URLs"), demo.MixtapeURL+"/one\n"+demo.MixtapeURL+"/two")
	b.choose(b.control("People of organizations"), "allow")
	b.fill(b.control("Login page of the application"), "https://page.mixtape.example/login")
	b.pressButton("Save")
	b.awaitText(".told", "Saved.")
	if got := op.raw("/clients/" + page); !strings.Contains(got, `/one","`) || !strings.Contains(got, `"token_endpoint_auth_method":"none"`) || !strings.Contains(got, `"rotation_type":"rotating"`) {
		t.Error("the client is " + got)
	}

	b.openPage("roles/new")
	b.fill(b.control("Name"), "Singer "+mark)
	b.pressButton("Create")
	role := made("roles")
	b.choose(`select[aria-label="Permission"]`, `["https://songs.example/`+mark+`","sing:songs"]`)
	b.pressButton("Give this permission")
	b.awaitText("tbody", "sing:songs")
	if got := op.raw("/roles/" + role + "/permissions"); !strings.Contains(got, "sing:songs") {
		t.Error("the role has " + got)
	}
	b.look("dashboard-role")
	b.pressButton("Take away sing:songs")
	b.awaitText("main", "No permission.")

	b.openPage("connections/new")
	b.fill(b.control("Name"), "db-"+mark)
	b.pressButton("Create")
	connection := made("connections")
	b.pressButton("Switch on for Mixtape Legacy")
	b.awaitText(".told", "Switched on.")
	if got := op.raw("/connections/" + connection + "/clients"); !strings.Contains(got, clientNamed(t, "Mixtape Legacy").ClientID) {
		t.Error("the connection is for " + got)
	}
	b.awaitText("main", "Log in to Mixtape Legacy")

	company(t, b, op, mark, made)

	b.openPage("organizations/new")
	b.fill(b.control("Name"), "org-"+mark)
	b.pressButton("Create")
	organization := made("organizations")
	b.choose(`select[aria-label="Add this connection"]`, connection)
	b.pressButton("Add this connection")
	b.awaitText("tbody", "db-"+mark)
	op.do("POST", "/organizations/"+organization+"/members", map[string]any{"members": []string{listener.UserID}}, nil)
	b.reload()
	b.manageHere(demo.Management.ClientID, demo.Management.ClientSecret)
	b.awaitText("main", listener.Email)
	b.click(`a[aria-label="Roles of ` + listener.Email + `"]`)
	b.choose(`select[aria-label="Give this role"]`, role)
	b.pressButton("Give this role")
	b.awaitText("tbody", "Singer "+mark)
	b.glance("dashboard-organization-member")
	b.click(`main a[href="#/organizations/` + organization + `"]`)
	for _, name := range [][2]string{{"The " + mark, "The " + mark}, {" ", "org-" + mark}} { // what is taken away shows as its name again
		b.fill(b.control("Name that people read"), name[0])
		b.pressButton("Save")
		b.awaitText("h1", name[1])
	}
	if got := op.raw("/organizations/" + organization); strings.Contains(got, "The "+mark) {
		t.Error("the organization is " + got)
	}
	b.unfold("Invite somebody")
	b.fill(b.control("E-mail"), "guest-"+mark+"@mixtape.example")
	b.fill(b.control("Who invites"), "Dora")
	b.choose(b.control("To"), page)
	b.click(b.control("Send a mail"))
	b.pressButton("Invite")
	b.awaitText("main", "guest-"+mark)
	if got := op.raw("/organizations/" + organization + "/invitations"); !strings.Contains(got, page) || !strings.Contains(got, "https://page.mixtape.example/login?invitation=") {
		t.Error("the invitations are " + got)
	}
	b.unfold("Add a domain")
	b.fill(b.control("Domain"), mark+".example")
	b.pressButton("Add the domain")
	b.awaitText("main", "What the DNS must have")
	b.look("dashboard-organization")
	b.pressButton("It is theirs")
	b.click(`dialog button[value="yes"]`)
	b.awaitText("td .badge.good", "verified")
	b.pressButton("Take back")
	b.click(`dialog button[value="yes"]`)
	b.awaitText("main", "No invitation is open.")
	b.pressButton("Remove " + listener.Email)
	b.click(`dialog button[value="yes"]`)
	b.awaitText("main", "Nobody.")
	b.pressButton("Remove db-" + mark)
	b.awaitText("main", "nobody can log in")

	b.openPage("log-streams/new")
	b.fill(b.control("Name"), "Stream "+mark)
	b.fill(b.control("Address"), "https://logs.mixtape.example/in")
	b.pressButton("Create")
	stream := made("log-streams")
	b.choose(b.control("Status"), "paused")
	b.pressButton("Save")
	b.awaitText(".told", "Saved.")
	if got := op.raw("/log-streams/" + stream); !strings.Contains(got, `"status":"paused"`) {
		t.Error("the log stream is " + got)
	}
	b.unfold("All settings, as JSON")
	b.edit("Settings", `"JSONLINES"`, `"JSONARRAY"`)
	b.awaitText(".told", "Saved.")
	if got := op.raw("/log-streams/" + stream); !strings.Contains(got, "JSONARRAY") || !strings.Contains(got, `"status":"paused"`) {
		t.Error("the log stream is " + got)
	}

	streamsAndDomains(t, b, op, mark, made)
	mailsAndPages(t, b, op, mark)
	textMessages(t, b, op, mark, made)

	b.openPage("settings")
	b.eval(nil, `document.querySelector("[aria-label='Switch on: Codes of an app']").click()`)
	b.awaitText(".told", "Switched on.")
	if got := op.raw("/guardian/factors"); !strings.Contains(got, `{"enabled":true,"name":"otp"`) {
		t.Error("the factors are " + got)
	}
	b.eval(nil, `document.querySelector("[aria-label='Switch off: Codes of an app']").click()`)
	b.awaitText(".told", "Switched off.")
	b.fill(b.control("Address for people who need help"), "help-"+mark+"@mixtape.example")
	b.pressButton("Save")
	b.awaitText(".told", "Saved.")
	b.fill(b.control("Wrong passwords before that"), "many")
	b.eval(nil, `document.querySelector(".wrong, [data-changed]").requestSubmit()`)
	b.awaitText(".wrong .problem", "whole number")
	if got := op.raw("/tenants/settings"); !strings.Contains(got, "help-"+mark) {
		t.Error("the settings are " + got)
	}
	op.do("PATCH", "/tenants/settings", map[string]string{"support_email": "help@mixtape.example"}, nil)

	b.menu("rules")
	b.click(`dialog button[value="yes"]`)
	b.at("#/rules", "Rules")
	order := func() (names []string) {
		t.Helper()
		b.eval(&names, `[...document.querySelectorAll("tbody th")].map(e => e.innerText)`)
		return names
	}
	before := order()
	b.pressButton("Down")
	b.awaitText(".told", "moved down")
	after := order()
	if after[0] != before[1] || after[1] != before[0] {
		t.Errorf("the order was %q and is %q", before, after)
	}
	b.pressButton("Down")
	b.await("the order of before", `document.querySelector("tbody th").innerText === `+quote(before[0]))
}

// company makes a connection of a company, with the endpoint for its directory.
func company(t *testing.T, b *tab, op operator, mark string, made func(path string) string) {
	t.Helper()
	b.openPage("connections/new")
	b.fill(b.control("Name"), "corp-"+mark)
	b.choose(b.control("Kind"), "okta")
	b.fill(b.control("Domain at Okta"), "corp.okta.example")
	b.fill(b.control("Client ID"), "first")
	b.fill(b.control("Client secret"), "hush")
	b.pressButton("Create")
	corp := made("connections")

	// What is typed is put on what the server read itself, and the secret stays.
	b.fill(b.control("Domain at Okta"), "other.okta.example")
	b.fill(b.control("Client ID"), "second")
	b.pressButton("Save the options")
	b.awaitText(".told", "Saved.")
	b.pressButton("Open the endpoint")
	b.awaitText("main", "/scim/v2/connections/"+corp)
	b.pressButton("Make a token")
	b.awaitText("main .notice", "tok_")
	b.glance("dashboard-connection-corp")
	if got := op.raw("/connections/" + corp); !strings.Contains(got, `"issuer":"https://other.okta.example"`) || !strings.Contains(got, `"client_id":"second"`) || !strings.Contains(got, "hush") {
		t.Error("the connection is " + got)
	}
}

// streamsAndDomains makes an event stream, a form and a custom domain; made is called on the page of each.
func streamsAndDomains(t *testing.T, b *tab, op operator, mark string, made func(path string) string) {
	t.Helper()
	b.openPage("event-streams/new")
	b.fill(b.control("Name"), "Events "+mark)
	b.fill(b.control("Address"), "https://crm.mixtape.example/in")
	b.fill(b.control("Token"), "open sesame")
	b.pressButton("Create")
	b.awaitText(".wrong .problem", "Choose at least one.")
	b.click(b.control("user.created"))
	b.pressButton("Create")
	events := made("event-streams")
	b.choose(b.control("Status"), "disabled")
	b.pressButton("Save")
	b.awaitText("main", "The stream is off")
	if got := op.raw("/event-streams/" + events); !strings.Contains(got, `"status":"disabled"`) || !strings.Contains(got, `[{"event_type":"user.created"}]`) || strings.Contains(got, "sesame") {
		t.Error("the event stream is " + got)
	}
	b.glance("dashboard-event-stream")

	b.openPage("forms/new")
	b.fill(b.control("Name"), "Company "+mark)
	b.pressButton("Create")
	made("forms")
	b.awaitText("tbody", "the end")
	b.awaitText("main", "nobody sees it")

	b.openPage("custom-domains/new")
	b.fill(b.control("Domain"), mark+".login.example")
	b.choose(b.control("Certificate"), "self_managed_certs")
	b.pressButton("Create")
	domain := made("custom-domains")
	b.awaitText("main", "_stagedoor-verification."+mark+".login.example")
	b.pressButton("Make it the default")
	b.awaitText("dl.facts", "links lead to it")
	b.glance("dashboard-domain")
	b.pressButton("Let it be the default no more")
	b.awaitText(".told", "canonical")
	if got := op.raw("/custom-domains/" + domain); !strings.Contains(got, `"is_default":false`) {
		t.Error("the domain is " + got)
	}
}

// mailsAndPages sets who sends the mails, a mail in words of the tenant's own, and words and a frame for the pages.
func mailsAndPages(t *testing.T, b *tab, op operator, mark string) {
	t.Helper()
	// A secret is kept unless it is typed anew, and not handed to another server.
	b.openPage("mails")
	b.unfold("Set a provider")
	b.fill(b.control("Host"), "smtp.mixtape.example")
	b.fill(b.control("User"), "mixtape")
	b.fill(b.control("Password"), "first")
	b.pressButton("Set the provider")
	b.awaitText("dl.facts", "SMTP server")
	t.Cleanup(func() { op.do("DELETE", "/emails/provider", nil, nil) })
	b.fill(b.control("Host"), "smtp.elsewhere.example")
	b.pressButton("Save the provider")
	b.awaitText(".problems", "Type this anew, too: Password")
	b.fill(b.control("Password"), "second")
	b.pressButton("Save the provider")
	b.awaitText(".told", "Saved.")
	b.glance("dashboard-mails-provider")
	if got := op.raw("/emails/provider?fields=name,credentials"); !strings.Contains(got, "smtp.elsewhere.example") || strings.Contains(got, "second") {
		t.Error("the provider is " + got)
	}
	b.openPage("mails/account_deleted")
	b.fill(b.control("Subject"), "Gone, {{ user.name }}")
	b.pressButton("Save the mail")
	b.awaitText(".facts .badge", "yours")
	b.fill(b.control("Subject"), "Away")
	b.click(b.control("Send it so"))
	b.pressButton("Save the mail")
	b.awaitText(".facts .badge", "switched off")
	b.fill(b.control("Your address"), "look-"+mark+"@mixtape.example")
	b.pressButton("Send a test mail")
	b.awaitText(".told", "on its way")
	b.glance("dashboard-mail")
	if inbox := want(t, 200, "GET", demo.HTTPURL+"/u/inbox", "", nil).body; !strings.Contains(inbox, "look-"+mark) {
		t.Error("no test mail is in the inbox")
	}
	if got := op.raw("/email-templates/account_deleted"); !strings.Contains(got, `"subject":"Away"`) || !strings.Contains(got, `"enabled":false`) {
		t.Error("the mail is " + got)
	}

	b.openPage("texts/device-flow")
	b.set(b.control("Texts"), `{"device-code-activation": {"title": "Which code, `+mark+`?"}, "none": {}}`)
	b.pressButton("Save the texts")
	b.awaitText(".facts .badge", "yours")
	if got := op.raw("/prompts/device-flow/custom-text/en"); got != `{"device-code-activation":{"title":"Which code, `+mark+`?"}}` {
		t.Error("the texts are " + got)
	}
	op.do("PUT", "/prompts/device-flow/custom-text/en", map[string]any{}, nil)
	b.openPage("page-template")
	b.pressButton("Save the template")
	b.awaitText(".facts .badge", "yours")
	b.pressButton("Go back to our frame")
	b.click(`dialog button[value="yes"]`)
	b.awaitText("dl.facts", "ours")
}

// textMessages sets who brings messages to phones, a message in words of the tenant's own, and connections that send codes in theirs.
func textMessages(t *testing.T, b *tab, op operator, mark string, made func(path string) string) {
	b.openPage("phones")
	b.unfold("Set a provider")
	b.fill(b.control("Account SID"), "AC"+mark)
	b.fill(b.control("Auth token"), "hush")
	b.fill(b.control("Number that messages come from"), "+15550100")
	b.pressButton("Set the provider")
	b.awaitText("dl.facts", "Twilio")
	var provider string
	b.eval(&provider, `fetch("/api/v2/branding/phone/providers", {headers: {authorization: `+quote("Bearer "+op.token)+`}}).then((r) => r.json()).then((all) => all.providers[0].id)`)
	t.Cleanup(func() { op.do("DELETE", "/branding/phone/providers/"+provider, nil, nil) })
	b.fill(b.control("Number that messages come from"), " ")
	b.fill(b.control("Messaging service SID"), "MG"+mark)
	b.click(b.control("Send messages by it"))
	b.pressButton("Save the provider")
	b.awaitText("dl.facts", "switched off")
	b.look("dashboard-phones-provider")
	if got := op.raw("/branding/phone/providers/" + provider); !strings.Contains(got, `"mssid":"MG`+mark) || !strings.Contains(got, `"disabled":true`) || !strings.Contains(got, `["text"]`) || strings.Contains(got, "default_from") || strings.Contains(got, "hush") {
		t.Error("the provider is " + got)
	}

	b.openPage("phones/otp_enroll")
	b.set(b.control("Text message"), "{{ code }}, "+mark)
	b.pressButton("Save the message")
	b.awaitText(".facts .badge", "yours")
	b.unfold("Try it")
	b.fill(b.control("Number"), "+15550199")
	b.pressButton("Send a test message")
	b.awaitText(".told", "on its way")
	b.fill(b.control("From"), "+15550100")
	b.set(b.control("What a call says"), "Your code is {{ code }}")
	b.pressButton("Save the message")
	b.awaitText(".told", "Saved.")
	b.set(b.control("What a call says"), "")
	b.pressButton("Save the message")
	b.await("that it is gone", `document.querySelector(".told").textContent === "Saved." && !document.querySelector("form[data-changed]")`)
	b.look("dashboard-phone")
	if got := op.raw("/branding/phone/templates"); !strings.Contains(got, "{{ code }}, "+mark) || !strings.Contains(got, `"from":"+15550100"`) || strings.Contains(got, "Your code is {{ code }}") {
		t.Error("the messages are " + got)
	}
	b.pressButton("Go back to our words")
	b.click(`dialog button[value="yes"]`)
	b.await("our words", `!document.querySelector(".facts .badge")`)

	for strategy, fields := range map[string][2]string{"email": {"The mail", `"email":{"body":"{{ code }}, `}, "sms": {"The message", `"template":"{{ code }}, `}} {
		b.openPage("connections/new")
		b.fill(b.control("Name"), strategy+"-"+mark)
		b.choose(b.control("Kind"), strategy)
		b.set(b.control(fields[0]), "{{ code }}, "+mark)
		b.fill(b.control("Digits of a code"), "8")
		b.pressButton("Create")
		connection := made("connections")
		b.fill(b.control("Seconds for which a code works"), "300")
		b.pressButton("Save the options")
		b.awaitText(".told", "Saved.")
		b.glance("dashboard-connection-" + strategy)
		if got := op.raw("/connections/" + connection); !strings.Contains(got, fields[1]) || !strings.Contains(got, `"length":8`) || !strings.Contains(got, `"time_step":300`) {
			t.Error("the connection is " + got)
		}
	}
}
