package oauth

import (
	"net/url"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// allowedURL tells whether candidate is one of the registered URLs: scheme and host compared without
// case, the rest exactly (Authentication API fact sheet 10.1). A registered http or https
// URL may have one * in its left-most host label.
func allowedURL(candidate string, registered []string) bool {
	u, err := url.Parse(candidate)
	if err != nil || u.Scheme == "" || u.User != nil || u.Fragment != "" || strings.Contains(candidate, "#") || hasControl(candidate) {
		return false
	}
	return slices.ContainsFunc(registered, func(pattern string) bool { return matchURL(u, candidate, pattern) })
}

func matchURL(u *url.URL, candidate, pattern string) bool {
	if candidate == pattern {
		return true
	}
	p, err := url.Parse(strings.Replace(pattern, "*", "stagedoor-wildcard", 1))
	if err != nil || !strings.EqualFold(p.Scheme, u.Scheme) || p.Opaque != u.Opaque {
		return false
	}
	if p.EscapedPath() != u.EscapedPath() || p.RawQuery != u.RawQuery || p.Port() != u.Port() {
		return false
	}
	host, want := strings.ToLower(u.Hostname()), strings.ToLower(p.Hostname())
	label, domain, _ := strings.Cut(want, ".")
	before, after, wild := strings.Cut(label, "stagedoor-wildcard")
	if !wild {
		return host == want && !strings.Contains(pattern, "*")
	}
	first, rest, _ := strings.Cut(host, ".")
	web := u.Scheme == "http" || u.Scheme == "https"
	return web && rest == domain && strings.Contains(domain, ".") && len(first) > len(before)+len(after) &&
		strings.HasPrefix(first, before) && strings.HasSuffix(first, after)
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
	return slices.ContainsFunc(c.Callbacks, func(callback string) bool { return originOf(callback) == origin })
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
	return allowedURL(bare(candidate), stripped)
}
