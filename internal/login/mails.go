package login

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	netmail "net/mail"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// ticketLife is how long the link of a mail works (Authentication API fact sheet 9.6).
const ticketLife = 432000 * time.Second

// laterLimit is how long work may take that nobody waits for.
const laterLimit = 2 * time.Minute

// later does work for which the answer to a request does not wait, so that it tells nothing by
// the time it takes. Where mail stays in the development inbox it is done at once, so that the inbox has it
// when the next page is shown.
func (d *Door) later(ctx context.Context, st *store.Store, work func(context.Context) error) {
	d.put(ctx, st, work, false)
}

// unhurried does the same for a program, of which a few hundred may ask at once, and which may be kept waiting: once too many mails wait, it waits for its own.
func (d *Door) unhurried(ctx context.Context, st *store.Store, work func(context.Context) error) {
	d.put(ctx, st, work, true)
}

func (d *Door) put(ctx context.Context, st *store.Store, work func(context.Context) error, patient bool) {
	ctx = context.WithoutCancel(ctx)
	failed := func(err error) {
		d.Log.ErrorContext(ctx, "a mail could not be sent", "tenant", st.Tenant().ID, "error", err)
		st.Log(notSent(err))
	}
	run := func() {
		ctx, cancel := context.WithTimeout(ctx, laterLimit)
		defer cancel()
		if err := work(ctx); err != nil {
			failed(err)
		}
	}
	if st.Tenant().Settings.Local.DevelopmentInbox {
		run()
		return
	}
	s := d.slotsOf(st.Tenant().ID)
	select {
	case s.waiting <- struct{}{}:
	default:
		if patient {
			run()
		} else {
			failed(errMailsWait)
		}
		return
	}
	d.unwaited.Go(func() {
		if s.wait(laterLimit) {
			defer func() { <-s.running }()
			stagedoor.Contained(d.Log.With("tenant", st.Tenant().ID), "a mail", run)
			return
		}
		failed(errMailsWait)
	})
}

// errMailsWait is for a mail before which too many others wait.
var errMailsWait = errors.New("the mails before it take too long: the tenant's mail server is slow, or hangs")

// slots are what a tenant has of what nobody waits for.
type slots struct{ waiting, running chan struct{} }

func (d *Door) slotsOf(tenant string) *slots {
	own, _ := d.slots.LoadOrStore(tenant, &slots{make(chan struct{}, maxWaiting), make(chan struct{}, maxUnwaited)})
	return own.(*slots) //nolint:errcheck // nothing else is stored
}

// wait takes a slot for work that was let in; false means that none came free in time.
func (s *slots) wait(most time.Duration) bool {
	defer func() { <-s.waiting }()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case s.running <- struct{}{}:
		return true
	case <-timer.C:
		return false
	}
}

// SendVerification sends a user the mail that asks them to prove that the address is theirs. Its link leads to the
// tenant's canonical domain. clientID is the client that the mail speaks for, organizationID what the person goes back to; both
// may be empty.
func (d *Door) SendVerification(ctx context.Context, st *store.Store, u *stagedoor.User, clientID, organizationID string) error {
	client, err := st.Client(ctx, clientID)
	if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
		return err
	}
	return d.sendVerification(ctx, st, u, client, "https://"+st.Tenant().Domain()+"/", "", organizationID)
}

func (d *Door) sendVerification(ctx context.Context, st *store.Store, u *stagedoor.User, client *stagedoor.Client, issuer, lang, organizationID string) error {
	if u.Email == "" || u.EmailVerified {
		return nil
	}
	return d.sendTicket(ctx, st, u, client, letter{stagedoor.TicketVerification, ui.VerifyEmail, issuer + "u/email-verification", lang, organizationID, ""})
}

// VerifyLater sends that mail without waiting for it, and tells the tenant's log if it cannot be sent.
func (d *Door) VerifyLater(ctx context.Context, st *store.Store, u *stagedoor.User, clientID string) {
	who := *u // which whoever asks may go on with
	d.unhurried(ctx, st, func(ctx context.Context) error { return d.SendVerification(ctx, st, &who, clientID, "") })
}

