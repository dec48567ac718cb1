package ui

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/feature/plural"
)

// Families of keys whose last part is made at run time; what they may be is written beside them.
var families = []string{
	"problem.",                                            // error codes, handed in by doors
	"rule.",                                               // codes of password rules
	"scope.",                                              // scopes of OpenID Connect
	"consent.action.",                                     // first half of an API's scope
	"ticket.",                                             // TicketReason
	"mail.",                                               // MailKind and line
	"mfa.key.",                                            // kind of key and line
	"mfa.kind.",                                           // kind of factor
	"format.",                                             // ways to write dates
	"passkey.new.",                                        // line of PasskeyPage
	"passkey.local.",                                      // the same
	"tenantform.",                                         // words of a tenant's form, handed in by the door
	"problem.",                                            // error codes, handed in by doors
	"rule.",                                               // codes of password rules
	"scope.",                                              // scopes of OpenID Connect
	"consent.action.",                                     // first half of an API's scope
	"ticket.",                                             // TicketReason
	"mail.",                                               // MailKind and line
	"mfa.key.",                                            // kind of key and line
	"mfa.kind.",                                           // kind of factor
	"account.section.", "account.done.", "account.event.", // parts of the account page, what was done, what happened
	"account.email.", "account.emailcode.", "account.username.", "account.password.", "account.metadata.", "account.delete.", // its forms
	"format.", // ways to write dates
}

func TestEveryTextIsUsedAndEveryUsedTextExists(t *testing.T) {
	var sources strings.Builder
	for _, root := range []string{"templates", "mail", "."} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			goFile := strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go")
			if d.IsDir() || root == "." && !goFile {
				return nil
			}
			body, err := os.ReadFile(path) //nolint:gosec // our own sources
			sources.Write(body)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	text := sources.String()
	for _, use := range regexp.MustCompile(`\b(?:T|Rich) "([a-z_.]+)"|\.T\("([a-z_.]+)"|Label: +"([a-z.]+)"|action\{"([a-z.]+)"`).FindAllStringSubmatch(text, -1) {
		key := strings.Join(use[1:], "")
		if strings.HasSuffix(key, ".") {
			continue // the fixed half of a key made at run time
		}
		if !known(key) {
			t.Errorf("text %q is used, but is not in the catalogue", key)
		}
	}
	for key := range catalogues()[fallback] {
		if key == "language" || strings.Contains(text, `"`+key+`"`) || inFamily(key) {
			continue
		}
		t.Errorf("text %q is in the catalogue, but nobody uses it", key)
	}
}

func inFamily(key string) bool {
	for _, family := range families {
		if strings.HasPrefix(key, family) {
			return true
		}
	}
	return false
}

// The keys that code makes at run time, spelled out.
func TestFamiliesAreComplete(t *testing.T) {
	var keys []string
	for _, reason := range []TicketReason{TicketUsed, TicketExpired, TicketInvalid} {
		keys = append(keys, "ticket."+string(reason)+".heading", "ticket."+string(reason)+".explain")
	}
	for _, kind := range []MailKind{VerifyEmail, ResetEmail, WelcomeEmail} {
		for _, line := range []string{"subject", "heading", "explain", "button", "ignore"} {
			keys = append(keys, "mail."+string(kind)+"."+line)
		}
	}
	for _, state := range []State{Untried, Kept, Broken} {
		keys = append(keys, "rule.state."+state.Name())
	}
	for _, scope := range profileScopes {
		keys = append(keys, "scope."+scope)
	}
	for _, rule := range strings.Fields("nonEmpty lengthAtLeast containsAtLeast shouldContain identicalChars sequentialChars lowerCase upperCase numbers specialCharacters dictionary personalInfo history") {
		keys = append(keys, "rule."+rule)
	}
	for _, kind := range []string{"roaming", "platform", "roaming.enroll", "platform.enroll"} {
		for _, line := range []string{"title", "heading", "explain", "submit"} {
			keys = append(keys, "mfa.key."+kind+"."+line)
		}
	}
	for _, line := range []string{"title", "heading", "explain"} {
		keys = append(keys, "passkey.new."+line, "passkey.local."+line)
	}
	for _, kind := range strings.Fields("otp phone email webauthn-roaming webauthn-platform recovery-code") {
		keys = append(keys, "mfa.kind."+kind, "mfa.kind."+kind+".hint")
	}
	keys = append(keys, "mfa.kind.passkey")
	for family, names := range map[string]string{
		"account.done.":         "confirmed profile metadata email username password factor removed browsers session revoked unlinked disconnected",
		"account.event.":        "login wrong_password failed logout signup password reset email username verified locked factor factor_failed factor_added factor_removed recovery",
		"account.section.":      "profile factors sessions clients identities connected activity data",
		"mail.account_changed.": "email username password factor removed recovery identity",
	} {
		for _, name := range strings.Fields(names) {
			keys = append(keys, family+name)
		}
	}
	for _, key := range keys {
		if !known(key) {
			t.Errorf("no text %q", key)
		}
	}
}

