package mfa

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// errKey refuses what a key, or somebody in its place, has signed. Why is for the operator's log.
func errKey(err error) error {
	e := stagedoor.Errorf(stagedoor.Forbidden, "invalid_key", "The key could not be verified.")
	if e.Err = err; err != nil {
		var said *protocol.Error
		if errors.As(err, &said) {
			e.Err = fmt.Errorf("%w: %s", err, said.DevInfo)
		}
	}
	return e
}

// Handle is how keys know a person: neither name nor address, the same for all of their keys (WebAuthn Level 3, section 5.4.3).
func Handle(st *store.Store, userID string) []byte {
	sum := sha256.Sum256([]byte("stagedoor user handle\x00" + st.Tenant().ID + "\x00" + userID))
	return sum[:]
}

// owner is a person as the library knows people.
type owner struct {
	handle      []byte
	name, shown string
	keys        []webauthn.Credential
}

func (o owner) WebAuthnID() []byte                         { return o.handle }
func (o owner) WebAuthnName() string                       { return o.name }
func (o owner) WebAuthnDisplayName() string                { return o.shown }
func (o owner) WebAuthnCredentials() []webauthn.Credential { return o.keys }

func ownerOf(st *store.Store, u *stagedoor.User) owner {
	o := owner{handle: Handle(st, u.ID), name: u.Shown(), shown: u.Name}
	if o.shown == "" {
		o.shown = o.name
	}
	return o
}

// decode reads base64 of both alphabets, with and without padding: keys that others kept come in all forms.
func decode(s string) ([]byte, error) {
	s = strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(s), "=")
	return base64.RawURLEncoding.DecodeString(s)
}

// CredentialID is the id of a credential in the form in which it is kept: base64url without padding.
func CredentialID(s string) (string, error) {
	id, err := decode(s)
	if err == nil && len(id) == 0 {
		err = errors.New("the id of a credential is empty")
	}
	return base64.RawURLEncoding.EncodeToString(id), err
}

// PublicKey is a public key in base64 with padding, as apps read it (RFC 4648 section 4); one that cannot be read stays as it is.
func PublicKey(kept string) string {
	key, err := decode(kept)
	if err != nil {
		return kept
	}
	return base64.StdEncoding.EncodeToString(key)
}

// credential is a method as the library knows keys; false if it cannot be used.
func credential(m *stagedoor.AuthenticationMethod) (webauthn.Credential, bool) {
	id, err := decode(m.KeyID)
	if err != nil || len(id) == 0 {
		return webauthn.Credential{}, false
	}
	public, err := decode(m.PublicKey)
	if err != nil || len(public) == 0 {
		return webauthn.Credential{}, false
	}
	c := webauthn.Credential{
		ID: id, PublicKey: public, Authenticator: webauthn.Authenticator{SignCount: uint32(m.Step)}, //nolint:gosec // a count of 32 bits
		Flags: webauthn.CredentialFlags{BackupEligible: m.DeviceType == "multi_device", BackupState: m.BackedUp != nil && *m.BackedUp},
	}
	for _, t := range m.Transports {
		c.Transport = append(c.Transport, protocol.AuthenticatorTransport(t))
	}
	return c, true
}

// keysOf are a person's keys of some types that belong to a party.
func keysOf(ctx context.Context, st *store.Store, userID string, p Party, types ...string) ([]stagedoor.AuthenticationMethod, []webauthn.Credential, error) {
	all, err := st.Factors(ctx, userID)
	var methods []stagedoor.AuthenticationMethod
	var keys []webauthn.Credential
	for i := range all {
		m := &all[i]
		if !slices.Contains(types, m.Type) || m.RelyingParty != "" && m.RelyingParty != p.ID {
			continue
		}
		if c, usable := credential(m); usable {
			methods, keys = append(methods, *m), append(keys, c)
		}
	}
	return methods, keys, err
}

// Keys asks people for keys of one type, for a party.
type Keys struct {
	Store *store.Store
	Party Party
	Type  string // of authentication methods: webauthn-roaming, webauthn-platform, passkey
}

