package music

// style is a genre: its tempo, harmony and tracks.
type style struct {
	genre            string
	slowest, fastest int     // beats per minute
	scale            []int   // semitones over the root
	chords           [][]int // progressions of four bars, as steps of the scale
	seventh          bool    // chords of four notes
	swing            float64 // delay of every second sixteenth, as part of a sixteenth
	echo             float64 // echo time in beats
	feedback, room   float64 // how much of the echo returns; how much reverb
	crackle          float64 // dust on the record
	tracks           []track
}

// role says how a track reads its pattern.
type role int

const (
	chord role = iota // the whole chord
	tones             // digits are the notes of the chord, 0 the root, from the bass
	lead              // a melody in this rhythm
	beat              // a drum
)

// track is one instrument. A pattern is a bar of sixteenths: "." is silence,
// "-" holds, "o" is a soft "x"; of several patterns each song picks one. The
// form has a letter for each section of four bars: "." is silent, "x" plays,
// "f" plays and ends with the fill.
type track struct {
	role     role
	patch    patch
	drum     func(rate int) []float32
	patterns []string
	fill     string
	form     string
	octave   int     // of the middle, 4 has middle C
	gain     float64 // loudness
	pan      float64 // -1 left, 1 right
	send     float64 // how much goes to echo and reverb
	duck     float64 // how far the kick drum pushes it away
}

var (
	minor  = []int{0, 2, 3, 5, 7, 8, 10}
	major  = []int{0, 2, 4, 5, 7, 9, 11}
	dorian = []int{0, 2, 3, 5, 7, 9, 10}
	lydian = []int{0, 2, 4, 6, 7, 9, 11}
)

// styles is the table of genres.
func styles() []style {
	return []style{synthwave(), loFi(), house(), ambient(), chiptune(), dub()}
}

func synthwave() style {
	return style{
		genre: "Synthwave", slowest: 94, fastest: 112, scale: minor, echo: 0.75, feedback: 0.4, room: 0.25,
		chords: [][]int{{0, 5, 2, 6}, {0, 3, 5, 6}, {5, 6, 0, 0}, {0, 6, 5, 6}},
		tracks: []track{
			{role: beat, drum: kick, patterns: []string{"x...x...x...x...", "x.....x.x.....x."}, form: ".xxfx.", gain: 0.8},
			{role: beat, drum: snare, patterns: []string{"....x.......x..."}, fill: "....x.....x.xxxx", form: ".xffx.", gain: 0.62, send: 0.25},
			{role: beat, drum: hat, patterns: []string{"o.x.o.x.o.x.o.x.", "xoxoxoxoxoxoxoxo"}, form: ".xx.xx", gain: 0.34, pan: 0.25},
			{
				role: tones, patterns: []string{"0.0.0.0.0.0.0.0.", "0.00.00.0.00.030", "0.3.0.3.0.3.0.3."}, form: "xxxxxx", octave: 2, gain: 0.55, duck: 0.35,
				patch: patch{wave: saw, voices: 2, detune: 8, cutoff: 380, sweep: 2.2, sweepTime: 0.12, resonance: 0.35, attack: 0.003, decay: 0.2, sustain: 0.6, release: 0.06},
			},
			{
				role: chord, patterns: []string{"x---------------"}, form: "xxxxxx", octave: 4, gain: 0.24, send: 0.35, duck: 0.55,
				patch: patch{wave: saw, voices: 3, detune: 14, cutoff: 1500, sweep: 0.8, sweepTime: 1.2, resonance: 0.15, attack: 0.25, decay: 1, sustain: 0.8, release: 0.6},
			},
			{
				role: tones, patterns: []string{"0123212301232123", "0213021302130213", "0.2.3.2.1.2.3.1."}, form: "x.x.xx", octave: 5, gain: 0.15, pan: -0.35, send: 0.5, duck: 0.3,
				patch: patch{wave: square, pulse: 0.35, cutoff: 2600, sweep: 1.4, sweepTime: 0.09, resonance: 0.3, attack: 0.002, decay: 0.14, sustain: 0.2, release: 0.1},
			},
			{
				role: lead, patterns: []string{"x--x--x-x---x---", "x-----x-x---....", "..x-x-x---x-x---"}, form: "..xxx.", octave: 5, gain: 0.27, pan: 0.12, send: 0.55,
				patch: patch{wave: saw, voices: 2, detune: 10, cutoff: 2400, sweep: 1, sweepTime: 0.3, resonance: 0.2, attack: 0.02, decay: 0.3, sustain: 0.75, release: 0.25, vibrato: 14},
			},
		},
	}
}

