package mgmt

import (
	"encoding/json"
	"net/url"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/internal/web"
)

type listResourceServersIn struct {
	web.Paging
	web.Fields
	Identifiers []string `json:"identifiers" doc:"An optional filter on the resource server identifier"`
}

func (a *API) listResourceServers(c *call, in listResourceServersIn) (any, error) {
	view, err := a.resourceServerView(c)
	if err != nil {
		return nil, err
	}
	show := func(r stagedoor.ResourceServer) (any, error) { return view(&r, in.Fields) }
	if len(in.Identifiers) == 0 {
		return listedPages(c, in.Paging, web.Checkpoint{}, "resource_servers", c.store.ResourceServerPages(), show)
	}
	all, err := c.store.ResourceServers(c.ctx())
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(r stagedoor.ResourceServer) bool { return !slices.Contains(in.Identifiers, r.Identifier) })
	return listed(c, in.Paging, web.Checkpoint{}, "resource_servers", all, func(r stagedoor.ResourceServer) string { return r.ID }, show)
}

// resourceServerView returns how APIs look: with the client that stands for each, without keys that tokens are encrypted with.
func (a *API) resourceServerView(c *call) (func(*stagedoor.ResourceServer, web.Fields) (any, error), error) {
	clients, err := c.store.Clients(c.ctx())
	if err != nil {
		return nil, err
	}
	linked := map[string]string{}
	for _, cl := range clients {
		if identifier := optionText(cl.Stored, "resource_server_identifier"); identifier != "" {
			linked[identifier] = cl.ID
		}
	}
	return func(r *stagedoor.ResourceServer, fields web.Fields) (any, error) {
		shown := *r
		shown.ClientID = linked[r.Identifier]
		if r.TokenEncryption != nil {
			e := *r.TokenEncryption
			e.Key.PEM = ""
			shown.TokenEncryption = &e
		}
		shown.SubjectTypes = &stagedoor.SubjectTypes{User: &stagedoor.SubjectPolicy{Policy: r.UserPolicy()}, Client: &stagedoor.SubjectPolicy{Policy: r.ClientPolicy()}}
		if r.SubjectTypes != nil {
			shown.SubjectTypes.Anonymous = r.SubjectTypes.Anonymous
		}
		return fields.Pick(shown)
	}, nil
}

func (a *API) showResourceServer(c *call, r *stagedoor.ResourceServer, fields web.Fields) (any, error) {
	show, err := a.resourceServerView(c)
	if err != nil {
		return nil, err
	}
	return show(r, fields)
}

// resourceServer returns the API that the path names by its id or identifier. The Terraform provider escapes an identifier twice.
func resourceServer(c *call) (*stagedoor.ResourceServer, error) {
	r, err := c.store.ResourceServer(c.ctx(), c.id())
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		if twice, escapeErr := url.PathUnescape(c.id()); escapeErr == nil && twice != c.id() {
			return c.store.ResourceServer(c.ctx(), twice)
		}
	}
	return r, err
}

