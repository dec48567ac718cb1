package compat

import (
	"net/http"
	"testing"
	"time"
)

// TestLimits_NodeAuth0 and TestLimits_GoAuth0: an SDK that meets the limit of a tenant waits as the headers tell, and succeeds.
func TestLimits_NodeAuth0(t *testing.T) { runNode(t, "limits") }

func TestLimits_GoAuth0(t *testing.T) {
	api := goManagement(t)
	limit := func(body string) {
		t.Helper()
		token := machineToken(t)
		for range 20 {
			if status, _ := call(t, http.MethodPatch, "/tenants/settings", token, `{"stagedoor":`+body+`}`); status == http.StatusOK {
				return
			}
			time.Sleep(time.Second)
		}
		t.Fatal("the tenant's settings could not be changed")
	}
	limit(`{"management_rate":1,"management_burst":2}`)
	defer limit(`{"management_rate":0}`)
	start := time.Now()
	for range 5 {
		if _, err := api.Rule.List(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(start); took < 2*time.Second {
		t.Errorf("five calls took %s: nothing was limited", took)
	}
}
