package mgmt

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Plain nouns that other settings refer to (Management API objects 9). They are kept and have no effect yet.
var (
	selfServiceProfiles = func() documents {
		n := newDocuments("self_service_profile", "ssp_", "self_service_profiles", "Profile with ID: {id} not found")
		n.defaults = map[string]json.RawMessage{"user_attributes": json.RawMessage("[]"), "allowed_strategies": json.RawMessage("[]")}
		n.bare = true
		return n
	}()
	connectionProfiles = func() documents {
		n := newDocuments("connection_profile", "cop_", "connection_profiles", "Connection profile not found.")
		n.timeless = true
		return n
	}()
	userAttributeProfiles = func() documents {
		n := newDocuments("user_attribute_profile", "uap_", "user_attribute_profiles", "User attribute profile not found.")
		n.timeless = true
		n.complete = func(members map[string]any) {
			id, _ := members["user_id"].(map[string]any)
			if id == nil {
				id = map[string]any{}
				members["user_id"] = id
			}
			for name, value := range standardUserID {
				if id[name] == nil {
					id[name] = value
				}
			}
		}
		return n
	}()
	rateLimitPolicies      = newDocuments("rate_limit_policy", "rlp_", "rate_limit_policies", "Rate limit policy not found.")
	verificationTemplates  = newDocuments("verification_template", "vct_", "templates", "Template not found.")
	riskSettings           = settings{name: stagedoor.SettingRisk, defaults: map[string]any{"enabled": false}}
	riskNewDevice          = settings{name: stagedoor.SettingNewDevice, defaults: map[string]any{"remember_for": 30}}
	supplementalSignals    = settings{name: "supplemental-signals", defaults: map[string]any{"akamai_enabled": false}}
	templatesOfUAP         = map[string]any{"auth0-generic": standardUserAttributes}
	templatesOfConnections = map[string]any{"enterprise": standardConnectionProfile}
)

// mapped is an attribute of the standard template: its name at each protocol.
func mapped(label, description, auth0, oidc, saml, scim string, required bool) map[string]any {
	return map[string]any{
		"label": label, "description": description, "profile_required": required, "auth0_mapping": auth0,
		"oidc_mapping": map[string]any{"mapping": oidc}, "saml_mapping": []string{saml}, "scim_mapping": scim,
	}
}

const samlClaims = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"

// standardUserID is how a person is known unless a profile says otherwise.
var standardUserID = map[string]any{
	"oidc_mapping": "sub", "saml_mapping": []string{samlClaims + "nameidentifier", samlClaims + "upn", samlClaims + "name"}, "scim_mapping": "externalId",
}

var standardUserAttributes = map[string]any{
	"id": "auth0-generic", "display_name": "Standard attributes of a person",
	"template": map[string]any{
		"name":    "standard",
		"user_id": standardUserID,
		"user_attributes": map[string]any{
			"email":       mapped("Email", "The person's e-mail address", "email", "${context.tokenset.email}", samlClaims+"emailaddress", "emails[primary eq true].value", true),
			"name":        mapped("Name", "The person's full name", "name", "${context.tokenset.name}", samlClaims+"name", "displayName", false),
			"given_name":  mapped("Given name", "The person's given name", "given_name", "${context.tokenset.given_name}", samlClaims+"givenname", "name.givenName", false),
			"family_name": mapped("Family name", "The person's family name", "family_name", "${context.tokenset.family_name}", samlClaims+"surname", "name.familyName", false),
			"username":    mapped("Username", "The person's username", "username", "${context.tokenset.preferred_username}", samlClaims+"upn", "userName", false),
		},
	},
}

var standardConnectionProfile = map[string]any{
	"id": "enterprise", "display_name": "Enterprise connections",
	"template": map[string]any{
		"name": "enterprise", "organization": map[string]any{"show_as_button": "required", "assign_membership_on_login": "required"},
		"connection_name_prefix_template": "", "enabled_features": []string{}, "connection_config": map[string]any{}, "strategy_overrides": map[string]any{},
	},
}

