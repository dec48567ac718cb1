package stagedoor

import "encoding/json"

// Document is configuration that the server keeps as it came: nouns of the Management API that have no effect on logins yet, or whose
// meaning lies in their members alone.
type Document struct {
	ID        string                     `json:"id"`
	Name      string                     `json:"name,omitempty"` // what only one of its kind may have, if it has such a thing
	CreatedAt int64                      `json:"created_at"`     // milliseconds
	UpdatedAt int64                      `json:"updated_at"`     // milliseconds
	Members   map[string]json.RawMessage `json:"-"`
	Sealed    string                     `json:"members,omitempty"` // Members as JSON: some kinds hold keys
}
