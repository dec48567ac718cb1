package lint

import (
	"regexp"
	"strings"
)

// secrets are texts that are secrets by their looks.
var secrets = regexp.MustCompile(`\b(sk|rk)_(live|test)_[0-9a-zA-Z]{16,}|\bAKIA[0-9A-Z]{16}\b|\bxox[abposr]-[0-9A-Za-z-]{10,}|\bgh[pousr]_[0-9A-Za-z]{30,}|\bglpat-[0-9A-Za-z_-]{20}` +
	`|\bSG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}|\bAIza[0-9A-Za-z_-]{35}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----|\beyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{10,}` +
	`|hooks\.slack\.com/services/T[0-9A-Z]+/B[0-9A-Z]+/[0-9A-Za-z]{16,}|^(Bearer|Basic) [0-9A-Za-z+/=_.-]{20,}$|^[a-z][a-z0-9+]*://[^/\s:@]+:[^/\s:@]+@`)

// secretNames are names whose values are secrets.
var secretNames = regexp.MustCompile(`(?i)(secret|passw(or)?d|passphrase|pwd|token|(api|private|secret|access|signing|encryption)[-_]?key|webhook_?url)$`)

// placeholders are texts that stand for a secret, or tell what one must look like.
var placeholders = regexp.MustCompile(`(?i)your|example|change|placeholder|xxx|\.\.\.|<|##|@@|\$\{|\{\{|^%.*%$|^\^.*\$$|^\w+\(\d*\)$|(?-i:^[A-Z]+$|^[A-Z0-9]+(_[A-Z0-9]+)+$)`)

// addresses are URLs, URNs and paths.
var addresses = regexp.MustCompile(`://|^urn:|^\.{0,2}(/[a-z0-9_:{}.-]+)+/?$`)

// terms are words with digits that are no secrets.
var terms = regexp.MustCompile(`(?i)oauth\d?|auth0|saml2|\b(hs|rs|es|ps|sha)-?\d+|base(32|64)|utf-?8|md5|x509|\bv\d\b`)

// Words are letters with what joins them. Those that tell of secrets are labels and names; others are secrets if they are long.
var (
	wordsAlone = regexp.MustCompile(`^[\pL\pM._:/-]*$`)
	longWords  = regexp.MustCompile(`^[A-Za-z]{16,}$|^[A-Za-z-]{24,}$`)
	tellsOf    = regexp.MustCompile(`(?i)passw|secret|token|key|credential|auth|login|grant|client|kennwort`)
)

// looksSecret tells a text that looks like a secret from a label, a message, a setting's name.
func looksSecret(text string) bool {
	switch {
	case len(text) < 8 || strings.ContainsAny(text, " \t\r\n") || placeholders.MatchString(text):
		return false
	case strings.ReplaceAll(text, string([]rune(text)[:1]), "") == "": // ********
		return false
	case wordsAlone.MatchString(terms.ReplaceAllString(text, "")):
		return longWords.MatchString(text) && !tellsOf.MatchString(text)
	}
	return true
}

// givenName is the name under which a value is kept; empty if it has none.
func givenName(n *Node) string {
	for n.Parent.is("LogicalExpression", "ConditionalExpression") && n.Parent.child("test") != n { // configuration.KEY || 'abc'
		n = n.Parent
	}
	p := n.Parent
	switch {
	case p.is("VariableDeclarator") && p.child("init") == n:
		return p.child("id").name()
	case p.is("AssignmentPattern") && p.child("right") == n:
		return p.child("left").name()
	case p.is("Property") && p.child("value") == n:
		if name, ok := p.child("key").str(); ok {
			return name
		}
		return p.child("key").name()
	case p.is("AssignmentExpression") && p.child("right") == n:
		if left := p.child("left"); left.name() != "" {
			return left.name()
		}
		return p.child("left").step()
	}
	return ""
}

func findSecrets(s *Script, r *Rule) {
	s.Tree.walk(func(n *Node) bool {
		text, ok := n.str()
		if !ok {
			return true
		}
		if secrets.MatchString(text) {
			s.report(r, n, "a secret in the code is read by everybody who can read scripts: keep it in the configuration")
			return true
		}
		name := givenName(n)
		address := addresses.MatchString(text) && !strings.HasSuffix(strings.ToLower(name), "url")
		if secretNames.MatchString(name) && looksSecret(text) && !address {
			s.report(r, n, "%s looks like a secret in the code: keep it in the configuration", name)
		}
		return true
	})
}
