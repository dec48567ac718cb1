package stagedoortest_test

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

const aclPath = "/.well-known/openid-configuration"

// acl puts a list of the tenant's in the place of the one before.
func (h *house) acl(rule string) int {
	h.w.Helper()
	var old []struct {
		ID string `json:"id"`
	}
	h.want(200, h.api("GET", "/network-acls", nil, &old))
	for _, acl := range old {
		h.want(200, h.api("DELETE", "/network-acls/"+acl.ID, nil, nil))
	}
	return h.api("POST", "/network-acls", json.RawMessage(`{"description":"d","active":true,"rule":`+rule+`}`), nil)
}

// program is an HTTP client that says hello in a way of its own.
func (w *world) program(change func(*tls.Config), h2 bool) *http.Client {
	w.Helper()
	transport := w.Client.Transport.(*http.Transport).Clone()
	transport.ForceAttemptHTTP2 = h2
	change(transport.TLSClientConfig)
	w.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: w.Client.CheckRedirect}
}

func (w *world) status(c *http.Client, target string, headers ...string) int {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), "GET", target, nil)
	if err != nil {
		w.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	a, err := c.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	a.Body.Close()
	return a.StatusCode
}

type seenLog struct {
	Type     string            `json:"type"`
	Agent    string            `json:"user_agent"`
	Security map[string]string `json:"security_context"`
	Details  map[string]any    `json:"details"`
}

// seen is what the log tells of the program that called itself so.
func (h *house) seen(agent string) map[string]string {
	h.w.Helper()
	var logs []seenLog
	h.want(200, h.api("GET", "/logs?per_page=100", nil, &logs))
	for _, e := range logs {
		if e.Agent == agent {
			return e.Security
		}
	}
	h.w.Fatalf("no event of %s", agent)
	return nil
}

