package music

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"math/cmplx"
	"slices"
	"strings"
	"testing"
)

// testRate is enough to listen by analysis and takes half the time.
const testRate = 22050

// Each row of the table fits its own form, and each pattern is a bar.
func TestStyles(t *testing.T) {
	for _, s := range styles() {
		for i, tr := range s.tracks {
			if len(tr.form) != len(s.tracks[0].form) {
				t.Errorf("%s, track %d: form %q", s.genre, i, tr.form)
			}
			for _, pattern := range append(slices.Clone(tr.patterns), tr.fill) {
				if pattern != "" && len(pattern) != 16 {
					t.Errorf("%s, track %d: pattern %q", s.genre, i, pattern)
				}
			}
			if (tr.role == beat) != (tr.drum != nil) || strings.Trim(tr.form, ".xf") != "" {
				t.Errorf("%s, track %d is of two minds", s.genre, i)
			}
		}
		for _, chords := range s.chords {
			if len(chords) != 4 {
				t.Errorf("%s: chords %v", s.genre, chords)
			}
		}
	}
}

func TestSeconds(t *testing.T) {
	lengths := map[int]bool{}
	for _, genre := range Genres() {
		for i := range 200 {
			s := Song{ID: fmt.Sprint(i), Genre: genre}.Seconds()
			if s < 45 || s > 75 {
				t.Errorf("%s %d: %d s", genre, i, s)
			}
			lengths[s] = true
		}
	}
	if len(lengths) < 15 {
		t.Errorf("only %d different lengths", len(lengths))
	}
}

// Listening by analysis: a song is neither silent nor clipped, is stereo, has
// lows, middles and highs, and changes as it goes.
func TestSound(t *testing.T) {
	for i, genre := range Genres() {
		t.Run(genre, func(t *testing.T) {
			song := Song{ID: fmt.Sprint(5*i + 1), Genre: genre}
			mix := song.score().render(testRate)
			if len(mix.left) != song.Seconds()*testRate || len(mix.right) != len(mix.left) {
				t.Fatalf("%d and %d samples for %d s", len(mix.left), len(mix.right), song.Seconds())
			}
			var peak, sum, offset, apart float64
			for j := range mix.left {
				l, r := float64(mix.left[j]), float64(mix.right[j])
				if math.IsNaN(l) || math.IsNaN(r) {
					t.Fatalf("not a number at %d", j)
				}
				peak = max(peak, math.Abs(l), math.Abs(r))
				sum += (l*l + r*r) / 2
				offset += (l + r) / 2
				apart += (l - r) * (l - r) / 2
			}
			n := float64(len(mix.left))
			if peak < 0.4 || peak > 0.95 {
				t.Errorf("peak %.2f", peak)
			}
			if loud := 10 * math.Log10(sum/n); loud < -18 || loud > -12 {
				t.Errorf("loudness %.1f dB", loud)
			}
			if math.Abs(offset/n) > 0.001 {
				t.Errorf("offset %.4f", offset/n)
			}
			if apart/sum < 0.02 {
				t.Errorf("the sides are the same but for %.4f", apart/sum)
			}
			if last := mix.left[len(mix.left)-1]; last != 0 {
				t.Errorf("ends on %f", last)
			}
			checkSpectrum(t, mix.left)
		})
	}
}

// checkSpectrum looks at a sixth of a second in every one and a half.
func checkSpectrum(t *testing.T, x []float32) {
	t.Helper()
	const size = 4096
	var low, middle, high float64
	var centres []float64
	for at := 0; at+size < len(x)-3*testRate; at += 3 * testRate / 2 {
		window := make([]complex128, size)
		for i := range window {
			window[i] = complex(float64(x[at+i])*(0.5-0.5*math.Cos(2*math.Pi*float64(i)/size)), 0)
		}
		transform(window)
		var weighted, total float64
		for k := 4; k < size/2; k++ {
			f, p := float64(k)*testRate/size, cmplx.Abs(window[k])
			p *= p
			weighted, total = weighted+math.Log2(f)*p, total+p
			switch {
			case f < 150:
				low += p
			case f < 2000:
				middle += p
			default:
				high += p
			}
		}
		if total < 1 {
			t.Fatalf("silence at %d s", at/testRate)
		}
		centres = append(centres, weighted/total)
	}
	all := low + middle + high
	if low/all < 0.05 || middle/all < 0.2 || high/all < 0.002 {
		t.Errorf("low %.3f, middle %.3f, high %.4f", low/all, middle/all, high/all)
	}
	if spread := slices.Max(centres) - slices.Min(centres); spread < 0.5 {
		t.Errorf("the spectrum moves by %.2f octaves only", spread)
	}
}

