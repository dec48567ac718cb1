package login_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/ui"
)

func TestOwnWords(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.configure(func(s *stagedoor.TenantSettings) { s.EnabledLocales = []string{"en", "de", "pt-BR"} })
	w.setting(stagedoor.SettingCustomText, `{"login":{
		"en":{"login":{"title":"Hello <b>you</b>","description":"Enter ${clientName} of ${companyName}","passwordPlaceholder":"Secret","unknown":"x"}},
		"de":{"login":{"title":"Hallo","buttonText":"Hinein 100%","wrong-credentials":"Falsch"}}},
		"signup":{"en":{"signup":{"passwordPlaceholder":"Your new secret"}}},
		"consent":{"en":{"consent":{"title":"May it?"}}}}`)
	w.setting(stagedoor.SettingPartials, `{"login":{"login":{"form-content-start":"<p class=\"lead\">Only for {{ application.name }}</p>","form-footer-end":"{% for i in (1..100000000) %}x{% endfor %}"}},
		"signup":{"signup":{"form-content-end":"<p>terms</p>"}}}`)
	b := w.browser()
	page := b.begin().want(http.StatusOK).says("Hello <b>you</b>", "Enter Mixtape of Acme Records", "Secret", "Only for Mixtape").hides("<b>you", "Password")
	if !strings.Contains(page.body, `<h1>Hello &lt;b&gt;you&lt;/b&gt;</h1>`) || !strings.Contains(page.body, `Enter <strong><bdi>Mixtape</bdi></strong> of`) || !strings.Contains(page.body, `<html lang="en"`) {
		t.Errorf("page %s", page.body)
	}
	b.get(page.href("Create an account")).want(http.StatusOK).says("Your new secret", "terms")
	german := w.browser().begin("ui_locales", "fr de").want(http.StatusOK).says("Hallo", "Hinein 100%", "Passwort")
	if !strings.Contains(german.body, `<html lang="de"`) {
		t.Error("the page does not say that it is in German")
	}
}

const ownPage = `<!doctype html><html lang="{{ locale }}"><head>{%- auth0:head -%}<style>body{background:#abcdef}</style></head>
<body><header>{{ tenant.friendly_name }} for {{ application.name }}, {{ prompt.name }}</header>{%- auth0:widget -%}</body></html>`

func TestOwnPage(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.configure(func(s *stagedoor.TenantSettings) { s.FriendlyName = hostile })
	set := func(body string) {
		w.ok(w.st.ChangeSetting(w.Context(), stagedoor.SettingPageTemplate, func(kept map[string]any) error { kept["body"] = body; return nil }))
		w.st = w.handle()
	}
	set(ownPage)
	b := w.browser()
	page := b.begin().want(http.StatusOK)
	for _, want := range []string{`<style>body{background:#abcdef}</style>`, `for Mixtape, login</header>`, `<div class="stagedoor-widget"><main id="content">`, `stagedoor.`, `name="nonce"`} {
		if !strings.Contains(page.body, want) {
			t.Errorf("no %s in %s", want, page.body)
		}
	}
	if strings.Contains(page.body, "<script>alert") || page.header.Get("Content-Security-Policy") != ui.OwnCSP || page.header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("unsafe: %v %s", page.header, page.body)
	}
	b.submit(page, "username", "ada@example.com", "password", good).to() // the form works in there
	if got := b.get("/u/login?state=none").want(http.StatusBadRequest); strings.Contains(got.body, "abcdef") || got.header.Get("Content-Security-Policy") != ui.CSP {
		t.Error("our own error page is in the tenant's frame")
	}
	set(`{%- auth0:head -%}{%- auth0:widget -%}{% for i in (1..100000000) %}x{% endfor %}`)
	if got := w.browser().begin().want(http.StatusOK); !strings.Contains(got.body, `<body class="stage">`) {
		t.Error("a template that fails is not replaced by ours")
	}

	w.configure(func(s *stagedoor.TenantSettings) {
		s.ErrorPage = &stagedoor.ErrorPage{HTML: `<h1>Oops {{ error }}</h1><p>{{ error_description }} {{ tracking }} {{ friendly_name }}</p>`}
	})
	got := w.browser().get("/u/login?state=none").want(http.StatusBadRequest)
	if !strings.HasPrefix(got.body, "<h1>Oops lost_transaction</h1>") || strings.Contains(got.body, "<script>alert") || got.header.Get("Content-Security-Policy") != ui.OwnCSP {
		t.Errorf("own error page: %s", got.body)
	}
}

