package login

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

// resetDone is what is told to where a ticket leads that gave a new password.
var resetDone = [2]string{"success", "You can now login to the application with the new password."}

// renewal is a password about to be replaced.
type renewal struct {
	key    string // of the ticket
	ticket *stagedoor.Ticket
	client *stagedoor.Client // nil if unknown
	user   *stagedoor.User
	conn   *stagedoor.Connection
	frame  ui.Frame
}

// renewal finds what the ticket of a mail stands for; nil if the ticket does not work. A ticket that
// was sent to an address that is the user's no longer does not work either: the address
// may be somebody else's now.
func (d *Door) renewal(r *http.Request, st *store.Store, key string) (*renewal, error) {
	ctx := r.Context()
	n := &renewal{key: key}
	var err error
	if n.ticket, err = st.Ticket(ctx, key, stagedoor.TicketReset); err == nil {
		if n.user, err = st.User(ctx, n.ticket.UserID); err == nil {
			n.conn, err = st.ConnectionByName(ctx, n.user.Connection)
		}
	}
	switch {
	case stagedoor.IsKind(err, stagedoor.NotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case n.ticket.Email != "" && n.ticket.Email != n.user.Email, !n.conn.Passwords():
		return nil, nil
	}
	if n.client, err = clientOf(r, st, n.ticket); err != nil {
		return nil, err
	}
	n.frame = page.Frame(r, st, n.client)
	if id := n.ticket.OrganizationID; id != "" {
		if o, err := st.Organization(ctx, id); err == nil {
			n.frame = page.ForOrganization(n.frame, o)
		} else if !stagedoor.IsKind(err, stagedoor.NotFound) {
			return nil, err
		}
	}
	return n, nil
}

// resetPath is the page's.
const resetPath = "/u/reset-password"

// showReset asks for the new password, once the actions for it have nothing more to ask. It does not use the ticket up: programs that
// look into mails open links too.
func (d *Door) showReset(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	if state := r.URL.Query().Get("state"); state != "" && !r.URL.Query().Has(paramTicket) { // from a page or a site that came before
		ticket, err := d.Pipeline.ResetTicket(r.Context(), visit(r, st), state)
		if err != nil {
			return err
		}
		redirect(w, r, resetPath+"?"+paramTicket+"="+url.QueryEscape(ticket))
		return nil
	}
	key := r.URL.Query().Get(paramTicket)
	n, err := d.renewal(r, st, key)
	if err != nil {
		return err
	}
	if n == nil {
		return noRenewal(w, r, st, key)
	}
	own := st.Tenant().Settings.PasswordPage()
	if here := r.URL.Path == ownResetPath; here != (own != "") { // pages of the old kind ask for their address
		to := ownResetPath
		if here {
			to = resetPath
		}
		redirect(w, r, to+"?"+r.URL.RawQuery)
		return nil
	}
	v := visit(r, st)
	v.Browser = session.EnsureBrowser(w, r)
	at, err := d.Pipeline.AfterChallenge(r.Context(), v, key, n.ticket, r.URL.Query())
	switch {
	case stagedoor.IsKind(err, stagedoor.Scripted) && n.ticket.ResultURL != "":
		return sendBack(w, r, st, n.ticket, false, [2]string{stagedoor.AsError(err).Code, stagedoor.AsError(err).Message}, http.StatusFound)
	case err != nil:
		return err
	case !at.Passed:
		redirect(w, r, at.Elsewhere+at.Page)
		return nil
	}
	if own == "" || !n.showOwn(w, r, st, own, v.Browser) {
		page.Render(w, http.StatusOK, n.page("", nil))
	}
	return nil
}

func (n *renewal) page(tried string, problems ui.Problems) ui.NewPasswordPage {
	return ui.NewPasswordPage{
		Frame: n.frame, Form: ui.Form{Action: resetPath + "?" + paramTicket + "=" + url.QueryEscape(n.key)},
		Problems: problems, Email: shown(n.user), Policy: policyRules(n.conn, tried),
	}
}

// noRenewal tells that the link does not work.
func noRenewal(w http.ResponseWriter, r *http.Request, st *store.Store, key string) error {
	reason, t, err := spent(r, st, key, stagedoor.TicketReset)
	if err != nil {
		return err
	}
	client, err := clientOf(r, st, t)
	if err != nil {
		return err
	}
	o := brokenTicket(r, st, stagedoor.TicketReset, reason, client)
	switch conn, err := directory(r.Context(), st); {
	case err == nil && selfService(conn) == nil:
		o.RetryURL = "/u/forgot"
	case err != nil && stagedoor.AsError(err).Kind != stagedoor.Invalid:
		return err
	}
	page.Render(w, http.StatusBadRequest, o)
	return nil
}

// reset takes the form of the page.
func (d *Door) reset(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	return d.answerReset(w, r, st, r.URL.Query().Get(paramTicket), r.PostFormValue(ui.FieldPassword))
}

// answerReset gives the person of a ticket the password that a form brought, and answers with pages.
func (d *Door) answerReset(w http.ResponseWriter, r *http.Request, st *store.Store, key, secret string) error {
	n, err := d.renewal(r, st, key)
	if err != nil {
		return err
	}
	if n == nil {
		return noRenewal(w, r, st, key)
	}
	at, err := d.Pipeline.PassedChallenge(r.Context(), visit(r, st), key)
	if err != nil {
		return err
	}
	if !at.Passed {
		redirect(w, r, at.Page)
		return nil
	}
	problems, err := d.newPasswordProblems(r, st, n.conn, n.ticket.ClientID, n.user, secret)
	if err != nil {
		return err
	}
	if problems != nil {
		page.Render(w, http.StatusBadRequest, n.page(secret, problems))
		return nil
	}
	err = d.renew(r, st, n, at, secret)
	if stagedoor.HasCode(err, codeTicketGone) {
		return noRenewal(w, r, st, key)
	}
	if problem, theirs := passwordScriptProblem(err); theirs {
		page.Render(w, http.StatusBadRequest, n.page(secret, ui.Problems{problem}))
		return nil
	}
	if err != nil {
		return err
	}
	if n.ticket.ResultURL != "" {
		return sendBack(w, r, st, n.ticket, true, resetDone, http.StatusSeeOther)
	}
	page.Render(w, http.StatusOK, ui.PasswordChangedPage{Frame: n.frame, ContinueURL: next(r, st, n.ticket, n.client)})
	return nil
}

// codeTicketGone is the code of the error about a ticket that another request used up in the meantime.
const codeTicketGone = "ticket_gone"

// renew gives the person of a ticket a password that is good enough. The ticket is used up only now, and by one request only.
func (d *Door) renew(r *http.Request, st *store.Store, n *renewal, at *pipeline.Challenged, secret string) error {
	_, err := st.ConsumeTicket(r.Context(), n.key, stagedoor.TicketReset)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return invalid(codeTicketGone, "This link was used already.")
	}
	if err != nil {
		return err
	}
	if at.ResultURL != "" {
		n.ticket.ResultURL = at.ResultURL
	}
	e := event(r, "scp", n.conn, n.client)
	e.UserID, e.UserName = n.user.ID, n.user.Shown()
	// From here on the ticket is gone, so a browser that goes away does not end it. One does whose button is pressed twice.
	r = r.WithContext(context.WithoutCancel(r.Context()))
	on := occasion(n.client, n.ticket.OrganizationID)
	err = d.Pipeline.Database.On(on).SetPassword(r.Context(), st, n.conn, n.user.ID, secret)
	e.Details = withDetails(at.Details, consoleOf(on))
	if err != nil {
		e.Type, e.Description = "fcp", "The password could not be changed."
		if f := connection.FromScript(err); f != nil { // who is told to choose another one still can
			e.Description += " " + stagedoor.AsError(err).Message
			err = errors.Join(err, st.ReleaseTicket(r.Context(), n.key, stagedoor.TicketReset))
		}
		st.Log(e)
		return err
	}
	if err := n.endUnproved(r, st); err != nil {
		return err
	}
	if err := guard.Unblock(r.Context(), st, n.user.Identifiers()...); err != nil {
		return err
	}
	if n.ticket.MarkVerified {
		if err := d.setVerified(r.Context(), st, n.ticket, on); err != nil {
			return err
		}
	}
	st.Log(e)
	d.Pipeline.AfterPasswordChange(r.Context(), visit(r, st), n.conn, n.user.ID)
	n.tellOfPasskeys(d, r, st)
	return nil
}

