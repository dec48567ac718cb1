package login_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// masks are what differs from one answer to the next, whoever it is about.
var masks = regexp.MustCompile(`state=[\w-]+|value="[\w.:-]{16,}"|data-work="[^"]*"|connection=\w+`)

// TestEnumerationByWork, the attack: whoever measures how long an answer takes, or compares what it says, learns who has an account. Each way
// to give a password computes as many hashes, and says the same, for those who are known and those who are not.
func TestEnumerationByWork(t *testing.T) {
	w, hashes := countedWorld(t)
	people := []struct{ who, email, conn string }{
		{"unknown", "nobody@example.com", "Users"},
		{"known", "ada@example.com", "Users"},
		{"blocked", "bad@example.com", "Users"},
		{"without a password", "bare@example.com", "Users"},
		{"with a quick hash", "md5@example.com", "Users"},
		{"linked", "second@example.com", "Users"},
		{"of a connection without users", "nobody@example.com", "Empty"},
		{"known elsewhere", "ada@example.com", "Empty"},
		{"no address", "nobody", "Users"},
	}
	b := w.browser()
	own := []string{"Origin", "https://app.example"}
	const realm = "http://auth0.com/oauth/grant-type/password-realm"
	for _, way := range []struct {
		name   string
		hashes int64
		ask    func(identifier, secret, conn string) *reply
	}{
		{"login page", 1, func(identifier, secret, conn string) *reply {
			return b.submit(b.begin("connection", conn), "username", identifier, "password", secret)
		}},
		{"password grant", 1, func(identifier, secret, conn string) *reply {
			w.configure(func(s *stagedoor.TenantSettings) { s.DefaultDirectory = conn })
			return b.json("/oauth/token", object("grant_type", "password", "client_id", "app", "username", identifier, "password", secret))
		}},
		{"password-realm grant", 1, func(identifier, _, conn string) *reply {
			return b.json("/oauth/token", object("grant_type", realm, "realm", conn, "client_id", "app", "username", identifier, "password", strings.Repeat("Long-1", 400)))
		}},
		{"/co/authenticate", 1, func(identifier, secret, conn string) *reply {
			return b.json("/co/authenticate", object("credential_type", realm, "realm", conn, "client_id", "app", "username", identifier, "password", secret), own...)
		}},
		{"/usernamepassword/login", 1, func(identifier, secret, conn string) *reply {
			return b.json("/usernamepassword/login", object("connection", conn, "client_id", "app", "username", identifier, "password", secret), own...)
		}},
		{"/oauth/ro", 1, func(identifier, secret, conn string) *reply {
			return b.json("/oauth/ro", object("grant_type", "password", "connection", conn, "client_id", "old", "username", identifier, "password", secret))
		}},
		{"change_password", 0, func(identifier, _, conn string) *reply {
			return b.json(changePath, object("connection", conn, "client_id", "app", "email", identifier))
		}},
		{"forgot page", 0, func(identifier, _, conn string) *reply {
			b := w.browser() // that nobody has signed in with
			return b.submit(b.get(b.begin("connection", conn).href("Forgot your password?")), "email", identifier)
		}},
	} {
		first := ""
		for _, p := range people {
			before := hashes.Load()
			r := way.ask(p.email, "Wrong-Horse-1", p.conn)
			got := strings.ReplaceAll(fmt.Sprintf("%d %s %s", r.status, r.header.Get("Content-Type"), masks.ReplaceAllString(r.body, "…")), p.email, "WHO")
			if did := hashes.Load() - before; did != way.hashes {
				t.Errorf("%s, %s: %d hashes, want %d", way.name, p.who, did, way.hashes)
			}
			if first == "" {
				first = got
			}
			if got != first || got == "" {
				t.Errorf("%s, %s:\n%s\nunknown:\n%s", way.name, p.who, got, first)
			}
		}
		if before := hashes.Load(); way.hashes > 0 { // it counts what it should
			r := way.ask("ada@example.com", good, "Users")
			if way.name != "password-realm grant" && (r.status >= 400 || hashes.Load() != before+1) {
				t.Errorf("%s, the right password: %d %s", way.name, r.status, words(r.body))
			}
		}
	}
}

// TestEnumerationBySignUp, the attack: an address that is taken costs the same hash as a free one.
func TestEnumerationBySignUp(t *testing.T) {
	w, hashes := countedWorld(t)
	for _, email := range []string{"ada@example.com", "new@example.com"} {
		before := hashes.Load()
		w.browser().json(signupPath, object("client_id", "app", "connection", "Users", "email", email, "password", good))
		if did := hashes.Load() - before; did != 1 {
			t.Errorf("%s: %d hashes", email, did)
		}
	}
}

