package mfa_test

import (
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

type world struct {
	*testing.T
	*store.Store
	user *stagedoor.User
	now  time.Time
}

// each runs fn with a tenant and a user on both databases.
func each(t *testing.T, fn func(w *world)) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			w := &world{T: t, now: time.Unix(1_700_000_010, 0), user: &stagedoor.User{ID: "auth0|ada", Connection: "Users", Email: "ada@example.com"}}
			db := storetest.Open(t, kind, storetest.WithClock(func() time.Time { return w.now }))
			w.Store = storetest.Tenant(t, db, "acme")
			w.ok(w.CreateUser(t.Context(), w.user, ""))
			fn(w)
		})
	}
}

func (w *world) sends(_ mfa.SentCode, err error) {
	w.Helper()
	w.ok(err)
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) code(secret string, ago time.Duration) string {
	w.Helper()
	code, err := totp.GenerateCode(secret, w.now.Add(-ago))
	w.ok(err)
	return code
}

func (w *world) fails(err error, code string) {
	w.Helper()
	if !stagedoor.HasCode(err, code) {
		w.Errorf("error %v, want %s", err, code)
	}
}

func (w *world) enroll(key string, only bool) (secret, recovery string) {
	w.Helper()
	e := mfa.Enrollment{Store: w.Store, UserID: w.user.ID, Key: key, Only: only}
	secret, err := e.Begin(w.Context(), w.now.Add(time.Hour))
	w.ok(err)
	recovery, err = e.Confirm(w.Context(), w.code(secret, 0))
	w.ok(err)
	return secret, recovery
}

func TestEnrollment(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.Context()
		e := mfa.Enrollment{Store: w.Store, UserID: w.user.ID, Key: "login", Only: true}
		_, err := e.Confirm(ctx, "123456")
		if !stagedoor.IsKind(err, stagedoor.NotFound) {
			w.Errorf("confirmed what was not begun: %v", err)
		}
		one, err := e.Begin(ctx, w.now.Add(time.Hour))
		w.ok(err)
		again, err := e.Begin(ctx, w.now.Add(time.Hour))
		w.ok(err)
		if one != again || len(one) != 32 || strings.Trim(one, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" { // base32 as apps read it
			w.Errorf("secrets %q, %q", one, again)
		}
		for _, wrong := range []string{"", "000000", "12345", "abcdef", w.code(one, time.Minute+time.Second), w.code(one, -time.Minute)} {
			_, err := e.Confirm(ctx, wrong)
			w.fails(err, "invalid_otp")
		}
		good := w.code(one, 0)
		recovery, err := e.Confirm(ctx, good[:3]+" "+good[3:])
		w.ok(err)
		if len(recovery) != 24 {
			w.Errorf("recovery code %q", recovery)
		}
		w.fails(mfa.Check(ctx, w.Store, w.user.ID, good), "invalid_otp") // it proved the enrolment
		other := mfa.Enrollment{Store: w.Store, UserID: w.user.ID, Key: "another login", Only: true}
		second, err := other.Begin(ctx, w.now.Add(time.Hour))
		w.ok(err)
		_, err = other.Confirm(ctx, w.code(second, 0))
		w.fails(err, "already_enrolled")
		other.Only = false
		if none, err := other.Confirm(ctx, w.code(second, 0)); err != nil || none != "" {
			w.Errorf("a second app: recovery %q, %v", none, err)
		}
		if m, err := mfa.MethodsOf(ctx, w.Store, w.user.ID); err != nil || !slices.Equal(m.Have, []string{mfa.OTP, mfa.Recovery}) {
			w.Errorf("%+v %v", m, err)
		}
	})
}

// RFC 6238 section 5.2: a code is taken once. The step before and the one after count too.
func TestCodesAreTakenOnce(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.Context()
		secret, _ := w.enroll("login", true)
		check := func(code string) error { return mfa.Check(ctx, w.Store, w.user.ID, code) }
		w.now = w.now.Add(2 * time.Minute)
		w.ok(check(w.code(secret, 30*time.Second)))
		w.fails(check(w.code(secret, 30*time.Second)), "invalid_otp")
		w.ok(check(w.code(secret, 0)))
		w.fails(check(w.code(secret, 0)), "invalid_otp")
		w.ok(check(w.code(secret, -30*time.Second)))
		w.fails(check(w.code(secret, 0)), "invalid_otp") // older than the newest that was taken
		w.now = w.now.Add(time.Minute)
		w.ok(check(w.code(secret, 0)))
	})
}

