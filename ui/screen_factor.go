package ui

// Actions of the vendor's front ends on pages of second factors. ActionContinue sends the form as it is.
const (
	ActionContinue = "continue"
	ActionByCode   = "enter-otp-code"
)

// Screen is the page for front ends of a tenant's own. The vendor has one more, on which an app for the device is installed, and one to choose among devices: here the app is
// the tenant's own, and the newest device is asked.
func (p PushPage) Screen() Screen {
	s := Screen{Prompt: "mfa-push", Form: p.Form, Problems: p.Problems, Ways: others(p.OtherURL), Choices: map[string]Field{ActionContinue: {}}}
	if p.Enroll {
		s.Name, s.Data = "mfa-push-enrollment-qr", data("qr_code", p.QR.address(), "qr_uri", p.URI)
		s.Data["show_code_copy"] = p.URI != ""
		return s
	}
	s.Name, s.Data = "mfa-push-challenge-push", data("device_name", p.Device)
	s.remembers(p.Remembering)
	s.Ways[ActionByCode] = Way{URL: p.OTPURL}
	s.Ways["resend"] = Way{Form: p.Resend, Takes: map[string]string{"rememberBrowser": FieldRemember}}
	return s
}

// screenCodes are the vendor's codes of problems whose texts the tenant has not of the screen alone, by ours.
var screenCodes = map[string]map[string]string{
	"mfa-push/mfa-push-challenge-push": {"push_unsent": "mfa-push-challenge-authenticator-error", "code_wait": "too-many-push", "too_many_codes": "too-many-push"},
}
