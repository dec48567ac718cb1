package ui

import "strings"

// Actions of the vendor's front ends on pages of second factors. ActionContinue sends the form as it is.
// ActionFailed is followed by what the browser says of a key that it did not get, as JSON.
const (
	ActionContinue = "continue"
	ActionByCode   = "enter-otp-code"
	ActionFailed   = "showError::"
	ActionTryAgain = "tryagain"
	ActionToggle   = "toggle-view"
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

// Screen is the page for front ends of a tenant's own: the vendor shows the picture and the code to be typed one after the other.
func (p OTPEnrollPage) Screen() Screen {
	s := Screen{Prompt: "mfa-otp", Name: "mfa-otp-enrollment-qr", Form: p.Form, Problems: p.Problems, Ways: others(p.OtherURL)}
	s.Ways[ActionToggle] = Way{URL: p.ToggleURL}
	secret := strings.ReplaceAll(p.Secret, " ", "")
	s.Data = data("qr_code", p.QR.address(), "text_secret", secret, "qr_uri", p.URI, "username", p.Account)
	if p.Typed {
		s.Name, s.Data = "mfa-otp-enrollment-code", data("text_code", secret, "qr_uri", p.URI, "username", p.Account)
	}
	return s
}

// Otherwise is the page for front ends that show the code along with the picture.
func (p OTPEnrollPage) Otherwise() Screen {
	p.Typed = false
	return p.Screen()
}

// Screen is the page for front ends of a tenant's own: the vendor has another one for the code that takes the place of one that was used. Where nothing goes on it is ours alone.
func (p RecoveryCodePage) Screen() Screen {
	if p.Action == "" {
		return Screen{}
	}
	return Screen{
		Prompt: "mfa-recovery-code", Name: map[bool]string{false: "mfa-recovery-code-enrollment", true: "mfa-recovery-code-challenge-new-code"}[p.New], Form: p.Form,
		Data: data("text_code", p.Code), Names: map[string]string{"saved": FieldNoted},
	}
}

// Otherwise is the page for front ends that have one for all new codes.
func (p RecoveryCodePage) Otherwise() Screen {
	p.New = false
	return p.Screen()
}

// keyScreens are the vendor's names of pages for keys: to give and to set up a security key, and the same of the device's own.
var keyScreens = map[bool][2]string{
	false: {"mfa-webauthn-roaming-challenge", "mfa-webauthn-roaming-enrollment"}, true: {"mfa-webauthn-platform-challenge", "mfa-webauthn-platform-enrollment"},
}

// Screen is the page for front ends of a tenant's own: the vendor has others for browsers that gave no key, and where there can be none.
func (p KeyPage) Screen() Screen {
	kind := map[bool]string{false: "webauthn-roaming", true: "webauthn-platform"}[p.Device]
	s := Screen{
		Prompt: "mfa-webauthn", Form: p.Form, Problems: p.Problems, Ways: others(p.OtherURL), Data: data("webauthnType", kind),
		Choices: map[string]Field{ActionFailed: {Name: FieldKeyError}},
	}
	switch {
	case p.Options == "":
		s.Name = "mfa-webauthn-not-available-error"
		return s
	case p.Failed != "":
		s.Name, s.Data["errorType"] = "mfa-webauthn-error", p.Failed
		s.Ways[ActionTryAgain] = Way{URL: p.Form.Action}
		return s
	case p.Enroll:
		s.Name = keyScreens[p.Device][1]
	default:
		s.Name = keyScreens[p.Device][0]
		s.remembers(p.Remembering)
	}
	if s.Names == nil {
		s.Names = map[string]string{}
	}
	s.Names["response"], s.Data["passkey"] = FieldKey, publicKey(p.Options)
	return s
}

// Screen is the page for front ends of a tenant's own. The vendor asks for no address of mails.
func (p AddressPage) Screen() Screen {
	if !p.Phone {
		return Screen{}
	}
	return Screen{
		Prompt: "mfa-sms", Name: "mfa-sms-enrollment", Form: p.Form, Problems: p.Problems, Ways: others(p.OtherURL), Data: data("phone", p.Address),
		Names: map[string]string{"phone": FieldPhone},
	}
}

// screenCodes are the vendor's codes of problems whose texts the tenant has not of the screen alone, by ours.
var screenCodes = map[string]map[string]string{
	"email-verification/email-verification-result":  usersCodes,
	"reset-password/reset-password-error":           usersCodes,
	"device-flow/device-code-activation":            {"missing_user_code": "no-code"},
	"mfa-sms/mfa-sms-enrollment":                    {"invalid_phone_number": "invalid-phone", "code_unsent": "send-sms-failed", "code_wait": "too-many-sms", "too_many_codes": "too-many-sms"},
	"mfa-sms/mfa-sms-challenge":                     {"wrong_code": "invalid-code", "missing_code": "no-code", "code_unsent": "send-sms-failed", "code_wait": "too-many-sms", "too_many_codes": "too-many-failures"},
	"mfa-email/mfa-email-challenge":                 {"wrong_code": "invalid-code", "missing_code": "no-code", "code_unsent": "mfa-email-challenge-authenticator-error", "code_wait": "too-many-email", "too_many_codes": "too-many-email"},
	"mfa-webauthn/mfa-webauthn-roaming-challenge":   {"invalid_key": "webauthn-challenge-error", "too_many_codes": "too-many-webauthn-challenge-attempts-error"},
	"mfa-webauthn/mfa-webauthn-platform-challenge":  {"invalid_key": "webauthn-platform-challenge-error", "too_many_codes": "too-many-webauthn-challenge-attempts-error"},
	"mfa-webauthn/mfa-webauthn-roaming-enrollment":  {"invalid_key": "webauthn-associate-error"},
	"mfa-webauthn/mfa-webauthn-platform-enrollment": {"invalid_key": "webauthn-platform-associate-error"},
	"mfa-push/mfa-push-challenge-push":              {"push_unsent": "mfa-push-challenge-authenticator-error", "code_wait": "too-many-push", "too_many_codes": "too-many-push"},
}

var usersCodes = map[string]string{"ticket_used": "auth0-users-used-ticket", "ticket_expired": "auth0-users-expired-ticket", "ticket_invalid": "auth0-users-validation"}

// InReset is the same screen where somebody chooses a new password: the vendor has other names for the second factors that they are asked for then. It is none for any other.
func (s Screen) InReset() Screen {
	if !strings.HasPrefix(s.Prompt, "mfa-") || !strings.Contains(s.Name, "-challenge") || strings.HasSuffix(s.Name, "-new-code") {
		return Screen{}
	}
	s.Like = s.like()
	s.Prompt, s.Name = "reset-password", "reset-password-"+s.Name
	return s
}
