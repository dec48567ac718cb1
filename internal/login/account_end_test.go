package login_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// A factor that the person has already is none to set up: the page says that it ends there, and leads back to the account, as it does where the time is over.
func TestAccountFactorThatIsThere(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	w.factors(nil, "email")
	u := w.found("ada@example.com")
	begun := func() (*browser, string) {
		token := stagedoor.NewToken()
		w.ok(w.st.CreateTicket(t.Context(), token, &stagedoor.Ticket{
			Kind: stagedoor.TicketEnrollment, UserID: u.ID, Another: true, Factor: "email", ClientID: "app", ResultURL: origin + "/account/factors/added", ExpiresAt: w.clock().Add(10 * time.Minute),
		}))
		return w.browser(), "/u/mfa-enroll?ticket=" + token
	}
	b, link := begun()
	b.submit(b.submit(b.get(link), "email", "ada@home.example"), "code", w.sentCode()).want(http.StatusOK).says("You are all set")
	w.wait(time.Minute)
	b, link = begun()
	if to := b.submit(b.submit(b.get(link), "email", "ada@home.example"), "code", w.sentCode()).want(http.StatusBadRequest).href("Continue"); to != "/account" {
		t.Errorf("it leads to %q", to)
	}
	b, link = begun()
	w.wait(11 * time.Minute)
	if to := b.get(link).want(http.StatusBadRequest).href("Continue"); to != "/account" {
		t.Errorf("late, it leads to %q", to)
	}
}

// Where people of a database have no addresses there is no page to get one.
func TestAccountEmailWhereNobodyHasOne(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	b, _ := w.onAccount("ada@example.com")
	w.knownBy(`{"username":{"identifier":{"active":true},"signup":{"status":"required"}}}`, "")
	b.get("/account").want(http.StatusOK)
	b.get("/account/email").want(http.StatusNotFound)
	form := url.Values{"nonce": {jose.HashToken("account form " + cookieOf(b))}, "email": {"countess@example.com"}, "code": {"12345678"}}
	for _, path := range strings.Fields("email email/code") {
		b.post("/account/"+path, form).want(http.StatusNotFound)
	}
	if len(w.mails()) != 0 {
		t.Errorf("mails %+v", w.mails())
	}
}

// Who logs out on the account page is brought past the clients of SAML that know the session, as by /v2/logout: there they would stay logged in.
func TestAccountLogoutTellsParticipants(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	b, page := w.onAccount("ada@example.com")
	live, err := w.st.UserSessions(t.Context(), w.found("ada@example.com").ID)
	w.ok(err)
	w.ok(w.st.UpdateSession(t.Context(), live[0].ID, func(s *stagedoor.Session) {
		s.Participants = map[string]stagedoor.Participant{"other": {NameID: "ada", Index: "1"}}
	}))
	to := b.press(page, "/account/logout", "").want(http.StatusSeeOther).to()
	state, ours := strings.CutPrefix(to, "/samlp/logout?state=")
	if !ours {
		t.Fatalf("sent to %s", to)
	}
	who, one, out, _, err := w.pipe.NextParticipant(t.Context(), pipeline.Visit{Store: w.st, Browser: cookieNamed(b, "__Host-did")}, state)
	if err != nil || who != "other" || one.NameID != "ada" || out.To != "" {
		t.Errorf("%s %+v %+v %v", who, one, out, err)
	}
	b.onward(b.get("/account")).says("Log in")
}

// Who logs out on the account page logs out: clients are told by back-channel logout as of /v2/logout, those as well that hear of logouts alone.
func TestAccountLogoutTellsClients(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	_, err := w.st.UpdateClient(t.Context(), "app", func(c *stagedoor.Client) error {
		c.Stored = map[string]json.RawMessage{"oidc_logout": json.RawMessage(`{"backchannel_logout_urls":["https://app.example/bye"]}`)}
		return nil
	})
	w.ok(err)
	b, page := w.onAccount("ada@example.com")
	live, err := w.st.UserSessions(t.Context(), w.found("ada@example.com").ID)
	w.ok(err)
	b.onward(b.press(page, "/account/logout", "")).says("You are logged out")
	told, err := w.st.LogoutNotices(t.Context(), 10)
	if w.ok(err); len(told) != 1 || told[0].ClientID != "app" || told[0].By != stagedoor.LogoutByClient {
		t.Errorf("told %+v", told)
	}
	w.logs(`"type":"slo"`, "User successfully logged out", live[0].ID)
}
