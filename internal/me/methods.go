package me

import (
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// show is an authentication method as this API has it: to its own person, and so with nothing masked.
func (c *call) show(m *stagedoor.AuthenticationMethod) map[string]any {
	name := typeOf(m.Type)
	out := map[string]any{"id": wireID(m), "type": name, "created_at": stagedoor.FormatTime(m.CreatedAt), "usage": usageOf(name)}
	for member, value := range map[string]string{"name": m.Name, "phone_number": m.PhoneNumber, "email": m.Email, "key_id": m.KeyID, "public_key": mfa.PublicKey(m.PublicKey)} {
		if value != "" && (m.Push == nil || member == "name") {
			out[member] = value
		}
	}
	if !m.LastUsedAt.IsZero() {
		out["last_auth_at"] = stagedoor.FormatTime(m.LastUsedAt)
	}
	switch name {
	case typePasskey:
		delete(out, "name")
		out["credential_device_type"], out["credential_backed_up"] = "single_device", m.BackedUp != nil && *m.BackedUp
		out["identity_user_id"], out["user_handle"] = c.User.ID, base64.RawURLEncoding.EncodeToString(mfa.Handle(c.Store, c.User.ID))
		for member, value := range map[string]string{
			"credential_device_type": m.DeviceType, "identity_user_id": m.IdentityUserID, "user_handle": m.UserHandle, "user_agent": m.UserAgent, "aaguid": m.AAGUID,
			"relying_party_id": m.RelyingParty,
		} {
			if value != "" {
				out[member] = value
			}
		}
		if m.Transports != nil {
			out["transports"] = m.Transports
		}
	case typePhone:
		out["preferred_authentication_method"] = mfa.TargetOf(m).Channel
		fallthrough
	default:
		out["confirmed"] = true // what is not is no method yet
	}
	return out
}

// wireID is the id of a method for the wire, and keptID the other way round: the type in it is that of this API.
func wireID(m *stagedoor.AuthenticationMethod) string { return typeOf(m.Type) + "|" + m.Device() }

func keptID(id string) string {
	name, device, _ := strings.Cut(id, "|")
	for _, t := range types {
		if t.name == name && t.method != "" {
			return t.method + "|" + device
		}
	}
	return id
}

// passwordMethod is the person's password as a method; nil if they have none here.
func (c *call) passwordMethod() (map[string]any, error) {
	conn, err := c.database()
	if err != nil || conn == nil || !conn.Passwords() {
		return nil, err
	}
	if conn.KeepsUsers() {
		if hash, err := c.Store.PasswordHash(c.Ctx(), c.User.ID); err != nil || hash == "" {
			return nil, err
		}
	}
	out := map[string]any{
		"id": typePassword + "|" + base64.RawURLEncoding.EncodeToString([]byte(c.User.ID)), "type": typePassword, "identity_user_id": c.User.ID,
		"created_at": stagedoor.FormatTime(c.User.CreatedAt), "usage": usageOf(typePassword),
	}
	if !c.User.LastPasswordReset.IsZero() {
		out["last_password_reset"] = stagedoor.FormatTime(c.User.LastPasswordReset)
	}
	return out, nil
}

type listMethodsIn struct {
	Type string `json:"type" schema:"enum=password|passkey|webauthn-platform|webauthn-roaming|totp|phone|email|push-notification|recovery-code" doc:"Which ones alone"`
}

func (d *Door) listMethods(c *call, in listMethodsIn) (any, error) {
	out := []map[string]any{}
	if in.Type == "" || in.Type == typePassword {
		own, err := c.passwordMethod()
		if err != nil {
			return nil, err
		}
		if own != nil {
			out = append(out, own)
		}
	}
	all, err := c.Store.AuthenticationMethods(c.Ctx(), c.User.ID)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if name := typeOf(all[i].Type); name != "" && (in.Type == "" || in.Type == name) {
			out = append(out, c.show(&all[i]))
		}
	}
	return map[string]any{"authentication_methods": out}, nil
}

// method is the one in the path; nil if it is the person's password.
func (c *call) method() (*stagedoor.AuthenticationMethod, error) {
	id := c.R.PathValue("id")
	c.kind, _, _ = strings.Cut(id, "|")
	if c.device = id; kindOf(c.kind) == "" && c.kind != typePasskey && c.kind != typePassword {
		c.kind = ""
	}
	if c.kind == typePassword {
		own, err := c.passwordMethod()
		if err == nil && (own == nil || own["id"] != id) {
			err = errNoMethod()
		}
		return nil, err
	}
	m, err := c.Store.AuthenticationMethod(c.Ctx(), c.User.ID, keptID(id))
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && typeOf(m.Type) == "" {
		err = errNoMethod()
	}
	return m, err
}

