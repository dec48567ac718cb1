package ui

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/language"
)

// LanguageChoice is a language that a visitor may choose.
type LanguageChoice struct {
	Tag    string // "de"
	Name   string // in that language: "Deutsch"
	Chosen bool
}

// Choices are the languages of tags as a page offers them; nil where there is nothing to choose. Tags without texts of ours are named by themselves.
func Choices(tags []string, chosen string) []LanguageChoice {
	if len(tags) < 2 {
		return nil
	}
	out := make([]LanguageChoice, len(tags))
	for i, tag := range tags {
		out[i] = LanguageChoice{Tag: tag, Name: tag, Chosen: tag == chosen}
		if Speaks(tag) {
			out[i].Name = Text(tag, "language")
			if catalogueOf(tag) != tag {
				out[i].Name += " (" + tag + ")"
			}
		}
	}
	return out
}

// Language picks one of the languages of this package from lists of preferences, strongest first; see Match.
func Language(preferences ...string) string { return Match(Languages(), preferences...) }

// Match picks one of the available languages, of which the first is the default, from lists of preferences, strongest first: a ui_locales
// parameter ("de-CH fr"), then an Accept-Language header ("de-CH,de;q=0.9, en;q=0.7"). Lists come from strangers: what is no language in
// them is passed over.
func Match(available []string, preferences ...string) string {
	switch len(available) {
	case 0:
		return fallback
	case 1:
		return available[0]
	}
	for _, list := range preferences {
		if at, ok := match(available, Wanted(list)); ok {
			return available[at]
		}
	}
	return available[0]
}

// match finds the available language for what is wanted, the most wanted first (BCP 47, by the distances of CLDR). A language that many
// people of another one also read, as CLDR has it, is none: they may have named it themselves.
func match(available []string, wanted []language.Tag) (int, bool) {
	if len(wanted) == 0 {
		return 0, false
	}
	of := matchers.of(strings.Join(available, " "), func() matcher {
		m := matcher{tags: make([]language.Tag, len(available))}
		for i, tag := range available {
			m.tags[i] = language.Make(tag)
		}
		m.Matcher = language.NewMatcher(m.tags)
		return m
	})
	for _, tag := range wanted {
		_, at, confidence := of.Match(tag)
		base, _ := tag.Base()
		if ours, _ := of.tags[at].Base(); confidence > language.No && ours == base {
			return at, true
		}
	}
	return 0, false
}

// matcher finds the nearest of some languages. To make one costs fifty times what a question to it does.
type matcher struct {
	language.Matcher
	tags []language.Tag
}

var matchers memory[matcher] // by the tags, with spaces between

// memory keeps what does not change, by its name, but never more than mostKept: names come from tenants' settings, and those from strangers.
type memory[V any] struct {
	mu   sync.RWMutex
	kept map[string]V
}

const mostKept = 500

// of is what is kept by the name, or what is worked out now.
func (m *memory[V]) of(name string, work func() V) V {
	m.mu.RLock()
	v, is := m.kept[name]
	m.mu.RUnlock()
	if is {
		return v
	}
	v = work()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil || len(m.kept) >= mostKept {
		m.kept = map[string]V{}
	}
	m.kept[name] = v
	return v
}

// mostWanted bounds a list of preferences, longestTag a language in it (RFC 5646, section 4.4.1).
const (
	mostWanted = 20
	longestTag = 35
)

// Wanted are the languages of a list of preferences, the most wanted first.
func Wanted(list string) []language.Tag {
	type wish struct {
		tag language.Tag
		q   float64
	}
	var wishes []wish
	list = list[:min(len(list), mostWanted*40)]
	for i, item := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		if i == mostWanted {
			break
		}
		name, param, _ := strings.Cut(item, ";")
		q := 1.0
		if value, ok := strings.CutPrefix(strings.TrimSpace(param), "q="); ok {
			var err error
			if q, err = strconv.ParseFloat(value, 64); err != nil {
				continue
			}
		}
		tag, err := language.Parse(name)
		if err != nil || len(name) > longestTag || !(q > 0) || tag == language.Und {
			continue
		}
		at := len(wishes)
		for at > 0 && wishes[at-1].q < q {
			at--
		}
		wishes = append(wishes[:at], append([]wish{{tag, q}}, wishes[at:]...)...)
	}
	out := make([]language.Tag, len(wishes))
	for i, w := range wishes {
		out[i] = w.tag
	}
	return out
}

// Direction is the writing direction of a language, "ltr" or "rtl".
func Direction(lang string) string {
	tag, err := language.Parse(lang)
	if err != nil {
		return "ltr"
	}
	script, _ := tag.Script()
	switch script.String() {
	case "Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm":
		return "rtl"
	}
	return "ltr"
}

// Moment shows a moment as people of the language write it, in UTC: a server does not know where they are.
func Moment(lang string, t time.Time) string {
	t = t.UTC()
	return strings.NewReplacer("{date}", Date(lang, t), "{hour}", t.Format("15"), "{minute}", t.Format("04")).Replace(Text(lang, "format.time"))
}

// Date shows a day as people of the language write it, in UTC.
func Date(lang string, t time.Time) string {
	t = t.UTC()
	months := strings.Split(Text(lang, "format.months"), "|")
	return strings.NewReplacer("{day}", strconv.Itoa(t.Day()), "{month}", months[t.Month()-1], "{year}", strconv.Itoa(t.Year())).Replace(Text(lang, "format.date"))
}
