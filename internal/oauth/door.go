package oauth

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/telemetry"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// Deps are what the door works with.
type Deps struct {
	DB       *store.DB
	Pipeline *pipeline.Pipeline
	Minter   *token.Minter
	Metrics  *telemetry.Metrics // nil: nothing is counted
	HTTP     *http.Client       // leaves the house for addresses that anybody names; nil: documents of clients are not fetched

	// Finish ends logins of clients that speak another protocol. out is nil where err says why there is nothing for them.
	Finish func(w http.ResponseWriter, r *http.Request, st *store.Store, req *stagedoor.AuthorizationRequest, out *pipeline.Outcome, err error)

	// SendApproval asks a person for the approval that a client waits for.
	SendApproval func(ctx context.Context, st *store.Store, u *stagedoor.User, c *stagedoor.Client, link, lang string, life time.Duration) error
}

// Door serves the protocol.
type Door struct {
	Deps
	documents documents    // of clients
	visitors  guard.Shared // how often tenants' visitors come and go
	refusals  guard.Rates  // of which the log tells
}

// New returns the door.
func New(d Deps) *Door { return &Door{Deps: d} }

type handler func(*Door, http.ResponseWriter, *http.Request, *store.Store)

type route struct {
	web.Route
	serve handler
}

// routes is the door's table of contents.
var routes = []route{
	{web.Route{Method: "GET", Pattern: "/.well-known/openid-configuration", Title: "Discovery document"}, (*Door).discovery},
	{web.Route{Method: "GET", Pattern: "/.well-known/oauth-authorization-server", Title: "Discovery document (RFC 8414)"}, (*Door).discovery},
	{web.Route{Method: "GET", Pattern: "/.well-known/jwks.json", Title: "Public keys"}, (*Door).jwks},
	{web.Route{Method: "GET", Pattern: "/pem", Title: "Certificate of the signing key, PEM"}, (*Door).certificate},
	{web.Route{Method: "GET", Pattern: "/rawpem", Title: "Certificate of the signing key, PEM as text"}, (*Door).certificate},
	{web.Route{Method: "GET", Pattern: "/cer", Title: "Certificate of the signing key, DER"}, (*Door).certificate},
	{web.Route{Method: "GET", Pattern: "/pb7", Title: "Certificate of the signing key, PKCS #7"}, (*Door).certificate},
	{web.Route{Method: "GET", Pattern: "/fingerprint", Title: "Fingerprint of the certificate of the signing key"}, (*Door).certificate},
	{web.Route{Method: "GET", Pattern: "/authorize", Title: "Authorization endpoint"}, (*Door).authorize},
	{web.Route{Method: "POST", Pattern: "/authorize", Title: "Authorization endpoint, form"}, (*Door).authorize},
	{web.Route{Method: "GET", Pattern: "/authorize/resume", Title: "Goes on with a login after a page"}, (*Door).resume},
	{web.Route{Method: "GET", Pattern: "/continue", Title: "The way back from where scripts sent somebody"}, (*Door).comeBack},
	{web.Route{Method: "POST", Pattern: "/continue", Title: "The way back, by a form"}, (*Door).comeBack},
	{web.Route{Method: "POST", Pattern: "/oauth/token", Title: "Token endpoint"}, (*Door).token},
	{web.Route{Method: "POST", Pattern: "/oidc/register", Title: "Registers a client (RFC 7591)"}, (*Door).register},
	{web.Route{Method: "POST", Pattern: "/oauth/par", Title: "Takes an authorization request beforehand (RFC 9126)"}, (*Door).push},
	{web.Route{Method: "POST", Pattern: "/oauth/device/code", Title: "Device authorization endpoint (RFC 8628)"}, (*Door).deviceCode},
	{web.Route{Method: "POST", Pattern: "/bc-authorize", Title: "Backchannel authentication endpoint (CIBA)"}, (*Door).bcAuthorize},
	{web.Route{Method: "POST", Pattern: "/mfa/challenge", Title: "What second factor a token request needs"}, (*Door).challengeFactor},
	{web.Route{Method: "POST", Pattern: "/mfa/associate", Title: "Sets up the first second factor"}, (*Door).associate},
	{web.Route{Method: "GET", Pattern: "/mfa/authenticators", Title: "Second factors of a person"}, (*Door).authenticators},
	{web.Route{Method: "POST", Pattern: deviceEnroll, Title: "Sets up a device that approves logins"}, (*Door).enrollDevice},
	{web.Route{Method: "POST", Pattern: deviceResolve, Title: "A device's answer to the question whether its person logs in"}, (*Door).resolveDevice},
	{web.Route{Method: "PATCH", Pattern: deviceAccounts + "/{id}", Title: "Changes a device that approves logins"}, (*Door).changeDevice},
	{web.Route{Method: "DELETE", Pattern: deviceAccounts + "/{id}", Title: "Removes a device that approves logins"}, (*Door).removeDevice},
	{web.Route{Method: "DELETE", Pattern: "/mfa/authenticators/{id}", Title: "Takes a second factor from its person"}, (*Door).removeAuthenticator},
	{web.Route{Method: "POST", Pattern: passwordlessStart, Title: "Sends a code or a link to sign in with"}, (*Door).startCode},
	{web.Route{Method: "POST", Pattern: passwordlessChallenge, Title: "What is asked of a page that sends a code, to tell people from programs"}, challengeFor(guard.FlowPasswordless)},
	{web.Route{Method: "POST", Pattern: passwordChallenge, Title: "What is asked of a page that sends a password"}, challengeFor(guard.FlowPassword)},
	{web.Route{Method: "POST", Pattern: signupChallenge, Title: "What is asked of a page that signs somebody up: nothing"}, noChallenge},
	{web.Route{Method: "POST", Pattern: resetChallenge, Title: "What is asked of a page that has a mail sent about a password: nothing"}, noChallenge},
	{web.Route{Method: "POST", Pattern: passwordlessVerify, Title: "Tells whether a code is right"}, (*Door).verifyCode},
	{web.Route{Method: "GET", Pattern: passwordlessLink, Title: "Link of a mail to sign in with"}, (*Door).byLink},
	{web.Route{Method: "POST", Pattern: passwordlessLink, Title: "Link of a mail to sign in with, form"}, (*Door).byLink},
	{web.Route{Method: "POST", Pattern: "/co/authenticate", Title: "Proves a person for a client's own form"}, (*Door).coAuthenticate},
	{web.Route{Method: "OPTIONS", Pattern: "/co/authenticate", Title: "Preflight of browsers"}, (*Door).preflightOwn},
	{web.Route{Method: "POST", Pattern: "/usernamepassword/login", Title: "Proves a person for a client's own form, old"}, (*Door).passwordLogin},
	{web.Route{Method: "OPTIONS", Pattern: "/usernamepassword/login", Title: "Preflight of browsers"}, (*Door).preflightOwn},
	{web.Route{Method: "GET", Pattern: "/client/{file}", Title: "What Lock may know of a client"}, (*Door).clientFile},
	{web.Route{Method: "GET", Pattern: countryPath, Title: "From which country somebody comes, as far as their browser says it"}, (*Door).country},
	{web.Route{Method: "GET", Pattern: "/user/ssodata", Title: "Whether somebody is signed in, for clients of the old kind"}, (*Door).ssoData},
	{web.Route{Method: "OPTIONS", Pattern: "/user/ssodata", Title: "Preflight of browsers"}, (*Door).preflightOwn},
	{web.Route{Method: "POST", Pattern: "/oauth/ro", Title: "Tokens for a password, for clients of the old kind"}, (*Door).resourceOwner},
	{web.Route{Method: "POST", Pattern: "/oauth/access_token", Title: "Tokens for a provider's access token, for clients of the old kind"}, (*Door).providerToken},
	{web.Route{Method: "POST", Pattern: "/delegation", Title: "ID tokens for ID tokens, for clients of the old kind"}, (*Door).delegation},
	{web.Route{Method: "GET", Pattern: "/tokeninfo", Title: "Profile of an ID token's user, for clients of the old kind"}, (*Door).tokenInfo},
	{web.Route{Method: "POST", Pattern: "/tokeninfo", Title: "Profile of an ID token's user, for clients of the old kind"}, (*Door).tokenInfo},
	{web.Route{Method: "GET", Pattern: "/login/unlink", Title: "Not served: takes an identity from a user"}, declineUnlink},
	{web.Route{Method: "POST", Pattern: "/login/unlink", Title: "Not served: takes an identity from a user"}, declineUnlink},
	{web.Route{Method: "POST", Pattern: "/users/{user_id}/impersonate", Title: "Not served: logs in as somebody else"}, declineImpersonate},
	{web.Route{Method: "POST", Pattern: "/passkey/challenge", Title: "What an app needs to sign somebody in with a passkey"}, startPasskey(false)},
	{web.Route{Method: "POST", Pattern: "/passkey/register", Title: "What an app needs to sign somebody up with a passkey"}, startPasskey(true)},
	{web.Route{Method: "POST", Pattern: databaseCodePath, Title: "Sends a code by which an app signs somebody of a database in, or up"}, (*Door).startDatabaseCode},
	{web.Route{Method: "POST", Pattern: anonymousToken, Title: "Tokens of a visitor whom nobody knows"}, (*Door).anonymous},
	{web.Route{Method: "OPTIONS", Pattern: anonymousToken, Title: "Preflight of browsers"}, (*Door).preflightVisitor},
	{web.Route{Method: "POST", Pattern: anonymousLogout, Title: "Ends the session of a visitor"}, (*Door).endAnonymous},
	{web.Route{Method: "OPTIONS", Pattern: anonymousLogout, Title: "Preflight of browsers"}, (*Door).preflightVisitor},
	{web.Route{Method: "POST", Pattern: "/oauth/revoke", Title: "Revokes a refresh token"}, (*Door).revoke},
	{web.Route{Method: "POST", Pattern: revocationPath + "{connection_name}", Title: "Ends all of somebody's access, at the word of their identity provider"}, (*Door).revokeAccess},
	{web.Route{Method: "POST", Pattern: "/oauth/introspect", Title: "Tells what a token stands for (RFC 7662)"}, (*Door).introspect},
	{web.Route{Method: "GET", Pattern: "/userinfo", Title: "Claims of the token's user"}, (*Door).userInfo},
	{web.Route{Method: "POST", Pattern: "/userinfo", Title: "Claims of the token's user"}, (*Door).userInfo},
	{web.Route{Method: "GET", Pattern: "/v2/logout", Title: "Ends the session, returnTo"}, (*Door).logout},
	{web.Route{Method: "GET", Pattern: "/logout", Title: "The way back from signing out at a provider, or its word that somebody did"}, (*Door).backFromProvider},
	{web.Route{Method: "POST", Pattern: "/logout", Title: "The same, by a form"}, (*Door).postedFromProvider},
	{web.Route{Method: "GET", Pattern: "/oidc/logout", Title: "RP-initiated logout"}, (*Door).oidcLogout},
	{web.Route{Method: "POST", Pattern: "/oidc/logout", Title: "RP-initiated logout"}, (*Door).oidcLogout},
}

