package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// A code is taken once, and none before it: of 8 callers at once one succeeds.
func TestFactorIsUsedOncePerStep(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		m := &stagedoor.AuthenticationMethod{Type: "totp", Secret: "JBSWY3DPEHPK3PXP", Step: 100}
		added := must(s.AddFactor(ctx, "auth0|ada", m, &stagedoor.AuthenticationMethod{Type: "recovery-code", Secret: jose.HashToken("first")}, "totp"))(t)
		if !added {
			t.Error("no recovery code was added")
		}
		isKind(t, s.UseFactor(ctx, "auth0|ada", m.ID, 100), stagedoor.NotFound) // that one proved the enrolment
		for step := int64(101); step < 106; step++ {
			if won := race(8, func(int) error { return s.UseFactor(ctx, "auth0|ada", m.ID, step) }); won != 1 {
				t.Errorf("step %d was used %d times", step, won)
			}
		}
		isKind(t, s.UseFactor(ctx, "auth0|ada", m.ID, 103), stagedoor.NotFound)
		all := must(s.Factors(ctx, "auth0|ada"))(t)
		slices.SortFunc(all, func(a, b stagedoor.AuthenticationMethod) int { return strings.Compare(b.Type, a.Type) })
		if len(all) != 2 || all[0].Secret != "JBSWY3DPEHPK3PXP" || all[0].LastUsedAt.IsZero() || all[1].Secret != jose.HashToken("first") {
			t.Errorf("%+v", all)
		}
		if won := race(8, func(i int) error { return s.ReplaceRecoveryCode(ctx, "auth0|ada", "first", fmt.Sprint("next", i)) }); won != 1 {
			t.Errorf("the recovery code was used %d times", won)
		}
		_, err := s.AddFactor(ctx, "auth0|ada", &stagedoor.AuthenticationMethod{Type: "totp", Secret: "another"}, nil, "phone", "totp")
		hasCode(t, err, stagedoor.Conflict, "already_enrolled")
		second := &stagedoor.AuthenticationMethod{Type: "totp", Secret: "another"}
		if added := must(s.AddFactor(ctx, "auth0|ada", second, &stagedoor.AuthenticationMethod{Type: "recovery-code", Secret: "x"}, "phone"))(t); added {
			t.Error("a second recovery code was added")
		}
		_, err = s.AddFactor(ctx, "auth0|ada", &stagedoor.AuthenticationMethod{Type: "totp", Secret: "another"}, nil)
		hasCode(t, err, stagedoor.Conflict, "already_enrolled")
	})
}

func TestRememberedBrowsers(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		newUser(t, s, "auth0|eve")
		is := func(handle, user string) bool {
			return must(s.BrowserRemembered(ctx, handle, user, 2*time.Hour, 1000*time.Hour))(t)
		}
		ok(t, s.RememberBrowser(ctx, "", "one", "auth0|ada", "Firefox", "::1", clock.in(10*time.Hour)))
		ok(t, s.RememberBrowser(ctx, "one", "two", "auth0|eve", "Firefox", "::1", clock.in(10*time.Hour)))
		if is("one", "auth0|ada") || !is("two", "auth0|ada") || !is("two", "auth0|eve") || is("three", "auth0|eve") {
			t.Error("the browser has another handle")
		}
		start := clock.now
		defer func() { clock.now = start }()
		clock.now = start.Add(time.Hour + 59*time.Minute)
		if !is("two", "auth0|ada") {
			t.Error("ada is forgotten")
		}
		clock.now = start.Add(3 * time.Hour)
		if !is("two", "auth0|ada") || is("two", "auth0|eve") {
			t.Error("who was away for too long is remembered, or ada is not")
		}
		if short := must(s.BrowserRemembered(ctx, "two", "auth0|ada", 2*time.Hour, 3*time.Hour))(t); short {
			t.Error("who was remembered too long ago is remembered")
		}
		ok(t, s.ForgetBrowsers(ctx, "auth0|ada"))
		if is("two", "auth0|ada") {
			t.Error("is remembered after all was forgotten")
		}
		ok(t, s.RememberBrowser(ctx, "", "three", "auth0|ada", "Firefox", "::1", clock.in(time.Hour)))
		clock.now = start.Add(5 * time.Hour)
		if is("three", "auth0|ada") {
			t.Error("is remembered for too long")
		}
	}, storetest.WithClock(clock.clock))
}

