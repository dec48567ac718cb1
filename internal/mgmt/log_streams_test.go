package mgmt

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

func TestLogStreams(t *testing.T) {
	each(t, func(h *house) {
		bearer := h.machine("acme")
		sink := `"sink":{"httpAuthorization":"Bearer f2","httpContentFormat":"JSONLINES","httpContentType":"application/json","httpEndpoint":"https://example.com/logs"`
		got := h.call(bearer, "POST", "/log-streams", `{"name":"Audit","type":"http",`+sink+`,"stagedoorSigningSecret":"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"},"pii_config":{"log_fields":["first_name"]}}`)
		id := got.text("id")
		want := `{"id":"` + id + `","name":"Audit","type":"http","status":"active",` + sink + `},"isPriority":false,"pii_config":{"log_fields":["first_name"],"method":"hash","algorithm":"xxhash"}}`
		got.is(200, want)
		if len(id) != 20 || !strings.HasPrefix(id, "lst_") {
			h.Errorf("id %s", id)
		}
		h.call(bearer, "GET", "/log-streams/"+id, "").is(200, want)
		h.call(bearer, "GET", "/log-streams", "").is(200, "["+want+"]")

		h.call(bearer, "PATCH", "/log-streams/"+id, `{"status":"paused","name":"Other","isPriority":true,"filters":[{"type":"category","name":"auth.login.fail"}],"pii_config":null,`+sink+`}}`).
			is(200, `{"id":"`+id+`","name":"Other","type":"http","status":"paused",`+sink+`},"isPriority":true,"filters":[{"type":"category","name":"auth.login.fail"}]}`)
		kept, err := store.LogStreams.Get(context.Background(), h.store("acme"), id)
		h.ok(err)
		if s, _ := kept.HTTPSink(); s.SigningSecret == "" {
			h.Error("a sink without the secret dropped it")
		}

		for _, row := range []struct{ body, message string }{
			{`{"type":"http"}`, "Payload validation error: 'Missing required property: sink'."},
			{`{"type":"fax","sink":{}}`, "Payload validation error: 'No enum match for: fax' on property type (Type of log stream)."},
			{`{"type":"http","sink":{}}`, "Payload validation error: 'Missing required property: httpEndpoint' on property sink."},
			{`{"type":"http","sink":[]}`, "Payload validation error: 'Expected type object but found type array' on property sink."},
			{`{"type":"http","sink":{"httpEndpoint":"https://x.test","splunkPort":"1"}}`, "Payload validation error: 'Additional properties not allowed: splunkPort' on property sink."},
			{`{"type":"http","sink":{"httpEndpoint":"http://127.x.test"}}`, "Payload validation error: 'Object didn't pass validation for format https-url: http://127.x.test' on property sink.httpEndpoint."},
			{`{"type":"http","sink":{"httpEndpoint":"http://x.test"}}`, "Payload validation error: 'Object didn't pass validation for format https-url: http://x.test' on property sink.httpEndpoint."},
			{`{"type":"http","sink":{"httpEndpoint":"https://x.test","httpContentFormat":"XML"}}`, "Payload validation error: 'No enum match for: XML' on property sink.httpContentFormat."},
			{`{"type":"http","sink":{"httpEndpoint":"https://x.test","httpCustomHeaders":[{"header":"a b","value":"c"}]}}`, "Payload validation error: 'Not a header: a b' on property sink.httpCustomHeaders."},
			{`{"type":"http","sink":{"httpEndpoint":"https://x.test","stagedoorSigningSecret":"short"}}`, "Payload validation error: 'String is too short (5 chars), minimum 32' on property sink.stagedoorSigningSecret."},
			{`{"type":"http","sink":{"httpEndpoint":"https://x.test"},"startFrom":"yesterday"}`, "Payload validation error: 'Object didn't pass validation for format date-time: yesterday' on property startFrom."},
			{`{"type":"http","sink":{"httpEndpoint":"https://x.test"},"filters":[{"type":"category","name":"auth.login"}]}`, "Payload validation error: 'No enum match for: auth.login' on property filters[0].name (Category group name)."},
			{`{"type":"datadog","sink":{"datadogApiKey":"k","datadogRegion":"mars"}}`, "Payload validation error: 'String does not match pattern ^(us|eu|us3|us5)$: mars' on property sink.datadogRegion."},
			{`{"type":"eventbridge","sink":{"awsAccountId":"1","awsRegion":"eu-west-1"}}`, "Payload validation error: 'String does not match pattern ^[0-9]{12}$: 1' on property sink.awsAccountId."},
			{`{"type":"splunk","sink":{"splunkDomain":"x.test","splunkPort":"http","splunkToken":"t","splunkSecure":true}}`, "Payload validation error: 'String does not match pattern ^[0-9]*$: http' on property sink.splunkPort."},
		} {
			h.call(bearer, "POST", "/log-streams", row.body).fails(400, "invalid_body", row.message)
		}
		for kind, sink := range map[string]string{
			"sumo": `"sumoSourceAddress":"http://x.test"`, "splunk": `"splunkDomain":"a b","splunkPort":"1","splunkToken":"t","splunkSecure":true`,
			"segment": `"segmentWriteKey":"k","stagedoorBaseUrl":"http://x.test"`, "datadog": `"datadogApiKey":"k","datadogRegion":"us","stagedoorBaseUrl":"ftp://x.test"`,
		} {
			if got := h.call(bearer, "POST", "/log-streams", `{"type":"`+kind+`","sink":{`+sink+`}}`).is(400, ""); !strings.Contains(got.body, "https-url") {
				h.Errorf("%s: %s", kind, got.body)
			}
		}
		h.call(bearer, "POST", "/log-streams", `{"type":"sumo","sink":{"sumoSourceAddress":"demo.sumo.com"}}`).is(200, "")
		h.call(bearer, "POST", "/log-streams", `{"type":"http","sink":{"httpEndpoint":"https://x.test"},"pii_config":{"log_fields":[]}}`).is(400, "")
		mix := h.call(bearer, "POST", "/log-streams", `{"type":"mixpanel","sink":{"mixpanelRegion":"us","mixpanelProjectId":"1","mixpanelServiceAccountUsername":"u","mixpanelServiceAccountPassword":"real"}}`).is(200, "")
		if mix.text("sink", "mixpanelServiceAccountPassword") != "********" {
			h.Errorf("mixpanel: %s", mix.body)
		}
		h.call(bearer, "PATCH", "/log-streams/"+mix.text("id"), `{"sink":{"mixpanelRegion":"eu","mixpanelProjectId":"1","mixpanelServiceAccountUsername":"u","mixpanelServiceAccountPassword":"********"}}`).is(200, "")
		h.call(bearer, "PATCH", "/log-streams/"+mix.text("id"), `{"sink":{"mixpanelRegion":"eu","mixpanelProjectId":"1","mixpanelServiceAccountUsername":"u"}}`).is(200, "")
		kept, err = store.LogStreams.Get(context.Background(), h.store("acme"), mix.text("id"))
		h.ok(err)
		if !strings.Contains(kept.Sink, `"real"`) || !strings.Contains(kept.Sink, `"eu"`) {
			h.Errorf("the sink became %s", kept.Sink)
		}
		h.call(bearer, "GET", "/log-streams/lst_0000000000000000", "").fails(404, "", "The log stream does not exist.")
		h.call(bearer, "PATCH", "/log-streams/lst_0000000000000000", `{"name":"x"}`).fails(404, "", "The log stream does not exist.")
		h.call(bearer, "DELETE", "/log-streams/"+id, "").is(204, "")
		h.call(bearer, "GET", "/log-streams/"+id, "").is(404, "")
	})
}

