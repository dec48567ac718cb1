package mfa

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Limits of what an app says of its device, in bytes, and how far its clock may be off.
const (
	maxDeviceText = 200
	maxAddress    = 4096
	maxDeviceKey  = 4096
	deviceSkew    = time.Minute
)

// deviceAlgorithms are the signatures that devices make.
var deviceAlgorithms = []string{"RS256", "ES256", "EdDSA"}

// SetUpDevice makes an app's device that which somebody is setting up with the ticket, and returns the token by which the app changes it later. Of many apps
// with one ticket the first one counts; NotFound means that the ticket does not work.
func SetUpDevice(ctx context.Context, st *store.Store, ticket string, d stagedoor.PushDevice) (c *stagedoor.PushChallenge, token string, err error) {
	if c, err = st.PushByToken(ctx, ticket); err != nil {
		return nil, "", err
	}
	if c.Method != "" {
		return nil, "", stagedoor.Errorf(stagedoor.NotFound, "not_found", "There is no such ticket.")
	}
	if d.Service != stagedoor.ServiceInbox {
		if _, err := deviceKey(d.PublicKey); err != nil {
			return nil, "", err
		}
	}
	if err := checkDevice(&d); err != nil {
		return nil, "", err
	}
	token = stagedoor.NewToken()
	d.Device, d.Token = stagedoor.NewID("dev_"), jose.HashToken(token)
	c.Device = &d
	return c, token, st.AnswerPush(ctx, c, stagedoor.PushApproved)
}

// checkDevice refuses what no device says of itself.
func checkDevice(d *stagedoor.PushDevice) error {
	for name, s := range map[string]string{"identifier": d.Identifier, "name": d.Name, "push_credentials.service": d.Service} {
		if len(s) > maxDeviceText || !utf8.ValidString(s) || s == "" && name != "name" {
			return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "%s is missing, or too long.", name)
		}
	}
	if d.Service != stagedoor.ServiceInbox && d.Address == "" || len(d.Address) > maxAddress {
		return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "push_credentials.token is missing, or too long.")
	}
	if r := []rune(d.Name); len(r) > 20 { // as the names of other methods
		d.Name = string(r[:20])
	}
	return nil
}

// deviceKey reads the public key of a device (RFC 7517): one that signs, and no private one.
func deviceKey(jwk string) (jose.VerifyKey, error) {
	bad := stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "public_key must be a public JWK for RS256, ES256 or EdDSA.")
	if len(jwk) > maxDeviceKey {
		return jose.VerifyKey{}, bad
	}
	keys, err := jose.ParseKeySet(fmt.Appendf(nil, `{"keys":[%s]}`, jwk))
	if err != nil || len(keys) != 1 || !slices.ContainsFunc(deviceAlgorithms, keys[0].Does) {
		return jose.VerifyKey{}, bad
	}
	return keys[0], nil
}

// signedBy returns the claims of what a device has signed for an address of ours. A signature that is not the device's is invalid_token.
func signedBy(st *store.Store, d *stagedoor.PushDevice, signed, audience string) (jose.Claims, error) {
	refused := stagedoor.Errorf(stagedoor.Unauthorized, "invalid_token", "The device did not sign that.")
	key, err := deviceKey(d.PublicKey)
	if err != nil || d.Service == stagedoor.ServiceInbox {
		return jose.Claims{}, refused
	}
	now := st.Clock().Now()
	claims, err := jose.Parse(signed, now, func(h jose.Header) (string, any, error) {
		if !slices.Contains(deviceAlgorithms, h.Algorithm) || !key.Does(h.Algorithm) {
			return "", nil, jose.ErrAlgorithm
		}
		return h.Algorithm, key.Key, nil
	})
	if errors.Is(err, jose.ErrExpired) && now.Before(claims.ExpiresAt.Add(deviceSkew)) || errors.Is(err, jose.ErrNotYetValid) && now.Add(deviceSkew).After(claims.NotBefore) {
		err = nil
	}
	if err != nil {
		refused.Err = err
		return claims, refused
	}
	if !slices.Contains(claims.Audience, audience) || claims.IssuedAt.After(now.Add(deviceSkew)) || claims.ExpiresAt.After(now.Add(3*time.Hour)) {
		refused.Err = errors.New("it is not meant for " + audience + ", or from another time")
		return claims, refused
	}
	return claims, nil
}

// ResolveDevice takes a device's answer to the question that it got with the token: a JWT that the device signed, over the challenge, for the audience. The first
// answer counts, and is told; another one, and one to no question, is NotFound.
func ResolveDevice(ctx context.Context, st *store.Store, token, signed, audience string) (c *stagedoor.PushChallenge, accepted bool, err error) {
	c, m, err := askedDevice(ctx, st, token)
	if err != nil {
		return nil, false, err
	}
	claims, err := signedBy(st, m.Push, signed, audience)
	if err != nil {
		return nil, false, err
	}
	said, is := claims.Raw["auth0_guardian_accepted"].(bool)
	if claims.Issuer != m.Push.Identifier || !jose.Equal(jose.HashToken(claims.Subject), c.Challenge) || !is {
		return nil, false, stagedoor.Errorf(stagedoor.Unauthorized, "invalid_token", "That is no answer to the question.")
	}
	return c, said, answerDevice(ctx, st, c, said)
}

