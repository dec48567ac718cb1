package oauth

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// The certificate of the signing key is the same in every form, and the first of the key set.
func TestCertificates(t *testing.T) {
	w := newWorld(t)
	get := func(path, contentType string) []byte {
		t.Helper()
		a := w.browser().get(path)
		if a.Code != 200 || a.Header().Get("Content-Type") != contentType {
			t.Fatalf("%s: %d %s", path, a.Code, a.Header().Get("Content-Type"))
		}
		return a.Body.Bytes()
	}
	der := get("/cer", "application/pkix-cert")
	for path, kind := range map[string]string{"/pem": "application/x-pem-file", "/rawpem": "text/plain; charset=utf-8"} {
		block, rest := pem.Decode(get(path, kind))
		if block == nil || len(rest) > 0 || !bytes.Equal(block.Bytes, der) {
			t.Errorf("%s differs from /cer", path)
		}
	}
	colons := func(sum []byte) string { return strings.ReplaceAll(fmt.Sprintf("% X", sum), " ", ":") }
	short, long := sha1.Sum(der), sha256.Sum256(der)
	same(t, "fingerprint", string(get("/fingerprint", "text/plain; charset=utf-8")), colons(short[:]))
	same(t, "fingerprint, sha256", string(get("/fingerprint?encoding=sha256", "text/plain; charset=utf-8")), colons(long[:]))
	var set struct {
		Keys []struct{ X5C []string }
	}
	ok(t, json.Unmarshal(w.browser().get("/.well-known/jwks.json").Body.Bytes(), &set))
	same(t, "x5c", set.Keys[0].X5C[0], base64.StdEncoding.EncodeToString(der))
	bundle := get("/pb7", "application/x-pkcs7-certificates")
	if !bytes.Contains(bundle, der) {
		t.Error("/pb7 does not hold the certificate")
	}
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		return // what the bundle holds was looked at; another program's word for it is not to be had here
	}
	cmd := exec.CommandContext(t.Context(), openssl, "pkcs7", "-inform", "DER", "-print_certs")
	cmd.Stdin = bytes.NewReader(bundle)
	out, err := cmd.CombinedOutput()
	if block, _ := pem.Decode(out[max(0, bytes.Index(out, []byte("-----BEGIN"))):]); err != nil || block == nil || !bytes.Equal(block.Bytes, der) {
		t.Errorf("openssl reads %v %.300s", err, out)
	}
}