// TestUndeliveredStreams: nobody takes a stream to which nothing can be sent for one that works.
func TestUndeliveredStreams(t *testing.T) {
	each(t, func(h *house) {
		bearer := h.machine("acme")
		for kind, sink := range map[string]string{
			"eventbridge": `{"awsAccountId":"999999999999","awsRegion":"us-west-2"}`,
			"eventgrid":   `{"azureSubscriptionId":"b69a6835-57c7-4d53-b0d5-1c6ae580b6d5","azureRegion":"westeurope","azureResourceGroup":"logs"}`,
		} {
			got := h.call(bearer, "POST", "/log-streams", `{"type":"`+kind+`","sink":`+sink+`}`).is(200, "")
			at := "/log-streams/" + got.text("id")
			for _, change := range []struct{ body, want string }{{"", "suspended"}, {`{"status":"active"}`, "suspended"}, {`{"status":"paused"}`, "paused"}} {
				if change.body != "" {
					got = h.call(bearer, "PATCH", at, change.body).is(200, "")
				}
				if got.text("status") != change.want {
					h.Errorf("%s after %s: %s", kind, change.body, got.body)
				}
			}
		}
	})
}

// TestSinkKept: the deploy tool changes a stream without the secret that it was not given.
func TestSinkKept(t *testing.T) {
	each(t, func(h *house) {
		bearer := h.machine("acme")
		for kind, sink := range map[string]struct{ known, name string }{
			"datadog": {`"datadogRegion":"us"`, "datadogApiKey"},
			"splunk":  {`"splunkDomain":"s.test","splunkPort":"8088","splunkSecure":true`, "splunkToken"},
		} {
			h.call(bearer, "POST", "/log-streams", `{"type":"`+kind+`","sink":{`+sink.known+`}}`).is(400, "")
			at := "/log-streams/" + h.call(bearer, "POST", "/log-streams", `{"type":"`+kind+`","sink":{`+sink.known+`,"`+sink.name+`":"secret"}}`).is(200, "").text("id")
			if got := h.call(bearer, "PATCH", at, `{"sink":{`+sink.known+`}}`).is(200, ""); got.text("sink", sink.name) != "secret" {
				h.Errorf("%s: %s", kind, got.body)
			}
		}

		// The header of a webhook stays where it goes to the same place; an empty one takes it away.
		at := "/log-streams/" + h.call(bearer, "POST", "/log-streams", `{"type":"http","sink":{"httpEndpoint":"https://x.test/a","httpAuthorization":"Bearer s"}}`).is(200, "").text("id")
		for _, change := range []struct{ sink, want string }{
			{`{"httpEndpoint":"https://x.test/a","httpContentFormat":"JSONLINES"}`, `{"httpAuthorization":"Bearer s","httpContentFormat":"JSONLINES","httpEndpoint":"https://x.test/a"}`},
			{`{"httpEndpoint":"https://y.test/a"}`, `{"httpEndpoint":"https://y.test/a"}`},
			{`{"httpEndpoint":"https://y.test/a","httpAuthorization":"Bearer t"}`, `{"httpAuthorization":"Bearer t","httpEndpoint":"https://y.test/a"}`},
			{`{"httpEndpoint":"https://y.test/a","httpAuthorization":""}`, `{"httpAuthorization":"","httpEndpoint":"https://y.test/a"}`},
		} {
			if got := h.call(bearer, "PATCH", at, `{"sink":`+change.sink+`}`).is(200, ""); encode(got.get("sink")) != change.want {
				h.Errorf("after %s: %s", change.sink, got.body)
			}
		}
	})
}

