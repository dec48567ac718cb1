package oauth

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Limits of a registration. registrations bounds what one address can register: twenty at once, then one every three seconds.
const (
	maxRedirects  = 20
	maxURI        = 2000 // characters
	maxClientName = 100
)

var registrations = stagedoor.Throttle{MaxAttempts: 20, Rate: 3000}

// registration is what of a client's metadata is read; everything else is ignored (RFC 7591 section 2, OpenID Connect Dynamic Client
// Registration 2).
type registration struct {
	RedirectURIs  []string `json:"redirect_uris"`
	Name          string   `json:"client_name"`
	AuthMethod    string   `json:"token_endpoint_auth_method"`
	GrantTypes    []string `json:"grant_types"`
	ResponseTypes []string `json:"response_types"`
	Type          string   `json:"application_type"`
	LogoURI       string   `json:"logo_uri"`
	InitiateURI   string   `json:"initiate_login_uri"`
	LogoutURIs    []string `json:"post_logout_redirect_uris"`
	IDTokenAlg    string   `json:"id_token_signed_response_alg"`
	UserInfoAlg   string   `json:"userinfo_signed_response_alg"`
	RequirePAR    bool     `json:"require_pushed_authorization_requests"`
	BoundByDPoP   bool     `json:"dpop_bound_access_tokens"`
	BoundByTLS    bool     `json:"tls_client_certificate_bound_access_tokens"`
}

// register makes a client of whoever asks, where the tenant lets anybody (Authentication API fact sheet 6.14). Such a client is somebody else's: it asks
// people for consent, signs them in through connections of the domain only, and gets tokens of APIs as far as those give them to everybody.
func (d *Door) register(w http.ResponseWriter, r *http.Request, st *store.Store) {
	out, err := d.registered(w, r, st)
	if err != nil {
		logUnregistered(r, st, err)
		answerError(w, r, err)
		return
	}
	noStore(w)
	web.WriteJSON(w, http.StatusCreated, out)
}

// logUnregistered notes that somebody's registration was refused, and why.
func logUnregistered(r *http.Request, st *store.Store, err error) {
	e := web.LogEvent(r, stagedoor.LogEvent{Type: "fapi", Description: "Dynamic client registration: " + cut(stagedoor.AsError(err).Message)})
	switch stagedoor.AsError(err).Kind {
	case stagedoor.Internal, stagedoor.Unavailable:
		return
	case stagedoor.TooMany:
		e.Type = "limit_mu"
	}
	st.Log(e)
}

func errMetadata(format string, args ...any) error {
	return stagedoor.Errorf(stagedoor.Invalid, "invalid_client_metadata", format, args...)
}

func (d *Door) registered(w http.ResponseWriter, r *http.Request, st *store.Store) (map[string]any, error) {
	if !st.Tenant().Settings.Flags[stagedoor.FlagRegistration] {
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "Dynamic client registration is not enabled.")
	}
	room, err := st.TakeAttempt(r.Context(), "register", stagedoor.Network(r.RemoteAddr), registrations)
	if err != nil {
		return nil, err
	}
	if !room {
		return nil, stagedoor.Errorf(stagedoor.TooMany, "too_many_requests", "Too many registrations from this address.")
	}
	var in registration
	b, err := readBody(w, r, "invalid_client_metadata")
	if err != nil {
		return nil, err
	}
	if unreadable(string(b)) || json.Unmarshal(b, &in) != nil {
		return nil, errMetadata("The metadata are not a JSON object of the known members.")
	}
	c, err := in.client(st.Tenant().Settings.RegistrationMode())
	if err != nil {
		return nil, err
	}
	c.DocumentAt = st.Clock().Now().Unix()
	if err := st.RegisterClient(r.Context(), c, maxClients); err != nil {
		return nil, err
	}
	st.Log(web.LogEvent(r, stagedoor.LogEvent{Type: "sapi", Description: "Dynamic client registration", ClientID: c.ID, ClientName: c.Name}))
	return in.answer(c, st), nil
}

