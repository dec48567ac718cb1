package script

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxFrame bounds a frame, in bytes. The largest legitimate one is the reply to an outgoing call, base64 of Limits.ResponseBytes.
const maxFrame = 32 << 20

// frameChunk is how much is read before more is allocated, so that a length alone cannot claim memory.
const frameChunk = 64 << 10

var errFrame = errors.New("script: malformed frame")

// readFrame reads one message: four bytes of length, big endian, then that much JSON. It returns io.EOF at a clean end.
func readFrame(r io.Reader) (message, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return message{}, err
	}
	n := int64(binary.BigEndian.Uint32(head[:]))
	if n == 0 || n > maxFrame {
		return message{}, fmt.Errorf("%w: %d bytes", errFrame, n)
	}
	body := make([]byte, 0, min(n, frameChunk))
	for int64(len(body)) < n {
		part := min(n-int64(len(body)), max(frameChunk, int64(len(body))))
		at := len(body)
		body = append(body, make([]byte, part)...)
		if _, err := io.ReadFull(r, body[at:]); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return message{}, err
		}
	}
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		return message{}, fmt.Errorf("%w: %w", errFrame, err)
	}
	if m.Type == "" {
		return message{}, fmt.Errorf("%w: no type", errFrame)
	}
	return m, nil
}

// appendFrame appends the frame of m to b.
func appendFrame(b []byte, m message) ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return b, err
	}
	if len(body) > maxFrame {
		return b, fmt.Errorf("%w: %d bytes", errFrame, len(body))
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
	return append(b, body...), nil
}
