package mfa

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Usable tells whether there can be keys for the party at all: addresses of numbers have none.
func (p Party) Usable() bool {
	_, err := p.library()
	return err == nil
}

// BeginAny returns what a browser, or an app, needs to ask whoever is there for a passkey: the passkey says whose it is.
func (k Keys) BeginAny(ctx context.Context, of string, until time.Time) (json.RawMessage, error) {
	lib, err := k.Party.library()
	if err != nil {
		return nil, err
	}
	assertion, session, err := lib.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.UserVerificationRequirement(k.Party.Verification)))
	if err != nil {
		return nil, fmt.Errorf("asking for a passkey: %w", err)
	}
	return k.keep(ctx, of, session, assertion.Response, until)
}

// Passkey is who has signed a challenge with a passkey.
type Passkey struct {
	UserID    string
	Elsewhere bool // the passkey is on another device, such as a phone that scanned a picture
}

// CheckAny checks that a passkey of somebody's has signed the challenge, for a page of ours, and counts on.
func (k Keys) CheckAny(ctx context.Context, of string, response []byte) (Passkey, error) {
	session, err := k.session(ctx, of)
	if err != nil {
		return Passkey{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return Passkey{}, errKey(err)
	}
	m, userID, err := k.Store.KeyOwner(ctx, base64.RawURLEncoding.EncodeToString(parsed.RawID))
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return Passkey{}, errKey(errors.New("nobody has the passkey"))
	}
	if err != nil {
		return Passkey{}, err
	}
	key, usable := credential(m)
	handle := Handle(k.Store, userID)
	if made, err := decode(m.UserHandle); err == nil && len(made) > 0 {
		handle = made
	}
	switch {
	case m.Type != store.TypePasskey || !usable || m.RelyingParty != "" && m.RelyingParty != k.Party.ID:
		return Passkey{}, errKey(errors.New("the key is no passkey of this party's"))
	case !bytes.Equal(handle, parsed.Response.UserHandle):
		return Passkey{}, errKey(errors.New("the passkey says that it is somebody else's"))
	}
	lib, err := k.Party.library()
	if err != nil {
		return Passkey{}, err
	}
	o := owner{handle: handle, keys: []webauthn.Credential{key}}
	if m.DeviceType == "" {
		o.keys[0].Flags.BackupEligible = parsed.Response.AuthenticatorData.Flags.HasBackupEligible()
	}
	if _, _, err := lib.ValidatePasskeyLogin(func([]byte, []byte) (webauthn.User, error) { return o, nil }, session, parsed); err != nil {
		return Passkey{}, errKey(err)
	}
	return Passkey{UserID: userID, Elsewhere: parsed.AuthenticatorAttachment == protocol.CrossPlatform}, k.used(ctx, userID, m, parsed)
}
