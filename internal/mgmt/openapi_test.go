package mgmt

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/web"
)

// TestOpenAPIHasEveryRow holds the document and the routes together, both ways.
func TestOpenAPIHasEveryRow(t *testing.T) {
	api := New(Deps{})
	encoded, err := web.Encode(api.OpenAPI("https://acme.test/"))
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		OpenAPI string
		Servers []struct{ URL string }
		Paths   map[string]map[string]struct {
			OperationID string
			Summary     string
			Parameters  []struct {
				Name, In string
				Required bool
			}
			RequestBody *struct {
				Content map[string]struct{ Schema map[string]any }
			}
			Responses map[string]any
			Security  []map[string][]string
		}
	}
	if err := json.Unmarshal(encoded, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" || doc.Servers[0].URL != "https://acme.test/api/v2" {
		t.Errorf("%s at %s", doc.OpenAPI, doc.Servers[0].URL)
	}
	ids, described := map[string]bool{}, 0
	for _, item := range doc.Paths {
		described += len(item)
	}
	for _, r := range api.rows {
		o, found := doc.Paths[r.pattern][strings.ToLower(r.method)]
		if !found || o.Summary != r.title || ids[o.OperationID] {
			t.Errorf("%s %s: %+v", r.method, r.pattern, o)
		}
		ids[o.OperationID] = true
		inPathNames := 0
		for _, p := range o.Parameters {
			if p.In == "path" && p.Required {
				inPathNames++
			}
		}
		if inPathNames != strings.Count(r.pattern, "{") {
			t.Errorf("%s %s: %d path parameters", r.method, r.pattern, inPathNames)
		}
		success, _ := o.Responses["200"].(map[string]any)
		if answer, _ := success["content"].(map[string]any); r.pattern == "/events" && answer["text/event-stream"] == nil {
			t.Errorf("%s %s answers %v", r.method, r.pattern, answer)
		}
		if (o.RequestBody != nil) != (r.body != nil) || o.Responses["200"] == nil && r.status == 200 {
			t.Errorf("%s %s: body %v, responses %v", r.method, r.pattern, o.RequestBody, o.Responses)
		}
		for _, either := range o.Security {
			for _, scope := range either["token"] {
				if !strings.Contains(r.scopes, scope) {
					t.Errorf("%s %s: scope %s", r.method, r.pattern, scope)
				}
			}
		}
	}
	if described != len(api.rows) {
		t.Errorf("%d operations are described, %d are served", described, len(api.rows))
	}
}

// TestReference finds in the page's groups what the rows say.
func TestReference(t *testing.T) {
	api := New(Deps{})
	count := 0
	for _, group := range api.Reference("https://acme.test/") {
		for _, o := range group.Operations {
			count++
			for _, field := range slices.Concat(o.Parameters, o.Body) {
				if strings.Contains(field.Rules, "<nil>") {
					t.Errorf("%s: %s is %s", o.ID, field.Name, field.Rules)
				}
			}
			if o.ID == "patchUsersId" {
				if o.Scopes != "update:users or update:users_app_metadata or update:current_user_metadata" || len(o.Body) < 10 || !strings.Contains(o.Example, "-X PATCH 'https://acme.test/api/v2/users/ID'") {
					t.Errorf("%+v", o)
				}
			}
		}
	}
	if count != len(api.rows) {
		t.Errorf("%d operations are shown, %d are served", count, len(api.rows))
	}
}