func TestWrongCodesRunOut(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.Context()
		secret, recovery := w.enroll("login", true)
		w.now = w.now.Add(2 * time.Minute)
		for range 10 {
			w.fails(mfa.Check(ctx, w.Store, w.user.ID, "000000"), "invalid_otp")
		}
		w.fails(mfa.Check(ctx, w.Store, w.user.ID, w.code(secret, 0)), "too_many_attempts")
		for range 9 {
			_, err := mfa.Recover(ctx, w.Store, w.user.ID, "AAAAAAAAAAAAAAAAAAAAAAAA")
			w.fails(err, "invalid_recovery_code")
		}
		next, err := mfa.Recover(ctx, w.Store, w.user.ID, strings.ToLower(recovery[:12])+" "+recovery[12:])
		w.ok(err)
		if next == recovery || len(next) != 24 {
			w.Errorf("next recovery code %q", next)
		}
		w.ok(mfa.Check(ctx, w.Store, w.user.ID, w.code(secret, 0))) // the buckets are empty again
		_, err = mfa.Recover(ctx, w.Store, w.user.ID, recovery)
		w.fails(err, "invalid_recovery_code") // used up
	})
}

func TestSettings(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.Context()
		for _, c := range []struct {
			factors  map[string]any
			policies []string
			want     mfa.Settings
		}{
			{nil, nil, mfa.Settings{On: []string{mfa.Recovery}}},
			{map[string]any{"otp": true}, []string{"all-applications"}, mfa.Settings{On: []string{mfa.OTP, mfa.Recovery}, Always: true}},
			{map[string]any{"otp": true, "recovery-code": false}, []string{"confidence-score"}, mfa.Settings{On: []string{mfa.OTP}, Risky: true}},
			{nil, []string{"confidence-score", "all-applications"}, mfa.Settings{On: []string{mfa.OTP}, Always: true, Risky: true}},
			{map[string]any{"otp": false, "duo": true}, []string{}, mfa.Settings{Others: true}},               // recovery codes stay off
			{map[string]any{"duo": false, "push-notification": true}, []string{}, mfa.Settings{Others: true}}, // nobody brings notifications
			{map[string]any{"sent by": "https://push.example.com/"}, []string{}, mfa.Settings{On: []string{mfa.Push}}},
			{map[string]any{"push-notification": false, "duo": true, "keys": "api-1b2c3d4e.duosecurity.com"}, []string{}, mfa.Settings{Duo: true}},
			{map[string]any{"otp": true}, []string{}, mfa.Settings{On: []string{mfa.OTP}}}, // Duo is for who has nothing else on
		} {
			if url, is := c.factors["sent by"]; is {
				w.ok(w.ChangeSetting(ctx, mfa.SettingPush, func(m map[string]any) error { m["url"], m["secret"] = url, "s"; return nil }))
			}
			if host, is := c.factors["keys"]; is {
				w.ok(w.ChangeSetting(ctx, mfa.SettingDuo, func(m map[string]any) error {
					m["host"], m["ikey"], m["skey"] = host, strings.Repeat("I", 20), strings.Repeat("s", 40)
					return nil
				}))
			}
			delete(c.factors, "sent by")
			delete(c.factors, "keys")
			w.ok(w.ChangeSetting(ctx, mfa.SettingFactors, func(m map[string]any) error {
				for name, on := range c.factors {
					m[name] = on
				}
				return nil
			}))
			w.ok(w.ChangeSetting(ctx, mfa.SettingPolicies, func(m map[string]any) error { m["policies"] = c.policies; return nil }))
			if got, err := mfa.SettingsOf(ctx, w.Store); err != nil || !reflect.DeepEqual(got, c.want) {
				w.Errorf("%+v %v, want %+v", got, err, c.want)
			}
		}
	})
}

func TestOwnAddress(t *testing.T) {
	if c, err := mfa.OwnAddress(&stagedoor.User{Email: "ada@example.com"}); err != nil || c.To != "ada@example.com" || c.Kind != mfa.Email {
		t.Errorf("%+v %v", c, err)
	}
	if _, err := mfa.OwnAddress(&stagedoor.User{Username: "ada"}); !stagedoor.HasCode(err, "access_denied") {
		t.Errorf("who has no address: %v", err)
	}
}

