package password

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Policy says what a new password must be like. The zero value wants it not to be empty.
type Policy struct {
	Level     string // none, low, fair, good or excellent; empty counts as none
	MinLength int    // in characters; 0 means that of the level: 1, 6, 8, 8 or 10

	// The newer way to say it; Level is empty then.
	Types        []string // which of uppercase, lowercase, number and special must be there
	ThreeOfFour  bool     // any three of them are enough
	NoIdentical  bool     // at most two identical characters in a row
	NoSequential bool     // at most two characters in a row that follow each other, such as ab or 21
}

// Levels are the names that Policy.Level takes, from the weakest on.
var Levels = []string{"none", "low", "fair", "good", "excellent"}

// A Result lists what was asked and what is fulfilled, in the shape of the wire.
type Result struct {
	Rules    []Rule `json:"rules"`
	Verified bool   `json:"verified"`
}

// A Rule is one demand: nonEmpty, lengthAtLeast, shouldContain, containsAtLeast, identicalChars or sequentialChars. Message holds %d and %s for
// the values of Format, so that pages can translate it.
type Rule struct {
	Message  string `json:"message"`
	Format   []any  `json:"format,omitempty"`
	Code     string `json:"code"`
	Items    []Item `json:"items,omitempty"`
	Verified bool   `json:"verified"`
}

// An Item is a type of characters: lowerCase, upperCase, numbers or specialCharacters.
type Item struct {
	Message  string `json:"message"`
	Code     string `json:"code"`
	Verified bool   `json:"verified"`
}

const (
	lower   = "abcdefghijklmnopqrstuvwxyz"
	upper   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits  = "0123456789"
	special = " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
)

// types are the types of characters, in the order of the wire. The fair level does without the last.
var types = []struct{ message, code, chars string }{
	{"lower case letters (a-z)", "lowerCase", lower},
	{"upper case letters (A-Z)", "upperCase", upper},
	{"numbers (i.e. 0-9)", "numbers", digits},
	{"special characters (e.g. !@#$%^&*)", "specialCharacters", special},
}

// Check judges a password.
func (p Policy) Check(password string) Result {
	rules := []Rule{p.length(password)}
	switch p.Level {
	case "fair":
		rules = append(rules, contains(password))
	case "good":
		rules = append(rules, containsAtLeast(password, 3))
	case "excellent":
		rules = append(rules, containsAtLeast(password, 3), identical(password, 2))
	}
	rules = append(rules, p.newer(password)...)
	result := Result{Rules: rules, Verified: true}
	for _, rule := range rules {
		result.Verified = result.Verified && rule.Verified
	}
	return result
}

// newer are the rules that are not of a level.
func (p Policy) newer(password string) []Rule {
	var rules []Rule
	switch {
	case p.ThreeOfFour:
		rules = append(rules, containsAtLeast(password, 3))
	case len(p.Types) > 0:
		items, all := []Item{}, true
		names := map[string]string{"lowerCase": "lowercase", "upperCase": "uppercase", "numbers": "number", "specialCharacters": "special"}
		known, _ := typesIn(password, len(types))
		for _, item := range known {
			if slices.Contains(p.Types, names[item.Code]) {
				items, all = append(items, item), all && item.Verified
			}
		}
		rules = append(rules, Rule{Message: "Should contain:", Code: "shouldContain", Items: items, Verified: all})
	}
	if p.NoIdentical {
		rules = append(rules, identical(password, 2))
	}
	if p.NoSequential {
		rules = append(rules, Rule{
			Message: `No more than %d sequential characters in a row (e.g., "%s" not allowed)`, Format: []any{2, "abc"}, Code: "sequentialChars",
			Verified: password != "" && !sequential(password),
		})
	}
	return rules
}

// sequential tells whether three characters in a row follow each other, upwards or downwards.
func sequential(password string) bool {
	r := []rune(strings.ToLower(password))
	for i := 2; i < len(r); i++ {
		if step := r[i] - r[i-1]; step == r[i-1]-r[i-2] && (step == 1 || step == -1) {
			return true
		}
	}
	return false
}

// Text is the policy in English, as the wire has it: a line for each rule, starred, items one space further in.
func (p Policy) Text() string {
	var lines []string
	for _, rule := range p.Check("").Rules {
		lines = append(lines, "* "+fmt.Sprintf(rule.Message, rule.Format...))
		for _, item := range rule.Items {
			lines = append(lines, " * "+item.Message)
		}
	}
	return strings.Join(lines, "\n")
}

// Least is how many characters a password must have.
func (p Policy) Least() int {
	if p.MinLength > 0 {
		return p.MinLength
	}
	return max(map[string]int{"low": 6, "fair": 8, "good": 8, "excellent": 10}[p.Level], 1)
}

func (p Policy) length(password string) Rule {
	least := p.Least()
	if least <= 1 {
		return Rule{Message: "Non-empty password required", Code: "nonEmpty", Verified: password != ""}
	}
	return Rule{
		Message: "At least %d characters in length", Format: []any{least}, Code: "lengthAtLeast",
		Verified: utf8.RuneCountInString(password) >= least,
	}
}

func contains(password string) Rule {
	items, found := typesIn(password, 3)
	return Rule{Message: "Should contain:", Code: "shouldContain", Items: items, Verified: found == len(items)}
}

func containsAtLeast(password string, least int) Rule {
	items, found := typesIn(password, len(types))
	return Rule{
		Message: "Contain at least %d of the following %d types of characters:", Format: []any{least, len(items)},
		Code: "containsAtLeast", Items: items, Verified: found >= least,
	}
}

func typesIn(password string, n int) (items []Item, found int) {
	for _, t := range types[:n] {
		verified := strings.ContainsAny(password, t.chars)
		if verified {
			found++
		}
		items = append(items, Item{t.message, t.code, verified})
	}
	return items, found
}

// identical refuses more than most equal characters in a row. An empty password fails too, as on the wire.
func identical(password string, most int) Rule {
	longest, run, last := 0, 0, rune(-1)
	for _, r := range password {
		if r != last {
			run, last = 0, r
		}
		run++
		longest = max(longest, run)
	}
	return Rule{
		Message: `No more than %d identical characters in a row (e.g., "%s" not allowed)`,
		Format:  []any{most, strings.Repeat("a", most+1)}, Code: "identicalChars",
		Verified: longest > 0 && longest <= most,
	}
}
