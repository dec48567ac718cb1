package ui

import (
	"strings"
	"testing"
)

func TestDevice(t *testing.T) {
	for userAgent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                        "Firefox · Linux",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 (KHTML) Safari/604.1": "Safari · iPhone",
		strings.Repeat("x", 59) + "é": strings.Repeat("x", 59),
		"":                            "",
	} {
		if got := Device(userAgent); got != want {
			t.Errorf("%q: %q, want %q", userAgent, got, want)
		}
	}
}
