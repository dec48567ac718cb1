// Package music makes Mixtape's songs and their covers.
//
// A song is nothing but an id and a genre: the id seeds the dice, the genre
// names a row in the table of styles. From these the package composes a key,
// a tempo, chords, patterns and a melody, plays them on small synthesisers and
// mixes them. The same song always sounds the same.
//
//	styles.go   the genres: what plays when, on which instrument
//	compose.go  dice → notes
//	synth.go    notes → samples: oscillators, envelopes, a filter
//	drums.go    drums → samples
//	mix.go      echo, reverb, loudness
//	wav.go      samples → WAV
//	cover.go    id → picture
package music
