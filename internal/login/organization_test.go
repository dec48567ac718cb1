package login_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// organized makes an organization and lets the app use organizations.
func (w *world) organized(use, behavior string, change func(*stagedoor.OrganizationConnection), members ...string) *stagedoor.Organization {
	w.Helper()
	ctx := w.Context()
	oc := stagedoor.OrganizationConnection{ConnectionID: w.conn.ID, IsEnabled: true}
	if change != nil {
		change(&oc)
	}
	o := &stagedoor.Organization{Name: "night-shift", DisplayName: "The Night Shift", Branding: &stagedoor.OrganizationBranding{
		LogoURL: "https://night.example/logo.png", Colors: &stagedoor.OrganizationColors{Primary: "#336699", PageBackground: "#ffffff"},
	}}
	w.ok(w.st.CreateOrganization(ctx, o, []stagedoor.OrganizationConnection{oc}))
	var ids []string
	for _, email := range members {
		ids = append(ids, w.found(email).ID)
	}
	w.ok(w.st.AddMembers(ctx, o.ID, ids))
	_, err := w.st.UpdateClient(ctx, "app", func(c *stagedoor.Client) error {
		c.Stored = map[string]json.RawMessage{"organization_usage": json.RawMessage(`"` + use + `"`), "organization_require_behavior": json.RawMessage(`"` + behavior + `"`)}
		return nil
	})
	w.ok(err)
	return o
}

func TestLoginToAnOrganization(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	o := w.organized("allow", "no_prompt", nil, "ada@example.com")
	b := w.browser()
	page := b.begin("organization", o.ID).want(http.StatusOK).says("Log in to The Night Shift to continue to Mixtape")
	for _, want := range []string{`src="https://night.example/logo.png"`, `href="/ui/brand.css?v=`, `&amp;organization=` + o.ID + `"`} {
		if !strings.Contains(page.body, want) {
			t.Errorf("no %s in %s", want, page.body)
		}
	}
	page.hides("Create an account", "/u/signup")
	if css := b.get("/ui/brand.css?v=336699&organization=" + o.ID).want(http.StatusOK); !strings.Contains(css.body, "#336699") {
		t.Errorf("the organization's colours: %s", css.body)
	}
	b.get("/ui/brand.css?v=1&organization=org_none").want(http.StatusOK).hides("#336699")
	// Nobody signs up past the organization.
	if r := b.get(strings.Replace(page.action(), "/u/login", "/u/signup", 1)); r.status != http.StatusSeeOther {
		t.Errorf("sign-up page: %d", r.status)
	}
	if q := b.finish(b.submit(page, "username", "ada@example.com", "password", good)); q.Get("code") == "" {
		t.Errorf("came back with %v", q)
	}
}

// action is where the page's form goes.
func (r *reply) action() string {
	r.Helper()
	action, _ := r.form()
	return action
}

// Where an organization lets strangers sign up, they become members.
func TestSignUpToAnOrganization(t *testing.T) {
	each(t, func(w *world) {
		o := w.organized("allow", "no_prompt", func(oc *stagedoor.OrganizationConnection) {
			oc.IsSignupEnabled, oc.AssignMembershipOnLogin = true, true
		})
		b := w.browser()
		page := b.begin("organization", o.ID, "screen_hint", "signup").want(http.StatusOK).says("Sign up to The Night Shift to continue to Mixtape")
		if q := b.finish(b.submit(page, "email", "new@example.com", "password", good)); q.Get("code") == "" {
			w.Errorf("came back with %v", q)
		}
		member, err := w.st.IsMember(w.Context(), o.ID, w.found("new@example.com").ID)
		w.ok(err)
		if !member {
			w.Error("who signed up is no member")
		}
		if got := w.events(); got != "ss organization_member_added s" {
			w.Errorf("events %s", got)
		}
	})
}

