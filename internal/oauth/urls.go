package oauth

import (
	"net/url"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"

	"github.com/stagedoor/stagedoor/internal/web"
)

// allowedURL tells whether candidate is one of the registered URLs: scheme and host compared without
// case, the rest exactly (Authentication API fact sheet 10.1). A registered http or https
// URL may have one * in its left-most host label.
func allowedURL(candidate string, registered []string) bool {
	u, err := url.Parse(candidate)
	if err != nil || u.Scheme == "" || u.User != nil || strings.Contains(candidate, "#") || hasControl(candidate) || slices.Contains(runningSchemes, u.Scheme) {
		return false
	}
	return slices.ContainsFunc(registered, func(pattern string) bool { return matchURL(u, candidate, pattern) })
}

// Allowed is allowedURL for doors of other protocols.
func Allowed(candidate string, registered []string) bool { return allowedURL(candidate, registered) }

// echoed are parameters of requests that libraries repeat in the query of the callback, under the name that they have there. omniauth, on which the vendor's
// omniauth-auth0 rests, comes back to an address with the query by which its login began; social-auth adds the state to the callback.
var echoed = map[string]string{
	"connection": "connection", "connection_scope": "connection_scope", "invitation": "invitation", "login_hint": "login_hint", "organization": "organization", "prompt": "prompt",
	"screen_hint": "screen_hint", "redirect_state": "state",
}

// echoes tells whether candidate is a registered URL but for what it repeats of the request that names it: the tenant's own clients may do so, as on the wire. Anything else
// in the query, which a page could be led astray by (RFC 9700 section 4.1), must be registered.
func echoes(client *stagedoor.Client, candidate string, params url.Values, registered []string) bool {
	address, query, has := strings.Cut(candidate, "?")
	if !has || !client.IsFirstParty || client.ComplianceLevel != "" && client.ComplianceLevel != "none" {
		return false
	}
	kept := slices.DeleteFunc(strings.Split(query, "&"), func(pair string) bool {
		name, value, _ := strings.Cut(pair, "=")
		value, err := url.QueryUnescape(value)
		of := echoed[name]
		return err == nil && of != "" && value != "" && params.Get(of) == value
	})
	if len(kept) > 0 {
		address += "?" + strings.Join(kept, "&")
	}
	return address != candidate && allowedURL(address, registered)
}

// runningSchemes make a browser run or show what the URL itself says; they are no place to go to, even if
// somebody registered them.
var runningSchemes = []string{"javascript", "vbscript", "data", "blob", "file", "about", "filesystem", "view-source"}

func matchURL(u *url.URL, candidate, pattern string) bool {
	wild := strings.Contains(pattern, "*")
	if candidate == pattern && !wild {
		return true
	}
	p, err := url.Parse(strings.Replace(pattern, "*", "stagedoor-wildcard", 1))
	if err != nil || !strings.EqualFold(p.Scheme, u.Scheme) || p.Opaque != u.Opaque {
		return false
	}
	if strings.HasSuffix(u.Host, ":") && !strings.HasSuffix(p.Host, ":") {
		return false
	}
	if p.EscapedPath() != u.EscapedPath() || p.RawQuery != u.RawQuery || p.ForceQuery != u.ForceQuery || p.Port() != u.Port() {
		return false
	}
	if !ascii(u.Hostname()) { // as it was sent: some other characters are ASCII when they are made small
		return false
	}
	host, want := strings.ToLower(u.Hostname()), strings.ToLower(p.Hostname())
	if !wild {
		return host == want
	}
	label, domain, _ := strings.Cut(want, ".")
	before, after, inHost := strings.Cut(label, "stagedoor-wildcard")
	first, rest, _ := strings.Cut(host, ".")
	web := u.Scheme == "http" || u.Scheme == "https"
	one := inHost && strings.Count(pattern, "*") == 1 && strings.Contains(domain, ".")
	return web && one && rest == domain && !strings.Contains(first, "*") && len(first) > len(before)+len(after) &&
		strings.HasPrefix(first, before) && strings.HasSuffix(first, after)
}

// ascii tells whether every browser reads the host as it stands: other characters are mapped first, some to dots. What Go makes of them need not be what a browser does:
// U+0130 is i when it is made small here, and i with a dot there, which is another host.
func ascii(host string) bool {
	return !strings.ContainsFunc(host, func(r rune) bool { return r > 0x7e })
}

// hasControl finds what browsers drop or read differently: control characters, spaces and backslashes.
func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' })
}

// originOf returns scheme://host[:port] in lower case, or "" for what has no web origin.
func originOf(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	return strings.ToLower(u.Scheme + "://" + u.Host)
}

// originAllowed tells whether a page of the origin may get answers for the client: its web
// origins, and the origins of its callbacks.
func originAllowed(c *stagedoor.Client, origin string) bool {
	if origin == "" {
		return false
	}
	if allowedURL(origin, c.WebOrigins) {
		return true
	}
	return web.OriginOf(origin, c.Callbacks)
}

// allowedReturn tells whether the browser may return to candidate after /v2/logout: query and
// fragment do not count there.
func allowedReturn(candidate string, registered []string) bool {
	bare := func(s string) string {
		s, _, _ = strings.Cut(s, "#")
		s, _, _ = strings.Cut(s, "?")
		return s
	}
	stripped := make([]string, len(registered))
	for i, s := range registered {
		stripped[i] = bare(s)
	}
	return !hasControl(candidate) && allowedURL(bare(candidate), stripped)
}
