package stagedoortest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// rule makes the house's one rule run body, and signs its user in silently.
func (h *house) rule(b *browser, body string) url.Values {
	h.w.Helper()
	h.want(200, h.api("PATCH", "/rules/"+h.made["rules"], map[string]any{"script": "function (user, context, callback) {\n" + body + "\n}"}, nil))
	return h.w.callback(b.get("/authorize?" + h.request("prompt", "none").Encode()))
}

// said is what the rule left in the ID token.
func (h *house) said(b *browser, body string) any {
	h.w.Helper()
	v := h.rule(b, body)
	if v.Get("code") == "" {
		h.w.Errorf("the rule fails: %v", v)
		return nil
	}
	return claimsOf(h.w, h.redeem(v.Get("code")).ID)["https://x.example/said"]
}

// TestScriptsStayInside: a rule reaches nothing of the machine, of the network inside, or of another tenant.
func TestScriptsStayInside(t *testing.T) {
	var reached atomic.Int32
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer inside.Close()
	w := newWorld(t, storetest.SQLite)
	h, other := w.a, w.b
	b, _ := h.session()
	port := inside.URL[strings.LastIndexByte(inside.URL, ':'):]
	for _, target := range []string{
		inside.URL, "http://localhost" + port, "http://[::1]" + port, "http://[::ffff:127.0.0.1]" + port, "http://2130706433" + port, "http://0x7f.1" + port, "http://127.1" + port, "http://0" + port,
		"http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "http://100.100.100.200/", "http://10.0.0.1/", other.base + "/", "file:///etc/passwd", "gopher://127.0.0.1/", "unix:///tmp/x",
	} {
		said := h.said(b, fmt.Sprintf(`require('request')({url: %q, timeout: 2000}, function (err, res, body) {
			context.idToken['https://x.example/said'] = err ? 'refused' : 'reached ' + res.statusCode; callback(null, user, context); });`, target))
		if said != "refused" {
			t.Errorf("%s: %v", target, said)
		}
	}
	said := h.said(b, fmt.Sprintf(`const net = require('net'), tls = require('tls'), out = new Set();
		const hosts = ['127.0.0.1', 'localhost', '::1', '::ffff:127.0.0.1', '2130706433', '0x7f.1', '127.1', '0', '0.0.0.0', '169.254.169.254', 'fd00:ec2::254', 'fe80::1', '100.64.0.1', '10.0.0.1', '64:ff9b::7f00:1'];
		Promise.all(hosts.flatMap(host => [net, tls].map(way => new Promise(done => {
			const s = way.connect({host, port: %s, timeout: 2000});
			s.on('error', () => done(out.add('refused'))); s.on('connect', () => { s.destroy(); done(out.add('reached ' + host)); });
		})))).then(() => { context.idToken['https://x.example/said'] = [...out].join(); callback(null, user, context); });`, port[1:]))
	if said != "refused" {
		t.Errorf("by sockets: %v", said)
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("the server inside was reached %d times", n)
	}
	// Its own server it reaches, by its own domain, as anybody would.
	if said := h.said(b, fmt.Sprintf(`require('request')(%q, function (err, res, body) {
		context.idToken['https://x.example/said'] = err ? 'refused ' + err.message : 'reached ' + res.statusCode; callback(null, user, context); });`, h.base+"/api/v2/users")); said != "reached 401" {
		t.Errorf("its own server: %v", said)
	}
	other.unchanged("a rule", func() {
		for _, id := range []string{other.user, "auth0|nobody", "", "' OR 1=1 --"} {
			said := h.said(b, fmt.Sprintf(`auth0.users.updateUserMetadata(%q, {evil: true}).then(function () { return 'changed'; }, function () { return 'refused'; })
				.then(function (s) { context.idToken['https://x.example/said'] = s; callback(null, user, context); });`, id))
			if said != "refused" {
				t.Errorf("metadata of %q: %v", id, said)
			}
		}
	})
	for name, body := range map[string]string{
		"process": `typeof process === 'undefined' ? 'none' : JSON.stringify(process.env || {}).replace('{}', 'none')`,
		"fs":      `(function () { try { return String(require('fs').readFileSync('/etc/passwd')); } catch (e) { return 'none'; } })()`,
		"child":   `(function () { try { return String(require('child_process').execSync('id')); } catch (e) { return 'none'; } })()`,
		"path":    `(function () { try { return String(require('../../../etc/passwd')); } catch (e) { return 'none'; } })()`,
		"std":     `typeof std === 'undefined' && typeof os === 'undefined' ? 'none' : 'std'`,
		"master":  `JSON.stringify(configuration).indexOf('config-of-beta') < 0 && JSON.stringify(context).indexOf('secret') < 0 ? 'none' : 'found'`,
	} {
		if said := h.said(b, "context.idToken['https://x.example/said'] = "+body+"; callback(null, user, context);"); said != "none" {
			t.Errorf("%s: %v", name, said)
		}
	}
	// Nothing of a rule's is left for the next tenant's.
	h.said(b, `global.left = 'left by alpha'; Object.prototype.left = 'left by alpha'; Array.prototype.map = function () { return 'left by alpha'; }; callback(null, user, context);`)
	b2, _ := other.session()
	for range 4 {
		if said := other.said(b2, `context.idToken['https://x.example/said'] = String(global.left) + String(({}).left) + [1].map(String); callback(null, user, context);`); said != "undefinedundefined1" {
			t.Errorf("left behind: %v", said)
		}
	}
	// A rule cannot make itself another person, another client or another audience.
	v := h.rule(b, `user.user_id = 'auth0|evil'; user.sub = 'auth0|evil'; context.clientID = 'evil'; context.idToken.sub = 'auth0|evil'; context.idToken.aud = 'evil'; context.idToken.iss = 'https://evil.example/';
		context.accessToken.sub = 'auth0|evil'; context.accessToken.aud = 'https://evil.example/'; context.accessToken.gty = 'client-credentials'; context.accessToken.azp = 'evil'; callback(null, user, context);`)
	got := h.redeem(v.Get("code"))
	for _, raw := range []string{got.ID, got.Access} {
		claims := claimsOf(t, raw)
		if text, _ := json.Marshal(claims); strings.Contains(string(text), "evil") || claims["sub"] != h.user || claims["gty"] != nil {
			t.Errorf("claims: %s", text)
		}
	}
	// Endless rules end in a failed login, and others live on.
	for _, body := range []string{`for (;;) {}`, `var a = []; for (;;) a.push(new Array(100000).fill('x'));`, `(function f() { f(); })()`, `callback();callback();throw 1`, `throw null`, `/(a+)+$/.test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!')`} {
		start := time.Now()
		if v := h.rule(b, body); v.Get("error") == "" && !strings.HasPrefix(body, "callback") {
			t.Errorf("%s: %v", body, v)
		}
		if took := time.Since(start); took > 2*time.Minute {
			t.Errorf("%s took %v", body, took)
		}
		if v := w.callback(b2.get("/authorize?" + other.request("prompt", "none").Encode())); v.Get("code") == "" {
			t.Errorf("after %s the other tenant's login fails: %v", body, v)
		}
	}
}

