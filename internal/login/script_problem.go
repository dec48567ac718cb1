package login

import (
	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/ui"
)

// scriptProblem is what people read about an error that the script of a connection caused; false for other errors. What the script wrote for
// them is shown. What went wrong in it is the tenant's business, and in its log.
func scriptProblem(err error) (ui.Problem, bool) {
	f := connection.FromScript(err)
	switch {
	case f != nil && f.Kind == script.KindCallback && (f.Name == script.ErrorUnauthorized || f.Name == script.ErrorValidation) && f.Message != "":
		return ui.Problem{Code: "script", Text: f.Message}, true
	case f != nil || stagedoor.IsKind(err, stagedoor.Scripted):
		return ui.Problem{Code: "script_failed"}, true
	}
	return ui.Problem{}, false
}

// passwordScriptProblem is the same where a script took no new password.
func passwordScriptProblem(err error) (ui.Problem, bool) {
	problem, theirs := scriptProblem(err)
	if theirs && problem.Text == "" {
		problem.Code = "unknown" // the other words are about logins
	}
	return problem, theirs
}
