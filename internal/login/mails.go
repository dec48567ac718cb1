package login

import (
	"context"
	"log/slog"
	netmail "net/mail"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

// The kinds of tickets.
const (
	ticketReset  = "reset_password"
	ticketVerify = "verify_email"
	ticketBlock  = "blocked_account"
)

// ticketLife is how long the link of a mail works (Authentication API fact sheet 9.6).
const ticketLife = 432000 * time.Second

// laterLimit is how long work may take that nobody waits for.
const laterLimit = 2 * time.Minute

// later does work for which the answer to a request does not wait, so that it tells nothing by
// the time it takes. Where mail stays in the development inbox it is done at once, so that the inbox has it
// when the next page is shown.
func (d *Door) later(ctx context.Context, st *store.Store, work func(context.Context) error) {
	ctx = context.WithoutCancel(ctx)
	run := func() {
		ctx, cancel := context.WithTimeout(ctx, laterLimit)
		defer cancel()
		if err := work(ctx); err != nil {
			d.Log.ErrorContext(ctx, "a mail could not be sent", "tenant", st.Tenant().ID, "error", err)
			st.Log(stagedoor.LogEvent{Type: "fn", Description: "A mail could not be sent."})
		}
	}
	if st.Tenant().Settings.Local.DevelopmentInbox {
		run()
		return
	}
	d.slots <- struct{}{}
	d.unwaited.Go(func() {
		defer func() { <-d.slots }()
		run()
	})
}

// SendVerification sends a user the mail that asks them to prove that the address is theirs. Its link leads to the
// tenant's canonical domain. clientID is the client that the mail speaks for, or empty.
func (d *Door) SendVerification(ctx context.Context, st *store.Store, u *stagedoor.User, clientID string) error {
	client, err := st.Client(ctx, clientID)
	if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
		return err
	}
	return d.sendVerification(ctx, st, u, client, "https://"+st.Tenant().Domain()+"/", "")
}

func (d *Door) sendVerification(ctx context.Context, st *store.Store, u *stagedoor.User, client *stagedoor.Client, issuer, lang string) error {
	if u.Email == "" || u.EmailVerified {
		return nil
	}
	return d.sendTicket(ctx, st, u, client, letter{ticketVerify, ui.VerifyEmail, issuer + "u/email-verification", lang, ""})
}

// SendInvitation sends an invitation to an organization. Its link leads to the client that the invitation is to.
func (d *Door) SendInvitation(ctx context.Context, st *store.Store, o *stagedoor.Organization, v *stagedoor.Invitation, link string) error {
	data := ui.MailData{
		Tenant: page.TenantName(st), Email: v.Invitee, Inviter: v.Inviter, Joins: o.Title(), Link: link,
		Expires: time.Duration(v.ExpiresAt-v.CreatedAt) * time.Millisecond, SupportURL: page.Support(st),
	}
	client, err := st.Client(ctx, v.ClientID)
	if err != nil {
		return err
	}
	data.Client = client.Name
	subject, text, html, err := ui.Mail(ui.Invitation, ui.Language(""), data)
	if err != nil {
		return err
	}
	return d.Send(ctx, st, mail.Message{To: v.Invitee, Subject: subject, Text: text, HTML: html, Kind: string(ui.Invitation)})
}

func (d *Door) sendReset(ctx context.Context, st *store.Store, u *stagedoor.User, client *stagedoor.Client, issuer, lang, org string) error {
	return d.sendTicket(ctx, st, u, client, letter{ticketReset, ui.ResetEmail, issuer + "u/reset-password", lang, org})
}

// letter is a mail with a one-time link.
type letter struct {
	ticket string
	kind   ui.MailKind
	page   string // address that takes the ticket
	lang   string
	org    string // id of the organization that the person wants to log in to
}

func (d *Door) sendTicket(ctx context.Context, st *store.Store, u *stagedoor.User, client *stagedoor.Client, l letter) error {
	ticket := stagedoor.NewToken()
	t := &stagedoor.Ticket{Kind: l.ticket, UserID: u.ID, Email: u.Email, OrganizationID: l.org, ExpiresAt: st.Clock().Now().Add(ticketLife)}
	data := ui.MailData{
		Tenant: page.TenantName(st), Email: u.Email, Link: l.page + "?ticket=" + ticket, Expires: ticketLife, SupportURL: page.Support(st),
	}
	if client != nil && !client.Global {
		t.ClientID, data.Client = client.ID, client.Name
	}
	if err := st.CreateTicket(ctx, ticket, t); err != nil {
		return err
	}
	subject, text, html, err := ui.Mail(l.kind, ui.Language(l.lang), data)
	if err != nil {
		return err
	}
	return d.Send(ctx, st, mail.Message{To: u.Email, Subject: subject, Text: text, HTML: html, Kind: string(l.kind)})
}

// Deliver returns the function that brings mails to where they belong: into the tenant's development inbox
// where it has one, else to the sender. Without either the operator's log tells that a mail was not
// sent, but not what was in it. from is the address that mails come from; empty means no-reply at
// the tenant's domain.
func Deliver(sender mail.Sender, from string, log *slog.Logger) func(context.Context, *store.Store, mail.Message) error {
	return func(ctx context.Context, st *store.Store, m mail.Message) error {
		if m.From == "" {
			m.From = sentBy(st, from)
		}
		if err := m.Validate(); err != nil {
			return err
		}
		switch {
		case st.Tenant().Settings.Local.DevelopmentInbox:
			return st.SaveMail(ctx, &stagedoor.Mail{
				To: m.To, From: m.From, Subject: m.Subject, Text: m.Text, HTML: m.HTML, Kind: m.Kind, SentAt: st.Clock().Now(),
			})
		case sender != nil:
			return sender.Send(ctx, m)
		}
		log.WarnContext(ctx, "a mail was not sent: there is no mail server, and the tenant has no development inbox", "tenant", st.Tenant().ID, "kind", m.Kind)
		return nil
	}
}

// sentBy is the sender of a tenant's mails, by the tenant's name.
func sentBy(st *store.Store, from string) string {
	a := &netmail.Address{Address: "no-reply@" + hostname(st.Tenant().Domain())}
	if parsed, err := netmail.ParseAddress(from); err == nil {
		a = parsed
	} else if _, err := netmail.ParseAddress(a.Address); err != nil {
		a.Address = "no-reply@localhost"
	}
	if a.Name == "" {
		a.Name = page.TenantName(st)
	}
	return a.String()
}
