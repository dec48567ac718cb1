package login

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

// The texts of the wire about the link of a verification mail, with the code that stands beside them.
var verifyTexts = map[ui.TicketReason][2]string{
	"":               {"success", "Your email was verified. You can continue using the application."},
	ui.TicketUsed:    {"used", "This URL can be used only once"},
	ui.TicketExpired: {"expired", "Access expired."},
	ui.TicketInvalid: {"invalid", "This link does not work."},
}

// verifyEmail takes the link of a verification mail. It uses the ticket up on GET, as the wire does, but not
// on HEAD, by which programs try links.
func (d *Door) verifyEmail(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	if r.Method != http.MethodGet {
		ui.SetHeaders(w.Header())
		return nil
	}
	on := &connection.Occasion{}
	t, reason, why, err := d.redeemVerification(r, st, on)
	if err != nil {
		return err
	}
	client, err := clientOf(r, st, t)
	if err != nil {
		return err
	}
	logVerified(r, st, t, client, reason, why, on)
	if reason == "" {
		d.welcomeLater(r, st, t, client)
	}
	if t != nil && t.ResultURL != "" {
		return sendBack(w, r, st, t, reason == "", verifyTexts[reason], http.StatusFound)
	}
	if reason == ui.TicketUsed { // mail programs open links to look at them, and people click twice: what they want to know is that it is done
		is, err := isVerified(r.Context(), st, t)
		if err != nil {
			return err
		}
		if is {
			reason = ""
		}
	}
	if reason != "" {
		o := brokenTicket(r, st, stagedoor.TicketVerification, reason, client)
		if set := st.Tenant().Settings.Local.Account; set != nil && set.ClientID != "" && set.Has(stagedoor.AccountEmail) {
			o.RetryURL = accountPath // which sends another one
		}
		page.Render(w, http.StatusBadRequest, o)
		return nil
	}
	page.Render(w, http.StatusOK, ui.VerifiedPage{Frame: page.Frame(r, st, client), Email: t.Email, ContinueURL: next(r, st, t, client)})
	return nil
}

// redeemVerification uses the ticket of a request up, and notes that its address is proved. Where that does not work reason says so to people, and why to the tenant's log
// where it is a script's doing; the ticket is nil if there never was one.
func (d *Door) redeemVerification(r *http.Request, st *store.Store, on *connection.Occasion) (t *stagedoor.Ticket, reason ui.TicketReason, why string, err error) {
	key := r.URL.Query().Get(paramTicket)
	t, err = st.ConsumeTicket(r.Context(), key, stagedoor.TicketVerification)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		reason, t, err = spent(r, st, key, stagedoor.TicketVerification)
		return t, reason, "", err
	}
	if err != nil {
		return nil, "", "", err
	}
	ctx := context.WithoutCancel(r.Context()) // whoever leaves has still used the link
	err = d.setVerified(ctx, st, t, on)
	if err == nil {
		return t, "", "", nil
	}
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return t, ui.TicketInvalid, "", nil
	}
	if released := st.ReleaseTicket(ctx, key, stagedoor.TicketVerification); released != nil { // who comes again can still do it
		err = errors.Join(err, released)
	}
	if connection.FromScript(err) != nil {
		return t, ui.TicketInvalid, "The script of the connection did not verify the address: " + stagedoor.AsError(err).Message, nil
	}
	return nil, "", "", err
}

// welcomeLater mails whoever has proved their address the tenant's welcome, if it has one.
func (d *Door) welcomeLater(r *http.Request, st *store.Store, t *stagedoor.Ticket, client *stagedoor.Client) {
	lang := page.MailLanguage(r)
	d.later(r.Context(), st, func(ctx context.Context) error {
		u, err := st.User(ctx, t.UserID)
		if err != nil {
			return err
		}
		return d.sendWelcome(ctx, st, u, client, lang)
	})
}

// isVerified tells whether the user of a ticket has proved its address.
func isVerified(ctx context.Context, st *store.Store, t *stagedoor.Ticket) (bool, error) {
	u, err := st.User(ctx, t.UserID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return false, nil
	}
	return err == nil && u.EmailVerified && (t.Email == "" || t.Email == u.Email), err
}

// setVerified notes that the address is the user's. An address that has changed since the mail was sent is
// NotFound: another one was proved.
func (d *Door) setVerified(ctx context.Context, st *store.Store, t *stagedoor.Ticket, on *connection.Occasion) error {
	u, err := st.User(ctx, t.UserID)
	if err != nil {
		return err
	}
	if t.Email != "" && t.Email != u.Email {
		return stagedoor.Errorf(stagedoor.NotFound, "not_found", "The address is not the user's any more.")
	}
	conn, err := st.ConnectionByName(ctx, u.Connection)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		conn, err = &stagedoor.Connection{Name: u.Connection}, nil
	}
	if err != nil {
		return err
	}
	on.ClientID, on.Organization = t.ClientID, t.OrganizationID
	return d.Pipeline.Database.On(on).Verified(ctx, st, conn, u)
}

func logVerified(r *http.Request, st *store.Store, t *stagedoor.Ticket, client *stagedoor.Client, reason ui.TicketReason, why string, on *connection.Occasion) {
	e := event(r, "sv", nil, client)
	e.Description, e.Details = verifyTexts[reason][1], consoleOf(on)
	if why != "" {
		e.Description = why
	}
	if reason != "" {
		e.Type = "fv"
	}
	if t != nil {
		e.UserID, e.UserName = t.UserID, t.Email
		if e.Details == nil {
			e.Details = map[string]any{}
		}
		e.Details["email"], e.Details["query"] = t.Email, map[string]any{
			"client_id": t.ClientID, "email": t.Email, "user_id": t.UserID, "resultUrl": t.ResultURL, "includeEmailInRedirect": t.IncludeEmail, "tenant": st.Tenant().ID,
		}
	}
	st.Log(e)
}

// sendBack sends the browser where the ticket says, with what came of it.
func sendBack(w http.ResponseWriter, r *http.Request, st *store.Store, t *stagedoor.Ticket, success bool, outcome [2]string, status int) error {
	to, err := backTo(r, st, t, success, outcome)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, to, status)
	return nil
}

// backTo is where a ticket says that the browser goes in the end, with what came of it: a code and a text (Authentication API fact sheet 9.6,
// Management API fact sheet 3.11).
func backTo(r *http.Request, st *store.Store, t *stagedoor.Ticket, success bool, outcome [2]string) (string, error) {
	u, err := url.Parse(t.ResultURL)
	if err != nil {
		return "", err
	}
	signup := false
	if user, err := st.User(r.Context(), t.UserID); err == nil {
		if conn, err := st.ConnectionByName(r.Context(), user.Connection); err == nil {
			signup = !conn.Options.DisableSignup
		}
	}
	q := u.Query()
	if t.IncludeEmail {
		q.Set("email", t.Email)
	}
	if t.OrganizationID != "" {
		if org, err := st.Organization(r.Context(), t.OrganizationID); err == nil {
			q.Set("organization_id", org.ID)
			q.Set("organization_name", org.Name)
		}
	}
	q.Set("success", strconv.FormatBool(success))
	q.Set("code", outcome[0])
	q.Set("message", outcome[1])
	q.Set("supportSignUp", strconv.FormatBool(signup))
	q.Set("supportForgotPassword", "true")
	u.RawQuery = q.Encode()
	return u.String(), nil
}
