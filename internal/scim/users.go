package scim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	filter "github.com/scim2/filter-parser/v2"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/store"
)

// readUser reads the resource of a body.
func readUser(body []byte) (map[string]any, error) {
	doc, err := readResource(body, userSchema)
	if err != nil {
		return nil, err
	}
	return doc, checkUser(doc)
}

// readResource reads a resource of a schema.
func readResource(body []byte, schema string) (map[string]any, error) {
	var raw map[string]any
	if err := json.Unmarshal(body, &raw); err != nil || raw == nil {
		return nil, bad(invalidSyntax, "The body is no JSON object.")
	}
	tidied, err := tidy("", raw, 0)
	if err != nil {
		return nil, err
	}
	doc := tidied.(map[string]any)
	schemas, _ := doc["schemas"].([]any)
	if !slices.ContainsFunc(schemas, func(s any) bool { text, _ := s.(string); return strings.EqualFold(text, schema) }) {
		return nil, bad(invalidSyntax, "The schemas of the body lack %s.", schema)
	}
	for name := range readOnly {
		delete(doc, name)
	}
	return doc, nil
}

// checkUser tells whether a user is one.
func checkUser(doc map[string]any) error {
	name, _ := doc["userName"].(string)
	if strings.TrimSpace(name) == "" || len(name) > 2048 {
		return bad(invalidValue, "userName is required, a text of at most 2048 bytes.")
	}
	if external, _ := doc["externalId"].(string); len(external) > 2048 {
		return bad(invalidValue, "externalId is longer than 2048 bytes.")
	}
	for name := range manyValued {
		all, ok := doc[name].([]any)
		if doc[name] != nil && !ok {
			return bad(invalidValue, "%s must be a list.", name)
		}
		for i := len(all) - 1; i >= 0; i-- {
			onePrimary(all, i) // the last that says so
		}
	}
	return checkSize(doc)
}

func checkSize(doc map[string]any) error {
	if b, err := json.Marshal(doc); err != nil || len(b) > maxResource {
		return bad(invalidValue, "The resource is larger than %d bytes.", maxResource)
	}
	return nil
}

// kept is how a resource stands in the store.
func kept(c *stagedoor.Connection, doc map[string]any) (*stagedoor.ProvisionedUser, error) {
	b, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	name, _ := doc["userName"].(string)
	external, _ := doc["externalId"].(string)
	return &stagedoor.ProvisionedUser{ConnectionID: c.ID, UserName: name, ExternalID: external, Doc: b}, nil
}

// current is a resource as it stands: what was said, and what is known better here.
func current(rows []mapped, p *stagedoor.ProvisionedUser, u *stagedoor.User) (map[string]any, error) {
	doc := map[string]any{}
	if err := json.Unmarshal(p.Doc, &doc); err != nil {
		return nil, err
	}
	if _, said := doc["active"]; !said || blocks(rows) {
		doc["active"] = !u.IsBlocked()
	}
	return doc, nil
}

// shownUser completes a resource by what the server adds.
func (c *call) shownUser(doc map[string]any, p *stagedoor.ProvisionedUser, groups []stagedoor.UserGroup) map[string]any {
	schemas := []any{userSchema}
	if doc[enterpriseSchema] != nil {
		schemas = append(schemas, enterpriseSchema)
	}
	doc["schemas"], doc["id"] = schemas, p.UserID
	if len(groups) > 0 {
		of := []any{}
		for _, g := range groups {
			of = append(of, map[string]any{"value": g.ID, "display": g.Name, "type": "direct", "$ref": c.location("Groups", g.ID)})
		}
		doc["groups"] = of
	}
	doc["meta"] = map[string]any{
		"resourceType": "User", "created": stagedoor.FormatTime(p.CreatedAt), "lastModified": stagedoor.FormatTime(p.UpdatedAt),
		"location": c.location("Users", p.UserID), "version": versionOf(doc),
	}
	return doc
}

// user shows a user.
func (c *call) user(p *stagedoor.ProvisionedUser, u *stagedoor.User) (map[string]any, error) {
	doc, err := current(c.rows(), p, u)
	if err != nil {
		return nil, err
	}
	groups, err := c.store.UserGroups(c.ctx(), u.ID)
	if err != nil {
		return nil, err
	}
	return c.shownUser(doc, p, groups), nil
}

