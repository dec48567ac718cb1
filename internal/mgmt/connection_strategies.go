package mgmt

import (
	"encoding/base64"
	"encoding/json"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/web"
)

// The families of strategies: what a connection looks like depends on them.
const (
	familyDatabase     = "database"
	familyPasswordless = "passwordless"
	familySocial       = "social"
	familyEnterprise   = "enterprise"
)

// strategy is one row of the table of strategies (Management API fact sheet 3.6).
type strategy struct {
	family   string
	required []string          // options that must be there
	defaults map[string]string // options that a new connection has unless they are sent
}

var strategies = map[string]strategy{
	"auth0": {family: familyDatabase},

	"email": {family: familyPasswordless, defaults: map[string]string{"brute_force_protection": `true`}},
	"sms":   {family: familyPasswordless, defaults: map[string]string{"brute_force_protection": `true`}},

	"ad":           {family: familyEnterprise, defaults: map[string]string{"ips": `null`, "brute_force_protection": `true`}},
	"adfs":         {family: familyEnterprise, defaults: map[string]string{"thumbprints": `[]`, "should_trust_email_verified_connection": `"always_set_emails_as_verified"`}},
	"auth0-oidc":   {family: familyEnterprise},
	"custom":       {family: familyEnterprise},
	"google-apps":  {family: familyEnterprise, defaults: map[string]string{"email": `true`, "profile": `true`, "scope": `["email","profile"]`, "handle_login_from_social": `true`, "map_user_id_to_id": `false`}},
	"ip":           {family: familyEnterprise},
	"office365":    {family: familyEnterprise},
	"oidc":         {family: familyEnterprise, required: []string{"client_id"}, defaults: map[string]string{"schema_version": `"oidc-V4"`, "attribute_map": `{"mapping_mode":"bind_all"}`, "connection_settings": `{"pkce":"auto"}`, "type": `"back_channel"`, "scope": `"openid profile email"`}},
	"okta":         {family: familyEnterprise, required: []string{"client_id"}, defaults: map[string]string{"schema_version": `"oidc-V4"`, "attribute_map": `{"mapping_mode":"basic_profile"}`, "connection_settings": `{"pkce":"auto"}`, "type": `"back_channel"`, "scope": `"openid profile email"`}},
	"pingfederate": {family: familyEnterprise},
	"samlp":        {family: familyEnterprise},
	"sharepoint":   {family: familyEnterprise},
	"waad":         {family: familyEnterprise, required: []string{"client_id"}, defaults: map[string]string{"identity_api": `"microsoft-identity-platform-v2.0"`, "waad_protocol": `"openid-connect"`, "useCommonEndpoint": `false`, "use_wsfed": `false`, "should_trust_email_verified_connection": `"never_set_emails_as_verified"`}},

	"amazon": {family: familySocial}, "apple": {family: familySocial}, "baidu": {family: familySocial}, "bitbucket": {family: familySocial},
	"bitly": {family: familySocial}, "box": {family: familySocial}, "daccount": {family: familySocial}, "dropbox": {family: familySocial},
	"dwolla": {family: familySocial}, "evernote": {family: familySocial}, "evernote-sandbox": {family: familySocial}, "exact": {family: familySocial},
	"facebook": {family: familySocial, defaults: map[string]string{"scope": `""`}}, "fitbit": {family: familySocial},
	"github":        {family: familySocial, defaults: map[string]string{"scope": `[]`}},
	"google-oauth2": {family: familySocial, defaults: map[string]string{"email": `true`, "profile": `true`, "scope": `["email","profile"]`}},
	"instagram":     {family: familySocial},
	"line":          {family: familySocial, defaults: map[string]string{"profile": `true`, "scope": `["openid","profile"]`}},
	"linkedin":      {family: familySocial, defaults: map[string]string{"profile": `true`, "scope": `["r_liteprofile"]`}},
	"oauth1":        {family: familySocial}, "oauth2": {family: familySocial}, "paypal": {family: familySocial}, "paypal-sandbox": {family: familySocial},
	"planningcenter": {family: familySocial},
	"salesforce":     {family: familySocial, defaults: map[string]string{"scope": `[]`}}, "salesforce-community": {family: familySocial, defaults: map[string]string{"scope": `[]`}},
	"salesforce-sandbox": {family: familySocial, defaults: map[string]string{"scope": `[]`}}, "shop": {family: familySocial}, "shopify": {family: familySocial},
	"soundcloud": {family: familySocial}, "thirtysevensignals": {family: familySocial}, "twitter": {family: familySocial}, "untappd": {family: familySocial},
	"vkontakte": {family: familySocial}, "weibo": {family: familySocial},
	"windowslive": {family: familySocial, defaults: map[string]string{"signin": `true`, "scope": `[]`}},
	"wordpress":   {family: familySocial, defaults: map[string]string{"profile": `true`, "scope": `["profile"]`}},
	"yahoo":       {family: familySocial}, "yandex": {family: familySocial},
}

