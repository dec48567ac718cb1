package script

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// editorRule is the document's first rule as printed; only the host of the URL differs.
const editorRule = `function (user, context, callback) {
var request = require('request');
user.app_metadata = user.app_metadata || {};
user.app_metadata.roles = user.roles || [];
var CLIENT_SECRET = configuration.AUTH0_CLIENT_SECRET;
var CLIENT_ID = configuration.AUTH0_CLIENT_ID;
var scope = {
user_id: user.user_id,
email: user.email,
name: user.name
};
var options = {
subject: user.user_id,
expiresInMinutes: 600,
audience: CLIENT_ID,
issuer: 'https://example.auth0.com'
};
var id_token = jwt.sign(scope, CLIENT_SECRET, options);
var auth = 'Bearer ' + id_token;
request.get({
url: 'https://example.com/playlists/getPlays',
headers: {
'Authorization': auth,
'Content-Type': 'text/html'
},
timeout: 15000
}, function(err, response, body){
if (err)
return callback(new Error(err));
var plays = parseInt(body, 10);
if (plays >= 100 && user.roles.indexOf('playlist_editor') < 0){
user.app_metadata.roles.push('playlist_editor');
auth0.users.updateAppMetadata(user.user_id, user.app_metadata)
.then(function(){
callback(null, user, context);
})
.catch(callback);
}
else if (plays < 100 && user.roles.indexOf('playlist_editor') >= 0){
user.app_metadata.roles = [];
auth0.users.updateAppMetadata(user.user_id, user.app_metadata)
.then(function(){
callback(null, user, context);
})
.catch(callback);
}
else{
callback(null, user, context);
}
});
}`

// mixtape is the music app's API: it checks the token and tells the plays.
type mixtape struct {
	*httptest.Server
	plays  atomic.Int64
	tokens atomic.Int64
	delay  atomic.Int64 // milliseconds
}

const mixtapeSecret = "a-client-secret" // shorter than HS256 wants: the document's were

func newMixtape(t *testing.T) *mixtape {
	t.Helper()
	m := &mixtape{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(time.Duration(m.delay.Load()) * time.Millisecond):
		case <-r.Context().Done():
			return
		}
		token, err := jwt.ParseSigned(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), []jose.SignatureAlgorithm{jose.HS256})
		if err != nil {
			t.Error("token:", err)
			http.Error(w, "", http.StatusUnauthorized)
			return
		}
		var claims struct {
			jwt.Claims
			UserID string `json:"user_id"`
			Email  string `json:"email"`
		}
		key := append([]byte(mixtapeSecret), make([]byte, 32-len(mixtapeSecret))...)
		if err := token.Claims(key, &claims); err != nil {
			t.Error("claims:", err)
		}
		if err := claims.Validate(jwt.Expected{Issuer: "https://example.auth0.com", Subject: "auth0|1", AnyAudience: jwt.Audience{"client"}, Time: time.Now()}); err != nil {
			t.Error("claims:", err)
		}
		if life := claims.Expiry.Time().Sub(claims.IssuedAt.Time()); life != 600*time.Minute || claims.UserID != "auth0|1" || claims.Email != "l@example.com" {
			t.Errorf("claims: %+v", claims)
		}
		m.tokens.Add(1)
		_, _ = w.Write([]byte(strconv.FormatInt(m.plays.Load(), 10)))
	}))
	t.Cleanup(m.Close)
	return m
}

