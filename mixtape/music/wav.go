package music

import (
	"encoding/binary"
	"io"
	"math"
)

// writeWAV writes both channels as linear PCM with 16 bits.
func writeWAV(w io.Writer, s stereo, rate int) error {
	const channels, bytes = 2, 2
	size := uint32(len(s.left) * channels * bytes)
	header := []any{
		[]byte("RIFF"), 36 + size, []byte("WAVE"),
		[]byte("fmt "), uint32(16), uint16(1), uint16(channels),
		uint32(rate), uint32(rate * channels * bytes), uint16(channels * bytes), uint16(8 * bytes),
		[]byte("data"), size,
	}
	for _, field := range header {
		if err := binary.Write(w, binary.LittleEndian, field); err != nil {
			return err
		}
	}
	frames := make([]byte, 0, 1<<14)
	for i := range s.left {
		frames = binary.LittleEndian.AppendUint16(frames, sample(s.left[i]))
		frames = binary.LittleEndian.AppendUint16(frames, sample(s.right[i]))
		if len(frames) == cap(frames) || i == len(s.left)-1 {
			if _, err := w.Write(frames); err != nil {
				return err
			}
			frames = frames[:0]
		}
	}
	return nil
}

func sample(x float32) uint16 {
	return uint16(int16(math.Round(float64(min(max(x, -1), 1)) * 32767)))
}
