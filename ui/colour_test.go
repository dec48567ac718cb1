package ui

import (
	"regexp"
	"strings"
	"testing"
)

// palettes reads the variables of the stylesheet, light and dark.
func palettes(t *testing.T) (light, dark map[string]colour) {
	t.Helper()
	css, err := assetFiles.ReadFile("assets/stagedoor.css")
	if err != nil {
		t.Fatal(err)
	}
	roots := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(string(css), -1)
	if len(roots) != 2 {
		t.Fatalf("%d blocks of variables, want 2", len(roots))
	}
	light, dark = map[string]colour{}, map[string]colour{}
	for i, palette := range []map[string]colour{light, dark} {
		for _, v := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(roots[i][1], -1) {
			palette[v[1]], _ = parseColour(v[2])
		}
	}
	return light, dark
}

// legible are the pairs that occur, with the contrast that WCAG 2.2 AA asks for: 4.5 for text, 3 for
// the edges of controls and the focus ring.
var legible = []struct {
	front, back string
	least       float64
}{
	{"ink", "paper", 4.5},
	{"ink", "sunk", 4.5},
	{"muted", "paper", 4.5},
	{"muted", "sunk", 4.5},
	{"link", "paper", 4.5},
	{"link", "sunk", 4.5},
	{"on-accent", "accent", 4.5},
	{"on-accent", "accent-deep", 4.5},
	{"wrong", "paper", 4.5},
	{"wrong", "sunk", 4.5},
	{"wrong", "wrong-paper", 4.5},
	{"ink", "wrong-paper", 4.5},
	{"good", "sunk", 4.5},
	{"edge", "paper", 3},
	{"focus", "paper", 3},
	{"wrong", "paper", 3},
	{"accent", "paper", 3},
}

func TestContrast(t *testing.T) {
	light, dark := palettes(t)
	for mode, palette := range map[string]map[string]colour{"light": light, "dark": dark} {
		for _, pair := range legible {
			front, ok := palette[pair.front]
			back, ok2 := palette[pair.back]
			if !ok || !ok2 {
				t.Errorf("%s: no colour %s or %s", mode, pair.front, pair.back)
				continue
			}
			if got := contrast(front, back); got < pair.least {
				t.Errorf("%s: %s on %s has contrast %.2f, want %.1f", mode, pair.front, pair.back, got, pair.least)
			}
		}
	}
	if light["paper"] != paperLight || dark["paper"] != paperDark {
		t.Error("brand.go has other papers than the stylesheet")
	}
}

func TestContrastFormula(t *testing.T) {
	black, white := colour{}, colour{255, 255, 255}
	if got := contrast(black, white); got < 20.99 || got > 21.01 {
		t.Errorf("black on white: %f", got)
	}
	grey, _ := parseColour("#767676") // the lightest grey that passes on white
	if got := contrast(grey, white); got < 4.5 || got > 4.6 {
		t.Errorf("grey on white: %f", got)
	}
}

// Whatever colour a tenant chooses, button texts and links can be read in both modes.
func TestBrandIsLegible(t *testing.T) {
	variable := regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`)
	for r := 0; r <= 255; r += 51 {
		for g := 0; g <= 255; g += 51 {
			for b := 0; b <= 255; b += 51 {
				c := colour{float64(r), float64(g), float64(b)}
				modes := strings.SplitN(Brand{Primary: c.String()}.CSS(), "@media", 2)
				if len(modes) != 2 {
					t.Fatalf("%s: no stylesheet", c)
				}
				for i, paper := range []colour{paperLight, paperDark} {
					palette := map[string]colour{}
					for _, v := range variable.FindAllStringSubmatch(modes[i], -1) {
						palette[v[1]], _ = parseColour(v[2])
					}
					for _, pair := range [][2]colour{
						{palette["on-accent"], palette["accent"]}, {palette["on-accent"], palette["accent-deep"]}, {palette["link"], paper},
					} {
						if got := contrast(pair[0], pair[1]); got < 4.5 {
							t.Errorf("%s: %s on %s has contrast %.2f", c, pair[0], pair[1], got)
						}
					}
				}
			}
		}
	}
}

func TestBrandTakesColoursOnly(t *testing.T) {
	for _, bad := range []string{"", "red", "#12", "#12345", "#1234567", "#gggggg", "#fff;}body{display:none", "url(x)", "+fffff", "#+fffff", "#0x1234"} {
		if b := (Brand{Primary: bad}); b.CSS() != "" || b.Path() != "" {
			t.Errorf("%q was taken: %s", bad, b.CSS())
		}
	}
	if got := (Brand{Primary: " #F60 "}).Path(); got != "/ui/brand.css?v=ff6600" {
		t.Errorf("path %q", got)
	}
}
