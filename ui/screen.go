package ui

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// Screen is a page as a front end of the tenant's own knows it (Advanced Customizations for Universal Login): by the vendor's names of screens,
// links, data, fields and actions. Without a name the page is shown by ours alone.
type Screen struct {
	Prompt, Name string
	Form         Form
	Problems     Problems
	Links        map[string]string // signup, login, reset_password, edit_identifier, back; "" are left out
	Data         map[string]any
	Names        map[string]string // of fields, where ours have others: the vendor's, ours
	Choices      map[string]Field  // by action: what pressing the button of ours sends; without a name it is the form alone
	Ways         map[string]Way    // by action: what leads elsewhere
	Buttons      []ProviderButton
	Theirs       []OrganizationChoice // of whom the page is about
	Policy       []Rule               // for passwords that are chosen on the page
	Passkeys     bool                 // somebody can go on with a passkey
	Like         string               // "prompt/screen" whose texts and codes it has, if not its own
}

// Way is where an action leads: to an address, or to what answers a form. Takes are fields that are sent along: the vendor's names and ours.
type Way struct {
	URL   string
	Form  Form
	Takes map[string]string
}

// Screened is a page that a front end of the tenant's own can take the place of.
type Screened interface {
	Page
	Of() Frame
	Screen() Screen
}

// Custom is what such a front end, or a page template, is told beside the screen. Only the room page looks at it.
type Custom struct {
	Renderings   map[string]*stagedoor.Rendering
	Client       *stagedoor.Client       // nil if unknown
	Organization *stagedoor.Organization // nil: none
	Connection   *stagedoor.Connection   // in which people are looked for; nil if that is not the page's matter
	Domain       *stagedoor.CustomDomain // nil: one that the operator gave
	User         *stagedoor.User         // for page templates, once the person has proved who they are; nil before
	Branding     stagedoor.Branding
	TenantID     string
	SupportEmail string
	SupportURL   string
	Request      *stagedoor.AuthorizationRequest // nil: no login waits
	Resets       bool                            // somebody chooses a new password
	Factors      []any                           // that the person may give, or set up, by the vendor's names; nil if that is not the page's matter
}

// Actions of the vendor's front ends that lead elsewhere. ActionConnection is followed by a connection's name; ActionPasskey is a field.
const (
	ActionBack       = "back-action"
	ActionResend     = "resend-code"
	ActionOther      = "pick-authenticator"
	ActionToPassword = "switch-to-password-auth"
	ActionToCode     = "switch-to-otp-auth"
	ActionToLogin    = "back-to-login"
	ActionLanguage   = "change-language"
	ActionConnection = "connection "
	ActionPasskey    = "passkey"
)

// Screen is the page for front ends of a tenant's own. Where there are no passwords it is ours alone.
func (p LoginPage) Screen() Screen {
	name := map[LoginStep]string{AskWho: "login-id", AskPassword: "login-password"}[p.Step]
	s := Screen{
		Prompt: cmp.Or(name, "login"), Name: cmp.Or(name, "login"), Form: p.Form, Problems: p.Problems, Buttons: p.Buttons,
		Links: map[string]string{"signup": p.SignupURL, "reset_password": p.ForgotURL, "edit_identifier": p.EditURL},
		Data:  data("username", p.Identifier), Names: map[string]string{"email": FieldUsername, "phone": FieldUsername},
	}
	if p.NoPassword {
		return Screen{}
	}
	s.Ways = map[string]Way{}
	if p.Code != nil {
		s.Data["show_switch_to_otp_button"] = true
		s.Ways[ActionToCode] = Way{Form: p.Code.Form}
	}
	if p.Passkeys != nil {
		s.Data["passkey"] = publicKey(p.Passkeys.Options)
		s.Ways[ActionPasskey] = Way{Form: p.Passkeys.Form, Takes: map[string]string{ActionPasskey: FieldKey}}
	}
	return s
}

// publicKey is what the browser needs for a passkey, as front ends find it.
func publicKey(options string) map[string]any {
	return map[string]any{"public_key": json.RawMessage(options)}
}

// Screen is the page for front ends of a tenant's own.
func (p PasskeyPage) Screen() Screen {
	s := Screen{
		Prompt: "passkeys", Name: map[bool]string{false: "passkey-enrollment", true: "passkey-enrollment-local"}[p.Local], Form: p.Form, Problems: p.Problems,
		Links: map[string]string{"back": p.BackURL}, Data: map[string]any{"passkey": publicKey(p.Options)}, Names: map[string]string{ActionPasskey: FieldKey},
	}
	if p.Instead.URL != "" || p.Instead.Form.Action != "" {
		s.Ways = map[string]Way{"abort-passkey-enrollment": p.Instead}
	}
	if p.Skips {
		s.Choices = map[string]Field{"abort-passkey-enrollment": {FieldSkip, "1"}}
	}
	return s
}

