package mgmt

import (
	"encoding/json"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/internal/web"
)

type listResourceServersIn struct {
	web.Paging
	web.Fields
	Identifiers []string `json:"identifiers" doc:"An optional filter on the resource server identifier"`
}

func (a *API) listResourceServers(c *call, in listResourceServersIn) (any, error) {
	all, err := c.store.ResourceServers(c.ctx())
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(r stagedoor.ResourceServer) bool {
		return len(in.Identifiers) > 0 && !slices.Contains(in.Identifiers, r.Identifier)
	})
	return listed(c, in.Paging, web.Checkpoint{}, "resource_servers", all, func(r stagedoor.ResourceServer) string { return r.ID },
		func(r stagedoor.ResourceServer) (any, error) { return in.Pick(r) })
}

// resourceServer returns the API that the path names by id or identifier.
func resourceServer(c *call) (*stagedoor.ResourceServer, error) {
	return c.store.ResourceServer(c.ctx(), c.id())
}

func (a *API) readResourceServer(c *call, in web.Fields) (any, error) {
	r, err := resourceServer(c)
	if err != nil {
		return nil, err
	}
	return in.Pick(r)
}

// resourceServerIn is what of an API can be written, at creation and later.
type resourceServerIn struct {
	Name                web.Opt[string]            `json:"name" schema:"max=200" pattern:"^[^<>]+$" doc:"Friendly name for this resource server"`
	Scopes              web.Opt[[]apiScopeIn]      `json:"scopes" schema:"max=1000" doc:"List of permissions (scopes) that this API uses"`
	SigningAlgorithm    web.Opt[string]            `json:"signing_alg" schema:"enum=HS256|RS256|RS512|PS256" doc:"Algorithm used to sign JWTs"`
	SigningSecret       web.Opt[string]            `json:"signing_secret" schema:"min=16,max=256" doc:"Secret used to sign tokens when using symmetric algorithms (HS256)"`
	AllowOfflineAccess  web.Opt[bool]              `json:"allow_offline_access" doc:"Whether refresh tokens can be issued for this API (true) or not (false)"`
	TokenLifetime       web.Opt[int]               `json:"token_lifetime" schema:"min=0,max=2592000" doc:"Expiration value (in seconds) for access tokens issued for this API from the token endpoint"`
	TokenLifetimeForWeb web.Opt[int]               `json:"token_lifetime_for_web" schema:"min=0,max=2592000" doc:"Expiration value (in seconds) for access tokens issued for this API via Implicit or Hybrid Flows"`
	TokenDialect        web.Opt[string]            `json:"token_dialect" schema:"enum=access_token|access_token_authz|rfc9068_profile|rfc9068_profile_authz" doc:"Dialect of issued access token"`
	SkipConsent         web.Opt[bool]              `json:"skip_consent_for_verifiable_first_party_clients" doc:"Whether to skip user consent for applications flagged as first party (true) or not (false)"`
	EnforcePolicies     web.Opt[bool]              `json:"enforce_policies" doc:"Whether authorization policies are enforced (true) or unenforced (false)"`
	Rest                map[string]json.RawMessage `schema:"rest"`
}

type apiScopeIn struct {
	Value       string          `json:"value" schema:"required,min=1,max=280,format=nospace" doc:"Value of this scope"`
	Description web.Opt[string] `json:"description" schema:"max=500" doc:"User-friendly description of this scope"`
}

type createResourceServerIn struct {
	Identifier string `json:"identifier" schema:"required,min=1,max=600" doc:"Unique identifier for the API used as the audience parameter on authorization calls"`
	resourceServerIn
}

type updateResourceServerIn struct {
	_ struct{} `schema:"min=1"`
	resourceServerIn
}

// resourceServerStored are the members that are kept and returned without an effect; those in resourceServerRefused would make
// tokens safer than they are here, and are refused.
var (
	resourceServerStored = map[string]string{
		"allow_online_access": "boolean", "subject_type_authorization": "object", "token_encryption": "object", "consent_policy": "string",
		"authorization_details": "array", "proof_of_possession": "object", "authorization_policy": "object",
	}
	resourceServerRefused = []string{
		"token_encryption", "consent_policy", "authorization_details", "proof_of_possession", "authorization_policy",
	}
)

