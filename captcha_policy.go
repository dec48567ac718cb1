package stagedoor

import (
	"encoding/json"
	"slices"
)

// CaptchaPolicy is who tells people from programs of those who come from somewhere, in the place of what the tenant says in general ([Captcha]). Of several that match, the
// one with the smallest Priority counts.
type CaptchaPolicy struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Priority    int      `json:"priority"`         // only one of the tenant's has it
	Countries   []string `json:"countries"`        // ISO 3166-1, two letters
	Action      string   `json:"action,omitempty"` // the members of a Captcha, as JSON; sealed apart, because secrets are among them
	CreatedAt   int64    `json:"created_at"`       // milliseconds
	UpdatedAt   int64    `json:"updated_at"`       // milliseconds
}

// Matches tells whether the policy is for who comes from a place; nil: nobody knows from where.
func (p *CaptchaPolicy) Matches(from *Place) bool {
	return from != nil && slices.Contains(p.Countries, from.CountryCode)
}

// Over is what the tenant says in general, with what the policy says in its place.
func (p *CaptchaPolicy) Over(c Captcha) (Captcha, error) {
	err := json.Unmarshal([]byte(p.Action), &c)
	return c, err
}
