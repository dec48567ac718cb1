package script

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/stagedoor/stagedoor"
)

// maxRecording bounds what is recorded of one run, in bytes. A run that has more is not recorded.
const maxRecording = 16 << 20

// Recording is what crossed between the server and a worker in one run: enough to repeat it. Secrets are masked, see mask.go. Members
// that hold frames of the protocol are as PROTOCOL.md has them.
type Recording struct {
	Tenant   string    `json:"tenant"`
	Kind     string    `json:"kind"`              // one of the Kinds of scripts
	Trigger  string    `json:"trigger,omitempty"` // id; of actions and hooks. Of a connection's script the operation
	Runtime  string    `json:"runtime"`           // embedded or node
	BeganAt  time.Time `json:"began_at"`
	Duration int64     `json:"micros"`          // until the outcome, in microseconds
	Failed   bool      `json:"failed"`          // a script failed or refused
	Masks    int       `json:"masks,omitempty"` // by which rules secrets are masked: see mask.go; 0: by the first ones

	Scripts []RecordedScript           `json:"scripts"`
	Start   json.RawMessage            `json:"start"`             // what began the run
	Globals map[string]json.RawMessage `json:"globals,omitempty"` // what was on `global` then
	Calls   []RecordedCall             `json:"calls"`             // what scripts asked for, in order
	Console []RecordedLine             `json:"console"`
	Outcome json.RawMessage            `json:"outcome"`
	Works   [][2]int64                 `json:"works,omitempty"` // when answers came that the worker gave itself
}

// RecordedScript is one script of a run, or code that actions share. The first ones are those that [Recording.Timings] count.
type RecordedScript struct {
	ID     string `json:"id,omitempty"`
	Name   string `json:"name"`
	Form   string `json:"form,omitempty"`
	Hash   string `json:"hash"`
	Source string `json:"source"`
}

