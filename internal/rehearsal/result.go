package rehearsal

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor/internal/script"
)

// Outcomes of a run.
const (
	Continued = "continued" // every script let the transaction go on
	Denied    = "denied"    // one refused it
	Failed    = "failed"    // one threw, could not be loaded, or used up its memory
	Timeout   = "timeout"   // one took too long, or never ended
)

// Result is what came of a run, as it is shown to people and machines.
type Result struct {
	Outcome  string          `json:"outcome"`
	Error    *Error          `json:"error,omitempty"`
	User     json.RawMessage `json:"user,omitempty"`     // of rules that let the login go on, as the last one left it
	Context  json.RawMessage `json:"context,omitempty"`  // of rules
	Result   json.RawMessage `json:"result,omitempty"`   // of a connection's script: what it called back with
	Effects  map[string]any  `json:"effects,omitempty"`  // what was asked of the server, in the words of Effects
	Metadata []Write         `json:"metadata,omitempty"` // writes that rules asked for, the late ones included
	HTTP     []Exchange      `json:"http,omitempty"`     // calls to the outside
	Console  []Line          `json:"console,omitempty"`
	Scripts  []Timing        `json:"scripts"` // those that were started, in order
}

// Error is why the transaction does not go on.
type Error struct {
	Script  string `json:"script,omitempty"`
	Kind    string `json:"kind"` // callback, exception, timeout, memory, syntax, crashed, deny, not_supported
	Code    string `json:"code,omitempty"`
	Name    string `json:"name,omitempty"`
	Message string `json:"message"`
	Status  int    `json:"status,omitempty"`
	Stack   string `json:"stack,omitempty"`
	UserID  string `json:"user_id,omitempty"` // of a WrongUsernameOrPasswordError: empty where the user is not known
	ForUser string `json:"message_for_user,omitempty"`
}

// Write is a write of metadata.
type Write struct {
	UserID string          `json:"user_id"`
	Kind   string          `json:"kind"` // user_metadata or app_metadata
	Patch  json.RawMessage `json:"patch"`
}

// Exchange is one HTTP call.
type Exchange struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers,omitempty"` // of the request; credentials hidden
	Body    string            `json:"body,omitempty"`    // of the request
	Status  int               `json:"status,omitempty"`
	Error   string            `json:"error,omitempty"`
	Stub    string            `json:"stub,omitempty"` // the file that answered
	Millis  float64           `json:"duration_ms"`
}

// Line is a line of the console.
type Line struct {
	Script string `json:"script"`
	Level  string `json:"level"`
	Text   string `json:"text"`
	Late   bool   `json:"late,omitempty"` // written when the outcome was out
}

// Timing tells how long a script took.
type Timing struct {
	Script  string  `json:"script"`
	Outcome string  `json:"outcome"`
	Millis  float64 `json:"duration_ms"`
}

// Exit is the exit code that stands for the outcome: 0 continued, 1 denied, 2 failed or out of time.
func (r Result) Exit() int {
	switch r.Outcome {
	case Continued:
		return 0
	case Denied:
		return 1
	}
	return 2
}

// OfRules is the outcome of a run of rules.
func OfRules(out script.Outcome) Result {
	r := Result{Outcome: Continued, Console: lines(out.Console), HTTP: exchanges(out.Calls), Scripts: []Timing{}}
	for _, t := range out.Timings {
		r.Scripts = append(r.Scripts, Timing{Script: t.Rule, Outcome: t.Outcome, Millis: millis(t.Duration)})
	}
	r.failed(out.Failure)
	if out.Failure == nil {
		r.User, r.Context, r.Effects = without(out.User, out.Merged), out.Context, effectsOfContext(out.Context)
	}
	return r
}

// without is a user without what only rules see: the keys of app_metadata at its root that no rule replaced.
func without(user json.RawMessage, merged []string) json.RawMessage {
	var members map[string]json.RawMessage
	if len(merged) == 0 || json.Unmarshal(user, &members) != nil {
		return user
	}
	for _, key := range merged {
		delete(members, key)
	}
	b, err := json.Marshal(members)
	if err != nil {
		return user
	}
	return b
}

