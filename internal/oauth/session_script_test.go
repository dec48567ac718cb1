package oauth

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
)

// A script links the person's account to another one, as scripts do it with the Management API, and says who they are now.
func TestPrimaryUser(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		sites.all.Store("link-"+w.st.Tenant().ID+".test", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			_, err := w.st.LinkIdentity(r.Context(), ada, stagedoor.Identity{Provider: "auth0", UserID: "bob"}, false)
			if err != nil {
				rw.WriteHeader(409)
			}
		}))
		apart := func() {
			_, err := w.st.UnlinkIdentity(context.Background(), ada, "auth0", "bob")
			ok(t, err)
		}
		enter := func(client string) (*browser, *answer) {
			b := w.browser()
			state := b.authorize(request(client, "scope", "openid profile email invented offline_access")).asks("login")
			ok(t, b.password(state, bobMail, adaWord))
			return b, b.resume(state)
		}
		rule := func(link string) {
			w.noRules()
			w.rule(`function (user, context, callback) {
				if (user.user_id !== 'auth0|bob') return callback(null, user, context);
				user.invented = 'yes'; context.primaryUser = 'auth0|ada'; context.idToken['https://a.test/rule'] = user.user_id;
				` + link + `
			}`)
		}
		link := `request.post({url: 'https://link-` + w.st.Tenant().ID + `.test/'}, function (err, res) { callback(err, user, context); });`
		// Nobody becomes a user whom they are not linked with.
		rule(`callback(null, user, context);`)
		_, a := enter(legacy)
		a.fails("access_denied", "The identity that signed in is not linked to the primary user.")
		w.noRules()
		w.postLogin(`api.authentication.setPrimaryUser('auth0|nobody');`)
		_, a = enter(site)
		a.fails("access_denied", "The primary user does not exist.")
		w.noActions()

		// A rule links; actions see the other user, and so does the session.
		rule(link)
		w.postLogin(`console.log(event.user.user_id, event.user.identities.length, event.session.user_id); api.user.setAppMetadata('entered', true);`)
		w.events()
		b, a := enter(site)
		tokens := w.redeem(site, a.got().Get("code")).good()
		id := w.claims(tokens.IDToken)
		same(t, "the ID token", []any{id["sub"], id["email"], id["https://a.test/rule"]}, []any{ada, adaMail, bob})
		same(t, "console", w.spoken(), "auth0|ada 2 auth0|ada")
		same(t, "metadata", w.user(ada).AppMetadata["entered"], true)
		same(t, "silently", w.claims(w.redeem(site, b.authorize(request(site, "prompt", "none")).got().Get("code")).good().IDToken)["sub"], ada)
		same(t, "refreshed", w.claims(w.refresh(site, tokens.RefreshToken).good().IDToken)["sub"], ada)
		apart()

		// The tokens of a client of the old kind too, with what rules invented.
		_, a = enter(legacy)
		id = w.claims(w.redeem(legacy, a.got().Get("code")).good().IDToken, secret(legacy))
		same(t, "the old ID token", []any{id["sub"], id["email"], id["user_id"], id["invented"]}, []any{ada, adaMail, ada, "yes"})
		apart()
		w.noRules()
		w.noActions()

		// An action links. What it set itself is dropped, what another did is the primary user's.
		w.postLogin(`api.user.setAppMetadata('one', 1);`)
		w.postLogin(`if (event.user.user_id !== 'auth0|bob') return;
			await fetch('https://link-` + w.st.Tenant().ID + `.test/', {method: 'POST'});
			api.user.setAppMetadata('two', 2); api.authentication.setPrimaryUser('auth0|ada');`)
		b, a = enter(site)
		same(t, "by an action", w.claims(w.redeem(site, a.got().Get("code")).good().IDToken)["sub"], ada)
		same(t, "metadata", []any{w.user(ada).AppMetadata["one"], w.user(ada).AppMetadata["two"]}, []any{1, nil})
		same(t, "silently", w.claims(w.redeem(site, b.authorize(request(site, "prompt", "none")).got().Get("code")).good().IDToken)["sub"], ada)
		w.blockUser(ada)
		apart()
		_, a = enter(site)
		a.fails("unauthorized", "user is blocked")
	})
}

