package ui

import (
	"cmp"
	"fmt"
	"strings"
)

// input is one labelled field of a form, with all that belongs to it.
type input struct {
	Frame
	Name         string
	Label        string // text key
	Type         string // email, text, password
	Hint         string // text key of what helps to fill it in; "" if there is none
	Size         string // how many characters are expected; "" if any
	Mode         string // of a phone's keyboard, where Type does not tell: numeric
	Autocomplete string // what browsers and password managers may fill in (HTML, section 4.10.18.7)
	Value        string // never set for passwords
	Problems     Problems
	Policy       []Rule
	Optional     bool // may stay empty
	Focus        bool // takes the cursor when the page opens
	Action       *action
}

// action is a link that stands at the label of a field.
type action struct{ Label, URL string }

// Inputs are the fields of the login form. The identifier is "username" to password managers even
// where it is an email.
func (p LoginPage) Inputs() []input {
	p.screen = "login"
	name := p.Asks.input(p.Identifier)
	if p.Passkeys != nil && p.Passkeys.Autofill {
		name.Autocomplete += " webauthn"
	}
	password := input{Name: FieldPassword, Label: "form.password", Type: "password", Autocomplete: "current-password"}
	if p.ForgotURL != "" {
		password.Action = &action{"login.forgot", p.ForgotURL}
	}
	switch p.Step {
	case AskWho:
		return p.inputs(p.Problems, name)
	case AskPassword:
		return p.inputs(p.Problems, password)
	}
	return p.inputs(p.Problems, name, password)
}

// input is the field for what people log in with.
func (i Identifiers) input(value string) input {
	in := input{Name: FieldUsername, Label: "form.email", Type: "email", Autocomplete: "username", Value: value}
	switch i {
	case Identifiers{Emails: true, Usernames: true}:
		in.Label, in.Type = "form.identifier", "text"
	case Identifiers{Emails: true, Phones: true}:
		in.Label, in.Type, in.Hint = "form.identifier.email_phone", "text", "form.identifier.hint"
	case Identifiers{Phones: true, Usernames: true}:
		in.Label, in.Type, in.Hint = "form.identifier.phone_username", "text", "form.identifier.hint"
	case Identifiers{true, true, true}:
		in.Label, in.Type, in.Hint = "form.identifier.any", "text", "form.identifier.hint"
	case Identifiers{Phones: true}:
		in.Label, in.Type, in.Hint = "form.phone", "tel", "passwordless.phone.hint"
	case Identifiers{Usernames: true}:
		in.Label, in.Type = "form.username", "text"
	}
	return in
}

// Inputs are the fields of the sign-up form.
func (p SignupPage) Inputs() []input {
	p.screen = "signup"
	asks := p.Asks
	if asks == (SignupFields{}) {
		asks.Email = FieldRequired
	}
	var fields []input
	for _, f := range []struct {
		use FieldUse
		in  input
	}{
		{asks.Email, input{Name: FieldEmail, Label: "form.email", Type: "email", Autocomplete: "email", Value: p.Email}},
		{asks.Phone, input{Name: FieldPhone, Label: "form.phone", Hint: "passwordless.phone.hint", Type: "tel", Autocomplete: "tel", Value: p.Phone}},
		{asks.Username, input{Name: FieldUsername, Label: "form.username", Type: "text", Autocomplete: "username", Value: p.Username}},
	} {
		if f.use != FieldAbsent {
			f.in.Optional = f.use == FieldOptional
			fields = append(fields, f.in)
		}
	}
	password := input{Name: FieldPassword, Label: "form.password", Type: "password", Autocomplete: "new-password", Policy: p.Policy}
	switch {
	case p.Step == AskPassword && p.NoPassword:
		return nil
	case p.Step == AskWho || p.NoPassword:
		return p.inputs(p.Problems, fields...)
	case p.Step == AskPassword:
		return p.inputs(p.Problems, password)
	}
	fields = append(fields, password)
	return p.inputs(p.Problems, fields...)
}

// Known is what the page calls the person.
func (p SignupPage) Known() string { return cmp.Or(p.Email, p.Phone, p.Username) }

// Inputs is the one field of the page that asks for an organization.
func (p OrganizationPage) Inputs() []input {
	in := input{Name: FieldOrganization, Label: "form.organization", Type: "text", Autocomplete: "organization", Value: p.Name}
	if p.Emails {
		in.Label = "form.organization.email"
	}
	return p.inputs(p.Problems, in)
}

// Inputs is the one field of the page for forgotten passwords.
func (p ForgotPage) Inputs() []input {
	p.screen = "forgot"
	in := input{Name: FieldEmail, Label: "form.email", Type: "email", Autocomplete: "email", Value: p.Email}
	if p.Asks.Phones || p.Asks.Usernames && !p.Asks.Emails {
		in = p.Asks.input(p.Email)
		in.Name = FieldEmail
	}
	return p.inputs(p.Problems, in)
}

// Inputs is the one field of the page for a new password.
func (p NewPasswordPage) Inputs() []input {
	p.screen = "password"
	return p.inputs(p.Problems, input{
		Name: FieldPassword, Label: "form.newpassword", Type: "password", Autocomplete: "new-password", Policy: p.Policy,
	})
}

// inputs hands each field the page's frame and its own problems. The cursor goes to the first empty
// field, unless there are problems: then the list of problems has the focus.
func (f Frame) inputs(problems Problems, fields ...input) []input {
	focus := len(problems) == 0
	for i := range fields {
		in := &fields[i]
		in.Frame, in.Problems = f, problems.Of(in.Name)
		if focus && in.Value == "" {
			in.Focus, focus = true, false
		}
	}
	return fields
}

// DescribedBy lists the ids of the elements that explain the field to screen readers.
func (in input) DescribedBy() string {
	var ids []string
	if len(in.Problems) > 0 {
		ids = append(ids, in.Name+"-problem")
	}
	if in.Hint != "" {
		ids = append(ids, in.Name+"-hint")
	}
	if len(in.Policy) > 0 {
		ids = append(ids, in.Name+"-policy")
	}
	return strings.Join(ids, " ")
}

// PasswordRules tells password generators what the policy demands, in the notation of the
// passwordrules attribute. Where a policy leaves a choice of kinds, all are asked for.
func (in input) PasswordRules() string {
	var parts []string
	for _, r := range in.Policy {
		switch {
		case r.Code == "lengthAtLeast" && len(r.Args) > 0:
			parts = append(parts, fmt.Sprintf("minlength: %v;", r.Args[0]))
		case r.Code == "identicalChars" && len(r.Args) > 0:
			parts = append(parts, fmt.Sprintf("max-consecutive: %v;", r.Args[0]))
		}
		for _, item := range r.Items {
			switch item.Code {
			case "lowerCase":
				parts = append(parts, "required: lower;")
			case "upperCase":
				parts = append(parts, "required: upper;")
			case "numbers":
				parts = append(parts, "required: digit;")
			case "specialCharacters":
				parts = append(parts, "required: [!@#$%^&*];")
			}
		}
	}
	return strings.Join(parts, " ")
}

// rules is a list of rules as the template walks it.
type rules struct {
	Frame
	List []Rule
}

// Rules hands a list of rules to its template together with the frame.
func (f Frame) Rules(list []Rule) rules { return rules{f, list} }

// Inputs asks for the password of the other account.
func (p LinkAccountPage) Inputs() []input {
	p.screen = "link-account"
	return p.inputs(p.Problems, input{Name: FieldPassword, Label: "form.password", Type: "password", Autocomplete: "current-password"})
}
