package music

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

// Cover draws a song's cover as SVG, 512 by 512, from the id alone. The id
// only seeds the dice; nothing of it gets into the picture's text.
func Cover(id string) []byte {
	dice := diceFor("cover", id)
	hue := dice.IntN(360)
	other := (hue + 25 + dice.IntN(50)) % 360 // neighbours on the wheel: mixing opposites is muddy
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 512" width="512" height="512" role="img" aria-label="Cover art">`)
	fmt.Fprintf(&b, `<defs><linearGradient id="g" gradientUnits="userSpaceOnUse" x1="0" y1="0" x2="%d" y2="512">`+
		`<stop offset="0" stop-color="hsl(%d,70%%,24%%)"/><stop offset="1" stop-color="hsl(%d,72%%,46%%)"/></linearGradient>`+
		`<linearGradient id="s" x1="0" y1="0" x2="0" y2="1">`+
		`<stop offset="0" stop-color="hsl(%d,92%%,72%%)"/><stop offset="1" stop-color="hsl(%d,88%%,56%%)"/></linearGradient></defs>`,
		dice.IntN(512), hue, other, (other+115)%360, (other+70)%360)
	b.WriteString(`<rect width="512" height="512" fill="url(#g)"/>`)
	motifs := []func(*strings.Builder, *rand.Rand){sun, record, waves, skyline, dots, petals}
	motifs[dice.IntN(len(motifs))](&b, dice)
	b.WriteString(`</svg>`)
	return []byte(b.String())
}

// sun sets behind stripes.
func sun(b *strings.Builder, dice *rand.Rand) {
	r := 130 + dice.IntN(60)
	fmt.Fprintf(b, `<circle cx="256" cy="250" r="%d" fill="url(#s)"/>`, r)
	for i := range 6 {
		y := 262 + i*26
		fmt.Fprintf(b, `<rect x="0" y="%d" width="512" height="%d" fill="url(#g)"/>`, y, 4+3*i)
	}
	for i := range 9 {
		x := float64(i-4)*70 + 256
		fmt.Fprintf(b, `<path d="M256 380L%.0f 512" stroke="url(#s)" stroke-width="2" opacity=".5"/>`, 256+(x-256)*2)
	}
}

// record is a disc with grooves and an off-centre label.
func record(b *strings.Builder, dice *rand.Rand) {
	x, y := 200+dice.IntN(112), 200+dice.IntN(112)
	fmt.Fprintf(b, `<circle cx="%d" cy="%d" r="210" fill="#000" opacity=".45"/>`, x, y)
	for r := 200; r > 90; r -= 11 + dice.IntN(8) {
		fmt.Fprintf(b, `<circle cx="%d" cy="%d" r="%d" fill="none" stroke="#fff" stroke-width="1.5" opacity=".22"/>`, x, y, r)
	}
	fmt.Fprintf(b, `<circle cx="%d" cy="%d" r="78" fill="url(#s)"/><circle cx="%d" cy="%d" r="10" fill="#000" opacity=".6"/>`, x, y, x, y)
}

// waves roll one behind another.
func waves(b *strings.Builder, dice *rand.Rand) {
	fmt.Fprintf(b, `<circle cx="%d" cy="%d" r="64" fill="url(#s)"/>`, 110+dice.IntN(292), 110+dice.IntN(60))
	for i := range 6 {
		fmt.Fprintf(b, `<path d="M0 512V%.0f`, 230+float64(i)*48)
		phase, size := dice.Float64()*6, 14+dice.Float64()*22
		for x := 0; x <= 512; x += 16 {
			fmt.Fprintf(b, `L%d %.1f`, x, 230+float64(i)*48+size*math.Sin(phase+float64(x)/(60+8*float64(i))))
		}
		fmt.Fprintf(b, `L512 512Z" fill="#fff" opacity="%.2f"/>`, 0.08+0.05*float64(i))
	}
}

// skyline is bars as of an equaliser, or houses at night.
func skyline(b *strings.Builder, dice *rand.Rand) {
	for i := range 16 {
		h := 60 + dice.IntN(300)
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="22" height="%d" rx="5" fill="url(#s)" opacity="%.2f"/>`,
			20+i*30, 456-h, h, 0.45+0.5*dice.Float64())
	}
	b.WriteString(`<rect x="0" y="462" width="512" height="4" fill="#fff" opacity=".6"/>`)
}

// dots are a grid that swells.
func dots(b *strings.Builder, dice *rand.Rand) {
	cx, cy := dice.Float64()*512, dice.Float64()*512
	for x := 28; x < 512; x += 38 {
		for y := 28; y < 512; y += 38 {
			d := math.Hypot(float64(x)-cx, float64(y)-cy)
			fmt.Fprintf(b, `<circle cx="%d" cy="%d" r="%.1f" fill="url(#s)"/>`, x, y, 3+13*math.Abs(math.Cos(d/110)))
		}
	}
}

// petals turn around the middle.
func petals(b *strings.Builder, dice *rand.Rand) {
	n := 6 + dice.IntN(7)
	for i := range n {
		fmt.Fprintf(b, `<ellipse cx="256" cy="150" rx="%d" ry="120" fill="url(#s)" opacity=".42" transform="rotate(%.1f 256 256)"/>`,
			28+dice.IntN(30), 360*float64(i)/float64(n))
	}
	b.WriteString(`<circle cx="256" cy="256" r="34" fill="#fff" opacity=".85"/>`)
}