// TestSinkElsewhere: whoever may change a stream does not get its secrets by sending its events elsewhere.
func TestSinkElsewhere(t *testing.T) {
	each(t, func(h *house) {
		bearer := h.machine("acme")
		const mix = `"mixpanelRegion":"us","mixpanelProjectId":"1","mixpanelServiceAccountUsername":"u"`
		for kind, sink := range map[string]struct{ known, secret, veiled string }{
			"segment":  {"", `"segmentWriteKey":"real"`, ""},
			"datadog":  {`"datadogRegion":"us"`, `"datadogApiKey":"real"`, `"datadogApiKey":"********"`},
			"mixpanel": {mix, `"mixpanelServiceAccountPassword":"real"`, `"mixpanelServiceAccountPassword":"********"`},
		} {
			join := func(members ...string) string {
				var out []string
				for _, m := range members {
					if m != "" {
						out = append(out, m)
					}
				}
				return `"sink":{` + strings.Join(out, ",") + `}}`
			}
			const here, there = `"stagedoorBaseUrl":"https://here.test"`, `"stagedoorBaseUrl":"https://there.test"`
			at := "/log-streams/" + h.call(bearer, "POST", "/log-streams", `{"type":"`+kind+`",`+join(sink.known, sink.secret, here)).is(200, "").text("id")
			h.call(bearer, "PATCH", at, `{`+join(sink.known, there)).is(400, "")
			h.call(bearer, "PATCH", at, `{`+join(sink.known, `"stagedoorBaseUrl":""`)).is(400, "")
			if sink.veiled != "" {
				h.call(bearer, "PATCH", at, `{`+join(sink.known, sink.veiled, there)).is(400, "")
			}
			if got := h.call(bearer, "PATCH", at, `{`+join(sink.known, sink.secret)).is(200, ""); got.text("sink", "stagedoorBaseUrl") != "https://here.test" {
				h.Errorf("tools that do not know the member take it away: %s", got.body)
			}
			h.call(bearer, "PATCH", at, `{`+join(sink.known, here)).is(200, "")
			h.call(bearer, "PATCH", at, `{`+join(sink.known, sink.secret, there)).is(200, "")
			if got := h.call(bearer, "PATCH", at, `{`+join(sink.known, sink.secret, `"stagedoorBaseUrl":""`)).is(200, ""); strings.Contains(got.body, "stagedoorBaseUrl") {
				h.Errorf("it stays: %s", got.body)
			}
		}
		const splunk = `"splunkPort":"8088","splunkSecure":true,"splunkDomain":`
		at := "/log-streams/" + h.call(bearer, "POST", "/log-streams", `{"type":"splunk","sink":{`+splunk+`"here.test","splunkToken":"real"}}`).is(200, "").text("id")
		h.call(bearer, "PATCH", at, `{"sink":{`+splunk+`"there.test"}}`).
			fails(400, "invalid_body", "Payload validation error: 'The secret must be sent again for another splunkDomain' on property sink.splunkToken.")
		h.call(bearer, "PATCH", at, `{"sink":{`+splunk+`"there.test","splunkToken":"real"}}`).is(200, "")
	})
}

