package oauth

import (
	"net/http"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// revocationPath is where providers of connections ask for somebody's access to end.
const revocationPath = "/oauth/global-token-revocation/connection/"

// subject is whom a request is about (RFC 9493 section 3.2): by the provider's name for them with its own, by that name alone, or by an address.
type subject struct {
	Format string `json:"format"`
	Issuer string `json:"iss"` // of iss_sub
	Sub    string `json:"sub"`
	ID     string `json:"id"`    // of opaque
	Email  string `json:"email"` // of email
}

// read returns the name and the address of the subject, one of which is empty.
func (s subject) read() (sub, email string, err error) {
	switch {
	case s.Format == "iss_sub" && s.Issuer != "":
		sub = s.Sub
	case s.Format == "opaque":
		sub = s.ID
	case s.Format == "email":
		email = s.Email
	}
	switch named := sub + email; {
	case named == "":
		err = invalid("The subject must have the format iss_sub, with iss and sub, email, or opaque, with id.")
	case unreadable(named) || len(named) > 1024:
		err = invalid("The subject cannot be read.")
	}
	return sub, email, err
}

// revokeAccess ends all that somebody has here whose identity provider says so (draft-parecki-oauth-global-token-revocation; Okta's Universal Logout).
func (d *Door) revokeAccess(w http.ResponseWriter, r *http.Request, st *store.Store) {
	event := web.LogEvent(r, stagedoor.LogEvent{Type: "universal_logout_failed"})
	err := d.revokedAccess(w, r, st, &event)
	switch {
	case err == nil:
		event.Type = "universal_logout_succeeded"
	case event.Description == "":
		event.Description = stagedoor.AsError(err).Message
	}
	event.Description = cut(event.Description)
	st.Log(event)
	if err != nil {
		if stagedoor.IsKind(err, stagedoor.Unauthorized) {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		}
		answerError(w, r, err)
		return
	}
	noStore(w)
	w.WriteHeader(http.StatusNoContent)
}

func (d *Door) revokedAccess(w http.ResponseWriter, r *http.Request, st *store.Store, event *stagedoor.LogEvent) error {
	var in struct {
		Subject subject `json:"subject"`
		SubID   subject `json:"sub_id"` // as later drafts call it
	}
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	about := in.Subject
	if about == (subject{}) {
		about = in.SubID
	}
	scheme, raw, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	name := r.PathValue("connection_name")
	switch {
	case unreadable(name):
		return invalid("The name of the connection cannot be read.")
	case !strings.EqualFold(scheme, "Bearer") || strings.TrimSpace(raw) == "":
		return stagedoor.Errorf(stagedoor.Unauthorized, "invalid_token", "Missing authorization header")
	}
	sub, email, err := about.read()
	if err != nil {
		return err
	}
	issuer := ""
	if about.Format == "iss_sub" {
		issuer = about.Issuer
	}
	return d.Pipeline.Revoke(r.Context(), visit(r, st), pipeline.Revocation{
		Connection: name, At: web.Issuer(r) + strings.TrimPrefix(revocationPath, "/") + name, Token: strings.TrimSpace(raw), Issuer: issuer, Subject: sub, Email: email,
	}, event)
}
