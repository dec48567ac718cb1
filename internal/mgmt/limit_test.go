package mgmt

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/store"
)

func TestRateLimit(t *testing.T) {
	h := sqlite(t)
	bearer := h.machine("acme")
	h.call(bearer, "PATCH", "/tenants/settings", `{"stagedoor":{"management_rate":1,"management_burst":3}}`).is(200, "")
	for i := range 3 {
		got := h.call(bearer, "GET", "/rules", "").is(200, "")
		if got.header.Get("X-RateLimit-Limit") != "3" || got.header.Get("X-RateLimit-Remaining") != strconv.Itoa(2-i) || got.header.Get("Retry-After") != "" {
			h.Errorf("request %d: %v", i, got.header)
		}
	}
	got := h.call(bearer, "POST", "/rules", `{"name":"r","script":"function(){}"}`).fails(429, "too_many_requests", "Global limit has been reached")
	reset, err := strconv.ParseInt(got.header.Get("X-RateLimit-Reset"), 10, 64)
	h.ok(err)
	if ahead := reset - start.Unix(); got.header.Get("Retry-After") != "1" || ahead < 1 || ahead > 10 || got.header.Get("X-RateLimit-Remaining") != "0" {
		h.Errorf("headers %v", got.header)
	}
	h.call(bearer, "GET", "/rules", "").is(429, "")
	h.callTo("other", h.machine("other"), "GET", "/rules", "").is(200, "[]")
	other := h.sign("acme", map[string]any{"sub": "another@clients", "azp": "another"})
	h.call(other, "GET", "/rules", "").is(200, "[]") // the refused POST did nothing
	if limited := strings.Count(strings.Join(h.logged("acme"), "\n"), "api_limit"); limited != 1 {
		h.Errorf("%d log events tell of the limit", limited)
	}
	events, _, err := h.store("acme").Logs(t.Context(), store.LogQuery{PerPage: 100})
	h.ok(err)
	for _, e := range events {
		if text, _ := json.Marshal(e.Details); e.Type == "api_limit" && string(text) != `{"limit":{"bucket":"management-api","global":true,"size":3},"request":{"method":"POST","path":"/api/v2/rules"}}` {
			h.Errorf("details %s", text)
		}
	}
	h.call(other, "PATCH", "/tenants/settings", `{"stagedoor":{"management_rate":0}}`).is(200, "")
	h.call(bearer, "GET", "/rules", "").is(200, "[]")
}