func (k Keys) ceremony(of string) string { return "key/" + k.Type + "/" + of }

// BeginNew returns what a browser needs to make a new key (PublicKeyCredentialCreationOptions as JSON). of is what the key will be made for;
// a challenge of before is worth nothing then.
func (k Keys) BeginNew(ctx context.Context, u *stagedoor.User, of string, until time.Time) (json.RawMessage, error) {
	lib, err := k.Party.library()
	if err != nil {
		return nil, err
	}
	types := []string{store.TypeRoaming, store.TypePlatform}
	if k.Type == store.TypePasskey {
		types = []string{store.TypePasskey}
	}
	var there []webauthn.Credential
	if u.ID != "" {
		if _, there, err = keysOf(ctx, k.Store, u.ID, k.Party, types...); err != nil {
			return nil, err
		}
	}
	creation, session, err := lib.BeginRegistration(ownerOf(k.Store, u), func(o *protocol.PublicKeyCredentialCreationOptions) {
		choice := protocol.AuthenticatorSelection{UserVerification: protocol.UserVerificationRequirement(k.Party.Verification)}
		switch k.Type {
		case store.TypeRoaming:
			choice.AuthenticatorAttachment, choice.ResidentKey = protocol.CrossPlatform, protocol.ResidentKeyRequirementDiscouraged
		case store.TypePlatform:
			choice.AuthenticatorAttachment, choice.ResidentKey = protocol.Platform, protocol.ResidentKeyRequirementDiscouraged
		default:
			choice.ResidentKey, choice.RequireResidentKey = protocol.ResidentKeyRequirementRequired, protocol.ResidentKeyRequired()
		}
		o.AuthenticatorSelection = choice
		for _, c := range there {
			o.CredentialExcludeList = append(o.CredentialExcludeList, c.Descriptor())
		}
	})
	if err != nil {
		return nil, fmt.Errorf("asking for a new key: %w", err)
	}
	return k.keep(ctx, "new/"+of, session, creation.Response, until)
}

// keep keeps a challenge and returns what the browser needs.
func (k Keys) keep(ctx context.Context, of string, session *webauthn.SessionData, options any, until time.Time) (json.RawMessage, error) {
	state, err := json.Marshal(session)
	if err != nil {
		return nil, err
	}
	if err := k.Store.SaveCeremony(ctx, k.ceremony(of), string(state), until); err != nil {
		return nil, err
	}
	return json.Marshal(options)
}

// session takes a challenge: it is used up, whatever comes of the answer.
func (k Keys) session(ctx context.Context, of string) (s webauthn.SessionData, err error) {
	state, err := k.Store.TakeCeremony(ctx, k.ceremony(of))
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return s, errKey(errors.New("there is no challenge, or it was answered before"))
	}
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal([]byte(state), &s)
}

// New checks that a browser made a new key for what was asked, and returns it as a method that nobody has yet.
func (k Keys) New(ctx context.Context, u *stagedoor.User, of string, response []byte) (*stagedoor.AuthenticationMethod, error) {
	session, err := k.session(ctx, "new/"+of)
	if err != nil {
		return nil, err
	}
	lib, err := k.Party.library()
	if err != nil {
		return nil, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return nil, errKey(err)
	}
	made, err := lib.CreateCredential(ownerOf(k.Store, u), session, parsed)
	if err != nil {
		return nil, errKey(err)
	}
	m := &stagedoor.AuthenticationMethod{
		Type: k.Type, KeyID: base64.RawURLEncoding.EncodeToString(made.ID), PublicKey: base64.RawURLEncoding.EncodeToString(made.PublicKey),
		RelyingParty: k.Party.ID, DeviceType: "single_device", BackedUp: &made.Flags.BackupState, Step: int64(made.Authenticator.SignCount),
		UserHandle: base64.RawURLEncoding.EncodeToString(Handle(k.Store, u.ID)), LastUsedAt: k.Store.Clock().Now(),
	}
	if made.Flags.BackupEligible {
		m.DeviceType = "multi_device"
	}
	if id, err := uuid.FromBytes(made.Authenticator.AAGUID); err == nil {
		m.AAGUID = id.String()
	}
	for _, t := range made.Transport {
		if len(m.Transports) < 10 && len(t) < 32 {
			m.Transports = append(m.Transports, string(t))
		}
	}
	switch _, of, err := k.Store.KeyOwner(ctx, m.KeyID); {
	case err == nil:
		return nil, errKey(fmt.Errorf("the key belongs to %s already", of))
	case !stagedoor.IsKind(err, stagedoor.NotFound):
		return nil, err
	}
	return m, nil
}

