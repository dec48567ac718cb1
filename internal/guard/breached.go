package guard

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Leaks are passwords that have become public.
type Leaks interface {
	Has(secret string) (bool, error)
}

// Stage is when a password is looked up.
type Stage int

// The stages.
const (
	AtLogin Stage = iota
	AtSignUp
	AtReset
)

// Leak is what is to be done about a password that has become public.
type Leak struct {
	Found      bool
	Block      bool
	NotifyUser bool
	TellAdmin  bool
}

// The passwords that count as public wherever the protection is on, so that it can be tried (Authentication API fact sheet 10.4).
const (
	leakedTest   = "Paaf213XXYYZZ"
	leakedPrefix = "AUTH0-TEST-"
)

// periods are how often the tenant's support hears of leaked passwords; "immediately" is always.
var periods = map[string]time.Duration{"daily": 24 * time.Hour, "weekly": 7 * 24 * time.Hour, "monthly": 30 * 24 * time.Hour}

// Leaked looks a password up, where the tenant wants that. leaks may be nil: then the passwords for tests alone are known.
func Leaked(ctx context.Context, st *store.Store, leaks Leaks, stage Stage, secret string) (Leak, error) {
	var s stagedoor.BreachedPasswords
	if err := st.Setting(ctx, stagedoor.SettingBreached, &s); err != nil || !s.Enabled {
		return Leak{}, err
	}
	shields := [...][]string{s.Shields, s.Stage.PreUserRegistration.Shields, s.Stage.PreChangePassword.Shields}[stage]
	if len(shields) == 0 {
		return Leak{}, nil
	}
	found := secret == leakedTest || strings.HasPrefix(secret, leakedPrefix)
	if !found && leaks != nil {
		var err error
		if found, err = leaks.Has(secret); err != nil {
			return Leak{}, err
		}
	}
	if !found {
		return Leak{}, nil
	}
	l := Leak{
		Found: true, Block: slices.Contains(shields, stagedoor.ShieldBlock), NotifyUser: slices.Contains(shields, stagedoor.ShieldUserNotification),
	}
	if !slices.Contains(shields, stagedoor.ShieldAdminNotification) {
		return l, nil
	}
	for _, f := range s.Frequency {
		if f == "immediately" {
			l.TellAdmin = true
			continue
		}
		first, err := st.TakeAttempt(ctx, "leak-told", f, stagedoor.Throttle{MaxAttempts: 1, Rate: int(periods[f].Milliseconds())})
		if err != nil {
			return l, err
		}
		l.TellAdmin = l.TellAdmin || first
	}
	return l, nil
}

// WarnOnce tells whether a user is to be told of their password now: once a day.
func WarnOnce(ctx context.Context, st *store.Store, userID string) (bool, error) {
	return st.TakeAttempt(ctx, "leak-warned", userID, stagedoor.Throttle{MaxAttempts: 1, Rate: int((24 * time.Hour).Milliseconds())})
}
