package me_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Each operation wants the scope of its own: a token with all others is refused.
func TestEachOperationWantsItsScope(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.factors("otp", "sms")
	for _, row := range []struct{ method, path, body, scope string }{
		{"GET", "/factors", "", "read:me:factors"},
		{"GET", "/authentication-methods", "", "read:me:authentication_methods"},
		{"GET", "/authentication-methods/phone%7C1", "", "read:me:authentication_methods"},
		{"POST", "/authentication-methods", `{"type":"totp"}`, "create:me:authentication_methods"},
		{"POST", "/authentication-methods/totp%7Cnew/verify", `{"auth_session":"x","otp_code":"123456"}`, "create:me:authentication_methods"},
		{"PATCH", "/authentication-methods/phone%7C1", `{"name":"x"}`, "update:me:authentication_methods"},
		{"DELETE", "/authentication-methods/phone%7C1", "", "delete:me:authentication_methods"},
		{"POST", "/connected-accounts/connect", `{"connection":"x","redirect_uri":"https://app.test/callback"}`, "create:me:connected_accounts"},
		{"POST", "/connected-accounts/complete", `{"auth_session":"x","connect_code":"x","redirect_uri":"https://app.test/callback"}`, "create:me:connected_accounts"},
		{"GET", "/connected-accounts/accounts", "", "read:me:connected_accounts"},
		{"GET", "/connected-accounts/connections", "", "read:me:connected_accounts"},
		{"DELETE", "/connected-accounts/accounts/cac_1", "", "delete:me:connected_accounts"},
	} {
		others := slices.DeleteFunc(strings.Fields(every), func(s string) bool { return s == row.scope })
		w.call(w.token(others...), row.method, row.path, row.body).fails(403, "A0E-403-0002", "The token lacks the scope "+row.scope+".")
		if a := w.call(w.token(row.scope), row.method, row.path, row.body); a.status == 401 || a.status == 403 {
			t.Errorf("%s %s with its scope alone: %d %s", row.method, row.path, a.status, a.text)
		}
	}
}
