package stagedoortest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// Who logs out of one client is logged out of all: each is told, by the issuer that it knows, and no other.
func TestSingleLogout(t *testing.T) {
	var mu sync.Mutex
	told := map[string]jose.Claims{} // by the path
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, c, err := jose.Peek(r.PostFormValue("logout_token"))
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		told[r.URL.Path] = c
	}))
	defer receiver.Close()
	eachWorldWith(t, func(o *stagedoortest.Options) { o.Allow = []string{strings.TrimPrefix(receiver.URL, "http://")} }, func(t *testing.T, w *world) {
		mu.Lock()
		clear(told)
		mu.Unlock()
		h := w.a
		st, err := w.DB().TenantByDomain(t.Context(), h.host)
		if err != nil {
			t.Fatal(err)
		}
		for path, id := range map[string]string{"spa": h.spa, "site": h.site, "old": h.old} {
			_, err := st.UpdateClient(t.Context(), id, func(c *stagedoor.Client) error { // the Management API takes https alone
				if c.Stored == nil {
					c.Stored = map[string]json.RawMessage{}
				}
				c.Stored["oidc_logout"] = json.RawMessage(`{"backchannel_logout_urls":["` + receiver.URL + `/` + path + `"]}`)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		b, tokens := h.session()
		_, c, err := jose.Peek(tokens.ID)
		if err != nil {
			t.Fatal(err)
		}
		w.callback(b.get("/authorize?" + h.request("client_id", h.site, "prompt", "none").Encode()))
		a := b.get("/oidc/logout?id_token_hint=" + tokens.ID)
		if a.StatusCode != 200 {
			t.Fatalf("logout: %d %s", a.StatusCode, a.body)
		}
		for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
			mu.Lock()
			n := len(told)
			mu.Unlock()
			if n == 2 {
				break
			}
			if time.Since(start) > time.Minute {
				t.Fatalf("%d clients were told", n)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		for path, id := range map[string]string{"/spa": h.spa, "/site": h.site} {
			if got := told[path]; got.Issuer != h.base+"/" || got.Audience[0] != id || got.Subject != h.user || got.Raw["sid"] != c.Raw["sid"] {
				t.Errorf("%s was told %v", path, got.Raw)
			}
		}
	})
}
