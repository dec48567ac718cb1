package oauth

import (
	"crypto/rsa"
	"encoding/pem"
	"net/url"
	"strings"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

func policies(user, client string) *stagedoor.SubjectTypes {
	return &stagedoor.SubjectTypes{User: &stagedoor.SubjectPolicy{Policy: user}, Client: &stagedoor.SubjectPolicy{Policy: client}}
}

// refusedWith begins a login and returns the error that comes back.
func (w *world) refusedWith(client string, more ...string) string {
	a := w.browser().get("/authorize?" + request(client, append([]string{"audience", apiAudience}, more...)...).Encode())
	to, err := url.Parse(a.Header().Get("Location"))
	if err != nil {
		return err.Error()
	}
	return to.Query().Get("error") + " " + to.Query().Get("error_description")
}

// Whom an API gives tokens to is its own affair.
func TestSubjectTypePolicies(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.api(func(rs *stagedoor.ResourceServer) { rs.SubjectTypes = policies("deny_all", "deny_all") })
		w.token(values(machineForm()...)).bad(403, "access_denied", "The resource server https://api.test/ gives no tokens to clients in their own name.")
		same(t, "people", w.refusedWith(site), "access_denied The resource server https://api.test/ gives no tokens to users.")

		w.api(func(rs *stagedoor.ResourceServer) {
			rs.SubjectTypes = policies("require_client_grant", "require_client_grant")
		})
		w.token(values(machineForm()...)).good()
		same(t, "no grant for people", w.refusedWith(site), `access_denied Client is not authorized to access resource server "https://api.test/".`)
		ok(t, w.st.CreateClientGrant(t.Context(), &stagedoor.ClientGrant{ClientID: site, Audience: apiAudience, SubjectType: "user", Scope: []string{"read:songs"}}))
		if got := w.refusedWith(site); got != " " {
			t.Errorf("with a grant: %s", got)
		}
	})
}

// What a client was granted and is taken from it again ends with the next refresh, and comes back with the grant.
func TestRefreshAfterTheGrant(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.api(func(rs *stagedoor.ResourceServer) {
			rs.SubjectTypes = policies("require_client_grant", "require_client_grant")
		})
		grant := func(scope ...string) *stagedoor.ClientGrant {
			g := &stagedoor.ClientGrant{ClientID: site, Audience: apiAudience, SubjectType: "user", Scope: scope}
			ok(t, w.st.CreateClientGrant(t.Context(), g))
			return g
		}
		g := grant("read:songs", "edit:songs")
		got := w.redeem(site, w.browser().login(request(site, "audience", apiAudience, "scope", "openid offline_access read:songs edit:songs")).got().Get("code")).good()
		_, err := w.st.UpdateClientGrant(t.Context(), g.ID, func(g *stagedoor.ClientGrant) error { g.Scope = []string{"read:songs"}; return nil })
		ok(t, err)
		got = w.refresh(site, got.RefreshToken).good()
		same(t, "a smaller grant", []any{got.Scope, w.claims(got.AccessToken)["scope"]}, []any{"openid offline_access read:songs", "openid offline_access read:songs"})
		ok(t, w.st.DeleteClientGrant(t.Context(), g.ID))
		w.refresh(site, got.RefreshToken).bad(403, "access_denied", `Client is not authorized to access resource server "https://api.test/".`)
		grant("read:songs", "edit:songs")
		same(t, "granted again", w.refresh(site, got.RefreshToken).good().Scope, "openid offline_access read:songs edit:songs")
	})
}

func TestGrantOfAllScopes(t *testing.T) {
	w := newWorld(t)
	client, err := w.st.Client(t.Context(), machine)
	ok(t, err)
	g, err := w.st.ClientGrantFor(t.Context(), client, apiAudience, stagedoor.SubjectClient)
	ok(t, err)
	_, err = w.st.UpdateClientGrant(t.Context(), g.ID, func(g *stagedoor.ClientGrant) error {
		g.Scope, g.AllowAllScopes = []string{}, new(true)
		return nil
	})
	ok(t, err)
	scope := w.token(values(machineForm()...)).good().Scope
	if !strings.Contains(scope, "read:songs") || !strings.Contains(scope, "edit:songs") {
		t.Errorf("all scopes: %q", scope)
	}
	w.token(values(machineForm("scope", "fly:moon")...)).bad(403, "access_denied", "Client has not been granted scopes: fly:moon")
}

