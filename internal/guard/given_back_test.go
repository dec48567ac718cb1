package guard

import (
	"fmt"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// withClock runs fn in a tenant of both databases whose clock goes on when it is told to.
func withClock(t *testing.T, fn func(t *testing.T, st *store.Store, pass func(time.Duration))) {
	t.Helper()
	now := still()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		fn(t, storetest.Tenant(t, db, "acme"), func(d time.Duration) { now = now.Add(d) })
	}, storetest.WithClock(func() time.Time { return now }))
}

func refused(t *testing.T, what string, err error) {
	t.Helper()
	if !stagedoor.IsKind(err, stagedoor.TooMany) {
		t.Errorf("%s: %v", what, err)
	}
}

func taken(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// A right code ends the count of the wrong ones from everywhere, and lets in who is kept out for wrong passwords; a right password does nothing for codes.
func TestRightCodeEndsCounts(t *testing.T) {
	withClock(t, func(t *testing.T, st *store.Store, _ func(time.Duration)) {
		ctx := t.Context()
		conn := &stagedoor.Connection{Name: "Users", Strategy: stagedoor.StrategyDatabase, Options: stagedoor.ConnectionOptions{BruteForceProtection: new(true)}}
		byPassword := Attempt{Store: st, Connection: conn, Identifier: "kim@x.test", IP: "192.0.2.7"}
		byCode := byPassword
		byCode.Code = true

		for range guesses.MaxAttempts {
			taken(t, "a guess", Guess(ctx, byCode))
		}
		refused(t, "one guess more", Guess(ctx, byCode))
		taken(t, "a right code", Guessed(ctx, byCode, true))
		for range guesses.MaxAttempts {
			taken(t, "a guess after a right code", Guess(ctx, byCode))
		}
		refused(t, "one guess more after a right code", Guess(ctx, byCode))

		for range 10 {
			_, err := Failed(ctx, byPassword)
			taken(t, "a wrong password", err)
			_, err = Failed(ctx, byCode)
			taken(t, "a wrong code", err)
		}
		refused(t, "an eleventh password", Login(ctx, byPassword))
		refused(t, "an eleventh code", Login(ctx, byCode))
		taken(t, "a right code", Passed(ctx, byCode))
		taken(t, "a password after a right code", Login(ctx, byPassword))
		taken(t, "a code after a right code", Login(ctx, byCode))

		for range 10 {
			_, err := Failed(ctx, byCode)
			taken(t, "a wrong code", err)
		}
		taken(t, "a right password", Passed(ctx, byPassword))
		refused(t, "a code after a right password", Login(ctx, byCode))
	})
}

// A message whose signature is good leaves no trace in the count of those that are not.
func TestGoodMessagesAreNotCounted(t *testing.T) {
	withClock(t, func(t *testing.T, st *store.Store, _ func(time.Duration)) {
		for range 2 * messages.MaxAttempts {
			taken(t, "a message", Signer(t.Context(), st, "192.0.2.7"))
			taken(t, "a good one", Signed(t.Context(), st, "192.0.2.7"))
		}
	})
}

// The members of an organization have a thousand invitations mailed, and then one a minute, whomever they name; those of another one are not held up by it.
func TestInvitationsOfAnOrganizationAreBounded(t *testing.T) {
	now := still()
	st := storetest.Tenant(t, storetest.Open(t, storetest.SQLite, storetest.WithClock(func() time.Time { return now })), "acme")
	ctx, n := t.Context(), 0
	invite := func(org string) error {
		n++
		return Invitation(ctx, st, org, fmt.Sprintf("guest%d@x.test", n))
	}
	for range 1000 {
		taken(t, "an invitation", invite("org_1"))
	}
	refused(t, "one invitation more", invite("org_1"))
	taken(t, "another organization's", invite("org_2"))
	now = now.Add(time.Minute)
	taken(t, "a minute later", invite("org_1"))
	refused(t, "two in a minute", invite("org_1"))
}

// Where many codes were sent for an address it is risky, whether or not any login from there has failed. The first few are everybody's.
func TestManyCodesAreRisky(t *testing.T) {
	withClock(t, func(t *testing.T, st *store.Store, _ func(time.Duration)) {
		ctx := t.Context()
		taken(t, "the settings", st.ChangeSetting(ctx, stagedoor.SettingBotDetection, func(m map[string]any) error {
			m["challenge_passwordless_policy"] = "when_risky"
			return nil
		}))
		asked := func(ip string, flow Flow) bool {
			t.Helper()
			c, err := Challenged(ctx, st, flow, ip)
			taken(t, "the question", err)
			return c != nil
		}
		for i := range 4 { // of the level medium
			if asked("192.0.2.7", FlowPasswordless) {
				t.Errorf("asked after %d codes", i)
			}
			taken(t, "a code", Code(ctx, st, "192.0.2.7"))
		}
		if !asked("192.0.2.7", FlowPasswordless) {
			t.Error("nothing is asked after four codes")
		}
		if asked("192.0.2.7", FlowPassword) || asked("192.0.2.8", FlowPasswordless) {
			t.Error("another form, or another address, is asked as well")
		}
	})
}

// Who comes from an address that the allow list names is trusted, however much has failed there.
func TestAllowedAddressesAreTrusted(t *testing.T) {
	withClock(t, func(t *testing.T, st *store.Store, _ func(time.Duration)) {
		ctx := t.Context()
		s := stagedoor.DefaultSuspiciousIPThrottling()
		for range s.Stage.PreLogin.MaxAttempts {
			taken(t, "a failure", st.Fill(ctx, BucketLogin, "192.0.2.7", s.Stage.PreLogin))
		}
		confidence := func(want string) {
			t.Helper()
			if a, err := untrustedIP(ctx, st, "192.0.2.7"); err != nil || a.Confidence != want {
				t.Errorf("%+v, want %s: %v", a, want, err)
			}
		}
		confidence(stagedoor.ConfidenceLow)
		taken(t, "the settings", st.ChangeSetting(ctx, stagedoor.SettingSuspiciousIP, func(m map[string]any) error {
			m["allowlist"] = []string{"192.0.2.0/24"}
			return nil
		}))
		confidence(stagedoor.ConfidenceHigh)
	})
}

// Attack: less is done than was asked for, or it is done ahead, for a time that is yet to come. It is not taken; what a clock may be off by is.
func TestWorkThatIsNotTaken(t *testing.T) {
	withClock(t, func(t *testing.T, st *store.Store, pass func(time.Duration)) {
		work := func() (string, string) {
			text := newWork(st.Clock().Now())
			for n := 0; ; n++ {
				if number := fmt.Sprint(n); leadingZeros(text+":"+number) >= 8 {
					return text, number
				}
			}
		}
		text, number := work()
		want := leadingZeros(text + ":" + number)
		if is, err := worked(t.Context(), st, text, number, want+1); err != nil || is {
			t.Errorf("less than was asked for: %v, %v", is, err)
		}
		for ahead, want := range map[time.Duration]bool{0: true, 50 * time.Second: true, 2 * time.Minute: false} {
			pass(ahead)
			text, number = work()
			pass(-ahead)
			if is, err := worked(t.Context(), st, text, number, 8); err != nil || is != want {
				t.Errorf("%s ahead: %v, %v", ahead, is, err)
			}
		}
	})
}
