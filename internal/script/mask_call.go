package script

import (
	"crypto/md5"  //nolint:gosec // scripts use it, so that it must be known here
	"crypto/sha1" //nolint:gosec // see above
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
)

// Scripts of connections get people's passwords. A password is masked wherever it stands as it is, in base64 or hexadecimal, and so are its
// digests without salt, from which it could be guessed. In a repetition the mask is the password, and all of that comes out alike.

// arguments are the names of what the function gets, which tell secrets from other texts.
func (c *callStart) arguments() []string {
	if o := OperationNamed(c.Operation); o != nil {
		return o.Arguments
	}
	return nil
}

// maskable tells whether the passwords that the function gets are long enough to be looked for. Runs with others are not recorded.
func (c *callStart) maskable() bool {
	able := true
	c.rewrite(func(name, value string) string {
		if passwords[plainName(name)] && value != "" && len(value) < minSecret {
			able = false
		}
		return value
	})
	return able
}

// rewrite gives every string of the arguments to change, with the name of the nearest member around it or else of the argument.
func (c *callStart) rewrite(change func(name, value string) string) []json.RawMessage {
	names, out := c.arguments(), make([]json.RawMessage, len(c.Arguments))
	for i, argument := range c.Arguments {
		out[i] = argument
		if i >= len(names) || !json.Valid(argument) {
			continue
		}
		around := `{"` + names[i] + `":`
		text := rewriteJSON(slices.Concat([]byte(around), argument, []byte("}")), change)
		out[i] = text[len(around) : len(text)-1]
	}
	return out
}

// ofCall is a call without its secrets.
func (m *masker) ofCall(c *callStart) *callStart {
	if c == nil {
		return nil
	}
	masked := *c
	masked.Arguments = c.rewrite(func(name, value string) string {
		if passwords[plainName(name)] && value != "" {
			m.password(value)
			return passwordMask
		}
		return m.member(name, value)
	})
	masked.Context = m.json(c.Context)
	return &masked
}

const passwordMask = "~password~"

// password looks for a password, and what is easily made of it, from now on.
func (m *masker) password(value string) {
	m.learn(value, passwordMask)
	raw := []byte(value)
	md, sha := md5.Sum(raw), sha1.Sum(raw) //nolint:gosec // see the imports
	sha2, sha5 := sha256.Sum256(raw), sha512.Sum512(raw)
	m.learn(hex.EncodeToString(raw), passwordMask)
	m.learn(base64.StdEncoding.EncodeToString(raw), passwordMask)
	for _, digest := range [][]byte{md[:], sha[:], sha2[:], sha5[:]} {
		text := hex.EncodeToString(digest)
		m.learn(text, passwordMask)
		m.learn(strings.ToUpper(text), passwordMask)
		m.learn(base64.StdEncoding.EncodeToString(digest), passwordMask)
	}
}

// basic masks the password of basic authentication alone, so that a repetition finds the call again, and looks for all of it from now on.
func (m *masker) basic(scheme, credentials string) (string, bool) {
	if !strings.EqualFold(strings.TrimSpace(scheme), "Basic") {
		return "", false
	}
	pair, err := base64.StdEncoding.DecodeString(credentials)
	user, secret, found := strings.Cut(string(pair), ":")
	if err != nil || !found {
		return "", false
	}
	masked := m.values(secret)
	if !maskText.MatchString(masked) {
		if m.use == forEarlier || len(secret) < minSecret {
			return "", false
		}
		masked = m.mask(secret)
		m.find(secret, masked)
	}
	out := base64.StdEncoding.EncodeToString([]byte(m.values(user) + ":" + masked))
	if m.use != forEarlier {
		m.find(credentials, out)
	}
	return scheme + out, true
}
