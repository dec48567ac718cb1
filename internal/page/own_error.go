package page

import (
	"io"
	"net/http"
	"net/url"

	"github.com/stagedoor/stagedoor/internal/liquid"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// fault is an error as a tenant's own error page is told of it, by the names of the wire (Authentication API fact sheet 2.2).
type fault map[string]string

// ownError leaves it to the tenant to tell the person of an error: at an address of its own, or by a document that is shown here. It tells whether the tenant could.
func ownError(w http.ResponseWriter, r *http.Request, st *store.Store, status int, f fault) bool {
	own := st.Tenant().Settings.ErrorPage
	switch {
	case own == nil:
		return false
	case own.URL != "":
		redirectToOwn(w, r, own.URL, f)
		return true
	}
	return own.HTML != "" && showOwn(w, r, st, own.HTML, status, f)
}

func redirectToOwn(w http.ResponseWriter, r *http.Request, to string, f fault) {
	u, err := url.Parse(to)
	if err != nil {
		http.Error(w, f["error_description"], http.StatusBadRequest)
		return
	}
	q := u.Query()
	for name, value := range f {
		if value != "" {
			q.Set(name, value)
		}
	}
	u.RawQuery = q.Encode()
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, u.String(), http.StatusFound)
}

func showOwn(w http.ResponseWriter, r *http.Request, st *store.Store, source string, status int, f fault) bool {
	set := st.Tenant().Settings
	vars := map[string]any{"tenant": st.Tenant().ID, "friendly_name": TenantName(st), "support_url": set.SupportURL, "support_email": set.SupportEmail}
	for name, value := range f {
		vars[name] = value
	}
	html, err := liquid.HTML(r.Context(), source, vars, liquid.DefaultLimits)
	if err != nil {
		web.Logger(r.Context()).WarnContext(r.Context(), "the tenant's error page fails", "tenant", st.Tenant().ID, "error", err)
		return false
	}
	ui.SetHeaders(w.Header())
	w.Header().Set("Content-Security-Policy", ui.OwnCSP)
	w.WriteHeader(status)
	io.WriteString(w, html) //nolint:errcheck // the browser is gone
	return true
}