func TestURIAndDrawing(t *testing.T) {
	uri := mfa.URI("JBSWY3DPEHPK3PXP", "Acme & Söhne", "ada+x@example.com")
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Acme & Söhne:ada+x@example.com" {
		t.Fatalf("%s: %v", uri, err)
	}
	if q := u.Query(); q.Get("secret") != "JBSWY3DPEHPK3PXP" || q.Get("issuer") != "Acme & Söhne" || q.Get("period") != "30" || strings.Contains(uri, "+") && !strings.Contains(uri, "ada+x") {
		t.Errorf("%s", uri)
	}
	code, err := mfa.Draw(uri)
	if err != nil || code.Size < 21 || !strings.HasPrefix(code.Path, "M0 0h7v1h-7z") {
		t.Errorf("%+v %v", code, err)
	}
	if got := mfa.Spaced("JBSWY3DPEHPK3PXP"); got != "JBSW Y3DP EHPK 3PXP" {
		t.Error(got)
	}
}

// The test vectors of RFC 6238, appendix B, in six digits.
func TestVectors(t *testing.T) {
	each(t, func(w *world) {
		w.ok(w.AddAuthenticationMethods(w.Context(), w.user.ID, []*stagedoor.AuthenticationMethod{{Type: "totp", Secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}}, false))
		for _, v := range []struct {
			at   int64
			code string
		}{{59, "287082"}, {1111111109, "081804"}, {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"}} {
			w.now = time.Unix(v.at, 0)
			if err := mfa.Check(w.Context(), w.Store, w.user.ID, v.code); err != nil {
				w.Errorf("at %d: %v", v.at, err)
			}
		}
	})
}

// A code that went to a number of the attacker's own, which was to become the person's, is no second factor once the person has another number; nor is one that went to the
// person the proof of a new number.
func TestAttackEnrolmentCodeAsFactor(t *testing.T) {
	each(t, func(w *world) {
		ctx, code := w.Context(), ""
		send := func(c mfa.SentCode) {
			w.Helper()
			w.sends(mfa.SendCode(ctx, w.Store, w.user.ID, "login/x", c, false, func(s string, _ time.Duration) error { code = s; return nil }))
		}
		send(mfa.SentCode{Kind: mfa.Phone, Channel: "sms", To: "+4915100000000", Enroll: true})
		_, err := mfa.CheckCode(ctx, w.Store, w.user.ID, "login/x", mfa.Phone, code)
		w.fails(err, "invalid_oob")
		w.now = w.now.Add(time.Minute)
		first := code
		w.ok(w.AddAuthenticationMethods(ctx, w.user.ID, []*stagedoor.AuthenticationMethod{{Type: mfa.Phone, PhoneNumber: "+4915100000000"}}, false))
		all, err := w.AuthenticationMethods(ctx, w.user.ID)
		w.ok(err)
		if send(mfa.TargetOf(&all[0])); code == first { // the same number, for something else
			w.Error("no other code was sent")
		}
		e := mfa.Enrollment{Store: w.Store, UserID: w.user.ID, Key: "login/x"}
		_, err = e.ConfirmCode(ctx, mfa.Phone, code)
		w.fails(err, "invalid_oob")
		_, err = mfa.CheckCode(ctx, w.Store, w.user.ID, "login/x", mfa.Phone, code)
		w.ok(err)
	})
}

// Whoever knows the password begins to set up the first factor, waits until the person has set up theirs, and goes on: theirs is not the first one any more.
func TestAttackSetUpBesideTheFirstFactor(t *testing.T) {
	each(t, func(w *world) {
		ctx, code := w.Context(), ""
		e := mfa.Enrollment{Store: w.Store, UserID: w.user.ID, Key: "login/x", First: true}
		secret, err := e.Begin(ctx, w.now.Add(time.Hour))
		w.ok(err)
		w.sends(mfa.SendCode(ctx, w.Store, w.user.ID, e.Key, mfa.SentCode{Kind: mfa.Phone, To: "+4915100000000", Enroll: true}, false, func(s string, _ time.Duration) error { code = s; return nil }))
		ticket, _, err := e.BeginDevice(ctx, "", w.now.Add(time.Hour))
		w.ok(err)
		_, _, err = mfa.SetUpDevice(ctx, w.Store, ticket, stagedoor.PushDevice{Identifier: "x", Service: stagedoor.ServiceInbox})
		w.ok(err)
		w.ok(w.AddAuthenticationMethods(ctx, w.user.ID, []*stagedoor.AuthenticationMethod{{Type: "email", Email: "ada@home.example"}}, false))
		_, err = e.Confirm(ctx, w.code(secret, 0))
		w.fails(err, "already_enrolled")
		_, err = e.ConfirmCode(ctx, mfa.Phone, code)
		w.fails(err, "already_enrolled")
		_, err = e.ConfirmDevice(ctx)
		w.fails(err, "already_enrolled")
		for range 8 { // one try was of the code that was right
			_, err = mfa.CheckCode(ctx, w.Store, w.user.ID, "login/y", mfa.Email, "000000")
			w.fails(err, "invalid_oob")
		}
		w.sends(mfa.SendCode(ctx, w.Store, w.user.ID, e.Key, mfa.SentCode{Kind: mfa.Phone, To: "+4915100000001", Enroll: true}, false, func(s string, _ time.Duration) error { code = s; return nil }))
		_, err = e.ConfirmCode(ctx, mfa.Phone, code)
		w.fails(err, "already_enrolled")
		_, err = mfa.CheckCode(ctx, w.Store, w.user.ID, "login/y", mfa.Email, "000000")
		w.fails(err, "too_many_attempts") // a code of the attacker's own gives no more tries at the person's
		if m, err := mfa.MethodsOf(ctx, w.Store, w.user.ID); err != nil || !slices.Equal(m.Have, []string{mfa.Email}) {
			w.Errorf("%+v %v", m, err)
		}
	})
}

// A login that goes on with somebody else sets up their device.
func TestDeviceOfWhoCameLater(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.Context()
		eve := &stagedoor.User{ID: "auth0|eve", Connection: "Users", Email: "eve@example.com"}
		w.ok(w.CreateUser(ctx, eve, ""))
		begun := map[string]string{}
		for _, id := range []string{w.user.ID, eve.ID} {
			e := mfa.Enrollment{Store: w.Store, UserID: id, Key: "login/x"}
			ticket, fresh, err := e.BeginDevice(ctx, "", w.now.Add(time.Hour))
			w.ok(err)
			if again, more, err := e.BeginDevice(ctx, "", w.now.Add(time.Hour)); err != nil || again != ticket || !fresh || more {
				w.Errorf("%q %v, %q %v %v", ticket, fresh, again, more, err)
			}
			begun[id] = ticket
		}
		device := stagedoor.PushDevice{Identifier: "x", Service: stagedoor.ServiceInbox}
		if _, _, err := mfa.SetUpDevice(ctx, w.Store, begun[w.user.ID], device); !stagedoor.IsKind(err, stagedoor.NotFound) {
			w.Errorf("the ticket of before: %v", err)
		}
		_, _, err := mfa.SetUpDevice(ctx, w.Store, begun[eve.ID], device)
		w.ok(err)
		_, err = mfa.Enrollment{Store: w.Store, UserID: eve.ID, Key: "login/x"}.ConfirmDevice(ctx)
		w.ok(err)
	})
}

