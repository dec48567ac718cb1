package stagedoor

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// AnonymousSession is the session of a visitor whom nobody knows yet. It is no record: the session token that the visitor's client holds is the session, sealed.
type AnonymousSession struct {
	ID        string          `json:"id"`
	Subject   string          `json:"sub"`                // who the visitor is to APIs and scripts: anon@ and a UUID
	Metadata  json.RawMessage `json:"metadata,omitempty"` // an object that the client gave when the session began; nobody has vouched for it
	CreatedAt time.Time       `json:"at"`
	ExpiresAt time.Time       `json:"until"`
}

// MaxAnonymousMetadata bounds the metadata of an anonymous session, in bytes.
const MaxAnonymousMetadata = 1024

// anonymousPrefix begins the subjects of anonymous sessions. Ids of users have a | behind the name of their strategy.
const anonymousPrefix = "anon@"

// NewAnonymousSession returns a session that begins now.
func NewAnonymousSession(now time.Time, life time.Duration, metadata json.RawMessage) *AnonymousSession {
	return &AnonymousSession{ID: NewID("asess_"), Subject: anonymousPrefix + NewUUID(), Metadata: metadata, CreatedAt: now, ExpiresAt: now.Add(life)}
}

// IsAnonymous tells whether a subject is that of an anonymous session.
func IsAnonymous(subject string) bool {
	return strings.HasPrefix(subject, anonymousPrefix) && !strings.Contains(subject, "|")
}

// Told is the session as scripts see it, and the claims that are made of it.
func (s *AnonymousSession) Told() map[string]any {
	metadata := map[string]any{}
	if len(s.Metadata) > 0 && json.Unmarshal(s.Metadata, &metadata) != nil {
		metadata = map[string]any{}
	}
	return map[string]any{
		"user_id": s.Subject, "session_id": s.ID, "created_at": FormatTime(s.CreatedAt), "expires_at": FormatTime(s.ExpiresAt), "metadata": metadata,
	}
}

// AnonymousTicket carries an anonymous session into one login: one use, half a minute.
type AnonymousTicket struct {
	ID        string           `json:"id"`
	Session   AnonymousSession `json:"session"`
	ClientID  string           `json:"client"` // that the login has to be of
	IP        string           `json:"ip"`     // of who asked for it
	ExpiresAt time.Time        `json:"until"`
}

// ClaimRule makes a claim of anonymous sessions' access tokens: what the expression names of the session.
type ClaimRule struct {
	Name       string `json:"name"`
	Expression string `json:"expression"` // anonymous_session.metadata.country
}

// MaxClaimRules is how many claims an API, or a tenant, can have made.
const MaxClaimRules = 10

// Of returns what the expression names of a session; nil if there is nothing.
func (c ClaimRule) Of(s *AnonymousSession) any {
	var value any = map[string]any{"anonymous_session": s.Told()}
	for name := range strings.SplitSeq(c.Expression, ".") {
		members, is := value.(map[string]any)
		if !is {
			return nil
		}
		value = members[name]
	}
	return value
}

// claimRules reads them from the setting access_token of an API or a tenant.
func claimRules(stored json.RawMessage) []ClaimRule {
	var token struct {
		Mapping struct {
			Claims []ClaimRule `json:"custom_claims"`
		} `json:"claims_mapping"`
	}
	if json.Unmarshal(stored, &token) != nil {
		return nil
	}
	return token.Mapping.Claims
}

// AnonymousClaims are the claims of anonymous sessions' tokens for an API of the tenant. What the API says of a name goes before what the tenant does.
func (s *TenantSettings) AnonymousClaims(r *ResourceServer) []ClaimRule {
	own := claimRules(r.Stored["access_token"])
	return append(slices.DeleteFunc(claimRules(s.Stored["access_token"]), func(c ClaimRule) bool {
		return slices.ContainsFunc(own, func(o ClaimRule) bool { return o.Name == c.Name })
	}), own...)
}

// AnonymousSessions returns how long the tenant's anonymous sessions live, and whether browsers get them in a cookie, too.
func (s *TenantSettings) AnonymousSessions() (life time.Duration, cookie bool) {
	var sessions struct {
		Anonymous struct {
			Minutes int   `json:"lifetime_in_minutes"`
			Cookie  *bool `json:"activate_cookie"`
		} `json:"anonymous"`
	}
	if json.Unmarshal(s.Stored["sessions"], &sessions) != nil || sessions.Anonymous.Minutes <= 0 {
		sessions.Anonymous.Minutes = 43200
	}
	return time.Duration(sessions.Anonymous.Minutes) * time.Minute, sessions.Anonymous.Cookie == nil || *sessions.Anonymous.Cookie
}

// AnonymousSessions tells whether the client may begin sessions of visitors.
func (c *Client) AnonymousSessions() bool {
	var sessions struct{ Active bool }
	return json.Unmarshal(c.Stored["anonymous_sessions"], &sessions) == nil && sessions.Active
}

// AnonymousBinding is what a ticket of an anonymous session is bound to at the client: ip, asn or none.
func (c *Client) AnonymousBinding() string {
	var binding string
	if json.Unmarshal(c.Stored["enforce_anon_session_transfer_network_binding"], &binding) != nil || binding == "" {
		return "none"
	}
	return binding
}

// AnonymousPolicy returns the policy for visitors; without one they get no tokens. An API of the system has none for them.
func (r *ResourceServer) AnonymousPolicy() string {
	t := r.SubjectTypes
	if r.IsSystem || t == nil || t.Anonymous == nil || t.Anonymous.Policy == "" || string(r.Stored["allow_anonymous_access"]) == "false" {
		return "deny_all"
	}
	return t.Anonymous.Policy
}

// AnonymousLifetime is how long a visitor's token for the API lives, in seconds: as one for a page that gets it straight from /authorize, unless the API says otherwise.
func (r *ResourceServer) AnonymousLifetime() int {
	life := 0
	switch err := json.Unmarshal(r.Stored["token_lifetime_for_anonymous_access_tokens"], &life); {
	case err == nil && life > 0:
		return life
	case r.TokenLifetimeForWeb > 0:
		return r.TokenLifetimeForWeb
	}
	return r.TokenLifetime
}