// TestFingerprints: how a program says hello over TLS is known to network access lists, actions and logs.
func TestFingerprints(t *testing.T) {
	eachWorldWith(t, func(*stagedoortest.Options) {}, func(t *testing.T, w *world) {
		h := *w.a
		h.base, h.host = w.HTTPSURL, w.Domain
		target := w.HTTPSURL + aclPath
		plain := w.program(func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }, false)
		modern := w.program(func(*tls.Config) {}, true)
		aged := w.program(func(c *tls.Config) {
			c.MaxVersion = tls.VersionTLS12
			c.CipherSuites = []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
			c.CurvePreferences = []tls.CurveID{tls.CurveP256}
		}, false)

		if status := h.acl(`{"action":{"log":true},"match":{"hostnames":["` + w.Domain + `"]},"scope":"authentication"}`); status != 201 {
			t.Fatal(status)
		}
		prints := map[string]map[string]string{}
		for name, c := range map[string]*http.Client{"plain": plain, "modern": modern, "aged": aged} {
			for range 2 { // the second time over the same connection
				// What a stranger says of itself counts for nothing.
				if got := w.status(c, target, "User-Agent", name, "Cf-Ja4", "t13d1516h2_8daaf6152771_e5627efa2ab1"); got != 200 {
					t.Fatalf("%s: %d", name, got)
				}
			}
			prints[name] = h.seen(name)
		}
		sum := sha256.Sum256([]byte("c02b,c02f"))
		for name, want := range map[string]string{"plain": "t13d03", "modern": "t13d", "aged": "t12d02"} {
			if got := prints[name]; !strings.HasPrefix(got["ja4"], want) || len(got["ja3"]) != 32 {
				t.Errorf("%s is %v, want %s…", name, got, want)
			}
		}
		if got := prints["aged"]["ja4"]; got[8:10] != "00" || strings.Split(got, "_")[1] != hex.EncodeToString(sum[:6]) {
			t.Errorf("the ciphers of %s are not c02b,c02f", got)
		}
		if got := prints["modern"]["ja4"]; got[8:10] != "h2" {
			t.Errorf("%s does not speak HTTP/2", got)
		}

		expect := func(rule string, plainly, modernly, agedly, unknown int) {
			t.Helper()
			if status := h.acl(rule); status != 201 {
				t.Fatalf("%s: %d", rule, status)
			}
			got := []int{w.status(plain, target), w.status(modern, target), w.status(aged, target), w.status(w.Client, w.HTTPURL+aclPath)}
			if want := []int{plainly, modernly, agedly, unknown}; fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: %v, want %v", rule, got, want)
			}
		}
		list := func(action, on, kind, value string) string {
			return fmt.Sprintf(`{"action":{%q:true},%q:{"%s_fingerprints":["x",%q]},"scope":"authentication"}`, action, on, kind, value)
		}
		for _, kind := range []string{"ja3", "ja4"} {
			aged := prints["aged"][kind]
			expect(list("block", "match", kind, aged), 200, 200, 403, 200)
			expect(list("block", "not_match", kind, aged), 403, 403, 200, 403)
			expect(list("block", "match", kind, strings.ToUpper(prints["modern"][kind])), 200, 403, 200, 200)
			expect(list("block", "match", kind, aged[:8]), 200, 200, 200, 200)
		}
		both := fmt.Sprintf(`{"action":{"block":true},"match":{"ja3_fingerprints":[%q],"ja4_fingerprints":[%q]},"scope":"authentication"}`, prints["aged"]["ja3"], prints["plain"]["ja4"])
		expect(both, 200, 200, 200, 200)
		var logs []seenLog
		h.want(200, h.api("GET", "/logs?per_page=100", nil, &logs))
		blocked := 0
		for _, e := range logs {
			if acl, is := e.Details["acl"].(map[string]any); e.Type == "acls_summary" && is && acl["action"] == "blocked" && e.Security["ja4"] == prints["aged"]["ja4"] {
				blocked++
			}
		}
		if blocked != 2 {
			t.Errorf("the log tells of %d refusals", blocked)
		}

		// Actions see it, whoever logs in.
		action := h.create("actions/actions", map[string]any{
			"name": "Hello", "supported_triggers": []map[string]any{{"id": "post-login", "version": "v3"}},
			"code": `exports.onExecutePostLogin = async (event, api) => { api.idToken.setCustomClaim('https://x.example/said', event.security_context || 'nothing'); };`,
		})
		h.want(200, h.api("POST", "/actions/actions/"+action["id"].(string)+"/deploy", nil, nil))
		h.want(200, h.api("PATCH", "/actions/triggers/post-login/bindings", map[string]any{"bindings": []map[string]any{
			{"ref": map[string]any{"type": "action_id", "value": action["id"]}, "display_name": "Hello"},
		}}, nil))
		b := h.browser()
		b.agent = "the browser"
		b.login(h.request())
		said, _ := h.said(b, "callback(null, user, context);").(map[string]any)
		logged := h.seen("the browser")
		if said["ja4"] != logged["ja4"] || said["ja3"] != logged["ja3"] || !strings.HasPrefix(logged["ja4"], "t13d") {
			t.Errorf("an action sees %v, the log %v", said, logged)
		}
		h.base, h.host = w.a.base, w.a.host
		b = h.browser()
		b.agent = "in the clear"
		b.login(h.request())
		if said, logged := h.said(b, "callback(null, user, context);"), h.seen("in the clear"); said != "nothing" || logged != nil {
			t.Errorf("without TLS an action sees %v, the log %v", said, logged)
		}
	})
}

