package login

import (
	"net/http"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

// showOrganization asks which organization the login is for.
func (d *Door) showOrganization(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, err := d.prompt(r, st, pipeline.AskOrganization)
	if err != nil {
		return err
	}
	return d.renderOrganization(w, r, st, p, http.StatusOK, "", nil)
}

func (d *Door) renderOrganization(w http.ResponseWriter, r *http.Request, st *store.Store, p *prompt, status int, typed string, problems ui.Problems) error {
	theirs, personal, err := d.Pipeline.Choices(r.Context(), visit(r, st), p.tx, p.client)
	if err != nil {
		return err
	}
	page.Render(w, status, ui.OrganizationPage{
		Frame: p.frame, Form: p.form("/u/organization"), Problems: problems, Name: typed, Personal: personal,
		Emails: p.client.FindsOrganizationBy("email"), Chooses: p.tx.UserID != "", Choices: choicesOf(theirs),
	})
	return nil
}

func choicesOf(all []stagedoor.Organization) (out []ui.OrganizationChoice) {
	for _, o := range all {
		choice := ui.OrganizationChoice{ID: o.ID, Name: o.Title(), Handle: o.Name}
		if o.Branding != nil {
			choice.Logo = o.Branding.LogoURL
		}
		out = append(out, choice)
	}
	return out
}

// offerOrganizations lets somebody choose among the organizations whose people have addresses of one domain.
func (d *Door) offerOrganizations(w http.ResponseWriter, r *http.Request, st *store.Store, p *prompt, status int, address string, problems ui.Problems) error {
	all, err := pipeline.OfAddress(r.Context(), st, p.client, &p.tx.Request, address)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return d.renderOrganization(w, r, st, p, http.StatusBadRequest, address, p.organizationProblem("no_organization"))
	}
	form := p.form("/u/organization")
	form.Hidden = append(form.Hidden, ui.Field{Name: ui.FieldOfAddress, Value: address})
	page.Render(w, status, ui.OrganizationPage{Frame: p.frame, Form: form, Problems: problems, Name: address, Chooses: true, Choices: choicesOf(all), Personal: p.client.OrganizationUse() == stagedoor.OrganizationsAllow})
	return nil
}

// choose takes the form of the organization page.
func (d *Door) choose(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, err := d.prompt(r, st, pipeline.AskOrganization)
	if err != nil {
		return err
	}
	_, none := r.PostForm[ui.FieldNoOrganization]
	answer := text(r, ui.FieldOrganization)
	if none {
		answer = ""
	} else if answer == "" {
		return d.renderOrganization(w, r, st, p, http.StatusBadRequest, "", p.organizationProblem("missing_organization"))
	}
	err = d.Pipeline.Choose(r.Context(), visit(r, st), p.tx.ID, r.PostFormValue(fieldNonce), answer, text(r, ui.FieldOfAddress))
	if stagedoor.HasCode(err, "several_organizations") {
		return d.offerOrganizations(w, r, st, p, http.StatusOK, answer, nil)
	}
	if address := text(r, ui.FieldOfAddress); address != "" && stagedoor.HasCode(err, "no_organization") {
		return d.offerOrganizations(w, r, st, p, http.StatusBadRequest, address, ui.Problems{{Code: "organization_gone"}})
	}
	if stagedoor.HasCode(err, "no_organization") {
		return d.renderOrganization(w, r, st, p, http.StatusBadRequest, answer, p.organizationProblem("no_organization"))
	}
	if err != nil {
		return err
	}
	p.goOn(w, r, nil)
	return nil
}

// organizationProblem is what is wrong with the answer: where the person types it, with the field.
func (p *prompt) organizationProblem(code string) ui.Problems {
	if p.tx.UserID == "" {
		return ui.Problems{{Code: code, Field: ui.FieldOrganization}}
	}
	if code == "no_organization" { // they chose it, and did not write it
		code = "organization_gone"
	}
	return ui.Problems{{Code: code}}
}

// invitesStranger tells whether the login follows an invitation to somebody who has no user yet.
func (p *prompt) invitesStranger(r *http.Request, st *store.Store, conn *stagedoor.Connection) (bool, error) {
	if p.tx.Request.Invitation == "" {
		return false, nil
	}
	_, err := st.UserByAttribute(r.Context(), conn.Name, stagedoor.AttributeEmail, strings.ToLower(p.tx.Request.LoginHint))
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return true, nil
	}
	return false, err
}
