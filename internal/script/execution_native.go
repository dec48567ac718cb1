package script

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"modernc.org/quickjs"
)

// maxWorks is how many operations a run may have under way at a time.
const maxWorks = 256

// maxAsked is how many calls beyond those that are counted may be under way at a time.
const maxAsked = 256

// firstWork sets the numbers of operations apart from those of calls.
const firstWork = 1 << 40

// stopwatch is how the realm is told a time: in microseconds since this process began.
func stopwatch(at time.Time) float64 { return float64(at.Sub(processStart).Nanoseconds()) / 1000 }

// native answers the realm, on the run's goroutine.
func (e *execution) native(op string, args []any) (any, error) {
	switch op {
	case "now":
		return stopwatch(time.Now()), nil
	case "rule":
		now := time.Now()
		if len(args) > 0 {
			e.rule = int(number(args[0]))
			e.started = append(e.started, now)
		}
		return stopwatch(now), nil
	case "at":
		if len(args) > 0 {
			e.ahead = int64(number(args[0]))
		}
		return nil, nil
	case "random":
		return base64.StdEncoding.EncodeToString(randomBytes(args, e.chance)), nil
	case "ticks":
		e.ticks = true
		return nil, nil
	case "log":
		return nil, e.log(args)
	case "outcome":
		return nil, e.take(args)
	case "call":
		if len(args) < 2 {
			return nil, errors.New("call: two arguments")
		}
		method, _ := args[0].(string)
		params, _ := args[1].(string)
		id, err := e.ask(method, params, nil)
		if err == nil {
			e.pending[id] = true
		}
		return float64(id), err
	case "token":
		return e.token()
	case "shake":
		if len(args) < 1 {
			return nil, errors.New("shake: one argument")
		}
		params, _ := args[0].(string)
		return e.shake(params)
	case "work":
		return e.work(args)
	}
	if strings.HasPrefix(op, "cipher") {
		return operate(func(o operands) (any, error) { return e.ciphers.do(op, o) }, args), nil
	}
	return compute(op, args)
}

// work lets an operation be worked out beside the event loop; the realm is told as if a call was answered.
func (e *execution) work(args []any) (any, error) {
	name := operands(args).text(0)
	op := operations[name]
	if op == nil {
		return nil, fmt.Errorf("unknown operation %q", name)
	}
	if e.working >= maxWorks {
		return nil, errors.New("too many operations at a time")
	}
	e.working++
	e.works++
	id := firstWork + e.works
	e.pending[id] = true
	go func() {
		select {
		case e.atWork <- struct{}{}:
		case <-e.over:
			return
		}
		timer := time.AfterFunc(longTurn, func() { longs(1) })
		out := operate(op, args[1:])
		if !timer.Stop() {
			longs(-1)
		}
		<-e.atWork
		m := message{Call: id}
		m.Result, _ = json.Marshal(out)
		e.inbox.put(m)
	}()
	return float64(id), nil
}

func (e *execution) ask(method, params string, waiter chan message) (uint64, error) {
	if !isSocketCall(method) || counted[method] {
		if e.calls >= e.start.Calls {
			return 0, fmt.Errorf("too many outgoing calls: %d are allowed", e.start.Calls)
		}
		e.calls++
	}
	if len(e.pending) > e.start.Calls+maxAsked {
		return 0, errors.New("too many calls at a time")
	}
	e.asked++
	id := e.asked
	if method == "read" {
		e.reads[id] = true
	}
	if waiter != nil {
		e.mu.Lock()
		e.waiters[id] = waiter
		e.mu.Unlock()
	}
	m := message{Type: "call", Run: e.id, Call: id, Method: method}
	if params != "" {
		m.Params = json.RawMessage(params)
	}
	return id, e.w.send(m)
}

// token waits for the access token: scripts read it as a plain property.
func (e *execution) token() (any, error) {
	s, err := e.text("token", "")
	if err != nil || s == nil {
		return quickjs.Undefined{}, err
	}
	return *s, nil
}

