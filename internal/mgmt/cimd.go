package mgmt

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Clients may be described by a document of their own, whose address is their name (OAuth Client ID Metadata Document). An
// administrator registers such a client; the document is read through the client that leaves the house.

// externalClientID is the member of a client that holds the address of its document.
const externalClientID = "external_client_id"

// Bounds of what a stranger's document says of a client.
const (
	maxCIMDName      = 255 // bytes of its name
	maxCIMDRedirects = 200 // as many as a client has callbacks
)

type cimdIn struct {
	ExternalClientID string `json:"external_client_id" schema:"required,min=1,max=120,format=uri" doc:"URL to the Client ID Metadata Document"`
}

// cimdDocument is what of a document is read (RFC 7591 section 2).
type cimdDocument struct {
	ClientID     string          `json:"client_id"`
	Name         string          `json:"client_name"`
	RedirectURIs []string        `json:"redirect_uris"`
	AuthMethod   string          `json:"token_endpoint_auth_method"`
	GrantTypes   []string        `json:"grant_types"`
	LogoURI      string          `json:"logo_uri"`
	ClientURI    string          `json:"client_uri"`
	AppType      string          `json:"application_type"`
	Secret       json.RawMessage `json:"client_secret"`
}

// cimdFields are the members of a client that a document gives.
type cimdFields struct {
	ExternalClientID string   `json:"external_client_id"`
	Name             string   `json:"name"`
	AppType          string   `json:"app_type"`
	Callbacks        []string `json:"callbacks"`
	LogoURI          string   `json:"logo_uri,omitempty"`
	GrantTypes       []string `json:"grant_types"`
	AuthMethod       string   `json:"token_endpoint_auth_method"`
}

type cimdValidation struct {
	Valid      bool     `json:"valid"`
	Violations []string `json:"violations"`
	Warnings   []string `json:"warnings"`
}

type cimdAnswer struct {
	ClientID   string         `json:"client_id,omitempty"` // of the client that is registered for the address
	Validation cimdValidation `json:"validation"`
	Fields     cimdFields     `json:"mapped_fields"`
}

// readCIMD fetches a document and says what a client of it would be.
func (a *API) readCIMD(c *call, address string) (*cimdAnswer, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.Path == "" || u.Path == "/" || u.User != nil || u.Fragment != "" {
		return nil, badProperty("external_client_id", "Object didn't pass validation for format absolute-https-uri-with-path: "+bounded(address, 200))
	}
	raw, err := a.fetch(c.ctx(), address)
	if err != nil {
		return nil, err
	}
	var doc cimdDocument
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, bad("operation_not_supported", "The document at "+bounded(address, 300)+" is not a client metadata document.")
	}
	out := &cimdAnswer{Validation: cimdValidation{Violations: []string{}, Warnings: []string{}}, Fields: cimdFields{
		ExternalClientID: address, Name: doc.Name, AppType: "regular_web", Callbacks: append([]string{}, doc.RedirectURIs...),
		LogoURI: doc.LogoURI, GrantTypes: []string{"authorization_code"}, AuthMethod: "none",
	}}
	if doc.AppType == "native" {
		out.Fields.AppType = "native"
	}
	if out.Fields.Name == "" {
		out.Fields.Name = u.Host
	}
	for _, grant := range doc.GrantTypes {
		if grant == "refresh_token" {
			out.Fields.GrantTypes = append(out.Fields.GrantTypes, grant)
		}
	}
	out.Validation.judge(&doc, address, out.Fields)
	existing, err := c.clientOf(address)
	if existing != nil {
		out.ClientID = existing.ID
	}
	return out, err
}

