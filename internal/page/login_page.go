package page

import (
	"context"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// LoginPage is the login page of the tenant's own that a client's people are shown, HTML; empty if there is none. The client's own goes before the
// tenant's, which its global client holds.
func LoginPage(ctx context.Context, st *store.Store, c *stagedoor.Client) (string, error) {
	html, on := c.LoginPage()
	if html != "" || !on {
		if !on {
			html = ""
		}
		return html, nil
	}
	global, err := st.GlobalClient(ctx)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if html, on = global.LoginPage(); !on {
		html = ""
	}
	return html, nil
}
