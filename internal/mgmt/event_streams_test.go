package mgmt

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

const eventWebhook = `"destination":{"type":"webhook","configuration":{"webhook_endpoint":"https://x.test/events","webhook_authorization":{"method":"basic","username":"ada","password":"s3cret"}}}`

func TestEventStreams(t *testing.T) {
	each(t, func(h *house) {
		bearer := h.machine("acme")
		for _, row := range []struct{ destination, message string }{
			{`{"type":"webhook","configuration":{"webhook_endpoint":"https://x.test"}}`, "Payload validation error: 'Missing required property: webhook_authorization' on property destination.configuration.webhook_authorization."},
			{`{"type":"webhook","configuration":{"webhook_endpoint":"http://127.x.test","webhook_authorization":{"method":"bearer","token":"t"}}}`, "Payload validation error: 'Object didn't pass validation for format https-url: http://127.x.test' on property destination.configuration.webhook_endpoint."},
			{`{"type":"webhook","configuration":{"webhook_endpoint":"http://x.test","webhook_authorization":{"method":"bearer","token":"t"}}}`, "Payload validation error: 'Object didn't pass validation for format https-url: http://x.test' on property destination.configuration.webhook_endpoint."},
			{`{"type":"webhook","configuration":{"webhook_endpoint":"https://x.test","webhook_authorization":{"method":"bearer"}}}`, "Payload validation error: 'Missing required property: token' on property destination.configuration.webhook_authorization."},
			{`{"type":"webhook","configuration":{"webhook_endpoint":"https://x.test","webhook_authorization":{"method":"custom_header","header_key":"Host","header_value":"x"}}}`, "Payload validation error: 'Not a header: Host' on property destination.configuration.webhook_authorization.header_key."},
			{`{"type":"action","configuration":{"action_id":"none"}}`, "Payload validation error: 'There is no such action' on property destination.configuration.action_id."},
		} {
			h.call(bearer, "POST", "/event-streams", `{"name":"s","destination":`+row.destination+`}`).fails(400, "invalid_body", row.message)
		}
		login := h.call(bearer, "POST", "/actions/actions", `{"name":"login","supported_triggers":[{"id":"post-login"}],"code":"exports.onExecutePostLogin = async () => {};"}`).is(201, "").text("id")
		h.call(bearer, "POST", "/event-streams", `{"destination":{"type":"action","configuration":{"action_id":"`+login+`"}}}`).
			fails(400, "invalid_body", "Payload validation error: 'The action is for the trigger post-login' on property destination.configuration.action_id.")
		told := h.call(bearer, "POST", "/actions/actions", `{"name":"told","supported_triggers":[{"id":"event-stream"}],"code":"exports.onExecuteEventStream = async () => {};"}`).is(201, "").text("id")
		running := h.call(bearer, "POST", "/event-streams", `{"destination":{"type":"action","configuration":{"action_id":"`+told+`"}}}`).is(201, "")
		h.call(bearer, "DELETE", "/actions/actions/"+told, "").
			fails(409, "", "The action is used by the event stream "+running.text("id")+": change that first, or delete the action with force.")

		id := h.call(bearer, "POST", "/event-streams", `{"name":"s","subscriptions":[{"event_type":"user.created"}],`+eventWebhook+`}`).is(201, "").text("id")
		h.call(bearer, "PATCH", "/event-streams/"+id, `{"destination":{"type":"webhook","configuration":{"webhook_endpoint":"https://x.test/events","webhook_authorization":{"method":"basic","username":"bob"}}}}`).is(200, "")
		stream := func() *stagedoor.EventStream {
			d, err := store.EventStreams.Get(context.Background(), h.store("acme"), id)
			h.ok(err)
			s, err := stagedoor.EventStreamOf(d)
			h.ok(err)
			return s
		}
		if a := stream().Destination.Configuration.Authorization; a.Username != "bob" || a.Password != "s3cret" {
			h.Errorf("%+v", a)
		}
		// Whoever may change a stream does not get its password by sending it elsewhere.
		h.call(bearer, "PATCH", "/event-streams/"+id, `{"destination":{"type":"webhook","configuration":{"webhook_endpoint":"https://evil.test/","webhook_authorization":{"method":"basic","username":"bob"}}}}`).
			fails(400, "invalid_body", "Payload validation error: 'Missing required property: password' on property destination.configuration.webhook_authorization.")
		for _, at := range []string{"/event-streams/est_invalid_id_1234567890", "/event-streams/est_0000000000000000/deliveries"} {
			id := strings.Split(at, "/")[2]
			h.call(bearer, "GET", at, "").fails(400, "invalid_uri", "Path validation error: 'Object didn't pass validation for format event-stream-id: "+id+"' on property id (Unique identifier for the event stream).")
		}
		h.call(bearer, "PATCH", "/event-streams/est_0000000000000000000000", `{"name":"x"}`).fails(404, "", "The requested stream does not exist.")
	})
}

