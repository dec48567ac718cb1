package mfa_test

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
)

const issuer = "https://login.example.com/"

// device is a key in somebody's hands, and the browser that speaks with it.
type device struct {
	*world
	virtualwebauthn.Authenticator
	key   virtualwebauthn.Credential
	party virtualwebauthn.RelyingParty // as the browser sees the page
}

func (w *world) device() *device {
	return &device{
		world: w, Authenticator: virtualwebauthn.NewAuthenticator(), key: ecKey(),
		party: virtualwebauthn.RelyingParty{ID: "login.example.com", Name: "Acme", Origin: "https://login.example.com"},
	}
}

// makes answers a request for a new key.
func (d *device) makes(options json.RawMessage) []byte {
	d.Helper()
	o, err := virtualwebauthn.ParseAttestationOptions(string(options))
	d.ok(err)
	return []byte(virtualwebauthn.CreateAttestationResponse(d.party, d.Authenticator, d.key, *o))
}

// signs answers a challenge. The key counts.
func (d *device) signs(options json.RawMessage) []byte {
	d.Helper()
	o, err := virtualwebauthn.ParseAssertionOptions(string(options))
	d.ok(err)
	d.key.Counter++
	return []byte(virtualwebauthn.CreateAssertionResponse(d.party, d.Authenticator, d.key, *o))
}

func (w *world) keys(kind string) mfa.Keys {
	w.Helper()
	party, err := mfa.PartyOf(w.Context(), w.Store, issuer, "Acme", kind)
	w.ok(err)
	return mfa.Keys{Store: w.Store, Party: party, Type: kind}
}

// asks begins a challenge.
func (w *world) asks(kind string, u *stagedoor.User) json.RawMessage {
	w.Helper()
	options, err := w.keys(kind).Begin(w.Context(), u, "login", w.now.Add(time.Hour))
	w.ok(err)
	return options
}

// owns gives a person a key.
func (w *world) owns(u *stagedoor.User, kind string) *device {
	w.Helper()
	d := w.device()
	e := mfa.Enrollment{Store: w.Store, UserID: u.ID, Key: "enrolment of " + u.ID}
	options, err := e.BeginKey(w.Context(), w.keys(kind).Party, u, kind, w.now.Add(time.Hour))
	w.ok(err)
	_, err = e.ConfirmKey(w.Context(), w.keys(kind).Party, u, kind, d.makes(options))
	w.ok(err)
	return d
}

func (w *world) check(kind string, u *stagedoor.User, response []byte) error {
	return w.keys(kind).Check(w.Context(), u, "login", response)
}

// WebAuthn Level 3, sections 7.1 and 7.2: a key is made once, belongs to one person, and signs a challenge of its own each time.
func TestKeys(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.Context()
		e := mfa.Enrollment{Store: w.Store, UserID: w.user.ID, Key: "login", Only: true}
		party := w.keys(mfa.Roaming).Party
		options, err := e.BeginKey(ctx, party, w.user, mfa.Roaming, w.now.Add(time.Hour))
		w.ok(err)
		var asked struct {
			RP   struct{ ID, Name string }
			User struct{ ID, Name string }
			Auth struct{ AuthenticatorAttachment, UserVerification string } `json:"authenticatorSelection"`
		}
		w.ok(json.Unmarshal(options, &asked))
		handle, err := base64.RawURLEncoding.DecodeString(asked.User.ID)
		w.ok(err)
		if strings.Contains(string(handle), w.user.ID) || strings.Contains(string(handle), w.user.Email) || len(handle) < 16 {
			w.Errorf("the handle tells who it is: %q", handle)
		}
		if asked.RP.ID != "login.example.com" || asked.User.Name != w.user.Email || asked.Auth.AuthenticatorAttachment != "cross-platform" || asked.Auth.UserVerification != "preferred" {
			w.Errorf("options %s", options)
		}
		d := w.device()
		_, err = e.ConfirmKey(ctx, party, w.user, mfa.Roaming, []byte("{}"))
		w.fails(err, "invalid_key")
		options, err = e.BeginKey(ctx, party, w.user, mfa.Roaming, w.now.Add(time.Hour))
		w.ok(err)
		recovery, err := e.ConfirmKey(ctx, party, w.user, mfa.Roaming, d.makes(options))
		w.ok(err)
		if len(recovery) != 24 {
			w.Errorf("recovery code %q", recovery)
		}
		all, err := w.AuthenticationMethods(ctx, w.user.ID)
		w.ok(err)
		if i := slices.IndexFunc(all, func(m stagedoor.AuthenticationMethod) bool { return m.Type == mfa.Roaming }); i < 0 || all[i].RelyingParty != party.ID || all[i].KeyID == "" || all[i].PublicKey == "" || all[i].AAGUID == "" || all[i].DeviceType != "single_device" {
			w.Errorf("methods %+v", all)
		}
		for range 2 {
			w.ok(w.check(mfa.Roaming, w.user, d.signs(w.asks(mfa.Roaming, w.user))))
		}
		options, err = e.BeginKey(ctx, party, w.user, mfa.Roaming, w.now.Add(time.Hour))
		w.ok(err)
		if !strings.Contains(string(options), "excludeCredentials") {
			w.Errorf("the key that is there may be made again: %s", options)
		}
		_, err = e.ConfirmKey(ctx, party, w.user, mfa.Roaming, d.makes(options))
		w.fails(err, "invalid_key") // it is theirs already
		second := w.owns(w.user, mfa.Roaming)
		w.ok(w.check(mfa.Roaming, w.user, second.signs(w.asks(mfa.Roaming, w.user))))
		if m, err := mfa.MethodsOf(ctx, w.Store, w.user.ID); err != nil || !slices.Equal(m.Have, []string{mfa.Roaming, mfa.Recovery}) {
			w.Errorf("%+v %v", m, err)
		}
	})
}

