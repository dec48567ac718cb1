package login_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// TestAccountElsewhere: people see the accounts at other providers in which programs act for them, and disconnect them; nobody else's.
func TestAccountElsewhere(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			w := accountWorld(t, kind)
			u := w.found("ada@example.com")
			b, page := w.onAccount("ada@example.com")
			page.hides("Connected accounts")
			conn := w.social("radio", nil)
			save := func(user, account string, names ...string) string {
				a := &stagedoor.ConnectedAccount{
					UserID: user, ConnectionID: conn.ID, Account: account, Names: names, Scopes: []string{"songs:write", hostile}, Tokens: stagedoor.ProviderTokens{Access: "provider-token"},
				}
				w.ok(w.st.SaveConnectedAccount(t.Context(), a))
				return a.ID
			}
			mine, second := save(u.ID, "42", "ada@radio.example", hostile), save(u.ID, "43")
			theirs := save(w.user("eve@example.com").ID, "44")
			page = b.get("/account").want(http.StatusOK).says("Connected accounts", "The radio", "ada@radio.example", "43", "songs:write", "Disconnect").hides("provider-token")
			page.harmless()
			b.press(page, "/account/connected/remove", "", "id", theirs) // is not ada's: nothing happens
			b.onward(b.press(page, "/account/connected/remove", mine)).says("The account is disconnected.", "43").hides("ada@radio.example")
			w.logs("disconnected an account")
			b.onward(b.press(page, "/account/connected/remove", mine)).says("The account is disconnected.") // in another window
			b.onward(b.press(page, "/account/connected/remove", second)).hides("Connected accounts")
			if all, err := w.st.ConnectedAccounts(t.Context(), w.found("eve@example.com").ID); err != nil || len(all) != 1 {
				t.Errorf("%v %v", all, err)
			}
			w.browser().post("/account/connected/remove", url.Values{"id": {theirs}}) // nobody
			if all, err := w.st.ConnectedAccounts(t.Context(), w.found("eve@example.com").ID); err != nil || len(all) != 1 {
				t.Errorf("%v %v", all, err)
			}
		})
	}
}