// askToVerify sends the mail that follows a sign-up, unless the tenant, or the connection, switched it off.
func (d *Door) askToVerify(ctx context.Context, st *store.Store, u *stagedoor.User, client *stagedoor.Client, issuer, lang string) error {
	if off, err := switchedOff(ctx, st, ui.VerifyEmail); err != nil || off {
		return err
	}
	conn, err := st.ConnectionByName(ctx, u.Connection)
	if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
		return err
	}
	if err == nil && !conn.Options.Attributes().Email.Verified {
		return nil
	}
	return d.sendVerification(ctx, st, u, client, issuer, lang, "")
}

// AskToVerify mails somebody whom a token exchange has made to prove that the address is theirs, without waiting for it.
func (d *Door) AskToVerify(ctx context.Context, v pipeline.Visit, u *stagedoor.User, client *stagedoor.Client) {
	d.later(ctx, v.Store, func(ctx context.Context) error {
		return d.sendVerification(ctx, v.Store, u, client, v.Issuer, v.Language, "")
	})
}

// post sends a letter, by the tenant's template of its kind or in our words.
func (d *Door) post(ctx context.Context, st *store.Store, l page.Letter) error {
	template, err := page.Template(ctx, st, l.Kind)
	if err != nil {
		return err
	}
	return d.postBy(ctx, st, l, template)
}

func (d *Door) postBy(ctx context.Context, st *store.Store, l page.Letter, template *stagedoor.EmailTemplate) error {
	m, err := l.Write(ctx, st, template)
	if err != nil {
		return err
	}
	if err := d.Send(ctx, st, m); err != nil {
		return &unsent{err, m.Kind, m.To}
	}
	return nil
}

// notSent is the event of a mail that could not be sent.
func notSent(err error) stagedoor.LogEvent {
	e := stagedoor.LogEvent{Type: "fn", Description: "A mail could not be sent."}
	var failed *unsent
	if errors.As(err, &failed) { // why it failed is the operator's to know: it names servers
		e.Details = stagedoor.NotificationDetails("email", failed.kind, failed.to, e.Description)
	}
	return e
}

// unsent is why a mail of a kind to somebody could not be sent.
type unsent struct {
	error
	kind, to string
}

// Unwrap returns what whoever sends mails said.
func (u *unsent) Unwrap() error { return u.error }

// SendInvitation sends an invitation to an organization, without waiting for it. Its link leads to the client that the invitation is to.
func (d *Door) SendInvitation(ctx context.Context, st *store.Store, o *stagedoor.Organization, v *stagedoor.Invitation, link string) {
	d.unhurried(ctx, st, func(ctx context.Context) error { return d.sendInvitation(ctx, st, o, v, link) })
}

func (d *Door) sendInvitation(ctx context.Context, st *store.Store, o *stagedoor.Organization, v *stagedoor.Invitation, link string) error {
	client, err := st.Client(ctx, v.ClientID)
	if err != nil {
		return err
	}
	return d.post(ctx, st, page.Letter{
		Kind: ui.Invitation, Client: client, Organization: o, Data: ui.MailData{
			Tenant: page.TenantName(st), Client: client.Name, Email: v.Invitee, Inviter: v.Inviter, Joins: o.Title(), Link: link,
			Expires: time.Duration(v.ExpiresAt-v.CreatedAt) * time.Millisecond, SupportURL: page.Support(st),
		},
		Vars: map[string]any{"inviter": map[string]any{"name": v.Inviter}, "invitee": map[string]any{"email": v.Invitee}, "roles": v.Roles},
	})
}

func (d *Door) sendReset(ctx context.Context, st *store.Store, u *stagedoor.User, client *stagedoor.Client, issuer, lang, org string) error {
	return d.sendTicket(ctx, st, u, client, letter{stagedoor.TicketReset, ui.ResetEmail, issuer + "u/reset-password", lang, org, ""})
}

// letter is a mail with a one-time link.
type letter struct {
	ticket string
	kind   ui.MailKind
	page   string // address that takes the ticket
	lang   string
	org    string // id of the organization that the person wants to log in to
	from   string // address of the network of who caused it, where the mail may tell
}

