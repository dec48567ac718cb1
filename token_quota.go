package stagedoor

import "encoding/json"

// TokenQuota bounds how many tokens a client, or all clients for one organization, get in their own name (grant client_credentials). Hours and days are those of UTC.
type TokenQuota struct {
	PerHour  int // 0 means any number
	PerDay   int
	Enforced bool // else what goes beyond it is told in the log alone
}

// readTokenQuota reads a setting token_quota; nil where there is none.
func readTokenQuota(raw json.RawMessage) *TokenQuota {
	var doc struct {
		Limits *struct {
			Enforce *bool `json:"enforce"`
			PerDay  int   `json:"per_day"`
			PerHour int   `json:"per_hour"`
		} `json:"client_credentials"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &doc) != nil || doc.Limits == nil {
		return nil
	}
	in := doc.Limits
	return &TokenQuota{PerHour: in.PerHour, PerDay: in.PerDay, Enforced: in.Enforce == nil || *in.Enforce}
}

// TokenQuota returns the client's own quota; nil where that of the tenant holds.
func (c *Client) TokenQuota() *TokenQuota { return readTokenQuota(c.Stored["token_quota"]) }

// TokenQuota returns the organization's own quota; nil where that of the tenant holds.
func (o *Organization) TokenQuota() *TokenQuota { return readTokenQuota(o.Stored["token_quota"]) }

// TokenQuotas returns the quotas of those clients and organizations that have none of their own.
func (s *TenantSettings) TokenQuotas() (clients, organizations *TokenQuota) {
	var both struct {
		Clients       json.RawMessage `json:"clients"`
		Organizations json.RawMessage `json:"organizations"`
	}
	raw := s.Stored["default_token_quota"]
	if len(raw) == 0 || json.Unmarshal(raw, &both) != nil {
		return nil, nil
	}
	return readTokenQuota(both.Clients), readTokenQuota(both.Organizations)
}
