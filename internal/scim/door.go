package scim

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Base is the path under which the door lives.
const Base = "/scim/v2/connections"

// maxBody is how large a request may be.
const maxBody = 1 << 20

// usedEvery is how often it is noted that a token is used.
const usedEvery = time.Minute

// Door serves the SCIM endpoints of all tenants. It is safe for concurrent use.
type Door struct {
	rows  []row
	mux   *web.Mux[*row]
	rates guard.Shared
}

// row is one operation: what the token must be allowed, and the function that does it.
type row struct {
	method, pattern string
	scope           string // "" = any token
	title           string
	search          bool // the query is in the body
	do              func(*call) (int, map[string]any, error)
}

func (d *Door) routes() []row {
	return []row{
		{"GET", "/ServiceProviderConfig", "", "SCIM: what the server can do", false, d.serviceProvider},
		{"GET", "/ResourceTypes", "", "SCIM: the types of resources", false, d.listOf(resourceTypes)},
		{"GET", "/ResourceTypes/{id}", "", "SCIM: a type of resources", false, d.oneOf(resourceTypes)},
		{"GET", "/Schemas", "", "SCIM: the schemas", false, d.listOf(schemas)},
		{"GET", "/Schemas/{id}", "", "SCIM: a schema", false, d.oneOf(schemas)},
		{"GET", "/Users", "get:users", "SCIM: get users", false, d.listUsers},
		{"POST", "/Users", "post:users", "SCIM: create a user", false, d.createUser},
		{"POST", "/Users/.search", "get:users", "SCIM: get users", true, d.listUsers},
		{"GET", "/Users/{id}", "get:users", "SCIM: get a user", false, d.readUser},
		{"PUT", "/Users/{id}", "put:users", "SCIM: replace a user", false, d.replaceUser},
		{"PATCH", "/Users/{id}", "patch:users", "SCIM: update a user", false, d.patchUser},
		{"DELETE", "/Users/{id}", "delete:users", "SCIM: delete a user", false, d.deleteUser},
		{"GET", "/Groups", "get:groups", "SCIM: get groups", false, d.listGroups},
		{"POST", "/Groups", "post:groups", "SCIM: create a group", false, d.createGroup},
		{"POST", "/Groups/.search", "get:groups", "SCIM: get groups", true, d.listGroups},
		{"GET", "/Groups/{id}", "get:groups", "SCIM: get a group", false, d.readGroup},
		{"PUT", "/Groups/{id}", "put:groups", "SCIM: replace a group", false, d.replaceGroup},
		{"PATCH", "/Groups/{id}", "patch:groups", "SCIM: update a group", false, d.patchGroup},
		{"DELETE", "/Groups/{id}", "delete:groups", "SCIM: delete a group", false, d.deleteGroup},
		{"POST", "/Bulk", "", "SCIM: many operations at once", false, d.bulk},
		{"POST", "/.search", "", "SCIM: search resources of all types", false, unsupported},
		{"GET", "/Me", "", "SCIM: oneself", false, unsupported},
	}
}

func unsupported(*call) (int, map[string]any, error) {
	return 0, nil, stagedoor.Errorf(stagedoor.Unsupported, "", "The server does not support this operation.")
}

// New builds the door.
func New() *Door {
	d := &Door{mux: web.NewMux[*row]()}
	d.rows = d.routes()
	for i := range d.rows {
		r := &d.rows[i]
		d.mux.Add(r.method, Base+"/{connection_id}"+r.pattern, r)
	}
	return d
}

// Routes lists what the door serves.
func (d *Door) Routes() []web.Route {
	out := make([]web.Route, len(d.rows))
	for i, r := range d.rows {
		out[i] = web.Route{Method: r.method, Pattern: Base + "/{connection_id}" + r.pattern, Title: r.title, Status: http.StatusOK}
		if r.scope != "" {
			out[i].Scopes = []string{r.scope}
		}
	}
	return out
}

// Serves tells whether a path is the door's.
func Serves(path string) bool { return strings.HasPrefix(path, Base+"/") }

// call is one request on its way through the door.
type call struct {
	w      http.ResponseWriter
	r      *http.Request
	row    *row
	store  *store.Store
	conn   *stagedoor.Connection
	config *stagedoor.SCIMConfig
	token  *stagedoor.SCIMToken
	body   []byte
	mapped []mapped

	many bool // it has operations that are logged one by one
	part bool // it is one of those

	subject, subjectName, group1 string // whom it is about, for the log
}

func (c *call) ctx() context.Context { return c.r.Context() }
func (c *call) id() string           { return c.r.PathValue("id") }
func (c *call) limit() int           { return c.store.Tenant().Settings.MetadataLimit() }

func (c *call) rows() []mapped {
	if c.mapped == nil {
		c.mapped = mappingOf(c.config)
	}
	return c.mapped
}

