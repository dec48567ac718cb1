package stagedoor

import (
	"encoding/json"
	"maps"
)

// Identity is one way in which a User signs in; the first one is primary.
type Identity struct {
	Connection  string         `json:"connection"`
	Provider    string         `json:"provider"` // the strategy: auth0, google-oauth2 …
	UserID      string         `json:"user_id"`  // without the provider's prefix
	IsSocial    bool           `json:"isSocial"`
	ProfileData map[string]any `json:"profileData,omitempty"` // of the identity by itself, once several were linked
}

// IdentityTokens are what the provider of an identity gave: access_token, refresh_token, expires_in … They are secrets.
type IdentityTokens struct {
	ID     string // full id of the identity
	Tokens map[string]any
}

// TokenMembers are the members of an identity that hold tokens of its provider. They are shown to nobody without a scope of its own.
var TokenMembers = []string{"access_token", "access_token_secret", "refresh_token", "expires_in"}

// WithTokens shows the tokens in the identities of a user as the wire has them (Management API fact sheet 2.1).
func (u *User) WithTokens(all []IdentityTokens) ([]map[string]any, error) {
	text, err := json.Marshal(u.WireIdentities())
	if err != nil {
		return nil, err
	}
	var shown []map[string]any
	if err := json.Unmarshal(text, &shown); err != nil {
		return nil, err
	}
	for i := range shown {
		for _, t := range all {
			if t.ID == u.Identities[i].FullID() {
				maps.Copy(shown[i], t.Tokens)
			}
		}
	}
	return shown, nil
}

// FullID is the id that a user has whose primary identity it is.
func (i *Identity) FullID() string { return i.Provider + "|" + i.UserID }

// Text returns a text of the profile, empty if it has none of that name.
func (i *Identity) Text(name string) string {
	s, _ := i.ProfileData[name].(string)
	return s
}

// Flag tells whether a member of the profile is true.
func (i *Identity) Flag(name string) bool { return i.ProfileData[name] == true }

// ProfileData is what an identity keeps of the user that it was (Management API fact sheet 2.7).
func (u *User) ProfileData() map[string]any {
	m := map[string]any{}
	if u.Email != "" {
		m["email"], m["email_verified"] = u.Email, u.EmailVerified
	}
	if u.PhoneNumber != "" {
		m["phone_number"], m["phone_verified"] = u.PhoneNumber, u.PhoneVerified
	}
	for name, value := range map[string]string{
		"username": u.Username, "nickname": u.Nickname, "given_name": u.GivenName, "family_name": u.FamilyName, "picture": u.Picture,
	} {
		if value != "" {
			m[name] = value
		}
	}
	if u.Name != "" && u.Name != u.Email {
		m["name"] = u.Name
	}
	return m
}

// UserOf returns the user that an identity becomes when it stands alone: its profile and nothing else.
func UserOf(i Identity) *User {
	u := &User{
		ID: i.FullID(), Connection: i.Connection, Email: i.Text("email"), EmailVerified: i.Flag("email_verified"), Username: i.Text("username"),
		PhoneNumber: i.Text("phone_number"), PhoneVerified: i.Flag("phone_verified"), Name: i.Text("name"), Nickname: i.Text("nickname"),
		GivenName: i.Text("given_name"), FamilyName: i.Text("family_name"), Picture: i.Text("picture"),
	}
	i.ProfileData = nil
	u.Identities = []Identity{i}
	u.FillDefaults()
	return u
}

// WireIdentities are the user's identities as the wire shows them: the first one's profile is the user's own.
func (u *User) WireIdentities() []Identity {
	if len(u.Identities) == 0 || len(u.Identities[0].ProfileData) == 0 { // an empty one is not kept
		return u.Identities
	}
	all := append([]Identity{}, u.Identities...)
	all[0].ProfileData = u.ProfileData()
	return all
}
