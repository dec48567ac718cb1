package page

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/liquid"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// A tenant may show its people a front end of its own in the place of a page (Advanced Customizations for Universal Login): a document without a
// body, whose head loads the front end and tells it what the page is about, as window.universal_login_context. It posts to the address that it
// stands at; what it posts is read by Submission.

// custom is what front ends, and page templates, of the tenant's own are told of a request; nil where there are none.
func custom(r *http.Request, st *store.Store, look *stagedoor.Look, client *stagedoor.Client) *ui.Custom {
	if len(look.Renderings) == 0 && look.PageTemplate == "" {
		return nil
	}
	s := &st.Tenant().Settings
	c := &ui.Custom{Renderings: look.Renderings, Client: client, Branding: look.Branding, TenantID: st.Tenant().ID, SupportEmail: s.SupportEmail, SupportURL: s.SupportURL}
	var err error
	if c.Domain, err = store.CustomDomainOf(r.Context(), st, web.Hostname(r.Host)); err != nil {
		web.Logger(r.Context()).WarnContext(r.Context(), "the custom domains cannot be read", "tenant", st.Tenant().ID, "error", err)
	}
	return c
}

// ownScreen is the document of the tenant's front end for a page; "" where the page is ours. Only our pages do the work that tells people from programs.
func ownScreen(w http.ResponseWriter, p ui.Page) string {
	screened, is := p.(ui.Screened)
	if !is || screened.Of().Custom == nil {
		return ""
	}
	f, all := screened.Of(), []ui.Screen{screened.Screen()}
	if f.Custom.Resets {
		all = []ui.Screen{all[0].InReset(), all[0]}
	}
	if more, is := p.(interface{ Otherwise() ui.Screen }); is {
		all = append(all, more.Otherwise())
	}
	i := slices.IndexFunc(all, func(s ui.Screen) bool {
		r := f.Custom.Renderings[s.Prompt+"/"+s.Name]
		return s.Name != "" && s.Form.Proof == nil && r.Runs() && r.Meets(f.Custom.Client, f.Custom.Organization, f.Custom.Domain)
	})
	if i < 0 {
		return ""
	}
	s := all[i]
	text, err := screenHTML(screened, s, f.Custom.Renderings[s.Prompt+"/"+s.Name])
	if err != nil {
		web.WriterLogger(w).Warn("the tenant's front end of a page fails", "tenant", f.Custom.TenantID, "screen", s.Prompt+"/"+s.Name, "error", err)
		return ""
	}
	return text
}

func screenHTML(p ui.Screened, s ui.Screen, r *stagedoor.Rendering) (string, error) {
	f := p.Of()
	told, err := json.Marshal(screenContext(f, s, r.Context)) // <, > and & are written as escapes
	if err != nil {
		return "", err
	}
	here, err := json.Marshal(s.Form.Action)
	if err != nil {
		return "", err
	}
	title, err := ui.Title(p) // HTML
	if err != nil {
		return "", err
	}
	var head strings.Builder
	head.WriteString(`<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex, nofollow">`)
	if !r.NoDefaultTags {
		head.WriteString("<title>" + title + " · " + html.EscapeString(f.Tenant) + "</title>")
		icon := cmp.Or(string(f.Image(f.Favicon)), f.Asset("door.svg"))
		head.WriteString(`<link rel="icon" href="` + html.EscapeString(icon) + `">`)
	}
	if s.Form.Action != "" { // front ends post to where they stand, and answers to forms stand elsewhere
		head.WriteString("<script>history.replaceState(null, '', " + string(here) + ")</script>")
	}
	head.WriteString("<script>window.universal_login_context = " + string(told) + "</script>")
	vars := screenVars(f, s)
	for _, t := range r.HeadTags {
		if err := writeTag(&head, t, vars); err != nil {
			return "", err
		}
	}
	if r.UsePageTemplate && f.Template != "" {
		return liquid.HTML(context.Background(), WithTags(f.Template), templateVars(f, s, title, head.String(), ""), liquid.DefaultLimits)
	}
	return `<!doctype html><html lang="` + html.EscapeString(f.Lang) + `" dir="` + f.Dir() + `"><head>` + head.String() + `</head><body><noscript>` +
		html.EscapeString(f.NeedsScripts()) + `</noscript></body></html>`, nil
}

// headTags are the elements that may stand in a head, and attributeName what their attributes may be called.
var (
	headTags      = []string{"script", "link", "style", "meta", "title", "base", "noscript", "template"}
	attributeName = regexp.MustCompile(`^[A-Za-z_:][-A-Za-z0-9_:.]*$`)
)

