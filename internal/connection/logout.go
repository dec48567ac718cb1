package connection

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/xmlsig"
)

// Message is a message of SAML as the browser brought it: in an address, or by a form.
type Message struct {
	Query string     // of the address, as it came: what is signed is its text
	Form  url.Values // nil: the address says all
}

// SignedOut is an identity provider's word that somebody has signed out there.
type SignedOut struct {
	Connection *stagedoor.Connection
	Others     []*stagedoor.Connection // to the same provider: it cannot be told by which of them somebody came
	NameID     string
	Indexes    []string // of the sessions that end; empty: all of them
	Answer     string   // address at which the provider gets our answer; empty: it has none

	proof string // by which the message is known when it comes again
	ends  time.Time
}

// Once uses the word up, and tells whether it is new. Whoever cannot do what it asks for gives it back.
func (s *SignedOut) Once(ctx context.Context, st *store.Store) error {
	fresh, err := st.UseProof(ctx, s.proof, s.ends)
	if err == nil && !fresh {
		err = failed(badRequest, "it was used before")
	}
	return err
}

// GiveBack lets the word be said again.
func (s *SignedOut) GiveBack(ctx context.Context, st *store.Store) error {
	return st.ReturnProof(ctx, s.proof)
}

// maxTried is how many connections a message is held to at most: of those whose provider has the name that it gives, and of those whose options do not say
// what their provider calls itself. How often strangers can have that done is for [guard.Signer] to bound.
const maxTried = 1000

// asker is a connection from whose provider a message may be.
type asker struct {
	conn  *stagedoor.Connection
	party *xmlsig.Party
}

// askers are the connections of SAML from whose provider a message of this issuer may be, those whose provider has that name first.
func askers(all []stagedoor.Connection, issuer string) []asker {
	var named, unnamed []asker
	for i := range all {
		c := &all[i]
		if c.Strategy != stagedoor.StrategySAML || !c.Redirects() {
			continue
		}
		party, err := samlParty(c)
		switch {
		case err != nil || len(party.Certs) == 0:
		case party.EntityID == "" && len(unnamed) < maxTried:
			unnamed = append(unnamed, asker{c, party})
		case party.EntityID != "" && party.EntityID == issuer && len(named) < maxTried:
			named = append(named, asker{c, party})
		}
	}
	return append(named, unnamed...)
}

// ReadLogout checks a provider's request to sign somebody out (SAML core section 3.7.1). Its connection is the one whose provider has the name that the
// message gives, or, where options do not say the name, one whose certificate fits. An error may come with the connection.
func (o *Upstream) ReadLogout(ctx context.Context, st *store.Store, issuer string, m Message) (*SignedOut, error) {
	msg := xmlsig.Message{Query: m.Query, Form: m.Form}
	name, err := msg.Issuer()
	if err != nil {
		return nil, failed(badRequest, short(err.Error()))
	}
	all, err := st.Connections(ctx)
	if err != nil {
		return nil, err
	}
	why := errors.New("no connection has a provider of this name")
	var word *SignedOut
	for _, a := range askers(all, name) {
		c, party := a.conn, a.party
		own, err := o.SAMLOwn(ctx, st, c, issuer)
		if stagedoor.IsKind(err, stagedoor.Forbidden) { // a key in its options that is none: others' people sign out all the same
			why = err
			continue
		}
		if err != nil {
			return nil, err
		}
		asked, err := own.ReadLogout(party, msg, st.Clock().Now())
		if err != nil {
			if why = err; party.EntityID != "" && word == nil {
				word = &SignedOut{Connection: c}
			}
			continue
		}
		if word != nil && word.proof != "" { // somebody else's connection to the same provider
			word.Others = append(word.Others, c)
			continue
		}
		word = &SignedOut{Connection: c, NameID: asked.NameID, Indexes: asked.Indexes, proof: "saml-logout:" + c.ID + ":" + asked.ID, ends: asked.Ends}
		if party.SignOut != "" {
			answer, err := own.LogoutAnswer(party, asked.ID, strings.ToValidUTF8(asked.RelayState, ""), false, "", st.Clock().Now())
			if err != nil {
				return nil, err
			}
			word.Answer = answer.Address
		}
	}
	if word == nil || word.proof == "" {
		return word, failed(badRequest, short(why.Error()))
	}
	return word, nil
}

// badRequest is what people are told of a provider's request that counts for nothing.
const badRequest = "The request of the identity provider is not valid"
