package xmlsig

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/crewjam/saml"

	"github.com/stagedoor/stagedoor"
)

// Logout is the address at which somebody signs out: whom the provider calls by just this name, and their session of just this index (SAML core section
// 3.7.1). Of a session that nothing is known of, the name alone is told.
func (o *Own) Logout(p *Party, came stagedoor.CameBy, relay string, now time.Time) (string, error) {
	sp, err := o.provider(p, p.EntityID, now)
	if err != nil {
		return "", err
	}
	u, err := sp.MakeRedirectLogoutRequest(came.NameID, relay, saml.WithSessionIndex(came.SessionIndex), func(r *saml.LogoutRequest) {
		if came.Connection != "" {
			r.NameID = &saml.NameID{Value: came.NameID, Format: came.Format, NameQualifier: came.NameQualifier, SPNameQualifier: came.SPNameQualifier}
		}
	})
	if err != nil {
		return "", fmt.Errorf("xmlsig: make a logout request: %w", err)
	}
	return u.String(), nil
}

// LogoutAnswer is how a party gets to know that somebody was signed out here, as its request with the id wanted: by an address, or by a form where
// post is set. unless says why they were not; empty: they were.
func (o *Own) LogoutAnswer(p *Party, id, relay string, post bool, unless string, now time.Time) (*Departure, error) {
	sp, err := o.provider(p, p.EntityID, now)
	if err != nil {
		return nil, err
	}
	if len(relay) > 80 { // SAML bindings section 3.4.3; one that is longer cannot have been meant
		relay = ""
	}
	status := saml.Status{StatusCode: saml.StatusCode{Value: saml.StatusSuccess}}
	if unless != "" {
		status = saml.Status{StatusCode: saml.StatusCode{Value: saml.StatusRequester, StatusCode: &saml.StatusCode{Value: saml.StatusUnknownPrincipal}}, StatusMessage: &saml.StatusMessage{Value: unless}}
	}
	if post {
		r, err := sp.MakeLogoutResponseWithStatus(p.SignOut, id, status)
		if err != nil {
			return nil, fmt.Errorf("xmlsig: make a logout response: %w", err)
		}
		text, err := encode(r.Element())
		return &Departure{Address: p.SignOut, Form: map[string]string{"SAMLResponse": text, "RelayState": relay}}, err
	}
	u, err := sp.MakeRedirectLogoutResponseWithStatus(id, relay, status)
	if err != nil {
		return nil, fmt.Errorf("xmlsig: make a logout response: %w", err)
	}
	return &Departure{Address: u.String()}, nil
}

// Message is a request as the browser brought it.
type Message struct {
	Query string     // of the address, as it came
	Form  url.Values // what was posted; nil: the address says all
}

// LogoutRequest is what it says, checked.
type LogoutRequest struct {
	ID, NameID, RelayState string
	Indexes                []string  // of the sessions; empty: all
	Ends                   time.Time // when it is no longer good
}

// Issuer is what a request to sign somebody out calls its issuer. Nothing of it is believed.
func (m Message) Issuer() (string, error) {
	raw, err := m.request()
	if err != nil {
		return "", err
	}
	var r struct {
		XMLName xml.Name `xml:"urn:oasis:names:tc:SAML:2.0:protocol LogoutRequest"`
		Issuer  string   `xml:"urn:oasis:names:tc:SAML:2.0:assertion Issuer"`
	}
	if xml.Unmarshal(raw, &r) != nil {
		return "", errors.New("xmlsig: the request is no LogoutRequest")
	}
	return strings.TrimSpace(r.Issuer), nil
}

// request is the XML of a request, of bounded size and without a document type.
func (m Message) request() ([]byte, error) {
	q, err := url.ParseQuery(m.Query)
	if err != nil {
		return nil, errors.New("xmlsig: the request cannot be read")
	}
	posted := m.Form != nil
	if posted {
		q = m.Form
	}
	encoded := q.Get("SAMLRequest")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if encoded == "" || len(encoded) > 2*MaxMessage || err != nil {
		return nil, errors.New("xmlsig: the request is not base64")
	}
	if !posted {
		if raw, err = io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(raw)), MaxMessage+1)); err != nil {
			return nil, errors.New("xmlsig: the request cannot be inflated")
		}
	}
	if len(raw) > MaxMessage || bytes.Contains(raw, []byte("<!DOCTYPE")) || bytes.Contains(raw, []byte("<!ENTITY")) {
		return nil, errors.New("xmlsig: the request is too large or has a document type")
	}
	return raw, nil
}

// requestLife is how long a request is good that does not say it, and how far clocks may differ; the library's own bounds are narrower.
const requestLife = 15 * time.Minute

// ReadLogout checks a provider's request to sign somebody out: it must be signed with one of the provider's certificates, in whichever way it came, be
// for this address, and of now. The caller holds it to be new by its id.
func (o *Own) ReadLogout(p *Party, m Message, now time.Time) (*LogoutRequest, error) {
	issuer, err := m.Issuer()
	if err != nil {
		return nil, err
	}
	if p.EntityID != "" && p.EntityID != issuer {
		return nil, fmt.Errorf("xmlsig: the issuer is %.100q", issuer)
	}
	if len(p.Certs) == 0 {
		return nil, errors.New("xmlsig: no certificate is known")
	}
	sp, err := o.provider(p, issuer, now)
	if err != nil {
		return nil, err
	}
	r := &http.Request{Method: http.MethodGet, URL: &url.URL{RawQuery: m.Query}, Header: http.Header{}}
	q := r.URL.Query()
	if m.Form != nil { // with the signature that is in the message: others, beside it in the form, are not spoken
		q = m.Form
		one := url.Values{"SAMLRequest": {q.Get("SAMLRequest")}}
		r = &http.Request{Method: http.MethodPost, URL: &url.URL{}, Header: http.Header{}, Form: one, PostForm: one}
	}
	asked, err := sp.ValidateLogoutRequest(r)
	if err != nil {
		var invalid *saml.InvalidResponseError
		if errors.As(err, &invalid) && invalid.PrivateErr != nil {
			err = invalid.PrivateErr
		}
		return nil, fmt.Errorf("xmlsig: %w", err)
	}
	if asked.NameID == nil || trimmed(asked.NameID.Value) == "" {
		return nil, errors.New("xmlsig: the request names nobody")
	}
	out := &LogoutRequest{ID: asked.ID, NameID: trimmed(asked.NameID.Value), RelayState: q.Get("RelayState"), Ends: now.Add(requestLife)}
	if asked.NotOnOrAfter != nil && asked.NotOnOrAfter.After(now) {
		out.Ends = asked.NotOnOrAfter.Add(requestLife)
	}
	for _, i := range asked.AllSessionIndexes() {
		out.Indexes = append(out.Indexes, strings.TrimSpace(i.Value))
	}
	return out, nil
}
