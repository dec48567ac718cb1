package compat

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/auth0/go-auth0"
	"github.com/auth0/go-auth0/authentication"
	"github.com/auth0/go-auth0/authentication/database"
	"github.com/auth0/go-auth0/authentication/oauth"
	"github.com/auth0/go-auth0/management"
)

const userDatabase = "Username-Password-Authentication"

func goManagement(t *testing.T) *management.Management {
	t.Helper()
	api, err := management.New(demo.Domain,
		management.WithClientCredentials(t.Context(), demo.Management.ClientID, demo.Management.ClientSecret))
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func goAuthentication(t *testing.T, clientID, secret string) *authentication.Authentication {
	t.Helper()
	api, err := authentication.New(t.Context(), demo.Domain,
		authentication.WithClientID(clientID), authentication.WithClientSecret(secret))
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused expects an error with the status and a text of the server in it.
func refused(t *testing.T, err error, status int, text string) {
	t.Helper()
	var problem management.Error
	var denied *authentication.Error
	switch {
	case errors.As(err, &problem) && problem.Status() == status && strings.Contains(err.Error(), text):
	case errors.As(err, &denied) && denied.StatusCode == status && strings.Contains(err.Error(), text):
	default:
		t.Fatalf("got %v, want %d %s", err, status, text)
	}
}

func TestTokens_GoAuth0(t *testing.T) {
	api := goAuthentication(t, demo.Management.ClientID, demo.Management.ClientSecret)
	token, err := api.OAuth.LoginWithClientCredentials(t.Context(),
		oauth.LoginWithClientCredentialsRequest{Audience: demo.Management.Audience}, oauth.IDTokenValidationOptions{})
	ok(t, err)
	if token.TokenType != "Bearer" || token.ExpiresIn != 86400 || !strings.Contains(token.Scope, "read:users") {
		t.Errorf("%+v", token)
	}
	_, err = goAuthentication(t, demo.Management.ClientID, "not-the-secret").OAuth.LoginWithClientCredentials(t.Context(),
		oauth.LoginWithClientCredentialsRequest{Audience: demo.Management.Audience}, oauth.IDTokenValidationOptions{})
	refused(t, err, http.StatusUnauthorized, "")
}

func TestA5_GoAuth0(t *testing.T) {
	ctx, api, listener := t.Context(), goManagement(t), demo.Users[0]
	patch := func(metadata map[string]any) {
		t.Helper()
		ok(t, api.User.Update(ctx, listener.UserID, &management.User{UserMetadata: &metadata}))
	}
	read := func() *management.User {
		t.Helper()
		return must[*management.User](t)(api.User.Read(ctx, listener.UserID))
	}

	patch(map[string]any{"displayName": "before", "theme": "dark"})
	before := read()
	patch(map[string]any{"displayName": "J-vald3z"})
	after := read()
	want := *before.UserMetadata
	want["displayName"] = "J-vald3z"
	if !reflect.DeepEqual(*after.UserMetadata, want) || !reflect.DeepEqual(after.AppMetadata, before.AppMetadata) {
		t.Errorf("user_metadata %v, want %v; app_metadata %v, want %v", *after.UserMetadata, want, after.AppMetadata, before.AppMetadata)
	}
	if after.GetEmail() != listener.Email || after.UpdatedAt.Before(*before.UpdatedAt) {
		t.Errorf("%v", after)
	}

	page := must[*management.UserList](t)(api.User.List(ctx, management.Page(0), management.PerPage(1)))
	if len(page.Users) != 1 || page.Total < len(demo.Users) || !page.HasNext() {
		t.Errorf("page: %d users of %d", len(page.Users), page.Total)
	}
	found := must[[]*management.User](t)(api.User.ListByEmail(ctx, listener.Email))
	if len(found) != 1 || found[0].GetID() != listener.UserID {
		t.Errorf("by e-mail: %v", found)
	}

	email := strings.ToLower(rand.Text()) + "@mixtape.example"
	created := &management.User{
		Connection: auth0.String(userDatabase), Email: &email, Password: auth0.String("Correct-Horse-7"),
		EmailVerified: auth0.Bool(true), AppMetadata: &map[string]any{"plan": "free"},
	}
	ok(t, api.User.Create(ctx, created))
	if !strings.HasPrefix(created.GetID(), "auth0|") || !created.GetEmailVerified() {
		t.Errorf("created %v", created)
	}
	again := &management.User{Connection: auth0.String(userDatabase), Email: &email, Password: auth0.String("Correct-Horse-7")}
	refused(t, api.User.Create(ctx, again), http.StatusConflict, "The user already exists.")
	ok(t, api.User.Delete(ctx, created.GetID()))
	_, err := api.User.Read(ctx, created.GetID())
	refused(t, err, http.StatusNotFound, "The user does not exist.")
}

func TestAdminister_GoAuth0(t *testing.T) {
	ctx, api, name := t.Context(), goManagement(t), "Compat "+rand.Text()

	machine := &management.Client{Name: &name, AppType: auth0.String("non_interactive"), GrantTypes: &[]string{"client_credentials"}}
	ok(t, api.Client.Create(ctx, machine))
	defer func() { ok(t, api.Client.Delete(ctx, machine.GetClientID())) }()
	ok(t, api.Client.Update(ctx, machine.GetClientID(), &management.Client{Description: auth0.String("A machine")}))
	if read := must[*management.Client](t)(api.Client.Read(ctx, machine.GetClientID())); read.GetDescription() != "A machine" || read.GetName() != name {
		t.Errorf("client: %v", read)
	}
	clients := must[*management.ClientList](t)(api.Client.List(ctx, management.PerPage(100)))
	if !slices.ContainsFunc(clients.Clients, func(c *management.Client) bool { return c.GetClientID() == machine.GetClientID() }) {
		t.Errorf("the client is not among %d", clients.Total)
	}

	identifier := "https://compat.example/" + rand.Text()
	server := &management.ResourceServer{
		Name: &name, Identifier: &identifier,
		Scopes: &[]management.ResourceServerScope{{Value: auth0.String("read:things"), Description: auth0.String("Read")}},
	}
	ok(t, api.ResourceServer.Create(ctx, server))
	defer func() { ok(t, api.ResourceServer.Delete(ctx, server.GetID())) }()
	same := &management.ResourceServer{Name: &name, Identifier: &identifier}
	refused(t, api.ResourceServer.Create(ctx, same), http.StatusConflict, "same identifier already exists")

	grant := &management.ClientGrant{ClientID: machine.ClientID, Audience: &identifier, Scope: &[]string{"read:things"}}
	ok(t, api.ClientGrant.Create(ctx, grant))
	token := must[*oauth.TokenSet](t)(goAuthentication(t, machine.GetClientID(), machine.GetClientSecret()).OAuth.LoginWithClientCredentials(
		ctx, oauth.LoginWithClientCredentialsRequest{Audience: identifier}, oauth.IDTokenValidationOptions{}))
	if token.AccessToken == "" {
		t.Error("no token")
	}
	grants := must[*management.ClientGrantList](t)(api.ClientGrant.List(ctx, management.Parameter("client_id", machine.GetClientID())))
	if len(grants.ClientGrants) != 1 || grants.ClientGrants[0].GetID() != grant.GetID() {
		t.Errorf("grants: %v", grants.ClientGrants)
	}
	ok(t, api.ClientGrant.Delete(ctx, grant.GetID()))

	connection := &management.Connection{
		Name: auth0.String("compat-" + strings.ToLower(rand.Text())), Strategy: auth0.String("auth0"),
		Options: &management.ConnectionOptions{PasswordPolicy: auth0.String("good")},
	}
	ok(t, api.Connection.Create(ctx, connection))
	defer func() { ok(t, api.Connection.Delete(ctx, connection.GetID())) }()
	enabled := []management.ConnectionEnabledClient{{ClientID: machine.ClientID, Status: auth0.Bool(true)}}
	ok(t, api.Connection.UpdateEnabledClients(ctx, connection.GetID(), enabled))
	list := must[*management.ConnectionEnabledClientList](t)(api.Connection.ReadEnabledClients(ctx, connection.GetID()))
	if !slices.ContainsFunc(*list.Clients, func(c management.ConnectionEnabledClient) bool { return c.GetClientID() == machine.GetClientID() }) {
		t.Errorf("enabled clients: %v", list)
	}
	byName := must[*management.Connection](t)(api.Connection.ReadByName(ctx, connection.GetName()))
	if options, _ := byName.Options.(*management.ConnectionOptions); byName.GetID() != connection.GetID() || options.GetPasswordPolicy() != "good" {
		t.Errorf("connection: %v", byName)
	}

	rule := &management.Rule{Name: &name, Script: auth0.String("function (user, context, callback) { callback(null, user, context); }"), Enabled: auth0.Bool(false)}
	ok(t, api.Rule.Create(ctx, rule))
	defer func() { ok(t, api.Rule.Delete(ctx, rule.GetID())) }()
	ok(t, api.Rule.Update(ctx, rule.GetID(), &management.Rule{Order: auth0.Int(rule.GetOrder() + 30)}))
	if read := must[*management.Rule](t)(api.Rule.Read(ctx, rule.GetID())); read.GetScript() != rule.GetScript() || read.GetOrder() != rule.GetOrder()+30 {
		t.Errorf("rule: %v", read)
	}
	ok(t, api.RuleConfig.Upsert(ctx, "GO_KEY", &management.RuleConfig{Value: auth0.String("s3cret")}))
	if config := must[*management.RuleConfig](t)(api.RuleConfig.Read(ctx, "GO_KEY")); config.GetKey() != "GO_KEY" || config.GetValue() != "" {
		t.Errorf("rule config: %v", config)
	}
	ok(t, api.RuleConfig.Delete(ctx, "GO_KEY"))

	logs := must[[]*management.Log](t)(api.Log.List(ctx, management.PerPage(5)))
	if len(logs) == 0 || logs[0].GetType() == "" || logs[0].GetDate().IsZero() {
		t.Errorf("logs: %v", logs)
	}
	if settings := must[*management.Tenant](t)(api.Tenant.Read(ctx)); settings.GetSessionLifetime() == 0 {
		t.Errorf("settings: %v", settings)
	}

	email := strings.ToLower(rand.Text()) + "@mixtape.example"
	app := goAuthentication(t, clientNamed(t, "Mixtape").ClientID, "")
	signed, err := app.Database.Signup(ctx, database.SignupRequest{Email: email, Password: "Correct-Horse-7", Connection: userDatabase})
	ok(t, err)
	defer func() { ok(t, api.User.Delete(ctx, "auth0|"+signed.ID)) }()
	if signed.Email != email || signed.EmailVerified {
		t.Errorf("sign-up: %+v", signed)
	}
	text := must[string](t)(app.Database.ChangePassword(ctx, database.ChangePasswordRequest{Email: email, Connection: userDatabase}))
	if !strings.Contains(text, "sent you an email") {
		t.Errorf("change of password: %q", text)
	}
}

// TestB6_GoAuth0 is the recommended way in Go: the customer's own API takes the person from the verified
// token and changes their metadata with a machine token.
func TestB6_GoAuth0(t *testing.T) {
	ctx, api, listener, other := t.Context(), goManagement(t), demo.Users[0], demo.Users[1]
	mixtape := clientNamed(t, "Mixtape")
	app := goAuthentication(t, mixtape.ClientID, "")

	code, verifier := signIn(t, listener, mixtape.ClientID, demo.MixtapeURL, nil)
	tokens, err := app.OAuth.LoginWithAuthCodeWithPKCE(ctx,
		oauth.LoginWithAuthCodeWithPKCERequest{Code: code, CodeVerifier: verifier, RedirectURI: demo.MixtapeURL}, oauth.IDTokenValidationOptions{})
	ok(t, err) // the SDK verified the ID token against the JWKS

	own := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		person, err := app.UserInfo(r.Context(), token)
		if err != nil {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		var in struct{ DisplayName string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		patch := &management.User{UserMetadata: &map[string]any{"displayName": in.DisplayName}}
		if err := api.User.Update(r.Context(), person.Sub, patch); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	}))
	defer own.Close()
	call := func(token, body string) int {
		request, _ := http.NewRequestWithContext(ctx, http.MethodPatch, own.URL, strings.NewReader(body))
		request.Header.Set("Authorization", "Bearer "+token)
		response := must[*http.Response](t)(http.DefaultClient.Do(request))
		response.Body.Close()
		return response.StatusCode
	}

	before := must[*management.User](t)(api.User.Read(ctx, other.UserID))
	if status := call(tokens.AccessToken, `{"displayName":"From Go","user_id":"`+other.UserID+`"}`); status != http.StatusOK {
		t.Fatalf("own API: %d", status)
	}
	if got := (*must[*management.User](t)(api.User.Read(ctx, listener.UserID)).UserMetadata)["displayName"]; got != "From Go" {
		t.Errorf("displayName %v", got)
	}
	if after := must[*management.User](t)(api.User.Read(ctx, other.UserID)); !reflect.DeepEqual(before, after) {
		t.Errorf("the other listener changed: %v, before %v", after, before)
	}
	for _, token := range []string{"", "abc", tokens.IDToken, tokens.AccessToken + "x"} {
		if status := call(token, `{"displayName":"Nobody"}`); status != http.StatusUnauthorized {
			t.Errorf("token %.10q: %d", token, status)
		}
	}
}
