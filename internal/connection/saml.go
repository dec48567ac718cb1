package connection

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/xmlsig"
)

// Both sides of a connection to an identity provider of SAML 2.0 (object shapes, section 3).

// SAMLOwn is who we are towards the provider of a connection. issuer is the server's own, https://DOMAIN/.
func (o *Upstream) SAMLOwn(ctx context.Context, st *store.Store, c *stagedoor.Connection, issuer string) (*xmlsig.Own, error) {
	own := &xmlsig.Own{
		EntityID: c.Option("entityId"), ACS: issuer + "login/callback?connection=" + c.Name, SLO: issuer + "logout",
		Sign: c.OptionFlag("signSAMLRequest"), SHA1: c.Option("signatureAlgorithm") == "rsa-sha1",
	}
	if own.EntityID == "" {
		own.EntityID = "urn:auth0:" + st.Tenant().ID + ":" + c.Name
	}
	key, err := givenKey(c, "signing_key")
	if key == nil && err == nil {
		key, err = currentKey(ctx, st, c)
	}
	if key == nil && err == nil && o.TenantKey != nil {
		key, err = o.TenantKey(ctx, st)
	}
	if err != nil {
		return nil, err
	}
	if key != nil {
		own.Key, own.Cert, own.Decrypts = key.Private, key.Cert, key.Private
	}
	if key, err = givenKey(c, "decryptionKey"); key != nil {
		own.Decrypts, own.DecryptsCert = key.Private, key.Cert
	}
	return own, err
}

// givenKey is the key that an option holds; nil if it holds none.
func givenKey(c *stagedoor.Connection, option string) (*jose.Key, error) {
	var own struct{ Cert, Key string }
	if json.Unmarshal(c.Options.Stored[option], &own) != nil || own.Key == "" {
		return nil, nil
	}
	signer, err := jose.ParsePrivatePEM(own.Key)
	certs := xmlsig.Certificates(own.Cert)
	if err != nil || len(certs) == 0 {
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "%s of the connection %s is no key with its certificate", option, c.Name)
	}
	return &jose.Key{Private: signer, Cert: certs[0]}, nil
}

// samlParty is the provider: what the options say, and what its metadata say where the options do not.
func samlParty(c *stagedoor.Connection) (*xmlsig.Party, error) {
	p := &xmlsig.Party{}
	if text := c.Option("metadataXml"); text != "" {
		read, err := xmlsig.ReadMetadata(text, c.Option("protocolBinding"))
		if err != nil {
			return nil, stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "metadataXml of the connection %s cannot be read", c.Name)
		}
		p = read
	}
	if address := c.Option("signInEndpoint"); address != "" {
		p.SignIn = rebased(c, address)
	}
	if address := c.Option("signOutEndpoint"); address != "" {
		p.SignOut = rebased(c, address)
	}
	if binding := c.Option("protocolBinding"); binding != "" {
		p.Post = strings.HasSuffix(binding, ":HTTP-POST")
	}
	known := func(cert *x509.Certificate) bool { return slices.ContainsFunc(p.Certs, cert.Equal) }
	certs := xmlsig.Certificates(c.Option("signingCert"), c.Option("cert"))
	if slices.ContainsFunc(certs, func(cert *x509.Certificate) bool { return !known(cert) }) { // else the metadata may name the next one, too
		p.Certs = certs
	}
	return p, nil
}

// leaveSAML makes the request by which somebody leaves.
func (o *Upstream) leaveSAML(ctx context.Context, st *store.Store, c *stagedoor.Connection, redirectURI, state string) (*Departure, error) {
	party, err := samlParty(c)
	if err != nil {
		return nil, err
	}
	own, err := o.SAMLOwn(ctx, st, c, strings.TrimSuffix(redirectURI, "login/callback"))
	if err != nil {
		return nil, err
	}
	if !isWebAddress(party.SignIn) {
		return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "signInEndpoint of the connection %s is no http or https address", c.Name)
	}
	to, err := own.Request(party, state, st.Clock().Now())
	if err != nil {
		return nil, failed("The identity provider cannot be asked", short(err.Error()))
	}
	return &Departure{Address: to.Address, Form: to.Form, Back: stagedoor.Upstream{ConnectionID: c.ID, RedirectURI: redirectURI, RequestID: to.ID}}, nil
}

