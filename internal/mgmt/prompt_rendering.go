package mgmt

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/liquid"
	"github.com/stagedoor/stagedoor/internal/web"
)

type renderingMembers struct {
	Mode            web.Opt[string]          `json:"rendering_mode" schema:"notnull,enum=advanced|standard" doc:"Rendering mode"`
	Context         web.Opt[[]string]        `json:"context_configuration" doc:"Context values to make available"`
	NoDefaultTags   web.Opt[bool]            `json:"default_head_tags_disabled" doc:"Override Universal Login default head tags"`
	UsePageTemplate web.Opt[bool]            `json:"use_page_template" doc:"Use page template with ACUL"`
	HeadTags        web.Opt[[]headTagIn]     `json:"head_tags" schema:"max=25" doc:"An array of head tags"`
	Filters         web.Opt[renderFiltersIn] `json:"filters" doc:"Optional filters to apply rules within the ACUL config"`
}

type headTagIn struct {
	Tag        string                     `json:"tag"`
	Attributes map[string]json.RawMessage `json:"attributes"`
	Content    string                     `json:"content"`
}

type renderFiltersIn struct {
	MatchType     string                   `json:"match_type" schema:"enum=includes_any|excludes_any" doc:"Type of match to apply"`
	Clients       web.Opt[[]renderedForIn] `json:"clients"`
	Organizations web.Opt[[]renderedForIn] `json:"organizations"`
	Domains       web.Opt[[]renderedForIn] `json:"domains"`
}

// renderedForIn names one, or those with some metadata.
type renderedForIn struct {
	ID       string     `json:"id" schema:"max=255"`
	Metadata keptObject `json:"metadata"`
}

type screenRenderingIn struct {
	Prompt string `json:"prompt" schema:"required" doc:"Name of the prompt"`
	Screen string `json:"screen" schema:"required" doc:"Name of the screen"`
	renderingMembers
}

type renderingsIn struct {
	Configs []screenRenderingIn `json:"configs" schema:"required,min=1,max=20" doc:"Array of screen configurations to update"`
}

// shownRendering is how a screen is shown: kept is what was set.
func shownRendering(c *call, prompt, screen string, kept map[string]any) map[string]any {
	out := map[string]any{
		"rendering_mode": "standard", "context_configuration": []any{}, "default_head_tags_disabled": false, "head_tags": []any{}, "filters": nil,
		"use_page_template": false,
	}
	maps.Copy(out, kept)
	out["tenant"], out["prompt"], out["screen"] = c.store.Tenant().Domain(), prompt, screen
	return out
}

type keptRenderings map[string]map[string]any

func (a *API) readRendering(c *call) (any, error) {
	prompt, screen, err := promptAndScreen(c)
	if err != nil {
		return nil, err
	}
	kept := keptRenderings{}
	if err := c.store.Setting(c.ctx(), stagedoor.SettingRendering, &kept); err != nil {
		return nil, err
	}
	return shownRendering(c, prompt, screen, kept[prompt+"/"+screen]), nil
}

func promptAndScreen(c *call) (prompt, screen string, err error) {
	if prompt, err = inPath(c, "prompt", "Name of the prompt", promptNames); err != nil {
		return "", "", err
	}
	if screen = c.r.PathValue("screen"); !segment.MatchString(screen) {
		err = (&web.Violation{Path: "screen", Doc: "Name of the screen", Reason: "No enum match for: " + bounded(screen, 100)}).URI()
	}
	return prompt, screen, err
}

func (a *API) setRendering(c *call, in renderingMembers) (any, error) {
	prompt, screen, err := promptAndScreen(c)
	if err == nil {
		err = in.readable("")
	}
	if err != nil {
		return nil, err
	}
	members := map[string]any{}
	if err := json.Unmarshal(c.body, &members); err != nil {
		return nil, err
	}
	return members, changeSetting(c, stagedoor.SettingRendering, func(kept *keptRenderings) error {
		kept.set(prompt, screen, members)
		return nil
	})
}

// readable refuses tags with a template in them that cannot be read: people would see our page, and nobody why.
func (m renderingMembers) readable(path string) error {
	for i, t := range m.HeadTags.Value {
		of := path + "head_tags[" + itoa(i) + "]."
		if err := liquid.Check(t.Content); err != nil {
			return badProperty(of+"content", "The template cannot be read: "+bounded(err.Error(), 200))
		}
		for _, name := range slices.Sorted(maps.Keys(t.Attributes)) {
			var text string
			if json.Unmarshal(t.Attributes[name], &text) != nil {
				continue
			}
			if err := liquid.Check(text); err != nil {
				return badProperty(of+"attributes."+bounded(name, 100), "The template cannot be read: "+bounded(err.Error(), 200))
			}
		}
	}
	return nil
}

// set puts the members on those of a screen, each as a whole.
func (k *keptRenderings) set(prompt, screen string, members map[string]any) {
	if *k == nil {
		*k = keptRenderings{}
	}
	own := (*k)[prompt+"/"+screen]
	if own == nil {
		own = map[string]any{}
		(*k)[prompt+"/"+screen] = own
	}
	for name, value := range members {
		if name != "prompt" && name != "screen" {
			own[name] = value
		}
	}
}

// setRenderings sets several screens, or none.
func (a *API) setRenderings(c *call, in renderingsIn) (any, error) {
	var members struct {
		Configs []map[string]any `json:"configs"`
	}
	if err := json.Unmarshal(c.body, &members); err != nil {
		return nil, err
	}
	for i, config := range in.Configs {
		if !slices.Contains(promptNames, config.Prompt) {
			return nil, badProperty("configs["+itoa(i)+"].prompt", "No enum match for: "+bounded(config.Prompt, 100))
		}
		if !segment.MatchString(config.Screen) {
			return nil, badProperty("configs["+itoa(i)+"].screen", "No enum match for: "+bounded(config.Screen, 100))
		}
		if err := config.readable("configs[" + itoa(i) + "]."); err != nil {
			return nil, err
		}
	}
	return members, changeSetting(c, stagedoor.SettingRendering, func(kept *keptRenderings) error {
		for i, config := range in.Configs {
			kept.set(config.Prompt, config.Screen, members.Configs[i])
		}
		return nil
	})
}

type listRenderingsIn struct {
	web.Paging
	web.Fields
	Prompt string `json:"prompt"`
	Screen string `json:"screen"`
	Mode   string `json:"rendering_mode" schema:"enum=advanced|standard"`
}

func (a *API) listRenderings(c *call, in listRenderingsIn) (any, error) {
	kept := keptRenderings{}
	if err := c.store.Setting(c.ctx(), stagedoor.SettingRendering, &kept); err != nil {
		return nil, err
	}
	all := []map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(kept)) {
		prompt, screen, _ := strings.Cut(key, "/")
		shown := shownRendering(c, prompt, screen, kept[key])
		delete(shown, "tenant")
		if (in.Prompt == "" || in.Prompt == prompt) && (in.Screen == "" || in.Screen == screen) && (in.Mode == "" || in.Mode == shown["rendering_mode"]) {
			all = append(all, shown)
		}
	}
	cut := web.Cut(in.Paging, all)
	picked := make([]any, len(cut))
	for i, one := range cut {
		var err error
		if picked[i], err = in.Pick(one); err != nil {
			return nil, err
		}
	}
	if !in.IncludeTotals {
		return map[string]any{"configs": picked}, nil
	}
	return web.Envelope(in.Paging, "configs", picked, len(all)), nil
}
