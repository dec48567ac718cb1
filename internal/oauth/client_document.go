package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Clients whose id is the https address of a document that describes them (OAuth Client ID Metadata Document, draft-ietf-oauth-client-id-metadata-document),
// where the tenant takes such. Nobody has looked at such a client: it is somebody else's, public, held to PKCE with S256, signs people in through
// connections of the domain alone, and asks each of them each time, with the name of its host.

const (
	maxDocument      = 5 << 10          // bytes, as the draft recommends
	documentTime     = 5 * time.Second  // of a fetch
	documentLife     = 15 * time.Minute // how long a document is not fetched again
	documentLast     = 24 * time.Hour   // how long it counts while its host does not answer
	documentRetry    = 10 * time.Second // how long one is not tried again that failed
	maxDocuments     = 1000             // fetches that a server remembers
	maxClients       = 5000             // clients of documents in a tenant, and so many that registered themselves
	maxDocumentName  = 255              // bytes of an address
	documentsByOwner = "client"         // external_metadata_created_by
)

// fetches bounds how many documents one network address can have fetched: twenty at once, then one every three seconds.
var fetches = stagedoor.Throttle{MaxAttempts: 20, Rate: 3000}

// documents are the fetches that are under way, or have failed just now, by tenant and address. What the others brought is in the database.
type documents struct {
	mu  sync.Mutex
	all map[string]*fetching
}

// fetching is one fetch, for everybody who waits for it.
type fetching struct {
	done chan struct{}
	at   time.Time
	err  error // once it is done
}

// errAway is within the error for a document whose host does not answer now.
var errAway = errors.New("oauth: the host of the document does not answer")

// begin returns the fetch of a document, and whether it is the caller's to make: else somebody else makes it, or has failed a moment ago.
func (d *documents) begin(key string, now time.Time) (f *fetching, mine bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.all[key]; f != nil && (!f.ended() || now.Sub(f.at) < documentRetry) {
		return f, false
	}
	if d.all == nil || len(d.all) >= maxDocuments {
		d.all = map[string]*fetching{}
	}
	f = &fetching{done: make(chan struct{}), at: now}
	d.all[key] = f
	return f, true
}

// end tells those who wait what came of it. Of what is in the database now, or of a fetch that was never made, nothing is remembered.
func (d *documents) end(key string, f *fetching, err error, remember bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f.err = err
	close(f.done)
	if !remember && d.all[key] == f {
		delete(d.all, key)
	}
}

func (f *fetching) ended() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// isDocument tells whether a client id is the address of a document (section 3 of the draft): https, with a path without dots that lead elsewhere, no
// fragment, no query, which would make many clients of one document, and nobody's name in it. The host, by whose name people judge the client, is written as it is asked for: escapes would show letters
// that look like others'.
func isDocument(id string) bool {
	if !strings.HasPrefix(id, "https://") || len(id) > maxDocumentName || hasControl(id) || !ascii(id) || strings.ContainsAny(id, "#?\\ ") {
		return false
	}
	u, err := url.Parse(id)
	return err == nil && u.Hostname() != "" && ascii(u.Host) && !strings.Contains(u.Host, "%") && u.User == nil && len(u.Path) > 1 && !slices.ContainsFunc(strings.Split(u.Path, "/"), func(s string) bool { return s == "." || s == ".." })
}

