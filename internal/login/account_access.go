package login

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// addFactor sends the person to the page that sets a factor up, by a ticket as those of mails. It ends with the session: whoever is out of it sets nothing up any more.
func (a *account) addFactor() error {
	settings, err := mfa.SettingsOf(a.r.Context(), a.st)
	if err != nil {
		return err
	}
	kind := text(a.r, ui.FieldID)
	if !slices.Contains(mfa.Enrollable(settings.On), kind) {
		return invalid("invalid_request", "There is no such factor.")
	}
	ticket := stagedoor.NewToken()
	err = a.st.CreateTicket(a.r.Context(), ticket, &stagedoor.Ticket{
		Kind: stagedoor.TicketEnrollment, UserID: a.user.ID, Email: a.user.Email, Another: true, Factor: kind, ExpiresAt: a.st.Clock().Now().Add(freshFor),
		ClientID: a.set.ClientID, ResultURL: web.Issuer(a.r) + "account/factors/added", Session: a.session.ID,
	})
	if err != nil {
		return err
	}
	redirect(a.w, a.r, "/u/mfa-enroll?"+url.Values{paramTicket: {ticket}}.Encode())
	return nil
}

func (a *account) factorAdded() error { return a.done("factor") }

// removeFactor takes a factor away.
func (a *account) removeFactor() error {
	ctx, id := a.r.Context(), a.r.PostFormValue(ui.FieldID)
	m, err := a.st.AuthenticationMethod(ctx, a.user.ID, id)
	if err != nil {
		return err
	}
	if m.Type == store.TypeRecovery || m.Type == "password" {
		return invalid("operation_not_supported", "This cannot be taken away by itself.")
	}
	err = pipeline.RemoveMethod(ctx, a.st, a.user, a.conn, m)
	if stagedoor.HasCode(err, store.CodeLastPasskey) {
		return invalid("operation_not_supported", "This passkey is the only way into your account. Add another one first.")
	}
	if err != nil {
		return err
	}
	a.st.Log(a.event("gd_unenroll", "The person took a second factor away on the account page: "+m.Type))
	a.Pipeline.FactorChanged(ctx, visit(a.r, a.st), a.user.ID, "removed")
	return a.done("removed")
}

// newRecovery shows a new recovery code; the one before is worth nothing.
func (a *account) newRecovery() error {
	settings, asks, err := a.factors()
	if err != nil {
		return err
	}
	if !settings.Has(mfa.Recovery) || !asks {
		return errNoAccountPage()
	}
	code := stagedoor.NewRecoveryCode()
	if err := mfa.KeepRecovery(a.r.Context(), a.st, a.user.ID, code); err != nil {
		return err
	}
	a.st.Log(a.event("gd_recovery_code_new", "The person made a new recovery code on the account page."))
	a.tell("recovery", a.user.Email)
	page.Render(a.w, http.StatusOK, ui.RecoveryCodePage{Frame: a.frame, Form: a.form("/factors/noted"), Code: mfa.Spaced(code)})
	return nil
}

// noted goes back to the page once the recovery code is noted down.
func (a *account) noted() error { redirect(a.w, a.r, accountPath); return nil }

// forgetBrowsers makes a browser ask for the second factor again, or all of them.
func (a *account) forgetBrowsers() error {
	id, done := a.r.PostFormValue(ui.FieldID), "browsers"
	var err error
	if id != "" {
		err, done = a.st.ForgetBrowser(a.r.Context(), a.user.ID, id), "browser"
	} else {
		err = a.st.ForgetBrowsers(a.r.Context(), a.user.ID)
	}
	if err != nil {
		return err
	}
	a.st.Log(a.event("w", "The person had browsers forgotten on the account page: they ask for the second factor again."))
	return a.done(done)
}

// endSession ends one session, or all but this one, with the refresh tokens that came from it.
func (a *account) endSession() error {
	var err error
	if id := a.r.PostFormValue(ui.FieldID); id != "" {
		err = a.endOne(a.r.Context(), id)
	} else {
		err = a.endOthers(a.r.Context())
	}
	if err != nil {
		return err
	}
	a.st.Log(a.event("slo", "The person ended sessions on the account page."))
	return a.done("session")
}