// TestWhatPageTemplatesMayName is what the wire documents of the variables of page templates. What is not set is absent.
func TestWhatPageTemplatesMayName(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	_, err := w.st.UpdateClient(w.Context(), "app", func(c *stagedoor.Client) error { c.Metadata = map[string]string{"brand": "</script>"}; return nil })
	w.ok(err)
	w.ok(store.CustomDomains.Create(w.Context(), w.st, &stagedoor.CustomDomain{Domain: "acme.test", Status: stagedoor.DomainReady, Metadata: map[string]string{"brand": "one"}}))
	w.configure(func(s *stagedoor.TenantSettings) { s.EnabledLocales = []string{"en", "de"} })
	shown := func(source string, path ...string) string {
		w.Helper()
		w.ok(w.st.ChangeSetting(w.Context(), stagedoor.SettingPageTemplate, func(kept map[string]any) error {
			kept["body"] = "<html><head>{%- auth0:head -%}</head><body>[[" + source + "]]{%- auth0:widget -%}</body></html>"
			return nil
		}))
		w.st = w.handle()
		b := w.browser()
		page := b.begin()
		for _, link := range path {
			page = b.get(page.href(link))
		}
		_, text, _ := strings.Cut(page.want(http.StatusOK).body, "[[")
		text, _, _ = strings.Cut(text, "]]")
		return text
	}
	for source, want := range map[string]string{
		"{{ application.id }} {{ application.metadata.brand }}":                                            "app &lt;/script&gt;",
		"{{ tenant.support_email }} {{ tenant.enabled_locales }}":                                          "help@acme.test en, de",
		"{{ custom_domain.domain }} {{ custom_domain.domain_metadata.brand }}":                             "acme.test one",
		"{{ prompt.name }} {{ prompt.screen.name }} {{ prompt.screen.texts.pageTitle }}":                   "login login Log in",
		"{{ prompt.screen.texts.buttonText }}{% if prompt.screen.texts.nonsense %}x{% endif %}":            "Log in",
		"{% if organization.id.size > 0 %}x{% endif %}{% if tenant.support_url %}x{% endif %}":             "",
		"{% if application.logo_url %}x{% endif %}{% if branding.colors.page_background %}x{% endif %}":    "",
		"{% if state.size > 20 %}long{% endif %}{% if user %}x{% endif %}{{ organization.metadata.brand}}": "long",
		"<script>var m = {{ application.metadata }}</script>":                                              `<script>var m = {"brand":"\u0026lt;/script\u0026gt;"}</script>`,
	} {
		if got := shown(source); got != want {
			t.Errorf("%s: %q", source, got)
		}
	}
	if got := shown("{{ prompt.name }} {{ prompt.screen.name }} {{ prompt.screen.texts.pageTitle }}", "Forgot your password?"); !strings.HasPrefix(got, "reset-password reset-password-request ") || len(got) < 45 {
		t.Error(got)
	}
	w.setting(stagedoor.SettingPrompts, `{"identifier_first":true}`)
	if got := shown("{{ prompt.name }} {{ prompt.screen.name }}"); got != "login-id login-id" {
		t.Error(got)
	}
}

