package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/web"
)

// resetPage is where somebody chooses a new password.
const resetPage = "/u/reset-password"

// Challenged is how far somebody has come who opened the link of a mail to choose a new password. One of Passed, Page and Elsewhere is set.
type Challenged struct {
	Passed    bool
	Page      string         // the page of ours that comes before
	Elsewhere string         // where scripts send the person
	ResultURL string         // where scripts want the browser in the end; empty: as the ticket says
	Details   map[string]any // what the actions leave behind for a log event, when they were passed
}

// resetID is the id of the way to a new password with one ticket in one browser. Programs that look into mails open links too: what they
// passed does not count for others, nor the other way round.
func resetID(v Visit, ticket string) string {
	sum := sha256.Sum256([]byte("reset\x00" + ticket + "\x00" + v.Browser))
	return hex.EncodeToString(sum[:])
}

func resetKey(id string) string { return "reset/" + id }

// AfterChallenge runs the actions for somebody who opened the link of a mail with a ticket, unless they have passed them. The visit needs the
// browser's cookie. Whom an action refuses gets a Scripted error; run again, they are asked again.
func (p *Pipeline) AfterChallenge(ctx context.Context, v Visit, ticket string, t *stagedoor.Ticket, query map[string][]string) (*Challenged, error) {
	all, err := p.bound(ctx, v, script.PasswordResetPostChallenge)
	if err != nil || len(all.bound) == 0 {
		return &Challenged{Passed: true}, err
	}
	id := resetID(v, ticket)
	tx, err := p.transaction(ctx, v, id)
	switch {
	case stagedoor.HasCode(err, "lost_transaction"):
		tx = &stagedoor.Transaction{ID: id, Browser: hash(v.Browser), UserID: t.UserID, Reset: &stagedoor.ResetState{ID: id}}
		tx.Request.ClientID, tx.Request.Organization = t.ClientID, t.OrganizationID
	case err != nil:
		return nil, err
	case tx.Reset == nil:
		return nil, lost()
	}
	if why := tx.Reset.Refused; why != "" {
		_, err := v.Store.TakeTransaction(ctx, id)
		if err == nil || stagedoor.IsKind(err, stagedoor.NotFound) {
			err = scripted("access_denied", why)
		}
		return nil, err
	}
	if !tx.Reset.Passed {
		tx.ExpiresAt = t.ExpiresAt
		query = maps.Clone(query)
		delete(query, "ticket") // it is worth a password
		if out, err := p.challenge(ctx, v, all, tx, ticket, &way{"GET", query}, false); out != nil || err != nil {
			return out, err
		}
	}
	return passed(tx), nil
}

func passed(tx *stagedoor.Transaction) *Challenged {
	out := &Challenged{Passed: true, ResultURL: tx.Reset.ResultURL}
	if s := tx.Script; s != nil {
		out.Details = said{console: s.Console, executions: s.Executions}.details(nil)
	}
	return out
}

// PassedChallenge tells whether the actions have nothing more to ask of somebody with a ticket in this browser. It runs none.
func (p *Pipeline) PassedChallenge(ctx context.Context, v Visit, ticket string) (*Challenged, error) {
	all, err := p.bound(ctx, v, script.PasswordResetPostChallenge)
	if err != nil || len(all.bound) == 0 {
		return &Challenged{Passed: true}, err
	}
	tx, err := p.transaction(ctx, v, resetID(v, ticket))
	if stagedoor.HasCode(err, "lost_transaction") || err == nil && (tx.Reset == nil || !tx.Reset.Passed) {
		return &Challenged{Page: resetPage + "?ticket=" + url.QueryEscape(ticket)}, nil
	}
	if err != nil {
		return nil, err
	}
	return passed(tx), nil
}

// ResetTicket is the ticket of somebody who is on the way to a new password, and comes from a page of ours or from elsewhere.
func (p *Pipeline) ResetTicket(ctx context.Context, v Visit, id string) (string, error) {
	tx, err := p.transaction(ctx, v, id)
	if err == nil && tx.Reset == nil {
		err = lost()
	}
	if err != nil {
		return "", err
	}
	ticket, err := v.Store.Pending(ctx, resetKey(id), tx.UserID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		err = lost()
	}
	return ticket, err
}

// resetReturn goes on for somebody who comes back from where actions had sent them. What came of it is told on the page for the password.
func (p *Pipeline) resetReturn(ctx context.Context, v Visit, tx *stagedoor.Transaction, back *way) (*Outcome, error) {
	tx.ID, tx.Step = tx.Reset.ID, ""
	ticket, err := v.Store.Pending(ctx, resetKey(tx.ID), tx.UserID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, lost()
	}
	if err != nil {
		return nil, err
	}
	all, err := p.bound(ctx, v, script.PasswordResetPostChallenge)
	if err != nil {
		return nil, err
	}
	out := &Outcome{Page: resetPage + "?state=" + url.QueryEscape(tx.ID)}
	done, err := p.challenge(ctx, v, all, tx, ticket, back, true)
	switch {
	case stagedoor.IsKind(err, stagedoor.Scripted):
		tx.Reset.Refused, tx.Script = stagedoor.AsError(err).Message, nil
		if tx.Reset.Refused == "" {
			tx.Reset.Refused = "access_denied"
		}
		err = v.Store.SaveTransaction(ctx, tx)
	case err == nil && done != nil && done.Elsewhere != "":
		return &Outcome{Ask: AskRedirect, Elsewhere: done.Elsewhere}, nil
	}
	return out, err
}