// commonOptions are options that every strategy but the database may have; what they do not name is free.
type commonOptions struct {
	NonPersistent web.Opt[[]string]          `json:"non_persistent_attrs" schema:"max=96" doc:"An array of user fields that should not be stored in the database"`
	Upstream      web.Opt[upstreamParams]    `json:"upstream_params" doc:"Options for adding parameters in the request to the upstream IdP"`
	RootAttrs     web.Opt[string]            `json:"set_user_root_attributes" schema:"enum=on_each_login|on_first_login|never_on_login"`
	IconURL       web.Opt[string]            `json:"icon_url"`
	Version       web.Opt[int]               `json:"strategy_version"`
	ClientID      web.Opt[string]            `json:"client_id" schema:"max=2048"`
	ClientSecret  web.Opt[string]            `json:"client_secret" schema:"max=2048"`
	DomainAliases web.Opt[[]string]          `json:"domain_aliases" schema:"max=1000" doc:"List of the domains that can be authenticated using the identity provider"`
	TenantDomain  web.Opt[json.RawMessage]   `json:"tenant_domain"`
	Brute         web.Opt[bool]              `json:"brute_force_protection"`
	DisableSignup web.Opt[bool]              `json:"disable_signup"`
	Trust         web.Opt[string]            `json:"should_trust_email_verified_connection" schema:"enum=never_set_emails_as_verified|always_set_emails_as_verified"`
	Rest          map[string]json.RawMessage `schema:"rest"`
}

type upstreamParams = map[string]web.Opt[upstreamParam]

type upstreamParam struct {
	Alias web.Opt[string] `json:"alias" schema:"enum=acr_values|audience|client_id|display|id_token_hint|login_hint|max_age|prompt|resource|response_mode|response_type|ui_locales"`
	Value web.Opt[string] `json:"value"`
}

type (
	oidcOptions struct {
		Type       web.Opt[string]            `json:"type" schema:"enum=front_channel|back_channel" doc:"Connection type"`
		AuthMethod web.Opt[string]            `json:"token_endpoint_auth_method" schema:"enum=client_secret_post|private_key_jwt"`
		SigningAlg web.Opt[string]            `json:"token_endpoint_auth_signing_alg" schema:"enum=ES256|ES384|PS256|PS384|RS256|RS384|RS512"`
		AudFormat  web.Opt[string]            `json:"token_endpoint_jwtca_aud_format" schema:"enum=issuer|token_endpoint"`
		IDTokenAlg web.Opt[[]string]          `json:"id_token_signed_response_algs" schema:"enum=ES256|ES384|ES512|PS256|PS384|PS512|RS256|RS384|RS512,min=1,unique"`
		DPoP       web.Opt[string]            `json:"dpop_signing_alg" schema:"enum=ES256|ES384|ES512|Ed25519"`
		Nonce      web.Opt[bool]              `json:"send_back_channel_nonce"`
		Expiry     web.Opt[bool]              `json:"id_token_session_expiry_supported"`
		Schema     web.Opt[string]            `json:"schema_version" schema:"enum=oidc-V4|openid-1.0.0"`
		Map        web.Opt[attributeMap]      `json:"attribute_map"`
		Settings   web.Opt[pkceSettings]      `json:"connection_settings"`
		Metadata   web.Opt[freeObject]        `json:"oidc_metadata"`
		Discovery  web.Opt[string]            `json:"discovery_url"`
		Scope      web.Opt[string]            `json:"scope"`
		Rest       map[string]json.RawMessage `schema:"rest"`
	}
	attributeMap struct {
		Mode       web.Opt[string]     `json:"mapping_mode" schema:"enum=bind_all|basic_profile|use_map"`
		Attributes web.Opt[freeObject] `json:"attributes"`
		Scope      web.Opt[string]     `json:"userinfo_scope"`
	}
	pkceSettings struct {
		PKCE web.Opt[string] `json:"pkce" schema:"enum=auto|S256|plain|disabled"`
	}
	samlOptions struct {
		Protocol   web.Opt[string]            `json:"protocolBinding" schema:"enum=urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST|urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"`
		Signature  web.Opt[string]            `json:"signatureAlgorithm" schema:"enum=rsa-sha1|rsa-sha256"`
		Digest     web.Opt[string]            `json:"digestAlgorithm" schema:"enum=sha1|sha256"`
		SignInURL  web.Opt[string]            `json:"signInEndpoint"`
		SignOutURL web.Opt[string]            `json:"signOutEndpoint"`
		Sign       web.Opt[bool]              `json:"signSAMLRequest"`
		Fields     web.Opt[freeObject]        `json:"fieldsMap"`
		Initiated  web.Opt[freeObject]        `json:"idpinitiated"`
		RevokeIss  web.Opt[string]            `json:"global_token_revocation_jwt_iss" schema:"min=1,max=1024"`
		RevokeSub  web.Opt[string]            `json:"global_token_revocation_jwt_sub" schema:"min=1,max=1024"`
		Rest       map[string]json.RawMessage `schema:"rest"`
	}
	waadOptions struct {
		API      web.Opt[string]            `json:"identity_api" schema:"enum=microsoft-identity-platform-v2.0|azure-active-directory-v1.0"`
		Protocol web.Opt[string]            `json:"waad_protocol" schema:"enum=ws-federation|openid-connect"`
		UserID   web.Opt[string]            `json:"userid_attribute" schema:"enum=oid|sub"`
		Rest     map[string]json.RawMessage `schema:"rest"`
	}
	passwordlessOptions struct {
		Syntax   web.Opt[string]            `json:"syntax" schema:"enum=liquid|md_with_macros"`
		Provider web.Opt[string]            `json:"provider" schema:"enum=twilio|sms_gateway"`
		TOTP     web.Opt[totpOptions]       `json:"totp"`
		Email    web.Opt[emailOptions]      `json:"email"`
		Gateway  web.Opt[freeObject]        `json:"gateway_authentication"`
		Rest     map[string]json.RawMessage `schema:"rest"`
	}
	totpOptions struct {
		Length web.Opt[int] `json:"length" schema:"min=4,max=40"`
		Step   web.Opt[int] `json:"time_step" schema:"min=60"`
	}
	emailOptions struct {
		Body    web.Opt[string] `json:"body"`
		From    web.Opt[string] `json:"from"`
		Subject web.Opt[string] `json:"subject"`
		Syntax  web.Opt[string] `json:"syntax" schema:"enum=liquid|md_with_macros"`
	}
)

