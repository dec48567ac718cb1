package script

import (
	"encoding/json"
	"regexp"
)

// veil masks what leaves a run for logs and callers: lines of the console, and the words of errors and refusals. It looks at what is secret in the
// run once there is something to mask: most runs say nothing. The job's lock is held.
type veil struct {
	start start   // what the run began with
	calls []heard // what is not known to mask yet
	size  int     // of all that was heard
	mask  *masker // nil: there was nothing to mask so far
}

// heard is the params or the result of a call.
type heard struct {
	method string
	text   json.RawMessage
}

const (
	maxHeard = 256 << 10 // bytes of calls that are looked at for secrets; answers with tokens are small
	maxSaid  = 64 << 10  // bytes of a message or stack, of which callers get less in the end
)

// hear keeps a call, from which secrets may be learned: the tokens that scripts get and send.
func (v *veil) hear(method string, text json.RawMessage) {
	if len(text) == 0 || method == "module" || isSocketCall(method) {
		return
	}
	if method != "token" {
		if v.size+len(text) > maxHeard {
			return
		}
		v.size += len(text)
	}
	v.calls = append(v.calls, heard{method, text})
}

// text is a text without secrets.
func (v *veil) text(text string) string {
	if text == "" {
		return ""
	}
	if v.mask == nil {
		v.mask = newMasker(v.start, forLogs)
		v.mask.json(v.start.User) // with the tokens of people's other accounts
		v.mask.json(v.start.Context)
		if t := v.start.Trigger; t != nil {
			v.mask.json(t.Event)
		}
	}
	for _, c := range v.calls {
		v.mask.call(c.method, c.text)
	}
	v.calls = nil
	return v.mask.text(text)
}

// message is a text of any length without secrets; its end may be missing.
func (v *veil) message(text string) string { return v.text(text[:min(len(text), maxSaid)]) }

// plainWord is what no secret is looked for in.
var plainWord = regexp.MustCompile(`^[A-Za-z_]*$`)

// word is what machines read, such as the code of an error. Whoever takes such a word for a password changes nothing about it.
func (v *veil) word(text string) string {
	if plainWord.MatchString(text) {
		return text
	}
	return v.message(text)
}

// words masks what scripts say in what they ask for: refusals, and why a message is not delivered.
func (v *veil) words(e *effects) {
	if d := e.Denied; d != nil {
		d.Code, d.Reason, d.Message = v.word(d.Code), v.message(d.Reason), v.message(d.Message)
	}
	for i, answer := range e.Answers {
		var reason string
		if (answer[0] == "drop" || answer[0] == "retry") && json.Unmarshal([]byte(answer[1]), &reason) == nil {
			e.Answers[i][1] = string(quote(v.message(reason)))
		}
	}
}