func TestOrganizationPage(t *testing.T) {
	each(t, func(w *world) {
		o := w.organized("require", "pre_login_prompt", nil, "ada@example.com")
		b := w.browser()
		page := b.begin().want(http.StatusOK).says("Which organization?", "Enter the name of your organization.").hides("without an organization")
		b.submit(page, "organization", " ").want(http.StatusBadRequest).says("Enter your organization.")
		b.submit(page, "organization", "<b>").want(http.StatusBadRequest).says("We do not know this organization.").hides("<b>")
		b.submit(page, "organization", "night-shift", "nonce", "forged").want(http.StatusBadRequest).says("lost_transaction")
		done := b.submit(page, "organization", "Night-Shift").want(http.StatusSeeOther)
		login := b.get(b.get(done.to()).to()).want(http.StatusOK).says("Log in to The Night Shift")
		if q := b.finish(b.submit(login, "username", "ada@example.com", "password", good)); q.Get("code") == "" {
			w.Errorf("came back with %v", q)
		}

		other := &stagedoor.Organization{Name: "day", DisplayName: "The Day Shift"}
		w.ok(w.st.CreateOrganization(w.Context(), other, []stagedoor.OrganizationConnection{{ConnectionID: w.conn.ID, IsEnabled: true}}))
		w.ok(w.st.AddMembers(w.Context(), other.ID, []string{w.found("ada@example.com").ID}))
		_, err := w.st.UpdateClient(w.Context(), "app", func(c *stagedoor.Client) error {
			c.Stored = map[string]json.RawMessage{"organization_usage": json.RawMessage(`"allow"`), "organization_require_behavior": json.RawMessage(`"post_login_prompt"`)}
			return nil
		})
		w.ok(err)
		page = b.begin().want(http.StatusOK).says("Choose an organization", "The Day Shift", "The Night Shift", "Continue without an organization")
		b.submit(page, "organization", "org_none").want(http.StatusBadRequest).says("You cannot log in to this organization any more.")
		w.browser().get(strings.Replace(page.action(), "/u/organization", "/u/organization", 1)).want(http.StatusBadRequest).says("lost_transaction")
		if q := b.finish(b.submit(page, "organization", o.ID)); q.Get("code") == "" {
			w.Errorf("came back with %v", q)
		}
		page = b.begin().want(http.StatusOK)
		if q := b.finish(b.submit(page, "personal", "1")); q.Get("code") == "" {
			w.Errorf("came back with %v", q)
		}
	})
}

// People of one domain may belong to several organizations: who gives their address chooses among those that somebody can log in to.
func TestOrganizationsOfOneDomain(t *testing.T) {
	each(t, func(w *world) {
		night := w.organized("require", "pre_login_prompt", nil, "ada@example.com")
		_, err := w.st.UpdateClient(w.Context(), "app", func(c *stagedoor.Client) error {
			c.Stored["organization_discovery_methods"] = json.RawMessage(`["email"]`)
			return nil
		})
		w.ok(err)
		made := func(name, title string, open bool) *stagedoor.Organization {
			o := &stagedoor.Organization{Name: name, DisplayName: title}
			w.ok(w.st.CreateOrganization(w.Context(), o, []stagedoor.OrganizationConnection{{ConnectionID: w.conn.ID, IsEnabled: open}}))
			return o
		}
		closed, day := made("closed", "The Closed Shift", false), made("day", "The Day Shift", true)
		foreign := made("foreign", "The Foreign Shift", true)
		w.ok(w.st.AddMembers(w.Context(), day.ID, []string{w.found("ada@example.com").ID}))
		owns := func(o *stagedoor.Organization, domain string) {
			w.ok(w.st.CreateDiscoveryDomain(w.Context(), &stagedoor.DiscoveryDomain{OrganizationID: o.ID, Domain: domain, Status: "verified", Discovers: true}))
		}
		owns(closed, "example.com")
		owns(day, "example.com")
		owns(foreign, "foreign.example")
		b := w.browser()
		page := b.begin().want(http.StatusOK)
		// The one that lets nobody in is passed over.
		named := func(page *reply, want string) *reply {
			w.Helper()
			if page.want(http.StatusOK).says(want); !strings.Contains(page.body, `value="ada@example.com"`) {
				w.Errorf("the address is not there: %s", page.body)
			}
			return page
		}
		named(b.follow(b.submit(page, "organization", "Ada@example.com")), "Log in to The Day Shift")

		owns(night, "example.com")
		choose := func() *reply {
			return b.submit(b.begin().want(http.StatusOK), "organization", "Ada@example.com").want(http.StatusOK).says("Choose an organization", "The Day Shift", "The Night Shift").hides("The Closed Shift", "The Foreign Shift")
		}
		page = choose()
		login := named(b.follow(b.submit(page, "organization", night.ID)), "Log in to The Night Shift")
		if q := b.finish(b.submit(login, "username", "ada@example.com", "password", good)); q.Get("code") == "" {
			w.Errorf("came back with %v", q)
		}
		page = choose()
		for _, id := range []string{foreign.ID, closed.ID, "night-shift", "org_none"} {
			b.submit(page, "organization", id).want(http.StatusBadRequest).says("You cannot log in to this organization any more.", "The Day Shift", "The Night Shift").hides(id)
		}
		b.submit(page, "organization", night.ID, "address", "x@foreign.example").want(http.StatusBadRequest)
		b.submit(page, "organization", night.ID, "address", "").want(http.StatusBadRequest)
		b.submit(page, "organization", night.ID, "address", "x@nowhere.example").want(http.StatusBadRequest).says("We do not know this organization.")
	})
}

