package ui

import "time"

// The demo client's picture: two reels of a cassette.
const mixtapeLogo = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 56 56'%3E%3Crect width='56' height='56' rx='14' fill='%2338308f'/%3E%3Crect x='9' y='16' width='38' height='25' rx='4' fill='%23ffd9a0'/%3E%3Ccircle cx='21' cy='27' r='5' fill='%2338308f'/%3E%3Ccircle cx='35' cy='27' r='5' fill='%2338308f'/%3E%3C/svg%3E"

var sampleFrame = Frame{Lang: "en", Tenant: "Mixtape Records", Client: Client{Name: "Mixtape", Logo: mixtapeLogo}}

var sampleForm = Form{Action: "/u/form?state=hKFo2SB", Hidden: []Field{{"state", "hKFo2SB"}, {"_csrf", "b3f1"}}}

var sampleMail = MailData{
	Tenant: "Mixtape Records", Client: "Mixtape", Email: "ada@example.com",
	Inviter: "Grace Hopper", Joins: "The Night Shift",
	Link: "https://login.example.com/u/email-verification?ticket=Vh3kX8", Expires: 120 * time.Hour, SupportURL: "https://example.com/help",
}

// sampleQR has the three corners of a QR code and nothing between them.
var sampleQR = QR{21, "M0 0h7v7h-7zM1 1v5h5v-5zM2 2h3v3h-3zM14 0h7v7h-7zM15 1v5h5v-5zM16 2h3v3h-3zM0 14h7v7h-7zM1 15v5h5v-5zM2 16h3v3h-3z"}

var monthly = Remembering{Remembers: true, Lasts: 30 * 24 * time.Hour}

var sampleSent = time.Date(2024, 5, 17, 20, 15, 3, 0, time.UTC)

// samplePolicy is the policy "good", as it stands after trying the password "encore".
func samplePolicy(states ...State) []Rule {
	at := func(i int) State {
		if i < len(states) {
			return states[i]
		}
		return Untried
	}
	return []Rule{
		{Code: "lengthAtLeast", Args: []any{8}, State: at(0)},
		{Code: "containsAtLeast", Args: []any{3, 4}, State: at(1), Items: []Rule{
			{Code: "lowerCase", State: at(2)},
			{Code: "upperCase", State: at(3)},
			{Code: "numbers", State: at(4)},
			{Code: "specialCharacters", State: at(5)},
		}},
	}
}

// sampleAccount is an account page with something in each part.
func sampleAccount(f Frame) AccountPage {
	p := AccountPage{
		Frame: f, Form: Form{Action: "/account", Hidden: []Field{{"nonce", "b3f1"}}}, Done: "profile", Has: map[string]bool{}, CanEmail: true, CanVerify: true, CanUsername: true, CanPassword: true, CanMetadata: true,
		Person:   AccountPerson{Name: "Ada Lovelace", Email: "a-rather-long-address-of-ada@subdomain.example.com", Username: "ada", Phone: "+4915123456789", Since: sampleSent},
		Typed:    AccountProfile{Name: "Ada Lovelace", Nickname: "ada"},
		Metadata: []AccountValue{{"theme", "dark"}, {"genres", "[\"jazz\",\"folk\"]"}},
		Factors:  []AccountFactor{{ID: "totp|1", Kind: "otp", Created: sampleSent, Used: sampleSent}, {ID: "phone|1", Kind: "phone", Name: "+49 *** 89", Created: sampleSent}, {ID: "rc|1", Kind: "recovery-code", Created: sampleSent, Fixed: true}},
		Addable:  []string{"webauthn-roaming", "otp"}, Recovers: true,
		Browsers:   []AccountSession{{ID: "b", Device: "Firefox · Linux", IP: "192.0.2.7", Began: sampleSent, Used: sampleSent, Here: true}, {ID: "c", Used: sampleSent}},
		Sessions:   []AccountSession{{ID: "s1", Device: "Firefox · Linux", IP: "192.0.2.7", Began: sampleSent, Used: sampleSent, Here: true, Programs: "Mixtape"}, {ID: "s2", Device: "Safari · iPhone", IP: "2001:db8::7", Place: "Llanfairpwllgwyngyll, United Kingdom", Began: sampleSent, Used: sampleSent}},
		Clients:    []AccountClient{{ID: "c1", Name: "Mixtape", Scopes: []string{"Your profile", "Playlists"}, Keeps: true, Used: sampleSent}},
		Identities: []AccountIdentity{{Provider: "Password", ID: "auth0|1", Name: "ada@example.com", Main: true}, {Provider: "Radio", ID: "radio|2", Name: "Ada L."}},
		Connected: []AccountElsewhere{
			{ID: "cac_1", Provider: "Google", Name: "a-rather-long-address-of-ada@subdomain.example.com", Scopes: []string{"openid", "https://www.googleapis.com/auth/calendar.readonly"}, Created: sampleSent, Used: sampleSent},
			{ID: "cac_2", Provider: "GitHub", Name: "ada", Created: sampleSent},
		},
		Events:   []AccountEvent{{Key: "login", At: sampleSent, IP: "192.0.2.7", Device: "Firefox · Linux"}, {Key: "wrong_password", At: sampleSent, IP: "198.51.100.9", Place: "Paris, France", Device: "curl", Alarming: true}},
		Sections: []string{"profile", "factors", "sessions", "clients", "identities", "connected", "activity", "data"},
	}
	for _, part := range []string{"profile", "metadata", "email", "username", "password", "factors", "sessions", "clients", "identities", "activity", "export", "delete"} {
		p.Has[part] = true
	}
	return p
}

