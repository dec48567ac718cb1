package ui

import (
	"fmt"
	"strings"
	"testing"
)

func TestConsentGroups(t *testing.T) {
	for _, c := range []struct{ scopes, want string }{
		{"", "[]"},
		{"openid", "[]"},
		{"email openid profile", "[{Your profile [Your name, nickname and picture Your email address]}]"},
		{"read:playlists delete:playlists read:playlists", "[{Playlists [See them Delete them]}]"},
		{"read:client_grants explode:stars", "[{Client grants [See them]} {Stars [Explode]}]"},
		{"offline_access stream", "[{Also [Stream Keep this access while you are away]}]"},
		{":x x: :", "[{Also [X X :]}]"},
	} {
		p := ConsentPage{Frame: Frame{Lang: "en"}}
		for _, scope := range strings.Fields(c.scopes) {
			p.Scopes = append(p.Scopes, Scope{Value: scope})
		}
		if got := fmt.Sprint(p.Groups()); got != c.want {
			t.Errorf("%q: %s, want %s", c.scopes, got, c.want)
		}
	}
	described := ConsentPage{Frame: Frame{Lang: "en"}, Scopes: []Scope{{"read:songs", "Hear your songs"}, {"email", "Write to you"}, {"x", "Anything"}}}
	if got, want := fmt.Sprint(described.Groups()), "[{Your profile [Write to you]} {Songs [Hear your songs]} {Also [Anything]}]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestProblemText(t *testing.T) {
	f := Frame{Lang: "en"}
	for _, c := range []struct {
		problem Problem
		want    string
	}{
		{Problem{Code: "user_exists", Text: "ignored"}, "There is an account for this email address already. Log in instead."},
		{Problem{Code: "extensibility_error", Text: "We open in October."}, "We open in October."},
		{Problem{Code: "nobody_knows"}, "Something went wrong. Please try again."},
		{Problem{}, "Something went wrong. Please try again."},
	} {
		if got := f.ProblemText(c.problem); got != c.want {
			t.Errorf("%+v: %q", c.problem, got)
		}
	}
}

// A problem in the list above a form has its field before it, as the language writes that.
func TestProblemOfAField(t *testing.T) {
	for lang, want := range map[string]string{"en": "Age: no", "fr": "Age\u202f: no", "ja": "Age：no"} {
		p := FormPage{Frame: Frame{Lang: lang}, Parts: []FormPart{{Name: "age", Label: "Age"}}}
		if got := p.ProblemText(Problem{Field: "age", Text: "no"}); got != want {
			t.Errorf("%s: %q", lang, got)
		}
	}
}

func TestPasswordRules(t *testing.T) {
	in := input{Policy: append(samplePolicy(), Rule{Code: "identicalChars", Args: []any{float64(2), "aaa"}})}
	want := "minlength: 8; required: lower; required: upper; required: digit; required: [!@#$%^&*]; max-consecutive: 2;"
	if got := in.PasswordRules(); got != want {
		t.Errorf("%q", got)
	}
	if got := (Frame{Lang: "en"}).RuleText(Rule{Code: "lengthAtLeast", Args: []any{float64(8)}}); got != "8 or more characters" {
		t.Errorf("%q", got)
	}
}

func TestEnoughKindsForgiveTheRest(t *testing.T) {
	items := []Rule{{Code: "numbers", State: Broken}, {Code: "lowerCase", State: Kept}}
	if got := (Rule{State: Kept, Items: items}).Parts(); got[0].State != Untried || got[1].State != Kept {
		t.Errorf("kept: %+v", got)
	}
	if got := (Rule{State: Broken, Items: items}).Parts(); got[0].State != Broken {
		t.Errorf("broken: %+v", got)
	}
	if items[0].State != Broken {
		t.Error("the caller's rules were changed")
	}
}

func TestFocusGoesToTheFirstEmptyField(t *testing.T) {
	focus := func(fields []input) string {
		for _, in := range fields {
			if in.Focus {
				return in.Name
			}
		}
		return ""
	}
	if got := focus(LoginPage{}.Inputs()); got != FieldUsername {
		t.Errorf("empty: %q", got)
	}
	if got := focus(LoginPage{Identifier: "ada@example.com"}.Inputs()); got != FieldPassword {
		t.Errorf("prefilled: %q", got)
	}
	if got := focus(LoginPage{Problems: Problems{{Code: "x"}}}.Inputs()); got != "" {
		t.Errorf("with problems: %q", got)
	}
}

func TestSpans(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "[]",
		"no link":                             "[{no link }]",
		"see https://a.example/x?y=1.":        "[{see  } {https://a.example/x?y=1 https://a.example/x?y=1} {. }]",
		"<https://a.example> javascript:x":    "[{< } {https://a.example https://a.example} {> javascript:x }]",
		"http://...":                          "[{http:// } {... }]",
		"https://a.example https://b.example": "[{https://a.example https://a.example} {  } {https://b.example https://b.example}]",
	} {
		if got := fmt.Sprint(MailPage{Text: text}.Spans()); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
