package pipeline

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/store"
)

// What people do with their own account, on the account page or by a program of the tenant's.

// CheckNewPassword tells why a password cannot become a person's: a *password.Error, or one with [CodeLeaked].
func (p *Pipeline) CheckNewPassword(ctx context.Context, v Visit, conn *stagedoor.Connection, clientID string, u *stagedoor.User, secret string) error {
	err := p.Database.CheckNew(ctx, v.Store, conn, u.ID, secret)
	if err == nil {
		err = p.CheckLeaked(ctx, v, conn, clientID, u, secret)
	}
	return err
}

// ChangePassword gives a person, as they proved themselves, the password that they chose and that was checked. The event is completed and written,
// whatever comes of it. Their sessions and refresh tokens end. An error with [store.CodeAccessEnded]: all their access has ended since.
func (p *Pipeline) ChangePassword(ctx context.Context, v Visit, conn *stagedoor.Connection, u *stagedoor.User, secret string, e stagedoor.LogEvent) error {
	ctx = context.WithoutCancel(ctx)
	on := &connection.Occasion{ClientID: e.ClientID, Since: &u.AccessEnded}
	err := p.Database.On(on).SetPassword(ctx, v.Store, conn, u.ID, secret)
	e.Type, e.Details = "scp", said{console: on.Console}.details(e.Details)
	if err != nil {
		e.Type, e.Description = "fcp", "The password could not be changed."
	}
	v.Store.Log(e)
	if err != nil {
		return err
	}
	if err := guard.Unblock(ctx, v.Store, u.Identifiers()...); err != nil {
		return err
	}
	p.AfterPasswordChange(ctx, v, conn, u.ID)
	return nil
}

// RemoveMethod takes an authentication method from somebody of the connection, nil if that is gone. The error has [store.CodeLastPasskey] where they can log in by this passkey
// and by nothing else: without it nobody could let them in again but an administrator.
func RemoveMethod(ctx context.Context, st *store.Store, u *stagedoor.User, conn *stagedoor.Connection, m *stagedoor.AuthenticationMethod) error {
	if m.Type == store.TypePasskey && byPasskeyAlone(u, conn) {
		return mfa.RemoveOther(ctx, st, u.ID, m)
	}
	return mfa.Remove(ctx, st, u.ID, m)
}

// byPasskeyAlone tells whether somebody has no way in but passkeys.
func byPasskeyAlone(u *stagedoor.User, conn *stagedoor.Connection) bool {
	if conn == nil || conn.Strategy != stagedoor.StrategyDatabase || conn.Passwords() || len(u.Identities) > 1 {
		return false
	}
	codes := conn.LoginCodes()
	return !(codes.Email && u.Email != "" || codes.Phone && u.PhoneNumber != "")
}

// PasskeyOrigins are what may ask for passkeys beside our own pages: the client's Android app, by the fingerprints of its certificates, and its
// pages, of which browsers let ask those that lie within the relying party's domain. iOS apps speak with the origin of the domain itself.
func PasskeyOrigins(c *stagedoor.Client) (origins []string) {
	var mobile struct {
		Android struct {
			Fingerprints []string `json:"sha256_cert_fingerprints"`
		} `json:"android"`
	}
	_ = json.Unmarshal(c.Stored["mobile"], &mobile) // absent is empty
	for _, f := range mobile.Android.Fingerprints {
		if sum, err := hex.DecodeString(strings.ReplaceAll(f, ":", "")); err == nil && len(sum) == 32 {
			origins = append(origins, "android:apk-key-hash:"+base64.RawURLEncoding.EncodeToString(sum))
		}
	}
	for _, o := range c.WebOrigins {
		if u, err := url.Parse(o); err == nil && u.Scheme == "https" && u.Host != "" {
			origins = append(origins, "https://"+u.Host)
		}
	}
	return origins
}

// BeginPasskey returns what a browser, or an app, needs to make a passkey for somebody who is there already.
func (p *Pipeline) BeginPasskey(ctx context.Context, v Visit, u *stagedoor.User, of string, until time.Time, origins ...string) (json.RawMessage, error) {
	keys, err := p.passkeys(ctx, v, origins...)
	if err != nil {
		return nil, err
	}
	return keys.BeginNew(ctx, u, of, until)
}

// AddPasskey takes the passkey that was made for [Pipeline.BeginPasskey], which is the person's from now on. The event, by which the log tells of it, is completed and written.
func (p *Pipeline) AddPasskey(ctx context.Context, v Visit, u *stagedoor.User, of string, response []byte, e stagedoor.LogEvent, origins ...string) (*stagedoor.AuthenticationMethod, error) {
	keys, err := p.passkeys(ctx, v, origins...)
	if err != nil {
		return nil, err
	}
	m, err := keys.New(ctx, u, of, response)
	if err == nil {
		err = keepPasskey(ctx, v, u, m)
	}
	types := factorLogs["new key"]
	e.Type = types.good
	v.logFactor(ctx, e, types, err)
	if err == nil {
		p.FactorChanged(ctx, v, u.ID, "passkey")
	}
	return m, err
}

// FactorEnrolled notes what came of setting a factor of a kind up, and tells the person of one that was set up. The event is completed and written.
func (p *Pipeline) FactorEnrolled(ctx context.Context, v Visit, kind string, e stagedoor.LogEvent, err error) {
	types := factorLogs["enroll"]
	if mfa.IsKey(kind) {
		types = factorLogs["new key"]
	}
	e.Type = types.good
	v.logFactor(ctx, e, types, err)
	if err == nil {
		p.FactorChanged(ctx, v, e.UserID, "factor")
	}
}

// Tell tells a person by mail what has changed about their account, if they have an address.
func (p *Pipeline) Tell(ctx context.Context, v Visit, u *stagedoor.User, change string) {
	if p.TellFactor != nil && u.Email != "" {
		p.TellFactor(ctx, v, u, change)
	}
}
