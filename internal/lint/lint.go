package lint

import (
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
)

// Severities of findings.
const (
	Error   = "error"   // wrong, or dangerous
	Warning = "warning" // wrong in some logins, or worth a look
)

// Linter reads scripts. It is not safe for concurrent use.
type Linter struct{ parser *script.Parser }

// New returns a linter that knows packages which an operator added; Close must follow.
func New(added ...stagedoor.ScriptModule) (*Linter, error) {
	p, err := script.NewParser(added...)
	return &Linter{p}, err
}

// Close gives its memory back.
func (l *Linter) Close() { l.parser.Close() }

// Lint reads a script and returns what is found, in the order of the source. kind may be empty: the script's looks decide. An error says
// that it could not be read at all; one that is no JavaScript is a finding.
func (l *Linter) Lint(file, source, kind string) ([]Finding, error) {
	s, wrong, err := read(l.parser, file, source, kind)
	if err != nil {
		return nil, err
	}
	if wrong != nil {
		s.reportAt(syntaxRule, s.at(float64(wrong.At)), "%s", wrong.Message)
		return s.findings, nil
	}
	for _, r := range Rules {
		if len(r.kinds) == 0 || slices.Contains(r.kinds, s.Kind) {
			r.find(s, r)
		}
	}
	out := slices.DeleteFunc(s.findings, s.silenced())
	slices.SortStableFunc(out, func(a, b Finding) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return slices.Compact(out), nil
}

// silenced tells which findings the script's comments silence: stagedoor-lint-disable-line and stagedoor-lint-disable-next-line for a line,
// stagedoor-lint-disable for the whole file, each with names of rules, or for all rules without.
func (s *Script) silenced() func(Finding) bool {
	type order struct {
		line  int // 0: the whole file
		names []string
	}
	var orders []order
	for _, c := range s.comments {
		words := strings.FieldsFunc(c.Text, func(r rune) bool { return r == ' ' || r == ',' || r == '\n' || r == '\t' || r == '\r' })
		if len(words) == 0 || !strings.HasPrefix(words[0], "stagedoor-lint-disable") {
			continue
		}
		if reason := slices.Index(words, "--"); reason > 0 {
			words = words[:reason]
		}
		line := strings.Count(s.Source[:s.at(float64(c.Start))], "\n") + 1
		switch words[0] {
		case "stagedoor-lint-disable-line":
			orders = append(orders, order{line, words[1:]})
		case "stagedoor-lint-disable-next-line":
			orders = append(orders, order{line + strings.Count(c.Text, "\n") + 1, words[1:]})
		case "stagedoor-lint-disable":
			orders = append(orders, order{0, words[1:]})
		}
	}
	return func(f Finding) bool {
		return slices.ContainsFunc(orders, func(o order) bool {
			return (o.line == 0 || o.line == f.Line) && (len(o.names) == 0 || slices.Contains(o.names, f.Rule))
		})
	}
}
