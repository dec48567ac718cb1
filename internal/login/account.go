package login

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// accountPath is the page on which people look after their own account.
const accountPath = "/account"

// freshFor is how long a proof counts for what is sensitive: whoever finds a browser open an hour later cannot take the account over.
const freshFor = 10 * time.Minute

// account is a person on their account page.
type account struct {
	*Door
	w       http.ResponseWriter
	r       *http.Request
	st      *store.Store
	set     *stagedoor.AccountSettings
	session *stagedoor.Session
	user    *stagedoor.User
	conn    *stagedoor.Connection // of the user; nil if it is gone
	frame   ui.Frame
}

// need is what an operation of the account page asks for.
type need struct {
	part  string // that is on
	fresh bool   // a proof of a moment ago
}

var accountRoutes = []struct {
	method, path, title string
	need                need
	serve               func(*account) error
}{
	{"GET", "", "Account page", need{}, (*account).overview},
	{"POST", "/logout", "Account page: log out", need{}, (*account).logOut},
	{"POST", "/profile", "Account page: name, nickname, picture", need{part: stagedoor.AccountProfile}, (*account).changeProfile},
	{"GET", "/metadata", "Account page: own metadata", need{part: stagedoor.AccountMetadata}, (*account).showMetadata},
	{"POST", "/metadata", "Account page: own metadata, form", need{part: stagedoor.AccountMetadata}, (*account).changeMetadata},
	{"GET", "/email", "Account page: another address", need{stagedoor.AccountEmail, true}, (*account).showEmail},
	{"POST", "/email", "Account page: another address, form", need{stagedoor.AccountEmail, true}, (*account).askEmail},
	{"GET", "/email/code", "Account page: code for another address", need{stagedoor.AccountEmail, true}, (*account).showEmailCode},
	{"POST", "/email/code", "Account page: code for another address, form", need{stagedoor.AccountEmail, true}, (*account).changeEmail},
	{"POST", "/email/verify", "Account page: mail to verify the address", need{part: stagedoor.AccountEmail}, (*account).askToVerifyOwn},
	{"GET", "/username", "Account page: another username", need{stagedoor.AccountUsername, true}, (*account).showUsername},
	{"POST", "/username", "Account page: another username, form", need{stagedoor.AccountUsername, true}, (*account).changeUsername},
	{"GET", "/password", "Account page: another password", need{stagedoor.AccountPassword, true}, (*account).showPassword},
	{"POST", "/password", "Account page: another password, form", need{stagedoor.AccountPassword, true}, (*account).changePassword},
	{"POST", "/factors/add", "Account page: set up a second factor", need{stagedoor.AccountFactors, true}, (*account).addFactor},
	{"GET", "/factors/added", "Account page: a second factor is set up", need{part: stagedoor.AccountFactors}, (*account).factorAdded},
	{"POST", "/factors/remove", "Account page: take a second factor away", need{stagedoor.AccountFactors, true}, (*account).removeFactor},
	{"POST", "/factors/recovery", "Account page: new recovery code", need{stagedoor.AccountFactors, true}, (*account).newRecovery},
	{"POST", "/factors/noted", "Account page: the recovery code is noted down", need{part: stagedoor.AccountFactors}, (*account).noted},
	{"POST", "/browsers/forget", "Account page: forget remembered browsers", need{part: stagedoor.AccountFactors}, (*account).forgetBrowsers},
	{"POST", "/sessions/end", "Account page: end a session, or all others", need{part: stagedoor.AccountSessions}, (*account).endSession},
	{"POST", "/clients/revoke", "Account page: take access back", need{part: stagedoor.AccountClients}, (*account).revoke},
	{"POST", "/identities/unlink", "Account page: unlink an identity", need{stagedoor.AccountIdentities, true}, (*account).unlink},
	{"POST", "/connected/remove", "Account page: disconnect an account elsewhere", need{part: stagedoor.AccountClients}, (*account).disconnect},
	{"POST", "/export", "Account page: all data as a file", need{stagedoor.AccountExport, true}, (*account).export},
	{"GET", "/delete", "Account page: delete the account", need{stagedoor.AccountDelete, true}, (*account).showDelete},
	{"POST", "/delete", "Account page: delete the account, form", need{stagedoor.AccountDelete, true}, (*account).delete},
}

// accountPages are the routes of the account page, with those that sign people in to it.
func accountPages() []route {
	out := []route{
		{web.Route{Method: "GET", Pattern: accountPath + "/login", Title: "Account page: sends somebody to the login"}, (*Door).accountLogin},
		{web.Route{Method: "GET", Pattern: "/" + stagedoor.AccountCallback, Title: "Account page: the way back from the login"}, (*Door).accountBack},
	}
	for _, row := range accountRoutes {
		out = append(out, route{web.Route{Method: row.method, Pattern: accountPath + row.path, Title: row.title}, func(d *Door, w http.ResponseWriter, r *http.Request, st *store.Store) error {
			return d.onAccount(w, r, st, row.need, row.serve)
		}})
	}
	return out
}

