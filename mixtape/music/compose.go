package music

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// tail is how long the last notes may ring, in seconds.
const tail = 2.5

// score is a song before it is played.
type score struct {
	id     string
	style  style
	bpm    int
	root   int   // semitones over C
	chords []int // the progression, one for each bar of a section
}

// note is one tone or drum of a track.
type note struct {
	at, length float64 // beats
	pitch      int     // MIDI number; drums have none
	loud       float64 // 0 to 1
	side       float64 // pan beyond that of the track
}

// notes composes one track. Each track has dice of its own, so that a change of
// one leaves the others as they are.
func (c *score) notes(index int, t track) []note {
	dice := diceFor("track", c.id, fmt.Sprint(index))
	pattern := t.patterns[dice.IntN(len(t.patterns))]
	var notes []note
	for section, letter := range t.form {
		if letter == '.' {
			continue
		}
		for bar, step := range c.chords {
			rhythm := pattern
			if letter == 'f' && bar == len(c.chords)-1 && t.fill != "" {
				rhythm = t.fill
			}
			start := start(section, bar)
			switch t.role {
			case beat:
				notes = append(notes, c.hits(start, rhythm, nil)...)
			case chord:
				notes = append(notes, c.hits(start, rhythm, c.voicing(step, t.octave))...)
			case tones:
				notes = append(notes, c.broken(start, rhythm, c.voicing(step, t.octave))...)
			case lead:
				notes = append(notes, c.phrase(index, t, section, bar, step)...)
			}
		}
	}
	humanise(dice, notes, t.role)
	return notes
}

// pitch is the MIDI number of a step of the scale, in any octave.
func (c *score) pitch(step, octave int) int {
	n := len(c.style.scale)
	for step < 0 {
		step, octave = step+n, octave-1
	}
	return 12*(octave+1+step/n) + c.root + c.style.scale[step%n]
}

// voicing returns the notes of the chord on a step of the scale, the root
// first. Each is folded to the octave around the middle, so that successive
// chords move little.
func (c *score) voicing(step, octave int) []int {
	size := 3
	if c.style.seventh {
		size = 4
	}
	middle := 12*(octave+1) + 5
	var pitches []int
	for i := range size {
		p := c.pitch(step+2*i, octave)
		for p > middle+6 {
			p -= 12
		}
		for p < middle-6 {
			p += 12
		}
		pitches = append(pitches, p)
	}
	return pitches
}

// hits plays all the pitches, or a drum, at every "x" and "o" of the pattern.
func (c *score) hits(start float64, pattern string, pitches []int) []note {
	if pitches == nil {
		pitches = []int{0}
	}
	var notes []note
	for i, mark := range pattern {
		if mark != 'x' && mark != 'o' {
			continue
		}
		loud := 1.0
		if mark == 'o' {
			loud = 0.5
		}
		for k, p := range pitches {
			side := 1.1 * (float64(k) - float64(len(pitches)-1)/2) / float64(len(pitches)) // a chord stands wide
			notes = append(notes, note{start + c.beat(i), held(pattern, i), p, loud, side})
		}
	}
	return notes
}

// broken plays single notes of the chord: digit 0 is its root, then upwards.
func (c *score) broken(start float64, pattern string, pitches []int) []note {
	ladder := slices.Clone(pitches[:3])
	for i := 1; i < len(ladder); i++ {
		for ladder[i] < ladder[i-1] {
			ladder[i] += 12
		}
	}
	ladder = append(ladder, ladder[0]+12)
	var notes []note
	for i, mark := range pattern {
		if mark >= '0' && mark <= '3' {
			notes = append(notes, note{start + c.beat(i), held(pattern, i), ladder[mark-'0'], 0.9, 0})
		}
	}
	return notes
}

// phrase is a bar of melody: steps up and down the scale that come to rest on a
// note of the chord on the strong beats. Two phrases of two bars take turns and
// return, as tunes do.
func (c *score) phrase(index int, t track, section, bar, step int) []note {
	tune := diceFor("phrase", c.id, fmt.Sprint(index), fmt.Sprint(section%2, bar%2))
	if bar == 3 { // the last bar answers the second
		tune = diceFor("answer", c.id, fmt.Sprint(index), fmt.Sprint(section%2))
	}
	pattern := t.patterns[tune.IntN(len(t.patterns))]
	at := 2 * tune.IntN(4)
	moves := []int{-2, -1, -1, 0, 1, 1, 2}
	var notes []note
	for i, mark := range pattern {
		if mark != 'x' {
			continue
		}
		at += moves[tune.IntN(len(moves))]
		at = min(max(at, -3), 8)
		sung := at
		if i%8 == 0 {
			for (sung-step)%7 != 0 && (sung-step-2)%7 != 0 && (sung-step-4)%7 != 0 {
				sung++
			}
		}
		notes = append(notes, note{start(section, bar) + c.beat(i), held(pattern, i), c.pitch(sung, t.octave), 0.9, 0})
	}
	return notes
}

// start is the beat at which a bar of a section begins.
func start(section, bar int) float64 { return float64(section*16 + bar*4) }

// beat is where a sixteenth falls, with swing.
func (c *score) beat(sixteenth int) float64 {
	if sixteenth%2 == 1 {
		return (float64(sixteenth) + c.style.swing) / 4
	}
	return float64(sixteenth) / 4
}

// held is the length of a note in beats: its own sixteenth and the "-" after it.
func held(pattern string, i int) float64 {
	n := 1
	for i+n < len(pattern) && pattern[i+n] == '-' {
		n++
	}
	return float64(n) / 4
}

// humanise moves notes a little in time and loudness.
func humanise(dice *rand.Rand, notes []note, r role) {
	for i := range notes {
		notes[i].loud *= 0.9 + 0.1*dice.Float64()
		if r == chord || r == lead {
			notes[i].at += 0.012 * dice.Float64()
		}
	}
}
