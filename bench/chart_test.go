package bench

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// chartStyle is readable on light and dark pages: the picture has no ground of its own.
const chartStyle = `<style>
text{font:13px system-ui,sans-serif;fill:#24292f}.quiet{fill:#57606a;font-size:12px}.bar{fill:#0969da}.short{fill:#bc4c00}.mark,.grid{stroke:#57606a}.grid{stroke-opacity:.25}.line{fill:none;stroke-width:2}
.c0{stroke:#0969da;fill:#0969da}.c1{stroke:#bc4c00;fill:#bc4c00}.c2{stroke:#1a7f37;fill:#1a7f37}.c3{stroke:#8250df;fill:#8250df}.c4{stroke:#bf3989;fill:#bf3989}.line{fill:none}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.quiet{fill:#9198a1}.bar{fill:#4493f8}.short{fill:#f0883e}.mark,.grid{stroke:#9198a1}
.c0{stroke:#4493f8;fill:#4493f8}.c1{stroke:#f0883e;fill:#f0883e}.c2{stroke:#3fb950;fill:#3fb950}.c3{stroke:#ab7df8;fill:#ab7df8}.c4{stroke:#f778ba;fill:#f778ba}.line{fill:none}}
</style>`

func picture(width, height int, title, desc, body string) string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-labelledby="title desc"><title id="title">%s</title><desc id="desc">%s</desc>%s
%s</svg>
`, width, height, html.EscapeString(title), html.EscapeString(desc), chartStyle, body)
}

// A bar is a value with the one that is wanted, 0 if none is.
type bar struct {
	name          string
	value, wanted float64
}

// bars draws values from 0 to 1 and a mark where the wanted one lies; what falls short of it has another colour.
func bars(title string, all []bar) string {
	const left, width, step = 330, 900, 26
	var b, desc strings.Builder
	for i, x := range all {
		y := 34 + i*step
		class := "bar"
		if x.value < x.wanted {
			class = "short"
		}
		at := func(v float64) float64 { return left + min(v, 1.2)/1.2*(width-left-60) }
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text><rect class="%s" x="%d" y="%d" width="%.1f" height="16" rx="2"/><text x="%.1f" y="%d">%.2f</text>`+"\n",
			left-8, y+13, html.EscapeString(x.name), class, left, y, at(x.value)-left, at(x.value)+6, y+13, x.value)
		fmt.Fprintf(&desc, "%s: %.2f", x.name, x.value)
		if x.wanted > 0 {
			fmt.Fprintf(&b, `<path class="mark" d="M%.1f %dv22" stroke-width="2"/>`+"\n", at(x.wanted), y-3)
			fmt.Fprintf(&desc, ", wanted %.2f", x.wanted)
		}
		desc.WriteString(". ")
	}
	head := `<text class="quiet" x="330" y="18">ratio to the limit of the same run; | what is wanted</text>` + "\n"
	return picture(width, 44+len(all)*step, title, desc.String(), head+b.String())
}

// A curve is one series of points, in order of x.
type curve struct {
	name string
	x, y []float64
}

// curves draws series on logarithmic axes, milliseconds upwards.
func curves(title string, all []curve) string {
	const left, top, width, height, right = 60, 20, 900, 380, 330
	low, high, from, to := math.Inf(1), 0.0, math.Inf(1), 0.0
	for _, c := range all {
		for i := range c.x {
			low, high, from, to = min(low, c.y[i]), max(high, c.y[i]), min(from, c.x[i]), max(to, c.x[i])
		}
	}
	low, high = math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
	if to == from {
		to = from * 10
	}
	atX := func(x float64) float64 { return left + math.Log(x/from)/math.Log(to/from)*(width-left-right) }
	atY := func(y float64) float64 { return top + (high-math.Log10(y))/(high-low)*(height-top-40) }
	var b, desc strings.Builder
	for e := low; e <= high; e++ {
		v := math.Pow(10, e)
		fmt.Fprintf(&b, `<path class="grid" d="M%d %.1fH%d"/><text class="quiet" x="%d" y="%.1f" text-anchor="end">%g ms</text>`+"\n", left, atY(v), width-right, left-6, atY(v)+4, v)
	}
	for x := from; x <= to*1.01; x *= 10 {
		fmt.Fprintf(&b, `<text class="quiet" x="%.1f" y="%d" text-anchor="middle">%s users</text>`+"\n", atX(x), height-20, thousands(int(x)))
	}
	for i, c := range all {
		var points []string
		fmt.Fprintf(&desc, "%s:", c.name)
		for j := range c.x {
			points = append(points, fmt.Sprintf("%.1f %.1f", atX(c.x[j]), atY(c.y[j])))
			fmt.Fprintf(&desc, " %.1f ms at %s users,", c.y[j], thousands(int(c.x[j])))
		}
		y := top + 14 + i*22
		fmt.Fprintf(&b, `<path class="line c%d" d="M%s"/><rect class="c%d" x="%d" y="%d" width="14" height="4"/><text x="%d" y="%d">%s</text>`+"\n",
			i%5, strings.Join(points, " L"), i%5, width-right+20, y-5, width-right+42, y, html.EscapeString(c.name))
	}
	return picture(width, height, title, strings.TrimSuffix(desc.String(), ","), b.String())
}