func loFi() style {
	return style{
		genre: "Lo-Fi", slowest: 72, fastest: 84, scale: dorian, seventh: true, swing: 0.3, echo: 0.5, feedback: 0.25, room: 0.2, crackle: 1,
		chords: [][]int{{1, 4, 0, 5}, {0, 3, 0, 4}, {3, 2, 1, 0}, {0, 5, 1, 4}},
		tracks: []track{
			{role: beat, drum: softKick, patterns: []string{"x......x..x.....", "x.....o.x.....o.", "x.........x..x.."}, form: ".xxxx", gain: 0.7},
			{role: beat, drum: rim, patterns: []string{"....x.......x..."}, fill: "....x..o.o..x..o", form: ".xfx.", gain: 0.5, send: 0.3},
			{role: beat, drum: hat, patterns: []string{"x.o.x.o.x.o.x.oo", "o.x.o.xoo.x.o.x."}, form: ".xxx.", gain: 0.3, pan: 0.3},
			{
				role: tones, patterns: []string{"0-----..0-2-....", "0---..0-..2---1-", "0-------....2-3-"}, form: ".xxxx", octave: 2, gain: 0.42,
				patch: patch{wave: triangle, cutoff: 420, attack: 0.01, decay: 0.5, sustain: 0.6, release: 0.12},
			},
			{
				role: chord, patterns: []string{"x-------x-----..", "x---..x-----....", "x-----------x---"}, form: "xxxxx", octave: 4, gain: 0.3, pan: -0.15, send: 0.3,
				patch: patch{wave: fm, ratio: 1, index: 1.1, indexTime: 0.5, cutoff: 2600, attack: 0.004, decay: 1.6, sustain: 0.25, release: 0.4, vibrato: 5},
			},
			{
				role: lead, patterns: []string{"..x-x---..x-x---", "x---....x-x-x---", "....x-x-x-----.."}, form: "..xxx", octave: 5, gain: 0.36, pan: 0.2, send: 0.5,
				patch: patch{wave: fm, ratio: 2, index: 0.7, indexTime: 0.25, cutoff: 4200, attack: 0.006, decay: 0.9, sustain: 0.2, release: 0.4},
			},
		},
	}
}

func house() style {
	return style{
		genre: "House", slowest: 119, fastest: 126, scale: minor, seventh: true, swing: 0.1, echo: 0.75, feedback: 0.35, room: 0.2,
		chords: [][]int{{0, 0, 5, 6}, {0, 3, 0, 4}, {5, 5, 0, 2}, {0, 2, 3, 5}},
		tracks: []track{
			{role: beat, drum: kick, patterns: []string{"x...x...x...x..."}, form: "xxx.xxxx", gain: 0.72},
			{role: beat, drum: clap, patterns: []string{"....x.......x...", "....x.......x..o"}, fill: "....x.....o.x.xx", form: ".xf.xxf.", gain: 0.5, send: 0.2},
			{role: beat, drum: openHat, patterns: []string{"..x...x...x...x."}, form: ".xx.xxx.", gain: 0.36, pan: 0.15},
			{role: beat, drum: hat, patterns: []string{"xoooxoooxoooxooo", "x.oox.oox.oox.oo"}, form: "x.xxxxxx", gain: 0.26, pan: -0.3},
			{
				role: tones, patterns: []string{"..0...0...0..00.", "0..0..0...3.0...", "..0.0...2.0..3.0"}, form: ".xx.xxxx", octave: 2, gain: 0.48, duck: 0.5,
				patch: patch{wave: saw, voices: 1, cutoff: 300, sweep: 2.4, sweepTime: 0.1, resonance: 0.45, attack: 0.003, decay: 0.16, sustain: 0.5, release: 0.06},
			},
			{
				role: chord, patterns: []string{"x..x..x...x..x..", "..x...x..x....x.", "x.....x..x......"}, form: "..xxxxx.", octave: 4, gain: 0.3, pan: 0.1, send: 0.45, duck: 0.5,
				patch: patch{wave: saw, voices: 2, detune: 12, cutoff: 900, sweep: 1.8, sweepTime: 0.15, resonance: 0.25, attack: 0.003, decay: 0.22, sustain: 0.15, release: 0.15},
			},
			{
				role: chord, patterns: []string{"x---------------"}, form: "x..xxx.x", octave: 4, gain: 0.17, pan: -0.2, send: 0.4, duck: 0.85,
				patch: patch{wave: saw, voices: 3, detune: 18, cutoff: 1300, attack: 0.5, decay: 1, sustain: 0.9, release: 0.5},
			},
			{
				role: lead, patterns: []string{"x--x--x-....x-x-", "....x-x-..x--x--", "x-x-..x-..x-...."}, form: "....xx..", octave: 5, gain: 0.3, pan: 0.25, send: 0.55, duck: 0.3,
				patch: patch{wave: fm, ratio: 3, index: 1.4, indexTime: 0.12, attack: 0.002, decay: 0.4, sustain: 0.15, release: 0.25},
			},
		},
	}
}

