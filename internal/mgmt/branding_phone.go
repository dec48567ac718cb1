package mgmt

import (
	"encoding/json"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/liquid"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

var phoneProviders = func() documents {
	n := documents{key: "providers", kind: store.PhoneProviders}
	n.gone = true
	n.defaults = map[string]json.RawMessage{"channel": json.RawMessage(`"phone"`), "disabled": json.RawMessage("false")}
	n.hide = func(members map[string]any) { delete(members, "credentials") }
	return n
}()

var phoneMessages = func() documents {
	n := documents{key: "templates", kind: store.PhoneTemplates}
	n.gone, n.deep, n.unique = true, true, "type"
	n.defaults = map[string]json.RawMessage{
		"channel": json.RawMessage(`"phone"`), "disabled": json.RawMessage("false"), "customizable": json.RawMessage("true"),
	}
	n.complete = func(out map[string]any) {
		if content, is := out["content"].(map[string]any); is && content["syntax"] == nil {
			content["syntax"] = "liquid"
		}
	}
	return n
}()

type phoneConfigurationIn struct {
	SID             web.Opt[string] `json:"sid" schema:"min=1,max=255"`
	DefaultFrom     web.Opt[string] `json:"default_from" schema:"max=255"`
	MSSID           web.Opt[string] `json:"mssid" schema:"max=255"`
	DeliveryMethods []string        `json:"delivery_methods" schema:"required,min=1,unique,enum=text|voice"`
}

type phoneCredentialsIn struct {
	AuthToken web.Opt[string] `json:"auth_token" schema:"min=1,max=255"`
}

type createPhoneProviderIn struct {
	Name          string                `json:"name" schema:"required,enum=twilio|custom" doc:"Name of the phone notification provider"`
	Disabled      web.Opt[bool]         `json:"disabled" schema:"notnull" doc:"Whether the provider is enabled (false) or disabled (true)"`
	Configuration *phoneConfigurationIn `json:"configuration"`
	Credentials   *phoneCredentialsIn   `json:"credentials" schema:"required" doc:"Provider credentials required to use authenticate to the provider"`
}

type updatePhoneProviderIn struct {
	_             struct{}              `schema:"min=1"`
	Name          string                `json:"name" schema:"enum=twilio|custom" doc:"Name of the phone notification provider"`
	Disabled      web.Opt[bool]         `json:"disabled" schema:"notnull" doc:"Whether the provider is enabled (false) or disabled (true)"`
	Configuration *phoneConfigurationIn `json:"configuration"`
	Credentials   *phoneCredentialsIn   `json:"credentials" doc:"Provider credentials required to use authenticate to the provider"`
}

func (in createPhoneProviderIn) check() error {
	if in.Name != "twilio" {
		return nil
	}
	if in.Configuration == nil {
		return (&web.Violation{Reason: "Missing required property: configuration"}).Body()
	}
	if in.Configuration.SID.Value == "" {
		return badProperty("configuration", "Missing required property: sid")
	}
	if in.Credentials.AuthToken.Value == "" {
		return badProperty("credentials", "Missing required property: auth_token")
	}
	if in.Configuration.DefaultFrom.Value == "" && in.Configuration.MSSID.Value == "" {
		return bad("", "Bad Operation on Notification Resource: configuration has neither default_from nor mssid.")
	}
	return nil
}

// withTenant adds to an answer about a phone's noun which tenant it belongs to.
func withTenant(c *call, out any, err error) (any, error) {
	if members, is := out.(map[string]any); is && err == nil {
		members["tenant"] = c.store.Tenant().Domain()
	}
	return out, err
}

// listPhone answers all of a phone's noun, as an object without totals.
func listPhone(n documents) func(*call, phoneListIn) (any, error) {
	return func(c *call, in phoneListIn) (any, error) {
		all, err := n.kind.All(c.ctx(), c.store)
		if err != nil {
			return nil, err
		}
		shown := []any{}
		for i := range all {
			out, err := n.show(&all[i])
			if out, err = withTenant(c, out, err); err != nil {
				return nil, err
			}
			if members := out.(map[string]any); !in.Disabled.Set || members["disabled"] == in.Disabled.Value {
				shown = append(shown, out)
			}
		}
		return map[string]any{n.key: shown}, nil
	}
}

type phoneListIn struct {
	Disabled web.Opt[bool] `json:"disabled" schema:"notnull" doc:"Whether the resource is enabled (false) or disabled (true)"`
}

func readPhone(n documents) func(*call) (any, error) {
	return func(c *call) (any, error) {
		out, err := n.read(c)
		return withTenant(c, out, err)
	}
}

// writePhone wraps an operation of a phone's noun.
func writePhone[In any](run func(*call, In) (any, error)) func(*call, In) (any, error) {
	return func(c *call, in In) (any, error) {
		if checks, is := any(in).(interface{ check() error }); is {
			if err := checks.check(); err != nil {
				return nil, err
			}
		}
		out, err := run(c, in)
		return withTenant(c, out, err)
	}
}

type phoneBodyIn struct {
	Text  web.Opt[string] `json:"text" schema:"min=1,max=20000" doc:"Content of the phone template for text notifications"`
	Voice web.Opt[string] `json:"voice" schema:"min=1,max=20000" doc:"Content of the phone template for voice notifications"`
}

type phoneContentIn struct {
	Syntax string          `json:"syntax" schema:"enum=liquid"`
	From   web.Opt[string] `json:"from" schema:"max=16" doc:"Default phone number to be used as 'from' when sending a phone notification"`
	Body   *phoneBodyIn    `json:"body"`
}

type createPhoneTemplateIn struct {
	Type     string          `json:"type" schema:"required,enum=otp_verify|otp_enroll|change_password|blocked_account|password_breach"`
	Disabled web.Opt[bool]   `json:"disabled" schema:"notnull" doc:"Whether the template is enabled (false) or disabled (true)"`
	Content  *phoneContentIn `json:"content"`
}

type updatePhoneTemplateIn struct {
	Disabled web.Opt[bool]   `json:"disabled" schema:"notnull" doc:"Whether the template is enabled (false) or disabled (true)"`
	Content  *phoneContentIn `json:"content"`
}

func (in createPhoneTemplateIn) check() error { return in.Content.check() }
func (in updatePhoneTemplateIn) check() error { return in.Content.check() }

func (in *phoneContentIn) check() error {
	if in == nil || in.Body == nil {
		return nil
	}
	for name, text := range map[string]string{"text": in.Body.Text.Value, "voice": in.Body.Voice.Value} {
		if err := liquid.Check(text); err != nil {
			return badProperty("content.body."+name, "The template cannot be read: "+bounded(err.Error(), 200))
		}
	}
	return nil
}

// resetPhoneTemplate puts the texts back that hold where a tenant wrote none; the sender stays.
func (a *API) resetPhoneTemplate(c *call) (any, error) {
	d, err := phoneMessages.kind.Update(c.ctx(), c.store, c.id(), func(d *stagedoor.Document) error {
		body, err := json.Marshal(map[string]any{"content": map[string]any{"syntax": "liquid", "body": pipeline.PhoneTexts[d.Name]}})
		if err != nil {
			return err
		}
		reset := *c
		reset.body = body
		return phoneMessages.set(&reset, d)
	})
	if err != nil {
		return nil, err
	}
	out, err := phoneMessages.show(d)
	return withTenant(c, out, err)
}

// trial is a message that an administrator asks for, to see whether it arrives.
type trialIn struct {
	To     string `json:"to" schema:"required,min=1,max=16" doc:"The recipient phone number to receive a given notification"`
	Method string `json:"delivery_method" schema:"enum=text|voice" doc:"The delivery method for the notification"`
}

func trialAnswer() any {
	return map[string]any{"code": 202, "message": "Test notification successfully sent for processing"}
}

func (a *API) tryPhoneProvider(c *call, in trialIn) (any, error) {
	d, err := phoneProviders.kind.Get(c.ctx(), c.store, c.id())
	if err != nil {
		return nil, err
	}
	return trialAnswer(), a.sendTrial(c, d, in, "otp_verify", "This is a test message.", "")
}

func (a *API) tryPhoneTemplate(c *call, in trialIn) (any, error) {
	d, err := phoneMessages.kind.Get(c.ctx(), c.store, c.id())
	if err != nil {
		return nil, err
	}
	var members stagedoor.PhoneTemplate
	if err := json.Unmarshal([]byte(d.Sealed), &members); err != nil {
		return nil, err
	}
	method := in.Method
	if method == "" {
		method = "text"
	}
	source := members.Content.Body[method]
	if source == "" {
		source = pipeline.PhoneTexts[d.Name][method]
	}
	text, err := liquid.Text(c.ctx(), source, map[string]any{
		"code": trialCode, "friendly_name": tenantName(c), "pause": " ", "user": map[string]any{"source_ip": c.r.RemoteAddr},
	}, liquid.DefaultLimits)
	if err != nil {
		return nil, bad("invalid_template", "The template cannot be rendered: "+bounded(err.Error(), 200))
	}
	all, err := phoneProviders.kind.All(c.ctx(), c.store)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(all, func(d stagedoor.Document) bool {
		p, err := stagedoor.PhoneProviderOf(&d)
		return err == nil && !p.Disabled
	})
	var provider *stagedoor.Document
	if at >= 0 {
		provider = &all[at]
	}
	return trialAnswer(), a.sendTrial(c, provider, in, d.Name, text, members.Content.From)
}

func tenantName(c *call) string {
	if name := c.store.Tenant().Settings.FriendlyName; name != "" {
		return name
	}
	return c.store.Tenant().ID
}
