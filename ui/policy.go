package ui

import "fmt"

// Rule is one rule of a connection's password policy, as it is explained on the page and, after
// a refused password, checked off. Codes and arguments are those of the sign-up error:
//
//	nonEmpty · lengthAtLeast [n] · containsAtLeast [n, of] · shouldContain · identicalChars [n, example] ·
//	sequentialChars [n, example]
//	and below the middle two: lowerCase · upperCase · numbers · specialCharacters
//	further: dictionary · personalInfo · history [n]
type Rule struct {
	Code  string
	Args  []any
	Items []Rule
	State State
}

// State tells whether a password kept a rule.
type State int

// Untried is the state of rules on a fresh page.
const (
	Untried State = iota
	Kept
	Broken
)

// Parts are the items of a rule as a reader needs them: once enough kinds of characters are there, those
// left out are no longer wrong.
func (r Rule) Parts() []Rule {
	parts := append([]Rule(nil), r.Items...)
	for i := range parts {
		if r.State == Kept && parts[i].State == Broken {
			parts[i].State = Untried
		}
	}
	return parts
}

// Least is the number of a rule, for the script that checks passwords while they are typed; "" if it has none.
func (r Rule) Least() string {
	if len(r.Args) == 0 {
		return ""
	}
	return fmt.Sprint(r.Args[0])
}

// Name is the state as part of a CSS class and of a text key.
func (s State) Name() string { return [...]string{"untried", "kept", "broken"}[s] }

// RuleText explains r. A rule that the catalogue does not know is named by its code.
func (f Frame) RuleText(r Rule) string {
	key := "rule." + r.Code
	if !known(key) {
		return r.Code
	}
	args := make([]any, len(r.Args))
	for i, a := range r.Args {
		args[i] = fmt.Sprint(a) // numbers may come as float64 from JSON
	}
	return f.T(key, args...)
}
