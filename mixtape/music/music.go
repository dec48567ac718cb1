package music

import (
	"hash/fnv"
	"io"
	"math"
	"math/rand/v2"
)

// Version changes whenever a song may sound different from before, so that
// caches can tell.
const Version = "1"

// sampleRate is in Hz. Songs are stereo with 16 bits a sample.
const sampleRate = 44100

// Song is a song that can be played. A genre outside Genres sounds like the
// first one.
type Song struct {
	ID, Genre string
}

// Genres lists the genres there are.
func Genres() []string {
	var names []string
	for _, s := range styles() {
		names = append(names, s.genre)
	}
	return names
}

// Seconds is the length of the song, 45 to 75.
func (s Song) Seconds() int { return s.score().seconds() }

// WriteWAV composes, plays and writes the song. It takes about a second of one
// core and 80 MB of memory.
func (s Song) WriteWAV(w io.Writer) error {
	return writeWAV(w, s.score().render(sampleRate), sampleRate)
}

// score chooses what makes this song itself.
func (s Song) score() *score {
	all := styles()
	style := all[0]
	for _, candidate := range all {
		if candidate.genre == s.Genre {
			style = candidate
		}
	}
	dice := diceFor("score", s.ID)
	return &score{
		id:     s.ID,
		style:  style,
		bpm:    style.slowest + dice.IntN(style.fastest-style.slowest+1),
		root:   dice.IntN(12),
		chords: style.chords[dice.IntN(len(style.chords))],
	}
}

// seconds is the length of the notes and of the tail in which they fade.
func (c *score) seconds() int {
	beats := float64(len(c.style.tracks[0].form) * 16)
	return int(math.Ceil(beats*60/float64(c.bpm) + tail))
}

// diceFor returns the same random numbers for the same words.
func diceFor(words ...string) *rand.Rand {
	h := fnv.New64a()
	for _, word := range words {
		io.WriteString(h, word+"\n")
	}
	return rand.New(rand.NewPCG(h.Sum64(), 0x6d697874617065))
}