// RecordedCall is one call and its answer. At is when scripts got that, in microseconds after the run began; -1: never.
type RecordedCall struct {
	Call   uint64          `json:"call"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  *callError      `json:"error,omitempty"`
	At     int64           `json:"at"`
}

// RecordedLine is a line of the console. Late lines came after the outcome.
type RecordedLine struct {
	Rule  int    `json:"rule"`
	Level string `json:"level"`
	Text  string `json:"text"`
	Late  bool   `json:"late,omitempty"`
}

// Timings tell how long each script took and how it ended.
func (r *Recording) Timings() []Timing {
	var out result
	if json.Unmarshal(r.Outcome, &out) != nil {
		return nil
	}
	var all []Timing
	for _, t := range out.Timings {
		all = append(all, Timing{Rule: r.name(t.Rule), Duration: time.Duration(t.Micros) * time.Microsecond, Outcome: t.Outcome})
	}
	return all
}

func (r *Recording) name(i int) string {
	if i < 0 || i >= len(r.Scripts) {
		return ""
	}
	return r.Scripts[i].Name
}

// Failure is why the run failed, or whom a script refused; nil if neither.
func (r *Recording) Failure() *Failure {
	var out result
	if json.Unmarshal(r.Outcome, &out) != nil {
		return nil
	}
	if f := out.Failure; f != nil {
		return &Failure{Rule: r.name(f.Rule), Code: clean(f.Code), Message: clean(f.Message), StatusCode: f.Status, Kind: f.Kind, Name: clean(f.Name)}
	}
	if out.Effects != nil && out.Effects.Denied != nil {
		d := out.Effects.Denied
		return &Failure{Rule: r.name(d.Script), Code: clean(d.Code), Message: clean(d.Reason), Kind: KindDenied}
	}
	return nil
}

// Found is the id of the user whom a script of a database found, or was told to delete; empty if there is none.
func (r *Recording) Found() string {
	var out result
	var profile map[string]any
	var began start
	switch {
	case r.Trigger == FetchUserProfile, r.Trigger == GetLogoutURL:
		return ""
	case r.Trigger == "delete" && json.Unmarshal(r.Start, &began) == nil && began.Call != nil && len(began.Call.Arguments) > 0:
		var id string
		if json.Unmarshal(began.Call.Arguments[0], &id) == nil && id != "" {
			return "auth0|" + id
		}
	case json.Unmarshal(r.Outcome, &out) == nil && json.Unmarshal(out.Value, &profile) == nil:
		for _, name := range []string{"user_id", "id"} {
			switch id := profile[name].(type) {
			case string:
				return "auth0|" + id
			case float64:
				return "auth0|" + strconv.FormatFloat(id, 'f', -1, 64)
			}
		}
	}
	return ""
}

// KindDenied is the kind of a refusal that is no failure, such as api.access.deny, in [Recording.Failure].
const KindDenied = "denied"

// masksNow is [Recording.Masks] of what is recorded now.
const masksNow = 1

// recorder gathers a recording while its run goes on.
type recorder struct {
	keep func(Recording)
	wait *sync.WaitGroup
	log  *slog.Logger

	mu       sync.Mutex
	rec      Recording
	start    start // written before the run begins
	began    time.Time
	size     int
	tooLarge bool
	once     sync.Once
}

func newRecorder(h *Host, keep func(Recording), r Recording) *recorder {
	if keep == nil {
		return nil
	}
	r.BeganAt = time.Now()
	return &recorder{keep: keep, wait: &h.keeping, log: h.cfg.Log, rec: r, began: r.BeganAt}
}

// grow counts bytes and tells whether there is room for them.
func (r *recorder) grow(bytes int) bool {
	r.size += bytes
	r.tooLarge = r.tooLarge || r.size > maxRecording
	return !r.tooLarge
}

func (r *recorder) begun(s start, runtime string, sources []source, rules []Rule) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.start, r.rec.Runtime = s, runtime
	r.rec.Scripts = nil
	for i, src := range sources {
		script := RecordedScript{Form: src.form, Hash: src.hash(), Source: src.text}
		if i < len(rules) {
			script.ID, script.Name = rules[i].ID, rules[i].Name
		}
		r.grow(len(src.text))
		r.rec.Scripts = append(r.rec.Scripts, script)
	}
	r.grow(len(s.User) + len(s.Context))
}

// asked notes a call.
func (r *recorder) asked(m message) {
	if r == nil || m.Method == "module" || isSocketCall(m.Method) { // bytes of connections cannot be masked
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.grow(len(m.Params) + 64) {
		r.rec.Calls = append(r.rec.Calls, RecordedCall{Call: m.Call, Method: m.Method, Params: m.Params, At: -1})
	}
}

// answered notes the answer to a call.
func (r *recorder) answered(m message) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.grow(len(m.Result)) {
		return
	}
	for i := range r.rec.Calls {
		if c := &r.rec.Calls[i]; c.Call == m.Call {
			c.Result, c.Error, c.At = m.Result, m.Error, time.Since(r.began).Microseconds()
		}
	}
}

func (r *recorder) line(m message, late bool) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.grow(len(m.Text) + 32) {
		r.rec.Console = append(r.rec.Console, RecordedLine{Rule: m.Rule, Level: m.Level, Text: m.Text, Late: late})
	}
}

func (r *recorder) concluded(out result) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rec.Outcome != nil {
		return
	}
	r.rec.Duration = time.Since(r.began).Microseconds()
	r.rec.Failed = out.Failure != nil && !(r.start.Call != nil && out.Failure.Name == ErrorWrongCredentials) || out.Effects != nil && out.Effects.Denied != nil
	text, err := json.Marshal(out)
	if err == nil && r.grow(len(text)) {
		r.rec.Outcome = text
	}
}

// done hands the recording over, once: the worker has said that the run is over, or is gone.
func (r *recorder) done(m message) {
	if r == nil {
		return
	}
	r.once.Do(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		for name, value := range m.Globals {
			r.grow(len(name) + len(value))
		}
		if r.tooLarge || r.rec.Outcome == nil {
			return
		}
		if m.Answers != nil || len(r.rec.Calls) > 0 && m.Type == "done" { // what scripts never saw has not happened
			seen := map[int64]int64{}
			for _, a := range m.Answers {
				seen[a[0]] = a[1]
				if a[0] > firstWork {
					r.rec.Works = append(r.rec.Works, a)
				}
			}
			for i := range r.rec.Calls {
				c := &r.rec.Calls[i]
				if at, ok := seen[int64(c.Call)]; ok {
					c.At = at
				} else if c.Method != "token" { // scripts wait for that one
					c.At = -1
				}
			}
		}
		r.rec.Globals = m.Globals
		rec := r.rec
		r.rec = Recording{}
		r.wait.Go(func() {
			stagedoor.Contained(r.log.With("tenant", rec.Tenant), "a recording of scripts", func() {
				if masked(&rec, r.start) {
					r.keep(rec)
				}
			})
		})
	})
}

// newSeed begins the random numbers of a run.
func newSeed() string {
	return hex.EncodeToString(randomBytes([]any{32}, rand.Reader))
}
