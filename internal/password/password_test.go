package password

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Hashes made by PHP's password_hash, so that another implementation agrees.
const (
	phpBcrypt = "$2y$05$wEDX9evzn7Kc//c96ihc.eMeH8x71vccNazDlaFsDLOWZ7iAEVT5u"
	phpArgon  = "$argon2id$v=19$m=1024,t=2,p=1$TlRwWFI0bnhpTWNxU21PWA$pAUz8cL3XLrsfM4XNCJ6kGOh16+5LkwwPIpBQ5kd9cU"
	phpLong   = "$2y$05$TVoWyJahrnIJzwy3F5WKEer0WfjgYrDFzSnMho0caCOrRSJk/Rz3S" // of 72 x and a tail
)

func TestHashAndVerify(t *testing.T) {
	h, ctx := NewHasher(), t.Context()
	for _, password := range []string{"correct horse", "", "päßwörd\x00\xff", strings.Repeat("x", MaxLength)} {
		hash, err := h.Hash(ctx, password)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") || NeedsRehash(hash) {
			t.Errorf("hash %s", hash)
		}
		if ok, err := h.Verify(ctx, password, hash); !ok || err != nil {
			t.Errorf("right password: %v %v", ok, err)
		}
		if ok, err := h.Verify(ctx, password+"x", hash); ok || err != nil {
			t.Errorf("one more character: %v %v", ok, err)
		}
	}
	a, _ := h.Hash(ctx, "x")
	if b, _ := h.Hash(ctx, "x"); a == b {
		t.Error("two hashes of a password are equal")
	}
	if _, err := h.Hash(ctx, strings.Repeat("x", MaxLength+1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("too long: %v", err)
	}
}

func TestVerifyForeignHashes(t *testing.T) {
	h := NewHasher()
	for name, tt := range map[string]struct {
		password, hash string
		want           bool
	}{
		"bcrypt":               {"correct horse", phpBcrypt, true},
		"bcrypt as 2a":         {"correct horse", "$2a" + phpBcrypt[3:], true},
		"bcrypt as 2b":         {"correct horse", "$2b" + phpBcrypt[3:], true},
		"bcrypt, wrong":        {"Correct horse", phpBcrypt, false},
		"bcrypt, empty":        {"", phpBcrypt, false},
		"bcrypt, 72 bytes":     {strings.Repeat("x", 72), phpLong, true},
		"bcrypt, other tail":   {strings.Repeat("x", 72) + "other", phpLong, true},
		"bcrypt, 71 bytes":     {strings.Repeat("x", 71), phpLong, false},
		"argon2id":             {"correct horse", phpArgon, true},
		"argon2id, wrong":      {"correct horsf", phpArgon, false},
		"longer than anything": {strings.Repeat("x", MaxLength+1), phpLong, false},
	} {
		if got, err := h.Verify(t.Context(), tt.password, tt.hash); got != tt.want || err != nil {
			t.Errorf("%s: %v %v", name, got, err)
		}
		if !NeedsRehash(tt.hash) {
			t.Errorf("%s: stays as it is", name)
		}
	}
}