// TestFingerprintsOfProxies: behind a proxy that is trusted, it tells.
func TestFingerprintsOfProxies(t *testing.T) {
	const ja3, ja4 = "ada70206e40642a3e4461f35503241d5", "t13d1516h2_8daaf6152771_e5627efa2ab1"
	w := newWorld(t, storetest.SQLite, func(o *stagedoortest.Options) {
		o.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		o.Configure = func(c *config.Config) { c.JA3Header, c.JA4Header = "cf-ja3-hash", "CloudFront-Viewer-JA4-Fingerprint" }
	})
	h := *w.a
	h.base, h.host = w.HTTPSURL, w.Domain
	target := w.HTTPSURL + aclPath
	for rule, rows := range map[string][]struct {
		want    int
		headers []string
	}{
		`{"action":{"block":true},"match":{"ja3_fingerprints":["` + ja3 + `"]},"scope":"authentication"}`: {
			{403, []string{"Cf-Ja3-Hash", ja3}},
			{403, []string{"Cf-Ja3-Hash", " " + strings.ToUpper(ja3)}},
			{200, nil},
			{200, []string{"Cf-Ja3-Hash", ja3, "Cf-Ja3-Hash", ja3}},
			{200, []string{"Cf-Ja3-Hash", ja3 + "," + ja3}},
			{200, []string{"Cf-Ja4", ja3}},
		},
		`{"action":{"block":true},"not_match":{"ja4_fingerprints":["` + ja4 + `"]},"scope":"authentication"}`: {
			{200, []string{"Cloudfront-Viewer-Ja4-Fingerprint", ja4}},
			{403, []string{"Cloudfront-Viewer-Ja4-Fingerprint", ja4[:10]}},
			{403, []string{"Cloudfront-Viewer-Ja4-Fingerprint", strings.Replace(ja4, "8d", "9d", 1)}},
			{403, []string{"Cloudfront-Viewer-Ja4-Fingerprint", strings.Repeat("t", 5000)}},
			{403, nil},
		},
	} {
		if status := h.acl(rule); status != 201 {
			t.Fatalf("%s: %d", rule, status)
		}
		for i, row := range rows {
			if got := w.status(w.Client, target, row.headers...); got != row.want {
				t.Errorf("%s, row %d: %d, want %d", rule, i, got, row.want)
			}
		}
	}
	h.acl(`{"action":{"log":true},"match_all":true,"scope":"authentication"}`)
	w.status(w.Client, target, "User-Agent", "told", "Cf-Ja3-Hash", ja3, "Cloudfront-Viewer-Ja4-Fingerprint", ja4)
	w.status(w.Client, target, "User-Agent", "untold")
	w.status(w.Client, target, "User-Agent", "half", "Cf-Ja3-Hash", "x", "Cloudfront-Viewer-Ja4-Fingerprint", ja4)
	for agent, want := range map[string]string{"told": "map[ja3:" + ja3 + " ja4:" + ja4 + "]", "untold": "map[]", "half": "map[ja4:" + ja4 + "]"} {
		if got := fmt.Sprint(h.seen(agent)); got != want {
			t.Errorf("the log tells of %s %s, want %s", agent, got, want)
		}
	}
}

// TestFingerprintsNobodyTells: a list that cannot be enforced is not taken.
func TestFingerprintsNobodyTells(t *testing.T) {
	w := newWorld(t, storetest.SQLite, func(o *stagedoortest.Options) {
		o.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		o.Configure = func(c *config.Config) { c.JA4Header = "cf-ja4" }
	})
	for rule, want := range map[string]int{
		`"match":{"ja4_fingerprints":["x"]}`: 201, `"match":{"ja3_fingerprints":["x"]}`: 501, `"not_match":{"ja3_fingerprints":["x"]}`: 501, `"match":{"auth0_managed":["auth0.tor"]}`: 501,
	} {
		if got := w.a.acl(`{"action":{"block":true},` + rule + `,"scope":"management"}`); got != want {
			t.Errorf("%s: %d, want %d", rule, got, want)
		}
	}
	var said map[string]any
	w.a.api("POST", "/network-acls", json.RawMessage(`{"description":"d","active":true,"rule":{"action":{"block":true},"match":{"ja3_fingerprints":["x"]},"scope":"tenant"}}`), &said)
	if said["message"] != "An active network access list with ja3_fingerprints, which no proxy tells this server (--ja3-header), is not supported by this server." {
		t.Errorf("%v", said)
	}
}
