package mail

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	netmail "net/mail"
	"net/url"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor/internal/outbound"
)

// azureMail is a request of Azure Communication Services (REST API "Email - Send", 2023-03-31), which takes the message and delivers it later.
func azureMail(p Provider, m Message, from *netmail.Address) request {
	endpoint, key, err := connectionString(p.Credentials.ConnectionString)
	content := map[string]string{"subject": m.Subject, "plainText": m.Text}
	if m.HTML != "" {
		content["html"] = m.HTML
	}
	return request{
		url: endpoint + "/emails:send?api-version=2023-03-31",
		body: map[string]any{
			"senderAddress": from.Address, "content": content, "recipients": map[string]any{"to": []any{map[string]string{"address": m.To}}},
		},
		authorize: func(_ poster, r *http.Request, body []byte) error {
			if err == nil {
				signAzure(r, body, key)
			}
			return err
		},
	}
}

// connectionString reads what Azure shows of a resource: endpoint=https://…;accesskey=… in base64.
func connectionString(text string) (endpoint string, key []byte, err error) {
	for part := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(part, "=")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "endpoint":
			endpoint = strings.TrimRight(strings.TrimSpace(value), "/")
		case "accesskey":
			key, err = base64.StdEncoding.DecodeString(strings.TrimSpace(value))
		}
	}
	u, parsed := url.Parse(endpoint)
	if err != nil || parsed != nil || u.Scheme != "https" || u.Host == "" || u.Path != "" || u.RawQuery != "" || len(key) == 0 {
		return "", nil, errors.New("mail: the connection string of azure_cs must be endpoint=https://…;accesskey=…")
	}
	return endpoint, key, nil
}

// signAzure signs a request with the key of the resource (Azure Communication Services, "Authentication", HMAC-SHA256).
func signAzure(r *http.Request, body, key []byte) {
	sum := sha256.Sum256(body)
	date, digest := time.Now().UTC().Format(http.TimeFormat), base64.StdEncoding.EncodeToString(sum[:])
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s\n%s\n%s;%s;%s", r.Method, r.URL.RequestURI(), date, r.URL.Host, digest)
	r.Header.Set("X-Ms-Date", date)
	r.Header.Set("X-Ms-Content-Sha256", digest)
	r.Header.Set("Authorization", "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// graphMail is a request of Microsoft Graph ("user: sendMail"): a mailbox of the organization sends, of which From is the address.
func graphMail(p Provider, m Message, from *netmail.Address) request {
	kind, text := "Text", m.Text
	if m.HTML != "" {
		kind, text = "HTML", m.HTML
	}
	address := func(a map[string]string) map[string]any { return map[string]any{"emailAddress": a} }
	sender := map[string]string{"address": from.Address}
	if from.Name != "" {
		sender["name"] = from.Name
	}
	return request{
		url: "https://graph.microsoft.com/v1.0/users/" + url.PathEscape(from.Address) + "/sendMail",
		body: map[string]any{"saveToSentItems": false, "message": map[string]any{
			"subject": m.Subject, "body": map[string]string{"contentType": kind, "content": text}, "from": address(sender),
			"toRecipients": []any{address(map[string]string{"address": m.To})},
		}},
		authorize: graphToken,
	}
}

// graphToken has a token given to the application (OAuth 2.0 client credentials at the Microsoft identity platform), which needs the permission Mail.Send.
func graphToken(s poster, r *http.Request, _ []byte) error {
	c := s.Credentials
	token, err := clientToken(r.Context(), s.http, "https://login.microsoftonline.com/"+url.PathEscape(c.TenantID)+"/oauth2/v2.0/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {c.ClientID}, "client_secret": {c.ClientSecret}, "scope": {"https://graph.microsoft.com/.default"},
	})
	if err == nil {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return err
}

func clientToken(ctx context.Context, client *http.Client, address string, form url.Values) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader([]byte(form.Encode())))
	if err != nil {
		return "", errors.New("mail: the credentials of ms365 do not make an address")
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, body, err := outbound.Ask(client, r, sendTimeout)
	if err != nil {
		return "", fmt.Errorf("mail: get a token for ms365: %w", err)
	}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &answer); status != http.StatusOK || err != nil || answer.AccessToken == "" {
		return "", fmt.Errorf("mail: the token endpoint of ms365 answered %d", status)
	}
	return answer.AccessToken, nil
}