// A page of somebody else's passes our challenge on: the key signs the origin of the page that it sees.
func TestAttackKeyOfAnotherOrigin(t *testing.T) {
	each(t, func(w *world) {
		d := w.owns(w.user, mfa.Roaming)
		for _, origin := range []string{"https://login.example.com.evil.test", "http://login.example.com", "https://example.com", "https://login.example.com:8443", "null", ""} {
			options := w.asks(mfa.Roaming, w.user)
			d.party.Origin = origin
			w.fails(w.check(mfa.Roaming, w.user, d.signs(options)), "invalid_key")
		}
		e := mfa.Enrollment{Store: w.Store, UserID: w.user.ID, Key: "x"}
		options, err := e.BeginKey(w.Context(), w.keys(mfa.Roaming).Party, w.user, mfa.Roaming, w.now.Add(time.Hour))
		w.ok(err)
		other := w.device()
		other.party.Origin = "https://evil.test"
		_, err = e.ConfirmKey(w.Context(), w.keys(mfa.Roaming).Party, w.user, mfa.Roaming, other.makes(options))
		w.fails(err, "invalid_key")
	})
}

// A key that was made for another party, such as the same host's parent or another tenant, says nothing here.
func TestAttackKeyOfAnotherParty(t *testing.T) {
	each(t, func(w *world) {
		d := w.owns(w.user, mfa.Roaming)
		for _, id := range []string{"example.com", "evil.test", "LOGIN.example.com", ""} {
			options := w.asks(mfa.Roaming, w.user)
			d.party.ID = id
			w.fails(w.check(mfa.Roaming, w.user, d.signs(options)), "invalid_key")
		}
		elsewhere, err := mfa.PartyOf(w.Context(), w.Store, "https://other.example.com/", "Acme", mfa.Roaming)
		w.ok(err)
		_, err = mfa.Keys{Store: w.Store, Party: elsewhere, Type: mfa.Roaming}.Begin(w.Context(), w.user, "login", w.now.Add(time.Hour))
		w.fails(err, "keys_unavailable")
	})
}

// Two of one key: the count of one falls behind.
func TestAttackClonedKey(t *testing.T) {
	each(t, func(w *world) {
		d := w.owns(w.user, mfa.Roaming)
		d.key.Counter = 10
		clone := *d
		w.ok(w.check(mfa.Roaming, w.user, d.signs(w.asks(mfa.Roaming, w.user))))
		w.fails(w.check(mfa.Roaming, w.user, clone.signs(w.asks(mfa.Roaming, w.user))), "invalid_key")
		clone.key.Counter = 3
		w.fails(w.check(mfa.Roaming, w.user, clone.signs(w.asks(mfa.Roaming, w.user))), "invalid_key")
		w.ok(w.check(mfa.Roaming, w.user, d.signs(w.asks(mfa.Roaming, w.user))))
	})
}

// A signature is sent again, or for another login.
func TestAttackChallengeReuse(t *testing.T) {
	each(t, func(w *world) {
		d := w.owns(w.user, mfa.Roaming)
		options := w.asks(mfa.Roaming, w.user)
		signed := d.signs(options)
		w.ok(w.check(mfa.Roaming, w.user, signed))
		w.fails(w.check(mfa.Roaming, w.user, signed), "invalid_key")
		w.fails(w.check(mfa.Roaming, w.user, d.signs(options)), "invalid_key") // counted on, for the challenge that was answered
		w.asks(mfa.Roaming, w.user)
		w.fails(w.check(mfa.Roaming, w.user, signed), "invalid_key") // another challenge
		signed = d.signs(w.asks(mfa.Roaming, w.user))
		w.fails(w.keys(mfa.Roaming).Check(w.Context(), w.user, "another login", signed), "invalid_key")
		signed = d.signs(w.asks(mfa.Roaming, w.user))
		w.now = w.now.Add(time.Hour)
		w.fails(w.check(mfa.Roaming, w.user, signed), "invalid_key") // too late
	})
}

