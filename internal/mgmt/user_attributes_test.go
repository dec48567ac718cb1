package mgmt

import (
	"encoding/json"
	"strings"
	"testing"
)

// Users of a database have what its attributes say: what is needed, nothing else, and a number of their own where numbers identify.
func TestUsersByAttributes(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		var found []struct{ ID string }
		if err := json.Unmarshal([]byte(h.call(all, "GET", "/connections?name=Users", "").body), &found); err != nil || len(found) != 1 {
			h.Fatal(found, err)
		}
		id := found[0].ID
		options := func(attributes string) {
			h.Helper()
			h.call(all, "PATCH", "/connections/"+id, `{"options":{"attributes":`+attributes+`}}`).is(200, "")
		}
		create := func(members string) answer {
			return h.call(all, "POST", "/users", `{"connection":"Users","password":"Correct-Horse-1",`+members+`}`)
		}
		create(`"email":"old@x.test","phone_number":"+491","user_id":"old"`).is(201, "")
		create(`"email":"old2@x.test","phone_number":"+492","user_id":"old2"`).is(201, "")
		create(`"email":"old3@x.test","phone_number":"+492","user_id":"old3"`).is(201, "")
		options(`{"phone_number":{"identifier":{"active":true},"profile_required":true,"signup":{"status":"required"}},"email":{"identifier":{"active":true},"signup":{"status":"optional"}}}`)
		create(`"email":"n@x.test"`).fails(400, "invalid_body", payload("Missing required property: phone_number'"))
		create(`"phone_number":"+493","user_id":"new"`).is(201, "")
		create(`"phone_number":"+491","email":"n@x.test"`).fails(409, "auth0_idp_error", "The user already exists.") // known by it since the attribute identifies
		create(`"phone_number":"+493","email":"n@x.test"`).fails(409, "auth0_idp_error", "The user already exists.")
		create(`"phone_number":"+494","username":"n"`).fails(400, "invalid_body", "Cannot set username for connection without requires_username.")
		patch := func(id, body string) answer { return h.call(all, "PATCH", "/users/auth0%7C"+id, body) }
		patch("new", `{"phone_number":"+491"}`).fails(400, "auth0_idp_error", "The specified new phone number already exists")
		patch("new", `{"phone_number":null}`).fails(400, "operation_not_supported", "The following user attributes cannot be removed: phone_number.")
		patch("new", `{"phone_number":"+495","phone_verified":true}`).is(200, "")
		patch("old", `{"email":null}`).is(200, "")
		patch("old2", `{"given_name":"Two"}`).is(200, "") // whose number somebody else has as well
		patch("old3", `{"password":"Correct-Horse-2"}`).is(200, "")

		// An import says what is in the way.
		report, _ := h.imported(`[{"email":"import@x.test","phone_number":"+491"}]`, "upsert", "true")
		h.call(all, "GET", "/jobs/"+report.text("id")+"/errors", "").is(200, `[{"user":{"email":"import@x.test","phone_number":"+491"},"errors":[{"code":"CONFLICT","message":"The phone_number is in use by a user with another email","path":"phone_number"}]}]`)

		// What users must have they can have.
		options(`{"email":{"identifier":{"active":true},"signup":{"status":"optional"}},"username":{"profile_required":true,"validation":{"allowed_types":{"email":true}}}}`)
		create(`"email":"kim@x.test"`).fails(400, "invalid_body", payload("Missing required property: username'"))
		create(`"email":"kim@x.test","username":"lee@x.test","user_id":"kim"`).is(201, "")
		// A ticket for an address is for whose address it is.
		h.call(all, "POST", "/tickets/password-change", `{"connection_id":"`+id+`","email":"lee@x.test"}`).fails(404, "inexistent_user", "The user does not exist.")
		h.call(all, "POST", "/tickets/password-change", `{"connection_id":"`+id+`","email":"KIM@x.test"}`).is(201, "")

		options(`{"email":{"identifier":{"active":true},"signup":{"status":"optional"}},"username":{"identifier":{"active":true},"signup":{"status":"optional"}}}`)
		create(`"phone_number":"+496","email":"n@x.test"`).fails(400, "invalid_body", "Cannot set phone_number for connection without the attribute phone_number.")
		create(`"given_name":"N"`).fails(400, "invalid_body", payload("Missing required property: email'"))
		create(`"username":"Nora","user_id":"nora"`).is(201, "")
		patch("nora", `{"username":null}`).fails(400, "operation_not_supported", "The user would have nothing left to log in with.")
		patch("nora", `{"phone_number":"+497"}`).fails(400, "operation_not_supported", "Cannot set phone_number for connection without the attribute phone_number.")
		patch("nora", `{"email":"nora@x.test"}`).is(200, "")
		patch("nora", `{"username":null}`).is(200, "")
		if got := h.call(all, "GET", "/users/auth0%7Cnora", ""); strings.Contains(got.body, `"username"`) {
			h.Errorf("kept: %s", got.body)
		}
	})
}
