package login

import (
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

const (
	duoPath     = "/u/" + pipeline.AskDuo
	duoBackPath = "/u/mfa-duo-callback"
)

// paramProblem tells the page that leads to Duo what came of the last try.
const paramProblem = "problem"

// duoProblems are what it can be.
func duoProblems(code string) ui.Problems {
	if code == "duo_denied" || code == "duo_failed" {
		return ui.Problems{{Code: code}}
	}
	return nil
}

func (p *prompt) duoPage(r mfa.Remembering, remember bool, problems ui.Problems) ui.DuoPage {
	return ui.DuoPage{Frame: p.frame, Form: p.form(duoPath), Problems: problems, Remembering: remembering(r, remember)}
}

// showDuo tells that a second factor is asked for at Duo. The page is where people are who come back from there without.
func showDuo(d *Door, w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, err := d.prompt(r, st, pipeline.AskDuo)
	if err != nil {
		return err
	}
	offer, err := pipeline.Remembering(r.Context(), st, p.tx)
	if err != nil {
		return err
	}
	back := r.URL.Query().Has(paramProblem)
	page.Render(w, http.StatusOK, p.duoPage(offer, p.tx.Remember || offer.Ticked && !back, duoProblems(r.URL.Query().Get(paramProblem))))
	return nil
}

// leaveForDuo takes the form of the page.
func leaveForDuo(d *Door, w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, err := d.prompt(r, st, pipeline.AskDuo)
	if err != nil {
		return err
	}
	remember := r.PostForm.Has(ui.FieldRemember)
	to, err := d.Pipeline.LeaveForDuo(r.Context(), visit(r, st), p.tx.ID, r.PostFormValue(fieldNonce), remember)
	if mfa.IsDuo(err) {
		offer, failed := pipeline.Remembering(r.Context(), st, p.tx)
		if failed != nil {
			return failed
		}
		page.Render(w, status(stagedoor.AsError(err).Kind), p.duoPage(offer, remember, duoProblems(stagedoor.AsError(err).Code)))
		return nil
	}
	if err == nil {
		redirect(w, r, to)
	}
	return err
}

// backFromDuo takes a browser that Duo sent back.
func backFromDuo(d *Door, w http.ResponseWriter, r *http.Request, st *store.Store) error {
	if r.Method == http.MethodHead { // programs try links by it
		ui.SetHeaders(w.Header())
		return nil
	}
	q := r.URL.Query()
	tx, given, err := d.Pipeline.BackFromDuo(r.Context(), visit(r, st), q.Get("state"), q.Get("duo_code"))
	if err != nil && !mfa.IsDuo(err) {
		return err
	}
	p := &prompt{tx: tx, frame: page.Frame(r, st, nil)}
	if err != nil {
		redirect(w, r, p.link(duoPath, paramProblem, stagedoor.AsError(err).Code))
		return nil
	}
	p.given(w, r, given)
	return nil
}