// Routes lists what the door serves.
func (d *Door) Routes() []web.Route {
	out := make([]web.Route, len(routes))
	for i, r := range routes {
		out[i] = r.Route
	}
	return out
}

// Register puts the door's routes on a mux. The server in front has set the request's host, scheme
// and client address (see web.Issuer).
func (d *Door) Register(mux *http.ServeMux) {
	for _, r := range routes {
		mux.HandleFunc(r.Method+" "+r.Pattern, func(w http.ResponseWriter, req *http.Request) {
			if crossOrigin[r.Pattern] {
				allowAny(w, req)
			}
			st, err := d.DB.TenantByDomain(req.Context(), req.Host)
			switch {
			case err == nil:
			case page.Wanted(req):
				page.NoTenant(w, req, err)
				return
			default:
				answerError(w, req, err)
				return
			}
			r.serve(d, w, req, st.Once())
		})
	}
	for pattern := range crossOrigin {
		mux.HandleFunc("OPTIONS "+pattern, func(w http.ResponseWriter, req *http.Request) {
			allowAny(w, req)
			w.WriteHeader(http.StatusNoContent)
		})
	}
}

// crossOrigin are the endpoints that pages of any origin may call: they take no cookie,
// so the browser lends a foreign page nothing.
var crossOrigin = map[string]bool{
	"/.well-known/openid-configuration": true, "/.well-known/oauth-authorization-server": true,
	"/.well-known/jwks.json": true, "/oauth/token": true, "/oauth/device/code": true, "/mfa/challenge": true, "/mfa/associate": true, "/mfa/authenticators": true, "/mfa/authenticators/{id}": true,
	"/oauth/revoke": true, "/userinfo": true, "/oauth/par": true, "/oidc/register": true, passwordlessStart: true, passwordlessChallenge: true, passwordlessVerify: true, passwordChallenge: true, signupChallenge: true, resetChallenge: true,
	"/passkey/challenge": true, "/passkey/register": true, databaseCodePath: true, countryPath: true,
}

