package server

import (
	"net/http"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/scim"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// admitted tells whether the tenant's network access lists let a request in; if not it has been answered. connecting is the address that
// the connection came from. A tenant without lists costs one look at its cached record. Where nobody can tell, the request goes on as unread:
// the door that it is for says why, and does nothing else.
func (s *Server) admitted(w http.ResponseWriter, r *http.Request, connecting string) (*http.Request, bool) {
	if strings.HasPrefix(r.URL.Path, ui.AssetPrefix) {
		return r, true // what every page is made of, also the one that says no
	}
	st, err := s.db.TenantByDomain(r.Context(), r.Host)
	if err == nil {
		web.EventOf(r.Context()).SetTenant(st.Tenant().ID)
	}
	if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
		web.Logger(r.Context()).Error("the tenant could not be read", "host", r.Host, "error", err)
		return unread(r, err), true
	}
	if err != nil || len(st.Tenant().ACLs) == 0 || s.cfg.IgnoreNetworkACLs {
		return r, true // an unknown tenant is the door's to answer
	}
	asked := stagedoor.ACLRequest{
		IP: r.RemoteAddr, ConnectingIP: connecting, UserAgent: r.UserAgent(), Hostname: r.Host, Scope: aclScope(r.URL.Path), Place: st.Place(r.RemoteAddr),
		Fingerprints: web.FingerprintsOf(r.Context()), Lists: s.lists.Of(r.RemoteAddr),
		Known: stagedoor.RequestsKnown{Places: st.PlacesKnown(), Fingerprints: fingerprintsKnown(s.cfg), Lists: s.lists.Names()},
	}
	for _, acl := range st.Tenant().ACLs {
		if !acl.Applies(asked) {
			continue
		}
		switch action := acl.Rule.Action; {
		case action.Log: // whatever else it would do: who tries a list out wants to see whom it would meet
			s.logACL(st, r, acl, "logged")
		case action.Allow:
			return r, true
		case action.Redirect:
			s.logACL(st, r, acl, "redirected")
			w.Header().Set("Cache-Control", "no-store")
			http.Redirect(w, r, action.RedirectURI, http.StatusFound)
			return r, false
		case action.Block:
			s.logACL(st, r, acl, "blocked")
			refuseNetwork(w, r, st)
			return r, false
		}
	}
	return r, true
}

// unread is a request of which it could not be found out to which tenant it is.
func unread(r *http.Request, err error) *http.Request {
	return r.WithContext(store.TenantUnread(r.Context(), err))
}

func aclScope(path string) string {
	switch {
	case isManagement(path) || scim.Serves(path) || strings.HasPrefix(path, ui.DashboardPrefix):
		return "management"
	case path == "/oidc/register":
		return "dynamic_client_registration"
	}
	return "authentication"
}

// refuseNetwork answers in the form that the caller can read.
func refuseNetwork(w http.ResponseWriter, r *http.Request, st *store.Store) {
	const text = "Requests from this network are not allowed."
	switch {
	case isManagement(r.URL.Path):
		web.WriteJSON(w, http.StatusForbidden, map[string]any{"statusCode": http.StatusForbidden, "error": "Forbidden", "message": text, "errorCode": "access_denied"})
	case page.Wanted(r):
		page.Render(w, http.StatusForbidden, ui.ErrorPage{Frame: page.Frame(r, st, nil), Code: "access_denied", Description: text})
	default:
		web.WriteJSON(w, http.StatusForbidden, map[string]string{"error": "access_denied", "error_description": text})
	}
}