func (d *Door) createUser(c *call) (int, map[string]any, error) {
	doc, err := readUser(c.body)
	if err != nil {
		return 0, nil, err
	}
	id, err := identify(c.config, doc)
	if err != nil {
		return 0, nil, err
	}
	identity := connection.IdentityOf(c.conn, id)
	row, err := kept(c.conn, doc)
	if err != nil {
		return 0, nil, err
	}
	write := func(u *stagedoor.User) error { return apply(c.rows(), c.conn, c.limit(), u, nil, doc, true) }
	u := &stagedoor.User{ID: identity.FullID(), Connection: c.conn.Name, Identities: []stagedoor.Identity{identity}}
	if err := write(u); err != nil {
		return 0, nil, err
	}
	if u, err = c.store.ProvisionUser(c.ctx(), row, u, write); err != nil {
		return 0, nil, err
	}
	c.subject, c.subjectName = u.ID, u.Email
	shown, err := c.user(row, u)
	return http.StatusCreated, shown, err
}

func (d *Door) readUser(c *call) (int, map[string]any, error) {
	p, u, err := c.store.ProvisionedUser(c.ctx(), c.conn.ID, c.id())
	if err != nil {
		return 0, nil, err
	}
	shown, err := c.user(p, u)
	return http.StatusOK, shown, err
}

func (d *Door) replaceUser(c *call) (int, map[string]any, error) {
	doc, err := readUser(c.body)
	if err != nil {
		return 0, nil, err
	}
	return d.updateUser(c, true, func(now map[string]any) (map[string]any, error) {
		if _, said := doc["active"]; !said { // silence lets nobody in again
			doc["active"] = now["active"]
		}
		keepName(c.config, doc, now)
		return doc, nil
	})
}

// keepName leaves a person what the connection knows them by where a directory says nothing of it: it cannot change, and not all send it again.
func keepName(config *stagedoor.SCIMConfig, doc, now map[string]any) {
	p, err := parsePath(config.UserIDAttribute)
	if err == nil && !p.extension && p.sub == "" && p.where == nil && doc[p.name] == nil && now[p.name] != nil {
		doc[p.name] = now[p.name]
	}
}

func (d *Door) patchUser(c *call) (int, map[string]any, error) {
	operations, err := readPatch(c.body)
	if err != nil {
		return 0, nil, err
	}
	return d.updateUser(c, false, func(now map[string]any) (map[string]any, error) {
		for _, o := range operations {
			if err := patch(now, o); err != nil {
				return nil, err
			}
			if err := checkSize(now); err != nil { // what grows meanwhile is gone through by each operation, and others wait to write
				return nil, err
			}
		}
		return now, checkUser(now)
	})
}

// updateUser changes a user. all writes what did not change too.
func (d *Door) updateUser(c *call, all bool, change func(now map[string]any) (map[string]any, error)) (int, map[string]any, error) {
	groups, err := c.store.UserGroups(c.ctx(), c.id())
	if err != nil {
		return 0, nil, err
	}
	p, u, err := c.store.UpdateProvisionedUser(c.ctx(), c.conn.ID, c.id(), func(p *stagedoor.ProvisionedUser, u *stagedoor.User) error {
		before, err := current(c.rows(), p, u)
		if err != nil {
			return err
		}
		now, err := current(c.rows(), p, u)
		if err != nil {
			return err
		}
		if err := c.precondition(func() map[string]any {
			shown, _ := current(c.rows(), p, u)
			return c.shownUser(shown, p, groups)
		}); err != nil {
			return err
		}
		if now, err = change(now); err != nil {
			return err
		}
		was, err := identify(c.config, before)
		if err == nil {
			is, err := identify(c.config, now)
			if err != nil {
				return err
			}
			if is != was {
				return bad(mutability, "%s cannot change: by it the connection knows the person at a login.", c.config.UserIDAttribute)
			}
		}
		row, err := kept(c.conn, now)
		if err != nil {
			return err
		}
		p.UserName, p.ExternalID, p.Doc = row.UserName, row.ExternalID, row.Doc
		return apply(c.rows(), c.conn, c.limit(), u, before, now, all)
	})
	if err != nil {
		return 0, nil, err
	}
	c.subject, c.subjectName = u.ID, u.Email
	shown, err := c.user(p, u)
	return http.StatusOK, shown, err
}

