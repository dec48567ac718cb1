package login

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// SendEnrollment sends a user the link by which they set up their second factor, to the address, in the language if there is such. life is how
// long the link works. It tells the log what became of the mail.
func (d *Door) SendEnrollment(ctx context.Context, st *store.Store, u *stagedoor.User, address, lang, link string, life time.Duration) error {
	err := d.post(ctx, st, page.Letter{Kind: ui.EnrollEmail, Lang: lang, User: u, Data: ui.MailData{
		Tenant: page.TenantName(st), Email: address, Link: link, Expires: life, SupportURL: page.Support(st),
	}})
	e := stagedoor.LogEvent{Type: "gd_send_email", UserID: u.ID, UserName: u.Shown(), Connection: u.Connection}
	if err != nil {
		e.Type, e.Description = "fn", "The mail about a second factor could not be sent."
		e.Details = stagedoor.NotificationDetails("email", string(ui.EnrollEmail), address, e.Description)
	}
	st.Log(e)
	return err
}

// enrollment is a person whom a ticket lets set up their second factor.
type enrollment struct {
	ticket    string
	resultURL string // where the person goes on; empty: where the tenant says
	user      *stagedoor.User
	mfa.Enrollment
	kinds []string // that the person may set up
	kind  string   // which it is; empty: they have to choose
	party mfa.Party
	until time.Time
	frame ui.Frame
}

// enrollment finds what a ticket stands for; nil if it does not work, or not in this browser, or if its person has a second factor already.
func (d *Door) enrollment(r *http.Request, st *store.Store) (*enrollment, error) {
	ctx, token := r.Context(), r.URL.Query().Get(paramTicket)
	t, err := st.Ticket(ctx, token, stagedoor.TicketEnrollment)
	var u *stagedoor.User
	if err == nil {
		u, err = st.User(ctx, t.UserID)
	}
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if t.Session != "" { // of the account page
		if s, err := session.Live(ctx, st, session.Handle(r)); err != nil || s == nil || s.ID != t.Session {
			return nil, err
		}
	}
	methods, err := mfa.MethodsOf(ctx, st, u.ID)
	if err != nil || methods.Enrolled() && !t.Another {
		return nil, err
	}
	e := &enrollment{
		ticket: token, user: u, until: t.ExpiresAt, resultURL: t.ResultURL, frame: ticketFrame(r, st, t),
		Enrollment: mfa.Enrollment{Store: st, UserID: u.ID, Key: "ticket/" + token, First: !t.Another, Claim: func(ctx context.Context) error {
			_, err := st.ConsumeTicket(ctx, token, stagedoor.TicketEnrollment)
			return err
		}},
	}
	if e.kinds, err = ticketKinds(ctx, st, t); err != nil {
		return nil, err
	}
	if e.kind = r.URL.Query().Get(paramFactor); !slices.Contains(e.kinds, e.kind) {
		e.kind = ""
	}
	if len(e.kinds) == 1 {
		e.kind = e.kinds[0]
	}
	tells(e.frame, e.kinds)
	e.party, err = visit(r, st).Party(ctx, e.kind)
	return e, err
}

// paramFactor tells in our own links what the person has chosen to set up.
const paramFactor = "factor"

// ticketKinds are what a ticket lets somebody set up: what it was made for, else what the tenant has on, else an app.
func ticketKinds(ctx context.Context, st *store.Store, t *stagedoor.Ticket) ([]string, error) {
	if t.Factor != "" {
		return []string{t.Factor}, nil
	}
	settings, err := mfa.SettingsOf(ctx, st)
	kinds := mfa.Enrollable(settings.On)
	if len(kinds) == 0 {
		kinds = []string{mfa.OTP}
	}
	return kinds, err
}

// link is the page where a kind is set up.
func (e *enrollment) link(kind string) string {
	q := url.Values{paramTicket: {e.ticket}}
	if kind != "" {
		q.Set(paramFactor, kind)
	}
	return "/u/mfa-enroll?" + q.Encode()
}