func ambient() style {
	return style{
		genre: "Ambient", slowest: 62, fastest: 72, scale: lydian, seventh: true, echo: 1.5, feedback: 0.55, room: 0.6, crackle: 0.12,
		chords: [][]int{{0, 4, 5, 1}, {0, 2, 4, 1}, {5, 2, 0, 4}, {0, 0, 5, 5}},
		tracks: []track{
			{
				role: chord, patterns: []string{"x---------------"}, form: "xxxx", octave: 4, gain: 0.24, send: 0.7,
				patch: patch{wave: saw, voices: 3, detune: 9, cutoff: 520, sweep: 1.3, sweepTime: 2.5, attack: 1.6, decay: 2, sustain: 0.8, release: 2.4},
			},
			{
				role: chord, patterns: []string{"x---------------"}, form: ".xxx", octave: 5, gain: 0.1, pan: 0.3, send: 0.8,
				patch: patch{wave: sine, voices: 2, detune: 7, attack: 2.2, decay: 2, sustain: 0.9, release: 2.5, vibrato: 8},
			},
			{
				role: tones, patterns: []string{"0---------------"}, form: "xxxx", octave: 2, gain: 0.34,
				patch: patch{wave: triangle, voices: 2, detune: 5, cutoff: 300, attack: 0.8, decay: 2, sustain: 0.9, release: 1.8},
			},
			{
				role: tones, patterns: []string{"..0.....2...1...", "....3...1.....2.", "0.....2.....3..."}, form: "x.xx", octave: 6, gain: 0.16, pan: -0.4, send: 0.9,
				patch: patch{wave: fm, ratio: 3.5, index: 1.2, indexTime: 0.5, attack: 0.003, decay: 1.8, sustain: 0, release: 1.2},
			},
			{
				role: lead, patterns: []string{"x-------....x---", "....x-------x---", "x-----------...."}, form: ".xx.", octave: 5, gain: 0.22, pan: 0.15, send: 0.85,
				patch: patch{wave: fm, ratio: 2, index: 0.5, indexTime: 1.5, attack: 0.08, decay: 1.6, sustain: 0.4, release: 1.4, vibrato: 6},
			},
		},
	}
}

