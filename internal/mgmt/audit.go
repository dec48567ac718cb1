package mgmt

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/web"
)

// maxLoggedBody bounds how much of a body goes to the tenant's log, in bytes.
const maxLoggedBody = 16 << 10

// logSuccess writes the log event of a write that succeeded (type sapi).
func (a *API) logSuccess(c *call, status int) {
	if c.row.writes() {
		c.log(a.event(c, "sapi", c.row.title, map[string]any{"statusCode": status, "body": map[string]any{}}))
	}
}

// logFailure writes the log event of a write that was refused (type fapi). Callers who could not say who they are leave none.
func (a *API) logFailure(c *call, status int, body map[string]any) {
	if c.caller != nil && c.row.run != nil && c.row.writes() {
		c.log(a.event(c, "fapi", c.row.title, map[string]any{"statusCode": status, "body": body}))
	}
}

func (a *API) event(c *call, kind, description string, response map[string]any) stagedoor.LogEvent {
	request := map[string]any{
		"method": strings.ToLower(c.r.Method), "path": c.r.URL.Path, "query": queryForLog(c.r), "channel": "api", "ip": c.r.RemoteAddr,
		"userAgent": bounded(c.r.UserAgent(), 500), "body": bodyForLog(c.row, c.body),
		"auth": map[string]any{
			"strategy": "jwt", "user": userForLog(c.caller),
			"credentials": map[string]any{"scopes": c.caller.among(c.row.anyOf())},
		},
	}
	if id := c.r.Header.Get("X-Correlation-ID"); id != "" {
		request["correlationId"] = bounded(id, 64)
	}
	e := stagedoor.LogEvent{Type: kind, Description: description, Audience: c.caller.audience, Details: map[string]any{"request": request, "response": response}}
	if strings.HasPrefix(c.row.pattern, "/users/{id}") {
		e.UserID = stagedoor.Clip(c.id(), 300) // so that the user's own log shows it
	} else if c.caller.person {
		e.UserID = c.caller.subject
	}
	return e
}

// userForLog is who calls; of an administrator the e-mail address too.
func userForLog(by *caller) map[string]any {
	u := map[string]any{"user_id": by.subject}
	if by.email != "" {
		u["email"] = by.email
	}
	return u
}

// log completes an event with what the call tells and adds it to the tenant's log.
func (c *call) log(e stagedoor.LogEvent) {
	e.ClientID = c.caller.clientID
	c.store.Log(web.LogEvent(c.r, e))
}

func bounded(s string, limit int) string {
	return stagedoor.Shorten(strings.ToValidUTF8(s, "\uFFFD"), limit)
}

func queryForLog(r *http.Request) map[string]any {
	out := map[string]any{}
	for name, values := range r.URL.Query() {
		out[bounded(name, 100)] = bounded(strings.Join(values, ","), 500)
	}
	return out
}

// bodyForLog returns a body with its secrets masked; one that is large, malformed or deeper than any that is accepted is left out.
func bodyForLog(r *row, body []byte) any {
	if len(body) == 0 {
		return map[string]any{}
	}
	if len(body) > maxLoggedBody {
		return map[string]any{"omitted": fmt.Sprintf("%d bytes", len(body))}
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return map[string]any{"omitted": "not JSON"}
	}
	if deeper(v, web.MaxDepth) {
		return map[string]any{"omitted": "nested too deeply"}
	}
	switch {
	case strings.HasPrefix(r.pattern, "/rules-configs"), strings.HasPrefix(r.pattern, "/actions"):
		return mask(v, "value")
	case r.pattern == "/hooks/{id}/secrets":
		if values, is := v.(map[string]any); is {
			return mask(v, slices.Collect(maps.Keys(values))...)
		}
	}
	return mask(v)
}

// deeper tells whether objects and lists lie more than so many levels within each other.
func deeper(v any, levels int) bool {
	var within iter.Seq[any]
	switch v := v.(type) {
	case map[string]any:
		within = maps.Values(v)
	case []any:
		within = slices.Values(v)
	default:
		return false
	}
	if levels == 0 {
		return true
	}
	for part := range within {
		if deeper(part, levels-1) {
			return true
		}
	}
	return false
}

// secretNames are members of bodies that are never logged, wherever they stand, and secretEnds are how such members end; both without the signs between
// words, which the wire has in three ways: client_secret, clientSecret, client-secret.
var (
	secretNames = []string{
		"linkwith", "signingkeys", "configuration", "credentials", "skey", "p12", "servercredentials", "httpauthorization", "httpcustomheaders",
		"setup", "headervalue", "authorization", "proxyauthorization", "cookie", "clientauthenticationmethods", "customheaders", "connectionstring", "sumosourceaddress",
	}
	secretEnds = []string{
		"secret", "password", "passphrase", "pass", "token", "privatekey", "apikey", "accesskey", "accountkey", "masterkey", "saskey", "writekey", "serverkey", "signingkey",
		"decryptionkey", "encryptionkey",
	}
	betweenWords = strings.NewReplacer("_", "", "-", "", ".", "", " ", "")
)

func isSecretName(name string) bool {
	name = betweenWords.Replace(strings.ToLower(name))
	return slices.Contains(secretNames, name) || slices.ContainsFunc(secretEnds, func(end string) bool { return strings.HasSuffix(name, end) })
}

func mask(v any, more ...string) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if isSecretName(name) || slices.Contains(more, name) {
				v[name] = "*****"
			} else {
				v[name] = mask(value, more...)
			}
		}
	case []any:
		for i := range v {
			v[i] = mask(v[i], more...)
		}
	}
	return v
}
