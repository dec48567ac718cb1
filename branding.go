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
	SettingRendering     = "prompts/rendering"   // "prompt/screen" → Rendering
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
	"account_code", "account_changed", "account_deleted",
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

// Theme is how the hosted pages of a tenant look in detail (Management API objects 7). Colours are #rgb or #rrggbb, sizes of texts are
// percents of ReferenceSize.
type Theme struct {
	Borders struct {
		ButtonRadius float64 `json:"button_border_radius"` // pixels
		ButtonWeight float64 `json:"button_border_weight"` // pixels
		Buttons      string  `json:"buttons_style"`        // pill, rounded, sharp
		InputRadius  float64 `json:"input_border_radius"`  // pixels
		InputWeight  float64 `json:"input_border_weight"`  // pixels
		Inputs       string  `json:"inputs_style"`         // pill, rounded, sharp
		Shadow       bool    `json:"show_widget_shadow"`
		WidgetWeight float64 `json:"widget_border_weight"` // pixels
		WidgetRadius float64 `json:"widget_corner_radius"` // pixels
	} `json:"borders"`
	Colors struct {
		BodyText         string `json:"body_text"`
		Error            string `json:"error"`
		Header           string `json:"header"`
		Icons            string `json:"icons"`
		InputBackground  string `json:"input_background"`
		InputBorder      string `json:"input_border"`
		InputText        string `json:"input_filled_text"`
		InputLabels      string `json:"input_labels_placeholders"`
		Links            string `json:"links_focused_components"`
		PrimaryButton    string `json:"primary_button"`
		PrimaryLabel     string `json:"primary_button_label"`
		SecondaryBorder  string `json:"secondary_button_border"`
		SecondaryLabel   string `json:"secondary_button_label"`
		Success          string `json:"success"`
		WidgetBackground string `json:"widget_background"`
		WidgetBorder     string `json:"widget_border"`
	} `json:"colors"`
	Fonts struct {
		URL           string   `json:"font_url"`
		ReferenceSize float64  `json:"reference_text_size"` // pixels
		LinksStyle    string   `json:"links_style"`         // normal, underlined
		Title         TextSize `json:"title"`
		Subtitle      TextSize `json:"subtitle"`
		BodyText      TextSize `json:"body_text"`
		Buttons       TextSize `json:"buttons_text"`
		Labels        TextSize `json:"input_labels"`
		Links         TextSize `json:"links"`
	} `json:"fonts"`
	Background struct {
		Color    string `json:"background_color"`
		ImageURL string `json:"background_image_url"`
		Layout   string `json:"page_layout"` // left, center, right
	} `json:"page_background"`
	Widget struct {
		HeaderAlignment string  `json:"header_text_alignment"` // left, center, right
		LogoHeight      float64 `json:"logo_height"`           // pixels
		LogoPosition    string  `json:"logo_position"`         // left, center, right, none
		LogoURL         string  `json:"logo_url"`
	} `json:"widget"`
}

// TextSize is how a kind of text is set.
type TextSize struct {
	Bold bool    `json:"bold"`
	Size float64 `json:"size"`
}

// ScreenTexts are texts by screen and key, or HTML by screen and insertion point.
type ScreenTexts map[string]map[string]string

// Look is all that a tenant says about its hosted pages.
type Look struct {
	Branding        Branding
	Theme           *Theme                            // nil if there is none
	PageTemplate    string                            // the frame around the pages; "" for ours
	Texts           map[string]map[string]ScreenTexts // by prompt and language
	Partials        map[string]ScreenTexts            // by prompt
	Renderings      map[string]*Rendering             // by "prompt/screen"
	IdentifierFirst bool                              // who first, password on a page of its own
}
