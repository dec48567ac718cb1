package pipeline

import (
	"bytes"
	"encoding/json"

	"github.com/stagedoor/stagedoor"
)

// standardAttributes are the properties of a user that a conformant client knows as claims of the same name.
var standardAttributes = []string{"name", "nickname", "given_name", "family_name", "picture", "email", "email_verified"}

// keepChanges lets a rule's change of a standard attribute reach the ID token of a conformant client, unless a rule set
// the claim itself (extensibility fact sheet 1.12). Other properties never flow there.
func keepChanges(before json.RawMessage, a *stagedoor.Authorization) error {
	if bytes.Equal(before, a.Profile) || !a.HasScope("profile") && !a.HasScope("email") {
		return nil
	}
	var was, is map[string]json.RawMessage
	if err := json.Unmarshal(before, &was); err != nil {
		return err
	}
	if err := json.Unmarshal(a.Profile, &is); err != nil {
		return err
	}
	for _, name := range standardAttributes {
		value, there := is[name]
		if _, set := a.IDClaims[name]; set || !there || bytes.Equal(value, was[name]) || !a.HasScope(scopeOf(name)) {
			continue
		}
		if a.IDClaims == nil {
			a.IDClaims = map[string]json.RawMessage{}
		}
		a.IDClaims[name] = value
	}
	return nil
}

func scopeOf(name string) string {
	if name == "email" || name == "email_verified" {
		return "email"
	}
	return "profile"
}
