package connection

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// social is a provider of the public, as it documents itself.
type social struct {
	strategy string // of its connections
	known    string // name of the custom social connections that mean it; empty: the strategy tells
	title    string // what people call it
	mark     string // on its button

	authorize, token, userinfo, keys, logout string

	issuer   string            // of its ID tokens; empty: they are not looked at, and userinfo says who the person is
	issuers  []string          // further names of it
	scopes   []string          // that are always asked for
	switches map[string]string // options that ask for a scope each, beside options.scope and options.freeform_scopes
	dropped  []string          // scopes of former days that options may still hold
	separate string            // what stands between scopes; empty: a space
	auth     string            // how the client proves itself
	pkce     bool
	nonce    bool
	mode     string            // response_mode
	params   map[string]string // of the address
	passes   []string          // parameters of the authorization request that go on
	profile  func(*given) (map[string]any, error)
}

const graph = "https://graph.facebook.com/v21.0"

// socials are all of them. Where a provider moves, its row changes.
var socials = []social{
	google("google-oauth2", "Google", "google", fromClaims, "access_type", "approval_prompt", "login_hint", "hd"),
	google(stagedoor.StrategyGoogleApps, "Google Workspace", "", workspace, "access_type", "approval_prompt", "login_hint"), // for the people of one company
	{ // developer.apple.com/documentation/signinwithapplerestapi
		strategy: "apple", title: "Apple", mark: "apple", authorize: "https://appleid.apple.com/auth/authorize", token: "https://appleid.apple.com/auth/token", keys: "https://appleid.apple.com/auth/keys",
		issuer: "https://appleid.apple.com", switches: map[string]string{"name": "name", "email": "email"}, auth: authApple, nonce: true, mode: "form_post", profile: apple,
	},
	{ // docs.github.com/apps/oauth-apps
		strategy: "github", title: "GitHub", mark: "github", authorize: "https://github.com/login/oauth/authorize", token: "https://github.com/login/oauth/access_token", userinfo: "https://api.github.com/user",
		scopes: []string{"user:email"}, pkce: true, profile: github, switches: map[string]string{
			"read_user": "read:user", "follow": "user:follow", "repo": "repo", "public_repo": "public_repo", "repo_deployment": "repo_deployment", "repo_status": "repo:status",
			"delete_repo": "delete_repo", "notifications": "notifications", "gist": "gist", "read_org": "read:org", "write_org": "write:org", "admin_org": "admin:org",
			"read_public_key": "read:public_key", "write_public_key": "write:public_key", "admin_public_key": "admin:public_key", "read_repo_hook": "read:repo_hook",
			"write_repo_hook": "write:repo_hook", "admin_repo_hook": "admin:repo_hook",
		},
	},
	{ // developers.facebook.com/docs/facebook-login; its logout wants the person's token in the address, where it would be seen
		strategy: "facebook", title: "Facebook", mark: "facebook", authorize: "https://www.facebook.com/v21.0/dialog/oauth", token: graph + "/oauth/access_token", userinfo: graph + "/me",
		scopes: []string{"public_profile", "email"}, separate: ",", profile: facebook, switches: map[string]string{
			"user_birthday": "user_birthday", "user_friends": "user_friends", "user_gender": "user_gender", "user_hometown": "user_hometown", "user_link": "user_link",
			"user_location": "user_location", "user_age_range": "user_age_range", "user_likes": "user_likes", "user_photos": "user_photos",
		},
	},
	{ // learn.microsoft.com/graph/auth-v2-user
		strategy: "windowslive", title: "Microsoft", mark: "microsoft", authorize: "https://login.microsoftonline.com/consumers/oauth2/v2.0/authorize",
		token: "https://login.microsoftonline.com/consumers/oauth2/v2.0/token", userinfo: "https://graph.microsoft.com/v1.0/me",
		logout: "https://login.microsoftonline.com/consumers/oauth2/v2.0/logout", scopes: []string{"User.Read"}, pkce: true, profile: windowsLive, passes: []string{"login_hint"},
		switches: map[string]string{"offline_access": "offline_access", "graph_calendars": "Calendars.Read", "graph_contacts": "Contacts.Read", "graph_files": "Files.Read", "graph_notes": "Notes.Read"},
	},
	{ // learn.microsoft.com/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2
		strategy: "linkedin", title: "LinkedIn", mark: "linkedin", authorize: "https://www.linkedin.com/oauth/v2/authorization", token: "https://www.linkedin.com/oauth/v2/accessToken",
		userinfo: "https://api.linkedin.com/v2/userinfo", scopes: []string{"openid", "profile", "email"}, dropped: []string{"r_liteprofile", "r_basicprofile", "r_fullprofile", "r_emailaddress"},
		profile: fromUserInfo,
	},
	{ // docs.x.com/fundamentals/authentication/oauth-2-0
		strategy: "twitter", title: "X", mark: "x", authorize: "https://x.com/i/oauth2/authorize", token: "https://api.x.com/2/oauth2/token", userinfo: "https://api.x.com/2/users/me",
		scopes: []string{"users.read", "tweet.read"}, switches: map[string]string{"offline_access": "offline.access"}, auth: authBasic, pkce: true, profile: twitter,
	},
	{ // docs.gitlab.com/integration/openid_connect_provider
		strategy: StrategyOAuth2, known: "gitlab", title: "GitLab", mark: "gitlab", authorize: "https://gitlab.com/oauth/authorize", token: "https://gitlab.com/oauth/token",
		userinfo: "https://gitlab.com/oauth/userinfo", keys: "https://gitlab.com/oauth/discovery/keys", issuer: "https://gitlab.com", scopes: []string{"openid", "profile", "email"},
		pkce: true, nonce: true, profile: fromUserInfo,
	},
	{ // discord.com/developers/docs/topics/oauth2
		strategy: StrategyOAuth2, known: "discord", title: "Discord", mark: "discord", authorize: "https://discord.com/oauth2/authorize", token: "https://discord.com/api/oauth2/token",
		userinfo: "https://discord.com/api/users/@me", scopes: []string{"identify", "email"}, pkce: true, profile: discord,
	},
	{ // api.slack.com/authentication/sign-in-with-slack
		strategy: StrategyOAuth2, known: "sign-in-with-slack", title: "Slack", mark: "slack", authorize: "https://slack.com/openid/connect/authorize", token: "https://slack.com/api/openid.connect.token",
		userinfo: "https://slack.com/api/openid.connect.userInfo", keys: "https://slack.com/openid/connect/keys", issuer: "https://slack.com", scopes: []string{"openid", "profile", "email"},
		nonce: true, profile: fromUserInfo,
	},
	{ // developer.spotify.com/documentation/web-api
		strategy: StrategyOAuth2, known: "spotify", title: "Spotify", mark: "spotify", authorize: "https://accounts.spotify.com/authorize", token: "https://accounts.spotify.com/api/token",
		userinfo: "https://api.spotify.com/v1/me", scopes: []string{"user-read-email", "user-read-private"}, auth: authBasic, pkce: true, profile: spotify,
	},
}