func TestHostileHashesCostNothing(t *testing.T) {
	h := NewHasher()
	tail := "$TlRwWFI0bnhpTWNxU21PWA$pAUz8cL3XLrsfM4XNCJ6kGOh16+5LkwwPIpBQ5kd9cU"
	for _, hash := range []string{
		"", "$", "plain text", "$2a$", "$2x" + phpBcrypt[3:], "$2y$31" + phpBcrypt[6:], "$2y$15" + phpBcrypt[6:], "$2y$03" + phpBcrypt[6:],
		"$2y$+5" + phpBcrypt[6:], phpBcrypt + "x", phpBcrypt[:59], phpBcrypt[:59] + "=",
		"$argon2id$v=19$m=4194304,t=1,p=1" + tail, "$argon2id$v=19$m=1024,t=4294967295,p=1" + tail, "$argon2id$v=19$m=262144,t=16,p=1" + tail,
		"$argon2id$v=19$m=1024,t=1,p=255" + tail, "$argon2id$v=19$m=8,t=1,p=16" + tail, "$argon2id$v=19$m=1024,t=0,p=1" + tail,
		"$argon2id$v=19$m=1024,t=1,p=0" + tail, "$argon2id$v=19$m=0,t=1,p=1" + tail, "$argon2id$v=19$m=-1,t=1,p=1" + tail,
		"$argon2id$v=19$m=99999999999999999999,t=1,p=1" + tail, "$argon2id$v=16$m=1024,t=1,p=1" + tail, "$argon2id$m=1024,t=1,p=1" + tail,
		"$argon2id$v=19$t=1,m=1024,p=1" + tail, "$argon2id$v=19$m=1024,t=1" + tail, "$argon2id$v=19$m=1024,t=1,p=1,x=1" + tail,
		"$argon2id$v=19$m=1024,t=1,p=1$$" + strings.Repeat("A", 43), "$argon2id$v=19$m=1024,t=1,p=1$TlRwWFI0bnhpTWNxU21PWA$",
		"$argon2id$v=19$m=1024,t=1,p=1$TlRwWFI0bnhpTWNxU21PWA$" + strings.Repeat("A", 100000), "$argon2x$v=19$m=1024,t=1,p=1" + tail,
	} {
		if ok, err := h.Verify(t.Context(), "correct horse", hash); ok || !errors.Is(err, ErrFormat) {
			t.Errorf("%.60q: %v %v", hash, ok, err)
		}
	}
}

func TestHasherIsNarrowAndGivesUp(t *testing.T) {
	h := &Hasher{slots: make(chan struct{}, 1)}
	leave, err := h.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := h.Hash(ctx, "x"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Hash: %v", err)
	}
	if ok, err := h.Verify(ctx, "correct horse", phpBcrypt); ok || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Verify: %v %v", ok, err)
	}
	if err := h.BurnTime(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("BurnTime: %v", err)
	}
	leave()
	if ok, err := h.Verify(t.Context(), "correct horse", phpBcrypt); !ok || err != nil {
		t.Errorf("after the wait: %v %v", ok, err)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if ok, err := h.Verify(t.Context(), "correct horse", phpArgon); !ok || err != nil {
				t.Errorf("many at once: %v %v", ok, err)
			}
		})
	}
	group.Wait()
	if len(h.slots) != 0 {
		t.Error("a slot is lost")
	}
}

func TestBurnTimeTakesAsLongAsVerify(t *testing.T) {
	h := NewHasher()
	hash, _ := h.Hash(t.Context(), "x")
	took := takes(t, func() error { _, err := h.Verify(t.Context(), "y", hash); return err }, func() error { return h.BurnTime(t.Context()) }, 0.5, 2)
	if took < 0.5 || took > 2 {
		t.Errorf("BurnTime takes %.2f times as long as Verify", took)
	}
}

// takes returns how many times as long as base f takes. Both run by turns, at least four times and until it is from least to most, and the
// quickest runs count: the machine may be busy with something else.
func takes(t *testing.T, base, f func() error, least, most float64) (ratio float64) {
	t.Helper()
	quickest := [2]time.Duration{time.Hour, time.Hour}
	for n := 0; n < 4 || n < 40 && (ratio < least || ratio > most); n++ {
		for i, run := range []func() error{base, f} {
			start := time.Now()
			if err := run(); err != nil {
				t.Fatal(err)
			}
			quickest[i] = min(quickest[i], time.Since(start))
		}
		ratio = float64(quickest[1]) / float64(quickest[0])
	}
	return ratio
}

