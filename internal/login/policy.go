package login

import (
	"errors"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/password"
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
	return rules
}

// passwordProblems finds why a new password is refused.
func passwordProblems(conn *stagedoor.Connection, secret string) ui.Problems {
	if secret == "" {
		return ui.Problems{{Code: "missing_password", Field: ui.FieldPassword}}
	}
	err := connection.CheckPassword(conn, secret)
	if err == nil {
		return nil
	}
	code := "password_too_long"
	if weak := (*password.Error)(nil); errors.As(err, &weak) {
		code = weak.Code
	}
	return ui.Problems{{Code: code, Field: ui.FieldPassword}}
}
