package login_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/password"
	"github.com/stagedoor/stagedoor/internal/script"
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
			const {identifier, protocol} = event.transaction;
			if (event.client.client_id !== 'app' || event.connection.name !== 'Users' || protocol !== 'oidc-basic-profile') throw new Error(JSON.stringify(event));
			const domain = identifier.split('@')[1];
			if (domain === 'staff.example') api.authentication.setConnectionByName('Workers');
			if (domain === 'radio.example') api.authentication.setConnectionByName('radio');
			if (domain === 'hidden.example') api.authentication.setConnectionByName('Hidden');
			if (domain === 'none.example') api.authentication.setConnectionByName('None');
			if (domain === 'bad.example') throw new Error('broken ' + event.request.ip);
		};`)
		b := w.browser()
		page := b.begin().want(http.StatusOK)
		for identifier, in := range map[string]string{"a@hidden.example": "Hidden", "a@none.example": "None", "a@bad.example": "broken 192.0.2.7"} {
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