// Begin returns what a browser needs to ask a person for one of their keys (PublicKeyCredentialRequestOptions as JSON).
func (k Keys) Begin(ctx context.Context, u *stagedoor.User, of string, until time.Time) (json.RawMessage, error) {
	lib, err := k.Party.library()
	if err != nil {
		return nil, err
	}
	o := ownerOf(k.Store, u)
	if _, o.keys, err = keysOf(ctx, k.Store, u.ID, k.Party, k.Type); err != nil {
		return nil, err
	}
	if len(o.keys) == 0 {
		return nil, stagedoor.Errorf(stagedoor.Invalid, "keys_unavailable", "None of the person's keys belongs to %s.", k.Party.ID)
	}
	assertion, session, err := lib.BeginLogin(o, webauthn.WithUserVerification(protocol.UserVerificationRequirement(k.Party.Verification)))
	if err != nil {
		return nil, fmt.Errorf("asking for a key: %w", err)
	}
	return k.keep(ctx, of, session, assertion.Response, until)
}

// Check checks that one of the person's keys has signed the challenge, for a page of ours, and counts on.
func (k Keys) Check(ctx context.Context, u *stagedoor.User, of string, response []byte) error {
	session, err := k.session(ctx, of)
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return errKey(err)
	}
	methods, keys, err := keysOf(ctx, k.Store, u.ID, k.Party, k.Type)
	if err != nil {
		return err
	}
	o := ownerOf(k.Store, u)
	o.keys = keys
	lib, err := k.Party.library()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(keys, func(c webauthn.Credential) bool { return bytes.Equal(c.ID, parsed.RawID) })
	if i < 0 {
		return errKey(errors.New("the key is not one of the person's"))
	}
	adopt(&o, &session, i, &methods[i], parsed)
	if _, err := lib.ValidateLogin(o, session, parsed); err != nil {
		return errKey(err)
	}
	return k.used(ctx, u.ID, &methods[i], parsed)
}

// adopt makes up for what is not known of a key that another server made.
func adopt(o *owner, session *webauthn.SessionData, i int, m *stagedoor.AuthenticationMethod, parsed *protocol.ParsedCredentialAssertionData) {
	if m.DeviceType == "" {
		o.keys[i].Flags.BackupEligible = parsed.Response.AuthenticatorData.Flags.HasBackupEligible()
	}
	if len(parsed.Response.UserHandle) > 0 && m.UserHandle != "" { // the handle that it was made with
		if handle, err := decode(m.UserHandle); err == nil && bytes.Equal(handle, parsed.Response.UserHandle) {
			o.handle = handle
			if len(session.UserID) > 0 {
				session.UserID = handle
			}
		}
	}
}

// used notes the count. One that does not rise means that there are two of the key.
func (k Keys) used(ctx context.Context, userID string, m *stagedoor.AuthenticationMethod, parsed *protocol.ParsedCredentialAssertionData) error {
	err := k.Store.UseKey(ctx, userID, m.ID, int64(parsed.Response.AuthenticatorData.Counter))
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return errKey(fmt.Errorf("the key counts %d, and counted %d before: there may be a copy of it", parsed.Response.AuthenticatorData.Counter, m.Step))
	}
	return err
}
