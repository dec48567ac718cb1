package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
)

// maxRetries is how often a message is tried again that the tenant's code wants to be tried again (extensibility fact sheet 3.9).
const maxRetries = 5

// mailTypes are what code that delivers mails knows as something else than those who write the templates.
var mailTypes = map[string]string{"user_invitation": "organization_invitation", "auth_email_by_code": "verification_code"}

// SendMail lets the tenant's own code deliver a mail. It tells whether there is such code: without, nothing has been done.
func (p *Pipeline) SendMail(ctx context.Context, st *store.Store, m mail.Message) (bool, error) {
	v := ownVisit(st)
	all, err := p.bound(ctx, v, script.CustomEmailProvider)
	if err != nil || len(all.bound) == 0 {
		return false, err
	}
	kind := m.Kind
	if other := mailTypes[kind]; other != "" {
		kind = other
	}
	event, err := notificationEvent(v, about{m.About.User, m.About.Client, m.About.Organization, "email", m.To}, map[string]any{
		"from": m.From, "to": m.To, "subject": m.Subject, "html": m.HTML, "text": m.Text, "locale": m.About.Locale, "message_type": kind,
	})
	if err != nil {
		return true, err
	}
	return true, p.deliver(ctx, all, event, "email", m.Kind, m.To)
}

// PhoneMessage is a text on its way to a phone.
type PhoneMessage struct {
	Kind         string // otp_verify, otp_enroll, blocked_account, change_password, password_breach
	To           string
	From         string // may be empty
	Text, Voice  string // as it is written, as it is spoken
	Code         string // that is in it; may be empty
	Method       string // text or voice
	Locale       string
	User         *stagedoor.User         // nil if unknown
	Client       *stagedoor.Client       // nil if unknown
	Organization *stagedoor.Organization // nil if none
}

// SendPhone lets the tenant's code deliver a message: that of the custom phone provider where that is the provider, else, for codes of a
// second factor, the hook and the actions of send-phone-message. It tells whether there is such code: without, nothing has been done.
func (p *Pipeline) SendPhone(ctx context.Context, v Visit, m PhoneMessage, custom bool) (bool, error) {
	if custom {
		all, err := p.bound(ctx, v, script.CustomPhoneProvider)
		if err != nil || len(all.bound) == 0 {
			return false, err
		}
		notification := map[string]any{
			"recipient": m.To, "as_text": m.Text, "as_voice": m.Voice, "delivery_method": m.Method, "message_type": m.Kind,
		}
		set(notification, map[string]string{"code": m.Code, "from": m.From, "locale": m.Locale})
		event, err := notificationEvent(v, about{m.User, m.Client, m.Organization, "phone_number", m.To}, notification)
		if err != nil {
			return true, err
		}
		channel := m.Method
		if channel == "text" {
			channel = "sms"
		}
		return true, p.deliver(ctx, all, event, channel, m.Kind, m.To)
	}
	return p.sendFactor(ctx, v, m)
}

// sendFactor runs the hook and the actions of send-phone-message.
func (p *Pipeline) sendFactor(ctx context.Context, v Visit, m PhoneMessage) (bool, error) {
	action := map[string]string{"otp_enroll": "enrollment", "otp_verify": "second-factor-authentication"}[m.Kind]
	if action == "" {
		return false, nil
	}
	kind := "sms"
	if m.Method == "voice" {
		kind = "voice"
	}
	hookContext := map[string]any{
		"message_type": kind, "action": action, "language": m.Locale, "code": m.Code, "ip": v.IP, "user_agent": v.UserAgent,
		"client": map[string]any{}, "user": map[string]any{},
	}
	event := commonEvent(v, "POST", nil)
	event["user"] = nobody("phone_number", m.To)
	event["message_options"] = map[string]any{"action": action, "code": m.Code, "message_type": kind, "recipient": m.To, "text": m.Text}
	if c := m.Client; c != nil {
		event["client"] = eventClient(c)
		hookContext["client"] = map[string]any{"client_id": c.ID, "name": c.Name, "client_metadata": nonNil(c.Metadata)}
	}
	if u := m.User; u != nil {
		user, err := eventUser(u)
		if err != nil {
			return true, err
		}
		event["user"] = user
		hookContext["user"] = map[string]any{
			"user_id": u.ID, "name": u.Name, "email": u.Email, "user_metadata": metadata(u.UserMetadata), "app_metadata": metadata(u.AppMetadata),
		}
	}
	out, ran, err := p.hook(ctx, v, script.SendPhoneMessage, []any{m.To, m.Text}, hookContext)
	if err == nil && out.Failure != nil {
		err = scripted("extensibility_error", out.Failure.Message)
	}
	if err != nil {
		return true, err
	}
	all, err := p.bound(ctx, v, script.SendPhoneMessage)
	if err != nil || len(all.bound) == 0 {
		return ran, err
	}
	out, _, err = all.run(ctx, event, nil)
	if err == nil && out.Failure != nil {
		err = scripted("extensibility_error", out.Failure.Message)
	}
	return true, err
}

// about is whom a message is about.
type about struct {
	user         *stagedoor.User
	client       *stagedoor.Client
	organization *stagedoor.Organization
	to, address  string // the member of a user that says where the message goes, and where
}

// notificationEvent is event of the triggers that deliver messages.
func notificationEvent(v Visit, of about, notification map[string]any) (map[string]any, error) {
	event := commonEvent(v, "POST", nil)
	event["notification"] = notification
	s := v.Store.Tenant().Settings
	tenant := map[string]any{"id": v.Store.Tenant().ID}
	set(tenant, map[string]string{
		"friendly_name": s.FriendlyName, "logo_url": s.PictureURL, "support_email": s.SupportEmail, "support_url": s.SupportURL, "home_url": s.DefaultRedirectionURI,
	})
	event["tenant"] = tenant
	if of.client == nil {
		of.client = &stagedoor.Client{}
	}
	event["client"], event["user"] = eventClient(of.client), nobody(of.to, of.address)
	if of.organization != nil {
		event["organization"] = scriptOrganization(of.organization)
	}
	if of.user == nil {
		return event, nil
	}
	user, err := eventUser(of.user)
	event["user"] = user
	return event, err
}

// deliver runs the tenant's code over a message until it is delivered or dropped, or was tried too often.
func (p *Pipeline) deliver(ctx context.Context, all *actions, event map[string]any, channel, kind, to string) error {
	wait := p.RetryAfter
	if wait == 0 {
		wait = time.Second
	}
	for attempt := 0; ; attempt++ {
		out, _, err := all.run(ctx, event, nil)
		if err != nil {
			return err
		}
		if out.Failure != nil {
			return scripted("extensibility_error", out.Failure.Message)
		}
		var reason string
		switch {
		case out.Effects.Answer("drop", &reason):
			all.visit.Log(stagedoor.LogEvent{
				Type: "fn", Description: "The message " + kind + " was dropped: " + reason, Details: stagedoor.NotificationDetails(channel, kind, to, reason),
			})
			return nil
		case !out.Effects.Answer("retry", &reason):
			return nil
		case attempt == maxRetries:
			return scripted("extensibility_error", "The message was tried too often: "+reason)
		}
		select {
		case <-time.After(wait << attempt):
		case <-ctx.Done():
			return errors.Join(scripted("extensibility_error", "The message could not be tried again: "+reason), ctx.Err())
		}
	}
}

// ownVisit is a visit of nobody's: what happens is not part of a request.
func ownVisit(st *store.Store) Visit {
	domain := st.Tenant().Domain()
	return Visit{Store: st, Issuer: "https://" + domain + "/", Hostname: domain}
}
