package stagedoor

import (
	"encoding/json"
	"unicode/utf8"
)

// UsernameRule tells whether users of a database have usernames, whether they must, and how long these may be, in characters
// (Management API fact sheet 3.6): by requires_username and validation, or by the newer attributes.
type UsernameRule struct {
	Have, Must bool
	Min, Max   int  // 0: no limit of the connection's own
	NoPhones   bool // one that looks like a telephone number is refused
	Emails     bool // one may look like an e-mail address
}

// Usernames returns the rule for usernames.
func (o *ConnectionOptions) Usernames() UsernameRule {
	if o.RequiresUsername {
		r := UsernameRule{Have: true, Must: true}
		var validation struct{ Username struct{ Min, Max int } }
		if json.Unmarshal(o.Stored["validation"], &validation) == nil {
			r.Min, r.Max = validation.Username.Min, validation.Username.Max
		}
		return r
	}
	u := o.attributes().Username
	if u == nil {
		return UsernameRule{}
	}
	rule := u.rule(signupOptional, false)
	return UsernameRule{
		Have: rule.Had(), Must: rule.Must, Min: u.Validation.Min, Max: u.Validation.Max,
		NoPhones: !u.Validation.Types.Phone, Emails: u.Validation.Types.Email,
	}
}

// Takes tells whether a username, which may be empty, is as the rule wants it.
func (r UsernameRule) Takes(username string) bool {
	if username == "" {
		return !r.Must
	}
	n := utf8.RuneCountInString(username)
	_, phone := PhoneNumber(username) // who types it would be looked for by the number
	return r.Have && n >= r.Min && (r.Max == 0 || n <= r.Max) && !(r.NoPhones && phone)
}
