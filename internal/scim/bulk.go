package scim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/stagedoor/stagedoor"
)

const (
	bulkSchema         = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
	bulkResponseSchema = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
)

// maxBulk is how many operations come at once. Together they are no larger than any body.
const maxBulk = 500

// bulkReference is what the id of a resource begins with that another operation makes.
const bulkReference = "bulkId:"

// bulkRequest is many operations (RFC 7644 section 3.7).
type bulkRequest struct {
	Schemas      []string         `json:"schemas"`
	FailOnErrors *int             `json:"failOnErrors"`
	Operations   []*bulkOperation `json:"Operations"`
}

// bulkOperation is one of them, and what became of it.
type bulkOperation struct {
	Method  string          `json:"method"`
	BulkID  string          `json:"bulkId"`
	Version string          `json:"version"`
	Path    string          `json:"path"`
	Data    json.RawMessage `json:"data"`

	wants []string       // the bulkIds that it refers to
	rest  []string       // those of them that it may still have to wait for
	made  string         // the id of what it made
	out   map[string]any // its part of the answer; nil until it is done
	ok    bool
}

func (d *Door) bulk(c *call) (int, map[string]any, error) {
	in, err := readBulk(c.body)
	if err != nil {
		return 0, nil, err
	}
	c.many = true
	b := &bulk{door: d, c: c, made: map[string]*bulkOperation{}}
	for _, o := range in.Operations {
		if o.makes() {
			b.made[o.BulkID] = o
		}
	}
	b.run(in.Operations, in.FailOnErrors)
	done := []any{}
	for _, o := range in.Operations {
		if o.out != nil {
			done = append(done, o.out)
		}
	}
	return http.StatusOK, map[string]any{"schemas": []string{bulkResponseSchema}, "Operations": done}, nil
}

// readBulk reads the operations, and finds out which refer to which.
func readBulk(body []byte) (*bulkRequest, error) {
	in := &bulkRequest{}
	if err := json.Unmarshal(body, in); err != nil {
		return nil, bad(invalidSyntax, "The body is no BulkRequest message.")
	}
	if !slices.ContainsFunc(in.Schemas, func(s string) bool { return strings.EqualFold(s, bulkSchema) }) {
		return nil, bad(invalidSyntax, "The schemas of the body lack %s.", bulkSchema)
	}
	if len(in.Operations) > maxBulk {
		return nil, stagedoor.Errorf(stagedoor.TooLarge, "", "The request has more than %d operations (maxOperations).", maxBulk)
	}
	if in.FailOnErrors != nil && *in.FailOnErrors < 1 {
		return nil, bad(invalidValue, "failOnErrors must be at least 1.")
	}
	seen := map[string]bool{}
	for _, o := range in.Operations {
		if o == nil {
			return nil, bad(invalidSyntax, "An operation is no object.")
		}
		if o.makes() {
			if seen[o.BulkID] {
				return nil, bad(invalidValue, "The bulkId %s is there twice.", stagedoor.Shorten(o.BulkID, 100))
			}
			seen[o.BulkID] = true
		}
		o.wants = references(o)
		o.rest = o.wants
	}
	return in, nil
}

// makes tells whether other operations may refer to what the operation makes.
func (o *bulkOperation) makes() bool {
	return o.BulkID != "" && strings.EqualFold(o.Method, http.MethodPost)
}

// references are the bulkIds that an operation refers to.
func references(o *bulkOperation) []string {
	var out []string
	note := func(text string) string {
		if id, is := strings.CutPrefix(text, bulkReference); is {
			out = append(out, id)
		}
		return text
	}
	if _, id, _ := o.target(); id != "" {
		note(id)
	}
	var data any
	if json.Unmarshal(o.Data, &data) == nil { // texts may be written with escapes
		eachValue(data, note)
	}
	return out
}

// eachValue replaces each text that is called value, as references to resources are: those to members of groups, and to managers.
func eachValue(v any, change func(string) string) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if text, is := inner.(string); is && strings.EqualFold(name, "value") {
				v[name] = change(text)
			} else {
				eachValue(inner, change)
			}
		}
	case []any:
		for _, inner := range v {
			eachValue(inner, change)
		}
	}
}

// target is the kind of resource that an operation is about, and the id of one.
func (o *bulkOperation) target() (kind, id string, valid bool) {
	path, rooted := strings.CutPrefix(o.Path, "/")
	kind, rest, one := strings.Cut(path, "/")
	id, err := url.PathUnescape(rest)
	return kind, id, rooted && err == nil && (kind == "Users" || kind == "Groups") && one == (id != "") && !strings.Contains(rest, "/")
}

// bulk is a request of many operations on its way.
type bulk struct {
	door *Door
	c    *call
	made map[string]*bulkOperation // by bulkId
}

// run does the operations in their order. One that refers to what a later one makes waits for that; those that wait for each other are refused.
func (b *bulk) run(operations []*bulkOperation, most *int) {
	failed := 0
	for progress := true; progress; {
		progress = false
		for _, o := range operations {
			if o.out != nil || b.waits(o) {
				continue
			}
			progress = true
			if b.do(o); !o.ok {
				if failed++; most != nil && failed >= *most {
					return
				}
			}
		}
	}
	for _, o := range operations {
		if o.out == nil {
			b.refuse(o, stagedoor.Errorf(stagedoor.Conflict, "", "The operation refers to one that refers to it."))
			if failed++; most != nil && failed >= *most {
				return
			}
		}
	}
}

