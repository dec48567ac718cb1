package mgmt

import (
	"encoding/json"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/web"
)

// strategies are all that the API we follow knows; auth0, the database, is served.
var strategies = []string{
	"ad", "adfs", "amazon", "apple", "auth0", "auth0-oidc", "baidu", "bitbucket", "bitly", "box", "custom", "daccount", "dropbox",
	"dwolla", "email", "evernote", "evernote-sandbox", "exact", "facebook", "fitbit", "github", "google-apps", "google-oauth2",
	"instagram", "ip", "line", "linkedin", "oauth1", "oauth2", "office365", "oidc", "okta", "paypal", "paypal-sandbox", "pingfederate",
	"planningcenter", "salesforce", "salesforce-community", "salesforce-sandbox", "samlp", "sharepoint", "shop", "shopify", "sms",
	"soundcloud", "thirtysevensignals", "twitter", "untappd", "vkontakte", "waad", "weibo", "windowslive", "wordpress", "yahoo", "yandex",
}

// connectionIn is what of a connection can be written, at creation and later.
type connectionIn struct {
	DisplayName        web.Opt[string]              `json:"display_name" schema:"max=128" doc:"Connection name used in the new universal login experience"`
	Options            web.Opt[databaseOptionsIn]   `json:"options" doc:"The connection's options"`
	EnabledClients     web.Opt[[]string]            `json:"enabled_clients" schema:"max=1000" doc:"The identifiers of the clients for which the connection is to be enabled"`
	Realms             web.Opt[[]string]            `json:"realms" schema:"max=10" doc:"Defines the realms for which the connection will be used"`
	IsDomainConnection web.Opt[bool]                `json:"is_domain_connection" doc:"true promotes to a domain-level connection"`
	ShowAsButton       web.Opt[bool]                `json:"show_as_button" doc:"Enables showing a button for the connection in the login page"`
	Metadata           web.Opt[map[string]string]   `json:"metadata" schema:"max=10" doc:"Metadata associated with the connection"`
	Authentication     web.Opt[connectionActiveIn]  `json:"authentication"`
	ConnectedAccounts  web.Opt[connectedAccountsIn] `json:"connected_accounts"`
}

type connectionActiveIn struct {
	Active bool `json:"active" schema:"required"`
}

type connectedAccountsIn struct {
	Active         bool          `json:"active" schema:"required"`
	CrossAppAccess web.Opt[bool] `json:"cross_app_access"`
}

type createConnectionIn struct {
	Name     string `json:"name" schema:"required,max=128" pattern:"^[a-zA-Z0-9](-[a-zA-Z0-9]|[a-zA-Z0-9])*$" doc:"The name of the connection"`
	Strategy string `json:"strategy" schema:"required" doc:"The identity provider identifier for the connection"`
	connectionIn
}

type updateConnectionIn struct {
	_ struct{} `schema:"min=1"`
	connectionIn
}

// databaseOptionsIn are the options of a database connection; what has no field is checked against databaseStored.
type databaseOptionsIn struct {
	PasswordPolicy            web.Opt[string]               `json:"passwordPolicy" schema:"enum=none|low|fair|good|excellent" doc:"Password strength level"`
	PasswordComplexityOptions web.Opt[passwordComplexityIn] `json:"password_complexity_options"`
	RequiresUsername          web.Opt[bool]                 `json:"requires_username"`
	DisableSignup             web.Opt[bool]                 `json:"disable_signup"`
	BruteForceProtection      web.Opt[bool]                 `json:"brute_force_protection"`
	Rest                      map[string]json.RawMessage    `schema:"rest"`
}

type passwordComplexityIn struct {
	MinLength web.Opt[int] `json:"min_length" schema:"min=1,max=128"`
}

// databaseStored are the options that are kept and returned without an effect, with their types.
var databaseStored = map[string]string{
	"validation": "object", "password_history": "object", "password_no_personal_info": "object", "password_dictionary": "object",
	"password_options": "object", "mfa": "object", "import_mode": "boolean", "enabledDatabaseCustomization": "boolean",
	"customScripts": "object", "configuration": "object", "enable_script_context": "boolean", "attributes": "object", "precedence": "array",
	"authentication_methods": "object", "passkey_options": "object", "disable_self_service_change_password": "boolean",
	"realm_fallback": "boolean", "custom_password_hash": "object", "non_persistent_attrs": "array", "upstream_params": "object",
	"set_user_root_attributes": "string", "icon_url": "string", "strategy_version": "integer",
}

