package mgmt

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/web"
)

// The groups of settings under /guardian. Those of factors that nobody is asked for here are kept and have no effect.
var (
	duoSettings    = settings{name: "guardian/duo", defaults: map[string]any{}}
	phoneTypes     = settings{name: "guardian/phone-message-types", defaults: map[string]any{"message_types": []string{}}}
	phoneProvider  = settings{name: "guardian/phone-provider", defaults: map[string]any{"provider": "auth0"}}
	phoneTwilio    = settings{name: "guardian/twilio", defaults: map[string]any{"auth_token": nil, "sid": nil, "from": nil, "messaging_service_sid": nil}}
	phoneTemplates = settings{name: "guardian/phone-templates", defaults: map[string]any{}}
	pushProvider   = settings{name: "guardian/push-provider", defaults: map[string]any{"provider": "guardian"}}
	pushAPNS       = settings{name: "guardian/apns", defaults: map[string]any{"sandbox": false, "bundle_id": nil, "enabled": false}, hidden: []string{"p12"}}
	pushFCM        = settings{name: "guardian/fcm", defaults: map[string]any{}, hidden: []string{"server_key"}}
	pushFCMv1      = settings{name: "guardian/fcmv1", defaults: map[string]any{}, hidden: []string{"server_credentials"}}
	pushSNS        = settings{name: "guardian/sns", defaults: map[string]any{
		"aws_access_key_id": nil, "aws_secret_access_key": nil, "aws_region": nil, "sns_apns_platform_application_arn": nil, "sns_gcm_platform_application_arn": nil,
	}}
	pushWebhook  = settings{name: mfa.SettingPush, defaults: map[string]any{"url": nil}, hidden: []string{"secret"}}
	roamingKeys  = settings{name: "guardian/webauthn-roaming", defaults: map[string]any{"userVerification": "preferred", "overrideRelyingParty": false}}
	remembering  = settings{name: mfa.SettingRemembering, defaults: mfa.DefaultRemembering()}
	mailedCodes  = settings{name: mfa.SettingCodes[mfa.Email], defaults: mfa.DefaultCodes()}
	textedCodes  = settings{name: mfa.SettingCodes[mfa.Phone], defaults: mfa.DefaultCodes()}
	platformKeys = settings{name: "guardian/webauthn-platform", defaults: map[string]any{"overrideRelyingParty": false}}
)

func (a *API) listFactors(c *call) (any, error) {
	on, err := mfa.Switches(c.ctx(), c.store)
	if err != nil {
		return nil, err
	}
	list := []map[string]any{}
	for _, name := range mfa.FactorNames {
		list = append(list, map[string]any{"name": name, "enabled": on[name], "trial_expired": false})
	}
	return list, nil
}

type factorIn struct {
	Enabled bool `json:"enabled" schema:"required" doc:"Whether this factor is enabled (true) or disabled (false)"`
}

func (a *API) setFactor(c *call, in factorIn) (any, error) {
	name := c.r.PathValue("name")
	if !slices.Contains(mfa.FactorNames, name) {
		return nil, (&web.Violation{
			Path: "name", Doc: "Factor name. Can be " + strings.Join(mfa.FactorNames, ", "), Reason: "No enum match for: " + bounded(name, 100),
		}).URI()
	}
	err := c.store.ChangeSetting(c.ctx(), mfa.SettingFactors, func(kept map[string]any) error {
		kept[name] = in.Enabled
		return nil
	})
	return map[string]bool{"enabled": in.Enabled}, err
}

type policiesSetting struct {
	Policies []string `json:"policies"`
}

func (a *API) readPolicies(c *call) (any, error) {
	kept := policiesSetting{Policies: []string{}}
	err := c.store.Setting(c.ctx(), mfa.SettingPolicies, &kept)
	return kept.Policies, err
}

// setPolicies takes a bare list, the only body of its kind.
func (a *API) setPolicies(c *call, in json.RawMessage) (any, error) {
	kept := policiesSetting{Policies: []string{}}
	if web.TypeOf(in) != "array" {
		return nil, (&web.Violation{Reason: "Expected type array but found type " + web.TypeOf(in)}).Body()
	}
	if err := json.Unmarshal(in, &kept.Policies); err != nil {
		return nil, (&web.Violation{Reason: "Expected type string in every item"}).Body()
	}
	for _, p := range kept.Policies {
		if p != "all-applications" && p != "confidence-score" {
			return nil, (&web.Violation{Path: "[0]", Reason: "No enum match for: " + bounded(p, 100)}).Body()
		}
	}
	if len(kept.Policies) > 1 {
		return nil, (&web.Violation{Reason: "Array is too long (2), maximum 1"}).Body()
	}
	return kept.Policies, c.store.ChangeSetting(c.ctx(), mfa.SettingPolicies, func(members map[string]any) error {
		members["policies"] = kept.Policies
		return nil
	})
}

// guardianNames are the names of the older templates for what the phone templates name otherwise.
var guardianNames = strings.NewReplacer("{{ code | escape }}", "{{code}}", "{{ friendly_name | escape }}", "{{tenant.friendly_name}}")

// phoneTexts are the texts of codes where none were set: those of the phone templates. SDKs read both: an answer without a body is only known of the older path.
func (a *API) phoneTexts(c *call) (any, error) {
	out, err := phoneTemplates.show(c)
	if texts, isObject := out.(map[string]any); isObject && len(texts) == 0 {
		texts["enrollment_message"] = guardianNames.Replace(pipeline.PhoneTexts["otp_enroll"]["text"])
		texts["verification_message"] = guardianNames.Replace(pipeline.PhoneTexts["otp_verify"]["text"])
	}
	return out, err
}