// location is the address of a resource.
func (c *call) location(kind, id string) string {
	return web.Issuer(c.r) + strings.TrimPrefix(Base, "/") + "/" + url.PathEscape(c.conn.ID) + "/" + kind + "/" + url.PathEscape(id)
}

// ServeHTTP answers one request of a tenant.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request, st *store.Store) {
	c := &call{w: w, r: r, store: st}
	row, found := d.mux.Find(r)
	if allowed := d.mux.Allowed(r); !found && allowed != "" {
		w.Header().Set("Allow", allowed)
		refuse(w, http.StatusMethodNotAllowed, "This address does not take "+r.Method+".")
		return
	}
	if !found {
		fail(r.Context(), w, stagedoor.Errorf(stagedoor.NotFound, "", "There is nothing at this address."))
		return
	}
	c.row = row
	web.EventOf(r.Context()).SetRoute(Base + "/{connection_id}" + row.pattern)
	status, out, err := d.serve(c)
	if err != nil {
		status = fail(c.ctx(), w, err)
		d.log(c, status, stagedoor.AsError(err).Message)
		return
	}
	d.log(c, status, "")
	c.answer(status, out)
}

// NoTenant answers a request of which it is not known to which tenant it is.
func (d *Door) NoTenant(w http.ResponseWriter, r *http.Request, err error) {
	if row, found := d.mux.Find(r); found {
		web.EventOf(r.Context()).SetRoute(Base + "/{connection_id}" + row.pattern)
	}
	fail(r.Context(), w, err)
}

func (d *Door) serve(c *call) (int, map[string]any, error) {
	if err := d.authenticate(c); err != nil {
		return 0, nil, err
	}
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodDelete {
		var err error
		if c.body, err = readBody(c.w, c.r); err != nil {
			return 0, nil, err
		}
	}
	asked := c.r.URL.Query()
	for _, name := range []string{"attributes", "excludedAttributes"} {
		if err := fewNames(commas(asked.Get(name))); err != nil {
			return 0, nil, err
		}
	}
	return c.row.do(c)
}

