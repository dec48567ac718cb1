package login

import (
	"encoding/json"
	"net/http"
	"regexp"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

// showKey asks for a key of a kind: to sign with one that the person has, or where a factor is set up, to make one.
func showKey(step, kind string) handler {
	return func(d *Door, w http.ResponseWriter, r *http.Request, st *store.Store) error {
		p, choice, err := d.choicePrompt(r, st, step)
		if err != nil || p.leads(w, r, pathsOf(step), choice, kind) {
			return err
		}
		return d.renderKey(w, r, st, p, choice, kind, http.StatusOK, choice.Ticked, nil)
	}
}

// misposted answers what the vendor's library posts to an address of its own, if it is not of a screen of ours: else [page.Submission] sends it on.
func misposted(*Door, http.ResponseWriter, *http.Request, *store.Store) error {
	return invalid("invalid_request", "There is no page here.")
}

// keyErrors are what browsers call their errors.
var keyErrors = regexp.MustCompile(`^[A-Za-z]{1,40}$`)

// keyFailure is what the browser's error is called where a front end of the tenant's own has posted one; else "".
func keyFailure(r *http.Request) string {
	if !r.PostForm.Has(ui.FieldKeyError) {
		return ""
	}
	var failed struct {
		Name string `json:"name"`
	}
	if json.Unmarshal([]byte(r.PostForm.Get(ui.FieldKeyError)), &failed) != nil || !keyErrors.MatchString(failed.Name) {
		return "UnknownError"
	}
	return failed.Name
}

func pathsOf(step string) map[string]string {
	if step == pipeline.AskEnroll {
		return enrollPaths
	}
	return challengePaths
}

func (d *Door) renderKey(w http.ResponseWriter, r *http.Request, st *store.Store, p *prompt, choice pipeline.FactorChoice, kind string, status int, remember bool, problems ui.Problems) error {
	o := ui.KeyPage{
		Frame: p.frame, Form: p.form(pathsOf(p.tx.Step)[kind]), Problems: problems, Device: kind == mfa.Platform, Enroll: p.tx.Step == pipeline.AskEnroll,
		OtherURL: p.other(choice, choicePath),
	}
	if !o.Enroll {
		o.Remembering = remembering(choice.Remembering, remember)
	}
	if o.Enroll {
		o.OtherURL = p.other(choice, enrollList)
	}
	options, err := d.Pipeline.KeyOptions(r.Context(), visit(r, st), p.tx, kind)
	if err != nil && !stagedoor.HasCode(err, "keys_unavailable") {
		return err
	}
	o.Options, o.Failed = string(options), keyFailure(r)
	page.Render(w, status, o)
	return nil
}

// giveKey takes the form of the page.
func giveKey(step, kind string) handler {
	return func(d *Door, w http.ResponseWriter, r *http.Request, st *store.Store) error {
		p, choice, err := d.choicePrompt(r, st, step)
		if err != nil {
			return err
		}
		response, remember := r.PostFormValue(ui.FieldKey), r.PostForm.Has(ui.FieldRemember)
		status, problems := http.StatusBadRequest, ui.Problems{{Code: "missing_key"}}
		if response != "" {
			var given *pipeline.Given
			if step == pipeline.AskEnroll {
				given, err = d.Pipeline.EnrollKey(r.Context(), visit(r, st), p.tx.ID, r.PostFormValue(fieldNonce), kind, []byte(response))
			} else {
				given, err = d.Pipeline.GiveKey(r.Context(), visit(r, st), p.tx.ID, r.PostFormValue(fieldNonce), kind, []byte(response), remember)
			}
			if err == nil {
				p.given(w, r, given)
				return nil
			}
			if status, problems = wrongCode(err); problems == nil {
				return err
			}
		}
		return d.renderKey(w, r, st, p, choice, kind, status, remember, problems)
	}
}

func listPath(step string) string {
	if step == pipeline.AskEnroll {
		return enrollList
	}
	return choicePath
}

// listFactors lets the person choose what to prove themselves with, or what to set up.
func listFactors(step string) handler {
	return func(d *Door, w http.ResponseWriter, r *http.Request, st *store.Store) error {
		p, choice, err := d.choicePrompt(r, st, step)
		if err != nil {
			return err
		}
		o := ui.FactorsPage{Frame: p.frame, Form: p.form(listPath(step)), Enroll: step == pipeline.AskEnroll}
		for _, kind := range choice.Kinds {
			o.Choices = append(o.Choices, ui.FactorLink{Kind: kind, URL: p.link(pathsOf(step)[kind], paramChosen, "1")})
		}
		page.Render(w, http.StatusOK, o)
		return nil
	}
}
