package ui

// DuoPage leads to Duo, where a second factor is asked for. Its form goes there.
type DuoPage struct {
	Frame
	Form
	Problems  Problems
	Remembers bool // the browser may be remembered
	Remember  bool // as it was chosen before
}

func (DuoPage) template() string { return "mfa-duo" }
