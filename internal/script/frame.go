package script

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// maxFrame bounds a frame, in bytes. The largest legitimate one is the reply to an outgoing call, base64 of Limits.ResponseBytes.
const maxFrame = 32 << 20

// frameChunk is how much is read before more is allocated, so that a length alone cannot claim memory.
const frameChunk = 64 << 10

var errFrame = errors.New("script: malformed frame")

// withParts marks, in the length of a frame, that something follows its JSON: then four bytes more tell how long the JSON is.
const withParts = 1 << 31

// attached are the documents of m that do not travel within its JSON but behind it, so that nobody on the way reads them for the sake
// of what is around them: user and context, or the event of a trigger.
func (m *message) attached() []*json.RawMessage {
	switch {
	case m.Start != nil && m.Start.Trigger != nil:
		return []*json.RawMessage{&m.Start.Trigger.Event}
	case m.Start != nil && m.Start.Call == nil:
		return []*json.RawMessage{&m.Start.User, &m.Start.Context}
	case m.Outcome != nil && m.Outcome.Failure == nil:
		return []*json.RawMessage{&m.Outcome.User, &m.Outcome.Context}
	}
	return nil
}

// detached is m with copies of what attached leads into, so that the documents can be taken out.
func (m message) detached() message {
	if m.Start != nil {
		s := *m.Start
		if s.Trigger != nil {
			t := *s.Trigger
			s.Trigger = &t
		}
		m.Start = &s
	}
	if m.Outcome != nil {
		o := *m.Outcome
		m.Outcome = &o
	}
	return m
}

// readFrame reads one message: four bytes of length, big endian, then that much JSON, or JSON and its parts. It returns io.EOF at a clean
// end. Parts are not looked at: see sound.
func readFrame(r io.Reader) (message, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return message{}, err
	}
	length := binary.BigEndian.Uint32(head[:])
	n := int64(length &^ withParts)
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
	var rest []byte
	if length&withParts != 0 {
		if len(body) < 4 || int64(binary.BigEndian.Uint32(body)) > n-4 {
			return message{}, fmt.Errorf("%w: parts", errFrame)
		}
		end := 4 + binary.BigEndian.Uint32(body)
		body, rest = body[4:end], body[end:]
	}
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		return message{}, fmt.Errorf("%w: %w", errFrame, err)
	}
	if m.Type == "" {
		return message{}, fmt.Errorf("%w: no type", errFrame)
	}
	if err := m.attach(rest); err != nil {
		return message{}, err
	}
	return m, nil
}

// attach puts the parts of a frame where they belong.
func (m *message) attach(rest []byte) error {
	places := m.attached()
	if len(m.Parts) > len(places) {
		return fmt.Errorf("%w: parts", errFrame)
	}
	for i, n := range m.Parts {
		if n < 0 || n > len(rest) {
			return fmt.Errorf("%w: parts", errFrame)
		}
		if n > 0 {
			*places[i], rest = rest[:n:n], rest[n:]
		}
	}
	if m.Parts = nil; len(rest) > 0 {
		return fmt.Errorf("%w: parts", errFrame)
	}
	return nil
}

// sound tells whether what is attached to a message from a worker is JSON.
func (m *message) sound() bool {
	for _, p := range m.attached() {
		if len(*p) > 0 && !json.Valid(*p) {
			return false
		}
	}
	return true
}

// appendFrame appends the frame of m to b.
func appendFrame(b []byte, m message) ([]byte, error) {
	var parts []json.RawMessage
	size := 0
	if places := m.attached(); len(places) > 0 {
		m = m.detached()
		for _, p := range m.attached() {
			parts, m.Parts = append(parts, *p), append(m.Parts, len(*p))
			size += len(*p)
			*p = nil
		}
		if size == 0 {
			m.Parts = nil
		}
	}
	body, err := json.Marshal(m)
	if err != nil {
		return b, err
	}
	length := len(body)
	if size > 0 {
		length += 4 + size
	}
	if length > maxFrame {
		return b, fmt.Errorf("%w: %d bytes", errFrame, length)
	}
	if size == 0 {
		b = binary.BigEndian.AppendUint32(b, uint32(length))
		return append(b, body...), nil
	}
	b = slices.Grow(b, 8+length)
	b = binary.BigEndian.AppendUint32(b, uint32(length)|withParts)
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
	b = append(b, body...)
	for _, p := range parts {
		b = append(b, p...)
	}
	return b, nil
}
