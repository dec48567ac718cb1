package stagedoortest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/server"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// TestOutboundRewrite: scripts that name a former host reach what the operator says it is now: another server, or their own tenant without
// leaving the house; another tenant's scripts do not get into that one by it, and a private address is not opened.
func TestOutboundRewrite(t *testing.T) {
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "outside ", r.Host, r.URL.Path) }))
	defer outside.Close()
	now := strings.TrimPrefix(outside.URL, "http://")
	w := newWorld(t, storetest.SQLite, func(o *stagedoortest.Options) {
		o.Allow = []string{now}
		o.Rewrite = map[string]string{"Billing.Former.example": now, "tenant.former.example": "now.localhost", "closed.former.example": "127.0.0.1:1"}
	})
	host := "moved.localhost" + w.HTTPURL[strings.LastIndexByte(w.HTTPURL, ':'):]
	machine, err := server.CreateTenant(context.Background(), w.DB(), "moved", []string{host, "now.localhost"})
	if err != nil {
		t.Fatal(err)
	}
	moved := w.furnish("moved", host, host, machine)
	ask := func(h *house, url string) string {
		b, _ := h.session()
		return fmt.Sprint(h.said(b, fmt.Sprintf(`require('request')({url: %q, timeout: 3000}, function (err, res, body) {
			context.idToken['https://x.example/said'] = err ? 'error ' + err.code : res.statusCode + ' ' + body; callback(null, user, context); });`, url)))
	}
	if got := ask(moved, "http://billing.former.example/a?b=c"); got != "200 outside "+now+"/a" {
		t.Errorf("another server: %s", got)
	}
	if got := ask(moved, "https://tenant.former.example/.well-known/openid-configuration"); !strings.HasPrefix(got, "200 {") || !strings.Contains(got, "now.localhost") {
		t.Errorf("itself: %.200s", got)
	}
	if got := ask(w.b, "https://tenant.former.example/.well-known/openid-configuration"); !strings.HasPrefix(got, "error ") {
		t.Errorf("another tenant: %.200s", got)
	}
	if got := ask(moved, "http://closed.former.example/"); !strings.HasPrefix(got, "error ") {
		t.Errorf("a private address: %.200s", got)
	}
}
