package netlist

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLists(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "auth0.tor.txt"), "# exits\n\n192.0.2.7\n198.51.100.0/24 # a whole one\n198.51.100.128/25\n2001:db8::/32\n::ffff:203.0.113.9\n")
	write(t, filepath.Join(dir, "auth0.icloud_relay_proxy.csv"), "\ufeff172.224.224.0/27,GB,GB-EN,London,\r\n2a02:26f7::/64,FR,FR-IDF,Paris,\r\n0.0.0.0/32,,,,\n")
	write(t, filepath.Join(dir, "README.md"), "no list")
	l, err := Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if got := l.Names(); !slices.Equal(got, []string{"auth0.icloud_relay_proxy", "auth0.tor"}) {
		t.Errorf("lists %v", got)
	}
	for ip, want := range map[string]string{
		"192.0.2.7": "auth0.tor", "192.0.2.6": "", "192.0.2.8": "", "198.51.100.0": "auth0.tor", "198.51.100.255": "auth0.tor", "198.51.101.0": "", "198.51.99.255": "", "2001:db8::1": "auth0.tor",
		"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff": "auth0.tor", "2001:db9::": "", "203.0.113.9": "auth0.tor", "::ffff:203.0.113.9": "auth0.tor", "172.224.224.31": "auth0.icloud_relay_proxy", "172.224.224.32": "",
		"2a02:26f7::1": "auth0.icloud_relay_proxy", "2a02:26f7:0:1::": "", "0.0.0.0": "auth0.icloud_relay_proxy", "::": "", "255.255.255.255": "", "nobody": "", "": "",
	} {
		if got := strings.Join(l.Of(ip), " "); got != want {
			t.Errorf("%s is in %q, want %q", ip, got, want)
		}
	}
	if n := testing.AllocsPerRun(10, func() { l.Names() }); n > 0 {
		t.Errorf("the names are put in order again with each request: %v allocations", n)
	}
	write(t, filepath.Join(dir, "anonymous.txt"), "192.0.2.9\n")
	if l.Renew(); !slices.Equal(l.Names(), []string{"anonymous", "auth0.icloud_relay_proxy", "auth0.tor"}) {
		t.Errorf("lists %v", l.Names())
	}
	var none *Lists
	if none.Renew(); none.Of("192.0.2.7") != nil || none.Names() != nil {
		t.Error("no lists know an address")
	}
}

func TestRenew(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "auth0.tor.txt")
	write(t, path, "192.0.2.7\n")
	var said strings.Builder
	l, err := Open(dir, slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	see := func(when, ip string, in bool) {
		t.Helper()
		l.Renew()
		if got := len(l.Of(ip)) > 0; got != in {
			t.Errorf("%s: %s is in: %v", when, ip, got)
		}
	}
	change := func(text string) {
		now = now.Add(time.Minute)
		write(t, path, text)
		if err := os.Chtimes(path, now, now); err != nil {
			t.Fatal(err)
		}
	}
	change("192.0.2.8\n")
	see("replaced", "192.0.2.8", true)
	change("192.0.2.9\nno network\n")
	see("broken", "192.0.2.8", true)
	see("broken", "192.0.2.9", false)
	if n := strings.Count(said.String(), "level=ERROR"); n != 1 || !strings.Contains(said.String(), "line 2 is no address") {
		t.Errorf("told %d times: %s", n, said.String())
	}
	change("192.0.2.9\n")
	see("mended", "192.0.2.9", true)
	write(t, filepath.Join(dir, "auth0.vpn.txt"), "192.0.2.10\n")
	see("another", "192.0.2.10", true)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	see("gone", "192.0.2.9", false)
}

func TestRefused(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	if _, err := Open(filepath.Join(t.TempDir(), "none"), log); err == nil {
		t.Error("a directory that is not there is read")
	}
	for text, want := range map[string]string{"192.0.2.0/33": "line 1", "a\n": "line 1", "192.0.2.1\n\n300.0.0.1": "line 3", "192.0.2.1-192.0.2.9": "line 1"} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "x.txt"), text)
		if _, err := Open(dir, log); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "x.txt") {
			t.Errorf("%q: %v", text, err)
		}
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "x.txt"), "")
	write(t, filepath.Join(dir, "x.csv"), "")
	if _, err := Open(dir, log); err == nil || !strings.Contains(err.Error(), "are one list") {
		t.Errorf("two files of one list: %v", err)
	}
}

// FuzzParse: whatever a file holds, each of its networks is found, and no memory but that of its lines is taken.
func FuzzParse(f *testing.F) {
	f.Add("192.0.2.0/24\n2001:db8::1,x\n#\n")
	f.Add("0.0.0.0/0\n::/0\n255.255.255.255\n")
	f.Fuzz(func(t *testing.T, text string) {
		ranges, err := parse(strings.NewReader(text))
		if err != nil {
			return
		}
		for i, s := range ranges {
			if s.last.Compare(s.first) < 0 || i > 0 && s.first.Compare(ranges[i-1].last) <= 0 && s.first.Is4() == ranges[i-1].first.Is4() {
				t.Fatalf("%v", ranges)
			}
		}
	})
}