// sampleStep is a step of a form with one of each part.
func sampleStep(f Frame, problems Problems) FormPage {
	p := FormPage{Frame: f, Form: sampleForm, Problems: problems, Words: "en", Parts: []FormPart{
		{Kind: "html", HTML: Cleaned("<h2>Help us to know you</h2><p>We ask for this <strong>once</strong>. <a href=\"https://example.com/privacy\" target=\"_blank\" rel=\"noopener noreferrer\">Why?</a></p>")},
		{Kind: "line", Name: "field-full_name", Label: "Your name", Type: "text", Autocomplete: "on", Value: "Ada", Required: true},
		{Kind: "line", Name: "field-site", Type: "url", Autocomplete: "on", Placeholder: "https://", Hint: Cleaned("<p>Where we find you.</p>")},
		{Kind: "line", Name: "field-age", Label: "Age", Type: "number", Autocomplete: "on", Least: "18", Most: "120"},
		{Kind: "line", Name: "field-pin", Label: "PIN", Type: "password", Autocomplete: "new-password", Required: true},
		{Kind: "line", Name: "field-phone", Label: "Phone", Type: "tel", Autocomplete: "tel", Example: "passwordless.phone.hint"},
		{Kind: "area", Name: "field-about", Label: "About you", Autocomplete: "off", Value: "Two\nlines"},
		{Kind: "divider"},
		{Kind: "divider", Text: "Your plan"},
		{Kind: "choices", Name: "field-plan", Label: "Plan", Required: true, Options: []FormOption{
			{ID: "field-plan.0", Name: "field-plan", Value: "0", Label: "Small", Chosen: true},
			{ID: "field-plan.1", Name: "field-plan", Value: "1", Label: "Large"},
			{ID: "field-plan.other", Name: "field-plan", Value: "other", Label: "Something else", Own: "field-plan.other.text", Placeholder: "Tell us"},
		}},
		{Kind: "choices", Name: "field-card", Label: "Record", Many: true, Cards: true, Options: []FormOption{{ID: "field-card.0", Name: "field-card.0", Value: "true", Label: "Night", Image: mixtapeLogo}}},
		{Kind: "select", Name: "field-country", Label: "Country", Autocomplete: "off", Required: true, Options: []FormOption{{Value: "0", Label: "Austria"}, {Value: "1", Label: "Iceland", Chosen: true}}},
		{Kind: "legal", Name: "field-terms", HTML: Cleaned("I agree to the <a href=\"https://example.com/terms\">terms</a>."), Required: true},
		{Kind: "image", Src: mixtapeLogo, Height: 56, Position: "center"},
		{Kind: "buttons", Buttons: []FormButton{{Press: "back", Text: "Back"}}},
		{Kind: "buttons", Buttons: []FormButton{{Press: "next", Text: "Continue", Main: true}}},
		{Kind: "buttons", Buttons: []FormButton{{Press: "jump.skip", Text: "Not now"}, {Before: "No mail?", Press: "resend.again", Text: "Send it again"}, {Text: "Send again in 30 seconds"}}},
	}}
	if head, has := p.Parts[0].HTML.Heading(); has && problems == nil {
		p.Head, p.Parts = head, p.Parts[1:]
	}
	for i := range p.Parts {
		p.Parts[i].Problems = problems.Of(p.Parts[i].Name)
		if p.Parts[i].Name == "" {
			p.Parts[i].Problems = nil
		}
	}
	return p
}

