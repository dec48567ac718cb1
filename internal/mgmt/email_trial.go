package mgmt

import (
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/ui"
)

type mailTrialIn struct {
	To string `json:"to" schema:"required,min=1,max=254" doc:"The address that the mail goes to"`
}

// tryEmailTemplate sends a mail by one of the tenant's templates, be it switched on or not, to whom an administrator names: the mail itself shows what it looks like. It is
// about somebody made up: who may write templates may not read all people by that. Its link and its code open nothing.
func (a *API) tryEmailTemplate(c *call, in mailTrialIn) (any, error) {
	name, err := templateName(c)
	if err != nil {
		return nil, err
	}
	to, err := connection.NormalizeEmail(in.To)
	if err != nil {
		return nil, badProperty("to", "Object didn't pass validation for format email: "+bounded(in.To, 100))
	}
	var t stagedoor.EmailTemplate
	if err := c.store.Setting(c.ctx(), stagedoor.SettingEmailTemplate+name, &t); err != nil {
		return nil, err
	}
	if t.Template == "" {
		return nil, noEmailTemplate()
	}
	m, err := trialLetter(c, name, to).Try(c.ctx(), c.store, &t)
	if err != nil {
		return nil, bad("invalid_template", "The template cannot be rendered: "+bounded(err.Error(), 200))
	}
	var provider stagedoor.EmailProvider
	if err := c.store.Setting(c.ctx(), stagedoor.SettingEmailProvider, &provider); err != nil {
		return nil, err
	}
	if a.SendMail == nil || !a.MailServer && !provider.Enabled && !c.store.Tenant().Settings.Local.DevelopmentInbox {
		return nil, bad("no_email_provider", "There is nobody who could send the mail: the tenant has no e-mail provider that is switched on, and the server no mail server.")
	}
	if err := a.SendMail(c.ctx(), c.store, m); err != nil {
		c.log(stagedoor.LogEvent{Type: "fn", Description: "A mail could not be sent.", Details: stagedoor.NotificationDetails("email", name, to, "A mail could not be sent.")})
		return nil, &stagedoor.Error{Kind: stagedoor.Invalid, Code: "email_provider_error", Message: "The mail could not be sent. The log of the server says why.", Err: err}
	}
	return trialAnswer(), nil
}

// trialLetter is a letter to somebody made up, with all that a template of that name may have.
func trialLetter(c *call, name, to string) page.Letter {
	kind, link := ui.MailKind(name), "https://"+c.store.Tenant().Domain()+"/"
	if slices.Contains([]string{"change_password", "password_reset"}, name) {
		kind = ui.ResetEmail
	}
	l := page.Letter{
		Kind: kind, Lang: page.MailLanguage(c.r), From: "192.0.2.1",
		User: &stagedoor.User{
			ID: "auth0|0123456789abcdef01234567", Email: to, EmailVerified: true, Connection: "Username-Password-Authentication",
			Username: "ada", Name: "Ada Example", Nickname: "ada", GivenName: "Ada", FamilyName: "Example",
		},
		Client: &stagedoor.Client{ID: "0123456789abcdef0123456789abcdef", Name: "Your application"},
		Data:   ui.MailData{Tenant: tenantName(c), Email: to, Link: link, Code: trialCode, Inviter: "Ada Example", Joins: "Your organization", Change: "email"},
		Vars:   map[string]any{"change": "email"},
	}
	if kind == ui.Invitation {
		l.Organization = &stagedoor.Organization{ID: "org_0123456789abcdef", Name: "your-organization", DisplayName: "Your organization"}
		l.Vars = map[string]any{"inviter": map[string]any{"name": "Ada Example"}, "invitee": map[string]any{"email": to}, "roles": []string{}}
	}
	return l
}