// shake waits for one turn of a handshake that a script carries itself.
func (e *execution) shake(params string) (any, error) {
	s, err := e.text("shake", params)
	if err == nil && s == nil {
		err = errors.New("no answer")
	}
	if err != nil {
		return nil, err
	}
	return *s, nil
}

// module waits for the text of a package that was added: scripts require it as what is there.
func (e *execution) module(hash string) (string, error) {
	params, err := json.Marshal(moduleCall{hash})
	if err != nil {
		return "", err
	}
	s, err := e.text("module", string(params))
	if err != nil {
		return "", err
	}
	if s == nil {
		return "", errors.New("no text")
	}
	return *s, nil
}

// text asks the server for a text and waits for it, with the event loop standing.
func (e *execution) text(method, params string) (*string, error) {
	waiter := make(chan message, 1)
	if _, err := e.ask(method, params, waiter); err != nil {
		return nil, err
	}
	timer := time.NewTimer(time.Until(e.deadline))
	defer timer.Stop()
	select {
	case m := <-waiter:
		if m.Error != nil {
			return nil, errors.New(m.Error.Message)
		}
		var s *string
		return s, json.Unmarshal(m.Result, &s)
	case <-e.stopped:
	case <-timer.C:
	}
	return nil, errors.New("no answer")
}

func (e *execution) log(args []any) error {
	if len(args) < 3 || e.logged > e.start.LogBytes {
		return nil
	}
	level, _ := args[0].(string)
	text, _ := args[1].(string)
	e.logged += len(text) + 16
	if e.logged > e.start.LogBytes {
		level, text = "warn", "more console output than is kept"
	}
	return e.w.send(message{Type: "log", Run: e.id, Level: level, Text: text, Rule: int(number(args[2]))})
}

// take keeps the outcome that the realm reports; the loop sends it.
func (e *execution) take(args []any) error {
	if len(args) < 1 || e.outcome != nil {
		return nil
	}
	text, _ := args[0].(string)
	user, context := operands(args).text(1), operands(args).text(2)
	var r struct {
		Effects *effects
		Value   *string
		Merged  []string
		Failure *failure
		Timings []timing

		Deprecated []deprecation
	}
	if len(text)+len(user)+len(context) > maxOutcome {
		e.outcome = &result{Failure: tooLarge()}
		return nil
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return err
	}
	out := &result{Merged: r.Merged, Failure: r.Failure, Timings: r.Timings, Deprecated: r.Deprecated}
	if f := out.Failure; f != nil && f.Nothing { // an engine without memory even for the error throws null; so may a script, but hardly does
		f.Kind, f.Name, f.Nothing = KindMemory, "InternalError", false
	}
	if out.Failure != nil && out.Failure.Kind == KindMemory {
		out.Failure.Message = textMemory
	}
	if e.start.Trigger != nil {
		if out.Failure == nil {
			out.Effects = r.Effects
		}
		e.outcome = out
		return nil
	}
	if e.start.Call != nil {
		if out.Failure == nil && r.Value != nil {
			out.Value = json.RawMessage(*r.Value)
		}
		e.outcome = out
		return nil
	}
	if out.Failure == nil && (!strings.HasPrefix(user, "{") || !strings.HasPrefix(context, "{")) {
		out.Failure = &failure{Rule: len(e.start.Rules) - 1, Kind: KindException, Code: "access_denied", Message: "user and context must be objects"}
	}
	if out.Failure == nil {
		out.User, out.Context = json.RawMessage(user), json.RawMessage(context)
	}
	e.outcome = out
	return nil
}

// maxOutcome bounds what a run may hand over, in bytes of JSON: the server reads all of it.
const maxOutcome = 4 << 20

func tooLarge() *failure {
	return &failure{Kind: KindException, Code: "access_denied", Message: "The result of the rules is too large"}
}

func number(v any) float64 {
	switch v := v.(type) {
	case int:
		return float64(v)
	case float64:
		return v
	}
	return 0
}
