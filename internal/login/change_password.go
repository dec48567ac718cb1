package login

import (
	"cmp"
	"io"
	"net/http"

	"github.com/stagedoor/stagedoor/internal/store"
)

// resetAnswer is the answer for known and unknown users alike; SDKs read it as text.
const resetAnswer = "We've just sent you an email to reset your password."

// changePassword sends the mail to choose a new password. A password in the body is not looked at
// (Authentication API fact sheet 6.8).
func (d *Door) changePassword(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, err := readParams(w, r)
	if err != nil {
		return err
	}
	a, err := d.addressed(w, r, st, p)
	if err != nil {
		return err
	}
	if err := selfService(a.conn); err != nil {
		return err
	}
	var email, username, phone, org string
	if err := p.texts(map[string]*string{"email": &email, "username": &username, "phone_number": &phone, "organization": &org}); err != nil {
		return err
	}
	if email = cmp.Or(email, username); email == "" && a.conn.Options.Attributes().Flexible {
		email = phone
	}
	if email == "" {
		return badRequest("email or username parameter is mandatory")
	}
	if err := d.offerReset(r, st, a.conn, a.client, email, org, false); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	io.WriteString(w, resetAnswer) //nolint:errcheck // the client is gone
	return nil
}
