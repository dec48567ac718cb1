package config

import (
	"fmt"
	"net/netip"
)

// Network is a network as flags name it: an address alone is one of its own.
type Network struct{ netip.Prefix }

// UnmarshalText reads a network or an address.
func (n *Network) UnmarshalText(text []byte) error {
	if one, err := netip.ParseAddr(string(text)); err == nil {
		one = one.Unmap()
		n.Prefix = netip.PrefixFrom(one, one.BitLen())
		return nil
	}
	network, err := netip.ParsePrefix(string(text))
	if err != nil {
		return fmt.Errorf("%q is neither a network nor an address, such as 10.0.0.0/8 or 10.1.2.3", text)
	}
	n.Prefix = network
	return nil
}
