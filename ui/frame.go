package ui

import (
	"html/template"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// Frame is what every page shares. Each page struct embeds one.
type Frame struct {
	Lang    string // language of the page, one of Languages(); see Language
	Tenant  string // friendly name of the tenant, as people know it
	Logo    string // the tenant's logo, https: or data:image; "" for the Stagedoor door
	Favicon string // https:; "" for the Stagedoor door
	Brand   Brand  // the tenant's colours
	Client  Client // the client that the visitor came from; zero if unknown
	From    string // where its answer goes, if nobody here has checked the client, who may be called like another one; else ""

	Own          map[string]string // the tenant's own texts; see OwnTexts
	Organization string            // display name of the organization that a page is about, for the tenant's texts
	Inserts      map[string]string // the tenant's HTML by "page/insertion point", ready to be shown
	Template     string            // the tenant's frame around the page; "" for ours. Only the room page looks at it
	Custom       *Custom           // what front ends and templates of the tenant's own are told; nil if there are none

	Languages []LanguageChoice // that the visitor may choose from; nil if there is one alone
	Here      string           // the address of this page, for those who choose another language

	screen string // the page, for texts that more than one has
}

// Client is what a page shows of a client.
type Client struct {
	Name string
	Logo string // https: or data:image; anything else is not shown
}

// Field is a hidden field of a form, by which the door finds its transaction again.
type Field struct{ Name, Value string }

// Form is where a page's form goes.
type Form struct {
	Action string  // address that receives the POST
	Hidden []Field // sent along as they are
	Proof  *Proof  // nil: nothing more is asked for
}

// T is the text of key in the page's language, in the tenant's words where it has some.
func (f Frame) T(key string, args ...any) string {
	if text, own := f.own(key, args, func(s string) string { return s }); own {
		return text
	}
	return Text(f.Lang, key, args...)
}

// Insert is what the tenant wants at a place of a page. It is HTML that an administrator wrote; the page's policy keeps scripts and styles out.
func (f Frame) Insert(page, point string) template.HTML {
	return template.HTML(f.Inserts[page+"/"+point]) //nolint:gosec // the tenant's own page
}

// Of returns the frame of a page.
func (f Frame) Of() Frame { return f }

// Rich is T with the arguments set in bold. Text and arguments are escaped here; each argument
// is isolated, so that its writing direction cannot disturb the sentence.
func (f Frame) Rich(key string, args ...any) template.HTML {
	if _, own := f.own(key, args, func(s string) string { return s }); own {
		g := f
		g.Own = map[string]string{f.screen + "|" + key: template.HTMLEscapeString(first(f.Own, f.screen+"|"+key, key))}
		text, _ := g.own(key, args, func(s string) string {
			if s == "" {
				return ""
			}
			return "<strong><bdi>" + template.HTMLEscapeString(s) + "</bdi></strong>"
		})
		return template.HTML(text) //nolint:gosec // escaped above
	}
	marked := make([]any, len(args))
	for i, a := range args {
		if s, ok := a.(string); ok {
			a = "<strong><bdi>" + template.HTMLEscapeString(s) + "</bdi></strong>"
		}
		marked[i] = a
	}
	return template.HTML(format(counted(f.Lang, template.HTMLEscapeString(lookup(f.Lang, key)), args), marked...)) //nolint:gosec // escaped above
}

// first is the value of the first key that is there.
func first(m map[string]string, keys ...string) string {
	for _, key := range keys {
		if v, found := m[key]; found {
			return v
		}
	}
	return ""
}

// Dir is the writing direction of the page's language.
func (f Frame) Dir() string { return Direction(f.Lang) }

// Asset is the address of an embedded file.
func (f Frame) Asset(name string) string { return AssetPath(name) }

// Image returns address if a page may show it as a picture, else "". Only https, pictures in
// data: form and local paths pass; a picture cannot run scripts, whatever its format.
func (f Frame) Image(address string) template.URL {
	switch u, err := url.Parse(address); {
	case err != nil, address == "":
		return ""
	case u.Scheme == "https" && u.Host != "",
		u.Scheme == "data" && strings.HasPrefix(u.Opaque, "image/"),
		Local(address):
		return template.URL(address) //nolint:gosec // one of the three kinds above; quotes are still escaped
	}
	return ""
}

// Link returns address if a page may lead there by a click, else "": http, https, mailto and local
// paths, never javascript: or data:.
func (f Frame) Link(address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil || address == "":
		return ""
	case (u.Scheme == "http" || u.Scheme == "https") && u.Host != "",
		u.Scheme == "mailto" && u.Opaque != "",
		Local(address):
		return address
	}
	return ""
}

// Local tells whether address is a path on our own origin. Browsers read a second slash or
// a backslash as the beginning of a foreign host, and pass over control characters.
func Local(address string) bool {
	return !strings.ContainsFunc(address, func(r rune) bool { return r < ' ' || r == 0x7f }) && strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//") && !strings.Contains(address, `\`)
}

// Initial is the letter that stands for a client or a person without a picture.
func (f Frame) Initial(name string) string {
	name = strings.TrimSpace(name)
	if name == "" {
		return "·"
	}
	r, _ := utf8.DecodeRuneInString(name)
	return strings.ToUpper(string(r))
}

// Stamp shows a moment for people; Machine is the same for the datetime attribute.
func (f Frame) Stamp(t time.Time) string { return Moment(f.Lang, t) }

// Day shows a day for people.
func (f Frame) Day(t time.Time) string { return Date(f.Lang, t) }

// Machine is t as RFC 3339 in UTC.
func (f Frame) Machine(t time.Time) string { return t.UTC().Format(time.RFC3339) }
