package mfa

import (
	"context"
	"errors"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
)

// SettingPush is the name of the tenant's own sender of notifications.
const SettingPush = "guardian/push-webhook"

// How long a device has to answer, and to be set up; and how often a program may ask what it said.
const (
	PushLife     = 5 * time.Minute
	PushInterval = 5 * time.Second
	deviceLife   = 15 * time.Minute
)

// PushSender is where notifications to people's devices go: to a server of the tenant's own, which brings them on.
type PushSender struct {
	URL    string `json:"url"`
	Secret string `json:"secret"` // by which it knows that we sent them
}

// PushSenderOf reads it; without a URL there is none.
func PushSenderOf(ctx context.Context, st *store.Store) (p PushSender, err error) {
	return p, st.Setting(ctx, SettingPush, &p)
}

// Pushes tells whether notifications reach anybody: the tenant has a sender, or looks into its development inbox.
func Pushes(ctx context.Context, st *store.Store) (bool, error) {
	if st.Tenant().Settings.Local.DevelopmentInbox {
		return true, nil
	}
	p, err := PushSenderOf(ctx, st)
	return p.URL != "", err
}

// What a program is told that asks what a device said (Authentication API fact sheet 4.6).
var (
	errPushPending = stagedoor.Errorf(stagedoor.Invalid, "authorization_pending", "Authorization pending: please repeat the request in a few seconds.")
	errPushDenied  = stagedoor.Errorf(stagedoor.Invalid, "access_denied", "MFA Authorization rejected.")
)

// AskDevice has a question sent to the device of a method, for what of is. One that waits for an answer already is not sent again, unless again is true: then
// another one takes its place, not too soon. mfaToken is the hash of the token that it belongs to, if any.
func AskDevice(ctx context.Context, st *store.Store, of string, userID string, m *stagedoor.AuthenticationMethod, mfaToken string, again bool, send func(token, challenge string, c *stagedoor.PushChallenge) error) error {
	before, err := st.Push(ctx, of)
	now := st.Clock().Now()
	switch {
	case err != nil && !stagedoor.IsKind(err, stagedoor.NotFound):
		return err
	case err == nil && before.Method == m.ID && !again:
		return nil
	case err == nil && now.Sub(before.SentAt) < resendWait:
		return errCodeWait()
	}
	room, err := st.TakeAttempt(ctx, bucketSend, userID, sendLimit)
	if err == nil && !room {
		err = stagedoor.Errorf(stagedoor.TooMany, "too_many_attempts", "Too many notifications were sent. Please wait a few minutes and try again.")
	}
	if err != nil {
		return err
	}
	token, challenge := stagedoor.NewToken(), stagedoor.NewToken()
	c := &stagedoor.PushChallenge{UserID: userID, Method: m.ID, MFAToken: mfaToken, Challenge: jose.HashToken(challenge), SentAt: now, ExpiresAt: now.Add(PushLife)}
	if err := st.SavePush(ctx, of, token, c); err != nil {
		return err
	}
	if err := send(token, challenge, c); err != nil {
		unsent := stagedoor.Errorf(stagedoor.Invalid, "push_unsent", "The notification could not be sent.")
		unsent.Err = err
		_ = st.DropPush(ctx, of) // it expires anyway
		return unsent
	}
	return nil
}

// Device is the device of a person's that is asked: the one that came last, which they have at hand most likely.
func Device(ctx context.Context, st *store.Store, userID string) (*stagedoor.AuthenticationMethod, error) {
	all, err := st.AuthenticationMethods(ctx, userID)
	if err != nil {
		return nil, err
	}
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Type == store.TypePush && all[i].Push != nil {
			return &all[i], nil
		}
	}
	return nil, stagedoor.Errorf(stagedoor.NotFound, "not_found", "The person has no such method.")
}

