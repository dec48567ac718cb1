package pipeline

import (
	"encoding/json"
	"maps"

	"github.com/stagedoor/stagedoor"
)

// withTokens is a user as rules see them: the tokens of their providers stand in the identities (extensibility fact sheet 1.6).
func withTokens(u *stagedoor.User, wire map[string]any, tokens []stagedoor.IdentityTokens) (json.RawMessage, error) {
	identities, err := u.WithTokens(tokens)
	if err != nil {
		return nil, err
	}
	shown := maps.Clone(wire)
	shown["identities"] = identities
	return json.Marshal(shown)
}

// withoutTokens takes the tokens out again: what comes of the profile afterwards goes to clients.
func withoutTokens(profile json.RawMessage) (json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(profile, &members); err != nil {
		return nil, err
	}
	var identities []map[string]any
	if json.Unmarshal(members["identities"], &identities) != nil {
		delete(members, "identities") // a rule has made something else of it
		return json.Marshal(members)
	}
	for _, identity := range identities {
		for _, name := range stagedoor.TokenMembers {
			delete(identity, name)
		}
	}
	var err error
	if members["identities"], err = json.Marshal(identities); err != nil {
		return nil, err
	}
	return json.Marshal(members)
}
