package tenant_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stagedoor/stagedoor/mixtape/api"
	"github.com/stagedoor/stagedoor/mixtape/tenant"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := fs.ReadFile(tenant.Files, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func parse[T any](t *testing.T, name string) T {
	t.Helper()
	var out T
	if err := json.Unmarshal([]byte(read(t, name)), &out); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out
}

// Each placeholder is one that the README documents, and each rule has its
// file, its place and its own name.
func TestTenant(t *testing.T) {
	type set struct {
		Clients []struct {
			Key string `json:"key"`
		} `json:"clients"`
		RulesConfigs map[string]string `json:"rules_configs"`
		Rules        []struct {
			Name, File string
			Order      int
		} `json:"rules"`
	}
	got := parse[set](t, "tenant.json")
	known := map[string]bool{"mixtape_url": true, "mixtape_api_url": true, "management_audience": true}
	for _, c := range got.Clients {
		known[c.Key+".client_id"], known[c.Key+".client_secret"] = true, true
	}
	texts := []string{read(t, "tenant.json")}
	configuration := regexp.MustCompile(`configuration\.(\w+)`)
	ruleName := regexp.MustCompile(`^[^-\s][a-zA-Z0-9-\s]+[^-\s]$`)
	var names []string
	for i, rule := range got.Rules {
		text := read(t, rule.File)
		texts = append(texts, text)
		if rule.Order != i+1 || !ruleName.MatchString(rule.Name) || slices.Contains(names, rule.Name) {
			t.Errorf("rule %d: %+v", i, rule)
		}
		names = append(names, rule.Name)
		for _, use := range configuration.FindAllStringSubmatch(text, -1) {
			if got.RulesConfigs[use[1]] == "" {
				t.Errorf("%s reads configuration.%s, which is not set", rule.File, use[1])
			}
		}
		if opened, closed := strings.Count(text, "{"), strings.Count(text, "}"); opened != closed {
			t.Errorf("%s: %d braces opened, %d closed", rule.File, opened, closed)
		}
	}
	for _, text := range texts {
		for _, use := range regexp.MustCompile(`{{(.*?)}}`).FindAllStringSubmatch(text, -1) {
			if !known[use[1]] {
				t.Errorf("unknown placeholder %s", use[0])
			}
		}
	}
	files, err := fs.Glob(tenant.Files, "rules/*.js")
	if err != nil || len(files) != 5 {
		t.Errorf("%v %v", files, err)
	}
}

// The published rules stay as they were printed: no formatter may touch them.
func TestRulesAsPrinted(t *testing.T) {
	for name, want := range map[string]string{
		"rules/display-name.js":                   "8771263b5dae7a70536709cb49474ba486f489ee3512ba6091afda93c4c5dbfd",
		"rules/scope-parameter-specifies-role.js": "9ba29d9515ece92689ac7630b447fe0aeb7ed13377f727fddccd4fe24dd3c7a2",
		"rules/assign-playlist-editor-role.js":    "b41a97aed16648bce22802c96921d991719405b093774b1a8c8ad66108e1695e",
		"rules/metadata-in-tokens.js":             "27191a59d52ff1f8f3e18e7b1983dfaf13cf3db056aa7c65d476d2fecae76ca6",
	} {
		if got := fmt.Sprintf("%x", sha256.Sum256([]byte(read(t, name)))); got != want {
			t.Errorf("%s has changed: %s", name, got)
		}
	}
}

type listener struct {
	UserID string `json:"user_id"`
	User   struct {
		UserID      string         `json:"user_id"`
		Email       string         `json:"email"`
		Password    string         `json:"password"`
		Connection  string         `json:"connection"`
		AppMetadata map[string]any `json:"app_metadata"`
	} `json:"user"`
}

// The listeners' plays are what their passwords say, asked of a real Mixtape as
// the rule asks it.
func TestListeners(t *testing.T) {
	mixtape, err := api.New(t.Context(), api.Config{
		DataDir: t.TempDir(), LegacyClientID: "legacy", LegacyClientSecret: "secret of the legacy client",
		LegacyIssuers: []string{"https://example.auth0.com"}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer mixtape.Close()
	if err := mixtape.Seed(t.Context(), parse[api.SeedData](t, "listeners.json")); err != nil {
		t.Fatal(err)
	}
	all := parse[struct{ Listeners []listener }](t, "listeners.json").Listeners
	plays, plans := []string{}, map[string]bool{}
	for _, l := range all {
		if l.UserID != "auth0|"+l.User.UserID || !strings.HasSuffix(l.User.Email, "@mixtape.example") || l.User.Connection != "Username-Password-Authentication" {
			t.Errorf("%s: %+v", l.UserID, l.User)
		}
		if _, ok := l.User.AppMetadata["roles"]; ok {
			t.Errorf("%s has roles; only the rule gives them", l.UserID)
		}
		plan, _ := l.User.AppMetadata["plan"].(string)
		plans[plan] = true
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
			"sub": l.UserID, "aud": "legacy",
			"iss": "https://example.auth0.com", "exp": time.Now().Add(time.Minute).Unix(),
		}).SignedString([]byte("secret of the legacy client"))
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/playlists/getPlays", http.NoBody)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		mixtape.ServeHTTP(w, r)
		if !strings.HasSuffix(l.User.Password, "-Plays-"+w.Body.String()) {
			t.Errorf("%s has %s plays and the password %s", l.UserID, w.Body, l.User.Password)
		}
		plays = append(plays, w.Body.String())
	}
	if !slices.Equal(plays, []string{"99", "100", "12", "248", "0"}) {
		t.Errorf("plays: %v", plays)
	}
	if got := slices.Sorted(maps.Keys(plans)); !slices.Equal(got, []string{"free", "gold", "platinum"}) {
		t.Errorf("plans: %v", got)
	}
}
