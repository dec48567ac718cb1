package stagedoor

import "time"

// MaxAgent is how much is kept of what a browser or a program calls itself, in bytes: a header may have a thousand times that.
const MaxAgent = 1024

// LogEvent is one entry of a tenant's log (Management API fact sheet 3.13): product
// data, not the operator's log.
type LogEvent struct {
	ID          string         `json:"log_id,omitempty"`
	Date        time.Time      `json:"-"`
	Type        string         `json:"type"`
	Description string         `json:"description,omitempty"`
	Connection  string         `json:"connection,omitempty"`
	ConnID      string         `json:"connection_id,omitempty"`
	ClientID    string         `json:"client_id,omitempty"`
	ClientName  string         `json:"client_name,omitempty"`
	IP          string         `json:"ip,omitempty"`
	UserAgent   string         `json:"user_agent,omitempty"`
	Hostname    string         `json:"hostname,omitempty"`
	UserID      string         `json:"user_id,omitempty"`
	UserName    string         `json:"user_name,omitempty"`
	Audience    string         `json:"audience,omitempty"`
	Scope       string         `json:"scope,omitempty"`
	Strategy    string         `json:"strategy,omitempty"`
	OrgID       string         `json:"organization_id,omitempty"`
	OrgName     string         `json:"organization_name,omitempty"`
	Details     map[string]any `json:"details,omitempty"`
	IsMobile    bool           `json:"isMobile"`

	StrategyType string `json:"strategy_type,omitempty"` // see [StrategyType]; the store says it, as it does whether the device is mobile
	Tenant       string `json:"-"`                       // its id, of events that were read
	LocationInfo *Place `json:"location_info,omitempty"` // where IP is; the store says it

	SecurityContext *Fingerprints `json:"security_context,omitempty"` // of the program that asked; nil: not known
}