// TestEnumerationByBlock, the attack: too many wrong passwords block those who are unknown as well, after as many, in the same words.
func TestEnumerationByBlock(t *testing.T) {
	w, hashes := countedWorld(t)
	w.options(func(o *stagedoor.ConnectionOptions) { o.BruteForceProtection = new(true) })
	w.setting(stagedoor.SettingBruteForce, `{"enabled":true,"shields":["block","user_notification"],"mode":"count_per_identifier_and_ip","max_attempts":3}`)
	told := func(email string) (out []string) {
		before := hashes.Load()
		for range 5 {
			r := w.browser().json("/oauth/token", object("grant_type", "http://auth0.com/oauth/grant-type/password-realm", "realm", "Users", "client_id", "app", "username", email, "password", "Wrong-Horse-1"))
			out = append(out, fmt.Sprintf("%d %s", r.status, r.body))
		}
		return append(out, fmt.Sprint(hashes.Load()-before))
	}
	known, unknown := told("ada@example.com"), told("nobody@example.com")
	if !slices.Equal(known, unknown) || known[4] == known[0] || known[5] != "3" {
		t.Errorf("known %q\nunknown %q", known, unknown)
	}
}

// countedWorld is a world with people of each kind, and a count of its hashes.
func countedWorld(t *testing.T) (*world, *atomic.Int64) {
	w, hashes := newWorld(t, storetest.SQLite), new(atomic.Int64)
	w.furnishForWork()
	w.pipe.Database.Hasher.Done = func(_, _ time.Duration) { hashes.Add(1) }
	return w, hashes
}

// furnishForWork makes people of each kind, an empty connection, and clients that may ask for passwords in every way. Nobody is kept out for failing often.
func (w *world) furnishForWork() {
	w.Helper()
	ctx := w.Context()
	w.options(func(o *stagedoor.ConnectionOptions) { o.BruteForceProtection = new(false) })
	w.ok(w.pipe.Minter.Keys.Ensure(ctx, w.st))
	w.setting(stagedoor.SettingSuspiciousIP, `{"enabled":false}`)
	empty := &stagedoor.Connection{Name: "Empty", Strategy: connection.StrategyDatabase, Options: stagedoor.ConnectionOptions{BruteForceProtection: new(false)}}
	w.ok(w.st.CreateConnection(ctx, empty))
	for _, id := range []string{empty.ID, w.conn.ID} {
		_, err := w.st.UpdateConnection(ctx, id, func(c *stagedoor.Connection) error { c.EnabledClients = []string{"app", "old"}; return nil })
		w.ok(err)
	}
	w.configure(func(s *stagedoor.TenantSettings) {
		s.Local.EmbeddedLogin, s.Flags = true, stagedoor.Flags{stagedoor.FlagLegacyRO: true}
	})
	w.ok(w.st.CreateClient(ctx, &stagedoor.Client{ID: "old", Name: "Old", TokenEndpointAuthMethod: "none", GrantTypes: []string{"http://auth0.com/oauth/legacy/grant-type/ro"}}))
	_, err := w.st.UpdateClient(ctx, "app", func(c *stagedoor.Client) error {
		c.GrantTypes = append(c.GrantTypes, "password", "http://auth0.com/oauth/grant-type/password-realm")
		c.Stored = map[string]json.RawMessage{"cross_origin_authentication": json.RawMessage("true")}
		return nil
	})
	w.ok(err)
	_, err = w.st.UpdateUser(ctx, w.user("bad@example.com").ID, func(u *stagedoor.User) error { u.Blocked = new(true); return nil })
	w.ok(err)
	plain := &stagedoor.User{Email: "bare@example.com"}
	w.ok(w.pipe.Database.Create(ctx, w.st, w.conn, plain, ""))
	quick := &stagedoor.User{Email: "md5@example.com"}
	w.ok(connection.Identify(w.conn, quick))
	w.ok(w.st.CreateUser(ctx, quick, `{"algorithm":"md5","hash":{"value":"00000000000000000000000000000000","encoding":"hex"}}`))
	second := w.user("second@example.com")
	_, err = w.st.LinkIdentity(ctx, w.found("ada@example.com").ID, second.Identities[0], true)
	w.ok(err)
}

// object writes pairs of names and values as JSON.
func object(pairs ...string) string {
	out := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		out[pairs[i]] = pairs[i+1]
	}
	b, _ := json.Marshal(out)
	return string(b)
}
