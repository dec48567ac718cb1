package mgmt

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

func tokenID(t stagedoor.RefreshToken) string { return t.ID }

func (a *API) listUserRefreshTokens(c *call, in listAccessIn) (any, error) {
	if _, err := c.store.User(c.ctx(), c.userID()); err != nil {
		return nil, err
	}
	all, err := c.store.UserRefreshTokens(c.ctx(), c.userID())
	if err != nil {
		return nil, err
	}
	return checkpointed(in, "tokens", all, tokenID, func(t *stagedoor.RefreshToken) any { return showRefreshToken(c.store, t) })
}

// showRefreshToken is a refresh token as the wire has it (Management API fact sheet 3.19).
func showRefreshToken(st *store.Store, t *stagedoor.RefreshToken) map[string]any {
	out := map[string]any{
		"id": t.ID, "user_id": t.UserID, "created_at": stagedoor.FormatTime(t.CreatedAt), "idle_expires_at": timeOrNull(t.IdleExpiry),
		"expires_at": timeOrNull(t.ExpiresAt), "client_id": t.ClientID, "session_id": nil, "rotating": t.Rotating,
		"resource_servers":  []any{map[string]any{"audience": t.Audience, "scopes": strings.Join(t.Scope, " ")}},
		"last_exchanged_at": nil,
	}
	if t.SessionID != "" {
		out["session_id"] = t.SessionID
	}
	if t.LastUsedAt.After(t.CreatedAt) {
		out["last_exchanged_at"] = stagedoor.FormatTime(t.LastUsedAt)
	}
	if t.InitialIP != "" || t.InitialUserAgent != "" {
		out["device"] = map[string]any{"initial_ip": t.InitialIP, "initial_user_agent": t.InitialUserAgent, "initial_asn": st.Place(t.InitialIP).AS()}
	}
	if t.Metadata != nil {
		out["refresh_token_metadata"] = t.Metadata
	}
	return out
}

func timeOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return stagedoor.FormatTime(t)
}

func (a *API) deleteUserRefreshTokens(c *call) (any, error) {
	if _, err := c.store.User(c.ctx(), c.userID()); err != nil {
		return nil, err
	}
	_, err := c.store.RevokeRefreshTokens(c.ctx(), store.RefreshTokensOf{UserID: c.userID()})
	return struct{}{}, err
}

type listRefreshTokensIn struct {
	listAccessIn
	web.Fields
	UserID   string `json:"user_id" schema:"required,min=1" doc:"ID of the user whose refresh tokens to retrieve"`
	ClientID string `json:"client_id" doc:"Filter results by client ID. Only valid when user_id is provided"`
}

func (a *API) listRefreshTokens(c *call, in listRefreshTokensIn) (any, error) {
	all, err := c.store.UserRefreshTokens(c.ctx(), in.UserID)
	if err != nil {
		return nil, err
	}
	kept := []stagedoor.RefreshToken{}
	for _, t := range all {
		if in.ClientID == "" || t.ClientID == in.ClientID {
			kept = append(kept, t)
		}
	}
	var failed error
	out, err := checkpointed(in.listAccessIn, "refresh_tokens", kept, tokenID, func(t *stagedoor.RefreshToken) any {
		shown, err := in.Pick(showRefreshToken(c.store, t))
		if err != nil {
			failed = err
		}
		return shown
	})
	if err == nil {
		err = failed
	}
	return out, err
}

func (a *API) readRefreshToken(c *call) (any, error) {
	t, err := c.store.RefreshTokenByID(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	return showRefreshToken(c.store, t), nil
}

type updateRefreshTokenIn struct {
	_        struct{}                            `schema:"min=1"`
	Metadata web.Opt[map[string]json.RawMessage] `json:"refresh_token_metadata" doc:"Metadata associated with the refresh token, in the form of an object with string values (max 255 chars). Maximum of 25 metadata properties allowed"`
}

func (a *API) updateRefreshToken(c *call, in updateRefreshTokenIn) (any, error) {
	metadata, err := accessMetadata("refresh_token_metadata", in.Metadata)
	if err != nil {
		return nil, err
	}
	t, err := c.store.SetRefreshTokenMetadata(c.ctx(), c.id(), metadata)
	if err != nil {
		return nil, err
	}
	return showRefreshToken(c.store, t), nil
}

// deleteRefreshToken ends the token and all that it was rotated to. One that is gone is no error.
func (a *API) deleteRefreshToken(c *call) (any, error) {
	_, err := c.store.RevokeRefreshTokens(c.ctx(), store.RefreshTokensOf{IDs: []string{c.id()}})
	return nil, err
}

type revokeRefreshTokensIn struct {
	IDs      []string `json:"ids" schema:"min=1,max=100,unique" doc:"Array of refresh token IDs to revoke. Limited to 100 at a time"`
	UserID   string   `json:"user_id" schema:"min=1,max=300" doc:"Revoke all refresh tokens for this user"`
	ClientID string   `json:"client_id" schema:"min=1,max=255" doc:"Revoke all refresh tokens for this client"`
	Audience string   `json:"audience" schema:"min=1,max=600" doc:"Resource server identifier (audience) to scope the revocation"`
}

// revokeRefreshTokens takes ids, or a user, a client or both, with or without an API of a client (Management API fact sheet 3.19).
func (a *API) revokeRefreshTokens(c *call, in revokeRefreshTokensIn) (any, error) {
	byID, byOwner := len(in.IDs) > 0, in.UserID != "" || in.ClientID != "" || in.Audience != ""
	if byID == byOwner || in.Audience != "" && in.ClientID == "" {
		return nil, bad("invalid_body", "Either ids, or user_id and client_id, alone or together, or those with a client_id and an audience must be given.")
	}
	_, err := c.store.RevokeRefreshTokens(c.ctx(), store.RefreshTokensOf{IDs: in.IDs, UserID: in.UserID, ClientID: in.ClientID, Audience: in.Audience})
	return struct{}{}, err
}
