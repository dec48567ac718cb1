package carry

import (
	"github.com/stagedoor/stagedoor"
)

// How a tenant looks: branding, themes, prompts, pages.

func carryBranding(r *run, k kind, v any) error {
	all, _ := v.(map[string]any)
	if body := without("templates")(all); len(body) > 0 {
		if err := r.item(k.title, "settings", func(o *Object) error { return r.group(o, "PATCH", "/branding", body) }); err != nil {
			return err
		}
	}
	for _, t := range objects(all["templates"]) {
		err := r.item(k.title, "template "+textOf(t, "template"), func(o *Object) error {
			if textOf(t, "template") != "universal_login" {
				return stagedoor.Errorf(stagedoor.Unsupported, "", "This server does not know this template.")
			}
			return r.group(o, "PUT", "/branding/templates/universal-login", map[string]any{"template": textOf(t, "body")})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// carryThemes carries the theme of the pages: there is one.
func carryThemes(r *run, k kind, v any) error {
	for i, item := range objects(v) {
		err := r.item(k.title, nameOf(item), func(o *Object) error {
			if i > 0 {
				return stagedoor.Errorf(stagedoor.Unsupported, "", "A tenant has one theme.")
			}
			body := without("themeId")(item)
			before, err := r.grouped("/branding/themes/default", "")
			if err != nil {
				return err
			}
			if before == nil {
				o.Action = Created
				_, err := r.send(o, "POST", "/branding/themes", body, "")
				return err
			}
			if _, err := r.send(o, "PATCH", "/branding/themes/"+segment(textOf(before, "themeId")), body, ""); err != nil {
				return err
			}
			after, err := r.grouped("/branding/themes/default", "")
			o.differ(before, after)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// carryPrompts carries settings, texts, partials and the settings of single screens.
func carryPrompts(r *run, k kind, v any) error {
	all, _ := v.(map[string]any)
	if body := without("customText", "partials", "screenRenderers")(all); len(body) > 0 {
		if err := r.item(k.title, "settings", func(o *Object) error { return r.group(o, "PATCH", "/prompts", body) }); err != nil {
			return err
		}
	}
	texts, _ := all["customText"].(map[string]any)
	for _, language := range sortedNames(texts) {
		prompts, _ := texts[language].(map[string]any)
		for _, prompt := range sortedNames(prompts) {
			body, _ := prompts[prompt].(map[string]any)
			err := r.item(k.title, prompt+" in "+language, func(o *Object) error {
				return r.group(o, "PUT", "/prompts/"+segment(prompt)+"/custom-text/"+segment(language), body)
			})
			if err != nil {
				return err
			}
		}
	}
	partials, _ := all["partials"].(map[string]any)
	for _, prompt := range sortedNames(partials) {
		body, _ := partials[prompt].(map[string]any)
		err := r.item(k.title, "partials of "+prompt, func(o *Object) error {
			return r.group(o, "PUT", "/prompts/"+segment(prompt)+"/partials", body)
		})
		if err != nil {
			return err
		}
	}
	for _, screen := range objects(all["screenRenderers"]) {
		prompt, name := textOf(screen, "prompt"), textOf(screen, "screen")
		err := r.item(k.title, "screen "+prompt+" "+name, func(o *Object) error {
			return r.group(o, "PATCH", "/prompts/"+segment(prompt)+"/screen/"+segment(name)+"/rendering", without("prompt", "screen", "tenant")(screen))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// carryPages carries the pages of the older experience, which belong to the tenant or to its global client.
func carryPages(r *run, k kind, v any) error {
	members := map[string]string{"guardian_multifactor": "guardian_mfa_page", "password_reset": "change_password", "error_page": "error_page"}
	for _, item := range objects(v) {
		name := textOf(item, "name")
		err := r.item(k.title, name, func(o *Object) error {
			body := without("name")(item)
			if name == "login" {
				return r.loginPage(o, body)
			}
			member := members[name]
			if member == "" {
				return stagedoor.Errorf(stagedoor.Unsupported, "", "This server does not know this page.")
			}
			return r.group(o, "PATCH", "/tenants/settings", map[string]any{member: body})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *run) loginPage(o *Object, page map[string]any) error {
	all, err := r.all("/clients", true)
	if err != nil {
		return err
	}
	for _, client := range all {
		if client["global"] == true {
			body := map[string]any{"custom_login_page_on": page["enabled"] == true}
			if html, given := page["html"]; given {
				body["custom_login_page"] = html
			}
			return r.group(o, "PATCH", "/clients/"+segment(textOf(client, "client_id")), body)
		}
	}
	return stagedoor.Errorf(stagedoor.NotFound, "", "The tenant has no global client.")
}
