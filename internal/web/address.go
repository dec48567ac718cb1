package web

import (
	"net/url"
	"strings"
)

// WithParameter adds a parameter behind the query that an address has, which stays as it is, and before its fragment.
func WithParameter(address, name, value string) string {
	address, fragment, has := strings.Cut(address, "#")
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	address += separator + name + "=" + url.QueryEscape(value)
	if has {
		address += "#" + fragment
	}
	return address
}
