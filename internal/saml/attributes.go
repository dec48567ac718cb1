package saml

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor/internal/xmlsig"
)

const (
	claims = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
	own    = "http://schemas.auth0.com/" // names of what has no other

	nameIdentifier = claims + "nameidentifier"
	emailAddress   = claims + "emailaddress"
	nameClaim      = claims + "name"
	upnClaim       = claims + "upn"
)

// usual are the claims that properties of a user become unless the addon says others.
var usual = map[string]string{
	"user_id": nameIdentifier, "email": emailAddress, "name": nameClaim, "given_name": claims + "givenname", "family_name": claims + "surname",
	"upn": upnClaim, "groups": "http://schemas.xmlsoap.org/claims/Group",
}

// usualProbes are the claims whose value becomes the NameID: the first that there is.
var usualProbes = []string{nameIdentifier, emailAddress, nameClaim}

// passedBy are properties that are told only where somebody maps them.
var passedBy = map[string]bool{"identities": true, "app_metadata": true, "user_metadata": true, "multifactor": true}

// values is what a claim is worth: texts of one type.
type values struct {
	kind  string // xs:string, xs:boolean, xs:double
	texts []string
}

// valuesOf reads a text, number, boolean, or a list of such; of other shapes there is nothing that could be told.
func valuesOf(raw json.RawMessage) (v values, ok bool) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	for _, one := range list {
		text, kind := string(one), ""
		switch first := cmp.Or(text, " ")[0]; {
		case first == '"':
			kind = "xs:string"
			if json.Unmarshal(one, &text) != nil {
				return v, false
			}
		case text == "true" || text == "false":
			kind = "xs:boolean"
		case first == '-' || first >= '0' && first <= '9':
			kind = "xs:double"
		default:
			return v, false
		}
		if v.kind != "" && v.kind != kind {
			kind = "xs:anyType"
		}
		v.kind, v.texts = kind, append(v.texts, text)
	}
	return v, len(v.texts) > 0
}

// at is the value of a property, or of a member of one by a path with dots.
func at(profile map[string]json.RawMessage, path string) json.RawMessage {
	if raw, there := profile[path]; there {
		return raw
	}
	head, rest, more := strings.Cut(path, ".")
	var inner map[string]json.RawMessage
	if !more || json.Unmarshal(profile[head], &inner) != nil {
		return nil
	}
	return at(inner, rest)
}

// person is what is known of somebody, with what becomes of it.
type person struct {
	profile map[string]json.RawMessage
	claims  map[string]values
	mapped  map[string]bool // properties that have been told
}

func (p *person) tell(claim, path string) bool {
	head, _, _ := strings.Cut(path, ".")
	if _, there := p.profile[path]; there {
		head = path
	}
	p.mapped[head] = true
	if _, set := p.claims[claim]; set {
		return true
	}
	v, ok := valuesOf(at(p.profile, path))
	if ok {
		p.claims[claim] = v
	}
	return ok
}

// claimsOf makes the claims of a profile: by mappings of scripts (claim to property), else of the addon (property to claim), else the usual ones; what
// has no mapping is passed through. idClaims are those that scripts gave the ID token: they go before the profile.
func (s settings) claimsOf(profile, idClaims map[string]json.RawMessage) map[string]values {
	p := &person{profile: maps.Clone(profile), claims: map[string]values{}, mapped: map[string]bool{}}
	maps.Copy(p.profile, idClaims)
	var mappings map[string]json.RawMessage
	custom := true
	switch {
	case json.Unmarshal(s[scriptMappings], &mappings) == nil && mappings != nil:
		for _, claim := range slices.Sorted(maps.Keys(mappings)) {
			for _, path := range textsOf(mappings[claim]) {
				if p.tell(claim, path) {
					break
				}
			}
		}
	case json.Unmarshal(s["mappings"], &mappings) == nil && mappings != nil:
		for _, property := range slices.Sorted(maps.Keys(mappings)) {
			for _, claim := range textsOf(mappings[property]) {
				p.tell(claim, property)
			}
		}
	default:
		custom = false
		for property, claim := range usual {
			p.tell(claim, property)
		}
	}
	if s.flag("passthroughClaimsWithNoMapping", true) {
		for property := range p.profile {
			if p.mapped[property] || passedBy[property] {
				continue
			}
			claim := property
			if known := usual[property]; known != "" && custom {
				claim = known
			} else if !s.flag("mapUnknownClaimsAsIs", false) && !strings.Contains(property, "://") {
				claim = own + property
			}
			p.tell(claim, property)
		}
	}
	if s.flag("createUpnClaim", true) {
		if !p.tell(upnClaim, "upn") {
			p.tell(upnClaim, "email")
		}
	}
	if s.flag("mapIdentities", true) {
		p.identity()
	}
	for name, raw := range s.attributes() {
		delete(p.claims, name)
		if v, ok := valuesOf(raw); ok {
			p.claims[name] = v
		}
	}
	return p.claims
}

// identity tells by which identity the person came, and nothing of the tokens that their provider gave.
func (p *person) identity() {
	var all []map[string]json.RawMessage
	if json.Unmarshal(p.profile["identities"], &all) != nil || len(all) == 0 {
		return
	}
	for _, member := range []string{"provider", "connection", "isSocial"} {
		if v, ok := valuesOf(all[0][member]); ok {
			p.claims[own+"identities/default/"+member] = v
		}
	}
}

// nameID is what the client calls the person: the first of the probed claims that there is, also of those that are not told.
func (s settings) nameID(told map[string]values, profile map[string]json.RawMessage) string {
	for _, probe := range s.texts("nameIdentifierProbes", usualProbes) {
		if v, ok := told[probe]; ok && v.texts[0] != "" {
			return v.texts[0]
		}
		for property, claim := range usual {
			if v, ok := valuesOf(profile[property]); ok && claim == probe && v.texts[0] != "" {
				return v.texts[0]
			}
		}
	}
	return ""
}

var basicName = regexp.MustCompile(`^[A-Za-z_:][-A-Za-z0-9_.:]*$`)

// format is what kind of name an attribute has (SAML core section 8.2).
func format(name string) string {
	const formats = "urn:oasis:names:tc:SAML:2.0:attrname-format:"
	if u, err := url.Parse(name); err == nil && (u.Host != "" || strings.HasPrefix(name, "urn:")) {
		return formats + "uri"
	}
	if basicName.MatchString(name) {
		return formats + "basic"
	}
	return formats + "unspecified"
}

// written are claims as the answer holds them.
func (s settings) written(told map[string]values) []xmlsig.Attribute {
	var out []xmlsig.Attribute
	for _, name := range slices.Sorted(maps.Keys(told)) {
		a := xmlsig.Attribute{Name: name, Type: told[name].kind, Values: told[name].texts}
		if !s.flag("typedAttributes", true) {
			a.Type = "xs:anyType"
		}
		if s.flag("includeAttributeNameFormat", true) {
			a.Format = format(name)
		}
		out = append(out, a)
	}
	return out
}