// TestDocumentEditorRule runs the document's two rules over three logins, as the number of plays goes over the mark and back.
func TestDocumentEditorRule(t *testing.T) {
	api := newMixtape(t)
	h := newHost(t, Config{HTTP: api.Client()})
	// The rule reads user.roles, which the roles of app_metadata are: it expects a list to be there from the beginning.
	stored := `{"plan":"gold","roles":[]}`
	run := Run{
		Tenant:        "mixtape",
		Configuration: map[string]string{"AUTH0_CLIENT_ID": "client", "AUTH0_CLIENT_SECRET": mixtapeSecret},
		Context:       json.RawMessage(`{"idToken":{}}`),
		Rules: []Rule{
			{Name: "editor", Source: strings.Replace(editorRule, "https://example.com", api.URL, 1)},
			{Name: "project roles", Source: printed(t, "projection")},
		},
		UpdateMetadata: func(_ context.Context, id, kind string, patch json.RawMessage) (json.RawMessage, error) {
			if id != "auth0|1" || kind != "app_metadata" {
				t.Errorf("update of %s of %s", kind, id)
			}
			stored = string(patch)
			return json.RawMessage(`{}`), nil
		},
	}
	login := func() Outcome {
		t.Helper()
		run.User = json.RawMessage(`{"user_id":"auth0|1","email":"l@example.com","name":"L","app_metadata":` + stored + `}`)
		out, err := h.Rules(t.Context(), run)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for _, step := range []struct {
		plays  int64
		stored string
		roles  string
	}{
		{99, `{"plan":"gold","roles":[]}`, `[]`},
		{100, `{"plan":"gold","roles":["playlist_editor"]}`, `["playlist_editor"]`},
		{100, `{"plan":"gold","roles":["playlist_editor"]}`, `["playlist_editor"]`},
		{99, `{"plan":"gold","roles":[]}`, `[]`},
	} {
		api.plays.Store(step.plays)
		out := login()
		if out.Failure != nil {
			t.Fatalf("%d plays: %+v %+v", step.plays, out.Failure, out.Console)
		}
		var user struct{ Roles json.RawMessage }
		if err := json.Unmarshal(out.User, &user); err != nil {
			t.Fatal(err)
		}
		if stored != step.stored || string(user.Roles) != step.roles {
			t.Errorf("%d plays: stored %s, roles %s; want %s, %s", step.plays, stored, user.Roles, step.stored, step.roles)
		}
		if len(out.Calls) != 1 || out.Calls[0].Status != 200 || out.Calls[0].URL != api.URL+"/playlists/getPlays" {
			t.Errorf("calls: %+v", out.Calls)
		}
	}

	t.Run("slow", func(t *testing.T) {
		before := stored
		api.delay.Store(12000)
		run.Rules[0].Source = strings.Replace(run.Rules[0].Source, "15000", "100", 1)
		began := time.Now()
		out := login()
		if out.Failure == nil || out.Failure.Message != "Error: ESOCKETTIMEDOUT" || out.Failure.Code != "access_denied" || out.Failure.Rule != "editor" {
			t.Errorf("%+v", out.Failure)
		}
		if took := time.Since(began); took > 11*time.Second || stored != before {
			t.Errorf("took %v, stored %s", took, stored)
		}
	})
	t.Run("down", func(t *testing.T) {
		api.CloseClientConnections()
		api.Close()
		out := login()
		if out.Failure == nil || !strings.HasPrefix(out.Failure.Message, "Error: connect ECONNREFUSED 127.0.0.1:") {
			t.Errorf("%+v", out.Failure)
		}
	})
}

// TestDocumentEditorRuleWithoutRoles shows what the printed rule does for a listener who has no list of roles yet.
func TestDocumentEditorRuleWithoutRoles(t *testing.T) {
	api := newMixtape(t)
	api.plays.Store(99)
	h := newHost(t, Config{HTTP: api.Client()})
	editor := Rule{Name: "editor", Source: strings.Replace(editorRule, "https://example.com", api.URL, 1)}
	project := Rule{Name: "project roles", Source: printed(t, "projection")}
	for _, c := range []struct {
		name  string
		rules []Rule
		fails bool
	}{
		{"editor first", []Rule{editor, project}, true},
		{"projection first", []Rule{project, editor}, false},
	} {
		out, err := h.Rules(t.Context(), Run{
			Tenant: "mixtape", Rules: c.rules, Configuration: map[string]string{"AUTH0_CLIENT_ID": "client", "AUTH0_CLIENT_SECRET": mixtapeSecret},
			User: json.RawMessage(`{"user_id":"auth0|1","email":"l@example.com"}`), Context: json.RawMessage(`{}`),
		})
		if err != nil || (out.Failure != nil) != c.fails {
			t.Errorf("%s: %v %+v", c.name, err, out.Failure)
		}
	}
}
