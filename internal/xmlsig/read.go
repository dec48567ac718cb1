package xmlsig

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"

	"github.com/stagedoor/stagedoor"
)

// MaxMessage is the largest message that is looked at, in bytes.
const MaxMessage = 256 << 10

// Departure is a request as it is sent.
type Departure struct {
	ID      string
	Address string
	Form    map[string]string // what is posted to it; nil: the address says all
}

// Request makes a request to sign somebody in. relay comes back beside the answer.
func (o *Own) Request(p *Party, relay string, now time.Time) (*Departure, error) {
	sp, err := o.provider(p, p.EntityID, now)
	if err != nil {
		return nil, err
	}
	binding := saml.HTTPRedirectBinding
	if p.Post {
		binding = saml.HTTPPostBinding
	}
	req, err := sp.MakeAuthenticationRequest(p.SignIn, binding, saml.HTTPPostBinding)
	if err != nil {
		return nil, fmt.Errorf("xmlsig: make a request: %w", err)
	}
	if !p.Post {
		u, err := req.Redirect(relay, sp)
		if err != nil {
			return nil, fmt.Errorf("xmlsig: make a request: %w", err)
		}
		return &Departure{ID: req.ID, Address: u.String()}, nil
	}
	doc := etree.NewDocument()
	doc.SetRoot(req.Element())
	text, err := doc.WriteToBytes()
	if err != nil {
		return nil, err
	}
	return &Departure{ID: req.ID, Address: p.SignIn, Form: map[string]string{"SAMLRequest": base64.StdEncoding.EncodeToString(text), "RelayState": relay}}, nil
}

// Assertion is who somebody is.
type Assertion struct {
	ID         string
	NameID     string
	Attributes map[string][]string // by name
	Ends       time.Time           // when it is no longer good
	CameBy     stagedoor.CameBy    // without the connection
}

// Read checks an answer that was posted to us and returns its assertion. It must answer the request with the id; an empty one means that nobody
// asked, and then it must name none.
func (o *Own) Read(p *Party, encoded, requestID string, now time.Time) (*Assertion, error) {
	if len(encoded) > 2*MaxMessage {
		return nil, errors.New("xmlsig: the answer is too large")
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(encoded), ""))
	if err != nil {
		return nil, errors.New("xmlsig: the answer is not base64")
	}
	if len(p.Certs) == 0 {
		return nil, errors.New("xmlsig: no certificate is known")
	}
	issuer, issued, err := peek(raw)
	if err != nil {
		return nil, err
	}
	if p.EntityID != "" && issuer != p.EntityID {
		return nil, fmt.Errorf("xmlsig: the issuer is %.100q", issuer)
	}
	sp, err := o.provider(p, issuer, onTheirWay(now, issued))
	if err != nil {
		return nil, err
	}
	acs, _ := url.Parse(o.ACS)
	var ids []string
	if requestID != "" {
		ids = []string{requestID}
	} else {
		sp.AllowIDPInitiated = true
	}
	a, err := sp.ParseXMLResponse(raw, ids, *acs)
	if err != nil {
		var invalid *saml.InvalidResponseError
		if errors.As(err, &invalid) && invalid.PrivateErr != nil {
			err = invalid.PrivateErr
		}
		return nil, fmt.Errorf("xmlsig: %w", err)
	}
	if err := inTime(a, now); err != nil {
		return nil, err
	}
	return assertionOf(a)
}

// answerLife is how old an answer may be, or how far ahead of us, by the provider's clock: somebody may have to press a button on the way.
const answerLife = 5 * time.Minute

// onTheirWay is the time by which the library judges an answer that says when it was issued. Its own bounds are those of machines whose clocks agree, 90 seconds
// back and three minutes ahead; the time moves towards that of issue by what ours are wider. When it was issued is believed before its signature is
// checked: who lies gets the widest bounds, and no more.
func onTheirWay(now, issued time.Time) time.Time {
	back, ahead := now.Add(saml.MaxIssueDelay-answerLife), now.Add(answerLife-saml.MaxClockSkew)
	switch {
	case issued.Before(back):
		return back
	case issued.Before(now):
		return issued
	case issued.Add(-saml.MaxClockSkew).After(ahead):
		return ahead
	case issued.Add(-saml.MaxClockSkew).After(now):
		return issued.Add(-saml.MaxClockSkew)
	}
	return now
}

