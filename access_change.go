package stagedoor

import (
	"maps"
	"time"
	"unicode/utf8"
)

// Bounds of the metadata of a session or a refresh token (Management API fact sheet 3.21).
const (
	MaxAccessMetadata = 25  // members
	MaxAccessValue    = 255 // characters of a text
)

// AccessChange is what scripts change of a session or of refresh tokens. Times are in milliseconds; 0 leaves them as they are.
type AccessChange struct {
	ExpiresAt     int64              `json:",omitempty"`
	IdleExpiresAt int64              `json:",omitempty"`
	CookieMode    string             `json:",omitempty"` // persistent or non-persistent; of sessions only
	Evict         bool               `json:",omitempty"` // metadata are emptied before the new ones come
	Metadata      map[string]*string `json:",omitempty"` // nil removes a member
}

// IsZero tells whether nothing changes.
func (c *AccessChange) IsZero() bool {
	return c == nil || c.ExpiresAt == 0 && c.IdleExpiresAt == 0 && c.CookieMode == "" && !c.Evict && len(c.Metadata) == 0
}

// MetadataOf returns metadata as they are after the change. There may be too many members then, or a text that is too long: that is Invalid.
func (c *AccessChange) MetadataOf(old map[string]any) (map[string]any, error) {
	if !c.Evict && len(c.Metadata) == 0 {
		return old, nil
	}
	out := map[string]any{}
	if !c.Evict {
		maps.Copy(out, old)
	}
	for name, text := range c.Metadata {
		if text == nil {
			delete(out, name)
			continue
		}
		if utf8.RuneCountInString(*text) > MaxAccessValue {
			return nil, Errorf(Invalid, "invalid_metadata", "The value of the metadata %q is longer than %d characters.", name, MaxAccessValue)
		}
		out[name] = *text
	}
	if len(out) > MaxAccessMetadata {
		return nil, Errorf(Invalid, "invalid_metadata", "There are more than %d metadata.", MaxAccessMetadata)
	}
	return out, nil
}

// Capped is the end that scripts want, at most the limit; zero times are none.
func Capped(wanted int64, limit time.Time) time.Time {
	t := time.UnixMilli(wanted).UTC()
	if !limit.IsZero() && limit.Before(t) {
		return limit
	}
	return t
}
