package script

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"modernc.org/quickjs"
)

// formCall is a script of a connection: one function expression, or a program that declares functions. Compiled it is a function
// (module, exports) that returns the function, or a list of pairs of a name and what the program declares under it.
const formCall = "call"

// compileCall tries a script as an expression, as a program, and as an expression that is followed by semicolons. The error is that of
// the attempt that came furthest.
func compileCall(b *bytecode, vm *quickjs.VM, key, source string) ([]byte, error) {
	source = strings.TrimPrefix(source, "\ufeff")
	var worst error
	for _, text := range []string{
		"(function (module, exports) { return (" + source + "\n); })",
		"(function (module, exports) {" + source + "\n;return [" + declared(source) + "]; })",
		"(function (module, exports) { return 0," + source + "\n; })",
	} {
		code, err := b.compile(vm, key, text)
		if err == nil {
			return code, nil
		}
		if worst == nil || line(err) > line(worst) {
			worst = err
		}
	}
	return nil, worst
}

func line(err error) int {
	var e *quickjs.Error
	if errors.As(err, &e) {
		return e.LineNumber
	}
	return 0
}

// named finds what may be the name of a function. What stands in a comment, in a text or inside another function is not there when the
// program asks for it at its end, and then passed over.
var named = regexp.MustCompile(`\bfunction\s*\*?\s*([A-Za-z_$][\w$]*)|\b(?:var|let|const)\s+([A-Za-z_$][\w$]*)\s*=`)

// maxDeclared bounds how many names are asked for.
const maxDeclared = 200

// reserved are words that no variable has for a name (ECMA-262 12.7.2).
var reserved = strings.Fields(`await break case catch class const continue debugger default delete do else enum export extends false finally for function
	if import in instanceof new null return super switch this throw true try typeof var void while with yield let static implements interface package
	private protected public`)

// declared is the source of the pairs: each name, and its value if that is a function.
func declared(source string) string {
	var names []string
	for _, m := range named.FindAllStringSubmatch(source, -1) {
		name := m[1] + m[2]
		if len(names) < maxDeclared && !slices.Contains(reserved, name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	var out strings.Builder
	for _, name := range names {
		out.WriteString("['" + name + "', typeof " + name + " === 'function' ? " + name + " : null],")
	}
	return out.String()
}
