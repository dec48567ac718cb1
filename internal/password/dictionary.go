package password

import (
	_ "embed"
	"slices"
	"strings"
)

// common.txt holds what people choose most, a line each, lower case and sorted.
//
//go:embed common.txt
var commonText string

func inDictionary(password string, words []string) bool {
	if _, found := slices.BinarySearch(strings.Fields(commonText), strings.ToLower(password)); found {
		return true
	}
	return slices.ContainsFunc(words, func(word string) bool { return strings.EqualFold(word, password) })
}

func containsPersonal(password string, values []string) bool {
	folded := strings.ToLower(password)
	return slices.ContainsFunc(values, func(value string) bool {
		local, _, _ := strings.Cut(strings.ToLower(value), "@")
		return len(local) >= 3 && strings.Contains(folded, local)
	})
}