func (in *resourceServerIn) check() error {
	if err := checkStored(in.Rest, resourceServerStored); err != nil {
		return err
	}
	for _, name := range resourceServerRefused {
		if value := string(in.Rest[name]); value != "" && value != "null" && value != "[]" {
			return unsupported("The resource server setting " + name)
		}
	}
	if alg := in.SigningAlgorithm.Value; alg == "RS512" || alg == "PS256" {
		return unsupported("The algorithm " + alg)
	}
	seen := map[string]bool{}
	for i, scope := range in.Scopes.Value {
		if seen[scope.Value] {
			return badProperty("scopes["+itoa(i)+"].value", "Duplicate scope: "+scope.Value)
		}
		seen[scope.Value] = true
	}
	return nil
}

// touchesMore tells whether more was sent than what the system API lets change.
func (in *resourceServerIn) touchesMore() bool {
	return in.Name.Set || in.Scopes.Set || in.SigningAlgorithm.Set || in.SigningSecret.Set || in.AllowOfflineAccess.Set ||
		in.TokenDialect.Set || in.EnforcePolicies.Set || len(in.Rest) > 0
}

func (in *resourceServerIn) copyTo(r *stagedoor.ResourceServer) error {
	in.Name.Into(&r.Name)
	in.AllowOfflineAccess.Into(&r.AllowOfflineAccess)
	in.SkipConsent.Into(&r.SkipConsent)
	in.EnforcePolicies.Into(&r.EnforcePolicies)
	in.TokenDialect.Into(&r.TokenDialect)
	if in.SigningAlgorithm.Has() {
		r.SigningAlgorithm = in.SigningAlgorithm.Value
	}
	if in.SigningSecret.Has() {
		r.SigningSecret = in.SigningSecret.Value
	}
	if r.SigningAlgorithm != "HS256" {
		r.SigningSecret = ""
	} else if r.SigningSecret == "" {
		r.SigningSecret = stagedoor.NewSecret()
	}
	if in.TokenLifetime.Has() {
		r.TokenLifetime = in.TokenLifetime.Value
		if !in.TokenLifetimeForWeb.Has() {
			r.TokenLifetimeForWeb = min(r.TokenLifetimeForWeb, r.TokenLifetime)
		}
	}
	if in.TokenLifetimeForWeb.Has() {
		r.TokenLifetimeForWeb = in.TokenLifetimeForWeb.Value
	}
	if r.TokenLifetimeForWeb > r.TokenLifetime {
		return bad("invalid_body", "token_lifetime_for_web must be lower than or equal to token_lifetime.")
	}
	if in.Scopes.Set {
		r.Scopes = make([]stagedoor.APIScope, len(in.Scopes.Value))
		for i, s := range in.Scopes.Value {
			r.Scopes[i] = stagedoor.APIScope{Value: s.Value, Description: s.Description.Value}
		}
	}
	keepStored(&r.Stored, in.Rest)
	return nil
}

func (a *API) createResourceServer(c *call, in createResourceServerIn) (any, error) {
	tenant := c.store.Tenant()
	if token.IsManagement(tenant, in.Identifier) || token.IsUserInfo(tenant, in.Identifier) {
		return nil, bad("operation_not_supported", "The selected identifier is reserved.")
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	r := &stagedoor.ResourceServer{Identifier: in.Identifier, SigningAlgorithm: "RS256", TokenLifetime: 86400, TokenLifetimeForWeb: 7200}
	if err := in.copyTo(r); err != nil {
		return nil, err
	}
	return r, c.store.CreateResourceServer(c.ctx(), r)
}

func (a *API) updateResourceServer(c *call, in updateResourceServerIn) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	r, err := resourceServer(c)
	if err != nil {
		return nil, err
	}
	return c.store.UpdateResourceServer(c.ctx(), r.ID, func(r *stagedoor.ResourceServer) error {
		if r.IsSystem && in.touchesMore() {
			return bad("operation_not_supported", "System resource servers cannot be patched.")
		}
		return in.copyTo(r)
	})
}

func (a *API) deleteResourceServer(c *call) (any, error) {
	r, err := resourceServer(c)
	switch {
	case stagedoor.IsKind(err, stagedoor.NotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case r.IsSystem:
		return nil, bad("operation_not_supported", "System resource servers cannot be deleted.")
	}
	return nil, c.store.DeleteResourceServer(c.ctx(), r.ID)
}