type freeObject = map[string]json.RawMessage

// optionsIn is a body that has only options, so that a violation names its place in the whole body.
type optionsIn[T any] struct {
	Options T `json:"options"`
}

var (
	commonSchema       = web.NewSchema[optionsIn[commonOptions]]()
	oidcSchema         = web.NewSchema[optionsIn[oidcOptions]]()
	samlSchema         = web.NewSchema[optionsIn[samlOptions]]()
	waadSchema         = web.NewSchema[optionsIn[waadOptions]]()
	passwordlessSchema = web.NewSchema[optionsIn[passwordlessOptions]]()
)

// checkOptions looks at the options of a strategy that is not a database.
func checkOptions(name string, options json.RawMessage) error {
	body, err := json.Marshal(map[string]json.RawMessage{"options": options})
	if err != nil {
		return badProperty("options", "The options cannot be read")
	}
	checks := []func([]byte) error{decodes(commonSchema)}
	switch {
	case name == "oidc" || name == "okta":
		checks = append(checks, decodes(oidcSchema))
	case name == "samlp" || name == "pingfederate":
		checks = append(checks, decodes(samlSchema))
	case name == "waad":
		checks = append(checks, decodes(waadSchema))
	case strategies[name].family == familyPasswordless:
		checks = append(checks, decodes(passwordlessSchema), checkGateway)
	}
	for _, check := range checks {
		if err := check(body); err != nil {
			return err
		}
	}
	return nil
}

// checkGateway looks at the secret by which a gateway knows who sends: one that says it is base64 must be.
func checkGateway(body []byte) error {
	var in optionsIn[stagedoor.PasswordlessOptions]
	if err := json.Unmarshal(body, &in); err != nil || in.Options.Bearer == nil || !in.Options.Bearer.Base64 {
		return nil //nolint:nilerr // what has another form has been refused, or is not read
	}
	if secret, err := base64.StdEncoding.DecodeString(in.Options.Bearer.Secret); err != nil || len(secret) == 0 {
		return badProperty("options.gateway_authentication.secret", "String is not base64")
	}
	return nil
}

func decodes[T any](schema *web.Schema[T]) func([]byte) error {
	return func(body []byte) error {
		_, err := schema.Decode(body)
		return err
	}
}

// missingOption returns the first required option that is not there.
func missingOption(name string, options freeObject) string {
	for _, option := range strategies[name].required {
		if v := options[option]; v == nil || slices.Contains([]string{`null`, `""`}, string(v)) {
			return option
		}
	}
	return ""
}
