package stagedoor_test

import (
	"testing"

	"github.com/stagedoor/stagedoor"
)

// A text that is cut stays a text: no half character is left at its end.
func TestShorten(t *testing.T) {
	for _, c := range []struct {
		text            string
		most            int
		clip, shortened string
	}{
		{"", 0, "", ""},
		{"four", 4, "four", "four"},
		{"fives", 4, "five", "five…"},
		{"Größe", 3, "Gr", "Gr…"},
		{"Größe", 4, "Grö", "Grö…"},
		{"日本", 5, "日", "日…"},
		{"\xff\xff\xff", 2, "", "…"},
	} {
		if got := stagedoor.Clip(c.text, c.most); got != c.clip {
			t.Errorf("%q of %d bytes: %q", c.text, c.most, got)
		}
		if got := stagedoor.Shorten(c.text, c.most); got != c.shortened {
			t.Errorf("%q of %d bytes: %q", c.text, c.most, got)
		}
	}
}
