package token

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/telemetry"
)

// Keys holds the signing keys of tenants, parsed. They are never older than store.CacheFor when another server changed them.
type Keys struct {
	Metrics *telemetry.Metrics // nil: nothing is counted

	mu      sync.Mutex
	tenants map[string]*keySet
	changes int // counts what was forgotten
	crowd   int // so many tenants are too many to keep old ones
}

type keySet struct {
	loaded  time.Time // before they were read
	version string    // of the tenant's configuration then, or before
	rows    []stagedoor.SigningKey
	keys    []*jose.Key
	public  map[string]*jose.Key
	current *jose.Key
	signers map[signing]*jose.Signer
	jwks    document // the keys that sign with RS256
	twins   document // those, and the same as they sign with PS256
}

// document is a key set as it is published, and without the keys' algorithms.
type document struct{ jwks, bare []byte }

func newDocument(keys []*jose.Key) (d document, err error) {
	if d.jwks, err = jose.JWKS(keys...); err == nil {
		d.bare, err = jose.BareJWKS(keys...)
	}
	return d, err
}

// signing is how the current key signs.
type signing struct{ alg, typ string }

// sign signs claims with the current key: RS256 or PS256, typ JWT or at+jwt.
func (s *keySet) sign(alg, typ string, claims any) (string, error) {
	if alg == "" {
		alg = s.current.Algorithm
	}
	signer := s.signers[signing{alg, typ}]
	if signer == nil {
		return "", fmt.Errorf("token: no key signs %s", alg)
	}
	return signer.Sign(claims)
}

// sign signs claims with a tenant's current key: see keySet.sign. That something was signed with PS256 is noted, at most once a day: the key set lists such
// keys for as long as it may live. Where it cannot be noted the next token has it noted.
func (k *Keys) sign(ctx context.Context, st *store.Store, alg, typ string, claims any) (string, error) {
	set, err := k.of(ctx, st)
	if err != nil {
		return "", err
	}
	signed, err := set.sign(alg, typ, claims)
	if err == nil && alg == jose.PS256 {
		_ = st.NotePS256(ctx)
	}
	return signed, err
}

// probabilistic returns an RSA key as the one that PS256 is signed with. It has an id of its own, so that every entry of the key
// set has one algorithm, which verifiers hold tokens to.
func probabilistic(key *jose.Key) *jose.Key {
	ps := *key
	ps.KID, ps.Algorithm = key.KID+"-PS256", jose.PS256
	return &ps
}

// Forget makes the keys of a tenant be read anew, after they have changed; those of all tenants if it is "*".
func (k *Keys) Forget(tenant string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.changes++
	delete(k.tenants, tenant)
	if tenant == "*" {
		clear(k.tenants)
	}
}

