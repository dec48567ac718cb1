package ui

// Pages that belong to no login under way.

// Screen is the page for front ends of a tenant's own.
func (p DeviceCodePage) Screen() Screen {
	return Screen{Prompt: "device-flow", Name: "device-code-activation", Form: p.Form, Problems: p.Problems, Data: data()}
}

// Screen is the page for front ends of a tenant's own.
func (p DeviceConfirmPage) Screen() Screen {
	return Screen{
		Prompt: "device-flow", Name: "device-code-confirmation", Form: p.Form, Data: data("text_code", p.Code),
		Choices: map[string]Field{"confirm": {FieldDecision, Accept}, "cancel": {FieldDecision, Decline}},
	}
}

// Screen is the page for front ends of a tenant's own.
func (p DeviceDonePage) Screen() Screen {
	s := Screen{Prompt: "device-flow", Name: "device-code-activation-denied", Links: map[string]string{"back": p.RetryURL}, Ways: map[string]Way{ActionBack: {URL: p.RetryURL}}}
	if p.Allowed {
		s.Name = "device-code-activation-allowed"
	}
	return s
}

// Screen is the page for front ends of a tenant's own.
func (p LogoutPage) Screen() Screen {
	return Screen{
		Prompt: "logout", Name: "logout", Form: p.Form,
		Choices: map[string]Field{"accept": {FieldDecision, Accept}, "deny": {FieldDecision, Decline}},
	}
}

// Screen is the page for front ends of a tenant's own.
func (p LogoutAbortedPage) Screen() Screen { return Screen{Prompt: "logout", Name: "logout-aborted"} }

// Screen is the page for front ends of a tenant's own. To a stranger's address ours leads alone, which says whose it is.
func (p LoggedOutPage) Screen() Screen {
	if p.ReturnURL != "" {
		return Screen{}
	}
	return Screen{Prompt: "logout", Name: "logout-complete", Links: map[string]string{"login": p.LoginURL}}
}
