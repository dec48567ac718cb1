package e2e

import (
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// TestFormOfTheTenant: a listener fills in two steps of a form that an action renders, goes back once, and presses Enter where others click.
func TestFormOfTheTenant(t *testing.T) {
	op := operatorOf(t)
	who := op.newListener("form", nil)
	field := func(id, kind, label string, config map[string]any) map[string]any {
		return map[string]any{"id": id, "category": "FIELD", "type": kind, "label": label, "required": true, "config": config}
	}
	block := func(id, kind string, config map[string]any) map[string]any {
		return map[string]any{"id": id, "category": "BLOCK", "type": kind, "config": config}
	}
	step := func(id, next string, components ...any) map[string]any {
		return map[string]any{"id": id, "type": "STEP", "config": map[string]any{"components": components, "next_node": next}}
	}
	var form, action struct{ ID string }
	op.do("POST", "/forms", map[string]any{
		"name": "Taste", "start": map[string]any{"next_node": "one"}, "ending": map[string]any{"resume_flow": true},
		"nodes": []any{
			step("one", "two",
				block("t", "RICH_TEXT", map[string]any{"content": "<h2>What do you listen to?</h2><p>Then we find more of it, {{context.user.name}}.</p>"}),
				field("band", "TEXT", "A band", map[string]any{"min_length": 3}),
				field("when", "CHOICE", "When", map[string]any{"options": []any{map[string]any{"value": "day", "label": "By day"}, map[string]any{"value": "night", "label": "By night"}}}),
				block("n", "NEXT_BUTTON", map[string]any{"text": "On"})),
			step("two", "$ending",
				block("t2", "HTML", map[string]any{"content": "<p>More of <b>{{fields.band}}</b>.</p>"}),
				block("b", "PREVIOUS_BUTTON", map[string]any{"text": "Back"}),
				field("age", "NUMBER", "Age", map[string]any{"min_value": 1}),
				block("n2", "NEXT_BUTTON", map[string]any{"text": "Done"})),
		},
	}, &form)
	t.Cleanup(func() { op.do("DELETE", "/forms/"+form.ID, nil, nil) })
	op.do("POST", "/actions/actions", map[string]any{
		"name": "Taste", "supported_triggers": []any{map[string]string{"id": "post-login", "version": "v3"}},
		"code": `exports.onExecutePostLogin = async (event, api) => {
			if (event.user.email === '` + who.Email + `') api.prompt.render('` + form.ID + `');
		};
		exports.onContinuePostLogin = async (event, api) => {
			const {band, when, age} = event.prompt.fields;
			api.user.setUserMetadata('taste', [band, when, age].join(' '));
		};`,
	}, &action)
	op.do("POST", "/actions/actions/"+action.ID+"/deploy", nil, nil)
	bind := func(bindings ...any) {
		op.do("PATCH", "/actions/triggers/post-login/bindings", map[string]any{"bindings": append([]any{}, bindings...)}, nil)
	}
	bind(map[string]any{"ref": map[string]string{"type": "action_id", "value": action.ID}, "display_name": "Taste"})
	t.Cleanup(func() {
		bind()
		op.do("DELETE", "/actions/actions/"+action.ID, nil, nil)
	})

	b := newTab(t)
	b.open(demo.MixtapeURL)
	b.click(id("sign-in"))
	b.logIn(who)
	b.see(`input[name="field-band"]`)
	b.look("form")
	b.fill(`input[name="field-band"]`, "Abc")
	b.click(`label[for="field-when.1"]`)
	b.click(`button[value="next"].primary`)
	b.see(`input[name="field-age"]`)
	b.awaitText(".prose b", "Abc")
	b.click(`button[value="back"]`)
	b.see(`input[name="field-band"]`)
	b.fill(`input[name="field-band"]`, "The Cars")
	b.click(`button[value="next"].primary`)
	b.see(`input[name="field-age"]`)
	b.look("form-two")
	b.fill(`input[name="field-age"]`, "42")
	b.press(kb.Enter) // which goes on, though Back stands before
	b.see(id("greeting"))
	if got := op.user(who.UserID).UserMetadata["taste"]; got != "The Cars night 42" {
		t.Errorf("taste %v", got)
	}
}
