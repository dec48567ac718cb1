package oauth

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
)

// Clients may ask to be served only in ways that are safer than the usual ones: to serve such a client as any other would be less than it
// asked for.

// checkDemands tells whether a login may begin with this request.
func checkDemands(t *stagedoor.Tenant, c *stagedoor.Client, in asked) error {
	switch {
	case !in.pushed && (c.NeedsPAR() || t.Settings.Flags[stagedoor.FlagRequirePAR]):
		return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "Pushed authorization requests are required: send the request to /oauth/par first.")
	case !in.signed && c.NeedsSignedRequest():
		return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "The client must send its authorization requests in signed request objects.")
	}
	return nil
}

// checkCompliance holds a request to the client's compliance level: no access tokens from /authorize, and https alone to go back to (FAPI 1.0 Advanced
// 5.2.2-2, FAPI 2.0 Security Profile 5.3.2.2).
func checkCompliance(c *stagedoor.Client, req *stagedoor.AuthorizationRequest) error {
	switch {
	case !c.Complies("fapi"):
		return nil
	case req.ResponseType != "code" && (req.ResponseType != "code id_token" || !c.Complies("fapi1")):
		return stagedoor.Errorf(stagedoor.Invalid, "unsupported_response_type", "The client's compliance level does not allow the response type %s.", req.ResponseType)
	case !req.RedirectGiven: // FAPI 1.0 Baseline 5.2.2-9
		return missing("redirect_uri")
	case !strings.HasPrefix(strings.ToLower(req.RedirectURI), "https://"):
		return invalid("The client's compliance level wants an https redirect_uri.")
	}
	return nil
}

// checkProof tells whether the client may get tokens that are bound like this: one that demands proof of possession gets no bearer tokens,
// and one that complies with a profile of mutual TLS needs its certificate.
func checkProof(c *stagedoor.Client, bound token.Confirmation) error {
	switch {
	case strings.HasPrefix(c.ComplianceLevel, "fapi") && c.NeedsProof() && bound.X5T == "":
		return invalid("The client must show its certificate: its tokens are bound to it.")
	case c.NeedsProof() && bound == token.Confirmation{}:
		return stagedoor.Errorf(stagedoor.Invalid, "invalid_dpop_proof", "The client must prove the possession of a key, by DPoP or by its certificate.")
	}
	return nil
}

// checkFrontChannel refuses access tokens straight from /authorize where they must be bound to a key: nothing proves one there.
func checkFrontChannel(c *stagedoor.Client, api *stagedoor.ResourceServer, req *stagedoor.AuthorizationRequest) error {
	if req.Has("token") && (c.NeedsProof() || api != nil && api.NeedsProof(c)) {
		return invalid("Access tokens that must be bound to a key come from the token endpoint only.")
	}
	return nil
}

// wanted is what a person's tokens are to be for, where no /authorize asks.
type wanted struct {
	api      *stagedoor.ResourceServer // nil: for /userinfo only
	audience string                    // "" means userinfo only
	scope    []string

	organization string // its id; of those who wait for a person elsewhere
}

// askedFor reads the audience and the scope of a request for a person's tokens; without one unnamed says which scopes are meant, if it is
// there.
func askedFor(ctx context.Context, st *store.Store, client *stagedoor.Client, params map[string]string, unnamed func(*stagedoor.ResourceServer) []string) (wanted, error) {
	w := wanted{audience: cmp.Or(params["audience"], st.Tenant().Settings.DefaultAudience), scope: distinct(stagedoor.Words(params["scope"]))}
	var err error
	if w.api, err = apiOf(ctx, st, w.audience); err != nil {
		return w, err
	}
	if len(w.scope) == 0 && unnamed != nil {
		w.scope = unnamed(w.api)
	}
	if w.api == nil {
		w.audience = ""
	}
	req := &stagedoor.AuthorizationRequest{Scope: w.scope}
	err = forPeople(ctx, st, client, w.api, req)
	w.scope = req.Scope
	return w, err
}

// forPeople tells whether people may get tokens of the API through the client. Where that needs a client grant, scopes of the
// API that it does not hold are taken out of the request. The tenant's own APIs link accounts to people's, and take their factors away: no word of theirs gives that to a stranger.
func forPeople(ctx context.Context, st *store.Store, client *stagedoor.Client, api *stagedoor.ResourceServer, req *stagedoor.AuthorizationRequest) error {
	if api == nil {
		return nil
	}
	if err := token.CheckPolicy(api, true); err != nil {
		return err
	}
	own := token.IsMyAccount(st.Tenant(), api.Identifier) || api.IsSystem && token.IsMyOrganization(st.Tenant(), api.Identifier)
	if own && !client.IsFirstParty || api.IsSystem && client.Stranger() {
		return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "Clients of third parties get no tokens of resource server %q.", api.Identifier)
	}
	if api.UserPolicy() != "require_client_grant" {
		return nil
	}
	g, err := st.ClientGrantFor(ctx, client, api.Identifier, stagedoor.SubjectUser)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "Client is not authorized to access resource server %q.", api.Identifier)
	}
	if err != nil {
		return err
	}
	allowed := g.Scopes(api)
	req.Scope = slices.DeleteFunc(req.Scope, func(s string) bool { return api.Defines(s) && !slices.Contains(allowed, s) })
	return nil
}