var verbs = regexp.MustCompile(`%(?:\[(\d)\])?[sd]|\{[a-z]+\}`)

// puts are the values that a text puts in, by their place among the arguments: "%[2]s, %[1]s" and "%s by %s" put in the same.
func puts(text string) string {
	var out []string
	next := 1
	for _, verb := range verbs.FindAllStringSubmatch(text, -1) {
		switch {
		case verb[0][0] == '{':
			out = append(out, verb[0])
		case verb[1] != "":
			n, _ := strconv.Atoi(verb[1])
			out, next = append(out, strconv.Itoa(n)+verb[0][len(verb[0])-1:]), n+1
		default:
			out, next = append(out, strconv.Itoa(next)+verb[0][1:]), next+1
		}
	}
	sort.Strings(out)
	return strings.Join(out, " ")
}

// Every language has exactly the texts of English, with the same values put in, in the forms for numbers that the language knows.
func TestEveryLanguageHasEveryText(t *testing.T) {
	english := catalogues()[fallback]
	if len(Languages()) < 10 || Languages()[0] != fallback {
		t.Errorf("languages: %v", Languages())
	}
	for _, lang := range Languages() {
		texts := catalogues()[lang]
		for key, want := range english {
			text, is := texts[key]
			switch {
			case !is:
				t.Errorf("ui/texts/%s.json lacks %q (%q)", lang, key, want)
			case (text == "") != (want == ""):
				t.Errorf("ui/texts/%s.json: %q is %q", lang, key, text)
			case formsOf(want) != nil:
				checkForms(t, lang, key, text)
			case puts(text) != puts(want):
				t.Errorf("ui/texts/%s.json: %q puts in [%s], want [%s]", lang, key, puts(text), puts(want))
			case strings.TrimSpace(text) != text || strings.ContainsAny(text, "\n\t<>"):
				t.Errorf("ui/texts/%s.json: %q has spaces around it, line breaks or markup", lang, key)
			}
		}
		for key := range texts {
			if !known(key) {
				t.Errorf("ui/texts/%s.json: nobody knows %q", lang, key)
			}
		}
		if months := strings.Split(texts["format.months"], "|"); len(months) != 12 {
			t.Errorf("ui/texts/%s.json: %d months", lang, len(months))
		}
	}
}

// checkForms tells whether a text has a form for every number of things.
func checkForms(t *testing.T, lang, key, text string) {
	t.Helper()
	have := formsOf(text)
	if have["other"] == "" {
		t.Errorf("ui/texts/%s.json: %q has no form other: in %q", lang, key, text)
	}
	needed := map[plural.Form]bool{plural.Other: true}
	for n := range 1001 {
		needed[formFor(lang, n)] = true
	}
	for name, form := range forms {
		if given, is := have[name]; needed[form] != is || is && puts(given) != "1d" {
			t.Errorf("ui/texts/%s.json: %q, form %s: there %v, needed %v, %q", lang, key, name, is, needed[form], given)
		}
		delete(have, name)
	}
	for name := range have {
		t.Errorf("ui/texts/%s.json: %q has a form %q", lang, key, name)
	}
}

