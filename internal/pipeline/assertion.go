package pipeline

import (
	"encoding/json"
	"maps"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// What scripts want of the answer to a client of SAML 2.0 or WS-Federation. The door that answers knows what the names mean.

// AttributePrefix stands before the names of attributes that actions set, among what scripts want of an answer.
const AttributePrefix = "attributes."

// maxAssertion bounds what scripts say of one answer, in bytes.
const maxAssertion = 64 << 10

// federated tells whether the login ends in an answer of SAML 2.0 or WS-Federation.
func (in *ruleInput) federated() bool { return in.request != nil && in.request.Federation != nil }

// configure takes context.samlConfiguration of rules (extensibility fact sheet 1.16).
func (in *ruleInput) configure(raw json.RawMessage, a *stagedoor.Authorization) error {
	a.Assertion = nil
	if !in.federated() || len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "A rule set context.samlConfiguration to something else than an object.")
	}
	maps.DeleteFunc(all, func(name string, _ json.RawMessage) bool { return strings.HasPrefix(name, AttributePrefix) })
	return settle(a, all)
}

// answerPrefix stands before the names of what api.samlResponse sets, among the answers of actions.
const answerPrefix = "samlResponse."

// respond takes what api.samlResponse of actions has set (extensibility fact sheet 3.6); what a rule has set before it, it replaces.
func (in *ruleInput) respond(answers map[string]json.RawMessage, a *stagedoor.Authorization) error {
	if !in.federated() {
		return nil
	}
	all := maps.Clone(a.Assertion)
	for name, value := range answers {
		if setting, ok := strings.CutPrefix(name, answerPrefix); ok {
			if all == nil {
				all = map[string]json.RawMessage{}
			}
			all[setting] = value
		}
	}
	return settle(a, all)
}

func settle(a *stagedoor.Authorization, all map[string]json.RawMessage) error {
	size := 0
	for name, value := range all {
		size += len(name) + len(value)
	}
	if size > maxAssertion {
		return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "What scripts set of the SAML response exceeds the limit of %d bytes.", maxAssertion)
	}
	for _, name := range []string{"key", "cert"} { // a key of a script's own would be kept in the open while somebody logs in
		if value, there := all[name]; there && string(value) != "null" {
			return notSupported("api.samlResponse.set" + strings.ToUpper(name[:1]) + name[1:])
		}
	}
	a.Assertion = all
	return nil
}
