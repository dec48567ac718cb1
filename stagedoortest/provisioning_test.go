package stagedoortest_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/stagedoortest"
)

// TestProvisioning opens the endpoint of a connection through the Management API, and provisions somebody through it, who may what their group may.
func TestProvisioning(t *testing.T) {
	s := stagedoortest.New(t)
	token := s.ManagementToken(t)
	api := func(method, path, body string, want int) map[string]any {
		t.Helper()
		var out map[string]any
		var into any = &out
		if want == 204 {
			into = nil
		}
		if got := s.JSON(t, method, s.HTTPSURL+"/api/v2"+path, token, body, into); got != want {
			t.Fatalf("%s %s: %d %v", method, path, got, out)
		}
		return out
	}
	con := api("POST", "/connections", `{"name":"corp","strategy":"samlp","options":{"signInEndpoint":"https://idp.example/","cert":"x"}}`, 201)["id"].(string)
	if got := api("POST", "/connections/"+con+"/scim-configuration", `{}`, 201)["user_id_attribute"]; got != "userName" {
		t.Errorf("people of samlp are known by %v", got)
	}
	secret := api("POST", "/connections/"+con+"/scim-configuration/tokens", `{}`, 201)["token"].(string)
	scim := func(method, path, body string, want int) map[string]any {
		t.Helper()
		var out map[string]any
		if got := s.JSON(t, method, s.HTTPSURL+"/scim/v2/connections/"+con+path, secret, body, &out); got != want {
			t.Fatalf("%s %s: %d %v", method, path, got, out)
		}
		return out
	}
	made := scim("POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada@corp.example","emails":[{"primary":true,"value":"ada@corp.example"}]}`, 201)
	if made["id"] != "samlp|corp|ada@corp.example" || !strings.HasPrefix(made["meta"].(map[string]any)["location"].(string), s.HTTPSURL+"/scim/v2/connections/"+con+"/Users/samlp%7Ccorp%7C") {
		t.Errorf("made %v", made)
	}
	group := scim("POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Team","members":[{"value":"samlp|corp|ada@corp.example"}]}`, 201)["id"].(string)
	role := api("POST", "/roles", `{"name":"editor"}`, 200)["id"].(string)
	api("POST", "/groups/"+group+"/roles", `{"roles":["`+role+`"]}`, 204)
	effective := api("GET", "/users/"+url.PathEscape("samlp|corp|ada@corp.example")+"/effective-roles", "", 200)
	if all := effective["roles"].([]any); len(all) != 1 || all[0].(map[string]any)["id"] != role {
		t.Errorf("effective roles: %v", effective)
	}
	if got := s.JSON(t, "GET", s.HTTPSURL+"/scim/v2/connections/"+con+"/Users", token, "", nil); got != 401 {
		t.Errorf("a token of the Management API: %d", got)
	}
}
