package password

import (
	"slices"
	"strings"
	"sync"

	"github.com/trustelem/zxcvbn/frequency"
)

// The sizes of the lists of much used passwords that a policy can name: en_10k is the first part of en_100k. The larger one has
// what the list that ships has, some 30,000.
const (
	TenThousand     = 10_000
	HundredThousand = 100_000
)

// ranks tells for each much used password how many are used more.
var ranks = sync.OnceValue(func() map[string]int {
	list := frequency.FrequencyLists["passwords"]
	out := make(map[string]int, len(list))
	for i, word := range list {
		if _, twice := out[word]; !twice {
			out[word] = i
		}
	}
	return out
})

// CheckDictionary refuses a password that is one of own or one of the most used, whatever its case.
func CheckDictionary(password string, most int, own []string) error {
	word := strings.ToLower(password)
	rank, common := ranks()[word]
	if common && rank < most || slices.ContainsFunc(own, func(s string) bool { return strings.EqualFold(s, password) }) {
		return refuse("PasswordDictionaryError", "Password is too common", "Password is too common")
	}
	return nil
}

// minPersonal is the length in characters from which on a word counts as personal: shorter ones are in many words.
const minPersonal = 3

// CheckPersonal refuses a password that holds one of the words, or a part of one between spaces, whatever its case.
func CheckPersonal(password string, words []string) error {
	password = strings.ToLower(password)
	for _, word := range words {
		for _, part := range append(strings.Fields(word), word) {
			if part = strings.ToLower(part); len([]rune(part)) >= minPersonal && strings.Contains(password, part) {
				return refuse("PasswordNoUserInfoError", "Password contains user information", "Password contains user information")
			}
		}
	}
	return nil
}

// ErrReused refuses a password that the user has had before.
func ErrReused() error {
	return refuse("PasswordHistoryError", "Password has previously been used", "Password has previously been used")
}
