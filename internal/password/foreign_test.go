package password

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// TestForeign: hashes that hashlib, argon2-cffi and PHP made are verified, and only with their own password.
func TestForeign(t *testing.T) {
	raw, err := os.ReadFile("testdata/foreign.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Foreign
		Name     string
		Password string
	}
	if err := json.Unmarshal(raw, &vectors); err != nil || len(vectors) < 50 {
		t.Fatalf("%d vectors, %v", len(vectors), err)
	}
	h := NewHasher()
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			secret := v.Password
			if secret == "" {
				secret = "päßwörd ☂ 1"
			}
			stored, err := v.Foreign.Text()
			if err != nil {
				t.Fatal(err)
			}
			if !IsForeign(stored) {
				t.Error("the first login would not replace it")
			}
			if ok, err := h.Verify(t.Context(), secret, stored); !ok || err != nil {
				t.Errorf("the password: %v %v", ok, err)
			}
			check, err := v.check() // without the work that a wrong password costs
			if err != nil {
				t.Fatal(err)
			}
			for _, wrong := range []string{"", secret + "x", secret[1:], strings.ToUpper(secret)} {
				if check(wrong) {
					t.Errorf("%q is right", wrong)
				}
			}
		})
	}
}

// TestForeignWithoutEncoding: files leave the encoding out where the hash is a text that says all of itself.
func TestForeignWithoutEncoding(t *testing.T) {
	h := NewHasher()
	for algorithm, value := range map[string]string{
		"bcrypt": phpBcrypt,
		"argon2": phpArgon,
		"ldap":   "{SSHA}LBlyni0B2NIamMVGVSp9i6hoSRxDc2FsdA==",
		"pbkdf2": "$pbkdf2-sha256$i=1000,l=32$c2FsdHNhbHQ$qQDPSZa3Ormyy9oK1Pu0ZLLwP2Svzmx3yu8OvDdq/J0",
	} {
		stored, err := Foreign{Algorithm: algorithm, Hash: ForeignHash{Value: value}}.Text()
		if err != nil {
			t.Errorf("%s: %v", algorithm, err)
			continue
		}
		same, err := Foreign{Algorithm: algorithm, Hash: ForeignHash{Value: value, Encoding: "utf8"}}.Text()
		if err != nil || stored != same {
			t.Errorf("%s is kept as %s, with the encoding %s %v", algorithm, stored, same, err)
		}
		if ok, err := h.Verify(t.Context(), "correct horse", stored); !ok || err != nil {
			t.Errorf("%s: %v %v", algorithm, ok, err)
		}
	}
}