// client makes a client of the metadata.
func (in *registration) client(mode string) (*stagedoor.Client, error) {
	if err := in.complete(mode); err != nil {
		return nil, err
	}
	if err := in.checkURIs(); err != nil {
		return nil, err
	}
	c := &stagedoor.Client{
		ID: stagedoor.NewThirdPartyClientID(), Name: in.Name, AppType: "regular_web", OIDCConformant: true, Callbacks: in.RedirectURIs, GrantTypes: in.GrantTypes,
		TokenEndpointAuthMethod: in.AuthMethod, LogoURI: in.LogoURI, InitiateLoginURI: in.InitiateURI, AllowedLogoutURLs: in.LogoutURIs,
		JWTConfiguration: stagedoor.JWTConfiguration{Algorithm: in.IDTokenAlg, LifetimeInSeconds: 36000},
		RefreshToken:     stagedoor.RefreshTokenRules{RotationType: "rotating", ExpirationType: "expiring", TokenLifetime: 2592000, IdleTokenLifetime: 1296000},
		Stored:           map[string]json.RawMessage{"third_party_security_mode": json.RawMessage(`"` + mode + `"`)},
	}
	if in.Type == "native" {
		c.AppType = "native"
	}
	if !c.Public() {
		c.Secret = stagedoor.NewSecret()
	}
	if in.RequirePAR {
		c.RequirePAR = new(true)
	}
	if in.BoundByDPoP || in.BoundByTLS {
		c.RequireProofOfPossession = new(true)
	}
	if in.UserInfoAlg != "" {
		c.Stored["userinfo_signed_response_alg"] = json.RawMessage(`"` + in.UserInfoAlg + `"`)
	}
	return c, nil
}

// complete fills in what is left out and refuses what is not served, or does not go together (RFC 7591 sections 2 and 2.1).
func (in *registration) complete(mode string) error {
	fill := func(value *string, otherwise string) {
		if *value == "" {
			*value = otherwise
		}
	}
	fill(&in.AuthMethod, "client_secret_basic")
	fill(&in.IDTokenAlg, "RS256")
	fill(&in.Type, "web")
	fill(&in.Name, "Unnamed client")
	if len(in.GrantTypes) == 0 {
		in.GrantTypes = []string{"authorization_code"}
	}
	if len(in.ResponseTypes) == 0 {
		in.ResponseTypes = []string{"code"}
	}
	grants := []string{"authorization_code", "refresh_token"}
	if mode != "strict" {
		grants = append(grants, "implicit")
	}
	one := func(value string, of ...string) bool { return slices.Contains(of, value) }
	switch {
	case !one(in.AuthMethod, "none", "client_secret_basic", "client_secret_post"):
		return errMetadata("token_endpoint_auth_method must be none, client_secret_basic or client_secret_post")
	case !one(in.Type, "web", "native"):
		return errMetadata("application_type must be web or native")
	case !one(in.IDTokenAlg, "RS256", "PS256"):
		return errMetadata("id_token_signed_response_alg must be RS256 or PS256")
	case !one(in.UserInfoAlg, "", "RS256", "PS256"):
		return errMetadata("userinfo_signed_response_alg must be RS256 or PS256")
	case len(in.Name) > maxClientName || strings.ContainsAny(in.Name, "<>") || strings.ContainsFunc(in.Name, stagedoor.Invisible) || strings.TrimSpace(in.Name) == "":
		return errMetadata("client_name must have at most %d characters, none of them < or > or invisible", maxClientName)
	}
	for _, g := range in.GrantTypes {
		if !one(g, grants...) {
			return errMetadata("grant_types may hold %s", strings.Join(grants, ", "))
		}
	}
	needed := []string{}
	for i, t := range in.ResponseTypes {
		in.ResponseTypes[i] = sortedWords(t)
		of, known := responseTypes[in.ResponseTypes[i]]
		if !known {
			return errMetadata("response_types holds one that is not known")
		}
		needed = append(needed, of...)
	}
	for _, g := range needed {
		if !one(g, in.GrantTypes...) {
			return errMetadata("response_types and grant_types do not go together: %s is missing", g)
		}
	}
	in.GrantTypes = distinct(in.GrantTypes)
	return nil
}

