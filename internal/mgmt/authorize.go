package mgmt

import (
	"strings"

	"github.com/stagedoor/stagedoor"
)

// insufficient is the refusal of a token that has none of the scopes.
func insufficient(scopes ...string) error {
	return stagedoor.Errorf(stagedoor.Forbidden, "insufficient_scope", "Insufficient scope, expected any of: %s", strings.Join(scopes, ","))
}

// authorize tells whether the caller may do what the row says. Operations may ask for more, by what is sent.
func (c *call) authorize() error {
	for _, group := range c.row.needs {
		if !c.caller.hasAny(group...) {
			return insufficient(group...)
		}
	}
	if c.caller.person && !ofOwnAccount(c.row.pattern) && c.id() != c.caller.subject {
		return stagedoor.Errorf(stagedoor.Forbidden, "unowned_resource", "User to be acted on does not match subject in bearer token.")
	}
	return nil
}
