package mfa

import (
	"context"
	"encoding/json"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Enrollment is a person on the way to a factor of their own.
type Enrollment struct {
	Store  *store.Store
	UserID string
	Key    string // what it belongs to: a login under way, a ticket, a token; the secret is kept under it
	Only   bool   // no other method of the type may be there
	First  bool   // no other second factor may be there: the person has proved themselves by their first one alone
	Bare   bool   // no recovery code comes with it: nobody would show it to the person

	ID    string                                // of the method that comes of it, but for a device's, which its app knows by another one; empty: a new one
	Made  func(*stagedoor.AuthenticationMethod) // if it is not nil it gets the method that came of it
	Claim func(context.Context) error           // if it is not nil it is called once the proof is right; an error of it ends the enrolment
}

// Begin returns the secret that the person is to put into their app: the same one as long as the key is the same.
func (e Enrollment) Begin(ctx context.Context, until time.Time) (secret string, err error) {
	return e.Store.KeepPending(ctx, "totp/"+e.Key, e.UserID, stagedoor.NewTOTPSecret(), until)
}

// Begun tells whether there is something to confirm.
func (e Enrollment) Begun(ctx context.Context) (bool, error) {
	_, err := e.Store.Pending(ctx, "totp/"+e.Key, e.UserID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// Recovery returns the recovery code that will be the person's once the enrolment is confirmed, where that is told before.
func (e Enrollment) Recovery(ctx context.Context, until time.Time) (string, error) {
	return e.Store.KeepPending(ctx, "recovery/"+e.Key, e.UserID, stagedoor.NewRecoveryCode(), until)
}

// recoveryCode is the code that was told before, or a new one.
func (e Enrollment) recoveryCode(ctx context.Context) (string, error) {
	code, err := e.Store.Pending(ctx, "recovery/"+e.Key, e.UserID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return stagedoor.NewRecoveryCode(), nil
	}
	return code, err
}

// Confirm takes the first code of the app: the secret becomes a method of the person. recovery is a recovery code that they have to note
// down, empty if they have one or the tenant gives none. A wrong code is invalid_otp; nothing to confirm is NotFound.
func (e Enrollment) Confirm(ctx context.Context, code string) (recovery string, err error) {
	secret, err := e.Store.Pending(ctx, "totp/"+e.Key, e.UserID)
	if err != nil {
		return "", err
	}
	if err := take(ctx, e.Store, e.UserID, bucketOTP); err != nil {
		return "", err
	}
	now := e.Store.Clock().Now()
	at := step(secret, Digits(code), now)
	if at == 0 {
		return "", errOTP()
	}
	return e.add(ctx, &stagedoor.AuthenticationMethod{Type: store.TypeTOTP, Secret: secret, Step: at, LastUsedAt: now}, "totp/"+e.Key)
}

// BeginKey returns what a browser needs to make a new key (see [Keys.BeginNew]).
func (e Enrollment) BeginKey(ctx context.Context, p Party, u *stagedoor.User, kind string, until time.Time) (json.RawMessage, error) {
	return Keys{e.Store, p, kind}.BeginNew(ctx, u, e.Key, until)
}

// ConfirmKey takes the key that a browser has made: it becomes a method of the person. A key that does not verify is invalid_key.
func (e Enrollment) ConfirmKey(ctx context.Context, p Party, u *stagedoor.User, kind string, response []byte) (recovery string, err error) {
	m, err := Keys{e.Store, p, kind}.New(ctx, u, e.Key, response)
	if err != nil {
		return "", err
	}
	e.Only = false // a person may have several keys
	return e.add(ctx, m)
}

// add makes a method the person's, with which they have just proved themselves, and forgets what was pending.
func (e Enrollment) add(ctx context.Context, m *stagedoor.AuthenticationMethod, pending ...string) (recovery string, err error) {
	settings, err := SettingsOf(ctx, e.Store)
	if err != nil {
		return "", err
	}
	var spare *stagedoor.AuthenticationMethod
	if settings.Has(Recovery) && !e.Bare {
		if recovery, err = e.recoveryCode(ctx); err != nil {
			return "", err
		}
		spare = &stagedoor.AuthenticationMethod{Type: store.TypeRecovery, Secret: jose.HashToken(recovery)}
	}
	if e.Claim != nil {
		if err := e.Claim(ctx); err != nil {
			return "", err
		}
	}
	ctx = context.WithoutCancel(ctx) // what allowed it is used up, and whoever asked for it is to hear of it: its owner is told by mail
	m.ID = e.ID
	added, err := e.Store.AddFactor(ctx, e.UserID, m, spare, e.beside(m.Type)...)
	if err != nil {
		return "", err
	}
	if e.Made != nil {
		e.Made(m)
	}
	if !added {
		recovery = ""
	}
	for _, key := range append(pending, "recovery/"+e.Key) {
		if err := e.Store.DropPending(ctx, key); err != nil {
			return "", err
		}
	}
	return recovery, empty(ctx, e.Store, e.UserID)
}

// beside are the types of methods of which the person may have none.
func (e Enrollment) beside(own string) []string {
	switch {
	case e.First:
		return seconds()
	case e.Only:
		return []string{own}
	}
	return nil
}

// KeepRecovery makes a recovery code the person's, of which the hash is kept; the one before is worth nothing.
func KeepRecovery(ctx context.Context, st *store.Store, userID, code string) error {
	m := &stagedoor.AuthenticationMethod{Type: store.TypeRecovery, Secret: jose.HashToken(code)}
	return st.AddAuthenticationMethods(ctx, userID, []*stagedoor.AuthenticationMethod{m}, true, store.TypeRecovery)
}
