package page

import (
	"context"
	"fmt"
	"maps"
	netmail "net/mail"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/html"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/liquid"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// Letter is a mail to one person: in the tenant's own words where it wrote a template for it, else in ours.
type Letter struct {
	Kind         ui.MailKind
	Lang         string                  // wanted languages, the most wanted first; see MailLanguage
	Data         ui.MailData             // of our own text; Link and Email are also those of the template
	User         *stagedoor.User         // nil if there is none yet
	Client       *stagedoor.Client       // nil if unknown
	Organization *stagedoor.Organization // nil if none
	From         string                  // address of the network of who caused the mail; empty if that is not told
	Vars         map[string]any          // further variables of the template
}

// templates are the names of the templates of a kind of mail, in the order in which they count: old tenants use old names.
var templates = map[ui.MailKind][]string{ui.ResetEmail: {"reset_email", "change_password", "password_reset"}}

// Template returns the tenant's own template of a kind of mail, switched on or off, or nil if it wrote none.
func Template(ctx context.Context, st *store.Store, kind ui.MailKind) (*stagedoor.EmailTemplate, error) {
	names := templates[kind]
	if names == nil {
		names = []string{string(kind)}
	}
	var off *stagedoor.EmailTemplate
	for _, name := range names {
		var t stagedoor.EmailTemplate
		if err := st.Setting(ctx, stagedoor.SettingEmailTemplate+name, &t); err != nil {
			return nil, err
		}
		if t.Enabled {
			return &t, nil
		}
		if t.Template != "" && off == nil {
			off = &t
		}
	}
	return off, nil
}

// Write writes the letter by the template, which may be nil or switched off. A template that fails is told to the operator and the tenant's log;
// the person gets our own text then.
func (l Letter) Write(ctx context.Context, st *store.Store, t *stagedoor.EmailTemplate) (mail.Message, error) {
	if l.Data.Client == "" && l.Client != nil && !l.Client.Global {
		l.Data.Client = l.Client.Name
	}
	if t != nil && t.Enabled {
		m, err := l.own(ctx, st, t)
		if err == nil {
			return m, nil
		}
		web.Logger(ctx).WarnContext(ctx, "a template of a mail fails", "tenant", st.Tenant().ID, "template", t.Template, "error", err)
		st.Log(stagedoor.LogEvent{
			Type: "fn", Description: "The template " + t.Template + " fails, the mail was sent in other words: " + err.Error(),
			Details: stagedoor.NotificationDetails("email", t.Template, l.Data.Email, err.Error()),
		})
	}
	lang := l.language(ctx, st)
	subject, text, html, err := ui.Mail(l.Kind, lang, l.Data)
	return mail.Message{To: l.Data.Email, Subject: subject, Text: text, HTML: html, Kind: string(l.Kind), About: l.about(lang)}, err
}

func (l Letter) about(lang string) mail.About {
	return mail.About{User: l.User, Client: l.Client, Organization: l.Organization, Locale: lang}
}

// Try writes the letter by a template, whose failure the caller hears.
func (l Letter) Try(ctx context.Context, st *store.Store, t *stagedoor.EmailTemplate) (mail.Message, error) {
	return l.own(ctx, st, t)
}

func (l Letter) own(ctx context.Context, st *store.Store, t *stagedoor.EmailTemplate) (mail.Message, error) {
	m := mail.Message{To: l.Data.Email, Kind: string(l.Kind), HTML: t.Body, About: l.about(l.language(ctx, st))}
	vars := l.vars(ctx, st)
	subject := t.Subject
	if t.Syntax == "" || t.Syntax == "liquid" {
		var err error
		if m.HTML, err = liquid.HTML(ctx, t.Body, vars, liquid.DefaultLimits); err != nil {
			return m, fmt.Errorf("its body: %w", err)
		}
		if subject, err = liquid.Text(ctx, t.Subject, vars, liquid.DefaultLimits); err != nil {
			return m, fmt.Errorf("its subject: %w", err)
		}
		if m.From, err = liquid.Text(ctx, t.From, vars, liquid.DefaultLimits); err != nil {
			return m, fmt.Errorf("its sender: %w", err)
		}
	} else {
		m.From = t.From
	}
	if _, err := netmail.ParseAddress(m.From); err != nil {
		m.From = ""
	}
	if m.Subject = strings.Join(strings.Fields(subject), " "); m.Subject == "" { // tools write down templates without one where nobody has chosen any
		var err error
		if m.Subject, _, _, err = ui.Mail(l.Kind, l.language(ctx, st), l.Data); err != nil {
			return m, err
		}
	}
	m.Text = plain(m.HTML)
	probe := m
	if probe.From == "" {
		probe.From = "someone@localhost.test" // who delivers puts the sender in
	}
	return m, probe.Validate()
}

// ResultURL is where the link of a mail leads in the end, as the template says; empty if it says nothing, or nothing that a browser may be sent to.
func (l Letter) ResultURL(ctx context.Context, st *store.Store, t *stagedoor.EmailTemplate) string {
	if t == nil || !t.Enabled || t.ResultURL == "" {
		return ""
	}
	address, err := liquid.Text(ctx, t.ResultURL, l.vars(ctx, st), liquid.DefaultLimits)
	if address = strings.TrimSpace(address); address != "" && !strings.Contains(address, ":") && !strings.HasPrefix(address, "/") {
		address = "https://" + address // tools take the name of a host for an address
	}
	u, bad := url.Parse(address)
	if err != nil || bad != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	return u.String()
}

// Lifetime is how long the link of a mail works.
func Lifetime(t *stagedoor.EmailTemplate, otherwise time.Duration) time.Duration {
	if t == nil || !t.Enabled || t.LifetimeSeconds <= 0 {
		return otherwise
	}
	return time.Duration(t.LifetimeSeconds) * time.Second
}

// vars are the variables of a tenant's template.
func (l Letter) vars(ctx context.Context, st *store.Store) map[string]any {
	s := &st.Tenant().Settings
	look := lookOf(ctx, st)
	logo := Logo(st, look)
	vars := mail.About{User: l.User, Client: l.Client, Organization: l.Organization}.Vars()
	maps.Copy(vars, mail.Said(map[string]any{
		"url": l.Data.Link, "link": l.Data.Link, "code": l.Data.Code, "email": l.Data.Email, "tenant": st.Tenant().ID, "friendly_name": TenantName(st), "support_email": s.SupportEmail,
		"support_url": s.SupportURL, "picture_url": logo, "logo_url": logo, "home_url": s.DefaultRedirectionURI, "request_language": l.requested(ctx, st),
		"branding": map[string]any{"logo_url": logo, "colors": map[string]any{"primary": Brand(st, look).Primary}},
	}))
	if l.User == nil {
		vars["user"] = map[string]any{"email": l.Data.Email}
	} else {
		vars["connection"] = map[string]any{"name": l.User.Connection}
	}
	if user, is := vars["user"].(map[string]any); is && l.From != "" {
		user["source_ip"] = l.From
		if place := st.PlaceIn(l.From, l.language(ctx, st)); place != nil {
			maps.Copy(user, mail.Said(map[string]any{"city": place.CityName, "country": place.CountryName}))
		}
	}
	if domain := l.domain(ctx, st); domain != nil {
		vars["custom_domain"] = domain
	}
	maps.Copy(vars, l.Vars)
	return vars
}

// domain is the custom domain to which the mail leads, and else under which the tenant is known; nil if that is none.
func (l Letter) domain(ctx context.Context, st *store.Store) map[string]any {
	host := st.Tenant().Domain()
	if u, err := url.Parse(l.Data.Link); err == nil && u.Host != "" {
		host = u.Host
	}
	d, err := store.CustomDomainOf(ctx, st, web.Hostname(host))
	if err != nil {
		web.Logger(ctx).WarnContext(ctx, "the custom domains cannot be read", "tenant", st.Tenant().ID, "error", err)
	}
	if d == nil {
		return nil
	}
	return map[string]any{"domain": d.Domain, "domain_metadata": asJSON(d.Metadata)}
}

// plain is what a mail of HTML says to readers of text: its words, with the addresses of its links behind them.
func plain(source string) string {
	var out strings.Builder
	var href string
	z := html.NewTokenizer(strings.NewReader(source))
	hidden := 0
	for {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			if text := tidy(out.String()); text != "" {
				return text
			}
			return "-" // a text is needed
		case html.TextToken:
			if hidden == 0 {
				out.WriteString(strings.Join(strings.Fields(" "+string(z.Text())+" "), " ") + " ")
			}
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			switch string(name) {
			case "style", "script", "head", "title":
				if kind == html.StartTagToken {
					hidden++
				} else if hidden > 0 {
					hidden--
				}
			case "a":
				if kind == html.EndTagToken && href != "" {
					out.WriteString("( " + href + " ) ")
					href = ""
				}
				for kind == html.StartTagToken {
					key, value, more := z.TagAttr()
					if string(key) == "href" {
						href = string(value)
					}
					if !more {
						break
					}
				}
			case "p", "br", "div", "tr", "li", "h1", "h2", "h3", "table":
				out.WriteString("\n")
			}
		}
	}
}

// tidy trims lines and keeps one empty line of many.
func tidy(text string) string {
	var lines []string
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line != "" || len(lines) > 0 && lines[len(lines)-1] != "" {
			lines = append(lines, line)
		}
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}
