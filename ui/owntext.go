package ui

import "strings"

// ownKeys are the texts that a tenant may write itself, as "prompt/screen key" with our own names of them (Authentication prompts as the Management
// API names them). A name with a bar, "login|form.email", is a text of that page alone.
var ownKeys = map[string]string{
	"login/login pageTitle":                                               "login.title",
	"login/login title":                                                   "login.heading",
	"login/login description":                                             "login.to login.to.tenant login.organization",
	"login/login buttonText":                                              "login.submit",
	"login/login forgotPasswordText":                                      "login.forgot",
	"login/login signupActionText":                                        "login.signup.question",
	"login/login footerText":                                              "login.signup.question",
	"login/login signupActionLinkText":                                    "login.signup",
	"login/login footerLinkText":                                          "login.signup",
	"login/login usernamePlaceholder":                                     "login|form.email login|form.identifier",
	"login/login emailPlaceholder":                                        "login|form.email",
	"login/login usernameOrEmailPlaceholder":                              "login|form.identifier",
	"login/login passwordPlaceholder":                                     "login|form.password",
	"login/login wrong-credentials":                                       "problem.invalid_username_password problem.invalid_user_password",
	"login/login wrong-email-credentials":                                 "problem.invalid_user_password",
	"login/login user-blocked":                                            "problem.too_many_attempts",
	"login-id/login-id title":                                             "login-id.heading",
	"login-id/login-id buttonText":                                        "login-id.submit",
	"login-password/login-password title":                                 "login-password.heading",
	"login-password/login-password buttonText":                            "login-password.submit",
	"login-password/login-password editEmailText":                         "login.edit",
	"signup/signup pageTitle":                                             "signup.title",
	"signup/signup title":                                                 "signup.heading",
	"signup/signup description":                                           "signup.to signup.to.tenant signup.organization",
	"signup/signup buttonText":                                            "signup.submit",
	"signup/signup loginActionText":                                       "signup.login.question",
	"signup/signup loginActionLinkText":                                   "signup.login",
	"signup/signup emailPlaceholder":                                      "signup|form.email",
	"signup/signup usernamePlaceholder":                                   "signup|form.username",
	"signup/signup passwordPlaceholder":                                   "signup|form.password",
	"signup/signup email-in-use":                                          "problem.user_exists",
	"signup/signup username-taken":                                        "problem.username_exists",
	"reset-password/reset-password-request pageTitle":                     "forgot.title",
	"reset-password/reset-password-request title":                         "forgot.heading",
	"reset-password/reset-password-request descriptionEmail":              "forgot.explain",
	"reset-password/reset-password-request descriptionUsername":           "forgot.explain",
	"reset-password/reset-password-request buttonText":                    "forgot.submit",
	"reset-password/reset-password-request backToLoginLinkText":           "forgot.back",
	"reset-password/reset-password-request emailPlaceholder":              "forgot|form.email",
	"reset-password/reset-password-email pageTitle":                       "checkmail.title",
	"reset-password/reset-password-email title":                           "checkmail.heading",
	"reset-password/reset-password-email emailDescription":                "checkmail.explain",
	"reset-password/reset-password pageTitle":                             "password.title",
	"reset-password/reset-password title":                                 "password.heading",
	"reset-password/reset-password description":                           "password.explain",
	"reset-password/reset-password buttonText":                            "password.submit",
	"reset-password/reset-password passwordPlaceholder":                   "password|form.newpassword",
	"reset-password/reset-password-success pageTitle":                     "passwordchanged.title",
	"reset-password/reset-password-success eventTitle":                    "passwordchanged.heading",
	"reset-password/reset-password-success description":                   "passwordchanged.explain",
	"reset-password/reset-password-success buttonText":                    "passwordchanged.continue",
	"reset-password/reset-password-error pageTitle":                       "ticket.title",
	"reset-password/reset-password-error eventTitleExpired":               "ticket.expired.heading",
	"reset-password/reset-password-error descriptionExpired":              "ticket.expired.explain",
	"reset-password/reset-password-error eventTitleUsed":                  "ticket.used.heading",
	"reset-password/reset-password-error descriptionUsed":                 "ticket.used.explain",
	"reset-password/reset-password-error eventTitleGeneric":               "ticket.invalid.heading",
	"reset-password/reset-password-error descriptionGeneric":              "ticket.invalid.explain",
	"consent/consent pageTitle":                                           "consent.title",
	"consent/consent title":                                               "consent.heading",
	"consent/consent messageSingleTenant":                                 "consent.asks",
	"consent/consent messageMultipleTenants":                              "consent.asks consent.asks.api",
	"consent/consent acceptButtonText":                                    "consent.accept",
	"consent/consent declineButtonText":                                   "consent.decline",
	"logout/logout pageTitle":                                             "logout.title",
	"logout/logout title":                                                 "logout.heading",
	"logout/logout acceptButtonText":                                      "logout.submit",
	"logout/logout declineButtonText":                                     "logout.stay",
	"logout/logout-complete pageTitle":                                    "loggedout.title",
	"logout/logout-complete eventTitle":                                   "loggedout.heading",
	"logout/logout-complete description":                                  "loggedout.explain",
	"email-verification/email-verification-result pageTitle":              "verified.title",
	"email-verification/email-verification-result verifiedTitle":          "verified.heading",
	"email-verification/email-verification-result verifiedDescription":    "verified.explain",
	"email-verification/email-verification-result buttonText":             "verified.continue",
	"organizations/organization-selection pageTitle":                      "organization.title",
	"organizations/organization-selection title":                          "organization.heading",
	"organizations/organization-selection buttonText":                     "organization.submit",
	"mfa-otp/mfa-otp-enrollment-qr pageTitle":                             "mfa.enroll.title",
	"mfa-otp/mfa-otp-enrollment-qr title":                                 "mfa.enroll.heading",
	"mfa-otp/mfa-otp-enrollment-qr description":                           "mfa.enroll.explain",
	"mfa-otp/mfa-otp-enrollment-qr buttonText":                            "mfa.enroll.submit",
	"mfa-otp/mfa-otp-enrollment-qr placeholder":                           "mfa-otp-enrollment|form.otp",
	"mfa-otp/mfa-otp-enrollment-qr codeEnrollmentText":                    "mfa.enroll.trouble",
	"mfa-otp/mfa-otp-challenge pageTitle":                                 "mfa.otp.title",
	"mfa-otp/mfa-otp-challenge title":                                     "mfa.otp.heading",
	"mfa-otp/mfa-otp-challenge description":                               "mfa.otp.explain",
	"mfa-otp/mfa-otp-challenge buttonText":                                "mfa.otp.submit",
	"mfa-otp/mfa-otp-challenge placeholder":                               "mfa-otp-challenge|form.otp",
	"mfa-otp/mfa-otp-challenge rememberMeText":                            "mfa.otp.remember",
	"mfa-otp/mfa-otp-challenge pickAuthenticatorText":                     "mfa.otp.recovery",
	"mfa-otp/mfa-otp-challenge invalid-code":                              "problem.invalid_otp",
	"mfa-otp/mfa-otp-challenge too-many-failures":                         "problem.too_many_codes",
	"mfa-recovery-code/mfa-recovery-code-enrollment pageTitle":            "mfa.code.title",
	"mfa-recovery-code/mfa-recovery-code-enrollment title":                "mfa.code.heading",
	"mfa-recovery-code/mfa-recovery-code-enrollment description":          "mfa.code.explain",
	"mfa-recovery-code/mfa-recovery-code-enrollment confirmText":          "mfa.code.noted",
	"mfa-recovery-code/mfa-recovery-code-enrollment buttonText":           "mfa.code.submit",
	"mfa-recovery-code/mfa-recovery-code-challenge pageTitle":             "mfa.recovery.title",
	"mfa-recovery-code/mfa-recovery-code-challenge title":                 "mfa.recovery.heading",
	"mfa-recovery-code/mfa-recovery-code-challenge description":           "mfa.recovery.explain",
	"mfa-recovery-code/mfa-recovery-code-challenge buttonText":            "mfa.recovery.submit",
	"mfa-recovery-code/mfa-recovery-code-challenge placeholder":           "mfa-recovery-code-challenge|form.recovery",
	"mfa-recovery-code/mfa-recovery-code-challenge invalid-code":          "problem.invalid_recovery_code",
	"mfa/mfa-enroll-result pageTitle":                                     "mfa.enrolled.title",
	"mfa/mfa-enroll-result enrolledTitle":                                 "mfa.enrolled.heading",
	"mfa/mfa-enroll-result enrolledDescription":                           "mfa.enrolled.explain",
	"mfa-push/mfa-push-challenge-push pageTitle":                          "mfa.push.heading",
	"mfa-push/mfa-push-challenge-push title":                              "mfa.push.heading",
	"mfa-push/mfa-push-challenge-push description":                        "mfa.push.explain",
	"mfa-push/mfa-push-challenge-push buttonText":                         "mfa.push.submit",
	"mfa-push/mfa-push-challenge-push resendActionText":                   "mfa.push.resend",
	"mfa-push/mfa-push-challenge-push transaction-rejected":               "problem.push_denied",
	"mfa-push/mfa-push-challenge-push transaction-not-found":              "problem.push_expired",
	"mfa-push/mfa-push-enrollment-qr pageTitle":                           "mfa.push.enroll.heading",
	"mfa-push/mfa-push-enrollment-qr title":                               "mfa.push.enroll.heading",
	"mfa-push/mfa-push-enrollment-qr description":                         "mfa.push.enroll.explain",
	"mfa-push/mfa-push-enrollment-qr buttonText":                          "mfa.push.enroll.submit",
	"mfa-webauthn/mfa-webauthn-roaming-challenge pageTitle":               "mfa.key.roaming.title",
	"mfa-webauthn/mfa-webauthn-roaming-challenge title":                   "mfa.key.roaming.heading",
	"mfa-webauthn/mfa-webauthn-roaming-challenge description":             "mfa.key.roaming.explain",
	"mfa-webauthn/mfa-webauthn-roaming-challenge continueButtonText":      "mfa.key.roaming.submit",
	"mfa-webauthn/mfa-webauthn-platform-challenge title":                  "mfa.key.platform.heading",
	"mfa-webauthn/mfa-webauthn-platform-challenge description":            "mfa.key.platform.explain",
	"mfa-webauthn/mfa-webauthn-platform-challenge continueButtonText":     "mfa.key.platform.submit",
	"mfa-webauthn/mfa-webauthn-roaming-enrollment pageTitle":              "mfa.key.roaming.enroll.title",
	"mfa-webauthn/mfa-webauthn-roaming-enrollment title":                  "mfa.key.roaming.enroll.heading",
	"mfa-webauthn/mfa-webauthn-roaming-enrollment description":            "mfa.key.roaming.enroll.explain",
	"mfa-webauthn/mfa-webauthn-roaming-enrollment continueButtonText":     "mfa.key.roaming.enroll.submit",
	"mfa-webauthn/mfa-webauthn-platform-enrollment pageTitle":             "mfa.key.platform.enroll.title",
	"mfa-webauthn/mfa-webauthn-platform-enrollment title":                 "mfa.key.platform.enroll.heading",
	"mfa-webauthn/mfa-webauthn-platform-enrollment description":           "mfa.key.platform.enroll.explain",
	"mfa-webauthn/mfa-webauthn-platform-enrollment continueButtonText":    "mfa.key.platform.enroll.submit",
	"mfa-webauthn/mfa-webauthn-error description":                         "mfa.key.failed",
	"mfa-webauthn/mfa-webauthn-not-available-error errorDescription":      "mfa.key.missing",
	"device-flow/device-code-activation pageTitle":                        "device.code.title",
	"device-flow/device-code-activation title":                            "device.code.heading",
	"device-flow/device-code-activation description":                      "device.code.explain",
	"device-flow/device-code-activation buttonText":                       "device.code.submit",
	"device-flow/device-code-activation placeholder":                      "device-code|form.devicecode",
	"device-flow/device-code-activation invalid-code":                     "problem.wrong_user_code",
	"device-flow/device-code-confirmation pageTitle":                      "device.confirm.title",
	"device-flow/device-code-confirmation title":                          "device.confirm.heading",
	"device-flow/device-code-confirmation confirmButtonText":              "device.confirm.accept",
	"device-flow/device-code-confirmation cancelButtonText":               "device.confirm.decline",
	"device-flow/device-code-activation-allowed pageTitle":                "device.allowed.title",
	"device-flow/device-code-activation-allowed eventTitle":               "device.allowed.heading",
	"device-flow/device-code-activation-allowed description":              "device.allowed.explain",
	"device-flow/device-code-activation-denied pageTitle":                 "device.denied.title",
	"device-flow/device-code-activation-denied eventTitle":                "device.denied.heading",
	"device-flow/device-code-activation-denied description":               "device.denied.explain",
	"brute-force-protection/brute-force-protection-unblock-success title": "unblocked.heading",
}

