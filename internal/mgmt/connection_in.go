package mgmt

import (
	"encoding/json"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/web"
)

// connectionIn is what of a connection can be written, at creation and later.
type connectionIn struct {
	DisplayName        web.Opt[string]              `json:"display_name" schema:"max=128" doc:"Connection name used in the new universal login experience"`
	Options            web.Opt[freeObject]          `json:"options" doc:"The connection's options"`
	EnabledClients     web.Opt[[]string]            `json:"enabled_clients" schema:"max=1000" doc:"The identifiers of the clients for which the connection is to be enabled"`
	Realms             web.Opt[[]string]            `json:"realms" schema:"max=10" doc:"Defines the realms for which the connection will be used"`
	IsDomainConnection web.Opt[bool]                `json:"is_domain_connection" doc:"true promotes to a domain-level connection"`
	ShowAsButton       web.Opt[bool]                `json:"show_as_button" doc:"Enables showing a button for the connection in the login page"`
	Metadata           web.Opt[metadataIn]          `json:"metadata" schema:"max=10" doc:"Metadata associated with the connection"`
	Authentication     web.Opt[connectionActiveIn]  `json:"authentication"`
	ConnectedAccounts  web.Opt[connectedAccountsIn] `json:"connected_accounts"`
	CrossAppAccess     web.Opt[connectionActiveIn]  `json:"cross_app_access_requesting_app"`
	CrossAppResource   web.Opt[connectionStatusIn]  `json:"cross_app_access_resource_app"`
}

type connectionActiveIn struct {
	Active bool `json:"active" schema:"required"`
}

type connectionStatusIn struct {
	Status string `json:"status" schema:"required,enum=enabled|disabled"`
}

type connectedAccountsIn struct {
	Active         bool          `json:"active" schema:"required"`
	CrossAppAccess web.Opt[bool] `json:"cross_app_access"`
	WithoutID      web.Opt[bool] `json:"allow_missing_user_id"`
}

// MarshalJSON writes what was sent.
func (in connectedAccountsIn) MarshalJSON() ([]byte, error) {
	out := map[string]bool{"active": in.Active}
	if in.CrossAppAccess.Has() {
		out["cross_app_access"] = in.CrossAppAccess.Value
	}
	if in.WithoutID.Has() {
		out["allow_missing_user_id"] = in.WithoutID.Value
	}
	return json.Marshal(out)
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

// newConnection returns a connection as the API fills it in when only name and strategy are given.
func newConnection(name, strategy string) *stagedoor.Connection {
	conn := &stagedoor.Connection{
		Name: name, Strategy: strategy, EnabledClients: []string{}, Realms: []string{name}, Authentication: &stagedoor.Active{Active: true},
		Stored: map[string]json.RawMessage{"connected_accounts": json.RawMessage(`{"active":false}`)},
	}
	if strategies[strategy].family == familyEnterprise {
		conn.ShowAsButton = new(false)
	}
	return conn
}

func (in *connectionIn) check(c *call) error {
	if _, err := texts(in.Metadata.Value); err != nil {
		return err
	}
	if in.ConnectedAccounts.Value.WithoutID.Value {
		return unsupported("A connected account of nobody at its provider (allow_missing_user_id)")
	}
	return knownClients(c, in.EnabledClients.Value)
}

// requestingStrategies are those whose providers can vouch for an application at another's API.
var requestingStrategies = []string{"oidc", "okta"}

// copyTo copies what was sent. At creation options are laid over the defaults; later they replace those that were there.
func (in *connectionIn) copyTo(conn *stagedoor.Connection, created bool) error {
	in.DisplayName.Into(&conn.DisplayName)
	in.IsDomainConnection.Into(&conn.IsDomainConnection)
	if in.Metadata.Set {
		metadata, err := texts(in.Metadata.Value)
		if err != nil {
			return err
		}
		conn.Metadata = metadata
	}
	if in.EnabledClients.Set {
		conn.EnabledClients = slices.Compact(slices.Sorted(slices.Values(in.EnabledClients.Value)))
		if conn.EnabledClients == nil {
			conn.EnabledClients = []string{}
		}
	}
	if in.Realms.Set {
		conn.Realms = append([]string{}, in.Realms.Value...)
	}
	copyFlag(in.ShowAsButton, &conn.ShowAsButton)
	if in.Authentication.Null {
		conn.Authentication = nil
	} else if in.Authentication.Set {
		conn.Authentication = &stagedoor.Active{Active: in.Authentication.Value.Active}
	}
	if in.CrossAppAccess.Value.Active && !slices.Contains(requestingStrategies, conn.Strategy) {
		return bad("operation_not_supported", "Cross App Access Requesting App is not supported for this connection.")
	}
	for name, value := range map[string]any{
		"connected_accounts": kept(in.ConnectedAccounts), "cross_app_access_requesting_app": kept(in.CrossAppAccess),
		"cross_app_access_resource_app": kept(in.CrossAppResource),
	} {
		if err := in.keep(conn, name, value); err != nil {
			return err
		}
	}
	if !in.Options.Has() && !created {
		return nil
	}
	if conn.Strategy == connection.StrategyDatabase {
		return databaseOptions(conn, in.Options.Value, created)
	}
	return otherOptions(conn, in.Options.Value, created)
}

// kept returns what of an optional member is to be stored: nothing, null, or the value.
func kept[T any](o web.Opt[T]) any {
	switch {
	case !o.Set:
		return nil
	case o.Null:
		return json.RawMessage("null")
	}
	return o.Value
}

func (in *connectionIn) keep(conn *stagedoor.Connection, name string, value any) error {
	if value == nil {
		return nil
	}
	raw, err := json.Marshal(value)
	if err == nil {
		keepStored(&conn.Stored, map[string]json.RawMessage{name: raw})
	}
	return err
}

// otherOptions sets the options of a strategy that is not a database: all of them are kept as they came.
func otherOptions(conn *stagedoor.Connection, sent freeObject, created bool) error {
	raw, err := json.Marshal(sent)
	if err != nil {
		return badProperty("options", "The options cannot be read")
	}
	if sent == nil {
		raw = []byte("{}")
	}
	if err := checkOptions(conn.Strategy, raw); err != nil {
		return err
	}
	options := freeObject{}
	for name, value := range strategies[conn.Strategy].defaults {
		if before, there := conn.Options.Stored[name]; created {
			options[name] = json.RawMessage(value)
		} else if there {
			options[name] = before
		}
	}
	for name, value := range sent {
		options[name] = value
	}
	if name := missingOption(conn.Strategy, options); name != "" {
		return badProperty("options", "Missing required property: "+name)
	}
	if err := keepConfiguration(conn, options); err != nil {
		return err
	}
	if err := complete(conn, options, created); err != nil {
		return err
	}
	conn.Options = stagedoor.ConnectionOptions{Stored: options}
	return nil
}