// An invitation from the mail to the member, by somebody new and by somebody who is known.
func TestAnInvitationIsAccepted(t *testing.T) {
	each(t, func(w *world) {
		o := w.organized("require", "no_prompt", nil)
		w.options(func(c *stagedoor.ConnectionOptions) { c.DisableSignup = true }) // invitations let people in all the same
		invite := func(email string) *stagedoor.Invitation {
			v := &stagedoor.Invitation{
				OrganizationID: o.ID, ClientID: "app", Inviter: "Grace <b>", Invitee: email, Ticket: stagedoor.NewClientID(), Mailed: true,
				CreatedAt: w.clock().UnixMilli(), ExpiresAt: w.clock().Add(time.Hour).UnixMilli(),
			}
			w.ok(w.st.CreateInvitation(w.Context(), v))
			w.door.SendInvitation(w.Context(), w.st, o, v, "https://app.example/start?invitation="+v.Ticket+"&organization="+o.ID)
			return v
		}
		v := invite("new@example.com")
		mail := w.mails()[0]
		if mail.To != "new@example.com" || mail.Kind != "user_invitation" || mail.Subject != "You are invited to join The Night Shift on Mixtape" ||
			!strings.Contains(mail.Text, "Grace <b> invites you to join The Night Shift on Mixtape.") || !strings.Contains(mail.Text, v.Ticket) ||
			strings.Contains(mail.HTML, "<b>") || !strings.Contains(mail.Text, "60 minutes") {
			w.Errorf("mail: %+v", mail)
		}
		b := w.browser()
		page := b.begin("organization", o.ID, "invitation", v.Ticket).want(http.StatusOK).says("Sign up to The Night Shift")
		if !strings.Contains(page.body, `value="new@example.com"`) {
			w.Errorf("the address is not filled in: %s", page.body)
		}
		if q := b.finish(b.submit(page, "email", "new@example.com", "password", good)); q.Get("code") == "" {
			w.Errorf("came back with %v", q)
		}
		if u := w.found("new@example.com"); u == nil || !u.EmailVerified {
			w.Errorf("who came by a mail has no verified address: %+v", u)
		}
		if got := w.events(); got != "ss si organization_member_added s" {
			w.Errorf("events %s", got)
		}
		if len(w.mails()) != 1 {
			w.Errorf("%d mails", len(w.mails()))
		}
		used := w.browser().finish(w.browser().begin("organization", o.ID, "invitation", v.Ticket))
		if used.Get("error_description") != "invitation not found or already used" {
			w.Errorf("a used invitation: %v", used)
		}

		v = invite("ada@example.com")
		page = w.browser().begin("organization", o.ID, "invitation", v.Ticket).want(http.StatusOK).says("Log in to The Night Shift")
		if !strings.Contains(page.body, `value="ada@example.com"`) {
			w.Errorf("the address is not filled in: %s", page.body)
		}
		b = w.browser()
		page = b.begin("organization", o.ID, "invitation", v.Ticket)
		if q := b.finish(b.submit(page, "username", "ada@example.com", "password", good)); q.Get("code") == "" {
			w.Errorf("came back with %v", q)
		}
		for _, email := range []string{"new@example.com", "ada@example.com"} {
			member, err := w.st.IsMember(w.Context(), o.ID, w.found(email).ID)
			w.ok(err)
			if !member {
				w.Errorf("%s is no member", email)
			}
		}

		// Another address does not sign up by it.
		v = invite("third@example.com")
		b = w.browser()
		page = b.begin("organization", o.ID, "invitation", v.Ticket)
		b.submit(page, "email", "mallory@example.com", "password", good).want(http.StatusBadRequest).says("The invitation is for another email address.")
		if w.found("mallory@example.com") != nil {
			w.Error("an invitation lets another address in")
		}
		w.wait(2 * time.Hour)
		b = w.browser()
		if q := b.finish(b.begin("organization", o.ID, "invitation", v.Ticket)); q.Get("error_description") != "invitation not found or already used" {
			w.Errorf("an expired invitation: %v", q)
		}
	})
}

