package ui

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
)

// Whatever colours a theme has, what pages show can be read.
func TestThemeIsLegible(t *testing.T) {
	variable := regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`)
	rnd := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same colours each time
	for range 500 {
		any := func() string { return fmt.Sprintf("#%06x", rnd.IntN(1<<24)) }
		var theme stagedoor.Theme
		c := &theme.Colors
		for _, field := range []*string{
			&c.BodyText, &c.Error, &c.Header, &c.Icons, &c.InputBackground, &c.InputBorder, &c.InputText, &c.InputLabels, &c.Links, &c.PrimaryButton,
			&c.PrimaryLabel, &c.SecondaryBorder, &c.SecondaryLabel, &c.Success, &c.WidgetBackground, &c.WidgetBorder,
		} {
			*field = any()
		}
		css := Brand{Theme: &theme}.CSS()
		palette := map[string]colour{}
		for _, v := range variable.FindAllStringSubmatch(css, -1) {
			palette[v[1]], _ = parseColour(v[2])
		}
		for _, pair := range legible {
			front, ok := palette[pair.front]
			back, ok2 := palette[pair.back]
			if pair.front == "accent" { // a button may have the colour of its paper: it has an edge
				continue
			}
			if got := contrast(front, back); !ok || !ok2 || got < pair.least {
				t.Fatalf("%s on %s has contrast %.2f: %s", pair.front, pair.back, got, css)
			}
		}
		field := regexp.MustCompile(`input:not\(\[type=hidden\]\) \{ background: (#\w+); color: (#\w+)`).FindStringSubmatch(css)
		back, _ := parseColour(field[1])
		front, _ := parseColour(field[2])
		if got := contrast(front, back); got < 4.5 {
			t.Fatalf("inputs: %.2f: %s", got, css)
		}
	}
}

func TestThemeTakesNoRules(t *testing.T) {
	theme := stagedoor.Theme{}
	theme.Colors.PrimaryButton, theme.Background.Color = "#fff;} body{display:none", "url(x)"
	theme.Background.ImageURL, theme.Fonts.URL = `https://x.example/a.png"); } body { display: none`, "javascript:alert(1)"
	theme.Borders.Buttons, theme.Background.Layout, theme.Widget.LogoPosition = "x} body{display:none}", "y}", "z}"
	css := Brand{Theme: &theme, FontURL: "x"}.CSS()
	if strings.Contains(css, "body { display") || strings.Contains(css, "javascript") || strings.Contains(css, `a.png")`) || strings.Contains(css, "{display:none") {
		t.Errorf("%s", css)
	}
	if css := (Brand{Background: "#12345678", FontURL: "http://x.example/f"}).CSS(); strings.Contains(css, "font-face") || !strings.Contains(css, "#123456") {
		t.Errorf("%s", css)
	}
}
