package script

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Replay runs a recording again: the same start, clock and random numbers, and the recorded answers in the place of calls, which are not
// made. with has sources in the place of recorded ones, by the script's name or id. settings gives the value behind a mask such as
// ~configuration.NAME~; nil, or a value that it does not know, leaves the mask. What comes back is the recording of that run.
//
// A call that the recorded run did not make, or got no answer to, gets an error of the code ENOTRECORDED.
func (h *Host) Replay(ctx context.Context, rec *Recording, with map[string]string, settings func(mask string) (string, bool)) (*Recording, error) {
	r := &repeat{calls: map[string][]RecordedCall{}, works: rec.Works, runtime: rec.Runtime}
	fill := func(text json.RawMessage) json.RawMessage { return text }
	if settings != nil {
		fill = func(text json.RawMessage) json.RawMessage {
			return rewriteJSON(text, func(_, value string) string {
				return settingText.ReplaceAllStringFunc(value, func(mask string) string {
					if found, ok := settings(mask); ok {
						return found
					}
					return mask
				})
			})
		}
	}
	if err := json.Unmarshal(fill(rec.Start), &r.start); err != nil {
		return nil, fmt.Errorf("script: reading a recording: %w", err)
	}
	run, used := Run{Tenant: rec.Tenant + "\x00replay"}, map[string]bool{}
	for _, s := range rec.Scripts {
		text := s.Source
		for _, name := range []string{s.Name, s.ID} {
			if other, ok := with[name]; ok && name != "" {
				text, used[name] = other, true
			}
		}
		r.sources = append(r.sources, source{text: text, form: s.Form})
		run.Rules = append(run.Rules, Rule{ID: s.ID, Name: s.Name, Source: text})
	}
	for name := range with {
		if !used[name] {
			return nil, fmt.Errorf("script: the recorded run has no script %q", name)
		}
	}
	r.start.Globals = map[string]json.RawMessage{}
	for name, value := range rec.Globals {
		r.start.Globals[name] = fill(value)
	}
	r.mask = newMasker(r.start, rec.purpose())
	for _, c := range rec.Calls {
		if c.Result = fill(c.Result); c.Method == "http" {
			c.Result = filledBody(c.Result, fill)
		}
		key := callKey(c.Method, c.Params)
		r.calls[key] = append(r.calls[key], c)
	}
	kept := make(chan Recording, 1)
	j := newJob(h, ctx, "", run)
	j.limits = h.cfg.Ceilings
	j.limits.Wall = patience*time.Duration(r.start.Wall)*time.Millisecond + grace
	j.repeat = r
	j.recorder = newRecorder(h, func(again Recording) { kept <- again }, Recording{Tenant: rec.Tenant, Kind: rec.Kind, Trigger: rec.Trigger, Masks: rec.Masks})
	if _, err := h.wait(ctx, j); err != nil {
		return nil, err
	}
	select {
	case again := <-kept:
		return &again, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(j.limits.Wall + 2*grace):
		return nil, errors.New("script: the run could not be recorded again")
	}
}

// filledBody fills the body of an HTTP answer where it is JSON. Other texts keep their masks: nobody knows how they want values written.
func filledBody(result json.RawMessage, fill func(json.RawMessage) json.RawMessage) json.RawMessage {
	return rewriteJSON(result, func(name, value string) string {
		body, err := base64.StdEncoding.DecodeString(value)
		if name != "body" || err != nil {
			return value
		}
		return base64.StdEncoding.EncodeToString(fill(body))
	})
}

// settingText finds the masks of settings and secrets.
var settingText = regexp.MustCompile(`~(configuration|secrets)\.[A-Za-z0-9_.-]+~`)

// repeat answers the calls of a run that goes again.
type repeat struct {
	start   start
	sources []source
	mask    *masker
	works   [][2]int64
	runtime string

	mu    sync.Mutex
	calls map[string][]RecordedCall // by method and masked params, in order
}

// answer completes the reply to a call with what the recorded run got.
func (r *repeat) answer(m message, reply *message) (any, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := callKey(m.Method, r.mask.call(m.Method, m.Params))
	left := r.calls[key]
	if len(left) == 0 {
		return nil, &callError{Message: "The recorded run made no such call" + called(m), Code: "ENOTRECORDED"}
	}
	c := left[0]
	r.calls[key] = left[1:]
	if reply.At = c.At; c.Result == nil && c.Error == nil {
		reply.At = -1
	}
	if c.Error != nil {
		return nil, c.Error
	}
	return c.Result, nil
}

// callKey is by what a call is found again.
func callKey(method string, params json.RawMessage) string {
	return method + " " + unescaped.Replace(string(params))
}