func errNoAccountPage() error {
	return stagedoor.Errorf(stagedoor.NotFound, "not_found", page.Nothing)
}

// onAccount serves an operation of the account page to whoever is signed in: others are sent to the login first, and so is who has to prove
// themselves again. A form must carry the token of its session, against session riding.
func (d *Door) onAccount(w http.ResponseWriter, r *http.Request, st *store.Store, n need, serve func(*account) error) error {
	set := st.Tenant().Settings.Local.Account
	if set == nil || set.ClientID == "" || n.part != "" && !set.Has(n.part) {
		return errNoAccountPage()
	}
	a := &account{Door: d, w: w, r: r, st: st, set: set}
	var err error
	if a.session, err = session.Live(r.Context(), st, session.Handle(r)); err != nil {
		return err
	}
	if a.session == nil || len(a.session.Clients) == 0 { // no login has ended in it: perhaps the password was given, and the second factor was not
		return a.toLogin(false, r.URL.Path)
	}
	if a.user, err = st.User(r.Context(), a.session.UserID); stagedoor.IsKind(err, stagedoor.NotFound) {
		return a.toLogin(true, r.URL.Path)
	} else if err != nil {
		return err
	}
	if a.user.IsBlocked() {
		return stagedoor.Errorf(stagedoor.Forbidden, "unauthorized", "user is blocked")
	}
	if a.conn, err = st.ConnectionByName(r.Context(), a.user.Connection); err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
		return err
	}
	if r.Method == http.MethodPost && subtle.ConstantTimeCompare([]byte(r.PostFormValue(fieldNonce)), []byte(a.token())) != 1 {
		return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "This form is not from this session. Go back, load the page again and try once more.")
	}
	if n.fresh && n.part == stagedoor.AccountFactors {
		if err := a.mayChangeFactors(); err != nil {
			return err
		}
	}
	if n.fresh {
		if ok, err := a.fresh(); err != nil {
			return err
		} else if !ok {
			return a.toLogin(true, r.URL.Path)
		}
	}
	if err := session.Touch(r.Context(), st, a.session, session.Visit{IP: r.RemoteAddr, UserAgent: r.UserAgent()}); err != nil {
		return err
	}
	a.user.AccessEnded = a.session.AccessEnded // as when the session was there
	a.frame = page.Frame(r, st, nil)
	if a.frame.Custom != nil {
		a.frame.Custom.User = a.user
	}
	if r.Method == http.MethodPost { // whoever takes the request back undoes nothing by it: else they could keep from others what was done
		ctx, stop := stagedoor.Unhurried(r.Context())
		defer stop()
		a.r = r.WithContext(ctx)
	}
	if err = serve(a); stagedoor.HasCode(err, store.CodeAccessEnded) {
		return a.toLogin(false, accountPath)
	}
	return err
}

// token is what forms of the page carry. Nobody can make it who does not have the session's cookie, and it does not give the cookie away.
func (a *account) token() string { return jose.HashToken("account form " + session.Handle(a.r)) }

// form is a form of the page.
func (a *account) form(path string) ui.Form {
	return ui.Form{Action: accountPath + path, Hidden: []ui.Field{{Name: fieldNonce, Value: a.token()}}}
}

// factors are the tenant's second factors, and whether the person has one of them.
func (a *account) factors() (mfa.Settings, bool, error) {
	all, err := a.st.AuthenticationMethods(a.r.Context(), a.user.ID)
	if err != nil {
		return mfa.Settings{}, false, err
	}
	return a.factorsIn(all)
}

// factorsIn is [account.factors] where the person's methods were read.
func (a *account) factorsIn(all []stagedoor.AuthenticationMethod) (mfa.Settings, bool, error) {
	settings, err := mfa.SettingsOf(a.r.Context(), a.st)
	if err != nil {
		return settings, false, err
	}
	methods, err := mfa.MethodsIn(a.r.Context(), a.st, a.user.ID, all)
	return settings, slices.ContainsFunc(mfa.Enrollable(methods.Have), settings.Has), err
}

// fresh tells whether the person proved themselves a moment ago: by what they log in with, and by their second factor if they have one.
func (a *account) fresh() (bool, error) {
	since := a.st.Clock().Now().Add(-freshFor)
	if a.session.AuthenticatedAt.Before(since) {
		return false, nil
	}
	_, asks, err := a.factors()
	if err != nil || !asks {
		return err == nil, err
	}
	for _, m := range a.session.Methods {
		if m.Name == "mfa" && !time.UnixMilli(m.Timestamp).Before(since) {
			return true, nil
		}
	}
	return false, nil
}

