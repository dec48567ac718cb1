package ui

import (
	"embed"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"sync"
)

//go:embed texts/*.json
var textFiles embed.FS

// fallback is the language whose catalogue is complete.
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
// given in English; a key that nobody knows is given back itself.
func Text(lang, key string, args ...any) string { return format(lookup(lang, key), args...) }

// Languages lists the languages that have a catalogue, sorted.
func Languages() []string {
	names := make([]string, 0, len(catalogues()))
	for name := range catalogues() {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Language picks the language for a page from lists of preferences, strongest first: a ui_locales
// parameter ("de-CH fr"), then an Accept-Language header ("de-CH,de;q=0.9, en;q=0.7").
func Language(preferences ...string) string {
	for _, list := range preferences {
		if lang := best(list); lang != "" {
			return lang
		}
	}
	return fallback
}

// best finds the most wanted language of one list that has a catalogue, or "".
func best(list string) string {
	found, weight := "", 0.0
	for _, item := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		tag, param, _ := strings.Cut(item, ";")
		q := 1.0
		if value, ok := strings.CutPrefix(param, "q="); ok {
			if _, err := fmt.Sscanf(value, "%f", &q); err != nil {
				continue
			}
		}
		for tag = strings.ToLower(tag); tag != ""; {
			if _, ok := catalogues()[tag]; ok && q > weight {
				found, weight = tag, q
				break
			}
			cut := strings.LastIndexByte(tag, '-') // de-ch-1996 → de-ch → de
			tag = tag[:max(cut, 0)]
		}
	}
	return found
}

func lookup(lang, key string) string {
	if text, ok := catalogues()[lang][key]; ok {
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
