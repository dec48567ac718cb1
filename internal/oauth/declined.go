package oauth

import (
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// decline answers at the address of an operation of the old kind that is not served, and says what is there instead.
func decline(text string) handler {
	return func(_ *Door, w http.ResponseWriter, r *http.Request, _ *store.Store) {
		answerError(w, r, stagedoor.Errorf(stagedoor.Unsupported, "not_supported", "%s", text))
	}
}

var (
	declineUnlink      = decline("Identities are unlinked by DELETE /api/v2/users/{id}/identities/{provider}/{user_id}.")
	declineImpersonate = decline("Nobody logs in as somebody else.")
)