// answer writes a resource with its version (RFC 7644 section 3.14) and, for one that was made, its address (section 3.3).
func (c *call) answer(status int, out map[string]any) {
	if status == http.StatusNoContent {
		c.w.Header().Set("Cache-Control", "no-store")
		c.w.WriteHeader(status)
		return
	}
	meta, resource := out["meta"].(map[string]any)
	if version, ok := meta["version"].(string); resource && ok {
		c.w.Header().Set("ETag", version)
		if status == http.StatusOK && c.r.Method == http.MethodGet && version1(c.r.Header.Get("If-None-Match"), version) {
			c.w.Header().Set("Cache-Control", "no-store")
			c.w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if location, ok := meta["location"].(string); ok && status == http.StatusCreated {
		c.w.Header().Set("Location", location)
	}
	if resource {
		asked := c.r.URL.Query()
		out = choose(out, commas(asked.Get("attributes")), commas(asked.Get("excludedAttributes")))
	}
	write(c.w, status, out)
}

// versionOf is the weak entity tag of a resource: a hash of what it says.
func versionOf(doc map[string]any) string {
	b, err := json.Marshal(doc)
	if err != nil {
		return `W/""`
	}
	sum := sha256.Sum256(b)
	return `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}

// version1 tells whether a list of entity tags names one, compared weakly (RFC 9110 section 8.8.3.2).
func version1(header, version string) bool {
	for _, tag := range strings.Split(header, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || tag != "" && strings.TrimPrefix(tag, "W/") == strings.TrimPrefix(version, "W/") {
			return true
		}
	}
	return false
}

// precondition refuses to change a resource of another version than If-Match names.
func (c *call) precondition(shown func() map[string]any) error {
	want := c.r.Header.Get("If-Match")
	if want == "" {
		return nil
	}
	meta, _ := shown()["meta"].(map[string]any)
	version, _ := meta["version"].(string)
	if version1(want, version) {
		return nil
	}
	return stagedoor.Errorf(stagedoor.Precondition, "", "The resource has another version than If-Match names.")
}

func errUnknown() error {
	return stagedoor.Errorf(stagedoor.Unauthorized, "", "The token is not one of this connection.")
}

// authenticate knows the caller by a token of the connection's configuration. Who knows none does not learn which connections there are.
func (d *Door) authenticate(c *call) error {
	scheme, plain, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	plain = strings.TrimSpace(plain)
	if !strings.EqualFold(scheme, "Bearer") || plain == "" || len(plain) > 512 {
		return errUnknown()
	}
	conn, err := c.store.Connection(c.ctx(), c.r.PathValue("connection_id"))
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return errUnknown()
	}
	if err != nil {
		return err
	}
	config, err := store.SCIMConfigs.Get(c.ctx(), c.store, conn.ID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return errUnknown()
	}
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(plain))
	hash := []byte(base64.RawURLEncoding.EncodeToString(sum[:]))
	var token *stagedoor.SCIMToken
	for i := range config.Tokens {
		if subtle.ConstantTimeCompare([]byte(config.Tokens[i].Hash), hash) == 1 {
			token = &config.Tokens[i]
		}
	}
	now := c.store.Clock().Now()
	if token == nil || token.ValidUntil != nil && !now.Before(*token.ValidUntil) {
		return errUnknown()
	}
	c.conn, c.config, c.token = conn, config, token
	if err := d.limit(c, token.ID, now); err != nil {
		return err
	}
	if c.row.scope != "" && !contains(token.Scopes, c.row.scope) {
		return lacks(c.row.scope)
	}
	return d.used(c, token, now)
}

func lacks(scope string) error {
	return stagedoor.Errorf(stagedoor.Forbidden, "", "The token lacks the scope %s.", scope)
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}

// used notes now and then that a token was used.
func (d *Door) used(c *call, token *stagedoor.SCIMToken, now time.Time) error {
	if token.LastUsedAt != nil && now.Sub(*token.LastUsedAt) < usedEvery {
		return nil
	}
	_, err := store.SCIMConfigs.Update(c.ctx(), c.store, c.conn.ID, func(s *stagedoor.SCIMConfig) error {
		s.Tokens = append([]stagedoor.SCIMToken{}, s.Tokens...)
		for i := range s.Tokens {
			if s.Tokens[i].ID == token.ID {
				s.Tokens[i].LastUsedAt = &now
			}
		}
		return nil
	})
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return errUnknown()
	}
	return err
}

// limit counts a request against what the tenant allows one client of the Management API.
func (d *Door) limit(c *call, token string, now time.Time) error {
	local := c.store.Tenant().Settings.Local
	if local.ManagementRate == 0 {
		return nil
	}
	room := d.rates.Take(c.store, "scim "+token, now, local.ManagementRate, local.ManagementBurst)
	if room.OK {
		return nil
	}
	if c.part { // the answer is that of all
		return stagedoor.Errorf(stagedoor.TooMany, "", "Too many requests.")
	}
	c.w.Header().Set("Retry-After", strconv.Itoa(max(int((room.Wait+time.Second-1)/time.Second), 1)))
	return stagedoor.Errorf(stagedoor.TooMany, "", "Too many requests.")
}

// readBody reads a body of JSON, under either of its media types (RFC 7644 section 3.8).
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if header := r.Header.Get("Content-Type"); header != "" {
		media, params, err := mime.ParseMediaType(header)
		charset := strings.ToLower(params["charset"])
		if err != nil || media != mediaType && media != "application/json" || charset != "" && charset != "utf-8" && charset != "utf8" {
			return nil, stagedoor.Errorf(stagedoor.UnsupportedMedia, "", "Send %s in UTF-8.", mediaType)
		}
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, stagedoor.Errorf(stagedoor.UnsupportedMedia, "", "Send the body without Content-Encoding.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var over *http.MaxBytesError
	if errors.As(err, &over) {
		return nil, stagedoor.Errorf(stagedoor.TooLarge, "", "The body is larger than %d bytes.", maxBody)
	}
	if err != nil {
		return nil, bad(invalidSyntax, "The body could not be read.")
	}
	return body, nil
}

// log writes the tenant's log: what was changed, and what could not be.
func (d *Door) log(c *call, status int, message string) {
	reads := c.r.Method == http.MethodGet || c.row.search || c.many
	if c.conn == nil || reads && message == "" || status == http.StatusTooManyRequests {
		return
	}
	e := web.LogEvent(c.r, stagedoor.LogEvent{
		Type: "sscim", Description: c.row.title, Connection: c.conn.Name, ConnID: c.conn.ID, Strategy: c.conn.Strategy, UserID: c.subject, UserName: c.subjectName,
	})
	agent := stagedoor.Shorten(strings.ToValidUTF8(c.r.UserAgent(), "\uFFFD"), 500)
	e.Details = map[string]any{
		"action": c.row.title, "connection_id": c.conn.ID, "response": map[string]any{"statusCode": status},
		"request": map[string]any{"method": strings.ToLower(c.r.Method), "path": Base + "/" + c.conn.ID + c.row.pattern, "ip": e.IP, "userAgent": agent, "query": map[string]any{}, "body": nil},
	}
	if c.group1 != "" {
		e.Details["group"] = c.group1
	}
	if message != "" {
		e.Type, e.Description = "fscim", c.row.title+": "+stagedoor.Shorten(message, 500)
	}
	c.store.Log(e)
}
