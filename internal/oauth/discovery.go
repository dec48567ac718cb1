package oauth

import (
	"net/http"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// signingAlgorithms are those that clients may sign assertions and request objects with.
var signingAlgorithms = []string{"RS256", "RS384", "PS256", "PS384", "ES256", "ES384"}

// discovery answers the provider's metadata. Every URL follows the domain that was used; what
// is not served is not listed.
func (d *Door) discovery(w http.ResponseWriter, r *http.Request, st *store.Store) {
	issuer := web.Issuer(r)
	doc := map[string]any{
		"issuer":                                           issuer,
		"authorization_endpoint":                           issuer + "authorize",
		"token_endpoint":                                   issuer + "oauth/token",
		"userinfo_endpoint":                                issuer + "userinfo",
		"jwks_uri":                                         issuer + ".well-known/jwks.json",
		"revocation_endpoint":                              issuer + "oauth/revoke",
		"device_authorization_endpoint":                    issuer + "oauth/device/code",
		"mfa_challenge_endpoint":                           issuer + "mfa/challenge",
		"scopes_supported":                                 []string{"openid", "profile", "offline_access", "name", "given_name", "family_name", "nickname", "email", "email_verified", "picture", "created_at", "identities", "phone", "address"},
		"response_types_supported":                         []string{"code", "token", "id_token", "code token", "code id_token", "token id_token", "code token id_token"},
		"code_challenge_methods_supported":                 []string{"S256", "plain"},
		"response_modes_supported":                         []string{"query", "fragment", "form_post"},
		"subject_types_supported":                          []string{"public"},
		"token_endpoint_auth_methods_supported":            []string{"client_secret_basic", "client_secret_post", "private_key_jwt"},
		"claims_supported":                                 []string{"aud", "auth_time", "created_at", "email", "email_verified", "exp", "family_name", "given_name", "iat", "identities", "iss", "name", "nickname", "phone_number", "picture", "sub"},
		"request_uri_parameter_supported":                  false,
		"request_parameter_supported":                      true,
		"request_object_signing_alg_values_supported":      signingAlgorithms,
		"token_endpoint_auth_signing_alg_values_supported": signingAlgorithms,
		"id_token_signing_alg_values_supported":            []string{"HS256", "RS256", "PS256"},
	}
	doc["introspection_endpoint"] = issuer + "oauth/introspect"
	doc["backchannel_authentication_endpoint"] = issuer + "bc-authorize"
	doc["userinfo_signing_alg_values_supported"] = []string{"RS256", "PS256"}
	doc["dpop_signing_alg_values_supported"] = jose.ProofAlgorithms
	settings := &st.Tenant().Settings
	if settings.AllowsPAR() {
		doc["pushed_authorization_request_endpoint"] = issuer + "oauth/par"
	}
	if settings.MTLSAliases() {
		doc["token_endpoint_auth_methods_supported"] = []string{"client_secret_basic", "client_secret_post", "private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"}
		doc["tls_client_certificate_bound_access_tokens"] = true
		aliases := map[string]string{}
		for _, name := range []string{"token_endpoint", "revocation_endpoint", "device_authorization_endpoint", "userinfo_endpoint", "introspection_endpoint", "pushed_authorization_request_endpoint", "backchannel_authentication_endpoint"} {
			if address, ok := doc[name].(string); ok {
				aliases[name] = strings.Replace(address, "://", "://"+stagedoor.MTLSPrefix, 1)
			}
		}
		doc["mtls_endpoint_aliases"] = aliases
	}
	if settings.Flags[stagedoor.FlagRegistration] {
		doc["registration_endpoint"] = issuer + "oidc/register"
	}
	if settings.TakesDocuments() && d.HTTP != nil {
		doc["client_id_metadata_document_supported"] = true
	}
	if acr := settings.ACRValues(); len(acr) > 0 {
		doc["acr_values_supported"] = acr
	}
	if settings.NamesIssuer() {
		doc["authorization_response_iss_parameter_supported"] = true
	}
	if settings.Flags[stagedoor.FlagRequirePAR] {
		doc["require_pushed_authorization_requests"] = true
	}
	doc["backchannel_token_delivery_modes_supported"] = []string{"poll"}
	doc["global_token_revocation_endpoint"] = issuer + strings.TrimPrefix(revocationPath, "/") + "{connectionName}"
	doc["global_token_revocation_endpoint_auth_methods_supported"] = []string{"global-token-revocation+jwt"}
	doc["backchannel_logout_supported"], doc["backchannel_logout_session_supported"] = true, true
	if settings.OIDCLogout.EndSessionDiscovery {
		doc["end_session_endpoint"] = issuer + "oidc/logout"
	}
	w.Header().Set("Cache-Control", "public, max-age=15, stale-while-revalidate=15, stale-if-error=86400")
	web.WriteJSON(w, http.StatusOK, doc)
}

func (d *Door) jwks(w http.ResponseWriter, r *http.Request, st *store.Store) {
	doc, err := d.Minter.Keys.JWKS(r.Context(), st)
	if err != nil {
		answerError(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=15, stale-while-revalidate=15, stale-if-error=86400")
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Write(doc)
}
