package stagedoor

import (
	"encoding/json"
	"regexp"
	"strings"
)

// phoneNumberForm is a telephone number as the wire takes it (E.164 without spaces; Authentication API fact sheet 6.9 and 9.3).
var phoneNumberForm = regexp.MustCompile(`^\+[0-9]{1,15}$`)

// IsPhoneNumber tells whether s is a telephone number as the wire takes it.
func IsPhoneNumber(s string) bool { return phoneNumberForm.MatchString(s) }

// phoneMarks are what people write between the digits of a number.
var phoneMarks = strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "", "/", "")

// PhoneNumber is a telephone number with its country code as the wire takes it, however it was typed; false if it is none.
func PhoneNumber(typed string) (string, bool) {
	s := phoneMarks.Replace(strings.TrimSpace(typed))
	if strings.HasPrefix(s, "00") {
		s = "+" + s[2:]
	}
	return s, IsPhoneNumber(s)
}

// The names of providers of phone messages.
const (
	PhoneTwilio = "twilio" // or whoever speaks the same API
	PhoneCustom = "custom" // actions of the trigger custom-phone-provider
)

// PhoneProvider is who brings a tenant's messages to phones (Management API fact sheet 3.17).
type PhoneProvider struct {
	Name          string `json:"name"`
	Disabled      bool   `json:"disabled"`
	Configuration struct {
		SID     string   `json:"sid"`
		From    string   `json:"default_from"`
		Service string   `json:"mssid"` // of the messaging service that chooses the sender; empty: none
		Methods []string `json:"delivery_methods"`
	} `json:"configuration"`
	Credentials struct {
		AuthToken string `json:"auth_token"`
	} `json:"credentials"`
}

// PhoneProviderOf reads a provider as the tenant's documents keep it.
func PhoneProviderOf(d *Document) (p PhoneProvider, err error) {
	return p, json.Unmarshal([]byte(d.Sealed), &p)
}

// PhoneTemplate is a tenant's own text of a kind of phone message.
type PhoneTemplate struct {
	Type     string `json:"type"`
	Disabled bool   `json:"disabled"`
	Content  struct {
		From string            `json:"from"`
		Body map[string]string `json:"body"` // text, voice
	} `json:"content"`
}
