package pipeline

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/store"
)

// How somebody has proved themselves in a login, for the step that offers a passkey.
const (
	byPassword       = "pwd"
	byPasskey        = "passkey"
	byPasskeyOfOther = "passkey of another device"
)

// passkeySkipped is how long nobody is offered a passkey who did not want one.
const passkeySkipped = 30 * 24 * time.Hour

// passkeys asks for passkeys in a visit. Apps of the client may ask as well as our own pages.
func (p *Pipeline) passkeys(ctx context.Context, v Visit, origins ...string) (mfa.Keys, error) {
	keys, err := p.keys(ctx, v, store.TypePasskey)
	keys.Party.Origins = append(keys.Party.Origins, origins...)
	return keys, err
}

// PasskeyOptions returns what the browser needs to offer passkeys on the login page; nothing where there are none.
func (p *Pipeline) PasskeyOptions(ctx context.Context, v Visit, tx *stagedoor.Transaction, conn *stagedoor.Connection) (json.RawMessage, error) {
	if !conn.Passkeys().On {
		return nil, nil
	}
	keys, err := p.passkeys(ctx, v)
	if err != nil || !keys.Party.Usable() {
		return nil, err
	}
	return keys.BeginAny(ctx, "login/"+tx.ID, tx.ExpiresAt)
}

// GivePasskey proves the person by what a passkey has signed on the login page.
func (p *Pipeline) GivePasskey(ctx context.Context, v Visit, id, nonce string, response []byte) (*Opened, error) {
	tx, err := p.answered(ctx, v, id, AskLogin, nonce)
	if err != nil {
		return nil, err
	}
	conn, err := connection.ForRequest(ctx, v.Store, &tx.Request)
	if err != nil {
		return nil, err
	}
	keys, err := p.passkeys(ctx, v)
	if err != nil {
		return nil, err
	}
	u, by, err := p.byPasskey(ctx, v, conn, keys, "login/"+tx.ID, tx.Request.ClientID, response)
	if err != nil {
		return nil, err
	}
	return p.proved(ctx, v, tx, proof{conn: conn, user: u, method: byPasskey, by: by})
}

// byPasskey finds out whose passkey has signed, and whether they may sign in through the connection.
func (p *Pipeline) byPasskey(ctx context.Context, v Visit, conn *stagedoor.Connection, keys mfa.Keys, of, clientID string, response []byte) (*stagedoor.User, string, error) {
	var u *stagedoor.User
	got, err := keys.CheckAny(ctx, of, response)
	if err == nil {
		u, err = v.Store.User(ctx, got.UserID)
	}
	if err == nil && (!conn.Passkeys().On || !slices.ContainsFunc(u.Identities, func(i stagedoor.Identity) bool { return i.Connection == conn.Name })) {
		err = stagedoor.Errorf(stagedoor.Forbidden, "invalid_key", "The key could not be verified.")
	}
	if err != nil {
		e := stagedoor.LogEvent{Type: "passkey_challenge_failed", ClientID: clientID, Connection: conn.Name, ConnID: conn.ID, Strategy: conn.Strategy, Description: describe(err)}
		if u != nil {
			e.UserID, e.UserName = u.ID, u.Shown()
		}
		if stagedoor.AsError(err).Kind != stagedoor.Internal {
			v.Log(e)
		}
		return nil, "", err
	}
	by := byPasskey
	if got.Elsewhere {
		by = byPasskeyOfOther
	}
	return u, by, nil
}

// offerPasskey asks who signed in with a password, or with a passkey of another device, whether they want a passkey here. They may do without.
func (l *login) offerPasskey(ctx context.Context) (string, error) {
	if !l.tx.Fresh || l.tx.By == "" || l.tx.By == byPasskey {
		return "", nil
	}
	conn, err := l.st.ConnectionByName(ctx, l.session.Connection)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	rule := conn.Passkeys()
	if !rule.On || l.tx.By == byPassword && !rule.Progressive || l.tx.By == byPasskeyOfOther && !rule.Local {
		return "", nil
	}
	party, err := l.visit.Party(ctx, store.TypePasskey)
	if err != nil || !party.Usable() {
		return "", err
	}
	if _, err := l.st.Ceremony(ctx, skippedKey(l.user.ID)); err == nil || !stagedoor.IsKind(err, stagedoor.NotFound) {
		return "", err
	}
	enough, err := hasPasskey(ctx, l.st, l.user.ID, party, l.tx.By == byPassword)
	if enough || err != nil {
		return "", err
	}
	return AskPasskey, nil
}

func skippedKey(userID string) string { return "passkey skipped/" + userID }

