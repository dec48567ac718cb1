package standin

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

// GoogleToken is an ID token as an app on a phone gets it from Google: for its server's client, given to its own.
func (s *Server) GoogleToken(p Person, mode string) string {
	for i := range rows {
		if r := &rows[i]; r.name == "Google" {
			key := s.key()
			now := s.Now().Unix()
			claims := map[string]any{"iss": r.issuer, "aud": s.ClientID, "azp": "the phone's client", "sub": p.Subject, "iat": now, "exp": now + 600}
			for name, value := range r.claims(p) {
				claims[name] = value
			}
			switch mode {
			case WrongAudience:
				claims["aud"] = "another client"
			case WrongIssuer:
				claims["iss"] = "https://evil.example"
			case Expired:
				claims["exp"] = now - 3600
			case Unsigned:
				return unsigned(claims)
			case OtherKey:
				signer, err := jose.NewSigner("RS256", key.KID, stranger().Private, "JWT")
				return sign(signer, err, claims)
			}
			signer, err := key.Signer("JWT")
			return sign(signer, err, claims)
		}
	}
	return ""
}

// AppleCode is a code as an app on a phone gets it from Apple.
func (s *Server) AppleCode(p Person) string {
	for i := range rows {
		if r := &rows[i]; r.name == "Apple" {
			s.mu.Lock()
			defer s.mu.Unlock()
			code := "native-" + p.Subject
			s.codes.keep(code, grant{person: p, row: r, asked: map[string][]string{}})
			return code
		}
	}
	return ""
}

// AccessToken is a token that a provider gave to somebody's client, app; empty: the stand-in's own.
func (s *Server) AccessToken(provider string, p Person, app, mode string) string {
	access := stagedoor.NewToken()
	for i := range rows {
		if r := &rows[i]; r.name == provider {
			s.mu.Lock()
			s.tokens.keep(access, grant{person: p, row: r, app: cmp.Or(app, s.ClientID), mode: mode})
			s.mu.Unlock()
		}
	}
	return access
}

// tokenInfo tells whose an access token is, as Google does.
func (s *Server) tokenInfo(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	g, known := s.tokens[r.URL.Query().Get("access_token")]
	s.mu.Unlock()
	if !known || g.row.name != "Google" {
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": "invalid_token", "error_description": "Invalid Value"})
		return
	}
	app := cmp.Or(g.app, s.ClientID)
	writeJSON(w, http.StatusOK, map[string]any{"azp": app, "aud": app, "sub": g.person.Subject, "scope": "openid", "expires_in": "3599", "access_type": "online"})
}

// debugToken tells whose an app's token is: one that was kept, or one whose text is APP:USER.
func (s *Server) debugToken(w http.ResponseWriter, r *http.Request) {
	app, user, ok := strings.Cut(r.URL.Query().Get("input_token"), ":")
	s.mu.Lock()
	if g, known := s.tokens[r.URL.Query().Get("input_token")]; known && g.row.name == "Facebook" {
		app, user, ok = cmp.Or(g.app, s.ClientID), g.person.Subject, true
	}
	s.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer "+s.ClientID+"|"+s.ClientSecret {
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": map[string]any{"message": "Invalid application", "type": "OAuthException", "code": 190}})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": map[string]any{"app_id": app, "user_id": user, "is_valid": ok && user != "", "type": "USER"}})
}
