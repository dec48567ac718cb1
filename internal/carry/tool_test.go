package carry_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/carry"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// What the deploy tool tells of others by a part of their name alone is found: an action that an event stream goes to, and a grant that an
// organization has, of which it names no API. Rules of stages that were given up stay what they are.
func TestNamesOfTheTool(t *testing.T) {
	onEach(t, func(t *testing.T, s *stagedoortest.Server) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "rule.js"), "function (user, context, callback) { callback(null, user, context); }")
		write(t, filepath.Join(dir, "stream.js"), "exports.onExecuteEventStream = async (event, api) => {};")
		write(t, filepath.Join(dir, "tenant.yaml"), `
rules: [{name: Failed, script: ./rule.js, enabled: true, order: 1, stage: login_failure}]
actions: [{name: Stream, code: ./stream.js, deployed: true, runtime: node22, dependencies: [], secrets: [], supported_triggers: [{id: event-stream, version: v1}]}]
eventStreams: [{name: Made, subscriptions: [{event_type: user.created}], destination: {type: action, configuration: {action_id: Stream}}}]
resourceServers: [{name: one, identifier: "urn:one", scopes: [{value: a}]}, {name: two, identifier: "urn:two", scopes: [{value: a}]}, {name: three, identifier: "urn:three", scopes: [{value: a}]}]
clients: [{name: Machine, app_type: non_interactive}, {name: Robot, app_type: non_interactive}]
clientGrants:
  - {client_id: Machine, audience: "urn:one", scope: [a], organization_usage: allow}
  - {client_id: Machine, audience: "urn:two", scope: [a]}
  - {client_id: Robot, audience: "urn:one", scope: [a], organization_usage: allow}
  - {client_id: Robot, audience: "urn:two", scope: [a], organization_usage: require}
organizations:
  - {name: first, display_name: First, client_grants: [{client_id: Machine}, {client_id: Robot}, {client_id: Robot}]}
  - {name: second, display_name: Second, client_grants: [{client_id: Robot}]}
`)
		var cfg carry.Config
		assets := read(t, filepath.Join(dir, "tenant.yaml"), cfg)
		c := s.Carrier(s.Tenant)
		plan, err := c.Plan(t.Context(), assets, cfg)
		ok(t, err)
		done, err := c.Apply(t.Context(), assets, cfg, plan)
		ok(t, err)
		got := strings.Join(told(done), "\n")
		if lost := strings.Count(got, "client_grants: "); lost != 1 || !strings.Contains(got, "Robot has 2 grants for organizations here, and which is meant is not told") || !strings.Contains(got, "create event stream Made") {
			t.Errorf("%d lost:\n%s", lost, got)
		}
		st, err := s.DB().TenantByID(t.Context(), s.Tenant)
		ok(t, err)
		rules, err := st.Rules(t.Context())
		ok(t, err)
		if len(rules) == 0 || rules[len(rules)-1].Stage != "login_failure" {
			t.Errorf("rules: %+v", rules)
		}
		again, err := c.Plan(t.Context(), read(t, filepath.Join(dir, "tenant.yaml"), cfg), cfg)
		ok(t, err)
		if n := again.Count(carry.Created) + again.Count(carry.Changed); n != 0 {
			t.Errorf("a second run would do something:\n%s", strings.Join(told(again), "\n"))
		}
	})
}
