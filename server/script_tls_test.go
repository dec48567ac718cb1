package server_test

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// TestCertificatesOfScripts: the authorities that a script trusts, and whether it looks at certificates at all, count in the server as it runs, where its client
// of HTTP lies behind what counts its requests and what hands those to ourselves on.
func TestCertificatesOfScripts(t *testing.T) {
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("secret")) }))
	defer secure.Close()
	s := stagedoortest.New(t, stagedoortest.Options{Configure: func(c *config.Config) { c.Outbound.AllowPrivate = true }})
	token := s.ManagementToken(t)
	var rule struct{ ID string }
	body := map[string]any{"name": "tls", "enabled": false, "script": "function (user, context, callback) { callback(null, user, context); }"}
	if status := s.JSON(t, http.MethodPost, s.HTTPURL+"/api/v2/rules", token, body, &rule); status != http.StatusCreated {
		t.Fatal(status)
	}
	authority := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}))
	for options, want := range map[string]string{
		`{}`: "failed", `{ca: configuration.CA}`: "secret", `{rejectUnauthorized: false}`: "secret",
	} {
		body := map[string]any{"live": true, "configuration": map[string]string{"CA": authority}, "script": `function (user, context, callback) {
			require('https').get('` + secure.URL + `', ` + options + `, res => { let text = ''; res.on('data', d => { text += d; }).on('end', () => { context.idToken['https://app.example/got'] = text; callback(null, user, context); }); })
				.on('error', () => { context.idToken['https://app.example/got'] = 'failed'; callback(null, user, context); });
		}`}
		var got json.RawMessage
		if status := s.JSON(t, http.MethodPost, s.HTTPURL+"/api/v2/rules/"+rule.ID+"/try", token, body, &got); status != http.StatusOK || !strings.Contains(string(got), `"`+want+`"`) {
			t.Errorf("%s: %d %s", options, status, got)
		}
	}
}
