package ui

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"strings"
	"sync"
)

//go:embed templates
var templateFiles embed.FS

// Page is one of the page structs of this package.
type Page interface {
	// template names the file under templates/ that shows the page, without ".html".
	template() string
}

// Render writes p as a whole HTML document. The page is built in memory first: on error nothing
// has been written. The caller sets status and headers before; see [SetHeaders].
func Render(w io.Writer, p Page) error {
	set, err := pages()
	if err != nil {
		return err
	}
	t, ok := set[p.template()]
	if !ok {
		return fmt.Errorf("render page: no template %q", p.template())
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return fmt.Errorf("render page %s: %w", p.template(), err)
	}
	_, err = w.Write(b.Bytes())
	return err
}

// Name is the name of a page: login, signup, consent …
func Name(p Page) string { return p.template() }

// Title is what stands above a page in the browser.
func Title(p Page) (string, error) {
	set, err := pages()
	if err != nil {
		return "", err
	}
	t, ok := set[p.template()]
	if !ok {
		return "", fmt.Errorf("render page: no template %q", p.template())
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "title", p); err != nil {
		return "", fmt.Errorf("render page %s: %w", p.template(), err)
	}
	return strings.TrimSpace(b.String()), nil
}

// Parts returns what goes into a tenant's own frame around a page: what belongs into its head, and the page itself.
func Parts(p Page) (head, widget string, err error) {
	set, err := pages()
	if err != nil {
		return "", "", err
	}
	t, ok := set[p.template()]
	if !ok {
		return "", "", fmt.Errorf("render page: no template %q", p.template())
	}
	var h, w bytes.Buffer
	if err := t.ExecuteTemplate(&h, "head", p); err != nil {
		return "", "", fmt.Errorf("render page %s: %w", p.template(), err)
	}
	w.WriteString(`<div class="stagedoor-widget"><main id="content">`)
	if err := t.ExecuteTemplate(&w, "content", p); err != nil {
		return "", "", fmt.Errorf("render page %s: %w", p.template(), err)
	}
	w.WriteString("</main>")
	if err := t.ExecuteTemplate(&w, "languages", p); err != nil {
		return "", "", fmt.Errorf("render page %s: %w", p.template(), err)
	}
	if err := t.ExecuteTemplate(&w, "script", p); err != nil {
		return "", "", fmt.Errorf("render page %s: %w", p.template(), err)
	}
	w.WriteString("</div>")
	return h.String(), w.String(), nil
}

// pages parses the embedded templates on first use. Each page gets its own set, because each
// defines the same blocks ("title", "content") of the layout.
var pages = sync.OnceValues(func() (map[string]*template.Template, error) {
	base, err := template.New("layout.html").ParseFS(templateFiles, "templates/layout.html", "templates/parts/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse layout: %w", err)
	}
	names, err := fs.Glob(templateFiles, "templates/pages/*.html")
	if err != nil {
		return nil, err
	}
	set := make(map[string]*template.Template, len(names))
	for _, name := range names {
		t, err := base.Clone()
		if err != nil {
			return nil, fmt.Errorf("parse %s: %w", name, err)
		}
		if t, err = t.ParseFS(templateFiles, name); err != nil {
			return nil, fmt.Errorf("parse %s: %w", name, err)
		}
		key := name[len("templates/pages/") : len(name)-len(".html")]
		set[key] = t
	}
	return set, nil
})
