package login

import (
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

const linkPath = "/u/link-account"

// showLink suggests to link another account of the same address.
func (d *Door) showLink(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	return d.renderLink(w, r, st, http.StatusOK, nil)
}

func (d *Door) renderLink(w http.ResponseWriter, r *http.Request, st *store.Store, status int, problems ui.Problems) error {
	p, err := d.prompt(r, st, pipeline.AskLink)
	if err != nil {
		return err
	}
	u, err := st.User(r.Context(), p.tx.UserID)
	if err != nil {
		return err
	}
	page.Render(w, status, ui.LinkAccountPage{Frame: p.frame, Form: p.form(linkPath), Email: u.Email, Problems: problems})
	return nil
}

// linkAccount takes the form: the password of the other account, or no.
func (d *Door) linkAccount(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, err := d.prompt(r, st, pipeline.AskLink)
	if err != nil {
		return err
	}
	secret := r.PostFormValue(ui.FieldPassword)
	switch decision := r.PostFormValue(ui.FieldDecision); {
	case decision == ui.Decline:
		err = d.Pipeline.StayAlone(r.Context(), visit(r, st), p.tx.ID, r.PostFormValue(fieldNonce))
	case decision != ui.Accept:
		return invalid("invalid_request", "The form says neither yes nor no.")
	case secret == "":
		return d.renderLink(w, r, st, http.StatusBadRequest, ui.Problems{{Code: "missing_password", Field: ui.FieldPassword}})
	default:
		err = d.Pipeline.Link(r.Context(), visit(r, st), p.tx.ID, r.PostFormValue(fieldNonce), secret)
	}
	switch {
	case guard.IsThrottled(err):
		return d.renderLink(w, r, st, http.StatusTooManyRequests, ui.Problems{{Code: "too_many_requests"}})
	case stagedoor.IsKind(err, stagedoor.TooMany):
		return d.renderLink(w, r, st, http.StatusTooManyRequests, ui.Problems{{Code: "too_many_attempts"}})
	case stagedoor.HasCode(err, "invalid_grant"):
		return d.renderLink(w, r, st, http.StatusBadRequest, ui.Problems{{Code: "invalid_user_password", Field: ui.FieldPassword}})
	case err != nil:
		return err
	}
	p.goOn(w, r, nil)
	return nil
}
