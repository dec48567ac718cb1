package login

import (
	"cmp"
	"context"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/form"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

// formPath is where somebody fills in a form of the tenant's.
const formPath = "/u/form"

// fieldPress is the field that tells which button was pressed.
const fieldPress = "press"

// showForm shows the step at which the person is.
func (d *Door) showForm(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, err := d.prompt(r, st, pipeline.AskForm)
	if err != nil {
		return err
	}
	walk, err := d.Pipeline.FormStep(r.Context(), visit(r, st), p.tx)
	if err != nil {
		return err
	}
	if walk.State.Done {
		p.goOn(w, r, nil)
		return nil
	}
	return d.renderForm(w, r, p, walk, http.StatusOK, nil)
}

// fillIn takes the form of the page.
func (d *Door) fillIn(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, err := d.prompt(r, st, pipeline.AskForm)
	if err != nil {
		return err
	}
	out, err := d.Pipeline.AnswerForm(r.Context(), visit(r, st), p.tx.ID, r.PostFormValue(fieldNonce), cmp.Or(r.PostFormValue(fieldPress), form.PressNext), r.PostForm)
	switch {
	case err != nil:
		return err
	case out.Problems != nil:
		return d.renderForm(w, r, p, out.Walk, http.StatusBadRequest, out.Problems)
	case out.Walk.State.Elsewhere != "":
		redirect(w, r, out.Walk.State.Elsewhere)
	case out.Walk.State.Done:
		p.goOn(w, r, nil)
	default:
		redirect(w, r, p.link(formPath))
	}
	return nil
}

// sheet makes a page of a step.
type sheet struct {
	walk     *form.Walk
	env      *form.Env
	frame    ui.Frame
	posted   map[string][]string // nil unless what was posted could not be taken
	problems ui.Problems
}

func (d *Door) renderForm(w http.ResponseWriter, r *http.Request, p *prompt, walk *form.Walk, status int, wrong []form.Problem) error {
	step, err := walk.Step()
	if err != nil {
		return err
	}
	s := &sheet{walk: walk, env: walk.Env(), frame: p.frame}
	if wrong != nil {
		s.posted = r.PostForm
	}
	for _, one := range wrong {
		s.problems = append(s.problems, s.problem(one))
	}
	switch {
	case wrong != nil:
	case walk.State.Message != "":
		status, s.problems = http.StatusBadRequest, ui.Problems{{Text: walk.State.Message}}
	case walk.State.Failed:
		status, s.problems = http.StatusBadRequest, ui.Problems{{Code: "form_failed"}}
	}
	out := ui.FormPage{Frame: p.frame, Form: p.form(formPath), Problems: s.problems, Words: walk.Form.Lang}
	for i := range step.Config.Components {
		part, show, err := s.part(step, &step.Config.Components[i])
		if err != nil {
			return err
		}
		if head, has := part.HTML.Heading(); part.Kind == "html" && has && len(out.Parts) == 0 && out.Head == (ui.Markup{}) {
			out.Head = head
			continue
		}
		if show {
			out.Parts = append(out.Parts, part)
		}
	}
	page.Render(w, status, out)
	return nil
}

// problem is what is wrong with an answer in the form's words, or in ours.
func (s *sheet) problem(one form.Problem) ui.Problem {
	out := ui.Problem{Field: form.FieldName(one.Component), Text: one.Text, Code: "form_" + one.Code}
	if names := map[string]string{"email": "invalid_email", "international": "invalid_phone_number"}; names[one.Code] != "" {
		out.Code = names[one.Code]
	}
	if one.Text != "" {
		out.Code = ""
	} else if n, is := one.Arg.(float64); is {
		out.Code, out.Text = "", s.frame.T("problem."+out.Code, strconv.FormatFloat(n, 'f', -1, 64))
	} else if one.Code == "too_short" || one.Code == "too_long" {
		out.Code, out.Text = "", s.frame.T("problem."+out.Code, one.Arg)
	}
	return out
}

// text puts values into a text that the page escapes; markup does it for HTML, which is cleaned afterwards.
func (s *sheet) text(text string) (string, error) { return s.env.Words(text, nil) }

func (s *sheet) markup(source string) (ui.Markup, error) {
	text, err := s.env.Words(source, html.EscapeString)
	return ui.Cleaned(form.Clean(text)), err
}

// part is a component as the page shows it.
func (s *sheet) part(step *form.Node, c *form.Component) (p ui.FormPart, show bool, err error) {
	cfg := &c.Config
	texts := []*string{&cfg.Text, &cfg.Src, &cfg.ActiveText, &cfg.ButtonText, &cfg.Placeholder, &c.Label}
	if c.Type == "LEGAL" {
		texts = texts[1:] // it is HTML
	}
	for _, text := range texts {
		if *text, err = s.text(*text); err != nil {
			return p, false, err
		}
	}
	switch c.Type {
	case "HTML", "RICH_TEXT":
		p.Kind = "html"
		p.HTML, err = s.markup(cfg.Content)
		return p, true, err
	case "DIVIDER":
		return ui.FormPart{Kind: "divider", Text: cfg.Text}, true, nil
	case "IMAGE":
		return ui.FormPart{Kind: "image", Src: cfg.Src, Height: min(max(cfg.Height, 0), 1000), Position: strings.ToLower(cfg.Position)}, true, nil
	case "NEXT_BUTTON":
		return button(ui.FormButton{Press: form.PressNext, Text: cmp.Or(cfg.Text, s.frame.T("organization.submit")), Main: true}), true, nil
	case "PREVIOUS_BUTTON":
		return button(ui.FormButton{Press: form.PressBack, Text: cmp.Or(cfg.Text, "←")}), s.walk.GoesBack(step), nil
	case "JUMP_BUTTON":
		return button(ui.FormButton{Press: form.PressJump + c.ID, Text: cmp.Or(cfg.Text, "→")}), true, nil
	case "RESEND_BUTTON":
		return s.resend(c), true, nil
	}
	p, err = s.field(c)
	return p, true, err
}

func button(b ui.FormButton) ui.FormPart {
	return ui.FormPart{Kind: "buttons", Buttons: []ui.FormButton{b}}
}

func (s *sheet) resend(c *form.Component) ui.FormPart {
	wait, will := s.walk.Waits(c)
	switch {
	case !will:
		return button(ui.FormButton{})
	case wait > 0:
		seconds := strconv.Itoa(int((wait + time.Second - 1) / time.Second))
		return button(ui.FormButton{Text: strings.NewReplacer("{{remaining_seconds}}", seconds, "{{ remaining_seconds }}", seconds).Replace(c.Config.WaitingText)})
	}
	return button(ui.FormButton{Press: form.PressResend + c.ID, Text: cmp.Or(c.Config.ButtonText, "↻"), Before: c.Config.ActiveText})
}

// lines are the fields of one line: their types, and what browsers may fill in.
var lines = map[string][2]string{
	"TEXT": {"text", "on"}, "EMAIL": {"email", "email"}, "NUMBER": {"number", "off"}, "TEL": {"tel", "tel"}, "URL": {"url", "url"}, "PASSWORD": {"password", "new-password"}, "DATE": {"date", "off"},
}

func (s *sheet) field(c *form.Component) (ui.FormPart, error) {
	cfg := &c.Config
	p := ui.FormPart{
		Name: form.FieldName(c.ID), Label: c.Label, Required: c.Required, Placeholder: cfg.Placeholder, Autocomplete: "off", Problems: s.problems.Of(form.FieldName(c.ID)),
	}
	var err error
	if c.Hint != "" {
		if p.Hint, err = s.markup(c.Hint); err != nil {
			return p, err
		}
	}
	value, err := s.value(c)
	if err != nil {
		return p, err
	}
	switch c.Type {
	case "LEGAL":
		p.Kind = "legal"
		if value == true {
			p.Value = "true"
		}
		p.HTML, err = s.markup(cmp.Or(cfg.Text, html.EscapeString(c.Label), "✓"))
		if cfg.Text == "" {
			p.Label = ""
		}
		return p, err
	case "BOOLEAN":
		yes, no := c.YesNo()
		p.Kind, p.Required = "choices", true
		for i, o := range []ui.FormOption{{Value: "true", Label: cmp.Or(yes, s.frame.T("tenantform.yes"))}, {Value: "false", Label: cmp.Or(no, s.frame.T("tenantform.no"))}} {
			o.ID, o.Name, o.Chosen = form.FieldName(c.ID, i), p.Name, form.Text(value) == o.Value
			p.Options = append(p.Options, o)
		}
		return p, nil
	case "CHOICE", "CARDS", "DROPDOWN":
		return p, s.choices(c, &p, value)
	}
	p.Kind, p.Type, p.Autocomplete = "line", lines[c.Type][0], lines[c.Type][1]
	if cfg.Multiline && c.Type == "TEXT" {
		p.Kind = "area"
	}
	switch {
	case c.Type == "DATE" && strings.EqualFold(cfg.Format, "TIME"):
		p.Type = "time"
	case c.Type == "TEL" && cfg.CountryPicker:
		p.Example = "passwordless.phone.hint"
	}
	for to, from := range map[*string]*float64{&p.Least: cfg.Min, &p.Most: cfg.Max} {
		if from != nil {
			*to = strconv.FormatFloat(*from, 'f', -1, 64)
		}
	}
	if number, is := value.(map[string]any); is {
		value = number["international_format"]
	}
	if c.Type != "PASSWORD" && !(c.Sensitive && s.posted == nil) {
		p.Value = form.Text(value)
	}
	return p, nil
}

// value is what a field shows: what was posted and could not be taken, what was answered before, or what the form begins with.
func (s *sheet) value(c *form.Component) (any, error) {
	if s.posted != nil {
		if c.Type == "LEGAL" {
			return s.posted[form.FieldName(c.ID)] != nil, nil
		}
		return strings.Join(s.posted[form.FieldName(c.ID)], ""), nil
	}
	if v, there := s.walk.State.Fields[c.ID]; there {
		return v, nil
	}
	if text, is := c.Config.Default.(string); is {
		return s.env.Expand(text, nil)
	}
	if c.Type == "BOOLEAN" && c.Config.Default == nil && !c.Required {
		return false, nil
	}
	return c.Config.Default, nil
}

// choices puts the options of a component on the page. What is posted is their place among the options, not their value.
func (s *sheet) choices(c *form.Component, p *ui.FormPart, value any) error {
	cfg := &c.Config
	p.Kind, p.Many, p.Cards, p.Bare = "choices", cfg.Multiple, c.Type == "CARDS", cfg.HideLabels
	if c.Type == "DROPDOWN" && !cfg.Multiple {
		p.Kind = "select"
	}
	had := func(position, v string) bool {
		if s.posted != nil {
			if p.Many {
				return s.posted[form.FieldName(c.ID, position)] != nil
			}
			return form.Text(value) == position
		}
		if list, is := value.([]any); is {
			for _, one := range list {
				if form.Text(one) == v {
					return true
				}
			}
			return false
		}
		return value != nil && form.Text(value) == v
	}
	add := func(position string, o ui.FormOption, v string) {
		o.ID, o.Name, o.Value, o.Chosen = form.FieldName(c.ID, position), p.Name, position, had(position, v)
		if p.Many {
			o.Name, o.Value = o.ID, "true"
		}
		p.Options = append(p.Options, o)
	}
	known := map[string]bool{}
	for i, o := range c.Choices() {
		label, err := s.text(o.Label)
		if err != nil {
			return err
		}
		image, err := s.text(o.Image)
		if err != nil {
			return err
		}
		known[o.Value] = true
		add(fmt.Sprint(i), ui.FormOption{Label: cmp.Or(label, o.Value), Image: image}, o.Value)
	}
	if cfg.Other.Enabled && p.Kind == "choices" {
		own := ""
		list, is := value.([]any)
		if !is && value != nil {
			list = []any{value}
		}
		for _, one := range list {
			if text := form.Text(one); !known[text] && s.posted == nil {
				own = text
			}
		}
		if s.posted != nil {
			own = strings.Join(s.posted[form.FieldName(c.ID, form.Other, "text")], "")
		}
		add(form.Other, ui.FormOption{
			Label: cmp.Or(cfg.Other.Label, s.frame.T("tenantform.other")), Own: form.FieldName(c.ID, form.Other, "text"), OwnValue: own, Placeholder: cfg.Other.Placeholder,
		}, cmp.Or(own, "\x00"))
	}
	return nil
}

// MailFlow sends a mail of a tenant's flow, and returns when it is handed on.
func (d *Door) MailFlow(ctx context.Context, v pipeline.Visit, u *stagedoor.User, m form.Mail) error {
	return d.Send(ctx, v.Store, mail.Message{
		From: m.From, To: m.To, Subject: m.Subject, HTML: m.HTML, Text: form.Plain(m.HTML), Kind: "flow", About: mail.About{User: u, Locale: v.Language},
	})
}
