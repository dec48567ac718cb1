// Package page renders the hosted pages that more than one door shows: errors, logged out, the
// question before a logout. It knows what of a tenant and a client a page shows; the
// pages themselves are in ui.
package page

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// Frame is what every page shows of the tenant and, where it is known, the client.
func Frame(r *http.Request, st *store.Store, client *stagedoor.Client) ui.Frame {
	look := lookOf(r.Context(), st)
	f := ui.Frame{Tenant: TenantName(st), Logo: Logo(st, look), Favicon: look.Branding.FaviconURL, Brand: Brand(st, look), Template: look.PageTemplate}
	if client != nil {
		f.Client = ui.Client{Name: client.Name, Logo: client.Picture()}
		if host := client.Host(); host != "" { // anybody can call themselves anything: people see from the first page on who asks
			f.Client.Name += " (" + host + ")"
		}
	}
	words(r, st, look, &f)
	f.Custom = custom(r, st, look, client)
	return f
}

// ForOrganization is the frame of a login to the organization: its logo and its colour where it has such.
func ForOrganization(f ui.Frame, o *stagedoor.Organization) ui.Frame {
	f.Organization = o.Title()
	if f.Custom != nil {
		f.Custom.Organization = o
	}
	if o.Branding == nil {
		return f
	}
	if o.Branding.LogoURL != "" {
		f.Client.Logo, f.Logo = o.Branding.LogoURL, o.Branding.LogoURL
	}
	if o.Branding.Colors != nil {
		f.Brand = OrganizationBrand(f.Brand, o)
	}
	return f
}

// OrganizationBrand is the look of the organization over that of the tenant.
func OrganizationBrand(b ui.Brand, o *stagedoor.Organization) ui.Brand {
	if o.Branding != nil && o.Branding.Colors != nil {
		b.Primary, b.Organization = o.Branding.Colors.Primary, o.ID
		if o.Branding.Colors.PageBackground != "" {
			b.Background, b.BackgroundEnd, b.Angle = o.Branding.Colors.PageBackground, "", 0
		}
		if b.Theme != nil {
			own := *b.Theme
			if own.Colors.PrimaryButton = b.Primary; o.Branding.Colors.PageBackground != "" {
				own.Background.Color, own.Background.ImageURL = o.Branding.Colors.PageBackground, ""
			}
			b.Theme = &own
		}
	}
	return b
}

// TenantName is how people know the tenant.
func TenantName(st *store.Store) string {
	if name := st.Tenant().Settings.FriendlyName; name != "" {
		return name
	}
	return st.Tenant().ID
}

// Support is where the tenant's people get help; empty if the tenant says nothing.
func Support(st *store.Store) string {
	s := &st.Tenant().Settings
	if s.SupportURL == "" && s.SupportEmail != "" {
		return "mailto:" + s.SupportEmail
	}
	return s.SupportURL
}

// Render writes a page with its headers.
func Render(w http.ResponseWriter, status int, p ui.Page) {
	if RenderOwn(w, status, p) {
		return
	}
	if own := ownPage(w, p); own != "" {
		writeOwn(w, status, own)
		return
	}
	var b bytes.Buffer
	if err := ui.Render(&b, p); err != nil {
		web.WriterLogger(w).Error("a page cannot be rendered", "error", err)
		http.Error(w, "Internal error", http.StatusInternalServerError)
		return
	}
	ui.SetHeaders(w.Header())
	w.Header().Set("Content-Security-Policy", ui.PolicyOf(p))
	w.WriteHeader(status)
	w.Write(b.Bytes())
}

// RenderOwn writes a page if a front end of the tenant's own takes its place, else it tells that none does and has written nothing.
func RenderOwn(w http.ResponseWriter, status int, p ui.Page) bool {
	own := ownScreen(w, p)
	if own != "" {
		writeOwn(w, status, own)
	}
	return own != ""
}

func writeOwn(w http.ResponseWriter, status int, document string) {
	ui.SetHeaders(w.Header())
	w.Header().Set("Content-Security-Policy", ui.OwnCSP)
	w.WriteHeader(status)
	io.WriteString(w, document) //nolint:errcheck // the browser is gone
}

// Fail is Error with the status that goes with the error's kind.
func Fail(w http.ResponseWriter, r *http.Request, st *store.Store, err error, client *stagedoor.Client) {
	Error(w, r, st, Status(err), err, client)
}

// Status is what goes with an error's kind on pages.
func Status(err error) int {
	switch stagedoor.AsError(err).Kind {
	case stagedoor.Internal:
		return http.StatusInternalServerError
	case stagedoor.Forbidden:
		return http.StatusForbidden
	case stagedoor.Unsupported:
		return http.StatusNotImplemented
	case stagedoor.Unavailable:
		return http.StatusServiceUnavailable
	case stagedoor.TooMany:
		return http.StatusTooManyRequests
	}
	return http.StatusBadRequest
}

