package e2e

import (
	"crypto/rand"
	"net/url"
	"strings"
	"testing"
)

// organizations makes two customers that share the demo's deployment, and a client of their own that people of both use.
func organizations(t *testing.T, op operator, behavior string) (request, [2]string) {
	t.Helper()
	var connections []struct{ ID, Name string }
	op.do("GET", "/connections?name=Username-Password-Authentication", nil, &connections)
	var made client
	op.do("POST", "/clients", map[string]any{
		"name": "Back office", "app_type": "spa", "oidc_conformant": true, "callbacks": []string{demo.MixtapeURL}, "jwt_configuration": map[string]any{"alg": "RS256"},
		"grant_types": []string{"authorization_code"}, "organization_usage": "require", "organization_require_behavior": behavior,
		"initiate_login_uri": strings.Replace(demo.MixtapeURL, "http://", "https://", 1) + "/start",
	}, &made)
	t.Cleanup(func() { op.do("DELETE", "/clients/"+made.ClientID, nil, nil) })
	var ids [2]string
	for i, o := range []map[string]any{
		{"display_name": "The Night Shift", "branding": map[string]any{"colors": map[string]any{"primary": "#2f6f62", "page_background": "#dcebe6"}}},
		{"display_name": "Zürich Records"},
	} {
		o["name"] = "e2e-" + strings.ToLower(rand.Text()[:8])
		o["enabled_connections"] = []map[string]any{{"connection_id": connections[0].ID}}
		var org struct{ ID, Name string }
		op.do("POST", "/organizations", o, &org)
		ids[i] = org.ID
		t.Cleanup(func() { op.do("DELETE", "/organizations/"+org.ID, nil, nil) })
	}
	return request{server: demo.HTTPURL, clientID: made.ClientID, redirectURI: demo.MixtapeURL, extra: map[string]string{"audience": "https://mixtape.example/api"}}, ids
}

// TestB7_OneTokenForOneOrganization: a listener is a member of two customers of one deployment, and each token is for one of them.
func TestB7_OneTokenForOneOrganization(t *testing.T) {
	op := operatorOf(t)
	ask, orgs := organizations(t, op, "no_prompt")
	both, one := op.newListener("both", nil), op.newListener("one", nil)
	op.do("POST", "/organizations/"+orgs[0]+"/members", map[string]any{"members": []string{both.UserID, one.UserID}}, nil)
	op.do("POST", "/organizations/"+orgs[1]+"/members", map[string]any{"members": []string{both.UserID}}, nil)

	v := newVisitor(t)
	for _, org := range orgs { // one browser, one session, two organizations
		got := v.signIn(ask.with("organization", org), both)
		for _, token := range []string{got.Access, got.ID} {
			if is := claims(t, token)["org_id"]; is != org {
				t.Errorf("the token is for %v, want %s", is, org)
			}
		}
		info := want(t, 200, "GET", demo.HTTPURL+"/userinfo", got.Access, nil).object()
		if info["org_id"] != org {
			t.Errorf("/userinfo: %v", info)
		}
	}
	back, _ := newVisitor(t).authorize(ask.with("organization", orgs[1]), one)
	if back.Get("error") != "access_denied" || back.Get("error_description") != "user "+one.UserID+" is not part of the "+orgs[1]+" organization" {
		t.Errorf("somebody who is no member: %v", back)
	}
	op.do("DELETE", "/organizations/"+orgs[1]+"/members", map[string]any{"members": []string{both.UserID}}, nil)
	back, _ = v.authorize(ask.with("organization", orgs[1], "prompt", "none"), both)
	if back.Get("error") != "access_denied" {
		t.Errorf("after the membership ended: %v", back)
	}
}

// TestB7_Invitation: an operator invites somebody by mail; they follow the link, sign up, and are a member.
func TestB7_Invitation(t *testing.T) {
	op := operatorOf(t)
	ask, orgs := organizations(t, op, "no_prompt")
	email := newAddress("ivy")
	var invitation struct {
		URL string `json:"invitation_url"`
	}
	op.do("POST", "/organizations/"+orgs[0]+"/invitations", map[string]any{
		"inviter": map[string]any{"name": "Grace Hopper"}, "invitee": map[string]any{"email": email}, "client_id": ask.clientID,
	}, &invitation)
	b := newTab(t)
	b.openMail(email, "")
	b.look("hosted-invitation-mail")
	if link := b.text("pre.text"); !strings.Contains(link, invitation.URL) {
		t.Fatalf("the mail has no %s: %s", invitation.URL, link)
	}
	to, err := url.Parse(invitation.URL)
	if err != nil {
		t.Fatal(err)
	}
	query, _ := ask.with("organization", to.Query().Get("organization"), "invitation", to.Query().Get("invitation")).query()
	b.open(demo.HTTPURL + "/authorize?" + query.Encode())
	b.see(`input[name="email"]`)
	b.look("hosted-invitation-signup")
	var filled string
	b.eval(&filled, `document.querySelector('input[name="email"]').value`)
	if filled != email {
		t.Errorf("the address is %q", filled)
	}
	b.fill(`input[name="password"]`, "Ivy-Likes-Dub-7")
	b.click(`button[type="submit"].primary`)
	b.await("the way back", `location.href.startsWith(`+quote(demo.MixtapeURL)+`)`)
	var members []struct {
		Email string `json:"email"`
	}
	op.do("GET", "/organizations/"+orgs[0]+"/members", nil, &members)
	if len(members) != 1 || members[0].Email != email {
		t.Errorf("members: %v", members)
	}
}

// TestB7_Prompts: the pages on which people name or choose their organization, by keyboard and by eye.
func TestB7_Prompts(t *testing.T) {
	op := operatorOf(t)
	ask, orgs := organizations(t, op, "pre_login_prompt")
	listener := op.newListener("mia", nil)
	var named struct {
		Name string `json:"name"`
	}
	op.do("GET", "/organizations/"+orgs[0], nil, &named)
	for _, org := range orgs {
		op.do("POST", "/organizations/"+org+"/members", map[string]any{"members": []string{listener.UserID}}, nil)
	}
	query, _ := ask.query()
	b := newTab(t)
	b.open(demo.HTTPURL + "/authorize?" + query.Encode())
	b.see(`input[name="organization"]`)
	b.look("hosted-organization")
	b.fill(`input[name="organization"]`, "nobody-knows")
	b.click(`button[type="submit"].primary`)
	b.see(`[role="alert"]`)
	b.look("hosted-organization-refused")
	b.fill(`input[name="organization"]`, named.Name)
	b.click(`button[type="submit"].primary`)
	b.see(`input[name="username"]`)
	b.look("hosted-organization-login")
	b.logIn(listener)
	b.await("the way back", `location.href.startsWith(`+quote(demo.MixtapeURL)+`)`)

	op.do("PATCH", "/clients/"+ask.clientID, map[string]any{"organization_usage": "allow", "organization_require_behavior": "post_login_prompt"}, nil)
	b.open(demo.HTTPURL + "/authorize?" + query.Encode())
	b.see(`button[name="organization"]`)
	b.look("hosted-organization-choose")
	b.click(`button[name="organization"][value="` + orgs[1] + `"]`)
	b.await("the way back", `location.href.startsWith(`+quote(demo.MixtapeURL)+`)`)
}