// badAnswer is what people are told of an answer that lets nobody in.
const badAnswer = "The answer of the identity provider is not valid"

// ofOrganization is the address of ours that a provider may know in the place of the usual one, for people of an organization: it names that, too. Empty: the query at is
// not that of such an address.
func ofOrganization(c *stagedoor.Connection, redirectURI, at string) string {
	q, err := url.ParseQuery(at)
	if err != nil || len(q) != 2 || len(q["connection"]) != 1 || len(q["organization"]) != 1 || q.Get("connection") != c.Name {
		return ""
	}
	return redirectURI + "?" + at
}

// readSAML checks an answer. requestID is that of the request that it must answer; empty: nobody asked.
func (o *Upstream) readSAML(ctx context.Context, st *store.Store, c *stagedoor.Connection, redirectURI, requestID string, answer *Answer) (*xmlsig.Assertion, error) {
	if answer.SAMLResponse == "" {
		return nil, failed(badAnswer, "there is no SAMLResponse")
	}
	party, err := samlParty(c)
	if err != nil {
		return nil, err
	}
	own, err := o.SAMLOwn(ctx, st, c, strings.TrimSuffix(redirectURI, "login/callback"))
	if err != nil {
		return nil, err
	}
	a, err := own.Read(party, answer.SAMLResponse, requestID, st.Clock().Now())
	if at := ofOrganization(c, redirectURI, answer.At); err != nil && at != "" {
		usual := err
		own.ACS = at
		if a, err = own.Read(party, answer.SAMLResponse, requestID, st.Clock().Now()); err != nil {
			err = usual
		}
	}
	if err != nil {
		return nil, failed(badAnswer, short(err.Error()))
	}
	return a, nil
}

// cameBy is what the provider calls the session of an assertion.
func cameBy(c *stagedoor.Connection, a *xmlsig.Assertion) *stagedoor.CameBy {
	came := a.CameBy
	came.Connection = c.ID
	return &came
}

// userSAML returns the user whom an assertion names.
func (o *Upstream) userSAML(ctx context.Context, st *store.Store, c *stagedoor.Connection, a *xmlsig.Assertion) (*stagedoor.User, error) {
	m, err := samlProfile(c, a)
	if err != nil {
		return nil, err
	}
	p, err := person(m)
	if err != nil {
		return nil, err
	}
	return o.user(ctx, st, c, p, nil)
}

const claims = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"

// samlFields are the attributes that members of a profile are taken from unless fieldsMap says others: names of claims, of LDAP and of X.500.
var samlFields = map[string][]string{
	"email":       {claims + "emailaddress", "email", "mail", "urn:oid:0.9.2342.19200300.100.1.3", "urn:oid:1.2.840.113549.1.9.1"},
	"given_name":  {claims + "givenname", "given_name", "givenName", "firstName", "urn:oid:2.5.4.42"},
	"family_name": {claims + "surname", "family_name", "sn", "lastName", "urn:oid:2.5.4.4"},
	"name":        {claims + "name", "name", "displayName", "cn", "urn:oid:2.16.840.1.113730.3.1.241", "urn:oid:2.5.4.3"},
	"nickname":    {"nickname", "eduPersonNickname"},
	"picture":     {"picture"},
	"upn":         {claims + "upn", "upn"},
	"groups":      {"http://schemas.xmlsoap.org/claims/Group", "groups"},
}

