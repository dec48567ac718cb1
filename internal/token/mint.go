package token

import (
	"context"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Lifetimes of tokens that are good for /userinfo only, in seconds.
const (
	userInfoLifetime    = 86400
	userInfoLifetimeWeb = 7200
)

// Minter makes tokens.
type Minter struct{ Keys *Keys }

// Access is how an access token is to be made.
type Access struct {
	Client *stagedoor.Client
	API    *stagedoor.ResourceServer // nil: for /userinfo only
	Web    bool                      // straight from /authorize: the API's lifetime for the web
	Origin string                    // the code that it comes from
}

// AccessToken returns a token and its life in seconds: a JWT for an API, an opaque one
// for /userinfo. An opaque token, and what scripts said of the user, is kept in the store.
func (m *Minter) AccessToken(ctx context.Context, st *store.Store, a *stagedoor.Authorization, how Access) (token string, life int, err error) {
	now := st.Clock().Now()
	if how.API == nil {
		life = userInfoLifetime
		if how.Web {
			life = userInfoLifetimeWeb
		}
		token = stagedoor.NewToken()
		return token, life, st.SaveAccessToken(ctx, token, how.Origin, a, now.Add(time.Duration(life)*time.Second))
	}
	if err := Mintable(ctx, st, a, how); err != nil {
		return "", 0, err
	}
	life = how.API.TokenLifetime
	if how.Web && how.API.TokenLifetimeForWeb > 0 {
		life = how.API.TokenLifetimeForWeb
	}
	claims := m.accessClaims(a, how, now, life)
	if strings.HasSuffix(how.API.TokenDialect, "_authz") {
		if claims["permissions"], err = permissions(ctx, st, how.API, a); err != nil {
			return "", 0, err
		}
	}
	if token, err = m.signAccess(ctx, st, how, claims); err != nil {
		return "", 0, err
	}
	if forUserInfo(a, how.API) && len(a.IDClaims) > 0 { // /userinfo answers them too
		err = st.SaveAccessToken(ctx, token, how.Origin, a, now.Add(time.Duration(life)*time.Second))
	}
	return token, life, err
}

// Mintable refuses what no access token is made of. Who uses something up for a token asks before.
func Mintable(ctx context.Context, st *store.Store, a *stagedoor.Authorization, how Access) error {
	if how.API == nil {
		return nil
	}
	if err := CheckPolicy(how.API, a.UserID != ""); err != nil {
		return err
	}
	if ReachesMethods(st.Tenant(), how.API, a.Scope) {
		if err := checkFactor(ctx, st, a, how.API); err != nil {
			return err
		}
	}
	return CheckBinding(how.API, how.Client, Confirmation{a.JKT, a.X5T})
}

func (m *Minter) accessClaims(a *stagedoor.Authorization, how Access, now time.Time, life int) map[string]any {
	claims := map[string]any{}
	for name, value := range a.TokenClaims {
		if !how.API.IsSystem || strings.Contains(name, ":") { // plain names stay out of tokens for our own APIs
			claims[name] = value
		}
	}
	subject := a.UserID
	if subject == "" {
		subject = a.ClientID + "@clients"
	}
	claims["iss"], claims["sub"], claims["aud"] = a.Issuer, subject, a.Audience
	claims["iat"], claims["exp"] = now.Unix(), now.Unix()+int64(life)
	if forUserInfo(a, how.API) {
		claims["aud"] = []string{a.Audience, a.Issuer + "userinfo"}
	}
	if len(a.Scope) > 0 {
		claims["scope"] = strings.Join(a.Scope, " ")
	}
	organizationClaims(claims, a)
	if a.Actor != nil {
		claims["act"] = a.Actor
	}
	if cnf := (Confirmation{a.JKT, a.X5T}).Claim(); cnf != nil {
		claims["cnf"] = cnf
	}
	if len(a.Details) > 0 {
		claims["authorization_details"] = a.Details
	}
	if how.API.IsSystem && a.UserID != "" && a.AccessEnded > 0 {
		claims[claimEnded] = a.AccessEnded
	}
	if rfc9068(how.API) {
		claims["client_id"], claims["jti"] = a.ClientID, stagedoor.NewToken()
		return claims
	}
	claims["azp"] = a.ClientID
	if a.GrantType != "" {
		claims["gty"] = a.GrantType
	}
	return claims
}

// checkFactor refuses a token that reaches the factors of somebody who has some and gave none for it. Logins ask for one; this holds for all other ways
// to a token.
func checkFactor(ctx context.Context, st *store.Store, a *stagedoor.Authorization, api *stagedoor.ResourceServer) error {
	if a.Factor {
		return nil
	}
	all, err := st.AuthenticationMethods(ctx, a.UserID)
	for _, m := range all {
		if m.Type != store.TypePasskey && m.Type != store.TypeRecovery && m.Type != "password" {
			return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "A second factor is needed for a token of the %s.", strings.TrimPrefix(api.Name, "Auth0 "))
		}
	}
	return err
}

// forUserInfo tells whether a token for an API is good for /userinfo too.
func forUserInfo(a *stagedoor.Authorization, rs *stagedoor.ResourceServer) bool {
	return a.UserID != "" && a.HasScope("openid") && rs.SigningAlgorithm != jose.HS256 && rs.TokenEncryption == nil
}