// described makes the client whose id is the address of a document known, as the document says it now. Of other ids nothing is done. A document is fetched once however many
// people come at the same time, and while its host does not answer what it said last counts for a day.
func (d *Door) described(r *http.Request, st *store.Store, id string) error {
	if !st.Tenant().Settings.ClientIDMetadataSupported || !isDocument(id) || d.HTTP == nil {
		return nil
	}
	ctx, key, now := r.Context(), st.Tenant().ID+" "+id, st.Clock().Now()
	age := time.Duration(-1) // of what is kept; negative: there is nothing
	switch c, err := st.Client(ctx, id); {
	case err == nil && !c.FromDocument(): // somebody here has made it
		return nil
	case err == nil:
		age = max(0, now.Sub(time.Unix(c.DocumentAt, 0)))
	case !stagedoor.IsKind(err, stagedoor.NotFound):
		return err
	default:
		if _, err := store.DeclinedClients.ByName(ctx, st, id); !stagedoor.IsKind(err, stagedoor.NotFound) {
			return err // unless it is nil an error of the database
		}
		if !st.Tenant().Settings.TakesDocuments() { // administrators alone make such clients
			return nil
		}
	}
	if age >= 0 && age < documentLife {
		return nil
	}
	kept := age >= 0 && age < documentLast
	f, mine := d.documents.begin(key, now)
	if mine {
		var err error
		if c, missing := st.Client(ctx, id); missing != nil || now.Sub(time.Unix(c.DocumentAt, 0)) >= documentLife { // else somebody's fetch has ended meanwhile
			err = d.refresh(ctx, r.RemoteAddr, st, id)
		}
		d.documents.end(key, f, err, err != nil && !stagedoor.IsKind(err, stagedoor.TooMany))
	} else if kept && !f.ended() {
		return nil
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if kept && (errors.Is(f.err, errAway) || stagedoor.IsKind(f.err, stagedoor.TooMany)) {
		return nil
	}
	return f.err
}

// refresh fetches a document and keeps what it says.
func (d *Door) refresh(ctx context.Context, address string, st *store.Store, id string) error {
	switch room, err := st.TakeAttempt(ctx, "client-document", stagedoor.Network(address), fetches); {
	case err != nil:
		return err
	case !room:
		return stagedoor.Errorf(stagedoor.TooMany, "too_many_requests", "Too many clients were asked for from this address.")
	}
	ctx = context.WithoutCancel(ctx) // others wait for it, too
	in, err := d.document(ctx, id)
	if err != nil {
		return err
	}
	c, err := in.client("strict")
	if err != nil {
		return errDocument(stagedoor.AsError(err).Message)
	}
	c.ID, c.LogoURI, c.InitiateLoginURI, c.DocumentAt = id, "", "", st.Clock().Now().Unix() // a picture of a stranger's would tell them who looks at the page
	c.Stored["external_client_id"], _ = json.Marshal(id)
	c.Stored["external_metadata_type"] = json.RawMessage(`"cimd"`)
	c.Stored["external_metadata_created_by"] = json.RawMessage(`"` + documentsByOwner + `"`)
	return keepDocument(ctx, st, c)
}

// keepDocument adds the client or brings it up to date. A client that somebody made under that id is left alone.
func keepDocument(ctx context.Context, st *store.Store, c *stagedoor.Client) error {
	_, err := st.Client(ctx, c.ID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		if err = st.RegisterDocument(ctx, c, maxClients); !stagedoor.IsKind(err, stagedoor.Conflict) { // else somebody was faster
			return err
		}
		err = nil
	}
	if err != nil {
		return err
	}
	_, err = st.UpdateClient(ctx, c.ID, func(old *stagedoor.Client) error {
		if old.FromDocument() {
			bringUpToDate(old, c)
		}
		return nil
	})
	return err
}

// bringUpToDate makes a client what its document says now. What it demands of itself, to push its requests and to prove that it holds a key, stays
// demanded, as does what somebody here demanded of it.
func bringUpToDate(old, c *stagedoor.Client) {
	old.Name, old.AppType, old.Callbacks, old.GrantTypes, old.AllowedLogoutURLs = c.Name, c.AppType, c.Callbacks, c.GrantTypes, c.AllowedLogoutURLs
	old.JWTConfiguration.Algorithm, old.DocumentAt = c.JWTConfiguration.Algorithm, c.DocumentAt
	delete(old.Stored, userInfoAlg)
	if alg, set := c.Stored[userInfoAlg]; set {
		old.Stored[userInfoAlg] = alg
	}
	if c.RequirePAR != nil {
		old.RequirePAR = c.RequirePAR
	}
	if c.RequireProofOfPossession != nil {
		old.RequireProofOfPossession = c.RequireProofOfPossession
	}
}

// userInfoAlg is the member of a client that says how its answers of /userinfo are signed.
const userInfoAlg = "userinfo_signed_response_alg"

func errDocument(why string) error {
	return stagedoor.Errorf(stagedoor.Invalid, "invalid_client", "The client's metadata document cannot be used: %s", why)
}

// away is errDocument of a host that does not answer now.
func away(why string) error {
	e := stagedoor.AsError(errDocument(why))
	e.Err = errAway
	return e
}

// document fetches a document and reads it. It follows no redirect (section 4), and what it says of failures is the same for every address
// that cannot be reached, so that nobody learns of this server's network.
func (d *Door) document(ctx context.Context, address string) (*registration, error) {
	ctx, cancel := context.WithTimeout(ctx, documentTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errDocument("its address is none")
	}
	r.Header.Set("Accept", "application/json")
	client := *d.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(r)
	if err != nil {
		return nil, away("there was no answer")
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusInternalServerError || resp.StatusCode == http.StatusTooManyRequests {
		return nil, away("the answer is not 200 with JSON")
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if resp.StatusCode != http.StatusOK || kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return nil, errDocument("the answer is not 200 with JSON")
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	switch {
	case err != nil:
		return nil, away("the answer broke off")
	case len(b) > maxDocument:
		return nil, errDocument("it is larger than 5 KB")
	}
	return readDocument(address, b)
}

// readDocument reads a document (section 4.1): it names its own address, and holds no secret nor a way to prove oneself by one.
func readDocument(address string, b []byte) (*registration, error) {
	var in struct {
		registration
		ClientID string          `json:"client_id"`
		Secret   json.RawMessage `json:"client_secret"`
		Expires  json.RawMessage `json:"client_secret_expires_at"`
	}
	if !utf8.Valid(b) || web.CheckJSON(b) != nil || json.Unmarshal(b, &in) != nil || unreadable(string(b)) {
		return nil, errDocument("it is not a JSON object of the known members")
	}
	if in.AuthMethod == "" {
		in.AuthMethod = "none"
	}
	switch {
	case in.ClientID != address:
		return nil, errDocument("its client_id is not its address")
	case len(in.Secret) > 0 || len(in.Expires) > 0:
		return nil, errDocument("it holds a secret")
	case in.AuthMethod != "none":
		return nil, errDocument("token_endpoint_auth_method must be none")
	}
	return &in.registration, nil
}
