package login

import (
	"context"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/ui"
)

// WarnLeaked tells a person that their password has become public, with a link to choose another one. Nobody waits for it.
func (d *Door) WarnLeaked(ctx context.Context, v pipeline.Visit, u *stagedoor.User, clientID string) {
	d.later(ctx, v.Store, func(ctx context.Context) error {
		client, err := v.Store.Client(ctx, clientID)
		if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
			return err
		}
		return d.sendTicket(ctx, v.Store, u, client, letter{stagedoor.TicketReset, ui.StolenEmail, v.Issuer + "u/reset-password", v.Language, "", ""})
	})
}

// TellAdmin sends a mail to the tenant's support; where it named none, nobody is told. Nobody waits for it.
func (d *Door) TellAdmin(ctx context.Context, v pipeline.Visit, subject, text string) {
	to := v.Store.Tenant().Settings.SupportEmail
	if to == "" {
		return
	}
	d.later(ctx, v.Store, func(ctx context.Context) error {
		name := page.TenantName(v.Store)
		return d.Send(ctx, v.Store, mail.Message{
			To: to, Subject: name + ": " + subject, Text: text + "\n\nThis mail was sent to the support address of " + name + ".\n", Kind: "admin_notification",
		})
	})
}