func TestEventDeliveries(t *testing.T) {
	each(t, func(h *house) {
		ctx, bearer := context.Background(), h.machine("acme")
		id := h.call(bearer, "POST", "/event-streams", `{"name":"s","subscriptions":[{"event_type":"user.created"}],`+eventWebhook+`}`).is(201, "").text("id")
		at := "/event-streams/" + id
		h.call(bearer, "GET", at+"/deliveries", "").is(200, "[]")
		h.call(bearer, "GET", "/event-streams/est_0000000000000000000000/deliveries", "").fails(404, "", "The requested stream does not exist.")
		h.call(bearer, "POST", at+"/test", `{"event_type":"user.moved"}`).fails(400, "invalid_body", "Payload validation error: 'No enum match for: user.moved' on property event_type.")
		first := h.call(bearer, "POST", at+"/test", `{"event_type":"organization.member.role.assigned"}`).is(202, "")
		second := h.call(bearer, "POST", at+"/test", `{"event_type":"user.created","data":{"object":{"user_id":"auth0|ada"}}}`).is(202, "")
		if second.text("status") != "pending" || second.text("event", "a0purpose") != "test" || !strings.Contains(second.text("event", "data"), `{"user_id":"auth0|ada"}`) || second.text("event_stream_id") != id {
			h.Errorf("%s", second.body)
		}
		h.call(bearer, "GET", at+"/deliveries", "").is(200, "[]") // on its way
		h.call(bearer, "GET", at+"/deliveries/"+first.text("id"), "").is(200, "")
		h.call(bearer, "POST", at+"/redeliver/"+first.text("id"), "").fails(404, "", "The requested event delivery does not exist.")
		st := h.store("acme")
		claimed, err := st.ClaimEvents(ctx, id, 10, start.Add(time.Minute))
		h.ok(err)
		for i := range claimed {
			claimed[i].Attempts = []stagedoor.EventAttempt{{Status: "failed", Timestamp: stagedoor.FormatTime(start), Message: "status 500"}}
			_, err := st.SettleEvent(ctx, &claimed[i], false)
			h.ok(err)
		}
		var all []map[string]any
		h.ok(json.Unmarshal([]byte(h.call(bearer, "GET", at+"/deliveries?statuses=failed", "").is(200, "").body), &all))
		if len(all) != 2 || all[0]["status"] != "failed" || len(all[0]["attempts"].([]any)) != 1 {
			h.Fatalf("%v", all)
		}
		for i, path := range []string{"?take=1", "?take=1&from=" + all[0]["id"].(string), "?from=" + all[1]["id"].(string)} { // the SDKs ask for pages and read lists
			var page []map[string]any
			h.ok(json.Unmarshal([]byte(h.call(bearer, "GET", at+"/deliveries"+path, "").is(200, "").body), &page))
			if len(page) != []int{1, 1, 0}[i] || len(page) == 1 && page[0]["id"] != all[i]["id"] {
				h.Errorf("%s: %v", path, page)
			}
		}
		h.call(bearer, "GET", at+"/deliveries?from=evt_gone", "").fails(400, "invalid_paging", "The checkpoint ID provided in the 'from' parameter has expired or is invalid, please remove the checkpoint ID and try again")
		if got := h.call(bearer, "GET", at+"/deliveries?event_types=user.created,user.deleted", "").is(200, ""); strings.Count(got.body, `"event_stream_id"`) != 1 {
			h.Errorf("%s", got.body)
		}
		h.call(bearer, "GET", at+"/deliveries?statuses=failed,lost", "").fails(400, "invalid_query_string", "Query validation error: 'No enum match for: lost' on property statuses[1].")
		h.call(bearer, "GET", at+"/deliveries?date_from=yesterday", "").fails(400, "invalid_query_string", "Query validation error: 'Object didn't pass validation for format date-time: yesterday' on property date_from.")
		h.call(bearer, "POST", at+"/redeliver", `{"event_types":["user.moved"]}`).fails(400, "invalid_body", "Payload validation error: 'No enum match for: user.moved' on property event_types[0].")
		h.call(bearer, "POST", at+"/redeliver/"+first.text("id"), "").is(202, "{}")
		h.call(bearer, "POST", at+"/redeliver", `{"event_types":["user.created"]}`).is(202, `{"event_types":["user.created"]}`)
		h.call(bearer, "POST", at+"/redeliver", "").is(202, "{}")
		h.call(bearer, "GET", at+"/deliveries", "").is(200, "[]")
		claimed, err = st.ClaimEvents(ctx, id, 10, start.Add(time.Minute))
		h.ok(err)
		if len(claimed) != 2 || len(claimed[0].Attempts) != 0 {
			h.Errorf("%+v", claimed)
		}
		stats := h.call(bearer, "GET", at+"/stats", "").is(200, "")
		if m := stats.get("metrics").([]any)[1].(map[string]any); m["name"] != "auth0.event_streams.failed_deliveries" || m["window_total"] != 2.0 || len(m["data"].([]any)) != len(stats.get("buckets").([]any)) {
			h.Errorf("%s", stats.body)
		}
		h.call(bearer, "GET", at+"/stats?date_from=2026-01-01T00:00:00Z&date_to=2026-06-01T00:00:00Z", "").fails(400, "invalid_query_string", "Query validation error: 'The window must end after it begins, and not be longer than 31 days' on property date_from.")
		h.call(bearer, "PATCH", at, `{"status":"disabled"}`).is(200, "")
		h.call(bearer, "POST", at+"/test", `{"event_type":"user.created"}`).fails(400, "", "The stream is disabled.")
		h.call(bearer, "DELETE", at, "").is(204, "")
		if left, err := st.ClaimEvents(ctx, id, 10, start.Add(time.Minute)); err != nil || len(left) != 0 {
			h.Error(left, err)
		}
	})
}

