package form

import (
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Env is what templates look up.
type Env struct {
	Context map[string]any // of the login: user, client, organization, tenant, transaction
	Fields  map[string]any
	Vars    map[string]any
	Actions map[string]any    // what the actions of the flow have given, by their ids
	Custom  map[string]string // the form's own texts, of t('key')
	Now     time.Time
}

// undefined is the value of what is not there.
type undefined struct{}

var absent any = undefined{}

// Bounds of templates, in bytes: of one expression, and of what comes out of a text.
const (
	maxExpression = 4096
	maxText       = 64 << 10
	maxDepth      = 20
)

// Text is a value as people read it: numbers without a fraction that they do not have, objects and lists as JSON, nothing as "".
func Text(v any) string {
	switch v := v.(type) {
	case nil, undefined:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// Expand puts values into a text. A text that is one template alone becomes its value, of whatever type; what is not there is nil. escape
// is applied to each value inside a text; nil leaves them as they are.
func (e *Env) Expand(text string, escape func(string) string) (any, error) {
	v, err := e.expand(text, escape)
	if v == absent {
		v = nil
	}
	return v, err
}

// Words is Expand for what is to be text.
func (e *Env) Words(text string, escape func(string) string) (string, error) {
	if alone, is := single(text); is && escape != nil {
		v, known, err := e.eval(alone)
		if err != nil || !known {
			return escape(text), err
		}
		return escape(Text(v)), nil
	}
	v, err := e.expand(text, escape)
	return Text(v), err
}

func (e *Env) expand(text string, escape func(string) string) (any, error) {
	if !strings.Contains(text, "{{") {
		return text, nil
	}
	if alone, is := single(text); is {
		if v, known, err := e.eval(alone); known || err != nil {
			return v, err
		}
		return text, nil
	}
	var b strings.Builder
	for rest := text; rest != ""; {
		before, after, open := strings.Cut(rest, "{{")
		b.WriteString(before)
		end := closing(after)
		if !open || end < 0 {
			if open {
				b.WriteString("{{" + after)
			}
			break
		}
		v, known, err := e.eval(after[:end])
		if err != nil {
			return nil, err
		}
		part := "{{" + after[:end] + "}}" // no expression: the text stays
		if known {
			if part = Text(v); escape != nil {
				part = escape(part)
			}
		}
		if b.WriteString(part); b.Len() > maxText {
			return nil, errorf("A template of the form makes more than %d bytes.", maxText)
		}
		rest = after[end+2:]
	}
	return b.String(), nil
}

// single is the expression of a text that is one template alone.
func single(text string) (string, bool) {
	inner, is := strings.CutPrefix(strings.TrimSpace(text), "{{")
	if !is {
		return "", false
	}
	end := closing(inner)
	return inner[:max(end, 0)], end >= 0 && end+2 == len(inner)
}

// closing is where the }} of a template stands, quotes aside; -1 if it has none.
func closing(s string) int {
	var quote byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case c == '\'' || c == '"':
			quote = c
		case strings.HasPrefix(s[i:], "}}"):
			return i
		}
	}
	return -1
}

// value puts values into all texts of a JSON value.
func (e *Env) value(v any, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errorf("A value of the form or flow is nested too deeply.")
	}
	switch v := v.(type) {
	case string:
		return e.expand(v, nil)
	case []any:
		out := make([]any, 0, len(v))
		for _, one := range v {
			made, err := e.value(one, depth+1)
			if err != nil {
				return nil, err
			}
			if made == absent {
				made = nil
			}
			out = append(out, made)
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, one := range v {
			made, err := e.value(one, depth+1)
			if err != nil {
				return nil, err
			}
			if made != absent { // as JSON.stringify does
				out[name] = made
			}
		}
		return out, nil
	}
	return v, nil
}

// eval gives the value of an expression. known is false where it is none: then the text is no template.
func (e *Env) eval(expression string) (v any, known bool, err error) {
	if len(expression) > maxExpression || !utf8.ValidString(expression) {
		return absent, true, nil
	}
	p := &parser{env: e, rest: expression}
	v = p.alternatives(0)
	p.space()
	if p.err != nil {
		return nil, true, p.err
	}
	if p.broken || p.rest != "" {
		return nil, false, nil
	}
	return v, true, nil
}

// parser reads an expression and looks it up on the way:
//
//	alternatives = value { "??" value } · value = text | number | list | path | name "(" values ")" · path = name { "." name | "[" value "]" }
type parser struct {
	env    *Env
	rest   string
	broken bool
	err    error
}

func (p *parser) space() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

func (p *parser) take(token string) bool {
	p.space()
	rest, is := strings.CutPrefix(p.rest, token)
	if is {
		p.rest = rest
	}
	return is
}

func (p *parser) alternatives(depth int) any {
	v := p.primary(depth)
	for p.take("??") {
		if other := p.primary(depth); v == nil || v == absent {
			v = other
		}
	}
	return v
}

func (p *parser) primary(depth int) any {
	p.space()
	if depth > maxDepth || p.rest == "" || p.broken {
		p.broken = true
		return absent
	}
	switch c := p.rest[0]; {
	case c == '\'' || c == '"':
		return p.text(c)
	case c == '-' || c >= '0' && c <= '9':
		n := strings.TrimLeft(p.rest, "-+.eE0123456789")
		number, err := strconv.ParseFloat(p.rest[:len(p.rest)-len(n)], 64)
		p.rest, p.broken = n, err != nil
		return number
	case c == '[':
		p.rest = p.rest[1:]
		return p.list("]", depth)
	}
	name := p.name()
	if name == "" {
		p.broken = true
		return absent
	}
	if p.take("(") { // only t stands on its own
		args := p.list(")", depth)
		if name != "t" || len(args) != 1 {
			p.broken = true
			return absent
		}
		return p.env.Custom[Text(args[0])]
	}
	switch name {
	case "true", "false":
		return name == "true"
	case "null":
		return nil
	case "undefined":
		return absent
	}
	if name == "functions" && p.take(".") {
		name = p.name()
		if !p.take("(") {
			p.broken = true
			return absent
		}
		return p.follow(p.call(name, p.list(")", depth)), depth)
	}
	roots := map[string]map[string]any{"context": p.env.Context, "fields": p.env.Fields, "vars": p.env.Vars, "actions": p.env.Actions}
	root, is := roots[name]
	if !is {
		return p.follow(absent, depth)
	}
	if root == nil {
		root = map[string]any{}
	}
	return p.follow(root, depth)
}

func (p *parser) call(name string, args []any) any {
	f, known := functions[name]
	if !known {
		if p.err == nil && !p.broken {
			p.err = errorf("A template calls functions.%s, which this server does not support.", name)
		}
		return absent
	}
	for len(args) < f.least {
		args = append(args, nil)
	}
	if p.broken || p.err != nil {
		return absent
	}
	v := f.call(p.env, args)
	if s, is := v.(string); is && len(s) > maxText {
		p.err = errorf("A template of the form makes more than %d bytes.", maxText)
		return absent
	}
	return v
}

// follow looks members up, as far as there are any.
func (p *parser) follow(v any, depth int) any {
	for {
		switch {
		case p.take("?."), p.take("."):
			name := p.name()
			if name == "" {
				name = p.digits()
			}
			if name == "" {
				p.broken = true
				return absent
			}
			v = member(v, name)
		case p.take("["):
			key := p.alternatives(depth + 1)
			if !p.take("]") {
				p.broken = true
				return absent
			}
			v = member(v, Text(key))
		default:
			return v
		}
	}
}

func member(v any, name string) any {
	switch v := v.(type) {
	case map[string]any:
		if one, there := v[name]; there {
			return one
		}
	case []any:
		if name == "length" {
			return float64(len(v))
		}
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(v) {
			return v[i]
		}
	}
	return absent
}

func (p *parser) list(end string, depth int) []any {
	out := []any{}
	if p.take(end) {
		return out
	}
	for !p.broken {
		v := p.alternatives(depth + 1)
		if v == absent {
			v = nil
		}
		if out = append(out, v); p.take(end) {
			return out
		}
		if !p.take(",") {
			p.broken = true
		}
	}
	return out
}

func (p *parser) name() string {
	p.space()
	n := 0
	for i, r := range p.rest {
		if r == '_' || r == '$' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || i > 0 && (r >= '0' && r <= '9' || r == '-') || r >= utf8.RuneSelf {
			n = i + utf8.RuneLen(r)
			continue
		}
		break
	}
	name := p.rest[:n]
	p.rest = p.rest[n:]
	return name
}

func (p *parser) digits() string {
	n := strings.TrimLeft(p.rest, "0123456789")
	d := p.rest[:len(p.rest)-len(n)]
	p.rest = n
	return d
}

func (p *parser) text(quote byte) string {
	var b strings.Builder
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == quote:
			p.rest = p.rest[i+1:]
			return b.String()
		case c == '\\' && i+1 < len(p.rest):
			i++
			switch p.rest[i] {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			default:
				b.WriteByte(p.rest[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	p.broken = true
	return ""
}

// with is e with other actions' results.
func (e *Env) with(actions map[string]any) *Env {
	c := *e
	c.Actions = maps.Clone(actions)
	return &c
}
