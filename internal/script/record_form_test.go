package script

import (
	"encoding/json"
	"strings"
	"testing"
)

// A login in which an action asks what groups somebody is in and renders a form, and goes on with what the person answered, does the same again, byte for
// byte; changed code shows what it does otherwise.
func TestReplayOfFormsAndGroups(t *testing.T) {
	for _, runtime := range runtimes(t) {
		t.Run(runtime, func(t *testing.T) { replayForms(t, runtime) })
	}
}

func replayForms(t *testing.T, runtime string) {
	const source = `exports.onExecutePostLogin = async (event, api) => {
		const {groups} = await api.groups.getUserGroups({take: 1}), crew = await api.groups.hasGroupMembership(['grp_2']);
		console.log(groups.map(g => g.name).join(), crew, new Date().toISOString());
		if (crew) api.prompt.render('ap_crew', {fields: {shirt: 'L', pin: event.secrets.PIN}, vars: {dice: Math.random(), at: Date.now()}});
	};
	exports.onContinuePostLogin = async (event, api) => {
		const {next} = await api.groups.getUserGroups({take: 1});
		api.idToken.setCustomClaim('https://t/shirt', event.prompt.fields.shirt);
		api.user.setUserMetadata('shirt', [event.prompt.fields.shirt, next, Math.random()].join());
	};`
	var kept recordings
	h := newHost(t, Config{Workers: 1, Runtime: always(runtime), Policy: kept.policy})
	restore := func(mask string) (string, bool) { return "pin-of-the-form", mask == SecretMask("crew", "PIN") }
	run := TriggerRun{
		Tenant: "t", Trigger: PostLogin, Scripts: []Script{{ID: "act_1", Name: "crew", Source: source, Secrets: map[string]string{"PIN": "pin-of-the-form"}}},
		Event: json.RawMessage(`{"user":{"user_id":"auth0|1"},"transaction":{"metadata":{}}}`),
		Known: json.RawMessage(`{"roles":[],"groups":[{"id":"grp_1","name":"Listeners"},{"id":"grp_2","name":"Crew"}]}`),
	}
	record := func() Recording {
		t.Helper()
		out, err := h.Trigger(t.Context(), run)
		if err != nil || out.Failure != nil {
			t.Fatal(err, out.Failure)
		}
		if suspended := out.Effects.Suspend != nil; suspended == run.Resume {
			t.Fatalf("resumed %v, suspended %v", run.Resume, suspended)
		}
		rec := kept.take(t, 1)[0]
		if text, err := json.Marshal(rec); err != nil || strings.Contains(string(text), "pin-of-the-form") || rec.Failed {
			t.Error(err, "it failed, or a secret is in the recording:", string(text))
		}
		replay(t, h, rec, restore)
		return rec
	}
	differences := func(rec Recording, changed string, want map[string]string) {
		t.Helper()
		again, err := h.Replay(t.Context(), &rec, map[string]string{"crew": changed}, restore)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, d := range rec.Differences(again) {
			got[d.What] = d.Before + " > " + d.After
		}
		for what, part := range want {
			if !strings.Contains(got[what], part) {
				t.Errorf("%s: got %q, want %q", what, got[what], part)
			}
			delete(got, what)
		}
		if len(got) > 0 {
			t.Error("it also differs in", got)
		}
	}
	first := record()
	differences(first, strings.Replace(source, "'ap_crew'", "'ap_other'", 1), map[string]string{"other effects": "ap_other"})
	differences(first, strings.Replace(source, "['grp_2']", "['grp_3']", 1), map[string]string{"other effects": "ap_crew", "console line 1": "> crew log: Listeners false"})
	run.Resume, run.Event = true, json.RawMessage(`{"user":{"user_id":"auth0|1"},"transaction":{"metadata":{}},"prompt":{"id":"ap_crew","fields":{"shirt":"XL"},"vars":{}}}`)
	differences(record(), strings.Replace(source, "'https://t/shirt', event.prompt.fields.shirt", "'https://t/shirt', next", 1), map[string]string{"id token: https://t/shirt": `"XL" > "grp_2"`})
}
