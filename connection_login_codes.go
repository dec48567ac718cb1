package stagedoor

// CodeRule says by which of their identifiers people of a database may log in with a code that is sent there.
type CodeRule struct{ Email, Phone bool }

// On tells whether there is one.
func (r CodeRule) On() bool { return r.Email || r.Phone }

// LoginCodes returns the rule. A method is switched on by itself, or by being what an identifier is asked for first. Nobody logs in with a code where the
// users are somebody else's: they could not be asked whether the person is still there.
func (c *Connection) LoginCodes() CodeRule {
	if !c.ForLogin() {
		return CodeRule{}
	}
	return c.loginCodes()
}

// loginCodes is the rule whether or not the connection is switched off for logins.
func (c *Connection) loginCodes() CodeRule {
	if !c.KeepsUsers() {
		return CodeRule{}
	}
	methods := c.Options.methods()
	rules := c.Options.Attributes()
	return CodeRule{
		Email: rules.Email.Identifies && (methods.Email.Enabled || rules.Email.CodeFirst),
		Phone: rules.Phone.Identifies && (methods.Phone.Enabled || rules.Phone.CodeFirst),
	}
}
