package login_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/password"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

func TestActionsSayWhichConnection(t *testing.T) {
	provider := stagedoortest.NewStandIn(t)
	each(t, func(w *world) {
		w.setting(stagedoor.SettingPrompts, `{"identifier_first":true}`)
		w.social("radio", provider.Custom())
		staff := &stagedoor.Connection{Name: "Workers", Strategy: connection.StrategyDatabase, EnabledClients: []string{"app"}}
		w.ok(w.st.CreateConnection(w.Context(), staff))
		w.ok(w.st.CreateConnection(w.Context(), &stagedoor.Connection{Name: "Hidden", Strategy: connection.StrategyDatabase}))
		db := &connection.Database{Hasher: password.NewHasher()}
		w.ok(db.Create(w.Context(), w.st, staff, &stagedoor.User{Email: "ada@staff.example"}, good))
		w.action(script.LoginPostIdentifier, `exports.onExecutePostIdentifier = async (event, api) => {
			const {identifier, protocol, locale, acr_values, ui_locales, requested_scopes} = event.transaction;
			if (event.client.client_id !== 'app' || event.initial_connection.name !== 'Users' || protocol !== 'oidc-basic-profile' || locale !== 'en') throw new Error(JSON.stringify(event));
			if (event.initial_organization || acr_values.length + ui_locales.length > 0 || !requested_scopes.includes('openid')) throw new Error(JSON.stringify(event));
			if (event.authentication.identifier.value !== identifier) throw new Error(JSON.stringify(event));
			const domain = identifier.split('@')[1];
			if (domain === 'staff.example') api.authentication.setConnectionByName('Workers');
			if (domain === 'radio.example') api.authentication.setConnectionByName('radio');
			if (domain === 'hidden.example') api.authentication.setConnectionByName('Hidden');
			if (domain === 'none.example') api.authentication.setConnectionByName('Nobody');
			if (domain === 'bad.example') throw new Error('broken ' + event.request.ip);
		};`)
		b := w.browser()
		page := b.begin().want(http.StatusOK)
		for identifier, in := range map[string]string{"a@hidden.example": "Hidden", "a@none.example": "Nobody", "a@bad.example": "broken 192.0.2.7"} {
			b.submit(page, "username", identifier).want(http.StatusBadRequest).says("does not work right now").hides(in)
			w.logs(in)
		}
		// To a provider, and back to the page for another try.
		if to := b.submit(page, "username", "a@radio.example").want(http.StatusSeeOther).to(); !strings.HasPrefix(to, "/u/login/with?connection=radio&") {
			w.Errorf("sent to %s", to)
		}
		// To another database, whose people have other passwords; a corrected identifier is looked at anew.
		step := b.submit(page, "username", "ada@staff.example").want(http.StatusOK)
		step = b.submit(step, "password", "wrong").want(http.StatusBadRequest)
		page = b.get(step.href("Not you?")).want(http.StatusOK)
		step = b.submit(page, "username", "ada@example.com").want(http.StatusOK)
		b.submit(step, "password", "wrong").want(http.StatusBadRequest)
		step = b.submit(page, "username", "ada@staff.example").want(http.StatusOK)
		b.finish(b.submit(step, "password", good).want(http.StatusSeeOther))
		w.logs(`"connection":"Workers"`)
		if all, err := w.st.UsersByEmail(w.Context(), "ada@staff.example"); err != nil || len(all) != 1 || all[0].LoginsCount != 1 {
			w.Errorf("%+v %v", all, err)
		}
	})
}

func TestActionsSayWhereToSignUp(t *testing.T) {
	provider := stagedoortest.NewStandIn(t)
	each(t, func(w *world) {
		w.social("radio", provider.Custom())
		staff := &stagedoor.Connection{
			Name: "Workers", Strategy: connection.StrategyDatabase, EnabledClients: []string{"app"},
			Options: stagedoor.ConnectionOptions{PasswordComplexityOptions: &stagedoor.PasswordComplexity{MinLength: 30}},
		}
		w.ok(w.st.CreateConnection(w.Context(), staff))
		w.ok(w.st.CreateConnection(w.Context(), &stagedoor.Connection{Name: "Zone", Strategy: connection.StrategyDatabase, EnabledClients: []string{"app"}, Options: stagedoor.ConnectionOptions{DisableSignup: true}}))
		w.action(script.SignupPostIdentifier, `exports.onExecutePostIdentifier = async (event, api) => {
			const domain = event.authentication.identifier.value.split('@')[1];
			if (event.initial_connection.name !== 'Users') throw new Error(JSON.stringify(event));
			if (domain === 'staff.example') api.authentication.setConnectionByName('Workers');
			if (domain === 'radio.example') api.authentication.setConnectionByName('radio');
			if (domain === 'closed.example') api.authentication.setConnectionByName('Zone');
			if (domain === 'none.example') api.authentication.setConnectionByName('Nobody');
			if (domain === 'bad.example') throw new Error('all is lost');
		};`)
		b := w.browser()
		page := b.get(b.begin().href("Create an account")).want(http.StatusOK)
		signs := func(email, password string) *reply { return b.submit(page, "email", email, "password", password) }
		for email, in := range map[string]string{"a@none.example": "Nobody", "a@bad.example": "all is lost"} {
			signs(email, good).want(http.StatusBadRequest).says("does not work right now").hides(in)
			w.logs(in)
		}
		if to := signs("a@radio.example", good).want(http.StatusSeeOther).to(); !strings.HasPrefix(to, "/u/login/with?connection=radio&") {
			w.Errorf("sent to %s", to)
		}
		signs("a@closed.example", good).want(http.StatusBadRequest)
		signs("ada@staff.example", good).want(http.StatusBadRequest).says("30 or more characters") // as the other database has it
		signs("ada@home.example", good).want(http.StatusSeeOther)                                  // corrected: looked at anew
		b = w.browser()
		page = b.get(b.begin().href("Create an account")).want(http.StatusOK)
		b.finish(signs("ada@staff.example", good+strings.Repeat(" and more", 5)).want(http.StatusSeeOther))
		for email, in := range map[string]string{"ada@home.example": "Users", "ada@staff.example": "Workers"} {
			if u := w.found(email); u.Connection != in {
				w.Errorf("%s is in %s", email, u.Connection)
			}
		}
		for _, email := range []string{"a@none.example", "a@bad.example", "a@radio.example", "a@closed.example"} {
			if all, err := w.st.UsersByEmail(w.Context(), email); err != nil || len(all) != 0 {
				w.Errorf("%s: %v %v", email, all, err)
			}
		}
	})
}

