package mgmt

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/web"
)

// emailCredentials says what the credentials of a kind of e-mail provider are (Management API objects 7).
type emailCredentials struct {
	members  map[string]string // name → JSON type
	required []string
	secret   []string // never shown
	european bool     // region, if there is one, is eu
}

var emailProviders = map[string]emailCredentials{
	"mandrill": {members: map[string]string{"api_key": "string"}, required: []string{"api_key"}, secret: []string{"api_key"}},
	"sendgrid": {members: map[string]string{"api_key": "string"}, required: []string{"api_key"}, secret: []string{"api_key"}},
	"resend":   {members: map[string]string{"api_key": "string"}, required: []string{"api_key"}, secret: []string{"api_key"}},
	"sparkpost": {
		members: map[string]string{"api_key": "string", "region": "string"}, required: []string{"api_key"}, secret: []string{"api_key"}, european: true,
	},
	"mailgun": {
		members:  map[string]string{"api_key": "string", "domain": "string", "region": "string"},
		required: []string{"api_key", "domain"}, secret: []string{"api_key"}, european: true,
	},
	"ses": {
		members:  map[string]string{"accessKeyId": "string", "secretAccessKey": "string", "region": "string"},
		required: []string{"accessKeyId", "secretAccessKey", "region"}, secret: []string{"accessKeyId", "secretAccessKey"},
	},
	"smtp": {
		members:  map[string]string{"smtp_host": "string", "smtp_port": "integer", "smtp_user": "string", "smtp_pass": "string"},
		required: []string{"smtp_host", "smtp_port"}, secret: []string{"smtp_pass"},
	},
	"azure_cs": {members: map[string]string{"connectionString": "string"}, required: []string{"connectionString"}, secret: []string{"connectionString"}},
	"ms365": {
		members:  map[string]string{"tenantId": "string", "clientId": "string", "clientSecret": "string"},
		required: []string{"tenantId", "clientId", "clientSecret"}, secret: []string{"tenantId", "clientId", "clientSecret"},
	},
	"custom": {},
}

type createEmailProviderIn struct {
	Name        string                     `json:"name" schema:"required,enum=mailgun|mandrill|sendgrid|resend|ses|sparkpost|smtp|azure_cs|ms365|custom" doc:"Name of the email provider"`
	Enabled     web.Opt[bool]              `json:"enabled" schema:"notnull" doc:"Whether the provider is enabled (true) or disabled (false)"`
	From        web.Opt[string]            `json:"default_from_address" doc:"Email address to use as \"from\" when no other address specified"`
	Credentials map[string]json.RawMessage `json:"credentials" schema:"required" doc:"Credentials required to use the provider"`
	Settings    web.Opt[json.RawMessage]   `json:"settings" doc:"Specific provider setting"`
}

type updateEmailProviderIn struct {
	_           struct{}                            `schema:"min=1"`
	Name        string                              `json:"name" schema:"enum=mailgun|mandrill|sendgrid|resend|ses|sparkpost|smtp|azure_cs|ms365|custom" doc:"Name of the email provider"`
	Enabled     web.Opt[bool]                       `json:"enabled" schema:"notnull" doc:"Whether the provider is enabled (true) or disabled (false)"`
	From        web.Opt[string]                     `json:"default_from_address" doc:"Email address to use as \"from\" when no other address specified"`
	Credentials web.Opt[map[string]json.RawMessage] `json:"credentials" schema:"notnull" doc:"Credentials required to use the provider"`
	Settings    web.Opt[json.RawMessage]            `json:"settings" doc:"Specific provider setting"`
}

func noEmailProvider() error {
	return stagedoor.Errorf(stagedoor.NotFound, "inexistent_email_provider", "There is not a configured email provider")
}

// sentCredentials are credentials without what was sent as null: where there is no region, it is written so.
func sentCredentials(credentials map[string]json.RawMessage) map[string]json.RawMessage {
	out := maps.Clone(credentials)
	maps.DeleteFunc(out, func(_ string, value json.RawMessage) bool { return web.TypeOf(value) == "null" })
	return out
}

// check looks at the credentials of a provider.
func (k emailCredentials) check(given map[string]json.RawMessage) error {
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(given)) {
		wanted, known := k.members[name]
		if !known {
			unknown = append(unknown, name)
		} else if web.TypeOf(given[name]) != wanted {
			return web.WrongType("credentials."+name, wanted, given[name]).Body()
		}
	}
	if len(unknown) > 0 {
		return web.Unknown("credentials", unknown...).Body()
	}
	if region, there := given["region"]; k.european && there && string(region) != `"eu"` {
		return badProperty("credentials.region", "No enum match for: "+bounded(optionText(given, "region"), 100))
	}
	if port, there := given["smtp_port"]; there {
		if n, err := strconv.Atoi(string(port)); err != nil || n < 1 || n > 65535 {
			return badProperty("credentials.smtp_port", "Not a port: "+bounded(string(port), 100))
		}
	}
	for _, name := range k.required {
		if value, there := given[name]; !there || string(value) == `""` {
			return badProperty("credentials", "Missing required property: "+name)
		}
	}
	return nil
}

