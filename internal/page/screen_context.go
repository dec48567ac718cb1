package page

import (
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/ui"
)

// screenContext is window.universal_login_context: what is always there, and what of the rest the tenant asked for.
func screenContext(f ui.Frame, s ui.Screen, asked []string) map[string]any {
	told := func(name string) bool { return slices.Contains(asked, name) }
	out := map[string]any{
		"prompt": map[string]any{"name": s.Prompt}, "screen": screenOf(f, s, told("screen.texts")), "transaction": transactionOf(f, s, asked, told),
		"tenant": pick(told, "tenant.", map[string]any{
			"friendly_name": f.Tenant, "logo_url": f.Logo, "enabled_locales": languageTags(f),
		}, map[string]any{"name": f.Custom.TenantID}),
	}
	branding := pick(told, "branding.", map[string]any{"settings": asJSON(f.Custom.Branding)}, nil)
	if told("branding.themes.default") && f.Brand.Theme != nil {
		branding["themes"] = map[string]any{"default": asJSON(f.Brand.Theme)}
	}
	put(out, "branding", branding)
	if c := f.Custom.Client; c != nil {
		client := pick(told, "client.", map[string]any{"logo_uri": c.LogoURI, "description": c.Description}, map[string]any{"id": c.ID, "name": clientName(f)})
		put(client, "metadata", some(asked, "client.metadata.", c.Metadata))
		out["client"] = client
	}
	if o := f.Custom.Organization; o != nil {
		org := pick(told, "organization.", map[string]any{"display_name": o.DisplayName, "branding": asJSON(o.Branding)}, map[string]any{"id": o.ID, "name": o.Name})
		put(org, "metadata", some(asked, "organization.metadata.", o.Metadata))
		out["organization"] = org
	}
	user := map[string]any{}
	if f.Custom.Factors != nil {
		user["enrolled_factors"] = f.Custom.Factors
	}
	if len(s.Theirs) > 0 && told("user.organizations") {
		var all []any
		for _, o := range s.Theirs {
			all = append(all, map[string]any{"id": o.ID, "organization_id": o.ID, "name": o.Handle, "display_name": o.Name, "branding": map[string]any{"logo_url": o.Logo}})
		}
		user["organizations"] = all
	}
	put(out, "user", user)
	put(out, "untrusted_data", untrusted(f.Custom.Request, asked, s))
	return out
}

// clientName is what the client is called: of one that nobody here has checked, who can call itself anything, with the host by which people can tell it.
func clientName(f ui.Frame) string {
	if f.From != "" {
		return f.Client.Name + " (" + f.From + ")"
	}
	return f.Client.Name
}

func languageTags(f ui.Frame) any {
	var tags []any
	for _, l := range f.Languages {
		tags = append(tags, l.Tag)
	}
	if tags == nil {
		tags = []any{f.Lang}
	}
	return tags
}

// put adds what is not empty.
func put(out map[string]any, name string, value map[string]any) {
	if len(value) > 0 {
		out[name] = value
	}
}

// pick adds to out those of all that are asked for and not empty.
func pick(told func(string) bool, prefix string, all, out map[string]any) map[string]any {
	if out == nil {
		out = map[string]any{}
	}
	for name, value := range all {
		if told(prefix+name) && value != nil && value != "" {
			out[name] = value
		}
	}
	return out
}

// some are the members of metadata that are asked for by name.
func some(asked []string, prefix string, metadata map[string]string) map[string]any {
	out := map[string]any{}
	for _, name := range asked {
		key, is := strings.CutPrefix(name, prefix)
		if value := metadata[key]; is && value != "" {
			out[key] = value
		}
	}
	return out
}

func screenOf(f ui.Frame, s ui.Screen, texts bool) map[string]any {
	out := map[string]any{"name": s.Name}
	links := map[string]any{}
	for name, to := range s.Links {
		if to != "" {
			links[name] = to
		}
	}
	put(out, "links", links)
	put(out, "data", s.Data)
	if texts {
		put(out, "texts", f.ScreenTexts(s))
	}
	return out
}

// untrusted is what the request for the login said.
func untrusted(r *stagedoor.AuthorizationRequest, asked []string, s ui.Screen) map[string]any {
	out, params := map[string]any{}, map[string]any{}
	if r == nil {
		return out
	}
	for _, name := range asked {
		key, is := strings.CutPrefix(name, "untrusted_data.authorization_params.")
		value := map[string]string{"login_hint": r.LoginHint, "screen_hint": r.ScreenHint, "ui_locales": r.UILocales}[key]
		if strings.HasPrefix(key, "ext-") && len(r.Query[key]) > 0 {
			value = r.Query[key][0]
		}
		if is && value != "" {
			params[key] = value
		}
	}
	put(out, "authorization_params", params)
	if slices.Contains(asked, "untrusted_data.submitted_form_data") && len(s.Problems) > 0 {
		put(out, "submitted_form_data", s.Data)
	}
	return out
}

