package mfa_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/store"
)

// A code that was sent to somebody's own address is theirs, and a second factor as long as the address is theirs and verified.
func TestCodesOfOnesOwnAddress(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.Context()
		w.ok(w.ChangeSetting(ctx, mfa.SettingFactors, func(m map[string]any) error { m["email"] = true; return nil }))
		eve := &stagedoor.User{ID: "auth0|eve", Connection: "Users", Email: "eve@example.com"}
		w.ok(w.CreateUser(ctx, eve, ""))
		change := func(fn func(u *stagedoor.User)) *stagedoor.User {
			w.Helper()
			u, err := w.UpdateUser(ctx, w.user.ID, func(u *stagedoor.User) error { fn(u); return nil })
			w.ok(err)
			return u
		}
		if _, err := mfa.Target(ctx, w.Store, w.user, mfa.Email); !stagedoor.IsKind(err, stagedoor.NotFound) {
			w.Errorf("a code goes to an address that is not verified: %v", err)
		}
		if m, err := mfa.MethodsOf(ctx, w.Store, w.user.ID); err != nil || !m.None() {
			w.Errorf("it counts as a factor: %+v %v", m, err)
		}
		n := 0
		sent := func() (of, code string) {
			w.Helper()
			u := change(func(u *stagedoor.User) { u.Email, u.EmailVerified = "ada@example.com", true })
			to, err := mfa.Target(ctx, w.Store, u, mfa.Email)
			w.ok(err)
			n++
			of = fmt.Sprint("login ", n)
			w.sends(mfa.SendCode(ctx, w.Store, u.ID, of, to, false, func(made string, _ time.Duration) error { code = made; return nil }))
			return of, code
		}
		check := func(user, of, code string) error {
			_, err := mfa.CheckCode(ctx, w.Store, user, of, mfa.Email, code)
			return err
		}
		of, code := sent()
		w.fails(check(eve.ID, of, code), "invalid_oob")
		of, code = sent()
		w.ok(check(w.user.ID, of, code))
		of, code = sent()
		change(func(u *stagedoor.User) { u.EmailVerified = false })
		w.fails(check(w.user.ID, of, code), "invalid_oob")
		of, code = sent()
		change(func(u *stagedoor.User) { u.Email = "new@example.com" })
		w.fails(check(w.user.ID, of, code), "invalid_oob")
	})
}

// Recovery codes, and the first codes of an app that is set up, run out as the codes of a factor do.
func TestOtherWrongCodesRunOut(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.Context()
		_, recovery := w.enroll("login", true)
		for range 10 {
			_, err := mfa.Recover(ctx, w.Store, w.user.ID, "AAAA")
			w.fails(err, "invalid_recovery_code")
		}
		_, err := mfa.Recover(ctx, w.Store, w.user.ID, recovery)
		w.fails(err, "too_many_attempts")
		w.now = w.now.Add(6 * time.Minute)
		next, err := mfa.Recover(ctx, w.Store, w.user.ID, recovery)
		w.ok(err)
		_, err = mfa.Recover(ctx, w.Store, w.user.ID, recovery) // it works once
		w.fails(err, "invalid_recovery_code")

		e := mfa.Enrollment{Store: w.Store, UserID: w.user.ID, Key: "another"}
		secret, err := e.Begin(ctx, w.now.Add(time.Hour))
		w.ok(err)
		for range 10 {
			_, err := e.Confirm(ctx, "000000")
			w.fails(err, "invalid_otp")
		}
		_, err = e.Confirm(ctx, w.code(secret, 0))
		w.fails(err, "too_many_attempts")
		w.now = w.now.Add(6 * time.Minute)
		_, err = e.Confirm(ctx, w.code(secret, 0))
		w.ok(err)
		_, err = mfa.Recover(ctx, w.Store, w.user.ID, next)
		w.ok(err)
	})
}