// mayChangeFactors refuses whoever has second factors none of which can be asked for, because they are switched off or not of this server: else whoever knows the password could put
// one of their own in their place. A login refuses them, too.
func (a *account) mayChangeFactors() error {
	_, asks, err := a.factors()
	if err != nil || asks {
		return err
	}
	methods, err := mfa.MethodsOf(a.r.Context(), a.st, a.user.ID)
	if err == nil && (methods.Enrolled() || methods.Others) {
		err = mfa.ErrOthers()
	}
	return err
}

// toLogin sends the person to the login, and back to a page of the account. Forms are filled in again: nothing is done by a link.
func (a *account) toLogin(again bool, back string) error {
	q := url.Values{"to": {back}}
	if again {
		q.Set("again", "1")
	}
	redirect(a.w, a.r, accountPath+"/login?"+q.Encode())
	return nil
}

// accountLogin sends somebody to the login, as the client that the tenant named. The code that comes of it is never redeemed: what counts is the
// session.
func (d *Door) accountLogin(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	set := st.Tenant().Settings.Local.Account
	if set == nil || set.ClientID == "" {
		return errNoAccountPage()
	}
	q := url.Values{
		"client_id": {set.ClientID}, "response_type": {"code"}, "redirect_uri": {web.Issuer(r) + stagedoor.AccountCallback}, "scope": {"openid"},
		"state": {accountBackTo(r.URL.Query().Get("to"))}, "code_challenge": {jose.HashToken(stagedoor.NewToken())}, "code_challenge_method": {"S256"},
	}
	if r.URL.Query().Has("again") {
		q.Set("prompt", "login")
		if err := d.stepUp(r, st, q); err != nil {
			return err
		}
	}
	redirect(w, r, "/authorize?"+q.Encode())
	return nil
}

// stepUp asks for the person of the session, and for the second factor of who has one.
func (d *Door) stepUp(r *http.Request, st *store.Store, q url.Values) error {
	s, err := session.Live(r.Context(), st, session.Handle(r))
	if err != nil || s == nil {
		return err
	}
	u, err := st.User(r.Context(), s.UserID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	q.Set("login_hint", shown(u))
	a := &account{Door: d, r: r, st: st, user: u}
	if _, asks, err := a.factors(); err != nil || !asks {
		return err
	}
	q.Set("acr_values", pipeline.ACRMultiFactor)
	return nil
}

// accountBackTo is a page of the account to come back to.
func accountBackTo(path string) string {
	for _, row := range accountRoutes {
		if row.method == http.MethodGet && path == accountPath+row.path {
			return path
		}
	}
	return accountPath + "?done=confirmed"
}

// accountBack takes who comes back from the login.
func (d *Door) accountBack(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	set := st.Tenant().Settings.Local.Account
	if set == nil || set.ClientID == "" {
		return errNoAccountPage()
	}
	if r.URL.Query().Has("error") { // its words are whoever's made the link
		return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", page.LoginRefused)
	}
	redirect(w, r, accountBackTo(r.URL.Query().Get("state")))
	return nil
}

// done goes back to the page, which tells what was done.
func (a *account) done(what string) error {
	redirect(a.w, a.r, accountPath+"?done="+url.QueryEscape(what))
	return nil
}

// event is a log event about the person.
func (a *account) event(kind, text string) stagedoor.LogEvent {
	return web.LogEvent(a.r, stagedoor.LogEvent{
		Type: kind, Description: text, UserID: a.user.ID, UserName: shown(a.user), Connection: a.user.Connection, ClientID: a.set.ClientID,
	})
}

// logOut ends the session of this browser, which goes past the clients of SAML that know it.
func (a *account) logOut() error {
	if err := session.SignOut(a.w, a.r, a.st, a.session, stagedoor.LogEvent{UserName: shown(a.user), ClientID: a.set.ClientID}); err != nil {
		return err
	}
	v := visit(a.r, a.st)
	v.Browser = session.EnsureBrowser(a.w, a.r)
	next, err := a.Pipeline.TellParticipants(a.r.Context(), v, a.session, "", stagedoor.SignOut{})
	if err != nil {
		return err
	}
	if next != "" {
		redirect(a.w, a.r, next)
		return nil
	}
	page.Render(a.w, http.StatusOK, ui.LoggedOutPage{Frame: a.frame})
	return nil
}

// field is a text of the form, without what cannot be seen: line breaks would make more of a name than a name.
func (a *account) field(name string) string {
	return strings.Join(strings.Fields(strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, a.r.PostFormValue(name))), " ")
}