// TestForeignRefused: what cannot be verified, or would cost too much, is refused at once and told without its value.
func TestForeignRefused(t *testing.T) {
	hex64 := strings.Repeat("5e", 32)
	sha := func(change func(*Foreign)) Foreign {
		f := Foreign{Algorithm: "sha256", Hash: ForeignHash{Value: hex64, Encoding: "hex"}}
		change(&f)
		return f
	}
	scrypt := func(change func(*Foreign)) Foreign {
		f := Foreign{Algorithm: "scrypt", Hash: ForeignHash{Value: hex64, Encoding: "hex"}, KeyLength: 32}
		change(&f)
		return f
	}
	hmac := func(change func(*Foreign)) Foreign {
		f := Foreign{Algorithm: "hmac", Hash: ForeignHash{Value: hex64, Encoding: "hex", Digest: "sha256", Key: &ForeignText{Value: "k"}}}
		change(&f)
		return f
	}
	text := func(algorithm, value string) Foreign {
		return Foreign{Algorithm: algorithm, Hash: ForeignHash{Value: value, Encoding: "utf8"}}
	}
	const long = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for name, tt := range map[string]struct {
		foreign Foreign
		path    string
	}{
		"unknown algorithm":      {text("rot13", "x"), "algorithm"},
		"no value":               {sha(func(f *Foreign) { f.Hash.Value = "" }), "hash.value"},
		"huge value":             {sha(func(f *Foreign) { f.Hash.Value = strings.Repeat("0", 1<<20) }), "hash.value"},
		"not hex":                {sha(func(f *Foreign) { f.Hash.Value = "zz" + hex64[2:] }), "hash.value"},
		"short":                  {sha(func(f *Foreign) { f.Hash.Value = hex64[2:] }), "hash.value"},
		"encoding":               {sha(func(f *Foreign) { f.Hash.Encoding = "utf8" }), "hash.encoding"},
		"no encoding":            {sha(func(f *Foreign) { f.Hash.Encoding = "" }), "hash"},
		"scrypt, no encoding":    {scrypt(func(f *Foreign) { f.Hash.Encoding = "" }), "hash"},
		"password encoding":      {sha(func(f *Foreign) { f.Encoding = "hex" }), "password.encoding"},
		"salt encoding":          {sha(func(f *Foreign) { f.Salt = &ForeignText{Encoding: "rot13"} }), "salt.encoding"},
		"salt value":             {sha(func(f *Foreign) { f.Salt = &ForeignText{Value: "x", Encoding: "hex"} }), "salt.value"},
		"salt position":          {sha(func(f *Foreign) { f.Salt = &ForeignText{Position: "middle"} }), "salt.position"},
		"huge salt":              {sha(func(f *Foreign) { f.Salt = &ForeignText{Value: strings.Repeat("x", 1<<20)} }), "salt.value"},
		"digest without hmac":    {sha(func(f *Foreign) { f.Hash.Digest = "md5" }), "hash"},
		"hmac without key":       {hmac(func(f *Foreign) { f.Hash.Key = nil }), "hash"},
		"hmac digest":            {hmac(func(f *Foreign) { f.Hash.Digest = "sha3" }), "hash.digest"},
		"hmac of another length": {hmac(func(f *Foreign) { f.Hash.Digest = "sha1" }), "hash.value"},
		"hmac key encoding":      {hmac(func(f *Foreign) { f.Hash.Key.Encoding = "latin1" }), "hash.key.encoding"},
		"scrypt without length":  {scrypt(func(f *Foreign) { f.KeyLength = 0 }), ""},
		"scrypt, other length":   {scrypt(func(f *Foreign) { f.KeyLength = 31 }), "hash.value"},
		"scrypt, long":           {scrypt(func(f *Foreign) { f.KeyLength = 1 << 30 }), "keylen"},
		"scrypt cost 3":          {scrypt(func(f *Foreign) { f.Cost = 3 }), "cost"},
		"scrypt memory":          {scrypt(func(f *Foreign) { f.Cost = 1 << 30 }), "cost"},
		"scrypt block size":      {scrypt(func(f *Foreign) { f.BlockSize = 1 << 30 }), "cost"},
		"scrypt work":            {scrypt(func(f *Foreign) { f.Parallelization = 1024 }), "cost"},
		"scrypt negative":        {scrypt(func(f *Foreign) { f.Parallelization = -1 }), "cost"},
		"argon2 with salt":       {Foreign{Algorithm: "argon2", Hash: ForeignHash{Value: phpArgon, Encoding: "utf8"}, Salt: &ForeignText{}}, "salt"},
		"argon2 memory":          {text("argon2", "$argon2d$v=19$m=4194304,t=1,p=1$TlRwWFI0bnhpTWNxU21PWA$"+long[:43]), "hash.value"},
		"bcrypt cost":            {text("bcrypt", "$2b$31$"+phpBcrypt[7:]), "hash.value"},
		"bcrypt 2x":              {text("bcrypt", "$2x$05$"+phpBcrypt[7:]), "hash.value"},
		"ldap crypt":             {text("ldap", "{CRYPT}xyz"), "hash.value"},
		"ldap without scheme":    {text("ldap", long), "hash.value"},
		"ldap, short":            {text("ldap", "{SSHA}AAAA"), "hash.value"},
		"pbkdf2 iterations":      {text("pbkdf2", "$pbkdf2-sha256$i=4000000,l=32$c2FsdA$"+long[:43]), "hash.value"},
		"pbkdf2 length":          {text("pbkdf2", "$pbkdf2-sha256$i=1000,l=2147483647$c2FsdA$"+long[:43]), "hash.value"},
		"pbkdf2 digest":          {text("pbkdf2", "$pbkdf2-sha3$i=1000,l=32$c2FsdA$"+long[:43]), "hash.value"},
		"pbkdf2 parameter":       {text("pbkdf2", "$pbkdf2-sha256$i=1000,x=32$c2FsdA$"+long[:43]), "hash.value"},
		"pbkdf2 without salt":    {text("pbkdf2", "$pbkdf2-sha256$i=1000,l=32$$"+long[:43]), "hash.value"},
	} {
		t.Run(name, func(t *testing.T) {
			stored, err := tt.foreign.Text()
			var told *ForeignError
			if !errors.As(err, &told) || told.Path != tt.path || stored != "" {
				t.Fatalf("%q, %v", stored, err)
			}
			if strings.Contains(told.Error(), hex64) || len(told.Error()) > 300 {
				t.Errorf("%.300s", told.Error())
			}
		})
	}
}

