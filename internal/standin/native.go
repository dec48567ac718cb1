package standin

import (
	"net/http"
	"strings"

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

// debugToken tells whose an app's token is: its text is APP:USER.
func (s *Server) debugToken(w http.ResponseWriter, r *http.Request) {
	app, user, ok := strings.Cut(r.URL.Query().Get("input_token"), ":")
	if r.Header.Get("Authorization") != "Bearer "+s.ClientID+"|"+s.ClientSecret {
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": map[string]any{"message": "Invalid application", "type": "OAuthException", "code": 190}})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": map[string]any{"app_id": app, "user_id": user, "is_valid": ok && user != "", "type": "USER"}})
}
