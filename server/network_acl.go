package server

import (
	"net/http"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// admitted tells whether the tenant's network access lists let a request in; if not it has been answered. connecting is the address that
// the connection came from. A tenant without lists costs one look at its cached record.
func (s *Server) admitted(w http.ResponseWriter, r *http.Request, connecting string) bool {
	st, err := s.db.TenantByDomain(r.Context(), r.Host)
	if err == nil {
		web.EventOf(r.Context()).SetTenant(st.Tenant().ID)
	}
	if kind := stagedoor.AsError(err).Kind; err != nil && (kind == stagedoor.Internal || kind == stagedoor.Unavailable) {
		s.log.Error("the tenant could not be read", "host", r.Host, "error", err)
		unknownTenant(w, err) // nobody can tell whether the request may come in
		return false
	}
	if err != nil || len(st.Tenant().ACLs) == 0 || s.cfg.IgnoreNetworkACLs {
		return true // an unknown tenant is the door's to answer
	}
	asked := stagedoor.ACLRequest{IP: r.RemoteAddr, ConnectingIP: connecting, UserAgent: r.UserAgent(), Hostname: r.Host, Scope: aclScope(r.URL.Path)}
	for _, acl := range st.Tenant().ACLs {
		if !acl.Applies(asked) {
			continue
		}
		switch action := acl.Rule.Action; {
		case action.Allow:
			return true
		case action.Log:
			logACL(st, r, acl, "logged")
		case action.Redirect:
			logACL(st, r, acl, "redirected")
			w.Header().Set("Cache-Control", "no-store")
			http.Redirect(w, r, action.RedirectURI, http.StatusFound)
			return false
		case action.Block:
			logACL(st, r, acl, "blocked")
			refuseNetwork(w, r, st)
			return false
		}
	}
	return true
}

func aclScope(path string) string {
	switch {
	case isManagement(path):
		return "management"
	case path == "/oidc/register":
		return "dynamic_client_registration"
	}
	return "authentication"
}

func logACL(st *store.Store, r *http.Request, acl stagedoor.NetworkACL, what string) {
	st.Log(stagedoor.LogEvent{
		Type: "acls_summary", Description: "A request was " + what + " by a network access list", IP: r.RemoteAddr, UserAgent: r.UserAgent(), Hostname: r.Host,
		Details: map[string]any{"acl": map[string]any{"id": acl.ID, "description": acl.Description, "action": what}},
	})
}

// refuseNetwork answers in the form that the caller can read.
func refuseNetwork(w http.ResponseWriter, r *http.Request, st *store.Store) {
	const text = "Requests from this network are not allowed."
	switch {
	case isManagement(r.URL.Path):
		web.WriteJSON(w, http.StatusForbidden, map[string]any{"statusCode": http.StatusForbidden, "error": "Forbidden", "message": text, "errorCode": "access_denied"})
	case strings.Contains(r.Header.Get("Accept"), "text/html"):
		page.Render(w, http.StatusForbidden, ui.ErrorPage{Frame: page.Frame(r, st, nil), Code: "access_denied", Description: text})
	default:
		web.WriteJSON(w, http.StatusForbidden, map[string]string{"error": "access_denied", "error_description": text})
	}
}
