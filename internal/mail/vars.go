package mail

import (
	"encoding/json"
	"net/url"
)

// Vars are what templates of tenants may say of whom a message is about: user, application and, of the same, client, organization. What is not set is
// absent, so that conditions and defaults work: an empty text is as true as any other.
func (a About) Vars() map[string]any {
	vars := map[string]any{"user": map[string]any{}, "application": map[string]any{}, "client": map[string]any{}}
	if u := a.User; u != nil {
		vars["user"] = Said(map[string]any{
			"email": u.Email, "email_verified": u.EmailVerified, "user_id": u.ID, "username": u.Username, "name": u.Name, "nickname": u.Nickname,
			"given_name": u.GivenName, "family_name": u.FamilyName, "picture": u.Picture, "phone_number": u.PhoneNumber, "phone_verified": u.PhoneVerified,
			"login_count": u.LoginsCount, "user_metadata": members(u.UserMetadata), "app_metadata": members(u.AppMetadata),
		})
	}
	if c := a.Client; c != nil && !c.Global {
		client := Said(map[string]any{
			"name": c.Name, "clientID": c.ID, "callback_domain": origin(c.Callbacks), "logo_uri": c.Picture(), "client_metadata": members(c.Metadata), "metadata": members(c.Metadata),
		})
		vars["application"], vars["client"] = client, client
	}
	if o := a.Organization; o != nil {
		vars["organization"] = Said(map[string]any{
			"id": o.ID, "name": o.Name, "display_name": o.DisplayName, "metadata": members(o.Metadata), "branding": members(o.Branding),
		})
	}
	return vars
}

// Said returns vars without the texts that are empty.
func Said(vars map[string]any) map[string]any {
	for name, value := range vars {
		if value == "" {
			delete(vars, name)
		}
	}
	return vars
}

// origin is that of the first address.
func origin(addresses []string) string {
	if len(addresses) == 0 {
		return ""
	}
	u, err := url.Parse(addresses[0])
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// members is an object as templates read it, empty if there is none.
func members(v any) map[string]any {
	out := map[string]any{}
	if b, err := json.Marshal(v); err == nil {
		_ = json.Unmarshal(b, &out) // what was an object is one again
	}
	if out == nil { // of null
		out = map[string]any{}
	}
	return out
}