// Screen is the page for front ends of a tenant's own.
func (p OrganizationPage) Screen() Screen {
	name := "organization-selection"
	if p.Chooses {
		name = "organization-picker"
	}
	return Screen{
		Prompt: "organizations", Name: name, Form: p.Form, Problems: p.Problems, Data: data("organization_name", p.Name), Theirs: p.Choices,
		Names: map[string]string{"organizationName": FieldOrganization, "organizationSkipped": FieldNoOrganization},
	}
}

// Screen is the page for front ends of a tenant's own.
func (p ForgotPage) Screen() Screen {
	return Screen{
		Prompt: "reset-password", Name: "reset-password-request", Form: p.Form, Problems: p.Problems,
		Links: map[string]string{"login": p.LoginURL, "back": p.LoginURL}, Data: data("username", p.Email, "email", p.Email),
		Names: map[string]string{"username": FieldEmail, "phone": FieldEmail}, Ways: map[string]Way{ActionToLogin: {URL: p.LoginURL}, ActionBack: {URL: p.LoginURL}},
	}
}

// Screen is the page for front ends of a tenant's own.
func (p CheckMailPage) Screen() Screen {
	return Screen{
		Prompt: "reset-password", Name: "reset-password-email", Links: map[string]string{"back": p.LoginURL}, Data: data("username", p.Email, "email", p.Email),
		Ways: map[string]Way{ActionToLogin: {URL: p.LoginURL}, ActionBack: {URL: p.LoginURL}},
	}
}

// Screen is the page for front ends of a tenant's own.
func (p NewPasswordPage) Screen() Screen {
	return Screen{
		Prompt: "reset-password", Name: "reset-password", Form: p.Form, Problems: p.Problems, Data: data("username", p.Email, "email", p.Email),
		Names: map[string]string{"password-reset": FieldPassword}, Policy: p.Policy,
	}
}

// Screen is the page for front ends of a tenant's own.
func (p PasswordChangedPage) Screen() Screen {
	return Screen{
		Prompt: "reset-password", Name: "reset-password-success", Links: map[string]string{"back": p.ContinueURL}, Data: data(),
		Ways: map[string]Way{ActionToLogin: {URL: p.ContinueURL}},
	}
}

// Screen is the page for front ends of a tenant's own: the vendor has another one for what goes beyond scopes. That nobody has checked a client, for which
// they have no name, is said by ours alone.
func (p ConsentPage) Screen() Screen {
	if p.From != "" {
		return Screen{}
	}
	scopes := []any{}
	for _, s := range p.Scopes {
		scopes = append(scopes, map[string]any{"value": s.Value, "description": s.Description})
	}
	s := Screen{
		Prompt: "consent", Name: "consent", Form: p.Form, Data: map[string]any{"scopes": scopes},
		Choices: map[string]Field{"accept": {FieldDecision, Accept}, "deny": {FieldDecision, Decline}},
	}
	if len(p.Details) > 0 {
		s.Prompt, s.Name, s.Data["authorization_details"] = "customized-consent", "customized-consent", p.Raw
	}
	return s
}

// Screen is the page for front ends of a tenant's own: the vendor has one for each use of codes that are sent.
func (p LoginCodePage) Screen() Screen {
	kind, field := "email", "email"
	if p.Phone {
		kind, field = "sms", "phone_number"
	}
	s := Screen{
		Form: p.Form, Problems: p.Problems, Links: map[string]string{"edit_identifier": p.EditURL, "back": p.EditURL}, Data: data(field, p.Address, "username", p.Address),
		Ways: map[string]Way{
			ActionResend: {Form: p.Resend}, "resend": {Form: p.Resend}, ActionBack: {URL: p.EditURL}, ActionOther: {URL: p.OtherURL}, ActionToPassword: {URL: p.PasswordURL},
		},
	}
	switch {
	case p.Second:
		s.Prompt, s.Name = "mfa-"+kind, "mfa-"+kind+"-challenge"
		s.Ways["pick-"+kind] = Way{URL: p.EditURL}
		s.remembers(p.Remembering)
	case p.Continues:
		s.Name = map[bool]string{false: "email-identifier-challenge", true: "phone-identifier-challenge"}[p.Phone]
		s.Prompt, s.Data["show_switch_to_password_button"], s.Data["message_type"] = s.Name, p.PasswordURL != "", map[bool]string{false: "code", true: "text"}[p.Phone]
	default:
		s.Prompt, s.Name = "login-passwordless", map[bool]string{false: "login-passwordless-email-code", true: "login-passwordless-sms-otp"}[p.Phone]
	}
	return s
}

