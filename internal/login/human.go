package login

import (
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

// proof is what a page asks of who sees it, to tell people from programs; nil if nothing.
func (d *Door) proof(r *http.Request, st *store.Store, flow guard.Flow) (*ui.Proof, error) {
	c, err := d.Pipeline.Challenge(r.Context(), visit(r, st), flow)
	if err != nil || c == nil {
		return nil, err
	}
	if v := c.Vendor; v != nil {
		return &ui.Proof{Script: v.Script, Class: v.Class, SiteKey: c.SiteKey, Hosts: v.Hosts}, nil
	}
	return &ui.Proof{Work: c.Work, Bits: c.Bits}, nil
}

// human finds out whether a form has what its page asks for.
func (d *Door) human(r *http.Request, st *store.Store, flow guard.Flow) (ui.Problems, error) {
	err := d.Pipeline.Human(r.Context(), visit(r, st), flow, r.PostFormValue)
	if stagedoor.HasCode(err, "requires_verification") {
		return ui.Problems{{Code: "requires_verification"}}, nil
	}
	return nil, err
}
