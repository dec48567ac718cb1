package saml_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	sp "github.com/crewjam/saml"
)

const (
	claims = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
	own    = "http://schemas.auth0.com/"
)

// TestSignOn: a service provider of another make signs somebody in, by the login that everybody has, and the second time without asking.
func TestSignOn(t *testing.T) {
	each(t, func(w *world) {
		p, b := w.provider(), w.browser()
		id, path := w.ask(p, "back-here")
		values := b.in(b.get(path)).posted()
		if values.Get("RelayState") != "back-here" {
			w.Errorf("%v", values)
		}
		a, err := w.read(p, values, id)
		w.ok(err)
		u := w.ada()
		if n := a.Subject.NameID; n.Value != u.ID || n.Format != "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified" {
			w.Errorf("%+v", n)
		}
		got := attributes(a)
		for name, want := range map[string]string{
			claims + "nameidentifier": u.ID, claims + "emailaddress": u.Email, claims + "name": "Ada Lovelace", claims + "givenname": "Ada", claims + "surname": "Lovelace",
			claims + "upn": u.Email, own + "email_verified": "true", own + "identities/default/provider": "auth0", own + "identities/default/connection": "Users",
			own + "identities/default/isSocial": "false", own + "clientID": "app",
		} {
			if strings.Join(got[name], ",") != want {
				w.Errorf("%s is %v, want %s", name, got[name], want)
			}
		}
		for name := range got {
			if strings.Contains(name, "metadata") || strings.Contains(name, "plan") {
				w.Errorf("%s is told to a client that nobody maps it for", name)
			}
		}
		if a.Conditions.AudienceRestrictions[0].Audience.Value != entity || a.Issuer.Value != "urn:acme.test" || a.Conditions.NotOnOrAfter.Sub(a.Conditions.NotBefore) != time.Hour {
			w.Errorf("%+v %+v", a.Conditions, a.Issuer)
		}
		if c := a.Subject.SubjectConfirmations[0]; c.Method != "urn:oasis:names:tc:SAML:2.0:cm:bearer" || c.SubjectConfirmationData.InResponseTo != id ||
			c.SubjectConfirmationData.Recipient != p.AcsURL.String() || !c.SubjectConfirmationData.NotOnOrAfter.Equal(a.Conditions.NotOnOrAfter) {
			w.Errorf("%+v %+v", c, c.SubjectConfirmationData)
		}
		if e := response(w, values); e.SelectAttrValue("Destination", "") != p.AcsURL.String() || e.SelectAttrValue("InResponseTo", "") != id {
			w.Errorf("%v", e.Attr)
		}
		since := a.AuthnStatements[0].AuthnInstant
		w.wait(2 * time.Minute)
		if s := a.AuthnStatements[0]; s.AuthnContext.AuthnContextClassRef.Value != "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified" || s.SessionIndex == "" || w.clock().Sub(s.AuthnInstant) > 3*time.Minute {
			w.Errorf("%+v", s)
		}
		// the session serves, by a form and to somebody else's client that speaks SAML as well
		r, err := p.MakeAuthenticationRequest(origin+"/samlp/app", sp.HTTPPostBinding, sp.HTTPPostBinding)
		w.ok(err)
		form := w.byForm(r)
		if a, err = w.read(p, b.post("/samlp/app", form).posted(), r.ID); err != nil || a.Subject.NameID.Value != u.ID || !a.AuthnStatements[0].AuthnInstant.Equal(since) {
			w.Errorf("%v %+v", err, a)
		}
		w.addon("second", `{}`)
		got2 := b.get("/samlp/second").posted() // which nobody asked for
		if e := response(w, got2); got2.Has("RelayState") || e.SelectAttr("InResponseTo") != nil || e.FindElement("//SubjectConfirmationData").SelectAttr("InResponseTo") != nil {
			w.Errorf("%v %v", got2, e.Attr)
		}
		if events := w.events(); strings.Count(events, "s") < 3 {
			w.Errorf("logged: %s", events)
		}
	})
}

// response is the element that is posted.
func response(w *world, values url.Values) *etree.Element {
	w.Helper()
	raw, err := base64.StdEncoding.DecodeString(values.Get("SAMLResponse"))
	w.ok(err)
	doc := etree.NewDocument()
	w.ok(doc.ReadFromBytes(raw))
	return doc.Root()
}

// TestPassiveAndForced: who must not be asked is not, and who must prove themselves again does (SAML core section 3.4.1).
func TestPassiveAndForced(t *testing.T) {
	w := newWorld(t, "sqlite")
	p, b := w.provider(), w.browser()
	yes := true
	passive := func(r *sp.AuthnRequest) { r.IsPassive = &yes }
	forced := func(r *sp.AuthnRequest) { r.ForceAuthn = &yes }
	_, path := w.ask(p, "", passive)
	refusal := b.get(path).posted()
	if codes, _ := w.status(refusal); strings.Join(codes, " ") != "Responder NoPassive" {
		w.Errorf("%v", codes)
	}
	if e := response(w, refusal); e.FindElement("./Signature/SignedInfo/Reference[@URI='#"+e.SelectAttrValue("ID", "")+"']") == nil {
		w.Error("a refusal is not signed")
	}
	_, path = w.ask(p, "")
	b.in(b.get(path)).posted()
	w.wait(time.Minute)
	id, path := w.ask(p, "", passive)
	before, err := w.read(p, b.get(path).posted(), id)
	w.ok(err)
	_, path = w.ask(p, "", passive, forced)
	if codes, _ := w.status(b.get(path).posted()); strings.Join(codes, " ") != "Responder NoPassive" {
		w.Errorf("%v", codes)
	}
	id, path = w.ask(p, "", forced)
	after, err := w.read(p, b.in(b.get(path)).posted(), id)
	w.ok(err)
	if !after.AuthnStatements[0].AuthnInstant.After(before.AuthnStatements[0].AuthnInstant) {
		w.Errorf("%v, then %v", before.AuthnStatements[0].AuthnInstant, after.AuthnStatements[0].AuthnInstant)
	}
	_, path = w.ask(p, "", func(r *sp.AuthnRequest) {
		f := "urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos"
		r.NameIDPolicy.Format = &f
	})
	if codes, _ := w.status(b.get(path).posted()); strings.Join(codes, " ") != "Requester InvalidNameIDPolicy" {
		w.Errorf("%v", codes)
	}
	_, path = w.ask(p, "", func(r *sp.AuthnRequest) { r.Subject = &sp.Subject{NameID: &sp.NameID{Value: "auth0|bob"}} })
	if codes, _ := w.status(b.get(path).posted()); strings.Join(codes, " ") != "Responder UnknownPrincipal" {
		w.Errorf("%v", codes)
	}
}

// TestWhoSpeaks: a client without the addon, and one that is not there, are told so on a page.
func TestWhoSpeaks(t *testing.T) {
	w := newWorld(t, "sqlite")
	b := w.browser()
	b.get("/samlp/plain").want(http.StatusBadRequest).says("it has no addon samlp")
	b.get("/samlp/nobody").want(http.StatusBadRequest).says("Unknown client")
	b.get("/samlp/metadata/nobody").want(http.StatusBadRequest)
	b.get("/samlp/app/nowhere").want(http.StatusNotFound)
	b.do(http.MethodPost, "/samlp/app", "x=1").want(http.StatusBadRequest).says("The form has no SAMLRequest.")
	b.get("/samlp/app?connection=nobody").posted()
}