func rfc9068(rs *stagedoor.ResourceServer) bool {
	return strings.HasPrefix(rs.TokenDialect, "rfc9068_profile")
}

// signAccess signs an access token and, where the API wants that, encrypts it for the API.
func (m *Minter) signAccess(ctx context.Context, st *store.Store, how Access, claims map[string]any) (string, error) {
	signed, err := m.signedAccess(ctx, st, how, claims)
	if e := how.API.TokenEncryption; err == nil && e != nil {
		return jose.EncryptJWT(signed, e.Key.Algorithm, e.Key.KID, []byte(e.Key.PEM))
	}
	return signed, err
}

func (m *Minter) signedAccess(ctx context.Context, st *store.Store, how Access, claims map[string]any) (string, error) {
	typ := "JWT"
	if rfc9068(how.API) {
		typ = "at+jwt"
	}
	if how.API.SigningAlgorithm == jose.HS256 {
		return signShared([]byte(how.API.SigningSecret), typ, claims)
	}
	return m.Keys.sign(ctx, st, how.API.SigningAlgorithm, typ, claims)
}

// signShared signs with a secret that the receiver knows too (HS256).
func signShared(secret []byte, typ string, claims map[string]any) (string, error) {
	signer, err := jose.NewSigner(jose.HS256, "", secret, typ)
	if err != nil {
		return "", err
	}
	return signer.Sign(claims)
}

// Sign signs claims with the tenant's key.
func (m *Minter) Sign(ctx context.Context, st *store.Store, alg string, claims map[string]any) (string, error) {
	return m.Keys.sign(ctx, st, alg, "JWT", claims)
}

// Machine returns a token that a client gets in its own name, and its life in seconds.
func (m *Minter) Machine(ctx context.Context, st *store.Store, c *stagedoor.Client, rs *stagedoor.ResourceServer, audience, issuer string, scope []string) (string, int, error) {
	a := &stagedoor.Authorization{ClientID: c.ID, Audience: audience, Scope: scope, GrantType: "client-credentials", Issuer: issuer}
	return m.AccessToken(ctx, st, a, Access{Client: c, API: rs})
}

// Beside is what an ID token is bound to: what is handed out together with it (OpenID Connect
// Core 3.3.2.11).
type Beside struct {
	AccessToken string
	Code        string
	Nonce       string
	Straight    bool // straight from /authorize
}

// IDToken returns an ID token about the user. Public clients and conformant clients that get it
// straight from /authorize have it signed with the tenant's key, whatever they ask for.
func (m *Minter) IDToken(ctx context.Context, st *store.Store, c *stagedoor.Client, u *stagedoor.User, a *stagedoor.Authorization, beside Beside) (string, error) {
	now := st.Clock().Now().Unix()
	claims := UserClaims(u, a)
	maps.DeleteFunc(claims, func(name string, _ any) bool { return slices.Contains(core, name) })
	claims["iss"], claims["sub"], claims["aud"] = a.Issuer, a.UserID, a.ClientID
	claims["iat"], claims["exp"] = now, now+int64(c.IDTokenLifetime())
	for name, value := range map[string]string{"nonce": beside.Nonce, "sid": a.SessionID} {
		if value != "" {
			claims[name] = value
		}
	}
	organizationClaims(claims, a)
	if !c.OIDCConformant { // whose ID tokens are exchanged for others
		if delete(claims, claimEnded); a.AccessEnded > 0 {
			claims[claimEnded] = a.AccessEnded
		}
	}
	if a.Actor != nil {
		claims["act"] = a.Actor
	}
	if a.AuthTime != 0 {
		claims["auth_time"] = a.AuthTime
	}
	if len(a.AMR) > 0 {
		claims["amr"] = a.AMR
	}
	if a.ACR != "" {
		claims["acr"] = a.ACR
	}
	if a.Conformant && beside.AccessToken != "" {
		claims["at_hash"] = jose.HalfHash(beside.AccessToken)
	}
	if a.Conformant && beside.Code != "" {
		claims["c_hash"] = jose.HalfHash(beside.Code)
	}
	alg := IDTokenAlgorithm(c, a.Conformant && beside.Straight)
	if alg == jose.HS256 {
		secret, err := SigningSecret(c)
		if err != nil {
			return "", err
		}
		return signShared(secret, "JWT", claims)
	}
	return m.Keys.sign(ctx, st, alg, "JWT", claims)
}

// IDTokenAlgorithm returns how a client's ID tokens are signed. straight means that it comes from /authorize to a
// conformant client.
func IDTokenAlgorithm(c *stagedoor.Client, straight bool) string {
	alg := c.JWTConfiguration.Algorithm
	if alg == "" {
		alg = jose.RS256
		if !c.OIDCConformant {
			alg = jose.HS256
		}
	}
	if alg == jose.HS256 && (c.Public() || straight || c.Secret == "") {
		alg = jose.RS256
	}
	return alg
}

// SigningSecret returns the bytes of a client's secret: as they are, or decoded from base64url where
// the client is so old that it has secret_encoded.
func SigningSecret(c *stagedoor.Client) ([]byte, error) {
	if !c.JWTConfiguration.SecretEncoded {
		return []byte(c.Secret), nil
	}
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(c.Secret, "="))
}
