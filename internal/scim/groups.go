package scim

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Bounds of a group (Management API object shapes, section 3).
const (
	maxGroupName     = 128 // characters
	maxGroupExternal = 256
)

// describe writes what a resource says of a group into it.
func describe(g *stagedoor.Group, doc map[string]any) error {
	name, _ := doc["displayName"].(string)
	external, _ := doc["externalId"].(string)
	if name = strings.TrimSpace(name); name == "" || len([]rune(name)) > maxGroupName || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return bad(invalidValue, "displayName is required, a text of at most %d characters.", maxGroupName)
	}
	if len(external) > maxGroupExternal {
		return bad(invalidValue, "externalId is longer than %d bytes.", maxGroupExternal)
	}
	g.Name, g.ExternalID = name, external
	return nil
}

// membersOf are the ids that a list of members names. Groups in groups are refused.
func membersOf(v any) ([]string, error) {
	tidied, err := tidy("members", v, 1)
	if err != nil {
		return nil, err
	}
	all, ok := tidied.([]any)
	if !ok && tidied != nil {
		return nil, bad(invalidValue, "members must be a list of objects with a value each.")
	}
	var out []string
	for _, one := range all {
		object, _ := one.(map[string]any)
		id, _ := object["value"].(string)
		if ref, _ := object["$ref"].(string); strings.HasSuffix(ref, "/"+id) { // the end of the address, as some clients have it: our ids are not spelled alike there
			if plain, err := url.PathUnescape(id); err == nil {
				id = plain
			}
		}
		if id == "" || len(id) > 512 {
			return nil, bad(invalidValue, "members must be a list of objects with a value each.")
		}
		if kind, _ := object["type"].(string); kind != "" && !strings.EqualFold(kind, "User") {
			return nil, bad(invalidValue, "Members of groups are users: groups in groups are not supported.")
		}
		out = append(out, id)
	}
	return out, nil
}

func (c *call) groupHead(g *stagedoor.Group) map[string]any {
	out := map[string]any{
		"schemas": []string{groupSchema}, "id": g.ID, "displayName": g.Name,
		"meta": map[string]any{
			"resourceType": "Group", "created": stagedoor.FormatTime(g.CreatedAt), "lastModified": stagedoor.FormatTime(g.UpdatedAt),
			"location": c.location("Groups", g.ID), "version": `W/"` + strconv.Itoa(g.Revision) + `"`,
		},
	}
	if g.ExternalID != "" {
		out["externalId"] = g.ExternalID
	}
	return out
}

// group shows a group, with its members unless nobody wants them.
func (c *call) group(g *stagedoor.Group, members bool) (map[string]any, error) {
	out := c.groupHead(g)
	if !members {
		return out, nil
	}
	all, err := c.store.GroupMembers(c.ctx(), g.ID, store.OrganizationQuery{})
	if err != nil {
		return nil, err
	}
	shown := []any{}
	for _, m := range all {
		one := map[string]any{"value": m.UserID, "type": "User", "$ref": c.location("Users", m.UserID)}
		if m.Name != "" {
			one["display"] = m.Name
		}
		shown = append(shown, one)
	}
	if len(shown) > 0 {
		out["members"] = shown
	}
	return out, nil
}

// owned is the group of the path, which must be one of the connection.
func (c *call) owned() (*stagedoor.Group, error) {
	g, err := c.store.Group(c.ctx(), c.id())
	if err == nil && g.ConnectionID != c.conn.ID {
		err = errNoGroup()
	}
	return g, err
}

func errNoGroup() error { return stagedoor.Errorf(stagedoor.NotFound, "", "The group does not exist.") }

func (d *Door) createGroup(c *call) (int, map[string]any, error) {
	doc, err := readResource(c.body, groupSchema)
	if err != nil {
		return 0, nil, err
	}
	g := &stagedoor.Group{ConnectionID: c.conn.ID}
	if err := describe(g, doc); err != nil {
		return 0, nil, err
	}
	members, err := membersOf(doc["members"])
	if err != nil {
		return 0, nil, err
	}
	if err := c.store.CreateGroup(c.ctx(), g, members); err != nil {
		return 0, nil, err
	}
	c.group1 = g.ID
	shown, err := c.group(g, c.wants("members"))
	return http.StatusCreated, shown, err
}

