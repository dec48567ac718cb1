package outbound

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var loopback = netip.MustParsePrefix("127.0.0.1/32")

func get(t *testing.T, client *http.Client, url string) (string, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

func serve(t *testing.T, handler http.HandlerFunc) (url, port string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	_, port, _ = net.SplitHostPort(server.Listener.Addr().String())
	return server.URL, port
}

func hello(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello ", r.Host) }

// names is a resolver that knows each name by a list of addresses.
func names(list map[string]string) func(context.Context, string) ([]netip.Addr, error) {
	return func(_ context.Context, host string) (addrs []netip.Addr, err error) {
		for text := range strings.FieldsSeq(list[host]) {
			addrs = append(addrs, netip.MustParseAddr(text))
		}
		return addrs, nil
	}
}

func TestAddresses(t *testing.T) {
	for text, want := range map[string]struct{ normal, private bool }{
		"8.8.8.8": {true, true}, "1.1.1.1": {true, true}, "172.32.0.1": {true, true}, "2606:4700::1111": {true, true}, "64:ff9b::808:808": {true, true},
		"::ffff:8.8.8.8": {true, true},

		"127.0.0.1": {false, true}, "127.9.9.9": {false, true}, "10.1.2.3": {false, true}, "172.16.0.1": {false, true}, "172.31.255.255": {false, true},
		"192.168.0.1": {false, true}, "100.64.0.1": {false, true}, "::1": {false, true}, "fc00::1": {false, true}, "fd12:3456::1": {false, true},
		"::ffff:127.0.0.1": {false, true}, "64:ff9b::7f00:1": {false, true},

		"169.254.169.254": {}, "169.254.170.2": {}, "::ffff:169.254.169.254": {}, "64:ff9b::a9fe:a9fe": {}, "100.100.100.200": {}, "168.63.129.16": {},
		"fd00:ec2::254": {}, "fe80::1": {}, "fe80::1%eth0": {}, "fec0::1": {}, "0.0.0.0": {}, "0.1.2.3": {}, "::": {}, "192.0.0.192": {}, "192.0.2.1": {},
		"198.18.0.1": {}, "203.0.113.1": {}, "224.0.0.1": {}, "239.255.255.250": {}, "240.0.0.1": {}, "255.255.255.255": {}, "ff02::1": {}, "2001::1": {},
		"2001:db8::1": {}, "2002:7f00:1::": {}, "::127.0.0.1": {}, "64:ff9b:1::1": {}, "100::1": {}, "5f00::1": {}, "4000::1": {},
	} {
		addr := netip.MustParseAddr(text)
		if got := (Config{}).allowed(addr); got != want.normal {
			t.Errorf("%s: allowed %v", text, got)
		}
		if got := (Config{AllowPrivate: true}).allowed(addr); got != want.private {
			t.Errorf("%s: allowed with private %v", text, got)
		}
	}
	if !(Config{Allow: prefixes("169.254.169.254/32")}).allowed(netip.MustParseAddr("::ffff:169.254.169.254")) {
		t.Error("Allow does not open")
	}
}

func TestLocalServerIsReachedOnlyWhenAllowed(t *testing.T) {
	base, port := serve(t, hello)
	resolve := names(map[string]string{"music.example": "127.0.0.1", "mixed.example": "169.254.169.254 127.0.0.1", "meta.example": "169.254.169.254", "nobody.example": ""})
	for name, tt := range map[string]struct {
		config Config
		url    string
		want   string // empty: refused
	}{
		"address":            {Config{}, base, ""},
		"name":               {Config{}, "http://music.example:" + port, ""},
		"mapped":             {Config{}, "http://[::ffff:127.0.0.1]:" + port, ""},
		"private allowed":    {Config{AllowPrivate: true}, base, "127.0.0.1:" + port},
		"network allowed":    {Config{Allow: []netip.Prefix{loopback}}, base, "127.0.0.1:" + port},
		"other network":      {Config{Allow: prefixes("127.0.0.2/32")}, base, ""},
		"host allowed":       {Config{AllowHosts: []string{"Music.example:" + port}}, "http://music.example:" + port, "music.example:" + port},
		"host, other port":   {Config{AllowHosts: []string{"music.example:1"}}, "http://music.example:" + port, ""},
		"host, by address":   {Config{AllowHosts: []string{"music.example:" + port}}, base, ""},
		"one allowed of two": {Config{AllowPrivate: true}, "http://mixed.example:" + port, "mixed.example:" + port},
		"metadata":           {Config{AllowPrivate: true}, "http://meta.example", ""},
	} {
		t.Run(name, func(t *testing.T) {
			tt.config.Resolve = resolve
			got, err := get(t, New(tt.config), tt.url)
			if tt.want == "" && !errors.Is(err, ErrForbidden) || tt.want != "" && got != "hello "+tt.want {
				t.Errorf("%q %v", got, err)
			}
		})
	}
	if _, err := get(t, New(Config{Resolve: resolve}), "http://nobody.example"); err == nil {
		t.Error("a name without address was reached")
	}
}

func TestRebindingGainsNothing(t *testing.T) {
	_, port := serve(t, hello)
	var asked atomic.Int32
	client := New(Config{Resolve: func(context.Context, string) ([]netip.Addr, error) {
		if asked.Add(1) == 1 {
			return []netip.Addr{netip.MustParseAddr("192.88.99.1")}, nil // refused as well, but as another address
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}})
	for range 3 {
		if body, err := get(t, client, "http://rebind.example:"+port); !errors.Is(err, ErrForbidden) {
			t.Errorf("%q %v", body, err)
		}
	}
	if asked.Load() != 3 {
		t.Errorf("three connections asked %d times", asked.Load())
	}

	// Allowed at the first answer: what is dialled is that answer, and nobody asks again.
	asked.Store(0)
	client = New(Config{Allow: []netip.Prefix{loopback}, Resolve: func(context.Context, string) ([]netip.Addr, error) {
		if asked.Add(1) == 1 {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.2")}, nil
	}})
	if body, err := get(t, client, "http://rebind.example:"+port); err != nil || asked.Load() != 1 {
		t.Errorf("%q %v, asked %d times", body, err, asked.Load())
	}
}

func TestRedirectsAreCheckedToo(t *testing.T) {
	_, port := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if target := r.URL.Query().Get("to"); target != "" {
			http.Redirect(w, r, target, http.StatusFound)
			return
		}
		hello(w, r)
	})
	client := New(Config{
		AllowHosts: []string{"door.example:" + port},
		Resolve:    names(map[string]string{"door.example": "127.0.0.1", "inside.example": "127.0.0.1"}),
	})
	to := func(target string) string { return "http://door.example:" + port + "/?to=" + url.QueryEscape(target) }
	if body, err := get(t, client, to("/hello")); err != nil || body != "hello door.example:"+port {
		t.Errorf("within: %q %v", body, err)
	}
	for _, target := range []string{"http://inside.example:" + port, "http://127.0.0.1:" + port, "http://[::1]:" + port, "http://169.254.169.254/latest/meta-data"} {
		if body, err := get(t, client, to(target)); !errors.Is(err, ErrForbidden) {
			t.Errorf("%s: %q %v", target, body, err)
		}
	}
	for _, target := range []string{"file:///etc/passwd", "gopher://door.example/"} {
		if body, err := get(t, client, to(target)); err == nil {
			t.Errorf("%s: %q", target, body)
		}
	}
}

func TestResponseIsLimited(t *testing.T) {
	var zipped bytes.Buffer
	zip := gzip.NewWriter(&zipped)
	_, _ = zip.Write(make([]byte, 1<<20))
	_ = zip.Close()
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/stream":
			for range 3 {
				_, _ = w.Write(make([]byte, 50))
				w.(http.Flusher).Flush()
			}
		case "/gzip":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(zipped.Bytes())
		case "/header":
			w.Header().Set("X-Large", strings.Repeat("x", 1<<20))
		default:
			_, _ = w.Write(make([]byte, len(r.URL.Path)-1))
		}
	})
	client := New(Config{AllowPrivate: true, MaxResponse: 100})
	for path, want := range map[string]error{
		"/": nil, "/" + strings.Repeat("a", 100): nil, "/" + strings.Repeat("a", 101): ErrTooLarge, "/stream": ErrTooLarge, "/gzip": ErrTooLarge,
	} {
		body, err := get(t, client, base+path)
		if !errors.Is(err, want) || len(body) > 100 {
			t.Errorf("%.20s: %d bytes, %v", path, len(body), err)
		}
	}
	if _, err := get(t, client, base+"/header"); err == nil {
		t.Error("large header accepted")
	}
}