// TestLogStreamReplay sets a stream back, and lets one that was suspended go on from where it stopped.
func TestLogStreamReplay(t *testing.T) {
	each(t, func(h *house) {
		ctx, st, bearer := context.Background(), h.store("acme"), h.machine("acme")
		id := h.call(bearer, "POST", "/log-streams", `{"type":"http","sink":{"httpEndpoint":"https://x.test"}}`).is(200, "").text("id")
		stream, err := store.LogStreams.Get(ctx, st, id)
		h.ok(err)
		claimed, err := st.ClaimLogCursor(ctx, stream, start.Add(time.Minute))
		h.ok(err)
		h.ok(st.SaveLogCursor(ctx, id, store.LogCursor{After: "9003", Failures: 7, FailingSince: start, DueAt: start.Add(time.Hour)}))
		h.call(bearer, "PATCH", "/log-streams/"+id, `{"status":"active"}`).is(200, "")
		at, err := st.LogCursor(ctx, stream)
		h.ok(err)
		if !claimed || at.After != "9003" || at.Failures != 0 || at.DueAt.After(start) {
			h.Errorf("%+v", at)
		}
		h.call(bearer, "PATCH", "/log-streams/"+id, `{"startFrom":"2026-01-02T03:04:05.006Z"}`).is(200, "")
		stream, err = store.LogStreams.Get(ctx, st, id)
		h.ok(err)
		at, err = st.LogCursor(ctx, stream)
		h.ok(err)
		if want := "900" + "20260102030405" + "006000" + strings.Repeat("0", 28); at.After != want {
			h.Errorf("after %s, want %s", at.After, want)
		}
	})
}

func TestStats(t *testing.T) {
	each(t, func(h *house) {
		ctx, st, bearer := context.Background(), h.store("acme"), h.machine("acme")
		h.call(bearer, "GET", "/stats/active-users", "").is(200, `0`)
		id := h.user("kim", "")
		h.ok(st.RecordLogin(ctx, &stagedoor.User{ID: id}, "::1"))
		h.call(bearer, "GET", "/stats/active-users", "").is(200, `1`)
		yesterday := start.Add(-24 * time.Hour)
		for _, e := range []stagedoor.LogEvent{{Type: "s"}, {Type: "s"}, {Type: "ss"}, {Type: "fp"}, {Type: "s", Date: yesterday}} {
			st.Log(e)
		}
		h.call(bearer, "GET", "/stats/daily", "").is(200, `[
			{"date":"2026-11-24T00:00:00.000Z","logins":1,"signups":0,"leaked_passwords":0,"created_at":"2026-11-25T12:00:00.000Z","updated_at":"2026-11-25T12:00:00.000Z"},
			{"date":"2026-11-25T00:00:00.000Z","logins":2,"signups":1,"leaked_passwords":0,"created_at":"2026-11-25T12:00:00.000Z","updated_at":"2026-11-25T12:00:00.000Z"}]`)
		st.Log(stagedoor.LogEvent{Type: "s"})
		if got := h.call(bearer, "GET", "/stats/daily?from=20261125&to=20261125", "").is(200, ""); strings.Count(got.body, "date\"") != 1 || !strings.Contains(got.body, `"logins":3`) {
			h.Errorf("daily: %s", got.body)
		}
		h.call(bearer, "GET", "/stats/daily?from=20260101&to=20260131", "").is(200, `[]`)
		h.call(bearer, "GET", "/stats/daily?from=20261301", "").fails(400, "invalid_query_string", "Query validation error: 'Object didn't pass validation for format date: 20261301' on property from.")
		h.callTo("other", h.machine("other"), "GET", "/stats/daily", "").is(200, `[]`)
	})
}
