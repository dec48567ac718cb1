package login

import (
	"io"
	"net/http"
	"net/url"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

const inboxPath = "/u/inbox"

// openInbox refuses the inbox of a tenant whose messages are sent for real: it shows the links and codes of
// everybody's to everybody.
func openInbox(st *store.Store) error {
	if !st.Tenant().Settings.Local.DevelopmentInbox {
		return stagedoor.Errorf(stagedoor.NotFound, "not_found", "There is no development inbox here.")
	}
	return nil
}

func listed(m *stagedoor.Mail) ui.InboxMail {
	if m.Kind == stagedoor.KindPhone {
		m.Subject = m.Text // what there is to read
	}
	return ui.InboxMail{URL: inboxPath + "/" + url.PathEscape(m.ID), From: m.From, To: m.To, Subject: m.Subject, Sent: m.SentAt, Phone: m.Kind == stagedoor.KindPhone}
}

// inbox lists the mails of the development inbox.
func (d *Door) inbox(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	if err := openInbox(st); err != nil {
		return err
	}
	mails, err := st.Mails(r.Context())
	if err != nil {
		return err
	}
	p := ui.InboxPage{Frame: page.Frame(r, st, nil)}
	for i := range mails {
		p.Mails = append(p.Mails, listed(&mails[i]))
	}
	page.Render(w, http.StatusOK, p)
	return nil
}

func inboxMail(r *http.Request, st *store.Store) (*stagedoor.Mail, error) {
	if err := openInbox(st); err != nil {
		return nil, err
	}
	return st.Mail(r.Context(), r.PathValue("id"))
}

// inboxMail shows one mail.
func (d *Door) inboxMail(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	m, err := inboxMail(r, st)
	if err != nil {
		return err
	}
	p := ui.MailPage{Frame: page.Frame(r, st, nil), Mail: listed(m), Text: m.Text, InboxURL: inboxPath}
	if m.HTML != "" {
		p.HTMLURL = p.Mail.URL + "/html"
	}
	page.Render(w, http.StatusOK, p)
	return nil
}

// inboxHTML serves the HTML part of a mail into the frame of its page, where it can do nothing.
func (d *Door) inboxHTML(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	m, err := inboxMail(r, st)
	if err != nil {
		return err
	}
	if m.HTML == "" {
		return stagedoor.Errorf(stagedoor.NotFound, "not_found", "The mail has no HTML part.")
	}
	h := w.Header()
	ui.SetHeaders(h)
	h.Set("Content-Security-Policy", ui.MailCSP)
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Referrer-Policy", "no-referrer")
	io.WriteString(w, m.HTML) //nolint:errcheck // the browser is gone
	return nil
}