// A recovery code comes with a factor where the tenant has recovery codes on, and where somebody shows it to the person. One that is made anew takes the place of the one before, and the last
// factor takes it along.
func TestRecoveryCodesComeAndGo(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.Context()
		setting := func(on bool) {
			w.ok(w.ChangeSetting(ctx, mfa.SettingFactors, func(m map[string]any) error { m["recovery-code"], m["otp"] = on, true; return nil }))
		}
		add := func(key string, bare bool) string {
			e := mfa.Enrollment{Store: w.Store, UserID: w.user.ID, Key: key, Bare: bare}
			secret, err := e.Begin(ctx, w.now.Add(time.Hour))
			w.ok(err)
			recovery, err := e.Confirm(ctx, w.code(secret, 0))
			w.ok(err)
			return recovery
		}
		has := func(want ...string) {
			w.Helper()
			if m, err := mfa.MethodsOf(ctx, w.Store, w.user.ID); err != nil || !slices.Equal(m.Have, want) {
				w.Errorf("%+v, want %v: %v", m, want, err)
			}
		}
		setting(false)
		if code := add("one", false); code != "" {
			w.Errorf("recovery codes are off, and one came: %s", code)
		}
		setting(true)
		if code := add("two", true); code != "" {
			w.Errorf("nobody shows it, and one came: %s", code)
		}
		has(mfa.OTP)
		first := add("three", false)
		if first == "" {
			w.Error("no recovery code came")
		}
		if code := add("four", false); code != "" {
			w.Errorf("a second one came: %s", code)
		}
		has(mfa.OTP, mfa.Recovery)
		w.ok(mfa.KeepRecovery(ctx, w.Store, w.user.ID, "ANEW"))
		_, err := mfa.Recover(ctx, w.Store, w.user.ID, first)
		w.fails(err, "invalid_recovery_code")
		_, err = mfa.Recover(ctx, w.Store, w.user.ID, "ANEW")
		w.ok(err)
		all, err := w.AuthenticationMethods(ctx, w.user.ID)
		w.ok(err)
		for i := range all {
			if all[i].Type == store.TypeTOTP {
				has(mfa.OTP, mfa.Recovery)
				w.ok(mfa.Remove(ctx, w.Store, w.user.ID, &all[i]))
			}
		}
		has()
	})
}

// What a device has answered is for the person who was asked, for what they were asked, and once. A device that was set up has approved of nothing.
func TestApprovalsAreOfWhoWasAsked(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.Context()
		w.Tenant().Settings.Local.DevelopmentInbox = true // of this handle, which plays the device
		eve := &stagedoor.User{ID: "auth0|eve", Connection: "Users", Email: "eve@example.com"}
		w.ok(w.CreateUser(ctx, eve, ""))
		e := mfa.Enrollment{Store: w.Store, UserID: w.user.ID, Key: "login"}
		ticket, _, err := e.BeginDevice(ctx, "", w.now.Add(time.Hour))
		w.ok(err)
		_, _, err = mfa.SetUpDevice(ctx, w.Store, ticket, stagedoor.PushDevice{Identifier: "x", Service: stagedoor.ServiceInbox})
		w.ok(err)
		missing := func(what string, err error) {
			w.Helper()
			if !stagedoor.IsKind(err, stagedoor.NotFound) {
				w.Errorf("%s: %v", what, err)
			}
		}
		missing("a device that was set up", mfa.CheckDevice(ctx, w.Store, w.user.ID, mfa.DeviceKey("login")))
		_, err = e.ConfirmDevice(ctx)
		w.ok(err)
		m, err := mfa.Device(ctx, w.Store, w.user.ID)
		w.ok(err)
		ask := func(of string) (token string) {
			w.Helper()
			w.ok(mfa.AskDevice(ctx, w.Store, of, w.user.ID, m, "", false, func(made, _ string, _ *stagedoor.PushChallenge) error { token = made; return nil }))
			return token
		}
		w.ok(mfa.AnswerFromInbox(ctx, w.Store, ask("one"), true))
		ask("two")
		missing("another person", mfa.CheckDevice(ctx, w.Store, eve.ID, "one"))
		if err := mfa.CheckDevice(ctx, w.Store, w.user.ID, "two"); !mfa.IsPending(err) {
			w.Errorf("another question: %v", err)
		}
		w.ok(mfa.CheckDevice(ctx, w.Store, w.user.ID, "one"))
		missing("once more", mfa.CheckDevice(ctx, w.Store, w.user.ID, "one"))
		w.ok(mfa.AnswerFromInbox(ctx, w.Store, ask("three"), false))
		if err := mfa.CheckDevice(ctx, w.Store, w.user.ID, "three"); !mfa.IsDenied(err) {
			w.Errorf("a no: %v", err)
		}
	})
}