// What cannot run is not put in force.
func TestTriggersThatNeverRun(t *testing.T) {
	h := sqlite(t)
	bearer := h.machine("acme")
	for _, trigger := range []string{"mcp-tool"} {
		message := "Actions of the trigger " + trigger + " cannot run on this server: nothing calls them."
		body := `"name":"of ` + trigger + `","supported_triggers":[{"id":"` + trigger + `"}],"code":"exports.a = 1;"`
		id := h.call(bearer, "POST", "/actions/actions", `{`+body+`}`).is(201, "").text("id")
		h.call(bearer, "GET", "/actions/actions/"+id, "").is(200, "")
		h.call(bearer, "POST", "/actions/actions/"+id+"/deploy", "").fails(501, "not_supported", message)
		h.call(bearer, "PATCH", "/actions/triggers/"+trigger+"/bindings", `{"bindings":[{"ref":{"type":"action_id","value":"`+id+`"}}]}`).fails(501, "not_supported", message)
		h.call(bearer, "PATCH", "/actions/triggers/"+trigger+"/bindings", `{"bindings":[]}`).is(200, "")
		h.call(bearer, "POST", "/actions/actions", `{"deploy":true,`+strings.Replace(body, "of ", "deployed ", 1)+`}`).fails(501, "not_supported", message)
	}
}

// Some triggers take fewer actions than others (extensibility fact sheet 3.1).
func TestMostBindings(t *testing.T) {
	h := sqlite(t)
	bearer := h.machine("acme")
	refs := func(n int) string {
		return `{"bindings":[` + strings.TrimSuffix(strings.Repeat(`{"ref":{"type":"action_name","value":"none"}},`, n), ",") + `]}`
	}
	for trigger, most := range map[string]int{"password-reset-post-challenge": 4, "post-login": 20} {
		h.call(bearer, "PATCH", "/actions/triggers/"+trigger+"/bindings", refs(most+1)).
			fails(400, "invalid_body", "Payload validation error: 'Array is too long ("+itoa(most+1)+"), maximum "+itoa(most)+"' on property bindings.")
		h.call(bearer, "PATCH", "/actions/triggers/"+trigger+"/bindings", refs(most)).
			fails(400, "invalid_body", "Payload validation error: 'There is no such action' on property bindings[0].ref.value.")
	}
}
