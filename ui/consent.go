package ui

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Scope is one requested scope.
type Scope struct {
	Value       string // as requested: "email", "read:playlists"
	Description string // shown instead of the generated words, where the tenant wants that
}

// ScopeGroup is what the consent page shows of scopes that belong together.
type ScopeGroup struct {
	Title string
	Items []string
}

// profileScopes are the scopes of OpenID Connect, OAuth and the Management API that concern the user's
// own record, in the order of the page. openid itself asks for nothing that a user could weigh.
var profileScopes = []string{
	"profile", "email", "phone", "address",
	"read:current_user", "create:current_user_metadata", "update:current_user_metadata", "delete:current_user_metadata",
}

// Groups puts the scopes into plain words: the user's record first, then each resource of the API
// ("read:playlists" and "delete:playlists" both fall under "Playlists"), then the rest.
func (p ConsentPage) Groups() []ScopeGroup {
	asked := map[string]string{} // scope → description
	var resources []*ScopeGroup
	byName := map[string]*ScopeGroup{}
	var other []string
	offline := false
	for _, scope := range p.Scopes {
		if _, twice := asked[scope.Value]; twice {
			continue
		}
		asked[scope.Value] = scope.Description
		action, resource, split := strings.Cut(scope.Value, ":")
		switch {
		case scope.Value == "openid" || scope.Value == "" || known("scope."+scope.Value) && scope.Value != "offline_access":
		case scope.Value == "offline_access":
			offline = true
		case split && action != "" && resource != "":
			group := byName[resource]
			if group == nil {
				group = &ScopeGroup{Title: spell(resource)}
				byName[resource] = group
				resources = append(resources, group)
			}
			group.Items = append(group.Items, p.words(action, scope.Description))
		case scope.Description != "":
			other = append(other, scope.Description)
		default:
			other = append(other, spell(scope.Value))
		}
	}
	var groups []ScopeGroup
	for _, d := range p.Details {
		groups = append(groups, ScopeGroup{Title: spell(d.Title), Items: d.Items})
	}
	own := ScopeGroup{Title: p.T("consent.profile")}
	for _, scope := range profileScopes {
		if description, ok := asked[scope]; ok {
			if description == "" {
				description = p.T("scope." + scope)
			}
			own.Items = append(own.Items, description)
		}
	}
	if len(own.Items) > 0 {
		groups = append(groups, own)
	}
	for _, group := range resources {
		groups = append(groups, *group)
	}
	if offline {
		other = append(other, p.T("scope.offline_access"))
	}
	if len(other) > 0 {
		groups = append(groups, ScopeGroup{Title: p.T("consent.other"), Items: other})
	}
	return groups
}

// words says what an action of a scope allows.
func (p ConsentPage) words(action, description string) string {
	if description != "" {
		return description
	}
	if key := "consent.action." + action; known(key) {
		return p.T(key)
	}
	return spell(action)
}

// spell turns a name of code into words: "client_grants" → "Client grants".
func spell(name string) string {
	words := strings.Join(strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == '-' || r == ':' }), " ")
	if words == "" {
		return name
	}
	r, size := utf8.DecodeRuneInString(words)
	return string(unicode.ToUpper(r)) + words[size:]
}
