package stagedoor

import (
	"encoding/json"
	"strings"
)

// StrategyOAuth2 is the strategy of custom social connections.
const StrategyOAuth2 = "oauth2"

// OAuth2Options are the options of a custom social connection (object shapes, section 3).
type OAuth2Options struct {
	AuthorizationURL string            `json:"authorizationURL"`
	TokenURL         string            `json:"tokenURL"`
	ClientID         string            `json:"client_id"`
	ClientSecret     string            `json:"client_secret"`
	Scope            json.RawMessage   `json:"scope"` // a text or a list of texts
	Scripts          map[string]string `json:"scripts"`
	CustomHeaders    map[string]string `json:"customHeaders"` // of the request for a token
	AuthParams       map[string]string `json:"authParams"`    // further parameters of the address that people go to
	AuthParamsMap    map[string]string `json:"authParamsMap"` // the same, with the value of a parameter of the authorization request
	PKCE             bool              `json:"pkce_enabled"`
	FieldsMap        map[string]string `json:"fieldsMap"`         // attributes of the user, and the members of the profile that they come from
	SpaceScopes      bool              `json:"useOauthSpecScope"` // scopes that a client adds are separated by spaces, as all others are; else by commas
}

// OAuth2 returns the options of a custom social connection. What has the wrong type counts as not there.
func (c *Connection) OAuth2() (o OAuth2Options) {
	c.readOptions(&o)
	return o
}

// readOptions reads stored options into a struct, one by one: a wrong one spoils no other.
func (c *Connection) readOptions(into any) {
	for name, value := range c.Options.Stored {
		if one, err := json.Marshal(map[string]json.RawMessage{name: value}); err == nil {
			_ = json.Unmarshal(one, into)
		}
	}
}

// ScopeText is the scope as the provider gets it.
func (o *OAuth2Options) ScopeText() string {
	var text string
	if json.Unmarshal(o.Scope, &text) == nil {
		return text
	}
	var list []string
	_ = json.Unmarshal(o.Scope, &list) // absent is empty
	return strings.Join(list, " ")
}

// Title is what people call the connection.
func (c *Connection) Title() string {
	if c.DisplayName != "" {
		return c.DisplayName
	}
	return c.Name
}