// google is a row of Google's, for everybody or for a company (developers.google.com/identity/openid-connect).
func google(strategy, title, mark string, profile func(*given) (map[string]any, error), passes ...string) social {
	return social{
		strategy: strategy, title: title, mark: mark, authorize: "https://accounts.google.com/o/oauth2/v2/auth", token: "https://oauth2.googleapis.com/token",
		userinfo: "https://openidconnect.googleapis.com/v1/userinfo", keys: "https://www.googleapis.com/oauth2/v3/certs", logout: "https://accounts.google.com/Logout",
		issuer: "https://accounts.google.com", issuers: []string{"accounts.google.com"}, scopes: []string{"openid", "email", "profile"}, pkce: true, nonce: true,
		passes: passes, profile: profile,
	}
}

// rowOf is the row of a connection; nil if it has none.
func rowOf(c *stagedoor.Connection) *social {
	if c.Strategy == StrategyOAuth2 && !c.IsKnownSocial() {
		return nil
	}
	i := slices.IndexFunc(socials, func(s social) bool { return s.strategy == c.Strategy && (s.known == "" || s.known == c.Name) })
	if i < 0 {
		return nil
	}
	return &socials[i]
}

// Title is what people call a connection: its own display name, else that of the provider that everybody knows.
func Title(c *stagedoor.Connection) string {
	if r := rowOf(c); r != nil && c.DisplayName == "" && c.IsSocial() {
		return r.title
	}
	return c.Title()
}

// Mark is the sign on a connection's button, as ui has it; empty where there is none.
func Mark(c *stagedoor.Connection) string {
	if !c.IsSocial() {
		return "company"
	}
	for _, s := range socials { // custom ones too that are made with addresses and a script, by their name
		if s.strategy == c.Strategy && (s.known == "" || s.known == c.Name) {
			return s.mark
		}
	}
	return ""
}

// standIn is the server that a connection reaches in the place of its provider's: the option stagedoor.base_url, for developers and tests.
func standIn(c *stagedoor.Connection) string {
	var local struct {
		BaseURL string `json:"base_url"`
	}
	_ = json.Unmarshal(c.Options.Stored["stagedoor"], &local) // absent is none
	return local.BaseURL
}

// plan is what the row says with the options of a connection.
func (s *social) plan(c *stagedoor.Connection) *plan {
	p := &plan{
		authorize: s.authorize, token: s.token, userinfo: s.userinfo, keys: s.keys, logout: s.logout, issuer: s.issuer, issuers: s.issuers, algs: []string{"RS256", "ES256"},
		clientID: c.Option("client_id"), secret: c.Option("client_secret"), auth: s.auth, separate: s.separate, nonce: s.nonce, mode: s.mode, params: s.params, passes: s.passes,
		scopes: append(append([]string{}, s.scopes...), s.wanted(c)...),
	}
	if s.pkce {
		p.pkce = "S256"
	}
	if c.Strategy == stagedoor.StrategyGoogleApps && len(c.Domains()) > 0 {
		p.params = map[string]string{"hd": c.Domains()[0]}
	}
	if c.OptionFlag("offline_access") && strings.HasPrefix(s.strategy, "google") {
		p.params = with(p.params, "access_type", "offline")
	}
	p.profile = func(g *given) (*profile, error) {
		m, err := s.profile(g)
		if err != nil {
			return nil, err
		}
		return person(m)
	}
	return p
}

func with(m map[string]string, name, value string) map[string]string {
	out := map[string]string{name: value}
	for n, v := range m {
		out[n] = v
	}
	return out
}

// wanted are the scopes that a connection's options ask for.
func (s *social) wanted(c *stagedoor.Connection) []string {
	all := slices.Concat(c.OptionList("scope"), c.OptionList("freeform_scopes"))
	names := make([]string, 0, len(s.switches))
	for name := range s.switches {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if c.OptionFlag(name) {
			all = append(all, s.switches[name])
		}
	}
	return slices.DeleteFunc(all, func(scope string) bool { return slices.Contains(s.dropped, scope) })
}