// hasPasskey tells whether a person has passkeys enough: one that works here, if that will do, or as many as anybody may have.
func hasPasskey(ctx context.Context, st *store.Store, userID string, party mfa.Party, oneWillDo bool) (bool, error) {
	all, err := st.AuthenticationMethods(ctx, userID)
	n := 0
	for _, m := range all {
		if m.Type != store.TypePasskey {
			continue
		}
		n++
		if oneWillDo && (m.RelyingParty == "" || m.RelyingParty == party.ID) {
			return true, nil
		}
	}
	return n >= store.MaxPasskeys, err
}

// NewPasskeyOptions returns what the browser needs to make a passkey on the page of a login, and whether it is to be one of this very device.
func (p *Pipeline) NewPasskeyOptions(ctx context.Context, v Visit, tx *stagedoor.Transaction) (options json.RawMessage, local bool, err error) {
	u, err := v.Store.User(ctx, tx.UserID)
	if err != nil {
		return nil, false, err
	}
	keys, err := p.passkeys(ctx, v)
	if err != nil {
		return nil, false, err
	}
	options, err = keys.BeginNew(ctx, u, "login/"+tx.ID, tx.ExpiresAt)
	return options, tx.By == byPasskeyOfOther, err
}

// TakePasskey takes the passkey that the browser has made, which is the person's from now on, and lets the login go on. Without one it goes on
// as well, and nobody asks for a while.
func (p *Pipeline) TakePasskey(ctx context.Context, v Visit, id, nonce string, response []byte) error {
	tx, err := p.answered(ctx, v, id, AskPasskey, nonce)
	if err != nil {
		return err
	}
	if response == nil {
		err = v.Store.SaveCeremony(ctx, skippedKey(tx.UserID), "skipped", v.Store.Clock().Now().Add(passkeySkipped))
	} else {
		err = p.takePasskey(ctx, v, tx, response)
	}
	if err != nil {
		return err
	}
	tx.By, tx.Step, tx.Nonce = "", "", ""
	return v.Store.SaveTransaction(ctx, tx)
}

func (p *Pipeline) takePasskey(ctx context.Context, v Visit, tx *stagedoor.Transaction, response []byte) error {
	u, err := v.Store.User(ctx, tx.UserID)
	if err != nil {
		return err
	}
	_, err = p.AddPasskey(ctx, v, u, "login/"+tx.ID, response, stagedoor.LogEvent{ClientID: tx.Request.ClientID, UserID: tx.UserID})
	return err
}

// keepPasskey makes a new passkey a person's.
func keepPasskey(ctx context.Context, v Visit, u *stagedoor.User, m *stagedoor.AuthenticationMethod) error {
	m.UserAgent = stagedoor.Clip(v.UserAgent, 500)
	if len(u.Identities) > 0 {
		m.IdentityUserID = u.Identities[0].Provider + "|" + u.Identities[0].UserID
	}
	_, err := v.Store.AddFactor(ctx, u.ID, m, nil)
	return err
}

// StartPasskey returns what an app, or a page of a client's, needs to ask whoever is there for a passkey.
func (p *Pipeline) StartPasskey(ctx context.Context, v Visit, of string, until time.Time, origins ...string) (json.RawMessage, error) {
	keys, err := p.passkeys(ctx, v, origins...)
	if err != nil {
		return nil, err
	}
	return keys.BeginAny(ctx, of, until)
}

// ByPasskey signs a person in by what a passkey has signed, or up by a new one, at the token endpoint; see [Pipeline.ByPassword].
func (p *Pipeline) ByPasskey(ctx context.Context, v Visit, x *Direct, conn *stagedoor.Connection, of string, response []byte, signsUp bool, e *stagedoor.LogEvent, origins ...string) (*stagedoor.Authorization, *stagedoor.User, error) {
	e.Connection, e.ConnID, e.Strategy = conn.Name, conn.ID, conn.Strategy
	var u *stagedoor.User
	var err error
	if signsUp {
		on := &connection.Occasion{ClientID: x.Client.ID, Organization: x.Organization}
		u, err = p.finishPasskeySignUp(ctx, v, conn, on, of, response, origins...)
		e.Details = said{console: on.Console}.details(e.Details)
	} else {
		var keys mfa.Keys
		if keys, err = p.passkeys(ctx, v, origins...); err == nil {
			u, _, err = p.byPasskey(ctx, v, conn, keys, of, x.Client.ID, response)
		}
	}
	if err != nil {
		return nil, nil, err
	}
	return p.directly(ctx, v, x, conn, u, byPasskey, e)
}
