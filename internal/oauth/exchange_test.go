package oauth

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
)

// exchangeProfile makes body the action of a token exchange profile for tokens of the type urn:acme:legacy.
func (w *world) exchangeProfile(body string) {
	w.Helper()
	ctx := context.Background()
	a := &stagedoor.Action{
		Name: stagedoor.NewUUID(), Status: stagedoor.ActionBuilt, Sealed: stagedoor.SealSecrets(map[string]string{"KEY": "of mine"}),
		Draft: stagedoor.ActionCode{Trigger: stagedoor.ActionTrigger{ID: script.CustomTokenExchange.ID, Version: "v1"}, Code: "exports.onExecuteCustomTokenExchange = async (event, api) => {" + body + "};"},
	}
	ok(w, w.st.CreateAction(ctx, a))
	_, _, err := w.st.DeployAction(ctx, a.ID, func(a *stagedoor.Action) (*stagedoor.ActionVersion, error) {
		return &stagedoor.ActionVersion{Body: a.Draft, Sealed: a.Sealed}, nil
	})
	ok(w, err)
	profiles := store.Kind[stagedoor.Document]{
		Name: "token_exchange_profile", ID: func(d *stagedoor.Document) *string { return &d.ID }, Secret: func(d *stagedoor.Document) *string { return &d.Sealed },
		NewID: stagedoor.NewUUID, Missing: stagedoor.Errorf(stagedoor.NotFound, "", "none"),
	}
	all, err := profiles.All(ctx, w.st)
	ok(w, err)
	for _, d := range all {
		_, err := profiles.Delete(ctx, w.st, d.ID)
		ok(w, err)
	}
	sealed, err := json.Marshal(map[string]string{"name": "legacy", "subject_token_type": "urn:acme:legacy", "action_id": a.ID, "type": "custom_authentication"})
	ok(w, err)
	ok(w, profiles.Create(ctx, w.st, &stagedoor.Document{Sealed: string(sealed)}))
}

func (w *world) exchange(more ...string) *tokenAnswer {
	w.Helper()
	return w.token(values(append([]string{
		"grant_type", grantTokenExchange, "client_id", site, "client_secret", secret(site), "subject_token", "secret subject", "subject_token_type", "urn:acme:legacy",
		"audience", apiAudience, "scope", "openid email read:songs offline_access",
	}, more...)...))
}

// TestExchangeOfAnotherConnection: ids of several connections may be spelled alike. An action that names a connection gets none of another one's people, and changes none.
func TestExchangeOfAnotherConnection(t *testing.T) {
	w := newWorld(t)
	w.client(site, func(c *stagedoor.Client) {
		c.Stored = map[string]json.RawMessage{"token_exchange": json.RawMessage(`{"allow_any_profile_of_type":["custom_authentication"]}`)}
	})
	ok(t, w.st.CreateConnection(t.Context(), &stagedoor.Connection{Name: "Partners", Strategy: "auth0", EnabledClients: []string{site}}))
	for _, behavior := range []string{"none", "replace"} {
		w.exchangeProfile(`api.authentication.setUserByConnection('Partners', {user_id: 'ada', email: 'eve@example.com', email_verified: true}, {updateBehavior: '` + behavior + `'})`)
		w.exchange().bad(400, "invalid_request", "A user of another connection has the user_id of the subject token's user.")
	}
	same(t, "her address", w.user(ada).Email, adaMail)
	_, err := w.st.LinkIdentity(t.Context(), bob, stagedoor.Identity{Provider: "auth0", UserID: "ada"}, false)
	ok(t, err)
	w.exchange().bad(400, "invalid_request", "A user of another connection has the user_id of the subject token's user.")
}

