package ui

import "github.com/stagedoor/stagedoor"

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

// Screen is the page for front ends of a tenant's own.
func (p VerifiedPage) Screen() Screen {
	return Screen{Prompt: "email-verification", Name: "email-verification-result", Data: data("status", "success", "email", p.Email), Links: map[string]string{"login": p.ContinueURL}}
}

// Screen is the page for front ends of a tenant's own. A recovery code is shown by ours alone: the vendor has no place for it here.
func (p EnrolledPage) Screen() Screen {
	if p.Code != "" {
		return Screen{}
	}
	return Screen{Prompt: "mfa", Name: "mfa-enroll-result", Data: data("status", "success"), Links: map[string]string{"login": p.ContinueURL}}
}

// ticketStatus is what the vendor calls the reasons on the page of an enrolment.
var ticketStatus = map[TicketReason]string{TicketUsed: "already-used", TicketExpired: "expired-ticket", TicketInvalid: "invalid-ticket"}

// Screen is the page for front ends of a tenant's own: the vendor has one for each kind of link.
func (p TicketPage) Screen() Screen {
	reason := p.Reason.Known()
	s := Screen{
		Data: data("status", string(reason)), Links: map[string]string{"login": p.ContinueURL, "retry": p.RetryURL},
		Problems: Problems{{Code: "ticket_" + string(reason), Text: p.T("ticket." + string(reason) + ".explain")}},
	}
	switch p.Kind {
	case stagedoor.TicketVerification:
		s.Prompt, s.Name = "email-verification", "email-verification-result"
	case stagedoor.TicketReset:
		s.Prompt, s.Name = "reset-password", "reset-password-error"
	case stagedoor.TicketEnrollment:
		s.Prompt, s.Name, s.Data["status"] = "mfa", "mfa-enroll-result", ticketStatus[reason]
	case stagedoor.TicketUnblock:
		s.Prompt, s.Name, s.Data["errorType"] = "brute-force-protection", "brute-force-protection-unblock-failure", string(reason)
	}
	return s
}

// Screen is the page for front ends of a tenant's own.
func (p UnblockPage) Screen() Screen {
	return Screen{Prompt: "brute-force-protection", Name: "brute-force-protection-unblock", Form: p.Form, Data: data("email", p.Email)}
}

// Screen is the page for front ends of a tenant's own.
func (p UnblockedPage) Screen() Screen {
	return Screen{Prompt: "brute-force-protection", Name: "brute-force-protection-unblock-success", Data: data("email", p.Email), Links: map[string]string{"login": p.ContinueURL}}
}
