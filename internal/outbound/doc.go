// Package outbound makes the only HTTP client that leaves the house: for scripts of tenants, upstream issuers, key sets and
// webhooks, whose addresses other people choose.
//
// The client refuses to connect to addresses that are not public: loopback, private and link-local networks, the metadata
// services of clouds, and everything else that the IANA special-purpose registries (RFC 6890) keep off the Internet, also when
// they are wrapped into IPv6. The check is made on the address that is dialled, after the name was resolved, once, so that a
// name that changes its address in between gains nothing (DNS rebinding); redirects are dialled the same way. Exchanges have
// a time limit, and responses a size limit that counts after decompression.
//
// With a proxy, the proxy resolves names and must do the checking; addresses written in the URL are still refused here.
// Proxies come from the configuration alone: HTTP_PROXY and its like in the environment are not read.
//
// What it never does: it sends no cookies and keeps none, and it does not log. Errors of http.Client quote the URL, which may
// hold secrets in its query: Bare strips it before somebody logs.
package outbound
