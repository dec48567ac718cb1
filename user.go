package stagedoor

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"
)

// User is a person's record (Management API fact sheet 2.1). The password hash is
// not part of it: only the store and the database strategy see it.
type User struct {
	ID            string // provider|id
	Connection    string // name of the primary identity's connection
	Email         string // lower-case in database connections
	EmailVerified bool
	Username      string
	PhoneNumber   string // E.164
	PhoneVerified bool
	Name          string
	Nickname      string
	GivenName     string
	FamilyName    string
	Picture       string // URI
	Blocked       *bool  // nil until set once
	Identities    []Identity
	Attributes    map[string]json.RawMessage // further ones, as the connection's own store or provider calls them
	UserMetadata  Metadata                   // what the person may change
	AppMetadata   Metadata                   // what the person may not

	CreatedAt         time.Time
	UpdatedAt         time.Time // of the record; see LastChange
	LastPasswordReset time.Time // zero until the first change
	LastLogin         time.Time // zero before the first login
	LastIP            string
	LoginsCount       int

	AccessEnded int64 // how often all that they had here has ended: what began before that comes to nothing. On no wire but in tokens for the tenant's own APIs
}

// IsBlocked tells whether the person may not sign in.
func (u *User) IsBlocked() bool { return u.Blocked != nil && *u.Blocked }

// LastChange is the time of the last update. A login counts as one.
func (u *User) LastChange() time.Time {
	if u.LastLogin.After(u.UpdatedAt) {
		return u.LastLogin
	}
	return u.UpdatedAt
}

// FillDefaults sets name, nickname and picture where they are empty, from the
// e-mail address, username or phone number (Management API fact sheet 2.1).
func (u *User) FillDefaults() {
	first := u.Email
	for _, s := range []string{u.Username, u.PhoneNumber, u.ID} {
		if first == "" {
			first = s
		}
	}
	if u.Name == "" {
		u.Name = first
	}
	if u.Nickname == "" {
		u.Nickname, _, _ = strings.Cut(first, "@")
	}
	if u.Picture == "" {
		u.Picture = Gravatar(first)
	}
}

// Gravatar returns the default picture of an e-mail address.
func Gravatar(email string) string {
	sum := md5.Sum([]byte(strings.ToLower(email)))
	letters := []rune(strings.ToLower(email))
	if len(letters) > 2 {
		letters = letters[:2]
	}
	fallback := "https://cdn.auth0.com/avatars/" + url.PathEscape(string(letters)) + ".png"
	return "https://s.gravatar.com/avatar/" + hex.EncodeToString(sum[:]) + "?s=480&r=pg&d=" + url.QueryEscape(fallback)
}

// Wire returns the user as the Management API, rules and legacy tokens show it:
// a JSON object in which keys that were never set are absent.
func (u *User) Wire() map[string]any {
	m := map[string]any{
		"user_id":    u.ID,
		"identities": u.WireIdentities(),
		"created_at": FormatTime(u.CreatedAt),
		"updated_at": FormatTime(u.LastChange()),
	}
	if u.Email != "" {
		m["email"], m["email_verified"] = u.Email, u.EmailVerified
	}
	if u.PhoneNumber != "" {
		m["phone_number"], m["phone_verified"] = u.PhoneNumber, u.PhoneVerified
	}
	for k, v := range map[string]string{
		"username": u.Username, "name": u.Name, "nickname": u.Nickname, "given_name": u.GivenName,
		"family_name": u.FamilyName, "picture": u.Picture, "last_ip": u.LastIP,
	} {
		if v != "" {
			m[k] = v
		}
	}
	if u.Blocked != nil {
		m["blocked"] = *u.Blocked
	}
	if u.UserMetadata != nil {
		m["user_metadata"] = u.UserMetadata
	}
	if len(u.AppMetadata) > 0 {
		m["app_metadata"] = u.AppMetadata
	}
	for k, t := range map[string]time.Time{"last_password_reset": u.LastPasswordReset, "last_login": u.LastLogin} {
		if !t.IsZero() {
			m[k] = FormatTime(t)
		}
	}
	if u.LoginsCount > 0 {
		m["logins_count"] = u.LoginsCount
	}
	for name, value := range u.Attributes {
		if _, taken := m[name]; !taken && !IsUserField(name) {
			m[name] = value
		}
	}
	return m
}

// Identifiers returns what a person may type to say who they are: e-mail address, username, phone number.
func (u *User) Identifiers() []string {
	var out []string
	for _, s := range []string{u.Email, u.Username, u.PhoneNumber} {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// AllIdentifiers are the identifiers of a user and of the identities that were linked to them: people log in with those as before.
func (u *User) AllIdentifiers() []string {
	all := u.Identifiers()
	for i := 1; i < len(u.Identities); i++ {
		for _, name := range []string{"email", "username", "phone_number"} {
			if s := u.Identities[i].Text(name); s != "" && !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
	}
	return all
}

// Locale is the language that the profile names, in the notation of BCP 47 ("de-AT"); empty if it names none (OpenID Connect Core, section 5.1).
func (u *User) Locale() string {
	var tag string
	if json.Unmarshal(u.Attributes["locale"], &tag) != nil {
		return ""
	}
	return strings.ReplaceAll(tag, "_", "-")
}

// userFields are the members of a user that the server itself writes: no further attribute has such a name.
var userFields = []string{
	"__tenant", "_id", "__proto__", "app_metadata", "blocked", "clientID", "constructor", "created_at", "email", "email_verified", "family_name", "given_name",
	"globalClientID", "global_client_id", "id", "identities", "lastIP", "lastLogin", "last_ip", "last_login", "last_password_reset", "loginsCount", "logins_count",
	"metadata", "mfa_factors", "multifactor", "multifactor_last_modified", "name", "nickname", "phone_number", "phone_verified", "picture", "prototype",
	"updated_at", "user_id", "user_metadata", "username",
}

// IsUserField tells whether a member of a user is the server's.
func IsUserField(name string) bool { return slices.Contains(userFields, name) }

// Shown is how a user is called on pages and in apps.
func (u *User) Shown() string {
	for _, s := range []string{u.Email, u.Username, u.PhoneNumber} {
		if s != "" {
			return s
		}
	}
	return u.Name
}
