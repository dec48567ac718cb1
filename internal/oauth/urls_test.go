package oauth

import (
	"net/url"
	"strings"
	"testing"
)

func TestAllowedURL(t *testing.T) {
	registered := []string{
		"https://app.test/callback", "https://App.Test/Query?a=1&b=2", "http://localhost:3000", "myapp://cb", "com.app:/cb",
		"https://pr-*.preview.app.test/cb", "https://*.wild.test/cb", "https://*.com/cb", "https://app.test/*/cb", "my*app://x.test/cb",
		"javascript:alert(1)", "data:text/html,x", "https://*.two.*.test/cb", "http://127.0.0.1:3000/cb",
		"https://mixtape.test/callback", "https://kiosk.test/callback",
		"/relative", "https://app.test/with%20space", "https://app.test/back%5Cslash", "opaque:here", "https://rc-*-x.app.test/cb", "myapp://*.x.test/cb", "https://api.app.test/*",
	}
	for _, c := range []struct {
		url  string
		want bool
	}{
		{"https://app.test/callback", true},
		{"HTTPS://APP.test/callback", true},
		{"https://app.test/Query?a=1&b=2", true},
		{"http://localhost:3000", true},
		{"myapp://cb", true},
		{"com.app:/cb", true},
		{"https://pr-17.preview.app.test/cb", true},
		{"https://a.wild.test/cb", true},
		{"http://127.0.0.1:3000/cb", true},

		{"", false},
		{"/callback", false},
		{"//app.test/callback", false},
		{"/relative", false},
		{"opaque:here", true},
		{"opaque:there", false},
		{"https://rc-1-x.app.test/cb", true},
		{"http://app.test/callback", false},
		{"https://app.test/Callback", false},
		{"https://app.test/callback/", false},
		{"https://app.test/callback?x=1", false},
		{"https://app.test/callback?", false},
		{"https://app.test/Query?b=2&a=1", false},
		{"https://app.test/callback#", false},
		{"https://app.test/callback#x", false},
		{"https://app.test:444/callback", false},
		{"https://app.test:/callback", false},
		{"https://app.test:80/callback", false},
		{"http://localhost:3001", false},
		{"http://localhost:3000/", false},
		{"http://localhost", false},
		{"http://127.0.0.1:3001/cb", false},

		// who is in front of the host
		{"https://app.test@evil.test/callback", false},
		{"https://user:pass@app.test/callback", false},
		{"https://@app.test/callback", false},
		{"https://evil.test@app.test/callback", false},
		{"https://app.test%40evil.test/callback", false},
		{"https://app.test\\@evil.test/callback", false},
		{"https://evil.test\\.app.test/callback", false},
		{"https:\\\\app.test/callback", false},
		{"https:/app.test/callback", false},
		{"https:app.test/callback", false},
		{"https:///app.test/callback", false},
		{"https://app.test.evil.test/callback", false},
		{"https://evil-app.test/callback", false},
		{"https://app.test./callback", false},
		{"https://[::ffff:7f00:1]/callback", false},
		{"https://m\u0130xtape.test/callback", false}, // i with a dot: small in Go it is i, in a browser another host
		{"https://\u212aiosk.test/callback", false},   // the Kelvin sign: small it is k

		// the path
		{"https://app.test/callback/../evil", false},
		{"https://app.test/x/../callback", false},
		{"https://app.test/./callback", false},
		{"https://app.test//callback", false},
		{"https://app.test/callback%2f..%2fevil", false},
		{"https://app.test/%63allback", false},
		{"https://app.test/callback%00", false},
		{"https://app.test/callback;x", false},

		// what browsers drop
		{"https://app.test/with space", false},
		{"https://app.test/back\\slash", false},
		{"https://app.test/call\tback", false},
		{"https://app.test/call\nback", false},
		{"https://app.test/callback\r\nSet-Cookie: a=b", false},
		{" https://app.test/callback", false},
		{"https://app.test/callback ", false},
		{"https://app.test/callback\x00", false},
		{"\x01https://app.test/callback", false},

		// schemes that run something
		{"javascript:alert(1)", false},
		{"JavaScript:alert(1)", false},
		{"data:text/html,x", false},
		{"javascript://app.test/callback", false},
		{"vbscript:x", false},
		{"blob:https://app.test/callback", false},
		{"file:///etc/passwd", false},

		// wildcards
		{"https://pr-.preview.app.test/cb", false},
		{"https://pr-1.x.preview.app.test/cb", false},
		{"https://qr-1.preview.app.test/cb", false},
		{"https://pr-1.preview.app.test.evil.test/cb", false},
		{"https://pr-1.preview.app.test/cb/x", false},
		{"http://pr-1.preview.app.test/cb", false},
		{"https://wild.test/cb", false},
		{"https://.wild.test/cb", false},
		{"https://a.b.wild.test/cb", false},
		{"https://evilwild.test/cb", false},
		{"https://a.wild.test:8443/cb", false},
		{"https://evil.com/cb", false},
		{"https://app.test/x/cb", false},
		{"https://app.test/*/cb", false},
		{"https://*.wild.test/cb", false},
		{"myxapp://x.test/cb", false},
		{"https://a.two.b.test/cb", false},
		{"https://a.two.*.test/cb", false},
		{"https://rc-1-y.app.test/cb", false},
		{"myapp://a.x.test/cb", false},
		{"https://api2.app.test/stagedoor-wildcard", false},
		{"https://evil.test／.wild.test/cb", false},
		{"https://evil。a.wild.test/cb", false},
		{"https://a.w\u0130ld.test/cb", false}, // to browsers another host, which anybody may register
		{"https://w\u0130ld.wild.test/cb", false},
	} {
		if got := allowedURL(c.url, registered); got != c.want {
			t.Errorf("allowedURL(%q) = %t", c.url, got)
		}
	}
}

