package page

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

// languageCookie keeps the language that somebody chose on a page of ours.
const languageCookie = "stagedoor_language"

// Wishes are the languages that a request asks for, as lists, strongest first: what the person chose on our pages, what the client says about
// them (ui_locales, OpenID Connect Core, section 3.1.2.1; X-Request-Language at the endpoints for sign-up and mails), what the browser says.
func Wishes(r *http.Request) []string {
	chosen := ""
	if c, err := r.Cookie(languageCookie); err == nil {
		chosen = c.Value
	}
	locales := r.URL.Query().Get("ui_locales")
	if locales == "" && r.PostForm != nil {
		locales = r.PostForm.Get("ui_locales")
	}
	return []string{chosen, locales, r.Header.Get("X-Request-Language"), r.Header.Get("Accept-Language")}
}

// Language is the language of the request's pages: of those that the tenant enabled.
func Language(r *http.Request, st *store.Store) string {
	return ui.Match(languages(r.Context(), st), Wishes(r)...)
}

// MailLanguage is what a request says about the language of mails, to be kept with the mail; see Letter.Lang.
func MailLanguage(r *http.Request) string {
	var out []string
	for _, list := range Wishes(r) {
		for _, tag := range ui.Wanted(list) {
			out = append(out, tag.String())
		}
	}
	return strings.Join(out[:min(len(out), 8)], " ")
}

// languages are those that the tenant enabled and that pages have texts in, ours or its own; the first is its default.
func languages(ctx context.Context, st *store.Store) []string {
	enabled := st.Tenant().Settings.EnabledLocales
	out := make([]string, 0, len(enabled))
	for _, tag := range enabled {
		if ui.Speaks(tag) || speaksItself(lookOf(ctx, st), tag) {
			out = append(out, tag)
		}
	}
	return out
}

// speaksItself tells whether the tenant wrote texts in the language.
func speaksItself(look *stagedoor.Look, tag string) bool {
	for _, languages := range look.Texts {
		if languages[tag] != nil {
			return true
		}
	}
	return false
}

// ownTexts are the tenant's texts in a language; what those of "de-AT" lack comes from those of "de".
func ownTexts(look *stagedoor.Look, lang string) map[string]string {
	var out map[string]string
	for tag := lang; tag != ""; tag = tag[:max(strings.LastIndexByte(tag, '-'), 0)] {
		texts := map[string]stagedoor.ScreenTexts{}
		for prompt, languages := range look.Texts {
			if own := languages[tag]; own != nil {
				texts[prompt] = own
			}
		}
		if len(texts) == 0 {
			continue
		}
		own := ui.OwnTexts(texts)
		for key, text := range out {
			own[key] = text
		}
		out = own
	}
	return out
}

// address is where a page can be seen again, in another language; empty if it cannot.
func address(r *http.Request) string {
	path := r.URL.Path
	if r.Method != http.MethodGet && !strings.HasPrefix(path, "/u/") && !strings.HasPrefix(path, "/account/") {
		return ""
	}
	if !ui.Local(r.URL.RequestURI()) {
		return ""
	}
	return r.URL.RequestURI()
}

// LanguagePath takes the language that somebody chose.
const LanguagePath = "/u/language"

// ChooseLanguage takes the form by which somebody chooses a language, and brings them back to the page. The form is one of our own: its door has
// checked that.
func ChooseLanguage(w http.ResponseWriter, r *http.Request, st *store.Store, back string) {
	if tag := r.PostFormValue("language"); slices.Contains(languages(r.Context(), st), tag) {
		setLanguage(w, r, tag, 365*24*time.Hour)
	}
	if !ui.Local(back) {
		back = "/"
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, back, http.StatusSeeOther)
}

// ForgetLanguage forgets the language that somebody chose: an application that says a language itself speaks for them from then on.
func ForgetLanguage(w http.ResponseWriter, r *http.Request) {
	if _, err := r.Cookie(languageCookie); err == nil {
		setLanguage(w, r, "", -time.Second)
	}
}

func setLanguage(w http.ResponseWriter, r *http.Request, tag string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: languageCookie, Value: tag, Path: "/", MaxAge: int(life.Seconds()), HttpOnly: true, Secure: r.URL.Scheme == "https", SameSite: http.SameSiteLaxMode,
	})
}

// language is the language of a letter, of those that the tenant enabled: what was asked for, or what the user's profile says.
func (l Letter) language(ctx context.Context, st *store.Store) string {
	return ui.Match(languages(ctx, st), l.Lang, l.locale())
}

// locale is the language that the user's profile names.
func (l Letter) locale() string {
	if l.User == nil {
		return ""
	}
	return l.User.Locale()
}

// requested is the language that was asked for, whether the tenant enabled it or not: templates of the tenant's own choose by it.
func (l Letter) requested(ctx context.Context, st *store.Store) string {
	for _, list := range []string{l.Lang, l.locale()} {
		if wanted := ui.Wanted(list); len(wanted) > 0 {
			return wanted[0].String()
		}
	}
	return l.language(ctx, st)
}