// TestExchangeKeepsWhatIdentifies: an action may rename somebody who is there already. By what they are known, and whether that is theirs, it does not change.
func TestExchangeKeepsWhatIdentifies(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.client(site, func(c *stagedoor.Client) {
			c.Stored = map[string]json.RawMessage{"token_exchange": json.RawMessage(`{"allow_any_profile_of_type":["custom_authentication"]}`)}
		})
		var asked []string
		w.pipe.AskToVerify = func(_ context.Context, _ pipeline.Visit, u *stagedoor.User, c *stagedoor.Client) {
			asked = append(asked, u.Email+" "+c.ID)
		}
		give := func(attributes string) *tokenAnswer {
			t.Helper()
			w.exchangeProfile(`api.authentication.setUserByConnection('Users', Object.assign({user_id: 'x'}, ` + attributes + `), {updateBehavior: 'replace'})`)
			return w.exchange()
		}
		give(`{email: 'x@example.com', username: 'xavier', phone_number: '+493012345', name: 'X', verify_email: true}`).good()
		give(`{user_id: 'y', email: 'y@example.com', verify_email: false}`).good()
		give(`{user_id: 'z', email: 'z@example.com'}`).good()
		for attributes, wrong := range map[string]string{
			`{email: 'eve@example.com'}`: "email", `{email_verified: true}`: "email_verified", `{username: 'eve'}`: "username", `{phone_number: '+493099999'}`: "phone_number",
			`{email: 'x@example.com', phone_verified: true}`: "phone_verified",
		} {
			give(attributes).bad(400, "invalid_request", "The "+wrong+" of the subject token's user is not that of the existing user.")
		}
		give(`{email: 'X@example.com', email_verified: false, name: 'Xaver', verify_email: true}`).good()
		u := w.user("auth0|x")
		same(t, "kept", []any{u.Email, u.EmailVerified, u.Username, u.PhoneNumber, u.Name}, []any{"x@example.com", false, "xavier", "+493012345", "Xaver"})
		same(t, "asked", strings.Join(asked, ", "), "x@example.com "+site)
	})
}

// TestExchangeNormalises: what an action says of a user is kept as profiles are that come from elsewhere.
func TestExchangeNormalises(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.client(site, func(c *stagedoor.Client) {
			c.Stored = map[string]json.RawMessage{"token_exchange": json.RawMessage(`{"allow_any_profile_of_type":["custom_authentication"]}`)}
		})
		give := func(attributes string) *tokenAnswer {
			t.Helper()
			w.exchangeProfile(`api.authentication.setUserByConnection('Users', Object.assign({user_id: 'x'}, ` + attributes + `))`)
			return w.exchange()
		}
		give(`{email: ' Nine@Example.com', email_verified: true, username: ' Nine ', phone_number: '+49 (30) 123-456', name: ' N ', nickname: 'n'.repeat(3000), given_name: 'a\0b', picture: 'javascript:alert(1)'}`).good()
		u := w.user("auth0|x")
		same(t, "kept", []any{u.Email, u.Username, u.PhoneNumber, u.Name, u.Nickname == strings.Repeat("n", 3000), u.GivenName, strings.HasPrefix(u.Picture, "https://")},
			[]any{"nine@example.com", "nine", "+4930123456", "N", false, "", true})
		give(`{user_id: 'y', username: 'ada@example.com'}`).good() // nobody stands in another one's way
		same(t, "no address", w.user("auth0|y").Username, "")
		for attributes, wrong := range map[string]string{
			`{user_id: 'x'.repeat(300)}`: "user_id", `{user_id: 'a\0'}`: "user_id", `{email: 'nobody'}`: "e-mail address", `{phone_number: 'none'}`: "telephone number",
		} {
			give(attributes).bad(400, "invalid_request", "The "+wrong+" of the subject token's user is not valid.")
		}
	})
}

