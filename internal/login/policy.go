package login

import (
	"errors"
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/password"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

// policyRules explains what the connection asks of a password, checked off for one that was tried.
func policyRules(conn *stagedoor.Connection, tried string) []ui.Rule {
	state := func(kept bool) ui.State {
		switch {
		case tried == "":
			return ui.Untried
		case kept:
			return ui.Kept
		}
		return ui.Broken
	}
	var rules []ui.Rule
	for _, r := range connection.Policy(conn).Check(tried).Rules {
		rule := ui.Rule{Code: r.Code, Args: r.Format, State: state(r.Verified)}
		for _, item := range r.Items {
			rule.Items = append(rule.Items, ui.Rule{Code: item.Code, State: state(item.Verified)})
		}
		rules = append(rules, rule)
	}
	common, personal, history := connection.Further(conn, tried)
	if common != nil {
		rules = append(rules, ui.Rule{Code: "dictionary", State: state(*common)})
	}
	if personal {
		rules = append(rules, ui.Rule{Code: "personalInfo"})
	}
	if history > 0 {
		rules = append(rules, ui.Rule{Code: "history", Args: []any{history}})
	}
	return rules
}

// passwordProblems finds why a new password is refused, without a look at whose it is to be.
func passwordProblems(conn *stagedoor.Connection, secret string) ui.Problems {
	if secret == "" {
		return ui.Problems{{Code: "missing_password", Field: ui.FieldPassword}}
	}
	if err := connection.CheckPassword(conn, secret); err != nil {
		return ui.Problems{passwordProblem(err)}
	}
	return nil
}

// problemOf are what people read about a refused password, by the name of the error.
var problemOf = map[string]string{
	"PasswordDictionaryError": "password_dictionary", "PasswordNoUserInfoError": "password_personal_info", "PasswordHistoryError": "password_history",
}

func passwordProblem(err error) ui.Problem {
	code := "password_too_long"
	if weak := (*password.Error)(nil); errors.As(err, &weak) {
		if code = problemOf[weak.Name]; code == "" {
			code = weak.Code
		}
	}
	return ui.Problem{Code: code, Field: ui.FieldPassword}
}

// newPasswordProblems are what keeps a password from becoming the person's.
func (d *Door) newPasswordProblems(r *http.Request, st *store.Store, conn *stagedoor.Connection, clientID string, u *stagedoor.User, secret string) (ui.Problems, error) {
	if problems := passwordProblems(conn, secret); problems != nil {
		return problems, nil
	}
	err := d.Pipeline.CheckNewPassword(r.Context(), visit(r, st), conn, clientID, u, secret)
	if weak := (*password.Error)(nil); errors.As(err, &weak) {
		return ui.Problems{passwordProblem(err)}, nil
	}
	if stagedoor.HasCode(err, pipeline.CodeLeaked) {
		return ui.Problems{{Code: "password_leaked_new", Field: ui.FieldPassword}}, nil
	}
	return nil, err
}
