package page

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/liquid"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// IdentifierFirst tells whether the tenant asks who somebody is before it asks for a password.
func IdentifierFirst(r *http.Request, st *store.Store) bool {
	return lookOf(r.Context(), st).IdentifierFirst
}

// words puts into a frame what the tenant says in its own words: in the language that it enabled and the request prefers.
func words(r *http.Request, st *store.Store, look *stagedoor.Look, f *ui.Frame) {
	tags := languages(r.Context(), st)
	f.Lang = ui.Match(tags, Wishes(r)...)
	f.Own = ownTexts(look, f.Lang)
	if here := address(r); here != "" {
		f.Languages, f.Here = ui.Choices(tags, f.Lang), here
	}
	vars := map[string]any{"application": map[string]any{"name": f.Client.Name}, "tenant": map[string]any{"friendly_name": f.Tenant}, "locale": f.Lang}
	for prompt, screens := range look.Partials {
		for point, source := range screens[prompt] {
			html, err := liquid.HTML(r.Context(), source, vars, liquid.DefaultLimits)
			if err != nil {
				web.Logger(r.Context()).WarnContext(r.Context(), "a partial of a page fails", "tenant", st.Tenant().ID, "prompt", prompt, "point", point, "error", err)
				continue
			}
			if f.Inserts == nil {
				f.Inserts = map[string]string{}
			}
			f.Inserts[prompt+"/"+point] = html
		}
	}
}

// ourPages are never set into a tenant's frame: they are for developers, or must work when a template does not.
var ourPages = []string{"error", "welcome", "inbox", "mail"}

// ownPage is a page in the tenant's frame, or "" where it has none that works.
func ownPage(w http.ResponseWriter, p ui.Page) string {
	framed, is := p.(interface{ Of() ui.Frame })
	if !is || framed.Of().Template == "" || slices.Contains(ourPages, ui.Name(p)) {
		return ""
	}
	f := framed.Of()
	screen := ui.Screen{}
	if screened, is := p.(ui.Screened); is {
		screen = screened.Screen()
	}
	if screen.Name == "" {
		screen.Prompt, screen.Name = ui.Name(p), ui.Name(p)
	}
	head, widget, err := ui.Parts(p)
	title := ""
	if err == nil {
		title, err = ui.Title(p) // HTML
	}
	if err == nil {
		var html string
		html, err = liquid.HTML(context.Background(), WithTags(f.Template), templateVars(f, screen, title, head, widget), liquid.DefaultLimits)
		if err == nil {
			return html
		}
	}
	web.WriterLogger(w).Warn("the tenant's page template fails", "tenant", f.Tenant, "error", err)
	return ""
}

// templateVars are what a page template may name. What is not set is absent, so that conditions and defaults work.
func templateVars(f ui.Frame, s ui.Screen, title, head, widget string) map[string]any {
	texts := f.ScreenTexts(s)
	if texts["pageTitle"] == nil {
		texts["pageTitle"] = liquid.Raw(title)
	}
	application := mail.Said(map[string]any{"name": f.Client.Name, "logo_uri": f.Client.Logo, "logo_url": f.Client.Logo})
	tenant := map[string]any{"friendly_name": f.Tenant}
	vars := map[string]any{
		"auth0_head": liquid.Raw(head), "auth0_widget": liquid.Raw(widget), "locale": f.Lang, "dir": f.Dir(), "application": application, "tenant": tenant,
		"branding": mail.Said(map[string]any{"logo_url": f.Logo, "colors": mail.Said(map[string]any{"primary": f.Brand.Primary, "page_background": f.Brand.Background})}),
		"prompt":   map[string]any{"name": s.Prompt, "screen": map[string]any{"name": s.Name, "texts": liquid.Object(texts)}},
	}
	if to, err := url.Parse(s.Form.Action); err == nil && to.Query().Has("state") {
		vars["state"] = to.Query().Get("state")
	}
	c := f.Custom
	if c == nil {
		return vars
	}
	maps.Copy(tenant, mail.Said(map[string]any{"support_email": c.SupportEmail, "support_url": c.SupportURL, "enabled_locales": enabledLocales(f)}))
	if c.Client != nil {
		application["id"], application["metadata"] = c.Client.ID, object(c.Client.Metadata)
	}
	if o := c.Organization; o != nil {
		vars["organization"] = mail.Said(map[string]any{
			"id": o.ID, "name": o.Name, "display_name": o.DisplayName, "metadata": object(o.Metadata), "branding": object(o.Branding),
		})
	}
	if u := c.User; u != nil { // what the wire tells of them: not app_metadata
		vars["user"] = mail.Said(map[string]any{
			"user_id": u.ID, "email": u.Email, "email_verified": u.EmailVerified, "username": u.Username, "name": u.Name, "nickname": u.Nickname,
			"given_name": u.GivenName, "family_name": u.FamilyName, "picture": u.Picture, "user_metadata": object(u.UserMetadata),
		})
	}
	if d := c.Domain; d != nil {
		vars["custom_domain"] = map[string]any{"domain": d.Domain, "domain_metadata": object(d.Metadata)}
	}
	return vars
}

// object is v as scripts in pages read it when it is put in whole.
func object(v any) liquid.Object {
	members, _ := asJSON(v).(map[string]any)
	if members == nil {
		members = map[string]any{}
	}
	return members
}

// enabledLocales are the languages of the tenant's pages, as templates read them.
func enabledLocales(f ui.Frame) string {
	if len(f.Languages) == 0 {
		return f.Lang
	}
	tags := make([]string, len(f.Languages))
	for i, l := range f.Languages {
		tags[i] = l.Tag
	}
	return strings.Join(tags, ", ")
}
