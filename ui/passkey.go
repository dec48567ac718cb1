package ui

// PasskeyForm is what a login page has for passkeys. The browser speaks with the passkey; the form carries what it said.
type PasskeyForm struct {
	Frame
	Form
	Options  string // what the browser needs, as JSON
	Autofill bool   // the browser offers passkeys where the identifier is typed
	Button   bool   // there is a button
	Only     bool   // there is no form beside it: who cannot use passkeys here has to be told
}

// PasskeyPage asks for a new passkey.
type PasskeyPage struct {
	Frame
	Form
	Problems Problems
	Options  string // what the browser needs, as JSON
	Local    bool   // the person came with a passkey of another device
	Skips    bool   // the person may do without
	BackURL  string // "" if there is nothing to go back to
	Instead  Way    // where front ends of a tenant's own lead who would rather choose a password; empty if nobody does
}

func (PasskeyPage) template() string { return "passkey-enrollment" }

// Says is the text of the page's key, for the occasion.
func (p PasskeyPage) Says(key string) string {
	if p.Local {
		return p.T("passkey.local." + key)
	}
	return p.T("passkey.new." + key)
}
