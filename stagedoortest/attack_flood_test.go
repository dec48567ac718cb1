package stagedoortest_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// TestStrangersDoNotFillTheLog: whatever somebody without credentials sends again and again, the log takes so much of a type in a minute, and of what is long the beginning.
func TestStrangersDoNotFillTheLog(t *testing.T) {
	now := time.Now().Truncate(time.Minute)
	w := newWorld(t, storetest.SQLite, func(o *stagedoortest.Options) { o.Clock = func() time.Time { return now } })
	h := w.a
	app := h.create("clients", map[string]any{"name": "App", "app_type": "native", "oidc_conformant": true, "callbacks": []string{callback}, "grant_types": []string{
		"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code", "urn:okta:params:oauth:grant-type:webauthn",
	}})["client_id"].(string)
	h.want(204, h.api("PATCH", "/connections/"+h.made["connections"]+"/clients", []map[string]any{{"client_id": app, "status": true}}, nil))
	h.want(200, h.api("PATCH", "/connections/"+h.made["connections"], map[string]any{"options": map[string]any{"authentication_methods": map[string]any{"passkey": map[string]any{"enabled": true}, "password": map[string]any{"enabled": true}}}}, nil))
	const (
		form  = "application/x-www-form-urlencoded"
		js    = "application/json"
		times = 120
	)
	for _, row := range []struct{ method, path, body, kind string }{ // N is the number of the request
		{"GET", "/authorize?" + h.request("prompt", "none").Encode(), "", ""},
		{"GET", "/authorize?" + h.request("client_id", "nobody").Encode(), "", ""},
		{"POST", "/oauth/token", "grant_type=authorization_code&client_id=nobody&code=x", form},
		{"POST", "/oauth/token", "grant_type=refresh_token&client_id=" + h.spa + "&refresh_token=N", form},
		{"POST", "/oauth/token", "grant_type=client_credentials&client_id=" + h.site + "&client_secret=N", form},
		{"POST", "/oauth/device/code", "client_id=nobody", form},
		{"POST", "/oauth/par", "client_id=nobody", form},
		{"POST", "/passkey/challenge", `{"client_id":"` + app + `"}`, js},
		{"POST", "/dbconnections/signup", `{"client_id":"` + h.spa + `","connection":"` + connection + `","email":"nN@x.example","password":"x"}`, js},
		{"POST", "/dbconnections/signup", `{"client_id":"` + h.spa + `","connection":"` + connection + `","email":"nN@x.example","password":"x"}`, js},
		{"POST", "/dbconnections/change_password", `{"client_id":"` + h.spa + `","connection":"` + connection + `","email":"nN@x.example"}`, js},
		{"POST", "/dbconnections/change_password", `{"client_id":"` + h.spa + `","connection":"` + connection + `","email":"` + h.mail + `"}`, js},
		{"POST", "/co/authenticate", `{"client_id":"` + h.spa + `","credential_type":"password","realm":"` + connection + `","username":"nN@x.example","password":"x"}`, js},
		{"POST", "/anonymous/token", `{"client_id":"nobody"}`, js},
		{"POST", "/bc-authorize", "client_id=nobody", form},
		{"POST", "/oidc/register", `{"redirect_uris":["https://x.example/N"]}`, js},
		{"POST", "/oauth/global-token-revocation/connection/x", `{"subject":{"format":"opaque","id":"x"}}`, js},
		{"GET", "/v2/logout?returnTo=https://evil.example", "", ""},
		{"GET", "/login/callback?state=x&code=y", "", ""},
		{"GET", "/samlp/" + h.site + "?SAMLRequest=x", "", ""},
		{"GET", "/wsfed/" + h.site + "?wa=wsignin1.0&wtrealm=x", "", ""},
		{"GET", "/activate?user_code=NNNN-NNNN", "", ""},
		{"GET", "/u/login?state=N", "", ""},
		{"GET", "/u/reset?ticket=N", "", ""},
		{"GET", "/continue?state=N", "", ""},
	} {
		for i := range times {
			n := fmt.Sprint(i)
			w.send(row.method, h.base+strings.ReplaceAll(row.path, "N", n), strings.ReplaceAll(row.body, "N", n), "Content-Type", row.kind)
		}
	}
	long := strings.Repeat("a", 60_000)
	for _, row := range []struct{ method, path, body, kind string }{
		{"GET", "/v2/logout?returnTo=https://evil.example/" + long, "", ""},
		{"GET", "/v2/logout?client_id=" + long, "", ""},
		{"GET", "/authorize?client_id=" + long, "", ""},
		{"GET", "/authorize?" + h.request("scope", long, "prompt", "none").Encode(), "", ""},
		{"GET", "/authorize?" + h.request("connection", long, "prompt", "none").Encode(), "", ""},
		{"POST", "/oauth/token", "grant_type=" + long + "&client_id=" + h.spa, form},
		{"POST", "/dbconnections/signup", `{"client_id":"` + h.spa + `","connection":"` + connection + `","email":"` + long + `@x.example","password":"x"}`, js},
		{"POST", "/dbconnections/change_password", `{"client_id":"` + h.spa + `","connection":"` + connection + `","email":"` + long + `"}`, js},
	} {
		now = now.Add(time.Hour) // for whom there is room again
		w.send(row.method, h.base+row.path, row.body, "Content-Type", row.kind, "User-Agent", strings.Repeat("u", 10_000))
	}
	now = now.Add(time.Minute)
	h.want(200, h.api("GET", "/logs", nil, nil)) // it writes what is queued
	db, err := sql.Open("sqlite", "file:"+w.database+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var longest int
	var of string
	if err := db.QueryRowContext(t.Context(), "SELECT type, MAX(LENGTH(doc)) FROM logs WHERE type NOT IN ('sapi', 'seccft')").Scan(&of, &longest); err != nil || longest > 16<<10 {
		t.Errorf("%d bytes of %s: %v", longest, of, err)
	}
	rows, err := db.QueryContext(t.Context(), "SELECT type, COUNT(*) FROM logs GROUP BY type")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	full := 0
	for rows.Next() {
		var kind string
		var n int
		if err := rows.Scan(&kind, &n); err != nil {
			t.Fatal(err)
		}
		if n > 105 { // with the long ones
			t.Errorf("%d of %s", n, kind)
		}
		if n >= 100 {
			full++
		}
	}
	if err := rows.Err(); err != nil || full < 10 {
		t.Errorf("%d types are full: %v", full, err)
	}
}
