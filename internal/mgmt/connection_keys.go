package mgmt

import (
	"crypto/sha1" //nolint:gosec // the wire shows the fingerprint of a public certificate, which protects nothing
	"encoding/json"
	"fmt"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// keyedStrategies are those whose connections sign what they send.
var keyedStrategies = []string{"oidc", "okta", "samlp"}

// connectionKey is a key of a connection as the wire has it.
type connectionKey struct {
	KID          string `json:"kid"`
	Algorithm    string `json:"algorithm"`
	Use          string `json:"key_use"`
	SubjectDN    string `json:"subject_dn"`
	Cert         string `json:"cert"`
	Fingerprint  string `json:"fingerprint"`
	Thumbprint   string `json:"thumbprint"`
	PKCS         string `json:"pkcs"`
	Current      bool   `json:"current,omitempty"`
	Next         bool   `json:"next,omitempty"`
	Previous     bool   `json:"previous,omitempty"`
	CurrentSince string `json:"current_since,omitempty"`
}

func showConnectionKeys(conn *stagedoor.Connection, keys []stagedoor.ConnectionKey) ([]connectionKey, error) {
	out := []connectionKey{}
	slices.SortStableFunc(keys, func(x, y stagedoor.ConnectionKey) int { return rank(x.State) - rank(y.State) })
	for _, k := range keys {
		bundle, err := pkcs7(k.CertDER)
		if err != nil {
			return nil, err
		}
		sum := sha1.Sum(k.CertDER) //nolint:gosec // see above
		shown := connectionKey{
			KID: k.KID, Algorithm: k.Algorithm, Use: "signing", SubjectDN: "/CN=" + conn.Name, Cert: certificatePEM(k.CertDER),
			Fingerprint: colons(sum[:]), Thumbprint: fmt.Sprintf("%X", sum), PKCS: bundle,
			Current: k.State == "current", Next: k.State == "next", Previous: k.State == "previous",
		}
		if k.State == "current" {
			shown.CurrentSince = stagedoor.FormatTime(k.CurrentSince)
		}
		out = append(out, shown)
	}
	return out, nil
}

// keyedConnection is the connection that the path names, of a strategy that has keys.
func (c *call) keyedConnection() (*stagedoor.Connection, error) {
	conn, err := c.connection()
	if err == nil && !slices.Contains(keyedStrategies, conn.Strategy) {
		return nil, bad("operation_not_supported", "Connections of strategy "+conn.Strategy+" have no keys.")
	}
	return conn, err
}

type connectionKeyIn struct {
	Algorithm web.Opt[string] `json:"signing_alg" schema:"notnull,enum=RS256|RS384|RS512|PS256|PS384|ES256|ES384" doc:"The algorithm that the keys sign with"`
}

// algorithm is what the keys sign with: RS256 unless the caller says otherwise.
func (in connectionKeyIn) algorithm() (string, error) {
	alg := in.Algorithm.Or(jose.RS256)
	if !slices.Contains([]string{jose.RS256, jose.PS256, jose.ES256}, alg) {
		return "", unsupported("The algorithm " + alg)
	}
	return alg, nil
}

func (a *API) newConnectionKey(name, state, algorithm string) (*stagedoor.ConnectionKey, error) {
	now := a.Clock.Now()
	var key *jose.Key
	var err error
	if algorithm == jose.ES256 {
		key, err = jose.NewECKey(name, now)
	} else {
		key, err = jose.NewRSAKey(2048, name, now)
	}
	if err != nil {
		return nil, err
	}
	key.Algorithm = algorithm
	private, err := key.PEM()
	if err != nil {
		return nil, err
	}
	public := jose.PublicPEM{Key: key.Public()}
	k := &stagedoor.ConnectionKey{KID: public.Thumbprint(), Algorithm: key.Algorithm, State: state, Private: private, CertDER: key.Cert.Raw}
	if state == "current" {
		k.CurrentSince = now
	}
	return k, nil
}

// makeConnectionKeys gives a connection its current and its next key.
func (a *API) makeConnectionKeys(c *call, conn *stagedoor.Connection, algorithm string) ([]stagedoor.ConnectionKey, error) {
	var keys []stagedoor.ConnectionKey
	for _, state := range []string{"current", "next"} {
		k, err := a.newConnectionKey(conn.Name, state, algorithm)
		if err != nil {
			return nil, err
		}
		keys = append(keys, *k)
	}
	sealed, err := json.Marshal(keys)
	if err != nil {
		return nil, err
	}
	return keys, store.ConnectionKeys.Create(c.ctx(), c.store, &stagedoor.ConnectionKeys{ConnectionID: conn.ID, Sealed: string(sealed)})
}

// connectionKeys returns the keys of a connection; the first who asks makes them.
func (a *API) connectionKeys(c *call, conn *stagedoor.Connection) ([]stagedoor.ConnectionKey, error) {
	kept, err := store.ConnectionKeys.Get(c.ctx(), c.store, conn.ID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		keys, err := a.makeConnectionKeys(c, conn, jose.RS256)
		if !stagedoor.IsKind(err, stagedoor.Conflict) {
			return keys, err
		}
		if kept, err = store.ConnectionKeys.Get(c.ctx(), c.store, conn.ID); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	var keys []stagedoor.ConnectionKey
	return keys, json.Unmarshal([]byte(kept.Sealed), &keys)
}

func (a *API) listConnectionKeys(c *call) (any, error) {
	conn, err := c.keyedConnection()
	if err != nil {
		return nil, err
	}
	keys, err := a.connectionKeys(c, conn)
	if err != nil {
		return nil, err
	}
	return showConnectionKeys(conn, keys)
}

// createConnectionKeys makes the keys of a connection that has none yet.
func (a *API) createConnectionKeys(c *call, in connectionKeyIn) (any, error) {
	conn, err := c.keyedConnection()
	if err != nil {
		return nil, err
	}
	alg, err := in.algorithm()
	if err != nil {
		return nil, err
	}
	keys, err := a.makeConnectionKeys(c, conn, alg)
	if err != nil {
		return nil, err
	}
	return showConnectionKeys(conn, keys)
}

// rotateConnectionKeys makes the next key the current one and answers the new next one. Of former keys the last is kept.
func (a *API) rotateConnectionKeys(c *call, in connectionKeyIn) (any, error) {
	conn, err := c.keyedConnection()
	if err != nil {
		return nil, err
	}
	alg, err := in.algorithm()
	if err != nil {
		return nil, err
	}
	if _, err := a.connectionKeys(c, conn); err != nil {
		return nil, err
	}
	next, err := a.newConnectionKey(conn.Name, "next", alg)
	if err != nil {
		return nil, err
	}
	_, err = store.ConnectionKeys.Update(c.ctx(), c.store, conn.ID, func(kept *stagedoor.ConnectionKeys) error {
		var keys []stagedoor.ConnectionKey
		if err := json.Unmarshal([]byte(kept.Sealed), &keys); err != nil {
			return err
		}
		keys = slices.DeleteFunc(keys, func(k stagedoor.ConnectionKey) bool { return k.State == "previous" })
		for i := range keys {
			if keys[i].State == "current" {
				keys[i].State = "previous"
			} else {
				keys[i].State, keys[i].CurrentSince = "current", a.Clock.Now()
			}
		}
		sealed, err := json.Marshal(append(keys, *next))
		kept.Sealed = string(sealed)
		return err
	})
	if err != nil {
		return nil, err
	}
	shown, err := showConnectionKeys(conn, []stagedoor.ConnectionKey{*next})
	if err != nil {
		return nil, err
	}
	return shown[0], nil
}