// samples is every page, most of them in more than one state; goldens and screenshots are made of it.
func samples() map[string]Page {
	bare := Frame{Lang: "en", Tenant: "Mixtape Records"}
	branded := sampleFrame
	branded.Brand.Primary = "#4f46e5"
	lettered := sampleFrame
	lettered.Client.Logo = ""
	unchecked := lettered
	unchecked.From = "app.example.com"
	german, japanese := sampleFrame, sampleFrame
	german.Lang, german.Languages, german.Here = "de", Choices(Languages(), "de"), "/u/login?state=hKFo2SB"
	japanese.Lang, japanese.Languages, japanese.Here = "ja", Choices([]string{"en", "ja"}, "ja"), "/u/signup?state=hKFo2SB"
	return map[string]Page{
		"form":             sampleStep(sampleFrame, nil),
		"form-wrong":       sampleStep(bare, Problems{{Text: "This field is needed.", Field: "field-full_name"}, {Code: "form_choice", Field: "field-plan"}, {Code: "form_failed"}}),
		"account":          sampleAccount(bare),
		"account-wrong":    AccountPage{Frame: bare, Form: Form{Action: "/account"}, Problems: Problems{{Code: "invalid_picture", Field: FieldPicture}}, Has: map[string]bool{"profile": true}, Person: AccountPerson{Name: "Ada", Picture: "https://pictures.example/ada.png", Since: sampleSent}, Typed: AccountProfile{Name: "Ada", Picture: "http://ada"}, Sections: []string{"profile"}},
		"account-email":    AccountFormPage{Frame: bare, Form: sampleForm, Kind: "email", BackURL: "/account"},
		"account-code":     AccountFormPage{Frame: bare, Form: sampleForm, Kind: "emailcode", Email: "ada@example.com", BackURL: "/account", Problems: Problems{{Code: "wrong_code", Field: FieldCode}}},
		"account-password": AccountFormPage{Frame: bare, Form: sampleForm, Kind: "password", Value: "ada@example.com", Policy: samplePolicy(), BackURL: "/account"},
		"account-metadata": AccountFormPage{Frame: bare, Form: sampleForm, Kind: "metadata", Values: []AccountValue{{"theme", "dark"}, {"volume", "7"}}, JSON: "{\n  \"theme\": \"dark\"\n}", BackURL: "/account"},
		"account-delete":   AccountFormPage{Frame: bare, Form: sampleForm, Kind: "delete", BackURL: "/account"},
		"account-gone":     AccountGonePage{Frame: bare},
		"login-de": LoginPage{
			Frame: german, Form: sampleForm, Identifier: "ada@example.com", Problems: Problems{{Code: "too_many_attempts"}}, SignupURL: "/u/signup?state=x", ForgotURL: "/u/reset?state=x",
		},
		"signup-ja": SignupPage{
			Frame: japanese, Form: sampleForm, Asks: SignupFields{Email: FieldRequired, Username: FieldRequired}, Policy: samplePolicy(Kept, Broken, Kept), LoginURL: "/u/login?state=x",
			Problems: Problems{{Code: "invalid_email", Field: FieldEmail}},
		},
		"login":       LoginPage{Frame: sampleFrame, Form: sampleForm, SignupURL: "/u/signup?state=hKFo2SB", ForgotURL: "/u/reset?state=hKFo2SB"},
		"login-proof": LoginPage{Frame: sampleFrame, Form: Form{Action: sampleForm.Action, Hidden: sampleForm.Hidden, Proof: &Proof{Work: "AAAA", Bits: 60}}, SignupURL: "/u/signup?state=hKFo2SB"},
		"login-passkeys": LoginPage{
			Frame: sampleFrame, Form: sampleForm, SignupURL: "/u/signup?state=hKFo2SB", ForgotURL: "/u/reset?state=hKFo2SB",
			Passkeys: &PasskeyForm{Frame: sampleFrame, Form: sampleForm, Options: `{"challenge":"AAAA"}`, Autofill: true, Button: true},
		},
		"login-passkey-only": LoginPage{
			Frame: sampleFrame, Form: sampleForm, SignupURL: "/u/signup?state=hKFo2SB", NoPassword: true,
			Passkeys: &PasskeyForm{Frame: sampleFrame, Form: sampleForm, Options: `{"challenge":"AAAA"}`, Button: true, Only: true},
		},
		"passkey-enrollment": PasskeyPage{Frame: sampleFrame, Form: sampleForm, Options: `{"challenge":"AAAA"}`, Skips: true},
		"passkey-local":      PasskeyPage{Frame: bare, Form: sampleForm, Options: `{"challenge":"AAAA"}`, Local: true, Problems: Problems{{Code: "invalid_key"}}, BackURL: "/u/signup"},
		"login-wrong": LoginPage{
			Frame: sampleFrame, Form: sampleForm, Identifier: "ada@example.com", Asks: Identifiers{Emails: true, Usernames: true},
			Problems:  Problems{{Code: "invalid_username_password"}},
			SignupURL: "/u/signup?state=hKFo2SB", ForgotURL: "/u/reset?state=hKFo2SB",
		},
		"login-any":   LoginPage{Frame: sampleFrame, Form: sampleForm, Asks: Identifiers{true, true, true}, Identifier: "+49 151", Problems: Problems{{Code: "invalid_login_password"}}, SignupURL: "/u/signup?state=x", ForgotURL: "/u/forgot"},
		"login-phone": LoginPage{Frame: bare, Form: sampleForm, Asks: Identifiers{Phones: true}, SignupURL: "/u/signup?state=x"},
		"signup-any": SignupPage{
			Frame: sampleFrame, Form: sampleForm, Phone: "+49 151 23456789", Asks: SignupFields{FieldOptional, FieldRequired, FieldOptional}, Policy: samplePolicy(), LoginURL: "/u/login?state=x",
			Problems: Problems{{Code: "phone_exists", Field: FieldPhone}},
		},
		"signup-who": SignupPage{Frame: sampleFrame, Form: sampleForm, Step: AskWho, LoginURL: "/u/login?state=x"},
		"login-password-or-code": LoginPage{
			Frame: sampleFrame, Form: sampleForm, Identifier: "ada@example.com", Step: AskPassword, EditURL: "/u/login?state=x", ForgotURL: "/u/forgot", Code: &CodeOffer{Form: sampleForm},
		},
		"login-code-or-password": LoginCodePage{
			Frame: sampleFrame, Form: sampleForm, Address: "+4915123456789", Phone: true, Digits: 6, Unsure: true, EditURL: "/u/login?state=x", Resend: sampleForm, PasswordURL: "/u/login?no_code=1",
		},
		"signup-code":         LoginCodePage{Frame: sampleFrame, Form: sampleForm, Address: "ada@example.com", Digits: 6, Continues: true, EditURL: "/u/signup?state=x", Resend: sampleForm},
		"signup-no-password":  SignupPage{Frame: sampleFrame, Form: sampleForm, Email: "ada@example.com", Step: AskPassword, EditURL: "/u/signup?state=x", LoginURL: "/u/login?state=x", Passkeys: true, NoPassword: true},
		"signup-passkey-only": SignupPage{Frame: sampleFrame, Form: sampleForm, LoginURL: "/u/login?state=x", Passkeys: true, NoPassword: true, PasskeyOnly: true},
		"signup-password":     SignupPage{Frame: sampleFrame, Form: sampleForm, Email: "ada@example.com", Step: AskPassword, EditURL: "/u/signup?state=x", Policy: samplePolicy(), LoginURL: "/u/login?state=x", Passkeys: true},
		"forgot-code":         LoginCodePage{Frame: bare, Form: sampleForm, Address: "ada@example.com", Digits: 6, Continues: true, Unsure: true, EditURL: "/u/forgot", Resend: sampleForm, Problems: Problems{{Code: "wrong_code", Field: FieldCode}}},
		"forgot-any":          ForgotPage{Frame: sampleFrame, Form: sampleForm, Asks: Identifiers{true, true, true}, Codes: true, LoginURL: "/u/login?state=x"},
		"login-providers": LoginPage{
			Frame: sampleFrame, Form: sampleForm, SignupURL: "/u/signup?state=x", ForgotURL: "/u/reset", Buttons: []ProviderButton{
				{Name: "Night & Day", URL: "/u/login/with?connection=night&state=x"}, {Name: "Radio", Icon: "https://radio.example/icon.svg", URL: "/u/login/with?connection=radio&state=x"},
			},
		},
		"login-marks": LoginPage{Frame: sampleFrame, Form: sampleForm, NoPassword: true, Buttons: []ProviderButton{
			{Name: "Google", Mark: "google", URL: "/u/login/with?connection=1"},
			{Name: "Apple", Mark: "apple", URL: "/u/login/with?connection=2"},
			{Name: "GitHub", Mark: "github", URL: "/u/login/with?connection=3"},
			{Name: "Facebook", Mark: "facebook", URL: "/u/login/with?connection=4"},
			{Name: "Microsoft", Mark: "microsoft", URL: "/u/login/with?connection=5"},
			{Name: "LinkedIn", Mark: "linkedin", URL: "/u/login/with?connection=6"},
			{Name: "X", Mark: "x", URL: "/u/login/with?connection=7"},
			{Name: "GitLab", Mark: "gitlab", URL: "/u/login/with?connection=8"},
			{Name: "Discord", Mark: "discord", URL: "/u/login/with?connection=9"},
			{Name: "Slack", Mark: "slack", URL: "/u/login/with?connection=10"},
			{Name: "Spotify", Mark: "spotify", URL: "/u/login/with?connection=11"},
			{Name: "Corp", Mark: "company", URL: "/u/login/with?connection=12"},
		}},
		"login-providers-only": LoginPage{Frame: bare, Form: sampleForm, NoPassword: true, Buttons: []ProviderButton{{Name: "Radio", URL: "/u/login/with?connection=radio&state=x"}}},
		"login-brand":          LoginPage{Frame: branded, Form: sampleForm, Organization: "The Night Shift", SignupURL: "/u/signup?state=x", ForgotURL: "/u/reset"},
		"login-unchecked":      LoginPage{Frame: unchecked, Form: sampleForm},
		"login-organization":   LoginPage{Frame: bare, Form: sampleForm, Organization: "The Night Shift", Identifier: "ada@example.com"},
		"login-codes":          LoginPage{Frame: sampleFrame, Form: sampleForm, ForgotURL: "/u/reset", Buttons: []ProviderButton{{Name: "email", Code: "email", URL: "/u/login/passwordless?connection=email&state=x"}, {Name: "Radio", URL: "/u/login/with?connection=radio&state=x"}}},
		"passwordless-email":   CodeWishPage{Frame: sampleFrame, Form: sampleForm, Address: "ada@example.com", LoginURL: "/u/login?state=x"},
		"passwordless-sms":     CodeWishPage{Frame: bare, Form: sampleForm, Phone: true, Address: "0151", Problems: Problems{{Code: "invalid_phone_number", Field: FieldPhone}}},
		"passwordless-code":    LoginCodePage{Frame: sampleFrame, Form: sampleForm, Address: "ada@example.com", Digits: 6, EditURL: "/u/login/passwordless?state=x", Resend: sampleForm, InboxURL: "/u/inbox"},
		"passwordless-code-wrong": LoginCodePage{
			Frame: bare, Form: sampleForm, Phone: true, Address: "+4915123456789", Digits: 6, EditURL: "/u/login/passwordless?state=x", Resend: sampleForm,
			Problems: Problems{{Code: "spent_code", Field: FieldCode}},
		},
		"passwordless-link":  LinkPage{Frame: sampleFrame, Form: sampleForm, Address: "ada@example.com"},
		"organization":       OrganizationPage{Frame: sampleFrame, Form: sampleForm},
		"organization-wrong": OrganizationPage{Frame: sampleFrame, Form: sampleForm, Name: "nigth", Emails: true, Personal: true, Problems: Problems{{Code: "no_organization", Field: FieldOrganization}}},
		"organization-choose": OrganizationPage{Frame: branded, Form: sampleForm, Chooses: true, Personal: true, Choices: []OrganizationChoice{
			{ID: "org_1", Name: "The Night Shift", Logo: mixtapeLogo}, {ID: "org_2", Name: "Ljósvaki útvarp og tónlist"}, {ID: "org_3", Name: "Zürich Records"},
		}},
		"signup": SignupPage{Frame: sampleFrame, Form: sampleForm, Policy: samplePolicy(), LoginURL: "/u/login?state=hKFo2SB", Passkeys: true},
		"signup-wrong": SignupPage{
			Frame: lettered, Form: sampleForm, Email: "ada@example", Username: "ada", Asks: SignupFields{Email: FieldRequired, Username: FieldRequired}, LoginURL: "/u/login?state=hKFo2SB",
			Policy: samplePolicy(Broken, Broken, Kept, Broken, Broken, Broken),
			Problems: Problems{
				{Code: "invalid_email", Field: FieldEmail},
				{Code: "username_exists", Field: FieldUsername},
				{Code: "invalid_password", Field: FieldPassword},
				{Code: "from_a_script", Text: "We open in October."},
			},
		},
		"forgot":       ForgotPage{Frame: sampleFrame, Form: sampleForm, LoginURL: "/u/login?state=hKFo2SB"},
		"forgot-wrong": ForgotPage{Frame: sampleFrame, Form: sampleForm, Email: "ada", Problems: Problems{{Code: "invalid_email", Field: FieldEmail}}},
		"checkmail":    CheckMailPage{Frame: sampleFrame, Email: "ada@example.com", LoginURL: "/u/login?state=hKFo2SB", InboxURL: "/ui/inbox"},
		"password":     NewPasswordPage{Frame: bare, Form: sampleForm, Email: "ada@example.com", Policy: samplePolicy()},
		"password-wrong": NewPasswordPage{
			Frame: bare, Form: sampleForm, Email: "ada@example.com", Policy: append(samplePolicy(Kept, Kept, Kept, Kept, Kept, Broken),
				Rule{Code: "identicalChars", Args: []any{2, "aaa"}, State: Kept}, Rule{Code: "history", Args: []any{5}, State: Broken}),
			Problems: Problems{{Code: "password_history", Field: FieldPassword}},
		},
		"passwordchanged":    PasswordChangedPage{Frame: bare, ContinueURL: "/u/login"},
		"ticket-used":        TicketPage{Frame: bare, Reason: TicketUsed, RetryURL: "/u/reset"},
		"ticket-expired":     TicketPage{Frame: bare, Reason: TicketExpired, RetryURL: "/u/reset", ContinueURL: "https://mixtape.example.com/"},
		"ticket-invalid":     TicketPage{Frame: bare, Reason: "whatever", ContinueURL: "https://mixtape.example.com/"},
		"unblock":            UnblockPage{Frame: bare, Form: sampleForm, Email: "ada@example.com"},
		"unblocked":          UnblockedPage{Frame: bare, Email: "ada@example.com", ContinueURL: "https://mixtape.example.com/"},
		"verified":           VerifiedPage{Frame: bare, Email: "ada@example.com", ContinueURL: "https://mixtape.example.com/"},
		"link-account":       LinkAccountPage{Frame: sampleFrame, Form: sampleForm, Email: "ada@example.com"},
		"link-account-wrong": LinkAccountPage{Frame: sampleFrame, Form: sampleForm, Email: "ada@example.com", Problems: Problems{{Code: "invalid_user_password", Field: FieldPassword}}},
		"consent": ConsentPage{
			Frame: sampleFrame, Form: sampleForm, User: "ada@example.com", API: "Mixtape API",
			Details: []ScopeGroup{{Title: "money_transfer", Items: []string{"amount: 12.50 EUR", "to: Mixtape Records"}}},
			Scopes: []Scope{
				{"openid", ""},
				{"profile", ""},
				{"email", ""},
				{"read:playlists", ""},
				{"write:playlists", ""},
				{"read:favourite_songs", "See which songs you love"},
				{"stream", ""},
				{"offline_access", ""},
			},
		},
		"consent-little": ConsentPage{Frame: lettered, Form: sampleForm, User: "ada@example.com", Scopes: []Scope{{"openid", ""}}},
		"consent-host":   ConsentPage{Frame: unchecked, Form: sampleForm, User: "ada@example.com", Scopes: []Scope{{"openid", ""}, {"email", ""}}},
		"logout":         LogoutPage{Frame: bare, Form: sampleForm, User: "ada@example.com"},
		"logout-client":  LogoutPage{Frame: sampleFrame, Form: sampleForm},
		"reference": ReferencePage{Frame: bare, Base: "https://login.example.com/api/v2", SpecURL: "/api/v2/openapi.json", Groups: []ReferenceGroup{{Name: "users", Operations: []ReferenceOperation{
			{
				ID: "getUsers", Method: "GET", Path: "/users", Title: "List or Search Users", Scopes: "read:users", Status: 200,
				Parameters: []ReferenceField{{Name: "q", Type: "string", Doc: "Query in Lucene query string syntax"}}, Example: "curl 'https://login.example.com/api/v2/users'",
			},
			{
				ID: "postUsers", Method: "POST", Path: "/users", Title: "Create a User", Scopes: "create:users", Status: 201,
				Body: []ReferenceField{{Name: "connection", Type: "string", Required: true, Doc: "Name of the connection", Rules: "minLength 1"}}, Example: "curl -X POST …",
			},
		}}}},
		"mfa-otp-enrollment": OTPEnrollPage{
			Frame: sampleFrame, Form: sampleForm, Account: "ada@example.com", Secret: "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP",
			QR: sampleQR, URI: "otpauth://totp/Mixtape%20Records:ada@example.com?secret=JBSWY3DPEHPK3PXP&issuer=Mixtape%20Records",
		},
		"mfa-otp-challenge": OTPPage{Frame: sampleFrame, Form: sampleForm, Remembering: monthly, RecoveryURL: "/u/mfa-recovery-code-challenge?state=hKFo2SB"},
		"mfa-otp-challenge-wrong": OTPPage{
			Frame: sampleFrame, Form: sampleForm, Remembering: Remembering{Remembers: true, Remember: true, Lasts: 30 * 24 * time.Hour}, Problems: Problems{{Code: "invalid_otp", Field: FieldCode}},
		},
		"mfa-recovery-code-challenge": RecoveryPage{
			Frame: lettered, Form: sampleForm, OTPURL: "/u/mfa-otp-challenge?state=hKFo2SB", Problems: Problems{{Code: "invalid_recovery_code", Field: FieldCode}},
		},
		"mfa-recovery-code-enrollment": RecoveryCodePage{Frame: sampleFrame, Form: sampleForm, Code: "7GJ4 K2QP X9WL 3MZA V8TD R5NB", New: true},
		"mfa-webauthn":                 KeyPage{Frame: sampleFrame, Form: sampleForm, Options: `{"challenge":"AAAA"}`, Remembering: monthly, OtherURL: "/u/mfa-login-options?state=x"},
		"mfa-webauthn-wrong":           KeyPage{Frame: sampleFrame, Form: sampleForm, Device: true, Options: "{}", Problems: Problems{{Code: "invalid_key"}}},
		"mfa-webauthn-enrollment":      KeyPage{Frame: sampleFrame, Form: sampleForm, Enroll: true, OtherURL: "/u/mfa-begin-enroll-options?state=x"},
		"mfa-webauthn-platform":        KeyPage{Frame: lettered, Form: sampleForm, Enroll: true, Device: true},
		"mfa-options": FactorsPage{Frame: sampleFrame, Choices: []FactorLink{
			{Kind: "webauthn-roaming", URL: "/u/mfa-webauthn-roaming-challenge?state=x"}, {Kind: "otp", URL: "/u/mfa-otp-challenge?state=x"}, {Kind: "recovery-code", URL: "/u/x"},
		}},
		"mfa-duo":        DuoPage{Frame: sampleFrame, Form: sampleForm, Remembering: monthly},
		"mfa-duo-denied": DuoPage{Frame: lettered, Form: sampleForm, Remembering: Remembering{Remembers: true, Remember: true, Lasts: 30 * 24 * time.Hour}, Problems: Problems{{Code: "duo_denied"}}},
		"mfa-push": PushPage{
			Frame: sampleFrame, Form: sampleForm, Waits: true, AskURL: "/u/mfa-push-challenge?state=x&poll=1", NextURL: "/u/mfa-push-challenge?state=x&asked=1",
			Remembering: monthly, Resend: sampleForm, OtherURL: "/u/mfa-login-options?state=x",
		},
		"mfa-push-denied": PushPage{Frame: lettered, Form: sampleForm, Problems: Problems{{Code: "push_denied"}}, Resend: sampleForm},
		"mfa-push-enrollment": PushPage{
			Frame: sampleFrame, Form: sampleForm, Enroll: true, Waits: true, AskURL: "/u/x?poll=1", NextURL: "/u/x?asked=1", QR: QR{Size: 21, Path: "M0 0h7v1h-7z"},
			URI: "otpauth://totp/Acme:ada@example.com?enrollment_tx_id=x&base_url=https%3A%2F%2Flogin.example.com%2Fappliance-mfa", InboxURL: "/u/inbox",
		},
		"inbox-device":        InboxDevicePage{Frame: bare, Form: sampleForm, InboxURL: "/u/inbox"},
		"inbox-device-enroll": InboxDevicePage{Frame: bare, Form: sampleForm, Enroll: true, InboxURL: "/u/inbox"},
		"mfa-address":         AddressPage{Frame: sampleFrame, Form: sampleForm, Phone: true, OtherURL: "/u/x"},
		"mfa-address-email":   AddressPage{Frame: bare, Form: sampleForm, Address: "ada", Problems: Problems{{Code: "invalid_email", Field: FieldEmail}}},
		"mfa-code":            LoginCodePage{Frame: sampleFrame, Form: sampleForm, Phone: true, Address: "XXXXXXXX5678", Digits: 6, Second: true, Remembering: monthly, Resend: sampleForm, OtherURL: "/u/x"},
		"mfa-options-enroll":  FactorsPage{Frame: bare, Enroll: true, Choices: []FactorLink{{Kind: "webauthn-platform", URL: "/u/x"}, {Kind: "otp", URL: "/u/y"}}},
		"mfa-enrolled":        EnrolledPage{Frame: bare, Code: "7GJ4 K2QP X9WL 3MZA V8TD R5NB", ContinueURL: "https://mixtape.example.com/"},
		"approve":             ApprovePage{Frame: sampleFrame, Form: sampleForm, Message: "Order 4711: 120.00 EUR"},
		"approve-allowed":     ApprovedPage{Frame: bare, Allowed: true},
		"approve-denied":      ApprovedPage{Frame: sampleFrame},
		"device-code":         DeviceCodePage{Frame: bare, Form: sampleForm},
		"device-code-wrong":   DeviceCodePage{Frame: bare, Form: sampleForm, Problems: Problems{{Code: "wrong_user_code", Field: FieldCode}}},
		"device-confirm":      DeviceConfirmPage{Frame: sampleFrame, Form: sampleForm, Code: "WDJB-MJHT"},
		"device-allowed":      DeviceDonePage{Frame: bare, Allowed: true},
		"device-denied":       DeviceDonePage{Frame: sampleFrame, RetryURL: "/activate"},
		"loggedout":           LoggedOutPage{Frame: bare, LoginURL: "/u/login"},
		"loggedout-stranger":  LoggedOutPage{Frame: sampleFrame, ReturnURL: "https://mixtape.example.com/bye"},
		"error": ErrorPage{
			Frame: sampleFrame, Code: "unauthorized_client", Tracking: "3f9c1b0a52d84e7c",
			Description: sampleFrame.ClientFault("unauthorized_client", "is not in the list of allowed callback URLs"),
			Hint:        "Callback URL mismatch. The provided redirect_uri is not in the list of allowed callback URLs. Add http://localhost:3000/callback to the Allowed Callback URLs of this client.",
			BackURL:     "https://mixtape.example.com/", SupportURL: "mailto:help@example.com",
		},
		"error-bare": ErrorPage{Frame: Frame{Lang: "en"}},
		"inbox": InboxPage{Frame: bare, Mails: []InboxMail{
			{URL: "/ui/inbox/3", To: "+15550100", Subject: "123456 is your verification code for Mixtape Records", Sent: sampleSent, Phone: true},
			{URL: "/ui/inbox/2", From: "Mixtape <no-reply@example.com>", To: "grace@example.com", Subject: "Choose a new password for Mixtape", Sent: sampleSent},
			{URL: "/ui/inbox/1", From: "Mixtape <no-reply@example.com>", To: "ada@example.com", Subject: "Verify your email for Mixtape", Sent: sampleSent.Add(-time.Hour)},
			{URL: "/ui/inbox/0", From: "Mixtape <no-reply@example.com>", To: "a-rather-long-address-of-somebody@subdomain.example.com", Sent: sampleSent.Add(-26 * time.Hour)},
		}},
		"inbox-empty": InboxPage{Frame: bare},
		"mail": MailPage{
			Frame:    bare,
			Mail:     InboxMail{From: "Mixtape <no-reply@example.com>", To: "ada@example.com", Subject: "Verify your email for Mixtape", Sent: sampleSent},
			Text:     "Verify your email\n\nWelcome to Mixtape. Please confirm that this address is yours.\n\nVerify my email:\nhttps://login.example.com/u/email-verification?ticket=Vh3kX8\n\nThe link works once, within 5 days.\n",
			HTMLURL:  "/mailbody/verify_email",
			InboxURL: "/ui/inbox",
		},
		"inbox-phone": MailPage{
			Frame: bare, Mail: InboxMail{To: "+15550100", Sent: sampleSent, Phone: true}, Text: "123456 is your verification code for Mixtape Records", InboxURL: "/ui/inbox",
		},
		"welcome": WelcomePage{
			ReferenceURL: "/reference",
			Frame:        bare, Issuer: "https://login.example.com/", DiscoveryURL: "https://login.example.com/.well-known/openid-configuration",
			JWKSURL: "https://login.example.com/.well-known/jwks.json", DocsURL: "https://login.example.com/docs/", InboxURL: "/ui/inbox",
		},
	}
}
