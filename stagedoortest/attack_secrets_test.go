package stagedoortest_test

import (
	"encoding/json"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// TestSecretsStaySecret does what people and clients do, right and wrong, and then looks for what they presented: in the
// operator's log, in the tenant's log, in errors, and in the database.
func TestSecretsStaySecret(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	h := w.a
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(before) })
	secrets := map[string]string{"password": h.pwd, "client secret": h.secret, "old secret": h.oldSecret, "management token": h.token, "machine secret": w.Machine.Secret, "config": "config-of-alpha"}
	note := func(what, value string) string {
		t.Helper()
		if len(value) < 12 {
			t.Fatalf("%s: %q", what, value)
		}
		secrets[what] = value
		return value
	}
	var answers []*answer
	b := h.browser()
	p := b.begin(h.request("login_hint", h.mail))
	note("transaction", p.state)
	note("browser cookie", b.cookies["did"])
	answers = append(answers, b.post(p.action, p.fill("username", h.mail, "password", note("wrong password", "wrong-password-1234"))))
	code := note("code", h.w.callback(b.signIn(p)).Get("code"))
	note("session cookie", b.cookies["auth0"])
	got := h.redeem(code)
	note("access token", got.Access)
	note("ID token", got.ID)
	note("refresh token", got.Refresh)
	note("verifier", verifier)
	next := h.refresh(got.Refresh)
	note("next refresh token", next.Refresh)
	note("next access token", next.Access)
	opaque := h.redeem(note("second code", w.callback(b.get("/authorize?"+h.request("audience", "", "id_token_hint", got.ID).Encode())).Get("code")))
	note("opaque token", opaque.Access)
	waiting := b.begin(h.request("prompt", "login", "id_token_hint", got.ID))
	note("waiting transaction", waiting.state)
	implicit := w.callback(b.get("/authorize?" + h.request("client_id", h.old, "response_type", "token", "code_challenge", "", "code_challenge_method", "", "audience", "").Encode()))
	note("implicit token", implicit.Get("access_token"))
	b.post("/u/forgot", url.Values{"email": {h.mail}})
	ticket := note("ticket", h.ticket())
	answers = append(answers,
		w.send("GET", h.base+"/userinfo?x=1", "", "Authorization", "Bearer "+opaque.Access+"x"),
		w.send("GET", h.base+"/api/v2/users?token="+got.ID, "", "Authorization", "Bearer "+got.Access),
		w.send("PATCH", h.base+"/api/v2/users/"+url.PathEscape(h.user), `{"password":"`+note("weak password", "weakpassword")+`"}`, "Authorization", "Bearer "+h.token, "Content-Type", "application/json"),
		w.send("PATCH", h.base+"/api/v2/users/"+url.PathEscape(h.user), `{"password":{"x":"`+note("nested password", "nested-Password-12")+`"}}`, "Authorization", "Bearer "+h.token, "Content-Type", "application/json"),
		w.send("PATCH", h.base+"/api/v2/clients/"+h.site, `{"client_secret":"`+note("short secret", "short-secret!")+`"}`, "Authorization", "Bearer "+h.token, "Content-Type", "application/json"),
		w.send("POST", h.base+"/oauth/token", `{"grant_type":"refresh_token","client_id":"`+h.site+`","client_secret":"`+note("wrong secret", "wrong-client-secret-1234")+`","refresh_token":"`+got.Refresh+`"}`, "Content-Type", "application/json"),
		w.send("POST", h.base+"/oauth/token", `{"grant_type":"authorization_code","client_id":"`+h.spa+`","code":"`+code+`","code_verifier":"`+verifier+`"}`, "Content-Type", "application/json"),
		w.send("POST", h.base+"/oauth/token", "grant_type=x&client_id="+h.site+"&client_secret="+h.secret, "Content-Type", "application/x-www-form-urlencoded"),
		w.send("POST", h.base+"/dbconnections/signup", `{"client_id":"`+h.spa+`","connection":"`+connection+`","email":"`+h.mail+`","password":"`+note("signed up", "Signed-Up-99-Password")+`"}`, "Content-Type", "application/json"),
		w.send("POST", h.base+"/dbconnections/signup", `{"client_id":"`+h.spa+`","connection":"`+connection+`","email":"new@alpha.example","password":"`+note("signed up weak", "signedupweakly")+`"}`, "Content-Type", "application/json"),
		b.post("/u/reset-password?ticket="+ticket, url.Values{"password": {note("too weak", "tooweakpassword")}}),
		b.post("/u/reset-password?ticket="+ticket, url.Values{"password": {note("new password", "New-Password-77-of-ada")}}),
		b.get("/u/reset-password?ticket="+ticket),
		b.get("/u/email-verification?ticket="+ticket),
		b.get("/authorize/resume?state="+p.state),
		b.get("/oidc/logout?id_token_hint="+got.ID+"x"),
	)
	h.pwd = secrets["new password"]
	h.session()

	var logs []map[string]any
	h.api("GET", "/logs?per_page=100", nil, &logs)
	text, err := json.Marshal(logs)
	if err != nil || len(logs) < 15 {
		t.Fatalf("%d log events", len(logs))
	}
	answersText := ""
	for _, a := range answers {
		if a.StatusCode < 400 || strings.Contains(a.Header.Get("Content-Type"), "html") && a.Request.Method == "POST" {
			continue // a form that is shown again names its own transaction
		}
		answersText += a.body + "\n"
	}
	data := ""
	for _, name := range []string{"", "-wal", "-journal"} {
		data += readFile(t, w.database+name)
	}
	if !strings.Contains(data, h.user) {
		t.Fatal("the database is elsewhere")
	}
	operator := w.log.String()
	if !strings.Contains(operator, "/oauth/token") {
		t.Fatal("the operator's log is empty")
	}
	for what, secret := range secrets {
		forms := []string{secret, url.QueryEscape(secret), url.PathEscape(secret)}
		if parts := strings.Split(secret, "."); len(parts) == 3 {
			forms = append(forms, parts[2]) // the signature is enough
		}
		for where, text := range map[string]string{"operator's log": operator, "tenant's log": string(text), "errors": answersText, "database": data} {
			if where == "database" && what == "ticket" {
				continue // it stands in the mail of the development inbox
			}
			for _, form := range forms {
				if at := strings.Index(text, form); at >= 0 {
					t.Errorf("the %s is in the %s: …%.120q", what, where, text[max(0, at-60):])
					break
				}
			}
		}
	}
	for _, name := range []string{"", "-wal"} {
		if path := w.database + name; strings.Contains(readFile(t, path), "PRIVATE KEY") {
			t.Errorf("a private key in %s", filepath.Base(path))
		}
	}
}

