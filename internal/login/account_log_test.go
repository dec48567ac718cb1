package login_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// What people change on their account page is in the log, with who they are and without what they wrote; what changes nothing is not.
func TestAccountChangesAreLogged(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	u := w.found("ada@example.com")
	w.ok(w.st.RememberBrowser(t.Context(), "", "remembered", u.ID, "Agent", "192.0.2.7", w.clock().Add(time.Hour)))
	b, page := w.onAccount("ada@example.com")
	page = b.onward(b.press(page, "/account/profile", "", "name", "Ada Lovelace")).says("Your profile is saved.")
	b.onward(b.press(b.get("/account/metadata"), "/account/metadata", `name="member.theme"`, "member.theme", "noir")).want(http.StatusOK)
	b.onward(b.press(page, "/account/browsers/forget", "")).want(http.StatusOK)
	b.press(page, "/account/profile", "", "name", "").want(http.StatusBadRequest)
	b.press(b.get("/account/metadata"), "/account/metadata", `name="json"`, "json", "{").want(http.StatusBadRequest)
	told := w.told(u.ID, "w")
	for i, text := range []string{
		"The person changed their profile on the account page.", "The person changed their metadata on the account page.",
		"The person had browsers forgotten on the account page: they ask for the second factor again.",
	} {
		if len(told) != 3 || told[i].Description != text || told[i].ClientID != "app" || told[i].UserName != "ada@example.com" && i == 0 {
			t.Fatalf("%+v", told)
		}
	}
	if raw, err := json.Marshal(told); err != nil || strings.Contains(string(raw), "noir") {
		t.Errorf("%v: %s", err, raw)
	}
}

// told are the log events of a type about a user, oldest first.
func (w *world) told(userID, kind string) []stagedoor.LogEvent {
	w.Helper()
	logs, _, err := w.st.Logs(w.Context(), store.LogQuery{PerPage: 100, Ascending: true, UserID: userID})
	w.ok(err)
	var out []stagedoor.LogEvent
	for _, e := range logs {
		if e.Type == kind {
			out = append(out, e)
		}
	}
	return out
}

// Whoever declines what a client asks them to approve is in the log, once, with the client, and not whoever has the link again.
func TestDeclinedApprovalIsLogged(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	u := w.found("ada@example.com")
	w.ok(w.st.CreateDeviceCode(t.Context(), "request", "ticket", &stagedoor.DeviceCode{
		ClientID: "app", Approval: &stagedoor.Approval{UserID: u.ID, Message: "Pay 12"}, ExpiresAt: w.clock().Add(time.Minute),
	}))
	b := w.browser()
	page := b.get("/u/approve?ticket=ticket").want(http.StatusOK)
	b.submit(page, "decision", "decline").want(http.StatusOK)
	b.submit(page, "decision", "decline").want(http.StatusBadRequest)
	if told := w.told(u.ID, "gd_auth_rejected"); len(told) != 1 || told[0].ClientID != "app" || told[0].ClientName != "Mixtape" || told[0].UserName != "ada@example.com" || told[0].IP != "192.0.2.7" {
		t.Errorf("%+v", told)
	}
}
