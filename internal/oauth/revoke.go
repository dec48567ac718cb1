package oauth

import (
	"net/http"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// revoke ends a refresh token and its family, an online one with its session, or an opaque access token (RFC 7009). A token that is unknown or another client's gets the
// same 200 and stays as it is; so does a signed access token, which nobody asks us about.
func (d *Door) revoke(w http.ResponseWriter, r *http.Request, st *store.Store) {
	raw, client, err := aboutToken(w, r, st)
	if err != nil {
		refuse(w, r, st, err)
		return
	}
	var rt *stagedoor.RefreshToken
	if store.IsOnlineToken(raw) {
		rt, err = endOnline(r.Context(), st, raw, client.ID)
	} else {
		rt, err = st.RevokeRefreshToken(r.Context(), raw, client.ID)
	}
	if err == nil {
		st.Log(web.LogEvent(r, stagedoor.LogEvent{Type: "srrt", ClientID: client.ID, ClientName: client.Name, UserID: rt.UserID}))
		err = d.revokeGrant(r, st, rt)
	}
	if stagedoor.IsKind(err, stagedoor.NotFound) && !strings.Contains(raw, ".") {
		_, err = st.RevokeAccessToken(r.Context(), raw, client.ID)
	}
	if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
		answerError(w, r, err)
		return
	}
	noStore(w)
	w.Header().Set("Content-Type", "application/json") // of an empty body; there are libraries that take nothing else
	w.WriteHeader(http.StatusOK)
}

// revokeGrant takes the consent back too, where the tenant wants that.
func (d *Door) revokeGrant(r *http.Request, st *store.Store, rt *stagedoor.RefreshToken) error {
	if !st.Tenant().Settings.Flags[stagedoor.FlagRevokeGrant] {
		return nil
	}
	g, err := st.GrantFor(r.Context(), rt.UserID, rt.ClientID, rt.Consent)
	if err != nil {
		return err
	}
	return st.DeleteGrant(r.Context(), g.ID)
}
