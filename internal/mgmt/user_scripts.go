package mgmt

import (
	"encoding/json"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/pipeline"
)

// visit is a request of this door as the pipeline's scripts see it.
func (c *call) visit() pipeline.Visit { return pipeline.CallOf(c.r, c.store) }

// registration is the visit of who makes a user: scripts see what was sent, but for the password.
func (c *call) registration() (pipeline.Visit, error) {
	v := c.visit()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(c.body, &members); err != nil {
		return v, err
	}
	v.Body = map[string]any{}
	for name, value := range members {
		if name != "password" {
			v.Body[name] = value
		}
	}
	return v, nil
}

// beforeRegistration runs the tenant's scripts for a user that is about to be made. Their words reach the log; callers learn that it was a
// script (extensibility fact sheet 3.4).
func (a *API) beforeRegistration(c *call, conn *stagedoor.Connection, u *stagedoor.User, secret string) error {
	weak := conn.Strategy == connection.StrategyDatabase && connection.CheckPassword(conn, secret) != nil
	if a.Pipeline == nil || weak { // scripts see what could become a user only
		return nil
	}
	v, err := c.registration()
	if err == nil {
		err = a.Pipeline.BeforeRegistration(c.ctx(), v, conn, &connection.Occasion{}, nil, u, secret)
	}
	if stagedoor.IsKind(err, stagedoor.Scripted) {
		return &stagedoor.Error{Kind: stagedoor.Invalid, Code: "auth0_idp_error", Message: "Sandbox error", Err: err}
	}
	return err
}

func (a *API) afterRegistration(c *call, conn *stagedoor.Connection, u *stagedoor.User) {
	if a.Pipeline == nil {
		return
	}
	v, _ := c.registration() // it could be read before
	a.Pipeline.AfterRegistration(c.ctx(), v, conn, nil, u)
}

func (a *API) afterPasswordChange(c *call, conn *stagedoor.Connection, userID string) {
	if a.Pipeline != nil {
		a.Pipeline.AfterPasswordChange(c.ctx(), c.visit(), conn, userID)
	}
}