func TestAllowedReturn(t *testing.T) {
	registered := []string{"https://app.test/bye", "https://app.test/with?q=1", "https://*.app.test"}
	for candidate, want := range map[string]bool{
		"https://app.test/bye":                         true,
		"https://app.test/bye?x=1&y=2#z":               true,
		"https://app.test/bye#x?y":                     true,
		"https://app.test/with?q=2":                    true,
		"https://one.app.test":                         true,
		"https://one.app.test?@evil.test/":             true, // the host ends at the question mark
		"https://app.test/Bye":                         false,
		"https://app.test/bye/":                        false,
		"https://evil.test/?https://app.test/bye":      false,
		"https://evil.test/#https://app.test/bye":      false,
		"https://one.app.test\\?@evil.test/":           false,
		"https://one.app.test@evil.test":               false,
		"https://app.test/bye?x=\r\nSet-Cookie:%20a=b": false,
		"https://app.test/bye?x=\\":                    false,
		"javascript:alert(1)//https://app.test/bye":    false,
		"https://app.test/bye\u0000?":                  false,
		"":                                             false,
	} {
		if got := allowedReturn(candidate, registered); got != want {
			t.Errorf("allowedReturn(%q) = %t", candidate, got)
		}
	}
}

// FuzzAllowedURL wants that whatever is let through leads to a registered place, read by the book.
func FuzzAllowedURL(f *testing.F) {
	for _, s := range []string{"https://app.test/callback", "https://a.wild.test/cb", "https://app.test@evil.test/", "https://x\\@app.test/callback", "myapp://cb", "https://app.test/call\tback", "HTTPS://A.WILD.TEST/cb"} {
		f.Add(s)
	}
	registered := []string{"https://app.test/callback", "https://*.wild.test/cb", "myapp://cb"}
	f.Fuzz(func(t *testing.T, s string) {
		if !allowedURL(s, registered) {
			return
		}
		u, err := url.Parse(s)
		if err != nil || u.User != nil || u.Fragment != "" || strings.ContainsAny(s, "\\\r\n\t #") {
			t.Fatalf("%q was let through", s)
		}
		host := strings.ToLower(u.Host)
		wild := strings.HasSuffix(host, ".wild.test") && strings.Count(host, ".") == 2 && u.Path == "/cb"
		if !(host == "app.test" && u.Path == "/callback" || wild || strings.ToLower(u.Scheme) == "myapp" && host == "cb") || u.RawQuery != "" {
			t.Fatalf("%q was let through", s)
		}
		for _, r := range s {
			if r > 0x7e || r <= ' ' {
				t.Fatalf("%q was let through", s)
			}
		}
	})
}
