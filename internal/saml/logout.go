package saml

import (
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/internal/xmlsig"
	"github.com/stagedoor/stagedoor/ui"
)

// logout takes a client's request to sign somebody out, or its answer to ours (SAML profiles section 4.4).
func (d *Door) logout(w http.ResponseWriter, r *http.Request, st *store.Store) {
	client, addon, ok := d.client(w, r, st)
	if !ok {
		return
	}
	m, params, err := message(w, r, "SAMLRequest")
	if err == nil && m == nil && params.Has("SAMLResponse") {
		d.answered(w, r, params)
		return
	}
	if err == nil && m == nil {
		err = invalid("There is neither SAMLRequest nor SAMLResponse.")
	}
	if err == nil {
		err = d.signOut(w, r, st, client, addon, *m)
	}
	if err != nil {
		page.Fail(w, r, st, err, client)
	}
}

// answered goes on after a client's answer. A form of another site comes without cookies: it goes on as an address. Whatever the answer says, the
// session has ended here: nothing hangs on it, so that it is not read.
func (d *Door) answered(w http.ResponseWriter, r *http.Request, params url.Values) {
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, "/samlp/logout?"+url.Values{"state": {params.Get("RelayState")}}.Encode(), http.StatusSeeOther)
}

// signOut ends the browser's session as a client asks for. Its word must be signed, of now, new, and of the person whom the client knows here.
func (d *Door) signOut(w http.ResponseWriter, r *http.Request, st *store.Store, client *stagedoor.Client, addon settings, m xmlsig.Message) error {
	us, err := d.own(r, st, client, addon.issuer(st))
	if err != nil {
		return err
	}
	party := &xmlsig.Party{Certs: addon.certificates(), SignOut: addon.slo()}
	if len(party.Certs) == 0 {
		return invalid("The client has no signingCert, so that its requests to sign people out cannot be told from anybody's.")
	}
	asked, err := us.ReadLogout(party, m, st.Clock().Now())
	if err != nil {
		e := invalid("The SAML request is not valid.")
		stagedoor.AsError(e).Extra = map[string]any{"hint": short(err)}
		return e
	}
	fresh, err := st.UseProof(r.Context(), "saml-logout:"+client.ID+":"+asked.ID, asked.Ends)
	if err != nil {
		return err
	}
	if !fresh {
		return invalid("The SAML request was used before.")
	}
	s, err := session.Live(r.Context(), st, session.Handle(r))
	if err != nil {
		return err
	}
	unless := ""
	if s != nil {
		if who, known := s.Participants[client.ID]; known && who.NameID != asked.NameID {
			unless, s = "Somebody else is signed in.", nil
		}
	}
	if s != nil {
		if err := session.SignOut(w, r, st, s, stagedoor.LogEvent{ClientID: client.ID, ClientName: client.Name}); err != nil {
			return err
		}
	}
	if party.SignOut == "" {
		return d.leave(w, r, st, client, s, stagedoor.SignOut{})
	}
	answer, err := us.LogoutAnswer(party, asked.ID, asked.RelayState, strings.HasSuffix(addon.text("binding", ""), ":HTTP-POST"), unless, st.Clock().Now())
	if err != nil {
		return err
	}
	return d.leave(w, r, st, client, s, stagedoor.SignOut{To: answer.Address, Form: answer.Form})
}

// leave sends the browser on its way: past the other clients, and then where out says.
func (d *Door) leave(w http.ResponseWriter, r *http.Request, st *store.Store, client *stagedoor.Client, s *stagedoor.Session, out stagedoor.SignOut) error {
	v := visit(r, st)
	v.Browser = session.EnsureBrowser(w, r)
	next, err := d.Pipeline.TellParticipants(r.Context(), v, s, client.ID, out)
	if err != nil {
		return err
	}
	if next != "" {
		go303(w, r, next)
		return nil
	}
	d.gone(w, r, st, out)
	return nil
}

// gone is the end of the way out.
func (d *Door) gone(w http.ResponseWriter, r *http.Request, st *store.Store, out stagedoor.SignOut) {
	switch {
	case out.Form != nil:
		if err := page.Post(w, r, st, template.URL(out.To), out.Form, false); err != nil { //nolint:gosec // the client's own address
			web.WriterLogger(w).Error("a SAML response cannot be written", "error", err)
		}
	case out.To != "":
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Location", out.To) // whatever its scheme; http.Redirect would rewrite it
		w.WriteHeader(http.StatusSeeOther)
	default:
		page.Render(w, http.StatusOK, ui.LoggedOutPage{Frame: page.Frame(r, st, nil)})
	}
}

// tellNext tells the next client of a session that has ended here.
func (d *Door) tellNext(w http.ResponseWriter, r *http.Request, st *store.Store) {
	v := visit(r, st)
	state := r.URL.Query().Get("state")
	for {
		id, who, out, next, err := d.Pipeline.NextParticipant(r.Context(), v, state)
		if err != nil {
			page.Fail(w, r, st, err, nil)
			return
		}
		if id == "" {
			d.gone(w, r, st, *out)
			return
		}
		u, err := url.Parse(next)
		if err != nil {
			page.Fail(w, r, st, err, nil)
			return
		}
		state = u.Query().Get("state")
		to, err := d.farewell(r, st, id, who, state)
		if err != nil {
			page.Fail(w, r, st, err, nil)
			return
		}
		if to != "" {
			go303(w, r, to)
			return
		}
	}
}

// farewell is the address at which a client is told; empty where it is not.
func (d *Door) farewell(r *http.Request, st *store.Store, id string, who stagedoor.Participant, state string) (string, error) {
	client, err := st.Client(r.Context(), id)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	addon, there := addonOf(client, stagedoor.ProtocolSAML)
	if !there || !addon.told() {
		return "", nil
	}
	us, err := d.own(r, st, client, who.Issuer)
	if err != nil {
		return "", err
	}
	came := stagedoor.CameBy{Connection: client.ID, NameID: who.NameID, Format: who.Format, SessionIndex: who.Index}
	return us.Logout(&xmlsig.Party{EntityID: who.Name, SignOut: addon.slo()}, came, state, st.Clock().Now())
}

// own is who we are to a client, where sessions end.
func (d *Door) own(r *http.Request, st *store.Store, client *stagedoor.Client, issuer string) (*xmlsig.Own, error) {
	key, err := d.Keys.Current(r.Context(), st)
	if err != nil {
		return nil, err
	}
	return &xmlsig.Own{EntityID: issuer, SLO: web.Issuer(r) + "samlp/" + client.ID + "/logout", Key: key.Private, Cert: key.Cert}, nil
}

func go303(w http.ResponseWriter, r *http.Request, to string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, to, http.StatusSeeOther)
}