// Attack: the page for the identifier is passed over, so that no action looks at it and nobody is sent to their company: the password comes at once, for another identifier than the one that
// was looked at, or after an action has sent the person elsewhere. So does the wish for a code. What was looked at goes on, however it is spelled.
func TestAttackIdentifierThatNobodyLookedAt(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		w := newAbroad(t, kind)
		w.setting(stagedoor.SettingPrompts, `{"identifier_first":true}`)
		w.options(func(o *stagedoor.ConnectionOptions) {
			o.Stored = map[string]json.RawMessage{"attributes": json.RawMessage(codesToBoth), "authentication_methods": json.RawMessage(`{"email_otp":{"enabled":true}}`)}
		})
		w.oidc("radio", nil)
		for _, email := range []string{"ada@corp.example", "ada@out.example", "ada@radio.example"} {
			w.user(email)
		}
		b := w.browser()
		page := b.begin().want(http.StatusOK)
		given := func(email string) *reply { return b.submit(page, "username", email, "password", good) }
		coded := func(email string) *reply {
			action, form := page.form("email", email)
			return b.post(strings.Replace(action, "/u/login?", "/u/login/passwordless?connection=Users&", 1), form)
		}
		w.oidc("corp", map[string]any{"domain_aliases": []string{"corp.example"}})
		for _, got := range []*reply{given("ada@corp.example"), coded("ada@corp.example")} {
			if to := got.want(http.StatusSeeOther).to(); !strings.HasPrefix(to, "/u/login/with?connection=corp&") {
				t.Errorf("sent to %s", to)
			}
		}
		w.action(script.LoginPostIdentifier, `exports.onExecutePostIdentifier = async (event, api) => {
			const domain = event.transaction.identifier.split('@')[1];
			if (domain === 'radio.example') api.authentication.setConnectionByName('radio');
			if (domain === 'out.example') throw new Error('not here');
		};`)
		for _, got := range []*reply{given("ada@out.example"), coded("ada@out.example")} {
			got.want(http.StatusBadRequest).says("does not work right now")
		}
		for range 2 {
			for _, got := range []*reply{given("ada@radio.example"), coded("ada@radio.example")} {
				if to := got.want(http.StatusSeeOther).to(); !strings.HasPrefix(to, "/u/login/with?connection=radio&") {
					t.Errorf("sent to %s", to)
				}
			}
		}
		step := b.submit(page, "username", "ada@example.com").want(http.StatusOK)
		b.submit(step, "username", "ada@out.example", "password", good).want(http.StatusBadRequest).says("does not work right now")
		if all, err := w.st.Mails(w.Context()); err != nil || len(all) != 0 {
			t.Errorf("codes were sent: %v %v", all, err)
		}
		step = b.submit(page, "username", " Ada@Example.com").want(http.StatusOK)
		b.finish(b.submit(step, "username", "ada@example.com", "password", good).want(http.StatusSeeOther))
	}
}

// Whoever types one identifier after the other has actions look at so many alone: each look is a run, and is kept for days.
func TestLooksAtIdentifiersAreBounded(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.setting(stagedoor.SettingPrompts, `{"identifier_first":true}`)
	w.action(script.LoginPostIdentifier, `exports.onExecutePostIdentifier = async () => {};`)
	b := w.browser()
	page := b.begin().want(http.StatusOK)
	let, r := 0, b.submit(page, "username", "ada@example.com")
	for ; r.status == http.StatusOK && let < 1000; r = b.submit(page, "username", "ada@example.com") {
		let++
	}
	if r.want(http.StatusTooManyRequests); let != 300 {
		t.Errorf("%d looks", let)
	}
}

// Each way to a provider is kept for an hour, so that one network begins only so many of them, and of logins.
func TestWaysToProvidersAreBounded(t *testing.T) {
	provider := stagedoortest.NewStandIn(t)
	w := newWorld(t, storetest.SQLite)
	w.social("radio", provider.Custom())
	w.pipe.Networks.LoginRate = 10
	b := w.browser()
	way := b.begin().want(http.StatusOK).button("The radio")
	ways, r := 0, b.get(way)
	for ; r.status/100 == 3 && ways < 10000; r = b.get(way) {
		ways++
	}
	if r.want(http.StatusTooManyRequests); ways != 500-1 {
		t.Errorf("%d ways", ways)
	}
}
