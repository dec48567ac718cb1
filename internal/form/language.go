package form

import (
	"maps"
	"strings"
)

// translations are a form's texts in another language.
type translations struct {
	Components map[string]map[string]any `json:"components"`
	Messages   Messages                  `json:"messages"`
}

// pick chooses the translation for the first of the languages that the form has; nothing where its own texts are that.
func pick(all map[string]*translations, primary string, languages []string) (string, *translations) {
	for _, want := range languages {
		if base(want) != "" && (strings.EqualFold(want, primary) || base(want) == base(primary)) {
			return primary, nil
		}
		if t := all[want]; t != nil {
			return want, t
		}
		for name, t := range all {
			if t != nil && base(name) == base(want) {
				return name, t
			}
		}
	}
	return primary, nil
}

func base(tag string) string {
	tag, _, _ = strings.Cut(strings.ToLower(tag), "-")
	return tag
}

// over puts a language's messages over those that hold otherwise.
func (m Messages) over(old Messages) Messages {
	join := func(under, over map[string]string) map[string]string {
		sum := maps.Clone(under)
		if sum == nil {
			sum = map[string]string{}
		}
		maps.Copy(sum, over)
		return sum
	}
	return Messages{Errors: join(old.Errors, m.Errors), Custom: join(old.Custom, m.Custom)}
}

// translate puts the texts of components in the place of those of a node.
func (t *translations) translate(node map[string]any) {
	config, _ := node["config"].(map[string]any)
	components, _ := config["components"].([]any)
	for _, one := range components {
		c, _ := one.(map[string]any)
		id, _ := c["id"].(string)
		for _, name := range []string{"label", "hint", "config"} {
			if text, there := t.Components[id][name]; there && text != nil {
				c[name] = overlay(c[name], text, 0)
			}
		}
	}
}

// overlay puts texts over a value: objects member by member, lists item by item.
func overlay(old, text any, depth int) any {
	switch over := text.(type) {
	case map[string]any:
		under, is := old.(map[string]any)
		if !is || depth > maxNested {
			return text
		}
		for name, value := range over {
			under[name] = overlay(under[name], value, depth+1)
		}
		return under
	case []any:
		under, is := old.([]any)
		if !is || len(under) != len(over) || depth > maxNested {
			return text
		}
		for i := range over {
			under[i] = overlay(under[i], over[i], depth+1)
		}
		return under
	}
	return text
}
