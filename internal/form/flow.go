package form

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
)

// A Flow is the document of the Management API.
type Flow struct {
	ID      string
	Name    string   `json:"name"`
	Actions []Action `json:"actions"`
}

// An Action is one thing that a flow does.
type Action struct {
	ID           string         `json:"id"`
	Type         string         `json:"type"`
	Name         string         `json:"action"`
	AllowFailure bool           `json:"allow_failure"`
	Params       map[string]any `json:"params"`
}

// A Vault is what a flow connects to: whose, and how.
type Vault struct {
	AppID string         `json:"app_id"`
	Setup map[string]any `json:"setup"`
}

// Mail is a mail that a flow sends; Subject and HTML are ready.
type Mail struct {
	From, To, Subject, HTML string
}

// Powers are what flows may do outside of a form. What is nil cannot be done, and the flow fails.
type Powers struct {
	Flow  func(ctx context.Context, id string) (*Flow, error)
	Vault func(ctx context.Context, id string) (*Vault, error)
	HTTP  *http.Client // reaches the server itself by the tenant's domains
	Mail  func(ctx context.Context, m Mail) error
	Phone func(ctx context.Context, method, from, to, text string) error // method: text or voice

	// TryCode counts one try of a one-time code for the person, in whatever login; false: there were too many. RightCode takes back one that was
	// right. Nil: the tries of each code count alone.
	TryCode   func(ctx context.Context) (bool, error)
	RightCode func(ctx context.Context) error

	// Ran is told of each run of a flow, if it is not nil.
	Ran func(ctx context.Context, r Run) error
}

// Run is what became of a run of a flow.
type Run struct {
	Flow    *Flow
	Journey string // of the form that somebody fills in
	Took    time.Duration
	Failure string // empty unless it failed; holds no values
}

// flowTime is how long a flow may take.
const flowTime = 20 * time.Second

// ParseFlow reads a flow as it is stored. One with an action that is not here is an error that names it.
func ParseFlow(id, document string) (*Flow, error) {
	f := &Flow{ID: id}
	if err := json.Unmarshal([]byte(document), f); err != nil {
		return nil, errorf("The flow %s cannot be read: %v", id, err)
	}
	left := maxActions
	if err := checkActions(f.Actions, &left, 0); err != nil {
		return nil, errorf("The flow %s: %s", id, stagedoor.AsError(err).Message)
	}
	return f, nil
}

func checkActions(all []Action, left *int, depth int) error {
	for i := range all {
		a := &all[i]
		if *left--; *left < 0 || depth > maxNested {
			return errorf("there are more than %d actions, or they are nested too deeply", maxActions)
		}
		if _, known := actions[a.Type+" "+a.Name]; !known {
			return errorf("the action %s %s is not supported by this server", a.Type, a.Name)
		}
		if a.Type+" "+a.Name != "FLOW BOOLEAN_CONDITION" {
			continue
		}
		b, err := branchesOf(a)
		if err != nil {
			return err
		}
		if err := b.If.check(0); err != nil {
			return err
		}
		for _, branch := range [][]Action{b.Then, b.Else} {
			if err := checkActions(branch, left, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

type branches struct {
	If         *Condition `json:"if"`
	Then, Else []Action
}

func branchesOf(a *Action) (branches, error) {
	var b branches
	raw, err := json.Marshal(a.Params)
	if err == nil {
		err = json.Unmarshal(raw, &b)
	}
	if err != nil {
		return b, errorf("the action %s cannot be read", a.ID)
	}
	return b, nil
}

// How a flow ends before its last action.
var errReturned = errors.New("form: the flow has returned")

// said is a flow's word to the person.
type said struct{ message string }

func (s said) Error() string { return "form: the flow shows a message" }

// failure is an action that did not do what it should. Its text holds no values.
type failure struct {
	action, why string
	result      any
}

func (f *failure) Error() string { return "The action " + f.action + " failed: " + f.why }

func failed(why string) *failure { return &failure{why: why} }

func (w *Walk) flow(ctx context.Context, id string) (*Flow, error) {
	if f := w.flows[id]; f != nil {
		return f, nil
	}
	if w.Powers.Flow == nil {
		return nil, errorf("The form %s runs flows, which cannot be done here.", w.Form.ID)
	}
	f, err := w.Powers.Flow(ctx, id)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		err = errorf("The form %s runs the flow %q, which is not there.", w.Form.ID, id)
	}
	if err != nil {
		return nil, err
	}
	if w.flows == nil {
		w.flows = map[string]*Flow{}
	}
	w.flows[id] = f
	return f, nil
}

// run runs a flow. It is not ok if the person has to stay where they are: the state says why.
func (w *Walk) run(ctx context.Context, id string) (ok bool, err error) {
	f, err := w.flow(ctx, id)
	if err != nil {
		return false, err
	}
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, flowTime)
	defer cancel()
	r := &running{walk: w, env: w.env().with(map[string]any{}), left: maxActions, tokens: map[string]string{}}
	err = r.all(limited, f.Actions, 0)
	run := Run{Flow: f, Journey: w.State.Journey, Took: time.Since(began)}
	var message said
	var failure *failure
	ok = true
	switch {
	case errors.Is(err, errReturned):
		err = nil
	case errors.As(err, &message):
		w.State.Message, err, ok = message.message, nil, false
	case errors.As(err, &failure):
		run.Failure, err, w.State.Failed, ok = failure.Error(), nil, true, false
	}
	if err == nil && w.Powers.Ran != nil {
		err = w.Powers.Ran(ctx, run)
	}
	return ok && err == nil, err
}

// running is one run of a flow.
type running struct {
	walk   *Walk
	env    *Env
	left   int
	tokens map[string]string // for the Management API, by connection
}

func (r *running) all(ctx context.Context, list []Action, depth int) error {
	for i := range list {
		a := &list[i]
		if r.left--; r.left < 0 || depth > maxNested {
			return &failure{action: a.ID, why: "there are too many actions"}
		}
		result, err := r.one(ctx, a, depth)
		var f *failure
		if errors.As(err, &f) {
			if f.action == "" {
				f.action = a.ID
			}
			if !a.AllowFailure {
				return err
			}
			if result, err = f.result, nil; result == nil {
				result = map[string]any{"success": false}
			}
		}
		if err != nil {
			return err
		}
		r.env.Actions[a.ID] = result
	}
	return nil
}

func (r *running) one(ctx context.Context, a *Action, depth int) (result any, err error) {
	do, known := actions[a.Type+" "+a.Name]
	if !known {
		return nil, errorf("The action %s %s is not supported by this server.", a.Type, a.Name)
	}
	if do == nil { // a condition
		b, err := branchesOf(a)
		if err != nil {
			return nil, err
		}
		holds, err := b.If.Holds(r.env)
		if err != nil {
			return nil, err
		}
		r.env.Actions[a.ID] = map[string]any{"result": holds}
		branch := b.Else
		if holds {
			branch = b.Then
		}
		return map[string]any{"result": holds}, r.all(ctx, branch, depth+1)
	}
	params := map[string]any{}
	for name, raw := range a.Params {
		v := raw
		if a.Type != "AUTH0" || name != "subject" && name != "body" && name != "message" { // those are Liquid, with variables of its own
			if v, err = r.env.value(raw, 0); err != nil {
				return nil, err
			}
		}
		if v != absent {
			params[name] = v
		}
	}
	return do(ctx, r, params)
}

func nonNil(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// word is a parameter as text.
func word(params map[string]any, name string) string { return strings.TrimSpace(Text(params[name])) }
