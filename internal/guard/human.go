package guard

import (
	"context"
	"net/http"

	"github.com/stagedoor/stagedoor/internal/store"
)

// The fields of forms that carry work.
const (
	FieldWork   = "work"
	FieldNumber = "work_number"
)

// Human tells whether a form has what its challenge asks for: ErrVerification if not. field reads the form; client asks vendors. why is
// what kept a vendor from being asked, for the log.
func (c *Challenge) Human(ctx context.Context, st *store.Store, client *http.Client, field func(string) string) (why error, err error) {
	good := false
	if c.Vendor != nil {
		good, why = c.ask(ctx, client, field(c.Vendor.Field))
	} else if good, err = worked(ctx, st, field(FieldWork), field(FieldNumber), c.Bits); err != nil {
		return nil, err
	}
	if !good {
		err = ErrVerification()
	}
	return why, err
}
