package stagedoortest_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// raw sends bytes as they are to the plain http port and returns the answer.
func (w *world) raw(request string) (status int, header http.Header, body string) {
	w.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(strings.Replace(w.HTTPURL, "localhost", "127.0.0.1", 1), "http://"))
	if err != nil {
		w.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(conn, request); err != nil {
		w.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, http.Header{}, err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp.StatusCode, resp.Header, err.Error()
	}
	return resp.StatusCode, resp.Header, string(b)
}

const discovery = "/.well-known/openid-configuration"

// TestHostGames: only names that a tenant has lead to it, and nothing that a stranger says of a proxy counts.
func TestHostGames(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		port := w.b.host[strings.LastIndexByte(w.b.host, ':'):]
		beta := "http://" + w.b.host + "/"
		for request, want := range map[string]string{
			"GET " + discovery + " HTTP/1.1\r\nHost: " + w.b.host:                                                beta,
			"GET " + discovery + " HTTP/1.1\r\nHost: " + strings.ToUpper(w.b.host):                               beta,
			"GET http://" + w.b.host + discovery + " HTTP/1.1\r\nHost: " + w.a.host:                              beta, // RFC 9112: the target wins
			"GET " + discovery + " HTTP/1.1\r\nHost: " + w.b.host + "\r\nX-Forwarded-Host: " + w.a.host:          beta,
			"GET " + discovery + " HTTP/1.1\r\nHost: " + w.b.host + "\r\nX-Forwarded-Proto: https":               beta,
			"GET " + discovery + " HTTP/1.1\r\nHost: " + w.b.host + "\r\nForwarded: host=" + w.a.host:            beta,
			"GET " + discovery + " HTTP/1.1\r\nHost: beta.localhost":                                             "",
			"GET " + discovery + " HTTP/1.1\r\nHost: beta.localhost:1":                                           "",
			"GET " + discovery + " HTTP/1.1\r\nHost: beta.localhost.":                                            "",
			"GET " + discovery + " HTTP/1.1\r\nHost: beta.localhost." + port:                                     "",
			"GET " + discovery + " HTTP/1.1\r\nHost: x.beta.localhost" + port:                                    "",
			"GET " + discovery + " HTTP/1.1\r\nHost: beta.localhost:0" + port[1:]:                                "",
			"GET " + discovery + " HTTP/1.1\r\nHost: " + w.b.host + "@evil.example":                              "",
			"GET " + discovery + " HTTP/1.1\r\nHost: evil.example@" + w.b.host:                                   "",
			"GET " + discovery + " HTTP/1.1\r\nHost: " + w.b.host + " ":                                          beta,
			"GET " + discovery + " HTTP/1.1\r\nHost: " + w.b.host + "\x00":                                       "",
			"GET " + discovery + " HTTP/1.1\r\nHost: \xff\xfe.localhost" + port:                                  "",
			"GET " + discovery + " HTTP/1.1\r\nHost: " + w.b.host + "\r\nHost: " + w.a.host:                      "",
			"GET " + discovery + " HTTP/1.1":                                                                     "",
			"GET " + discovery + " HTTP/1.0":                                                                     "",
			"GET " + discovery + " HTTP/1.1\r\nHost: ":                                                           "",
			"GET " + discovery + " HTTP/1.1\r\nHost: 127.0.0.1" + port:                                           "",
			"GET " + discovery + " HTTP/1.1\r\nHost: [::1]" + port:                                               "",
			"GET http://%ff%fe.localhost" + port + discovery + " HTTP/1.1\r\nHost: x":                            "",
			"GET http://" + strings.Repeat("a.", 2000) + "localhost" + port + discovery + " HTTP/1.1\r\nHost: x": "",
			"GET http://user:pw@" + w.b.host + discovery + " HTTP/1.1\r\nHost: x":                                beta,
			"GET //" + w.b.host + discovery + " HTTP/1.1\r\nHost: evil.localhost":                                "",
			"CONNECT " + w.b.host + " HTTP/1.1\r\nHost: " + w.b.host:                                             "",
			"GET http:" + discovery[1:] + " HTTP/1.1\r\nHost: " + w.b.host:                                       "",
			"GET * HTTP/1.1\r\nHost: " + w.b.host:                                                                "",
			"OPTIONS * HTTP/1.1\r\nHost: " + w.b.host:                                                            "",
		} {
			status, _, body := w.raw(request + "\r\nConnection: close\r\n\r\n")
			issued := strings.Contains(body, `"issuer":"`+want+`"`)
			switch {
			case status >= 500:
				t.Errorf("%q: %d %s", request, status, body)
			case want != "" && !issued, want == "" && (status == 200 && strings.Contains(body, "issuer") || strings.Contains(body, w.b.made["clients"])):
				t.Errorf("%q: %d %.200s", request, status, body)
			}
		}
		// Plain http under a name that is not this machine's: browsers are sent to https, credentials are refused.
		for _, host := range []string{"login.example", "login.example:80", "10.0.0.1", "127.0.0.1.evil.example", "localhost.evil.example", "notlocalhost"} {
			status, header, _ := w.raw("GET /u/login?state=x HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
			if to := header.Get("Location"); status != 308 || to != "https://"+strings.TrimSuffix(host, ":80")+"/u/login?state=x" {
				t.Errorf("http to %s: %d %q", host, status, to)
			}
			status, _, _ = w.raw(fmt.Sprintf("POST /oauth/token HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}", host))
			if status != 400 {
				t.Errorf("POST over http to %s: %d", host, status)
			}
		}
		for _, target := range []string{"http:@evil.example/", "http:%0d%0aX-Evil:1", "x:evil"} {
			status, header, _ := w.raw("GET " + target + " HTTP/1.1\r\nHost: login.example\r\nConnection: close\r\n\r\n")
			if to := header.Get("Location"); status >= 500 || to != "" && !strings.HasPrefix(to, "https://login.example/") {
				t.Errorf("GET %s is sent to %q (%d)", target, to, status)
			}
		}
	})
}