// inTime holds an assertion to its own ends by our clock.
func inTime(a *saml.Assertion, now time.Time) error {
	ended := func(end time.Time) bool { return !end.IsZero() && !now.Before(end.Add(clockSkew)) }
	if a.Conditions != nil && ended(a.Conditions.NotOnOrAfter) {
		return errors.New("xmlsig: the assertion is no longer good")
	}
	if a.Subject == nil {
		return nil
	}
	over := false
	for _, c := range a.Subject.SubjectConfirmations { // one that is good is enough
		if c.SubjectConfirmationData == nil {
			continue
		}
		if over = ended(c.SubjectConfirmationData.NotOnOrAfter); !over {
			break
		}
	}
	if over {
		return errors.New("xmlsig: the assertion is no longer good")
	}
	return nil
}

// maxCameBy is the largest name of a session with all that belongs to it, in bytes: it is kept with the session.
const maxCameBy = 4 << 10

func assertionOf(a *saml.Assertion) (*Assertion, error) {
	if a.Subject == nil || a.Subject.NameID == nil || a.ID == "" {
		return nil, errors.New("xmlsig: the assertion names nobody")
	}
	name := a.Subject.NameID
	out := &Assertion{ID: a.ID, NameID: trimmed(name.Value), Attributes: map[string][]string{}}
	out.CameBy = stagedoor.CameBy{NameID: out.NameID, Format: name.Format, NameQualifier: name.NameQualifier, SPNameQualifier: name.SPNameQualifier}
	for _, s := range a.AuthnStatements {
		if out.CameBy.SessionIndex == "" {
			out.CameBy.SessionIndex = s.SessionIndex
		}
	}
	if size := len(out.CameBy.Format) + len(out.CameBy.NameQualifier) + len(out.CameBy.SPNameQualifier) + len(out.CameBy.SessionIndex); size > maxCameBy {
		return nil, errors.New("xmlsig: what the assertion calls its session is too long")
	}
	if a.Conditions != nil {
		out.Ends = a.Conditions.NotOnOrAfter
	}
	for _, c := range a.Subject.SubjectConfirmations {
		if c.SubjectConfirmationData != nil && c.SubjectConfirmationData.NotOnOrAfter.After(out.Ends) {
			out.Ends = c.SubjectConfirmationData.NotOnOrAfter
		}
	}
	for _, s := range a.AttributeStatements {
		for _, attribute := range s.Attributes {
			for _, v := range attribute.Values {
				if !v.Nil {
					out.Attributes[attribute.Name] = append(out.Attributes[attribute.Name], trimmed(v.Value))
				}
			}
		}
	}
	return out, nil
}

// peek reads what a message calls its issuer, and when it was issued. Nothing of it is believed: the certificates are the connection's whatever it says.
func peek(raw []byte) (issuer string, issued time.Time, err error) {
	if len(raw) > MaxMessage {
		return "", issued, errors.New("xmlsig: the answer is too large")
	}
	if bytes.Contains(raw, []byte("<!DOCTYPE")) || bytes.Contains(raw, []byte("<!ENTITY")) {
		return "", issued, errors.New("xmlsig: the answer has a document type")
	}
	var r struct {
		Issued    string `xml:"IssueInstant,attr"`
		Issuer    string `xml:"urn:oasis:names:tc:SAML:2.0:assertion Issuer"`
		Assertion struct {
			Issuer string `xml:"urn:oasis:names:tc:SAML:2.0:assertion Issuer"`
		} `xml:"urn:oasis:names:tc:SAML:2.0:assertion Assertion"`
	}
	if err := xml.Unmarshal(raw, &r); err != nil {
		return "", issued, errors.New("xmlsig: the answer is no XML")
	}
	if r.Issuer == "" {
		r.Issuer = r.Assertion.Issuer
	}
	if issued, err = time.Parse(time.RFC3339, r.Issued); err != nil {
		return "", issued, errors.New("xmlsig: the answer does not say when it was issued")
	}
	return strings.TrimSpace(r.Issuer), issued, nil
}

// trimmed is a text without what XML lets stand around it to be read by people (XML section 2.3). Other blanks belong to it: names that differ by them are of
// different people.
func trimmed(s string) string { return strings.Trim(s, " \t\r\n") }
