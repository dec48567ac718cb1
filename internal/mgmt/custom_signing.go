package mgmt

import (
	"encoding/json"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
)

// customSigningKeys is a tenant's own set of public keys; there is one or none.
type customSigningKeys struct {
	ID   string            `json:"id"`
	Keys []json.RawMessage `json:"keys"`
}

const onlyOne = "only"

var customSigning = store.Kind[customSigningKeys]{
	Name:    "custom_signing_keys",
	ID:      func(k *customSigningKeys) *string { return &k.ID },
	Missing: stagedoor.Errorf(stagedoor.NotFound, "", "No custom signing keys found."),
}

type customSigningIn struct {
	Keys []freeObject `json:"keys" schema:"required,max=20" doc:"An array of custom public signing keys"`
}

func (a *API) readCustomSigning(c *call) (any, error) {
	k, err := customSigning.Get(c.ctx(), c.store, onlyOne)
	if err != nil {
		return nil, err
	}
	return map[string]any{"keys": k.Keys}, nil
}

func (a *API) setCustomSigning(c *call, in customSigningIn) (any, error) {
	keys := []json.RawMessage{}
	for i, key := range in.Keys {
		raw, err := json.Marshal(key)
		if err != nil || jose.CheckPublicJWK(raw) != nil {
			return nil, badProperty("keys["+itoa(i)+"]", "Object didn't pass validation for format public-jwk")
		}
		keys = append(keys, raw)
	}
	_, err := customSigning.Set(c.ctx(), c.store, onlyOne, func() *customSigningKeys { return &customSigningKeys{} }, func(k *customSigningKeys) error {
		k.Keys = keys
		return nil
	})
	return map[string]any{"keys": keys}, err
}

func (a *API) deleteCustomSigning(c *call) (any, error) {
	_, err := customSigning.Delete(c.ctx(), c.store, onlyOne)
	return nil, err
}
