package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/mixtape/api"
	"github.com/stagedoor/stagedoor/mixtape/tenant"
)

// tenantFile is mixtape/tenant/tenant.json: bodies of the Management API.
type tenantFile struct {
	Settings        json.RawMessage   `json:"settings"`
	ResourceServers []map[string]any  `json:"resource_servers"`
	Clients         []map[string]any  `json:"clients"`
	ClientGrants    []map[string]any  `json:"client_grants"`
	Connections     []map[string]any  `json:"connections"`
	RulesConfigs    map[string]string `json:"rules_configs"`
	Rules           []struct {
		Order int    `json:"order"`
		Name  string `json:"name"`
		File  string `json:"file"`
	} `json:"rules"`
}

// seeder sets a tenant up through the Management API, as an operator would. What is there already is
// changed, not made twice, so that an interrupted start can be repeated.
type seeder struct {
	client *http.Client
	base   string
	token  string
	info   *demoInfo
	values map[string]string // placeholders
}

// seed applies mixtape/tenant to the demo's tenant and notes its clients and users in info.
func seed(ctx context.Context, client *http.Client, info *demoInfo) error {
	s := &seeder{client: client, base: info.HTTPURL + "/api/v2/", info: info, values: map[string]string{
		"mixtape_url": info.MixtapeURL, "mixtape_api_url": info.MixtapeAPIURL, "management_audience": info.Management.Audience,
	}}
	if err := s.signIn(ctx, info); err != nil {
		return err
	}
	var f tenantFile
	if err := readJSON("tenant.json", &f); err != nil {
		return err
	}
	for _, step := range []func(context.Context, *tenantFile) error{
		s.settings, s.resourceServers, s.clients, s.account, s.connections, s.clientGrants, s.rules, s.users,
	} {
		if err := step(ctx, &f); err != nil {
			return fmt.Errorf("setting up the tenant: %w", err)
		}
	}
	return nil
}

func readJSON(name string, into any) error {
	b, err := tenant.Files.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	return nil
}

func seedData() (api.SeedData, error) {
	var d api.SeedData
	return d, readJSON("listeners.json", &d)
}

func (s *seeder) signIn(ctx context.Context, info *demoInfo) error {
	var t struct {
		AccessToken string `json:"access_token"`
	}
	err := s.send(ctx, "POST", info.HTTPURL+"/oauth/token", map[string]string{
		"grant_type": "client_credentials", "client_id": info.Management.ClientID,
		"client_secret": info.Management.ClientSecret, "audience": info.Management.Audience,
	}, &t)
	s.token = t.AccessToken
	return err
}

// call sends a request to the Management API. A body's placeholders are filled in.
func (s *seeder) call(ctx context.Context, method, path string, body, into any) error {
	return s.send(ctx, method, s.base+path, body, into)
}

func (s *seeder) send(ctx context.Context, method, address string, body, into any) error {
	var payload io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		payload = bytes.NewReader(s.filled(b))
	}
	r, err := http.NewRequestWithContext(ctx, method, address, payload)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	if s.token != "" {
		r.Header.Set("Authorization", "Bearer "+s.token)
	}
	resp, err := s.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return &apiError{resp.StatusCode, fmt.Sprintf("%s %s: %s %s", method, r.URL.Path, resp.Status, answer)}
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

// apiError is an answer that is not a success.
type apiError struct {
	status int
	text   string
}

func (e *apiError) Error() string { return e.text }

// filled puts the values into the placeholders of a JSON text.
func (s *seeder) filled(b []byte) []byte {
	for name, value := range s.values {
		b = bytes.ReplaceAll(b, []byte("{{"+name+"}}"), []byte(value))
	}
	return b
}

// settings sets those of the tenant. Pages that cannot know from which application somebody came lead back to the sample, where it is at an address that may stand there.
func (s *seeder) settings(ctx context.Context, f *tenantFile) error {
	if err := s.call(ctx, "PATCH", "tenants/settings", f.Settings, nil); err != nil {
		return err
	}
	u, err := url.Parse(s.info.MixtapeURL)
	if err != nil || u.Scheme != "https" && !connection.IsLoopback(u.Hostname()) {
		return err
	}
	return s.call(ctx, "PATCH", "tenants/settings", map[string]string{"default_redirection_uri": s.info.MixtapeURL}, nil)
}

