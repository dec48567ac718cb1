package mgmt

import (
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/web"
)

type blocksIn struct {
	Consider web.Opt[bool] `json:"consider_brute_force_enablement" schema:"notnull" doc:"If true and brute force protection is not enabled on the connection, no blocks are listed"`
}

type blocksByIdentifierIn struct {
	blocksIn
	Identifier string `json:"identifier" schema:"required,min=1" doc:"Should be any of a username, phone number, or email"`
}

type identifierIn struct {
	Identifier string `json:"identifier" schema:"required,min=1" doc:"Should be any of a username, phone number, or email"`
}

// blockedUser is the user that the path names. The vendor's command line tool takes an identifier for one that is no user's id once that is a 400.
func (c *call) blockedUser() (*stagedoor.User, error) {
	if !strings.Contains(c.id(), "|") {
		return nil, (&web.Violation{Reason: "Object didn't pass validation for format user-id: " + bounded(c.id(), 300), Path: "id", Doc: "user_id of the user"}).URI()
	}
	return c.store.User(c.ctx(), c.id())
}

// userBlocks lists where a user is kept out after too many wrong passwords (Management API fact sheet 2.8).
func (a *API) userBlocks(c *call, in blocksIn) (any, error) {
	u, err := c.blockedUser()
	if err != nil {
		return nil, err
	}
	return blockedFor(c, in, u.AllIdentifiers())
}

func (a *API) blocksByIdentifier(c *call, in blocksByIdentifierIn) (any, error) {
	return blockedFor(c, in.blocksIn, []string{in.Identifier})
}

func blockedFor(c *call, in blocksIn, identifiers []string) (any, error) {
	blocks, err := guard.Blocks(c.ctx(), c.store, identifiers...)
	if err != nil {
		return nil, err
	}
	shown := []map[string]string{}
	for _, b := range blocks {
		if in.Consider.Value && b.Connection != "" {
			conn, err := c.store.ConnectionByName(c.ctx(), b.Connection)
			if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
				return nil, err
			}
			if conn == nil || !conn.Options.CountsFailures() {
				continue
			}
		}
		block := map[string]string{"identifier": b.Identifier}
		if b.Connection != "" { // else of codes wherever they are given
			block["connection"] = b.Connection
		}
		if b.IP != "" {
			block["ip"] = b.IP
		}
		shown = append(shown, block)
	}
	return map[string]any{"blocked_for": shown}, nil
}

func (a *API) unblockUser(c *call) (any, error) {
	u, err := c.blockedUser()
	if err != nil {
		return nil, err
	}
	return nil, a.unblock(c, u.ID, u.AllIdentifiers())
}

func (a *API) unblockIdentifier(c *call, in identifierIn) (any, error) {
	return nil, a.unblock(c, "", []string{in.Identifier})
}

// unblock lifts the blocks of a user, or of whoever the identifier is. Somebody else's server may know its people by nothing of what is counted here.
func (a *API) unblock(c *call, userID string, identifiers []string) error {
	if err := guard.Unblock(c.ctx(), c.store, identifiers...); err != nil {
		return err
	}
	e := stagedoor.LogEvent{Type: "ublkdu", UserID: userID, Description: "Blocks were lifted through the Management API"}
	if len(identifiers) > 0 {
		e.UserName = bounded(identifiers[0], 254)
	}
	c.log(e)
	return nil
}