type selfServiceProfileMembers struct {
	Description            web.Opt[string]             `json:"description" schema:"max=140" doc:"The description of the self-service Profile"`
	Branding               web.Opt[profileBrandingIn]  `json:"branding"`
	AllowedStrategies      []string                    `json:"allowed_strategies" schema:"unique,enum=oidc|samlp|waad|google-apps|adfs|okta|auth0-samlp|okta-samlp|keycloak-samlp|pingfederate" doc:"List of IdP strategies that will be shown to users during the Self-Service SSO flow"`
	UserAttributes         web.Opt[[]shownAttributeIn] `json:"user_attributes" doc:"List of attributes to be mapped that will be shown to the user during the SS-SSO flow"`
	UserAttributeProfileID web.Opt[string]             `json:"user_attribute_profile_id" doc:"ID of the user-attribute-profile to associate with this self-service profile"`
}

type profileBrandingIn struct {
	LogoURL web.Opt[string]          `json:"logo_url" schema:"max=1024" pattern:"^https://"`
	Colors  web.Opt[profileColorsIn] `json:"colors"`
	Rest    keptObject               `schema:"rest"`
}

type profileColorsIn struct {
	Primary string     `json:"primary" schema:"required" pattern:"^#([0-9A-Fa-f]{6}|[0-9A-Fa-f]{3})$"`
	Rest    keptObject `schema:"rest"`
}

type shownAttributeIn struct {
	Name        string `json:"name" schema:"required,max=250"`
	Description string `json:"description" schema:"required"`
	IsOptional  bool   `json:"is_optional" schema:"required"`
}

type updateSelfServiceProfileIn struct {
	Name string `json:"name" schema:"min=1,max=100" doc:"The name of the self-service Profile"`
	selfServiceProfileMembers
}

type createSelfServiceProfileIn struct {
	selfServiceProfileMembers
	Name string `json:"name" schema:"required,min=1,max=100" doc:"The name of the self-service Profile"`
}

type connectionProfileMembers struct {
	Organization      web.Opt[profileOrganizationIn]          `json:"organization"`
	NamePrefix        string                                  `json:"connection_name_prefix_template" schema:"max=150" doc:"Connection name prefix template"`
	EnabledFeatures   []string                                `json:"enabled_features" schema:"unique,enum=scim|universal_logout" doc:"Enabled features for the connection profile"`
	ConnectionConfig  web.Opt[keptObject]                     `json:"connection_config"`
	Provisioning      web.Opt[keptObject]                     `json:"provisioning"`
	CrossAppAccess    web.Opt[keptObject]                     `json:"cross_app_access_resource_app"`
	StrategyOverrides web.Opt[map[string]profileOfStrategyIn] `json:"strategy_overrides"`
}

type profileOrganizationIn struct {
	ShowAsButton     string `json:"show_as_button" schema:"enum=none|optional|required"`
	AssignMembership string `json:"assign_membership_on_login" schema:"enum=none|optional|required"`
}

type profileOfStrategyIn struct {
	EnabledFeatures  []string            `json:"enabled_features" schema:"unique,enum=scim|universal_logout"`
	ConnectionConfig web.Opt[keptObject] `json:"connection_config"`
	Provisioning     web.Opt[keptObject] `json:"provisioning"`
	CrossAppAccess   web.Opt[keptObject] `json:"cross_app_access_resource_app"`
}

type updateConnectionProfileIn struct {
	Name string `json:"name" schema:"min=1,max=50" doc:"The name of the connection profile"`
	connectionProfileMembers
}

type createConnectionProfileIn struct {
	connectionProfileMembers
	Name string `json:"name" schema:"required,min=1,max=50" doc:"The name of the connection profile"`
}

type userAttributeProfileIn struct {
	Name           string                     `json:"name" schema:"min=1,max=128" doc:"The name of the user attribute profile"`
	UserID         web.Opt[userIDMappingIn]   `json:"user_id"`
	UserAttributes map[string]userAttributeIn `json:"user_attributes" schema:"min=1,max=64" doc:"User attributes configuration map"`
}

type createUserAttributeProfileIn struct {
	Name           string                     `json:"name" schema:"required,min=1,max=128" doc:"The name of the user attribute profile"`
	UserID         web.Opt[userIDMappingIn]   `json:"user_id"`
	UserAttributes map[string]userAttributeIn `json:"user_attributes" schema:"required,min=1,max=64" doc:"User attributes configuration map"`
}

