package login

import (
	"context"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/ui"
)

// MailCode sends a mail with a code or a link to sign in with: by the connection's own template, else by the tenant's
// auth_email_by_code, else in our words. Nobody waits for it.
func (d *Door) MailCode(ctx context.Context, v pipeline.Visit, m pipeline.CodeMail) {
	d.later(ctx, v.Store, func(ctx context.Context) error {
		l := page.Letter{
			Kind: ui.CodeEmail, Lang: v.Language, User: m.User, Client: m.Client, Data: ui.MailData{
				Tenant: page.TenantName(v.Store), Email: m.To, Code: m.Code, Expires: m.Life, SupportURL: page.Support(v.Store),
			},
			Vars: map[string]any{
				"send": "code", "code": m.Code, "link": "", "email": m.To, "operation": "login", "connection": m.Connection.Name,
				"scope": m.Params["scope"], "response_type": m.Params["response_type"], "redirect_uri": m.Params["redirect_uri"], "state": m.Params["state"],
			},
		}
		if m.Link != "" {
			l.Kind, l.Data.Code, l.Data.Link = ui.LinkEmail, "", m.Link
			l.Vars["send"], l.Vars["code"], l.Vars["link"] = "link", "", m.Link
		}
		own := m.Connection.Passwordless().Email
		template := &stagedoor.EmailTemplate{
			Template: "of the connection " + m.Connection.Name, Body: pipeline.Macros(own.Body), From: pipeline.Macros(own.From), Subject: pipeline.Macros(own.Subject), Enabled: true,
		}
		if own.Body == "" {
			var err error
			if template, err = page.Template(ctx, v.Store, ui.CodeEmail); err != nil {
				return err
			}
		}
		return d.postBy(ctx, v.Store, l, template)
	})
}
