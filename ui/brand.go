package ui

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// BrandPath is where the door serves Brand.CSS of the tenant. Pages link it with a version, so it
// may be cached as long as the door likes.
const BrandPath = "/ui/brand.css"

// Brand is the look of a tenant, from its branding settings. Whatever is not a colour or an address is as if it were not there.
type Brand struct {
	Primary       string           // colour of buttons and links, "#rrggbb" or "#rgb"; "" for Stagedoor's own
	Background    string           // colour beside the page, or the beginning of a gradient; "" for Stagedoor's own scene
	BackgroundEnd string           // end of the gradient; "" for one colour
	Angle         float64          // of the gradient, in degrees
	FontURL       string           // https: file of a font; "" for Stagedoor's own
	Theme         *stagedoor.Theme // says all of the above in detail; nil if there is none
	Organization  string           // id of the organization whose look it is; "" for the tenant's
}

// BrandOrganization is the parameter of BrandPath that names the organization.
const BrandOrganization = "organization"

// Path is the address of the tenant's stylesheet, or "" if the tenant has nothing of its own.
func (b Brand) Path() string {
	css := b.CSS()
	if css == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(css))
	version := hex.EncodeToString(sum[:6])
	if c, ok := parseColour(b.Primary); ok && b == (Brand{Primary: b.Primary, Organization: b.Organization}) {
		version = strings.TrimPrefix(c.String(), "#")
	}
	path := BrandPath + "?v=" + version
	if b.Organization != "" {
		path += "&" + BrandOrganization + "=" + url.QueryEscape(b.Organization)
	}
	return path
}

// CSS is the tenant's stylesheet over stagedoor.css. Colours are parsed and printed anew, addresses are encoded, so no setting can smuggle in other
// rules. The text on buttons is black or white, whichever is easier to read; other texts are darkened or lightened until they are readable
// (contrast 4.5, WCAG 2.2 AA) on what they stand on.
func (b Brand) CSS() string {
	var css strings.Builder
	if b.Theme != nil {
		b.theme(&css)
	} else if c, ok := parseColour(b.Primary); ok {
		fmt.Fprintf(&css, ":root { --accent: %s; --on-accent: %s; --accent-deep: %s; --link: %s; }\n"+
			"@media (prefers-color-scheme: dark) { :root { --accent: %s; --on-accent: %s; --accent-deep: %s; --link: %s; } }\n",
			c, c.ink(), c.deep(), c.readableOn(paperLight),
			c, c.ink(), c.deep(), c.readableOn(paperDark))
	}
	if b.Theme == nil {
		b.scene(&css, b.Background, b.BackgroundEnd, "")
		font(&css, b.FontURL)
	}
	return css.String()
}

// The papers that text is set on; stagedoor.css holds the same values and a test compares them.
var (
	paperLight = colour{0xff, 0xfc, 0xf6}
	paperDark  = colour{0x1d, 0x17, 0x24}
)

// colour is a colour of sRGB, each channel from 0 to 255.
type colour struct{ r, g, b float64 }

func (c colour) String() string {
	return fmt.Sprintf("#%02x%02x%02x", int(c.r+.5), int(c.g+.5), int(c.b+.5))
}

func parseColour(s string) (colour, bool) {
	s, ok := strings.CutPrefix(strings.TrimSpace(s), "#")
	if len(s) == 8 || len(s) == 4 { // with transparency, which pages do not have
		s = s[:len(s)/4*3]
	}
	if len(s) == 3 {
		s = string([]byte{s[0], s[0], s[1], s[1], s[2], s[2]})
	}
	n, err := strconv.ParseUint(s, 16, 24)
	if !ok || len(s) != 6 || err != nil {
		return colour{}, false
	}
	return colour{float64(n >> 16), float64(n >> 8 & 0xff), float64(n & 0xff)}, true
}

// luminance is the relative luminance of WCAG 2.2.
func (c colour) luminance() float64 {
	linear := func(v float64) float64 {
		if v /= 255; v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.r) + 0.7152*linear(c.g) + 0.0722*linear(c.b)
}

// contrast is the contrast ratio of WCAG 2.2, from 1 to 21.
func contrast(a, b colour) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// ink is white, the black of the pages or full black: the first that can be read on c. On every
// colour at least one of white and full black has a contrast above 4.5.
func (c colour) ink() colour {
	for _, ink := range []colour{{255, 255, 255}, {0x14, 0x10, 0x1a}} {
		if contrast(c, ink) >= 4.5 {
			return ink
		}
	}
	return colour{0, 0, 0}
}

// deep is the shade of a button under the pointer: a little away from its ink.
func (c colour) deep() colour {
	if c.ink().luminance() > 0.5 {
		return c.towards(colour{0, 0, 0}, 0.14)
	}
	return c.towards(colour{255, 255, 255}, 0.18)
}

func (c colour) towards(d colour, part float64) colour {
	return colour{c.r + (d.r-c.r)*part, c.g + (d.g-c.g)*part, c.b + (d.b-c.b)*part}
}

// readableOn moves c towards black or white until it can be read on paper.
func (c colour) readableOn(paper colour) colour { return c.against(paper, 4.6) } // a little above 4.5, for rounding

// against moves c towards black or white until its contrast to paper is least.
func (c colour) against(paper colour, least float64) colour {
	goal := colour{0, 0, 0}
	if paper.luminance() < 0.18 {
		goal = colour{255, 255, 255}
	}
	for part := 0.0; part < 1; part += 0.04 {
		if shade := c.towards(goal, part); contrast(shade, paper) >= least {
			return shade
		}
	}
	return goal
}
