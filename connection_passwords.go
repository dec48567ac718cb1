package stagedoor

import "encoding/json"

// passwordMethod is the option authentication_methods.password (Management API fact sheet 3.6).
type passwordMethod struct {
	Enabled *bool  `json:"enabled"`
	API     string `json:"api_behavior"` // required, optional
}

func (c *Connection) passwordMethod() passwordMethod {
	var methods struct {
		Password passwordMethod `json:"password"`
	}
	if json.Unmarshal(c.Options.Stored["authentication_methods"], &methods) != nil { // absent is on
		return passwordMethod{}
	}
	return methods.Password
}

// SwitchesPasswordsOff tells whether authentication_methods says that people of a database have no password.
func (c *Connection) SwitchesPasswordsOff() bool {
	on := c.passwordMethod().Enabled
	return c.Strategy == StrategyDatabase && on != nil && !*on
}

// Passwords tells whether people of a database show, choose and reset a password. Where they are switched off a code or a passkey takes their place. A connection
// that has neither keeps its passwords: the switch is from a time when it had no effect, and nobody could log in.
func (c *Connection) Passwords() bool {
	return c.Strategy == StrategyDatabase && (!c.SwitchesPasswordsOff() || !c.HasOtherMethods())
}

// HasOtherMethods tells whether people of a database can log in by something else than a password.
func (c *Connection) HasOtherMethods() bool { return c.loginCodes().On() || c.takesPasskeys() }

// WantsPassword tells whether the Management API makes no user of a database without a password.
func (c *Connection) WantsPassword() bool {
	return c.Passwords() && (!c.KeepsUsers() || c.passwordMethod().API != "optional")
}
