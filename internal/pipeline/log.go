package pipeline

import (
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
)

// Log completes an event with what the visit tells and adds it to the tenant's log.
func (v Visit) Log(e stagedoor.LogEvent) {
	e.IP, e.UserAgent, e.Hostname, e.SecurityContext = v.IP, v.UserAgent, v.Hostname, v.Fingerprints
	v.Store.Log(e)
}

func (l *login) event(kind string) stagedoor.LogEvent {
	e := stagedoor.LogEvent{
		Type: kind, ClientID: l.client.ID, ClientName: l.client.Name,
		Audience: l.tx.Request.Audience, Scope: strings.Join(l.tx.Request.Scope, " "),
	}
	if l.user != nil {
		e.UserID, e.UserName, e.Connection = l.user.ID, l.user.Shown(), l.user.Connection
	}
	if l.org != nil {
		e.OrgID, e.OrgName = l.org.ID, l.org.Name
	}
	if l.session != nil {
		e.Strategy, e.Connection = l.session.Strategy, l.session.Connection
		e.Details = map[string]any{"session_id": l.session.ID}
	}
	if l.tx.Transfer != nil {
		e.Details = with(e.Details, "triggered_by_session_transfer_token", true)
	}
	if r := l.tx.Refused; r != nil {
		e.Connection = r.Connection
	}
	e.Details = l.said.details(e.Details)
	return e
}

func with(m map[string]any, key string, value any) map[string]any {
	if m == nil {
		m = map[string]any{}
	}
	m[key] = value
	return m
}

func (l *login) logSuccess() {
	kind := "s"
	if l.tx.Request.HasPrompt("none") {
		kind = "ssa"
	}
	l.visit.Log(l.measured(l.event(kind)))
}

// measured tells what the risk of a login was, unless nobody was to be asked anything.
func (l *login) measured(e stagedoor.LogEvent) stagedoor.LogEvent {
	if l.risk != nil && !l.tx.Request.HasPrompt("none") {
		e.Details = with(e.Details, "riskAssessment", l.risk)
	}
	return e
}

func (l *login) logFailure(err error) {
	kind := "f"
	if l.tx.Request.HasPrompt("none") {
		kind = "fsa"
	}
	l.visit.Log(failed(l.measured(l.event(kind)), err))
}

// failed completes an event with why it failed.
func failed(e stagedoor.LogEvent, err error) stagedoor.LogEvent {
	why := stagedoor.AsError(err)
	e.Description = describe(err)
	told := map[string]any{"oauthError": why.Code, "message": why.Message}
	if stack, _ := why.Extra[logStack].(string); stack != "" {
		told["stack"] = stack
	}
	e.Details = with(e.Details, "error", told)
	for _, k := range []string{logRule, logKind} {
		if v, ok := why.Extra[k]; ok {
			e.Details[k] = v
		}
	}
	return e
}

// wrong is a login that fails at its credentials.
type wrong struct {
	visit      Visit
	conn       *stagedoor.Connection
	on         *connection.Occasion
	identifier string
}

// event is the log entry of it.
func (w wrong) event(kind string, err error) stagedoor.LogEvent {
	return stagedoor.LogEvent{
		Type: kind, ClientID: w.on.ClientID, Connection: w.conn.Name, ConnID: w.conn.ID, Strategy: w.conn.Strategy,
		UserName: stagedoor.Clip(w.identifier, 254), Description: describe(err),
		Details: said{console: w.on.Console}.details(map[string]any{"error": map[string]any{"message": describe(err), "oauthError": stagedoor.AsError(err).Code}}),
	}
}

// describe is why something failed, in the words of the connection's script if it was one.
func describe(err error) string {
	if f := connection.FromScript(err); f != nil && f.Message != "" {
		return f.Message
	}
	return stagedoor.AsError(err).Message
}

// log notes a wrong password as fp and an unknown user as fu.
func (w wrong) log(u *stagedoor.User, known bool, err error) {
	e := w.event("f", err)
	if stagedoor.HasCode(err, "invalid_grant") {
		e.Type = "fu"
		if known {
			e.Type, e.UserID = "fp", u.ID
		}
	}
	w.visit.Log(e)
}

// logRefused notes a login that was not looked at: limit_wc where the account is blocked, limit_mu where the address is.
func (w wrong) logRefused(err error) {
	switch {
	case guard.IsThrottled(err):
		w.visit.Log(w.event("limit_mu", err))
	case stagedoor.IsKind(err, stagedoor.TooMany):
		w.visit.Log(w.event("limit_wc", err))
	}
}