// revoke takes back what a client may do, and what it keeps of it.
func (a *account) revoke() error {
	id := a.r.PostFormValue(ui.FieldID)
	if id == "" {
		return invalid("invalid_request", "The form names no client.")
	}
	grants, err := a.st.UserGrants(a.r.Context(), a.user.ID, id)
	if err != nil {
		return err
	}
	for _, g := range grants {
		if err := a.st.DeleteGrant(a.r.Context(), g.ID); err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
			return err
		}
	}
	ended, err := a.st.RevokeRefreshTokens(a.r.Context(), store.RefreshTokensOf{UserID: a.user.ID, ClientID: id})
	if err != nil {
		return err
	}
	online, err := a.st.EndClientAccess(a.r.Context(), a.user.ID, id)
	if err != nil {
		return err
	}
	if len(grants)+ended+online > 0 {
		e := a.event("srrt", "The person took access back on the account page.")
		e.ClientID = id
		a.st.Log(e)
	}
	return a.done("revoked")
}

// unlink takes a linked identity away: it is a user of its own from then on.
func (a *account) unlink() error {
	at := slices.IndexFunc(a.user.Identities, func(i stagedoor.Identity) bool { return i.FullID() == a.r.PostFormValue(ui.FieldID) })
	if at < 1 {
		return invalid("invalid_request", "There is no such identity.")
	}
	one := a.user.Identities[at]
	if _, err := a.st.UnlinkIdentity(a.r.Context(), a.user.ID, one.Provider, one.UserID); err != nil {
		return err
	}
	if err := a.st.EndAccessBy(context.WithoutCancel(a.r.Context()), a.user.ID, one.Connection, a.session.ID); err != nil {
		return err
	}
	a.st.Log(a.event("w", "The person has unlinked "+one.FullID()+" from their account."))
	a.tell("identity", a.user.Email)
	return a.done("unlinked")
}

// disconnect forgets an account at another provider, with its tokens: no program gets them any more. The provider is told nothing.
func (a *account) disconnect() error {
	err := a.st.DeleteConnectedAccount(a.r.Context(), a.user.ID, a.r.PostFormValue(ui.FieldID))
	if stagedoor.IsKind(err, stagedoor.NotFound) { // gone already, as in another window
		return a.done("disconnected")
	}
	if err != nil {
		return err
	}
	a.st.Log(a.event("w", "The person has disconnected an account at another provider on the account page."))
	return a.done("disconnected")
}

// endOthers ends all sessions but this one, however many there are.
func (a *account) endOthers(ctx context.Context) error {
	for after := ""; ; {
		some, err := a.st.UserSessionsAfter(ctx, a.user.ID, after, 200)
		if err != nil || len(some) == 0 {
			return err
		}
		for _, s := range some {
			after = s.ID
			if s.ID == a.session.ID {
				continue
			}
			if err := a.endOne(ctx, s.ID); err != nil {
				return err
			}
		}
	}
}

// endOne ends a session, with the refresh tokens that came from it, unless it has ended by itself.
func (a *account) endOne(ctx context.Context, id string) error {
	err := a.st.RevokeSessions(ctx, store.AccessOf{UserID: a.user.ID, Session: id}, true)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil
	}
	return err
}

