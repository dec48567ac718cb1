package token

import "github.com/stagedoor/stagedoor"

// CheckPolicy tells whether a token of the API may be got at all: for a person, or for a client in its own name.
func CheckPolicy(api *stagedoor.ResourceServer, person bool) error {
	policy := api.ClientPolicy()
	if person {
		policy = api.UserPolicy()
	}
	if policy == "deny_all" {
		return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "The resource server %s gives no tokens to %s.", api.Identifier, subjects[person])
	}
	return nil
}

// CheckBinding tells whether a token for the client is bound as the API demands: to a key by DPoP, or to a certificate.
func CheckBinding(api *stagedoor.ResourceServer, c *stagedoor.Client, bound Confirmation) error {
	if api == nil || c == nil || !api.NeedsProof(c) {
		return nil
	}
	switch {
	case api.ProofOfPossession.Mechanism == "mtls" && bound.X5T == "":
		return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "The resource server %s needs tokens that are bound to a client certificate.", api.Identifier)
	case api.ProofOfPossession.Mechanism != "mtls" && bound.JKT == "":
		return stagedoor.Errorf(stagedoor.Invalid, "invalid_dpop_proof", "The resource server %s needs tokens that are bound to a key: send a DPoP proof.", api.Identifier)
	}
	return nil
}

var subjects = map[bool]string{true: "users", false: "clients in their own name"}
