package ui

import "strconv"

// CodeWishPage asks where a code shall be sent by which the person signs in.
type CodeWishPage struct {
	Frame
	Form
	Problems     Problems
	Phone        bool // a telephone number is asked for, else an e-mail address
	Address      string
	Organization string
	LoginURL     string // other ways to sign in; "" if there are none
}

// LoginCodePage asks for the code that was sent.
type LoginCodePage struct {
	Frame
	Form
	Remembering
	Problems Problems
	Phone    bool
	Address  string
	Digits   int
	EditURL  string // where another address can be given
	Resend   Form
	InboxURL string // the development inbox, where there is one

	PasswordURL string // where the person can give their password instead; "" if they cannot

	Second    bool   // it is a second factor
	Continues bool   // there is more to do afterwards
	Unsure    bool   // nobody says whether there is somebody of this address who was sent a code
	OtherURL  string // where another factor can be chosen; "" if there is none
}

// LinkPage asks somebody who followed the link of a mail whether it was them.
type LinkPage struct {
	Frame
	Form
	Address string
}

func (CodeWishPage) template() string  { return "passwordless" }
func (LoginCodePage) template() string { return "passwordless-code" }
func (LinkPage) template() string      { return "passwordless-link" }

// Inputs is the one field of the form.
func (p CodeWishPage) Inputs() []input {
	p.screen = p.template()
	in := input{Name: FieldEmail, Label: "form.email", Type: "email", Autocomplete: "email", Value: p.Address}
	if p.Phone {
		in = input{Name: FieldPhone, Label: "form.phone", Hint: "passwordless.phone.hint", Type: "tel", Autocomplete: "tel", Value: p.Address}
	}
	return p.inputs(p.Problems, in)
}

// Inputs is the one field of the form.
func (p LoginCodePage) Inputs() []input {
	p.screen = p.template()
	return p.inputs(p.Problems, codeInput(p.Digits))
}

// codeInput is the field for a code of so many digits that was sent to somebody.
func codeInput(digits int) input {
	return input{Name: FieldCode, Label: "form.code", Type: "text", Mode: "numeric", Autocomplete: "one-time-code", Size: strconv.Itoa(digits)}
}

// AddressPage asks where codes of a second factor shall be sent to.
type AddressPage struct {
	Frame
	Form
	Problems Problems
	Phone    bool // a telephone number is asked for, else an e-mail address
	Address  string
	OtherURL string // where something else can be set up; "" if there is nothing else
}

func (AddressPage) template() string { return "mfa-address" }

// Inputs is the one field of the form.
func (p AddressPage) Inputs() []input {
	return CodeWishPage{Frame: p.Frame, Problems: p.Problems, Phone: p.Phone, Address: p.Address}.Inputs()
}
