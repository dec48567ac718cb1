package login

import (
	"net/http"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

// paramConnection names the connection whose button was pressed.
const paramConnection = "connection"

// buttons are the ways to sign in by a provider.
func (p *prompt) buttons(r *http.Request, st *store.Store) ([]ui.ProviderButton, error) {
	all, err := connection.Buttons(r.Context(), st, &p.tx.Request)
	if err != nil {
		return nil, err
	}
	var out []ui.ProviderButton
	for i := range all {
		c := &all[i]
		out = append(out, ui.ProviderButton{Name: c.Title(), Icon: c.OAuth2().IconURL, URL: p.link("/u/login/with", paramConnection, c.Name)})
	}
	return out, nil
}

// leave sends the browser to a provider.
func (d *Door) leave(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	to, err := d.Pipeline.Leave(r.Context(), visit(r, st), r.URL.Query().Get("state"), r.URL.Query().Get(paramConnection))
	if err != nil {
		return err
	}
	redirect(w, r, to)
	return nil
}

// arrive takes a browser that a provider sent back, and lets the login go on, or end with the provider's word.
func (d *Door) arrive(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	if r.Method != http.MethodGet { // programs try links by HEAD
		ui.SetHeaders(w.Header())
		return nil
	}
	q := r.URL.Query()
	said := func(name string) string {
		return strings.ToValidUTF8(strings.Join(strings.Fields(q.Get(name)), " "), "")
	}
	id, opened, err := d.Pipeline.Arrive(r.Context(), visit(r, st), q.Get("state"), pipeline.Answer{
		Code: q.Get("code"), Error: said("error"), Description: said("error_description"),
	})
	if err != nil {
		return err
	}
	if opened != nil {
		session.SetCookie(w, r, opened.Handle, opened.Session)
	}
	p := &prompt{tx: &stagedoor.Transaction{ID: id}, frame: page.Frame(r, st, nil)}
	redirect(w, r, p.link("/authorize/resume"))
	return nil
}