func (w *world) blockUser(id string) {
	w.Helper()
	yes := true
	_, err := w.st.UpdateUser(context.Background(), id, func(u *stagedoor.User) error { u.Blocked = &yes; return nil })
	ok(w, err)
}

// An action changes how long a session lives, its cookie and its metadata.
func TestActionChangesTheSession(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		at := w.clock()
		w.postLogin(fmt.Sprintf(`
			api.session.setExpiresAt(%d); api.session.setIdleExpiresAt(%d); api.session.setCookieMode('non-persistent');
			api.session.setMetadata('tier', 'gold'); if (event.session.metadata.tier !== 'gold') throw new Error('not seen');`,
			at.Add(3*time.Hour).UnixMilli(), at.Add(24*365*time.Hour).UnixMilli()))
		b := w.browser()
		b.login(request(site)).got()
		if c := b.cookies[sessionCookie]; c == nil || !c.Expires.IsZero() {
			t.Errorf("the cookie stays: %+v", c)
		}
		sessions, err := w.st.UserSessions(t.Context(), ada)
		ok(t, err)
		s := sessions[0]
		_, idle := w.st.Tenant().Settings.SessionLifetimes()
		same(t, "session", []any{s.Persistent, s.Metadata, s.ExpiresAt.UnixMilli(), s.IdleExpiresAt.UnixMilli()},
			[]any{false, map[string]any{"tier": "gold"}, at.Add(3 * time.Hour).UnixMilli(), at.Add(idle).UnixMilli()})
		b.authorize(request(site, "prompt", "none")).got()
		w.pass(3 * time.Hour)
		b.authorize(request(site, "prompt", "none")).fails("login_required", "Login required")

		w.noActions()
		w.postLogin(`for (let i = 0; i < 26; i++) api.session.setMetadata('k' + i, 'v');`)
		w.browser().login(request(site)).fails("access_denied", "There are more than 25 metadata.")
	})
}

// An action changes how long refresh tokens live, and their metadata: those of a new login, and those that are exchanged.
func TestActionChangesRefreshTokens(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		at := w.clock()
		w.rotating(spa, func(r *stagedoor.RefreshTokenRules) {
			r.ExpirationType, r.TokenLifetime, r.InfiniteIdleTokenLifetime = "expiring", 7200, true
		})
		w.postLogin(fmt.Sprintf(`
			const again = event.transaction.protocol === 'oauth2-refresh-token';
			api.refreshToken.setExpiresAt(again ? %d : %d); api.refreshToken.setMetadata('run', again ? 'again' : 'first');
			if (again) console.log(event.refresh_token.metadata.run, event.session.id === event.refresh_token.session_id, event.refresh_token.device.initial_ip);`,
			at.Add(365*24*time.Hour).UnixMilli(), at.Add(time.Hour).UnixMilli()))
		first := w.redeem(spa, w.browser().login(request(spa, "scope", "openid offline_access")).got().Get("code")).good()
		w.events()
		tokens, err := w.st.UserRefreshTokens(t.Context(), ada)
		ok(t, err)
		same(t, "token", []any{tokens[0].ExpiresAt.UnixMilli(), tokens[0].Metadata}, []any{at.Add(time.Hour).UnixMilli(), map[string]any{"run": "first"}})
		second := w.refresh(spa, first.RefreshToken).good()
		same(t, "console", w.spoken(), "again true 192.0.2.7") // what it just set is seen
		tokens, err = w.st.UserRefreshTokens(t.Context(), ada)
		ok(t, err)
		same(t, "token", []any{tokens[0].ExpiresAt.UnixMilli(), tokens[0].Metadata}, []any{at.Add(2 * time.Hour).UnixMilli(), map[string]any{"run": "again"}})
		w.pass(2 * time.Hour)
		w.refresh(spa, second.RefreshToken).bad(403, "invalid_grant", "Unknown or invalid refresh token.")
	})
}

