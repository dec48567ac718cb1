package web

import (
	"net/url"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// LivesAt tells whether a browser's origin is one of the client's: of its origins, or of its callbacks
// (Authentication API fact sheet 10.1).
func LivesAt(c *stagedoor.Client, origin string) bool {
	return OriginOf(origin, slices.Concat(c.AllowedOrigins, c.WebOrigins, c.Callbacks))
}

// OriginOf tells whether a browser's origin is that of one of the addresses.
func OriginOf(origin string, addresses []string) bool {
	o, err := url.Parse(origin)
	if err != nil || o.Host == "" || o.Scheme != "http" && o.Scheme != "https" {
		return false
	}
	for _, entry := range addresses {
		if u, err := url.Parse(entry); err == nil && strings.EqualFold(u.Scheme, o.Scheme) && sameHost(strings.ToLower(u.Host), o.Host) {
			return true
		}
	}
	return false
}

// sameHost compares hosts with their ports. The left-most label of a registered one may hold one *.
func sameHost(registered, host string) bool {
	if registered == host {
		return registered != ""
	}
	label, domain, _ := strings.Cut(registered, ".")
	before, after, wild := strings.Cut(label, "*")
	first, rest, _ := strings.Cut(host, ".")
	return wild && rest == domain && strings.Contains(domain, ".") && len(first) > len(before)+len(after) &&
		strings.HasPrefix(first, before) && strings.HasSuffix(first, after)
}