func TestPendingFactors(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		newUser(t, s, "auth0|eve")
		keep := func(user, secret string) string {
			return must(s.KeepPending(ctx, "key", user, secret, clock.in(time.Hour)))(t)
		}
		same(t, []string{keep("auth0|ada", "one"), keep("auth0|ada", "two"), keep("auth0|eve", "three"), keep("auth0|ada", "four")}, []string{"one", "one", "three", "four"})
		_, err := s.Pending(ctx, "key", "auth0|eve")
		isKind(t, err, stagedoor.NotFound)
		same(t, must(s.Pending(ctx, "key", "auth0|ada"))(t), "four")
		start := clock.now
		clock.now = start.Add(time.Hour)
		_, err = s.Pending(ctx, "key", "auth0|ada")
		isKind(t, err, stagedoor.NotFound)
		same(t, keep("auth0|ada", "five"), "five") // what is over is nobody's secret any more
		clock.now = start
		ok(t, s.DropPending(ctx, "key"))
		_, err = s.Pending(ctx, "key", "auth0|ada")
		isKind(t, err, stagedoor.NotFound)
	}, storetest.WithClock(clock.clock))
}

// Attempts at the same time cannot share the room of one.
func TestTakeAttempt(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		limit := stagedoor.Throttle{MaxAttempts: 10, Rate: 360000}
		take := func(int) error {
			if room, err := s.TakeAttempt(ctx, "mfa", "auth0|ada", limit); err != nil || !room {
				return fmt.Errorf("no room: %w", err)
			}
			return nil
		}
		if won := race(40, take); won != 10 {
			t.Errorf("%d attempts", won)
		}
		start := clock.now
		defer func() { clock.now = start }()
		clock.now = start.Add(12 * time.Minute)
		if won := race(5, take); won != 2 {
			t.Errorf("%d attempts after twelve minutes", won)
		}
		ok(t, s.Empty(ctx, "mfa", "auth0|ada"))
		if won := race(12, take); won != 10 {
			t.Errorf("%d attempts of an empty bucket", won)
		}
		for range 2 {
			ok(t, s.ReturnAttempt(ctx, "mfa", "auth0|ada", limit))
		}
		if won := race(5, take); won != 2 {
			t.Errorf("%d attempts after two came back", won)
		}
	}, storetest.WithClock(clock.clock))
}

func TestMFATokenIsUsedOnce(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		for i := range 10 {
			ok(t, s.SaveMFAToken(ctx, fmt.Sprint("token", i), &stagedoor.MFAToken{UserID: "auth0|ada", RefreshToken: "rt", ExpiresAt: clock.in(time.Minute)}))
		}
		same(t, must(s.MFAToken(ctx, "token1"))(t).RefreshToken, "rt")
		if won := race(80, func(i int) error { _, err := s.ConsumeMFAToken(ctx, fmt.Sprint("token", i%10)); return err }); won != 10 {
			t.Errorf("%d tokens were used", won)
		}
		_, err := s.MFAToken(ctx, "token1")
		isKind(t, err, stagedoor.NotFound)
	}, storetest.WithClock(clock.clock))
}

// Factors that came with users before there were second factors are theirs after a migration.
func TestImportedFactorsAreAdopted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		s := storetest.Tenant(t, db, "acme")
		newUser(t, s, "auth0|ada")
		newUser(t, s, "auth0|eve")
		ok(t, s.AddAuthenticationMethods(ctx, "auth0|eve", []*stagedoor.AuthenticationMethod{{Type: "totp", Secret: "ENROLLEDHERE"}}, false))
		for _, user := range []string{"auth0|ada", "auth0|eve"} {
			store.ImportFactors(t, s, user, `[{"totp":{"secret":"JBSWY3DPEHPK3PXP===="}},{"totp":{"secret":"JBSWY3DPEHPK3PXP"}},{"phone":{"value":"+15551234567"}},{"email":{"value":"a@x.test"}}]`)
		}
		ok(t, db.Migrate(ctx))
		ok(t, db.Migrate(ctx))
		for user, secret := range map[string]string{"auth0|ada": "JBSWY3DPEHPK3PXP", "auth0|eve": "ENROLLEDHERE"} {
			var got []string
			for _, m := range must(s.Factors(ctx, user))(t) {
				got = append(got, m.Type+" "+m.Secret+m.PhoneNumber+m.Email)
			}
			slices.Sort(got)
			same(t, got, []string{"email a@x.test", "phone +15551234567", "totp " + secret})
		}
	})
}

