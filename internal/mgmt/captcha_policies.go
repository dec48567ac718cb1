package mgmt

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

type captchaMatchIn struct {
	Managed   []string `json:"auth0_managed" schema:"unique"`
	Countries []string `json:"geo_country_codes" schema:"unique,max=300" pattern:"^[A-Z]{2}$"`
}

// countries are the countries that are meant. What this server cannot tell of a request is refused: the policy would never match.
func (in captchaMatchIn) countries(known stagedoor.PlacesKnown) ([]string, error) {
	if (len(in.Managed) > 0) == (len(in.Countries) > 0) {
		return nil, badProperty("match", "Exactly one of auth0_managed and geo_country_codes must be specified")
	}
	switch {
	case len(in.Managed) > 0:
		return nil, unsupported("A captcha policy with auth0_managed, which this server cannot tell of a request,")
	case !known.Countries:
		return nil, unsupported("A captcha policy with geo_country_codes, for which this server has no database of addresses (--geoip),")
	}
	return in.Countries, nil
}

// captchaActionIn is what the tenant says of captchas, or a policy in its place. The members are read for their rules; what is kept is the body itself.
type captchaActionIn struct {
	ActiveProviderID    string            `json:"active_provider_id" schema:"enum=arkose|auth_challenge|friendly_captcha|hcaptcha|recaptcha_v2|recaptcha_enterprise|simple_captcha|turnstile" doc:"The id of the active provider for the CAPTCHA"`
	Arkose              captchaProviderIn `json:"arkose"`
	AuthChallenge       captchaProviderIn `json:"auth_challenge"`
	Hcaptcha            captchaProviderIn `json:"hcaptcha"`
	FriendlyCaptcha     captchaProviderIn `json:"friendly_captcha"`
	RecaptchaEnterprise captchaProviderIn `json:"recaptcha_enterprise"`
	RecaptchaV2         captchaProviderIn `json:"recaptcha_v2"`
	SimpleCaptcha       struct{}          `json:"simple_captcha"`
	Turnstile           captchaProviderIn `json:"turnstile"`
}

type captchaPolicyIn struct {
	Name        string          `json:"name" schema:"required,min=1,max=255" doc:"What people call the policy"`
	Description string          `json:"description" schema:"max=1000" doc:"What the policy is for"`
	Priority    web.Opt[int]    `json:"priority" schema:"required,notnull,min=0,max=1000000" doc:"Of the policies that match, the one with the smallest counts; only one may have it"`
	Match       captchaMatchIn  `json:"match" schema:"required" doc:"Who is meant"`
	Action      captchaActionIn `json:"action" schema:"required" doc:"What holds for them in the place of the tenant's settings"`
}

type patchCaptchaPolicyIn struct {
	_           struct{}                 `schema:"min=1"`
	Name        web.Opt[string]          `json:"name" schema:"notnull,min=1,max=255" doc:"What people call the policy"`
	Description web.Opt[string]          `json:"description" schema:"max=1000" doc:"What the policy is for"`
	Priority    web.Opt[int]             `json:"priority" schema:"notnull,min=0,max=1000000" doc:"Of the policies that match, the one with the smallest counts; only one may have it"`
	Match       web.Opt[captchaMatchIn]  `json:"match" schema:"notnull" doc:"Who is meant"`
	Action      web.Opt[captchaActionIn] `json:"action" schema:"notnull" doc:"What holds for them in the place of the tenant's settings"`
}

// captchaSecrets are the members that are never shown.
var captchaSecrets = []string{"secret", "api_key"}

// captchaKeys are what a vendor's part needs, if there is anything in it: a key of one account beside the secret of another would keep everybody out.
var captchaKeys = map[string][]string{
	"hcaptcha": {"site_key", "secret"}, "friendly_captcha": {"site_key", "secret"}, "recaptcha_v2": {"site_key", "secret"}, "turnstile": {"site_key", "secret"},
	"recaptcha_enterprise": {"site_key", "project_id", "api_key"},
}

