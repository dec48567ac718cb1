package mgmt

import (
	"github.com/stagedoor/stagedoor/internal/web"
)

type listGrantsIn struct {
	web.Paging
	UserID   string `json:"user_id" doc:"user_id of the grants to retrieve"`
	ClientID string `json:"client_id" doc:"client_id of the grants to retrieve"`
	Audience string `json:"audience" doc:"audience of the grants to retrieve"`
}

func (a *API) listGrants(c *call, in listGrantsIn) (any, error) {
	page, total, err := c.store.Grants(c.ctx(), in.UserID, in.ClientID, in.Audience, offsetPage(in.Paging))
	if err != nil {
		return nil, err
	}
	return web.Envelope(in.Paging, "grants", page, total), nil
}

type deleteGrantIn struct {
	UserID string `json:"user_id" doc:"Has no effect, the id says which"` // the vendor's SDK for Ruby sends it, up to 5
}

func (a *API) deleteGrant(c *call, _ deleteGrantIn) (any, error) {
	return nil, c.store.DeleteGrant(c.ctx(), c.id())
}

type deleteUserGrantsIn struct {
	UserID string `json:"user_id" schema:"required,min=1" doc:"user_id of the grant to delete"`
}

func (a *API) deleteUserGrants(c *call, in deleteUserGrantsIn) (any, error) {
	return nil, c.store.DeleteUserGrants(c.ctx(), in.UserID)
}
