package oauth

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
)

// check reads and checks the rest of a request, in the wire's order.
func (d *Door) check(r *http.Request, st *store.Store, client *stagedoor.Client, in asked, req *stagedoor.AuthorizationRequest) (*stagedoor.ResourceServer, error) {
	params := in.params
	if err := checkResponse(client, params, req); err != nil {
		return nil, err
	}
	if err := checkCompliance(client, req); err != nil {
		return nil, err
	}
	if err := checkDemands(st.Tenant(), client, in); err != nil {
		return nil, err
	}
	req.Connection = params.Get("connection")
	req.LoginHint = params.Get("login_hint")
	if err := checkOrganization(r.Context(), st, client, params, req); err != nil {
		return nil, err
	}
	req.Scope = distinct(stagedoor.Words(params.Get("scope")))
	if req.HasScope("online_access") && req.HasScope("offline_access") {
		return nil, invalid("Cannot request both online_access and offline_access scopes")
	}
	var err error
	if req.Audience, err = audienceOf(r.Context(), st, params.Get("audience"), params["resource"]...); err != nil {
		return nil, err
	}
	req.Audience = cmp.Or(req.Audience, st.Tenant().Settings.DefaultAudience)
	req.Conformant = client.OIDCConformant || req.Audience != ""
	api, err := apiOf(r.Context(), st, req.Audience)
	if err != nil {
		return nil, err
	}
	if api == nil {
		req.Audience = ""
	}
	if err := forPeople(r.Context(), st, client, api, req); err != nil {
		return nil, err
	}
	if err := checkFrontChannel(client, api, req); err != nil {
		return nil, err
	}
	if err := checkRest(client, params, req); err != nil {
		return nil, err
	}
	if err := firstOf(checkThumbprint(in, req), d.checkHint(r.Context(), st, client, params.Get("id_token_hint"), req)); err != nil {
		return nil, err
	}
	if req.Details, err = authorizationDetails(r.Context(), st, client, api, params.Get("authorization_details")); err != nil {
		return nil, err
	}
	if asksOrganization(client, req) {
		return api, nil // its connections count, and it is not known yet
	}
	_, err = connection.ForRequest(r.Context(), st, req)
	return api, err
}

func checkResponse(client *stagedoor.Client, params url.Values, req *stagedoor.AuthorizationRequest) error {
	if req.ResponseType == "" {
		return missing("response_type")
	}
	grants, ok := responseTypes[req.ResponseType]
	if !ok {
		return stagedoor.Errorf(stagedoor.Invalid, "unsupported_response_type", "Unsupported response type: %s", params.Get("response_type"))
	}
	for _, g := range grants {
		if !client.Allows(g) {
			return stagedoor.Errorf(stagedoor.Forbidden, "unauthorized_client", "Grant type '%s' not allowed for the client.", g)
		}
	}
	if asked := params.Get("response_mode"); asked != "" && asked != req.ResponseMode {
		return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "Unsupported response mode: %s", asked)
	}
	return nil
}

func checkRest(client *stagedoor.Client, params url.Values, req *stagedoor.AuthorizationRequest) error {
	req.Nonce = params.Get("nonce")
	if req.Conformant && req.Has("id_token") && req.Nonce == "" {
		return missing("nonce")
	}
	if err := checkPKCE(client, params, req); err != nil {
		return err
	}
	req.Prompt = stagedoor.Words(params.Get("prompt"))
	if req.HasPrompt("none") && len(req.Prompt) > 1 {
		return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "prompt=none cannot be combined with other values")
	}
	if s := params.Get("max_age"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 {
			return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "max_age must be a number of seconds")
		}
		req.MaxAge = &n
	}
	req.ScreenHint, req.UILocales = params.Get("screen_hint"), params.Get("ui_locales")
	for name, value := range map[string]string{"state": req.State, "nonce": req.Nonce, "login_hint": req.LoginHint} {
		if len(value) > 16<<10 {
			return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "The parameter %s is too long.", name)
		}
	}
	return nil
}

// checkHint reads the ID token of the person that the client expects (OpenID Connect Core 3.1.2.2). One that has expired is good.
func (d *Door) checkHint(ctx context.Context, st *store.Store, client *stagedoor.Client, hint string, req *stagedoor.AuthorizationRequest) error {
	if hint == "" {
		return nil
	}
	claims, err := d.Minter.ParseHint(ctx, st, hint)
	if err != nil || !token.IsIssuer(st.Tenant(), claims.Issuer) || !slices.Equal(claims.Audience, []string{client.ID}) || claims.Subject == "" {
		return invalid("The id_token_hint is not valid.")
	}
	req.Subject = claims.Subject
	return nil
}

// checkPKCE wants a well-formed challenge (RFC 7636), and one at all from public clients: without a secret
// nothing else ties the code to who asked for it.
func checkPKCE(client *stagedoor.Client, params url.Values, req *stagedoor.AuthorizationRequest) error {
	if !req.Has("code") {
		return nil
	}
	req.CodeChallenge, req.CodeMethod = params.Get("code_challenge"), params.Get("code_challenge_method")
	switch {
	case req.CodeChallenge == "" && req.CodeMethod != "":
		return missing("code_challenge")
	case req.CodeChallenge == "" && (client.Public() || strictPKCE(client)):
		return missing("code_challenge")
	case req.CodeChallenge == "":
		return nil
	case !unreserved(req.CodeChallenge):
		return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "code_challenge must be 43 to 128 unreserved characters")
	}
	if req.CodeMethod == "" {
		req.CodeMethod = "plain"
	}
	if req.CodeMethod != "S256" && strictPKCE(client) {
		return invalid("code_challenge_method must be S256")
	}
	if req.CodeMethod != "S256" && req.CodeMethod != "plain" {
		return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "Unsupported code_challenge_method: %s", req.CodeMethod)
	}
	return nil
}

// checkThumbprint reads the key that the code is to be bound to: the one that the request names, or the one that the client proved to have when it
// pushed the request; if both, they are the same (RFC 9449 section 10.1).
func checkThumbprint(in asked, req *stagedoor.AuthorizationRequest) error {
	req.DPoPJKT = in.params.Get("dpop_jkt")
	switch {
	case req.DPoPJKT != "" && !thumbprint.MatchString(req.DPoPJKT):
		return invalid("dpop_jkt must be a JWK thumbprint with SHA-256")
	case in.jkt != "" && req.DPoPJKT != "" && in.jkt != req.DPoPJKT:
		return stagedoor.Errorf(stagedoor.Invalid, "invalid_dpop_proof", "Invalid DPoP proof: it is of another key than dpop_jkt")
	case in.jkt != "":
		req.DPoPJKT = in.jkt
	}
	return nil
}

// thumbprint is the form of a SHA-256 digest in base64url.
var thumbprint = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// strictPKCE tells whether only the safe way will do: for clients that comply with FAPI, and for somebody else's that are held to it.
func strictPKCE(c *stagedoor.Client) bool { return c.Strict() || c.Complies("fapi") }

// unreserved tells whether s is 43 to 128 characters of RFC 3986's unreserved set.
func unreserved(s string) bool {
	if len(s) < 43 || len(s) > 128 {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~", r))
	})
}

func missing(name string) error {
	return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "Missing required parameter: %s", name)
}