// Detour is for requests whose path the mux writes in another way, such as //oauth/token of an authority that ends in a slash: pages of other origins may follow the
// redirect to a route of theirs, pattern, as they may call it. A preflight, which must not be led elsewhere, is answered (and true returned).
func Detour(w http.ResponseWriter, r *http.Request, pattern string) (answered bool) {
	if _, path, _ := strings.Cut(pattern, " "); !crossOrigin[path] {
		return false
	}
	allowAny(w, r)
	if r.Method != http.MethodOptions {
		return false
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}

func allowAny(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "WWW-Authenticate, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, DPoP-Nonce")
	if r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Methods", "GET, POST, DELETE, OPTIONS")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Auth0-Client, DPoP, X-Request-Language, Auth0-Forwarded-For")
		h.Set("Access-Control-Max-Age", "3600")
	}
}

// visit is the request as the pipeline needs it.
func visit(r *http.Request, st *store.Store) pipeline.Visit {
	return pipeline.VisitOf(r, st, page.Language(r, st))
}

// visitFor is the visit of the person for whom a client asks, as far as it may say who that is.
func visitFor(r *http.Request, st *store.Store, client *stagedoor.Client) pipeline.Visit {
	v := visit(r, st)
	v.IP = cmp.Or(forwardedFor(r, client), v.IP)
	return v
}

// visitForMail is visitFor where the client may also say the language of what is sent.
func visitForMail(r *http.Request, st *store.Store, client *stagedoor.Client) pipeline.Visit {
	v := visitFor(r, st, client)
	if lang := r.Header.Get("X-Request-Language"); lang != "" {
		v.Language = ui.Language(lang)
	}
	return v
}
