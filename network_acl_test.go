package stagedoor_test

import (
	"testing"

	"github.com/stagedoor/stagedoor"
)

// Each criterion of a list is held to its own member of a request, and all that are given must fit.
func TestNetworkACLApplies(t *testing.T) {
	known := stagedoor.RequestsKnown{Lists: []string{"auth0.tor"}}
	known.Places.Countries, known.Places.Networks, known.Fingerprints.JA3, known.Fingerprints.JA4 = true, true, true, true
	request := stagedoor.ACLRequest{
		IP: "203.0.113.9", ConnectingIP: "198.51.100.1", UserAgent: "curl/8", Hostname: "id.acme.example", Scope: "authentication", Known: known, Lists: []string{"auth0.tor"},
		Place: &stagedoor.Place{CountryCode: "FR", ASN: 64500}, Fingerprints: &stagedoor.Fingerprints{JA3: "three", JA4: "four"},
	}
	matches := map[string][2]stagedoor.ACLMatch{ // one that fits, and one that does not
		"address":      {{IPv4: []string{"203.0.113.0/24"}}, {IPv4: []string{"198.51.100.0/24"}}},
		"connecting":   {{ConnectingIPv4: []string{"198.51.100.0/24"}}, {ConnectingIPv4: []string{"203.0.113.0/24"}}},
		"user agent":   {{UserAgents: []string{"wget", "CURL/8"}}, {UserAgents: []string{"curl/7"}}},
		"host name":    {{Hostnames: []string{"ID.acme.example"}}, {Hostnames: []string{"acme.example"}}},
		"country":      {{GeoCountries: []string{"DE", "FR"}}, {GeoCountries: []string{"DE"}}},
		"network":      {{ASNs: []int{64500}}, {ASNs: []int{64501}}},
		"ja3":          {{JA3: []string{"three"}}, {JA3: []string{"four"}}},
		"ja4":          {{JA4: []string{"four"}}, {JA4: []string{"three"}}},
		"managed list": {{Managed: []string{"auth0.tor"}}, {Managed: []string{"auth0.low_reputation"}}},
		"two criteria": {{IPv4: []string{"203.0.113.9"}, UserAgents: []string{"curl/8"}}, {IPv4: []string{"203.0.113.9"}, UserAgents: []string{"wget"}}},
	}
	applies := func(what string, rule stagedoor.ACLRule, active, want bool, r stagedoor.ACLRequest) {
		t.Helper()
		if got := (&stagedoor.NetworkACL{Active: active, Rule: rule}).Applies(r); got != want {
			t.Errorf("%s: %v", what, got)
		}
	}
	for name, both := range matches {
		r := request
		if name == "managed list" {
			r.Known.Lists = []string{"auth0.tor", "auth0.low_reputation"}
		}
		for i, match := range both {
			fits := i == 0
			applies(name, stagedoor.ACLRule{Match: &match, Scope: "authentication"}, true, fits, r)
			applies(name+", not", stagedoor.ACLRule{NotMatch: &match, Scope: "authentication"}, true, !fits, r)
			applies(name+", inactive", stagedoor.ACLRule{Match: &match, Scope: "authentication"}, false, false, r)
			applies(name+", of the tenant", stagedoor.ACLRule{Match: &match, Scope: "tenant"}, true, fits, r)
			applies(name+", elsewhere", stagedoor.ACLRule{Match: &match, Scope: "management"}, true, false, r)
		}
	}
	blind := request // what this server cannot judge keeps nobody in or out
	blind.Known = stagedoor.RequestsKnown{}
	for _, name := range []string{"country", "network", "ja3", "ja4", "managed list"} {
		for _, match := range matches[name] {
			applies(name+", unknown", stagedoor.ACLRule{Match: &match, Scope: "tenant"}, true, false, blind)
			applies(name+", not, unknown", stagedoor.ACLRule{NotMatch: &match, Scope: "tenant"}, true, false, blind)
		}
	}
}
