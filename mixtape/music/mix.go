package music

import (
	"math"
	"math/rand/v2"
)

// render plays all tracks and mixes them.
func (c *score) render(rate int) stereo {
	samples := c.seconds() * rate
	mix, send := newStereo(samples), newStereo(samples)
	beatLength := 60 / float64(c.bpm) * float64(rate) // samples
	pump := c.pump(samples, beatLength)
	for i, t := range c.style.tracks {
		hits := map[note][]float32{} // what a pitch and length sounds like
		for _, n := range c.notes(i, t) {
			key := note{pitch: n.pitch, length: n.length}
			sound, ok := hits[key]
			if !ok {
				if t.role == beat {
					sound = t.drum(rate)
				} else {
					sound = t.patch.play(rate, n.pitch, n.length*60/float64(c.bpm)*0.96)
				}
				hits[key] = sound
			}
			t.place(mix, send, sound, int(n.at*beatLength), n, pump)
		}
	}
	if c.style.crackle > 0 {
		crackle(mix, rate, c.style.crackle, diceFor("crackle", c.id))
	}
	echo(send, int(c.style.echo*beatLength), float32(c.style.feedback))
	reverb(mix, send, rate, float32(c.style.room))
	master(mix, rate)
	return mix
}

// place adds the sound of a note at a sample, by the track's settings.
func (t track) place(mix, send stereo, sound []float32, at int, n note, pump []float32) {
	angle := (min(max(t.pan+n.side, -1), 1) + 1) * math.Pi / 4
	left := float32(t.gain * n.loud * math.Cos(angle) * math.Sqrt2)
	right := float32(t.gain * n.loud * math.Sin(angle) * math.Sqrt2)
	wet, duck := float32(t.send), float32(t.duck)
	for i, x := range sound {
		j := at + i
		if j >= len(mix.left) {
			return
		}
		x *= 1 - duck*pump[j]
		mix.left[j] += x * left
		mix.right[j] += x * right
		send.left[j] += x * left * wet
		send.right[j] += x * right * wet
	}
}

// pump is 1 where a kick drum sounds and falls to 0 after it: what ducks
// breathes with the beat.
func (c *score) pump(samples int, beatLength float64) []float32 {
	pump := make([]float32, samples)
	t := c.style.tracks[0] // the kick drum, where there is one
	if t.role != beat {
		return pump
	}
	for _, n := range c.notes(0, t) {
		at := int(n.at * beatLength)
		for i := range int(beatLength) {
			if at+i < samples {
				pump[at+i] = float32(math.Pow(1-float64(i)/beatLength, 2))
			}
		}
	}
	return pump
}

// echo repeats the send, darker each time and crossing sides. The right side
// takes two thirds of the time of the left, so that the echoes alternate.
func echo(send stereo, delay int, feedback float32) {
	short := delay * 2 / 3
	var darkLeft, darkRight float32
	for i := delay; i < len(send.left); i++ {
		darkLeft += 0.35 * (send.right[i-delay] - darkLeft)
		darkRight += 0.35 * (send.left[i-short] - darkRight)
		send.left[i] += feedback * darkLeft
		send.right[i] += feedback * darkRight
	}
}

// reverb adds the send and its room to the mix: parallel combs into two
// all-passes, after Schroeder. The right side is tuned a little apart.
func reverb(mix, send stereo, rate int, room float32) {
	for side, in := range [][]float32{send.left, send.right} {
		out := mix.left
		if side == 1 {
			out = mix.right
		}
		wet := make([]float32, len(in))
		for _, ms := range []float64{29.7, 37.1, 41.1, 43.7, 31.9, 34.3} {
			comb(wet, in, int((ms+1.3*float64(side))*float64(rate)/1000), 0.72+0.22*room)
		}
		allpass(wet, int(5.0*float64(rate)/1000))
		allpass(wet, int(1.7*float64(rate)/1000))
		for i := range out {
			out[i] += 0.55*in[i] + 0.3*room*wet[i]
		}
	}
}

func comb(out, in []float32, delay int, feedback float32) {
	line := make([]float32, delay)
	var dark float32
	for i, x := range in {
		y := line[i%delay]
		dark += 0.5 * (y - dark)
		line[i%delay] = x + feedback*dark
		out[i] += y / 3
	}
}

func allpass(x []float32, delay int) {
	line := make([]float32, delay)
	for i := range x {
		y := line[i%delay]
		line[i%delay] = x[i] + 0.6*y
		x[i] = y - 0.6*line[i%delay]
	}
}

// crackle adds the dust and hum of an old record.
func crackle(mix stereo, rate int, level float64, dice *rand.Rand) {
	var dust, soft float64
	for i := range mix.left {
		if dice.Float64() < 9/float64(rate) {
			dust = (dice.Float64() - 0.5) * 0.12
		}
		dust *= 0.8
		soft += 0.25 * ((dice.Float64()-0.5)*0.012 - soft)
		mix.left[i] += float32(level * (dust + soft))
		mix.right[i] += float32(level * (dust*0.7 + soft))
	}
}

// master brings all songs to the same loudness, rounds off peaks below full
// scale, and fades the end.
func master(mix stereo, rate int) {
	var sum float64
	for _, channel := range [][]float32{mix.left, mix.right} {
		block(channel, rate)
		for _, x := range channel {
			sum += float64(x) * float64(x)
		}
	}
	rms := math.Sqrt(sum/float64(2*len(mix.left))) + 1e-9
	gain := 0.2 / rms
	fade := int(2 * float64(rate))
	for _, channel := range [][]float32{mix.left, mix.right} {
		for i, x := range channel {
			y := 0.93 * math.Tanh(float64(x)*gain)
			if left := len(channel) - 1 - i; left < fade {
				y *= float64(left) / float64(fade)
			}
			channel[i] = float32(y)
		}
	}
}

// block removes what is too low to hear, below about 20 Hz.
func block(channel []float32, rate int) {
	keep := float32(math.Exp(-2 * math.Pi * 20 / float64(rate)))
	var before, y float32
	for i, x := range channel {
		y = keep * (y + x - before)
		before = x
		channel[i] = y
	}
}