// captchaAction reads the action of the body. A secret that is left out is that of the action before, in parts that are there.
func captchaAction(c *call, before string) (string, error) {
	var in struct {
		Action map[string]any `json:"action"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return "", err
	}
	kept := map[string]any{}
	if before != "" {
		if err := json.Unmarshal([]byte(before), &kept); err != nil {
			return "", err
		}
	}
	for name, value := range in.Action {
		part, _ := value.(map[string]any)
		old, _ := kept[name].(map[string]any)
		for _, member := range captchaSecrets {
			if _, given := part[member]; !given && part != nil && old[member] != nil {
				part[member] = old[member]
			}
		}
		for _, member := range captchaKeys[name] {
			if s, _ := part[member].(string); len(part) > 0 && s == "" {
				return "", badProperty("action."+name, "Missing required property: "+member)
			}
		}
	}
	action, err := json.Marshal(in.Action)
	return string(action), err
}

func showCaptchaPolicy(p *stagedoor.CaptchaPolicy) (map[string]any, error) {
	action := map[string]any{}
	if err := json.Unmarshal([]byte(p.Action), &action); err != nil {
		return nil, err
	}
	hide(action, captchaSecrets)
	shown := map[string]any{
		"id": p.ID, "name": p.Name, "priority": p.Priority, "match": map[string]any{"geo_country_codes": p.Countries}, "action": action,
		"created_at": stagedoor.FormatTime(time.UnixMilli(p.CreatedAt)), "updated_at": stagedoor.FormatTime(time.UnixMilli(p.UpdatedAt)),
	}
	if p.Description != "" {
		shown["description"] = p.Description
	}
	return shown, nil
}

// listCaptchaPolicies answers a bare list, in the order in which they count.
func (a *API) listCaptchaPolicies(c *call) (any, error) {
	all, err := store.CaptchaPolicies.All(c.ctx(), c.store)
	if err != nil {
		return nil, err
	}
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b stagedoor.CaptchaPolicy) int { return a.Priority - b.Priority })
	out := []map[string]any{}
	for i := range all {
		shown, err := showCaptchaPolicy(&all[i])
		if err != nil {
			return nil, err
		}
		out = append(out, shown)
	}
	return out, nil
}

func (a *API) readCaptchaPolicy(c *call) (any, error) {
	p, err := store.CaptchaPolicies.Get(c.ctx(), c.store, c.id())
	if err != nil {
		return nil, err
	}
	return showCaptchaPolicy(p)
}

func (a *API) createCaptchaPolicy(c *call, in captchaPolicyIn) (any, error) {
	countries, err := in.Match.countries(c.store.PlacesKnown())
	if err != nil {
		return nil, err
	}
	action, err := captchaAction(c, "")
	if err != nil {
		return nil, err
	}
	now := a.Clock.Now().UnixMilli()
	p := &stagedoor.CaptchaPolicy{
		Name: in.Name, Description: in.Description, Priority: in.Priority.Value, Countries: countries, Action: action, CreatedAt: now, UpdatedAt: now,
	}
	if err := store.CaptchaPolicies.Create(c.ctx(), c.store, p); err != nil {
		return nil, err
	}
	return showCaptchaPolicy(p)
}

// updateCaptchaPolicy changes what is given; match and action are replaced as a whole.
func (a *API) updateCaptchaPolicy(c *call, in patchCaptchaPolicyIn) (any, error) {
	p, err := store.CaptchaPolicies.Update(c.ctx(), c.store, c.id(), func(p *stagedoor.CaptchaPolicy) (err error) {
		in.Name.Into(&p.Name)
		in.Priority.Into(&p.Priority)
		if in.Description.Set {
			p.Description = in.Description.Value
		}
		if in.Match.Set {
			if p.Countries, err = in.Match.Value.countries(c.store.PlacesKnown()); err != nil {
				return err
			}
		}
		if in.Action.Set {
			if p.Action, err = captchaAction(c, p.Action); err != nil {
				return err
			}
		}
		p.UpdatedAt = a.Clock.Now().UnixMilli()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return showCaptchaPolicy(p)
}

func (a *API) deleteCaptchaPolicy(c *call) (any, error) {
	found, err := store.CaptchaPolicies.Delete(c.ctx(), c.store, c.id())
	if err == nil && !found {
		missing := *store.CaptchaPolicies.Missing
		err = &missing
	}
	return nil, err
}
