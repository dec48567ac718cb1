package form

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
)

// State is how far one person has come in a form. It is secret: answers may be.
type State struct {
	FormID    string
	Journey   string `json:",omitempty"` // names all runs of flows for this person and this form
	Fields    map[string]any
	Vars      map[string]any
	At        string             `json:",omitempty"` // the step that they see
	Path      []string           `json:",omitempty"` // the steps before, of which the last is the one to go back to
	Message   string             `json:",omitempty"` // what a flow says to them, once
	Failed    bool               `json:",omitempty"` // a flow failed, which is told once
	Resent    map[string]*Resent `json:",omitempty"` // by the buttons' ids
	Codes     map[string]*Code   `json:",omitempty"` // that flows have made, by what they are for
	Done      bool               `json:",omitempty"` // the form is over
	Refused   string             `json:",omitempty"` // why the login ends with it; empty: it does not
	Elsewhere string             `json:",omitempty"` // where the browser goes then, and the login ends; empty: the login goes on
}

// Resent is what became of a button that sends something again.
type Resent struct {
	Times int
	Last  int64 // milliseconds
}

// Code is a one-time code that a flow has made.
type Code struct {
	Hash  string
	Until int64 // milliseconds
	Tries int
}

// Walk takes one person a way through a form.
type Walk struct {
	Form    *Form
	State   *State
	Context map[string]any
	Now     time.Time
	Powers  Powers

	flows map[string]*Flow // read so far
}

func (w *Walk) env() *Env {
	return &Env{Context: w.Context, Fields: w.State.Fields, Vars: w.State.Vars, Custom: w.Form.Messages.Custom, Now: w.Now}
}

// Env is what the templates of the step look up.
func (w *Walk) Env() *Env { return w.env() }

// Begin makes the state of a form that is shown for the first time. fields and vars are what the action gave: fields that the form does not have
// are left out.
func (w *Walk) Begin(ctx context.Context, fields, vars map[string]any) error {
	w.State = &State{FormID: w.Form.ID, Journey: stagedoor.NewUUID(), Fields: map[string]any{}, Vars: map[string]any{}}
	maps.Copy(w.State.Vars, vars)
	for _, id := range w.Form.flowIDs() { // what cannot be run is told before anything is
		if _, err := w.flow(ctx, id); err != nil {
			return err
		}
	}
	for _, h := range w.Form.Start.Hidden {
		v, err := w.env().value(h.Value, 0)
		if err != nil {
			return err
		}
		if v != absent {
			w.State.Fields[h.Key] = v
		}
	}
	for name, v := range fields {
		if w.Form.knows(name) {
			w.State.Fields[name] = v
		}
	}
	ended, err := w.move(ctx, w.Form.Start.Next)
	if err == nil && ended {
		why := w.State.Message
		if why == "" {
			why = "A flow of the form " + w.Form.ID + " failed."
		}
		err = errorf("%s", why)
	}
	return err
}

// Step is the step that the person sees.
func (w *Walk) Step() (*Node, error) {
	n := w.Form.node(w.State.At)
	if n == nil || n.Type != Step {
		return nil, errorf("The form %s has been changed meanwhile: its step %s is gone.", w.Form.ID, w.State.At)
	}
	return n, nil
}

// What people press on a step: PressNext, PressBack, or the id of a component behind PressJump or PressResend.
const (
	PressNext   = "next"
	PressBack   = "back"
	PressJump   = "jump."
	PressResend = "resend."
)

// Check reads what was posted for the step and tells what of it cannot be taken. It changes nothing.
func (w *Walk) Check(press string, posted url.Values) ([]Problem, error) {
	step, err := w.Step()
	if err != nil || press != PressNext {
		return nil, err
	}
	_, problems := w.answers(step, posted)
	return problems, nil
}

func (w *Walk) answers(step *Node, posted url.Values) (map[string]any, []Problem) {
	var problems []Problem
	out := map[string]any{}
	for i := range step.Config.Components {
		c := &step.Config.Components[i]
		if !c.IsField() {
			continue
		}
		v, problem := w.Form.read(c, posted)
		if problem != nil {
			problems = append(problems, *problem)
			continue
		}
		out[c.ID] = v
	}
	return out, problems
}

// Answer does what was pressed, with answers in which [Walk.Check] found nothing wrong; with others nothing happens. Where a flow fails or says
// something the person stays where they are, and the state tells. What the step does not have changes nothing.
func (w *Walk) Answer(ctx context.Context, press string, posted url.Values) error {
	step, err := w.Step()
	if err != nil {
		return err
	}
	w.State.Message, w.State.Failed = "", false
	jump, isJump := strings.CutPrefix(press, PressJump)
	resend, isResend := strings.CutPrefix(press, PressResend)
	switch {
	case press == PressBack && w.GoesBack(step):
		w.State.At = w.State.Path[len(w.State.Path)-1]
		w.State.Path = w.State.Path[:len(w.State.Path)-1]
	case press == PressNext && slices.ContainsFunc(step.Config.Components, func(c Component) bool { return c.Type == "NEXT_BUTTON" }):
		answers, problems := w.answers(step, posted)
		if problems != nil {
			return nil
		}
		for name, v := range answers {
			if v == nil {
				delete(w.State.Fields, name)
			} else {
				w.State.Fields[name] = v
			}
		}
		_, err = w.move(ctx, step.Config.Next)
		return err
	case isJump || isResend:
		for i := range step.Config.Components {
			c := &step.Config.Components[i]
			switch {
			case isJump && c.Type == "JUMP_BUTTON" && c.ID == jump:
				_, err := w.move(ctx, c.Config.Next)
				return err
			case isResend && c.Type == "RESEND_BUTTON" && c.ID == resend:
				return w.resend(ctx, c)
			}
		}
	}
	return nil
}

