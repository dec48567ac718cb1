package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
)

// duoBackPath is where Duo sends people back to.
const duoBackPath = "u/mfa-duo-callback"

func duoKey(handle string) string { return "duo/" + handle }

// errNoDuo refuses where scripts ask for Duo and nobody can be asked there.
func errNoDuo(why string) error {
	return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "The second factor duo cannot be asked for: %s.", why)
}

// ErrDuoBrowser refuses where Duo is asked for and there is no browser: Duo asks people on pages of its own.
func ErrDuoBrowser() error { return errNoDuo("it takes a browser") }

// demandsDuo tells whether scripts name Duo: then nothing else will do.
func demandsDuo(d *stagedoor.FactorDemand) bool { return d != nil && d.Duo }

// asksDuo tells whether Duo is what is asked for: scripts name it, or they name nothing and it is the tenant's only factor.
func asksDuo(settings mfa.Settings, d *stagedoor.FactorDemand) bool {
	return demandsDuo(d) || settings.Duo && (d == nil || !d.Always && !d.Enroll && d.Types == nil)
}

// keepDuo keeps the keys with which scripts ask for Duo, sealed, under a handle that only the login knows. Scripts that bring none ask with the tenant's.
func (l *login) keepDuo(ctx context.Context, keys *mfa.DuoKeys) error {
	if keys == nil {
		return nil
	}
	k := *keys
	if k.Host == "" && k.IKey == "" && k.SKey == "" {
		tenants, has, err := mfa.DuoKeysOf(ctx, l.st)
		if err != nil {
			return err
		}
		if !has {
			return errNoDuo("neither the script nor the tenant has its keys")
		}
		k.Host, k.IKey, k.SKey = tenants.Host, tenants.IKey, tenants.SKey
	}
	k.Host = strings.ToLower(k.Host)
	if err := k.Check(); err != nil {
		return errNoDuo(err.Error())
	}
	raw, err := json.Marshal(k)
	if err != nil {
		return err
	}
	l.tx.Factor.Keys = stagedoor.NewToken()
	until := l.st.Clock().Now().Add(elsewhereLife + transactionLife)            // later actions may still send the person elsewhere
	return l.st.SaveCeremony(ctx, duoKey(l.tx.Factor.Keys), string(raw), until) // whoever the person turns out to be
}

// duo is Duo as a login asks it about its person.
func (p *Pipeline) duo(ctx context.Context, v Visit, tx *stagedoor.Transaction) (mfa.DuoClient, error) {
	c := mfa.DuoClient{HTTP: p.HTTP, Back: v.Issuer + duoBackPath, Now: v.Store.Clock().Now}
	var err error
	if d := demand(tx); demandsDuo(d) {
		var raw string
		if raw, err = v.Store.Ceremony(ctx, duoKey(d.Keys)); err == nil {
			err = json.Unmarshal([]byte(raw), &c.DuoKeys)
		}
	} else {
		var has bool
		if c.DuoKeys, has, err = mfa.DuoKeysOf(ctx, v.Store); err == nil && !has { // meanwhile
			err = lost()
		}
	}
	if stagedoor.IsKind(err, stagedoor.NotFound) || p.HTTP == nil {
		err = lost()
	}
	if err != nil {
		return c, err
	}
	u, err := v.Store.User(ctx, tx.UserID)
	if err == nil {
		c.User = cmp.Or(c.User, u.Email, u.Nickname, u.Username, u.ID)
	}
	return c, err
}

// LeaveForDuo sends the person of the page of a login to Duo, and returns where that is. What brings them back is bound to this login and this browser,
// and works once. Who cannot be asked there is not let through: the error is one of [mfa.IsDuo].
func (p *Pipeline) LeaveForDuo(ctx context.Context, v Visit, id, nonce string, remember bool) (address string, err error) {
	tx, err := p.answered(ctx, v, id, AskDuo, nonce)
	if err != nil {
		return "", err
	}
	duo, err := p.duo(ctx, v, tx)
	if err != nil {
		return "", err
	}
	if err := duo.Healthy(ctx); err != nil {
		p.logFactor(ctx, v, tx, factorLogs["otp"], err)
		return "", err
	}
	away := *tx
	away.ID, away.Step, away.Nonce = stagedoor.NewToken(), AskAtDuo, ""
	r, err := Remembering(ctx, v.Store, tx)
	if err != nil {
		return "", err
	}
	away.Remember = remember && r.Offered
	if address, err = duo.Address(away.ID); err != nil {
		return "", err
	}
	return address, v.Store.SaveTransaction(ctx, &away)
}

// BackFromDuo goes on with the login of a person who comes back from Duo with a code. Whom Duo did not let pass, or about whom it cannot be asked, gets the
// page again: then there is an error of [mfa.IsDuo] beside the login. A state that is unknown, was used or is another browser's is a lost transaction.
func (p *Pipeline) BackFromDuo(ctx context.Context, v Visit, state, code string) (*stagedoor.Transaction, *Given, error) {
	_, err := p.Page(ctx, v, state, AskAtDuo)
	if err != nil {
		return nil, nil, err
	}
	tx, err := v.Store.TakeTransaction(ctx, state)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		err = lost()
	}
	if err != nil {
		return nil, nil, err
	}
	tx.ID, tx.Step, tx.Nonce = stagedoor.NewToken(), AskDuo, stagedoor.NewToken()
	duo, err := p.duo(ctx, v, tx)
	if err != nil {
		return nil, nil, err
	}
	if err = mfa.ErrDuoDenied(); code != "" { // else it sends people back with its word alone
		err = duo.Result(ctx, code)
	}
	p.logFactor(ctx, v, tx, factorLogs["otp"], err)
	if err != nil {
		if saved := v.Store.SaveTransaction(ctx, tx); saved != nil {
			err = saved
		}
		return tx, nil, err
	}
	if d := demand(tx); demandsDuo(d) {
		_ = v.Store.DropPending(context.WithoutCancel(ctx), duoKey(d.Keys)) // else they go when the login lapses
	}
	given, err := p.gaveRemembered(ctx, v, tx, mfa.Duo, tx.Remember)
	return tx, given, err
}
