package stagedoortest_test

import (
	"encoding/base64"
	"strings"
	"sync"
	"testing"
)

// TestCodeAttacks: a code is good once, for who asked for it.
func TestCodeAttacks(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		h := w.a
		b, _ := h.session()
		code := func(more ...string) string {
			t.Helper()
			return w.callback(b.get("/authorize?" + h.request(more...).Encode())).Get("code")
		}
		confidential := []string{"client_id", h.site, "code_challenge", "", "code_challenge_method", ""}
		good := map[string]string{"grant_type": "authorization_code", "client_id": h.spa, "redirect_uri": callback, "code_verifier": verifier}
		call := func(code string, change ...string) tokens {
			t.Helper()
			body := []string{"code", code}
			all := map[string]string{}
			for k, v := range good {
				all[k] = v
			}
			for i := 0; i+1 < len(change); i += 2 {
				all[change[i]] = change[i+1]
			}
			for k, v := range all {
				if v != "-" {
					body = append(body, k, v)
				}
			}
			return h.tokenCall(body...)
		}
		for name, got := range map[string]tokens{
			"no verifier":            call(code(), "code_verifier", "-"),
			"another verifier":       call(code(), "code_verifier", strings.Repeat("x", 43)),
			"the challenge itself":   call(code(), "code_verifier", challenge()),
			"no redirect":            call(code(), "redirect_uri", "-"),
			"another redirect":       call(code(), "redirect_uri", "http://localhost:3000/cb"),
			"another client":         call(code(), "client_id", h.site, "client_secret", h.secret),
			"client without secret":  call(code(confidential...), "client_id", h.site, "code_verifier", "-"),
			"client, wrong secret":   call(code(confidential...), "client_id", h.site, "client_secret", h.oldSecret, "code_verifier", "-"),
			"verifier, no challenge": call(code(confidential...), "client_id", h.site, "client_secret", h.secret),
			"not a code":             call("x"),
			"code as refresh token":  h.refresh(code()),
		} {
			if got.status/100 != 4 || got.Access != "" {
				t.Errorf("%s: %+v", name, got)
			}
		}
		// Without a challenge a public client gets no code.
		for _, v := range [][]string{{"code_challenge", ""}, {"code_challenge", "", "code_challenge_method", ""}, {"code_challenge", "short"}, {"code_challenge_method", "none"}, {"code_challenge_method", "s256"}} {
			if got := w.callback(b.get("/authorize?" + h.request(v...).Encode())); got.Get("code") != "" || got.Get("error") == "" {
				t.Errorf("%v: %v", v, got)
			}
		}
		spoiled := code()
		call(spoiled, "code_verifier", strings.Repeat("x", 43))
		if got := call(spoiled); got.Error != "invalid_grant" {
			t.Errorf("a code that was tried with a wrong verifier: %+v", got)
		}

		replayed := code("audience", "")
		first := call(replayed)
		if first.status != 200 {
			t.Fatalf("%+v", first)
		}
		if got := call(replayed); got.Error != "invalid_grant" {
			t.Errorf("replay: %+v", got)
		}
		if got := h.refresh(first.Refresh); got.Error != "invalid_grant" {
			t.Errorf("the refresh token of a replayed code: %+v", got)
		}
		if a := w.send("GET", h.base+"/userinfo", "", "Authorization", "Bearer "+first.Access); a.StatusCode != 401 {
			t.Errorf("the access token of a replayed code: %d", a.StatusCode)
		}
	})
}

