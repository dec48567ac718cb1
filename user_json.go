package stagedoor

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// UserText is a user of whom the metadata are texts as the database has them: enough to show the user, without taking apart and putting together again
// what nobody looks at.
type UserText struct {
	User                      User   // without metadata
	UserMetadata, AppMetadata string // JSON objects; "": never set
}

// Decoded returns the user with metadata.
func (t *UserText) Decoded() (*User, error) {
	u := t.User
	var err error
	if u.UserMetadata, err = decodeMetadata(t.UserMetadata); err != nil {
		return nil, err
	}
	u.AppMetadata, err = decodeMetadata(t.AppMetadata)
	return &u, err
}

func decodeMetadata(text string) (Metadata, error) {
	if text == "" {
		return nil, nil
	}
	m, raw := Metadata{}, []byte(text)
	err := EachMember(text, func(name string, from, to int) error {
		m[name] = raw[from:to:to]
		return nil
	})
	return m, err
}

// AppendJSON appends what User.Wire says of the user, as JSON.
func (t *UserText) AppendJSON(b []byte) []byte {
	return t.User.appendJSON(b, func(b []byte, name string) []byte {
		switch {
		case name == "user_metadata" && t.UserMetadata != "":
			return AppendCompact(appendName(b, name), t.UserMetadata)
		case name == "app_metadata" && t.AppMetadata != "" && t.AppMetadata != "{}":
			return AppendCompact(appendName(b, name), t.AppMetadata)
		}
		return b
	})
}

// MarshalJSON makes a UserText a part of something else.
func (t *UserText) MarshalJSON() ([]byte, error) { return t.AppendJSON(nil), nil }

// AppendJSON appends what Wire says of the user, as JSON.
func (u *User) AppendJSON(b []byte) []byte {
	return u.appendJSON(b, func(b []byte, name string) []byte {
		m := u.UserMetadata
		if name == "app_metadata" {
			if m = u.AppMetadata; len(m) == 0 {
				return b
			}
		}
		if m == nil {
			return b
		}
		return m.AppendJSON(appendName(b, name))
	})
}

// appendName begins another member of an object.
func appendName(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

func (u *User) appendJSON(b []byte, metadata func(b []byte, name string) []byte) []byte {
	text := func(name, value string) {
		if value != "" {
			b = AppendTextJSON(appendName(b, name), value)
		}
	}
	when := func(name string, at time.Time) {
		if !at.IsZero() {
			b = append(appendName(b, name), '"')
			b = append(at.UTC().AppendFormat(b, TimeFormat), '"')
		}
	}
	flag := func(name string, value bool) { b = strconv.AppendBool(appendName(b, name), value) }
	b = append(b, '{')
	b = metadata(b, "app_metadata")
	if u.Blocked != nil {
		flag("blocked", *u.Blocked)
	}
	b = append(appendName(b, "created_at"), '"')
	b = append(u.CreatedAt.UTC().AppendFormat(b, TimeFormat), '"')
	if u.Email != "" {
		text("email", u.Email)
		flag("email_verified", u.EmailVerified)
	}
	text("family_name", u.FamilyName)
	text("given_name", u.GivenName)
	b = appendIdentities(appendName(b, "identities"), u.WireIdentities())
	text("last_ip", u.LastIP)
	when("last_login", u.LastLogin)
	when("last_password_reset", u.LastPasswordReset)
	if u.LoginsCount > 0 {
		b = strconv.AppendInt(appendName(b, "logins_count"), int64(u.LoginsCount), 10)
	}
	text("name", u.Name)
	text("nickname", u.Nickname)
	if u.PhoneNumber != "" {
		text("phone_number", u.PhoneNumber)
		flag("phone_verified", u.PhoneVerified)
	}
	text("picture", u.Picture)
	b = append(appendName(b, "updated_at"), '"')
	b = append(u.LastChange().UTC().AppendFormat(b, TimeFormat), '"')
	b = AppendTextJSON(appendName(b, "user_id"), u.ID)
	b = metadata(b, "user_metadata")
	text("username", u.Username)
	for _, name := range slices.Sorted(maps.Keys(u.Attributes)) {
		if !IsUserField(name) {
			b = append(b, ',')
			b = append(AppendTextJSON(b, name), ':')
			b = AppendCompact(b, u.Attributes[name])
		}
	}
	return append(b, '}')
}

func appendIdentities(b []byte, all []Identity) []byte {
	if all == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i := range all {
		if i > 0 {
			b = append(b, ',')
		}
		one := &all[i]
		b = AppendTextJSON(append(b, `{"connection":`...), one.Connection)
		b = AppendTextJSON(append(b, `,"provider":`...), one.Provider)
		b = AppendTextJSON(append(b, `,"user_id":`...), one.UserID)
		b = strconv.AppendBool(append(b, `,"isSocial":`...), one.IsSocial)
		if len(one.ProfileData) > 0 {
			b = appendEscaped(append(b, `,"profileData":`...), one.ProfileData) // which came from JSON
		}
		b = append(b, '}')
	}
	return append(b, ']')
}
