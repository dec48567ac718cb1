package ui

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Families of keys whose last part is made at run time; what they may be is written beside them.
var families = []string{
	"problem.",        // error codes, handed in by doors
	"rule.",           // codes of password rules
	"scope.",          // scopes of OpenID Connect
	"consent.action.", // first half of an API's scope
	"ticket.",         // TicketReason
	"mail.",           // MailKind and line
	"mfa.key.",        // kind of key and line
	"mfa.kind.",       // kind of factor
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
	for _, kind := range strings.Fields("otp webauthn-roaming webauthn-platform recovery-code") {
		keys = append(keys, "mfa.kind."+kind, "mfa.kind."+kind+".hint")
	}
	for _, key := range keys {
		if !known(key) {
			t.Errorf("no text %q", key)
		}
	}
}

// A translation may lack texts, but not invent keys or change what is put in.
func TestCataloguesAgree(t *testing.T) {
	verbs := regexp.MustCompile(`%(\[\d\])?[sd]`)
	for lang, texts := range catalogues() {
		if texts["language"] == "" {
			t.Errorf("%s does not name itself", lang)
		}
		for key, text := range texts {
			if !known(key) {
				t.Errorf("%s: unknown key %q", lang, key)
			}
			if got, want := len(verbs.FindAllString(text, -1)), len(verbs.FindAllString(catalogues()[fallback][key], -1)); got != want {
				t.Errorf("%s: %q puts in %d values, want %d", lang, key, got, want)
			}
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
	if got := best("tlh"); got != "" {
		t.Errorf("best of an unknown language: %q", got)
	}
	if got := best("en-GB;q=0.2"); got != "en" {
		t.Errorf("best of en-GB: %q", got)
	}
}

func TestDirection(t *testing.T) {
	for lang, want := range map[string]string{"en": "ltr", "he": "rtl", "ar-EG": "rtl", "": "ltr"} {
		if got := (Frame{Lang: lang}).Dir(); got != want {
			t.Errorf("%s: %s", lang, got)
		}
	}
}