func TestPolicies(t *testing.T) {
	for _, tt := range []struct {
		policy Policy
		good   []string
		bad    []string
	}{
		{Policy{}, []string{"a", " "}, []string{""}},
		{Policy{Level: "none"}, []string{"a"}, []string{""}},
		{Policy{Level: "none", MinLength: 4}, []string{"abcd"}, []string{"abc"}},
		{Policy{Level: "low"}, []string{"aaaaaa", "ääääää"}, []string{"", "aaaaa", "äääää"}},
		{Policy{Level: "fair"}, []string{"Abcdefg1"}, []string{"Abcdef1", "abcdefg1", "ABCDEFG1", "Abcdefgh", "Äbcdefg1"}},
		{Policy{Level: "good"}, []string{"Abcdefg1", "abcdefg1!", "ABCDEF 1"}, []string{"Abc1!", "abcdefg1", "abcdefgh!"}},
		{Policy{Level: "good", MinLength: 12}, []string{"Abcdefghijk1"}, []string{"Abcdefghij1"}},
		{Policy{Level: "excellent"}, []string{"Abcdefghi1", "aabbAABB11"}, []string{"Abcdefgh1", "aaabcdefA1", "abcdefghi1", "Abcdefg111"}},
	} {
		for _, password := range tt.good {
			if err := tt.policy.Validate(password); err != nil {
				t.Errorf("%+v refuses %q: %v", tt.policy, password, tt.policy.Check(password))
			}
		}
		for _, password := range tt.bad {
			err := tt.policy.Validate(password)
			var e *Error
			if !errors.As(err, &e) || e.Name != "PasswordStrengthError" {
				t.Errorf("%+v takes %q: %v", tt.policy, password, err)
			}
		}
	}
}

func TestErrorOnTheWire(t *testing.T) {
	for name, err := range map[string]error{
		"none":      Policy{}.Validate(""),
		"fair":      Policy{Level: "fair"}.Validate("abc"),
		"excellent": Policy{Level: "excellent"}.Validate("aaa1"),
	} {
		var got bytes.Buffer
		encoder := json.NewEncoder(&got)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(err); err != nil {
			t.Fatal(err)
		}
		want, readErr := os.ReadFile(filepath.Join("testdata", name+".json"))
		if readErr != nil || !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s: %v\n%s", name, readErr, got.Bytes())
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(phpBcrypt)
	f.Add(phpArgon)
	f.Fuzz(func(t *testing.T, hash string) {
		if _, err := parse(hash); err != nil && !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v", hash, err)
		}
	})
}

func BenchmarkHash(b *testing.B) {
	h := NewHasher()
	for b.Loop() {
		if _, err := h.Hash(b.Context(), "correct horse"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	for b.Loop() {
		Policy{Level: "excellent"}.Check("correct horse")
	}
}

// Hashes that others made with next to no work: a wrong password takes as long as for people who do not exist, else each would tell that there is somebody.
func TestAttackCheapImportsAreNoOracle(t *testing.T) {
	h := NewHasher()
	for _, hash := range []string{
		phpBcrypt, cost{memory: 8, passes: 1, lanes: 1}.hash("x", make([]byte, saltLength)),
		`{"algorithm":"scrypt","hash":{"value":"` + strings.Repeat("00", 64) + `","encoding":"hex"},"salt":{"value":"salt"},"keylen":64,"cost":2,"block_size":1}`,
		`{"algorithm":"pbkdf2","hash":{"value":"$pbkdf2-sha256$i=1,l=32$c2FsdA$` + strings.Repeat("A", 43) + `","encoding":"utf8"}}`,
	} {
		took := takes(t, func() error { return h.BurnTime(t.Context()) }, func() error {
			is, err := h.Verify(t.Context(), "wrong", hash)
			if is {
				t.Errorf("%s is right", hash)
			}
			return err
		}, 0.6, 100)
		if took < 0.6 {
			t.Errorf("%.40s takes %.2f times as long as nobody's", hash, took)
		}
	}
}
