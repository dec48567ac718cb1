package store

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/lucene"
)

// A row of the table attr is a leaf of a user as the API shows the user: what a search can ask for. Whoever writes users calls
// reindex (indexNew for many new ones) in the same transaction, under the lock of the user's row; nothing else touches the table.
type attr struct {
	path  int64 // pathID of the leaf's path
	value string
	at    int64 // when the user was created, milliseconds: rows of one value lie in the order in which results are shown
	user  string
}

func (a attr) compare(b attr) int {
	return cmp.Or(cmp.Compare(a.path, b.path), strings.Compare(a.value, b.value), cmp.Compare(a.at, b.at), strings.Compare(a.user, b.user))
}

// pathID stands for a path in the index: the beginning of its digest, so that no table of paths has to be kept.
func pathID(path string) int64 {
	sum := sha256.Sum256([]byte(path))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// foldedPaths are the fields whose texts are compared without case (Management API fact sheet 2.6).
var foldedPaths = map[string]bool{"email": true, "email.domain": true, "name": true, "given_name": true, "family_name": true, "nickname": true}

func folded(path string) bool { return foldedPaths[path] }

// secretMembers of an identity are never searched for.
var secretMembers = []string{"access_token", "access_token_secret", "refresh_token", "expires_in"}

// indexed is what the index knows of a user. Metadata stay as they are until two states are compared: most writes leave most
// members alone.
type indexed struct {
	id       string
	at       int64
	root     []lucene.Leaf // sorted
	metadata map[string]json.RawMessage
}

// indexOf returns what the index knows of u, which may be changed afterwards.
func indexOf(u *stagedoor.User) *indexed {
	ix := &indexed{id: u.ID, at: millis(u.CreatedAt), metadata: make(map[string]json.RawMessage, len(u.UserMetadata)+len(u.AppMetadata))}
	shown := u.Wire()
	shown["updated_at"] = stagedoor.FormatTime(u.UpdatedAt) // logins have a row of their own: see updatedPath
	for name, value := range shown {
		switch v := value.(type) {
		case stagedoor.Metadata:
			for key, raw := range v {
				ix.metadata[name+"."+key] = raw
			}
		case string:
			ix.addText(name, v)
		case bool:
			ix.root = append(ix.root, lucene.Leaf{Path: name, Value: lucene.Bool(v)})
		case []stagedoor.Identity:
			for i := range v {
				ix.addIdentity(&v[i])
			}
		default:
			ix.addAny(name, v)
		}
	}
	if _, domain, found := strings.Cut(u.Email, "@"); found {
		ix.addText("email.domain", domain)
	}
	ix.addFilled(u)
	ix.root = lucene.Tidy(ix.root)
	return ix
}

// addFilled notes which of the metadata objects hold something.
func (ix *indexed) addFilled(u *stagedoor.User) {
	for path, all := range map[string]stagedoor.Metadata{"user_metadata": u.UserMetadata, "app_metadata": u.AppMetadata} {
		if isFilled(all) {
			ix.root = append(ix.root, lucene.Leaf{Path: path, Value: lucene.Object})
		}
	}
}

// isFilled tells whether metadata hold more than null and what is empty.
func isFilled(all stagedoor.Metadata) bool {
	for _, raw := range all {
		if len(lucene.Leaves("", raw, nil)) > 0 {
			return true
		}
	}
	return false
}

func (ix *indexed) addText(path, text string) {
	if folded(path) {
		text = strings.ToLower(text)
	}
	ix.root = append(ix.root, lucene.Leaf{Path: path, Value: lucene.Text(text)})
}

func (ix *indexed) addAny(path string, v any) {
	if raw, err := json.Marshal(v); err == nil { // what cannot be encoded is not shown either
		ix.root = append(ix.root, lucene.Leaves(path, raw, folded)...)
	}
}

func (ix *indexed) addIdentity(identity *stagedoor.Identity) {
	raw, err := json.Marshal(identity)
	var members map[string]json.RawMessage
	if err != nil || json.Unmarshal(raw, &members) != nil {
		return
	}
	for name, value := range members {
		if !slices.Contains(secretMembers, name) {
			ix.root = append(ix.root, lucene.Leaves("identities."+name, value, folded)...)
		}
	}
}

// leaves returns all leaves.
func (ix *indexed) leaves() []lucene.Leaf {
	all := slices.Clone(ix.root)
	for path, raw := range ix.metadata {
		all = append(all, lucene.Leaves(path, raw, folded)...)
	}
	return all
}

func (ix *indexed) row(l lucene.Leaf) attr { return attr{pathID(l.Path), l.Value, ix.at, ix.id} }

// difference returns the rows that a change takes away and those that it adds. Either state may be nil: the user was not there,
// or is no more.
func difference(before, after *indexed) (gone, come []attr) {
	nobody := &indexed{}
	before, after = cmp.Or(before, nobody), cmp.Or(after, nobody)
	var old, fresh []lucene.Leaf
	old, fresh = append(old, before.root...), append(fresh, after.root...)
	for path, raw := range before.metadata {
		if now, there := after.metadata[path]; !there || !bytes.Equal(raw, now) {
			old = append(old, lucene.Leaves(path, raw, folded)...)
		}
	}
	for path, raw := range after.metadata {
		if was, there := before.metadata[path]; !there || !bytes.Equal(raw, was) {
			fresh = append(fresh, lucene.Leaves(path, raw, folded)...)
		}
	}
	keep := make(map[lucene.Leaf]bool, len(old))
	for _, l := range old {
		keep[l] = false
	}
	for _, l := range fresh {
		if _, there := keep[l]; there {
			keep[l] = true
		} else {
			come = append(come, after.row(l))
		}
	}
	for l, kept := range keep {
		if !kept {
			gone = append(gone, before.row(l))
		}
	}
	slices.SortFunc(gone, attr.compare)
	slices.SortFunc(come, attr.compare)
	return gone, slices.Compact(come)
}

// reindex brings the index from one state of a user to the next, inside the transaction that does the same with the user.
func (s *Store) reindex(ctx context.Context, q querier, before, after *indexed) error {
	gone, come := difference(before, after)
	if s.db.postgres {
		return s.writeAttrsPostgres(ctx, q, gone, come)
	}
	return s.writeAttrsSQLite(ctx, q, gone, come)
}

// indexNew adds users who were not there, many at once.
func (s *Store) indexNew(ctx context.Context, q querier, users ...*stagedoor.User) error {
	rows := make([]attr, 0, 16*len(users)) // of those who have little metadata
	for _, u := range users {
		ix := indexOf(u)
		for _, l := range ix.leaves() {
			rows = append(rows, ix.row(l))
		}
	}
	slices.SortFunc(rows, attr.compare)
	if s.db.postgres {
		return s.writeAttrsPostgres(ctx, q, nil, rows)
	}
	return s.insertAttrs(ctx, q, rows)
}

// writeAttrsSQLite moves a row where a value was replaced by another: one statement for two.
func (s *Store) writeAttrsSQLite(ctx context.Context, q querier, gone, come []attr) error {
	moved := map[int64]*attr{}
	if len(gone) <= 8 { // a patch; not the rewriting of lists
		for i := range come {
			moved[come[i].path] = &come[i]
		}
	}
	for _, old := range gone {
		fresh := moved[old.path]
		if fresh == nil {
			if _, err := q.exec(ctx, "DELETE FROM attr WHERE tenant = ? AND path = ? AND value = ? AND at = ? AND user_id = ?", s.tenant.ID, old.path, old.value, old.at, old.user); err != nil {
				return err
			}
			continue
		}
		delete(moved, old.path)
		if _, err := q.exec(ctx, "UPDATE OR REPLACE attr SET value = ? WHERE tenant = ? AND path = ? AND value = ? AND at = ? AND user_id = ?",
			fresh.value, s.tenant.ID, old.path, old.value, old.at, old.user); err != nil {
			return err
		}
		come = slices.DeleteFunc(slices.Clone(come), func(a attr) bool { return a == *fresh })
	}
	return s.insertAttrs(ctx, q, come)
}

// attrRows are the sizes of the statements that add rows to SQLite, so that few are prepared.
var attrRows = []int{64, 16, 4, 1}

func (s *Store) insertAttrs(ctx context.Context, q querier, rows []attr) error {
	args := make([]any, 0, 5*min(attrRows[0], len(rows)))
	for _, size := range attrRows {
		for len(rows) >= size {
			args = args[:0]
			for _, r := range rows[:size] {
				args = append(args, s.tenant.ID, r.path, r.value, r.at, r.user)
			}
			if _, err := q.exec(ctx, insertAttrs[size], args...); err != nil {
				return err
			}
			rows = rows[size:]
		}
	}
	return nil
}

// insertAttrs ignores what goes wrong, which only a row that is there can do: a statement that can fail half-way keeps a journal,
// and goes through all of it at its end.
var insertAttrs = func() map[int]string {
	texts := map[int]string{}
	for _, size := range attrRows {
		texts[size] = "INSERT OR IGNORE INTO attr (tenant, path, value, at, user_id) VALUES " + strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?, ?), ", size), ", ")
	}
	return texts
}()

