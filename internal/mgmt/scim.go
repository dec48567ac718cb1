package mgmt

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// maxSCIMTokens is how many tokens a connection can have (object shapes, section 3).
const maxSCIMTokens = 2

// scimMapping is the mapping of a configuration that does not name its own: SCIM attribute and attribute of users, a line each.
const scimMapping = `userName preferred_username
emails[primary¬eq¬true].value email
externalId app_metadata.external_id
active blocked
displayName name
name.givenName given_name
name.familyName family_name
name.middleName app_metadata.middle_name
name.honorificPrefix app_metadata.honorific_prefix
name.honorificSuffix app_metadata.honorific_suffix
nickName nickname
photos[type¬eq¬"photo"].value picture
phoneNumbers[primary¬eq¬true].value app_metadata.primary_phone_number
phoneNumbers[type¬eq¬"mobile"].value app_metadata.mobile_phone_number
addresses[type¬eq¬"work"].streetAddress app_metadata.street_address
addresses[type¬eq¬"work"].locality app_metadata.city
addresses[type¬eq¬"work"].region app_metadata.state
addresses[type¬eq¬"work"].postalCode app_metadata.postal_code
addresses[type¬eq¬"work"].formatted app_metadata.postal_address
addresses[type¬eq¬"work"].country app_metadata.country
profileUrl app_metadata.profile_url
userType app_metadata.user_type
title app_metadata.title
preferredLanguage app_metadata.language
locale app_metadata.locale
timezone app_metadata.timezone
urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.employeeNumber app_metadata.employee_id
urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.costCenter app_metadata.cost_center
urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.organization app_metadata.organization
urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.division app_metadata.division
urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.department app_metadata.department
urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.manager app_metadata.manager`

// defaultSCIMMapping is the mapping of a strategy. Entra ID sends the address of work and names none primary.
func defaultSCIMMapping(strategy string) []stagedoor.SCIMMapping {
	var out []stagedoor.SCIMMapping
	scimMapping := scimMapping
	if strategy == stagedoor.StrategyWAAD {
		scimMapping = strings.NewReplacer("emails[primary¬eq¬true]", `emails[type¬eq¬"work"]`, "phoneNumbers[primary¬eq¬true]", `phoneNumbers[type¬eq¬"work"]`).Replace(scimMapping)
	}
	for _, line := range strings.Split(scimMapping, "\n") {
		scim, attribute, _ := strings.Cut(line, " ")
		out = append(out, stagedoor.SCIMMapping{Attribute: attribute, SCIM: strings.ReplaceAll(scim, "¬", " ")})
	}
	return out
}

// defaultSCIMID is the attribute whose value is what the strategy's logins call a person: sub and oid are what directories call externalId, NameID is
// mostly the user name.
func defaultSCIMID(strategy string) string {
	if strategy == stagedoor.StrategySAML {
		return "userName"
	}
	return "externalId"
}

// scimStrategies are those through which users can be provisioned.
var scimStrategies = []string{"oidc", "okta", "samlp", "waad"}

// shownSCIM is a configuration as the wire has it; its tokens have a list of their own.
type shownSCIM struct {
	ConnectionID    string                  `json:"connection_id"`
	ConnectionName  string                  `json:"connection_name"`
	Strategy        string                  `json:"strategy"`
	TenantName      string                  `json:"tenant_name"`
	UserIDAttribute string                  `json:"user_id_attribute"`
	Mapping         []stagedoor.SCIMMapping `json:"mapping"`
	CreatedAt       string                  `json:"created_at"`
	UpdatedAt       string                  `json:"updated_on"`
}

func (c *call) showSCIM(conn *stagedoor.Connection, s *stagedoor.SCIMConfig) any {
	return shownSCIM{
		conn.ID, conn.Name, conn.Strategy, c.store.Tenant().ID, s.UserIDAttribute, s.Mapping,
		stagedoor.FormatTime(s.CreatedAt), stagedoor.FormatTime(s.UpdatedAt),
	}
}

type scimMappingIn struct {
	Attribute string `json:"auth0" schema:"required,min=1,max=255"`
	SCIM      string `json:"scim" schema:"required,min=1,max=255"`
}

type createSCIMIn struct {
	UserIDAttribute web.Opt[string]          `json:"user_id_attribute" schema:"min=1,max=255" doc:"User ID attribute for generating unique user ids"`
	Mapping         web.Opt[[]scimMappingIn] `json:"mapping" schema:"max=100" doc:"The mapping between auth0 and SCIM"`
}

