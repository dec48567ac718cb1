package oauth

import (
	"net/http"

	"golang.org/x/text/language"

	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// countryPath is where Lock and auth0.js ask from which country somebody comes, to begin telephone numbers with its prefix. They go on without.
const countryPath = "/user/geoloc/country"

// country guesses it by the address where databases of addresses know it, else by the languages of the browser.
func (d *Door) country(w http.ResponseWriter, r *http.Request, st *store.Store) {
	if place := st.Place(r.RemoteAddr); place != nil && place.CountryCode != "" {
		web.WriteJSON(w, http.StatusOK, map[string]string{"country_code": place.CountryCode})
		return
	}
	w.Header().Set("Vary", "Accept-Language")
	for _, tag := range ui.Wanted(r.Header.Get("Accept-Language")) {
		if region, sure := tag.Region(); sure != language.No && region.IsCountry() {
			web.WriteJSON(w, http.StatusOK, map[string]string{"country_code": region.String()})
			return
		}
	}
	http.NotFound(w, r)
}
