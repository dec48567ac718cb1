package script

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestPrivateKeysAreMasked: wherever a key in PEM stands, a recording holds a mask in its place.
func TestPrivateKeysAreMasked(t *testing.T) {
	for _, kind := range []string{"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY"} {
		key := "-----BEGIN " + kind + "-----\nMIIEvQIBADANBgkqhkiG9w0B+AQEFAASC/Kc=\n-----END " + kind + "-----\n"
		text, err := json.Marshal(map[string]any{"samlConfiguration": map[string]string{"key": key}, "list": []string{"before " + key + " behind"}})
		if err != nil {
			t.Fatal(err)
		}
		m := newMasker(start{Seed: "x"}, forRecordings)
		got := string(m.json(text))
		if strings.Contains(got, "MII") || strings.Count(got, "~masked.key~") != 2 || !strings.Contains(got, "before ~masked.key~") {
			t.Errorf("%s: %s", kind, got)
		}
	}
}
