package stagedoor

// SwitchesPasswordsOff tells whether authentication_methods says that people of a database have no password.
func (c *Connection) SwitchesPasswordsOff() bool {
	on := c.Options.methods().Password.Enabled
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
	return c.Passwords() && (!c.KeepsUsers() || c.Options.methods().Password.API != "optional")
}
