package carry

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Keywords are what stands for ##KEY## and @@KEY@@ in the files of the deploy tool: values of any JSON type.
type Keywords map[string]any

var (
	keywordText = regexp.MustCompile(`##([A-Za-z0-9_.-]{1,128})##`)
	keywordJSON = regexp.MustCompile(`'@@([A-Za-z0-9_.-]{1,128})@@'|"@@([A-Za-z0-9_.-]{1,128})@@"|@@([A-Za-z0-9_.-]{1,128})@@`)
)

// fill puts the values in: a text as it is, of @@KEY@@ with its quotes the JSON. Keywords without a value stay.
func (k Keywords) fill(text string) string {
	if len(k) == 0 || !strings.Contains(text, "##") && !strings.Contains(text, "@@") {
		return text
	}
	text = keywordJSON.ReplaceAllStringFunc(text, func(found string) string {
		value, there := k[strings.Trim(found, `'"@`)]
		if !there {
			return found
		}
		b, err := json.Marshal(value)
		if err != nil {
			return found
		}
		return string(b)
	})
	return keywordText.ReplaceAllStringFunc(text, func(found string) string {
		switch value := k[strings.Trim(found, "#")].(type) {
		case nil:
			return found
		case string:
			return value
		default:
			return fmt.Sprint(value)
		}
	})
}

// variables are what the server itself fills in: login pages have @@config@@, and templates of the older syntax @@password@@ or @@user.name@@.
var variables = []string{"application", "code", "config", "connection", "friendly_name", "password", "phone_number", "request_language", "tenant", "url", "user"}

// unfilled is the first keyword in a text that has no value; empty if there is none.
func unfilled(text string) string {
	if m := keywordText.FindString(text); m != "" {
		return m
	}
	for _, found := range keywordJSON.FindAllString(text, -1) {
		if first, _, _ := strings.Cut(bareKeyword(found), "."); !slices.Contains(variables, first) {
			return found
		}
	}
	return ""
}

// bareKeyword is the KEY of ##KEY## or @@KEY@@.
func bareKeyword(found string) string { return strings.Trim(found, `'"@#`) }

// loneKeyword is an @@KEY@@ that stands alone where YAML has a value, without quotes.
var loneKeyword = regexp.MustCompile(`(?m)([:,\[-][ \t]*)(@@[A-Za-z0-9_.-]{1,128}@@)([ \t]*(?:$|[,\]}]))`)

// vendorSealed is how the vendor shows values that it keeps encrypted.
var vendorSealed = regexp.MustCompile(`^2\.0\$[0-9a-f]+\$`)

// masked tells whether a text stands for a secret that was not told: stars, the vendor's own words, its ciphers, a keyword without value.
func masked(text string) bool {
	switch {
	case text == "_VALUE_NOT_SHOWN_", vendorSealed.MatchString(text):
		return true
	case len(text) >= 3 && strings.Trim(text, "*") == "":
		return true
	}
	return text != "" && keywordText.FindString(text) == text
}
