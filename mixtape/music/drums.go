package music

import (
	"math"
	"math/rand/v2"
)

// A drum is a function from the sample rate to one hit.

// drop is a sine that falls from a high to a low pitch: the body of a drum.
func drop(rate int, seconds, from, to, fall, decay float64) []float32 {
	out := make([]float32, int(seconds*float64(rate)))
	phase := 0.0
	for i := range out {
		t := float64(i) / float64(rate)
		phase += (to + (from-to)*math.Exp(-t/fall)) / float64(rate)
		out[i] = float32(math.Sin(2*math.Pi*phase) * math.Exp(-t/decay) * min(t*800, 1) * min((seconds-t)*100, 1))
	}
	return out
}

// hiss is noise between two cutoffs in Hz that dies away.
func hiss(rate int, seconds, above, below, decay float64) []float32 {
	out := make([]float32, int(seconds*float64(rate)))
	dice := rand.New(rand.NewPCG(uint64(above), uint64(below)))
	a := 1 - math.Exp(-2*math.Pi*above/float64(rate))
	b := 1 - math.Exp(-2*math.Pi*below/float64(rate))
	var slow, slower, smooth float64
	for i := range out {
		t := float64(i) / float64(rate)
		x := 2*dice.Float64() - 1
		slow += a * (x - slow)
		slower += a * (x - slow - slower)
		smooth += b * (x - slow - slower - smooth)
		out[i] = float32(smooth * math.Exp(-t/decay) * min((seconds-t)*100, 1))
	}
	return out
}

// layer adds b to a, louder or softer, and returns the longer one.
func layer(a, b []float32, gain float32) []float32 {
	if len(b) > len(a) {
		a = append(a, make([]float32, len(b)-len(a))...)
	}
	for i, x := range b {
		a[i] += gain * x
	}
	return a
}

func kick(rate int) []float32 {
	return layer(drop(rate, 0.4, 190, 46, 0.035, 0.13), hiss(rate, 0.02, 800, 6000, 0.004), 0.3)
}

func softKick(rate int) []float32 { return drop(rate, 0.45, 120, 44, 0.04, 0.16) }

func snare(rate int) []float32 {
	return layer(hiss(rate, 0.35, 500, 9000, 0.09), drop(rate, 0.2, 260, 180, 0.02, 0.06), 0.7)
}

func rim(rate int) []float32 {
	return layer(hiss(rate, 0.15, 900, 5500, 0.03), drop(rate, 0.1, 620, 430, 0.01, 0.025), 0.6)
}

// clap is a few bursts that smear into one.
func clap(rate int) []float32 {
	out := hiss(rate, 0.4, 700, 5000, 0.08)
	burst := hiss(rate, 0.03, 800, 6000, 0.008)
	for i := range 3 {
		at := i * rate * 11 / 1000
		for j, x := range burst {
			out[at+j] += 1.2 * x
		}
	}
	return out
}

func hat(rate int) []float32     { return hiss(rate, 0.08, 7000, 18000, 0.018) }
func openHat(rate int) []float32 { return hiss(rate, 0.3, 6000, 18000, 0.09) }
func tom(rate int) []float32     { return drop(rate, 0.5, 210, 95, 0.08, 0.16) }

func chipKick(rate int) []float32 { return crush(drop(rate, 0.2, 300, 50, 0.03, 0.08)) }
func chipSnare(rate int) []float32 {
	return crush(hiss(rate, 0.2, 300, 9000, 0.06))
}
func chipHat(rate int) []float32 { return crush(hiss(rate, 0.06, 4000, 14000, 0.015)) }

// crush leaves sixteen steps of loudness, as old game machines had.
func crush(out []float32) []float32 {
	for i, x := range out {
		out[i] = float32(math.Round(float64(x)*8) / 8)
	}
	return out
}