func (d *Door) sendTicket(ctx context.Context, st *store.Store, u *stagedoor.User, client *stagedoor.Client, l letter) error {
	template, err := page.Template(ctx, st, l.kind)
	if err != nil {
		return err
	}
	var organization *stagedoor.Organization
	if l.org != "" {
		if organization, err = st.Organization(ctx, l.org); err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
			return err
		}
	}
	ticket, life := stagedoor.NewToken(), page.Lifetime(template, ticketLife)
	mailed := page.Letter{Kind: l.kind, Lang: l.lang, User: u, Client: client, Organization: organization, From: l.from, Data: ui.MailData{
		Tenant: page.TenantName(st), Email: u.Email, Link: l.page + "?ticket=" + ticket, Expires: life, SupportURL: page.Support(st),
	}}
	t := &stagedoor.Ticket{Kind: l.ticket, UserID: u.ID, Email: u.Email, OrganizationID: l.org, ExpiresAt: st.Clock().Now().Add(life)}
	if t.ResultURL = mailed.ResultURL(ctx, st, template); t.ResultURL != "" {
		t.IncludeEmail = template.IncludeEmailInRedirect
	}
	if client != nil && !client.Global {
		t.ClientID = client.ID
	}
	if err := st.CreateTicket(ctx, ticket, t); err != nil {
		return err
	}
	return d.postBy(ctx, st, mailed, template)
}

// switchedOff tells whether the tenant wrote a template for the kind of mail and switched it off, which ends mails that nobody asked for.
func switchedOff(ctx context.Context, st *store.Store, kind ui.MailKind) (bool, error) {
	t, err := page.Template(ctx, st, kind)
	return t != nil && !t.Enabled, err
}

// home is where the mails of a client lead that have no page of ours to open.
func home(st *store.Store, client *stagedoor.Client) string {
	if client != nil && client.Home() != "" {
		return client.Home()
	}
	return st.Tenant().Settings.DefaultRedirectionURI
}

// sendWelcome greets who proved their address, where the tenant wrote such a mail.
func (d *Door) sendWelcome(ctx context.Context, st *store.Store, u *stagedoor.User, client *stagedoor.Client, lang string) error {
	template, err := page.Template(ctx, st, ui.WelcomeEmail)
	if err != nil || template == nil || !template.Enabled {
		return err
	}
	return d.postBy(ctx, st, page.Letter{Kind: ui.WelcomeEmail, Lang: lang, User: u, Client: client, Data: ui.MailData{
		Tenant: page.TenantName(st), Email: u.Email, SupportURL: page.Support(st), Link: home(st, client),
	}}, template)
}

// Deliver returns the function that brings mails to where they belong: into the tenant's development inbox where it has one, else through the
// tenant's own provider, else to the sender. Without any the operator's log tells that a mail was not sent, but not what was in it. from is
// the address that mails come from; empty means no-reply at the tenant's domain.
func Deliver(sender mail.Sender, from string, out mail.Outside, log *slog.Logger) func(context.Context, *store.Store, mail.Message) error {
	return func(ctx context.Context, st *store.Store, m mail.Message) error {
		sender := sender
		own, address, err := provider(ctx, st, out)
		switch {
		case errors.Is(err, mail.ErrNoSender):
			log.WarnContext(ctx, "the tenant's e-mail provider cannot be used", "tenant", st.Tenant().ID, "error", err)
		case err != nil:
			return err
		case own != nil:
			sender = own
		}
		if m.From == "" {
			m.From = sentBy(st, address)
			if address == "" {
				m.From = sentBy(st, from)
			}
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

// provider is what sends the tenant's mails, nil if it has nothing of its own or switched it off, and the address that they come from.
func provider(ctx context.Context, st *store.Store, out mail.Outside) (mail.Sender, string, error) {
	var p stagedoor.EmailProvider
	if err := st.Setting(ctx, stagedoor.SettingEmailProvider, &p); err != nil || p.Name == "" || !p.Enabled {
		return nil, "", err
	}
	with := mail.Provider{Name: p.Name}
	credentials, err := json.Marshal(p.Credentials)
	if err == nil {
		err = json.Unmarshal(credentials, &with.Credentials)
	}
	if err == nil && p.Settings != nil {
		err = json.Unmarshal(p.Settings, &with.Settings)
	}
	if err != nil {
		return nil, p.From, fmt.Errorf("reading the e-mail provider: %w", err)
	}
	sender, err := with.Sender(out)
	return sender, p.From, err
}

// sentBy is the sender of a tenant's mails, by the tenant's name.
func sentBy(st *store.Store, from string) string {
	a := &netmail.Address{Address: "no-reply@" + web.Hostname(st.Tenant().Domain())}
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
