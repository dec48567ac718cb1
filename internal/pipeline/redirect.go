package pipeline

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/web"
)

// elsewhereLife is how long a person may take before they come back from another site (extensibility fact sheet 1.13).
const elsewhereLife = 72 * time.Hour

// way is how a person came back whom scripts had sent elsewhere. The body of a form is in the visit.
type way struct {
	method string
	query  map[string][]string
}

// leave stores the login until the person comes back, and returns the address to which they are sent now. The value that brings them back
// is another one than pages had, opens the login once, and only in this browser.
func (l *login) leave(ctx context.Context) (string, error) {
	if err := l.end(ctx); err != nil {
		return "", err
	}
	l.tx.ID, l.tx.Step, l.tx.Nonce = stagedoor.NewToken(), AskRedirect, ""
	l.tx.ExpiresAt = l.st.Clock().Now().Add(elsewhereLife)
	return web.WithParameter(l.elsewhere, "state", l.tx.ID), l.st.SaveTransaction(ctx, l.tx)
}

// Return goes on with a login whose person comes back from where scripts had sent them. A state that is unknown, was used, or is another
// browser's is an invalid_request.
func (p *Pipeline) Return(ctx context.Context, v Visit, state, method string, query map[string][]string) (*Outcome, error) {
	tx, err := p.take(ctx, v, state, AskRedirect)
	if stagedoor.HasCode(err, "lost_transaction") {
		err = stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "The state is unknown here, or was used before.")
	}
	if err != nil {
		return nil, err
	}
	if tx.Reset != nil {
		return p.resetReturn(ctx, v, tx, &way{method, query})
	}
	tx.ID, tx.Step = "", ""
	tx.ExpiresAt = v.Store.Clock().Now().Add(transactionLife)
	return p.goOn(ctx, v, tx, &way{method, query})
}

// leaveFor reads context.redirect of rules. Who came back already is not sent away again.
func (in *ruleInput) leaveFor(raw json.RawMessage) error {
	if len(raw) == 0 || string(raw) == "null" || string(raw) == "false" || in.state.Redirected {
		return nil
	}
	var asked struct {
		URL *string `json:"url"`
	}
	if err := json.Unmarshal(raw, &asked); err != nil || asked.URL == nil || !isWebAddress(*asked.URL) {
		return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "A rule set context.redirect without a url that is an http or https address.")
	}
	in.elsewhere, in.state.Redirected = *asked.URL, true
	return nil
}

func isWebAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// invented are the properties at the root of the user that rules put there: they are seen again when rules run again.
func invented(before, after json.RawMessage) (map[string]json.RawMessage, error) {
	var was, is map[string]json.RawMessage
	if err := json.Unmarshal(before, &was); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(after, &is); err != nil {
		return nil, err
	}
	maps.DeleteFunc(is, func(name string, _ json.RawMessage) bool { _, had := was[name]; return had })
	return is, nil
}

// keptIn keeps what scripts have said until now for the log entry of the login's end.
func (s said) keptIn(state *stagedoor.ScriptState, waits string) *stagedoor.ScriptState {
	state.Waits, state.Executions = waits, s.executions
	state.Console = s.console[:min(len(s.console), maxConsole)]
	return state
}

// from leaves out the actions before the one that waits; empty: all of them are to run. One that is gone meanwhile ends the login: what
// it would have checked must not be passed over.
func (a *actions) from(binding string, passed bool) error {
	if binding == "" {
		return nil
	}
	at := slices.IndexFunc(a.bound, func(b stagedoor.BoundAction) bool { return b.Binding.ID == binding })
	if at < 0 {
		return scripted("access_denied", "The action that waited for the user is not there any more.")
	}
	if passed {
		at++
	}
	a.bound, a.resume = a.bound[at:], !passed
	return nil
}

// suspend notes where actions go on that wait for the person.
func (a *actions) suspend(in *ruleInput, e script.Effects) error {
	s := e.Suspend
	in.state.Binding, in.state.Passed = "", false
	if s == nil || s.Script < 0 || s.Script >= len(a.bound) {
		return nil
	}
	in.state.Binding, in.state.Metadata = a.bound[s.Script].Binding.ID, e.Transaction
	if s.Kind == waitsFactor {
		in.state.Passed = true
		return in.waitForFactor(s.Details)
	}
	if s.Kind == waitsForm {
		in.wants = s.Details
		return nil
	}
	var to struct {
		URL   string            `json:"url"`
		Query map[string]string `json:"query"`
	}
	err := json.Unmarshal(s.Details, &to)
	if err != nil || s.Kind != AskRedirect || !isWebAddress(to.URL) {
		return notSupported("api." + s.Kind)
	}
	in.elsewhere = to.URL
	for _, name := range slices.Sorted(maps.Keys(to.Query)) {
		in.elsewhere = web.WithParameter(in.elsewhere, url.QueryEscape(name), to.Query[name])
	}
	return nil
}
