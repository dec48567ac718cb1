package ui

import "net/http"

// CSP is the Content-Security-Policy that fits the pages. Nothing inline, nothing from elsewhere but
// pictures (logos are https: or data:) and the tenant's font. There is no form-action on purpose: browsers apply it to the
// redirects after a POST as well, and a login form ends at the callback of a client, which may be
// any origin or an app's own scheme. Frames are refused (clickjacking); the one frame a page has is
// the HTML part of a mail in the development inbox, served by ourselves under MailCSP.
const CSP = "default-src 'none'; style-src 'self'; script-src 'self'; font-src 'self' https:; img-src 'self' data: https:; " +
	"frame-src 'self'; frame-ancestors 'none'; base-uri 'none'"

// OwnCSP is the Content-Security-Policy of a page in a tenant's own frame. The tenant decides what its page loads, by https and inline; frames
// around it are refused all the same.
const OwnCSP = "default-src 'none'; style-src 'self' 'unsafe-inline' https:; script-src 'self' 'unsafe-inline' https:; font-src 'self' data: https:; " +
	"img-src 'self' data: https:; connect-src 'self' https:; media-src https:; frame-src 'self' https:; frame-ancestors 'none'; base-uri 'none'"

// LoginPageCSP is the Content-Security-Policy of a login page, or one for new passwords, that is all a tenant's own, written when there was none: it loads what it likes by https, and
// its libraries may make code of texts. It stands in no frame. form-action is not said: browsers hold redirects that follow a form to it as well, and
// those lead to the clients' addresses, whatever their scheme.
const LoginPageCSP = "default-src 'self' 'unsafe-inline' 'unsafe-eval' https: wss: data: blob:; object-src 'none'; frame-ancestors 'none'; base-uri 'self' https:"

// SetHeaders sets the headers that every page of this package is served with. Referrers stay on our
// own origin, because the address of a page holds its transaction or ticket; "no-referrer" would be
// stricter, but it also turns the Origin of our own forms into "null", which doors check against
// cross-site posts. There is no Cross-Origin-Opener-Policy: it would cut the tie between a client
// and the login window it opened, which popup logins need.
func SetHeaders(h http.Header) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", CSP)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Robots-Tag", "noindex")
}
