package stagedoor

import (
	"slices"
	"strings"
	"time"
)

// ClientAuthentication names the one method by which a client with keys proves itself (Management API fact sheet 3.4).
type ClientAuthentication struct {
	PrivateKeyJWT *CredentialList `json:"private_key_jwt,omitempty"`
	TLS           *CredentialList `json:"tls_client_auth,omitempty"`
	SelfSignedTLS *CredentialList `json:"self_signed_tls_client_auth,omitempty"`
}

// Lists returns the credential lists that are there.
func (a *ClientAuthentication) Lists() []*CredentialList {
	if a == nil {
		return nil
	}
	return slices.DeleteFunc([]*CredentialList{a.PrivateKeyJWT, a.TLS, a.SelfSignedTLS}, func(l *CredentialList) bool { return l == nil })
}

// CredentialList names credentials of a client.
type CredentialList struct {
	Credentials []CredentialID `json:"credentials"`
}

// CredentialID names one credential of a client.
type CredentialID struct {
	ID string `json:"id"`
}

// Names tells whether the list names the credential.
func (l *CredentialList) Names(id string) bool {
	return l != nil && slices.Contains(l.Credentials, CredentialID{id})
}

// SignedRequestObject tells whether a client must sign what it asks for (RFC 9101).
type SignedRequestObject struct {
	Required    bool           `json:"required"`
	Credentials []CredentialID `json:"credentials,omitzero"`
}

// ClientCredential is a public key or a certificate's name by which a client is known. It holds nothing secret.
type ClientCredential struct {
	ID         string     `json:"id"`
	Name       string     `json:"name,omitempty"`
	Type       string     `json:"credential_type"` // public_key, cert_subject_dn, x509_cert
	KID        string     `json:"kid,omitempty"`
	Algorithm  string     `json:"alg,omitempty"` // RS256, RS384 or PS256; of public keys only
	SubjectDN  string     `json:"subject_dn,omitempty"`
	Thumbprint string     `json:"thumbprint_sha256,omitempty"`
	PEM        string     `json:"pem,omitempty"` // never shown
	CreatedAt  time.Time  `json:"created_at"`
	UpdatedAt  time.Time  `json:"updated_at"`
	ExpiresAt  *time.Time `json:"expires_at,omitempty"`
}

// Expired tells whether the credential is no longer good at now.
func (c *ClientCredential) Expired(now time.Time) bool {
	return c.ExpiresAt != nil && !now.Before(*c.ExpiresAt)
}

// Credential returns the credential with the id, nil if there is none.
func (c *Client) Credential(id string) *ClientCredential {
	for i := range c.Credentials {
		if c.Credentials[i].ID == id {
			return &c.Credentials[i]
		}
	}
	return nil
}

// Complies tells whether the client's compliance level begins with prefix: fapi, fapi1, fapi2.
func (c *Client) Complies(prefix string) bool {
	return prefix != "" && strings.HasPrefix(c.ComplianceLevel, prefix)
}

// ComplianceMethod is how the client's compliance level wants it to prove itself: pkj, mtls, or empty where it has none.
func (c *Client) ComplianceMethod() string {
	if parts := strings.Split(c.ComplianceLevel, "_"); len(parts) == 4 { // fapi2_sp_pkj_mtls
		return parts[2]
	}
	return ""
}

// Signs tells whether signatures by the algorithm are good enough for the client's compliance level (FAPI 1.0 Advanced 8.6, FAPI 2.0 Security
// Profile 5.4).
func (c *Client) Signs(alg string) bool {
	return !c.Complies("fapi") || alg == "PS256" || alg == "ES256"
}

// NeedsPAR tells whether the client may only begin logins by pushed requests (RFC 9126): because it says so, or because the
// profile that it complies with does.
func (c *Client) NeedsPAR() bool {
	return c.RequirePAR != nil && *c.RequirePAR || strings.HasPrefix(c.ComplianceLevel, "fapi")
}

// NeedsProof tells whether the client's tokens must be bound to a key (RFC 8705, RFC 9449).
func (c *Client) NeedsProof() bool {
	return c.RequireProofOfPossession != nil && *c.RequireProofOfPossession || strings.HasPrefix(c.ComplianceLevel, "fapi") && strings.Contains(c.ComplianceLevel, "mtls")
}

// NeedsSignedRequest tells whether the client may only begin logins by signed requests.
func (c *Client) NeedsSignedRequest() bool {
	return c.SignedRequestObject != nil && c.SignedRequestObject.Required
}
