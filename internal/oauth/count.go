package oauth

import (
	"strings"

	"github.com/stagedoor/stagedoor/internal/telemetry"
)

// count counts a token request and what it gave.
func (d *Door) count(grant string, resp *tokenResponse, err error) {
	for _, prefix := range []string{"http://auth0.com/oauth/grant-type/", "urn:ietf:params:oauth:grant-type:"} {
		grant = strings.TrimPrefix(grant, prefix)
	}
	if err != nil {
		d.countRequest(grant, "failure")
		return
	}
	d.countRequest(grant, "success")
	d.countTokens(grant, resp.AccessToken, resp.IDToken, resp.RefreshToken)
}

func (d *Door) countRequest(grant, result string) {
	d.Metrics.Add(telemetry.TokenRequests, 1, grant, result)
}

func (d *Door) countTokens(grant, access, id, refresh string) {
	for kind, token := range map[string]string{"access": access, "id": id, "refresh": refresh} {
		if token != "" {
			d.Metrics.Add(telemetry.Tokens, 1, grant, kind)
		}
	}
}
