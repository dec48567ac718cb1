package me

import (
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/store"
)

// The types of authentication methods, by the names that this API has for them.
const (
	typePassword = "password"
	typePasskey  = "passkey"
	typeTOTP     = "totp"
	typePhone    = "phone"
	typeEmail    = "email"
	typePush     = "push-notification"
	typeRecovery = "recovery-code"
)

// types are all of them in the order in which they are listed, with the kind of second factor that each is, if it is one, and what the store calls it.
var types = []struct{ name, kind, method string }{
	{typePassword, "", ""},
	{typePasskey, "", store.TypePasskey},
	{store.TypePlatform, mfa.Platform, store.TypePlatform},
	{store.TypeRoaming, mfa.Roaming, store.TypeRoaming},
	{typeTOTP, mfa.OTP, store.TypeTOTP},
	{typePhone, mfa.Phone, "phone"},
	{typeEmail, mfa.Email, "email"},
	{typePush, mfa.Push, store.TypePush},
	{typeRecovery, mfa.Recovery, store.TypeRecovery},
}

// kindOf is the kind of second factor that a type is; empty if it is none.
func kindOf(name string) string {
	for _, t := range types {
		if t.name == name {
			return t.kind
		}
	}
	return ""
}

// typeOf is the name that this API has for what the store keeps; empty if it has none.
func typeOf(method string) string {
	for _, t := range types {
		if t.method == method && method != "" {
			return t.name
		}
	}
	return ""
}

func usageOf(name string) []string {
	if name == typePassword || name == typePasskey {
		return []string{"primary"}
	}
	return []string{"secondary"}
}

type factor struct {
	Type  string   `json:"type"`
	Usage []string `json:"usage"`
}

// listFactors lists what the person can set up: of second factors those that the tenant has on, and the password and passkeys where their database takes them.
func (d *Door) listFactors(c *call) (any, error) {
	settings, err := mfa.SettingsOf(c.Ctx(), c.Store)
	if err != nil {
		return nil, err
	}
	conn, err := c.database()
	if err != nil {
		return nil, err
	}
	out := []factor{}
	for _, t := range types {
		is := t.kind != "" && settings.Has(t.kind)
		switch t.name {
		case typePassword:
			is = conn != nil && conn.Passwords()
		case typePasskey:
			is = conn != nil && conn.Passkeys().On
		}
		if is {
			out = append(out, factor{t.name, usageOf(t.name)})
		}
	}
	return map[string]any{"factors": out}, nil
}

// database is where the person's password is, and to which their passkeys lead; nil if they come from elsewhere, or it is switched off.
func (c *call) database() (*stagedoor.Connection, error) {
	conn, err := c.Store.ConnectionByName(c.Ctx(), c.User.Connection)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && !conn.ForLogin() {
		return nil, nil //nolint:nilnil // there is none
	}
	return conn, err
}

// isSecond tells whether something that the store keeps is a second factor that somebody set up, of this server's or not.
func isSecond(m *stagedoor.AuthenticationMethod) bool {
	return !slices.Contains([]string{store.TypePasskey, store.TypeRecovery, typePassword}, m.Type)
}
