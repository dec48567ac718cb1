package login

import (
	"context"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
)

// ThroughScripts returns the function that has the mails of a tenant delivered by its own code, where its e-mail provider is custom and an
// action is bound to custom-email-provider; all others go the usual way. The development inbox comes first.
func ThroughScripts(p *pipeline.Pipeline, usual func(context.Context, *store.Store, mail.Message) error) func(context.Context, *store.Store, mail.Message) error {
	return func(ctx context.Context, st *store.Store, m mail.Message) error {
		if st.Tenant().Settings.Local.DevelopmentInbox {
			return usual(ctx, st, m)
		}
		var provider stagedoor.EmailProvider
		if err := st.Setting(ctx, stagedoor.SettingEmailProvider, &provider); err != nil {
			return err
		}
		if provider.Name != "custom" || !provider.Enabled {
			return usual(ctx, st, m)
		}
		own := m
		if own.From == "" {
			own.From = sentBy(st, provider.From)
		}
		if err := own.Validate(); err != nil {
			return err
		}
		if sent, err := p.SendMail(ctx, st, own); sent || err != nil {
			return err
		}
		return usual(ctx, st, m)
	}
}