// remembers puts what a second factor says of the browser.
func (s *Screen) remembers(r Remembering) {
	s.Data["show_remember_device"] = r.Remembers
	s.Names = map[string]string{"rememberBrowser": FieldRemember, "rememberDevice": FieldRemember}
}

// Screen is the page for front ends of a tenant's own.
func (p OTPPage) Screen() Screen {
	s := Screen{Prompt: "mfa-otp", Name: "mfa-otp-challenge", Form: p.Form, Problems: p.Problems, Data: data(), Ways: others(cmp.Or(p.OtherURL, p.RecoveryURL))}
	s.remembers(p.Remembering)
	return s
}

// Screen is the page for front ends of a tenant's own.
func (p RecoveryPage) Screen() Screen {
	return Screen{
		Prompt: "mfa-recovery-code", Name: "mfa-recovery-code-challenge", Form: p.Form, Problems: p.Problems, Data: data(), Ways: others(cmp.Or(p.OtherURL, p.OTPURL)),
	}
}

// factorActions are the vendor's names of factors, by ours.
var factorActions = map[string]string{
	"otp": "otp", "phone": "sms", "email": "email", "push-notification": "push-notification", "webauthn-roaming": "webauthn-roaming",
	"webauthn-platform": "webauthn-platform", "recovery-code": "recovery-code",
}

// Screen is the page for front ends of a tenant's own.
func (p FactorsPage) Screen() Screen {
	s := Screen{Prompt: "mfa", Name: "mfa-login-options", Form: p.Form, Ways: map[string]Way{}}
	if p.Enroll {
		s.Name = "mfa-begin-enroll-options"
	} else if len(p.Choices) > 0 {
		s.Ways[ActionBack] = Way{URL: p.Choices[0].URL} // where the step begins
	}
	names := []any{}
	for _, c := range p.Choices {
		action := factorAction(c.Kind)
		names, s.Ways[action] = append(names, action), Way{URL: c.URL}
	}
	s.Data = map[string]any{"enrolled_factors": names, "enroll_options": names}
	return s
}

func factorAction(kind string) string { return cmp.Or(factorActions[kind], kind) }

// FactorNames are the vendor's names of kinds of factors.
func FactorNames(kinds []string) []any {
	out := make([]any, 0, len(kinds))
	for _, kind := range kinds {
		out = append(out, factorAction(kind))
	}
	return out
}

// others lead to a choice of factors.
func others(to string) map[string]Way { return map[string]Way{ActionOther: {URL: to}} }

// data are pairs of a name and a text; empty ones are left out.
func data(pairs ...string) map[string]any {
	out := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out[pairs[i]] = pairs[i+1]
		}
	}
	return out
}

// address is the picture as front ends show it.
func (q QR) address() string {
	if q.Size == 0 {
		return ""
	}
	svg := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="%s" shape-rendering="crispEdges"><path fill="#fff" d="M-4-4h%dv%[2]dH-4z"/><path d="%s"/></svg>`, q.Box(), q.Size+2*quiet, q.Path)
	return "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(svg))
}

// Connection is the name of the connection that a button leads to.
func (b ProviderButton) Connection() string {
	_, query, _ := strings.Cut(b.URL, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return ""
	}
	return values.Get("connection")
}

// like is whose texts and codes the screen has.
func (s Screen) like() string { return cmp.Or(s.Like, s.Prompt+"/"+s.Name) }

// VendorCode is what the vendor calls a problem on a screen: the first of its names there, or ours where it has none.
func (s Screen) VendorCode(p Problem) string {
	found := screenCodes[s.like()][p.Code]
	for key, ours := range ownKeys {
		screen, code, _ := strings.Cut(key, " ")
		if screen == s.like() && slices.Contains(strings.Fields(ours), "problem."+p.Code) && (found == "" || code < found) {
			found = code
		}
	}
	return cmp.Or(found, p.Code)
}

// NeedsScripts is what people without JavaScript read in the place of a front end of the tenant's own.
func (f Frame) NeedsScripts() string { return f.T("screen.noscript") }

// ScreenTexts are the texts of a screen under the vendor's names: those that our pages show too, and that say nothing of a name.
func (f Frame) ScreenTexts(s Screen) map[string]any {
	out := map[string]any{}
	for key, ours := range ownKeys {
		screen, name, _ := strings.Cut(key, " ")
		if screen != s.like() || strings.Contains(ours, "problem.") {
			continue
		}
		first, _, _ := strings.Cut(ours, " ")
		if _, shared, is := strings.Cut(first, "|"); is {
			first = shared
		}
		if _, own := f.own(first, nil, func(s string) string { return s }); known(first) && (own || !strings.Contains(lookup(f.Lang, first), "%")) {
			out[name] = f.T(first)
		}
	}
	return out
}
