package connection

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/xmlsig"
)

const (
	documentLife   = time.Hour       // how long a document of an issuer is good
	documentRest   = 24 * time.Hour  // how long an old one will do while there is no new one: keys that were given up shall not go on
	documentPause  = 5 * time.Second // between two times that it is asked for again because a key is not in it, once
	documentHaste  = 5               // times have been so at once
	failurePause   = 5 * time.Second // before an issuer that did not answer is asked again
	maxDocuments   = 1000
	documentBytes  = 16 << 20    // of the texts of all of them: what is kept of a text may be ten times as large
	clockTolerance = time.Minute // by which clocks may differ
)

// documents are what issuers publish, by address: metadata and key sets. They are public, so that tenants share them.
type documents struct {
	mu    sync.Mutex
	all   map[string]*document
	bytes int
}

// document is one of them. Its lock is held while it is fetched, so that many logins at once fetch it once.
type document struct {
	mu      sync.Mutex
	fetched time.Time
	failed  time.Time
	again   time.Time // until when the times that it was asked for again count
	err     error
	size    int // of the text
	members map[string]any
	keys    []jose.VerifyKey
	party   *xmlsig.Party // of metadata of WS-Federation
}

// at returns the document of a kind at an address, which may be empty yet. What one tenant takes for another kind than it is must not look like a failure to
// others.
func (d *documents) at(kind, address string) *document {
	address = kind + " " + address
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all == nil {
		d.all = map[string]*document{}
	}
	doc := d.all[address]
	if doc == nil {
		if len(d.all) >= maxDocuments {
			d.drop()
		}
		doc = &document{}
		d.all[address] = doc
	}
	return doc
}

// drop forgets all of them: that is rare, and costs a fetch for each.
func (d *documents) drop() {
	clear(d.all)
	d.bytes = 0
}

// weigh notes how long the text of a document is now.
func (d *documents) weigh(doc *document, size int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bytes += size - doc.size
	if doc.size = size; d.bytes > documentBytes {
		d.drop()
	}
}

// mayAgain tells whether the document may be asked for again though it is good, and counts that. A provider that signs with a new key at once is asked at once;
// whoever writes ids of keys that are nowhere has it asked five times, and then every five seconds, for all of them together.
func (doc *document) mayAgain(now time.Time) bool {
	if doc.again.Sub(now) > (documentHaste-1)*documentPause {
		return false
	}
	if doc.again.Before(now) {
		doc.again = now
	}
	doc.again = doc.again.Add(documentPause)
	return true
}

// read fetches the document if there is none that is good; again: even if there is one, unless that has been done too often.
func (doc *document) read(ctx context.Context, o *Upstream, address string, again bool, parse func([]byte) error) error {
	now := time.Now() // of the machine: it is about pauses between fetches
	switch {
	case now.Sub(doc.failed) < failurePause:
		return doc.err
	case !again && now.Sub(doc.fetched) < documentLife, again && !doc.mayAgain(now):
		return nil
	}
	resp, body, err := o.call(ctx, http.MethodGet, address, http.Header{"Accept": {"application/json"}}, "")
	if err == nil && resp.StatusCode != http.StatusOK {
		err = callError("it answers " + resp.Status)
	}
	if err == nil {
		err = parse(body)
	}
	if err != nil {
		if ctx.Err() == nil { // else it is the browser that left
			doc.failed, doc.err = now, err
		}
		if now.Sub(doc.fetched) > documentRest {
			doc.members, doc.keys, doc.party = nil, nil, nil
		}
		return err
	}
	o.documents.weigh(doc, len(body))
	doc.fetched, doc.failed = now, time.Time{}
	return nil
}

// metadata are what an issuer says of itself (OpenID Connect Discovery section 4).
func (o *Upstream) metadata(ctx context.Context, address string) (map[string]any, error) {
	doc := o.documents.at("metadata", address)
	doc.mu.Lock()
	defer doc.mu.Unlock()
	err := doc.read(ctx, o, address, false, func(body []byte) error {
		var m map[string]any
		if json.Unmarshal(body, &m) != nil || m["issuer"] == nil {
			return callError("its metadata cannot be read")
		}
		doc.members = m
		return nil
	})
	if err != nil && doc.members == nil {
		return nil, failed("The identity provider could not be reached", err.Error())
	}
	return doc.members, nil // old ones will do for a while where there are no new ones
}

