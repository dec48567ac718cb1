package stagedoor

// CustomDomain is a name of its own that a tenant wants to answer under (Management API fact sheet 3.17). Who says so must show in the DNS that
// the name is theirs to give; then it is ready, and the tenant answers under it.
type CustomDomain struct {
	ID             string            `json:"custom_domain_id"`
	Domain         string            `json:"domain"` // in lower case
	Primary        bool              `json:"primary"`
	Status         string            `json:"status"` // pending_verification or ready
	Type           string            `json:"type"`   // auth0_managed_certs or self_managed_certs
	TLSPolicy      string            `json:"tls_policy"`
	ClientIPHeader string            `json:"custom_client_ip_header,omitempty"`
	Metadata       map[string]string `json:"domain_metadata"`
	RelyingParty   string            `json:"relying_party_identifier,omitempty"`
	Token          string            `json:"token"` // that the DNS must show for self_managed_certs
	CreatedAt      int64             `json:"created_at"`
	CheckedAt      int64             `json:"checked_at,omitempty"` // milliseconds; 0 before the first time
	Failure        string            `json:"failure,omitempty"`    // why the last check failed
}

// The states of a custom domain.
const (
	DomainPending = "pending_verification"
	DomainReady   = "ready"
)

// SettingCustomDomains holds the member default: the domain of links in mails.
const SettingCustomDomains = "custom-domains"