// TestTokenExchange: an action says whose a token of somebody else's making is, and the login's scripts run for that user.
func TestTokenExchange(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.exchangeProfile(`
			console.log(JSON.stringify([event.transaction.subject_token === 'secret subject', event.transaction.subject_token, event.transaction.subject_token_type, event.transaction.requested_scopes, event.resource_server.identifier,
				event.client.client_id, event.secrets.KEY === 'of mine', event.user, event.request.body.subject_token, event.request.body.client_secret, event.request.body['ext-x']]));
			api.user.setAppMetadata('from', 'legacy'); api.authentication.setUserById('auth0|ada');`)
		w.exchange().bad(403, "unauthorized_client", "Grant type '"+grantTokenExchange+"' not allowed for the client.")
		w.client(site, func(c *stagedoor.Client) {
			c.Stored = map[string]json.RawMessage{"token_exchange": json.RawMessage(`{"allow_any_profile_of_type":["custom_authentication"]}`)}
		})
		w.rule(`function (user, context, callback) { context.idToken['https://a.test/rule'] = context.protocol + user.app_metadata.from + context.stats.loginsCount; callback(null, user, context); }`)
		w.postLogin(`api.accessToken.setCustomClaim('https://a.test/action', [event.transaction.protocol, event.transaction.subject_token_type, event.user.app_metadata.from, event.request.method, api.redirect.canRedirect()].join());`)
		w.events()
		a := w.exchange("ext-x", "1").good()
		id, access := w.claims(a.IDToken), w.claims(a.AccessToken)
		same(t, "tokens", []any{id["sub"], id["email"], id["https://a.test/rule"], access["sub"], access["https://a.test/action"], a.Scope, a.IssuedTokenType},
			[]any{ada, adaMail, "oauth2-token-exchangelegacy1", ada, "oauth2-token-exchange,urn:acme:legacy,legacy,POST,false", "openid email read:songs offline_access", typeAccessToken})
		events := w.events()
		e := events[len(events)-1]
		text, _ := json.Marshal(e)
		if e.Type != "secte" || e.UserID != ada || !strings.Contains(string(text), `[true,\"~masked~\",\"urn:acme:legacy\",[\"openid\",\"email\",\"read:songs\",\"offline_access\"],\"`+apiAudience+`\",\"site\",true,null,null,null,\"1\"]`) {
			t.Errorf("log: %s", text)
		}
		w.refresh(site, a.RefreshToken).good()
		w.noRules()

		w.exchangeProfile(`throw new Error(event.resource_server.identifier)`)
		w.token(values("grant_type", grantTokenExchange, "client_id", site, "client_secret", secret(site), "subject_token", "secret subject", "subject_token_type", "urn:acme:legacy")).
			bad(500, "server_error", "https://acme.test/userinfo")
		for _, c := range []struct {
			body   string
			status int
			code   string
			text   string
		}{
			{`api.access.deny('invalid_request', 'Not this one'); api.user.setAppMetadata('never', 1)`, 400, "invalid_request", "Not this one"},
			{`api.access.deny('server_error', 'Down')`, 500, "server_error", "Down"},
			{`api.access.deny('my_code', 'Mine')`, 400, "my_code", "Mine"},
			{`throw new Error('broken')`, 500, "server_error", "broken"},
			{``, 500, "server_error", "The action of the token exchange profile set no user."},
			{`api.authentication.setUserById('auth0|nobody')`, 400, "invalid_request", "The user of the subject token does not exist."},
			{`api.authentication.setUserById('auth0|ada'); api.authentication.setUserByConnection('Users', {user_id: 'x'})`, 500, "server_error", "api.authentication.setUserByConnection: the user was set before"},
			{`api.authentication.setUserByConnection('Nowhere', {user_id: 'x'})`, 400, "invalid_request", "The connection of the subject token's user is not enabled for the client."},
			{`api.authentication.setUserByConnection('Users', {user_id: 'x'}, {creationBehavior: 'none'})`, 400, "invalid_request", "The user of the subject token does not exist."},
			{`api.authentication.setUserByConnection('Users', {email: 'a@b.test'})`, 500, "server_error", "api.authentication.setUserByConnection: attributes.user_id needs a text"},
			{`api.authentication.setUserById('auth0|ada'); api.authentication.setOrganization('org_none')`, 400, "invalid_request", "parameter organization is invalid: org_none"},
			{`api.authentication.setUserById('auth0|ada'); api.authentication.setActor({name: 'x'})`, 500, "server_error", "api.authentication.setActor needs an object with sub"},
		} {
			w.exchangeProfile(c.body)
			w.events()
			w.exchange().bad(c.status, c.code, c.text)
			if text := strings.Join(w.logged(), " "); !strings.HasSuffix(text, "fecte") {
				t.Errorf("%s: log %s", c.body, text)
			}
		}
		same(t, "metadata", w.user(ada).AppMetadata["never"], nil)
		w.exchange("subject_token_type", "urn:acme:other").bad(400, "invalid_request", "There is no token exchange profile for the subject_token_type.")
		w.exchange("requested_token_type", "urn:x").bad(400, "invalid_request", "Unsupported requested_token_type: urn:x")
		w.exchange("subject_token", "-").bad(400, "invalid_request", "Missing required parameter: subject_token")

		w.exchangeProfile(`api.authentication.setUserById('auth0|ada')`)
		w.rule(`function (user, context, callback) { context.multifactor = {provider: 'any'}; callback(null, user, context); }`)
		w.exchange().bad(403, "interaction_required", "Interaction required")
		w.noRules()

		// Users by their identity: found, made, updated, or linked to somebody.
		w.exchangeProfile(`const [behavior, email] = event.transaction.subject_token.split(' ');
			api.authentication.setUserByConnection('Users', {user_id: 'legacy-7', email, email_verified: true, name: 'Seven', hacked: 1}, {updateBehavior: behavior});`)
		sub := func(subject string) (any, any) {
			c := w.claims(w.exchange("subject_token", subject, "scope", "openid email profile").good().IDToken)
			return c["sub"], c["email"]
		}
		id1, mail1 := sub("none seven@example.com")
		same(t, "made", []any{id1, mail1}, []any{"auth0|legacy-7", "seven@example.com"})
		_, mail2 := sub("none other@example.com")
		_, mail3 := sub("replace Seven@example.com")
		same(t, "updated", []any{mail2, mail3, w.user("auth0|legacy-7").LoginsCount}, []any{"seven@example.com", "seven@example.com", 3})
		w.exchange("subject_token", "replace other@example.com").bad(400, "invalid_request", "The email of the subject token's user is not that of the existing user.")
		_, err := w.st.LinkIdentity(t.Context(), ada, stagedoor.Identity{Provider: "auth0", UserID: "legacy-7"}, false)
		ok(t, err)
		linked, _ := sub("replace third@example.com")
		same(t, "linked", linked, ada)
		w.enable("Users", spa)
		w.exchange("subject_token", "none x@example.com").bad(400, "invalid_request", "The connection of the subject token's user is not enabled for the client.")

		// Somebody acts for the person: the tokens say so, and cannot be refreshed.
		w.exchangeProfile(`api.authentication.setUserById('auth0|ada'); api.authentication.setActor({sub: 'agent', act: {sub: 'robot'}});`)
		acted := w.exchange().good()
		actor := map[string]any{"sub": "agent", "act": map[string]any{"sub": "robot"}}
		same(t, "act", []any{w.claims(acted.IDToken)["act"], w.claims(acted.AccessToken)["act"], acted.RefreshToken}, []any{actor, actor, ""})

		// A blocked user gets nothing; neither does an address whose tokens were wrong too often.
		w.blockUser(ada)
		w.exchange().bad(401, "unauthorized", "user is blocked")
		w.exchangeProfile(`api.access.rejectInvalidSubjectToken('Forged');`)
		for range 10 {
			w.exchange().bad(400, "invalid_request", "Forged")
		}
		w.exchange().bad(429, "too_many_attempts", "We have detected suspicious login behavior and further attempts will be blocked. Please contact the administrator.")
	})
}
