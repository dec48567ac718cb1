package oauth

import (
	"context"
	"encoding/json"
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
	maxDocuments     = 1000             // that a server remembers
	maxDocumentName  = 255              // bytes of an address
	documentsByOwner = "client"         // external_metadata_created_by
)

// fetches bounds how many documents one network address can have fetched: twenty at once, then one every three seconds.
var fetches = stagedoor.Throttle{MaxAttempts: 20, Rate: 3000}

// documents remembers which ones were fetched and when, by tenant and address. What they said is in the database.
type documents struct {
	mu  sync.Mutex
	all map[string]time.Time
}

func (d *documents) fresh(key string, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	at, found := d.all[key]
	return found && now.Sub(at) < documentLife
}

func (d *documents) keep(key string, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all == nil || len(d.all) >= maxDocuments {
		d.all = map[string]time.Time{}
	}
	d.all[key] = now
}

// isDocument tells whether a client id is the address of a document (section 3 of the draft): https, with a path without dots that lead elsewhere, no
// fragment, and nobody's name in it. The host, by whose name people judge the client, is written as it is asked for: escapes would show letters
// that look like others'.
func isDocument(id string) bool {
	if !strings.HasPrefix(id, "https://") || len(id) > maxDocumentName || hasControl(id) || !ascii(id) || strings.ContainsAny(id, "#\\ ") {
		return false
	}
	u, err := url.Parse(id)
	return err == nil && u.Hostname() != "" && ascii(u.Host) && !strings.Contains(u.Host, "%") && u.User == nil && len(u.Path) > 1 && !slices.ContainsFunc(strings.Split(u.Path, "/"), func(s string) bool { return s == "." || s == ".." })
}

// described makes the client whose id is the address of a document known, as the document says it now. Of other ids nothing is done.
func (d *Door) described(r *http.Request, st *store.Store, id string) error {
	if !st.Tenant().Settings.ClientIDMetadataSupported || !isDocument(id) || d.HTTP == nil {
		return nil
	}
	key, now := st.Tenant().ID+" "+id, st.Clock().Now()
	if d.documents.fresh(key, now) {
		return nil
	}
	switch room, err := st.TakeAttempt(r.Context(), "client-document", r.RemoteAddr, fetches); {
	case err != nil:
		return err
	case !room:
		return stagedoor.Errorf(stagedoor.TooMany, "too_many_requests", "Too many clients were asked for from this address.")
	}
	in, err := d.document(r.Context(), id)
	if err != nil {
		return err
	}
	c, err := in.client("strict")
	if err != nil {
		return errDocument(stagedoor.AsError(err).Message)
	}
	c.ID, c.LogoURI, c.InitiateLoginURI = id, "", "" // a picture of a stranger's would tell them who looks at the page
	c.Stored["external_client_id"], _ = json.Marshal(id)
	c.Stored["external_metadata_type"] = json.RawMessage(`"cimd"`)
	c.Stored["external_metadata_created_by"] = json.RawMessage(`"` + documentsByOwner + `"`)
	if err := keepDocument(r.Context(), st, c); err != nil {
		return err
	}
	d.documents.keep(key, now)
	return nil
}

// keepDocument adds the client or brings it up to date. A client that somebody made under that id is left alone.
func keepDocument(ctx context.Context, st *store.Store, c *stagedoor.Client) error {
	_, err := st.Client(ctx, c.ID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		if err = st.RegisterClient(ctx, c); !stagedoor.IsKind(err, stagedoor.Conflict) { // else somebody was faster
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
	old.JWTConfiguration.Algorithm = c.JWTConfiguration.Algorithm
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
		return nil, errDocument("there was no answer")
	}
	defer resp.Body.Close()
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if resp.StatusCode != http.StatusOK || kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return nil, errDocument("the answer is not 200 with JSON")
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	switch {
	case err != nil:
		return nil, errDocument("the answer broke off")
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

// mayBeUsed tells whether a client is known to this tenant: those of documents are as long as the tenant takes such.
func mayBeUsed(st *store.Store, c *stagedoor.Client) bool {
	return !c.FromDocument() || st.Tenant().Settings.ClientIDMetadataSupported
}