// userIDMappingIn tells which value of each protocol a person is known by.
type userIDMappingIn struct {
	userIDOfStrategyIn
	Overrides web.Opt[map[string]userIDOfStrategyIn] `json:"strategy_overrides"`
}

type userIDOfStrategyIn struct {
	OIDC web.Opt[string]   `json:"oidc_mapping" schema:"min=1,max=50"`
	SAML web.Opt[[]string] `json:"saml_mapping" schema:"min=1"`
	SCIM web.Opt[string]   `json:"scim_mapping" schema:"min=1,max=128"`
}

// userAttributeIn is an attribute of people: its name here, and at each protocol.
type userAttributeIn struct {
	Description string `json:"description" schema:"required,min=1,max=128"`
	Label       string `json:"label" schema:"required,min=1,max=128"`
	Required    bool   `json:"profile_required" schema:"required"`
	Auth0       string `json:"auth0_mapping" schema:"required,min=1,max=50"`
	attributeOfStrategyIn
	Overrides web.Opt[map[string]attributeOfStrategyIn] `json:"strategy_overrides"`
}

type attributeOfStrategyIn struct {
	OIDC web.Opt[oidcAttributeIn] `json:"oidc_mapping"`
	SAML web.Opt[[]string]        `json:"saml_mapping" schema:"min=1"`
	SCIM web.Opt[string]          `json:"scim_mapping" schema:"min=1,max=128"`
}

type oidcAttributeIn struct {
	Mapping     string          `json:"mapping" schema:"required,min=1,max=50"`
	DisplayName web.Opt[string] `json:"display_name" schema:"min=1,max=50"`
}

type rateLimitIn struct {
	Action      string          `json:"action" schema:"required,enum=allow|block|log|redirect"`
	Limit       web.Opt[int]    `json:"limit" schema:"notnull,min=0,max=10000"`
	RedirectURI web.Opt[string] `json:"redirect_uri"`
}

// check tells what an action lacks.
func (in *rateLimitIn) check() error {
	switch {
	case in.Action != "allow" && !in.Limit.Set:
		return badProperty("configuration", "Missing required property: limit")
	case in.Action == "redirect" && !strings.HasPrefix(in.RedirectURI.Value, "https://"):
		return badProperty("configuration.redirect_uri", "Object didn't pass validation for format https-url: "+bounded(in.RedirectURI.Value, 100))
	}
	return nil
}

func createRateLimitPolicy(c *call, in createRateLimitPolicyIn) (any, error) {
	return rateLimitPolicies.create(c, func(*stagedoor.Document) error { return in.Configuration.check() })
}

func updateRateLimitPolicy(c *call, in updateRateLimitPolicyIn) (any, error) {
	if err := in.Configuration.check(); err != nil {
		return nil, err
	}
	return changeDocument[updateRateLimitPolicyIn](rateLimitPolicies)(c, in)
}

type listRateLimitPoliciesIn struct {
	listDocumentsIn
	Resource string `json:"resource" schema:"max=255" doc:"Resource whose policies are wanted"`
	Consumer string `json:"consumer" schema:"max=255" doc:"Consumer whose policies are wanted"`
	Selector string `json:"consumer_selector" schema:"max=600" doc:"Selector of consumers whose policies are wanted"`
}

func listRateLimitPolicies(c *call, in listRateLimitPoliciesIn) (any, error) {
	return rateLimitPolicies.listWith(c, in.listDocumentsIn, map[string]string{"resource": in.Resource, "consumer": in.Consumer, "consumer_selector": in.Selector})
}

type createRateLimitPolicyIn struct {
	Resource         string      `json:"resource" schema:"required,enum=oauth_authentication_api" doc:"The API that the rate limit policy applies to"`
	Consumer         string      `json:"consumer" schema:"required,enum=client" doc:"The consumer that the rate limit policy applies to"`
	ConsumerSelector string      `json:"consumer_selector" schema:"required,min=1,max=255" doc:"Which consumers are meant"`
	Configuration    rateLimitIn `json:"configuration" schema:"required"`
}

type updateRateLimitPolicyIn struct {
	Configuration rateLimitIn `json:"configuration" schema:"required"`
}

// presentationIn are the attributes that are asked for, by document type and name space.
type presentationIn map[string]map[string]keptObject