// TestRaces: of many that use a one-time value at the same moment one succeeds at most.
func TestRaces(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		h := w.a
		b, _ := h.session()
		const callers = 8
		race := func(use func() bool) (won int) {
			var mu sync.Mutex
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					if use() {
						mu.Lock()
						defer mu.Unlock()
						won++
					}
				})
			}
			wg.Wait()
			return won
		}
		for range 5 {
			code := w.callback(b.get("/authorize?" + h.request("audience", "").Encode())).Get("code")
			var mu sync.Mutex
			var winner tokens
			if won := race(func() bool {
				got := h.redeem(code)
				if got.status >= 500 {
					t.Errorf("a code's race: %+v", got)
				}
				if got.status == 200 {
					mu.Lock()
					defer mu.Unlock()
					winner = got
				}
				return got.status == 200
			}); won > 1 {
				t.Errorf("a code was redeemed %d times", won)
			}
			if winner.Refresh != "" { // the others replayed it
				if got := h.refresh(winner.Refresh); got.status == 200 {
					t.Error("a replayed code's refresh token works")
				}
				if a := w.send("GET", h.base+"/userinfo", "", "Authorization", "Bearer "+winner.Access); a.StatusCode != 401 {
					t.Errorf("a replayed code's access token works: %d", a.StatusCode)
				}
			}

			_, got := h.session()
			var next []string
			if won := race(func() bool {
				again := h.refresh(got.Refresh)
				if again.status >= 500 {
					t.Errorf("a refresh token's race: %+v", again)
				}
				mu.Lock()
				defer mu.Unlock()
				if again.status == 200 {
					next = append(next, again.Refresh)
				}
				return again.status == 200
			}); won > 1 {
				t.Errorf("a refresh token was used %d times", won)
			}
			for _, token := range append(next, got.Refresh) {
				if again := h.refresh(token); again.Error != "invalid_grant" {
					t.Errorf("a reused family: %+v", again)
				}
			}

			p := b.begin(h.request("prompt", "login"))
			b.post(p.action, p.fill("username", h.mail, "password", h.pwd))
			cookies := b.cookie()
			if won := race(func() bool {
				a := w.send("GET", h.base+"/authorize/resume?state="+p.state, "", "Cookie", cookies)
				if a.StatusCode >= 500 {
					t.Errorf("a login's race: %d", a.StatusCode)
				}
				return strings.HasPrefix(a.Header.Get("Location"), callback+"?") && strings.Contains(a.Header.Get("Location"), "code=")
			}); won != 1 {
				t.Errorf("a login ended %d times", won)
			}

			h.browser().post("/u/forgot", map[string][]string{"email": {h.mail}})
			ticket := h.ticket()
			h.pwd += "+"
			if won := race(func() bool {
				a := w.send("POST", h.base+"/u/reset-password?ticket="+ticket, "password="+strings.NewReplacer(" ", "+", "+", "%2B").Replace(h.pwd), "Content-Type", "application/x-www-form-urlencoded")
				if a.StatusCode >= 500 {
					t.Errorf("a ticket's race: %d %s", a.StatusCode, a.body)
				}
				return a.StatusCode == 200
			}); won != 1 {
				t.Errorf("a ticket was used %d times", won)
			}
			b, _ = h.session() // with the new password; the sessions before have ended
		}
	})
}

// TestClientAuthentication: a client proves itself in one way, with its own secret.
func TestClientAuthentication(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		h := w.a
		basic := func(id, secret string) string {
			return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
		}
		body := "grant_type=client_credentials&audience=" + audience
		for name, v := range map[string]struct {
			auth, more string
			want       int
		}{
			"good":                  {basic(h.site, h.secret), "", 200},
			"wrong":                 {basic(h.site, h.oldSecret), "", 401},
			"empty":                 {basic(h.site, ""), "", 401},
			"nobody":                {basic("nobody", "x"), "", 401},
			"NUL":                   {basic(h.site+"\x00", h.secret), "", 401},
			"NUL alone":             {basic("\x00", "\x00"), "", 401},
			"bad UTF-8":             {basic("\xff\xfe", h.secret), "", 401},
			"escaped NUL":           {basic("%00", h.secret), "", 401},
			"bad escape":            {basic("%zz", h.secret), "", 401},
			"two that differ":       {basic(h.site, h.secret), "&client_id=" + h.old, 400},
			"secret in two ways":    {basic(h.site, h.secret), "&client_secret=x", 400},
			"public client":         {basic(h.spa, ""), "", 403},
			"public, with a secret": {"", "&client_id=" + h.spa + "&client_secret=x", 401},
			"no client":             {"", "", 400},
			"twice":                 {"", "&client_id=" + h.site + "&client_id=" + h.site + "&client_secret=" + h.secret, 400},
			"more scope":            {basic(h.site, h.secret), "&scope=read:songs+write:songs", 403},
			"management":            {basic(h.site, h.secret), "&scope=read:users", 403},
		} {
			headers := []string{"Content-Type", "application/x-www-form-urlencoded"}
			if v.auth != "" {
				headers = append(headers, "Authorization", v.auth)
			}
			if a := w.send("POST", h.base+"/oauth/token", body+v.more, headers...); a.StatusCode != v.want {
				t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
			}
		}
	})
}
