package stagedoortest

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stagedoor/stagedoor/internal/standin"
)

// StandIn plays other people's identity providers: OpenID Connect, SAML, custom social connections, and social ones in the form that they
// document.
type StandIn struct {
	*standin.Server
	URL string
}

// Person is somebody whom a StandIn knows.
type Person = standin.Person

// NewStandIn starts a stand-in that stops with the test.
func NewStandIn(t testing.TB) *StandIn {
	play := standin.New()
	server := httptest.NewServer(play)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return &StandIn{Server: play, URL: server.URL}
}

// Custom are the options of a custom social connection to the stand-in, with a script that fetches the profile as it is.
func (s *StandIn) Custom() map[string]any {
	return map[string]any{
		"authorizationURL": s.URL + "/authorize", "tokenURL": s.URL + "/token", "client_id": s.ClientID, "client_secret": s.ClientSecret,
		"scope": []string{"profile", "email"}, "pkce_enabled": true, "scripts": map[string]any{"fetchUserProfile": `
			function fetchUserProfile(accessToken, context, callback) {
				request.get({url: '` + s.URL + `/profile', headers: {Authorization: 'Bearer ' + accessToken}, json: true}, (err, response, body) => {
					if (err) return callback(err);
					if (response.statusCode !== 200) return callback(new Error('the provider answers ' + response.statusCode));
					callback(null, body);
				});
			}`},
	}
}

// Profile is somebody whose profile says just that.
func Profile(more map[string]any) *Person { return &Person{More: more} }

// Duo plays Duo, the second factor, by https.
type Duo struct {
	*standin.Duo
	Host string       // as keys of Duo name it
	HTTP *http.Client // that knows its certificate
}

// NewDuo starts a Duo that stops with the test.
func NewDuo(t testing.TB) *Duo {
	play := standin.NewDuo()
	server := httptest.NewTLSServer(play)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return &Duo{Duo: play, Host: server.Listener.Addr().String(), HTTP: server.Client()}
}
