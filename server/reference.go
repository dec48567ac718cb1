package server

import (
	"bytes"
	"net/http"
	"sync"

	"github.com/stagedoor/stagedoor/internal/mgmt"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// The addresses of the reference of the Management API: for programs and for people.
const (
	openAPIPath   = mgmt.Base + "/openapi.json"
	referencePath = "/reference"
)

var referenceRoutes = []web.Route{
	{Method: "GET", Pattern: openAPIPath, Title: "The Management API as OpenAPI 3.1"},
	{Method: "GET", Pattern: referencePath, Title: "Reference of the Management API"},
}

// anyIssuer stands for the tenant's domain in the document that is made once.
const anyIssuer = "https://issuer.invalid/"

// reference serves the description of the Management API. Both forms are made once and only the domain is put in for each request.
type reference struct {
	api  *mgmt.API
	spec func() ([]byte, error)
	page func() []ui.ReferenceGroup
}

func newReference(api *mgmt.API) *reference {
	return &reference{
		api:  api,
		spec: sync.OnceValues(func() ([]byte, error) { return web.Encode(api.OpenAPI(anyIssuer)) }),
		page: sync.OnceValue(func() []ui.ReferenceGroup { return api.Reference("https://$DOMAIN/") }),
	}
}

func (f *reference) openAPI(w http.ResponseWriter, r *http.Request) {
	spec, err := f.spec()
	if err != nil {
		web.WriteJSON(w, http.StatusInternalServerError, map[string]any{"statusCode": 500, "error": "Internal Server Error", "message": "Internal error"})
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Write(bytes.ReplaceAll(spec, []byte(anyIssuer), []byte(web.Issuer(r))))
}

func (s *Server) showReference(w http.ResponseWriter, r *http.Request) {
	st, err := s.db.TenantByDomain(r.Context(), r.Host)
	if err != nil {
		page.NoTenant(w, r, err)
		return
	}
	page.Render(w, http.StatusOK, ui.ReferencePage{
		Frame: page.Frame(r, st, nil), Base: web.Issuer(r) + "api/v2", SpecURL: openAPIPath, Groups: s.reference.page(),
	})
}
