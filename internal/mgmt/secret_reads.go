package mgmt

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/stagedoor/stagedoor/internal/web"
)

// secretReads are the resources of which a GET may show secrets. Others never do, and what they answer is not looked through.
var secretReads = []string{
	"/clients", "/clients/{id}", "/connections", "/connections/{id}", "/resource-servers", "/resource-servers/{id}", "/log-streams", "/log-streams/{id}",
	"/guardian/factors/phone/providers/twilio", "/guardian/factors/sms/providers/twilio", "/guardian/factors/push-notification/providers/sns",
	"/guardian/factors/duo/settings",
}

// logRead writes the log event of a GET that has shown secrets (type mgmt_api_read; Management API fact sheet 3.13).
func (a *API) logRead(c *call, status int, out any) {
	if c.row.method != http.MethodGet || !c.showedTokens && !slices.Contains(secretReads, c.row.pattern) {
		return
	}
	encoded, err := web.Encode(out)
	if err != nil {
		return // which has been told
	}
	var v any
	if json.Unmarshal(encoded, &v) != nil {
		return
	}
	if shown := secretsIn(v, nil); len(shown) > 0 {
		e := a.event(c, "mgmt_api_read", c.row.title, map[string]any{"statusCode": status, "body": map[string]any{}})
		e.Details["accessedSecrets"] = slices.Compact(slices.Sorted(slices.Values(shown)))
		c.log(e)
	}
}

// neverSecret are members in which texts are named after secrets that they are not: scripts, and what custom scripts get, which is shown veiled.
var neverSecret = []string{"customScripts", "scripts", "configuration"}

// noSecrets are what stands for secrets that are not shown, or not there.
var noSecrets = []string{"", veiledSecret}

// secretsIn adds the names of the secrets that a body has in it.
func secretsIn(v any, names []string) []string {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if slices.Contains(neverSecret, name) {
				continue
			}
			if text, is := value.(string); is && !slices.Contains(noSecrets, text) && isSecretName(name) {
				names = append(names, name)
			}
			names = secretsIn(value, names)
		}
	case []any:
		for _, one := range v {
			names = secretsIn(one, names)
		}
	}
	return names
}