// An answer that comes once a device was asked again is one to the question of before: it says nothing about the new one.
func TestAttackAnswerToAnOlderQuestion(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx, until := t.Context(), time.Now().Add(time.Hour)
		ok(t, s.SavePush(ctx, "login", "first", &stagedoor.PushChallenge{UserID: "auth0|ada", ExpiresAt: until}))
		first := must(s.PushByToken(ctx, "first"))(t)
		ok(t, s.SavePush(ctx, "login", "second", &stagedoor.PushChallenge{UserID: "auth0|ada", ExpiresAt: until}))
		isKind(t, s.AnswerPush(ctx, first, stagedoor.PushApproved), stagedoor.NotFound)
		if c := must(s.Push(ctx, "login"))(t); c.State != stagedoor.PushPending {
			t.Errorf("%+v", c)
		}
		ok(t, s.AnswerPush(ctx, must(s.PushByToken(ctx, "second"))(t), stagedoor.PushApproved))
	})
}

// Where devices are found is sealed at rest, and read by those who ask them.
func TestAddressesOfDevicesAreSealed(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		ok(t, s.SavePush(ctx, "device", "ticket", &stagedoor.PushChallenge{UserID: "auth0|ada", ExpiresAt: time.Now().Add(time.Hour)}))
		c := must(s.PushByToken(ctx, "ticket"))(t)
		c.Device = &stagedoor.PushDevice{Device: "dev_1234567890123456", Service: "FCM", Address: "registration-of-a-phone"}
		ok(t, s.AnswerPush(ctx, c, stagedoor.PushApproved))
		hidden := func(query string) {
			t.Helper()
			if raw := store.RawRow(t, store.DBOf(s), query); strings.Contains(raw[0]+raw[1], "registration-of") || !strings.HasPrefix(raw[1], "s1.") {
				t.Errorf("at rest: %q", raw)
			}
		}
		hidden("SELECT doc, sealed FROM push_challenges")
		c = must(s.TakePush(ctx, "device"))(t)
		m := &stagedoor.AuthenticationMethod{Type: store.TypePush, Push: c.Device}
		must(s.AddFactor(ctx, "auth0|ada", m, nil))(t)
		read := func(want string) {
			t.Helper()
			one := must(s.AuthenticationMethod(ctx, "auth0|ada", m.ID))(t)
			all := must(s.AuthenticationMethods(ctx, "auth0|ada"))(t)
			factors := must(s.Factors(ctx, "auth0|ada"))(t)
			device, _, err := s.EnrolledDevice(ctx, "dev_1234567890123456", store.TypePush)
			ok(t, err)
			for _, is := range []string{one.Push.Address, all[0].Push.Address, factors[0].Push.Address, device.Push.Address} {
				if is != want {
					t.Errorf("address %q, want %q", is, want)
				}
			}
		}
		read("registration-of-a-phone")
		must(s.UpdateAuthenticationMethod(ctx, "auth0|ada", m.ID, func(m *stagedoor.AuthenticationMethod) error { m.Push.Address = "registration-of-another"; return nil }))(t)
		read("registration-of-another")
		hidden("SELECT doc, sealed FROM authentication_methods")
	})
}

// Each login reads the methods of the person: nobody adds any number of them.
func TestTooManyMethods(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		newUser(t, s, "auth0|ada")
		add := func(kind string, i int) error {
			m := &stagedoor.AuthenticationMethod{Type: kind, KeyID: fmt.Sprintf("key %s %d", kind, i), PublicKey: "k"}
			_, err := s.AddFactor(t.Context(), "auth0|ada", m, nil)
			return err
		}
		for i := range 100 {
			kind := map[bool]string{true: store.TypePasskey, false: "webauthn-roaming"}[i < 20]
			ok(t, add(kind, i))
			if i < 19 || i > 19 && i < 99 {
				continue
			}
			if err := add(kind, 1000); !stagedoor.HasCode(err, "too_many_methods") {
				t.Errorf("after %d: %v", i+1, err)
			}
		}
	})
}
