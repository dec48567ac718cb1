package login_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

func (b *browser) consent(params ...string) *reply {
	b.Helper()
	page := b.begin(append([]string{"client_id", "foreign", "audience", api, "scope", "openid profile email read:songs delete:songs"}, params...)...)
	return b.get(b.get(b.submit(page, "username", "ada@example.com", "password", good).to()).to()).want(http.StatusOK)
}

func TestConsent(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		page := b.consent().says(
			"Foreign asks for access to your account and to Songs", "Logged in as ada@example.com",
			"Your profile Your name, nickname and picture Your email address", "Songs See them Delete them",
		).hides("openid", "Hear your songs")
		action, values := page.form()
		b.post(action, values).want(http.StatusBadRequest).says("neither yes nor no")
		values.Set("decision", "ACCEPT")
		b.post(action, values).want(http.StatusBadRequest)
		values.Set("decision", "accept")
		nonce := values.Get("nonce")
		values.Set("nonce", "x")
		b.post(action, values).want(http.StatusBadRequest).says("You may have pressed the back button")
		values.Set("nonce", nonce)
		w.browser().post(action, values).want(http.StatusBadRequest).says("You may have pressed the back button")
		b.post(strings.Replace(action, "/u/consent", "/u/login", 1), values).want(http.StatusBadRequest).says("You may have pressed the back button")
		if grants, _, err := w.st.Grants(w.Context(), "", "", "", store.OrganizationQuery{PerPage: 10}); err != nil || len(grants) != 0 {
			w.Errorf("%v: %v was granted", err, grants)
		}
		done := b.post(action, values).want(http.StatusSeeOther)
		b.post(action, values).want(http.StatusBadRequest).says("You may have pressed the back button")
		if q := b.finish(done); q.Get("code") == "" {
			w.Errorf("came back with %v", q)
		}
		if q := b.finish(b.begin("client_id", "foreign", "audience", api, "scope", "openid read:songs")); q.Get("code") == "" {
			w.Errorf("asked again: %v", q)
		}
		b.begin("client_id", "foreign", "audience", api, "scope", "openid read:songs", "prompt", "consent").want(http.StatusOK).says("Allow access?")
	})
}

func TestConsentDeclined(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	b := w.browser()
	q := b.finish(b.submit(b.consent(), "decision", "decline"))
	if q.Get("error") != "access_denied" || q.Get("code") != "" || q.Get("state") != "s t" {
		t.Errorf("came back with %v", q)
	}
	b.begin("client_id", "foreign", "audience", api).want(http.StatusOK).says("Allow access?")
}

func TestConsentWithDescriptions(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.configure(func(s *stagedoor.TenantSettings) { s.Flags[stagedoor.FlagScopeDescriptions] = true })
	w.browser().consent().says("Hear your songs", "Forget your songs").hides("See them")
	page := w.browser().consent("audience", "", "scope", "openid").says("Foreign asks for access to your account.", "nothing but to know that it is you")
	page.hides("Songs")
}

// The server's own API is a person's account: people are not asked for access to something whose name they have never heard.
func TestConsentToTheAccount(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	management := "https://" + w.st.Tenant().Domain() + "/api/v2/"
	w.ok(w.st.CreateResourceServer(t.Context(), &stagedoor.ResourceServer{
		Name: "Auth0 Management API", Identifier: management, IsSystem: true, SigningAlgorithm: "RS256", TokenLifetime: 600,
		Scopes: []stagedoor.APIScope{{Value: "read:current_user"}},
	}))
	w.browser().consent("client_id", "app", "audience", management, "scope", "openid read:current_user", "prompt", "consent").
		says("asks for access to your account.", "Everything that is kept about you here").hides("Management API", management)
}

// TestAttackBorrowedName: whoever registers a client calls it what they like. Its pages say from the first one on where the answer goes, whom nobody has checked, and no page shows the picture
// that it names.
func TestAttackBorrowedName(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	_, err := w.st.UpdateConnection(t.Context(), w.conn.ID, func(c *stagedoor.Connection) error { c.IsDomainConnection = true; return nil })
	w.ok(err)
	for returns, host := range map[string]string{"https://evil.example/cb": "evil.example", "evil.app://acme.test/cb": "evil.app", "http://127.0.0.1:7777/cb": "127.0.0.1:7777"} {
		c := &stagedoor.Client{
			ID: stagedoor.NewThirdPartyClientID(), Name: "Acme Records", LogoURI: "https://evil.example/acme.png", Callbacks: []string{returns}, OIDCConformant: true,
			TokenEndpointAuthMethod: "none", GrantTypes: []string{"authorization_code"},
		}
		w.ok(w.st.RegisterClient(t.Context(), c, 100))
		b := w.browser()
		asks := []string{"client_id", c.ID, "redirect_uri", returns, "scope", "openid email", "prompt", "consent"}
		first := b.begin(asks...).says("Log in", "It comes from "+host+" . Nobody here has checked it.")
		b.get(strings.Replace(first.path, "/u/login", "/u/signup", 1)).want(http.StatusOK).says("It comes from " + host + " . Nobody here has checked it.")
		second := b.follow(b.submit(first, "username", "ada@example.com", "password", good)).says("Acme Records asks for access", "It comes from "+host+" . Nobody here has checked it.")
		if strings.Contains(first.body+second.body, "acme.png") {
			t.Error("its picture is shown")
		}
		_, err := w.st.UpdateClient(t.Context(), c.ID, func(c *stagedoor.Client) error {
			c.Stored = map[string]json.RawMessage{"redirection_policy": json.RawMessage(`"allow_always"`)}
			return nil
		})
		w.ok(err)
		if page := b.begin(asks...).hides("Nobody here has checked it."); !strings.Contains(page.body, "acme.png") {
			t.Error("the picture of one that an administrator trusts is not shown")
		}
	}
}
