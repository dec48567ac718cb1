package mfa

import (
	"context"
	"encoding/json"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Codes that are sent: how long they are and how long one works, where the tenant does not say otherwise ([CodesOf]), how often one may be tried, how long people
// wait for another one, and how many they get.
const (
	CodeDigits = 6
	CodeLife   = 5 * time.Minute
	codeTries  = 5
	resendWait = 30 * time.Second
	bucketOOB  = "mfa-oob"
	bucketSend = "mfa-send"
)

// sendLimit is how many codes a person is sent: ten, and one more every six minutes.
var sendLimit = stagedoor.Throttle{MaxAttempts: 10, Rate: 6 * 60 * 1000}

// SentCode is what is kept with a code on its way to a person.
type SentCode struct {
	Kind    string // email, phone
	Channel string // email, sms, voice
	To      string // address, or telephone number
	Method  string `json:",omitempty"` // id of the authentication method that it goes to; empty if there is none
	Enroll  bool   `json:",omitempty"` // the address becomes a method of the person's
	Digits  int    `json:",omitempty"`
	Own     bool   `json:",omitempty"` // it is the person's own, whether or not it is verified
	Token   string `json:",omitempty"` // hash of the mfa_token that it belongs to
	SentAt  int64  // milliseconds
}

// errCodeWait refuses another code so soon.
func errCodeWait() error {
	return stagedoor.Errorf(stagedoor.TooMany, "code_wait", "Please wait a moment before you ask for another code.")
}

func errOOB() error {
	return stagedoor.Errorf(stagedoor.Forbidden, "invalid_oob", "Invalid binding_code.")
}

// purpose is what codes of second factors are kept for. Their subject is the hash of what they are sent for: another one's is worth nothing here.
const purpose = "mfa"

// SendCode has a code sent, for what of is, and returns what is on its way. One that was sent before to the same address and still works is not sent again, unless
// again is true: then it is replaced by another one, not too soon. An error code_wait leaves the one that was sent before as it was.
func SendCode(ctx context.Context, st *store.Store, userID, of string, c SentCode, again bool, send func(code string, life time.Duration) error) (SentCode, error) {
	before, err := CodeSent(ctx, st, of)
	now := st.Clock().Now()
	switch {
	case err != nil && !stagedoor.IsKind(err, stagedoor.NotFound):
		return c, err
	case err == nil && before.Kind == c.Kind && before.To == c.To && before.Enroll == c.Enroll && !again:
		return before, nil
	case err == nil && before.Kind == c.Kind && now.UnixMilli()-before.SentAt < resendWait.Milliseconds():
		c.Digits = before.Digits
		return c, errCodeWait()
	}
	room, err := st.TakeAttempt(ctx, bucketSend, userID, sendLimit)
	if err == nil && !room {
		err = stagedoor.Errorf(stagedoor.TooMany, "too_many_attempts", "Too many codes were sent. Please wait a few minutes and try again.")
	}
	if err != nil {
		return c, err
	}
	made, err := CodesOf(ctx, st, c.Kind)
	if err != nil {
		return c, err
	}
	code := stagedoor.NewDigits(made.Digits)
	c.SentAt, c.Digits = now.UnixMilli(), made.Digits
	about, err := json.Marshal(c)
	if err != nil {
		return c, err
	}
	kept := &stagedoor.OneTimeCode{Purpose: purpose, Subject: jose.HashToken(of), UserID: userID, About: about, ExpiresAt: now.Add(made.Life())}
	if err := st.SaveOneTimeCode(ctx, code, kept); err != nil {
		return c, err
	}
	if err := send(code, made.Life()); err != nil {
		unsent := stagedoor.Errorf(stagedoor.Invalid, "code_unsent", "The code could not be sent.")
		unsent.Err = err
		_ = st.DropOneTimeCode(ctx, purpose, kept.Subject) // it expires anyway
		return c, unsent
	}
	return c, nil
}

// CodeSent tells what was sent for what of is; NotFound if it is nothing, or works no more.
func CodeSent(ctx context.Context, st *store.Store, of string) (c SentCode, err error) {
	kept, err := st.OneTimeCode(ctx, purpose, jose.HashToken(of))
	if err == nil {
		err = json.Unmarshal(kept.About, &c)
	}
	return c, err
}

// SentTo is the code of a kind that was sent for what of is; it went nowhere if there is none that works.
func SentTo(ctx context.Context, st *store.Store, of, kind string) (SentCode, error) {
	c, err := CodeSent(ctx, st, of)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && c.Kind != kind {
		return SentCode{}, nil
	}
	return c, err
}

// CheckCode takes a code that was sent, which is used up. A wrong one, and one of another kind, is invalid_oob, and so is one that went to an address that is only to
// become the person's: whoever knows the password says what that is. After five wrong ones the code that was sent works no more.
func CheckCode(ctx context.Context, st *store.Store, userID, of, kind, code string) (SentCode, error) {
	return checkCode(ctx, st, userID, of, kind, code, false)
}

func checkCode(ctx context.Context, st *store.Store, userID, of, kind, code string, enroll bool) (c SentCode, err error) {
	sent, err := CodeSent(ctx, st, of)
	none := stagedoor.IsKind(err, stagedoor.NotFound)
	if err != nil && !none {
		return c, err
	}
	if err := takeSent(ctx, st, userID, sent.Length()); err != nil {
		return c, err
	}
	if none || sent.Kind != kind || sent.Enroll != enroll {
		return c, errOOB()
	}
	t, err := st.TryOneTimeCode(ctx, purpose, jose.HashToken(of), Digits(code), codeTries, false)
	if err != nil {
		return c, err
	}
	if t.Code == nil || t.Code.UserID != userID {
		return c, errOOB()
	}
	if err := json.Unmarshal(t.Code.About, &c); err != nil {
		return c, err
	}
	if c.Kind != kind || c.Enroll != enroll { // replaced meanwhile
		return c, errOOB()
	}
	if enroll { // the tries at the person's own factors are given back once this is one
		return c, nil
	}
	if err := stillTheirs(ctx, st, userID, c); err != nil {
		return c, err
	}
	return c, empty(ctx, st, userID)
}

// stillTheirs refuses a code that went to where the person is reached no longer: a phone that was taken away, or an address that was changed, since it was sent. It notes
// that the method was used.
func stillTheirs(ctx context.Context, st *store.Store, userID string, c SentCode) error {
	if c.Method != "" {
		err := st.UseKey(ctx, userID, c.Method, 0)
		if stagedoor.IsKind(err, stagedoor.NotFound) {
			err = errOOB()
		}
		return err
	}
	u, err := st.User(ctx, userID)
	if err == nil && !(u.Email == c.To && (u.EmailVerified || c.Own)) {
		err = errOOB()
	}
	return err
}

// ConfirmCode takes the code that was sent to a new address or number, which becomes a method of the person.
func (e Enrollment) ConfirmCode(ctx context.Context, kind, code string) (recovery string, err error) {
	return e.ConfirmSent(ctx, e.Key, kind, code)
}

// ConfirmSent is ConfirmCode for a code that was sent for something else than the enrolment's key.
func (e Enrollment) ConfirmSent(ctx context.Context, of, kind, code string) (recovery string, err error) {
	c, err := checkCode(ctx, e.Store, e.UserID, of, kind, code, true)
	if err != nil {
		return "", err
	}
	m := &stagedoor.AuthenticationMethod{Type: kind, LastUsedAt: e.Store.Clock().Now()}
	if kind == Phone {
		m.PhoneNumber, m.Preferred = c.To, c.Channel
	} else {
		m.Email = c.To
	}
	e.Only = false
	return e.add(ctx, m)
}

// Target is where codes of a kind go: the person's first method of it, else their own verified address.
func Target(ctx context.Context, st *store.Store, u *stagedoor.User, kind string) (SentCode, error) {
	all, err := st.AuthenticationMethods(ctx, u.ID)
	if err != nil {
		return SentCode{}, err
	}
	for i := range all {
		if all[i].Type == kind {
			return TargetOf(&all[i]), nil
		}
	}
	if kind == Email && u.Email != "" && u.EmailVerified {
		return SentCode{Kind: Email, Channel: "email", To: u.Email}, nil
	}
	return SentCode{}, stagedoor.Errorf(stagedoor.NotFound, "not_found", "The person has no such method.")
}

// OwnAddress is where a code goes to a person who has no second factor: to their own address, verified or not.
func OwnAddress(u *stagedoor.User) (SentCode, error) {
	if u.Email == "" {
		return SentCode{}, ErrNoAddress()
	}
	return SentCode{Kind: Email, Channel: "email", To: u.Email, Own: true}, nil
}

// TargetOf is where codes of a method go. One without a time of its creation is the person's own address, and none of their methods.
func TargetOf(m *stagedoor.AuthenticationMethod) SentCode {
	if m.Type == Phone {
		channel := "sms"
		if m.Preferred == "voice" {
			channel = "voice"
		}
		return SentCode{Kind: Phone, Channel: channel, To: m.PhoneNumber, Method: m.ID}
	}
	c := SentCode{Kind: Email, Channel: "email", To: m.Email, Method: m.ID}
	if m.CreatedAt.IsZero() {
		c.Method = ""
	}
	return c
}

// Mask hides most of where codes of a kind go: whoever knows the password alone need not learn it.
func Mask(kind, to string) string {
	r := []rune(to)
	if kind == Phone {
		for i := 0; i < len(r)-4; i++ {
			r[i] = 'X'
		}
		return string(r)
	}
	for i := 2; i < len(r) && r[i] != '@'; i++ {
		r[i] = '*'
	}
	return string(r)
}

// IsSent tells whether people of the kind give a code that was sent to them.
func IsSent(kind string) bool { return kind == Phone || kind == Email }
