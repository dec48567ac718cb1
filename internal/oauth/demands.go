package oauth

import "github.com/stagedoor/stagedoor"

// Clients may ask to be served only in ways that are safer than the usual ones. Those ways that are not served here cannot be
// taken, so that such a client is refused: to serve it as any other would be less than it asked for.

// checkDemands tells whether a login may begin with a plain request.
func checkDemands(c *stagedoor.Client) error {
	switch {
	case c.NeedsPAR():
		return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "The client must use pushed authorization requests, which this server does not have.")
	case c.NeedsSignedRequest():
		return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "The client must use signed authorization requests, which this server does not have.")
	}
	return nil
}

// checkProof tells whether a client may get tokens that are not bound to a key.
func checkProof(c *stagedoor.Client) error {
	if c.NeedsProof() {
		return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "The client must prove the possession of a key, which this server cannot check.")
	}
	return nil
}
