package session

import (
	"net/http"
	"time"

	"github.com/stagedoor/stagedoor"
)

// The cookies. Browsers tell hosts apart but not ports, and the store tells tenants apart. Over https those of the session and of the browser have
// [hostPrefix] before their name.
const (
	cookieName  = "auth0"    // the session
	browserName = "did"      // the browser: binds a login under way to where it began
	mfaName     = "auth0-mf" // the browser in which somebody need not give the second factor again

	visitorName = "auth0_anon" // the session token of a visitor whom nobody knows

	transferName = "auth0_session_transfer_token" // what a native client has put there to open a session; we never set it
)

// hostPrefix begins the names of cookies that browsers take from their own host alone, over https (RFC 6265bis section 4.1.3.2). Without it any sibling of
// the host, under the domain that they share, can plant a cookie: its visitors would be signed in as somebody else, or sign up in a login that
// somebody else began, who then chooses the password.
const hostPrefix = "__Host-"

// own is the name that a cookie of ours has in the request's browser.
func own(r *http.Request, name string) string {
	if r.URL.Scheme == "https" {
		return hostPrefix + name
	}
	return name // browsers take the prefix over https alone
}

// Handle returns the session cookie's value; empty if there is none.
func Handle(r *http.Request) string { return value(r, own(r, cookieName)) }

// Browser returns the browser cookie's value; empty if there is none.
func Browser(r *http.Request) string { return value(r, own(r, browserName)) }

// Remembered returns the value by which the browser is remembered for the second factor; empty if there is none.
func Remembered(r *http.Request) string { return value(r, mfaName) }

// TransferToken returns the session transfer token that a native client has put into the browser; empty if there is none.
func TransferToken(r *http.Request) string { return value(r, transferName) }

// ClearTransferToken takes a session transfer token that is used up out of the browser.
func ClearTransferToken(w http.ResponseWriter, r *http.Request) {
	c := cookie(r, transferName, "")
	c.MaxAge = -1
	http.SetCookie(w, c)
}

// SetRemembered makes the browser one that is remembered.
func SetRemembered(w http.ResponseWriter, r *http.Request, handle string, until time.Time) {
	c := cookie(r, mfaName, handle)
	c.Expires = until
	http.SetCookie(w, c)
}

// Visitor returns the session token of the browser's anonymous session; empty if there is none.
func Visitor(r *http.Request) string { return valueUpTo(r, visitorName, 4096) }

// SetVisitor keeps the session token of an anonymous session in the browser.
func SetVisitor(w http.ResponseWriter, r *http.Request, token string, until time.Time) {
	c := cookie(r, visitorName, token)
	c.Expires = until
	http.SetCookie(w, c)
}

// ClearVisitor takes it out of the browser.
func ClearVisitor(w http.ResponseWriter, r *http.Request) {
	c := cookie(r, visitorName, "")
	c.MaxAge = -1
	http.SetCookie(w, c)
}

func value(r *http.Request, name string) string { return valueUpTo(r, name, 128) }

func valueUpTo(r *http.Request, name string, most int) string {
	c, err := r.Cookie(name)
	if err != nil || len(c.Value) > most {
		return ""
	}
	return c.Value
}

// SetCookie keeps the session in the browser: until the session ends, or until the
// browser does if the tenant's sessions are not persistent.
func SetCookie(w http.ResponseWriter, r *http.Request, handle string, s *stagedoor.Session) {
	c := cookie(r, own(r, cookieName), handle)
	if s.Persistent {
		c.Expires = s.ExpiresAt
	}
	http.SetCookie(w, c)
}

// ClearCookie takes the session out of the browser.
func ClearCookie(w http.ResponseWriter, r *http.Request) {
	c := cookie(r, own(r, cookieName), "")
	c.MaxAge = -1
	http.SetCookie(w, c)
}

// EnsureBrowser returns the browser cookie's value and sets one if there is none.
func EnsureBrowser(w http.ResponseWriter, r *http.Request) string {
	if v := Browser(r); v != "" {
		return v
	}
	v := stagedoor.NewToken()
	c := cookie(r, own(r, browserName), v)
	c.MaxAge = int((365 * 24 * time.Hour).Seconds())
	http.SetCookie(w, c)
	return v
}

// cookie has SameSite=None over https, so that silent authentication in a frame works
// across sites. Browsers refuse that without Secure, so over plain http, which is for
// loopback only, it is Lax: there every port is the same site.
func cookie(r *http.Request, name, value string) *http.Cookie {
	c := &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if r.URL.Scheme == "https" {
		c.Secure, c.SameSite = true, http.SameSiteNoneMode
	}
	return c
}