// databaseRefused are options that would change where and how passwords are checked: custom database scripts.
var databaseRefused = []string{"import_mode", "enabledDatabaseCustomization", "customScripts", "configuration", "custom_password_hash"}

// newDatabase returns a database connection as the API fills it in when only the name is given.
func newDatabase(name string) *stagedoor.Connection {
	return &stagedoor.Connection{
		Name: name, Strategy: connection.StrategyDatabase, EnabledClients: []string{}, Realms: []string{name},
		Options: stagedoor.ConnectionOptions{
			PasswordPolicy: "good", BruteForceProtection: true,
			Stored: map[string]json.RawMessage{
				"mfa": json.RawMessage(`{"active":true,"return_enroll_settings":true}`), "strategy_version": json.RawMessage("2"),
				"authentication_methods": json.RawMessage(`{"password":{"enabled":true},"passkey":{"enabled":false}}`),
				"passkey_options":        json.RawMessage(`{"challenge_ui":"both","progressive_enrollment_enabled":true,"local_enrollment_enabled":true}`),
			},
		},
		Stored: map[string]json.RawMessage{
			"authentication": json.RawMessage(`{"active":true}`), "connected_accounts": json.RawMessage(`{"active":false}`),
		},
	}
}

func (in *connectionIn) check(c *call) error {
	switch {
	case in.Authentication.Has() && !in.Authentication.Value.Active:
		return unsupported("A connection that is not for authentication")
	case in.ConnectedAccounts.Value.Active:
		return unsupported("connected_accounts")
	}
	for key, value := range in.Metadata.Value {
		if len(key) > 255 || len(value) > 255 {
			return badProperty("metadata."+bounded(key, 40), "String is too long, maximum 255")
		}
	}
	if err := in.Options.Value.check(); err != nil {
		return err
	}
	return knownClients(c, in.EnabledClients.Value)
}

func (in *databaseOptionsIn) check() error {
	if err := checkStored(in.Rest, databaseStored); err != nil {
		return err
	}
	for _, name := range databaseRefused {
		switch string(in.Rest[name]) {
		case "", "null", "false", "{}":
		default:
			return unsupported("The connection option " + name)
		}
	}
	if _, attributes := in.Rest["attributes"]; attributes {
		if in.RequiresUsername.Set {
			return bad("invalid_body", "Cannot set both options.attributes and options.requires_username")
		}
		if _, validation := in.Rest["validation"]; validation {
			return bad("invalid_body", "Cannot set both options.attributes and options.validation")
		}
	}
	return nil
}

func (in *connectionIn) apply(c *call, conn *stagedoor.Connection, created bool) error {
	if err := in.check(c); err != nil {
		return err
	}
	return in.copyTo(conn, created)
}

// copyTo copies what was sent. At creation options are laid over the defaults; later they replace all that was there.
func (in *connectionIn) copyTo(conn *stagedoor.Connection, created bool) error {
	in.DisplayName.Into(&conn.DisplayName)
	in.IsDomainConnection.Into(&conn.IsDomainConnection)
	in.Metadata.Into(&conn.Metadata)
	if in.EnabledClients.Set {
		conn.EnabledClients = slices.Compact(slices.Sorted(slices.Values(in.EnabledClients.Value)))
		if conn.EnabledClients == nil {
			conn.EnabledClients = []string{}
		}
	}
	if in.Realms.Set {
		conn.Realms = append([]string{}, in.Realms.Value...)
	}
	if in.ShowAsButton.Null {
		conn.ShowAsButton = nil
	} else if in.ShowAsButton.Set {
		conn.ShowAsButton = &in.ShowAsButton.Value
	}
	if !in.Options.Has() {
		return nil
	}
	if !created {
		conn.Options = stagedoor.ConnectionOptions{}
	}
	from, to := in.Options.Value, &conn.Options
	from.PasswordPolicy.Into(&to.PasswordPolicy)
	from.RequiresUsername.Into(&to.RequiresUsername)
	from.DisableSignup.Into(&to.DisableSignup)
	from.BruteForceProtection.Into(&to.BruteForceProtection)
	if from.PasswordComplexityOptions.Has() {
		to.PasswordComplexityOptions = &stagedoor.PasswordComplexity{MinLength: from.PasswordComplexityOptions.Value.MinLength.Value}
	}
	keepStored(&to.Stored, from.Rest)
	return nil
}
