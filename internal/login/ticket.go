package login

import (
	"net/http"
	"net/url"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

const paramTicket = "ticket"

// spent tells why a ticket does not work. The ticket itself comes along if it is known.
func spent(r *http.Request, st *store.Store, key, kind string) (ui.TicketReason, *stagedoor.Ticket, error) {
	t, used, err := st.SpentTicket(r.Context(), key, kind)
	switch {
	case stagedoor.IsKind(err, stagedoor.NotFound):
		return ui.TicketInvalid, nil, nil
	case err != nil:
		return "", nil, err
	case used:
		return ui.TicketUsed, t, nil
	}
	return ui.TicketExpired, t, nil
}

// brokenTicket is the page for a link that does not work. It leads on to where people log in, not to where the ticket would have: nothing has come of that.
func brokenTicket(r *http.Request, st *store.Store, kind string, reason ui.TicketReason, client *stagedoor.Client) ui.TicketPage {
	return ui.TicketPage{Frame: page.Frame(r, st, client), Kind: kind, Reason: reason, ContinueURL: next(r, st, &stagedoor.Ticket{}, client)}
}

// clientOf returns the client that a ticket was made for; nil if there is none any more.
func clientOf(r *http.Request, st *store.Store, t *stagedoor.Ticket) (*stagedoor.Client, error) {
	if t == nil || t.ClientID == "" {
		return nil, nil
	}
	c, err := st.Client(r.Context(), t.ClientID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, nil
	}
	return c, err
}

// next is where a person may go on after a ticket; empty if nowhere is known. An application learns which organization the
// person has in mind.
func next(r *http.Request, st *store.Store, t *stagedoor.Ticket, client *stagedoor.Client) string {
	to := st.Tenant().Settings.DefaultRedirectionURI
	switch {
	case t.ResultURL != "":
		if to = t.ResultURL; t.IncludeEmail {
			to = withEmail(to, t.Email)
		}
	case client != nil && client.Home() != "":
		to = client.Home()
	}
	if t.OrganizationID == "" {
		return to
	}
	u, err := url.Parse(to)
	o, missing := st.Organization(r.Context(), t.OrganizationID)
	if to == "" || err != nil || missing != nil {
		return to
	}
	q := u.Query()
	q.Set("organization", o.ID)
	q.Set("organization_name", o.Name)
	u.RawQuery = q.Encode()
	return u.String()
}

func withEmail(address, email string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	q := u.Query()
	q.Set("email", email)
	u.RawQuery = q.Encode()
	return u.String()
}
