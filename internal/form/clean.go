package form

import (
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// elements are what is left of HTML, each with its attributes besides lang, dir and title. Headings of the first order become such of the
// second: the page has one.
var elements = map[atom.Atom][]string{
	atom.P: nil, atom.Br: nil, atom.Hr: nil, atom.B: nil, atom.Strong: nil, atom.I: nil, atom.Em: nil, atom.U: nil, atom.S: nil, atom.Small: nil, atom.Sub: nil,
	atom.Sup: nil, atom.Mark: nil, atom.Code: nil, atom.Pre: nil, atom.Blockquote: nil, atom.Span: nil, atom.Div: nil, atom.Ul: nil, atom.Ol: nil, atom.Li: nil,
	atom.Dl: nil, atom.Dt: nil, atom.Dd: nil, atom.H1: nil, atom.H2: nil, atom.H3: nil, atom.H4: nil, atom.H5: nil, atom.H6: nil, atom.Details: nil,
	atom.Summary: nil, atom.Figure: nil, atom.Figcaption: nil, atom.Table: nil, atom.Thead: nil, atom.Tbody: nil, atom.Tr: nil, atom.Th: nil, atom.Td: nil,
	atom.A: {"href"}, atom.Img: {"src", "alt", "width", "height"},
}

// void have no end tag.
var void = []atom.Atom{atom.Br, atom.Hr, atom.Img}

// dropped go with all that is in them: what is there is no text, or would be read by other rules than those of HTML.
var dropped = []atom.Atom{
	atom.Script, atom.Style, atom.Template, atom.Noscript, atom.Iframe, atom.Object, atom.Embed, atom.Svg, atom.Math, atom.Title, atom.Textarea, atom.Select,
	atom.Noembed, atom.Noframes, atom.Xmp, atom.Plaintext, atom.Head,
}

// Clean leaves of HTML what a text needs: no scripts, styles, forms, frames or handlers, and only addresses of https, http and mailto. It writes
// anew what it read, so that nothing is left to be read in another way, and closes what was left open. It is applied after values were put in:
// neither a tenant's block nor an answer in it can become part of the page's own workings.
func Clean(source string) string {
	var out strings.Builder
	var open []atom.Atom
	gone := 0 // how deep we are in what is dropped
	var until atom.Atom
	for z := html.NewTokenizer(strings.NewReader(source)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		t := z.Token()
		switch {
		case gone > 0:
			if t.DataAtom == until && kind == html.StartTagToken {
				gone++
			} else if t.DataAtom == until && kind == html.EndTagToken {
				gone--
			}
		case kind == html.TextToken:
			out.WriteString(html.EscapeString(t.Data))
		case kind == html.StartTagToken && slices.Contains(dropped, t.DataAtom):
			gone, until = 1, t.DataAtom
			if t.DataAtom == atom.Embed { // has no end
				gone = 0
			}
		case kind == html.StartTagToken || kind == html.SelfClosingTagToken:
			if attributes, allowed := elements[t.DataAtom]; allowed && len(open) < maxNested*10 {
				write(&out, t, attributes)
				if !slices.Contains(void, t.DataAtom) {
					open = append(open, t.DataAtom)
				}
			}
		case kind == html.EndTagToken:
			if i := lastIndex(open, t.DataAtom); i >= 0 {
				for _, a := range slices.Backward(open[i:]) {
					out.WriteString("</" + named(a) + ">")
				}
				open = open[:i]
			}
		}
	}
	for _, a := range slices.Backward(open) {
		out.WriteString("</" + named(a) + ">")
	}
	return out.String()
}

func lastIndex(list []atom.Atom, a atom.Atom) int {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i] == a {
			return i
		}
	}
	return -1
}

func named(a atom.Atom) string {
	if a == atom.H1 {
		a = atom.H2
	}
	return a.String()
}

func write(out *strings.Builder, t html.Token, attributes []string) {
	out.WriteString("<" + named(t.DataAtom))
	had := map[string]bool{}
	for _, a := range t.Attr {
		name := strings.ToLower(a.Key)
		if had[name] || !slices.Contains(attributes, name) && name != "lang" && name != "dir" && name != "title" {
			continue
		}
		if (name == "href" || name == "src") && !harmless(a.Val, name == "src") {
			continue
		}
		had[name] = true
		out.WriteString(" " + name + `="` + html.EscapeString(a.Val) + `"`)
	}
	switch {
	case t.DataAtom == atom.A && had["href"]: // what was filled in stays when somebody reads the terms
		out.WriteString(` target="_blank" rel="noopener noreferrer"`)
	case t.DataAtom == atom.Img:
		if !had["alt"] {
			out.WriteString(` alt=""`)
		}
		out.WriteString(` referrerpolicy="no-referrer"`)
	}
	out.WriteString(">")
}

// harmless tells whether an address may be led to, or, if it is a picture's, shown.
func harmless(address string, picture bool) bool {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return false
	}
	switch strings.ToLower(u.Scheme) {
	case "https":
		return u.Host != ""
	case "http":
		return u.Host != "" && !picture
	case "mailto", "tel":
		return !picture
	}
	return false
}

// Plain is HTML as text, for readers of mail who see no other.
func Plain(source string) string {
	var out strings.Builder
	for z := html.NewTokenizer(strings.NewReader(Clean(source))); ; {
		switch z.Next() {
		case html.ErrorToken:
			if text := strings.TrimSpace(out.String()); text != "" {
				return text
			}
			return "—"
		case html.TextToken:
			out.WriteString(z.Token().Data)
		case html.StartTagToken:
			if t := z.Token(); slices.Contains([]atom.Atom{atom.P, atom.Br, atom.Div, atom.Li, atom.Tr, atom.H2, atom.H3}, t.DataAtom) {
				out.WriteByte('\n')
			}
		}
	}
}