// unnestedAttrs are rows that are given as four arrays.
const unnestedAttrs = "unnest(?::bigint[], ?::text[], ?::bigint[], ?::text[]) AS x (path, value, at, user_id)"

// attrKeys are the sizes of the conditions that find rows in PostgreSQL by their whole keys. A join with an array would be
// shorter, and now and then read the whole table.
var attrKeys = []int{1, 2, 4, 8}

// keyed returns the condition that finds the rows, at most as many as the largest of attrKeys, and its arguments: few texts
// for few statements.
func (s *Store) keyed(rows []attr) (string, []any) {
	size := attrKeys[len(attrKeys)-1]
	for _, n := range slices.Backward(attrKeys) {
		if len(rows) <= n {
			size = n
		}
	}
	args := []any{s.tenant.ID}
	for i := range size {
		r := attr{} // there is none
		if i < len(rows) {
			r = rows[i]
		}
		args = append(args, r.path, r.value, r.at, r.user)
	}
	return keyedAttrs[size], args
}

var keyedAttrs = func() map[int]string {
	texts := map[int]string{}
	for _, size := range attrKeys {
		one := "path = ? AND value = ? AND at = ? AND user_id = ?"
		texts[size] = "tenant = ? AND (" + one + strings.Repeat(" OR "+one, size-1) + ")"
	}
	return texts
}()

