package compat

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// languages are the programs of the published scenario "User Data Storage" that Debian can run, and the
// command for each. The scenario shows Java, C#, Objective-C and Swift too; their requests are the same.
var languages = []struct {
	name, file string
	rawID      string // the calls whose program takes the | of a user_id as it is
	command    func(directory, file string) []string
}{
	{"curl", "curl.sh", "PATCH", func(_, f string) []string { return []string{"sh", f} }},
	{"Go", "main.go.txt", "GET PATCH", func(d, _ string) []string { return []string{"go", "run", filepath.Join(d, "main.go")} }},
	{"Node", "axios.js", "GET PATCH", func(_, f string) []string { return []string{"node", f} }},
	{"PHP", "curl.php", "GET PATCH", func(_, f string) []string { return []string{"php", "-d", "curl.cainfo=" + demo.CAFile, f} }},
	{"Python", "client.py", "GET PATCH", func(_, f string) []string { return []string{"python3", f} }},
	{"Ruby", "client.rb", "", func(_, f string) []string { return []string{"ruby", f} }},
}

const (
	printedBody = `{"user_metadata": {"displayName": "J-vald3z"}` // a brace is missing, as published
	wholeBody   = printedBody + "}"
)

// TestA12 runs every request of the scenario as it is published; only host, token and id are filled in. The
// PATCH is sent twice: with the body as published, and with the brace that it lacks.
func TestA12(t *testing.T) {
	listener := demo.Users[0]
	idToken := listenerTokens(t, listener).IDToken
	machine := machineToken(t)
	for _, language := range languages {
		ids := func(kind string) map[string]string {
			ids := map[string]string{"percent-encoded id": url.PathEscape(listener.UserID)}
			if strings.Contains(language.rawID, kind) {
				ids["plain id"] = listener.UserID
			}
			return ids
		}
		for name, id := range ids("GET") {
			t.Run("GET/"+language.name+"/"+name, func(t *testing.T) {
				out := runPrinted(t, "get", language.file, language.command, "YOUR_ID_TOKEN_HERE", idToken, id, nil)
				if !strings.Contains(out, listener.UserID) || !strings.Contains(out, listener.Email) {
					t.Errorf("not the listener's record:\n%s", out)
				}
			})
		}
		for name, id := range ids("PATCH") {
			t.Run("PATCH/"+language.name+"/"+name, func(t *testing.T) {
				before := setDisplayName(t, machine, listener.UserID, "before")
				brace := strings.NewReplacer(printedBody, wholeBody,
					strings.ReplaceAll(printedBody, `"`, `\"`), strings.ReplaceAll(wholeBody, `"`, `\"`))
				out := runPrinted(t, "patch", language.file, language.command, "YOUR_ACCESS_TOKEN", machine, id, brace)
				before["user_metadata"].(map[string]any)["displayName"] = "J-vald3z"
				if after := record(t, machine, listener.UserID); !sameMetadata(before, after) {
					t.Errorf("after the call: %v, want %v\n%s", after["user_metadata"], before["user_metadata"], out)
				}
			})
		}
		t.Run("PATCH as printed/"+language.name, func(t *testing.T) {
			before := setDisplayName(t, machine, listener.UserID, "before")
			out := runPrinted(t, "patch", language.file, language.command, "YOUR_ACCESS_TOKEN", machine, url.PathEscape(listener.UserID), nil)
			if !strings.Contains(out, "400") || !strings.Contains(out, "Bad Request") {
				t.Errorf("no clear 400:\n%s", out)
			}
			if after := record(t, machine, listener.UserID); !reflect.DeepEqual(before, after) {
				t.Errorf("the record changed: %v, before %v", after, before)
			}
		})
	}
}

// runPrinted fills host, token and id into a published program, runs it and returns what it printed.
func runPrinted(t *testing.T, kind, file string, command func(string, string) []string, placeholder, token, id string, more *strings.Replacer) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("document", kind, file))
	if err != nil {
		t.Fatal(err)
	}
	source := strings.NewReplacer(
		`HTTPSConnection("")`, `HTTPSConnection("`+demo.Domain+`")`, // the published Python PATCH has its host
		`"/YOUR_DOMAIN/api`, `"/api`, // in the path
		"youraccount.auth0.com", demo.Domain, "YOUR_DOMAIN", demo.Domain,
		placeholder, token, "users/user_id", "users/"+id,
	).Replace(string(text))
	if more != nil {
		fixed := more.Replace(source)
		if fixed == source {
			t.Fatal("the printed body was not found")
		}
		source = fixed
	}
	directory := t.TempDir()
	path := filepath.Join(directory, strings.TrimSuffix(file, ".txt"))
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	argv := command(directory, path)
	modules, err := filepath.Abs("node/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(modules); err != nil && argv[0] == "node" {
		missing(t, "the packages of compat/node are not installed")
	}
	out, err := program(t, "", []string{"NODE_PATH=" + modules}, need(t, argv[0]), argv[1:]...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return out
}