// OwnTexts are a tenant's texts under our names; texts are by prompt, screen and key. Keys that no page of ours shows are left out.
func OwnTexts[S ~map[string]map[string]string](texts map[string]S) map[string]string {
	out := map[string]string{}
	for prompt, screens := range texts {
		for screen, keys := range screens {
			for key, text := range keys {
				for _, ours := range strings.Fields(ownKeys[prompt+"/"+screen+" "+key]) {
					out[ours] = text
				}
			}
		}
	}
	return out
}

// own is the tenant's text of key, with its variables put in; false if it wrote none. email is what ${email} stands for.
func (f Frame) own(key string, args []any, put func(string) string) (string, bool) {
	text, found := f.Own[f.screen+"|"+key]
	if !found {
		if text, found = f.Own[key]; !found {
			return "", false
		}
	}
	email := ""
	if len(args) > 0 {
		email, _ = args[len(args)-1].(string)
	}
	var pairs []string
	for name, value := range map[string]string{
		"clientName": f.Client.Name, "companyName": f.Tenant, "friendlyName": f.Tenant, "tenant": f.Tenant, "email": email, "userName": email,
		"organizationName": f.Organization,
	} {
		pairs = append(pairs, "${"+name+"}", put(value), "#{"+name+"}", put(value))
	}
	return strings.NewReplacer(pairs...).Replace(text), true
}
