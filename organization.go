package stagedoor

import (
	"encoding/json"
	"slices"
	"strings"
)

// Organization is one of the customers that share a tenant: people are members of it, and a token is issued for one of them
// (Management API fact sheet 3.9).
type Organization struct {
	ID          string                `json:"id"`
	Name        string                `json:"name"` // in lower case, unique in the tenant: what people type and addresses hold
	DisplayName string                `json:"display_name,omitempty"`
	Branding    *OrganizationBranding `json:"branding,omitempty"`
	Metadata    map[string]string     `json:"metadata,omitempty"`
	CreatedAt   int64                 `json:"created_at,omitempty"` // milliseconds

	// Stored are settings that are kept and returned but have no effect.
	Stored map[string]json.RawMessage `json:"-"`
}

// OrganizationBranding is how the pages of a login to the organization look.
type OrganizationBranding struct {
	LogoURL string              `json:"logo_url,omitempty"`
	Colors  *OrganizationColors `json:"colors,omitempty"`
}

// OrganizationColors are #rrggbb.
type OrganizationColors struct {
	Primary        string `json:"primary"`
	PageBackground string `json:"page_background"`
}

// Title is how people know the organization.
func (o *Organization) Title() string {
	if o.DisplayName != "" {
		return o.DisplayName
	}
	return o.Name
}

type organizationFields Organization

// MarshalJSON writes the known members and the stored ones.
func (o Organization) MarshalJSON() ([]byte, error) {
	return marshalStored(organizationFields(o), o.Stored)
}

// UnmarshalJSON reads the known members and keeps the others in Stored.
func (o *Organization) UnmarshalJSON(b []byte) (err error) {
	var known organizationFields
	if known.Stored, err = unmarshalStored(b, &known); err == nil {
		*o = Organization(known)
	}
	return err
}

// OrganizationConnection is a connection through which people come to an organization.
type OrganizationConnection struct {
	ConnectionID            string `json:"connection_id"`
	Name                    string `json:"organization_connection_name,omitempty"`
	AssignMembershipOnLogin bool   `json:"assign_membership_on_login"` // who comes becomes a member
	ShowAsButton            bool   `json:"show_as_button"`
	IsSignupEnabled         bool   `json:"is_signup_enabled"` // strangers may sign up
	AccessLevel             string `json:"organization_access_level,omitempty"`
	MemberAccessLevel       string `json:"organization_member_access_level,omitempty"`
	IsEnabled               bool   `json:"is_enabled"`
}

// Membership is a member of an organization as lists show it. Roles are those that the person has there.
type Membership struct {
	UserID  string
	Email   string
	Name    string
	Picture string
	AddedAt int64 // milliseconds
}

// Invitation asks somebody, by mail, to become a member of an organization. Its ticket works once.
type Invitation struct {
	ID             string   `json:"id"`
	OrganizationID string   `json:"organization_id"`
	ClientID       string   `json:"client_id"`
	ConnectionID   string   `json:"connection_id,omitempty"` // "" = any of the organization's
	Inviter        string   `json:"inviter"`                 // name
	Invitee        string   `json:"invitee"`                 // e-mail address, in lower case
	URL            string   `json:"url"`                     // without the ticket: where the client begins a login
	Roles          []string `json:"roles,omitempty"`         // that the member gets there
	UserMetadata   Metadata `json:"user_metadata,omitempty"`
	AppMetadata    Metadata `json:"app_metadata,omitempty"`
	Mailed         bool     `json:"mailed"`              // the ticket went to the address, and to nobody else
	CreatedAt      int64    `json:"created_at"`          // milliseconds
	ExpiresAt      int64    `json:"expires_at"`          // milliseconds
	Ticket         string   `json:"ticket_id,omitempty"` // sealed at rest
}

// For tells whether the invitation is meant for the address, as the server writes addresses. Folding would take more letters for the same than that does: ſ for s.
func (i *Invitation) For(email string) bool { return SameAddress(i.Invitee, email) }

// SameAddress tells whether two addresses are one to the server, whatever their case and the space around them.
func SameAddress(a, b string) bool {
	return strings.ToLower(strings.TrimSpace(a)) == strings.ToLower(strings.TrimSpace(b)) //nolint:staticcheck // folding is what it must not do
}

// DiscoveryDomain is a domain of e-mail addresses by which people find their organization.
type DiscoveryDomain struct {
	ID              string `json:"id"`
	OrganizationID  string `json:"organization_id,omitempty"`
	Domain          string `json:"domain"`
	Status          string `json:"status"` // pending or verified
	VerificationTXT string `json:"verification_txt"`
	Discovers       bool   `json:"use_for_organization_discovery"`
}

