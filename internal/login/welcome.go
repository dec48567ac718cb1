package login

import (
	"io"
	"net/http"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// welcome is what people find who type the domain into their browser.
func (d *Door) welcome(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	issuer := web.Issuer(r)
	p := ui.WelcomePage{
		ReferenceURL: "/reference",
		Frame:        page.Frame(r, st, nil), Issuer: issuer,
		DiscoveryURL: issuer + ".well-known/openid-configuration", JWKSURL: issuer + ".well-known/jwks.json",
	}
	if st.Tenant().Settings.Local.DevelopmentInbox {
		p.InboxURL = inboxPath
	}
	page.Render(w, http.StatusOK, p)
	return nil
}

// chooseLanguage takes the form at the foot of all pages.
func (d *Door) chooseLanguage(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	back := r.PostFormValue("back")
	path, query, _ := strings.Cut(back, "?")
	if above := d.above[path]; above != "" {
		back = above + "?" + query
	}
	page.ChooseLanguage(w, r, st, back)
	return nil
}

// pagesAbove are, for forms without a page at their own address, the pages above them: there their answers can be seen again.
func pagesAbove(routes []route) map[string]string {
	seen, out := map[string]bool{}, map[string]string{}
	for _, r := range routes {
		seen[r.Pattern] = seen[r.Pattern] || r.Method == http.MethodGet
	}
	for form, page := range seen {
		for above := form; !page && above != ""; page = seen[above] {
			above = above[:strings.LastIndexByte(above, '/')]
			out[form] = above
		}
	}
	return out
}

// brand serves the colours of the tenant, or of one of its organizations. Pages link it with a version, so it may be kept.
func (d *Door) brand(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	look := page.BrandOf(r.Context(), st)
	if id := r.URL.Query().Get(ui.BrandOrganization); id != "" {
		if o, err := st.Organization(r.Context(), id); err == nil {
			look = page.OrganizationBrand(look, o)
		} else if !stagedoor.IsKind(err, stagedoor.NotFound) {
			return err
		}
	}
	h := w.Header()
	h.Set("Content-Type", "text/css; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=86400")
	h.Set("X-Content-Type-Options", "nosniff")
	io.WriteString(w, look.CSS()) //nolint:errcheck // the browser is gone
	return nil
}
