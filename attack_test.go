package stagedoor_test

import (
	"testing"

	"github.com/stagedoor/stagedoor"
)

func TestNetwork(t *testing.T) {
	for ip, want := range map[string]string{
		"192.0.2.7":                      "192.0.2.7",
		"::ffff:192.0.2.7":               "192.0.2.7",
		"64:ff9b::192.0.2.7":             "192.0.2.7",
		"64:ff9b:1::192.0.2.7":           "64:ff9b:1::",
		"2001:db8:77:1::1":               "2001:db8:77:1::",
		"2001:DB8:77:1:ffff:ffff:ffff:1": "2001:db8:77:1::",
		"2001:db8:77:2::1":               "2001:db8:77:2::",
		"fe80::1%eth0":                   "fe80::",
		"::1":                            "::",
		"nonsense":                       "nonsense",
		"":                               "",
	} {
		if got := stagedoor.Network(ip); got != want {
			t.Errorf("%q counts as %q, want %q", ip, got, want)
		}
	}
}
