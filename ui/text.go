package ui

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

//go:embed texts/*.json
var textFiles embed.FS

// fallback is the language whose catalogue the others follow.
const fallback = "en"

// catalogues reads texts/<language>.json on first use. The files are part of the program and a test
// reads them all, so a broken one cannot ship.
var catalogues = sync.OnceValue(func() map[string]map[string]string {
	all := map[string]map[string]string{}
	files, err := textFiles.ReadDir("texts")
	if err != nil {
		panic("read embedded texts: " + err.Error())
	}
	for _, file := range files {
		raw, err := textFiles.ReadFile("texts/" + file.Name())
		if err != nil {
			panic("read embedded texts: " + err.Error())
		}
		texts := map[string]string{}
		if err := json.Unmarshal(raw, &texts); err != nil {
			panic("read embedded texts " + file.Name() + ": " + err.Error())
		}
		all[strings.TrimSuffix(file.Name(), ".json")] = texts
	}
	return all
})

// Text is the text of key in lang, with args put in as by fmt.Sprintf. A text that lang lacks is
// given in English; a key that nobody knows is given back itself. A text that has forms for
// numbers takes the one for its first argument, an int.
func Text(lang, key string, args ...any) string {
	return format(counted(lang, lookup(lang, key), args), args...)
}

// Languages lists the languages that have a catalogue: English first, the others by their tags.
func Languages() []string { return slices.Clone(ours()) }

var ours = sync.OnceValue(func() []string {
	names := make([]string, 0, len(catalogues()))
	for name := range catalogues() {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool {
		if names[i] == fallback || names[j] == fallback {
			return names[i] == fallback && names[j] != fallback
		}
		return names[i] < names[j]
	})
	return names
})

// Speaks tells whether pages have texts in the language of tag: "de" for "de-AT", but nothing for a language that is only akin.
func Speaks(tag string) bool { return catalogueOf(tag) != "" }

// catalogueOf is the catalogue of the language of tag, or "". What is asked for comes from few tags: those that tenants enable.
func catalogueOf(tag string) string {
	if _, is := catalogues()[tag]; is {
		return tag
	}
	if len(tag) > longestTag {
		return ""
	}
	return akin.of(tag, func() string {
		if t, err := language.Parse(tag); err == nil {
			if at, ok := match(ours(), []language.Tag{t}); ok {
				return ours()[at]
			}
		}
		return ""
	})
}

var akin memory[string] // catalogues by tags; see catalogueOf

func lookup(lang, key string) string {
	if text, ok := catalogues()[catalogueOf(lang)][key]; ok {
		return text
	}
	if text, ok := catalogues()[fallback][key]; ok {
		return text
	}
	return key
}

func known(key string) bool { _, ok := catalogues()[fallback][key]; return ok }

func format(text string, args ...any) string {
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// forms are the names that CLDR gives to the forms of a text for numbers.
var forms = map[string]plural.Form{
	"zero": plural.Zero, "one": plural.One, "two": plural.Two, "few": plural.Few, "many": plural.Many, "other": plural.Other,
}

// formsOf takes "one:%d day|other:%d days" apart; nil if text has no such forms.
func formsOf(text string) map[string]string {
	if !strings.HasPrefix(text, "one:") && !strings.HasPrefix(text, "other:") {
		return nil
	}
	out := map[string]string{}
	for _, part := range strings.Split(text, "|") {
		name, form, _ := strings.Cut(part, ":")
		out[name] = form
	}
	return out
}

// counted is the form of text for the number that its first argument is, or text itself.
func counted(lang, text string, args []any) string {
	have := formsOf(text)
	if have == nil || len(args) == 0 {
		return text
	}
	n, is := args[0].(int)
	if !is {
		return have["other"]
	}
	want := formFor(lang, n)
	for name, form := range forms {
		if text, is := have[name]; is && form == want {
			return text
		}
	}
	return have["other"]
}

func formFor(lang string, n int) plural.Form {
	if lang = catalogueOf(lang); lang == "" {
		lang = fallback
	}
	return plural.Cardinal.MatchPlural(language.Make(lang), max(n, -n)%10_000_000, 0, 0, 0, 0)
}
