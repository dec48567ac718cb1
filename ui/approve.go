package ui

// ApprovePage shows what a client asks somebody to approve who is not at it.
type ApprovePage struct {
	Frame
	Form
	Message string // in the client's words
}

// ApprovedPage tells what became of it.
type ApprovedPage struct {
	Frame
	Allowed bool
}

func (ApprovePage) template() string  { return "approve" }
func (ApprovedPage) template() string { return "approved" }