func chiptune() style {
	return style{
		genre: "Chiptune", slowest: 130, fastest: 150, scale: major, echo: 0.75, feedback: 0.2, room: 0.05,
		chords: [][]int{{0, 4, 5, 3}, {5, 3, 0, 4}, {0, 5, 3, 4}, {3, 4, 2, 5}},
		tracks: []track{
			{role: beat, drum: chipKick, patterns: []string{"x.......x.x.....", "x...x...x...x..."}, form: ".xxfxxf.", gain: 0.7},
			{role: beat, drum: chipSnare, patterns: []string{"....x.......x..."}, fill: "....x...x.x.xxxx", form: ".xffxxf.", gain: 0.32},
			{role: beat, drum: chipHat, patterns: []string{"x.x.x.x.x.x.x.x.", "x.xxx.x.x.xxx.x."}, form: "..xxxxx.", gain: 0.2},
			{
				role: tones, patterns: []string{"0.0.3.0.0.0.3.2.", "0...0...2...3...", "0.3.0.3.0.3.0.3."}, form: ".xxxxxxx", octave: 3, gain: 0.5,
				patch: patch{wave: triangle, attack: 0.002, decay: 0.1, sustain: 0.9, release: 0.02},
			},
			{
				role: tones, patterns: []string{"0120120120120120", "0123012301230123", "0213021302130213"}, form: "xx.xx.xx", octave: 5, gain: 0.15, pan: -0.4, send: 0.2,
				patch: patch{wave: square, pulse: 0.25, attack: 0.001, decay: 0.08, sustain: 0.5, release: 0.02},
			},
			{
				role: lead, patterns: []string{"x-x-x---x-x-x---", "x---x-x-x---x---", "x-xxx-x-x-x-x---"}, form: "..xxxxx.", octave: 5, gain: 0.27, pan: 0.2, send: 0.3,
				patch: patch{wave: square, pulse: 0.5, attack: 0.002, decay: 0.15, sustain: 0.7, release: 0.04, vibrato: 22},
			},
			{
				role: lead, patterns: []string{"x-------x-------", "x---------------"}, form: "....xxx.", octave: 4, gain: 0.16, pan: -0.15, send: 0.2,
				patch: patch{wave: square, pulse: 0.125, attack: 0.004, decay: 0.3, sustain: 0.6, release: 0.05, vibrato: 10},
			},
		},
	}
}

func dub() style {
	return style{
		genre: "Dub", slowest: 68, fastest: 78, scale: minor, swing: 0.12, echo: 0.75, feedback: 0.6, room: 0.3, crackle: 0.2,
		chords: [][]int{{0, 3, 0, 4}, {0, 6, 5, 4}, {0, 0, 3, 3}, {0, 2, 6, 0}},
		tracks: []track{
			{role: beat, drum: softKick, patterns: []string{"........x.......", "x...x...x...x..."}, form: ".xxxx", gain: 0.75},
			{role: beat, drum: rim, patterns: []string{"........x.......", "........x.....o."}, fill: "........x..x.oxx", form: ".xfxf", gain: 0.5, send: 0.6},
			{role: beat, drum: hat, patterns: []string{"x.o.x.o.x.o.x.o.", "..x...x...x...xo"}, form: "xxxx.", gain: 0.34, pan: 0.3},
			{role: beat, drum: tom, patterns: []string{"..............x.", "...........x...."}, form: "x.x.x", gain: 0.4, pan: -0.3, send: 0.8},
			{
				role: tones, patterns: []string{"0--.0-3-..2-0---", "....0-0-2---3-2-", "0-----2-3-..2-0-"}, form: ".xxxx", octave: 2, gain: 0.55,
				patch: patch{wave: triangle, voices: 1, cutoff: 260, attack: 0.008, decay: 0.6, sustain: 0.75, release: 0.08},
			},
			{
				role: chord, patterns: []string{"....x.......x...", "....x.x.....x.x."}, form: "xxxxx", octave: 4, gain: 0.32, pan: 0.2, send: 0.5,
				patch: patch{wave: saw, voices: 2, detune: 6, cutoff: 1700, sweep: 1, sweepTime: 0.06, resonance: 0.2, attack: 0.002, decay: 0.09, sustain: 0.1, release: 0.07},
			},
			{
				role: chord, patterns: []string{"..x-..x-..x-..x-"}, form: "..xx.", octave: 4, gain: 0.2, pan: -0.25, send: 0.15,
				patch: patch{wave: sine, voices: 2, detune: 4, attack: 0.006, decay: 0.2, sustain: 0.6, release: 0.05},
			},
			{
				role: lead, patterns: []string{"x---x---..x-x---", "....x-------....", "x-----..x---...."}, form: "x.x.x", octave: 5, gain: 0.3, pan: -0.1, send: 0.75,
				patch: patch{wave: square, pulse: 0.4, cutoff: 1500, sweep: 0.6, sweepTime: 0.2, attack: 0.03, decay: 0.4, sustain: 0.6, release: 0.15, vibrato: 12},
			},
		},
	}
}
