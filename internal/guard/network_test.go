package guard

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

func still() time.Time { return time.Unix(1000, 0) }

// TestOneNetworkOneLimit, the attack: whoever has an IPv6 network comes from another of its 2^64 addresses each time. No limit of an address lets them through more often
// than one address; the network beside it has limits of its own.
func TestOneNetworkOneLimit(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			st, ctx := storetest.Tenant(t, storetest.Open(t, kind, storetest.WithClock(still)), "acme"), t.Context()
			conn := &stagedoor.Connection{Name: "Users", Strategy: stagedoor.StrategyDatabase, Options: stagedoor.ConnectionOptions{BruteForceProtection: new(true)}}
			for name, limit := range map[string]struct {
				room int
				try  func(ip string) error
			}{
				"wrong passwords of one person": {10, func(ip string) error {
					return guess(ctx, Attempt{Store: st, Connection: conn, Identifier: "kim@x.test", IP: ip})
				}},
				"wrong passwords of many": {100, func(ip string) error {
					return guess(ctx, Attempt{Store: st, Connection: conn, Identifier: stagedoor.NewHexID(), IP: ip})
				}},
				"sign-ups":                        {50, func(ip string) error { return SignUp(ctx, st, ip) }},
				"codes":                           {50, func(ip string) error { return Code(ctx, st, ip) }},
				"mails for new passwords of many": {500, func(ip string) error { return Reset(ctx, st, ip, stagedoor.NewHexID()) }},
				"messages":                        {30, func(ip string) error { return Signer(ctx, st, ip) }},
				"tokens": {10, func(ip string) error {
					if err := Exchange(ctx, st, ip); err != nil {
						return err
					}
					return WrongToken(ctx, st, ip)
				}},
			} {
				network, beside := "2001:db8:77:1", "2001:db8:77:2"
				if name == "wrong passwords of one person" { // these fill the bucket of the address as well
					network, beside = "2001:db8:77:3", "2001:db8:77:4"
				}
				let := 0
				for i := range limit.room + 5 {
					err := limit.try(fmt.Sprintf("%s::%x", network, i+1))
					if err == nil {
						let++
					} else if !stagedoor.IsKind(err, stagedoor.TooMany) {
						t.Fatal(name, err)
					}
				}
				if let != limit.room {
					t.Errorf("%s: %d get through, want %d", name, let, limit.room)
				}
				if err := limit.try(beside + "::1"); err != nil {
					t.Errorf("%s, the network beside it: %v", name, err)
				}
			}

			blocked := func(ip string) bool {
				t.Helper()
				is, err := BlockedIP(ctx, st, ip)
				if err != nil {
					t.Fatal(err)
				}
				return is
			}
			if !blocked("2001:db8:77:1:abcd::7") || blocked("2001:db8:77:2::1") {
				t.Error("what is blocked is found by each address of the network, and by no other")
			}
			if err := UnblockIP(ctx, st, "2001:db8:77:1:abcd::8"); err != nil || blocked("2001:db8:77:1::1") {
				t.Errorf("unblocked by another address: %v", err)
			}
			if err := st.ChangeSetting(ctx, stagedoor.SettingBotDetection, func(kept map[string]any) error {
				kept["challenge_password_policy"] = "when_risky"
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			for ip, want := range map[string]bool{"2001:db8:77:3:abcd::9": true, "2001:db8:77:9::1": false} {
				if c, err := Challenged(ctx, st, FlowPassword, ip); err != nil || (c != nil) != want {
					t.Errorf("%s is challenged: %v %v", ip, c, err)
				}
			}
		})
	}
}

// guess is a login with a wrong password.
func guess(ctx context.Context, a Attempt) error {
	if err := Login(ctx, a); err != nil {
		return err
	}
	_, err := Failed(ctx, a)
	return err
}

// What networks begin is counted apart by what it is, and by the tenant that it is at.
func TestBeginningsAreCountedApart(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite, storetest.WithClock(still))
	st, other := storetest.Tenant(t, db, "acme"), storetest.Tenant(t, db, "other")
	n := &Networks{LoginRate: 1}
	for range NewVisitors.AtOnce {
		taken(t, "a session", n.Begin(st, "192.0.2.7", NewVisitors, 0))
	}
	refused(t, "one session more", n.Begin(st, "192.0.2.7", NewVisitors, 0))
	taken(t, "an end of a session", n.Begin(st, "192.0.2.7", Leavers, 0))
	taken(t, "another tenant's session", n.Begin(other, "192.0.2.7", NewVisitors, 0))
	taken(t, "another network's session", n.Begin(st, "192.0.2.8", NewVisitors, 0))
	for i := range loginsAtOnce / 2 {
		taken(t, fmt.Sprint("long login ", i), n.Begin(st, "192.0.2.7", Logins, Logins.Bytes))
	}
	refused(t, "one login more", n.Begin(st, "192.0.2.7", Logins, 0))
}

// The numbers that operators read are those that hold.
func TestBeginningsAreDocumented(t *testing.T) {
	guide, err := os.ReadFile("../../docs/guide/attack-protection.md")
	if err != nil {
		t.Fatal(err)
	}
	for what, a := range map[string]Allowance{
		"passkeys of apps": Passkeys, "codes of devices": Devices, "pushed requests": Pushes, "tokens of [visitors]": Visitors, "sessions of visitors": NewVisitors, "ends of them": Leavers,
		"runs of actions": Looks,
	} {
		row := regexp.MustCompile(`(?m)^\|[^|]*` + regexp.QuoteMeta(what) + `[^|]*\| ([0-9,]+) \| (\d+) \|$`).FindStringSubmatch(string(guide))
		if row == nil {
			t.Errorf("%s: the guide has no row of it", what)
		} else if got := strings.ReplaceAll(row[1], ",", "") + " " + row[2]; got != fmt.Sprint(a.AtOnce, " ", a.PerSecond) {
			t.Errorf("%s: the guide says %s, and it is %d %d", what, got, a.AtOnce, a.PerSecond)
		}
	}
}

// TestAllowListsNameAddresses: what is allowed is an address, or a network that is named, and not all that counts as one.
func TestAllowListsNameAddresses(t *testing.T) {
	st, ctx := storetest.Tenant(t, storetest.Open(t, storetest.SQLite, storetest.WithClock(still)), "acme"), t.Context()
	for _, name := range []string{stagedoor.SettingBruteForce, stagedoor.SettingSuspiciousIP} {
		err := st.ChangeSetting(ctx, name, func(kept map[string]any) error {
			kept["allowlist"] = []string{"2001:db8:77:1::5", "2001:db8:77:1:8000::/65"}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	a := Attempt{Store: st, Connection: &stagedoor.Connection{Name: "Users", Strategy: stagedoor.StrategyDatabase, Options: stagedoor.ConnectionOptions{BruteForceProtection: new(true)}}, Identifier: "kim@x.test"}
	for _, c := range []struct {
		ip      string
		allowed bool
	}{{"2001:db8:77:1::5", true}, {"2001:db8:77:1:8000::9", true}, {"2001:db8:77:1::6", false}, {"2001:db8:77:1::5", true}} {
		a.IP = c.ip
		var err error
		for range 11 {
			err = guess(ctx, a)
		}
		if (err == nil) != c.allowed {
			t.Errorf("%s: %v", c.ip, err)
		}
	}
}