// askedDevice is the question that waits for an answer with the token, and the method whose device is asked.
func askedDevice(ctx context.Context, st *store.Store, token string) (*stagedoor.PushChallenge, *stagedoor.AuthenticationMethod, error) {
	c, err := st.PushByToken(ctx, token)
	if err != nil {
		return nil, nil, err
	}
	m, err := st.AuthenticationMethod(ctx, c.UserID, c.Method)
	if err == nil && m.Push == nil {
		err = stagedoor.Errorf(stagedoor.NotFound, "not_found", "There is no such device.")
	}
	return c, m, err
}

func answerDevice(ctx context.Context, st *store.Store, c *stagedoor.PushChallenge, accepted bool) error {
	state := stagedoor.PushDenied
	if accepted {
		state = stagedoor.PushApproved
	}
	return st.AnswerPush(ctx, c, state)
}

// InboxQuestion is the question that the development inbox may answer in the place of a device: of a device that it plays, or one that is to be set up. NotFound
// if the tenant has no such inbox.
func InboxQuestion(ctx context.Context, st *store.Store, token string) (*stagedoor.PushChallenge, error) {
	none := stagedoor.Errorf(stagedoor.NotFound, "not_found", "There is nothing to answer.")
	if !st.Tenant().Settings.Local.DevelopmentInbox {
		return nil, none
	}
	c, err := st.PushByToken(ctx, token)
	if err != nil || c.Method == "" {
		return c, err
	}
	_, m, err := askedDevice(ctx, st, token)
	if err == nil && m.Push.Service != stagedoor.ServiceInbox {
		err = none
	}
	return c, err
}

// AnswerFromInbox answers such a question.
func AnswerFromInbox(ctx context.Context, st *store.Store, token string, accepted bool) error {
	c, err := InboxQuestion(ctx, st, token)
	switch {
	case err != nil:
		return err
	case c.Method != "":
		return answerDevice(ctx, st, c, accepted)
	case !accepted:
		return nil
	}
	_, _, err = SetUpDevice(ctx, st, token, stagedoor.PushDevice{Identifier: "inbox", Name: "Development inbox", Service: stagedoor.ServiceInbox})
	return err
}

// DeviceOf is the method of a device whose app shows what it may be changed by: the token that it got, or what the device signed for the audience.
func DeviceOf(ctx context.Context, st *store.Store, device, shown, audience string) (*stagedoor.AuthenticationMethod, string, error) {
	refused := stagedoor.Errorf(stagedoor.Unauthorized, "invalid_token", "The device did not sign that.")
	if !utf8.ValidString(device) || strings.ContainsRune(device, 0) { // no database knows such an id
		return nil, "", refused
	}
	m, userID, err := st.EnrolledDevice(ctx, device, store.TypePush)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && m.Push == nil {
		return nil, "", refused // whether there is such a device is for its app to know
	}
	if err != nil {
		return nil, "", err
	}
	if jose.Equal(jose.HashToken(shown), m.Push.Token) {
		return m, userID, nil
	}
	claims, err := signedBy(st, m.Push, shown, audience)
	if err != nil || claims.Subject != userID || claims.Issuer != device {
		return nil, "", refused
	}
	return m, userID, nil
}

// ChangeDevice notes what an app says anew of its device; empty stays as it is.
func ChangeDevice(ctx context.Context, st *store.Store, userID, method string, to stagedoor.PushDevice) error {
	_, err := st.UpdateAuthenticationMethod(ctx, userID, method, func(m *stagedoor.AuthenticationMethod) error {
		if m.Push == nil || m.Push.Service == stagedoor.ServiceInbox {
			return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "The device cannot be changed.")
		}
		d := *m.Push
		for _, p := range []struct{ to, from *string }{{&d.Identifier, &to.Identifier}, {&d.Name, &to.Name}, {&d.Service, &to.Service}, {&d.Address, &to.Address}} {
			if *p.from != "" {
				*p.to = *p.from
			}
		}
		if err := checkDevice(&d); err != nil {
			return err
		}
		if d.Service == stagedoor.ServiceInbox {
			return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "There is no such service.")
		}
		if m.Push = &d; to.Name != "" { // else what the person calls it stays
			m.Name = d.Name
		}
		return nil
	})
	return err
}

// DeviceURI is what an app reads from a QR code to set up its device (Authentication API fact sheet 6.11).
func DeviceURI(issuer, tenant, account, ticket string) string {
	return otpauth(tenant, account, url.Values{"enrollment_tx_id": {ticket}, "issuer": {tenant}, "base_url": {issuer + DevicePath}})
}

// DevicePath is where apps find the endpoints for their devices, below the address of the tenant.
const DevicePath = "appliance-mfa"

// Notification is what a sender gets: under notification what the app is to read, by the names that the apps of the wire know, and what the sender needs to
// bring it there. host is where the app finds the server.
func Notification(c *stagedoor.PushChallenge, m *stagedoor.AuthenticationMethod, host, token, challenge string, about map[string]any) map[string]any {
	sent := c.SentAt.UTC().Format("2006-01-02T15:04:05.000Z")
	return map[string]any{
		"type": "push.challenge", "user_id": c.UserID, "sent_at": sent, "expires_at": c.ExpiresAt.UTC().Format("2006-01-02T15:04:05.000Z"),
		"device": map[string]any{"id": m.Push.Device, "name": m.Push.Name, "identifier": m.Push.Identifier, "push_credentials": map[string]any{"service": m.Push.Service, "token": m.Push.Address}},
		"notification": map[string]any{
			"dai": m.Push.Device, "txtkn": token, "c": challenge, "sh": host, "d": sent, "s": about,
		},
	}
}
