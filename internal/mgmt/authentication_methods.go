package mgmt

import (
	"encoding/base32"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// showMethod is an authentication method as the wire has it; what would tell where a person can be reached is masked.
func showMethod(m *stagedoor.AuthenticationMethod) map[string]any {
	out := map[string]any{"id": m.ID, "type": m.Type, "created_at": stagedoor.FormatTime(m.CreatedAt)}
	for name, value := range map[string]string{
		"name": m.Name, "email": maskEmail(m.Email), "phone_number": maskPhone(m.PhoneNumber), "preferred_authentication_method": m.Preferred,
		"key_id": m.KeyID, "public_key": m.PublicKey, "aaguid": m.AAGUID, "relying_party_identifier": m.RelyingParty,
		"credential_device_type": m.DeviceType, "identity_user_id": m.IdentityUserID, "user_agent": m.UserAgent, "user_handle": m.UserHandle,
	} {
		if value != "" {
			out[name] = value
		}
	}
	if m.BackedUp != nil {
		out["credential_backed_up"] = *m.BackedUp
	}
	if m.Transports != nil {
		out["transports"] = m.Transports
	}
	if m.Type == "phone" {
		out["authentication_methods"] = []any{map[string]any{"id": m.Preferred + "|" + m.Device(), "type": m.Preferred}}
	}
	return out
}

// showConfirmed is showMethod for reads, which tell that the method can be used.
func showConfirmed(m *stagedoor.AuthenticationMethod) map[string]any {
	out := showMethod(m)
	out["confirmed"] = true
	if !m.LastUsedAt.IsZero() {
		out["last_auth_at"] = stagedoor.FormatTime(m.LastUsedAt)
	}
	return out
}

// maskEmail shows four characters of either side: chuc****@exam*******.
func maskEmail(s string) string {
	local, domain, is := strings.Cut(s, "@")
	if !is {
		return ""
	}
	mask := func(s string) string {
		r := []rune(s)
		if len(r) <= 4 {
			return "****"
		}
		return string(r[:4]) + strings.Repeat("*", len(r)-4)
	}
	return mask(local) + "@" + mask(domain)
}

// maskPhone shows the last four digits.
func maskPhone(s string) string {
	if len(s) <= 4 {
		return strings.Repeat("X", len(s))
	}
	return strings.Repeat("X", len(s)-4) + s[len(s)-4:]
}

func (a *API) listMethods(c *call, in web.Paging) (any, error) {
	if _, err := c.store.User(c.ctx(), c.id()); err != nil {
		return nil, err
	}
	all, err := c.store.AuthenticationMethods(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	return pageOf(in, "authenticators", all, func(m stagedoor.AuthenticationMethod) any { return showConfirmed(&m) }), nil
}

// newMethodIn is what a method that replaces others can have.
type newMethodIn struct {
	Type string `json:"type" schema:"required,enum=phone|email|totp" doc:"The type of authentication method"`
	methodIn
}

// methodIn is what methods of several types have.
type methodIn struct {
	Name        string          `json:"name" schema:"max=20" doc:"A human-readable label to identify the authentication method"`
	TOTPSecret  string          `json:"totp_secret" schema:"min=1" doc:"Base32 encoded secret for TOTP generation"`
	PhoneNumber string          `json:"phone_number" schema:"min=2,max=30" doc:"Applies to phone authentication methods only. The destination phone number used to send verification codes via text and voice"`
	Email       string          `json:"email" schema:"format=email" doc:"Applies to email authentication methods only. The email address used to send verification messages"`
	Preferred   web.Opt[string] `json:"preferred_authentication_method" schema:"notnull,enum=voice|sms" doc:"Applies to phone authentication methods only. The preferred communication method"`
}

type createMethodIn struct {
	Type           string        `json:"type" schema:"required,enum=phone|email|totp|webauthn-roaming|passkey" doc:"The type of authentication method"`
	KeyID          string        `json:"key_id" schema:"min=1,max=1366" doc:"Applies to webauthn authentication methods only. The id of the credential"`
	PublicKey      string        `json:"public_key" schema:"min=1,max=8192" doc:"Applies to webauthn authentication methods only. The public key"`
	AAGUID         string        `json:"aaguid" schema:"min=1,max=64" doc:"Applies to passkeys only. Authenticator Attestation Globally Unique Identifier"`
	RelyingParty   string        `json:"relying_party_identifier" schema:"min=1,max=255" doc:"Applies to webauthn authentication methods only. The relying party identifier"`
	DeviceType     string        `json:"credential_device_type" schema:"enum=single_device|multi_device" doc:"Applies to passkeys only. The kind of device the credential is stored on"`
	BackedUp       web.Opt[bool] `json:"credential_backed_up" schema:"notnull" doc:"Applies to passkeys only. Whether the credential was backed up"`
	IdentityUserID string        `json:"identity_user_id" schema:"min=1,max=255" doc:"Applies to passkeys only. The ID of the user identity linked with the authentication method"`
	UserAgent      string        `json:"user_agent" schema:"min=1,max=1024" doc:"Applies to passkeys only. The user-agent of the browser used to create the passkey"`
	UserHandle     string        `json:"user_handle" schema:"min=1,max=128" doc:"Applies to passkeys only. The user handle of the user identity"`
	Transports     []string      `json:"transports" schema:"max=10" doc:"Applies to passkeys only. The transports used by clients to communicate with the authenticator"`
	methodIn
}

// method is what is to be kept of what was sent, with what its type needs.
func (in *methodIn) method(kind string) (*stagedoor.AuthenticationMethod, error) {
	m := &stagedoor.AuthenticationMethod{Type: kind, Name: in.Name}
	sent := map[string]string{"phone_number": in.PhoneNumber, "email": in.Email, "totp_secret": in.TOTPSecret, "preferred_authentication_method": in.Preferred.Value}
	for name, of := range map[string]string{"phone_number": "phone", "email": "email", "totp_secret": "totp", "preferred_authentication_method": "phone"} {
		if sent[name] != "" && kind != of {
			return nil, badProperty(name, "Applies to "+of+" authentication methods only")
		}
	}
	switch kind {
	case "phone":
		m.PhoneNumber, m.Preferred = in.PhoneNumber, in.Preferred.Or("sms")
		return m, needs("phone_number", in.PhoneNumber)
	case "email":
		m.Email = in.Email
		return m, needs("email", in.Email)
	case "totp":
		m.Secret = strings.ToUpper(in.TOTPSecret)
		if m.Secret == "" {
			m.Secret = stagedoor.NewTOTPSecret()
		}
		if key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(m.Secret, "=")); err != nil || len(key) == 0 {
			return nil, badProperty("totp_secret", "String is not base32")
		}
	}
	return m, nil
}

func needs(name, value string) error {
	if value == "" {
		return badProperty("", "Missing required property: "+name)
	}
	return nil
}

func (a *API) createMethod(c *call, in createMethodIn) (any, error) {
	m, err := in.method(in.Type)
	if err != nil {
		return nil, err
	}
	if in.Type == "passkey" || in.Type == "webauthn-roaming" {
		m.KeyID, m.PublicKey, m.AAGUID, m.RelyingParty, m.DeviceType = in.KeyID, in.PublicKey, in.AAGUID, in.RelyingParty, in.DeviceType
		m.IdentityUserID, m.UserAgent, m.UserHandle, m.Transports = in.IdentityUserID, in.UserAgent, in.UserHandle, in.Transports
		copyFlag(in.BackedUp, &m.BackedUp)
		for _, p := range [][2]string{{"key_id", in.KeyID}, {"public_key", in.PublicKey}, {"relying_party_identifier", in.RelyingParty}} {
			if err := needs(p[0], p[1]); err != nil {
				return nil, err
			}
		}
		if m.KeyID, err = mfa.CredentialID(in.KeyID); err != nil { // by one spelling: else nobody would find it again
			return nil, badProperty("key_id", "String is not base64url")
		}
	}
	if err := c.store.AddAuthenticationMethods(c.ctx(), c.id(), []*stagedoor.AuthenticationMethod{m}, false); err != nil {
		return nil, err
	}
	out := showMethod(m)
	if m.Secret != "" {
		out["totp_secret"] = m.Secret
	}
	return out, nil
}

// replaceMethods answers what it was sent, unmasked.
func (a *API) replaceMethods(c *call, in []newMethodIn) (any, error) {
	all := make([]*stagedoor.AuthenticationMethod, len(in))
	for i := range in {
		var err error
		if all[i], err = in[i].method(in[i].Type); err != nil {
			return nil, err
		}
	}
	before, err := c.store.AuthenticationMethods(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	if err := c.store.AddAuthenticationMethods(c.ctx(), c.id(), all, true); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(before, func(m stagedoor.AuthenticationMethod) bool { return !stays(&m, all) }) {
		_ = a.unenrolled(c, c.id(), nil)
	}
	shown := make([]any, len(all))
	for i, m := range all {
		one := showMethod(m)
		for name, value := range map[string]string{"email": m.Email, "phone_number": m.PhoneNumber} {
			if value != "" {
				one[name] = value
			}
		}
		shown[i] = one
	}
	return shown, nil
}

// stays tells whether a method that was replaced is there again: an app is another one, for nobody knows the secret of the one before. Recovery codes are
// no factor, and go along.
func stays(m *stagedoor.AuthenticationMethod, all []*stagedoor.AuthenticationMethod) bool {
	return m.Type == store.TypeRecovery || slices.ContainsFunc(all, func(now *stagedoor.AuthenticationMethod) bool {
		return now.Type == m.Type && m.PhoneNumber+m.Email != "" && now.PhoneNumber == m.PhoneNumber && now.Email == m.Email
	})
}

func (a *API) deleteMethods(c *call) (any, error) {
	return nil, a.unenrollAll(c)
}

func (c *call) methodID() string { return c.r.PathValue("authentication_method_id") }

func (a *API) readMethod(c *call) (any, error) {
	if _, err := c.store.User(c.ctx(), c.id()); err != nil {
		return nil, err
	}
	m, err := c.store.AuthenticationMethod(c.ctx(), c.id(), c.methodID())
	if err != nil {
		return nil, err
	}
	return showConfirmed(m), nil
}

type updateMethodIn struct {
	Name      web.Opt[string] `json:"name" schema:"notnull,max=20" doc:"A human-readable label to identify the authentication method"`
	Preferred web.Opt[string] `json:"preferred_authentication_method" schema:"notnull,enum=voice|sms" doc:"Preferred phone authentication method"`
}

func (a *API) updateMethod(c *call, in updateMethodIn) (any, error) {
	m, err := c.store.UpdateAuthenticationMethod(c.ctx(), c.id(), c.methodID(), func(m *stagedoor.AuthenticationMethod) error {
		if in.Preferred.Set && m.Type != "phone" {
			return badProperty("preferred_authentication_method", "Applies to phone authentication methods only")
		}
		in.Name.Into(&m.Name)
		in.Preferred.Into(&m.Preferred)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return showMethod(m), nil
}

func (a *API) deleteMethod(c *call) (any, error) {
	return nil, a.unenrolled(c, c.id(), mfa.Remove(c.ctx(), c.store, c.id(), &stagedoor.AuthenticationMethod{ID: c.methodID()}))
}
