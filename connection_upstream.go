package stagedoor

import (
	"encoding/json"
	"slices"
	"strings"
)

// Strategies of connections whose people prove themselves at somebody else's server.
const (
	StrategyOIDC       = "oidc"
	StrategyOkta       = "okta"
	StrategyWAAD       = "waad"
	StrategyGoogleApps = "google-apps"
	StrategySAML       = "samlp"
	StrategyADFS       = "adfs"
)

// SocialStrategies are the social strategies that people can sign in through; what each speaks is in internal/connection/social.go.
var SocialStrategies = []string{"apple", "facebook", "github", "google-oauth2", "linkedin", "twitter", "windowslive"}

// companyStrategies are those of one company's people each.
var companyStrategies = []string{
	"ad", "adfs", "auth0-adldap", "auth0-oidc", "custom", "google-apps", "ip", "office365", "oidc", "okta", "pingfederate", "samlp", "sharepoint", "waad",
}

// StrategyType is the kind of strategy that one is, as log events have it; empty for none.
func StrategyType(strategy string) string {
	switch {
	case strategy == "":
		return ""
	case strategy == StrategyDatabase:
		return "database"
	case strategy == StrategyEmail, strategy == StrategySMS:
		return "passwordless"
	case slices.Contains(companyStrategies, strategy):
		return "enterprise"
	}
	return "social"
}

// KnownSocial are the custom social connections that need no addresses and no script, by their name: the server knows the provider.
var KnownSocial = []string{"discord", "gitlab", "sign-in-with-slack", "spotify"}

// IsKnownSocial tells whether the connection is custom social, but says neither addresses nor a script: its name tells the provider.
func (c *Connection) IsKnownSocial() bool {
	return c.Strategy == StrategyOAuth2 && slices.Contains(KnownSocial, c.Name) && c.Option("authorizationURL")+c.Option("tokenURL") == ""
}

// IsSocial tells whether the connection's people are the public's, rather than those of one company.
func (c *Connection) IsSocial() bool {
	return c.Strategy == StrategyOAuth2 || slices.Contains(SocialStrategies, c.Strategy)
}

// Redirects tells whether people can sign in through the connection here by going to a provider and coming back: it says all that is
// needed to go there, and it is not switched off for logins.
func (c *Connection) Redirects() bool { return c.isOn() && c.knowsTheWay() }

func (c *Connection) knowsTheWay() bool {
	if c.Strategy == StrategyDatabase {
		return false
	}
	client := c.Option("client_id") != ""
	switch {
	case c.IsKnownSocial(), c.Strategy == StrategyGoogleApps:
		return client
	case c.Strategy == StrategyOAuth2:
		return c.Option("authorizationURL") != "" && c.Option("tokenURL") != ""
	case c.Strategy == "twitter":
		return client && c.Option("protocol") != "oauth1"
	case slices.Contains(SocialStrategies, c.Strategy):
		return client
	case c.Strategy == StrategyOIDC:
		return client && c.Option("authorization_endpoint")+c.Option("discovery_url")+c.Option("issuer") != ""
	case c.Strategy == StrategyOkta:
		return client && c.Option("authorization_endpoint")+c.Option("domain") != ""
	case c.Strategy == StrategyADFS:
		return c.Option("fedMetadataXml")+c.Option("adfs_server") != "" || c.Option("signInEndpoint") != "" && len(c.Thumbprints()) > 0
	case c.Strategy == StrategyWAAD && c.SpeaksWSFed():
		return client && !c.OptionFlag("useCommonEndpoint") && c.Option("tenantId")+c.Option("tenant_domain") != ""
	case c.Strategy == StrategyWAAD:
		return client && (c.OptionFlag("useCommonEndpoint") || c.Option("tenantId")+c.Option("tenant_domain") != "")
	case c.Strategy == StrategySAML:
		return c.Option("metadataXml") != "" || c.Option("signInEndpoint") != "" && c.Option("signingCert")+c.Option("cert") != ""
	}
	return false
}

// SpeaksWSFed tells whether the connection's provider speaks WS-Federation.
func (c *Connection) SpeaksWSFed() bool {
	return c.Strategy == StrategyADFS || c.Strategy == StrategyWAAD && (c.Option("waad_protocol") == "ws-federation" || c.OptionFlag("use_wsfed"))
}

// Thumbprints are those of the certificates that the provider signs with now, and of those before.
func (c *Connection) Thumbprints() (all []string) {
	for _, name := range []string{"thumbprints", "prev_thumbprints"} {
		var list []string
		_ = json.Unmarshal(c.Options.Stored[name], &list) // anything else is none
		all = append(all, list...)
	}
	return all
}

// HasButton tells whether the login page offers the connection: social ones unless they say no, those of a company if they say so.
func (c *Connection) HasButton() bool {
	if c.ShowAsButton == nil {
		return c.Redirects() && c.IsSocial()
	}
	return c.Redirects() && *c.ShowAsButton
}

// Option returns a text among the options of a connection that is no database; empty if there is none of that name.
func (c *Connection) Option(name string) string {
	var text string
	_ = json.Unmarshal(c.Options.Stored[name], &text) // anything else is no text
	return strings.TrimSpace(text)
}

// OptionFlag tells whether an option is true.
func (c *Connection) OptionFlag(name string) bool { return string(c.Options.Stored[name]) == "true" }

// OptionList returns an option that is a list of texts, or one text of words.
func (c *Connection) OptionList(name string) []string {
	var list []string
	if json.Unmarshal(c.Options.Stored[name], &list) == nil {
		return list
	}
	return strings.FieldsFunc(c.Option(name), func(r rune) bool { return r == ' ' || r == ',' })
}

// Domains are the domains of e-mail addresses whose people belong to the connection, in lower case.
func (c *Connection) Domains() []string {
	var all []string
	for _, d := range append(c.OptionList("domain_aliases"), c.Option("tenant_domain")) {
		if d = strings.ToLower(strings.TrimSpace(d)); d != "" && !c.IsSocial() {
			all = append(all, d)
		}
	}
	return all
}

// UpstreamParam is a parameter of the address that people go to: the value of one of the authorization request, or always the same.
type UpstreamParam struct {
	Alias string `json:"alias"`
	Value string `json:"value"`
}

// UpstreamParams are the connection's.
func (c *Connection) UpstreamParams() map[string]UpstreamParam {
	var all map[string]UpstreamParam
	_ = json.Unmarshal(c.Options.Stored["upstream_params"], &all) // what cannot be read is none
	return all
}