// withSecrets returns new credentials with the secrets of the old ones that they leave out. Tools write back what they read, and
// that has no secrets. Where anything else of them differs nothing is taken over: a secret must not follow to another server.
func (k emailCredentials) withSecrets(old, given map[string]json.RawMessage) map[string]json.RawMessage {
	out := maps.Clone(given)
	for name := range k.members {
		if !slices.Contains(k.secret, name) && string(old[name]) != string(given[name]) {
			return out
		}
	}
	for _, name := range k.secret {
		if _, sent := given[name]; !sent && old[name] != nil {
			out[name] = old[name]
		}
	}
	return out
}

// showEmailProvider returns a provider without its secrets.
func showEmailProvider(p *stagedoor.EmailProvider) any {
	credentials := maps.Clone(p.Credentials)
	maps.DeleteFunc(credentials, func(name string, _ json.RawMessage) bool { return slices.Contains(emailProviders[p.Name].secret, name) })
	if credentials == nil {
		credentials = map[string]json.RawMessage{}
	}
	out := map[string]any{"name": p.Name, "enabled": p.Enabled, "credentials": credentials}
	if p.From != "" {
		out["default_from_address"] = p.From
	}
	if p.Settings != nil {
		out["settings"] = p.Settings
	}
	return out
}

func (a *API) readEmailProvider(c *call, in web.Fields) (any, error) {
	var p stagedoor.EmailProvider
	if err := c.store.Setting(c.ctx(), stagedoor.SettingEmailProvider, &p); err != nil {
		return nil, err
	}
	if p.Name == "" {
		return nil, noEmailProvider()
	}
	if len(in.Names) == 0 {
		in.Names = []string{"name", "enabled", "default_from_address"}
	}
	return in.Pick(showEmailProvider(&p))
}

func (a *API) createEmailProvider(c *call, in createEmailProviderIn) (any, error) {
	in.Credentials = sentCredentials(in.Credentials)
	if err := emailProviders[in.Name].check(in.Credentials); err != nil {
		return nil, err
	}
	p := stagedoor.EmailProvider{Name: in.Name, Enabled: in.Enabled.Or(true), From: in.From.Value, Credentials: in.Credentials}
	if err := setProviderDetails(&p, in.From, in.Settings); err != nil {
		return nil, err
	}
	err := changeSetting(c, stagedoor.SettingEmailProvider, func(old *stagedoor.EmailProvider) error {
		if old.Name != "" {
			return stagedoor.Errorf(stagedoor.Conflict, "", "Email provider is already configured.")
		}
		*old = p
		return nil
	})
	return showEmailProvider(&p), err
}

func setProviderDetails(p *stagedoor.EmailProvider, from web.Opt[string], settings web.Opt[json.RawMessage]) error {
	if from.Has() && from.Value != "" && !isMailbox(from.Value) {
		return badProperty("default_from_address", "Object didn't pass validation for format email: "+bounded(from.Value, 100))
	}
	from.Into(&p.From)
	if settings.Has() && web.TypeOf(settings.Value) != "object" {
		return web.WrongType("settings", "object", settings.Value).Body()
	}
	if settings.Set {
		p.Settings = settings.Value
	}
	return nil
}

func (a *API) updateEmailProvider(c *call, in updateEmailProviderIn) (any, error) {
	var p stagedoor.EmailProvider
	err := changeSetting(c, stagedoor.SettingEmailProvider, func(old *stagedoor.EmailProvider) error {
		if old.Name == "" {
			return noEmailProvider()
		}
		before := old.Credentials
		if in.Name != "" && in.Name != old.Name {
			old.Name, before, old.Credentials, old.Settings = in.Name, nil, nil, nil // a key of one vendor is not for another, be it called the same
		}
		in.Enabled.Into(&old.Enabled)
		if in.Credentials.Has() {
			old.Credentials = emailProviders[old.Name].withSecrets(before, sentCredentials(in.Credentials.Value))
		}
		if err := emailProviders[old.Name].check(old.Credentials); err != nil {
			return err
		}
		if err := setProviderDetails(old, in.From, in.Settings); err != nil {
			return err
		}
		p = *old
		return nil
	})
	if err != nil {
		return nil, err
	}
	return showEmailProvider(&p), nil
}

func (a *API) deleteEmailProvider(c *call) (any, error) {
	return nil, changeSetting(c, stagedoor.SettingEmailProvider, func(p *stagedoor.EmailProvider) error {
		*p = stagedoor.EmailProvider{}
		return nil
	})
}

// changeSetting changes a group of settings that is a T, in one transaction.
func changeSetting[T any](c *call, name string, change func(*T) error) error {
	return c.store.ChangeSetting(c.ctx(), name, func(members map[string]any) error {
		b, err := json.Marshal(members)
		if err != nil {
			return err
		}
		var v T
		if err := json.Unmarshal(b, &v); err != nil {
			return err
		}
		if err := change(&v); err != nil {
			return err
		}
		if b, err = json.Marshal(v); err != nil {
			return err
		}
		clear(members)
		return json.Unmarshal(b, &members)
	})
}
