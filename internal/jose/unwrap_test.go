package jose

import (
	"encoding/hex"
	"testing"
)

// The examples of RFC 5649 section 6, whose key has 192 bits.
func TestUnwrapAES(t *testing.T) {
	bytes := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	key := bytes("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8")
	wrapped := bytes("138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a")
	got, err := unwrapAES(key, wrapped)
	if err != nil || hex.EncodeToString(got) != "c37b7e6492584340bed12207808941155068f738" {
		t.Errorf("%x %v", got, err)
	}
	for i := range wrapped {
		bad := append([]byte(nil), wrapped...)
		bad[i] ^= 1
		if _, err := unwrapAES(key, bad); err == nil {
			t.Errorf("a flipped bit in byte %d is not noticed", i)
		}
	}
	for _, short := range [][]byte{nil, wrapped[:8], wrapped[:23]} {
		if _, err := unwrapAES(key, short); err == nil {
			t.Errorf("%d bytes are opened", len(short))
		}
	}
}
