package ui

import (
	"html/template"
	"strings"
)

// FormPage is one step of a form that the tenant has drawn up.
type FormPage struct {
	Frame
	Form
	Problems Problems
	Words    string // language of the tenant's own words; "" if it is that of the page
	Head     Markup // begins with the page's heading; see [Markup.Heading]. Without, the page has one of ours
	Parts    []FormPart
}

// Markup is HTML that a page shows as it is. Only [Cleaned] makes it.
type Markup struct{ clean string }

// Cleaned is markup out of HTML from which everything has been taken that is more than text.
func Cleaned(html string) Markup { return Markup{html} }

// HTML is the markup as templates show it.
func (m Markup) HTML() template.HTML { return template.HTML(m.clean) } //nolint:gosec // cleaned

// Heading is the markup with its first heading as that of the page; false if it has none.
func (m Markup) Heading() (Markup, bool) {
	before, after, opens := strings.Cut(m.clean, "<h2")
	inner, rest, closes := strings.Cut(after, "</h2>")
	if !opens || !closes {
		return m, false
	}
	return Markup{before + "<h1" + inner + "</h1>" + rest}, true
}

// FormPart is one thing on a form. Kind says which of the members count.
type FormPart struct {
	Kind     string // html, divider, image, line, area, select, choices, legal, buttons
	HTML     Markup // of html and legal
	Text     string // of divider
	Src      string // of image
	Height   int    // of image, in pixels; 0: as it is
	Position string // of image: left, center, right

	Name         string // of a field
	Label        string
	Hint         Markup
	Type         string // of line: text, email, number, tel, url, password, date, time
	Autocomplete string
	Value        string
	Placeholder  string
	Example      string // text key of what helps to fill it in; "" if there is none
	Least, Most  string // of numbers
	Required     bool
	Many         bool // of choices: more than one
	Cards        bool // of choices: pictures
	Bare         bool // of cards: the pictures alone
	Options      []FormOption
	Problems     Problems

	Buttons []FormButton
}

// FormOption is something to choose. Own is the field where the person names it themselves; "" if it is given.
type FormOption struct {
	ID, Name, Value, Label, Image string
	Chosen                        bool
	Own, OwnValue, Placeholder    string
}

// FormButton is a button of a form, or, without a Press, what stands in its place.
type FormButton struct {
	Press, Text string
	Main        bool   // goes on
	Before      string // what stands before it
}

func (FormPage) template() string { return "form" }

// ProblemText is what the list above the form says of p: with the name of the field, without which "Fill this in." says nothing there.
func (p FormPage) ProblemText(problem Problem) string {
	text := p.Frame.ProblemText(problem)
	for _, part := range p.Parts {
		if problem.Field != "" && part.Name == problem.Field && part.Label != "" {
			return p.T("form.problem.of", part.Label, text)
		}
	}
	return text
}

// Fresh tells whether pressing Enter in a field would press another button than the one that goes on: then one stands before them all.
func (p FormPage) Fresh() bool {
	first := true
	for _, part := range p.Parts {
		for _, b := range part.Buttons {
			if b.Main {
				return !first
			}
			first = first && b.Press == ""
		}
	}
	return false
}

// formField is a field with the frame of its page.
type formField struct {
	Frame
	FormPart
}

// With hands a part to its template together with the frame.
func (f Frame) With(p FormPart) formField { return formField{f, p} }

// Hints tells whether there is something that helps to fill the field in.
func (f FormPart) Hints() bool { return f.Hint.clean != "" || f.Example != "" }

// DescribedBy lists the ids of the elements that explain the field to screen readers.
func (f FormPart) DescribedBy() string {
	ids := ""
	if len(f.Problems) > 0 {
		ids = f.Name + "-problem"
	}
	if f.Hints() {
		if ids != "" {
			ids += " "
		}
		ids += f.Name + "-hint"
	}
	return ids
}
