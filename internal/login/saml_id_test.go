package login_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/internal/xmlsig"
)

const claim = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"

// answered signs in by an answer of SAML that says x, and returns what the client gets.
func (w *abroadWorld) answered(name string, x xmlsig.Issued) url.Values {
	w.Helper()
	b := w.browser()
	asked, _ := url.Parse(b.begin("connection", name).to())
	request, err := xmlsig.ReadRequest(&http.Request{Method: http.MethodGet, URL: asked})
	w.ok(err)
	x.To, x.Audience, x.InResponseTo, x.At, x.Life = request.ACS, request.Issuer, request.ID, w.clock(), time.Minute
	answer, err := w.standin.Issuer().Issue(x)
	w.ok(err)
	return b.finish(b.get(b.post("/login/callback?connection="+name, url.Values{"SAMLResponse": {answer}, "RelayState": {asked.Query().Get("RelayState")}}).to()))
}

// is wants somebody to have come as the user, who is of this test.
func (w *abroadWorld) is(what string, q url.Values, id string) {
	w.Helper()
	if _, err := w.st.User(w.Context(), id); q.Get("code") == "" || err != nil {
		w.Errorf("%s: %v %v, log: %s", what, q, err, w.last().Description)
	}
}

// nobody wants a login to have been refused, with a word in the log.
func (w *abroadWorld) nobody(what string, q url.Values, log string) {
	w.Helper()
	if q.Get("error") != "access_denied" || q.Get("error_description") != "The identity provider gave no profile" {
		w.Errorf("%s: %v", what, q)
	}
	if e := w.last(); e.Type != "f" || !strings.Contains(e.Description, log) {
		w.Errorf("%s: the log says %s %q, want %q", what, e.Type, e.Description, log)
	}
}

// Attack: where people are known by an attribute, somebody without it calls themselves by the attribute of another.
func TestSAMLUserIDIsOfOneKind(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	w.standin.Now = w.clock
	corp := w.saml("corp", map[string]any{"user_id_attribute": "employee"})
	says := func(nameID string, attributes map[string][]string) url.Values {
		return w.answered("corp", xmlsig.Issued{NameID: nameID, Attributes: attributes})
	}
	w.is("by the attribute", says("kim", map[string][]string{"employee": {"e1"}}), "samlp|corp|e1")
	w.nobody("without the attribute", says("e1", nil), "it lacks the attribute that people are known by (user_id_attribute, user_id of fieldsMap): employee")
	w.nobody("an attribute with nothing in it", says("e1", map[string][]string{"employee": {" "}}), "it lacks the attribute")
	w.nobody("several", says("kim", map[string][]string{"employee": {"e1", "e2"}}), "the attribute that people are known by has several values: employee")
	if u, err := w.st.User(t.Context(), "samlp|corp|e1"); err != nil || u.LoginsCount != 1 {
		t.Errorf("%+v %v", u, err)
	}
	// Who wants the NameID to stand in for it says so.
	w.set(corp, "fieldsMap", map[string]any{"user_id": claim + "nameidentifier"})
	w.is("with a way out", says("kim", nil), "samlp|corp|kim")
	w.is("the attribute goes first", says("lee", map[string][]string{"employee": {"e2"}}), "samlp|corp|e2")
	// The list that dashboards offer and tools carry: the NameID goes first, whatever else is there.
	w.set(corp, "user_id_attribute", nil)
	w.set(corp, "fieldsMap", map[string]any{"user_id": []string{claim + "nameidentifier", claim + "upn", claim + "name"}})
	w.is("the usual list", says("n1", map[string][]string{claim + "upn": {"u1"}, claim + "name": {"Kim"}}), "samlp|corp|n1")
	w.set(corp, "fieldsMap", map[string]any{"user_id": []string{claim + "upn", claim + "name"}})
	w.is("another list", says("n1", map[string][]string{claim + "upn": {"u1"}}), "samlp|corp|u1")
	w.nobody("nothing of the list", says("n1", nil), "it lacks the attribute")
}