func (a *API) readResourceServer(c *call, in web.Fields) (any, error) {
	r, err := resourceServer(c)
	if err != nil {
		return nil, err
	}
	return a.showResourceServer(c, r, in)
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
	TokenEncryption     web.Opt[tokenEncryptionIn] `json:"token_encryption"`
	ProofOfPossession   web.Opt[proofIn]           `json:"proof_of_possession"`
	SubjectTypes        web.Opt[subjectTypesIn]    `json:"subject_type_authorization"`
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

type tokenEncryptionIn struct {
	Format string          `json:"format" schema:"required,enum=compact-nested-jwe" doc:"Format of the encrypted JWT payload"`
	Key    encryptionKeyIn `json:"encryption_key" schema:"required"`
}

type encryptionKeyIn struct {
	Name      web.Opt[string] `json:"name" schema:"max=128"`
	Algorithm string          `json:"alg" schema:"required,enum=RSA-OAEP-256|RSA-OAEP-384|RSA-OAEP-512" doc:"Algorithm used to encrypt the payload"`
	KID       web.Opt[string] `json:"kid" schema:"max=128"`
	PEM       web.Opt[string] `json:"pem" schema:"max=65536" doc:"PEM-formatted public key. Must be JSON escaped"`
}

type proofIn struct {
	Mechanism   string          `json:"mechanism" schema:"required,enum=mtls|dpop" doc:"Intended mechanism for Proof-of-Possession"`
	Required    bool            `json:"required" schema:"required" doc:"Whether the use of Proof-of-Possession is required for the resource server"`
	RequiredFor web.Opt[string] `json:"required_for" schema:"enum=public_clients|all_clients"`
}

type subjectTypesIn struct {
	User      web.Opt[userPolicyIn]   `json:"user"`
	Client    web.Opt[clientPolicyIn] `json:"client"`
	Anonymous web.Opt[clientPolicyIn] `json:"anonymous_user"`
}

type userPolicyIn struct {
	Policy string `json:"policy" schema:"enum=allow_all|deny_all|require_client_grant" doc:"Defines the user flows policy for the resource server"`
}

type clientPolicyIn struct {
	Policy string `json:"policy" schema:"enum=deny_all|require_client_grant" doc:"Defines the client flows policy for the resource server"`
}

// resourceServerShape are the members that are kept as they were sent.
type resourceServerShape struct {
	AllowOnline    web.Opt[bool]                  `json:"allow_online_access" doc:"Whether online access is allowed for this API"`
	Ephemeral      web.Opt[bool]                  `json:"allow_online_access_with_ephemeral_sessions" doc:"Whether online access is allowed for this API with ephemeral sessions"`
	Consent        web.Opt[string]                `json:"consent_policy" schema:"enum=transactional-authorization-with-mfa"`
	Authorization  web.Opt[[]authorizationTypeIn] `json:"authorization_details" schema:"max=10"`
	Policy         web.Opt[policyIDIn]            `json:"authorization_policy"`
	Verification   web.Opt[json.RawMessage]       `json:"verificationKey"`
	VerificationLo web.Opt[string]                `json:"verificationLocation"`
	NonRepudiation web.Opt[bool]                  `json:"require_consent_non_repudiation" doc:"Whether people have to sign what they consent to"`
	AnonymousLife  web.Opt[int]                   `json:"token_lifetime_for_anonymous_access_tokens" schema:"min=0,max=2592000"`
	AnonymousOld   web.Opt[bool]                  `json:"allow_anonymous_access" doc:"Whether anonymous users may get tokens of this API as its policy for them says"`
	AccessToken    web.Opt[accessTokenIn]         `json:"access_token"`
}

// accessTokenIn says what access tokens of anonymous sessions hold.
type accessTokenIn struct {
	Mapping web.Opt[claimsMappingIn] `json:"claims_mapping"`
}

type claimsMappingIn struct {
	Claims web.Opt[[]claimRuleIn] `json:"custom_claims" schema:"max=10"`
}

type claimRuleIn struct {
	Name       string `json:"name" schema:"required,min=1,max=255" doc:"Name of the claim"`
	Expression string `json:"expression" schema:"required,max=255" pattern:"^anonymous_session(\\.[A-Za-z0-9_-]+)+$" doc:"What of the anonymous session it says"`
}

// check refuses claims that the protocols define, and a name twice.
func (in *accessTokenIn) check() error {
	names := map[string]bool{}
	for i, c := range in.Mapping.Value.Claims.Value {
		at := "access_token.claims_mapping.custom_claims[" + itoa(i) + "].name"
		if !token.Mappable(c.Name) {
			return badProperty(at, "Reserved claim name: "+bounded(c.Name, 255))
		}
		if names[c.Name] {
			return badProperty(at, "Duplicate claim name: "+bounded(c.Name, 255))
		}
		names[c.Name] = true
	}
	return nil
}

type authorizationTypeIn struct {
	Type string                     `json:"type" schema:"min=1,max=255"`
	Rest map[string]json.RawMessage `schema:"rest"`
}

type policyIDIn struct {
	PolicyID string `json:"policy_id" schema:"required,min=1,max=1024"`
}

var resourceServerShapes = web.NewSchema[resourceServerShape]()

func (in *resourceServerIn) check() error {
	shapes, err := shaped(resourceServerShapes, in.Rest)
	if err != nil {
		return err
	}
	if shapes.NonRepudiation.Value {
		return unsupported("A signature of what people consent to (require_consent_non_repudiation)")
	}
	if err := shapes.AccessToken.Value.check(); err != nil {
		return err
	}
	if alg := in.SigningAlgorithm.Value; alg == "RS512" {
		return unsupported("The algorithm " + alg)
	}
	if alg := in.TokenEncryption.Value.Key.Algorithm; alg != "" && alg != "RSA-OAEP-256" {
		return unsupported("The algorithm " + alg)
	}
	if key := in.TokenEncryption.Value.Key.PEM; key.Has() {
		if parsed, err := jose.ParsePublicPEM([]byte(key.Value)); err != nil || !parsed.Does(jose.RS256) {
			return badProperty("token_encryption.encryption_key.pem", "Object didn't pass validation for format pem")
		}
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
		in.TokenDialect.Set || in.EnforcePolicies.Set || in.TokenEncryption.Set || in.ProofOfPossession.Set || in.SubjectTypes.Set || len(in.Rest) > 0
}

// copyToOwn changes what a tenant may of the My Account API and the My Organization API: besides what any system API lets change, for which people's clients it is, whether its tokens are bound to a key,
// and settings that are kept alone.
func (in *resourceServerIn) copyToOwn(r *stagedoor.ResourceServer) error {
	alone := *in
	alone.ProofOfPossession, alone.SubjectTypes, alone.Rest = web.Opt[proofIn]{}, web.Opt[subjectTypesIn]{}, nil
	client, nobody := in.SubjectTypes.Value.Client, in.SubjectTypes.Value.Anonymous
	if alone.touchesMore() || in.SubjectTypes.Null || client.Set && client.Value.Policy != r.ClientPolicy() || nobody.Value.Policy == "require_client_grant" {
		return bad("operation_not_supported", "System resource servers cannot be patched.")
	}
	return in.copyTo(r)
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
	in.copyPolicies(r)
	if e := r.TokenEncryption; e != nil && e.Key.PEM == "" {
		return badProperty("token_encryption.encryption_key", "Missing required property: pem")
	}
	keepStored(&r.Stored, in.Rest)
	return nil
}

// copyPolicies copies how tokens are protected and for whom they are. A key that is sent back as it was shown keeps its PEM.
func (in *resourceServerIn) copyPolicies(r *stagedoor.ResourceServer) {
	if in.TokenEncryption.Null {
		r.TokenEncryption = nil
	} else if in.TokenEncryption.Set {
		k := in.TokenEncryption.Value.Key
		e := &stagedoor.TokenEncryption{
			Format: in.TokenEncryption.Value.Format,
			Key:    stagedoor.EncryptionKey{Name: k.Name.Value, Algorithm: k.Algorithm, KID: k.KID.Value, PEM: k.PEM.Value},
		}
		if old := r.TokenEncryption; old != nil && e.Key.PEM == "" && old.Key.KID == e.Key.KID {
			e.Key.PEM = old.Key.PEM
		}
		r.TokenEncryption = e
	}
	if in.ProofOfPossession.Null {
		r.ProofOfPossession = nil
	} else if p := in.ProofOfPossession.Value; in.ProofOfPossession.Set {
		r.ProofOfPossession = &stagedoor.ProofOfPossession{Mechanism: p.Mechanism, Required: p.Required, RequiredFor: p.RequiredFor.Value}
	}
	if in.SubjectTypes.Null {
		r.SubjectTypes = nil
	} else if in.SubjectTypes.Set {
		types := stagedoor.SubjectTypes{}
		if r.SubjectTypes != nil {
			types = *r.SubjectTypes
		}
		if u := in.SubjectTypes.Value.User; u.Set {
			types.User = &stagedoor.SubjectPolicy{Policy: u.Value.Policy}
		}
		if c := in.SubjectTypes.Value.Client; c.Set {
			types.Client = &stagedoor.SubjectPolicy{Policy: c.Value.Policy}
		}
		if n := in.SubjectTypes.Value.Anonymous; n.Null {
			types.Anonymous = nil
		} else if n.Set {
			types.Anonymous = &stagedoor.SubjectPolicy{Policy: n.Value.Policy}
		}
		r.SubjectTypes = &types
	}
}

func (a *API) createResourceServer(c *call, in createResourceServerIn) (any, error) {
	tenant := c.store.Tenant()
	if token.IsManagement(tenant, in.Identifier) || token.IsUserInfo(tenant, in.Identifier) || token.IsMFA(tenant, in.Identifier) ||
		token.IsMyAccount(tenant, in.Identifier) && in.Identifier != token.MyAccountAudience(tenant) || // by another domain of the tenant's
		token.IsMyOrganization(tenant, in.Identifier) && in.Identifier != token.MyOrganizationAudience(tenant) {
		return nil, bad("operation_not_supported", "The selected identifier is reserved.")
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	r := &stagedoor.ResourceServer{Identifier: in.Identifier, SigningAlgorithm: "RS256", TokenLifetime: 86400, TokenLifetimeForWeb: 7200}
	if known := wellKnownAPI(tenant, in.Identifier); known != nil {
		r = known // whatever else was sent
		keepStored(&r.Stored, in.Rest)
	} else if err := in.copyTo(r); err != nil {
		return nil, err
	}
	if err := c.store.CreateResourceServer(c.ctx(), r); err != nil {
		return nil, err
	}
	return a.showResourceServer(c, r, web.Fields{})
}

// wellKnownAPI returns an API of the service that we follow that is the same in every tenant, nil if the identifier is of none.
// internal/me and internal/myorg serve two of them; nothing answers at the other one, which tools create and read.
func wellKnownAPI(t *stagedoor.Tenant, identifier string) *stagedoor.ResourceServer {
	policy := func(user, client string) *stagedoor.SubjectTypes {
		return &stagedoor.SubjectTypes{User: &stagedoor.SubjectPolicy{Policy: user}, Client: &stagedoor.SubjectPolicy{Policy: client}}
	}
	switch identifier {
	case "urn:auth0:express-configure":
		return &stagedoor.ResourceServer{
			Name: "Okta OIN Express Configuration API", Identifier: identifier, IsSystem: true, SigningAlgorithm: "RS256",
			TokenLifetime: 300, TokenLifetimeForWeb: 7200, EnforcePolicies: true, SubjectTypes: policy("allow_all", "deny_all"),
			Scopes: []stagedoor.APIScope{
				{Value: "express_configure:sso", Description: "Ability to create SSO configurations"},
				{Value: "express_configure:scim", Description: "Ability to create scim configurations"},
			},
		}
	case token.MyAccountAudience(t):
		return token.MyAccountAPI(t)
	case token.MyOrganizationAudience(t):
		return token.MyOrganizationAPI(t)
	}
	return nil
}

func (a *API) updateResourceServer(c *call, in updateResourceServerIn) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	r, err := resourceServer(c)
	if err != nil {
		return nil, err
	}
	r, err = c.store.UpdateResourceServer(c.ctx(), r.ID, func(r *stagedoor.ResourceServer) error {
		if t := c.store.Tenant(); r.IsSystem && (token.IsMyAccount(t, r.Identifier) || token.IsMyOrganization(t, r.Identifier)) {
			return in.copyToOwn(r)
		}
		if r.IsSystem && in.touchesMore() {
			return bad("operation_not_supported", "System resource servers cannot be patched.")
		}
		return in.copyTo(r)
	})
	if err != nil {
		return nil, err
	}
	return a.showResourceServer(c, r, web.Fields{})
}

func (a *API) deleteResourceServer(c *call) (any, error) {
	r, err := resourceServer(c)
	switch {
	case stagedoor.IsKind(err, stagedoor.NotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case r.IsSystem && wellKnownAPI(c.store.Tenant(), r.Identifier) == nil:
		return nil, bad("operation_not_supported", "System resource servers cannot be deleted.")
	}
	return nil, c.store.DeleteResourceServer(c.ctx(), r.ID)
}