// samlProfile is a profile made of an assertion.
func samlProfile(c *stagedoor.Connection, a *xmlsig.Assertion) (map[string]any, error) {
	m := map[string]any{}
	value := func(names []string) any {
		for _, name := range names {
			if v := a.Attributes[name]; len(v) == 1 {
				return v[0]
			} else if len(v) > 1 {
				return v
			}
		}
		return nil
	}
	for name := range a.Attributes {
		m[name] = value([]string{name})
	}
	for name, from := range samlFields {
		if v := value(from); v != nil {
			m[name] = v
		}
	}
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(c.Options.Stored["fieldsMap"], &fields) // absent is empty
	for name, raw := range fields {
		if v := value(textList(raw)); v != nil && name != "user_id" {
			m[name] = v
		} else {
			delete(m, name)
		}
	}
	id, err := samlID(a, append(textList(c.Options.Stored["user_id_attribute"]), textList(fields["user_id"])...))
	if err != nil {
		return nil, err
	}
	m["user_id"] = id
	if address, err := NormalizeEmail(a.NameID); err == nil && address != "" && m["email"] == nil {
		m["email"] = address
	}
	return m, nil
}

// samlID is what somebody is known by: the first of the attributes named that is there or, where none is named, the NameID. Where what is named is missing the NameID does not stand in for
// it: it is an id of another kind, and may be spelled as somebody else's of the first. Who wants that names it behind the attribute, as nameidentifier.
func samlID(a *xmlsig.Assertion, names []string) (string, error) {
	if len(names) == 0 {
		return a.NameID, nil
	}
	for _, name := range names {
		values := a.Attributes[name]
		if known := strings.TrimPrefix(name, claims); a.NameID != "" && (known == "nameidentifier" || known == "NameID") {
			values = []string{a.NameID}
		}
		switch {
		case len(values) > 1:
			return "", failed(noProfile, "the attribute that people are known by has several values: "+short(name))
		case len(values) == 1 && values[0] != "":
			return values[0], nil
		}
	}
	return "", failed(noProfile, "it lacks the attribute that people are known by (user_id_attribute, user_id of fieldsMap): "+short(strings.Join(names, ", ")))
}

// textList reads a text or a list of texts.
func textList(raw json.RawMessage) []string {
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	if s := text(raw); s != "" {
		return []string{s}
	}
	return nil
}

// Unasked is what a connection says of people whom its provider sends without a request (idpinitiated).
type Unasked struct {
	Enabled   bool   `json:"enabled"`
	ClientID  string `json:"client_id"`
	Protocol  string `json:"client_protocol"`
	Authorize string `json:"client_authorizequery"`
}

// UnaskedOf reads it.
func UnaskedOf(c *stagedoor.Connection) (u Unasked) {
	_ = json.Unmarshal(c.Options.Stored["idpinitiated"], &u) // absent is not enabled
	u.Enabled = u.Enabled && c.Strategy == stagedoor.StrategySAML && c.Redirects()
	return u
}

// IdentifyUnasked returns the user whom an answer names that nobody has asked for. Each is good once: nothing else ties it to one login.
func (o *Upstream) IdentifyUnasked(ctx context.Context, st *store.Store, c *stagedoor.Connection, redirectURI string, answer *Answer) (*stagedoor.User, *stagedoor.CameBy, error) {
	unasked := UnaskedOf(c)
	if !unasked.Enabled {
		return nil, nil, stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "IdP-Initiated login is not enabled for connection \"%s\".", c.Name)
	}
	a, err := o.readSAML(ctx, st, c, redirectURI, "", answer)
	if err != nil {
		return nil, nil, err
	}
	fresh, err := st.UseAssertion(ctx, unasked.ClientID, "saml:"+c.ID+":"+jose.HashToken(a.ID), a.Ends.Add(clockTolerance*5))
	if err != nil {
		return nil, nil, err
	}
	if !fresh {
		return nil, nil, failed(badAnswer, "its assertion was used before")
	}
	u, err := o.userSAML(ctx, st, c, a)
	return u, cameBy(c, a), err
}
