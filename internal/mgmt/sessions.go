package mgmt

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// listAccessIn pages sessions and refresh tokens, always by checkpoint (Management API fact sheet 1.4).
type listAccessIn struct {
	web.Paging
	web.Checkpoint
}

// checkpointed answers a page of all, in the order of their ids, with the number of them where totals are asked for.
func checkpointed[T any](in listAccessIn, key string, all []T, id func(T) string, show func(*T) any) (any, error) {
	at := in.Checkpoint
	if !at.Asked() {
		at.Take = web.Some(max(1, in.Size()))
	}
	slices.SortFunc(all, func(a, b T) int { return strings.Compare(id(a), id(b)) }) // as no database need sort texts
	page, next, v := web.AfterID(at, all, id)
	if v != nil {
		return nil, bad("invalid_paging", v.Reason)
	}
	shown := make([]any, len(page))
	for i := range page {
		shown[i] = show(&page[i])
	}
	out := web.CheckpointEnvelope(key, shown, next)
	if m, ok := out.(map[string]any); ok && in.IncludeTotals {
		m["total"] = len(all)
	}
	return out, nil
}

// userID returns the id in paths that call it so.
func (c *call) userID() string { return c.r.PathValue("user_id") }

func (a *API) listUserSessions(c *call, in listAccessIn) (any, error) {
	if _, err := c.store.User(c.ctx(), c.userID()); err != nil {
		return nil, err
	}
	take := in.Take.Or(50)
	if !in.Asked() {
		take = max(1, in.Size())
	}
	last, v := in.LastID()
	if v != nil {
		return nil, errCheckpoint
	}
	page, err := c.store.UserSessionsAfter(c.ctx(), c.userID(), last, take+1)
	if err != nil {
		return nil, err
	}
	next := ""
	if len(page) > take {
		page = page[:take]
		next = web.CheckpointID(page[take-1].ID)
	}
	shown := make([]any, len(page))
	for i := range page {
		shown[i] = showSession(c.store, &page[i])
	}
	out := web.CheckpointEnvelope("sessions", shown, next)
	if m, ok := out.(map[string]any); ok && in.IncludeTotals {
		if m["total"], err = c.store.CountUserSessions(c.ctx(), c.userID()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// showSession is a session as the wire has it (Management API fact sheet 3.19).
func showSession(st *store.Store, s *stagedoor.Session) map[string]any {
	updated := s.LastInteractionAt
	if s.UpdatedAt.After(updated) {
		updated = s.UpdatedAt
	}
	clients, methods := []any{}, []any{}
	for _, id := range s.Clients {
		clients = append(clients, map[string]any{"client_id": id})
	}
	for _, m := range s.Methods {
		method := map[string]any{"name": m.Name, "timestamp": stagedoor.FormatTime(time.UnixMilli(m.Timestamp))}
		if m.Type != "" {
			method["type"] = m.Type
		}
		methods = append(methods, method)
	}
	mode := "non-persistent"
	if s.Persistent {
		mode = "persistent"
	}
	out := map[string]any{
		"id": s.ID, "user_id": s.UserID, "created_at": stagedoor.FormatTime(s.CreatedAt), "updated_at": stagedoor.FormatTime(updated),
		"authenticated_at": stagedoor.FormatTime(s.AuthenticatedAt), "idle_expires_at": stagedoor.FormatTime(s.IdleExpiresAt),
		"expires_at": stagedoor.FormatTime(s.ExpiresAt), "last_interacted_at": stagedoor.FormatTime(s.LastInteractionAt),
		"device": map[string]any{
			"initial_ip": s.InitialIP, "initial_user_agent": s.InitialUserAgent, "initial_asn": st.Place(s.InitialIP).AS(),
			"last_ip": s.LastIP, "last_user_agent": s.LastUserAgent, "last_asn": st.Place(s.LastIP).AS(),
		},
		"clients": clients, "authentication": map[string]any{"methods": methods}, "cookie": map[string]any{"mode": mode},
	}
	if s.Metadata != nil {
		out["session_metadata"] = s.Metadata
	}
	return out
}

func (a *API) deleteUserSessions(c *call) (any, error) {
	return struct{}{}, c.store.RevokeSessions(c.ctx(), store.AccessOf{UserID: c.userID()}, false)
}

func (a *API) readSession(c *call) (any, error) {
	s, err := c.store.Session(c.ctx(), c.id())
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		err = stagedoor.Errorf(stagedoor.NotFound, "inexistent_session", "The session does not exist.")
	}
	if err != nil {
		return nil, err
	}
	return showSession(c.store, s), nil
}

// accessMetadata reads the metadata of a session or a refresh token; null empties it.
func accessMetadata(name string, o web.Opt[map[string]json.RawMessage]) (map[string]any, error) {
	if len(o.Value) > stagedoor.MaxAccessMetadata {
		return nil, badProperty(name, fmt.Sprintf("Too many properties defined (%d), maximum %d", len(o.Value), stagedoor.MaxAccessMetadata))
	}
	out := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(o.Value)) {
		var text string
		if err := json.Unmarshal(o.Value[key], &text); err != nil || string(o.Value[key]) == "null" {
			return nil, badProperty(name+"."+key, "Expected type string but found another type")
		}
		if n := len([]rune(text)); n > stagedoor.MaxAccessValue {
			return nil, badProperty(name+"."+key, fmt.Sprintf("String is too long (%d chars), maximum %d", n, stagedoor.MaxAccessValue))
		}
		out[key] = text
	}
	return out, nil
}

type updateSessionIn struct {
	_        struct{}                            `schema:"min=1"`
	Metadata web.Opt[map[string]json.RawMessage] `json:"session_metadata" doc:"Metadata associated with the session, in the form of an object with string values (max 255 chars). Maximum of 25 metadata properties allowed"`
}

func (a *API) updateSession(c *call, in updateSessionIn) (any, error) {
	metadata, err := accessMetadata("session_metadata", in.Metadata)
	if err != nil {
		return nil, err
	}
	s, err := c.store.SetSessionMetadata(c.ctx(), c.id(), metadata)
	if err != nil {
		return nil, err
	}
	return showSession(c.store, s), nil
}

// deleteSession ends the session alone: its refresh tokens live on. One that is gone is no error.
func (a *API) deleteSession(c *call) (any, error) {
	err := c.store.RevokeSessions(c.ctx(), store.AccessOf{Session: c.id()}, false)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		err = nil
	}
	return struct{}{}, err
}

func (a *API) revokeSession(c *call) (any, error) {
	if !c.caller.has("delete:refresh_tokens") {
		return nil, insufficient("delete:refresh_tokens")
	}
	return struct{}{}, c.store.RevokeSessions(c.ctx(), store.AccessOf{Session: c.id()}, true)
}

type revokeAccessIn struct {
	Session  string `json:"session_id" schema:"min=1,max=50" doc:"ID of the session to revoke"`
	Preserve bool   `json:"preserve_refresh_tokens" doc:"Whether to preserve the refresh tokens associated with the session"`
}

func (a *API) revokeAccess(c *call, in revokeAccessIn) (any, error) {
	if !in.Preserve && !c.caller.has("delete:refresh_tokens") {
		return nil, insufficient("delete:refresh_tokens")
	}
	if _, err := c.store.User(c.ctx(), c.id()); err != nil {
		return nil, err
	}
	return struct{}{}, c.store.RevokeSessions(c.ctx(), store.AccessOf{UserID: c.id(), Session: in.Session}, !in.Preserve)
}