// verifyKeys are the keys with which a token with the header may be signed. A key that is not known yet lets the set be fetched again, but not
// at every token: others write the header.
func (o *Upstream) verifyKeys(ctx context.Context, address string, h jose.Header) ([]jose.VerifyKey, error) {
	doc := o.documents.at("keys", address)
	doc.mu.Lock()
	defer doc.mu.Unlock()
	began := time.Now()
	for _, again := range []bool{false, true} {
		if again && !doc.fetched.Before(began) {
			break // they were fetched just now
		}
		err := doc.read(ctx, o, address, again, func(body []byte) (err error) {
			keys, err := jose.ParseKeySet(body)
			if err == nil {
				doc.keys = keys
			}
			return err
		})
		if err != nil && doc.keys == nil {
			return nil, err
		}
		var fit []jose.VerifyKey
		for _, k := range doc.keys {
			if k.Does(h.Algorithm) && (h.KeyID == "" || k.KID == "" || k.KID == h.KeyID) {
				fit = append(fit, k)
			}
		}
		if len(fit) > 0 {
			return fit, nil
		}
	}
	return nil, callError("its key set has no key " + short(h.KeyID) + " for " + short(h.Algorithm))
}

// verify checks an ID token (OpenID Connect Core section 3.1.3.7) and returns its claims.
func (g *given) verify(token, nonce string) (map[string]any, error) {
	const message = "The ID token of the identity provider is not valid"
	no := func(why string) (map[string]any, error) { return nil, failed(message, why) }
	if token == "" {
		return no("there is none")
	}
	header, _, err := jose.Peek(token)
	if err != nil {
		return no(err.Error())
	}
	if !slices.Contains(g.algs, header.Algorithm) || !slices.Contains(jose.Asymmetric, header.Algorithm) {
		return no("it is signed with " + short(header.Algorithm) + ", which is not expected")
	}
	keys, err := g.up.verifyKeys(g.ctx, g.keys, header)
	if err != nil {
		return no(err.Error())
	}
	now := g.st.Clock().Now()
	claims, err := signedBy(token, header.Algorithm, keys, now)
	switch party := claims.AuthorizedParty; {
	case err != nil:
		return no(err.Error())
	case !g.issuedBy(claims):
		return no("its issuer is " + short(claims.Issuer))
	case !slices.Contains(claims.Audience, g.clientID):
		return no("it is for another client")
	case !g.otherParty && (party != "" && party != g.clientID || party == "" && len(claims.Audience) > 1):
		return no("it was given to another client")
	case claims.Subject == "":
		return no("it has no sub")
	case claims.IssuedAt.After(now.Add(clockTolerance)):
		return no("it was issued in the future")
	}
	if got, _ := claims.Raw["nonce"].(string); nonce != "" && got != nonce {
		return no("its nonce is not the one that was sent")
	}
	access, _ := g.tokens["access_token"].(string)
	if hash, has := claims.Raw["at_hash"].(string); has && access != "" && strings.HasSuffix(header.Algorithm, "256") && hash != jose.HalfHash(access) {
		return no("its at_hash is of another access token")
	}
	return claims.Raw, nil
}

// signedBy are the claims of a token that is signed with one of the keys, and is of now.
func signedBy(token, alg string, keys []jose.VerifyKey, now time.Time) (claims jose.Claims, err error) {
	for _, k := range keys {
		claims, err = jose.Parse(token, now.Add(-clockTolerance), func(jose.Header) (string, any, error) { return alg, k.Key, nil })
		if errors.Is(err, jose.ErrNotYetValid) && !now.Add(clockTolerance).Before(claims.NotBefore) {
			err = nil
		}
		if !errors.Is(err, jose.ErrSignature) {
			break
		}
	}
	return claims, err
}

// issuedBy tells whether a token is of the issuer that was asked. That of Microsoft's common endpoint names its tenant in it.
func (g *given) issuedBy(c jose.Claims) bool {
	tenant, _ := c.Raw["tid"].(string)
	if strings.Contains(g.issuer, "{tenantid}") {
		return tenant != "" && !strings.ContainsAny(tenant, "/{}") && c.Issuer == strings.ReplaceAll(g.issuer, "{tenantid}", tenant)
	}
	return c.Issuer == g.issuer || slices.Contains(g.issuers, c.Issuer)
}
