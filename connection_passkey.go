package stagedoor

import "encoding/json"

// PasskeyRule is what a database connection says of passkeys (Management API fact sheet 3.6).
type PasskeyRule struct {
	On          bool // people may sign in, and sign up, with one alone
	Autofill    bool // the browser offers them where the identifier is typed
	Button      bool // the login page has a button for them
	Progressive bool // who signs in with a password is offered one
	Local       bool // who signs in with one of another device is offered one of their own
}

// Passkeys returns the rule. Nobody signs in with a passkey where the users are somebody else's: they could not be asked whether the person is
// still there.
func (c *Connection) Passkeys() PasskeyRule {
	if !c.ForLogin() || !c.takesPasskeys() {
		return PasskeyRule{}
	}
	o := struct {
		UI          string `json:"challenge_ui"`
		Progressive bool   `json:"progressive_enrollment_enabled"`
		Local       bool   `json:"local_enrollment_enabled"`
	}{UI: "both", Progressive: true, Local: true}
	_ = json.Unmarshal(c.Options.Stored["passkey_options"], &o) // absent keeps the defaults
	return PasskeyRule{On: true, Autofill: o.UI != "button", Button: o.UI != "autofill", Progressive: o.Progressive, Local: o.Local}
}

// takesPasskeys tells whether passkeys are on, whether or not the connection is switched off for logins.
func (c *Connection) takesPasskeys() bool {
	return c.KeepsUsers() && c.Options.methods().Passkey.Enabled
}
