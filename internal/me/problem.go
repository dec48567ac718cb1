package me

import (
	"errors"
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/bearer"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/password"
	"github.com/stagedoor/stagedoor/internal/web"
)

func bad(format string, args ...any) error { return bearer.Bad(format, args...) }

// wrong refuses one member of the body.
func wrong(member, format string, args ...any) error { return bearer.Wrong(member, format, args...) }

// explain makes the errors of rooms beneath errors of this API: a password that is too weak is a wrong member of the body, and a wrong code is a wrong request, by somebody who may
// send it.
func explain(err error) error {
	var weak *password.Error
	switch {
	case errors.As(err, &weak):
		return &stagedoor.Error{Kind: stagedoor.Invalid, Message: weak.Message, Err: &web.Violation{Path: "new_password", Reason: weak.Name + ": " + weak.Message}}
	case mfa.IsWrong(err):
		return &stagedoor.Error{Kind: stagedoor.Invalid, Message: stagedoor.AsError(err).Message}
	}
	return err
}

// NoTenant answers a request of which it is not known to which tenant it is.
func (d *Door) NoTenant(w http.ResponseWriter, r *http.Request, err error) {
	d.door.NoTenant(w, r, err)
}
