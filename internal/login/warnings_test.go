package login_test

import (
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// What scripts of a login ask for without effect is an event of its own, once; what they say themselves is not.
func TestWarningsOfALogin(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.rule(`function (user, context, callback) { console.warn('mine'); callback(null, user, context); callback(new Error('twice')); }`)
	w.rule(`function (user, context, callback) { callback(null, 'no user', context); }`)
	w.actions(`exports.onExecutePostLogin = async (event, api) => { api.transaction.setMetadata('k'.repeat(65), 'x'); };`)
	b := w.browser()
	b.finish(b.logIn())
	if got := w.events(); got != "w s" {
		t.Errorf("events %s", got)
	}
	text := w.logged()
	from := strings.Index(text, `"type":"w"`)
	if from < 0 {
		t.Fatal(text)
	}
	event := text[from:]
	for _, want := range []string{`"description":"callback was called more than once`, "callback got a user that is no object", "the name or the value is too long", `"user_name":"ada@example.com"`} {
		if !strings.Contains(event, want) {
			t.Errorf("no %s in %s", want, event)
		}
	}
	if strings.Contains(event[:strings.Index(event+`"type":"s"`, `"type":"s"`)], "mine") {
		t.Errorf("what a rule says itself is a warning: %s", event)
	}
}

// A global that newer runtimes of rules do not have is noted once, and not for each login; what is required is not noted.
func TestDeprecatedGlobalsOfRules(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.rule(`function (user, context, callback) { context.idToken['https://x.example/n'] = _.size([1]) + typeof request; callback(null, user, context); }`)
	w.rule(`function (user, context, callback) { require('uuid'); _.size([]); callback(null, user, context); }`)
	b := w.browser()
	b.finish(b.logIn())
	if got := w.events(); got != "depnote depnote s" {
		t.Errorf("events %s", got)
	}
	for _, want := range []string{`uses the global _, which`, `"instead":"require('lodash')"`, `"name":"global request"`} {
		if !strings.Contains(w.logged(), want) {
			t.Errorf("no %s in %s", want, w.logged())
		}
	}
	b = w.browser()
	b.finish(b.logIn())
	if got := w.events(); strings.Count(got, "depnote") > 2 {
		t.Errorf("events %s", got)
	}
}