func TestSlowServersAreLeft(t *testing.T) {
	done := make(chan struct{})
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			w.(http.Flusher).Flush()
		}
		<-done
	})
	defer close(done)
	client := New(Config{AllowPrivate: true, Timeout: 50 * time.Millisecond})
	for _, path := range []string{"/head", "/body"} {
		_, err := get(t, client, base+path) // the server answers when the test is over
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestProxy(t *testing.T) {
	base, port := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "proxied ", r.URL) })
	proxy, _ := url.Parse(base)
	client := New(Config{Proxy: proxy})
	if body, err := get(t, client, "http://music.example/songs"); err != nil || body != "proxied http://music.example/songs" {
		t.Errorf("%q %v", body, err)
	}
	for _, host := range []string{"127.0.0.1", "127.1", "0x7f000001", "2130706433", "[::1]", "localhost", "a.localhost", "LOCALHOST.", "169.254.169.254", "127.0.0.1.", "127.0.0.1:" + port} {
		if body, err := get(t, client, "http://"+host+"/"); !errors.Is(err, ErrForbidden) {
			t.Errorf("%s: %q %v", host, body, err)
		}
	}
}

// TestProxyIsAskedForNothingElse: what a host is called once it is mapped, as the transport does for the proxy, is what is looked at.
func TestProxyIsAskedForNothingElse(t *testing.T) {
	asked := make(chan string, 10)
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.Host
		w.WriteHeader(http.StatusBadGateway)
	})
	proxy, _ := url.Parse(base)
	client := New(Config{Proxy: proxy})
	for _, host := range []string{"１２７.0.0.1", "127。0。0。1", "169.254.169.２５４", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "a.ｌocalhost", "０x7f000001"} {
		if _, err := get(t, client, "https://"+host+"/"); !errors.Is(err, ErrForbidden) || len(asked) > 0 {
			t.Errorf("%s: %v", host, err)
		}
	}
	if _, err := get(t, client, "https://bücher.example/"); errors.Is(err, ErrForbidden) || len(asked) != 1 || <-asked != "CONNECT xn--bcher-kva.example:443" {
		t.Errorf("a name: %v", err)
	}
}

func TestEnvironmentIsNotRead(t *testing.T) {
	base, _ := serve(t, hello)
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	if New(Config{}).Transport.(*guard).next.(*http.Transport).Proxy != nil {
		t.Error("a proxy nobody configured")
	}
	if body, err := get(t, New(Config{AllowPrivate: true}), base); err != nil || !strings.HasPrefix(body, "hello") {
		t.Errorf("%q %v", body, err)
	}
}

func FuzzAllowed(f *testing.F) {
	f.Add([]byte{127, 0, 0, 1})
	f.Add(netip.MustParseAddr("64:ff9b::7f00:1").AsSlice())
	f.Fuzz(func(t *testing.T, data []byte) {
		addr, ok := netip.AddrFromSlice(data)
		if ok && (Config{}).allowed(addr) && (!addr.IsGlobalUnicast() || addr.Unmap().IsPrivate() || addr.Unmap().IsLoopback() || addr.Unmap().IsLinkLocalUnicast()) {
			t.Errorf("%s is allowed", addr)
		}
	})
}
