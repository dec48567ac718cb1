package pipeline

import (
	"context"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
)

// assesses tells whether the tenant wants the risk of logins to be measured: its policy does, or it says so. Else nothing is written or read for it.
func assesses(ctx context.Context, st *store.Store) (bool, error) {
	var set struct {
		Enabled bool `json:"enabled"`
	}
	if err := st.Setting(ctx, stagedoor.SettingRisk, &set); err != nil || set.Enabled {
		return set.Enabled, err
	}
	policies, err := mfa.Policies(ctx, st)
	return slices.Contains(policies, mfa.Adaptive), err
}

// assess measures the risk of a login of a user; nil where the tenant does not want it. A direct one comes from a program.
func assess(ctx context.Context, v Visit, userID string, direct bool) (*stagedoor.RiskAssessment, error) {
	_, risk, err := measure(ctx, v, userID, direct)
	return risk, err
}

// assessCounted is assess for a login that is about to be counted.
func assessCounted(ctx context.Context, v Visit, userID string, direct bool) (*stagedoor.RiskAssessment, error) {
	u, risk, err := measure(ctx, v, userID, direct)
	if err != nil || risk == nil {
		return nil, err
	}
	return risk, guard.Begin(ctx, v.Store, u, risk)
}

func measure(ctx context.Context, v Visit, userID string, direct bool) (*stagedoor.User, *stagedoor.RiskAssessment, error) {
	if on, err := assesses(ctx, v.Store); !on || err != nil {
		return nil, nil, err
	}
	u, err := v.Store.User(ctx, userID) // a connection's script may know less of them
	if err != nil {
		return nil, nil, err
	}
	a := v.asker()
	a.Direct = direct
	risk, err := guard.Assess(ctx, v.Store, u, a)
	return u, risk, err
}

func (v Visit) asker() guard.Asker {
	return guard.Asker{IP: v.IP, UserAgent: v.UserAgent, Browser: v.Browser}
}

// assess tells what is known of the risk of the login: that of the session's beginning, until a login in it has come to its end, so that nobody gets rid of it by another request; then that of
// who comes with the session now.
func (l *login) assess(ctx context.Context) (_ string, err error) {
	if l.session.Risk == nil || l.session.Settled {
		l.risk, err = assess(ctx, l.visit, l.session.UserID, false)
		if stagedoor.IsKind(err, stagedoor.NotFound) { // scripts have made them another user
			err = nil
		}
		return "", err
	}
	if on, err := assesses(ctx, l.st); !on || err != nil {
		return "", err
	}
	l.risk = l.session.Risk
	return "", nil
}

// unmeasured tells whether the policy that asks where a login looks risky meets a session of which that is not known: then it asks as if everybody were asked.
func unmeasured(settings mfa.Settings, s *stagedoor.Session) bool {
	return settings.Risky && s.Risk == nil
}

// risky tells whether logins in a session wait for a second factor because the one that opened it does not look like its person's.
func risky(settings mfa.Settings, s *stagedoor.Session) bool {
	return settings.Risky && s.Risk != nil && s.Risk.Low() && !s.Has("mfa")
}

// askAddress asks who has no second factor for a code that goes to their own address, and for nothing else.
func (l *login) askAddress() (string, *stagedoor.FactorDemand, error) {
	if _, err := mfa.OwnAddress(l.user); err != nil {
		return "", nil, err
	}
	l.tx.Factor = &stagedoor.FactorDemand{Own: true}
	return AskFactor, l.tx.Factor, nil
}

// settle remembers the browser as one of the person's, now that nothing keeps the login from its end.
func (l *login) settle(ctx context.Context) (string, error) {
	if l.session.Risk == nil || l.session.Settled {
		return "", nil
	}
	if on, err := assesses(ctx, l.st); !on || err != nil {
		return "", err
	}
	err := guard.Remember(ctx, l.st, l.session.UserID, l.visit.asker())
	if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) { // scripts have made them another user
		return "", err
	}
	return l.unlessEnded(session.Settle(ctx, l.st, l.session))
}