// transform is Fourier's, for a power of two of samples.
func transform(x []complex128) {
	n := len(x)
	if n == 1 {
		return
	}
	even, odd := make([]complex128, n/2), make([]complex128, n/2)
	for i := range even {
		even[i], odd[i] = x[2*i], x[2*i+1]
	}
	transform(even)
	transform(odd)
	for k := range even {
		turned := cmplx.Rect(1, -2*math.Pi*float64(k)/float64(n)) * odd[k]
		x[k], x[k+n/2] = even[k]+turned, even[k]-turned
	}
}

// power at a frequency in Hz, by Goertzel.
func power(x []float32, f float64) float64 {
	c := 2 * math.Cos(2*math.Pi*f/testRate)
	var a, b float64
	for _, v := range x {
		a, b = float64(v)+c*a-b, a
	}
	return a*a + b*b - c*a*b
}

// The tones that are played are those of the score: the bass is where its notes
// say, not a semitone beside.
func TestInTune(t *testing.T) {
	for _, pitch := range []int{36, 45, 60, 69, 84} {
		f := 440 * math.Exp2(float64(pitch-69)/12)
		for _, w := range []wave{saw, square, triangle, sine, fm} {
			p := patch{wave: w, pulse: 0.5, ratio: 1, index: 0.5, indexTime: 1, attack: 0.01, decay: 1, sustain: 1, release: 0.1}
			x := p.play(testRate, pitch, 1)
			if on, off := power(x, f), power(x, f*math.Exp2(1.0/12)); on < 20*off {
				t.Errorf("wave %d, pitch %d: %.1f on, %.1f a semitone beside", w, pitch, on, off)
			}
		}
	}
}

// The same song is the same, another one is another, and all notes are in key.
func TestScores(t *testing.T) {
	seen := map[string]string{}
	for _, genre := range Genres() {
		for i := range 20 {
			s := Song{ID: fmt.Sprint(i), Genre: genre}.score()
			var text strings.Builder
			for k, tr := range s.style.tracks {
				notes := s.notes(k, tr)
				if len(notes) == 0 {
					t.Errorf("%s %d: track %d is empty", genre, i, k)
				}
				for _, n := range notes {
					in := slices.Contains(s.style.scale, (n.pitch-s.root+120)%12)
					if tr.role != beat && (!in || n.pitch < 24 || n.pitch > 108) || n.at < 0 || n.length <= 0 || n.loud <= 0 || n.loud > 1 {
						t.Fatalf("%s %d: track %d plays %+v", genre, i, k, n)
					}
				}
				fmt.Fprint(&text, notes)
			}
			fmt.Fprint(&text, s.bpm)
			if other := seen[text.String()]; other != "" {
				t.Errorf("%s %d is %s", genre, i, other)
			}
			seen[text.String()] = fmt.Sprint(genre, " ", i)
		}
	}
}

func TestWAV(t *testing.T) {
	song := Song{ID: "21", Genre: "Chiptune"}
	var first, second bytes.Buffer
	for _, b := range []*bytes.Buffer{&first, &second} {
		if err := song.WriteWAV(b); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same song sounds different")
	}
	b := first.Bytes()
	le := binary.LittleEndian
	if want := song.Seconds() * sampleRate * 4; len(b) != 44+want || int(le.Uint32(b[40:])) != want || int(le.Uint32(b[4:])) != 36+want {
		t.Errorf("%d bytes, want 44 and %d", len(b), want)
	}
	if string(b[:4])+string(b[8:16])+string(b[36:40]) != "RIFFWAVEfmt data" || le.Uint16(b[20:]) != 1 || le.Uint16(b[22:]) != 2 ||
		le.Uint32(b[24:]) != sampleRate || le.Uint32(b[28:]) != sampleRate*4 || le.Uint16(b[32:]) != 4 || le.Uint16(b[34:]) != 16 {
		t.Errorf("header % x", b[:44])
	}
	if err := song.WriteWAV(full{}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("a full disk: %v", err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestCover(t *testing.T) {
	seen := map[string]bool{}
	for _, id := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "", "<script>alert(1)</script>", "\xff\x00", strings.Repeat("x", 10000)} {
		cover := Cover(id)
		if seen[string(cover)] || !bytes.Equal(cover, Cover(id)) {
			t.Errorf("%.20q: not a cover of its own", id)
		}
		seen[string(cover)] = true
		if bytes.Contains(cover, []byte("script")) || len(cover) > 64<<10 {
			t.Errorf("%.20q: %d bytes", id, len(cover))
		}
		for d := xml.NewDecoder(bytes.NewReader(cover)); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%.20q: %v", id, err)
			}
		}
	}
}
