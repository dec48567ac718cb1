package script

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// learn looks for a value from now on, also as it stands in URLs and JSON, and for its lines.
func (m *masker) learn(value, mask string) {
	if m.use == forEarlier {
		quoted, _ := json.Marshal(value)
		for _, form := range []string{value, url.QueryEscape(value), url.PathEscape(value), string(quoted[1 : len(quoted)-1])} {
			m.look(form, mask, len(form) >= minSecret)
		}
		return
	}
	m.learnLine(value, mask)
	if !strings.ContainsAny(value, "\n\\") {
		return
	}
	for _, line := range lineBreak.Split(value, -1) {
		if line = strings.TrimSpace(line); len(line) >= minLine && !strings.HasPrefix(line, "-----") { // what begins and ends PEM is no secret
			m.learnLine(line, mask)
		}
	}
}

// lineBreak is between the lines of a value, also where it has them as two characters.
var lineBreak = regexp.MustCompile(`\r?\n|\\n`)

func (m *masker) learnLine(value, mask string) {
	everywhere := len(value) >= minSecret
	if !everywhere && (len(value) < minAlone || mask != passwordMask && letters.MatchString(value)) {
		return
	}
	escaped, quoted := url.QueryEscape(value), string(quote(value))
	for _, form := range []string{value, escaped, componentEscape.Replace(escaped), url.PathEscape(value), quoted[1 : len(quoted)-1]} {
		m.look(form, mask, everywhere)
	}
}

var (
	letters = regexp.MustCompile(`^\pL+$`)
	// componentEscape makes what encodeURIComponent does of what URLSearchParams does.
	componentEscape = strings.NewReplacer("+", "%20", "%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*")
)

// look looks for a text from now on: everywhere, or where it stands alone.
func (m *masker) look(text, mask string, everywhere bool) {
	if m.known[text] != "" || text == mask || maskText.MatchString(text) || m.use == forEarlier && !everywhere {
		return
	}
	m.known[text] = mask
	list := &m.alone
	if everywhere {
		list = &m.order
	}
	at, _ := slices.BinarySearchFunc(*list, len(text)-1, func(has string, length int) int { return length - len(has) }) // behind those of its length
	*list = slices.Insert(*list, at, text)
}

// find looks for a text from now on that something in the run calls secret.
func (m *masker) find(value, mask string) {
	if m.known[value] != "" {
		return
	}
	if m.use != forEarlier {
		if m.found++; m.found > maxSecrets {
			m.full = true
			return
		}
	}
	m.learn(value, mask)
}

// values masks what is known in a text.
func (m *masker) values(text string) string {
	for _, value := range m.order {
		if strings.Contains(text, value) {
			text = strings.ReplaceAll(text, value, m.known[value])
		}
	}
	for _, value := range m.alone {
		text = replaceAlone(text, value, m.known[value])
	}
	return text
}

// replaceAlone replaces a value where no character of a word is before or behind it.
func replaceAlone(text, value, mask string) string {
	var out strings.Builder
	done := 0
	for at := 0; ; {
		next := strings.Index(text[at:], value)
		if next < 0 {
			break
		}
		begin, end := at+next, at+next+len(value)
		at = end
		if begin > 0 && inWord(text[begin-1]) || end < len(text) && inWord(text[end]) {
			at = begin + 1
			continue
		}
		out.WriteString(text[done:begin] + mask)
		done = end
	}
	if done == 0 {
		return text
	}
	return out.String() + text[done:]
}

func inWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= utf8.RuneSelf
}

// encoded masks what is known where it stands in base64, as in the credentials of basic authentication.
func (m *masker) encoded(text string) string {
	if len(m.known) == 0 {
		return text
	}
	var out strings.Builder
	done := 0
	for at := 0; at < len(text); at++ {
		end := at
		for end < len(text) && inBase64(text[end]) {
			end++
		}
		if end-at < minSecret {
			at = end
			continue
		}
		for pad := 0; pad < 2 && end < len(text) && text[end] == '='; pad++ {
			end++
		}
		if found := text[at:end]; m.decoded(found) != found {
			out.WriteString(text[done:at] + m.decoded(found))
			done = end
		}
		at = end - 1
	}
	if done == 0 {
		return text
	}
	return out.String() + text[done:]
}

func inBase64(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '+' || c == '/' || c == '-' || c == '_'
}

// decoded masks what is known in the text that a text in base64 stands for.
func (m *masker) decoded(text string) string {
	encoding := base64.StdEncoding
	if strings.ContainsAny(text, "-_") {
		encoding = base64.URLEncoding
	}
	if !strings.HasSuffix(text, "=") {
		encoding = encoding.WithPadding(base64.NoPadding)
	}
	raw, err := encoding.DecodeString(text)
	if err != nil || !utf8.Valid(raw) {
		return text
	}
	if masked := m.values(string(raw)); masked != string(raw) {
		return encoding.EncodeToString([]byte(masked))
	}
	return text
}
