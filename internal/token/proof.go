package token

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Limits of a proof (RFC 9449 sections 4.3 and 11.1). One without a nonce is as fresh as the sender's clock says; with one, as the nonce is.
const (
	proofType = "dpop+jwt"
	proofAge  = 2 * time.Minute
	proofSkew = time.Minute // that a sender's clock may be ahead
	nonceLife = 5 * time.Minute
	maxProof  = 8 << 10 // bytes
	maxID     = 256     // characters of its jti
)

// Confirmation names the keys that an access token is bound to (RFC 7800): by DPoP, by certificate, by both, or by none.
type Confirmation struct{ JKT, X5T string }

// ConfirmationOf reads the claim cnf.
func ConfirmationOf(claims jose.Claims) (c Confirmation) {
	cnf, _ := claims.Raw["cnf"].(map[string]any)
	c.JKT, _ = cnf["jkt"].(string)
	c.X5T, _ = cnf["x5t#S256"].(string)
	return c
}

// Claim returns cnf as a token holds it; nil if the token is bound to nothing.
func (c Confirmation) Claim() map[string]string {
	out := map[string]string{}
	if c.JKT != "" {
		out["jkt"] = c.JKT
	}
	if c.X5T != "" {
		out["x5t#S256"] = c.X5T
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// Check tells whether a request that brings an access token under a scheme of Authorization proves the possession of the keys that the token is
// bound to. A token that is bound is no bearer token, and one that is not is none for DPoP (RFC 9449 section 7.1).
func (c Confirmation) Check(r *http.Request, st *store.Store, scheme, access string) error {
	dpop := strings.EqualFold(scheme, "DPoP")
	if dpop != (c.JKT != "") {
		return invalidToken("The token is bound to a key, or is not, other than its scheme says")
	}
	if dpop {
		jkt, err := Prove(r, st, access, false)
		switch {
		case err != nil:
			return err
		case jkt == "":
			return invalidProof("there is none")
		case jkt != c.JKT:
			return invalidToken("The token is bound to another key")
		}
	}
	if c.X5T != "" && Thumbprint(r) != c.X5T {
		return invalidToken("The token is bound to another certificate")
	}
	return nil
}

// Thumbprint is that of the certificate which the request's client showed; empty if it showed none.
func Thumbprint(r *http.Request) string {
	cert := web.CertificateOf(r.Context())
	if cert == nil {
		return ""
	}
	return jose.CertificateThumbprint(cert.Certificate)
}

// Prove checks the DPoP proof of a request, if it has one, and uses it up. It returns the thumbprint of the key that the sender has; empty
// without a proof. access is the access token that the request brings; empty at the token endpoint. With nonce a proof must hold one of the
// server's; one that it holds anyway must be good.
func Prove(r *http.Request, st *store.Store, access string, nonce bool) (jkt string, err error) {
	values := r.Header.Values("DPoP")
	switch {
	case len(values) == 0:
		return "", nil
	case len(values) > 1:
		return "", invalidProof("there is more than one")
	case len(values[0]) > maxProof:
		return "", invalidProof("it is too long")
	}
	claims, jkt, err := jose.ParseProof(values[0], proofType)
	if err != nil {
		return "", invalidProof("it is not signed with the key in its header, or not of the type " + proofType)
	}
	text := func(name string) string { s, _ := claims.Raw[name].(string); return s }
	now := st.Clock().Now()
	switch {
	case claims.ID == "" || len(claims.ID) > maxID:
		return "", invalidProof("jti must have 1 to 256 characters")
	case text("htm") != r.Method:
		return "", invalidProof("htm must be " + r.Method)
	case !sameURI(text("htu"), r):
		return "", invalidProof("htu must be " + web.Issuer(r) + strings.TrimPrefix(r.URL.EscapedPath(), "/"))
	case claims.IssuedAt.IsZero():
		return "", invalidProof("iat is missing")
	case access != "" && !jose.Equal(text("ath"), accessHash(access)):
		return "", invalidProof("ath must be the hash of the access token")
	}
	until := claims.IssuedAt.Add(proofAge)
	if _, has := claims.Raw["nonce"]; has || nonce {
		if !st.KnowsNonce(text("nonce")) {
			return "", stagedoor.Errorf(stagedoor.Invalid, "use_dpop_nonce", "Authorization server requires nonce in DPoP proof")
		}
		until = now.Add(nonceLife)
	} else if claims.IssuedAt.After(now.Add(proofSkew)) || !now.Before(until) {
		return "", invalidProof("iat is too far from now")
	}
	fresh, err := st.UseProof(r.Context(), jkt+"."+claims.ID, until)
	if err != nil {
		return "", err
	}
	if !fresh {
		return "", invalidProof("it was used before")
	}
	return jkt, nil
}

// OfferNonce gives a client that sends proofs a nonce for the next one.
func OfferNonce(w http.ResponseWriter, r *http.Request, st *store.Store) {
	if len(r.Header.Values("DPoP")) > 0 {
		w.Header().Set("DPoP-Nonce", st.Nonce(st.Clock().Now().Add(nonceLife)))
	}
}

// Challenge tells a client in WWW-Authenticate what is wrong with how it used a token (RFC 9449 section 7.1): of the errors of Check, which are the only
// ones that it knows.
func Challenge(w http.ResponseWriter, err error) bool {
	e := stagedoor.AsError(err)
	switch e.Code {
	case "invalid_token", "invalid_dpop_proof", "use_dpop_nonce":
		w.Header().Add("WWW-Authenticate", fmt.Sprintf(`DPoP error="%s", error_description="%s", algs="%s"`, e.Code, strings.ReplaceAll(e.Message, `"`, "'"), strings.Join(jose.ProofAlgorithms, " ")))
		return true
	}
	return false
}

// sameURI tells whether htu is the request's address, without query and fragment (RFC 9449 section 4.3), by any spelling of RFC 3986's
// that means the same host.
func sameURI(htu string, r *http.Request) bool {
	u, err := url.Parse(htu)
	if err != nil || u.User != nil || u.Opaque != "" || u.Host == "" {
		return false
	}
	u = u.ResolveReference(u) // without . and ..
	host := strings.ToLower(u.Host)
	if port := u.Port(); u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return strings.EqualFold(u.Scheme, r.URL.Scheme) && (host == r.Host || host == stagedoor.MTLSPrefix+r.Host) && plainly(u.EscapedPath()) == plainly(r.URL.EscapedPath())
}

var escape = regexp.MustCompile("%[0-9A-Fa-f]{2}")

// plainly writes a path without escapes that it does not need (RFC 3986 section 6.2.2).
func plainly(path string) string {
	return escape.ReplaceAllStringFunc(path, func(e string) string {
		if c, err := url.PathUnescape(e); err == nil && url.QueryEscape(c) == c {
			return c
		}
		return strings.ToUpper(e)
	})
}

// accessHash is ath (RFC 9449 section 4.2).
func accessHash(access string) string {
	sum := sha256.Sum256([]byte(access))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func invalidProof(why string) error {
	return stagedoor.Errorf(stagedoor.Invalid, "invalid_dpop_proof", "Invalid DPoP proof: %s", why)
}

func invalidToken(why string) error {
	return stagedoor.Errorf(stagedoor.Unauthorized, "invalid_token", "%s", why)
}