// TestNobodyIsEnumerated: what strangers try tells them nothing of who is known, and costs the same work.
func TestNobodyIsEnumerated(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	h := w.a
	h.create("users", map[string]any{"connection": connection, "email": "blocked@alpha.example", "password": "Engine-No.4 blocked", "blocked": true})
	h.settings(map[string]any{"stagedoor": map[string]any{"development_inbox": false}}) // as in production, where mail does not keep anybody waiting
	known, unknown := h.mail, "bob@alpha.example"                                       // equally long
	for len(unknown) < len(known) {
		unknown = "b" + unknown
	}
	for len(known) < len(unknown) {
		unknown = unknown[1:]
	}
	b := h.browser()
	p := b.begin(h.request())
	asJSON := func(path, mail string, more string) *answer {
		return w.send("POST", h.base+path, `{"client_id":"`+h.spa+`","connection":"`+connection+`","email":"`+mail+`"`+more+`}`, "Content-Type", "application/json")
	}
	for name, try := range map[string]func(mail string) *answer{
		"login": func(mail string) *answer {
			return b.post(p.action, p.fill("username", mail, "password", "Wrong-Pass-99"))
		},
		"login, long": func(mail string) *answer {
			return b.post(p.action, p.fill("username", mail, "password", strings.Repeat("x", 5000)))
		},
		"forgot":          func(mail string) *answer { return b.post("/u/forgot", url.Values{"email": {mail}}) },
		"change_password": func(mail string) *answer { return asJSON("/dbconnections/change_password", mail, "") },
		"signup, weak":    func(mail string) *answer { return asJSON("/dbconnections/signup", mail, `,"password":"weak"`) },
	} {
		best := map[string]time.Duration{}
		bodies, statuses := map[string]string{}, map[string]int{}
		// A hash costs tens of milliseconds, everything else one or two; a busy machine slows any one try.
		apart := func(other string) bool {
			fast, slow := min(best[known], best[other]), max(best[known], best[other])
			return slow > 15*time.Millisecond && slow > 3*fast
		}
		for n := 0; n < 5 || n < 30 && (apart(unknown) || apart("blocked@alpha.example")); n++ {
			for _, mail := range []string{known, unknown, "blocked@alpha.example"} {
				start := time.Now()
				a := try(mail)
				if took := time.Since(start); best[mail] == 0 || took < best[mail] {
					best[mail] = took
				}
				bodies[mail], statuses[mail] = strings.ReplaceAll(strings.ReplaceAll(a.body, mail, "MAIL"), url.QueryEscape(mail), "MAIL"), a.StatusCode
			}
		}
		for _, other := range []string{unknown, "blocked@alpha.example"} {
			if bodies[known] != bodies[other] || statuses[known] != statuses[other] {
				t.Errorf("%s: %s tells apart: %d and %d", name, other, statuses[known], statuses[other])
			}
			if apart(other) {
				t.Errorf("%s: %v for a known person, %v for %s", name, best[known], best[other], other)
			}
		}
	}
	// A sign-up cannot hide that an address is taken, but it does not say so.
	if a := asJSON("/dbconnections/signup", known, `,"password":"Strong-Pass-99"`); a.StatusCode != 400 || !strings.Contains(a.body, "invalid_signup") {
		t.Errorf("signup: %d %s", a.StatusCode, a.body)
	}
}