// TestA5_IDToken: with the tenant's switch on, a listener's ID token acts on its owner's record and no
// other, and not on app_metadata; with it off it is not accepted.
func TestA5_IDToken(t *testing.T) {
	listener, other := demo.Users[0], demo.Users[1]
	machine := machineToken(t)
	idToken := listenerTokens(t, listener).IDToken
	body := `{"user_metadata":{"displayName":"by ID token"}}`
	check := func(name string, want int, method, id, body string) {
		t.Helper()
		before := [2]any{record(t, machine, listener.UserID), record(t, machine, other.UserID)}
		status, answer := call(t, method, "/users/"+url.PathEscape(id), idToken, body)
		if status != want {
			t.Errorf("%s: %d %v, want %d", name, status, answer, want)
		}
		after := [2]any{record(t, machine, listener.UserID), record(t, machine, other.UserID)}
		if want != http.StatusOK && !reflect.DeepEqual(before, after) {
			t.Errorf("%s changed something", name)
		}
	}
	setSwitch := func(on string) {
		t.Helper()
		if status, answer := call(t, http.MethodPatch, "/tenants/settings", machine, `{"flags":{"enable_idtoken_api2":`+on+`}}`); status != http.StatusOK {
			t.Fatalf("tenant settings: %d %v", status, answer)
		}
	}
	setSwitch("true")
	check("own record", http.StatusOK, http.MethodGet, listener.UserID, "")
	check("own user_metadata", http.StatusOK, http.MethodPatch, listener.UserID, body)
	check("own app_metadata", http.StatusForbidden, http.MethodPatch, listener.UserID, `{"app_metadata":{"roles":["playlist_editor"]}}`)
	check("both", http.StatusForbidden, http.MethodPatch, listener.UserID, `{"user_metadata":{"a":1},"app_metadata":{"plan":"gold"}}`)
	check("own e-mail", http.StatusForbidden, http.MethodPatch, listener.UserID, `{"email":"else@mixtape.example"}`)
	check("another's record", http.StatusForbidden, http.MethodGet, other.UserID, "")
	check("another's user_metadata", http.StatusForbidden, http.MethodPatch, other.UserID, body)
	setSwitch("false")
	defer setSwitch("true")
	check("switched off", http.StatusUnauthorized, http.MethodGet, listener.UserID, "")
	check("switched off", http.StatusUnauthorized, http.MethodPatch, listener.UserID, body)
}

type tokenSet struct {
	AccessToken string `json:"access_token"`
	IDToken     string `json:"id_token"`
}

func listenerTokens(t *testing.T, who user) (tokens tokenSet) {
	t.Helper()
	mixtape := clientNamed(t, "Mixtape")
	code, verifier := signIn(t, who, mixtape.ClientID, demo.MixtapeURL, nil)
	return token(t, url.Values{
		"grant_type": {"authorization_code"}, "client_id": {mixtape.ClientID}, "redirect_uri": {demo.MixtapeURL},
		"code": {code}, "code_verifier": {verifier},
	})
}

func machineToken(t *testing.T) string {
	t.Helper()
	return token(t, url.Values{
		"grant_type": {"client_credentials"}, "audience": {demo.Management.Audience},
		"client_id": {demo.Management.ClientID}, "client_secret": {demo.Management.ClientSecret},
	}).AccessToken
}

func token(t *testing.T, form url.Values) (tokens tokenSet) {
	t.Helper()
	response, err := http.PostForm("https://"+demo.Domain+"/oauth/token", form)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if err := json.Unmarshal(text, &tokens); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("token: %s %s", response.Status, text)
	}
	return tokens
}

// call sends a request to the Management API and returns the status and the decoded object.
func call(t *testing.T, method, path, bearer, body string) (status int, answer map[string]any) {
	t.Helper()
	status = send(t, method, path, bearer, body, &answer)
	return status, answer
}

// get reads what the Management API has at the path into answer.
func get(t *testing.T, path, bearer string, answer any) {
	t.Helper()
	if status := send(t, http.MethodGet, path, bearer, "", answer); status != http.StatusOK {
		t.Fatalf("GET %s: %d %v", path, status, answer)
	}
}

func send(t *testing.T, method, path, bearer, body string, answer any) (status int) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "https://"+demo.Domain+"/api/v2"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+bearer)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		t.Fatalf("%s %s: %s: %v", method, path, response.Status, err)
	}
	return response.StatusCode
}

func record(t *testing.T, bearer, id string) map[string]any {
	t.Helper()
	status, answer := call(t, http.MethodGet, "/users/"+url.PathEscape(id), bearer, "")
	if status != http.StatusOK {
		t.Fatalf("read %s: %d %v", id, status, answer)
	}
	return answer
}

// setDisplayName gives a listener a displayName and returns their record.
func setDisplayName(t *testing.T, bearer, id, name string) map[string]any {
	t.Helper()
	status, answer := call(t, http.MethodPatch, "/users/"+url.PathEscape(id), bearer, `{"user_metadata":{"displayName":"`+name+`"}}`)
	if status != http.StatusOK {
		t.Fatalf("set displayName: %d %v", status, answer)
	}
	return record(t, bearer, id)
}

func sameMetadata(a, b map[string]any) bool {
	return reflect.DeepEqual(a["user_metadata"], b["user_metadata"]) && reflect.DeepEqual(a["app_metadata"], b["app_metadata"])
}
