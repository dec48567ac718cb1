// A front end of a tenant's own for pages of a login: each screen is a heading, some fields and buttons.
import Consent from "@auth0/auth0-acul-js/consent";
import Login from "@auth0/auth0-acul-js/login";
import LoginId from "@auth0/auth0-acul-js/login-id";
import LoginPassword from "@auth0/auth0-acul-js/login-password";
import MfaBeginEnrollOptions from "@auth0/auth0-acul-js/mfa-begin-enroll-options";
import MfaOtpChallenge from "@auth0/auth0-acul-js/mfa-otp-challenge";
import MfaOtpEnrollmentQr from "@auth0/auth0-acul-js/mfa-otp-enrollment-qr";
import MfaPushChallengePush from "@auth0/auth0-acul-js/mfa-push-challenge-push";
import MfaPushEnrollmentQr from "@auth0/auth0-acul-js/mfa-push-enrollment-qr";
import MfaRecoveryCodeChallenge from "@auth0/auth0-acul-js/mfa-recovery-code-challenge";
import MfaRecoveryCodeEnrollment from "@auth0/auth0-acul-js/mfa-recovery-code-enrollment";
import MfaWebAuthnRoamingChallenge from "@auth0/auth0-acul-js/mfa-webauthn-roaming-challenge";
import MfaWebAuthnRoamingEnrollment from "@auth0/auth0-acul-js/mfa-webauthn-roaming-enrollment";
import PasskeyEnrollment from "@auth0/auth0-acul-js/passkey-enrollment";
import ResetPasswordEmail from "@auth0/auth0-acul-js/reset-password-email";
import ResetPasswordRequest from "@auth0/auth0-acul-js/reset-password-request";
import Signup from "@auth0/auth0-acul-js/signup";
import SignupId from "@auth0/auth0-acul-js/signup-id";

const screens = {
  "consent": [Consent, [], {accept: s => s.accept(), deny: s => s.deny()}],
  "login": [Login, ["username", "password"], {go: (s, v) => s.login(v), signup: s => location.assign(s.screen.signupLink), reset: s => location.assign(s.screen.resetPasswordLink)}],
  "login-id": [LoginId, ["username"], {go: (s, v) => s.login(v), passkey: s => s.passkeyLogin()}],
  "login-password": [LoginPassword, ["username", "password"], {go: (s, v) => s.login(v)}],
  "mfa-begin-enroll-options": [MfaBeginEnrollOptions, [], {key: s => s.enroll({action: "webauthn-roaming"}), push: s => s.enroll({action: "push-notification"})}],
  "mfa-otp-challenge": [MfaOtpChallenge, ["code"], {go: (s, v) => s.continue({...v, rememberDevice: false}), other: s => s.tryAnotherMethod()}],
  "mfa-otp-enrollment-qr": [MfaOtpEnrollmentQr, ["code"], {go: (s, v) => s.continue(v)}],
  "mfa-push-challenge-push": [MfaPushChallengePush, [], {go: s => s.continue()}],
  "mfa-push-enrollment-qr": [MfaPushEnrollmentQr, [], {go: s => s.continue()}],
  "mfa-recovery-code-challenge": [MfaRecoveryCodeChallenge, ["code"], {go: (s, v) => s.continue(v)}],
  "mfa-recovery-code-enrollment": [MfaRecoveryCodeEnrollment, [], {go: s => s.continue({isCodeCopied: true})}],
  "mfa-webauthn-roaming-challenge": [MfaWebAuthnRoamingChallenge, [], {go: s => s.verify(), failed: s => s.reportWebAuthnError({error: {name: "NotAllowedError", message: "No."}})}],
  "mfa-webauthn-roaming-enrollment": [MfaWebAuthnRoamingEnrollment, [], {go: s => s.enroll({})}],
  "passkey-enrollment": [PasskeyEnrollment, [], {go: s => s.continuePasskeyEnrollment(), no: s => s.abortPasskeyEnrollment()}],
  "reset-password-email": [ResetPasswordEmail, [], {}],
  "reset-password-request": [ResetPasswordRequest, ["username"], {go: (s, v) => s.resetPassword(v), login: s => s.backToLogin()}],
  "signup-id": [SignupId, ["email"], {go: (s, v) => s.signup(v)}],
  "signup": [Signup, ["email", "password"], {go: (s, v) => s.signup(v)}],
};

const add = (parent, tag, members) => parent.appendChild(Object.assign(document.createElement(tag), members));

document.addEventListener("DOMContentLoaded", () => {
  const [Screen, fields, actions] = screens[window.universal_login_context.screen.name], screen = window.screen_ = new Screen();
  const main = add(document.body, "main", {id: "root"});
  document.documentElement.style.colorScheme = "light dark";
  main.style.cssText = "max-width: 22rem; margin: 3rem auto; padding: 1rem; font: 1rem system-ui; display: grid; gap: .75rem";
  add(main, "h1", {textContent: screen.screen.texts?.title || screen.screen.name, id: "screen-" + screen.screen.name});
  for (const e of screen.transaction.errors || []) add(main, "p", {className: "error", role: "alert", textContent: e.message}).dataset.code = e.code;
  if (screen.screen.data?.qr_code) add(main, "img", {src: screen.screen.data.qr_code, alt: "QR code", width: 200});
  const inputs = fields.map(name => add(add(main, "label", {textContent: name + " "}), "input", {name, type: name === "password" ? "password" : "text", value: screen.screen.data?.[name] || ""}));
  screen.pollingManager?.({intervalMs: 500, onCompleted: () => screen.continue()}).startPolling();
  for (const [name, act] of Object.entries(actions))
    add(main, "button", {id: name, textContent: name, onclick: () => act(screen, Object.fromEntries(inputs.map(i => [i.name, i.value])))});
});