// Somebody proves that they hold their own key, where another person's is asked for.
func TestAttackKeyOfAnotherPerson(t *testing.T) {
	each(t, func(w *world) {
		eve := &stagedoor.User{ID: "auth0|eve", Email: "eve@example.com", Connection: w.user.Connection}
		w.ok(w.CreateUser(w.Context(), eve, ""))
		own := w.owns(w.user, mfa.Roaming)
		hers := w.owns(eve, mfa.Roaming)
		w.fails(w.check(mfa.Roaming, w.user, hers.signs(w.asks(mfa.Roaming, w.user))), "invalid_key")
		w.fails(w.check(mfa.Roaming, eve, own.signs(w.asks(mfa.Roaming, eve))), "invalid_key")
		// Nor can she make a key hers that is another's.
		e := mfa.Enrollment{Store: w.Store, UserID: eve.ID, Key: "x"}
		options, err := e.BeginKey(w.Context(), w.keys(mfa.Roaming).Party, eve, mfa.Roaming, w.now.Add(time.Hour))
		w.ok(err)
		_, err = e.ConfirmKey(w.Context(), w.keys(mfa.Roaming).Party, eve, mfa.Roaming, own.makes(options))
		w.fails(err, "invalid_key")
		w.ok(w.check(mfa.Roaming, w.user, own.signs(w.asks(mfa.Roaming, w.user))))
	})
}

// A key that does not make sure who holds it will not do where that is demanded.
func TestUserVerification(t *testing.T) {
	each(t, func(w *world) {
		d := w.owns(w.user, mfa.Roaming)
		d.Options.UserNotVerified = true
		w.ok(w.check(mfa.Roaming, w.user, d.signs(w.asks(mfa.Roaming, w.user)))) // preferred
		w.ok(w.ChangeSetting(w.Context(), mfa.SettingRoaming, func(m map[string]any) error { m["userVerification"] = "required"; return nil }))
		w.fails(w.check(mfa.Roaming, w.user, d.signs(w.asks(mfa.Roaming, w.user))), "invalid_key")
		d.Options.UserNotVerified, d.Options.UserNotPresent = false, true
		w.fails(w.check(mfa.Roaming, w.user, d.signs(w.asks(mfa.Roaming, w.user))), "invalid_key")
		d.Options.UserNotPresent = false
		w.ok(w.check(mfa.Roaming, w.user, d.signs(w.asks(mfa.Roaming, w.user))))
	})
}

// The party is the host, or what the tenant chose above it.
func TestParty(t *testing.T) {
	each(t, func(w *world) {
		at := func(address, kind string) string {
			w.Helper()
			p, err := mfa.PartyOf(w.Context(), w.Store, address, "Acme", kind)
			w.ok(err)
			return p.ID + " " + strings.Join(p.Origins, ",") + " " + p.Verification
		}
		if got := at("https://Login.example.com:8443/", mfa.Platform); got != "login.example.com https://Login.example.com:8443 required" {
			w.Error(got)
		}
		w.ok(w.ChangeSetting(w.Context(), mfa.SettingPlatform, func(m map[string]any) error {
			m["overrideRelyingParty"], m["relyingPartyIdentifier"] = true, "example.com"
			return nil
		}))
		for address, want := range map[string]string{"https://login.example.com/": "example.com", "https://example.com/": "example.com", "https://badexample.com/": "badexample.com", "https://login.acme.test/": "login.acme.test"} {
			if got := at(address, mfa.Platform); !strings.HasPrefix(got, want+" ") {
				w.Errorf("%s: %s", address, got)
			}
		}
		if got := at("https://login.example.com/", mfa.Roaming); !strings.HasPrefix(got, "login.example.com ") {
			w.Error(got)
		}
	})
}

// ecKey makes a key. Those with a leading zero in a coordinate are made again: what plays the key in tests writes them too short.
func ecKey() virtualwebauthn.Credential {
	for {
		c := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
		if k, err := x509.ParsePKCS8PrivateKey(c.Key.Data); err == nil {
			if p := k.(*ecdsa.PrivateKey); p.X.BitLen() > 248 && p.Y.BitLen() > 248 { //nolint:staticcheck // the coordinates themselves
				return c
			}
		}
	}
}
