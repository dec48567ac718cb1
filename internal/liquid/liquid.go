package liquid

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/osteele/liquid/parser"
	"github.com/osteele/liquid/render"
)

// Limits bound one rendering.
type Limits struct {
	Output int           // bytes, of the result and of any value on the way
	Steps  int           // rounds of loops, assignments and filters
	Time   time.Duration // of all
}

// DefaultLimits fit a mail or a page.
var DefaultLimits = Limits{Output: 512 << 10, Steps: 20000, Time: time.Second}

// maxSource bounds a template, in bytes, and maxTags what it asks for, since each takes time to read; maxItems bounds a list that it makes, and
// maxMade all values together, in multiples of Limits.Output.
const (
	maxSource = 256 << 10
	maxTags   = 5000
	maxItems  = 2000
	maxMade   = 64
)

// Why a rendering ends early.
var (
	ErrTooLarge = errors.New("liquid: the template makes more than is allowed")
	ErrTooLong  = errors.New("liquid: the template takes more steps or time than is allowed")
)

// Raw is a text of our own that Render puts in without escaping.
type Raw string

// Object is a value whose members templates read, and that is put in whole as JSON, which scripts in pages read.
type Object map[string]any

// String returns the JSON. It is safe within a script: <, > and & are written as escapes.
func (o Object) String() string {
	text, err := json.Marshal(map[string]any(o))
	if err != nil {
		return "{}"
	}
	return string(text)
}

// Check tells whether a template can be read. Its error tells people what is wrong.
func Check(source string) error {
	_, _, err := parse(source, &budget{Limits: DefaultLimits})
	return err
}

// Text renders a template of plain text.
func Text(ctx context.Context, source string, vars map[string]any, limits Limits) (string, error) {
	return run(source, vars, &budget{Limits: limits, ctx: ctx})
}

// HTML renders a template of HTML. Variables are maps with text keys, lists, texts, numbers, booleans and nil; texts in them are
// escaped, since people choose their names freely. The filters escape and url_encode know that.
func HTML(ctx context.Context, source string, vars map[string]any, limits Limits) (string, error) {
	safe, _ := escaped(vars).(map[string]any)
	return run(source, safe, &budget{Limits: limits, ctx: ctx, html: true})
}

func run(source string, vars map[string]any, b *budget) (text string, err error) {
	var cancel context.CancelFunc
	b.ctx, cancel = context.WithTimeout(b.ctx, b.Time)
	defer cancel()
	root, cfg, err := parse(source, b)
	if err != nil {
		return "", err
	}
	defer func() {
		if p := recover(); p != nil { // the library's; also how it tells that nothing more can be written
			text, err = "", fmt.Errorf("liquid: the template cannot be rendered: %v", p)
		}
		if b.why != nil {
			text, err = "", b.why
		}
	}()
	out := &sink{left: b.Output, b: b}
	if e := render.Render(root, out, vars, cfg); e != nil {
		return "", e
	}
	return out.String(), nil
}

func parse(source string, b *budget) (root render.Node, cfg render.Config, err error) {
	if len(source) > maxSource || strings.Count(source, "{{")+strings.Count(source, "{%") > maxTags {
		return nil, cfg, ErrTooLarge
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("liquid: the template cannot be read: %v", p)
		}
	}()
	cfg = render.NewConfig()
	b.tags(cfg)
	b.filters(&cfg)
	tree, e := cfg.Parse(source, parser.SourceLoc{LineNo: 1})
	if e != nil {
		return nil, cfg, e
	}
	if err := plain(tree, 0); err != nil {
		return nil, cfg, err
	}
	if root, e = cfg.Compile(source, parser.SourceLoc{LineNo: 1}); e != nil {
		return nil, cfg, e
	}
	return root, cfg, nil
}

var quoted = regexp.MustCompile(`"[^"]*"|'[^']*'`)

// maxDepth bounds how deep blocks nest.
const maxDepth = 50

// plain refuses ranges anywhere but as what a loop goes through: the library makes lists of them, of any length.
func plain(node parser.ASTNode, depth int) error {
	if depth > maxDepth {
		return errors.New("liquid: blocks nest too deep")
	}
	var args string
	var inner []parser.ASTNode
	switch n := node.(type) {
	case *parser.ASTSeq:
		inner = n.Children
	case *parser.ASTObject:
		args = n.Args
	case *parser.ASTTag:
		args = n.Args
	case *parser.ASTBlock:
		if args, inner = n.Args, n.Body; (n.Name == "for" || n.Name == "tablerow") && !strings.Contains(quoted.ReplaceAllString(args, ""), "|") {
			args = ""
		}
		for _, clause := range n.Clauses {
			inner = append(inner, clause)
		}
	}
	if strings.Contains(quoted.ReplaceAllString(args, ""), "..") {
		return errors.New("liquid: a range can stand in the head of a for loop only")
	}
	for _, child := range inner {
		if err := plain(child, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func members(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for name, value := range m {
		out[name] = escaped(value)
	}
	return out
}

var inScripts = strings.NewReplacer(`\`, "&#92;", "`", "&#96;", "${", "&#36;{")

// escape escapes a text for HTML so that it also ends no text of a script, in whichever quotes, for pages put values into their scripts.
func escape(s string) string { return inScripts.Replace(html.EscapeString(s)) }

// escaped returns v with its texts escaped.
func escaped(v any) any {
	switch v := v.(type) {
	case string:
		return escape(v)
	case Raw:
		return string(v)
	case map[string]any:
		return members(v)
	case Object:
		return Object(members(v))
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = escaped(value)
		}
		return out
	case []string:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = escape(value)
		}
		return out
	}
	return v
}

// budget is what a rendering may still use up.
type budget struct {
	Limits
	ctx   context.Context
	html  bool
	steps int
	made  int   // bytes of values so far
	why   error // it ended
}

// spend takes a step.
func (b *budget) spend() error {
	b.steps++
	if b.why == nil && (b.steps > b.Steps || b.ctx != nil && b.ctx.Err() != nil) {
		b.why = ErrTooLong
	}
	return b.why
}

// size takes a step that makes a value of n bytes.
func (b *budget) size(n int) error {
	if b.why == nil && n > b.Output {
		b.why = ErrTooLarge
	}
	return b.work(n)
}

// work takes a step that goes through n bytes. Of all values together there is a bound, for each may be kept under a name of its own.
func (b *budget) work(n int) error {
	if b.made += n; b.why == nil && b.made > maxMade*b.Output {
		b.why = ErrTooLarge
	}
	return b.spend()
}

// sink keeps what is written as long as it is not too much.
type sink struct {
	strings.Builder
	left int
	b    *budget
}

func (w *sink) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		w.b.why = ErrTooLarge
		return 0, ErrTooLarge
	}
	return w.Builder.Write(p)
}

var _ io.Writer = (*sink)(nil)
