package pipeline

import (
	"context"
	"encoding/json"
	"maps"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
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
	maps.DeleteFunc(all, func(name string, _ json.RawMessage) bool {
		return name == OwnKey || strings.HasPrefix(name, AttributePrefix)
	})
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
		if setting, ok := strings.CutPrefix(name, answerPrefix); ok && setting != OwnKey {
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
	a.Assertion = all
	return nil
}

// OwnKey stands among what scripts want of an answer in the place of their key and certificate, which [KeptKey] returns. Scripts cannot set it.
const OwnKey = "key of scripts"

// keepKey moves the key with which scripts have the answer signed, and its certificate, to where secrets are sealed: the rest lies in the open beside
// a login that waits for something.
func keepKey(ctx context.Context, st *store.Store, a *stagedoor.Authorization) error {
	own := map[string]json.RawMessage{}
	for _, name := range []string{"key", "cert"} {
		if value, there := a.Assertion[name]; there && string(value) != "null" {
			own[name] = value
		}
		delete(a.Assertion, name)
	}
	if len(own) == 0 {
		return nil
	}
	if before := a.Assertion[OwnKey]; before != nil { // rules gave one part, actions the other
		kept, err := KeptKey(ctx, st, a.Assertion)
		if err != nil {
			return err
		}
		for name, value := range kept {
			if _, there := own[name]; !there {
				own[name] = value
			}
		}
	}
	text, err := json.Marshal(own)
	if err != nil {
		return err
	}
	handle := stagedoor.NewToken()
	if err := st.SaveCeremony(ctx, keptKey(handle), string(text), st.Clock().Now().Add(transactionLife)); err != nil {
		return err
	}
	a.Assertion[OwnKey], err = json.Marshal(handle)
	return err
}

// KeptKey is what scripts have set as key and cert of an answer; empty: nothing.
func KeptKey(ctx context.Context, st *store.Store, assertion map[string]json.RawMessage) (own map[string]json.RawMessage, err error) {
	var handle, text string
	if raw := assertion[OwnKey]; raw == nil {
		return nil, nil
	} else if err = json.Unmarshal(raw, &handle); err == nil {
		if text, err = st.Ceremony(ctx, keptKey(handle)); err == nil {
			err = json.Unmarshal([]byte(text), &own)
		}
	}
	return own, err
}

func keptKey(handle string) string { return "saml key/" + handle }