func errNoMethod() error {
	return stagedoor.Errorf(stagedoor.NotFound, "not_found", "There is no such authentication method.")
}

func (d *Door) readMethod(c *call) (any, error) {
	m, err := c.method()
	switch {
	case err != nil:
		return nil, err
	case m == nil:
		return c.passwordMethod()
	}
	return c.show(m), nil
}

type updateMethodIn struct {
	Name      web.Opt[string] `json:"name" schema:"notnull,max=100" doc:"What the person calls it"`
	Preferred web.Opt[string] `json:"preferred_authentication_method" schema:"notnull,enum=sms|voice" doc:"How codes come to a phone"`
}

func (d *Door) updateMethod(c *call, in updateMethodIn) (any, error) {
	m, err := c.method()
	if err != nil {
		return nil, err
	}
	if err := c.notOlder(); err != nil {
		return nil, err
	}
	switch {
	case m == nil, m.Type == store.TypePasskey && in.Name.Set, m.Type == store.TypeRecovery && in.Name.Set:
		return nil, wrong("name", "This method has no name.")
	case in.Preferred.Set && m.Type != mfa.Phone:
		return nil, wrong("preferred_authentication_method", "Applies to phones alone.")
	}
	m, err = c.Store.UpdateAuthenticationMethod(c.Ctx(), c.User.ID, m.ID, func(m *stagedoor.AuthenticationMethod) error {
		in.Name.Into(&m.Name)
		in.Preferred.Into(&m.Preferred)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c.show(m), nil
}

// deleteMethod takes a method away. One that is not there is as good as taken away.
func (d *Door) deleteMethod(c *call) (any, error) {
	m, err := c.method()
	switch {
	case stagedoor.IsKind(err, stagedoor.NotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case m == nil:
		return nil, stagedoor.Errorf(stagedoor.Conflict, "conflict", "A password cannot be taken away; it can be replaced.")
	}
	if err := c.notOlder(); err != nil {
		return nil, err
	}
	conn, err := c.database()
	if err != nil {
		return nil, err
	}
	switch err := pipeline.RemoveMethod(c.Ctx(), c.Store, c.User, conn, m); {
	case stagedoor.IsKind(err, stagedoor.NotFound): // gone meanwhile
		return nil, nil
	case stagedoor.HasCode(err, store.CodeLastPasskey):
		return nil, stagedoor.Errorf(stagedoor.Conflict, "conflict", "This passkey is the only way into the account. Add another one first.")
	case err != nil:
		return nil, err
	}
	c.Store.Log(c.Event("gd_unenroll", "The person took an authentication method away through the My Account API: "+m.Type))
	d.Pipeline.FactorChanged(c.Ctx(), c.visit(), c.User.ID, "removed")
	return nil, nil
}

// location is where a method is found. Clients go on from there as it stands.
func (c *call) location(id string) string {
	return web.Issuer(c.R) + strings.TrimPrefix(Base, "/") + "/authentication-methods/" + url.PathEscape(id)
}

// notOlder refuses a token from before a second factor of the person's was set up: whoever got it then knew the password alone, perhaps. One that was set up with the token itself is no
// reason.
func (c *call) notOlder() error {
	all, err := c.Store.AuthenticationMethods(c.Ctx(), c.User.ID)
	if err != nil {
		return err
	}
	for i := range all {
		if m := &all[i]; isSecond(m) && m.CreatedAt.Unix() > c.Claims.IssuedAt.Unix() {
			by, err := c.Store.Ceremony(c.Ctx(), madeKey(m.ID))
			if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
				return err
			}
			if err != nil || !jose.Equal(by, jose.HashToken(c.Raw)) {
				return stagedoor.Errorf(stagedoor.Unauthorized, "invalid_token", "The token is older than a second factor of the user's. Please log in again.")
			}
		}
	}
	return nil
}

// made notes with which token a method was set up, as long as the token works.
func (c *call) made(m *stagedoor.AuthenticationMethod) error {
	return c.Store.SaveCeremony(c.Ctx(), madeKey(m.ID), jose.HashToken(c.Raw), c.Claims.ExpiresAt)
}

func madeKey(id string) string { return "my account made/" + id }