// challenge runs the actions from where they wait. Nothing comes back when the person has passed them. came: the way is that back from
// elsewhere.
func (p *Pipeline) challenge(ctx context.Context, v Visit, all *actions, tx *stagedoor.Transaction, ticket string, at *way, came bool) (*Challenged, error) {
	l, conn, err := p.resetting(ctx, v, tx)
	if err != nil {
		return nil, err
	}
	state := tx.Script
	if state == nil || state.Waits == AskRedirect && !came {
		state = &stagedoor.ScriptState{}
	}
	s := said{console: state.Console, executions: state.Executions}
	refused := func(err error) (*Challenged, error) { return nil, l.resetRefused(ctx, conn, state, s, err) }
	if state.Waits == waitsFactor {
		if ask, err := l.awaitFactor(ctx, state.Factor); err != nil {
			return refused(err)
		} else if ask != "" {
			return l.resetAsks(ctx, ask, ticket)
		}
	}
	filled, ask, err := l.filled(ctx, state)
	switch {
	case err != nil:
		return refused(err)
	case ask != "":
		return l.resetAsks(ctx, ask, ticket)
	}
	if filled != nil {
		defer l.dropForm(ctx, state.Form)
		state.Form = ""
	}
	in := &ruleInput{client: l.client, user: l.user, org: l.org, request: &tx.Request, state: state, back: at, proof: tx.Proof, filled: filled}
	if err := all.from(state.Binding, state.Passed); err != nil {
		return refused(err)
	}
	for in.again = true; in.again && len(all.bound) > 0; {
		in.again = false
		event, err := p.challengeEvent(ctx, v, in, conn)
		if err != nil {
			return nil, err
		}
		out, more, err := all.run(ctx, event, nil)
		s.console, s.executions = append(s.console, more.console...), append(s.executions, more.executions...)
		if err == nil {
			err = p.challengeResult(ctx, v, all, tx, in, out)
		}
		if err != nil {
			return refused(err)
		}
	}
	switch {
	case in.elsewhere != "":
		tx.Script, l.elsewhere = s.keptIn(state, AskRedirect), in.elsewhere
		return l.resetLeaves(ctx, ticket)
	case in.form != nil:
		tx.Script = s.keptIn(state, waitsForm)
		if err := l.keepForm(ctx, in.form); err != nil {
			return nil, err
		}
		return l.resetAsks(ctx, AskForm, ticket)
	case in.asked != nil:
		state.Factor = in.asked
		tx.Script = s.keptIn(state, waitsFactor)
		ask, err := l.awaitFactor(ctx, in.asked)
		if err != nil {
			return refused(err)
		}
		return l.resetAsks(ctx, ask, ticket)
	}
	tx.Script, tx.Reset.Passed, tx.Step, tx.Nonce = s.keptIn(&stagedoor.ScriptState{}, ""), true, "", ""
	return nil, v.Store.SaveTransaction(ctx, tx)
}

// challengeResult applies what the actions want: in says what is to be asked, and whether they go on at once.
func (p *Pipeline) challengeResult(ctx context.Context, v Visit, all *actions, tx *stagedoor.Transaction, in *ruleInput, out script.TriggerOutcome) error {
	switch d := out.Effects.Denied; {
	case out.Failure != nil:
		return scripted("access_denied", out.Failure.Message)
	case out.Effects.Unsupported != "":
		return notSupported(out.Effects.Unsupported)
	case d != nil:
		err := scripted("access_denied", d.Reason)
		err.Extra = map[string]any{logRule: d.Action, logKind: script.KindDenied}
		return err
	}
	resultOf(tx, &out.Effects)
	err := all.suspend(in, out.Effects)
	if err == nil {
		err = p.render(ctx, v, in)
	}
	if err == nil && in.again {
		err = all.from(in.state.Binding, in.state.Passed)
	}
	return err
}

// resetRefused is why somebody gets no new password, as they are told; the log has what scripts said. A form they fill in anew the next time.
func (l *login) resetRefused(ctx context.Context, conn *stagedoor.Connection, state *stagedoor.ScriptState, s said, err error) error {
	if stagedoor.AsError(err).Kind == stagedoor.Internal {
		return err
	}
	if state.Waits == waitsForm {
		l.tx.Script, l.tx.Step, l.tx.Nonce = nil, "", ""
		if err := l.st.SaveTransaction(ctx, l.tx); err != nil {
			return err
		}
	}
	l.said = s
	e := failed(l.event("fcp"), err)
	e.Connection, e.ConnID, e.Strategy = conn.Name, conn.ID, conn.Strategy
	l.visit.Log(e)
	return scripted("access_denied", stagedoor.AsError(err).Message)
}

