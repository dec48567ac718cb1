package login

import (
	"context"
	"net/http"
	"net/url"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

// SendBlocked tells a person that wrong passwords have blocked their account, with a link that unblocks it. The answer to the
// login does not wait for it.
func (d *Door) SendBlocked(ctx context.Context, v pipeline.Visit, _ *stagedoor.Connection, u *stagedoor.User, clientID string) {
	if u.Email == "" {
		return
	}
	d.later(ctx, v.Store, func(ctx context.Context) error {
		client, err := v.Store.Client(ctx, clientID)
		if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
			return err
		}
		return d.sendTicket(ctx, v.Store, u, client, letter{stagedoor.TicketUnblock, ui.BlockedEmail, v.Issuer + unblockPath[1:], "", "", v.IP})
	})
}

const unblockPath = "/u/unblock"

// showUnblock asks who followed the link of the mail about a blocked account for a click. It does not use the ticket up: programs that look into mails
// open links too, and would lift the block while somebody still guesses.
func (d *Door) showUnblock(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	ticket := r.URL.Query().Get(paramTicket)
	t, err := st.Ticket(r.Context(), ticket, stagedoor.TicketUnblock)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return noUnblock(w, r, st)
	}
	if err != nil {
		return err
	}
	client, err := clientOf(r, st, t)
	if err != nil {
		return err
	}
	page.Render(w, http.StatusOK, ui.UnblockPage{
		Frame: page.Frame(r, st, client), Form: ui.Form{Action: unblockPath + "?" + url.Values{paramTicket: {ticket}}.Encode()}, Email: t.Email,
	})
	return nil
}

// noUnblock tells that the link does not work.
func noUnblock(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	reason, t, err := spent(r, st, r.URL.Query().Get(paramTicket), stagedoor.TicketUnblock)
	if err != nil {
		return err
	}
	client, err := clientOf(r, st, t)
	if err != nil {
		return err
	}
	page.Render(w, http.StatusBadRequest, brokenTicket(r, st, stagedoor.TicketUnblock, reason, client))
	return nil
}

// unblock takes the form, and lifts the block.
func (d *Door) unblock(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	t, err := st.ConsumeTicket(r.Context(), r.URL.Query().Get(paramTicket), stagedoor.TicketUnblock)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return noUnblock(w, r, st)
	}
	if err != nil {
		return err
	}
	u, err := st.User(r.Context(), t.UserID)
	if err != nil {
		return err
	}
	if err := guard.Unblock(context.WithoutCancel(r.Context()), st, u.AllIdentifiers()...); err != nil {
		return err
	}
	client, err := clientOf(r, st, t)
	if err != nil {
		return err
	}
	e := event(r, "ublkdu", nil, client)
	e.UserID, e.UserName = u.ID, u.Shown()
	st.Log(e)
	page.Render(w, http.StatusOK, ui.UnblockedPage{Frame: page.Frame(r, st, client), Email: t.Email, ContinueURL: next(r, st, t, client)})
	return nil
}
