package ui

import (
	"fmt"
	"net/url"
	"strings"
)

// scene puts a colour, a gradient or a picture in the place of Stagedoor's own beside the page. An empty or wrong value leaves it.
func (b Brand) scene(css *strings.Builder, from, to, picture string) {
	start, ok := parseColour(from)
	image := safeURL(picture)
	if !ok && image == "" {
		return
	}
	background := "#17101f"
	if ok {
		background = start.String()
	}
	if end, gradient := parseColour(to); ok && gradient {
		background = fmt.Sprintf("linear-gradient(%.0fdeg, %s, %s)", b.Angle, start, end)
	}
	if image != "" {
		background = "url(\"" + image + "\") 50% 50% / cover no-repeat, " + background
	}
	fmt.Fprintf(css, ".scene, .stage .scene { background: %s; border-bottom: 0; }\n.stage .scene::before { display: none; }\n", background)
}

// font sets all texts in a font of the tenant's, with ours until it is there.
func font(css *strings.Builder, address string) {
	if address = safeURL(address); address != "" {
		fmt.Fprintf(css, "@font-face { font-family: Brand; font-display: swap; src: url(\"%s\"); }\n:root { --display: Brand, Georgia, serif; --body: Brand, system-ui, sans-serif; }\n", address)
	}
}

