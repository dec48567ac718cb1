package dashboard

import (
	"crypto/subtle"
	"net/http"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

const (
	signInPath = ui.DashboardPrefix + "sign-in"
	tokenPath  = ui.DashboardPrefix + "token"

	signInLife = 10 * time.Minute // how long a login at the provider may take
	maxAnswer  = 16 << 10         // bytes
)

// attempt is a login at the provider that this browser began. It lies in its cookie alone.
type attempt struct{ state, nonce, verifier string }

// cookie is where an attempt lies. The prefix of its name keeps siblings of the host from planting theirs, by which somebody would be signed in as somebody else.
func cookie(r *http.Request, value string, life int) *http.Cookie {
	c := &http.Cookie{Name: "stagedoor_dashboard", Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: life}
	if r.URL.Scheme == "https" {
		c.Name, c.Secure = "__Host-"+c.Name, true
	}
	return c
}

// attemptOf is the attempt that the request's browser began.
func attemptOf(r *http.Request) (attempt, bool) {
	c, err := r.Cookie(cookie(r, "", 0).Name)
	if err != nil {
		return attempt{}, false
	}
	parts := strings.Split(c.Value, ".")
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return attempt{}, false
	}
	return attempt{parts[0], parts[1], parts[2]}, true
}

// callback is where the provider sends people back to: the page itself, which posts what it was given to tokenPath.
func callback(r *http.Request) string {
	return strings.TrimSuffix(web.Issuer(r), "/") + ui.DashboardPrefix
}

// bounded counts what makes the server ask the provider, which anybody can.
func (d *Door) bounded(r *http.Request, st *store.Store) error {
	return d.Networks.Begin(st, stagedoor.Network(r.RemoteAddr), guard.Administrators, 0)
}

// leave leads to the provider.
func (d *Door) leave(w http.ResponseWriter, r *http.Request, st *store.Store) {
	state := stagedoor.NewToken()
	err := d.bounded(r, st)
	var to *connection.Departure
	if err == nil {
		to, err = d.up.Leave(r.Context(), st, d.conn, &stagedoor.AuthorizationRequest{}, callback(r), state)
	}
	if err != nil {
		page.Fail(w, r, st, err, nil)
		return
	}
	http.SetCookie(w, cookie(r, strings.Join([]string{state, to.Back.Nonce, to.Back.Verifier}, "."), int(signInLife.Seconds())))
	ui.SetHeaders(w.Header())
	http.Redirect(w, r, to.Address, http.StatusFound)
}

// answerIn is what the provider gave the page.
type answerIn struct {
	Code             string `json:"code"`
	State            string `json:"state" schema:"required"`
	Iss              string `json:"iss"`
	Error            string `json:"error"`
	ErrorDescription string `json:"error_description"`
}

var readAnswer = web.NewSchema[answerIn]()

// admit answers what the provider gave with a token of the Management API.
func (d *Door) admit(w http.ResponseWriter, r *http.Request, st *store.Store) {
	out, err := d.admitted(w, r, st)
	if err == nil {
		err = web.WriteJSON(w, http.StatusOK, out)
	}
	if err != nil {
		d.fail(w, r, err)
	}
}

type tokenOut struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"` // seconds
	Name        string `json:"name"`       // to show
}

func (d *Door) admitted(w http.ResponseWriter, r *http.Request, st *store.Store) (*tokenOut, error) {
	if err := d.bounded(r, st); err != nil {
		return nil, err
	}
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind != "application/json" { // which no other site's page can send without being asked
		return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "The body must be JSON.")
	}
	body, err := web.ReadBody(w, r, maxAnswer)
	if err != nil {
		return nil, err
	}
	in, err := readAnswer.Decode(body)
	if err != nil {
		return nil, err
	}
	began, is := attemptOf(r)
	if !is || subtle.ConstantTimeCompare([]byte(began.state), []byte(in.State)) != 1 {
		return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_state", "This login was not begun in this browser, or took too long. Please sign in again.")
	}
	http.SetCookie(w, cookie(r, "", -1))
	who, err := d.up.Vouch(r.Context(), st, d.conn, &stagedoor.Upstream{RedirectURI: callback(r), Nonce: began.nonce, Verifier: began.verifier},
		&connection.Answer{Code: in.Code, Issuer: in.Iss, Error: in.Error, Description: in.ErrorDescription})
	if err != nil {
		return nil, err
	}
	return d.tokenFor(r, st, who)
}

// tokenFor gives an administrator a token, and tells the tenant's log who came.
func (d *Door) tokenFor(r *http.Request, st *store.Store, who *stagedoor.Vouched) (*tokenOut, error) {
	all, err := st.Administrators(r.Context())
	if err != nil {
		return nil, err
	}
	event := stagedoor.LogEvent{Type: "sapi", Description: "Signed in to the dashboard", UserName: who.Shown(), Details: map[string]any{"administrator": map[string]any{"sub": who.Subject, "email": who.Email}}}
	var names []string
	for _, a := range stagedoor.Among(all, who.Names()) {
		names = append(names, a.Who)
	}
	if len(names) == 0 {
		event.Type, event.Description = "fapi", "Signed in to the dashboard, of which they are no administrator"
		st.Log(web.LogEvent(r, event))
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "You are signed in at %s as %s, who is no administrator of this tenant. Whoever runs the server can make you one: stagedoor administrators add %s",
			d.Provider.Issuer, who.Shown(), who.Name())
	}
	token, life, err := d.Minter.Administrator(r.Context(), st, web.Issuer(r), who, names)
	if err != nil {
		return nil, err
	}
	st.Log(web.LogEvent(r, event))
	return &tokenOut{token, "Bearer", life, who.Shown()}, nil
}
