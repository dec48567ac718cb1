package compat

import (
	"os"
	"testing"
)

// generations of the Node.js SDK auth0: 2.44, 3.7, 4.9, 5.8, 6.4 and 7.1.
var generations = []string{"v2", "v3", "v4", "v5", "v6", "v7"}

func TestTokens_NodeAuth0(t *testing.T)     { runNode(t, "tokens") }
func TestA5_NodeAuth0(t *testing.T)         { runNode(t, "a5") }
func TestB6_NodeAuth0(t *testing.T)         { runNode(t, "b6") }
func TestAdminister_NodeAuth0(t *testing.T) { runNode(t, "administer") }

// TestMethods_NodeAuth0 calls every method of the clients for users, clients, connections, rules, actions, roles, organizations, jobs,
// tickets and logs.
func TestMethods_NodeAuth0(t *testing.T) {
	for generation, scenario := range map[string]string{"v2": "methods-classic", "v3": "methods-classic", "v4": "methods-v4", "v5": "methods-v5", "v6": "methods-v5", "v7": "methods-v5"} {
		runNode(t, scenario, generation)
	}
}

// runNode runs a scenario of compat/node with generations, or with all. They share the demo's listeners, so
// they run one after the other.
func runNode(t *testing.T, scenario string, only ...string) {
	node := need(t, "node")
	if _, err := os.Stat("node/node_modules"); err != nil {
		missing(t, "the packages of compat/node are not installed")
	}
	if len(only) == 0 {
		only = generations
	}
	for _, generation := range only {
		t.Run(generation, func(t *testing.T) {
			out, err := program(t, "node", nil, node, "run.mjs", generation, scenario)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			t.Log("\n" + out)
		})
	}
}
