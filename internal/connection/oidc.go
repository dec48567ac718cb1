package connection

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

// openID is the plan of a connection to an issuer of OpenID Connect: oidc, okta and waad.
func (o *Upstream) openID(ctx context.Context, c *stagedoor.Connection) (*plan, error) {
	metadata, err := o.known(ctx, c)
	if err != nil {
		return nil, err
	}
	of := func(name string) string {
		text, _ := metadata[name].(string)
		if own := c.Option(name); own != "" {
			text = own
		}
		return text
	}
	p := &plan{
		authorize: of("authorization_endpoint"), token: of("token_endpoint"), userinfo: of("userinfo_endpoint"), keys: of("jwks_uri"), logout: of("end_session_endpoint"),
		issuer: of("issuer"), names: metadata["authorization_response_iss_parameter_supported"] == true, clientID: c.Option("client_id"), secret: c.Option("client_secret"),
		auth: c.Option("token_endpoint_auth_method"), scopes: c.OptionList("scope"), profile: mapped, nonce: true,
	}
	if p.issuer == "" || p.keys == "" {
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "the connection %s does not say issuer and jwks_uri", c.Name)
	}
	if !slices.Contains(p.scopes, "openid") {
		p.scopes = append([]string{"openid"}, p.scopes...)
	}
	if p.algs = c.OptionList("id_token_signed_response_algs"); len(p.algs) == 0 {
		p.algs = slices.DeleteFunc(texts(metadata["id_token_signing_alg_values_supported"]), func(alg string) bool { return !slices.Contains(jose.Asymmetric, alg) })
	}
	if len(p.algs) == 0 {
		p.algs = []string{"RS256"}
	}
	if c.Option("type") == "front_channel" {
		p.front, p.mode = true, "form_post"
		return p, nil
	}
	p.pkce = pkceOf(c, metadata)
	if string(c.Options.Stored["send_back_channel_nonce"]) == "false" {
		p.nonce = false
	}
	return p, nil
}

// known are the metadata of the connection's issuer: those that the options keep, else those that it publishes.
func (o *Upstream) known(ctx context.Context, c *stagedoor.Connection) (map[string]any, error) {
	var kept map[string]any
	if json.Unmarshal(c.Options.Stored["oidc_metadata"], &kept) == nil && kept["issuer"] != nil {
		return kept, nil
	}
	if c.Option("authorization_endpoint") != "" && c.Option("jwks_uri") != "" {
		return nil, nil
	}
	address := c.Option("discovery_url")
	switch issuer := c.Option("issuer"); {
	case c.Strategy == stagedoor.StrategyWAAD:
		address = "https://login.microsoftonline.com/" + directory(c) + "/v2.0/.well-known/openid-configuration"
	case address != "":
	case issuer != "":
		address = strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration"
	case c.Option("domain") != "":
		address = "https://" + c.Option("domain") + "/.well-known/openid-configuration"
	}
	return o.metadata(ctx, rebased(c, address))
}

// directory is what Microsoft calls the tenant whose people come.
func directory(c *stagedoor.Connection) string {
	for _, name := range []string{c.Option("tenantId"), c.Option("tenant_domain")} {
		if name != "" && !c.OptionFlag("useCommonEndpoint") {
			return strings.ReplaceAll(name, "/", "")
		}
	}
	return "common"
}

// pkceOf is the method by which codes are bound to us (RFC 7636).
func pkceOf(c *stagedoor.Connection, metadata map[string]any) string {
	var settings struct {
		PKCE string `json:"pkce"`
	}
	_ = json.Unmarshal(c.Options.Stored["connection_settings"], &settings) // absent is auto
	switch methods := texts(metadata["code_challenge_methods_supported"]); {
	case settings.PKCE == "disabled":
		return ""
	case settings.PKCE == "plain", len(methods) > 0 && !slices.Contains(methods, "S256") && slices.Contains(methods, "plain") && settings.PKCE != "S256":
		return "plain"
	}
	return "S256" // who does not know it passes it over (RFC 6749 section 3.1)
}

// protocolClaims are those of an ID token that say nothing of its person.
var protocolClaims = []string{
	"iss", "aud", "exp", "iat", "nbf", "jti", "nonce", "at_hash", "c_hash", "s_hash", "azp", "sid", "auth_time", "acr", "amr", "aio", "rh", "uti", "ver", "sub", "rat",
}

// basicClaims are those that the mapping basic_profile takes.
var basicClaims = []string{"email", "email_verified", "name", "nickname", "picture", "given_name", "family_name", "phone_number", "phone_number_verified", "locale", "upn"}