// unescaped undoes what the encoding of a recording does to JSON within it.
var unescaped = strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\u003e`, ">")

// called says which call it was.
func called(m message) string {
	var c httpCall
	if m.Method != "http" || json.Unmarshal(m.Params, &c) != nil {
		return ": " + m.Method
	}
	return ": " + c.Method + " " + bare(c.URL)
}

// Difference is one thing in which two runs differ. Before and After are JSON or text; empty: it is not there.
type Difference struct {
	What   string `json:"what"` // outcome, claims, user_metadata, app_metadata, calls, console …, and what of it
	Before string `json:"before"`
	After  string `json:"after"`
}

// Same tells whether two runs went the same way, byte for byte, but for the time that they took.
func (r *Recording) Same(other *Recording) bool {
	a, errA := r.transcript()
	b, errB := other.transcript()
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// transcript is all that scripts did: what they asked for, what they said, and what came of it.
func (r *Recording) transcript() ([]byte, error) {
	var out result
	if err := json.Unmarshal(r.Outcome, &out); err != nil {
		return nil, err
	}
	ends := make([]string, 0, len(out.Timings))
	for _, t := range out.Timings {
		ends = append(ends, t.Outcome)
	}
	out.Timings, out.Deprecated = nil, nil
	type asked struct {
		Method string
		Params json.RawMessage
	}
	calls := []asked{}
	for _, c := range r.Calls {
		calls = append(calls, asked{c.Method, c.Params})
	}
	console := []RecordedLine{}
	for _, line := range r.Console {
		line.Text = stackPlace.ReplaceAllString(line.Text, "")
		console = append(console, line)
	}
	return json.Marshal(map[string]any{"outcome": out, "ends": ends, "calls": calls, "console": console})
}

// stackPlace is where in the runtime's own code something happened.
var stackPlace = regexp.MustCompile(`\(?stagedoor:[^\s)]*\)?`)

// Differences compares two runs: outcome, claims, metadata, calls, and what was logged.
func (r *Recording) Differences(other *Recording) []Difference {
	var all []Difference
	before, after := r.facts(), other.facts()
	for _, f := range before {
		if found, ok := factOf(after, f.What); !ok || found != f.Before {
			all = append(all, Difference{What: f.What, Before: f.Before, After: found})
		}
	}
	for _, f := range after {
		if _, ok := factOf(before, f.What); !ok {
			all = append(all, Difference{What: f.What, After: f.Before})
		}
	}
	if len(all) == 0 && !r.Same(other) {
		all = append(all, Difference{What: "order of what happened", Before: "as recorded", After: "another"})
	}
	return all
}

func factOf(all []Difference, what string) (string, bool) {
	for _, f := range all {
		if f.What == what {
			return f.Before, true
		}
	}
	return "", false
}

// facts are what came of a run, one by one.
func (r *Recording) facts() []Difference {
	var all []Difference
	add := func(what, value string) { all = append(all, Difference{What: what, Before: unescaped.Replace(value)}) }
	var out result
	if err := json.Unmarshal(r.Outcome, &out); err != nil {
		return all
	}
	switch f := r.Failure(); {
	case f != nil && f.Kind == KindDenied:
		add("outcome", fmt.Sprintf("%s refused: %s (%s)", f.Rule, f.Message, f.Code))
	case f != nil:
		add("outcome", fmt.Sprintf("%s failed, %s: %s (%s)", f.Rule, f.Kind, f.Message, f.Code))
	default:
		add("outcome", "continued")
	}
	if e := out.Effects; e != nil {
		for _, list := range []struct {
			name  string
			pairs [][2]string
		}{{"id token", e.ID}, {"access token", e.Access}, {"user_metadata", e.User}, {"app_metadata", e.App}, {"transaction metadata", e.Transaction}} {
			for _, pair := range list.pairs {
				add(list.name+": "+pair[0], pair[1])
			}
		}
		for i, change := range e.Scopes {
			add(fmt.Sprintf("scopes, change %d", i+1), strings.Join(change, " "))
		}
		rest := *e
		rest.Denied, rest.ID, rest.Access, rest.User, rest.App, rest.Scopes, rest.Transaction = nil, nil, nil, nil, nil, nil, nil
		text, _ := json.Marshal(rest)
		add("other effects", string(text))
	}
	if out.Value != nil {
		add("result", string(out.Value))
	}
	members("user", out.User, nil, add)
	members("context", out.Context, map[string]string{"idToken": "id token", "accessToken": "access token"}, add)
	for _, list := range []struct {
		method, name string
	}{{"metadata", "metadata write"}, {"http", "HTTP call"}} {
		n := 0
		for _, c := range r.Calls {
			if c.Method == list.method {
				n++
				add(fmt.Sprintf("%s %d", list.name, n), string(c.Params))
			}
		}
	}
	for i, line := range r.Console {
		add(fmt.Sprintf("console line %d", i+1), fmt.Sprintf("%s %s: %s", r.name(line.Rule), line.Level, line.Text))
	}
	return all
}

// members adds the members of an object, those of some of them under a name of their own.
func members(name string, text json.RawMessage, inner map[string]string, add func(what, value string)) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if t, err := decoder.Token(); err != nil || t != json.Delim('{') {
		return
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return
		}
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			return
		}
		k, _ := key.(string)
		if as, ok := inner[k]; ok && isObject(value) {
			members(as, value, nil, add)
			continue
		}
		add(name+": "+k, string(value))
	}
}