func TestAPINeedsProof(t *testing.T) {
	w := newWorld(t)
	w.api(func(rs *stagedoor.ResourceServer) {
		rs.ProofOfPossession = &stagedoor.ProofOfPossession{Mechanism: "dpop", Required: true, RequiredFor: "public_clients"}
	})
	w.token(values(machineForm()...)).good()
	const refused = "The resource server https://api.test/ needs tokens that are bound to a key: send a DPoP proof."
	w.browser().authorize(request(spa, "response_type", "token", "audience", apiAudience)).fails("invalid_request", "Access tokens that must be bound to a key come from the token endpoint only.")
	code := w.browser().login(request(spa, "audience", apiAudience)).got().Get("code")
	w.redeem(spa, code).bad(400, "invalid_dpop_proof", refused)
	w.api(func(rs *stagedoor.ResourceServer) { rs.ProofOfPossession.RequiredFor = "" })
	w.token(values(machineForm()...)).bad(400, "invalid_dpop_proof", refused)
	w.api(func(rs *stagedoor.ResourceServer) { rs.ProofOfPossession.Mechanism = "mtls" })
	w.token(values(machineForm()...)).bad(400, "invalid_request", "The resource server https://api.test/ needs tokens that are bound to a client certificate.")
}

// PS256 signs with a key that the key set holds.
func TestPS256(t *testing.T) {
	w := newWorld(t)
	w.api(func(rs *stagedoor.ResourceServer) { rs.SigningAlgorithm = "PS256" })
	raw := w.token(values(machineForm()...)).good().AccessToken
	header, _, err := jose.Peek(raw)
	ok(t, err)
	if header.Algorithm != "PS256" || !strings.HasSuffix(header.KeyID, "-PS256") || !strings.Contains(w.browser().get("/.well-known/jwks.json").Body.String(), header.KeyID) {
		t.Errorf("%+v", header)
	}
	w.claims(raw)
}

// What was signed with PS256 is verified by the key set until it has expired, though nothing is signed so any more.
func TestPS256ThatWas(t *testing.T) {
	w := newWorld(t)
	w.api(func(rs *stagedoor.ResourceServer) { rs.SigningAlgorithm, rs.TokenLifetime = "PS256", 2592000 })
	w.token(values(machineForm()...)).good()
	w.pass(20 * time.Hour)
	raw := w.token(values(machineForm()...)).good().AccessToken
	header, _, err := jose.Peek(raw)
	ok(t, err)
	listed := func(want bool) {
		t.Helper()
		if got := strings.Contains(w.browser().get("/.well-known/jwks.json").Body.String(), header.KeyID); got != want {
			t.Errorf("listed: %t", got)
		}
	}
	listed(true)
	w.api(func(rs *stagedoor.ResourceServer) { rs.SigningAlgorithm = "RS256" })
	listed(true)
	w.token(values(machineForm()...)).good()
	w.pass(29 * 24 * time.Hour)
	listed(true)
	w.pass(3 * 24 * time.Hour)
	listed(false)
}

// A token that is encrypted for an API can be read by the API alone, and is a signed token within.
func TestTokenEncryption(t *testing.T) {
	w := newWorld(t)
	key, err := jose.NewRSAKey(2048, "api", w.clock())
	ok(t, err)
	w.api(func(rs *stagedoor.ResourceServer) {
		rs.TokenEncryption = &stagedoor.TokenEncryption{Format: "compact-nested-jwe", Key: stagedoor.EncryptionKey{
			Algorithm: "RSA-OAEP-256", KID: "enc", PEM: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: key.Cert.Raw})),
		}}
	})
	raw := w.token(values(machineForm()...)).good().AccessToken
	message, err := gojose.ParseEncryptedCompact(raw, []gojose.KeyAlgorithm{gojose.RSA_OAEP_256}, []gojose.ContentEncryption{gojose.A256GCM})
	ok(t, err)
	if message.Header.KeyID != "enc" || message.Header.ExtraHeaders["cty"] != "JWT" {
		t.Errorf("%+v", message.Header)
	}
	signed, err := message.Decrypt(key.Private.(*rsa.PrivateKey))
	ok(t, err)
	same(t, "within", w.claims(string(signed))["sub"], machine+"@clients")
}