// mapped makes a profile of the claims of the ID token and the user info, as the connection's attribute_map says.
func mapped(g *given) (*profile, error) {
	var how struct {
		Mode       string         `json:"mapping_mode"`
		Attributes map[string]any `json:"attributes"`
		Scope      string         `json:"userinfo_scope"`
	}
	_ = json.Unmarshal(g.conn.Options.Stored["attribute_map"], &how) // absent is bind_all
	userinfo := map[string]any{}
	wanted := how.Scope != "" || strings.Contains(string(g.conn.Options.Stored["attribute_map"]), "context.userinfo") || g.claims["email"] == nil && g.claims["name"] == nil
	if wanted && g.userinfo != "" && !g.front {
		var err error
		if userinfo, err = g.object(g.userinfo); err != nil {
			return nil, err
		}
		if userinfo["sub"] != g.claims["sub"] { // OpenID Connect Core section 5.3.2: it could be another's
			return nil, failed("The identity provider gave no profile", "it is of another sub than the ID token")
		}
	}
	member := map[string]any{}
	for _, from := range []map[string]any{g.claims, userinfo} {
		for name, value := range from {
			if !slices.Contains(protocolClaims, name) && (how.Mode != "basic_profile" || slices.Contains(basicClaims, name)) {
				member[name] = value
			}
		}
	}
	if how.Mode == "use_map" {
		member = map[string]any{}
		for name, value := range how.Attributes {
			if v := filled(value, map[string]map[string]any{"tokenset": g.claims, "userinfo": userinfo, "id_token": g.claims}); v != nil {
				member[name] = v
			}
		}
	}
	if v, ok := member["phone_number_verified"]; ok {
		member["phone_verified"] = v
	}
	member["user_id"] = g.claims["sub"]
	if g.conn.Strategy == stagedoor.StrategyWAAD {
		microsoft(g, member)
	}
	return person(member)
}

// microsoft gives a profile of Entra ID its id and what of its address is known. The address in a token is what somebody wrote into a field of
// their own directory: it is verified only where the connection says so.
func microsoft(g *given, member map[string]any) {
	if oid, _ := g.claims["oid"].(string); oid != "" && g.conn.Option("userid_attribute") != "sub" {
		member["user_id"] = oid
	}
	for _, name := range []string{"upn", "preferred_username"} {
		if email, _ := member["email"].(string); email == "" {
			if address, err := NormalizeEmail(textOf(g.claims[name])); err == nil && address != "" {
				member["email"] = address
			}
		}
	}
	member["email_verified"] = g.conn.Option("should_trust_email_verified_connection") == "always_set_emails_as_verified"
}

// noProfile is what people are told whose provider does not say who they are.
const noProfile = "The identity provider gave no profile"

// person reads a profile that was made of what a provider gave.
func person(member map[string]any) (*profile, error) {
	for _, name := range []string{"metadata", "mfa_factors"} { // what databases' scripts may say, and nobody else
		delete(member, name)
	}
	if _, err := NormalizeEmail(strings.TrimSpace(textOf(member["email"]))); err != nil { // such as a name, or "none": who they are does not hang on it
		delete(member, "email")
		member["email_verified"] = false
	}
	raw, err := json.Marshal(member)
	if err != nil {
		return nil, failed(noProfile, "it cannot be read")
	}
	if id := textOf(member["user_id"]); strings.TrimSpace(id) != id { // which would be somebody else's without it
		return nil, failed(noProfile, "its user_id begins or ends with a space")
	}
	p, _, err := describePerson(raw, "")
	if err != nil {
		return nil, ofProvider(err)
	}
	p.Tokens = nil
	return p, nil
}

// ofProvider is an error about a profile that no script has returned.
func ofProvider(err error) error {
	if !stagedoor.IsKind(err, stagedoor.Scripted) {
		return err
	}
	e := *stagedoor.AsError(err)
	e.Kind, e.Message = stagedoor.Forbidden, strings.Replace(e.Message, "that the script returned", "of the identity provider", 1)
	return &e
}

// place is where a value of a map is taken from: ${context.tokenset.email}.
var place = regexp.MustCompile(`\$\{context\.(tokenset|userinfo|id_token)\.([^}]+)\}`)

// filled is a value of an attribute map with what its places stand for; nil where nothing is there. A value that is one place alone keeps its type.
func filled(value any, from map[string]map[string]any) any {
	text, ok := value.(string)
	if !ok {
		return value
	}
	if m := place.FindStringSubmatch(text); m != nil && m[0] == text {
		return from[m[1]][m[2]]
	}
	missing := false
	out := place.ReplaceAllStringFunc(text, func(s string) string {
		m := place.FindStringSubmatch(s)
		v := textOf(from[m[1]][m[2]])
		missing = missing || v == ""
		return v
	})
	if missing {
		return nil
	}
	return out
}

// textOf is a member that is a text; anything else is none.
func textOf(v any) string {
	s, _ := v.(string)
	return s
}

func texts(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, one := range list {
		if s, ok := one.(string); ok {
			out = append(out, s)
		}
	}
	return out
}
