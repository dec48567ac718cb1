package carry

import (
	"maps"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// group writes a group of settings that exists once, and notes what became different.
func (r *run) group(o *Object, method, target string, body map[string]any) error {
	hide(o, body, "")
	if err := filled(body); err != nil {
		return err
	}
	if len(body) == 0 {
		return nil
	}
	before, err := r.grouped(target, "")
	if err != nil {
		return err
	}
	return r.change(o, method, target, body, "", before)
}

// change writes a group of which it is known what it was, nil if it was not there, and notes what became different. Secrets that are hidden in answers are compared in
// the setting of that name; empty: there are none.
func (r *run) change(o *Object, method, target string, body map[string]any, setting string, before map[string]any) error {
	if _, err := r.send(o, method, target, body, ""); err != nil {
		return err
	}
	after, err := r.grouped(target, setting)
	if err != nil {
		return err
	}
	if before == nil {
		o.Action = Created
		return nil
	}
	o.differ(before, after)
	return nil
}

// grouped is what is known of a group; nil if it is not there.
func (r *run) grouped(target, setting string) (map[string]any, error) {
	v, err := r.call("GET", target, nil)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m, is := v.(map[string]any)
	if !is {
		m = map[string]any{"settings": v}
	}
	delete(m, "updated_at")
	if setting != "" {
		st, err := r.db.TenantByID(r.ctx, r.tenant)
		if err != nil {
			return nil, err
		}
		hidden, err := hiddenSetting(r.ctx, st, setting)
		if err != nil {
			return nil, err
		}
		m["credentials"] = hidden
	}
	return m, nil
}

// carryOne makes the function of a kind that is one group of settings.
func carryOne(method, target, name string) func(*run, kind, any) error {
	return func(r *run, k kind, v any) error {
		body, _ := v.(map[string]any)
		return r.item(k.title, name, func(o *Object) error { return r.group(o, method, target, body) })
	}
}

// carryMembers makes the function of a kind whose members are groups of settings.
func carryMembers(targets map[string]string) func(*run, kind, any) error {
	return func(r *run, k kind, v any) error {
		all, _ := v.(map[string]any)
		for _, member := range sortedNames(all) {
			body, _ := all[member].(map[string]any)
			err := r.item(k.title, member, func(o *Object) error {
				if targets[member] == "" {
					return stagedoor.Errorf(stagedoor.Unsupported, "", "This server does not know these settings.")
				}
				return r.group(o, "PATCH", targets[member], body)
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// carryEach makes the function of a kind whose objects are groups of settings under paths that hold their names.
func carryEach(pattern string) func(*run, kind, any) error {
	return func(r *run, k kind, v any) error {
		for _, item := range objects(v) {
			name, target := textOf(item, "name"), pattern
			for _, member := range []string{"name", "provider"} {
				target = strings.ReplaceAll(target, "{"+member+"}", segment(textOf(item, member)))
			}
			if textOf(item, "provider") != "" {
				name += " " + textOf(item, "provider")
			}
			body := without("name", "provider", "trial_expired")(item)
			err := r.item(k.title, name, func(o *Object) error {
				if pattern == "/guardian/factors/{name}" {
					return r.factor(o, textOf(item, "name"), body)
				}
				return r.group(o, "PUT", target, body)
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// factor switches a factor on or off.
func (r *run) factor(o *Object, name string, body map[string]any) error {
	before, err := r.call("GET", "/guardian/factors", nil)
	if err != nil {
		return err
	}
	for _, f := range objects(before) {
		if textOf(f, "name") == name && f["enabled"] != body["enabled"] {
			o.changed("enabled")
		}
	}
	_, err = r.send(o, "PUT", "/guardian/factors/"+segment(name), map[string]any{"enabled": body["enabled"]}, "")
	return err
}

func carryPolicies(r *run, k kind, v any) error {
	m, _ := v.(map[string]any)
	policies, is := m["policies"].([]any)
	if !is {
		return nil
	}
	return r.item(k.title, "policies", func(o *Object) error {
		before, err := r.call("GET", "/guardian/policies", nil)
		if err != nil {
			return err
		}
		if encoded(before) != encoded(policies) {
			o.changed("policies")
		}
		_, err = r.call("PUT", "/guardian/policies", policies)
		return err
	})
}

func carryEmailProvider(r *run, k kind, v any) error {
	body, _ := v.(map[string]any)
	if textOf(body, "name") == "" {
		return nil
	}
	return r.item(k.title, textOf(body, "name"), func(o *Object) error {
		before, err := r.grouped("/emails/provider", stagedoor.SettingEmailProvider)
		if err != nil {
			return err
		}
		hide(o, body, "")
		if len(o.Unset) > 0 { // without its secrets a provider sends nothing
			if before == nil {
				o.lose("", "its credentials are not in the files: set them by keywords, or configure the provider afterwards")
				o.Action = Refused
				return nil
			}
			delete(body, "credentials")
		}
		if credentials, is := body["credentials"].(map[string]any); is && len(credentials) == 0 {
			delete(body, "credentials")
		}
		if port, is := body["credentials"].(map[string]any); is {
			if text, is := port["smtp_port"].(string); is && index(text) > 0 {
				port["smtp_port"] = index(text)
			}
		}
		method := "PATCH"
		if before == nil {
			method = "POST"
		}
		return r.change(o, method, "/emails/provider", body, stagedoor.SettingEmailProvider, before)
	})
}

func carryEmailTemplates(r *run, k kind, v any) error {
	for _, item := range objects(v) {
		name := textOf(item, "template")
		err := r.item(k.title, name, func(o *Object) error {
			target := "/email-templates/" + segment(name)
			before, err := r.grouped(target, "")
			if err != nil {
				return err
			}
			if before != nil {
				return r.group(o, "PATCH", target, without("template")(item))
			}
			hide(o, item, "")
			o.Action = Created
			_, err = r.send(o, "POST", "/email-templates", item, "")
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func carryRisk(r *run, k kind, v any) error {
	all, _ := v.(map[string]any)
	settings := all
	if inner, is := all["settings"].(map[string]any); is {
		settings = inner
	}
	if err := r.item(k.title, "settings", func(o *Object) error {
		return r.group(o, "PATCH", "/risk-assessments/settings", without("new_device", "newDevice")(settings))
	}); err != nil {
		return err
	}
	for _, member := range []string{"new_device", "newDevice"} {
		if body, is := all[member].(map[string]any); is {
			if err := r.item(k.title, "new device", func(o *Object) error {
				return r.group(o, "PATCH", "/risk-assessments/settings/new-device", body)
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

// carryTenant carries the tenant's settings.
func carryTenant(r *run, k kind, v any) error {
	body, _ := v.(map[string]any)
	body = without("sandbox_versions_available", "sandbox_version", "legacy_sandbox_version")(body)
	if flags, is := body["flags"].(map[string]any); is {
		flags = maps.Clone(flags)
		for _, name := range []string{"allow_changing_enable_sso", "enable_sso", "disable_impersonation", "remove_stale_idp_attributes"} {
			delete(flags, name)
		}
		if body["flags"] = flags; len(flags) == 0 {
			delete(body, "flags")
		}
	}
	return r.item(k.title, "settings", func(o *Object) error {
		for minutes, hours := range map[string]string{
			"session_lifetime_in_minutes": "session_lifetime", "idle_session_lifetime_in_minutes": "idle_session_lifetime",
			"ephemeral_session_lifetime_in_minutes": "ephemeral_session_lifetime", "idle_ephemeral_session_lifetime_in_minutes": "idle_ephemeral_session_lifetime",
		} {
			if body[minutes] != nil {
				delete(body, hours)
			}
		}
		return r.group(o, "PATCH", "/tenants/settings", body)
	})
}

func prepareLogStream(_ *run, o *Object, item, there map[string]any) error {
	hide(o, item, "")
	if there == nil && len(o.Unset) > 0 {
		return stagedoor.Errorf(stagedoor.Invalid, "", "Its secrets are not in the files (%s): give them by keywords, or create it afterwards.", strings.Join(o.Unset, ", "))
	}
	if there != nil && len(o.Unset) > 0 {
		delete(item, "sink")
	}
	return nil
}

// logStreamStatus pauses a stream that was paused. Others begin at once.
func logStreamStatus(r *run, o *Object, id string, item map[string]any) error {
	status := textOf(item, "status")
	if !slices.Contains([]string{"active", "paused"}, status) {
		return nil
	}
	_, err := r.send(o, "PATCH", "/log-streams/"+segment(id), map[string]any{"status": status}, "")
	return err
}

func prepareFlow(r *run, o *Object, item, _ map[string]any) error {
	return r.within(o, item, "connection_id", "/flows/vault/connections", "vault connection")
}

func prepareForm(r *run, o *Object, item, _ map[string]any) error {
	return r.within(o, item, "flow_id", "/flows", "flow")
}

// within replaces names by ids wherever a member of that name stands in an item.
func (r *run) within(o *Object, v any, member, path, what string) error {
	switch v := v.(type) {
	case map[string]any:
		if textOf(v, member) != "" {
			if err := r.reference(o, v, member, r.among(path, what)); err != nil {
				return err
			}
		}
		for _, one := range v {
			if err := r.within(o, one, member, path, what); err != nil {
				return err
			}
		}
	case []any:
		for _, one := range v {
			if err := r.within(o, one, member, path, what); err != nil {
				return err
			}
		}
	}
	return nil
}

func prepareSelfService(r *run, o *Object, item, _ map[string]any) error {
	return r.reference(o, item, "user_attribute_profile_id", r.among("/user-attribute-profiles", "user attribute profile"))
}

func selfServiceTexts(r *run, o *Object, id string, item map[string]any) error {
	texts, _ := item["customText"].(map[string]any)
	for _, language := range sortedNames(texts) {
		pages, _ := texts[language].(map[string]any)
		for _, page := range sortedNames(pages) {
			body, is := pages[page].(map[string]any)
			if !is || len(body) == 0 {
				continue
			}
			target := "/self-service-profiles/" + segment(id) + "/custom-text/" + segment(language) + "/" + segment(page)
			before, err := r.object(target)
			if err != nil {
				return err
			}
			if encoded(before) == encoded(body) {
				continue
			}
			if _, err := r.send(o, "PUT", target, body, ""); err != nil {
				return err
			}
			o.changed("customText")
		}
	}
	return nil
}

func prepareExchange(r *run, o *Object, item, _ map[string]any) error {
	if item["action_id"] == nil {
		item["action_id"] = item["action"]
	}
	delete(item, "action")
	return r.nameAction(item)
}

// prepareEventStream finds the action that a stream goes to: the deploy tool writes its name.
func prepareEventStream(r *run, _ *Object, item, _ map[string]any) error {
	destination, _ := item["destination"].(map[string]any)
	configuration, _ := destination["configuration"].(map[string]any)
	return r.nameAction(configuration)
}

// nameAction puts the id of an action into a member action_id that has its name. What is no name of an action stays.
func (r *run) nameAction(item map[string]any) error {
	name := textOf(item, "action_id")
	if name == "" {
		return nil
	}
	all, err := r.all("/actions/actions", true)
	if err != nil {
		return err
	}
	for _, a := range all {
		if textOf(a, "name") == name {
			item["action_id"] = a["id"]
		}
	}
	return nil
}

func preparePolicy(r *run, o *Object, item, _ map[string]any) error {
	name := textOf(item, "consumer_selector")
	id, err := r.clientID(name)
	if err == nil {
		item["consumer_selector"] = id
	}
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		err = nil
	}
	return err
}