// FuzzForeign: no stored text stops a server.
func FuzzForeign(f *testing.F) {
	raw, err := os.ReadFile("testdata/foreign.json")
	if err != nil {
		f.Fatal(err)
	}
	var vectors []json.RawMessage
	if err := json.Unmarshal(raw, &vectors); err != nil {
		f.Fatal(err)
	}
	for _, v := range vectors {
		f.Add(string(v))
	}
	f.Add("$argon2d$v=19$m=1024,t=2,p=1$TlRwWFI0bnhpTWNxU21PWA$pAUz8cL3XLrsfM4XNCJ6kGOh16+5LkwwPIpBQ5kd9cU")
	h := NewHasher()
	f.Fuzz(func(t *testing.T, stored string) {
		start := time.Now()
		ok, err := h.Verify(t.Context(), "no such password", stored)
		if ok || err != nil && !errors.Is(err, ErrFormat) {
			t.Errorf("%v %v", ok, err)
		}
		if took := time.Since(start); took > time.Minute {
			t.Errorf("took %v", took)
		}
	})
}

// A hash that only the tenant's own code understands: no password is found right here, and it comes back as it was.
func TestCustomHash(t *testing.T) {
	f := Foreign{Algorithm: AlgorithmCustom, Hash: ForeignHash{Value: "$S$whatever", Encoding: "utf8"}, Salt: &ForeignText{Value: "NaCl"}}
	stored, err := f.Text()
	if err != nil || !IsForeign(stored) {
		t.Fatalf("%q %v", stored, err)
	}
	if ok, err := NewHasher().Verify(t.Context(), "$S$whatever", stored); ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
	if got := Custom(stored); got == nil || got.Hash != f.Hash || *got.Salt != *f.Salt {
		t.Errorf("%+v", got)
	}
	other, err := Foreign{Algorithm: "sha256", Hash: ForeignHash{Value: strings.Repeat("00", 32), Encoding: "hex"}}.Text()
	if err != nil {
		t.Fatal(err)
	}
	for _, stored := range []string{"", other, phpBcrypt, `{"algorithm":"custom`} {
		if got := Custom(stored); got != nil {
			t.Errorf("%q is %+v", stored, got)
		}
	}
	for _, bad := range []Foreign{{Algorithm: "custom"}, {Algorithm: "custom", Hash: ForeignHash{Value: strings.Repeat("x", 9000), Encoding: "utf8"}}} {
		if _, err := bad.Text(); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

// TestEnumerationByQuickHashes, the attack: an answer that comes at once tells that there is a user, whose hash another system computed without
// work. A wrong password then costs what it does of nobody: a hash of ours takes well over a millisecond wherever it runs.
func TestEnumerationByQuickHashes(t *testing.T) {
	for name, a := range algorithms {
		f := Foreign{Algorithm: name, Hash: ForeignHash{Value: strings.Repeat("0", 32), Encoding: "hex"}}
		switch name {
		case "md4", "md5", AlgorithmCustom:
		case "sha1":
			f.Hash.Value += strings.Repeat("0", 8)
		case "sha256", "hmac":
			f.Hash.Value += strings.Repeat("0", 32)
		case "sha512":
			f.Hash.Value += strings.Repeat("0", 96)
		case "ldap":
			f.Hash = ForeignHash{Value: "{MD5}AAAAAAAAAAAAAAAAAAAAAA==", Encoding: "utf8"}
		default:
			if a.quick {
				t.Errorf("%s has no test", name)
			}
			continue
		}
		if name == "hmac" {
			f.Hash.Digest, f.Hash.Key = "sha256", &ForeignText{Value: "pepper"}
		}
		stored, err := f.Text()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		begun := time.Now()
		if ok, err := NewHasher().Verify(t.Context(), "wrong", stored); ok || err != nil || !a.quick {
			t.Errorf("%s: %v %v", name, ok, err)
		}
		if took := time.Since(begun); took < time.Millisecond {
			t.Errorf("%s took %s", name, took)
		}
	}
}