func (d *Door) readGroup(c *call) (int, map[string]any, error) {
	g, err := c.owned()
	if err != nil {
		return 0, nil, err
	}
	shown, err := c.group(g, c.wants("members"))
	return http.StatusOK, shown, err
}

func (d *Door) replaceGroup(c *call) (int, map[string]any, error) {
	doc, err := readResource(c.body, groupSchema)
	if err != nil {
		return 0, nil, err
	}
	members, err := membersOf(doc["members"])
	if err != nil {
		return 0, nil, err
	}
	g, err := d.updateGroup(c, func(g *stagedoor.Group) (store.MemberChange, error) {
		return store.MemberChange{Replace: true, Add: members}, describe(g, doc)
	})
	if err != nil {
		return 0, nil, err
	}
	shown, err := c.group(g, c.wants("members"))
	return http.StatusOK, shown, err
}

// patchGroup answers with nothing unless somebody asks for attributes: a group may have many members.
func (d *Door) patchGroup(c *call) (int, map[string]any, error) {
	operations, err := readPatch(c.body)
	if err != nil {
		return 0, nil, err
	}
	g, err := d.updateGroup(c, func(g *stagedoor.Group) (store.MemberChange, error) {
		doc := map[string]any{"displayName": g.Name, "externalId": g.ExternalID}
		m := &memberPatch{in: map[string]bool{}}
		for _, o := range operations {
			if err := m.operation(doc, o); err != nil {
				return store.MemberChange{}, err
			}
		}
		return m.change(), describe(g, doc)
	})
	if err != nil {
		return 0, nil, err
	}
	if !c.r.URL.Query().Has("attributes") {
		return http.StatusNoContent, nil, nil
	}
	shown, err := c.group(g, c.wants("members"))
	return http.StatusOK, shown, err
}

func (d *Door) updateGroup(c *call, change func(*stagedoor.Group) (store.MemberChange, error)) (*stagedoor.Group, error) {
	c.group1 = c.id()
	return c.store.UpdateGroup(c.ctx(), c.id(), func(g *stagedoor.Group) (store.MemberChange, error) {
		if g.ConnectionID != c.conn.ID {
			return store.MemberChange{}, errNoGroup()
		}
		if err := c.precondition(func() map[string]any { return c.groupHead(g) }); err != nil {
			return store.MemberChange{}, err
		}
		return change(g)
	})
}

// memberPatch gathers what operations do to members, without reading who they are.
type memberPatch struct {
	replace bool            // whoever was there has left
	in      map[string]bool // who is in it, or not, by the operations so far
}

func (m *memberPatch) change() store.MemberChange {
	out := store.MemberChange{Replace: m.replace}
	for _, id := range slices.Sorted(maps.Keys(m.in)) {
		if m.in[id] {
			out.Add = append(out.Add, id)
		} else if !m.replace {
			out.Remove = append(out.Remove, id)
		}
	}
	return out
}

func (m *memberPatch) set(ids []string, in bool) {
	for _, id := range ids {
		m.in[id] = in
	}
}