// Of WS-Federation the NameIdentifier counts, else the UPN or the address; a display name, which several people may have, only where the connection says that it is none.
func TestWSFederationUserID(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	w.standin.Now = w.clock
	corp := w.upstream("corp", "adfs", map[string]any{"client_id": "", "adfs_server": "adfs.corp.example"})
	says := func(nameID string, attributes map[string][]string) url.Values {
		w.Helper()
		token, err := w.standin.Issuer().IssueToken(xmlsig.Issued{Audience: "urn:auth0:acme", NameID: nameID, Attributes: attributes, At: w.clock(), Life: time.Minute})
		w.ok(err)
		b := w.browser()
		to, _ := url.Parse(b.begin("connection", "corp").to())
		return b.finish(b.get(b.post("/login/callback", url.Values{"wa": {"wsignin1.0"}, "wctx": {to.Query().Get("wctx")}, "wresult": {token}}).want(http.StatusSeeOther).to()))
	}
	w.is("a name", says("n1", map[string][]string{claim + "upn": {"u1"}}), "adfs|corp|n1")
	w.is("a UPN", says("", map[string][]string{claim + "upn": {"u1"}, claim + "name": {"Kim"}}), "adfs|corp|u1")
	w.is("an address", says("", map[string][]string{claim + "emailaddress": {"kim@corp.example"}, claim + "name": {"Kim"}}), "adfs|corp|kim@corp.example")
	w.nobody("a display name", says("", map[string][]string{claim + "name": {"Kim"}}), "it has neither a NameIdentifier nor a UPN or an address")
	w.set(corp, "user_id_attribute", claim+"name")
	w.is("a name that the connection takes", says("", map[string][]string{claim + "name": {`CORP\kim`}}), `adfs|corp|CORP\kim`)
	w.nobody("without it", says(`CORP\kim`, nil), "it lacks the attribute")
}

// Somebody whom a provider sends unasked lands at the client's first callback that is an address.
func TestSAMLUnaskedLands(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	w.standin.Now = w.clock
	pkce := "&code_challenge=" + strings.Repeat("c", 43) + "&code_challenge_method=S256"
	conn := w.saml("corp", map[string]any{"idpinitiated": map[string]any{"enabled": true, "client_id": "app", "client_authorizequery": "state=x" + pkce}})
	callbacks := func(all ...string) {
		_, err := w.st.UpdateClient(t.Context(), "app", func(c *stagedoor.Client) error { c.Callbacks = all; return nil })
		w.ok(err)
	}
	sent := func() *reply {
		answer, err := w.standin.Issuer().Issue(xmlsig.Issued{To: origin + "/login/callback?connection=corp", Audience: "urn:auth0:acme:corp", NameID: "k9", At: w.clock(), Life: time.Minute})
		w.ok(err)
		return w.browser().post("/login/callback?connection=corp", url.Values{"SAMLResponse": {answer}})
	}
	callbacks("https://*.app.example/callback", "https://{organization_name}.app.example/callback", callback)
	to, _ := url.Parse(sent().want(http.StatusSeeOther).to())
	if got := to.Query().Get("redirect_uri"); got != callback {
		t.Errorf("they land at %q", got)
	}
	callbacks("https://*.app.example/callback")
	sent().want(http.StatusForbidden).says("no callback without a wildcard")
	w.logs(`"type":"f"`, "no callback without a wildcard")
	w.set(conn, "idpinitiated", map[string]any{"enabled": true, "client_id": "app", "client_authorizequery": "redirect_uri=https%3A%2F%2Fone.app.example%2Fcallback" + pkce})
	to, _ = url.Parse(sent().want(http.StatusSeeOther).to())
	if got := to.Query().Get("redirect_uri"); got != "https://one.app.example/callback" {
		t.Errorf("they land at %q", got)
	}
}

