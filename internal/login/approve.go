package login

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

const approvePath = "/u/approve"

// SendApproval asks a person by mail to approve what a client wants to do. The link leads to the page where they see what that is, and sign in.
func (d *Door) SendApproval(ctx context.Context, st *store.Store, u *stagedoor.User, client *stagedoor.Client, link, lang string, life time.Duration) error {
	err := d.post(ctx, st, page.Letter{Kind: ui.ApprovalEmail, Lang: lang, User: u, Client: client, Data: ui.MailData{
		Tenant: page.TenantName(st), Client: client.Name, Email: u.Email, Link: link, Expires: life, SupportURL: page.Support(st),
	}})
	if failed := (*unsent)(nil); errors.As(err, &failed) {
		st.Log(notSent(err))
		return &stagedoor.Error{Kind: stagedoor.Unavailable, Code: "temporarily_unavailable", Message: "The mail that asks the person for their approval could not be sent.", Err: err}
	}
	return err
}

// approval is the request that a link leads to, and its client.
func (d *Door) approval(r *http.Request, st *store.Store, ticket string) (*stagedoor.DeviceCode, *stagedoor.Client, error) {
	over := stagedoor.Errorf(stagedoor.Invalid, "expired_token", page.RequestOver)
	request, err := st.DeviceByUserCode(r.Context(), ticket)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && request.Approval == nil || ticket == "" {
		return nil, nil, over
	}
	if err != nil {
		return nil, nil, err
	}
	client, err := st.Client(r.Context(), request.ClientID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		err = over
	}
	return request, client, err
}

// showApproval shows what is asked for.
func (d *Door) showApproval(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	ticket := r.URL.Query().Get("ticket")
	request, client, err := d.approval(r, st, ticket)
	if err != nil {
		return err
	}
	page.Render(w, http.StatusOK, ui.ApprovePage{
		Frame: page.Frame(r, st, client), Message: request.Approval.Message, Form: ui.Form{Action: approvePath, Hidden: []ui.Field{{Name: "ticket", Value: ticket}}},
	})
	return nil
}

// approve takes the person's word. To say yes they must be signed in: the link alone approves nothing.
func (d *Door) approve(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	request, client, err := d.approval(r, st, r.PostFormValue("ticket"))
	if err != nil {
		return err
	}
	if r.PostFormValue(ui.FieldDecision) != ui.Accept {
		request.Denied = "The end-user denied the authorization request"
		switch err := st.DecideDevice(r.Context(), request); {
		case err == nil:
			logDeclined(r, st, request, client)
		case !stagedoor.IsKind(err, stagedoor.NotFound):
			return err
		}
		page.Render(w, http.StatusOK, ui.ApprovedPage{Frame: page.Frame(r, st, client)})
		return nil
	}
	hint := ""
	if u, err := st.User(r.Context(), request.Approval.UserID); err == nil {
		hint = u.Email
	}
	v := visit(r, st)
	v.Browser = session.EnsureBrowser(w, r)
	tx, err := d.Pipeline.BeginApproval(r.Context(), v, request, hint)
	if err != nil {
		return err
	}
	(&prompt{tx: tx}).goOn(w, r, nil)
	return nil
}

// logDeclined notes that somebody has declined what a client asked them to approve: whoever has the link can, so that it says whom that was sent to.
func logDeclined(r *http.Request, st *store.Store, request *stagedoor.DeviceCode, client *stagedoor.Client) {
	e := event(r, "gd_auth_rejected", nil, client)
	e.Description, e.UserID = "What the client asked the person to approve was declined.", request.Approval.UserID
	if u, err := st.User(r.Context(), e.UserID); err == nil {
		e.UserName, e.Connection = u.Shown(), u.Connection
	}
	st.Log(e)
}

// approved tells the person that they have approved.
func (d *Door) approved(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	page.Render(w, http.StatusOK, ui.ApprovedPage{Frame: page.Frame(r, st, nil), Allowed: true})
	return nil
}
