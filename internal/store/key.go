package store

import (
	"context"
	"encoding/base64"

	"github.com/stagedoor/stagedoor"
)

// SigningKeys returns the tenant's signing keys with their private parts, oldest first.
func (s *Store) SigningKeys(ctx context.Context) ([]stagedoor.SigningKey, error) {
	var out []stagedoor.SigningKey
	err := s.read().each(ctx, "SELECT kid, algorithm, state, sealed, cert, created_at FROM signing_keys WHERE tenant = ? ORDER BY created_at, kid",
		[]any{s.tenant.ID}, func(scan func(...any) error) error {
			var k stagedoor.SigningKey
			var sealed, cert string
			var created int64
			if err := scan(&k.KID, &k.Algorithm, &k.State, &sealed, &cert, &created); err != nil {
				return err
			}
			private, err := s.unseal(sealed, "signing_keys", k.KID)
			if err != nil {
				return err
			}
			k.Private, k.CreatedAt = []byte(private), fromMillis(created)
			k.CertDER, err = base64.StdEncoding.DecodeString(cert)
			out = append(out, k)
			return err
		})
	return out, err
}

// CreateSigningKey keeps a signing key, its private part sealed.
func (s *Store) CreateSigningKey(ctx context.Context, k *stagedoor.SigningKey) error {
	sealed := s.seal(string(k.Private), "signing_keys", k.KID)
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, "INSERT INTO signing_keys (tenant, kid, algorithm, state, sealed, cert, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
			s.tenant.ID, k.KID, k.Algorithm, k.State, sealed, base64.StdEncoding.EncodeToString(k.CertDER), millis(k.CreatedAt))
		return err
	})
}
