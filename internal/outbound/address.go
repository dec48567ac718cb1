package outbound

import (
	"net/netip"
	"slices"
)

func prefixes(texts ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range texts {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}

// private are the networks that Config.AllowPrivate opens.
var private = prefixes("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")

// metadata are services of clouds that hand out credentials. Only Config.Allow opens them. 169.254.0.0/16 is closed below.
var metadata = prefixes("100.100.100.200/32", "168.63.129.16/32", "fd00:ec2::/32")

// special are the other networks that are not on the Internet (IANA special-purpose address registries).
var special = prefixes(
	"0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

var (
	unicast = netip.MustParsePrefix("2000::/3")     // all of IPv6 that is given out
	nat64   = netip.MustParsePrefix("64:ff9b::/96") // IPv4 behind a translator
)

// allowed tells whether the client may connect to an address.
func (c Config) allowed(addr netip.Addr) bool {
	if addr.Zone() != "" {
		return false
	}
	addr = addr.Unmap()
	if nat64.Contains(addr) {
		bytes := addr.As16()
		addr = netip.AddrFrom4([4]byte(bytes[12:]))
	}
	switch {
	case in(c.Allow, addr):
		return true
	case in(metadata, addr), in(special, addr):
		return false
	case in(private, addr):
		return c.AllowPrivate
	}
	return addr.Is4() || unicast.Contains(addr)
}

func in(list []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(addr) })
}
