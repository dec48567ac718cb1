// Package ca is the local certificate authority: it lets a server on a developer's machine speak https with clients that take
// nothing else.
//
// The authority is made on first use in a directory of two files: authority.key holds its key and certificate and is readable
// by its owner only, ca.pem holds the certificate alone, to be handed to clients (NODE_EXTRA_CA_CERTS, SSL_CERT_FILE, curl
// --cacert). It can vouch for nothing but localhost, stagedoor.test, the names below them, 127.0.0.1 and ::1: the certificate
// says so (RFC 5280 section 4.2.1.10), so that a stolen key is of little use even where people have installed it.
//
// Certificates of servers live in memory and for 90 days, and are made anew before they end. A client that names a host gets
// a certificate for that very name, because Node, OpenSSL and browsers refuse wildcards such as *.localhost, and Python's service_identity the whole certificate that has
// one; all others get one for the names and addresses that are known.
//
// What it never does: it is not for production (use certificate files or ACME), and only Install and Uninstall, which the
// command "ca install" calls, touch the trust of the system.
package ca
