package music

import "math"

type wave int

const (
	saw wave = iota
	square
	triangle
	sine
	fm // one sine bends another: electric pianos and bells
)

// patch is the setting of a synthesiser. Times are in seconds.
type patch struct {
	wave             wave
	voices           int     // oscillators for each note, 0 means 1
	detune           float64 // cents between the outer ones
	pulse            float64 // width of the square, 0 to 1
	ratio, index     float64 // of the bending sine: frequency and depth
	indexTime        float64 // in which its depth decays
	attack, decay    float64
	sustain          float64 // level that decay leads to
	release          float64
	cutoff           float64 // of the low-pass filter in Hz, 0 means none
	sweep, sweepTime float64 // octaves that the cutoff starts higher, and their decay
	resonance        float64 // 0 to 1
	vibrato          float64 // cents
}

// stereo is a pair of equally long channels.
type stereo struct{ left, right []float32 }

func newStereo(samples int) stereo {
	return stereo{make([]float32, samples), make([]float32, samples)}
}

// play returns one note of the patch. The phases come from the pitch, so that
// the same note always is the same.
func (p patch) play(rate int, pitch int, seconds float64) []float32 {
	n := int((seconds + 4*p.release) * float64(rate))
	out := make([]float32, n)
	voices := max(p.voices, 1)
	frequency := 440 * math.Exp2(float64(pitch-69)/12)
	for v := range voices {
		spread := 0.0
		if voices > 1 {
			spread = p.detune * (float64(v)/float64(voices-1) - 0.5)
		}
		p.oscillate(out, rate, frequency*math.Exp2(spread/1200), 0.37*float64(v)+0.01*float64(pitch), 1/math.Sqrt(float64(voices)))
	}
	p.filter(out, rate)
	p.shape(out, rate, seconds)
	return out
}

// oscillate adds one oscillator.
func (p patch) oscillate(out []float32, rate int, frequency, phase, gain float64) {
	base := frequency / float64(rate)
	step := base
	bend, depth := phase, p.index
	fade := math.Exp(-1 / (max(p.indexTime, 0.01) * float64(rate)))
	for i := range out {
		if p.vibrato > 0 && i%32 == 0 {
			t := float64(i) / float64(rate)
			step = base * (1 + p.vibrato*min(t*2, 1)*math.Sin(2*math.Pi*5.2*t)*0.000578)
		}
		var y float64
		switch p.wave {
		case saw:
			y = 2*phase - 1 - blep(phase, step)
		case square:
			width := p.pulse
			y = -1.0
			if phase < width {
				y = 1
			}
			y += blep(phase, step) - blep(frac(phase+1-width), step)
		case triangle:
			y = 1 - 4*math.Abs(phase-0.5)
		case sine:
			y = math.Sin(2 * math.Pi * phase)
		case fm:
			y = math.Sin(2*math.Pi*phase + depth*math.Sin(2*math.Pi*bend))
			bend = frac(bend + step*p.ratio)
			depth *= fade
		}
		out[i] += float32(y * gain)
		phase = frac(phase + step)
	}
}

func frac(x float64) float64 { return x - math.Floor(x) }

// blep rounds the edge of a saw or square by two samples, so that it does not
// fold back into what can be heard (a polynomial band-limited step).
func blep(phase, step float64) float64 {
	switch {
	case phase < step:
		t := phase / step
		return t + t - t*t - 1
	case phase > 1-step:
		t := (phase - 1) / step
		return t*t + t + t + 1
	}
	return 0
}

// filter is a low-pass of two poles whose cutoff falls from its sweep. It is
// the state-variable filter in its topology-preserving form.
func (p patch) filter(out []float32, rate int) {
	if p.cutoff == 0 {
		return
	}
	damping := 2 - 1.8*p.resonance
	var low, band, g float64
	for i, x := range out {
		if i%32 == 0 {
			octaves := p.sweep * math.Exp(-float64(i)/(max(p.sweepTime, 0.01)*float64(rate)))
			cutoff := min(p.cutoff*math.Exp2(octaves), 0.42*float64(rate))
			g = math.Tan(math.Pi * cutoff / float64(rate))
		}
		high := (float64(x) - (damping+g)*band - low) / (1 + g*(g+damping))
		b := g*high + band
		l := g*b + low
		band, low = g*high+b, g*b+l
		out[i] = float32(l)
	}
}

// shape applies attack, decay, sustain and release.
func (p patch) shape(out []float32, rate int, seconds float64) {
	attack := max(int(p.attack*float64(rate)), 1)
	end := int(seconds * float64(rate))
	decay := math.Exp(-3 / (p.decay * float64(rate)))
	release := math.Exp(-3 / (p.release * float64(rate)))
	level := 0.0
	for i := range out {
		switch {
		case i >= end:
			level *= release
		case i < attack:
			level = float64(i) / float64(attack)
		default:
			level = p.sustain + (level-p.sustain)*decay
		}
		out[i] *= float32(level)
	}
	for i := range min(len(out), 64) { // end on zero, without a click
		out[len(out)-1-i] *= float32(i) / 64
	}
}