// safeURL is an https address that can stand between quotes in a stylesheet, or "".
func safeURL(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return ""
	}
	return strings.NewReplacer(`"`, "%22", `\`, "%5C", "\n", "", "\r", "", "<", "%3C", ">", "%3E").Replace(u.String())
}

// theme writes the tokens of a theme. It has one palette, so the pages look the same in light and dark mode.
func (b Brand) theme(css *strings.Builder) {
	t := b.Theme
	or := func(s string, otherwise colour) colour {
		if c, ok := parseColour(s); ok {
			return c
		}
		return otherwise
	}
	paper := or(t.Colors.WidgetBackground, paperLight)
	field := or(t.Colors.InputBackground, paper)
	accent := or(t.Colors.PrimaryButton, or(b.Primary, colour{0x9a, 0x1b, 0x32}))
	label := or(t.Colors.PrimaryLabel, accent.ink())
	if contrast(label, accent) < 4.5 || contrast(label, accent.deep()) < 4.5 {
		label = accent.ink()
	}
	ink := or(t.Colors.BodyText, colour{0x27, 0x1a, 0x2b}).readableOn(paper)
	shade, darkest, lightest := paper.towards(ink, 0.06), colour{0, 0, 0}, colour{255, 255, 255}
	if paper.luminance() < 0.18 {
		darkest, lightest = lightest, darkest
	}
	if contrast(darkest, shade) < 4.6 { // on a middling paper no text could be read on it
		shade = paper.towards(lightest, 0.06)
	}
	scheme, legible := "light", func(c colour) colour { return c.readableOn(shade).readableOn(paper) }
	if paper.luminance() < 0.18 {
		scheme = "dark"
	}
	wrong := legible(or(t.Colors.Error, colour{0xa8, 0x18, 0x1f}))
	fmt.Fprintf(css, ":root, :root:root { color-scheme: %s; --paper: %s; --sunk: %s; --ink: %s; --muted: %s; --edge: %s; --line: %s; --accent: %s; "+
		"--on-accent: %s; --accent-deep: %s; --link: %s; --focus: %s; --wrong: %s; --wrong-paper: %s; --good: %s; }\n",
		scheme, paper, shade, legible(ink), legible(ink.towards(paper, 0.25)), or(t.Colors.InputBorder, ink).against(paper, 3.1), or(t.Colors.WidgetBorder, shade),
		accent, label, accent.deep(), legible(or(t.Colors.Links, accent)), or(t.Colors.Links, accent).against(paper, 3.1), wrong, paper,
		legible(or(t.Colors.Success, colour{0x1c, 0x6b, 0x43})))
	fmt.Fprintf(css, "h1, h2 { color: %s; }\nlabel { color: %s; }\n.reveal, .sign { color: %s; }\n", legible(or(t.Colors.Header, ink)), legible(or(t.Colors.InputLabels, ink)), legible(or(t.Colors.Icons, ink)))
	fmt.Fprintf(css, "input:not([type=hidden]) { background: %s; color: %s; border-width: %.0fpx; border-radius: %s; }\n",
		field, or(t.Colors.InputText, ink).readableOn(field), max(1, bounded(t.Borders.InputWeight, 3)), radius(t.Borders.Inputs, t.Borders.InputRadius))
	corner := radius(t.Borders.Buttons, t.Borders.ButtonRadius)
	fmt.Fprintf(css, "button.primary, button.secondary, .button, .primary:focus-visible, .secondary:focus-visible, .button:focus-visible { border-radius: %s; border-width: %.0fpx; }\n",
		corner, bounded(t.Borders.ButtonWeight, 10))
	fmt.Fprintf(css, ".secondary { color: %s; border-color: %s !important; }\n", legible(or(t.Colors.SecondaryLabel, ink)), or(t.Colors.SecondaryBorder, ink).against(paper, 3.1))
	b.widget(css)
	b.scene(css, t.Background.Color, "", t.Background.ImageURL)
	font(css, t.Fonts.URL)
	texts(css, b)
}

// widget writes how the page itself is set: where it stands, its edge and shadow, its logo.
func (b Brand) widget(css *strings.Builder) {
	t := b.Theme
	switch t.Background.Layout {
	case "left":
		css.WriteString("@media (min-width: 56rem) { .stage { grid-template: 1fr auto / 1fr minmax(20rem, 43%); } .stage .scene { grid-column: 2; } .stage main, .stage footer { grid-column: 1; } }\n")
	case "center":
		shadow := ""
		if t.Borders.Shadow {
			shadow = "box-shadow: 0 1rem 3rem #0004; "
		}
		edge := bounded(t.Borders.WidgetWeight, 10)
		fmt.Fprintf(css, "@media (min-width: 56rem) { .stage { grid-template: 1fr auto / 1fr; } .stage .scene { position: fixed; inset: 0; height: auto; } "+
			".stage main { position: relative; grid-row: 1; margin-block: 1.5rem; border-radius: %.0fpx; border: %.0fpx solid var(--line); %s} "+
			".stage footer { position: relative; grid-row: 2; grid-column: 1; justify-self: center; background: var(--paper); border-radius: 1rem; padding: .5rem 1rem; margin: 1rem; } }\n",
			bounded(t.Borders.WidgetRadius, 50), edge, shadow)
	}
	align := map[string]string{"left": "start", "center": "center", "right": "end"}
	if a, ok := align[t.Widget.HeaderAlignment]; ok {
		fmt.Fprintf(css, "h1, .lead { text-align: %s; }\n", a)
	}
	if t.Widget.LogoPosition == "none" {
		css.WriteString(".who { display: none; }\n")
	} else if a, ok := align[t.Widget.LogoPosition]; ok {
		fmt.Fprintf(css, ".who { display: grid; justify-items: %s; }\n", a)
	}
	if h := bounded(t.Widget.LogoHeight, 100); h > 0 {
		fmt.Fprintf(css, ".who img { width: auto; min-width: 2rem; max-width: 100%%; height: %.0fpx; border-radius: 0; background: none; }\n", h)
	}
}

// texts writes sizes and weights.
func texts(css *strings.Builder, b Brand) {
	f := b.Theme.Fonts
	size := f.ReferenceSize
	if size < 12 || size > 24 {
		size = 16
	}
	fmt.Fprintf(css, "body { font-size: %.0fpx; }\n", size)
	for _, kind := range []struct {
		where string
		size  float64
		bold  bool
	}{
		{"h1", f.Title.Size, f.Title.Bold},
		{".lead", f.Subtitle.Size, f.Subtitle.Bold},
		{"main", f.BodyText.Size, f.BodyText.Bold},
		{".primary, .secondary, .button", f.Buttons.Size, f.Buttons.Bold},
		{"label", f.Labels.Size, f.Labels.Bold},
		{"a:not(.button, .skip)", f.Links.Size, f.Links.Bold},
	} {
		weight := 400
		if kind.bold {
			weight = 700
		}
		scale := kind.size / 100
		if scale < 0.75 || scale > 1.5 { // smaller cannot be read, larger does not fit; and a theme that says nothing says 0
			scale = max(0.75, min(scale, 1.5))
			if kind.size == 0 {
				scale = 1
			}
		}
		fmt.Fprintf(css, "%s { font-size: %.0fpx; font-weight: %d; }\n", kind.where, size*scale, weight)
	}
	if f.LinksStyle == "normal" {
		css.WriteString("main .aside a, main .beside a, main .back a { text-decoration: none; }\nmain a:hover, main a:focus-visible { text-decoration: underline !important; }\n")
	}
}

// bounded is v between 0 and most.
func bounded(v, most float64) float64 { return max(0, min(v, most)) }

func radius(style string, pixels float64) string {
	switch style {
	case "pill":
		return "99px"
	case "sharp":
		return "0"
	}
	return fmt.Sprintf("%.0fpx", bounded(pixels, 10))
}
