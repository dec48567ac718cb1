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