// TestScriptsToken: auth0.accessToken reads and updates the tenant's users, and nothing else.
func TestScriptsToken(t *testing.T) {
	var token atomic.Value
	listener := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { token.Store(r.Header.Get("X-Token")) }))
	defer listener.Close()
	w := newWorld(t, storetest.SQLite, func(o *stagedoortest.Options) { o.Allow = []string{listener.Listener.Addr().String()} })
	h, other := w.a, w.b
	b, _ := h.session()
	h.said(b, fmt.Sprintf(`require('request')({url: %q, headers: {'X-Token': auth0.accessToken}}, function () { callback(null, user, context); });`, listener.URL))
	raw, _ := token.Load().(string)
	if claims := claimsOf(t, raw); claims["scope"] != "read:users update:users" {
		t.Fatalf("scopes %v", claims["scope"])
	}
	for _, route := range w.routes() {
		if !strings.HasPrefix(route.Pattern, "/api/v2/") || route.Pattern == "/api/v2/openapi.json" {
			continue
		}
		may := slices.ContainsFunc(route.Scopes, func(s string) bool { return s == "read:users" || s == "update:users" })
		target := h.path(route.Pattern, url.PathEscape(h.user))
		if route.Pattern == "/api/v2/users-by-email" {
			target += "?email=" + url.QueryEscape(h.mail)
		}
		body := any(nil)
		if route.Method != "GET" && route.Method != "DELETE" {
			body = map[string]any{"user_metadata": map[string]any{"by": "rule"}}
		}
		status := w.JSON(t, route.Method, h.base+target, raw, body, nil)
		if may && (status == 401 || status >= 500) || !may && status != 403 { // some need a second scope besides
			t.Errorf("%s %s with the scripts' token: %d", route.Method, route.Pattern, status)
		}
		if status := w.JSON(t, route.Method, other.base+target, raw, body, nil); status != 401 {
			t.Errorf("%s %s of the other tenant with the scripts' token: %d", route.Method, route.Pattern, status)
		}
	}
}