// CheckDevice takes the approval of a person's device for what of is, which is used up. Without an answer it is authorization_pending, with another one
// access_denied; NotFound means that nothing was asked, or too long ago.
func CheckDevice(ctx context.Context, st *store.Store, userID, of string) error {
	if err := answered(ctx, st, userID, of, false); err != nil {
		return err
	}
	c, err := st.TakePush(ctx, of)
	if err != nil {
		return err
	}
	if err := st.UseKey(ctx, userID, c.Method, 0); err != nil { // the device was taken away meanwhile
		return err
	}
	return empty(ctx, st, userID)
}

// answered tells whether the answer to a question of a person's is yes, by its error if it is not.
func answered(ctx context.Context, st *store.Store, userID, of string, device bool) error {
	c, err := st.Push(ctx, of)
	switch {
	case err != nil:
		return err
	case c.UserID != userID || (c.Method == "") != device:
		return stagedoor.Errorf(stagedoor.NotFound, "not_found", "There is no such question.")
	case c.State == stagedoor.PushPending:
		return errPushPending
	case c.State != stagedoor.PushApproved:
		return errPushDenied
	}
	return nil
}

// BeginDevice returns the ticket by which an app makes its device the person's: the same one as long as the enrolment is the same. fresh tells that it is new.
func (e Enrollment) BeginDevice(ctx context.Context, mfaToken string, until time.Time) (ticket string, fresh bool, err error) {
	now := e.Store.Clock().Now()
	if end := now.Add(deviceLife); until.After(end) {
		until = end
	}
	made := stagedoor.NewToken()
	if ticket, err = e.Store.KeepPending(ctx, "push/"+e.Key, e.UserID, made, until); err != nil {
		return "", false, err
	}
	c, err := e.Store.Push(ctx, e.device())
	if err == nil && c.UserID == e.UserID || err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) { // else somebody else began, whose login this was before
		return ticket, false, err
	}
	return ticket, ticket == made, e.Store.SavePush(ctx, e.device(), ticket, &stagedoor.PushChallenge{UserID: e.UserID, MFAToken: mfaToken, SentAt: now, ExpiresAt: until})
}

// device is what the question for a device belongs to.
func (e Enrollment) device() string { return "device/" + e.Key }

// DeviceKey is what the question for a device belongs to whose enrolment has the key.
func DeviceKey(key string) string { return Enrollment{Key: key}.device() }

// ConfirmDevice makes the device the person's that an app has set up: authorization_pending as long as none has, NotFound if there is nothing to set up.
func (e Enrollment) ConfirmDevice(ctx context.Context) (recovery string, err error) {
	if err := answered(ctx, e.Store, e.UserID, e.device(), true); err != nil {
		return "", err
	}
	c, err := e.Store.TakePush(ctx, e.device())
	if err != nil {
		return "", err
	}
	m := &stagedoor.AuthenticationMethod{Type: store.TypePush, Name: c.Device.Name, KeyID: c.Device.Device, Push: c.Device, LastUsedAt: e.Store.Clock().Now()}
	e.Only = false // a person may have several devices
	return e.add(ctx, m, "push/"+e.Key)
}

// HasDevice tells whether an app has set up its device, so that it can be confirmed.
func (e Enrollment) HasDevice(ctx context.Context) (bool, error) {
	err := answered(ctx, e.Store, e.UserID, e.device(), true)
	if IsPending(err) || stagedoor.IsKind(err, stagedoor.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// AwaitsDevice tells whether the ticket still works and no app has used it.
func (e Enrollment) AwaitsDevice(ctx context.Context) (bool, error) {
	err := answered(ctx, e.Store, e.UserID, e.device(), true)
	if IsPending(err) {
		return true, nil
	}
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		err = nil
	}
	return false, err
}

// IsPending tells whether an error means that a device has not answered.
func IsPending(err error) bool { return errors.Is(err, errPushPending) }

// IsDenied tells whether an error means that a device's person said no.
func IsDenied(err error) bool { return errors.Is(err, errPushDenied) }
