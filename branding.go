package stagedoor

import "encoding/json"

// The names of the groups of settings that several rooms know; see store.Setting.
const (
	SettingEmailProvider = "emails/provider"
	SettingEmailTemplate = "email-templates/" // and the name of the template
	SettingBranding      = "branding"
	SettingPageTemplate  = "branding/universal-login"
	SettingPrompts       = "prompts"
	SettingCustomText    = "prompts/custom-text" // prompt → language → screen → key → text
	SettingPartials      = "prompts/partials"    // prompt → screen → insertion point → HTML
)

// EmailProvider is who sends a tenant's mails (Management API fact sheet 3.16). The zero value is none.
type EmailProvider struct {
	Name        string                     `json:"name,omitempty"`
	Enabled     bool                       `json:"enabled,omitempty"`
	From        string                     `json:"default_from_address,omitempty"`
	Credentials map[string]json.RawMessage `json:"credentials,omitempty"`
	Settings    json.RawMessage            `json:"settings,omitempty"`
}

// EmailTemplateNames are the names of the mails that a tenant may write itself.
var EmailTemplateNames = []string{
	"verify_email", "verify_email_by_code", "auth_email_by_code", "reset_email", "reset_email_by_code", "welcome_email", "blocked_account",
	"stolen_credentials", "enrollment_email", "mfa_oob_code", "user_invitation", "change_password", "password_reset", "async_approval",
}

// EmailTemplate is a mail that a tenant wrote itself. The zero value is none.
type EmailTemplate struct {
	Template               string `json:"template"`
	Body                   string `json:"body"`
	From                   string `json:"from"`
	ResultURL              string `json:"resultUrl"` // where the link of the mail leads in the end
	Subject                string `json:"subject"`
	Syntax                 string `json:"syntax"`
	LifetimeSeconds        int    `json:"urlLifetimeInSeconds"`
	IncludeEmailInRedirect bool   `json:"includeEmailInRedirect"`
	Enabled                bool   `json:"enabled"`
}

// Branding is the look of a tenant's pages and mails.
type Branding struct {
	Colors struct {
		Primary        string          `json:"primary"`
		PageBackground json.RawMessage `json:"page_background"` // a colour, or a gradient
	} `json:"colors"`
	FaviconURL string `json:"favicon_url"`
	LogoURL    string `json:"logo_url"`
	Font       struct {
		URL string `json:"url"`
	} `json:"font"`
}
