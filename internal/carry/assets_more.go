package carry

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor/internal/script"
)

// databases reads database-connections/NAME/database.json with the scripts beside it. The vendor's extensions for deployments call the file settings.json
// and do without it, and the scripts are those whose files are there.
func (a *Assets) databases(f *folder) error {
	const dir = "database-connections"
	names, err := f.list(dir, "/")
	if err != nil {
		return err
	}
	var all []any
	for _, name := range names {
		item, err := f.database(path.Join(dir, name))
		switch {
		case err != nil:
			a.problem("databases", name, err)
		case item != nil:
			if textOf(item, "name") == "" {
				item["name"] = name
			}
			all = append(all, item)
		}
	}
	if len(all) > 0 {
		a.Kinds["databases"] = all
	}
	return nil
}

// database is nil where a folder holds none.
func (f *folder) database(dir string) (map[string]any, error) {
	item, err := f.object(path.Join(dir, "database.json"))
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		if err == nil && len(item) == 0 {
			err = errNothing
		}
		if err == nil {
			err = f.scripts(item, dir)
		}
		return item, err
	}
	files := map[string]any{}
	for _, o := range script.Operations {
		if file := o.Name + ".js"; f.has(path.Join(dir, file)) {
			files[o.Name] = "./" + file
		}
	}
	item, err = f.object(path.Join(dir, "settings.json"))
	switch without := errors.Is(err, fs.ErrNotExist); {
	case without && len(files) == 0:
		return nil, nil
	case without:
		item = map[string]any{"strategy": "auth0", "options": map[string]any{"enabledDatabaseCustomization": true}}
	case err == nil && len(item) == 0:
		return nil, errNothing
	case err != nil:
		return nil, err
	}
	options, _ := item["options"].(map[string]any)
	if options == nil {
		options = map[string]any{}
		item["options"] = options
	}
	if _, given := options["customScripts"]; !given && len(files) > 0 {
		options["customScripts"] = files
	}
	return item, f.scripts(item, dir)
}

// scripts reads the scripts of a database.
func (f *folder) scripts(item map[string]any, dir string) error {
	options, _ := item["options"].(map[string]any)
	scripts, _ := options["customScripts"].(map[string]any)
	for name, v := range scripts {
		file, _ := v.(string)
		if file == "" {
			continue
		}
		text, err := f.beside(dir, file, false)
		if err != nil {
			return err
		}
		scripts[name] = text
	}
	return nil
}

// pages reads pages/NAME.json with the file that html names, NAME.html if it names none.
func (a *Assets) pages(f *folder) error {
	names, err := f.list("pages", ".json")
	if err != nil {
		return err
	}
	var all []any
	for _, name := range names {
		item, err := f.object(path.Join("pages", name))
		if err == nil {
			if textOf(item, "name") == "" {
				item["name"] = strings.TrimSuffix(name, ".json")
			}
			if usual := strings.TrimSuffix(name, ".json") + ".html"; textOf(item, "html") == "" && f.has(path.Join("pages", usual)) {
				item["html"] = usual
			}
			err = f.fetch(item, shelf{dir: "pages", refs: []string{"html"}})
		}
		if err != nil {
			a.problem("pages", name, err)
		} else {
			all = append(all, item)
		}
	}
	if len(all) > 0 {
		a.Kinds["pages"] = all
	}
	return nil
}

// prompts reads the folder of the prompts: settings, texts, partials, settings of single screens.
func (a *Assets) prompts(f *folder) error {
	all := map[string]any{}
	for file, member := range map[string]string{"prompts.json": "", "custom-text.json": "customText", "partials.json": "partials"} {
		v, err := f.object(path.Join("prompts", file))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			a.problem("prompts", file, err)
		case member == "":
			for k, one := range v {
				all[k] = one
			}
		case member == "partials":
			partials, err := f.partials(v)
			if err != nil {
				a.problem("prompts", file, err)
				continue
			}
			all[member] = partials
		case len(v) > 0:
			all[member] = v
		}
	}
	const dir = "prompts/screenRenderSettings"
	names, err := f.list(dir, ".json")
	if err != nil {
		return err
	}
	var screens []any
	for _, name := range names {
		v, err := f.object(path.Join(dir, name))
		if err != nil {
			a.problem("prompts", name, err)
		} else if v != nil {
			screens = append(screens, v)
		}
	}
	if len(screens) > 0 {
		all["screenRenderers"] = screens
	}
	if len(all) > 0 {
		a.Kinds["prompts"] = all
	}
	return nil
}

// partials turns {prompt: [{screen: [{name, template: file}]}]} into {prompt: {screen: {name: text}}}.
func (f *folder) partials(in map[string]any) (map[string]any, error) {
	out := map[string]any{}
	for prompt, v := range in {
		screens := map[string]any{}
		for _, screen := range objects(v) {
			for name, list := range screen {
				points := map[string]any{}
				for _, one := range objects(list) {
					file := textOf(one, "template")
					text, err := f.beside("prompts", file, false)
					if err != nil {
						return nil, err
					}
					points[textOf(one, "name")] = strings.TrimSpace(text)
				}
				screens[name] = points
			}
		}
		out[prompt] = screens
	}
	return out, nil
}

// renderers reads the files that the YAML format names: screenRenderers: [{prompt: {screen: file}}].
func (f *folder) renderers(prompts map[string]any) error {
	var screens []any
	for _, one := range objects(prompts["screenRenderers"]) {
		if textOf(one, "prompt") != "" {
			screens = append(screens, one)
			continue
		}
		for _, of := range one {
			byScreen, _ := of.(map[string]any)
			for _, v := range byScreen {
				name, _ := v.(string)
				if name, err := local(name); err != nil {
					return err
				} else if screen, err := f.object(name); err != nil {
					return err
				} else if screen != nil {
					screens = append(screens, screen)
				}
			}
		}
	}
	if screens != nil {
		slices.SortFunc(screens, func(x, y any) int { return strings.Compare(encoded(x), encoded(y)) })
		prompts["screenRenderers"] = screens
	}
	return nil
}

// attackProtection reads the files of the folder of that name.
func (a *Assets) attackProtection(f *folder) error {
	all := map[string]any{}
	for file, member := range map[string]string{
		"breached-password-detection.json": "breachedPasswordDetection", "brute-force-protection.json": "bruteForceProtection",
		"suspicious-ip-throttling.json": "suspiciousIpThrottling", "bot-detection.json": "botDetection", "captcha.json": "captcha",
	} {
		v, err := f.object(path.Join("attack-protection", file))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			a.problem("attackProtection", file, err)
		case v != nil:
			all[member] = v
		}
	}
	if len(all) > 0 {
		a.Kinds["attackProtection"] = all
	}
	return nil
}

// brandingTemplates reads branding/templates, after branding.json.
func (a *Assets) brandingTemplates(f *folder) error {
	const dir = "branding/templates"
	names, err := f.list(dir, ".json")
	if err != nil {
		return err
	}
	var all []any
	for _, name := range names {
		v, err := f.object(path.Join(dir, name))
		if err == nil && v != nil {
			err = f.fetch(v, shelf{dir: dir, refs: []string{"body"}})
		}
		if err != nil {
			a.problem("branding", name, err)
		} else if v != nil {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return nil
	}
	branding, _ := a.Kinds["branding"].(map[string]any)
	if branding == nil {
		branding = map[string]any{}
	}
	branding["templates"] = all
	a.Kinds["branding"] = branding
	return nil
}
