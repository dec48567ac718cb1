package login_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/login"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// setting puts the members of a JSON object into a group of the tenant's settings.
func (w *world) setting(name, members string) {
	w.Helper()
	w.ok(w.st.ChangeSetting(w.Context(), name, func(kept map[string]any) error {
		clear(kept)
		return json.Unmarshal([]byte(members), &kept)
	}))
	w.st = w.handle()
}

// template writes one of the tenant's mails; members are those of the body besides name and syntax.
func (w *world) template(name, members string) {
	w.Helper()
	w.setting(stagedoor.SettingEmailTemplate+name, `{"template":"`+name+`","syntax":"liquid",`+members+`}`)
}

func TestOwnMails(t *testing.T) {
	each(t, func(w *world) {
		w.template("verify_email", `"enabled":true,"from":"{{ application.name }} <hi@acme.example>","subject":"{{ friendly_name }}:\n hello {{ user.email }}",
			"body":"<style>p{}</style><p>Dear {{ user.nickname }} of {{ application.name }} at {{ tenant }}, <a href=\"{{ url }}\">prove it</a></p>{% if user.user_metadata.lang == 'de' %}Hallo{% endif %}",
			"resultUrl":"https://app.example/done?user={{ user.email | url_encode }}","urlLifetimeInSeconds":3600,"includeEmailInRedirect":true`)
		w.template("welcome_email", `"enabled":true,"from":"","subject":"Welcome {{ user.email }}","body":"<h1>Welcome to {{ friendly_name }}</h1>"`)
		b := w.browser()
		b.json("/dbconnections/signup", `{"client_id":"app","connection":"Users","email":"new@example.com","password":"`+good+`","nickname":"<b>Eve</b>","user_metadata":{"lang":"de"}}`).want(http.StatusOK)
		m := w.mails()[0]
		if m.From != "Mixtape <hi@acme.example>" || m.Subject != "Acme Records: hello new@example.com" || !strings.Contains(m.HTML, "Dear &lt;b&gt;Eve&lt;/b&gt; of Mixtape at acme") ||
			!strings.Contains(m.HTML, "Hallo") || !strings.Contains(m.Text, "Dear <b>Eve</b> of Mixtape") || !strings.Contains(m.Text, "prove it ( https://acme.test/u/email-verification?ticket=") {
			w.Fatalf("mail %+v", m)
		}
		link := w.link()
		w.wait(30 * time.Minute)
		to, err := url.Parse(w.browser().get(link).want(http.StatusFound).header.Get("Location"))
		w.ok(err)
		if q := to.Query(); to.Host != "app.example" || q.Get("user") != "new@example.com" || q.Get("email") != "new@example.com" || q.Get("success") != "true" {
			w.Errorf("led to %s", to)
		}
		if m := w.mails()[0]; m.Subject != "Welcome new@example.com" || m.Text != "Welcome to Acme Records" || m.Kind != "welcome_email" {
			w.Errorf("welcome %+v", m)
		}

		w.template("reset_email", `"enabled":true,"from":"","subject":"Reset","body":"{{ url }}","urlLifetimeInSeconds":60`)
		b = w.browser()
		b.forget()
		link = w.link()
		b.get(link).want(http.StatusOK)
		w.wait(2 * time.Minute)
		b.get(link).want(http.StatusBadRequest).says("expired")

		w.template("reset_email", `"enabled":true,"from":"","subject":"Reset","body":"{% for i in (1..100000000) %}x{% endfor %}"`)
		w.browser().forget()
		if m := w.mails()[0]; m.Subject != "Choose a new password for Acme Records" || !strings.Contains(w.events(), "fn") {
			w.Errorf("a template that fails: %+v %s", m, w.events())
		}
		for _, subject := range []string{"", " ", "{% if user.user_metadata.vip %}For you{% endif %}"} { // as tools write down templates of which only the body was changed
			w.template("reset_email", `"enabled":true,"from":"","subject":"`+subject+`","body":"own words {{ url }}"`)
			w.browser().forget()
			if m := w.mails()[0]; m.Subject != "Choose a new password for Acme Records" || !strings.HasPrefix(m.Text, "own words") {
				w.Errorf("the subject %q: %+v", subject, m)
			}
		}
		w.template("reset_email", `"enabled":false,"from":"","subject":"Reset","body":"x"`)
		w.browser().forget()
		if m := w.mails()[0]; m.Subject != "Choose a new password for Acme Records" {
			w.Errorf("switched off: %+v", m)
		}
		w.template("verify_email", `"enabled":false,"body":"x"`)
		before := len(w.mails())
		w.browser().json("/dbconnections/signup", `{"client_id":"app","connection":"Users","email":"quiet@example.com","password":"`+good+`"}`).want(http.StatusOK)
		if len(w.mails()) != before {
			w.Errorf("a mail that is switched off was sent: %+v", w.mails()[0])
		}
		w.ok(w.door.SendVerification(w.Context(), w.st, w.found("quiet@example.com"), "app", ""))
		if m := w.mails()[0]; m.Subject != "Verify your email for Mixtape" { // who asks for it gets it
			w.Errorf("asked for: %+v", m)
		}
	})
}

