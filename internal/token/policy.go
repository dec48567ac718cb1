package token

import "github.com/stagedoor/stagedoor"

// CheckPolicy tells whether the client may get a token of the API at all: for a person, or in its own name. What an API demands
// and this server cannot do is refused.
func CheckPolicy(api *stagedoor.ResourceServer, c *stagedoor.Client, person bool) error {
	policy := api.ClientPolicy()
	if person {
		policy = api.UserPolicy()
	}
	switch {
	case policy == "deny_all":
		return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "The resource server %s gives no tokens to %s.", api.Identifier, subjects[person])
	case c != nil && api.NeedsProof(c):
		return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "The resource server %s needs proof of the possession of a key, which this server cannot check.", api.Identifier)
	}
	return nil
}

var subjects = map[bool]string{true: "users", false: "clients in their own name"}
