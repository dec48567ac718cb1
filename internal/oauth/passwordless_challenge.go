package oauth

import (
	"net/http"

	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// passwordlessChallenge is where a client's own page learns what /passwordless/start asks of it, to tell people from programs (Authentication API
// fact sheet 6.8).
const passwordlessChallenge = "/passwordless/challenge"

// paramCaptcha is where a client's own page puts what the vendor gave it.
const paramCaptcha = "captcha"

// challengeForCode tells a page what is asked for: nothing, or a vendor's riddle. Where the work of our own pages is asked for, which a client's page
// cannot do, it says that something is required and no more.
func (d *Door) challengeForCode(w http.ResponseWriter, r *http.Request, st *store.Store) {
	c, err := d.Pipeline.Challenge(r.Context(), visit(r, st), guard.FlowPasswordless)
	if err != nil {
		refuse(w, r, st, err)
		return
	}
	out := map[string]any{"required": c != nil}
	if c != nil && c.Vendor != nil {
		out["provider"], out["siteKey"] = c.Provider, c.SiteKey
	}
	noStore(w)
	web.WriteJSON(w, http.StatusOK, out)
}