// waits tells whether an operation refers to one that is not done. Each reference is looked at until that is done, and not again: they are many, and asked for often.
func (b *bulk) waits(o *bulkOperation) bool {
	for len(o.rest) > 0 {
		if other := b.made[o.rest[0]]; other != nil && other.out == nil {
			return true
		}
		o.rest = o.rest[1:]
	}
	return false
}

// resolve puts ids in the places of references.
func (b *bulk) resolve(o *bulkOperation, id string) (string, []byte, error) {
	if len(o.wants) == 0 {
		return id, o.Data, nil
	}
	for _, name := range o.wants {
		switch other := b.made[name]; {
		case other == nil:
			return "", nil, bad(invalidValue, "No operation that makes something has the bulkId %s.", stagedoor.Shorten(name, 100))
		case !other.ok:
			return "", nil, stagedoor.Errorf(stagedoor.Conflict, "", "The operation with the bulkId %s, to which this one refers, failed.", stagedoor.Shorten(name, 100))
		}
	}
	put := func(text string) string {
		if name, is := strings.CutPrefix(text, bulkReference); is {
			return b.made[name].made
		}
		return text
	}
	if len(o.Data) == 0 {
		return put(id), nil, nil
	}
	var data any
	numbers := json.NewDecoder(bytes.NewReader(o.Data))
	numbers.UseNumber()
	if err := numbers.Decode(&data); err != nil {
		return "", nil, err
	}
	eachValue(data, put)
	body, err := json.Marshal(data)
	return put(id), body, err
}

// do does one operation as if it had come by itself.
func (b *bulk) do(o *bulkOperation) {
	kind, id, valid := o.target()
	row := b.door.rowOf(o.Method, kind, id != "")
	switch {
	case !valid || row == nil:
		b.refuse(o, bad(invalidPath, "There is no such operation: %s %s.", stagedoor.Shorten(o.Method, 20), stagedoor.Shorten(o.Path, 100)))
		return
	case o.BulkID == "" && row.method == http.MethodPost:
		b.refuse(o, bad(invalidSyntax, "An operation that makes something has a bulkId."))
		return
	}
	id, body, err := b.resolve(o, id)
	if err != nil {
		b.refuse(o, err)
		return
	}
	c := b.call(row, o, kind, id, body)
	status, shown, err := b.door.one(c)
	if err != nil {
		b.door.log(c, b.refuse(o, err), stagedoor.AsError(err).Message)
		return
	}
	b.door.log(c, status, "")
	o.ok, o.out = true, o.answer(status)
	if o.made, _ = shown["id"].(string); o.made != "" {
		id = o.made
	}
	o.out["location"] = c.location(kind, id)
	meta, _ := shown["meta"].(map[string]any)
	if version, is := meta["version"].(string); is {
		o.out["version"] = version
	}
}

// rowOf finds the operation of a kind of resources.
func (d *Door) rowOf(method, kind string, one bool) *row {
	pattern := "/" + kind
	if one {
		pattern += "/{id}"
	}
	for i := range d.rows {
		if r := &d.rows[i]; r.pattern == pattern && strings.EqualFold(r.method, method) && r.method != http.MethodGet {
			return r
		}
	}
	return nil
}

// call is an operation as a request of its own. Members of groups are not read: nobody sees them.
func (b *bulk) call(row *row, o *bulkOperation, kind, id string, body []byte) *call {
	c := *b.c
	c.row, c.body, c.many, c.part, c.subject, c.subjectName, c.group1 = row, body, false, true, "", "", ""
	c.r = b.c.r.Clone(b.c.ctx())
	c.r.Method = row.method
	c.r.Header.Del("If-Match")
	if o.Version != "" {
		c.r.Header.Set("If-Match", o.Version)
	}
	c.r.URL.RawQuery = ""
	if kind == "Groups" {
		c.r.URL.RawQuery = "attributes=displayName"
	}
	c.r.SetPathValue("id", id)
	return &c
}

// one does what has come as a part of many: it counts, and needs its scope, as one that comes by itself.
func (d *Door) one(c *call) (int, map[string]any, error) {
	if err := c.ctx().Err(); err != nil {
		return 0, nil, err
	}
	if !contains(c.token.Scopes, c.row.scope) {
		return 0, nil, lacks(c.row.scope)
	}
	if err := d.limit(c, c.token.ID, c.store.Clock().Now()); err != nil {
		return 0, nil, err
	}
	return c.row.do(c)
}

// refuse notes that an operation failed.
func (b *bulk) refuse(o *bulkOperation, err error) int {
	status, body := errorBody(b.c.ctx(), err)
	o.out = o.answer(status)
	o.out["response"] = body
	if kind, id, valid := o.target(); valid && id != "" && !strings.HasPrefix(id, bulkReference) {
		o.out["location"] = b.c.location(kind, id)
	}
	return status
}

// answer is what is said of an operation in any case.
func (o *bulkOperation) answer(status int) map[string]any {
	out := map[string]any{"method": strings.ToUpper(stagedoor.Shorten(o.Method, 20)), "status": strconv.Itoa(status)}
	if o.BulkID != "" {
		out["bulkId"] = o.BulkID
	}
	return out
}
