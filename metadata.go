package stagedoor

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Metadata is a user's user_metadata or app_metadata: a JSON object of which only
// the first level is ever merged, so that deeper values are kept byte for byte.
// Nil means never set, an empty map means cleared.
type Metadata map[string]json.RawMessage

// MergeMetadata returns old with patch merged into its first level: a null removes the
// key, any other value replaces it whole, and an empty patch clears everything
// (Management API fact sheet 2.4). A nil patch changes nothing. Neither argument is changed.
func MergeMetadata(old, patch Metadata) Metadata {
	if patch == nil {
		return old
	}
	if len(patch) == 0 {
		return Metadata{}
	}
	merged := make(Metadata, len(old)+len(patch))
	for k, v := range old {
		merged[k] = v
	}
	for k, v := range patch {
		if isNull(v) {
			delete(merged, k)
		} else {
			merged[k] = v
		}
	}
	return merged
}

func isNull(v json.RawMessage) bool { return bytes.Equal(bytes.TrimSpace(v), []byte("null")) }

// WithoutNulls returns m without the keys whose value is null: what a new record keeps.
func (m Metadata) WithoutNulls() Metadata {
	if m == nil {
		return nil
	}
	return MergeMetadata(Metadata{}, m)
}

// Size returns the length of the JSON text of m in bytes, without white space.
func (m Metadata) Size() int {
	if m == nil {
		return 0
	}
	return len(m.AppendJSON(nil))
}

// AppendJSON appends the object, its keys in order, without white space between its parts.
func (m Metadata) AppendJSON(b []byte) []byte {
	if m == nil {
		return append(b, "null"...)
	}
	b = append(b, '{')
	for i, key := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(AppendTextJSON(b, key), ':')
		if value := m[key]; len(value) > 0 {
			b = AppendCompact(b, value)
		} else {
			b = append(b, "null"...) // as encoding/json has it
		}
	}
	return append(b, '}')
}

// reservedAppMetadata are names that app_metadata must not hold, because rules see
// its keys as properties of the user (Management API fact sheet 2.4).
var reservedAppMetadata = []string{
	"__tenant", "_id", "blocked", "clientID", "created_at", "email_verified", "email",
	"globalClientID", "global_client_id", "identities", "lastIP", "lastLogin", "loginsCount",
	"metadata", "multifactor_last_modified", "multifactor", "updated_at", "user_id",
}

// CheckMetadata tells what is wrong with the keys of a metadata object named
// field, or returns nil.
func CheckMetadata(field string, m Metadata) error {
	for k := range m {
		switch {
		case strings.ContainsAny(k, ".$"):
			return Errorf(Invalid, "invalid_body", "Payload validation error: 'Invalid key %q: keys must not contain . or $' on property %s.", k, field)
		case strings.ContainsRune(k, 0):
			return Errorf(Invalid, "invalid_body", "Payload validation error: 'Invalid key: keys must not contain a NUL character' on property %s.", field)
		case field == "app_metadata" && slices.Contains(reservedAppMetadata, k):
			return Errorf(Invalid, "invalid_body", "Payload validation error: 'Invalid key %q: the name is reserved' on property %s.", k, field)
		}
		if bytes.Contains(m[k], []byte(`\u0000`)) && hasNUL(m[k]) {
			return Errorf(Invalid, "invalid_body", "Payload validation error: 'Values must not contain a NUL character' on property %s.%s.", field, k)
		}
	}
	return nil
}

// hasNUL tells whether a string of the JSON value, or a key in it, holds U+0000,
// which PostgreSQL cannot keep.
func hasNUL(v json.RawMessage) bool {
	dec := json.NewDecoder(bytes.NewReader(v))
	for {
		t, err := dec.Token()
		if err != nil {
			return false
		}
		if s, ok := t.(string); ok && strings.ContainsRune(s, 0) {
			return true
		}
	}
}
