package standin

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"sync"
	"time"

	"github.com/stagedoor/stagedoor/internal/jose"
)

// The ways in which the stand-in misbehaves.
const (
	WrongNonce    = "wrong_nonce"    // the ID token is of another login
	NoNonce       = "no_nonce"       // it holds none
	WrongIssuer   = "wrong_issuer"   // it is of another issuer
	WrongAudience = "wrong_audience" // it is for another client
	OtherParty    = "other_party"    // it is for several, and was given to another
	Expired       = "expired"        // it has ended an hour ago
	Future        = "future"         // it begins in an hour
	Unsigned      = "alg_none"       // nobody signed it
	HMAC          = "hmac"           // HS256 with the public key as the secret
	OtherKey      = "other_key"      // signed with a key that is not in the set, under the name of one that is
	UnknownKey    = "unknown_key"    // signed with a key that is not in the set
	WrongHash     = "wrong_hash"     // at_hash is of another access token
	NoSubject     = "no_subject"     // it says nobody
	NoIDToken     = "no_id_token"    // there is none
	Garbage       = "garbage"        // it is no token
	MixUp         = "mix_up"         // the answer says that it is of another issuer
	NoIssuer      = "no_issuer"      // the answer says nothing of its issuer though the metadata promise it
	OtherSubject  = "other_subject"  // the profile is another person's
	TokenError    = "token_error"    // no token, with an error
	Slow          = "slow"           // the token comes late, or not at all
	Huge          = "huge"           // the token's answer does not end
	Elsewhere     = "elsewhere"      // the token endpoint sends the request, and the secret in it, elsewhere
	HTML          = "html"           // a page where JSON is due
	HugeProfile   = "huge_profile"   // the profile does not end
	Admin         = "admin"          // the profile says what the person may do here
)

// Modes are all of them.
var Modes = []string{
	WrongNonce, NoNonce, WrongIssuer, WrongAudience, OtherParty, Expired, Future, Unsigned, HMAC, OtherKey, UnknownKey, WrongHash, NoSubject, NoIDToken, Garbage,
	MixUp, NoIssuer, OtherSubject, TokenError, Slow, Huge, Elsewhere, HTML, HugeProfile, Admin,
}

// stranger is a key that no set holds.
var stranger = sync.OnceValue(func() *jose.Key {
	key, err := jose.NewRSAKey(2048, "stranger", time.Now().Add(-time.Hour))
	if err != nil {
		panic(err) // see keys
	}
	return key
})

// idToken makes the ID token of a grant.
func (s *Server) idToken(r *http.Request, row *row, g grant, access string) string {
	now := s.Now().Unix()
	claims := map[string]any{
		"iss": row.issuerAt(r), "aud": s.ClientID, "sub": g.person.Subject, "iat": now, "exp": now + 600, "auth_time": now - 5,
	}
	if access != "" {
		claims["at_hash"] = jose.HalfHash(access)
	}
	if nonce := g.asked.Get("nonce"); nonce != "" {
		claims["nonce"] = nonce
	}
	for name, value := range row.claims(g.person) {
		claims[name] = value
	}
	if g.mode == Admin {
		for name, value := range admin {
			claims[name] = value
		}
	}
	key := s.key()
	switch g.mode {
	case WrongNonce:
		claims["nonce"] = "of another login"
	case NoNonce:
		delete(claims, "nonce")
	case WrongIssuer:
		claims["iss"] = "https://evil.example"
	case WrongAudience:
		claims["aud"] = "another client"
	case OtherParty:
		claims["aud"], claims["azp"] = []string{s.ClientID, "another client"}, "another client"
	case Expired:
		claims["iat"], claims["exp"] = now-7200, now-3600
	case Future:
		claims["iat"], claims["nbf"], claims["exp"] = now+3600, now+3600, now+7200
	case WrongHash:
		claims["at_hash"] = jose.HalfHash("another token")
	case NoSubject:
		delete(claims, "sub")
	case Unsigned:
		return unsigned(claims)
	case Garbage:
		return "this.is.nothing"
	case HMAC:
		der, _ := x509.MarshalPKIXPublicKey(key.Public())
		signer, err := jose.NewSigner("HS256", key.KID, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "JWT")
		return sign(signer, err, claims)
	case OtherKey:
		signer, err := jose.NewSigner("RS256", key.KID, stranger().Private, "JWT")
		return sign(signer, err, claims)
	case UnknownKey:
		key = stranger()
	}
	signer, err := key.Signer("JWT")
	return sign(signer, err, claims)
}

// admin is what a profile would say of somebody who wants more than is theirs.
var admin = map[string]any{
	"app_metadata": map[string]any{"roles": []string{"admin"}}, "user_metadata": map[string]any{"color": "red"}, "metadata": map[string]any{"roles": []string{"admin"}},
	"blocked": false, "identities": []any{}, "roles": []string{"admin"}, "permissions": []string{"all"}, "logins_count": 99, "created_at": "2001-01-01T00:00:00Z",
	"last_ip": "1.2.3.4", "multifactor": []string{"none"}, "password": "secret", "access_token": "forged", "connection": "Users", "_id": "x", "clientID": "x",
}

func sign(signer *jose.Signer, err error, claims any) string {
	if err != nil {
		return err.Error()
	}
	token, err := signer.Sign(claims)
	if err != nil {
		return err.Error()
	}
	return token
}

func unsigned(claims any) string {
	payload, _ := json.Marshal(claims)
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload) + "."
}

// misdeliver answers in the place of a token endpoint; false: it shall answer itself.
func (s *Server) misdeliver(w http.ResponseWriter, r *http.Request, mode string) bool {
	switch mode {
	case TokenError:
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant", "error_description": "this code\nis not yours <script>"})
	case Slow:
		<-r.Context().Done()
	case Huge:
		endless(w, r)
	case Elsewhere:
		http.Redirect(w, r, base(r)+"/elsewhere", http.StatusTemporaryRedirect)
	case HTML:
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<title>Maintenance</title>"))
	default:
		return false
	}
	return true
}

// misprofile answers in the place of a profile.
func (s *Server) misprofile(w http.ResponseWriter, r *http.Request, mode string) bool {
	if mode == HugeProfile {
		endless(w, r)
	}
	return mode == HugeProfile
}

// endless writes until nobody reads any more, 64 MiB at most.
func endless(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"access_token":"`))
	chunk := make([]byte, 64<<10)
	for i := range chunk {
		chunk[i] = 'a'
	}
	for i := 0; i < 1024 && r.Context().Err() == nil; i++ {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}