func (v *cimdValidation) judge(doc *cimdDocument, address string, fields cimdFields) {
	violation := func(text string) { v.Violations = append(v.Violations, text) }
	if doc.ClientID != address {
		violation("client_id must be the address of the document")
	}
	if len(doc.RedirectURIs) == 0 {
		violation("redirect_uris must not be empty")
	}
	for _, uri := range doc.RedirectURIs[:min(len(doc.RedirectURIs), maxCIMDRedirects)] {
		if !isURL(uri) {
			violation("redirect_uris holds something that is no address: " + bounded(uri, 200))
		}
	}
	if len(doc.Secret) > 0 {
		violation("client_secret must not be there")
	}
	if doc.AuthMethod != "" && doc.AuthMethod != "none" {
		violation("token_endpoint_auth_method must be none")
	}
	if fields.LogoURI != "" && !isURL(fields.LogoURI) {
		violation("logo_uri is no address")
	}
	if len(doc.Name) > maxCIMDName || strings.ContainsAny(doc.Name, "<>") {
		violation("client_name is longer than " + itoa(maxCIMDName) + " bytes or holds < or >")
	}
	if len(doc.RedirectURIs) > maxCIMDRedirects {
		violation("redirect_uris has more than " + itoa(maxCIMDRedirects) + " entries")
	}
	if doc.Name == "" {
		v.Warnings = append(v.Warnings, "client_name is missing; the host stands for it")
	}
	v.Valid = len(v.Violations) == 0
}

// clientOf returns the client that is registered for an address, nil if there is none. One that came by itself, known by the address alone, is
// nobody's registration.
func (c *call) clientOf(address string) (*stagedoor.Client, error) {
	all, err := c.store.Clients(c.ctx())
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(all, func(cl stagedoor.Client) bool {
		return optionText(cl.Stored, externalClientID) == address && !cl.FromDocument()
	}); i >= 0 {
		return &all[i], nil
	}
	return nil, nil
}

func (a *API) previewCIMD(c *call, in cimdIn) (any, error) { return a.readCIMD(c, in.ExternalClientID) }

// registerCIMD makes the client of a document, or brings it up to date. Such clients are of somebody else, public and conformant.
func (a *API) registerCIMD(c *call, in cimdIn) (any, error) {
	read, err := a.readCIMD(c, in.ExternalClientID)
	if err != nil {
		return nil, err
	}
	if !read.Validation.Valid {
		return nil, bad("validation_error", "The client metadata document is not valid: "+bounded(read.Validation.Violations[0], 300))
	}
	if declined, err := store.DeclinedClients.ByName(c.ctx(), c.store, in.ExternalClientID); err == nil { // an administrator has looked at it again
		if _, err := store.DeclinedClients.Delete(c.ctx(), c.store, declined.ID); err != nil {
			return nil, err
		}
	} else if !stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, err
	}
	set := func(cl *stagedoor.Client) error {
		f := read.Fields
		cl.Name, cl.AppType, cl.Callbacks, cl.LogoURI, cl.GrantTypes, cl.TokenEndpointAuthMethod = f.Name, f.AppType, f.Callbacks, f.LogoURI, f.GrantTypes, f.AuthMethod
		address, err := json.Marshal(in.ExternalClientID)
		if err == nil {
			keepStored(&cl.Stored, map[string]json.RawMessage{
				externalClientID: address, "external_metadata_type": json.RawMessage(`"cimd"`), "external_metadata_created_by": json.RawMessage(`"admin"`),
			})
		}
		return err
	}
	if read.ClientID != "" {
		if !c.caller.has("update:clients") {
			return nil, insufficient("update:clients")
		}
		if _, err := c.store.UpdateClient(c.ctx(), read.ClientID, set); err != nil {
			return nil, err
		}
		return outcome{status: http.StatusOK, body: read}, nil
	}
	if !c.caller.has("create:clients") {
		return nil, insufficient("create:clients")
	}
	cl := NewClient(read.Fields.Name)
	cl.ID, cl.IsFirstParty, cl.OIDCConformant = stagedoor.NewThirdPartyClientID(), false, true
	cl.JWTConfiguration = stagedoor.JWTConfiguration{Algorithm: "RS256", LifetimeInSeconds: 3600}
	cl.RefreshToken.RotationType, cl.RefreshToken.ExpirationType = "rotating", "expiring"
	cl.RefreshToken.InfiniteTokenLifetime, cl.RefreshToken.InfiniteIdleTokenLifetime = false, false
	if err := set(cl); err != nil {
		return nil, err
	}
	if err := c.store.CreateClient(c.ctx(), cl); err != nil {
		return nil, err
	}
	read.ClientID = cl.ID
	return read, nil
}