// Somebody whom a provider sends unasked may come to an organization: the address that the provider posts to names it, and the connection is its, whatever the client's are.
func TestSAMLUnaskedForAnOrganization(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			w := newAbroad(t, kind)
			w.standin.Now = w.clock
			w.ok((&token.Keys{}).Ensure(t.Context(), w.st))
			verifier := strings.Repeat("v", 43)
			sum := sha256.Sum256([]byte(verifier))
			conn := w.saml("corp", map[string]any{"idpinitiated": map[string]any{"enabled": true, "client_id": "app", "client_authorizequery": "scope=openid&state=x&code_challenge_method=S256&code_challenge=" + base64.RawURLEncoding.EncodeToString(sum[:])}})
			_, err := w.st.UpdateConnection(t.Context(), conn.ID, func(c *stagedoor.Connection) error { c.EnabledClients = nil; return nil })
			w.ok(err)
			w.organized("require", "no_prompt", nil)
			o, other := &stagedoor.Organization{Name: "corp"}, &stagedoor.Organization{Name: "other"}
			w.ok(w.st.CreateOrganization(t.Context(), o, []stagedoor.OrganizationConnection{{ConnectionID: conn.ID, IsEnabled: true, AssignMembershipOnLogin: true}}))
			w.ok(w.st.CreateOrganization(t.Context(), other, nil))
			const usual = "/login/callback?connection=corp"
			issue := func(to, inResponseTo string) string {
				answer, err := w.standin.Issuer().Issue(xmlsig.Issued{To: origin + to, Audience: "urn:auth0:acme:corp", InResponseTo: inResponseTo, NameID: "k9", At: w.clock(), Life: time.Minute})
				w.ok(err)
				return answer
			}
			named, turned := usual+"&organization="+o.ID, "/login/callback?organization="+o.ID+"&connection=corp"
			for at, to := range map[string]string{named: named, turned: turned, named + "&": usual} {
				b := w.browser()
				q := b.finish(b.post(at, url.Values{"SAMLResponse": {issue(to, "")}}))
				var got map[string]any
				r := b.post("/oauth/token", url.Values{"grant_type": {"authorization_code"}, "client_id": {"app"}, "code": {q.Get("code")}, "code_verifier": {verifier}, "redirect_uri": {callback}})
				w.ok(json.Unmarshal([]byte(r.body), &got))
				if id, _ := got["id_token"].(string); id == "" || w.payload(id)["org_id"] != o.ID || w.payload(id)["sub"] != "samlp|corp|k9" {
					t.Errorf("%s at %s: %v %s", to, at, q, r.body)
				}
			}
			if member, err := w.st.IsMember(t.Context(), o.ID, "samlp|corp|k9"); err != nil || !member {
				t.Errorf("a member: %t %v", member, err)
			}
			for _, c := range []struct{ at, to string }{
				{usual, usual}, // it is not the client's connection
				{usual + "&organization=" + other.ID, usual + "&organization=" + other.ID},
				{usual + "&organization=org_0000000000000000", usual},
				{named, usual + "&organization=" + other.ID},
				{named + "&x=1", named + "&x=1"},
			} {
				if r := w.browser().post(c.at, url.Values{"SAMLResponse": {issue(c.to, "")}}); r.status < 400 {
					t.Errorf("%s for %s: %d %s", c.at, c.to, r.status, r.to())
				}
			}

			// Who leaves from here comes back to the same address.
			b := w.browser()
			asked, _ := url.Parse(b.begin("connection", "corp", "organization", o.ID).to())
			request, err := xmlsig.ReadRequest(&http.Request{Method: http.MethodGet, URL: asked})
			w.ok(err)
			if q := b.finish(b.get(b.post(named, url.Values{"SAMLResponse": {issue(named, request.ID)}, "RelayState": {asked.Query().Get("RelayState")}}).to())); q.Get("code") == "" {
				t.Errorf("%v", q)
			}
		})
	}
}
