package mfa

import (
	"slices"

	"github.com/stagedoor/stagedoor/internal/store"
)

// The kinds of second factors, by the names that scripts give them (extensibility fact sheet 3.6).
const (
	OTP      = "otp"
	Recovery = "recovery-code"
	Email    = "email"
	Phone    = "phone"
	Roaming  = "webauthn-roaming"
	Platform = "webauthn-platform"
	Push     = "push-notification"
)

// kinds is every kind that this server has, the one that is hardest to cheat first: in this order they are offered.
var kinds = []struct {
	kind   string
	method string // the type of the authentication methods of the kind
	factor string // what the Management API switches
	enrol  bool   // people can set it up by themselves; a recovery code comes with the first other factor
}{
	{Roaming, store.TypeRoaming, "webauthn-roaming", true},
	{Platform, store.TypePlatform, "webauthn-platform", true},
	{OTP, store.TypeTOTP, "otp", true},
	{Push, store.TypePush, "push-notification", true},
	{Phone, "phone", "sms", true},
	{Email, "email", "email", true},
	{Recovery, store.TypeRecovery, "recovery-code", false},
}

// KindOf is the kind of second factor that a type of authentication methods belongs to; "" if it is none of this server's.
func KindOf(method string) string {
	for _, k := range kinds {
		if k.method == method {
			return k.kind
		}
	}
	return ""
}

// seconds are the types of methods that people set up as second factors.
func seconds() (types []string) {
	for _, k := range kinds {
		if k.enrol {
			types = append(types, k.method)
		}
	}
	return types
}

// IsKey tells whether people of the kind sign a challenge with a key (WebAuthn).
func IsKey(kind string) bool { return kind == Roaming || kind == Platform }

// Enrollable are the kinds that people can set up, as far as they are among these.
func Enrollable(among []string) []string {
	var out []string
	for _, k := range kinds {
		if k.enrol && slices.Contains(among, k.kind) {
			out = append(out, k.kind)
		}
	}
	return out
}
