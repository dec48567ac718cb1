package compat

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// endsEarly finds what leaves a pipe before its end.
var endsEarly = regexp.MustCompile(`\|\s*(grep -[a-zA-Z]*q|head\b)`)

// TestGuide runs the shell examples of the operators' guide as they stand, each page as one script.
func TestGuide(t *testing.T) {
	shell := need(t, "bash")
	machine := machineToken(t)
	file, err := filepath.Abs("../internal/geoip/testdata/cities.mmdb")
	if err != nil {
		t.Fatal(err)
	}
	environment := []string{
		"PATH=" + filepath.Dir(binary) + string(os.PathListSeparator) + os.Getenv("PATH"),
		"DOMAIN=" + demo.Domain, "TOKEN=" + machine, "CLIENT_ID=" + demo.Management.ClientID, "CLIENT_SECRET=" + demo.Management.ClientSecret, "DATA=" + data,
		"GEOIP=" + file,
	}
	pages, err := filepath.Glob("../docs/guide/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	for _, page := range pages {
		switch filepath.Base(page) {
		case "grow.md": // it has a demo and a database of its own: cmd/stagedoor's TestGrow
			continue
		case "README.md": // the index
			continue
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		var script strings.Builder
		for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
			script.WriteString(block[1])
		}
		t.Run(filepath.Base(page), func(t *testing.T) {
			if script.Len() == 0 {
				t.Fatal("the page has no shell examples")
			}
			if strings.Contains(script.String(), "mixtape.example") {
				t.Fatal("the page needs what only the demo's tenant has: whoever follows it has another")
			}
			if pipe := endsEarly.FindString(script.String()); pipe != "" {
				t.Fatalf("%q ends before it has read all: whoever writes into it may fail, by timing; use grep -o or sed -n 1p", pipe)
			}
			out, err := program(t, t.TempDir(), environment, shell, "-euxo", "pipefail", "-c", script.String())
			if err != nil {
				t.Fatalf("%v\n%s", err, strings.NewReplacer(machine, "$TOKEN", demo.Management.ClientSecret, "$CLIENT_SECRET").Replace(string(out)))
			}
		})
	}
	var rules []struct{ ID, Name string }
	get(t, "/rules", machine, &rules)
	for _, rule := range rules {
		if rule.Name == "Plan" { // what the page on rules made
			remove(t, "/rules/"+rule.ID, machine)
		}
	}
	remove(t, "/rules-configs/BILLING_KEY", machine)
	// The page on attacks asks for proofs once an address has failed often, as other tests do.
	never := `{"challenge_password_policy":"never","challenge_passwordless_policy":"never","challenge_password_reset_policy":"never"}`
	if status, answer := call(t, http.MethodPatch, "/attack-protection/bot-detection", machine, never); status != http.StatusOK {
		t.Errorf("bot detection: %d %v", status, answer)
	}
}

func remove(t *testing.T, path, bearer string) {
	t.Helper()
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodDelete, "https://"+demo.Domain+"/api/v2"+path, nil)
	request.Header.Set("Authorization", "Bearer "+bearer)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		t.Errorf("DELETE %s: %s", path, response.Status)
	}
}