// endUnproved takes passkeys, and linked accounts that do not prove where the ticket went, from somebody of whom nothing was proved before: whoever signed up with their address, or their
// number, may be somebody else, who would come back by one (account pre-hijacking). What is a second factor stays: a mailbox alone must not take that away.
func (n *renewal) endUnproved(r *http.Request, st *store.Store) error {
	if n.user.EmailVerified || n.user.PhoneVerified {
		return nil
	}
	ended, err := st.EndUnproved(r.Context(), n.user.ID, cmp.Or(n.ticket.To, n.ticket.Email, n.user.Email))
	if err == nil && ended > 0 {
		e := event(r, "w", n.conn, n.client)
		e.UserID, e.UserName = n.user.ID, n.user.Shown()
		e.Description = "Linked accounts and passkeys from before the new password have ended: neither address nor number was proved."
		st.Log(e)
	}
	return err
}

// tellOfPasskeys tells somebody by mail that their new password has left their passkeys as they are: who knew the old one may have added one.
func (n *renewal) tellOfPasskeys(d *Door, r *http.Request, st *store.Store) {
	if !n.conn.Passkeys().On {
		return
	}
	methods, err := st.AuthenticationMethods(r.Context(), n.user.ID)
	if err == nil && slices.ContainsFunc(methods, func(m stagedoor.AuthenticationMethod) bool { return m.Type == store.TypePasskey }) {
		d.Pipeline.FactorChanged(r.Context(), visit(r, st), n.user.ID, "passkeys_stay")
	}
}

// withDetails are the details of a log event of which the console of two kinds of scripts may speak.
func withDetails(actions, connection map[string]any) map[string]any {
	if actions == nil {
		return connection
	}
	for name, value := range connection {
		if lines, ok := actions[name].([]map[string]any); ok {
			more, _ := value.([]map[string]any)
			value = append(lines, more...)
		}
		actions[name] = value
	}
	return actions
}
