package stagedoor

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
)

// NetworkACL lets requests in or keeps them out by where they come from (Management API objects 9). Of a tenant's active lists the
// one with the smallest Priority that matches decides.
type NetworkACL struct {
	ID          string  `json:"id"`
	Description string  `json:"description"`
	Active      bool    `json:"active"`
	Priority    int     `json:"priority"`
	Rule        ACLRule `json:"rule"`
	CreatedAt   int64   `json:"created_at"` // milliseconds
	UpdatedAt   int64   `json:"updated_at"` // milliseconds
}

// ACLRule is what a list does with whom.
type ACLRule struct {
	Action   ACLAction `json:"action"`
	Match    *ACLMatch `json:"match,omitempty"`
	NotMatch *ACLMatch `json:"not_match,omitempty"`
	MatchAll bool      `json:"match_all,omitempty"` // there is neither Match nor NotMatch
	Scope    string    `json:"scope"`               // management, authentication, tenant or dynamic_client_registration
}

// ACLAction is one of block, allow and redirect, or with Log what would have been done.
type ACLAction struct {
	Block       bool   `json:"block,omitempty"`
	Allow       bool   `json:"allow,omitempty"`
	Log         bool   `json:"log,omitempty"`
	Redirect    bool   `json:"redirect,omitempty"`
	RedirectURI string `json:"redirect_uri,omitempty"`
}

// ACLMatch is a description of requests: of each list that is given, one entry must fit.
type ACLMatch struct {
	IPv4           []string `json:"ipv4_cidrs,omitempty"`
	IPv6           []string `json:"ipv6_cidrs,omitempty"`
	ConnectingIPv4 []string `json:"connecting_ipv4_cidrs,omitempty"`
	ConnectingIPv6 []string `json:"connecting_ipv6_cidrs,omitempty"`
	UserAgents     []string `json:"user_agents,omitempty"`
	Hostnames      []string `json:"hostnames,omitempty"`

	// What is known where the operator has given databases of addresses. Without them an active list must not ask for it.
	ASNs            []int    `json:"asns,omitempty"`
	GeoCountries    []string `json:"geo_country_codes,omitempty"`     // ISO 3166-1
	GeoSubdivisions []string `json:"geo_subdivision_codes,omitempty"` // ISO 3166-2, such as US-NY

	// What is known where the server ends TLS, or a proxy tells. Elsewhere an active list must not ask for it.
	JA3 []string `json:"ja3_fingerprints,omitempty"`
	JA4 []string `json:"ja4_fingerprints,omitempty"`

	// What is known where the operator keeps lists of networks with these names. Without them an active list must not ask for it.
	Managed []string `json:"auth0_managed,omitempty"`

	// What no server knows about a request. An active list must not ask for it.
	Signature map[string]json.RawMessage `json:"http_message_signature,omitempty"`
}

// Unknowable names a criterion that a server with this knowledge cannot judge; empty if it can judge all.
func (r ACLRule) Unknowable(known RequestsKnown) string {
	for _, m := range []*ACLMatch{r.Match, r.NotMatch} {
		switch {
		case m == nil:
		case len(m.ASNs) > 0 && !known.Places.Networks:
			return "asns"
		case len(m.GeoCountries) > 0 && !known.Places.Countries:
			return "geo_country_codes"
		case len(m.GeoSubdivisions) > 0 && !known.Places.Countries:
			return "geo_subdivision_codes"
		case len(m.JA3) > 0 && !known.Fingerprints.JA3:
			return "ja3_fingerprints"
		case len(m.JA4) > 0 && !known.Fingerprints.JA4:
			return "ja4_fingerprints"
		case slices.ContainsFunc(m.Managed, func(name string) bool { return !slices.Contains(known.Lists, name) }):
			return "auth0_managed"
		case len(m.Signature) > 0:
			return "http_message_signature"
		}
	}
	return ""
}

// ACLRequest is what a list sees of a request.
type ACLRequest struct {
	IP, ConnectingIP    string // of the client; of who connected, which may be a proxy
	UserAgent, Hostname string
	Scope               string        // management, authentication or dynamic_client_registration
	Place               *Place        // where IP is; nil: not known
	Fingerprints        *Fingerprints // of the program that asks; nil: not known
	Lists               []string      // the operator's lists of networks that IP is in
	Known               RequestsKnown
}

// Applies tells whether a list decides about a request.
func (a *NetworkACL) Applies(r ACLRequest) bool {
	if !a.Active || a.Rule.Scope != "tenant" && a.Rule.Scope != r.Scope || a.Rule.Unknowable(r.Known) != "" {
		return false
	}
	return (a.Rule.Match == nil || a.Rule.Match.fits(r)) && (a.Rule.NotMatch == nil || !a.Rule.NotMatch.fits(r))
}

func (m *ACLMatch) fits(r ACLRequest) bool {
	return inAny(r.IP, m.IPv4, m.IPv6) && inAny(r.ConnectingIP, m.ConnectingIPv4, m.ConnectingIPv6) &&
		contains(m.UserAgents, r.UserAgent) && contains(m.Hostnames, r.Hostname) && m.fitsPlace(r.Place) && m.fitsProgram(r.Fingerprints) &&
		(len(m.Managed) == 0 || slices.ContainsFunc(m.Managed, func(name string) bool { return slices.Contains(r.Lists, name) }))
}

func (m *ACLMatch) fitsPlace(p *Place) bool {
	if p == nil {
		p = &Place{}
	}
	return (len(m.ASNs) == 0 || slices.Contains(m.ASNs, int(p.ASN))) && contains(m.GeoCountries, p.CountryCode) && contains(m.GeoSubdivisions, p.Subdivision()) //nolint:gosec // 32 bits
}

// fitsProgram compares fingerprints. One that is not known is none of a list.
func (m *ACLMatch) fitsProgram(f *Fingerprints) bool {
	if f == nil {
		f = &Fingerprints{}
	}
	return contains(m.JA3, f.JA3) && contains(m.JA4, f.JA4)
}

// inAny tells whether an address is in one of two lists; two empty lists ask for nothing.
func inAny(ip string, v4, v6 []string) bool {
	return len(v4)+len(v6) == 0 || Listed(v4, ip) || Listed(v6, ip)
}

func contains(list []string, s string) bool {
	return len(list) == 0 || slices.ContainsFunc(list, func(entry string) bool { return strings.EqualFold(entry, s) })
}

// IsNetwork tells whether text is an address or a network, of version 4 or 6 as asked for.
func IsNetwork(text string, v6 bool) bool {
	if network, err := netip.ParsePrefix(text); err == nil {
		return network.Addr().Is6() == v6
	}
	addr, err := netip.ParseAddr(text)
	return err == nil && addr.Is6() == v6
}
