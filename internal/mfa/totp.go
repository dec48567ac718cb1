package mfa

import (
	"crypto/subtle"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

// The parameters of codes: those that every authenticator app knows (Authentication API fact sheet 6.11).
const (
	period = 30 // seconds
	skew   = 1  // steps before and after the present one that are taken too
	digits = 6
)

// step returns the time step of which code is the code, 0 if it is of none that counts now.
func step(secret, code string, now time.Time) int64 {
	if len(code) != digits {
		return 0
	}
	at, found := now.Unix()/period, int64(0)
	for s := at - skew; s <= at+skew; s++ { // all of them, so that the time tells nothing
		want, err := hotp.GenerateCodeCustom(secret, uint64(s), hotp.ValidateOpts{Digits: digits, Algorithm: otp.AlgorithmSHA1}) //nolint:gosec // s counts from 1970
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			found = s
		}
	}
	return found
}

// Digits are the digits of a code as a person typed it: apps show a gap in the middle.
func Digits(typed string) string { return without(typed, " -\u00a0\u202f") }

func without(s, chars string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(chars, r) {
			return -1
		}
		return r
	}, s)
}

// URI is what a QR code tells an authenticator app: the otpauth form that all of them read.
func URI(secret, issuer, account string) string {
	return otpauth(issuer, account, url.Values{"secret": {secret}, "issuer": {issuer}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}})
}

func otpauth(issuer, account string, q url.Values) string {
	return "otpauth://totp/" + url.PathEscape(issuer) + ":" + url.PathEscape(account) + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}

// Spaced is a secret in groups of four, to be typed.
func Spaced(secret string) string {
	var b strings.Builder
	for i, r := range secret {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}