// wentWrong is what people are told of an error that only the log reads.
const wentWrong = "Something went wrong on our side. Please try again."

// Nothing is what an address says that nobody serves.
const Nothing = "There is nothing at this address."

// RequestOver is what the link to an approval says once it has been answered, or nobody waits for it any more.
const RequestOver = "This request has been answered, or has expired."

// LoginRefused is what becomes of a login to a page of ours that did not come to its end: by whom, and in which words, is in the log.
const LoginRefused = "The login was refused or cancelled."

// Nowhere is the page at an address that nobody serves. Anybody can come there by a slip of the pen, so that no log has it.
func Nowhere(w http.ResponseWriter, r *http.Request, st *store.Store) {
	frame := Frame(r, st, nil)
	Render(w, http.StatusNotFound, ui.ErrorPage{Frame: frame, Code: "not_found", Description: told(frame, "not_found", Nothing)})
}

// Error tells the person that a request cannot go on. Where the tenant has an error page of its own the
// browser goes there (Authentication API fact sheet 2.2). The reference that the page
// shows is the id of the event in the tenant's log.
func Error(w http.ResponseWriter, r *http.Request, st *store.Store, status int, err error, client *stagedoor.Client) {
	e := stagedoor.AsError(err)
	code, message := e.Code, e.Message
	if e.Kind == stagedoor.Internal {
		code, message = "server_error", wentWrong
		web.Failed(r.Context(), web.Logger(r.Context()), "a page request failed", err)
	}
	web.RetryAfter(w.Header(), err)
	kind := "f"
	if strings.HasSuffix(r.URL.Path, "/logout") {
		kind = "flo"
	}
	more, _ := e.Extra["hint"].(string)
	event := web.LogEvent(r, stagedoor.LogEvent{
		ID: st.NewLogID(), Type: kind, Description: strings.TrimSpace(message + " " + more), Details: map[string]any{"error": map[string]any{"message": message, "oauthError": code}},
	})
	back := st.Tenant().Settings.DefaultRedirectionURI
	if client != nil {
		event.ClientID, event.ClientName = client.ID, client.Name
		if home := client.Home(); home != "" {
			back = home
		}
	}
	st.Log(event)
	frame := Frame(r, st, client)
	if ownError(w, r, st, status, fault{"client_id": event.ClientID, "lang": frame.Lang, "error": code, "error_description": message, "tracking": event.ID}) {
		return
	}
	description, hint := told(frame, code, message), ""
	if description == "" {
		description, hint = frame.ClientFault(code, message), message
	}
	hint = strings.TrimSpace(hint + " " + more)
	Render(w, status, ui.ErrorPage{
		Frame: frame, Code: code, Description: description, Tracking: event.ID, Hint: hint,
		BackURL: back, SupportURL: Support(st),
	})
}

// told is an error in the words of its page: what everybody can meet in the person's language; "" for what a client has done wrong, of which its words are for whoever develops
// it. Logs, and error pages of tenants, have the words of the wire.
func told(f ui.Frame, code, message string) string {
	switch {
	case message == stagedoor.LostTransaction:
		return f.Lost()
	case message == Nothing:
		return f.T("problem.not_found")
	case message == RequestOver:
		return f.T("problem.request_over")
	case message == LoginRefused:
		return f.T("problem.login_refused")
	case message == wentWrong:
		return f.T("problem.unknown")
	case code == "too_many_requests":
		return f.T("problem.too_many_requests")
	case f.ClientFault(code, message) != "":
		return ""
	}
	return message
}

// Wanted tells whether whoever asks reads pages.
func Wanted(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// NoTenant tells the person that it is not known whose page could be shown: no tenant answers under the name, or the database does not answer.
func NoTenant(w http.ResponseWriter, r *http.Request, err error) {
	e := stagedoor.AsError(err)
	status, code, message := http.StatusInternalServerError, "server_error", wentWrong
	hint := ""
	switch e.Kind {
	case stagedoor.NotFound:
		status, code, message = http.StatusNotFound, e.Code, e.Message
		hint = "A tenant answers under the domains that it has, with their ports, and under no others: stagedoor tenants list shows them."
	case stagedoor.Unavailable:
		status, code, message = http.StatusServiceUnavailable, e.Code, e.Message
	}
	web.RetryAfter(w.Header(), err)
	Render(w, status, ui.ErrorPage{Frame: ui.Frame{Lang: ui.Match(ui.Languages(), Wishes(r)...)}, Code: code, Description: message, Hint: hint})
}
