package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

var errNoUser = errors.New("the identity server knows no such user")

// managementClient calls the identity server's Management API as a machine.
// Its token can read and change every user: it never leaves this process, and
// every method takes the id of a verified listener.
type managementClient struct {
	base, clientID, secret, audience string
	http                             *http.Client

	mu      sync.Mutex
	token   string
	expires time.Time
}

func newManagementClient(cfg Config) *managementClient {
	return &managementClient{
		base:     strings.TrimSuffix(cfg.ManagementDomainURL, "/"),
		clientID: cfg.ManagementClientID,
		secret:   cfg.ManagementClientSecret,
		audience: cfg.ManagementAudience,
		http:     cfg.HTTPClient,
	}
}

// user is the part of a user record that Mixtape reads and writes. Listeners
// may write anything into their user_metadata, so it is not taken for granted.
type user struct {
	Metadata map[string]any `json:"user_metadata"`
}

// displayName is "" when the listener has none.
func (m *managementClient) displayName(ctx context.Context, id string) (string, error) {
	var u user
	err := m.call(ctx, http.MethodGet, id, "?fields=user_metadata&include_fields=true", nil, &u)
	name, _ := u.Metadata["displayName"].(string)
	return name, err
}

// setDisplayName leaves the other keys of user_metadata alone: the identity
// server merges the first level.
func (m *managementClient) setDisplayName(ctx context.Context, id, name string) error {
	body, err := json.Marshal(user{map[string]any{"displayName": name}})
	if err != nil {
		return err
	}
	return m.call(ctx, http.MethodPatch, id, "", body, nil)
}

// call makes one request about a user. A token that the server no longer takes
// is replaced once.
func (m *managementClient) call(ctx context.Context, method, id, query string, body []byte, out any) error {
	address := m.base + "/api/v2/users/" + url.PathEscape(id) + query
	for attempt := 1; ; attempt++ {
		token, err := m.accessToken(ctx)
		if err != nil {
			return err
		}
		header := http.Header{"Authorization": {"Bearer " + token}}
		status, err := m.do(ctx, method, address, header, body, out)
		switch {
		case err != nil:
			return fmt.Errorf("%s user: %w", method, err)
		case status == http.StatusOK:
			return nil
		case status == http.StatusUnauthorized && attempt == 1:
			m.forget(token)
		case status == http.StatusNotFound:
			return errNoUser
		default:
			return fmt.Errorf("%s user: status %d", method, status)
		}
	}
}

// accessToken returns a machine token, a minute before its end a new one.
func (m *managementClient) accessToken(ctx context.Context) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.token != "" && time.Now().Before(m.expires) {
		return m.token, nil
	}
	body, err := json.Marshal(map[string]string{
		"grant_type":    "client_credentials",
		"client_id":     m.clientID,
		"client_secret": m.secret,
		"audience":      m.audience,
	})
	if err != nil {
		return "", err
	}
	var out struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"` // seconds
	}
	status, err := m.do(ctx, http.MethodPost, m.base+"/oauth/token", http.Header{}, body, &out)
	if err != nil {
		return "", fmt.Errorf("get a machine token: %w", err)
	}
	if status != http.StatusOK || out.AccessToken == "" {
		return "", fmt.Errorf("get a machine token: status %d", status)
	}
	m.token = out.AccessToken
	m.expires = time.Now().Add(time.Duration(out.ExpiresIn-60) * time.Second)
	return m.token, nil
}

// forget drops a token that was refused, unless there is a newer one.
func (m *managementClient) forget(token string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.token == token {
		m.token = ""
	}
}

// do sends JSON and decodes the answer into out when its status is 200.
func (m *managementClient) do(ctx context.Context, method, address string, header http.Header, body []byte, out any) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header = header
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := m.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || out == nil {
		io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16)) // so that the connection is used again
		return res.StatusCode, nil
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 4<<20)).Decode(out); err != nil {
		return 0, fmt.Errorf("decode the answer: %w", err)
	}
	return res.StatusCode, nil
}