func (m *memberPatch) operation(doc map[string]any, o operation) error {
	value, err := decode(o.Value)
	if err != nil {
		return err
	}
	if strings.TrimSpace(o.Path) == "" {
		members, ok := value.(map[string]any)
		if !ok {
			return bad(invalidValue, "The value of an operation without path must be an object.")
		}
		for _, key := range slices.Sorted(maps.Keys(members)) {
			if readOnly[canonicalKey(key)] {
				continue
			}
			p, err := parsePath(key)
			if err == nil {
				err = m.at(doc, o.Op, p, members[key])
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	p, err := parsePath(o.Path)
	if err != nil {
		return err
	}
	return m.at(doc, o.Op, p, value)
}

func (m *memberPatch) at(doc map[string]any, op string, p path, value any) error {
	if p.name != "members" {
		return change(doc, op, p, value)
	}
	if p.sub != "" {
		return bad(mutability, "Members are added and removed as a whole.")
	}
	if p.where != nil {
		ids, ok := ors(p.where, "value")
		if !ok || op != "remove" {
			return bad(invalidPath, `Members are selected by value eq "…", to be removed.`)
		}
		m.set(ids, false)
		return nil
	}
	ids, err := membersOf(value)
	if err != nil {
		return err
	}
	switch {
	case op == "add":
		m.set(ids, true)
	case op == "remove" && len(ids) > 0: // Entra ID names in the value who leaves
		m.set(ids, false)
	default:
		m.replace, m.in = true, map[string]bool{}
		if op == "replace" {
			m.set(ids, true)
		}
	}
	return nil
}

func (d *Door) deleteGroup(c *call) (int, map[string]any, error) {
	g, err := c.owned()
	if err == nil {
		err = c.precondition(func() map[string]any { return c.groupHead(g) })
	}
	if err != nil {
		return 0, nil, err
	}
	c.group1 = g.ID
	return http.StatusNoContent, nil, c.store.DeleteGroup(c.ctx(), g.ID)
}

func (d *Door) listGroups(c *call) (int, map[string]any, error) {
	q, err := c.query()
	if err != nil {
		return 0, nil, err
	}
	if id := wanted(q.where, "id"); id != "" { // Entra ID asks so whether somebody is in a group
		g, err := c.store.Group(c.ctx(), id)
		if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && g.ConnectionID != c.conn.ID {
			return http.StatusOK, q.answer(nil, 0), nil
		}
		if err != nil {
			return 0, nil, err
		}
		hits, err := c.among(q, []stagedoor.Group{*g})
		if err != nil {
			return 0, nil, err
		}
		return c.groups(q, q.cut(hits), len(hits))
	}
	in := store.GroupQuery{ConnectionID: c.conn.ID, ExternalID: wanted(q.where, "externalId")}
	if q.where == nil && q.by == nil {
		in.PerPage, in.Skip = q.count, q.start-1
		page, total, err := c.store.Groups(c.ctx(), in)
		if err != nil {
			return 0, nil, err
		}
		return c.groups(q, page, total)
	}
	var hits []stagedoor.Group
	for in.PerPage = 500; ; in.Page++ {
		if in.Page*in.PerPage >= maxScanned {
			return 0, nil, bad(tooMany, "More than %d groups would be compared or sorted.", maxScanned)
		}
		page, _, err := c.store.Groups(c.ctx(), in)
		if err != nil {
			return 0, nil, err
		}
		more, err := c.among(q, page)
		if err != nil {
			return 0, nil, err
		}
		if hits = append(hits, more...); len(page) < in.PerPage {
			break
		}
	}
	hits = inOrder(q, hits, c.groupHead)
	return c.groups(q, q.cut(hits), len(hits))
}

// among are the groups for which the filter holds. Members are read if it speaks of them alone.
func (c *call) among(q *query, all []stagedoor.Group) ([]stagedoor.Group, error) {
	members := mentions(q.where, "members")
	var out []stagedoor.Group
	for i := range all {
		shown, err := c.group(&all[i], members)
		if err != nil {
			return nil, err
		}
		if q.where == nil || matches(q.where, shown) {
			out = append(out, all[i])
		}
	}
	return out, nil
}

// maxShownMembers is how many members an answer shows of several groups: any of them may have as many as there are users.
const maxShownMembers = 10_000

// groups shows a page, or its beginning: what is left is for the next one.
func (c *call) groups(q *query, page []stagedoor.Group, total int) (int, map[string]any, error) {
	var shown []map[string]any
	members := 0
	for i := 0; i < len(page) && members < maxShownMembers; i++ {
		one, err := c.group(&page[i], q.wants("members"))
		if err != nil {
			return 0, nil, err
		}
		shown = append(shown, one)
		theirs, _ := one["members"].([]any)
		members += len(theirs)
	}
	return http.StatusOK, q.answer(shown, total), nil
}