// GoesBack tells whether a step has a button back and there is somewhere to go.
func (w *Walk) GoesBack(step *Node) bool {
	return len(w.State.Path) > 0 && slices.ContainsFunc(step.Config.Components, func(c Component) bool { return c.Type == "PREVIOUS_BUTTON" })
}

// How often, and after which time, something is sent again where the form does not say.
const (
	usualResends = 5
	usualWait    = 30
)

// Waits tells how long the person has to wait until a button sends again, and whether it will.
func (w *Walk) Waits(c *Component) (wait time.Duration, will bool) {
	most, seconds := c.Config.MaxAttempts, c.Config.WaitingTime
	if most <= 0 {
		most = usualResends
	}
	if seconds <= 0 {
		seconds = usualWait
	}
	r := w.State.Resent[c.ID]
	if r == nil {
		return 0, true
	}
	wait = time.UnixMilli(r.Last).Add(time.Duration(min(seconds, 86400)) * time.Second).Sub(w.Now)
	return max(0, wait), r.Times < min(most, 100)
}

func (w *Walk) resend(ctx context.Context, c *Component) error {
	if wait, will := w.Waits(c); wait > 0 || !will {
		return nil
	}
	if w.State.Resent == nil {
		w.State.Resent = map[string]*Resent{}
	}
	r := w.State.Resent[c.ID]
	if r == nil {
		r = new(Resent)
		w.State.Resent[c.ID] = r
	}
	r.Times, r.Last = r.Times+1, w.Now.UnixMilli()
	if _, err := w.run(ctx, c.Config.FlowID); err != nil {
		return err
	}
	return w.bounded()
}

// move goes on from node to node until there is a step to be seen or the form is over. stays: a flow wants the person to stay where they are.
func (w *Walk) move(ctx context.Context, next string) (stays bool, err error) {
	for range maxMoves {
		if next == "" {
			return false, errorf("The form %s leads nowhere behind the step %q.", w.Form.ID, w.State.At)
		}
		if next == Ending {
			return w.finish(ctx)
		}
		n := w.Form.node(next)
		if n == nil {
			return false, errorf("The form %s leads to the node %s, which it does not have.", w.Form.ID, next)
		}
		switch n.Type {
		case Step:
			w.enter(n.ID)
			return false, w.bounded()
		case Router:
			if next, err = w.route(n); err != nil {
				return false, err
			}
		case Flows:
			ok, err := w.run(ctx, n.Config.FlowID)
			if err != nil || !ok {
				return !ok, err
			}
			next = n.Config.Next
		}
	}
	return false, errorf("The form %s goes round in circles.", w.Form.ID)
}

// enter makes a step the one that is seen. Whoever comes to one again has the steps behind it before them.
func (w *Walk) enter(id string) {
	if w.State.At != "" && w.State.At != id {
		w.State.Path = append(w.State.Path, w.State.At)
	}
	if i := slices.Index(w.State.Path, id); i >= 0 {
		w.State.Path = w.State.Path[:i]
	}
	w.State.At = id
}

func (w *Walk) route(n *Node) (string, error) {
	for _, r := range n.Config.Rules {
		holds, err := r.Condition.Holds(w.env())
		if err != nil {
			return "", err
		}
		if holds {
			return r.Next, nil
		}
	}
	return n.Config.Fallback, nil
}

func (w *Walk) finish(ctx context.Context) (stays bool, err error) {
	if a := w.Form.End.AfterSubmit; a != nil && a.FlowID != "" {
		ok, err := w.run(ctx, a.FlowID)
		if err != nil || !ok {
			return !ok, err
		}
	}
	if r := w.Form.End.Redirection; r != nil && r.Target != "" && !w.Form.End.Resume {
		to, err := w.env().Words(r.Target, nil)
		if err != nil {
			return false, err
		}
		if u, err := url.Parse(to); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			return false, errorf("The form %s ends with a redirection to something else than an http or https address.", w.Form.ID)
		}
		w.State.Elsewhere = to
	}
	w.State.Done, w.State.Codes, w.State.Resent = true, nil, nil
	return false, w.bounded()
}

// bounded refuses a state that is too large to be kept.
func (w *Walk) bounded() error {
	b, err := json.Marshal(w.State)
	if err == nil && len(b) > maxState {
		return stagedoor.Errorf(stagedoor.Scripted, "access_denied", "The form holds more than %s bytes.", strconv.Itoa(maxState))
	}
	return err
}
