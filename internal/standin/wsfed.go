package standin

import (
	"net/http"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor/internal/xmlsig"
)

const wsfedPath = "/wsfed/sign-in"

// WSFedModes are the ways in which the stand-in misbehaves as a provider of WS-Federation.
var WSFedModes = []string{WrongAudience, Expired, Future, Unsigned, OtherKey, WrongIssuer, SHA1, Garbage}

// wsfed asks who the person is and answers with an assertion of SAML 1.1, or signs somebody out.
func (s *Server) wsfed(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	if r.Form.Get("wa") == "wsignout1.0" {
		s.logout(w, r)
		return
	}
	if r.Form.Get("wa") != "wsignin1.0" || r.Form.Get("wtrealm") == "" || r.Form.Get("wreply") == "" {
		http.Error(w, "The request cannot be read.", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	mode, chosen := s.mode, s.chosen
	s.mu.Unlock()
	if m := r.Form.Get("standin_mode"); m != "" {
		mode = m
	}
	if chosen == nil {
		if chosen = s.formPerson(r); chosen == nil {
			show(w, view{Provider: "WS-Federation", Action: r.URL.RequestURI(), People: s.People, Modes: WSFedModes, NoRefusal: true})
			return
		}
	}
	show(w, view{Provider: "WS-Federation", Posted: true, Back: r.Form.Get("wreply"), Answer: map[string]string{
		"wa": "wsignin1.0", "wctx": r.Form.Get("wctx"), "wresult": s.tokenFor(r.Form.Get("wtrealm"), chosen, mode),
	}})
}

func (s *Server) tokenFor(realm string, p *Person, mode string) string {
	x := xmlsig.Issued{Audience: realm, NameID: p.Subject, Attributes: Attributes(*p), At: s.Now(), Life: 5 * time.Minute}
	if mode == Garbage {
		return "<nothing/>"
	}
	i := s.bend(&x, mode)
	text, err := i.IssueToken(x)
	if err != nil {
		return err.Error()
	}
	if from, to := strings.Index(text, "<ds:Signature "), strings.Index(text, "</ds:Signature>"); mode == Unsigned && from >= 0 && to > from {
		text = text[:from] + text[to+len("</ds:Signature>"):]
	}
	return text
}

// federation is what the stand-in says of itself as a provider of WS-Federation.
func (s *Server) federation(w http.ResponseWriter, r *http.Request) {
	text, err := xmlsig.DescribeFederation(xmlsig.Description{EntityID: EntityID, SignIn: "http://" + r.Host + wsfedPath, Certs: xmlsig.Certificates(s.Certificate())})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	_, _ = w.Write(text)
}
