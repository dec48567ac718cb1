package mgmt

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/liquid"
	"github.com/stagedoor/stagedoor/internal/web"
)

var promptSettings = settings{name: stagedoor.SettingPrompts, defaults: map[string]any{
	"universal_login_experience": "new", "identifier_first": false, "webauthn_platform_first_factor": false,
}}

type promptsIn struct {
	_               struct{}        `schema:"min=1"`
	Experience      web.Opt[string] `json:"universal_login_experience" schema:"notnull,enum=new|classic" doc:"Which login experience to use. Can be \"new\" or \"classic\""`
	IdentifierFirst web.Opt[bool]   `json:"identifier_first" doc:"Whether identifier first is enabled or not"`
	WebAuthnFirst   web.Opt[bool]   `json:"webauthn_platform_first_factor" doc:"Use WebAuthn with Device Biometrics as the first authentication factor"`
}

var mfaPush = settings{name: "prompts/mfa-push", defaults: map[string]any{}}

type mfaPushIn struct {
	AppName    web.Opt[string] `json:"app_name" schema:"max=255"`
	AppleLink  web.Opt[string] `json:"apple_app_link" schema:"max=2000"`
	GoogleLink web.Opt[string] `json:"google_app_link" schema:"max=2000"`
}

// promptNames are the prompts that have texts (Management API fact sheet 3.17).
var promptNames = strings.Fields(`login login-id login-password login-passwordless login-email-verification signup signup-id signup-password
email-identifier-challenge phone-identifier-challenge phone-identifier-enrollment custom-form reset-password consent customized-consent logout mfa-push mfa-voice
mfa-otp mfa-phone mfa-sms mfa-webauthn mfa-email mfa-recovery-code mfa status device-flow email-verification email-otp-challenge organizations invitation
common captcha brute-force-protection passkeys pre-login-organization-picker async-approval-flow`)

// partialPrompts are those that have insertion points.
var partialPrompts = strings.Fields(`login login-id login-password login-passwordless signup signup-id signup-password passkeys customized-consent`)

// inPath refuses a segment of the path that is not one of those known.
func inPath(c *call, name, doc string, known []string) (string, error) {
	value := c.r.PathValue(name)
	if !slices.Contains(known, value) {
		return "", (&web.Violation{Path: name, Doc: doc, Reason: "No enum match for: " + bounded(value, 100)}).URI()
	}
	return value, nil
}

// textsIn are texts by screen and key.
type textsIn map[string]map[string]string

// wordsOf is all that a tenant says on its pages, by prompt and language.
type wordsOf map[string]map[string]json.RawMessage

func promptAndLanguage(c *call) (prompt, language string, err error) {
	if prompt, err = inPath(c, "prompt", "Name of the prompt", promptNames); err != nil {
		return "", "", err
	}
	language, err = inPath(c, "language", "Language of the custom texts", strings.Fields(locales))
	return prompt, language, err
}

func (a *API) readCustomText(c *call) (any, error) {
	prompt, language, err := promptAndLanguage(c)
	if err != nil {
		return nil, err
	}
	kept := wordsOf{}
	if err := c.store.Setting(c.ctx(), stagedoor.SettingCustomText, &kept); err != nil {
		return nil, err
	}
	if own := kept[prompt][language]; own != nil {
		return own, nil
	}
	return map[string]any{}, nil
}

// maxTexts is how long all texts of a tenant are together, in bytes: they are read and written as one, and pages are made of them.
const maxTexts = 4 << 20

// setCustomText replaces the texts of a prompt in one language. Keys that no page of ours has are kept, as there.
func (a *API) setCustomText(c *call, in textsIn) (any, error) {
	prompt, language, err := promptAndLanguage(c)
	if err != nil {
		return nil, err
	}
	for _, screen := range slices.Sorted(maps.Keys(in)) {
		if !segment.MatchString(screen) {
			return nil, web.Unknown("", bounded(screen, 100)).Body()
		}
	}
	err = changeSetting(c, stagedoor.SettingCustomText, func(kept *wordsOf) error {
		if *kept == nil {
			*kept = wordsOf{}
		}
		if (*kept)[prompt] == nil {
			(*kept)[prompt] = map[string]json.RawMessage{}
		}
		if len(in) == 0 {
			delete((*kept)[prompt], language)
			return nil
		}
		(*kept)[prompt][language] = c.body
		size := 0
		for _, languages := range *kept {
			for _, texts := range languages {
				size += len(texts)
			}
		}
		if size > maxTexts {
			return bad("invalid_body", "The custom texts of all prompts and languages may have "+itoa(maxTexts)+" bytes together.")
		}
		return nil
	})
	return in, err
}

var segment = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,99}$`)

func (a *API) readPartials(c *call) (any, error) {
	prompt, err := inPath(c, "prompt", "Name of the prompt", partialPrompts)
	if err != nil {
		return nil, err
	}
	kept := map[string]textsIn{}
	if err := c.store.Setting(c.ctx(), stagedoor.SettingPartials, &kept); err != nil {
		return nil, err
	}
	if own := kept[prompt]; own != nil {
		return own, nil
	}
	return textsIn{}, nil
}

// setPartials replaces the HTML that a tenant inserts into the pages of a prompt.
func (a *API) setPartials(c *call, in textsIn) (any, error) {
	prompt, err := inPath(c, "prompt", "Name of the prompt", partialPrompts)
	if err != nil {
		return nil, err
	}
	for _, screen := range slices.Sorted(maps.Keys(in)) {
		if !segment.MatchString(screen) {
			return nil, web.Unknown("", bounded(screen, 100)).Body()
		}
		for _, point := range slices.Sorted(maps.Keys(in[screen])) {
			if !segment.MatchString(point) {
				return nil, web.Unknown(screen, bounded(point, 100)).Body()
			}
			if err := liquid.Check(in[screen][point]); err != nil {
				return nil, badProperty(screen+"."+point, "The template cannot be read: "+bounded(err.Error(), 200))
			}
		}
		if len(in[screen]) == 0 {
			delete(in, screen)
		}
	}
	if in == nil {
		in = textsIn{}
	}
	err = changeSetting(c, stagedoor.SettingPartials, func(kept *map[string]textsIn) error {
		if *kept == nil {
			*kept = map[string]textsIn{}
		}
		if (*kept)[prompt] = in; len(in) == 0 {
			delete(*kept, prompt)
		}
		return nil
	})
	return in, err
}