// checkURIs refuses addresses at which others could listen or that a browser would run.
func (in *registration) checkURIs() error {
	redirect := func(why string) error {
		return stagedoor.Errorf(stagedoor.Invalid, "invalid_redirect_uri", "redirect_uris %s", why)
	}
	switch {
	case len(in.RedirectURIs) == 0:
		return redirect("must not be empty")
	case len(in.RedirectURIs) > maxRedirects:
		return redirect("holds too many")
	}
	for _, s := range in.RedirectURIs {
		if !returnable(s) {
			return redirect("must hold absolute URIs without a fragment or a *: https, http on this machine, or a scheme of the application's own")
		}
	}
	for name, list := range map[string][]string{"post_logout_redirect_uris": in.LogoutURIs, "logo_uri": {in.LogoURI}, "initiate_login_uri": {in.InitiateURI}} {
		for _, s := range list {
			if s == "" && name != "post_logout_redirect_uris" {
				continue
			}
			if !returnable(s) || name != "post_logout_redirect_uris" && !strings.HasPrefix(strings.ToLower(s), "https://") || len(list) > maxRedirects {
				return errMetadata("%s must be an https URI", name)
			}
		}
	}
	return nil
}

// returnable tells whether a browser may be sent to the address with a code.
func returnable(s string) bool {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxURI || !u.IsAbs() || u.User != nil || strings.ContainsAny(s, "#*{}") || hasControl(s) || slices.Contains(runningSchemes, strings.ToLower(u.Scheme)) {
		return false
	}
	switch strings.ToLower(u.Scheme) {
	case "https":
		return u.Host != "" && ascii(u.Host)
	case "http":
		ip, err := netip.ParseAddr(strings.Trim(u.Hostname(), "[]"))
		return u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	}
	return !slices.Contains([]string{"ftp", "ws", "wss", "mailto", "tel", "sms", "intent", "ms-appx", "chrome", "resource"}, strings.ToLower(u.Scheme))
}

// answer is what the client learns of itself (RFC 7591 section 3.2.1).
func (in *registration) answer(c *stagedoor.Client, st *store.Store) map[string]any {
	out := map[string]any{
		"client_id": c.ID, "client_name": c.Name, "redirect_uris": c.Callbacks, "grant_types": c.GrantTypes, "response_types": in.ResponseTypes,
		"token_endpoint_auth_method": c.TokenEndpointAuthMethod, "application_type": in.Type, "client_id_issued_at": st.Clock().Now().Unix(),
		"id_token_signed_response_alg": c.JWTConfiguration.Algorithm,
	}
	if c.Secret != "" {
		out["client_secret"], out["client_secret_expires_at"] = c.Secret, 0
	}
	for name, value := range map[string]string{"logo_uri": c.LogoURI, "initiate_login_uri": c.InitiateLoginURI, "userinfo_signed_response_alg": in.UserInfoAlg} {
		if value != "" {
			out[name] = value
		}
	}
	if len(c.AllowedLogoutURLs) > 0 {
		out["post_logout_redirect_uris"] = c.AllowedLogoutURLs
	}
	if in.RequirePAR {
		out["require_pushed_authorization_requests"] = true
	}
	if c.RequireProofOfPossession != nil {
		out["dpop_bound_access_tokens"] = in.BoundByDPoP
		out["tls_client_certificate_bound_access_tokens"] = in.BoundByTLS
	}
	return out
}
