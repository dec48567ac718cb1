package oauth

import (
	"net/http"

	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Where pages that are not ours learn what is asked of them, to tell people from programs (Authentication API fact sheet 6.8).
const (
	passwordChallenge     = "/usernamepassword/challenge"
	passwordlessChallenge = "/passwordless/challenge"
	signupChallenge       = "/dbconnections/signup/challenge"
	resetChallenge        = "/dbconnections/change_password/challenge"
)

// paramCaptcha is where such a page puts what the vendor gave it.
const paramCaptcha = "captcha"

// challengeFor tells a page what a form of a flow asks for: nothing, or a vendor's riddle. Where the work of our own pages is asked for, which no other page can
// do, it says that something is required and no more.
func challengeFor(flow guard.Flow) handler {
	return func(d *Door, w http.ResponseWriter, r *http.Request, st *store.Store) {
		c, err := d.Pipeline.Challenge(r.Context(), visit(r, st), flow)
		if err != nil {
			refuse(w, r, st, err)
			return
		}
		out := map[string]any{"required": c != nil}
		if c != nil && c.Vendor != nil {
			out["provider"], out["siteKey"] = c.Provider, c.SiteKey
			if c.Provider == "turnstile" { // the name by which libraries know it
				out["provider"] = "auth0_v2"
			}
		}
		noStore(w)
		web.WriteJSON(w, http.StatusOK, out)
	}
}

// noChallenge answers where nothing is ever asked for.
func noChallenge(_ *Door, w http.ResponseWriter, _ *http.Request, _ *store.Store) {
	noStore(w)
	web.WriteJSON(w, http.StatusOK, map[string]any{"required": false})
}
