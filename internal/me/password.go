package me

import (
	"context"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
)

// ownPassword is the database in which the person has a password, or can have one.
func (c *call) ownPassword(in beginIn) (*stagedoor.Connection, error) {
	conn, err := c.identity(in)
	if err == nil && (conn == nil || !conn.Passwords()) {
		err = stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "The user has no password here.")
	}
	return conn, err
}

func (d *Door) beginPassword(c *call, in beginIn, out map[string]any) error {
	conn, err := c.ownPassword(in)
	if err == nil {
		out["policy"] = connection.Demands(conn)
	}
	return err
}

// verifyPassword takes the person's new password. Their sessions and refresh tokens end with the one before.
func (d *Door) verifyPassword(c *call, in verifyIn) (any, error) {
	conn, err := c.ownPassword(beginIn{})
	if err != nil {
		return nil, err
	}
	secret := in.Password.Value
	if err := d.Pipeline.CheckNewPassword(c.Ctx(), c.visit(), conn, c.Client.ID, c.User, secret); stagedoor.HasCode(err, pipeline.CodeLeaked) || stagedoor.HasCode(err, "invalid_password") {
		return nil, wrong("new_password", "%s", stagedoor.AsError(err).Message)
	} else if err != nil {
		return nil, err
	}
	if err := c.claim(c.Ctx(), in.Session); err != nil {
		return nil, err
	}
	err = d.Pipeline.ChangePassword(c.Ctx(), c.visit(), conn, c.User, secret, c.Event("", ""))
	if connection.FromScript(err) != nil {
		return nil, bad("The password could not be changed.")
	}
	if stagedoor.HasCode(err, store.CodeAccessEnded) {
		return nil, stagedoor.Errorf(stagedoor.Unauthorized, "invalid_token", "All access of the user has ended meanwhile. Please log in again.")
	}
	if err != nil {
		return nil, err
	}
	d.Pipeline.Tell(c.Ctx(), c.visit(), c.User, "password")
	ctx := context.WithoutCancel(c.Ctx())
	if err := token.GoOn(ctx, c.Store, c.Raw, c.User.AccessEnded+1, c.Claims.ExpiresAt); err != nil { // by this
		return nil, err
	}
	if c.User, err = c.Store.User(ctx, c.User.ID); err != nil {
		return nil, err
	}
	own, err := c.passwordMethod()
	if err == nil && own != nil {
		c.device, _ = own["id"].(string)
		c.W.Header().Set("Location", c.location(c.device))
	}
	return own, err
}