// writeTag writes an element of the head. In addresses, and in what the element holds, variables stand for what the page is about; people choose their
// names freely, so these are escaped for where they stand.
func writeTag(out *strings.Builder, t stagedoor.HeadTag, vars map[string]any) error {
	if !slices.Contains(headTags, t.Tag) {
		return nil
	}
	out.WriteString("<" + t.Tag)
	for _, name := range slices.Sorted(maps.Keys(t.Attributes)) {
		raw := t.Attributes[name]
		text, shown := attribute(raw)
		if !shown || !attributeName.MatchString(name) {
			continue
		}
		if strings.Contains(text, "{") {
			var err error
			if text, err = liquid.Text(context.Background(), text, inAddress(vars), liquid.DefaultLimits); err != nil {
				return err
			}
		}
		out.WriteString(" " + name)
		if text != "" {
			out.WriteString(`="` + html.EscapeString(text) + `"`)
		}
	}
	out.WriteString(">")
	if t.Tag == "link" || t.Tag == "meta" || t.Tag == "base" {
		return nil
	}
	content, err := liquid.HTML(context.Background(), t.Content, vars, liquid.DefaultLimits)
	out.WriteString(content + "</" + t.Tag + ">")
	return err
}

// attribute is the value of an attribute; false if it is not there.
func attribute(raw json.RawMessage) (string, bool) {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return "", false
	}
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return "", v
	case []any:
		var words []string
		for _, word := range v {
			if text, is := word.(string); is {
				words = append(words, text)
			}
		}
		return strings.Join(words, " "), true
	case float64:
		return strings.TrimSpace(string(raw)), true
	}
	return "", false
}

// inAddress are variables with their texts as parts of an address.
func inAddress(vars map[string]any) map[string]any {
	out := make(map[string]any, len(vars))
	for name, v := range vars {
		switch v := v.(type) {
		case string:
			out[name] = url.PathEscape(v)
		case map[string]any:
			out[name] = inAddress(v)
		}
	}
	return out
}

// screenVars are what the tags of the head may name.
func screenVars(f ui.Frame, s ui.Screen) map[string]any {
	vars := map[string]any{
		"locale": f.Lang, "screen": map[string]any{"name": s.Name}, "prompt": map[string]any{"name": s.Prompt}, "tenant": map[string]any{"name": f.Custom.TenantID, "friendly_name": f.Tenant},
		"branding": map[string]any{"settings": asJSON(f.Custom.Branding), "themes": map[string]any{"default": asJSON(f.Brand.Theme)}},
	}
	if c := f.Custom.Client; c != nil {
		vars["client"] = map[string]any{"id": c.ID, "name": clientName(f), "metadata": asJSON(c.Metadata)}
	}
	if o := f.Custom.Organization; o != nil {
		vars["organization"] = map[string]any{"id": o.ID, "name": o.Name, "display_name": o.DisplayName, "metadata": asJSON(o.Metadata), "branding": asJSON(o.Branding)}
	}
	return vars
}

// asJSON is v as maps, lists and texts; nil if it is nothing.
func asJSON(v any) any {
	raw, err := json.Marshal(v)
	if err != nil || bytes.Equal(raw, []byte("null")) {
		return nil
	}
	var out any
	if json.Unmarshal(raw, &out) != nil {
		return nil
	}
	return out
}

// state is what a form of ours sends hidden, what the front end calls its fields and where its actions lead: front ends send it back as it is.
type state struct {
	Here    string              `json:"a,omitempty"` // where the form goes
	Hidden  map[string]string   `json:"h,omitempty"`
	Names   map[string]string   `json:"n,omitempty"`
	Choices map[string]ui.Field `json:"c,omitempty"`
	Ways    map[string]way      `json:"w,omitempty"`
}

type way struct {
	URL    string            `json:"u,omitempty"`
	Action string            `json:"a,omitempty"`
	Hidden map[string]string `json:"h,omitempty"`
	Takes  map[string]string `json:"t,omitempty"`
}

// stateOf writes the state of a screen.
func stateOf(f ui.Frame, s ui.Screen) string {
	out := state{Here: s.Form.Action, Hidden: hidden(s.Form), Names: s.Names, Choices: s.Choices, Ways: map[string]way{}}
	for action, w := range s.Ways {
		if w.URL != "" || w.Form.Action != "" {
			out.Ways[action] = way{URL: w.URL, Action: w.Form.Action, Hidden: hidden(w.Form), Takes: w.Takes}
		}
	}
	for _, b := range s.Buttons {
		out.Ways[ui.ActionConnection+b.Connection()] = way{URL: b.URL}
	}
	if f.Here != "" {
		out.Ways[ui.ActionLanguage] = way{Action: LanguagePath, Hidden: map[string]string{"back": f.Here}, Takes: map[string]string{"language": "language"}}
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func hidden(f ui.Form) map[string]string {
	out := make(map[string]string, len(f.Hidden))
	for _, field := range f.Hidden {
		out[field.Name] = field.Value
	}
	return out
}