// Codes are made as the tenant says. Of the short ones no more are tried in the long run than of those with six digits.
func TestAttackShortCodes(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.Context()
		w.ok(w.ChangeSetting(ctx, mfa.SettingCodes[mfa.Phone], func(m map[string]any) error {
			m["otp_length"], m["otp_expiration_time"] = 4, 3600
			return nil
		}))
		w.ok(w.AddAuthenticationMethods(ctx, w.user.ID, []*stagedoor.AuthenticationMethod{{Type: mfa.Phone, PhoneNumber: "+4915100000000"}}, false))
		code := ""
		send := func() {
			w.Helper()
			c, err := mfa.Target(ctx, w.Store, w.user, mfa.Phone)
			w.ok(err)
			sent, err := mfa.SendCode(ctx, w.Store, w.user.ID, "login/x", c, true, func(s string, life time.Duration) error {
				if code = s; life != time.Hour {
					w.Errorf("works for %s", life)
				}
				return nil
			})
			if w.ok(err); len(code) != 4 || sent.Length() != 4 {
				w.Errorf("code %q, %+v", code, sent)
			}
			w.now = w.now.Add(time.Minute)
		}
		try := func(code string) error {
			_, err := mfa.CheckCode(ctx, w.Store, w.user.ID, "login/x", mfa.Phone, code)
			return err
		}
		send()
		w.now = w.now.Add(58 * time.Minute)
		w.ok(try(code))
		for range 2 { // five tries of each
			send()
			for range 5 {
				w.fails(try("x"), "invalid_oob")
			}
		}
		w.now = w.now.Add(9 * time.Hour)
		send()
		w.fails(try(code), "too_many_attempts")
		w.now = w.now.Add(time.Hour)
		send()
		w.ok(try(code))
		w.now = w.now.Add(2 * time.Hour)
		send()
		w.now = w.now.Add(time.Hour)
		w.fails(try(code), "invalid_oob") // it has lapsed
	})
}