// account gives the listeners of the web client an account page.
func (s *seeder) account(ctx context.Context, _ *tenantFile) error {
	return s.call(ctx, "PATCH", "tenants/settings", map[string]any{"stagedoor": map[string]any{"account": map[string]any{
		"client_id": s.values["spa.client_id"], "metadata_keys": []string{"displayName", "theme", "language", "autoplay", "explicitFilter"},
	}}}, nil)
}

func (s *seeder) resourceServers(ctx context.Context, f *tenantFile) error {
	for _, body := range f.ResourceServers {
		if err := s.put(ctx, "resource-servers", "identifier", "id", body, nil, "identifier"); err != nil {
			return err
		}
	}
	return nil
}

func (s *seeder) clients(ctx context.Context, f *tenantFile) error {
	s.info.Clients = nil
	for _, body := range f.Clients {
		key, _ := body["key"].(string)
		delete(body, "key")
		var c demoClient
		if err := s.put(ctx, "clients", "name", "client_id", body, &c); err != nil {
			return err
		}
		c.Key = key
		if body["token_endpoint_auth_method"] == "none" {
			c.ClientSecret = ""
		}
		s.info.Clients = append(s.info.Clients, c)
		s.values[key+".client_id"], s.values[key+".client_secret"] = c.ClientID, c.ClientSecret
	}
	return nil
}

func (s *seeder) connections(ctx context.Context, f *tenantFile) error {
	for _, body := range f.Connections {
		if err := s.put(ctx, "connections", "name", "id", body, nil, "name", "strategy"); err != nil {
			return err
		}
	}
	return nil
}

func (s *seeder) clientGrants(ctx context.Context, f *tenantFile) error {
	for _, body := range f.ClientGrants {
		if err := s.put(ctx, "client-grants", "client_id", "id", body, nil, "client_id", "audience"); err != nil {
			return err
		}
	}
	return nil
}

// put makes a record, or changes the one whose key is the same; fixed are members that cannot be changed.
func (s *seeder) put(ctx context.Context, noun, key, id string, body map[string]any, into any, fixed ...string) error {
	var all []map[string]any
	if err := s.call(ctx, "GET", noun+"?per_page=100", nil, &all); err != nil {
		return err
	}
	want, _ := body[key].(string)
	want = string(s.filled([]byte(want)))
	for _, one := range all {
		if one[key] != want {
			continue
		}
		changed := map[string]any{}
		for k, v := range body {
			changed[k] = v
		}
		for _, k := range fixed {
			delete(changed, k)
		}
		return s.call(ctx, "PATCH", noun+"/"+url.PathEscape(fmt.Sprint(one[id])), changed, into)
	}
	return s.call(ctx, "POST", noun, body, into)
}

func (s *seeder) rules(ctx context.Context, f *tenantFile) error {
	for key, value := range f.RulesConfigs {
		if err := s.call(ctx, "PUT", "rules-configs/"+url.PathEscape(key), map[string]string{"value": value}, nil); err != nil {
			return err
		}
	}
	for _, r := range f.Rules {
		text, err := tenant.Files.ReadFile(r.File)
		if err != nil {
			return err
		}
		body := map[string]any{"name": r.Name, "order": r.Order, "enabled": true, "script": string(s.filled(text))}
		if err := s.put(ctx, "rules", "name", "id", body, nil); err != nil {
			return err
		}
	}
	return nil
}

// users makes the listeners; those who are there keep what they have changed.
func (s *seeder) users(ctx context.Context, _ *tenantFile) error {
	var f struct {
		Listeners []struct {
			UserID string         `json:"user_id"`
			User   map[string]any `json:"user"`
		} `json:"listeners"`
	}
	if err := readJSON("listeners.json", &f); err != nil {
		return err
	}
	s.info.Users = nil
	for _, l := range f.Listeners {
		err := s.call(ctx, "GET", "users/"+url.PathEscape(l.UserID), nil, nil)
		if e, ok := err.(*apiError); ok && e.status == http.StatusNotFound { //nolint:errorlint // send returns it unwrapped
			err = s.call(ctx, "POST", "users", l.User, nil)
		}
		if err != nil {
			return err
		}
		s.info.Users = append(s.info.Users, demoUser{l.UserID, text(l.User["email"]), text(l.User["password"])})
	}
	return nil
}

func text(v any) string {
	s, _ := v.(string)
	return strings.TrimSpace(s)
}
