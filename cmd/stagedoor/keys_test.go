package main

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/jose"
)

// machineToken asks a server for a management token, as a client whose secret is sealed.
func machineToken(t *testing.T, addr string, credentials map[string]string) string {
	t.Helper()
	body, _ := json.Marshal(map[string]string{
		"grant_type": "client_credentials", "client_id": credentials["client_id"], "client_secret": credentials["client_secret"], "audience": credentials["audience"],
	})
	r, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+addr+"/oauth/token", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "id.acme.test"
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Forwarded-Proto", "https")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&token); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("no token: %s, %v", resp.Status, err)
	}
	return token.AccessToken
}

// Two servers go on while the master key is changed under them, and the old key goes.
func TestKeysRotate(t *testing.T) {
	data, credentials := initTenant(t)
	one, _ := serving(t, data, "--trusted-proxies", "127.0.0.1/32")
	two, _ := serving(t, data, "--trusted-proxies", "127.0.0.1/32")
	list := func() (lines []keyLine) {
		t.Helper()
		out, errs, code := runCommand(t, "keys", "list", "--data", data, "--json")
		if err := json.Unmarshal([]byte(out), &lines); code != 0 || err != nil {
			t.Fatalf("code %d, %q %q", code, out, errs)
		}
		return lines
	}
	before := list()
	if len(before) != 1 || before[0].Role != "seals" || before[0].Values == 0 {
		t.Fatalf("%+v", before)
	}
	run := func(want int, says string, args ...string) {
		t.Helper()
		if out, errs, code := runCommand(t, append(args, "--data", data)...); code != want || !strings.Contains(out+errs, says) {
			t.Errorf("%v: code %d, %q %q", args, code, out, errs)
		}
	}
	run(0, "Added the key", "keys", "new")
	run(1, "still needed", "keys", "drop")
	run(0, "0 are left", "keys", "rotate")
	run(0, `"`+before[0].Key+`"`, "keys", "drop", "--json")
	run(0, `"removed": []`, "keys", "drop", "--json")
	run(0, "it is needed", "keys", "drop")
	if after := list(); len(after) != 1 || after[0].Values < before[0].Values || after[0].Key == before[0].Key {
		t.Errorf("before %+v, after %+v", before, after)
	}
	for _, addr := range []string{one, two} {
		machineToken(t, addr, credentials)
	}
	otherKey := filepath.Join(t.TempDir(), "other.key")
	write(t, otherKey, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", 0o600)
	if _, errs, code := runCommand(t, "keys", "rotate", "--data", data, "--master-key-file", otherKey); code != 1 || !strings.Contains(errs, "still sealed under other keys") {
		t.Errorf("with another key: code %d, %q", code, errs)
	}
}

// TestDropKeepsWhatCameMeanwhile: a key that was added, or put in front, while the uses of keys were counted is not lost, nor is the one before it.
func TestDropKeepsWhatCameMeanwhile(t *testing.T) {
	old, current, fresh := jose.MasterKey{1}, jose.MasterKey{2}, jose.MasterKey{3}
	gone := []string{old.ID()}
	for name, c := range map[string]struct{ file, want []jose.MasterKey }{
		"as it was": {[]jose.MasterKey{current, old}, []jose.MasterKey{current}},
		"added":     {[]jose.MasterKey{fresh, current, old}, []jose.MasterKey{fresh, current}},
		"in front":  {[]jose.MasterKey{old, current}, []jose.MasterKey{old, current}},
	} {
		if got := without(c.file, gone); !slices.Equal(got, c.want) {
			t.Errorf("%s: %d keys are left", name, len(got))
		}
	}
}
