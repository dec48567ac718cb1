package ui

// DuoPage leads to Duo, where a second factor is asked for. Its form goes there.
type DuoPage struct {
	Frame
	Form
	Remembering
	Problems Problems
}

func (DuoPage) template() string { return "mfa-duo" }