func TestIdentifierFirst(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.setting(stagedoor.SettingPrompts, `{"identifier_first":true}`)
	b := w.browser()
	who := b.begin().want(http.StatusOK).says("Continue")
	if strings.Contains(who.body, `name="password"`) {
		t.Fatal("the password is asked for at once")
	}
	b.submit(who, "username", "").want(http.StatusBadRequest).says("Enter your email address.").hides("Enter your password.")
	for _, name := range []string{"nobody@example.com", "ada@example.com"} {
		page := b.submit(who, "username", name).want(http.StatusOK).says(name, "Log in", "Not you?")
		if strings.Contains(page.body, `name="username" type="email"`) || !strings.Contains(page.body, `name="password"`) {
			t.Errorf("second page: %s", page.body)
		}
		b.get(page.href("Not you?")).want(http.StatusOK).says("Continue")
		b.submit(page, "password", "wrong").want(http.StatusBadRequest).says("Wrong email or password.", name)
		if name == "ada@example.com" {
			b.submit(page, "password", good).to()
		}
	}
}

func TestBrandedPages(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.configure(func(s *stagedoor.TenantSettings) { s.Local.PrimaryColor = "#112233" })
	w.setting(stagedoor.SettingBranding, `{"colors":{"primary":"#445566","page_background":{"type":"linear-gradient","start":"#000000","end":"#ffffff","angle_deg":35}},
		"logo_url":"https://x.example/logo.png","favicon_url":"https://x.example/favicon.ico","font":{"url":"https://x.example/font.woff2"}}`)
	b := w.browser()
	page := b.get("/").want(http.StatusOK)
	for _, want := range []string{`<link rel="icon" href="https://x.example/favicon.ico">`, `/ui/brand.css?v=`} {
		if !strings.Contains(page.body, want) {
			t.Errorf("no %s in %s", want, page.body)
		}
	}
	css := b.get("/ui/brand.css").want(http.StatusOK)
	for _, want := range []string{"--accent: #445566", "linear-gradient(35deg, #000000, #ffffff)", `url("https://x.example/font.woff2")`} {
		if !strings.Contains(css.body, want) {
			t.Errorf("no %s in %s", want, css.body)
		}
	}
	w.setting(stagedoor.SettingBranding, `{}`)
	if css := b.get("/ui/brand.css"); !strings.Contains(css.body, "--accent: #112233") {
		t.Errorf("the older setting: %s", css.body)
	}
}

// TestPersonInPageTemplates: templates may name whoever has proved who they are, with user_metadata and without app_metadata; before, and while a second factor is
// waited for, they learn nothing.
func TestPersonInPageTemplates(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	_, err := w.st.UpdateUser(w.Context(), w.found("ada@example.com").ID, func(u *stagedoor.User) error {
		u.UserMetadata, u.AppMetadata = stagedoor.Metadata{"city": must(json.Marshal(hostile))}, stagedoor.Metadata{"plan": []byte(`"gold"`)}
		return nil
	})
	w.ok(err)
	w.ok(w.st.ChangeSetting(w.Context(), stagedoor.SettingPageTemplate, func(kept map[string]any) error {
		kept["body"] = `<html><head>{%- auth0:head -%}</head><body>[[{{ user.email }} {{ user.user_metadata.city }}{{ user.app_metadata.plan }}{% if user.name %}x{% endif %}]]
			<script>var m = {{ user.user_metadata }}</script>{%- auth0:widget -%}</body></html>`
		return nil
	}))
	w.st = w.handle()
	named, unnamed := "[[ada@example.com &#34;&#39;&gt;&lt;script&gt;", "[[ ]]"
	says := func(r *reply, want string) {
		t.Helper()
		if r.want(http.StatusOK); !strings.Contains(r.body, want) || strings.Contains(r.body, "<script>alert") || strings.Contains(r.body, "gold") {
			t.Errorf("not %s: %s", want, r.body)
		}
	}
	b := w.browser()
	says(b.begin(), unnamed)
	says(b.consent(), named)
	_, page := w.onAccount("ada@example.com")
	says(page, named)
	says(b.begin("prompt", "login"), unnamed)

	w.factors(always, "otp")
	b = w.browser()
	says(b.follow(b.submit(b.begin(), "username", "ada@example.com", "password", good).want(http.StatusSeeOther)), named) // who has no second factor sets one up
	w.enrolled()
	b = w.browser()
	says(b.follow(b.submit(b.begin(), "username", "ada@example.com", "password", good).want(http.StatusSeeOther)), unnamed)
}
