package connection

import (
	"cmp"
	"context"
	"crypto/x509"
	"net/url"
	"slices"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/xmlsig"
)

// Providers of WS-Federation: AD FS, and Entra ID where a connection says so (WS-Federation 1.2 section 13; object shapes, section 3).

const federationPath = "/FederationMetadata/2007-06/FederationMetadata.xml"

// realm is who we are to the provider.
func realm(st *store.Store, c *stagedoor.Connection) string {
	if c.Strategy == stagedoor.StrategyWAAD {
		return cmp.Or(c.Option("entityId"), c.Option("app_id"), "spn:"+c.Option("client_id"))
	}
	return cmp.Or(c.Option("entityId"), "urn:auth0:"+st.Tenant().ID)
}

// wsfedParty is the provider: what the options say, else its metadata, which are read again, where that may be, if they are to be.
func (o *Upstream) wsfedParty(ctx context.Context, c *stagedoor.Connection, again bool) (*xmlsig.Party, error) {
	p := &xmlsig.Party{}
	switch text := c.Option("fedMetadataXml"); {
	case text != "":
		read, err := xmlsig.ReadFederation(text)
		if err != nil && len(c.Thumbprints()) == 0 {
			return nil, stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "fedMetadataXml of the connection %s cannot be read", c.Name)
		}
		if err == nil {
			p = read
		}
	case c.Option("signInEndpoint") == "" || len(c.Thumbprints()) == 0:
		host := "https://" + c.Option("adfs_server")
		if c.Strategy == stagedoor.StrategyWAAD {
			host = "https://login.microsoftonline.com/" + url.PathEscape(cmp.Or(c.Option("tenantId"), c.Option("tenant_domain")))
		}
		read, err := o.federationMetadata(ctx, rebased(c, host+federationPath), again)
		if err != nil {
			return nil, err
		}
		p = read
	}
	known := *p // what is kept of metadata is others' as well
	known.SignIn = rebased(c, cmp.Or(c.Option("signInEndpoint"), p.SignIn))
	known.Thumbprints = c.Thumbprints()
	if !isWebAddress(known.SignIn) {
		return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "signInEndpoint of the connection %s is no http or https address", c.Name)
	}
	return &known, nil
}

// federationMetadata are what a provider says of itself.
func (o *Upstream) federationMetadata(ctx context.Context, address string, again bool) (*xmlsig.Party, error) {
	doc := o.documents.at("federation", address)
	doc.mu.Lock()
	defer doc.mu.Unlock()
	err := doc.read(ctx, o, address, again && doc.party != nil, func(body []byte) error {
		p, err := xmlsig.ReadFederation(string(body))
		if err != nil {
			return callError("its metadata cannot be read")
		}
		doc.party = p
		return nil
	})
	if err != nil && doc.party == nil {
		return nil, failed("The identity provider could not be reached", err.Error())
	}
	return doc.party, nil // old ones will do for a while where there are no new ones
}

// leaveWSFed makes the address at which somebody leaves. Nothing of it is signed: what ties the answer to this login is the state.
func (o *Upstream) leaveWSFed(ctx context.Context, st *store.Store, c *stagedoor.Connection, redirectURI, state string) (*Departure, error) {
	party, err := o.wsfedParty(ctx, c, false)
	if err != nil {
		return nil, err
	}
	address, err := withQuery(party.SignIn, url.Values{
		"wa": {"wsignin1.0"}, "wtrealm": {realm(st, c)}, "wreply": {redirectURI}, "wctx": {state}, "wct": {st.Clock().Now().UTC().Format(time.RFC3339)},
	})
	return &Departure{Address: address, Back: stagedoor.Upstream{ConnectionID: c.ID, RedirectURI: redirectURI}}, err
}

func withQuery(address string, more url.Values) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	q := u.Query()
	for name, values := range more {
		q[name] = values
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// identifyWSFed returns the user whom an answer names. It names no request, so that each is good once: one that was stolen is of no use when its
// person has come.
func (o *Upstream) identifyWSFed(ctx context.Context, st *store.Store, c *stagedoor.Connection, wresult string) (*stagedoor.User, error) {
	if wresult == "" {
		return nil, failed(badAnswer, "there is no wresult")
	}
	party, err := o.wsfedParty(ctx, c, false)
	if err != nil {
		return nil, err
	}
	a, err := xmlsig.ReadToken(party, realm(st, c), wresult, st.Clock().Now())
	if err != nil { // it may be signed with a certificate that the provider began to use since its metadata were read
		newer, other := o.wsfedParty(ctx, c, true)
		if other == nil && !slices.EqualFunc(newer.Certs, party.Certs, (*x509.Certificate).Equal) {
			a, err = xmlsig.ReadToken(newer, realm(st, c), wresult, st.Clock().Now())
		}
	}
	if err != nil {
		return nil, failed(badAnswer, short(err.Error()))
	}
	fresh, err := st.UseProof(ctx, "wsfed:"+c.ID+":"+jose.HashToken(a.ID), a.Ends.Add(clockTolerance*5))
	if err != nil {
		return nil, err
	}
	if !fresh {
		return nil, failed(badAnswer, "its assertion was used before")
	}
	m, err := samlProfile(c, a)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{claims + "upn", claims + "nameidentifier", claims + "emailaddress"} { // of providers that give no name beside
		if v := a.Attributes[name]; m["user_id"] == "" && len(v) == 1 {
			m["user_id"] = v[0]
		}
	}
	if m["user_id"] == "" { // claims/name may be what several people are called
		return nil, failed(noProfile, "it has neither a NameIdentifier nor a UPN or an address; user_id_attribute names another claim by which people are known")
	}
	m["email_verified"] = c.Option("should_trust_email_verified_connection") == "always_set_emails_as_verified"
	p, err := person(m)
	if err != nil {
		return nil, err
	}
	return o.user(ctx, st, c, p, nil)
}

// signOutWSFed is the address at which somebody signs out, who then comes back to back.
func (o *Upstream) signOutWSFed(ctx context.Context, c *stagedoor.Connection, back string) (string, error) {
	party, err := o.wsfedParty(ctx, c, false)
	if err != nil {
		return "", err
	}
	return withQuery(party.SignIn, url.Values{"wa": {"wsignout1.0"}, "wreply": {back}})
}
