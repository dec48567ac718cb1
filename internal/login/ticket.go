package login

import (
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

const paramTicket = "ticket"

// spent tells why a ticket does not work. The ticket itself comes along if it is known.
func spent(r *http.Request, st *store.Store, kind string) (ui.TicketReason, *stagedoor.Ticket, error) {
	t, used, err := st.SpentTicket(r.Context(), r.URL.Query().Get(paramTicket), kind)
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

// next is where a person may go on after a ticket; empty if nowhere is known.
func next(st *store.Store, t *stagedoor.Ticket, client *stagedoor.Client) string {
	switch {
	case t.ResultURL != "":
		return t.ResultURL
	case client != nil && client.InitiateLoginURI != "":
		return client.InitiateLoginURI
	}
	return st.Tenant().Settings.DefaultRedirectionURI
}