// smsTemplates answers 204 where no texts were set, as the wire does.
func (a *API) smsTemplates(c *call) (any, error) {
	out, err := phoneTemplates.show(c)
	if texts, isObject := out.(map[string]any); isObject && len(texts) == 0 {
		return outcome{status: http.StatusNoContent}, nil
	}
	return out, err
}

// setSMSTemplates sets both texts. Without a body it unsets them, so that SDKs can put back what reading answered without one.
func setSMSTemplates() operation {
	o := body(replace[phoneTemplatesIn](phoneTemplates))
	set := o.run
	o.run = func(c *call) (any, error) {
		if c.r.ContentLength != 0 {
			return set(c)
		}
		err := c.store.ChangeSetting(c.ctx(), phoneTemplates.name, func(kept map[string]any) error {
			clear(kept)
			return nil
		})
		return outcome{status: http.StatusNoContent}, err
	}
	return o
}

// rememberingIn says whether, and how long, browsers are remembered for the second factor.
type rememberingIn struct {
	Display    bool `json:"display_remember_me_checkbox" schema:"required" doc:"Whether the pages of second factors offer to remember the browser"`
	Default    bool `json:"remember_me_default_value" schema:"required" doc:"Whether the box is ticked as long as nobody has chosen"`
	Inactivity int  `json:"mfa_session_inactivity_timeout" schema:"required,min=3600,max=2592000" doc:"How many seconds a person may stay away from a remembered browser"`
	Overall    int  `json:"mfa_session_overall_timeout" schema:"required,min=3600,max=7776000" doc:"How many seconds a browser is remembered at most"`
}

func (in rememberingIn) check() error {
	if in.Inactivity > in.Overall {
		return badProperty("mfa_session_inactivity_timeout", "mfa_session_inactivity_timeout cannot exceed mfa_session_overall_timeout")
	}
	return nil
}

// codesIn says how codes of second factors are made that are sent.
type codesIn struct {
	Length  int `json:"otp_length" schema:"required,min=4,max=10" doc:"How many digits a code has"`
	Expires int `json:"otp_expiration_time" schema:"required,min=30,max=3600" doc:"How many seconds a code works"`
}

type duoIn struct {
	Ikey web.Opt[string] `json:"ikey"`
	Skey web.Opt[string] `json:"skey"`
	Host web.Opt[string] `json:"host"`
}

type messageTypesIn struct {
	MessageTypes []string `json:"message_types" schema:"required,unique,enum=sms|voice" doc:"The list of phone factors to enable on the tenant"`
}

type phoneProviderIn struct {
	Provider string `json:"provider" schema:"required,enum=auth0|twilio|phone-message-hook" doc:"The provider of phone messages"`
}

type pushProviderIn struct {
	Provider string `json:"provider" schema:"required,enum=guardian|sns|direct" doc:"The provider of push notifications"`
}

// pushWebhookIn is where notifications go: to a server of the tenant's own, that knows by the secret who sent them. Without a url there is no sender.
type pushWebhookIn struct {
	URL    web.Opt[string] `json:"url" schema:"max=2000" doc:"Where notifications to devices are posted to; null: nowhere"`
	Secret web.Opt[string] `json:"secret" schema:"min=16,max=200" doc:"Signs what is posted; not shown again"`
}

func (a *API) setPushWebhook(c *call, in pushWebhookIn) (any, error) {
	u, err := url.Parse(in.URL.Value)
	switch {
	case in.URL.Value == "":
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Fragment != "":
		return nil, badProperty("url", "Object didn't pass validation for format url: "+bounded(in.URL.Value, 100))
	case in.Secret.Value == "":
		return nil, badProperty("", "Missing required property: secret")
	}
	return pushWebhook.change(c, true)
}

type twilioIn struct {
	From                web.Opt[string] `json:"from" doc:"From number"`
	MessagingServiceSID web.Opt[string] `json:"messaging_service_sid" doc:"Copilot SID"`
	AuthToken           web.Opt[string] `json:"auth_token" doc:"Twilio Authentication token"`
	SID                 web.Opt[string] `json:"sid" doc:"Twilio SID"`
}

type phoneTemplatesIn struct {
	Enrollment   string `json:"enrollment_message" schema:"required,min=1" doc:"Message sent to the user when they are invited to enroll with a phone number"`
	Verification string `json:"verification_message" schema:"required,min=1" doc:"Message sent to the user when they are prompted to verify their account"`
}

type apnsIn struct {
	Sandbox  web.Opt[bool]   `json:"sandbox"`
	BundleID web.Opt[string] `json:"bundle_id"`
	P12      web.Opt[string] `json:"p12" doc:"Base64 encoded push certificate"`
	Enabled  web.Opt[bool]   `json:"enabled"`
}

type fcmIn struct {
	ServerKey web.Opt[string] `json:"server_key"`
}

type fcmv1In struct {
	ServerCredentials web.Opt[string] `json:"server_credentials"`
}

type snsIn struct {
	KeyID     web.Opt[string] `json:"aws_access_key_id"`
	SecretKey web.Opt[string] `json:"aws_secret_access_key"`
	Region    web.Opt[string] `json:"aws_region"`
	APNS      web.Opt[string] `json:"sns_apns_platform_application_arn"`
	GCM       web.Opt[string] `json:"sns_gcm_platform_application_arn"`
}

type webauthnSettingsIn struct {
	UserVerification     string          `json:"userVerification" schema:"enum=discouraged|preferred|required"`
	OverrideRelyingParty web.Opt[bool]   `json:"overrideRelyingParty" schema:"notnull"`
	RelyingPartyID       web.Opt[string] `json:"relyingPartyIdentifier"`
}
