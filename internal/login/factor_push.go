package login

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

const (
	pushPath        = "/u/mfa-push-challenge"
	pushEnrollPath  = "/u/mfa-push-enrollment"
	inboxDevicePath = "/" + pipeline.InboxPath
)

// What our own links say to the pages that wait for a device: that the question was asked already, and that only the answer is wanted.
const (
	paramAsked = "asked"
	paramPoll  = "poll"
)

// polls tells whether a script wants to know of the answer alone: one of ours says so in the address, one of a front end of the tenant's own by what it reads.
func polls(r *http.Request) bool {
	return r.Method == http.MethodGet && (r.URL.Query().Has(paramPoll) || r.Header.Get("Accept") == "application/json")
}

// answered tells a script whether a device has answered. Ours reads the status alone, 204 as long as it has not, and those of others what the vendor sends.
func answered(w http.ResponseWriter, r *http.Request, is bool) error {
	w.Header().Set("Cache-Control", "no-store")
	if !r.URL.Query().Has(paramPoll) {
		return web.WriteJSON(w, http.StatusOK, map[string]bool{"completed": is})
	}
	status := http.StatusNoContent
	if is {
		status = http.StatusOK
	}
	w.WriteHeader(status)
	return nil
}

// showPush asks a device of the person's whether it is them who log in, and waits for the answer.
func showPush(d *Door, w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, choice, err := d.factorPrompt(r, st)
	if err != nil || p.leads(w, r, challengePaths, choice, mfa.Push) {
		return err
	}
	if polls(r) {
		is, err := d.Pipeline.DeviceAnswered(r.Context(), visit(r, st), p.tx)
		if err != nil {
			return err
		}
		return answered(w, r, is)
	}
	q := r.URL.Query()
	first := !q.Has(paramAsked)
	return d.waitForDevice(w, r, st, p, choice, first, false, q.Has(ui.FieldRemember) || first && choice.Ticked)
}

// givePush takes the forms of the page: one asks at once, the other has another notification sent.
func givePush(d *Door, w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, choice, err := d.factorPrompt(r, st)
	if err != nil {
		return err
	}
	if !choice.Has(mfa.Push) {
		return invalid("lost_transaction", "This is not what the login asks for.")
	}
	again := r.URL.Query().Has(ui.FieldResend)
	return d.waitForDevice(w, r, st, p, choice, again, again, r.PostForm.Has(ui.FieldRemember))
}

// waitForDevice goes on once the device has approved, else shows what it has come to. ask has the device asked unless it was, again once more.
func (d *Door) waitForDevice(w http.ResponseWriter, r *http.Request, st *store.Store, p *prompt, choice pipeline.FactorChoice, ask, again, remember bool) error {
	var problems ui.Problems
	if ask {
		if _, err := d.Pipeline.ChallengeDevice(r.Context(), visit(r, st), p.tx, p.client, again); err != nil {
			problem, ours := sendProblem(err)
			if !ours {
				return err
			}
			problems = ui.Problems{problem}
		}
	}
	given, err := d.Pipeline.GiveDevice(r.Context(), visit(r, st), p.tx, remember)
	status, waits := http.StatusOK, false
	switch {
	case err == nil:
		p.given(w, r, given)
		return nil
	case mfa.IsPending(err):
		waits = true
	case problems != nil:
	case mfa.IsDenied(err):
		problems = ui.Problems{{Code: "push_denied"}}
	case stagedoor.IsKind(err, stagedoor.NotFound):
		problems = ui.Problems{{Code: "push_expired"}}
	default:
		return err
	}
	if problems != nil {
		status = http.StatusBadRequest
	}
	o := ui.PushPage{
		Frame: p.frame, Form: p.form(pushPath), Problems: problems, Waits: waits, Remembering: remembering(choice.Remembering, remember), Resend: p.form(pushPath),
		AskURL: p.link(pushPath, paramPoll, "1"), NextURL: p.link(pushPath, paramAsked, "1"), OtherURL: p.other(choice, choicePath), InboxURL: inboxOf(st),
	}
	o.Resend.Action = p.link(pushPath, ui.FieldResend, "1")
	if choice.Has(mfa.OTP) {
		o.OTPURL = p.link(otpPath, paramChosen, "1")
	}
	if m, err := mfa.Device(r.Context(), st, p.tx.UserID); err == nil {
		o.Device = strings.TrimSpace(m.Name)
	} else if !stagedoor.IsKind(err, stagedoor.NotFound) {
		return err
	}
	page.Render(w, status, o)
	return nil
}

// inboxOf is the development inbox; "" if there is none.
func inboxOf(st *store.Store) string {
	if !st.Tenant().Settings.Local.DevelopmentInbox {
		return ""
	}
	return inboxPath
}

// showPushEnroll shows what the app of a device needs to set it up, and waits for it.
func showPushEnroll(d *Door, w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, choice, err := d.choicePrompt(r, st, pipeline.AskEnroll)
	if err != nil || p.leads(w, r, enrollPaths, choice, mfa.Push) {
		return err
	}
	v := visit(r, st)
	if polls(r) {
		is, err := d.Pipeline.DeviceAnswered(r.Context(), v, p.tx)
		if err != nil {
			return err
		}
		return answered(w, r, is)
	}
	uri, err := d.Pipeline.DeviceEnrollment(r.Context(), v, p.tx)
	if err != nil {
		return err
	}
	given, err := d.Pipeline.EnrollDevice(r.Context(), v, p.tx)
	if err == nil {
		p.given(w, r, given)
		return nil
	}
	if !mfa.IsPending(err) {
		return err
	}
	o, err := pushEnrollPage(uri)
	if err != nil {
		return err
	}
	o.Frame, o.Form, o.AskURL, o.NextURL = p.frame, p.form(pushEnrollPath), p.link(pushEnrollPath, paramPoll, "1"), p.link(pushEnrollPath, paramAsked, "1")
	o.OtherURL, o.InboxURL = p.other(choice, enrollList), inboxOf(st)
	page.Render(w, http.StatusOK, o)
	return nil
}

func pushEnrollPage(uri string) (ui.PushPage, error) {
	code, err := mfa.Draw(uri)
	return ui.PushPage{Enroll: true, Waits: true, QR: ui.QR(code), URI: uri}, err
}

// showInboxDevice is where the development inbox plays somebody's device, by the link of one of its messages.
func (d *Door) showInboxDevice(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	token := r.URL.Query().Get("token")
	c, err := mfa.InboxQuestion(r.Context(), st, token)
	if err != nil {
		return err
	}
	page.Render(w, http.StatusOK, ui.InboxDevicePage{
		Frame: page.Frame(r, st, nil), Form: ui.Form{Action: inboxDevicePath + "?" + url.Values{"token": {token}}.Encode()}, Enroll: c.Method == "", InboxURL: inboxOf(st),
	})
	return nil
}

// answerInboxDevice takes the form of the page.
func (d *Door) answerInboxDevice(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	if err := mfa.AnswerFromInbox(r.Context(), st, r.URL.Query().Get("token"), r.PostFormValue(ui.FieldDecision) == ui.Accept); err != nil {
		return err
	}
	page.Render(w, http.StatusOK, ui.InboxDevicePage{Frame: page.Frame(r, st, nil), Done: true, InboxURL: inboxOf(st)})
	return nil
}