// An invitation that nobody has mailed proves no address: whoever has the link may have it from anywhere.
func TestAnUnmailedInvitationProvesNothing(t *testing.T) {
	each(t, func(w *world) {
		o := w.organized("require", "no_prompt", nil)
		role := &stagedoor.Role{Name: "Guide", Type: stagedoor.RoleOfTenant}
		w.ok(w.st.CreateRole(w.Context(), role))
		v := &stagedoor.Invitation{
			OrganizationID: o.ID, ClientID: "app", Inviter: "Grace", Invitee: "new@example.com", Ticket: stagedoor.NewClientID(), Roles: []string{role.ID},
			CreatedAt: w.clock().UnixMilli(), ExpiresAt: w.clock().Add(time.Hour).UnixMilli(),
		}
		w.ok(w.st.CreateInvitation(w.Context(), v))
		b := w.browser()
		page := b.begin("organization", o.ID, "invitation", v.Ticket).want(http.StatusOK)
		if q := b.finish(b.submit(page, "email", "new@example.com", "password", good)); q.Get("code") == "" {
			w.Fatalf("came back with %v", q)
		}
		u := w.found("new@example.com")
		roles, err := w.st.MemberRoles(w.Context(), o.ID, u.ID)
		w.ok(err)
		if u.EmailVerified || len(roles) != 1 || roles[0].ID != role.ID {
			w.Errorf("verified %v, roles %v", u.EmailVerified, roles)
		}
	})
}

// Who forgets a password on the way to an organization comes back to it.
func TestForgottenPasswordOfAnOrganization(t *testing.T) {
	each(t, func(w *world) {
		o := w.organized("allow", "no_prompt", nil, "ada@example.com")
		b := w.browser()
		page := b.begin("organization", o.ID)
		forgot := b.get(page.href("Forgot your password?")).want(http.StatusOK)
		b.submit(forgot, "email", "ada@example.com").want(http.StatusOK).says("Check your mail")
		renew := b.get(w.link()).want(http.StatusOK)
		if !strings.Contains(renew.body, "https://night.example/logo.png") {
			w.Error("the page for the new password does not look like the organization's")
		}
		done := b.submit(renew, "password", "Another-Horse-2").want(http.StatusOK)
		if got, want := done.href("Continue to log in"), "https://app.example/start?organization="+o.ID+"&organization_name=night-shift"; got != want {
			w.Errorf("goes on to %s, want %s", got, want)
		}
	})
	w := newWorld(t, storetest.SQLite)
	o := w.organized("allow", "no_prompt", nil)
	b := w.browser()
	b.json(changePath, `{"client_id":"app","connection":"Users","email":"ada@example.com","organization":"`+o.ID+`"}`).want(http.StatusOK)
	if !strings.Contains(b.get(w.link()).want(http.StatusOK).body, "https://night.example/logo.png") {
		t.Error("the page for the new password does not look like the organization's")
	}
}

// A device, too, may ask for tokens of an organization, which its person must be a member of.
func TestDeviceOfAnOrganization(t *testing.T) {
	each(t, func(w *world) {
		o := w.organized("require", "no_prompt", nil, "ada@example.com")
		connect := func(email string) (*device, *reply) {
			w.Helper()
			d, b := w.device("organization", o.ID), w.browser()
			page := b.get(strings.TrimPrefix(d.Complete, origin)).want(http.StatusOK)
			page = b.follow(b.submit(page, "decision", "accept")).want(http.StatusOK).says("Log in to The Night Shift to continue to Mixtape")
			return d, b.follow(b.submit(page, "username", email, "password", good))
		}
		d, page := connect("ada@example.com")
		page.want(http.StatusOK).says("Your device is connected")
		got := d.poll(200, "", "")
		for _, name := range []string{"access_token", "id_token"} {
			if claims := w.payload(got[name].(string)); claims["org_id"] != o.ID {
				w.Errorf("%s: %v", name, claims)
			}
		}
		bob := w.user("bob@example.com")
		d, _ = connect(bob.Email)
		d.poll(403, "access_denied", "user "+bob.ID+" is not part of the "+o.ID+" organization")

		for want, organization := range map[string]string{
			"parameter organization is required for this client":                      "",
			"parameter organization is invalid: org_0000000000000000":                 "org_0000000000000000",
			"authorization request parameter organization must be an organization id": "night-shift",
		} {
			r := w.browser().post("/oauth/device/code", url.Values{"client_id": {"app"}, "organization": {organization}})
			if r.status != 400 || !strings.Contains(r.body, want) {
				w.Errorf("%q: %d %s", organization, r.status, r.body)
			}
		}
	})
}
