package ui

import "strings"

// Proof is what a form asks of who fills it in, so that programs do not: work of the browser, or a vendor's riddle.
type Proof struct {
	Work string // what the browser works on; see assets/proof.js
	Bits int

	Script  string // of a vendor; "" where the browser works
	Class   string
	SiteKey string
	Hosts   []string // that the vendor's script loads from
}

func (f Form) proof() *Proof { return f.Proof }

// PolicyOf is the Content-Security-Policy of a page: CSP, with the hosts of a vendor where the page asks for its riddle, and with ourselves where its script asks us.
func PolicyOf(p Page) string {
	if c, is := p.(interface{ connects() bool }); is && c.connects() {
		return CSP + "; connect-src 'self'"
	}
	asks, is := p.(interface{ proof() *Proof })
	if !is || asks.proof() == nil || len(asks.proof().Hosts) == 0 {
		return CSP
	}
	hosts := " " + strings.Join(asks.proof().Hosts, " ")
	return strings.NewReplacer("script-src 'self'", "script-src 'self'"+hosts, "style-src 'self'", "style-src 'self'"+hosts, "frame-src 'self'", "frame-src 'self'"+hosts).Replace(CSP) +
		"; connect-src 'self'" + hosts + "; worker-src 'self' blob:"
}
