package standin

import (
	"cmp"
	"maps"
	"net/http"
	"strconv"
	"strings"
)

// row is one provider: its addresses, below the host that they have in the world, and the form of its answers.
type row struct {
	name         string
	authorize    string
	token        string
	profiles     map[string]func(Person) any // path to what it answers
	keys         string                      // of the key set
	logout       string
	discovery    string
	issuer       string         // of ID tokens; empty: there are none. "self" is the address itself
	basic        bool           // the client is known by HTTP Basic
	signed       bool           // the client's secret is a signed token
	tokenMembers map[string]any // further members of the answer with the token
	failure      map[string]any // the answer where there is no token; nil: that of RFC 6749
	failStatus   int
	native       string                      // where the tokens of apps are looked at
	idClaims     func(Person) map[string]any // of the ID token; nil: as OpenID Connect has them
}

var rows = []row{
	{
		name: "OpenID Connect", authorize: "/authorize", token: "/token", keys: "/jwks", logout: "/logout", discovery: "/.well-known/openid-configuration", issuer: "self",
		profiles: map[string]func(Person) any{"/userinfo": openID, "/profile": plain},
	},
	{
		name: "Google", authorize: "/accounts.google.com/o/oauth2/v2/auth", token: "/oauth2.googleapis.com/token", keys: "/www.googleapis.com/oauth2/v3/certs",
		native: "/oauth2.googleapis.com/tokeninfo",
		issuer: "https://accounts.google.com", logout: "/accounts.google.com/Logout", profiles: map[string]func(Person) any{"/openidconnect.googleapis.com/v1/userinfo": openID},
	},
	{
		name: "Apple", authorize: "/appleid.apple.com/auth/authorize", token: "/appleid.apple.com/auth/token", keys: "/appleid.apple.com/auth/keys",
		issuer: "https://appleid.apple.com", signed: true, idClaims: func(p Person) map[string]any {
			return map[string]any{"email": p.Email, "email_verified": strconv.FormatBool(p.EmailVerified), "is_private_email": "false"} // texts, as documented
		},
	},
	{
		name: "GitHub", authorize: "/github.com/login/oauth/authorize", token: "/github.com/login/oauth/access_token", failStatus: http.StatusOK,
		failure:      map[string]any{"error": "bad_verification_code", "error_description": "The code passed is incorrect or expired.", "error_uri": "https://docs.github.com/"},
		tokenMembers: map[string]any{"scope": "user:email", "token_type": "bearer"},
		profiles: map[string]func(Person) any{
			"/api.github.com/user": func(p Person) any {
				return p.with(map[string]any{
					"login": p.Nickname, "id": p.number(), "node_id": "MDQ6VXNlcjE=", "avatar_url": p.Picture, "html_url": "https://github.com/" + p.Nickname, "type": "User",
					"site_admin": false, "name": orNull(p.Name), "company": nil, "email": nil, "bio": nil,
				})
			},
			"/api.github.com/user/emails": func(p Person) any {
				return []map[string]any{
					{"email": "old-" + p.Email, "primary": false, "verified": true, "visibility": nil},
					{"email": p.Email, "primary": true, "verified": p.EmailVerified, "visibility": "private"},
				}
			},
		},
	},
	{
		name: "Facebook", authorize: "/www.facebook.com/v21.0/dialog/oauth", token: "/graph.facebook.com/v21.0/oauth/access_token", failStatus: http.StatusBadRequest,
		failure: map[string]any{"error": map[string]any{"message": "This authorization code has been used.", "type": "OAuthException", "code": 100}},
		native:  "/graph.facebook.com/v21.0/debug_token", profiles: map[string]func(Person) any{"/graph.facebook.com/v21.0/me": func(p Person) any {
			return p.with(map[string]any{
				"id": p.Subject, "name": p.Name, "first_name": p.GivenName, "last_name": p.FamilyName, "email": p.Email,
				"picture": map[string]any{"data": map[string]any{"url": p.Picture, "is_silhouette": false, "height": 50, "width": 50}},
			})
		}},
	},
	{
		name: "Microsoft", authorize: "/login.microsoftonline.com/consumers/oauth2/v2.0/authorize", token: "/login.microsoftonline.com/consumers/oauth2/v2.0/token",
		logout: "/login.microsoftonline.com/consumers/oauth2/v2.0/logout",
		profiles: map[string]func(Person) any{"/graph.microsoft.com/v1.0/me": func(p Person) any {
			return p.with(map[string]any{"id": p.Subject, "displayName": p.Name, "givenName": p.GivenName, "surname": p.FamilyName, "userPrincipalName": p.Email, "mail": nil})
		}},
	},
	{
		name: "Microsoft Entra ID", discovery: "/login.microsoftonline.com/contoso.example/v2.0/.well-known/openid-configuration", authorize: "/login.microsoftonline.com/contoso.example/oauth2/v2.0/authorize", token: "/login.microsoftonline.com/contoso.example/oauth2/v2.0/token",
		keys: "/login.microsoftonline.com/contoso.example/discovery/v2.0/keys", issuer: "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0",
		logout: "/login.microsoftonline.com/contoso.example/oauth2/v2.0/logout", profiles: map[string]func(Person) any{}, idClaims: func(p Person) map[string]any {
			return map[string]any{"oid": "oid-" + p.Subject, "tid": "11111111-2222-3333-4444-555555555555", "preferred_username": p.Email, "name": p.Name, "email": p.Email, "ver": "2.0"}
		},
	},
	{
		name: "LinkedIn", authorize: "/www.linkedin.com/oauth/v2/authorization", token: "/www.linkedin.com/oauth/v2/accessToken",
		profiles: map[string]func(Person) any{"/api.linkedin.com/v2/userinfo": func(p Person) any {
			m := openID(p).(map[string]any)
			m["locale"] = map[string]any{"country": "US", "language": "en"}
			return m
		}},
	},
	{
		name: "X", authorize: "/x.com/i/oauth2/authorize", token: "/api.x.com/2/oauth2/token", basic: true, tokenMembers: map[string]any{"token_type": "bearer", "scope": "users.read tweet.read"},
		profiles: map[string]func(Person) any{"/api.x.com/2/users/me": func(p Person) any {
			return map[string]any{"data": p.with(map[string]any{"id": p.Subject, "name": p.Name, "username": p.Nickname, "profile_image_url": p.Picture})}
		}},
	},
	{
		name: "GitLab", authorize: "/gitlab.com/oauth/authorize", token: "/gitlab.com/oauth/token", keys: "/gitlab.com/oauth/discovery/keys", issuer: "https://gitlab.com",
		profiles: map[string]func(Person) any{"/gitlab.com/oauth/userinfo": openID},
	},
	{
		name: "Discord", authorize: "/discord.com/oauth2/authorize", token: "/discord.com/api/oauth2/token",
		profiles: map[string]func(Person) any{"/discord.com/api/users/@me": func(p Person) any {
			return p.with(map[string]any{
				"id": p.Subject, "username": p.Nickname, "global_name": p.Name, "discriminator": "0", "avatar": "8342729096ea3675442027381ff50dfe", "email": p.Email, "verified": p.EmailVerified,
				"locale": "en-US", "mfa_enabled": true,
			})
		}},
	},
	{
		name: "Slack", authorize: "/slack.com/openid/connect/authorize", token: "/slack.com/api/openid.connect.token", keys: "/slack.com/openid/connect/keys", issuer: "https://slack.com",
		tokenMembers: map[string]any{"ok": true}, failStatus: http.StatusOK, failure: map[string]any{"ok": false, "error": "invalid_code"},
		profiles: map[string]func(Person) any{"/slack.com/api/openid.connect.userInfo": func(p Person) any {
			m := openID(p).(map[string]any)
			m["ok"], m["https://slack.com/user_id"], m["https://slack.com/team_id"] = true, p.Subject, "T0123"
			return m
		}},
	},
	{
		name: "Spotify", authorize: "/accounts.spotify.com/authorize", token: "/accounts.spotify.com/api/token", basic: true,
		profiles: map[string]func(Person) any{"/api.spotify.com/v1/me": func(p Person) any {
			return p.with(map[string]any{
				"id": p.Subject, "display_name": p.Name, "email": p.Email, "uri": "spotify:user:" + p.Subject, "country": "SE", "product": "premium", "type": "user",
				"images": []map[string]any{{"url": p.Picture, "height": 64, "width": 64}},
			})
		}},
	},
}