func (s *Store) writeAttrsPostgres(ctx context.Context, q querier, gone, come []attr) error {
	for batch := range slices.Chunk(gone, attrKeys[len(attrKeys)-1]) {
		where, args := s.keyed(batch)
		if _, err := q.exec(ctx, "DELETE FROM attr WHERE "+where, args...); err != nil {
			return err
		}
	}
	if len(come) == 0 {
		return nil
	}
	_, err := q.exec(ctx, `INSERT INTO attr (tenant, path, value, at, user_id) SELECT ?, path, value, at, user_id FROM `+unnestedAttrs+` ON CONFLICT DO NOTHING`,
		append([]any{s.tenant.ID}, arrays(come)...)...)
	return err
}

func arrays(rows []attr) []any {
	paths, values, ats, users := make([]int64, len(rows)), make([]string, len(rows)), make([]int64, len(rows)), make([]string, len(rows))
	for i, r := range rows {
		paths[i], values[i], ats[i], users[i] = r.path, r.value, r.at, r.user
	}
	return []any{paths, values, ats, users}
}

// unindexUsers takes the users that where finds out of the index, before they are deleted.
func (s *Store) unindexUsers(ctx context.Context, q querier, where string, args ...any) error {
	last := ""
	for {
		users, err := s.lockedUsers(ctx, q, where+" AND id > ? ORDER BY id LIMIT 500", append(slices.Clone(args), last)...)
		if err != nil || len(users) == 0 {
			return err
		}
		if err := s.unindex(ctx, q, users); err != nil {
			return err
		}
		last = users[len(users)-1].ID
	}
}

// lockedUsers locks the users that where finds, and reads what is there then, by id.
func (s *Store) lockedUsers(ctx context.Context, q querier, where string, args ...any) ([]stagedoor.User, error) {
	var ids []string
	err := q.each(ctx, "SELECT id FROM users WHERE "+where+s.db.forUpdate(), args, func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		ids = append(ids, id)
		return err
	})
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return s.usersByID(ctx, q, ids, " ORDER BY u.id")
}

// usersByID returns those of the users who are there.
func (s *Store) usersByID(ctx context.Context, q querier, ids []string, order string) ([]stagedoor.User, error) {
	texts, err := s.textsByID(ctx, q, ids, order)
	if err != nil {
		return nil, err
	}
	return decodedUsers(texts)
}

func (s *Store) textsByID(ctx context.Context, q querier, ids []string, order string) ([]*stagedoor.UserText, error) {
	in, list, err := s.idList(ids)
	if err != nil {
		return nil, err
	}
	return s.textsIn(ctx, q, " WHERE u.tenant = ? AND u.id "+in+order, s.tenant.ID, list)
}

