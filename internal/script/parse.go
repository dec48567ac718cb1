package script

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"modernc.org/quickjs"

	"github.com/stagedoor/stagedoor"
)

// acorn is a parser of JavaScript in JavaScript, as published; its licence lies beside it.
//
//go:embed js/tools/acorn.js js/tools/parse.js
var tools embed.FS

// Parser reads scripts without running them, for tools on a developer's machine. It runs the engine in its own process and reads what it is
// given within bounds of time and memory; a server has no use for it. It is not safe for concurrent use.
type Parser struct {
	realm *realm
	parse quickjs.Value
}

const (
	parseTime   = 20 * time.Second
	parseMemory = 512 << 20
)

// NewParser returns a parser that knows the packages that come with the program, and those that an operator added; Close must follow.
func NewParser(added ...stagedoor.ScriptModule) (*Parser, error) {
	acorn, err := tools.ReadFile("js/tools/acorn.js")
	if err != nil {
		return nil, err
	}
	parse, err := tools.ReadFile("js/tools/parse.js")
	if err != nil {
		return nil, err
	}
	known := new(bytecode)
	if len(added) > 0 {
		known.offer(addedRows(added))
	}
	r, err := newRealm(known)
	if err != nil {
		return nil, err
	}
	r.host = compute
	r.vm.SetMemoryLimit(parseMemory)
	text := "(function () { const acorn = (function () { const exports = {}, module = {exports};\n" + string(acorn) + "\nreturn module.exports; })();\n" + string(parse) + "\n})()"
	code, err := r.vm.Compile(text, quickjs.EvalGlobal)
	p := &Parser{realm: r}
	if err == nil {
		p.parse, err = r.vm.EvalBytecodeValue(code)
	}
	if err != nil {
		r.close()
		return nil, fmt.Errorf("script: parser: %w", err)
	}
	return p, nil
}

// Close gives its memory back.
func (p *Parser) Close() {
	p.parse.Free()
	p.realm.close()
}

// Syntax is a script that was read.
type Syntax struct {
	Form     string          // in which it could be read: rule, module, program
	Tree     json.RawMessage // in the manner of ESTree
	Shift    int             // what is to be taken from the tree's offsets
	Comments []Comment
	Error    *SyntaxError // nil: it could be read
}

// Comment is a comment; offsets are in UTF-16 units.
type Comment struct {
	Block      bool
	Text       string
	Start, End int
}

// SyntaxError is why a script cannot be read.
type SyntaxError struct {
	Message string
	At      int // offset in UTF-16 units
}

// Parse reads a script in the first of the forms in which it can be read: rule, one function expression; module, the body of a CommonJS
// module; program. What is wrong with the script is in the result.
func (p *Parser) Parse(source string, forms ...string) (Syntax, error) {
	source = strings.TrimPrefix(source, "\ufeff")
	_ = p.realm.vm.SetEvalTimeout(parseTime)
	answer, err := p.parse.Call(quickjs.UndefinedValue, source, strings.Join(forms, " "))
	if err != nil {
		return Syntax{}, fmt.Errorf("script: parse: %w", err)
	}
	text, _ := answer.(string)
	var out Syntax
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		return Syntax{}, fmt.Errorf("script: parse: %w", err)
	}
	return out, nil
}

// Resolve tells what a script gets that requires a module without further dependencies: whether there is one, and the version that is used
// where another one is asked for.
func (p *Parser) Resolve(specifier string) (found bool, instead string) {
	answer, err := p.realm.do("resolves", specifier)
	text, _ := answer.(string)
	var m *struct{ Version, Warning string }
	if err != nil || json.Unmarshal([]byte(text), &m) != nil || m == nil {
		return false, ""
	}
	if m.Warning != "" {
		instead = m.Version
	}
	return true, instead
}
