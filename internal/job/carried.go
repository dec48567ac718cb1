package job

import (
	"encoding/json"
	"regexp"

	"github.com/stagedoor/stagedoor"
)

// usualHash is a hash that imports take as it is.
var (
	usualHash = regexp.MustCompile(`^\$2[ab]\$10\$[./A-Za-z0-9]{53}$`)
	otherHash = regexp.MustCompile(`^\$2[abxy]\$[0-9]{2}\$[./A-Za-z0-9]{53}$`)
)

// Secrets reads what of a row only the server may know, under the names and rules of imports: the hash of the password (password_hash,
// custom_password_hash) and the second factors (mfa_factors). bcrypt may have any cost that can be borne; custom tells whether the connection has an action for hashes that nobody else understands.
func Secrets(members map[string]json.RawMessage, custom bool) (hash string, factors json.RawMessage, wrong *stagedoor.JobRowError) {
	sent := map[string]any{"email": "nobody@example.com"}
	for _, name := range secretPaths {
		if value := members[name]; len(value) > 0 && string(value) != "null" {
			sent[name] = value
		}
	}
	var text string
	if raw, given := sent["password_hash"].(json.RawMessage); given && json.Unmarshal(raw, &text) == nil && !usualHash.MatchString(text) && otherHash.MatchString(text) {
		delete(sent, "password_hash")
		sent["custom_password_hash"] = map[string]any{"algorithm": "bcrypt", "hash": map[string]any{"value": text, "encoding": "utf8"}}
	}
	if len(sent) == 1 {
		return "", nil, nil
	}
	raw, err := json.Marshal(sent)
	if err != nil {
		return "", nil, rowError("", "Expected type object")
	}
	im := importer{conn: &stagedoor.Connection{}, custom: custom, identify: func(*stagedoor.Connection, *stagedoor.User) error { return nil }, limit: 1, seen: newSeen()}
	row, wrong := im.read(raw)
	return row.Hash, row.Factors, wrong
}