// TestTrustedProxies: behind a trusted proxy its last word counts, not what a client put before it.
func TestTrustedProxies(t *testing.T) {
	w := newWorld(t, storetest.SQLite, func(o *stagedoortest.Options) {
		o.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	})
	h := w.b
	issuer := func(headers ...string) string {
		a := w.send("GET", h.base+discovery, "", headers...)
		_, rest, _ := strings.Cut(a.body, `"issuer":"`)
		value, _, _ := strings.Cut(rest, `"`)
		return value
	}
	for want, headers := range map[string][]string{
		"https://" + h.host + "/":   {"X-Forwarded-Proto", "http, https"},
		"http://" + h.host + "/":    {"X-Forwarded-Proto", "https, http"},
		"http://" + w.a.host + "/":  {"X-Forwarded-Host", h.host + ", " + w.a.host},
		"http://" + w.a.host + "/ ": {"X-Forwarded-Host", h.host, "X-Forwarded-Host", w.a.host},
		"":                          {"X-Forwarded-Host", w.a.host + ", evil.localhost"},
	} {
		if got := issuer(headers...); got != strings.TrimSpace(want) {
			t.Errorf("%v: issuer %q, want %q", headers, got, want)
		}
	}
	ipOf := func(headers ...string) string {
		mark := fmt.Sprint("agent-", time.Now().UnixNano())
		w.send("GET", h.base+"/authorize", "", append(headers, "User-Agent", mark)...)
		var logs []map[string]any
		h.api("GET", "/logs?per_page=50", nil, &logs)
		for _, e := range logs {
			if e["user_agent"] == mark {
				return fmt.Sprint(e["ip"])
			}
		}
		return "no log"
	}
	for want, headers := range map[string][]string{
		"203.0.113.7": {"X-Forwarded-For", "1.1.1.1, 203.0.113.7"},
		"203.0.113.8": {"X-Forwarded-For", "1.1.1.1, 203.0.113.8, 10.1.2.3"},
		"203.0.113.9": {"X-Forwarded-For", "1.1.1.1", "X-Forwarded-For", "203.0.113.9"},
		"2001:db8::1": {"X-Forwarded-For", "8.8.8.8, 2001:db8::1"},
		"127.0.0.1":   {"X-Forwarded-For", "1.1.1.1, nonsense"},
		"10.1.2.3":    {"X-Forwarded-For", "<script>, 10.1.2.3"},

		"203.0.113.10":   {"X-Forwarded-For", "1.1.1.1, 203.0.113.10:5099"},
		"203.0.113.11":   {"X-Forwarded-For", "1.1.1.1:1, 203.0.113.11:5099, 10.1.2.3:443"},
		"2001:db8::2":    {"X-Forwarded-For", "[2001:db8::2]:443"},
		"2001:db8::3":    {"X-Forwarded-For", "[2001:db8::3]"},
		"2001:db8::4:99": {"X-Forwarded-For", "2001:db8::4:99"}, // not a port
	} {
		if got := ipOf(headers...); got != want {
			t.Errorf("%v: from %s, want %s", headers, got, want)
		}
	}
}

// TestStrangersAreNoProxy: without trusted proxies the headers count for nothing.
func TestStrangersAreNoProxy(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.send("GET", w.b.base+"/authorize", "", "X-Forwarded-For", "203.0.113.7", "X-Real-IP", "203.0.113.7", "Forwarded", "for=203.0.113.7", "User-Agent", "stranger")
	var logs []map[string]any
	w.b.api("GET", "/logs?per_page=50", nil, &logs)
	found := false
	for _, e := range logs {
		if e["user_agent"] == "stranger" {
			found = true
			if e["ip"] != "127.0.0.1" && e["ip"] != "::1" {
				t.Errorf("a stranger's address is %v", e["ip"])
			}
		}
	}
	if !found {
		t.Error("no log event")
	}
	// A credential over plain http to a public name stays refused, whatever the stranger says of TLS.
	a := w.send("POST", w.HTTPURL+"/oauth/token", "{}", "Host", "login.example", "X-Forwarded-Proto", "https", "Content-Type", "application/json")
	if a.StatusCode != 400 || !strings.Contains(a.body, "https") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}