// Ensure gives a tenant without keys its current and its next one.
func (k *Keys) Ensure(ctx context.Context, st *store.Store) error {
	have, err := st.SigningKeys(ctx)
	if err != nil || len(have) > 0 {
		return err
	}
	for i, state := range []string{"current", "next"} {
		key, err := newSigningKey(st, state)
		if err != nil {
			return err
		}
		key.CreatedAt = key.CreatedAt.Add(time.Duration(i) * time.Millisecond)
		if state == "current" {
			key.CurrentSince = key.CreatedAt
		}
		if err := st.CreateSigningKey(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

func newSigningKey(st *store.Store, state string) (*stagedoor.SigningKey, error) {
	now := st.Clock().Now()
	key, err := jose.NewRSAKey(2048, st.Tenant().Domain(), now)
	if err != nil {
		return nil, err
	}
	private, err := key.PEM()
	if err != nil {
		return nil, err
	}
	return &stagedoor.SigningKey{
		KID: key.KID, Algorithm: key.Algorithm, State: state, Private: private, CertDER: key.Cert.Raw, CreatedAt: now,
	}, nil
}

// Rotate lets the next key sign and makes another next one. The key that signed until now still verifies, until it is revoked.
// Other servers of the same database follow within store.CacheFor; until then what they sign is verified by all.
func (k *Keys) Rotate(ctx context.Context, st *store.Store) (*stagedoor.SigningKey, error) {
	next, err := newSigningKey(st, "next")
	if err != nil {
		return nil, err
	}
	current, err := st.RotateSigningKeys(ctx, next)
	k.Forget(st.Tenant().ID)
	return current, err
}

// Revoke ends a key that no longer signs: nothing that it signed is accepted any more, here at once, by other servers of the
// same database within store.CacheFor.
func (k *Keys) Revoke(ctx context.Context, st *store.Store, kid string) (*stagedoor.SigningKey, error) {
	key, err := st.RevokeSigningKey(ctx, kid)
	k.Forget(st.Tenant().ID)
	return key, err
}

// Current is the key that the tenant signs with. It is made if there is none yet.
func (k *Keys) Current(ctx context.Context, st *store.Store) (*jose.Key, error) {
	if err := k.Ensure(ctx, st); err != nil {
		return nil, err
	}
	set, err := k.of(ctx, st)
	if err != nil {
		return nil, err
	}
	return set.current, nil
}

func (k *Keys) of(ctx context.Context, st *store.Store) (*keySet, error) {
	id, now, version := st.Tenant().ID, time.Now(), st.Version()
	k.mu.Lock()
	set, changes := k.tenants[id], k.changes
	k.mu.Unlock()
	fresh := set != nil && st.Fresh(set.loaded, set.version)
	k.Metrics.Cache("keys", fresh)
	if fresh {
		return set, nil
	}
	rows, err := st.SigningKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("loading the signing keys: %w", err)
	}
	if set != nil && slices.EqualFunc(rows, set.rows, sameKey) { // to parse them costs more than to read them
		same := *set
		set = &same
	} else if set, err = parsed(st, rows); err != nil {
		return nil, fmt.Errorf("loading the signing keys: %w", err)
	}
	set.loaded, set.version = now, version
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.tenants == nil {
		k.tenants = map[string]*keySet{}
	}
	if len(k.tenants) >= k.crowd { // those of tenants whom nobody asks for go now and then
		maps.DeleteFunc(k.tenants, func(_ string, s *keySet) bool { return now.Sub(s.loaded) >= store.KeepFor })
		k.crowd = 2*len(k.tenants) + 64
	}
	if k.changes == changes { // else it may be older than the change
		k.tenants[id] = set
	}
	return set, nil
}

// sameKey tells whether two rows say the same; the private part belongs to the KID.
func sameKey(a, b stagedoor.SigningKey) bool {
	return a.KID == b.KID && a.State == b.State && a.Algorithm == b.Algorithm && a.RevokedAt.Equal(b.RevokedAt) && bytes.Equal(a.CertDER, b.CertDER)
}

func parsed(st *store.Store, rows []stagedoor.SigningKey) (*keySet, error) {
	var err error
	set := &keySet{rows: rows, public: map[string]*jose.Key{}, signers: map[signing]*jose.Signer{}}
	var twins []*jose.Key
	for _, row := range rows {
		if !row.RevokedAt.IsZero() {
			continue
		}
		key, err := jose.ParseKey(row.KID, row.Algorithm, row.Private)
		if err != nil {
			return nil, fmt.Errorf("signing key %s: %w", row.KID, err)
		}
		set.keys = append(set.keys, key)
		all := []*jose.Key{key}
		if key.Algorithm == jose.RS256 {
			all = append(all, probabilistic(key))
			twins = append(twins, all[1])
		}
		for _, key := range all {
			set.public[key.KID] = key
			if row.State != "current" {
				continue
			}
			set.current = all[0]
			for _, typ := range []string{"JWT", "at+jwt", logoutType} {
				if set.signers[signing{key.Algorithm, typ}], err = key.Signer(typ); err != nil {
					return nil, err
				}
			}
		}
	}
	if set.current == nil {
		return nil, fmt.Errorf("tenant %s has no current signing key", st.Tenant().ID)
	}
	if set.jwks, err = newDocument(set.keys); err == nil {
		set.twins, err = newDocument(append(set.keys, twins...))
	}
	return set, err
}

// JWKS returns the tenant's key set document (RFC 7517 section 5). Keys of PS256 are in it only where something of the tenant is signed so, or
// was and may still live: there are libraries that make keys of all entries, and give the whole set up for an algorithm that they do not know.
func (k *Keys) JWKS(ctx context.Context, st *store.Store) ([]byte, error) {
	set, err := k.of(ctx, st)
	if err != nil {
		return nil, err
	}
	listed := set.twins
	if ps, err := st.ListsPS256(ctx); err == nil && !ps { // an API goes on verifying while the database cannot be asked
		listed = set.jwks
	}
	if st.Tenant().Settings.Flags[stagedoor.FlagKeysWithoutAlg] {
		return listed.bare, nil
	}
	return listed.jwks, nil
}

// Public returns the keys that tokens of the tenant are verified with, by kid.
func (k *Keys) Public(ctx context.Context, st *store.Store) (map[string]crypto.PublicKey, error) {
	set, err := k.of(ctx, st)
	if err != nil {
		return nil, err
	}
	out := make(map[string]crypto.PublicKey, len(set.public))
	for kid, key := range set.public {
		out[kid] = key.Public()
	}
	return out, nil
}

// Verifies tells whether a key of the tenant has the kid and still verifies.
func (k *Keys) Verifies(ctx context.Context, st *store.Store, kid string) (bool, error) {
	set, err := k.of(ctx, st)
	return err == nil && set.public[kid] != nil, err
}

// Parse verifies a token that the tenant signed itself and is valid at now. Pass a zero now for a token
// that may have expired, such as an id_token_hint. A logout token proves nothing here.
func (k *Keys) Parse(ctx context.Context, st *store.Store, token string, now time.Time) (jose.Claims, error) {
	set, err := k.of(ctx, st)
	if err != nil {
		return jose.Claims{}, err
	}
	return jose.Parse(token, now, func(h jose.Header) (string, any, error) {
		key := set.public[h.KeyID]
		if key == nil || h.Type == logoutType {
			return "", nil, jose.ErrSignature
		}
		return key.Algorithm, key.Public(), nil
	})
}

// ParseHint verifies an ID token of the tenant, by its own key or by the secret of the client that it is for. One
// that has expired is good enough for a hint.
func (m *Minter) ParseHint(ctx context.Context, st *store.Store, hint string) (jose.Claims, error) {
	claims, err := m.ParseIDToken(ctx, st, hint)
	if errors.Is(err, jose.ErrExpired) {
		err = nil
	}
	return claims, err
}

// ParseIDToken verifies an ID token of the tenant, by its own key or, with HS256, by the secret of the
// client that it is for. With jose.ErrExpired the claims are returned too.
func (m *Minter) ParseIDToken(ctx context.Context, st *store.Store, raw string) (jose.Claims, error) {
	header, peeked, err := jose.Peek(raw)
	if err != nil {
		return jose.Claims{}, err
	}
	if header.Algorithm != jose.HS256 || len(peeked.Audience) != 1 {
		return m.Keys.Parse(ctx, st, raw, st.Clock().Now())
	}
	client, err := st.Client(ctx, peeked.Audience[0])
	if err != nil || client.Secret == "" || IDTokenAlgorithm(client, false) != jose.HS256 {
		return jose.Claims{}, jose.ErrSignature
	}
	secret, err := SigningSecret(client)
	if err != nil {
		return jose.Claims{}, jose.ErrSignature
	}
	return jose.Parse(raw, st.Clock().Now(), func(h jose.Header) (string, any, error) {
		if h.Type == logoutType {
			return "", nil, jose.ErrSignature
		}
		return jose.HS256, secret, nil
	})
}