type createVerificationTemplateIn struct {
	Name            string          `json:"name" schema:"required,min=1,max=255"`
	Type            string          `json:"type" schema:"required,min=1,max=255"`
	Dialect         string          `json:"dialect" schema:"required,enum=simplified/1.0"`
	Presentation    presentationIn  `json:"presentation" schema:"required,min=1"`
	CustomCertAuth  web.Opt[string] `json:"custom_certificate_authority" schema:"min=1,max=4096"`
	WellKnownIssuer string          `json:"well_known_trusted_issuers" schema:"required,enum=aamva"`
}

type updateVerificationTemplateIn struct {
	Name            web.Opt[string]         `json:"name" schema:"min=1,max=255"`
	Type            web.Opt[string]         `json:"type" schema:"min=1,max=255"`
	Dialect         web.Opt[string]         `json:"dialect" schema:"enum=simplified/1.0"`
	Presentation    web.Opt[presentationIn] `json:"presentation" schema:"notnull,min=1"`
	CustomCertAuth  web.Opt[string]         `json:"custom_certificate_authority" schema:"min=1,max=4096"`
	WellKnownIssuer web.Opt[string]         `json:"well_known_trusted_issuers" schema:"enum=aamva"`
	Version         web.Opt[float64]        `json:"version"`
}

type riskIn struct {
	Enabled bool `json:"enabled" schema:"required" doc:"Whether or not risk assessment is enabled"`
}

type newDeviceIn struct {
	RememberFor int `json:"remember_for" schema:"required,min=1,max=365" doc:"Length of time to remember devices for, in days"`
}

type supplementalSignalsIn struct {
	Akamai bool `json:"akamai_enabled" schema:"required" doc:"Whether headers of the vendor's edge are read"`
}

// template answers one of a fixed set.
func template(all map[string]any, missing string) func(*call) (any, error) {
	return func(c *call) (any, error) {
		t, found := all[c.id()]
		if !found {
			return nil, stagedoor.Errorf(stagedoor.NotFound, "", "%s", missing)
		}
		return t, nil
	}
}

func templates(key string, all map[string]any) func(*call) (any, error) {
	return func(*call) (any, error) {
		list := []any{}
		for _, t := range all {
			list = append(list, t)
		}
		return map[string]any{key: list}, nil
	}
}

var languageTag = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)

// deleteSelfServiceProfile removes a profile with the texts of its pages.
func (a *API) deleteSelfServiceProfile(c *call) (any, error) {
	out, err := selfServiceProfiles.delete(c)
	if err != nil {
		return nil, err
	}
	return out, c.store.DeleteSettings(c.ctx(), "self_service_text/"+c.id()+"/")
}

type pageTextsIn map[string]string

// selfServiceTexts is where the texts of a profile's page are kept.
func selfServiceTexts(c *call) (settings, error) {
	if _, err := selfServiceProfiles.kind.Get(c.ctx(), c.store, c.id()); err != nil {
		return settings{}, naming(err, c.id())
	}
	language, page := c.r.PathValue("language"), c.r.PathValue("page")
	if !languageTag.MatchString(language) {
		return settings{}, (&web.Violation{Path: "language", Doc: "The language of the custom text", Reason: "No enum match for: " + bounded(language, 100)}).URI()
	}
	if page != "get-started" {
		return settings{}, (&web.Violation{Path: "page", Doc: "The page where the custom text is shown", Reason: "No enum match for: " + bounded(page, 100)}).URI()
	}
	return settings{name: "self_service_text/" + c.id() + "/" + language + "/" + page, defaults: map[string]any{}}, nil
}

func (a *API) readSelfServiceTexts(c *call) (any, error) {
	g, err := selfServiceTexts(c)
	if err != nil {
		return nil, err
	}
	return g.show(c)
}

func (a *API) setSelfServiceTexts(c *call, in pageTextsIn) (any, error) {
	g, err := selfServiceTexts(c)
	if err != nil {
		return nil, err
	}
	for name, text := range in {
		if len([]rune(text)) > 2000 {
			return nil, badProperty(bounded(name, 100), "String is too long ("+itoa(len([]rune(text)))+" chars), maximum 2000")
		}
	}
	return g.change(c, true)
}