// eachText calls fn with those of the users who are there.
func (s *Store) eachText(ctx context.Context, q querier, ids []string, fn func(*stagedoor.UserText)) error {
	in, list, err := s.idList(ids)
	if err != nil {
		return err
	}
	return s.eachTextIn(ctx, q, fn, " WHERE u.tenant = ? AND u.id "+in, s.tenant.ID, list)
}

// idList returns the end of a condition that a column is one of the ids, and its argument.
func (s *Store) idList(ids []string) (string, any, error) {
	if s.db.postgres {
		return "= ANY (?)", ids, nil
	}
	list, err := json.Marshal(ids)
	return "IN (SELECT value FROM json_each(?))", string(list), err
}

// Reindex makes the index anew while the server runs: it adds what is missing, then removes what does not belong there. done
// is told now and then how many users have been looked at; it may be nil.
func (s *Store) Reindex(ctx context.Context, done func(users int)) error {
	last, n := "", 0
	for {
		var users []stagedoor.User
		err := s.write(ctx, func(q querier) (err error) {
			users, err = s.lockedUsers(ctx, q, "tenant = ? AND id > ? ORDER BY id LIMIT 200", s.tenant.ID, last)
			if err != nil {
				return err
			}
			all := make([]*stagedoor.User, len(users))
			for i := range users {
				all[i] = &users[i]
			}
			return s.indexNew(ctx, q, all...)
		})
		if err != nil {
			return err
		}
		if len(users) == 0 {
			return s.sweepIndex(ctx)
		}
		last = users[len(users)-1].ID
		if n += len(users); done != nil {
			done(n)
		}
	}
}

// sweepIndex goes through the index and removes rows that no user accounts for.
func (s *Store) sweepIndex(ctx context.Context) error {
	last := attr{path: -1 << 63}
	for {
		var rows []attr
		err := s.write(ctx, func(q querier) error {
			rows = nil
			err := q.each(ctx, "SELECT path, value, at, user_id FROM attr WHERE tenant = ? AND (path, value, at, user_id) > (?, ?, ?, ?) ORDER BY path, value, at, user_id LIMIT 500",
				[]any{s.tenant.ID, last.path, last.value, last.at, last.user}, func(scan func(...any) error) error {
					var a attr
					err := scan(&a.path, &a.value, &a.at, &a.user)
					rows = append(rows, a)
					return err
				})
			if err != nil {
				return err
			}
			return s.removeStray(ctx, q, rows)
		})
		if err != nil || len(rows) == 0 {
			return err
		}
		last = rows[len(rows)-1]
	}
}

func (s *Store) removeStray(ctx context.Context, q querier, rows []attr) error {
	right := map[attr]bool{}
	ids := map[string]bool{}
	for _, r := range rows {
		ids[r.user] = true
	}
	for _, id := range slices.Sorted(maps.Keys(ids)) { // one order, so that two sweeps do not wait for each other
		u, err := s.lockedUser(ctx, q, id)
		if stagedoor.IsKind(err, stagedoor.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		ix := indexOf(u)
		for _, l := range ix.leaves() {
			right[ix.row(l)] = true
		}
	}
	for _, r := range rows {
		if right[r] {
			continue
		}
		if _, err := q.exec(ctx, "DELETE FROM attr WHERE tenant = ? AND path = ? AND value = ? AND at = ? AND user_id = ?", s.tenant.ID, r.path, r.value, r.at, r.user); err != nil {
			return err
		}
	}
	return nil
}

// indexPending indexes the tenants whose users are older than the index.
func (db *DB) indexPending(ctx context.Context) error {
	var pending []string
	err := db.reader().each(ctx, "SELECT tenant FROM attr_pending ORDER BY tenant", nil, func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		pending = append(pending, id)
		return err
	})
	if err != nil {
		return err
	}
	for _, id := range pending {
		start := time.Now()
		if err := newStore(db, &stagedoor.Tenant{ID: id}).Reindex(ctx, nil); err != nil {
			return err
		}
		err := db.writeOne(ctx, func(q querier) error {
			_, err := q.exec(ctx, "DELETE FROM attr_pending WHERE tenant = ?", id)
			return err
		})
		if err != nil {
			return err
		}
		db.log.Info("the users of a tenant were indexed for searching", "tenant", id, "took", time.Since(start))
	}
	return nil
}
