package login

import (
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

// The pages on which people sign in by a code that is sent to them.
const (
	codeWishPath = "/u/login/passwordless"
	codePath     = "/u/login/passwordless/code"
)

// fieldResend is the field of the form that asks for another code.
const fieldResend = "resend"

// codeButtons are the ways to sign in by a code.
func (p *prompt) codeButtons(r *http.Request, st *store.Store) ([]ui.ProviderButton, error) {
	choice, err := p.choose(r, st)
	if err != nil {
		return nil, err
	}
	all := choice.ByCode()
	var out []ui.ProviderButton
	for i := range all {
		out = append(out, ui.ProviderButton{Name: all[i].Title(), Code: all[i].Strategy, Strategy: all[i].Strategy, URL: p.link(codeWishPath, paramConnection, all[i].Name)})
	}
	return out, nil
}

// codePrompt finds the login that waits for its person, and the connection by which they want a code.
func (d *Door) codePrompt(r *http.Request, st *store.Store) (*prompt, *stagedoor.Connection, error) {
	p, err := d.prompt(r, st, pipeline.AskLogin)
	if err != nil {
		return nil, nil, err
	}
	choice, err := p.choose(r, st)
	if err != nil {
		return nil, nil, err
	}
	conn, err := choice.Code(r.URL.Query().Get(paramConnection), p.tx.Code)
	return p, conn, err
}

// showCodeWish asks where a code shall be sent.
func (d *Door) showCodeWish(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, conn, err := d.codePrompt(r, st)
	if err != nil {
		return err
	}
	if conn.ForLogin() { // people say who they are on the login page
		redirect(w, r, p.link("/u/login", paramScreen, "login"))
		return nil
	}
	hint := p.tx.Request.LoginHint
	if _, err := connection.Address(conn, hint); err != nil {
		hint = ""
	}
	o, err := d.codeWishPage(p, r, st, conn, hint, nil)
	if err != nil {
		return err
	}
	page.Render(w, http.StatusOK, o)
	return nil
}

func (d *Door) codeWishPage(p *prompt, r *http.Request, st *store.Store, conn *stagedoor.Connection, typed string, problems ui.Problems) (ui.CodeWishPage, error) {
	o := ui.CodeWishPage{
		Frame: p.frame, Form: p.form(codeWishPath), Problems: problems, Phone: byPhone(conn, typed), Address: typed, Organization: p.organization(),
	}
	o.Action = p.link(codeWishPath, paramConnection, conn.Name)
	var err error
	if o.Proof, err = d.proof(r, st, guard.FlowPasswordless); err != nil {
		return o, err
	}
	first, err := p.connection(r, st)
	if err != nil {
		return o, err
	}
	buttons, err := p.buttons(r, st)
	if err == nil && (first.ForLogin() || len(buttons) > 0) {
		o.LoginURL = p.link("/u/login", paramScreen, "login")
	}
	return o, err
}

// wishCode takes the form of the page.
func (d *Door) wishCode(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, conn, err := d.codePrompt(r, st)
	if err != nil {
		return err
	}
	field := codeField(conn.Strategy == stagedoor.StrategySMS || conn.ForLogin() && r.PostForm.Has(ui.FieldPhone))
	typed := text(r, field)
	if r.PostForm.Has(fieldResend) && p.tx.Code != nil {
		typed = p.tx.Code.Address
	}
	if conn.ForLogin() && typed != "" {
		if unlooked, err := d.Pipeline.Unlooked(r.Context(), visit(r, st), p.tx, conn, typed); err != nil || unlooked {
			if err == nil {
				err = d.identified(w, r, st, p, typed)
			}
			return err
		}
	}
	status, problems := http.StatusBadRequest, ui.Problems(nil)
	if typed == "" {
		problems = ui.Problems{{Code: "missing_" + field, Field: field}}
	} else if problems, err = d.human(r, st, guard.FlowPasswordless); err != nil {
		return err
	} else if problems != nil && r.PostForm.Has(fieldResend) { // the button for another code brings nothing along
		status, problems = http.StatusOK, nil
	} else if problems == nil {
		err = d.Pipeline.SendLoginCode(r.Context(), visit(r, st), p.tx.ID, r.PostFormValue(fieldNonce), conn.Name, typed)
		if err == nil {
			redirect(w, r, p.link(codePath))
			return nil
		}
		if status, problems = codeProblem(err, field); problems == nil {
			return err
		}
	}
	o, err := d.codeWishPage(p, r, st, conn, typed, problems)
	if err != nil {
		return err
	}
	page.Render(w, status, o)
	return nil
}

// codeFirst sends a code to who has just said who they are. Where the page has to find out first whether they are a person, it asks for that.
func (d *Door) codeFirst(w http.ResponseWriter, r *http.Request, st *store.Store, p *prompt, conn *stagedoor.Connection, identifier string) error {
	o, err := d.codeWishPage(p, r, st, conn, identifier, nil)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if o.Proof == nil {
		err := d.Pipeline.SendLoginCode(r.Context(), visit(r, st), p.tx.ID, p.tx.Nonce, conn.Name, identifier)
		if err == nil {
			redirect(w, r, p.link(codePath))
			return nil
		}
		if status, o.Problems = codeProblem(err, codeField(o.Phone)); o.Problems == nil {
			return err
		}
	}
	page.Render(w, status, o)
	return nil
}

// byPhone tells whether a code of a connection goes to a telephone, of a database according to what was typed.
func byPhone(conn *stagedoor.Connection, typed string) bool {
	if conn.ForLogin() {
		address, _ := connection.CodeAddress(conn, typed)
		return stagedoor.IsPhoneNumber(address)
	}
	return conn.Strategy == stagedoor.StrategySMS
}

// codeField is the field in which people say where a code shall be sent.
func codeField(phone bool) string {
	if phone {
		return ui.FieldPhone
	}
	return ui.FieldEmail
}

// codeProblem is what a page says of a code that could not be sent; nothing if the error is another one.
func codeProblem(err error, field string) (int, ui.Problems) {
	switch e := stagedoor.AsError(err); {
	case e.Code == "invalid_email" || e.Code == "invalid_phone_number":
		return http.StatusBadRequest, ui.Problems{{Code: e.Code, Field: field}}
	case e.Kind == stagedoor.TooMany:
		return http.StatusTooManyRequests, ui.Problems{{Code: "too_many_requests"}}
	case e.Code == "sms_provider_error":
		return http.StatusBadRequest, ui.Problems{{Code: "sms_failed"}}
	}
	return 0, nil
}

// showLoginCode asks for the code.
func (d *Door) showLoginCode(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, conn, err := d.codePrompt(r, st)
	if err != nil {
		return err
	}
	if p.tx.Code == nil {
		redirect(w, r, p.link(codeWishPath, paramConnection, conn.Name))
		return nil
	}
	page.Render(w, http.StatusOK, p.loginCodePage(st, conn, nil))
	return nil
}

func (p *prompt) loginCodePage(st *store.Store, conn *stagedoor.Connection, problems ui.Problems) ui.LoginCodePage {
	o := ui.LoginCodePage{
		Frame: p.frame, Form: p.form(codePath), Problems: problems, Phone: byPhone(conn, p.tx.Code.Address), Address: p.tx.Code.Address,
		Digits: codeLength(conn), EditURL: p.link(codeWishPath, paramConnection, conn.Name), Resend: p.form(codeWishPath),
	}
	o.Resend.Action = p.link(codeWishPath, paramConnection, conn.Name)
	o.Resend.Hidden = append(o.Resend.Hidden, ui.Field{Name: fieldResend, Value: "1"})
	if conn.ForLogin() {
		o.Unsure, o.Digits, o.EditURL = true, pipeline.IdentifierCodeDigits, p.link("/u/login", paramScreen, "login")
		if conn.Passwords() {
			o.PasswordURL = p.link("/u/login", paramScreen, "login", paramNoCode, "1")
		}
	}
	if st.Tenant().Settings.Local.DevelopmentInbox {
		o.InboxURL = inboxPath
	}
	return o
}

func codeLength(conn *stagedoor.Connection) int {
	o := conn.Passwordless()
	return o.Length()
}

// giveLoginCode takes the form of the page.
func (d *Door) giveLoginCode(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, conn, err := d.codePrompt(r, st)
	if err != nil {
		return err
	}
	if p.tx.Code == nil {
		redirect(w, r, p.link(codeWishPath, paramConnection, conn.Name))
		return nil
	}
	code := text(r, ui.FieldCode)
	status, problems := http.StatusBadRequest, missingCode(code)
	if problems == nil {
		opened, err := d.Pipeline.GiveLoginCode(r.Context(), visit(r, st), p.tx.ID, r.PostFormValue(fieldNonce), code)
		if err == nil {
			p.goOn(w, r, opened)
			return nil
		}
		if status, problems = wrongLoginCode(err); problems == nil {
			return err
		}
	}
	page.Render(w, status, p.loginCodePage(st, conn, problems))
	return nil
}

// wrongLoginCode is what a page says of a code that was not taken; nothing if the error is another one.
func wrongLoginCode(err error) (int, ui.Problems) {
	switch e := stagedoor.AsError(err); {
	case guard.IsThrottled(err):
		return http.StatusTooManyRequests, ui.Problems{{Code: "too_many_requests"}}
	case e.Kind == stagedoor.TooMany:
		return http.StatusTooManyRequests, ui.Problems{{Code: "too_many_attempts"}}
	case pipeline.IsExpiredCode(err):
		return http.StatusBadRequest, ui.Problems{{Code: "expired_code", Field: ui.FieldCode}}
	case pipeline.IsSpentCode(err):
		return http.StatusBadRequest, ui.Problems{{Code: "spent_code", Field: ui.FieldCode}}
	case e.Code == "invalid_grant":
		return http.StatusBadRequest, ui.Problems{{Code: "wrong_code", Field: ui.FieldCode}}
	case e.Code == "access_denied":
		return http.StatusForbidden, ui.Problems{{Code: "script_refused", Text: e.Message}}
	}
	return 0, nil
}
