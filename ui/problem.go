package ui

// Names of the form fields, as the doors read them.
const (
	FieldUsername       = "username" // identifier on the login page: email or username; username on sign-up
	FieldEmail          = "email"
	FieldPhone          = "phone_number"
	FieldOrganization   = "organization"
	FieldNoOrganization = "personal" // there is one if the person wants no organization
	FieldOfAddress      = "address"  // the address by which several organizations were found, of which one is chosen
	FieldPassword       = "password"
	FieldDecision       = "decision"  // Accept or Decline
	FieldCode           = "code"      // of an authenticator app, or the recovery code
	FieldKey            = "key"       // what a key has signed, as JSON
	FieldKeyError       = "key_error" // what the browser says of a key that it did not get, as JSON
	FieldSkip           = "skip"      // there is one if the person does not want what is offered
	FieldPasskey        = "passkey"   // there is one if the person signs up with a passkey
	FieldResend         = "resend"    // in the address if another code is wanted
	FieldApart          = "apart"     // there is one if a sign-up asks who somebody is first
	FieldRemember       = "remember"  // there is one if the browser is to be remembered
	FieldNoted          = "noted"     // there is one if the person has noted their recovery code down
)

// Values of FieldDecision.
const (
	Accept  = "accept"
	Decline = "decline"
)

// Problem is one thing that keeps a form from being accepted. It is listed on top of the form and,
// if Field is set, repeated beside that field and tied to it for screen readers.
type Problem struct {
	Code  string // error code; its text is "problem.<code>" of the catalogue
	Field string // FieldEmail, FieldPassword …; "" for the form as a whole
	Text  string // shown if the catalogue has no such code, such as a tenant script's own message
}

// Problems is a list of problems with the questions that templates ask.
type Problems []Problem

// Of returns the problems of one field.
func (p Problems) Of(field string) Problems {
	var own Problems
	for _, problem := range p {
		if problem.Field == field {
			own = append(own, problem)
		}
	}
	return own
}

// ProblemText is what people read about p.
func (f Frame) ProblemText(p Problem) string {
	switch key := "problem." + p.Code; {
	case known(key):
		return f.T(key)
	case p.Text != "":
		return p.Text
	}
	return f.T("problem.unknown")
}
