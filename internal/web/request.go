package web

import (
	"net"
	"net/http"
)

// Issuer returns the issuer that a request was made to: https://domain/ or, on loopback,
// http://domain/. The server in front has put the effective scheme, host and client address into
// r.URL.Scheme, r.Host and r.RemoteAddr, also behind a trusted proxy.
func Issuer(r *http.Request) string { return r.URL.Scheme + "://" + r.Host + "/" }

// Hostname is a host without its port.
func Hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}