// transactionOf is what the login is about: what went wrong, and by which connections people may sign in.
func transactionOf(f ui.Frame, s ui.Screen, asked []string, told func(string) bool) map[string]any {
	out := map[string]any{"state": stateOf(f, s), "locale": f.Lang}
	var errs []any
	for _, p := range s.Problems {
		e := map[string]any{"code": s.VendorCode(p), "message": f.ProblemText(p)}
		if p.Field != "" {
			e["field"] = fieldName(s, p.Field)
		}
		errs = append(errs, e)
	}
	if errs != nil {
		out["errors"] = errs
	}
	if c := f.Custom.Connection; c != nil {
		out["connection"] = map[string]any{"name": c.Name, "strategy": c.Strategy, "options": connectionOptions(f, c, s)}
	}
	var others []any
	for _, b := range s.Buttons {
		other := map[string]any{"name": b.Connection(), "strategy": b.Strategy}
		if !b.Social {
			other["options"] = map[string]any{"display_name": b.Name, "icon_url": b.Icon, "show_as_button": true}
		}
		others = append(others, other)
	}
	if others != nil {
		out["alternate_connections"] = others
	}
	if d := f.Custom.Domain; d != nil {
		domain := pick(told, "transaction.custom_domain.", map[string]any{"domain": d.Domain}, nil)
		put(domain, "domain_metadata", some(asked, "transaction.custom_domain.domain_metadata.", d.Metadata))
		put(out, "custom_domain", domain)
	}
	return out
}

// fieldName is what the vendor calls a field of ours on a screen.
func fieldName(s ui.Screen, field string) string {
	if field == ui.FieldPhone {
		field = "phone"
	}
	for theirs, ours := range s.Names {
		if ours == field && theirs != "phone" && theirs != "email" {
			return theirs
		}
	}
	return field
}

// connectionOptions say what front ends need of a database: who signs up with what, and how passwords must be.
func connectionOptions(f ui.Frame, c *stagedoor.Connection, s ui.Screen) map[string]any {
	o := &c.Options
	words := map[string]any{"enabled": c.Passwords(), "policy": o.PasswordPolicy}
	if info := securityInfo(f, s.Policy); info != nil {
		words["password_security_info"] = info
	}
	for _, r := range s.Policy {
		if r.Code == "lengthAtLeast" && len(r.Args) > 0 {
			words["min_length"] = r.Args[0]
		}
	}
	out := map[string]any{
		"signup_enabled": !o.DisableSignup, "forgot_password_enabled": c.Passwords() && o.SelfServicePasswords(), "username_required": o.RequiresUsername,
		"authentication_methods": map[string]any{"password": words, "passkey": map[string]any{"enabled": s.Passkeys || s.Data["passkey"] != nil}},
	}
	rules := o.Attributes()
	if !rules.Flexible {
		return out
	}
	attributes := map[string]any{}
	for name, rule := range map[string]stagedoor.AttributeRule{"email": rules.Email, "phone": rules.Phone, "username": rules.Username} {
		if !rule.Had() {
			continue
		}
		use := "inactive"
		switch {
		case rule.Must:
			use = "required"
		case rule.Asked:
			use = "optional"
		}
		attributes[name] = map[string]any{"signup_status": use, "identifier_active": rule.Identifies}
	}
	out["attributes"] = attributes
	return out
}

// ruleCodes are the vendor's names of the rules for passwords, behind password-policy-.
var ruleCodes = map[string]string{
	"lengthAtLeast": "length-at-least", "containsAtLeast": "contains-at-least", "shouldContain": "should-contain", "identicalChars": "identical-chars",
	"sequentialChars": "sequential-chars", "lowerCase": "lower-case", "upperCase": "upper-case", "numbers": "numbers", "specialCharacters": "special-characters",
}

// securityInfo are the rules that a password must keep, in words and checked off.
func securityInfo(f ui.Frame, rules []ui.Rule) []any {
	var out []any
	for _, r := range rules {
		code := ruleCodes[r.Code]
		if code == "" {
			continue
		}
		info := map[string]any{"code": "password-policy-" + code, "label": f.RuleText(r), "status": "error"}
		if r.State == ui.Kept {
			info["status"] = "valid"
		}
		if len(r.Args) > 0 {
			args := map[string]any{"count": r.Args[0]}
			if r.Code == "containsAtLeast" && len(r.Args) > 1 {
				args["total"] = r.Args[1]
			}
			info["args"] = args
		}
		if items := securityInfo(f, r.Items); items != nil {
			info["items"] = items
		}
		out = append(out, info)
	}
	return out
}
