package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"
)

// maxToken is the longest token in bytes that is looked at.
const maxToken = 64 << 10

// listener is who calls, taken from a verified token and nothing else.
type listener struct {
	id    string   // the "sub" claim, the identity server's user_id
	plan  string   // app_metadata.plan
	roles []string // app_metadata.roles
}

// editor tells whether the listener may change featured playlists.
func (l listener) editor() bool { return slices.Contains(l.roles, "playlist_editor") }

// verifier checks bearer tokens. The algorithm decides which key, which
// audience and which issuers count, so that no token can mix them:
//
//	RS256  the issuer's public key of that kid   the API's identifier
//	HS256  the legacy client's secret            the legacy client's id
type verifier struct {
	parser        *jwt.Parser
	issuers       map[string]func() (keyfunc.Keyfunc, error)
	audience      string
	legacyIssuers []string
	clientID      string
	secret        []byte
	namespace     string
}

// newVerifier prepares the checks. Keys are fetched with the first token of an
// issuer, refreshed hourly until ctx ends, and fetched again when a token names
// an unknown key, at most every ten seconds.
func newVerifier(ctx context.Context, cfg Config) *verifier {
	v := &verifier{
		parser:        jwt.NewParser(jwt.WithValidMethods([]string{"RS256", "HS256"}), jwt.WithExpirationRequired()),
		issuers:       map[string]func() (keyfunc.Keyfunc, error){},
		audience:      cfg.Audience,
		legacyIssuers: cfg.LegacyIssuers,
		clientID:      cfg.LegacyClientID,
		secret:        []byte(cfg.LegacyClientSecret),
		namespace:     cfg.ClaimNamespace,
	}
	for _, issuer := range cfg.Issuers {
		v.issuers[issuer.Issuer] = sync.OnceValues(func() (keyfunc.Keyfunc, error) {
			return keyfunc.NewDefaultOverrideCtx(ctx, []string{issuer.JWKSURL}, keyfunc.Override{
				Client:            cfg.HTTPClient,
				HTTPTimeout:       5 * time.Second,
				RateLimitWaitMax:  5 * time.Second, // bounds the fetch, too
				RefreshUnknownKID: rate.NewLimiter(rate.Every(10*time.Second), 1),
				RefreshErrorHandlerFunc: func(url string) func(context.Context, error) {
					return func(ctx context.Context, err error) {
						cfg.Log.WarnContext(ctx, "cannot fetch the issuer's keys", slog.String("url", url), slog.Any("error", err))
					}
				},
			})
		})
	}
	return v
}

// verify returns the listener that a token speaks for.
func (v *verifier) verify(ctx context.Context, raw string) (listener, error) {
	if len(raw) > maxToken {
		return listener{}, errors.New("token is too long")
	}
	claims := jwt.MapClaims{}
	token, err := v.parser.ParseWithClaims(raw, claims, func(t *jwt.Token) (any, error) { return v.key(ctx, t) })
	if err != nil {
		return listener{}, err
	}
	want := v.audience
	if token.Method == jwt.SigningMethodHS256 {
		want = v.clientID
	}
	if audience, err := claims.GetAudience(); err != nil || want == "" || !slices.Contains(audience, want) {
		return listener{}, jwt.ErrTokenInvalidAudience
	}
	subject, err := claims.GetSubject()
	if err != nil || subject == "" || subject == house {
		return listener{}, jwt.ErrTokenInvalidSubject
	}
	return v.listener(subject, claims), nil
}

// key picks the key by the algorithm and the issuer. The token is not verified
// yet: its issuer only selects among the configured ones.
func (v *verifier) key(ctx context.Context, t *jwt.Token) (any, error) {
	issuer, err := t.Claims.GetIssuer()
	if err != nil {
		return nil, err
	}
	keys, known := v.issuers[issuer]
	if t.Method == jwt.SigningMethodHS256 {
		if len(v.secret) == 0 || !known && !slices.Contains(v.legacyIssuers, issuer) {
			return nil, jwt.ErrTokenInvalidIssuer
		}
		return v.secret, nil
	}
	if !known {
		return nil, jwt.ErrTokenInvalidIssuer
	}
	if kid, _ := t.Header["kid"].(string); kid == "" {
		return nil, errors.New("token names no key")
	}
	set, err := keys()
	if err != nil {
		return nil, fmt.Errorf("keys of %s: %w", issuer, err)
	}
	return set.KeyfuncCtx(ctx)(t) // also compares the key's "alg" with the token's
}

// listener reads plan and roles from the app_metadata claim. Claims of another
// shape count as absent.
func (v *verifier) listener(subject string, claims jwt.MapClaims) listener {
	l := listener{id: subject}
	metadata, _ := claims[v.namespace+"app_metadata"].(map[string]any)
	l.plan, _ = metadata["plan"].(string)
	roles, _ := metadata["roles"].([]any)
	for _, role := range roles {
		if name, ok := role.(string); ok {
			l.roles = append(l.roles, name)
		}
	}
	return l
}

// bearer returns the token of the Authorization header, as RFC 6750 has it.
func bearer(r *http.Request) (string, bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}
