package standin

import (
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor/internal/xmlsig"
)

const (
	samlPath = "/saml/sign-in"
	slo      = "/saml/sign-out"
	claims   = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
)

// EntityID is what the stand-in calls itself as an identity provider of SAML.
const EntityID = "urn:stagedoor:stand-in"

// Certificate is the one that it signs with, in PEM.
func (s *Server) Certificate() string { return string(s.key().CertificatePEM()) }

// Issuer is the stand-in as an identity provider of SAML.
func (s *Server) Issuer() *xmlsig.Issuer {
	return &xmlsig.Issuer{EntityID: EntityID, Key: s.key().Private, Cert: s.key().Cert}
}

// Stranger signs with a certificate that nobody knows.
func (s *Server) Stranger() *xmlsig.Issuer {
	return &xmlsig.Issuer{EntityID: EntityID, Key: stranger().Private, Cert: stranger().Cert}
}

// Attributes are what the stand-in's assertions say of a person.
func Attributes(p Person) map[string][]string {
	m := map[string][]string{}
	for name, value := range map[string]string{"emailaddress": p.Email, "name": p.Name, "givenname": p.GivenName, "surname": p.FamilyName} {
		if value != "" {
			m[claims+name] = []string{value}
		}
	}
	for name, value := range p.More {
		switch v := value.(type) {
		case string:
			m[name] = []string{v}
		case []string:
			m[name] = v
		}
	}
	return m
}

// saml asks who the person is and answers with an assertion.
func (s *Server) saml(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	asked, err := xmlsig.ReadRequest(r)
	if err != nil {
		http.Error(w, "The request cannot be read.", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.requests = append(s.requests[max(0, len(s.requests)-maxKept+1):], *asked)
	mode, chosen := s.mode, s.chosen
	s.mu.Unlock()
	if m := r.Form.Get("standin_mode"); m != "" {
		mode = m
	}
	if chosen == nil {
		if chosen = s.formPerson(r); chosen == nil {
			show(w, view{Provider: "SAML", Action: r.URL.RequestURI(), Asked: samlAsked(r), People: s.People, Modes: SAMLModes, NoRefusal: true})
			return
		}
	}
	show(w, view{Provider: "SAML", Posted: true, Back: asked.ACS, Answer: map[string]string{"SAMLResponse": s.assert(asked, chosen, mode), "RelayState": r.Form.Get("RelayState")}})
}

// samlAsked is a request that came by a form; one in the address stays there.
func samlAsked(r *http.Request) map[string][]string {
	m := map[string][]string{}
	for _, name := range []string{"SAMLRequest", "RelayState"} {
		if v := r.PostForm.Get(name); v != "" {
			m[name] = []string{v}
		}
	}
	return m
}

// SAMLModes are the ways in which the stand-in misbehaves as an identity provider of SAML.
var SAMLModes = []string{WrongAudience, Expired, Future, Unsigned, OtherKey, WrongIssuer, WrongNonce, Elsewhere, SHA1, Garbage}

// SHA1 is a signature of former days.
const SHA1 = "sha1"

// bend makes an answer wrong in the way of a mode that both protocols have, and returns who signs it.
func (s *Server) bend(x *xmlsig.Issued, mode string) *xmlsig.Issuer {
	i := s.Issuer()
	switch mode {
	case WrongAudience:
		x.Audience = "urn:another"
	case Expired:
		x.At = x.At.Add(-time.Hour)
	case Future:
		x.At = x.At.Add(time.Hour)
	case OtherKey:
		i = s.Stranger()
	case WrongIssuer:
		i.EntityID = "urn:evil"
	case SHA1:
		i.SHA1 = true
	}
	return i
}

func (s *Server) assert(asked *xmlsig.Asked, p *Person, mode string) string {
	x := xmlsig.Issued{To: asked.ACS, Audience: asked.Issuer, InResponseTo: asked.ID, NameID: p.Subject, Attributes: Attributes(*p), At: s.Now(), Life: 5 * time.Minute}
	switch mode {
	case WrongNonce:
		x.InResponseTo = "id-of-another-login"
	case Elsewhere:
		x.To = "https://evil.example/login/callback"
	case Garbage:
		return "bm90aGluZw=="
	}
	i := s.bend(&x, mode)
	text, err := i.Issue(x)
	if err != nil {
		return err.Error()
	}
	if mode == Unsigned {
		return WithoutSignatures(text)
	}
	return text
}

// WithoutSignatures takes the signatures out of an answer.
func WithoutSignatures(encoded string) string {
	raw, _ := base64.StdEncoding.DecodeString(encoded)
	text := string(raw)
	for {
		from, to := strings.Index(text, "<ds:Signature "), strings.Index(text, "</ds:Signature>")
		if from < 0 || to < from {
			return base64.StdEncoding.EncodeToString([]byte(text))
		}
		text = text[:from] + text[to+len("</ds:Signature>"):]
	}
}

// Requests are the last requests of SAML that came.
func (s *Server) Requests() []xmlsig.Asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]xmlsig.Asked(nil), s.requests...)
}