func TestActionRoles(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"editor", "reader", "writer"} {
		r := &stagedoor.Role{Name: name, Description: name + "s", Type: "tenant"}
		ok(t, w.st.CreateRole(t.Context(), r))
		ok(t, w.st.AddUserRoles(t.Context(), ada, []string{r.ID}))
	}
	w.postLogin(`
		const first = await api.roles.getUserEffectiveRoles({take: 2}), rest = await api.roles.getUserEffectiveRoles({take: 2, from: first.next});
		const named = await api.roles.getUserEffectiveRolesByNames(['reader', 'nobody']), known = await api.roles.getUserEffectiveRolesByIds([named.roles[0].id]);
		console.log(first.roles.length, rest.roles.length, rest.next, first.roles.concat(rest.roles).map(r => r.name + ':' + r.description).sort().join(), named.roles.length, known.roles[0].name, event.authorization.roles.length);
		await api.roles.getUserEffectiveRoles({take: 101});`)
	w.browser().login(request(site)).fails("access_denied", "api.roles: take must be a number from 1 to 100")
	same(t, "console", w.spoken(), "2 1 undefined editor:editors,reader:readers,writer:writers 1 reader 3")
}

// Groups are told to actions, and their roles count as those of the person.
func TestActionGroups(t *testing.T) {
	w := newWorld(t)
	u, err := w.st.User(t.Context(), ada)
	ok(t, err)
	conn, err := w.st.ConnectionByName(t.Context(), u.Connection)
	ok(t, err)
	g := &stagedoor.Group{Name: "Team", ExternalID: "x", ConnectionID: conn.ID}
	ok(t, w.st.CreateGroup(t.Context(), g, []string{ada}))
	ok(t, w.st.CreateGroup(t.Context(), &stagedoor.Group{ID: "grp_other", Name: "Other", ConnectionID: conn.ID}, nil))
	r := &stagedoor.Role{Name: "editor", Type: "tenant"}
	ok(t, w.st.CreateRole(t.Context(), r))
	ok(t, w.st.AddGroupRoles(t.Context(), g.ID, "", []string{r.ID}))
	w.postLogin(`
		const {groups} = await api.groups.getUserGroups();
		console.log(groups.length, groups[0].name, groups[0].external_id, groups[0].connection_id === '` + conn.ID + `', event.authorization.roles.join());
		console.log(await api.groups.hasGroupMembership(['grp_other', groups[0].id]), await api.groups.hasGroupMembership(['grp_other']), await api.groups.hasGroupMembership([]));
		await api.groups.hasGroupMembership('Team');`)
	w.browser().login(request(site)).fails("access_denied", "api.groups needs a list of at most 100")
	same(t, "console", w.spoken(), "1 Team x true editor\ntrue false false")
}

// A method of proof elsewhere is recorded when the person comes back, and is seen in later logins of the session.
func TestActionRecordsAMethod(t *testing.T) {
	w := newWorld(t)
	w.postLogin(`console.log(event.authentication.methods.map(m => m.name).join()); if (event.authentication.methods.length < 2) api.redirect.sendUserTo('https://bank.test/'); };
		exports.onContinuePostLogin = async (event, api) => { api.authentication.recordMethod('https://bank.test/id');`)
	b := w.browser()
	_, state := b.login(request(site)).elsewhere()
	b.get("/continue?state=" + url.QueryEscape(state)).got()
	b.authorize(request(site, "prompt", "none")).got()
	same(t, "console", w.spoken(), "pwd\npwd,https://bank.test/id")
	if strings.Contains(fmt.Sprint(b.cookies), "bank.test") {
		t.Error("a cookie holds it")
	}
}
