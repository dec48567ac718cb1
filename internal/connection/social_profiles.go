package connection

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// What providers say of a person, in the words that users have (Authentication API fact sheet 9.2). What has no such word stays under its own
// name; person reads all of it with the same mistrust.

// fromClaims takes the claims of the ID token.
func fromClaims(g *given) (map[string]any, error) {
	m := map[string]any{}
	for name, value := range g.claims {
		if !slices.Contains(protocolClaims, name) {
			m[name] = value
		}
	}
	m["user_id"] = g.claims["sub"]
	return m, nil
}

// fromUserInfo takes those of the user info endpoint, which must be of the person of the ID token where there is one.
func fromUserInfo(g *given) (map[string]any, error) {
	m, err := g.object(g.userinfo)
	if err != nil {
		return nil, err
	}
	if g.claims != nil && m["sub"] != g.claims["sub"] || textOf(m["sub"]) == "" {
		return nil, failed("The identity provider gave no profile", "it is of another sub than the ID token, or of none")
	}
	m["user_id"] = m["sub"]
	for _, name := range append([]string{"ok"}, protocolClaims...) {
		delete(m, name)
	}
	return m, nil
}

// workspace takes the people of the connection's domains alone: everybody else with an account of Google comes to the same page.
func workspace(g *given) (map[string]any, error) {
	m, err := fromClaims(g)
	if err != nil {
		return nil, err
	}
	domain := strings.ToLower(textOf(g.claims["hd"]))
	if domains := g.conn.Domains(); domain == "" || len(domains) == 0 || !slices.Contains(domains, domain) {
		return nil, failed("The account is not one of this organization", "its domain is "+short(domain))
	}
	if !g.conn.OptionFlag("map_user_id_to_id") {
		m["user_id"] = strings.ToLower(textOf(m["email"]))
	}
	return m, nil
}

// apple takes the ID token, and the name, which comes beside the code and the first time alone. That name is the browser's word: it names
// nobody but the person who is signing in.
func apple(g *given) (map[string]any, error) {
	m, err := fromClaims(g)
	if err != nil {
		return nil, err
	}
	delete(m, "nonce_supported")
	var user struct {
		Name struct {
			First string `json:"firstName"`
			Last  string `json:"lastName"`
		} `json:"name"`
	}
	if json.Unmarshal([]byte(g.answer.User), &user) == nil {
		set := func(name, value string) {
			if value = strings.TrimSpace(value); value != "" {
				m[name] = value
			}
		}
		set("given_name", user.Name.First)
		set("family_name", user.Name.Last)
		set("name", user.Name.First+" "+user.Name.Last)
	}
	return m, nil
}

func github(g *given) (map[string]any, error) {
	m, err := g.object(g.userinfo)
	if err != nil {
		return nil, err
	}
	list, err := g.fetch(g.userinfo + "/emails")
	if err != nil {
		return nil, err
	}
	var emails []struct {
		Email             string
		Primary, Verified bool
	}
	if json.Unmarshal(list, &emails) != nil {
		return nil, failed("The identity provider gave no profile", "its addresses cannot be read")
	}
	delete(m, "email") // the public one, which may be any
	for _, e := range emails {
		if e.Primary {
			m["email"], m["email_verified"] = e.Email, e.Verified
		}
	}
	m["user_id"], m["nickname"], m["picture"] = m["id"], m["login"], m["avatar_url"]
	if textOf(m["name"]) == "" {
		m["name"] = m["login"]
	}
	return without(m, "id", "login", "avatar_url"), nil
}

func facebook(g *given) (map[string]any, error) {
	access := textOf(g.tokens["access_token"])
	mac := hmac.New(sha256.New, []byte(g.secret))
	mac.Write([]byte(access))
	q := url.Values{"fields": {"id,name,first_name,last_name,email,picture"}, "appsecret_proof": {hex.EncodeToString(mac.Sum(nil))}}
	m, err := g.object(g.userinfo + "?" + q.Encode())
	if err != nil {
		return nil, err
	}
	m["user_id"], m["given_name"], m["family_name"] = m["id"], m["first_name"], m["last_name"]
	if email := textOf(m["email"]); email != "" {
		m["email_verified"] = true // it tells no others
	}
	if outer, ok := m["picture"].(map[string]any); ok {
		inner, _ := outer["data"].(map[string]any)
		m["picture"] = inner["url"]
	}
	return without(m, "id", "first_name", "last_name"), nil
}

func windowsLive(g *given) (map[string]any, error) {
	m, err := g.object(g.userinfo)
	if err != nil {
		return nil, err
	}
	m["user_id"], m["name"], m["given_name"], m["family_name"] = m["id"], m["displayName"], m["givenName"], m["surname"]
	for _, name := range []string{"mail", "userPrincipalName"} {
		if address, err := NormalizeEmail(textOf(m[name])); err == nil && address != "" && m["email"] == nil {
			m["email"], m["email_verified"] = address, false // nothing says that it is
		}
	}
	return without(m, "id", "@odata.context"), nil
}

func twitter(g *given) (map[string]any, error) {
	outer, err := g.object(g.userinfo + "?user.fields=" + url.QueryEscape("confirmed_email,description,location,profile_image_url,url,verified"))
	if err != nil {
		return nil, err
	}
	m, _ := outer["data"].(map[string]any)
	if m == nil {
		return nil, failed("The identity provider gave no profile", "it has no data")
	}
	m["user_id"], m["nickname"], m["screen_name"], m["picture"] = m["id"], m["username"], m["username"], m["profile_image_url"]
	if email := textOf(m["confirmed_email"]); email != "" {
		m["email"], m["email_verified"] = email, true
	}
	return without(m, "id", "username", "profile_image_url", "confirmed_email"), nil
}

func discord(g *given) (map[string]any, error) {
	m, err := g.object(g.userinfo)
	if err != nil {
		return nil, err
	}
	id := textOf(m["id"])
	m["user_id"], m["nickname"], m["email_verified"] = id, m["username"], m["verified"] == true
	if m["name"] = m["global_name"]; textOf(m["name"]) == "" {
		m["name"] = m["username"]
	}
	if avatar := textOf(m["avatar"]); avatar != "" {
		m["picture"] = "https://cdn.discordapp.com/avatars/" + url.PathEscape(id) + "/" + url.PathEscape(avatar) + ".png"
	}
	return without(m, "id", "username", "verified"), nil
}

func spotify(g *given) (map[string]any, error) {
	m, err := g.object(g.userinfo)
	if err != nil {
		return nil, err
	}
	m["user_id"], m["name"], m["email_verified"] = m["id"], m["display_name"], false // Spotify says that it does not check
	if images, _ := m["images"].([]any); len(images) > 0 {
		first, _ := images[0].(map[string]any)
		m["picture"] = first["url"]
	}
	return without(m, "id", "display_name"), nil
}

// without leaves out what has got another name.
func without(m map[string]any, names ...string) map[string]any {
	maps.DeleteFunc(m, func(name string, _ any) bool { return slices.Contains(names, name) })
	return m
}