// resetting is who wants a new password, as the steps of a login know people.
func (p *Pipeline) resetting(ctx context.Context, v Visit, tx *stagedoor.Transaction) (*login, *stagedoor.Connection, error) {
	l := &login{Pipeline: p, visit: v, st: v.Store, tx: tx}
	var err error
	if l.user, err = v.Store.User(ctx, tx.UserID); err != nil {
		return nil, nil, err
	}
	conn, err := v.Store.ConnectionByName(ctx, l.user.Connection)
	if err != nil {
		return nil, nil, err
	}
	if l.client, err = v.Store.Client(ctx, tx.Request.ClientID); stagedoor.IsKind(err, stagedoor.NotFound) {
		l.client, err = &stagedoor.Client{}, nil
	}
	if id := tx.Request.Organization; err == nil && id != "" {
		if l.org, err = v.Store.Organization(ctx, id); stagedoor.IsKind(err, stagedoor.NotFound) {
			l.org, err = nil, nil
		}
	}
	return l, conn, err
}

// resetAsks keeps the way to a new password before one of our pages is shown.
func (l *login) resetAsks(ctx context.Context, ask, ticket string) (*Challenged, error) {
	if ask == "" { // given meanwhile
		return &Challenged{Page: resetPage + "?ticket=" + url.QueryEscape(ticket)}, l.st.SaveTransaction(ctx, l.tx)
	}
	if _, err := l.st.KeepPending(ctx, resetKey(l.tx.ID), l.tx.UserID, ticket, l.tx.ExpiresAt); err != nil {
		return nil, err
	}
	return &Challenged{Page: "/u/" + ask + "?state=" + url.QueryEscape(l.tx.ID)}, l.save(ctx, ask)
}

// resetLeaves keeps it before the person is sent elsewhere.
func (l *login) resetLeaves(ctx context.Context, ticket string) (*Challenged, error) {
	if _, err := l.st.KeepPending(ctx, resetKey(l.tx.ID), l.tx.UserID, ticket, l.tx.ExpiresAt); err != nil {
		return nil, err
	}
	if err := l.end(ctx); err != nil && !stagedoor.HasCode(err, "lost_transaction") { // it was never at a page
		return nil, err
	}
	l.tx.ID, l.tx.Step, l.tx.Nonce = stagedoor.NewToken(), AskRedirect, ""
	if until := l.st.Clock().Now().Add(elsewhereLife); until.Before(l.tx.ExpiresAt) {
		l.tx.ExpiresAt = until
	}
	return &Challenged{Elsewhere: web.WithParameter(l.elsewhere, "state", l.tx.ID)}, l.st.SaveTransaction(ctx, l.tx)
}

// resultOf takes over where an action wants the browser in the end.
func resultOf(tx *stagedoor.Transaction, e *script.Effects) {
	var to struct {
		URL   string            `json:"url"`
		Query map[string]string `json:"query"`
	}
	if !e.Answer("result_url", &to) || !isWebAddress(to.URL) {
		return
	}
	tx.Reset.ResultURL = to.URL
	for _, name := range slices.Sorted(maps.Keys(to.Query)) {
		tx.Reset.ResultURL = web.WithParameter(tx.Reset.ResultURL, url.QueryEscape(name), to.Query[name])
	}
}

// challengeEvent is event of password-reset-post-challenge.
func (p *Pipeline) challengeEvent(ctx context.Context, v Visit, in *ruleInput, conn *stagedoor.Connection) (map[string]any, error) {
	event := commonEvent(v, in.back.method, in.back.query)
	user, err := enrolledUser(ctx, v.Store, in.user)
	if err != nil {
		return nil, err
	}
	held, err := in.roleList(ctx, v.Store)
	if err != nil {
		return nil, err
	}
	methods := []stagedoor.AuthMethod{{Name: "email", Timestamp: v.Store.Clock().Now().UnixMilli()}}
	event["user"], event["authorization"] = user, map[string]any{"roles": roleNames(held)}
	event["authentication"] = eventMethods(append(methods, in.methods(v)...))
	event["client"], event["connection"] = eventClient(in.client), eventConnection(conn)
	event["stats"] = map[string]any{"logins_count": in.user.LoginsCount}
	if in.org != nil {
		event["organization"] = scriptOrganization(in.org)
	}
	in.tellFilled(event)
	locales := stagedoor.Words(strings.Join(in.back.query["ui_locales"], " "))
	event["transaction"] = map[string]any{"locale": v.Language, "ui_locales": nonNilList(locales)}
	return event, nil
}