// ticketFrame is the frame of a page behind a ticket, in the language that the ticket was made for.
func ticketFrame(r *http.Request, st *store.Store, t *stagedoor.Ticket) ui.Frame {
	if t.Lang != "" && !r.URL.Query().Has("ui_locales") {
		r = r.Clone(r.Context())
		r.URL.RawQuery += "&ui_locales=" + url.QueryEscape(t.Lang)
	}
	return page.Frame(r, st, nil)
}

// showTicketEnroll shows what an authenticator app needs, and asks for its first code. It does not use the ticket up: programs that look
// into mails open links too.
func (d *Door) showTicketEnroll(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	e, err := d.enrollment(r, st)
	if err != nil {
		return err
	}
	if e == nil {
		return noEnrollment(w, r, st)
	}
	if polls(r) {
		waits, err := e.AwaitsDevice(r.Context())
		if err != nil {
			return err
		}
		return answered(w, r, !waits) // the page goes on, or shows another code in the place of one that has lapsed
	} else if !r.URL.Query().Has(paramAsked) {
		if r.Method == http.MethodGet {
			st.Log(e.event(r, "gd_start_enroll"))
		}
	} else if is, err := e.HasDevice(r.Context()); err != nil || is && e.kind == mfa.Push {
		if err != nil {
			return err
		}
		return d.confirmTicket(w, r, st, e)
	}
	return d.renderTicket(w, r, st, e, http.StatusOK, nil)
}

func (e *enrollment) event(r *http.Request, kind string) stagedoor.LogEvent {
	return web.LogEvent(r, stagedoor.LogEvent{Type: kind, UserID: e.user.ID, UserName: e.user.Shown(), Connection: e.user.Connection})
}

func (d *Door) renderTicket(w http.ResponseWriter, r *http.Request, st *store.Store, e *enrollment, status int, problems ui.Problems) error {
	form, other := ui.Form{Action: e.link(e.kind)}, ""
	if len(e.kinds) > 1 {
		other = e.link("")
	}
	switch {
	case e.kind == "":
		o := ui.FactorsPage{Frame: e.frame, Form: form, Enroll: true}
		for _, kind := range e.kinds {
			o.Choices = append(o.Choices, ui.FactorLink{Kind: kind, URL: e.link(kind)})
		}
		page.Render(w, status, o)
		return nil
	case mfa.IsKey(e.kind):
		options, err := e.BeginKey(r.Context(), e.party, e.user, e.kind, e.until)
		if err != nil && !stagedoor.HasCode(err, "keys_unavailable") {
			return err
		}
		page.Render(w, status, ui.KeyPage{
			Frame: e.frame, Form: form, Problems: problems, Device: e.kind == mfa.Platform, Enroll: true, Options: string(options), Failed: keyFailure(r), OtherURL: other,
		})
		return nil
	}
	if e.kind == mfa.Push {
		uri, err := d.Pipeline.BeginPush(r.Context(), visit(r, st), e.Enrollment, e.user, "", e.until)
		if err != nil {
			return err
		}
		o, err := pushEnrollPage(uri)
		o.Frame, o.Form, o.AskURL, o.NextURL, o.OtherURL, o.InboxURL = e.frame, form, e.link(e.kind)+"&"+paramPoll+"=1", e.link(e.kind)+"&"+paramAsked+"=1", other, inboxOf(st)
		if err == nil {
			page.Render(w, status, o)
		}
		return err
	}
	if mfa.IsSent(e.kind) {
		return e.renderSent(w, r, st, form, other, status, problems)
	}
	secret, err := e.Begin(r.Context(), e.until)
	if err != nil {
		return err
	}
	o, err := enrollPage(secret, page.TenantName(st), e.user)
	if err != nil {
		return err
	}
	o.Frame, o.Form, o.Problems, o.OtherURL = e.frame, form, problems, other
	toggles(r, &o)
	page.Render(w, status, o)
	return nil
}