// OfTrigger is the outcome of a run of actions or of a hook.
func OfTrigger(out script.TriggerOutcome) Result {
	r := Result{Outcome: Continued, Console: lines(out.Console), HTTP: exchanges(out.Calls), Scripts: []Timing{}}
	for _, one := range out.Results {
		t := Timing{Script: one.Name, Outcome: Continued, Millis: millis(one.EndedAt.Sub(one.StartedAt))}
		if one.Failure != nil {
			t.Outcome = one.Failure.Kind
		}
		r.Scripts = append(r.Scripts, t)
	}
	if out.Failure != nil {
		r.failed(out.Failure)
		return r
	}
	r.Effects = effectsOf(out.Effects)
	if d := out.Effects.Denied; d != nil {
		r.Outcome, r.Error = Denied, &Error{Script: d.Action, Kind: "deny", Code: d.Code, Message: d.Reason, ForUser: d.Message}
	}
	if call := out.Effects.Unsupported; call != "" {
		r.Outcome, r.Error = Failed, &Error{Kind: "not_supported", Message: call + " is not supported by this server"}
	}
	return r
}

// OfCall is the outcome of a call of a connection's script.
func OfCall(out script.CallOutcome) Result {
	r := Result{Outcome: Continued, Result: out.Result, Console: lines(out.Console), HTTP: exchanges(out.Calls), Scripts: []Timing{}}
	for _, t := range out.Timings {
		r.Scripts = append(r.Scripts, Timing{Script: t.Rule, Outcome: t.Outcome, Millis: millis(t.Duration)})
	}
	if r.failed(out.Failure); out.Failure == nil && out.Result == nil {
		r.Result = json.RawMessage("null")
	}
	return r
}

func (r *Result) failed(f *script.Failure) {
	if f == nil {
		return
	}
	r.Error = &Error{Script: f.Rule, Kind: f.Kind, Code: f.Code, Name: f.Name, Message: f.Message, Status: f.StatusCode, Stack: f.Stack, UserID: f.UserID}
	switch f.Kind {
	case script.KindCallback:
		r.Outcome = Denied
	case script.KindTimeout:
		r.Outcome = Timeout
	default:
		r.Outcome = Failed
	}
}

func lines(console []script.Line) []Line {
	var out []Line
	for _, l := range console {
		out = append(out, Line{Script: l.Rule, Level: l.Level, Text: l.Text})
	}
	return out
}

func exchanges(calls []script.Call) []Exchange {
	var out []Exchange
	for _, c := range calls {
		out = append(out, Exchange{Method: c.Method, URL: c.URL, Status: c.Status, Error: c.Error, Millis: millis(c.Duration)})
	}
	return out
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// effectsOfContext reads what rules ask for by writing to the context.
func effectsOfContext(raw json.RawMessage) map[string]any {
	var c map[string]json.RawMessage
	if json.Unmarshal(raw, &c) != nil {
		return nil
	}
	out := map[string]any{}
	var id, access map[string]any
	if json.Unmarshal(c["idToken"], &id) == nil && len(id) > 0 {
		out["id_token_claims"] = id
	}
	if json.Unmarshal(c["accessToken"], &access) == nil && len(access) > 0 {
		if scope, ok := access["scope"]; ok {
			out["scope"] = scope
			delete(access, "scope")
		}
		if len(access) > 0 {
			out["access_token_claims"] = access
		}
	}
	for member, name := range map[string]string{"multifactor": "multifactor", "redirect": "redirect", "primaryUser": "primary_user"} {
		var value any
		if json.Unmarshal(c[member], &value) == nil && value != nil && value != false && value != "" {
			out[name] = value
		}
	}
	var answer map[string]any
	if json.Unmarshal(c["samlConfiguration"], &answer) == nil && len(answer) > 0 {
		out["saml_configuration"] = answer
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// names are the effects that are told by another name than their own.
var names = map[string]string{"IDClaims": "id_token_claims", "AccessClaims": "access_token_claims", "Revoke": "revoked"}

// effectsOf shows the effects that are there, in the wire's way of writing.
func effectsOf(e script.Effects) map[string]any {
	b, err := json.Marshal(e)
	if err != nil {
		return nil
	}
	var all map[string]any
	if json.Unmarshal(b, &all) != nil {
		return nil
	}
	out := map[string]any{}
	for name, value := range all {
		if nothing(value) || name == "Denied" || name == "Unsupported" { // these are the error
			continue
		}
		if known, ok := names[name]; ok {
			name = known
		} else {
			name = snake(name)
		}
		out[name] = lower(value, name)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// lower writes the members of our own structs in small letters; what scripts have named is left as it is.
func lower(value any, effect string) any {
	switch effect {
	case "id_token_claims", "access_token_claims", "user_metadata", "app_metadata":
		return value
	}
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = lower(v[i], "")
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, member := range v {
			if !nothing(member) {
				out[snake(name)] = lower(member, "")
			}
		}
		return out
	}
	return value
}

func nothing(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case float64:
		return v == 0
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

var words = regexp.MustCompile(`([a-z0-9])([A-Z])`)

func snake(name string) string { return strings.ToLower(words.ReplaceAllString(name, "${1}_${2}")) }