func (r *row) userinfo() string {
	for path := range r.profiles {
		if strings.HasSuffix(path, "userinfo") {
			return path
		}
	}
	return ""
}

func (r *row) issuerAt(req *http.Request) string {
	if r.issuer == "self" {
		return base(req)
	}
	return r.issuer
}

// claims are what the provider's ID tokens say of a person.
func (r *row) claims(p Person) map[string]any {
	if r.idClaims != nil {
		return r.idClaims(p)
	}
	m := openID(p).(map[string]any)
	delete(m, "sub")
	return m
}

func (r *row) fail(w http.ResponseWriter) {
	if r.failure != nil {
		writeJSON(w, r.failStatus, r.failure)
		return
	}
	writeJSON(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant", "error_description": "The code is not good."})
}

// openID is a person as OpenID Connect says it (Core section 5.1).
func openID(p Person) any {
	m := map[string]any{"sub": p.Subject}
	if p.Email != "" {
		m["email"], m["email_verified"] = p.Email, p.EmailVerified
	}
	for name, value := range map[string]string{"name": p.Name, "given_name": p.GivenName, "family_name": p.FamilyName, "nickname": p.Nickname, "picture": p.Picture} {
		if value != "" {
			m[name] = value
		}
	}
	return p.with(m)
}

// plain is a person as custom social connections want it.
func plain(p Person) any {
	m := openID(p).(map[string]any)
	delete(m, "sub")
	if p.Subject != "" {
		m["user_id"] = p.Subject
	}
	return m
}

// with adds what else is said of the person.
func (p Person) with(m map[string]any) map[string]any {
	maps.Copy(m, p.More)
	return m
}

func (p Person) number() int {
	n, _ := strconv.Atoi(p.Subject)
	return cmp.Or(n, 1)
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
