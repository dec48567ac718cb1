package login_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"

	"github.com/stagedoor/stagedoor/internal/password"
)

// TestPolicyScript: what the page says of a password while it is typed is what the server will say, for all kinds of policies and passwords.
func TestPolicyScript(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("node is missing")
		}
		t.Skip("node is missing")
	}
	policies := []password.Policy{
		{},
		{Level: "low"},
		{Level: "fair"},
		{Level: "good"},
		{Level: "excellent"},
		{Level: "good", MinLength: 1},
		{Level: "good", MinLength: 20},
		{MinLength: 15, Types: []string{"uppercase", "special"}, NoIdentical: true, NoSequential: true},
		{Types: []string{"uppercase", "lowercase", "number", "special"}, ThreeOfFour: true, NoSequential: true},
	}
	type asked struct {
		Password string
		Policy   int
		Rules    []password.Rule
		Kept     []bool
	}
	var all []asked
	letters := []rune("aabcdeXYZ0123456789 !~^[\\]-_`é☂😀\"'<")
	random := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		var r []rune
		for range random.IntN(24) {
			c := letters[random.IntN(len(letters))]
			for range 1 + random.IntN(4)/3*2 {
				r = append(r, c)
			}
		}
		a := asked{Password: string(r), Policy: random.IntN(len(policies))}
		a.Rules = policies[a.Policy].Check(a.Password).Rules
		for _, rule := range a.Rules {
			a.Kept = append(a.Kept, rule.Verified)
			for _, item := range rule.Items {
				a.Kept = append(a.Kept, item.Verified)
			}
		}
		all = append(all, a)
	}
	in, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/asked.json"
	if err := os.WriteFile(file, in, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), node, "-e", `const read = name => require("fs").readFileSync(name, "utf8");
		const kept = new Function(read("../../ui/assets/policy.js") + ";return kept")();
		for (const {Password, Policy, Rules, Kept} of JSON.parse(read(process.argv[1]))) {
			const got = Rules.flatMap(r => [kept({code: r.code, least: r.format?.[0], items: (r.items ?? []).map(i => i.code)}, Password), ...(r.items ?? []).map(i => kept(i, Password))]).map(k => k === 1);
			if (got.join() !== Kept.join()) console.log(JSON.stringify(Password), Policy, got.join(), "want", Kept.join());
		}
		if (kept({code: "dictionary"}, "x") !== undefined || kept({code: "history", least: 5}, "x") !== undefined) console.log("judges what the server alone knows");`, file).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v %s", err, out)
	}
}