// export gives the person all that is kept about them, as a file. What others must not read is not in it: hashes, secrets of factors, tokens. It
// has no app_metadata: that is what the applications keep for themselves.
func (a *account) export() error {
	ctx := a.r.Context()
	profile := a.user.Wire()
	delete(profile, "app_metadata")
	grants, tokens, err := a.access()
	if err != nil {
		return err
	}
	sessions, err := a.st.UserSessions(ctx, a.user.ID)
	if err != nil {
		return err
	}
	methods, err := a.st.AuthenticationMethods(ctx, a.user.ID)
	if err != nil {
		return err
	}
	connected, err := a.st.ConnectedAccounts(ctx, a.user.ID)
	if err != nil {
		return err
	}
	logs, _, err := a.st.Logs(ctx, store.LogQuery{UserID: a.user.ID, PerPage: 1000, Uncounted: true})
	if err != nil {
		return err
	}
	out := map[string]any{"exported_at": stagedoor.FormatTime(a.st.Clock().Now()), "profile": profile, "grants": grants}
	list := func(name string, n int, row func(i int) map[string]any) {
		rows := make([]map[string]any, n)
		for i := range rows {
			rows[i] = row(i)
		}
		out[name] = rows
	}
	when := func(t time.Time) any {
		if t.IsZero() {
			return nil
		}
		return stagedoor.FormatTime(t)
	}
	list("sessions", len(sessions), func(i int) map[string]any {
		s := sessions[i]
		return map[string]any{
			"id": s.ID, "created_at": when(s.CreatedAt), "authenticated_at": when(s.AuthenticatedAt), "last_interacted_at": when(s.LastInteractionAt), "expires_at": when(s.ExpiresAt),
			"initial_ip": s.InitialIP, "initial_user_agent": s.InitialUserAgent, "last_ip": s.LastIP, "last_user_agent": s.LastUserAgent, "clients": s.Clients,
		}
	})
	list("refresh_tokens", len(tokens), func(i int) map[string]any {
		t := tokens[i]
		return map[string]any{"client_id": t.ClientID, "audience": t.Audience, "scope": t.Scope, "created_at": when(t.CreatedAt), "last_used_at": when(t.LastUsedAt), "expires_at": when(t.ExpiresAt)}
	})
	list("authentication_methods", len(methods), func(i int) map[string]any {
		m := methods[i]
		return map[string]any{"type": m.Type, "name": m.Name, "email": m.Email, "phone_number": m.PhoneNumber, "created_at": when(m.CreatedAt), "last_used_at": when(m.LastUsedAt)}
	})
	list("connected_accounts", len(connected), func(i int) map[string]any {
		c := connected[i]
		return map[string]any{"connection_id": c.ConnectionID, "account": c.Account, "names": c.Names, "scopes": c.Scopes, "created_at": when(c.CreatedAt), "last_used_at": when(c.LastUsedAt)}
	})
	list("logs", len(logs), func(i int) map[string]any {
		e := logs[i]
		return map[string]any{"date": when(e.Date), "type": e.Type, "description": e.Description, "client_name": e.ClientName, "connection": e.Connection, "ip": e.IP, "user_agent": e.UserAgent}
	})
	body, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	h := a.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="account.json"`)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	a.w.Write(body) //nolint:errcheck // the browser is gone
	return nil
}

func (a *account) showDelete() error {
	page.Render(a.w, http.StatusOK, ui.AccountFormPage{Frame: a.frame, Form: a.form("/delete"), Kind: "delete", BackURL: accountPath})
	return nil
}

// delete deletes the account, whoever keeps it, and tells the person by mail.
func (a *account) delete() error {
	if a.r.PostFormValue(ui.FieldConfirmed) == "" {
		page.Render(a.w, http.StatusBadRequest, ui.AccountFormPage{
			Frame: a.frame, Form: a.form("/delete"), Kind: "delete", BackURL: accountPath, Problems: ui.Problems{{Code: "missing_confirmation", Field: ui.FieldConfirmed}},
		})
		return nil
	}
	ctx := context.WithoutCancel(a.r.Context())
	var err error
	if a.conn == nil {
		err = a.st.DeleteUser(ctx, a.user.ID)
	} else {
		err = a.Pipeline.Database.On(&connection.Occasion{ClientID: a.set.ClientID}).Delete(ctx, a.st, a.conn, a.user)
	}
	if err != nil {
		if connection.FromScript(err) != nil || stagedoor.IsKind(err, stagedoor.Scripted) {
			return invalid("operation_not_supported", "The account cannot be deleted right now.")
		}
		return err
	}
	a.st.Log(a.event("sdu", "The person deleted their account on the account page."))
	a.mail(ui.AccountDeleted, a.user.Email, ui.MailData{})
	session.ClearCookie(a.w, a.r)
	page.Render(a.w, http.StatusOK, ui.AccountGonePage{Frame: a.frame})
	return nil
}

// tell tells a person by mail what was changed on their account, so that who did not do it notices.
func (a *account) tell(change, to string) {
	a.mail(ui.AccountChanged, to, ui.MailData{Change: change})
}

// TellFactor tells a person by mail what has changed about their second factors.
func (d *Door) TellFactor(ctx context.Context, v pipeline.Visit, u *stagedoor.User, change string) {
	l := page.Letter{Kind: ui.AccountChanged, Lang: v.Language, User: u, Vars: map[string]any{"change": change}, Data: ui.MailData{
		Change: change, Tenant: page.TenantName(v.Store), Email: u.Email, SupportURL: page.Support(v.Store),
	}}
	d.later(ctx, v.Store, func(ctx context.Context) error { return d.post(ctx, v.Store, l) })
}

// mail sends a mail of the account page, without waiting for it.
func (a *account) mail(kind ui.MailKind, to string, data ui.MailData) {
	if to == "" {
		return
	}
	data.Tenant, data.Email, data.SupportURL = page.TenantName(a.st), to, page.Support(a.st)
	l := page.Letter{Kind: kind, Lang: page.MailLanguage(a.r), User: a.user, Data: data, Vars: map[string]any{"change": data.Change, "code": data.Code}}
	a.later(a.r.Context(), a.st, func(ctx context.Context) error { return a.post(ctx, a.st, l) })
}
