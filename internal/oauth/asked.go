package oauth

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// asked is what a client asks for, and how it came: in the open, in a signed object, or pushed beforehand.
type asked struct {
	params url.Values
	pushed bool   // by /oauth/par
	signed bool   // in a request object
	jkt    string // the thumbprint of the key that the client proved to have when it pushed the request
}

// requestURI is how the names of pushed requests begin (RFC 9126 section 2.2).
const requestURI = "urn:ietf:params:oauth:request_uri:"

// asked finds out what is asked for: what was pushed under request_uri, what the object in request holds, or the parameters themselves. Parameters
// beside the first two count for nothing (RFC 9126 section 4, RFC 9101 section 5). With an error from a request object the parameters are
// returned that came beside it, so that the error finds its way to the client, if they name a callback of the client's.
func (d *Door) asked(r *http.Request, st *store.Store, client *stagedoor.Client, params url.Values) (asked, error) {
	switch {
	case params.Has("request") && params.Has("request_uri"):
		return asked{}, invalid("request and request_uri cannot be used together")
	case params.Has("request_uri"):
		name, is := strings.CutPrefix(params.Get("request_uri"), requestURI)
		if !is || !st.Tenant().Settings.AllowsPAR() {
			return asked{params: params}, stagedoor.Errorf(stagedoor.Invalid, "request_uri_not_supported", "The parameter request_uri takes names of pushed requests only.")
		}
		p, err := st.TakePushedRequest(r.Context(), name, client.ID)
		if stagedoor.IsKind(err, stagedoor.NotFound) {
			return asked{}, stagedoor.Errorf(stagedoor.Invalid, "invalid_request_uri", "The pushed authorization request is unknown, was used, or has expired.")
		}
		if err != nil {
			return asked{}, err
		}
		return asked{params: p.Params, pushed: true, signed: p.Signed, jkt: p.DPoPJKT}, nil
	case params.Has("request"):
		inside, err := readObject(r, st, client, params.Get("request"))
		if err != nil {
			if !params.Has("redirect_uri") {
				params = nil
			}
			return asked{params: params}, err
		}
		return asked{params: inside, signed: true}, nil
	}
	return asked{params: params}, nil
}
