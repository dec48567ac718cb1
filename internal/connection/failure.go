package connection

import (
	"errors"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
)

// ScriptFailure is within errors that the script of a connection caused. Its words are for the tenant's log.
type ScriptFailure struct {
	Script string // name of it
	script.Failure
}

// Error is the script's own text.
func (f *ScriptFailure) Error() string { return f.Message }

// FromScript returns what a script of a connection did, nil if the error is no script's.
func FromScript(err error) *ScriptFailure {
	var f *ScriptFailure
	if errors.As(err, &f) {
		return f
	}
	return nil
}

// CodeScript is the code of errors about scripts that failed without a word for people.
const CodeScript = "access_denied"

// refusal gives the error of a script the server's words (extensibility fact sheet 5.3). What a script throws, rather than call back with,
// is never an answer about a person.
func refusal(name string, failed *script.Failure) error {
	f := &ScriptFailure{Script: name, Failure: *failed}
	e := &stagedoor.Error{Kind: stagedoor.Scripted, Code: CodeScript, Message: f.Message, Err: f}
	if f.Kind != script.KindCallback {
		return e
	}
	switch f.Name {
	case script.ErrorWrongCredentials:
		e.Kind, e.Code, e.Message = stagedoor.Forbidden, "invalid_grant", wrongCredentials
	case script.ErrorUnauthorized:
		e.Kind, e.Code = stagedoor.Unauthorized, "unauthorized"
	case script.ErrorValidation:
		if e.Kind = stagedoor.Invalid; f.Code != "" {
			e.Code = f.Code
		}
		if e.Code == "user_exists" {
			e.Kind = stagedoor.Conflict
		}
	}
	return e
}

// missing is the answer where a connection has no script for what is wanted.
func missing(name string) error {
	text := "Sandbox Error: Please implement the " + name + " script for this database connection"
	return &stagedoor.Error{
		Kind: stagedoor.Scripted, Code: CodeScript, Message: text,
		Err: &ScriptFailure{Script: name, Failure: script.Failure{Kind: script.KindSyntax, Message: text}},
	}
}
