package api

import (
	"log/slog"
	"net/http"
	"strings"
)

// Config is everything that the API needs to know. The zero value of a field
// is named in its comment; fields without such a comment are required.
type Config struct {
	// DatabaseURL is a SQLite file or a postgres:// address. Empty means
	// mixtape.db in DataDir.
	DatabaseURL string
	// DataDir holds the SQLite file and the rendered songs. It is made when
	// missing. Empty means the working directory.
	DataDir string

	// Issuers are accepted as the "iss" of a token. An identity server that is
	// reached by several names has one entry for each.
	Issuers []Issuer
	// Audience is the identifier of this API, wanted in the "aud" of an RS256
	// access token.
	Audience string

	// LegacyClientID is the "aud" and LegacyClientSecret the key of HS256
	// tokens. With an empty secret no HS256 token is accepted.
	LegacyClientID, LegacyClientSecret string
	// LegacyIssuers are accepted as the "iss" of HS256 tokens, besides Issuers:
	// a rule that signs such a token names its issuer itself.
	LegacyIssuers []string

	// ManagementDomainURL is the base address of the identity server, such as
	// https://tenant.example.
	ManagementDomainURL string
	// ManagementClientID and ManagementClientSecret belong to a machine client
	// with read:users and update:users for ManagementAudience.
	ManagementClientID, ManagementClientSecret, ManagementAudience string

	// ClaimNamespace comes before the names of custom claims, as in
	// https://mixtape.example/app_metadata.
	ClaimNamespace string
	// AllowedOrigins are the web origins whose pages may call the API.
	AllowedOrigins []string

	// HTTPClient calls the identity server. Nil means a client with a time-out
	// of ten seconds.
	HTTPClient *http.Client
	// Log receives what operators should see. Nil means slog.Default.
	Log *slog.Logger
}

// Issuer is an identity server under one of its names.
type Issuer struct {
	Issuer  string // exactly as in the tokens, with its trailing slash
	JWKSURL string // where its public keys are
}

// IssuerAt returns the identity server at a base address, such as
// https://tenant.example, with its usual issuer and key set.
func IssuerAt(baseURL string) Issuer {
	base := strings.TrimRight(baseURL, "/") + "/"
	return Issuer{Issuer: base, JWKSURL: base + ".well-known/jwks.json"}
}
