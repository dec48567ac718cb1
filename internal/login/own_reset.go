package login

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"io"
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/liquid"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// A tenant may have a page of its own for new passwords, written for another server: HTML with Liquid that hosts the vendor's widget, or a form of its own. It is
// given the ticket and a value that binds it to its browser, and sends both back with the password, from a script or as a form. What becomes of them is as of our own page.

// ownResetPath is where such a page is shown, and where it sends the password: pages ask for the address they were made for.
const ownResetPath = "/lo/reset"

// codeForeignForm is the code of the error about what was not sent by a page that this browser was shown.
const codeForeignForm = "invalid_csrf_token"

// showOwn shows the tenant's page, and tells whether it could.
func (n *renewal) showOwn(w http.ResponseWriter, r *http.Request, st *store.Store, source, browser string) bool {
	text, err := liquid.HTML(r.Context(), source, n.ownVars(st, browser), liquid.DefaultLimits)
	if err != nil {
		web.Logger(r.Context()).WarnContext(r.Context(), "the tenant's page for new passwords fails", "tenant", st.Tenant().ID, "error", err)
		return false
	}
	ui.SetHeaders(w.Header())
	w.Header().Set("Content-Security-Policy", ui.LoginPageCSP)
	w.Header().Set("Referrer-Policy", "strict-origin-when-cross-origin") // its address holds the ticket; fonts are given to known sites alone
	io.WriteString(w, text)                                              //nolint:errcheck // the browser is gone
	return true
}

// ownVars are the variables of the page. What is not set is absent, so that "unless" and "default" of templates see it.
func (n *renewal) ownVars(st *store.Store, browser string) map[string]any {
	policy, options := connection.Policy(n.conn), liquid.Object{}
	if policy.MinLength > 0 {
		options["min_length"] = policy.MinLength
	}
	if policy.Level == "" { // said in the newer way, which such pages do not know
		policy.Level = "none"
	}
	s := &st.Tenant().Settings
	tenant, colors := map[string]any{"name": st.Tenant().ID, "friendly_name": n.frame.Tenant}, map[string]any{}
	present(tenant, "picture_url", n.frame.Logo)
	present(tenant, "support_email", s.SupportEmail)
	present(tenant, "support_url", s.SupportURL)
	present(colors, "primary", n.frame.Brand.Primary)
	present(colors, "page_background", n.frame.Brand.Background)
	tenant["colors"] = colors
	return map[string]any{
		"email": shown(n.user), "ticket": n.key, "csrf_token": ownResetToken(n.key, browser), "lang": n.frame.Lang, "tenant": tenant,
		"password_policy": policy.Level, "password_complexity_options": options, "min_length": policy.Least(),
	}
}

func present(vars map[string]any, name, value string) {
	if value != "" {
		vars[name] = value
	}
}

// ownResetToken binds a page to its ticket and to the browser that it was shown in, whose cookie no page can read.
func ownResetToken(key, browser string) string {
	sum := sha256.Sum256([]byte("new password\x00" + key + "\x00" + browser))
	return hex.EncodeToString(sum[:])
}

// takeOwnReset takes what such a page sends. Scripts are answered in JSON, a form without one by pages of ours.
func (d *Door) takeOwnReset(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	key, secret, err := d.readOwnReset(w, r)
	if page.Wanted(r) {
		if err != nil {
			return err
		}
		return d.answerReset(w, r, st, key, secret)
	}
	var to string
	if err == nil {
		to, err = d.renewForScript(r, st, key, secret)
	}
	switch {
	case stagedoor.HasCode(err, codeForeignForm):
		text := stagedoor.AsError(err).Message
		web.WriteJSON(w, http.StatusForbidden, map[string]any{"name": "CsrfInvalidTokenError", "code": codeForeignForm, "message": text, "description": text, "statusCode": http.StatusForbidden})
	case err != nil:
		d.answerError(w, r, err)
	case to != "":
		web.WriteJSON(w, http.StatusOK, map[string]string{"result_url": to})
	default:
		web.WriteJSON(w, http.StatusOK, struct{}{})
	}
	return nil
}

// readOwnReset reads the ticket and the password that a page sends, once it is sure that this browser was shown the page.
func (d *Door) readOwnReset(w http.ResponseWriter, r *http.Request) (key, secret string, err error) {
	foreign := stagedoor.Errorf(stagedoor.Forbidden, codeForeignForm, "Invalid CSRF token")
	if d.sameOrigin.Check(r) != nil {
		return "", "", foreign
	}
	p, err := readParams(w, r)
	if err != nil {
		return "", "", err
	}
	var token, again string
	if err := p.texts(map[string]*string{"ticket": &key, "newPassword": &secret, "confirmNewPassword": &again, "_csrf": &token}); err != nil {
		return "", "", err
	}
	browser := session.Browser(r)
	if browser == "" || subtle.ConstantTimeCompare([]byte(token), []byte(ownResetToken(key, browser))) != 1 {
		return "", "", foreign
	}
	if again != secret {
		return "", "", invalid("password_mismatch", "newPassword and confirmNewPassword are not the same.")
	}
	return key, secret, nil
}

// renewForScript gives the person of a ticket a new password, and returns where the page sends the browser then; empty if nowhere.
func (d *Door) renewForScript(r *http.Request, st *store.Store, key, secret string) (string, error) {
	n, err := d.renewal(r, st, key)
	if err != nil {
		return "", err
	}
	if n == nil {
		reason, _, err := spent(r, st, key, stagedoor.TicketReset)
		if err != nil {
			return "", err
		}
		return "", invalid("", "%s", deadLinks[reason])
	}
	at, err := d.Pipeline.PassedChallenge(r.Context(), visit(r, st), key)
	if err != nil {
		return "", err
	}
	if !at.Passed {
		return "", invalid("", "Open the link of the mail again.")
	}
	if err := d.Pipeline.CheckNewPassword(r.Context(), visit(r, st), n.conn, n.ticket.ClientID, n.user, secret); err != nil {
		return "", err
	}
	err = d.renew(r, st, n, at, secret)
	if stagedoor.HasCode(err, codeTicketGone) {
		return "", invalid("", "%s", deadLinks[ui.TicketUsed])
	}
	if err != nil {
		return "", err
	}
	if n.ticket.ResultURL == "" {
		return "", nil
	}
	return backTo(r, st, n.ticket, true, resetDone)
}

// deadLinks tell pages why a ticket does not work. No code stands beside them: the widget takes one that it does not know for a text of its own.
var deadLinks = map[ui.TicketReason]string{
	ui.TicketInvalid: verifyTexts[ui.TicketInvalid][1], ui.TicketExpired: "This link has expired.", ui.TicketUsed: "This link was used already.",
}