func TestForms(t *testing.T) {
	for _, c := range []struct {
		lang string
		n    int
		want string
	}{
		{"en", 1, "1 day"},
		{"en", 0, "0 days"},
		{"en", 5, "5 days"},
		{"de", 1, "1 Tag"},
		{"fr", 0, "0 jour"},
		{"fr", 2, "2 jours"},
		{"pl", 1, "1 dzień"},
		{"pl", 2, "2 dni"},
		{"ja", 1, "1日"},
		{"zh-CN", 3, "3 天"},
		{"tlh", 1, "1 day"},
		{"de-AT", 2, "2 Tage"},
	} {
		if got := Text(c.lang, "mail.days", c.n); got != c.want {
			t.Errorf("%d in %s: %q, want %q", c.n, c.lang, got, c.want)
		}
	}
	for n, want := range map[int]string{1: "1 minuta", 2: "2 minuty", 5: "5 minut", 12: "12 minut", 22: "22 minuty", 25: "25 minut"} {
		if got := Text("pl", "mail.minutes", n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestMoments(t *testing.T) {
	at := time.Date(2026, 3, 7, 9, 5, 0, 0, time.UTC)
	for lang, want := range map[string]string{
		"en": "March 7, 2026, 09:05 UTC", "de": "7. März 2026, 09:05 UTC", "fr": "7 mars 2026 à 09:05 UTC", "ja": "2026年3月7日 09:05 UTC", "pl": "7 marca 2026, 09:05 UTC",
		"es": "7 de marzo de 2026, 09:05 UTC", "tlh": "March 7, 2026, 09:05 UTC",
	} {
		if got := Moment(lang, at.In(time.FixedZone("x", 3600))); got != want {
			t.Errorf("%s: %q, want %q", lang, got, want)
		}
	}
}

func TestNoPageShowsAFormattingMistake(t *testing.T) {
	for name, page := range samples() {
		if got := render(t, page); strings.Contains(got, "%!") || strings.Contains(got, "%s") || strings.Contains(got, "ZgotmplZ") {
			t.Errorf("%s holds a formatting mistake", name)
		}
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		lang, key string
		args      []any
		want      string
	}{
		{"en", "login.title", nil, "Log in"},
		{"tlh", "login.title", nil, "Log in"},
		{"en", "login.to", []any{"Mixtape"}, "Log in to continue to Mixtape."},
		{"en", "no.such.key", nil, "no.such.key"},
	} {
		if got := Text(c.lang, c.key, c.args...); got != c.want {
			t.Errorf("Text(%q, %q) = %q, want %q", c.lang, c.key, got, c.want)
		}
	}
	if got := strings.Join(Languages(), " "); !strings.Contains(got, "en") {
		t.Errorf("languages: %q", got)
	}
	if got := string(Frame{Lang: "en"}.Rich("login.to", "<b>%s")); got != "Log in to continue to <strong><bdi>&lt;b&gt;%s</bdi></strong>." {
		t.Errorf("Rich gave %q", got)
	}
}

func TestLanguage(t *testing.T) {
	for _, c := range []struct {
		preferences []string
		want        string
	}{
		{nil, "en"},
		{[]string{"", ""}, "en"},
		{[]string{"de-CH fr", "en"}, "de"},
		{[]string{"tlh", "fr-CA,fr;q=0.9,en;q=0.8"}, "fr"},
		{[]string{"pt"}, "pt-BR"},
		{[]string{"zh-Hans-SG"}, "zh-CN"},
		{[]string{"en;q=0.3,ja;q=0.9"}, "ja"},
		{[]string{"de;q=0,pl;q=0.1"}, "pl"},
		{[]string{strings.Repeat("xx,", 9000) + "de"}, "en"},
		{[]string{strings.Repeat("de-", 9000)}, "en"},
		{[]string{"de;q=NaN"}, "en"},
		{[]string{"\xff,de;q=9"}, "de"},
		{[]string{"tlh en-GB"}, "en"},
		{[]string{"", "tlh,en-US;q=0.8,en;q=0.7"}, "en"},
		{[]string{"tlh", "EN"}, "en"},
		{[]string{"../../etc/passwd;q=x,;;,--,-"}, "en"},
		{[]string{"en;q=0"}, "en"},
	} {
		if got := Language(c.preferences...); got != c.want {
			t.Errorf("Language(%q) = %q, want %q", c.preferences, got, c.want)
		}
	}
	if got := Match([]string{"ja", "de"}, "fr, it"); got != "ja" {
		t.Errorf("none of those: %q", got)
	}
	if got := Match([]string{"de-AT", "fr"}, "de"); got != "de-AT" {
		t.Errorf("German of Austria: %q", got)
	}
	if Match(nil, "de") != "en" || Match([]string{"ru"}, "de") != "ru" {
		t.Error("without a choice")
	}
	if !Speaks("de-AT") || Speaks("ru") || Speaks("../en") || Speaks("gsw") {
		t.Error("languages that pages speak")
	}
}

func TestDirection(t *testing.T) {
	for lang, want := range map[string]string{"en": "ltr", "he": "rtl", "ar-EG": "rtl", "": "ltr", "zh-CN": "ltr", "fa": "rtl", "az-Arab": "rtl", "<x>": "ltr"} {
		if got := (Frame{Lang: lang}).Dir(); got != want {
			t.Errorf("%s: %s", lang, got)
		}
	}
}