// TestWhatMailsMayName is what the wire documents of the variables of mails. What is not set is absent: conditions in tenants' templates ask for it.
func TestWhatMailsMayName(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.Context()
		_, err := w.st.UpdateClient(ctx, "app", func(c *stagedoor.Client) error { c.Metadata = map[string]string{"brand": "two"}; return nil })
		w.ok(err)
		w.configure(func(s *stagedoor.TenantSettings) { s.PictureURL = "https://acme.example/logo.png" })
		w.ok(store.CustomDomains.Create(ctx, w.st, &stagedoor.CustomDomain{Domain: "acme.test", Status: stagedoor.DomainReady, Metadata: map[string]string{"brand": "one"}}))
		org := &stagedoor.Organization{ID: "org_1", Name: "band", Branding: &stagedoor.OrganizationBranding{LogoURL: "https://band.example/logo.png"}}
		w.ok(w.st.CreateOrganization(ctx, org, nil))
		mailed := func(body string, send func() error) string {
			w.Helper()
			for _, name := range []string{"verify_email", "enrollment_email", "blocked_account"} {
				w.template(name, `"enabled":true,"from":"","subject":"x","body":`+must(jsonText(body)))
			}
			w.ok(send())
			return w.mails()[0].Text
		}
		u := w.found("ada@example.com")
		u.GivenName, u.EmailVerified = "", false
		verify := func() error { return w.door.SendVerification(ctx, w.st, u, "app", "org_1") }
		for body, want := range map[string]string{
			"{{ application.client_metadata.brand }} {{ client.name }} {{ client.callback_domain }} {{ custom_domain.domain }} {{ custom_domain.domain_metadata.brand }}": "two Mixtape https://app.example acme.test one",
			"{{ organization.id }} {{ organization.branding.logo_url }}{% if organization.display_name %}!{% endif %}":                                                    "org_1 https://band.example/logo.png",
			"{% if user.given_name %}Hi {{ user.given_name }}{% else %}Hello{% endif %}{% if support_url %} {{ support_url }}{% endif %} {{ logo_url }}":                  "Hello https://acme.example/logo.png",
			"{% if user.given_name != blank %}Hi{% endif %}{% unless support_url %}none{% endunless %}":                                                                   "none",
		} {
			if got := mailed(body, verify); got != want {
				w.Errorf("%s says %q", body, got)
			}
		}
		if got := mailed("{{ link }}", func() error { return w.door.SendEnrollment(ctx, w.st, u, "ada@home.test", "", origin+"/x", time.Hour) }); got != origin+"/x" {
			w.Errorf("the link of a second factor: %s", got)
		}
		got := mailed("{{ user.source_ip }} {{ user.email }} {{ url }}", func() error {
			w.door.SendBlocked(ctx, pipeline.Visit{Store: w.st, Issuer: origin + "/", IP: "192.0.2.7"}, w.conn, u, "app")
			return nil
		})
		if !strings.HasPrefix(got, "192.0.2.7 ada@example.com "+origin+"/u/unblock?ticket=") {
			w.Errorf("of a blocked account: %s", got)
		}
	})
}

// postOffice takes one mail by SMTP and returns it.
func postOffice(t *testing.T) (port int, taken chan string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	taken = make(chan string, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		in := bufio.NewReader(conn)
		fmt.Fprint(conn, "220 post ESMTP\r\n")
		var data strings.Builder
		for reading := false; ; {
			line, err := in.ReadString('\n')
			switch {
			case err != nil:
				return
			case reading && line == ".\r\n":
				reading = false
				fmt.Fprint(conn, "250 ok\r\n")
				taken <- data.String()
			case reading:
				data.WriteString(line)
			case strings.HasPrefix(line, "DATA"):
				reading = true
				fmt.Fprint(conn, "354 go\r\n")
			case strings.HasPrefix(line, "QUIT"):
				fmt.Fprint(conn, "221 bye\r\n")
				return
			default:
				fmt.Fprint(conn, "250 ok\r\n")
			}
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port, taken
}

func TestOwnProvider(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.configure(func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox = false })
	port, taken := postOffice(t)
	fallback := mail.NewMemory(5)
	deliver := login.Deliver(fallback, "Server <server@x.test>", mail.Outside{Dial: new(net.Dialer).DialContext}, slog.New(slog.NewTextHandler(w.log, nil)))
	m := mail.Message{To: "ada@example.com", Subject: "Hi", Text: "text"}
	provider := func(members string) { w.setting(stagedoor.SettingEmailProvider, members) }

	provider(fmt.Sprintf(`{"name":"smtp","enabled":true,"default_from_address":"Acme <hi@acme.example>","credentials":{"smtp_host":"127.0.0.1","smtp_port":%d},"settings":{"headers":{"X-Tag":"acme"}}}`, port))
	w.ok(deliver(w.Context(), w.st, m))
	if got := <-taken; !strings.Contains(got, `From: "Acme" <hi@acme.example>`) || !strings.Contains(got, "X-Tag: acme") || len(fallback.Messages()) != 0 {
		t.Errorf("sent %s", got)
	}
	provider(`{"name":"smtp","enabled":false,"credentials":{"smtp_host":"127.0.0.1","smtp_port":1}}`)
	w.ok(deliver(w.Context(), w.st, m))
	provider(`{"name":"custom","enabled":true,"default_from_address":"hi@acme.example","credentials":{}}`)
	w.ok(deliver(w.Context(), w.st, m))
	if got := fallback.Messages(); len(got) != 2 || got[1].From != `"Server" <server@x.test>` || !strings.Contains(got[0].From, "hi@acme.example") || !strings.Contains(w.log.String(), "cannot be used") {
		t.Errorf("through the server: %+v %s", got, w.log.String())
	}
	provider(`{"name":"smtp","enabled":true,"credentials":{"smtp_host":"127.0.0.1","smtp_port":1,"smtp_pass":"s3cret"}}`)
	if err := deliver(context.Background(), w.st, m); err == nil || strings.Contains(err.Error(), "s3cret") || len(fallback.Messages()) != 2 {
		t.Errorf("a provider that cannot be reached: %v", err)
	}
}
