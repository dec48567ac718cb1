package job

import (
	"encoding/json"
	"errors"
	"io"
	"regexp"

	"github.com/stagedoor/stagedoor"
)

// EachRow splits a file of users into its values, the items of one array or values that follow one another, and calls fn with each: valid
// JSON of at most limit bytes, good until fn returns. Of a file that is not right the error is Invalid and says where.
func EachRow(in io.Reader, limit int, fn func(raw []byte) error) error {
	all := newRows(in, limit)
	for {
		raw, err := all.next()
		var wrong *errRows
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &wrong):
			return stagedoor.Errorf(stagedoor.Invalid, "", "The file is not JSON that can be read: %v.", wrong)
		case err != nil:
			return err
		}
		if err := fn(raw); err != nil {
			return err
		}
	}
}

// usualHash is a hash that imports take as it is.
var (
	usualHash = regexp.MustCompile(`^\$2[ab]\$10\$[./A-Za-z0-9]{53}$`)
	otherHash = regexp.MustCompile(`^\$2[abxy]\$[0-9]{2}\$[./A-Za-z0-9]{53}$`)
)

// Secrets reads what of a row only the server may know, under the names and rules of imports: the hash of the password (password_hash,
// custom_password_hash) and the second factors (mfa_factors). bcrypt may have any cost that can be borne.
func Secrets(members map[string]json.RawMessage) (hash string, factors json.RawMessage, wrong *stagedoor.JobRowError) {
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
	im := importer{conn: &stagedoor.Connection{}, identify: func(*stagedoor.Connection, *stagedoor.User) error { return nil }, limit: 1, seen: newSeen()}
	row, wrong := im.read(raw)
	return row.Hash, row.Factors, wrong
}
