package stagedoor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The states of a log stream.
const (
	StreamActive    = "active"
	StreamPaused    = "paused"    // by the operator
	StreamSuspended = "suspended" // by the server: nothing could be delivered for seven days
)

// LogStream sends a tenant's log events elsewhere as they happen (Management API fact sheet 3.14).
type LogStream struct {
	ID         string      `json:"id"`
	Name       string      `json:"name"`
	Type       string      `json:"type"`
	Status     string      `json:"status"`
	IsPriority bool        `json:"isPriority"`
	Filters    []LogFilter `json:"filters"`
	PII        *PIIConfig  `json:"pii_config"`
	Sink       string      `json:"sink,omitempty"` // a JSON object; sealed at rest, it holds keys
	After      string      `json:"after"`          // the id of the last log event before the first to send
}

// LogFilter lets events of one category through; a stream without filters sends all.
type LogFilter struct {
	Type string `json:"type" schema:"required,enum=category"`
	Name string `json:"name" schema:"required"`
}

// PIIConfig says what of people's data is masked or hashed on the way.
type PIIConfig struct {
	LogFields []string `json:"log_fields"`
	Method    string   `json:"method,omitempty"`    // mask or hash
	Algorithm string   `json:"algorithm,omitempty"` // xxhash
}

// HTTPSink is where a stream of the type http sends to.
type HTTPSink struct {
	Endpoint      string `json:"httpEndpoint"`
	ContentType   string `json:"httpContentType"`
	ContentFormat string `json:"httpContentFormat"` // JSONARRAY, JSONLINES or JSONOBJECT
	Authorization string `json:"httpAuthorization"`
	CustomHeaders []struct {
		Header string `json:"header"`
		Value  string `json:"value"`
	} `json:"httpCustomHeaders"`
	SigningSecret string `json:"stagedoorSigningSecret"` // of ours: what requests are signed with
}

// HTTPSink returns the sink of a stream of the type http.
func (s *LogStream) HTTPSink() (HTTPSink, error) {
	var sink HTTPSink
	err := json.Unmarshal([]byte(s.Sink), &sink)
	return sink, err
}

// Wants tells whether an event passes the stream's filters.
func (s *LogStream) Wants(e LogEvent) bool {
	category := e.Category()
	return len(s.Filters) == 0 || slices.ContainsFunc(s.Filters, func(f LogFilter) bool { return f.Name == category })
}

// Category is the group of events that filters of log streams know.
func (e LogEvent) Category() string {
	if c, known := logCategories[e.Type]; known {
		return c
	}
	switch {
	case strings.HasPrefix(e.Type, "se") && strings.HasSuffix(e.Type, "ft"):
		return "auth.token_exchange.success"
	case strings.HasPrefix(e.Type, "fe") && strings.HasSuffix(e.Type, "ft"):
		return "auth.token_exchange.fail"
	}
	return "other"
}

var logCategories = map[string]string{
	"s": "auth.login.success", "scoa": "auth.login.success", "f": "auth.login.fail", "fp": "auth.login.fail", "fu": "auth.login.fail", "fcoa": "auth.login.fail",
	"organization_access_denied": "auth.login.fail", "pwd_leak": "auth.login.fail", "limit_wc": "auth.login.notification", "limit_mu": "auth.login.notification", "limit_sul": "auth.login.notification",
	"w": "auth.login.notification", "mfar": "auth.login.notification",
	"slo": "auth.logout.success", "flo": "auth.logout.fail", "universal_logout_succeeded": "auth.logout.success", "universal_logout_failed": "auth.logout.fail", "ss": "auth.signup.success", "fs": "auth.signup.fail", "ssa": "auth.silent_auth.success",
	"fsa": "auth.silent_auth.fail", "srrt": "auth.token_exchange.success", "ferrt": "auth.token_exchange.fail",
	"sapi": "management.success", "mgmt_api_read": "management.success", "fapi": "management.fail", "sscim": "scim.event", "fscim": "scim.event",
	"api_limit": "system.notification", "api_limit_warning": "system.notification", "depnote": "system.notification",
	"scp": "user.success", "scpr": "user.success", "sce": "user.success", "scu": "user.success", "scpn": "user.success", "sv": "user.success", "svr": "user.success",
	"sdu": "user.success", "du": "user.success", "si": "user.success", "sui": "user.success", "ublkdu": "user.success",
	"fcp": "user.fail", "fcpr": "user.fail", "fce": "user.fail", "fcu": "user.fail", "fcpn": "user.fail", "fv": "user.fail", "fvr": "user.fail", "fdu": "user.fail",
	"fi": "user.fail", "fui": "user.fail", "fn": "user.notification", "wn": "user.notification", "wum": "user.notification", "actions_execution_failed": "actions",
}

// Wire returns the event as the Management API shows it. Who reads logs counts on some members whatever the event is.
func (e LogEvent) Wire() any {
	details := e.Details
	if details == nil {
		details = map[string]any{}
	}
	return struct {
		MongoID     string         `json:"_id"`
		Date        string         `json:"date"`
		Description string         `json:"description"`
		ClientName  string         `json:"client_name"`
		IP          string         `json:"ip"`
		Details     map[string]any `json:"details"`
		Audience    string         `json:"audience"`
		Strategy    string         `json:"strategy"`
		TypeOf      string         `json:"strategy_type"`
		TenantName  string         `json:"tenant_name,omitempty"`
		LogEvent
		LocationInfo *Place `json:"location_info"` // null: not known
	}{e.ID, FormatTime(e.Date), e.Description, e.ClientName, e.IP, details, e.Audience, e.Strategy, e.StrategyType, e.Tenant, e, e.LocationInfo}
}

// LogIDAt returns an id that every event before t is smaller than, and every later one greater.
func LogIDAt(t time.Time) string {
	t = t.UTC()
	return fmt.Sprintf("900%s%06d%028d", t.Format("20060102150405"), t.Nanosecond()/1000, 0)
}
