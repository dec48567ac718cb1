package mgmt

import (
	"encoding/base64"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// The types and states of encryption keys.
const (
	environmentRoot  = "environment-root-key"
	customerRoot     = "customer-provided-root-key"
	tenantMaster     = "tenant-master-key"
	tenantEncryption = "tenant-encryption-key"

	keyPending   = "pre-activation"
	keyActive    = "active"
	keyDestroyed = "destroyed"
)

// shownKey is an encryption key as the wire has it.
type shownKey struct {
	KID       string  `json:"kid"`
	Type      string  `json:"type"`
	State     string  `json:"state"`
	CreatedAt string  `json:"created_at"`
	UpdatedAt string  `json:"updated_at"`
	ParentKID *string `json:"parent_kid"`
}

func showKey(k *stagedoor.TenantKey) shownKey {
	out := shownKey{k.KID, k.Type, k.State, stagedoor.FormatTime(k.CreatedAt), stagedoor.FormatTime(k.UpdatedAt), nil}
	if k.ParentKID != "" {
		out.ParentKID = &k.ParentKID
	}
	return out
}

// tenantKeys returns the tenant's keys, newest first. The first who asks makes the root and the master key; whoever comes after somebody who broke off
// between the two makes the other.
func (a *API) tenantKeys(c *call) ([]stagedoor.TenantKey, error) {
	all, err := store.TenantKeys.All(c.ctx(), c.store)
	if err != nil {
		return nil, err
	}
	of := func(kind string) string { return kind + "-" + c.store.Tenant().ID } // one for each tenant, whoever comes first
	missing := false
	for _, first := range [][2]string{{environmentRoot, ""}, {tenantMaster, of(environmentRoot)}} {
		kind, parent := first[0], first[1]
		if slices.ContainsFunc(all, func(k stagedoor.TenantKey) bool { return k.Type == kind }) {
			continue
		}
		missing = true
		k := a.newKey(kind, keyActive, parent)
		k.KID = of(kind)
		if err := store.TenantKeys.Create(c.ctx(), c.store, k); err != nil && !stagedoor.IsKind(err, stagedoor.Conflict) {
			return nil, err
		}
	}
	if missing {
		if all, err = store.TenantKeys.All(c.ctx(), c.store); err != nil {
			return nil, err
		}
	}
	slices.Reverse(all)
	return all, nil
}

func (a *API) newKey(kind, state, parent string) *stagedoor.TenantKey {
	now := a.Clock.Now()
	k := &stagedoor.TenantKey{Type: kind, State: state, CreatedAt: now, UpdatedAt: now, ParentKID: parent}
	if state == keyActive {
		k.Material = jose.RandomToken(32)
	}
	return k
}

// topKey returns the first active key of the types, in their order.
func topKey(all []stagedoor.TenantKey, types ...string) *stagedoor.TenantKey {
	for _, kind := range types {
		for i := range all {
			if all[i].Type == kind && all[i].State == keyActive {
				return &all[i]
			}
		}
	}
	return nil
}

func (a *API) listEncryptionKeys(c *call, in web.Paging) (any, error) {
	all, err := a.tenantKeys(c)
	if err != nil {
		return nil, err
	}
	return listed(c, in, web.Checkpoint{}, "keys", all, func(k stagedoor.TenantKey) string { return k.KID },
		func(k stagedoor.TenantKey) (any, error) { return showKey(&k), nil })
}

func (a *API) readEncryptionKey(c *call) (any, error) {
	k, err := store.TenantKeys.Get(c.ctx(), c.store, c.kid())
	if err != nil {
		return nil, err
	}
	return showKey(k), nil
}

type createEncryptionKeyIn struct {
	Type string `json:"type" schema:"required,enum=customer-provided-root-key|tenant-encryption-key" doc:"Type of the encryption key to be created"`
}

func (a *API) createEncryptionKey(c *call, in createEncryptionKeyIn) (any, error) {
	all, err := a.tenantKeys(c)
	if err != nil {
		return nil, err
	}
	k := a.newKey(in.Type, keyPending, "")
	if in.Type == tenantEncryption {
		k = a.newKey(in.Type, keyActive, topKey(all, tenantMaster).KID)
	}
	if err := store.TenantKeys.Create(c.ctx(), c.store, k); err != nil {
		return nil, err
	}
	return showKey(k), nil
}

// changeKey changes a key that the customer is to provide and has not provided yet.
func (c *call) changeKey(change func(*stagedoor.TenantKey) error) (*stagedoor.TenantKey, error) {
	return store.TenantKeys.Update(c.ctx(), c.store, c.kid(), func(k *stagedoor.TenantKey) error {
		if k.Type != customerRoot || k.State != keyPending {
			return bad("operation_not_supported", "Key material can only be given to a customer-provided-root-key in state pre-activation.")
		}
		return change(k)
	})
}

func (a *API) createWrappingKey(c *call) (any, error) {
	private, public, err := jose.NewWrappingKey()
	if err != nil {
		return nil, err
	}
	_, err = c.changeKey(func(k *stagedoor.TenantKey) error {
		k.Material, k.UpdatedAt = string(private), a.Clock.Now()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return map[string]string{"public_key": string(public), "algorithm": "CKM_RSA_AES_KEY_WRAP"}, nil
}

type importKeyIn struct {
	WrappedKey string `json:"wrapped_key" schema:"required,min=1,max=16384" doc:"Base64 encoded ciphertext of key material wrapped by public wrapping key"`
}

func (a *API) importEncryptionKey(c *call, in importKeyIn) (any, error) {
	wrapped, err := base64.StdEncoding.DecodeString(in.WrappedKey)
	if err != nil {
		return nil, badProperty("wrapped_key", "Object didn't pass validation for format base64")
	}
	k, err := c.changeKey(func(k *stagedoor.TenantKey) error {
		if k.Material == "" {
			return bad("operation_not_supported", "Create a wrapping key first.")
		}
		material, err := jose.Unwrap([]byte(k.Material), wrapped)
		if err != nil || len(material) != 32 {
			return badProperty("wrapped_key", "The key must be an AES-256 key, wrapped as CKM_RSA_AES_KEY_WRAP for the public wrapping key")
		}
		k.Material, k.State, k.UpdatedAt = base64.RawURLEncoding.EncodeToString(material), keyActive, a.Clock.Now()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return showKey(k), nil
}

// rekey makes another master key, below the customer's root key if there is an active one, and destroys the one before.
func (a *API) rekey(c *call) (any, error) {
	all, err := a.tenantKeys(c)
	if err != nil {
		return nil, err
	}
	next := a.newKey(tenantMaster, keyActive, topKey(all, customerRoot, environmentRoot).KID)
	if err := store.TenantKeys.Create(c.ctx(), c.store, next); err != nil {
		return nil, err
	}
	for _, k := range all {
		if k.Type == tenantMaster && k.State == keyActive {
			if err := a.destroyKey(c, k.KID); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}

func (a *API) destroyKey(c *call, kid string) error {
	_, err := store.TenantKeys.Update(c.ctx(), c.store, kid, func(k *stagedoor.TenantKey) error {
		if k.State != keyDestroyed {
			k.State, k.Material, k.UpdatedAt = keyDestroyed, "", a.Clock.Now()
		}
		return nil
	})
	return err
}

func (a *API) deleteEncryptionKey(c *call) (any, error) {
	k, err := store.TenantKeys.Get(c.ctx(), c.store, c.kid())
	switch {
	case stagedoor.IsKind(err, stagedoor.NotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case k.Type == environmentRoot || k.Type == tenantMaster && k.State == keyActive:
		return nil, bad("operation_not_supported", "This key is in use and cannot be deleted.")
	}
	return nil, a.destroyKey(c, k.KID)
}