// noEnrollment tells that the link does not work.
func noEnrollment(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	reason, t, err := spent(r, st, r.URL.Query().Get(paramTicket), stagedoor.TicketEnrollment)
	if err != nil {
		return err
	}
	o := brokenTicket(r, st, stagedoor.TicketEnrollment, reason, nil)
	if t != nil && t.ResultURL != "" { // from the account page
		o.ContinueURL = accountPath
	}
	page.Render(w, http.StatusBadRequest, o)
	return nil
}

// ticketEnroll takes the form of the page. The ticket is used up by a code that is right: of two requests with one, one makes the enrolment.
func (d *Door) ticketEnroll(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	e, err := d.enrollment(r, st)
	if err != nil {
		return err
	}
	if e == nil {
		return noEnrollment(w, r, st)
	}
	if mfa.IsSent(e.kind) && !r.PostForm.Has(ui.FieldCode) {
		return d.sendTicketCode(w, r, st, e)
	}
	if e.kind == mfa.Push { // a code that has lapsed gives way to another one
		if is, err := e.HasDevice(r.Context()); err != nil {
			return err
		} else if !is {
			return d.renderTicket(w, r, st, e, http.StatusOK, nil)
		}
	}
	if problems := e.missing(r); problems != nil || e.kind == "" {
		return d.renderTicket(w, r, st, e, http.StatusBadRequest, problems)
	}
	return d.confirmTicket(w, r, st, e)
}

// confirmTicket takes the proof that the person has what they set up.
func (d *Door) confirmTicket(w http.ResponseWriter, r *http.Request, st *store.Store, e *enrollment) error {
	status, problems := http.StatusBadRequest, ui.Problems(nil)
	recovery, err := e.confirm(r)
	switch {
	case mfa.IsPending(err):
		return d.renderTicket(w, r, st, e, http.StatusOK, nil)
	case stagedoor.IsKind(err, stagedoor.NotFound), stagedoor.HasCode(err, "already_enrolled"):
		return noEnrollment(w, r, st)
	case err != nil:
		if status, problems = wrongCode(err); problems == nil {
			return err
		}
		failed := e.event(r, "gd_auth_failed")
		if mfa.IsKey(e.kind) {
			failed.Type = "gd_webauthn_enrollment_failed"
		}
		if status == http.StatusTooManyRequests {
			failed.Type = "gd_otp_rate_limit_exceed"
		}
		failed.Description, failed.Details = stagedoor.AsError(err).Message, stagedoor.FactorFailure(err)
		st.Log(failed)
		return d.renderTicket(w, r, st, e, status, problems)
	}
	st.Log(e.event(r, "gd_enrollment_complete"))
	next := st.Tenant().Settings.DefaultRedirectionURI
	if e.resultURL != "" { // from the account page
		next = e.resultURL
	}
	d.Pipeline.FactorChanged(r.Context(), visit(r, st), e.user.ID, "factor")
	page.Render(w, http.StatusOK, ui.EnrolledPage{Frame: e.frame, Code: mfa.Spaced(recovery), ContinueURL: next})
	return nil
}

// missing is what the form lacks.
func (e *enrollment) missing(r *http.Request) ui.Problems {
	if e.kind == mfa.Push {
		return nil
	}
	if !mfa.IsKey(e.kind) {
		return missingCode(text(r, ui.FieldCode))
	}
	if r.PostFormValue(ui.FieldKey) == "" {
		return ui.Problems{{Code: "missing_key"}}
	}
	return nil
}

// confirm takes the proof that the person has what they set up.
func (e *enrollment) confirm(r *http.Request) (recovery string, err error) {
	if mfa.IsKey(e.kind) {
		return e.ConfirmKey(r.Context(), e.party, e.user, e.kind, []byte(r.PostFormValue(ui.FieldKey)))
	}
	if e.kind == mfa.Push {
		return e.ConfirmDevice(r.Context())
	}
	if mfa.IsSent(e.kind) {
		return e.ConfirmCode(r.Context(), e.kind, text(r, ui.FieldCode))
	}
	return e.Confirm(r.Context(), text(r, ui.FieldCode))
}