type updateSCIMIn struct {
	UserIDAttribute string          `json:"user_id_attribute" schema:"required,min=1,max=255" doc:"User ID attribute for generating unique user ids"`
	Mapping         []scimMappingIn `json:"mapping" schema:"required,max=100" doc:"The mapping between auth0 and SCIM"`
}

func mappingOf(in []scimMappingIn) []stagedoor.SCIMMapping {
	out := make([]stagedoor.SCIMMapping, len(in))
	for i, m := range in {
		out[i] = stagedoor.SCIMMapping(m)
	}
	return out
}

// checkSCIM refuses paths that cannot be read: their rows would have no effect, and nobody without a user id can be provisioned.
func (a *API) checkSCIM(userID string, mapping []stagedoor.SCIMMapping) error {
	if a.CheckSCIMPath == nil {
		return nil
	}
	if err := a.CheckSCIMPath(userID); err != nil {
		return badProperty("user_id_attribute", "No path of a SCIM attribute: "+bounded(userID, 100))
	}
	for i, row := range mapping {
		if err := a.CheckSCIMPath(row.SCIM); err != nil {
			return badProperty("mapping["+itoa(i)+"].scim", "No path of a SCIM attribute: "+bounded(row.SCIM, 100))
		}
	}
	return nil
}

// scim is the connection of the path with its configuration.
func (c *call) scim() (*stagedoor.Connection, *stagedoor.SCIMConfig, error) {
	conn, err := c.connection()
	if err != nil {
		return nil, nil, err
	}
	s, err := store.SCIMConfigs.Get(c.ctx(), c.store, conn.ID)
	return conn, s, err
}

func (a *API) readSCIM(c *call) (any, error) {
	conn, s, err := c.scim()
	if err != nil {
		return nil, err
	}
	return c.showSCIM(conn, s), nil
}

func (a *API) createSCIM(c *call, in createSCIMIn) (any, error) {
	conn, err := c.connection()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(scimStrategies, conn.Strategy) {
		return nil, stagedoor.Errorf(stagedoor.NotFound, "", "This connection type does not support SCIM. Please see our documentation for the currently supported connection types: https://auth0.com/docs/authenticate/protocols/scim/configure-inbound-scim.")
	}
	now := a.Clock.Now()
	s := &stagedoor.SCIMConfig{
		ConnectionID: conn.ID, UserIDAttribute: in.UserIDAttribute.Or(defaultSCIMID(conn.Strategy)), Mapping: defaultSCIMMapping(conn.Strategy), CreatedAt: now, UpdatedAt: now,
	}
	if in.Mapping.Has() {
		s.Mapping = mappingOf(in.Mapping.Value)
	}
	if err := a.checkSCIM(s.UserIDAttribute, s.Mapping); err != nil {
		return nil, err
	}
	if err := store.SCIMConfigs.Create(c.ctx(), c.store, s); err != nil {
		return nil, err
	}
	return c.showSCIM(conn, s), nil
}