func (d *Door) deleteUser(c *call) (int, map[string]any, error) {
	p, u, err := c.store.ProvisionedUser(c.ctx(), c.conn.ID, c.id())
	if err != nil {
		return 0, nil, err
	}
	shown, err := c.user(p, u)
	if err == nil {
		err = c.precondition(func() map[string]any { return shown })
	}
	if err != nil {
		return 0, nil, err
	}
	c.subject, c.subjectName = u.ID, u.Email
	return http.StatusNoContent, nil, c.store.DeleteUser(c.ctx(), u.ID)
}

// maxScanned is how many resources a filter is compared with that no index answers.
const maxScanned = 10000

// scannedAtOnce is how many of them are read at a time: each may be large, and a server holds no more than these and the page that is shown.
const scannedAtOnce = 50

func (d *Door) listUsers(c *call) (int, map[string]any, error) {
	q, err := c.query()
	if err != nil {
		return 0, nil, err
	}
	in := store.ProvisionedQuery{
		ConnectionID: c.conn.ID, UserName: wanted(q.where, "userName"), ExternalID: wanted(q.where, "externalId"), UserID: wanted(q.where, "id"),
		Skip: q.start - 1, Take: q.count,
	}
	whole := q.by == nil && (q.where == nil || only(q.where, "userName") || only(q.where, "externalId") || only(q.where, "id"))
	if whole {
		found, total, err := c.users(in)
		return http.StatusOK, q.answer(found, total), err
	}
	var shown []map[string]any // of those that the filter is true of: the page, unless they are sorted
	var rows []keyed[string]   // their ids, if they are
	hits := 0
	for in.Skip, in.Take = 0, scannedAtOnce; ; in.Skip += in.Take {
		if in.Skip >= maxScanned {
			return 0, nil, bad(tooMany, "More than %d users would be compared or sorted: filter by userName, externalId or id.", maxScanned)
		}
		found, total, err := c.users(in)
		if err != nil {
			return 0, nil, err
		}
		for _, one := range found {
			switch {
			case q.where != nil && !matches(q.where, one):
				continue
			case q.by != nil:
				id, _ := one["id"].(string)
				rows = append(rows, keyed[string]{id, q.key(one)})
			case hits >= q.start-1 && len(shown) < q.count:
				shown = append(shown, one)
			}
			hits++
		}
		if in.Skip+in.Take >= total {
			break
		}
	}
	for _, id := range window(q, sorted(q, rows)) {
		in.UserID, in.Skip, in.Take = id, 0, 1
		found, _, err := c.users(in)
		if err != nil {
			return 0, nil, err
		}
		shown = append(shown, found...)
	}
	return http.StatusOK, q.answer(shown, hits), nil
}

// users shows a page of users.
func (c *call) users(in store.ProvisionedQuery) ([]map[string]any, int, error) {
	page, users, total, err := c.store.ProvisionedUsers(c.ctx(), in)
	if err != nil || len(page) == 0 {
		return nil, total, err
	}
	ids := make([]string, len(page))
	for i := range page {
		ids[i] = page[i].UserID
	}
	groups, err := c.store.GroupsOf(c.ctx(), ids)
	if err != nil {
		return nil, 0, err
	}
	rows := c.rows()
	var out []map[string]any
	for i := range page {
		p := &page[i]
		u := users[p.UserID]
		if u == nil { // deleted meanwhile
			continue
		}
		doc, err := current(rows, p, u)
		if err != nil {
			return nil, 0, err
		}
		out = append(out, c.shownUser(doc, p, groups[u.ID]))
	}
	return out, total, nil
}

// ors lists the values of a filter that is `value eq "…"`, or several of them with or between.
func ors(e filter.Expression, name string) ([]string, bool) {
	switch e := e.(type) {
	case *filter.AttributeExpression:
		text, ok := e.CompareValue.(string)
		return []string{text}, ok && e.Operator == filter.EQ && canonical(e.AttributePath.AttributeName) == name
	case *filter.LogicalExpression:
		left, ok := ors(e.Left, name)
		right, also := ors(e.Right, name)
		return append(left, right...), ok && also && e.Operator == filter.OR
	}
	return nil, false
}