// VerificationHost is the DNS name whose TXT record proves that the domain is the organization's.
func (d *DiscoveryDomain) VerificationHost() string {
	return "_ss-verification." + d.OrganizationID + "." + d.Domain
}

// OrganizationClient is a client that an organization uses.
type OrganizationClient struct {
	ClientID           string `json:"client_id"`
	UseForMemberAccess bool   `json:"use_for_member_access"`
}

// What a client or a client grant may do with organizations.
const (
	OrganizationsDeny    = "deny"
	OrganizationsAllow   = "allow"
	OrganizationsRequire = "require"
)

// How a client that needs an organization finds it, where the request names none.
const (
	OrganizationNoPrompt  = "no_prompt"
	OrganizationPreLogin  = "pre_login_prompt"  // the person names it, then logs in
	OrganizationPostLogin = "post_login_prompt" // the person logs in, then chooses among theirs
)

// OrganizationUse is what the client does with organizations: deny, allow or require. Nothing set denies.
func (c *Client) OrganizationUse() string { return c.storedText("organization_usage") }

// UsesOrganizations tells whether people may log in to an organization through the client.
func (c *Client) UsesOrganizations() bool {
	use := c.OrganizationUse()
	return use == OrganizationsAllow || use == OrganizationsRequire
}

// OrganizationBehavior is what happens where a request names no organization: nothing, or one of the prompts.
func (c *Client) OrganizationBehavior() string {
	if b := c.storedText("organization_require_behavior"); b != "" {
		return b
	}
	return OrganizationNoPrompt
}

func (c *Client) storedText(name string) string {
	var s string
	if json.Unmarshal(c.Stored[name], &s) != nil {
		return ""
	}
	return s
}

// FindsOrganizationBy tells whether people may name their organization so before they log in: organization_name, which is
// what holds if nothing is set, or email.
func (c *Client) FindsOrganizationBy(method string) bool {
	var methods []string
	if json.Unmarshal(c.Stored["organization_discovery_methods"], &methods) != nil || len(methods) == 0 {
		methods = []string{"organization_name"}
	}
	return slices.Contains(methods, method)
}

// DefaultOrganization is the id of the organization that a request for a token means if it names none; "" = there is none.
func (c *Client) DefaultOrganization(grant string) string {
	var d struct {
		ID    string   `json:"organization_id"`
		Flows []string `json:"flows"`
	}
	if json.Unmarshal(c.Stored["default_organization"], &d) != nil || !slices.Contains(d.Flows, grant) {
		return ""
	}
	return d.ID
}

// MyOrganization is what members of an organization may do with it by the My Organization API through a client (my_organization_configuration).
type MyOrganization struct {
	ConnectionProfile string   `json:"connection_profile_id"`
	AttributeProfile  string   `json:"user_attribute_profile_id"`
	Strategies        []string `json:"allowed_strategies"`
	Deletion          string   `json:"connection_deletion_behavior"`
	InvitationClient  string   `json:"invitation_landing_client_id"`
}

// DeletesUsers tells whether a connection may go with the users that it has.
func (m *MyOrganization) DeletesUsers() bool { return m.Deletion == "allow" }

// MyOrganization is what the client is for at the My Organization API; nil: nothing.
func (c *Client) MyOrganization() (m *MyOrganization) {
	if json.Unmarshal(c.Stored["my_organization_configuration"], &m) != nil {
		return nil
	}
	return m
}

// OrganizationNames tells whether requests may name an organization by its name, and tokens tell it
// (allow_organization_name_in_authentication_api).
func (s *TenantSettings) OrganizationNames() bool {
	return string(s.Stored["allow_organization_name_in_authentication_api"]) == "true"
}

// Takes tells whether people may log in to the organization through the client, which may be somebody else's. of is the client as the organization lists
// it; nil: it does not. A list that counts decides for those that are on it, and keeps the tenant's own out that are not; somebody else's are let in only where the
// organization says so.
func (o *Organization) Takes(c *Client, of *OrganizationClient) bool {
	switch {
	case o.ListsClients() && of != nil:
		return of.UseForMemberAccess
	case c.IsFirstParty:
		return !o.ListsClients()
	}
	return string(o.Stored["third_party_client_access"]) == `"allow"`
}

// ListsClients tells whether people log in to the organization through the clients alone that it lists (is_app_entitlement_active).
func (o *Organization) ListsClients() bool {
	return string(o.Stored["is_app_entitlement_active"]) == "true"
}
