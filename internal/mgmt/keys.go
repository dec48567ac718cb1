package mgmt

import (
	"crypto/sha1" //nolint:gosec // the wire shows the fingerprint of a public certificate, which protects nothing
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
)

// signingKey is a tenant's key as the wire has it; its private part is never shown.
type signingKey struct {
	KID          string `json:"kid"`
	Cert         string `json:"cert"`
	PKCS7        string `json:"pkcs7"`
	Current      bool   `json:"current"`
	Next         bool   `json:"next"`
	Previous     bool   `json:"previous"`
	CurrentSince string `json:"current_since,omitempty"`
	CurrentUntil string `json:"current_until,omitempty"`
	Fingerprint  string `json:"fingerprint"`
	Thumbprint   string `json:"thumbprint"`
	Revoked      bool   `json:"revoked"`
	RevokedAt    string `json:"revoked_at,omitempty"`
}

func (a *API) listSigningKeys(c *call) (any, error) {
	keys, err := c.store.SigningKeys(c.ctx())
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(keys, func(x, y stagedoor.SigningKey) int { return rank(x.State) - rank(y.State) })
	out := make([]*signingKey, len(keys))
	for i := range keys {
		if out[i], err = showSigningKey(&keys[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func showSigningKey(k *stagedoor.SigningKey) (*signingKey, error) {
	bundle, err := pkcs7(k.CertDER)
	if err != nil {
		return nil, err
	}
	sum := sha1.Sum(k.CertDER) //nolint:gosec // see above
	out := &signingKey{
		KID: k.KID, Cert: certificatePEM(k.CertDER), PKCS7: bundle,
		Current: k.State == "current", Next: k.State == "next", Previous: k.State == "previous",
		Fingerprint: colons(sum[:]), Thumbprint: fmt.Sprintf("%X", sum), Revoked: !k.RevokedAt.IsZero(),
	}
	if k.State == "current" && k.CurrentSince.IsZero() {
		k.CurrentSince = k.CreatedAt
	}
	for to, t := range map[*string]time.Time{&out.CurrentSince: k.CurrentSince, &out.CurrentUntil: k.CurrentUntil, &out.RevokedAt: k.RevokedAt} {
		if !t.IsZero() {
			*to = stagedoor.FormatTime(t)
		}
	}
	return out, nil
}

func (c *call) kid() string { return c.r.PathValue("kid") }

func (a *API) readSigningKey(c *call) (any, error) {
	keys, err := c.store.SigningKeys(c.ctx())
	if err != nil {
		return nil, err
	}
	for i := range keys {
		if keys[i].KID == c.kid() {
			return showSigningKey(&keys[i])
		}
	}
	return nil, stagedoor.Errorf(stagedoor.NotFound, "", "The signing key does not exist.")
}

func (a *API) rotateSigningKey(c *call) (any, error) {
	key, err := a.Keys.Rotate(c.ctx(), c.store)
	if err != nil {
		return nil, err
	}
	return map[string]string{"kid": key.KID, "cert": certificatePEM(key.CertDER)}, nil
}

func (a *API) revokeSigningKey(c *call) (any, error) {
	key, err := a.Keys.Revoke(c.ctx(), c.store, c.kid())
	if err != nil {
		return nil, err
	}
	return map[string]string{"kid": key.KID, "cert": certificatePEM(key.CertDER), "revoked_at": stagedoor.FormatTime(key.RevokedAt)}, nil
}

func rank(state string) int { return slices.Index([]string{"current", "next", "previous"}, state) }

// clientSigningKeys is the member signing_keys of a client: the tenant's current certificate.
func clientSigningKeys(c *call) (json.RawMessage, error) {
	keys, err := c.store.SigningKeys(c.ctx())
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if k.State != "current" {
			continue
		}
		bundle, err := pkcs7(k.CertDER)
		if err != nil {
			return nil, err
		}
		return json.Marshal([]map[string]string{{
			"cert": certificatePEM(k.CertDER), "pkcs7": bundle, "subject": "/CN=" + c.store.Tenant().Domain(),
		}})
	}
	return nil, nil
}

func certificatePEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func colons(sum []byte) string {
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}

// The parts of a PKCS #7 message that only carries certificates (RFC 2315 sections 7 and 9.1).
type (
	contentInfo struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue `asn1:"optional"`
	}
	signedData struct {
		Version      int
		Digests      []asn1.RawValue `asn1:"set"`
		Content      contentInfo
		Certificates asn1.RawValue
		Signers      []asn1.RawValue `asn1:"set"`
	}
)

// pkcs7 returns a certificate as a PKCS #7 bundle in PEM form.
func pkcs7(certDER []byte) (string, error) {
	inner, err := asn1.Marshal(signedData{
		Version: 1, Digests: []asn1.RawValue{}, Signers: []asn1.RawValue{},
		Content:      contentInfo{Type: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}},
		Certificates: asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: certDER},
	})
	if err != nil {
		return "", fmt.Errorf("mgmt: encode PKCS #7: %w", err)
	}
	whole, err := asn1.Marshal(contentInfo{
		Type:    asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2},
		Content: asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: inner},
	})
	if err != nil {
		return "", fmt.Errorf("mgmt: encode PKCS #7: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: whole})), nil
}