func (a *API) updateSCIM(c *call, in updateSCIMIn) (any, error) {
	conn, err := c.connection()
	if err != nil {
		return nil, err
	}
	if err := a.checkSCIM(in.UserIDAttribute, mappingOf(in.Mapping)); err != nil {
		return nil, err
	}
	s, err := store.SCIMConfigs.Update(c.ctx(), c.store, conn.ID, func(s *stagedoor.SCIMConfig) error {
		s.UserIDAttribute, s.Mapping, s.UpdatedAt = in.UserIDAttribute, mappingOf(in.Mapping), a.Clock.Now()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c.showSCIM(conn, s), nil
}

func (a *API) deleteSCIM(c *call) (any, error) {
	conn, err := c.connection()
	if err != nil {
		return nil, err
	}
	_, err = store.SCIMConfigs.Delete(c.ctx(), c.store, conn.ID)
	return nil, err
}

func (a *API) scimDefaultMapping(c *call) (any, error) {
	conn, err := c.connection()
	if err != nil {
		return nil, err
	}
	return map[string]any{"mapping": defaultSCIMMapping(conn.Strategy)}, nil
}

func (a *API) listSCIM(c *call, in web.Checkpoint) (any, error) {
	return partsOf(c, in, "scim_configurations", &store.SCIMConfigs, func(s *stagedoor.SCIMConfig) string { return s.ConnectionID },
		func(conn *stagedoor.Connection, s *stagedoor.SCIMConfig) any { return c.showSCIM(conn, s) })
}

// partsOf lists what belongs to the connections of the tenant, by checkpoint.
func partsOf[T any](c *call, in web.Checkpoint, key string, kind *store.Kind[T], id func(*T) string, show func(*stagedoor.Connection, *T) any) (any, error) {
	all, err := kind.All(c.ctx(), c.store)
	if err != nil {
		return nil, err
	}
	page, next, v := web.After(in, all, func(t T) string { return id(&t) })
	if v != nil {
		return nil, bad("invalid_paging", v.Reason)
	}
	shown := make([]any, len(page))
	for i := range page {
		conn, err := c.store.Connection(c.ctx(), id(&page[i]))
		if err != nil {
			return nil, err
		}
		shown[i] = show(conn, &page[i])
	}
	return web.CheckpointEnvelope(key, shown, next), nil
}

// shownToken is a SCIM token as the wire has it; the token itself only when it was made.
type shownToken struct {
	ID         string   `json:"token_id"`
	Token      string   `json:"token,omitempty"`
	Scopes     []string `json:"scopes"`
	CreatedAt  string   `json:"created_at"`
	ValidUntil string   `json:"valid_until,omitempty"`
	LastUsedAt string   `json:"last_used_at,omitempty"`
}

func showSCIMToken(t stagedoor.SCIMToken, plain string) shownToken {
	out := shownToken{ID: t.ID, Token: plain, Scopes: t.Scopes, CreatedAt: stagedoor.FormatTime(t.CreatedAt)}
	if t.ValidUntil != nil {
		out.ValidUntil = stagedoor.FormatTime(*t.ValidUntil)
	}
	if t.LastUsedAt != nil {
		out.LastUsedAt = stagedoor.FormatTime(*t.LastUsedAt)
	}
	return out
}

func (a *API) listSCIMTokens(c *call) (any, error) {
	_, s, err := c.scim()
	if err != nil {
		return nil, err
	}
	out := []shownToken{}
	for _, t := range s.Tokens {
		out = append(out, showSCIMToken(t, ""))
	}
	return out, nil
}

type createSCIMTokenIn struct {
	Scopes   web.Opt[[]string] `json:"scopes" schema:"enum=get:users|post:users|put:users|patch:users|delete:users|get:groups|post:groups|put:groups|patch:groups|delete:groups,unique" doc:"The scopes of the scim token"`
	Lifetime web.Opt[int]      `json:"token_lifetime" schema:"min=900,max=2147483647" doc:"Lifetime of the token in seconds. Must be greater than 900"`
}

func (a *API) createSCIMToken(c *call, in createSCIMTokenIn) (any, error) {
	conn, err := c.connection()
	if err != nil {
		return nil, err
	}
	plain, now := "tok_"+stagedoor.NewToken(), a.Clock.Now()
	sum := sha256.Sum256([]byte(plain))
	t := stagedoor.SCIMToken{
		ID: stagedoor.NewID("tok_"), Hash: base64.RawURLEncoding.EncodeToString(sum[:]), CreatedAt: now,
		Scopes: in.Scopes.Or([]string{
			"get:users", "post:users", "put:users", "patch:users", "delete:users", "get:groups", "post:groups", "put:groups", "patch:groups", "delete:groups",
		}),
	}
	if in.Lifetime.Has() {
		until := now.Add(time.Duration(in.Lifetime.Value) * time.Second)
		t.ValidUntil = &until
	}
	_, err = store.SCIMConfigs.Update(c.ctx(), c.store, conn.ID, func(s *stagedoor.SCIMConfig) error {
		if len(s.Tokens) >= maxSCIMTokens {
			return bad("operation_not_supported", "A connection has at most "+itoa(maxSCIMTokens)+" SCIM tokens.")
		}
		s.Tokens = append(s.Tokens, t)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return showSCIMToken(t, plain), nil
}

func (a *API) deleteSCIMToken(c *call) (any, error) {
	conn, err := c.connection()
	if err != nil {
		return nil, err
	}
	_, err = store.SCIMConfigs.Update(c.ctx(), c.store, conn.ID, func(s *stagedoor.SCIMConfig) error {
		s.Tokens = slices.DeleteFunc(s.Tokens, func(t stagedoor.SCIMToken) bool { return t.ID == c.r.PathValue("token_id") })
		return nil
	})
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, nil
	}
	return nil, err
}
