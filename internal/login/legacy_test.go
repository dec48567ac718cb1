package login_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// legacy is the user store of somebody who moves here: a server that scripts of the connection talk to.
type legacy struct {
	*httptest.Server
	mu    sync.Mutex
	users map[string]map[string]any // by address
	calls []string
}

// legacyScripts are scripts as people write them: some are expressions, some programs with helpers.
var legacyScripts = map[string]string{
	"login": `
		function login(email, password, callback) {
			const bcrypt = require('bcrypt');
			request.get({url: configuration.URL + '/users/' + encodeURIComponent(email), json: true, headers: {'x-key': configuration.KEY}}, (err, response, user) => {
				if (err) return callback(err);
				console.log('login of ' + email);
				if (response.statusCode === 404) return callback(new WrongUsernameOrPasswordError('', 'nobody there'));
				if (response.statusCode !== 200) return callback(new Error('the store answers ' + response.statusCode));
				if (!bcrypt.compareSync(password, user.password_hash)) return callback(new WrongUsernameOrPasswordError(user.id, 'not that one'));
				if (user.suspended) return callback(new UnauthorizedError('Your membership has ended.'));
				callback(null, user);
			});
		}`,
	"get_user": `
		const url = path => configuration.URL + '/users/' + encodeURIComponent(path);
		async function getByEmail(email, callback) {
			const response = await fetch(url(email), {headers: {'x-key': configuration.KEY}});
			if (response.status === 404) return callback(null);
			if (response.status !== 200) return callback(new Error('the store answers ' + response.status));
			return callback(null, await response.json());
		}`,
	"create": `
		function create(user, callback) {
			if (user.email.startsWith('refused')) return callback(new ValidationError('not_a_member', 'Only members may sign up.'));
			if (user.email.startsWith('race')) return callback(new ValidationError('user_exists', 'there already'));
			const bcrypt = require('bcrypt');
			const hash = bcrypt.hashSync(user.password, 4);
			request.post({url: configuration.URL + '/users', json: Object.assign({}, user, {password_hash: hash, password: undefined})}, err => callback(err || null));
		}`,
	"verify": `function verify(email, callback) { request.post({url: configuration.URL + '/verify', json: {email}}, (err, res, body) => callback(err, body && body.ok)); }`,
	"change_password": `function changePassword(email, newPassword, callback) {
		if (newPassword.startsWith('Refused')) return callback(new ValidationError('too_plain', 'Not that one.'));
		if (newPassword.startsWith('Broken')) throw new Error('the store has moved to s3cret.example');
		request.post({url: configuration.URL + '/password', json: {email, hash: require('bcrypt').hashSync(newPassword, 4)}}, (err, res, body) => callback(err, body && body.ok)); }`,
	"change_email": `function changeEmail(email, newEmail, verified, callback) { request.post({url: configuration.URL + '/email', json: {email, newEmail, verified}}, (err, res, body) => callback(err, body && body.ok)); }`,
	"delete":       `function remove(id, callback) { request.delete(configuration.URL + '/ids/' + id, (err, response) => callback(err)); }`,
}

func newLegacy(t *testing.T) *legacy {
	l := &legacy{users: map[string]map[string]any{}}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("GET /users/{email}", func(w http.ResponseWriter, r *http.Request) {
		if u := l.users[strings.ToLower(r.PathValue("email"))]; r.Header.Get("X-Key") != "s3cret" {
			http.Error(w, "who are you", http.StatusForbidden)
		} else if u == nil {
			http.NotFound(w, r)
		} else {
			answer(w, u)
		}
	})
	body := func(r *http.Request) map[string]any {
		var m map[string]any
		_ = json.NewDecoder(r.Body).Decode(&m)
		return m
	}
	change := func(w http.ResponseWriter, email any, fn func(u map[string]any)) {
		u := l.users[email.(string)]
		if u != nil {
			fn(u)
		}
		answer(w, map[string]bool{"ok": u != nil})
	}
	mux.HandleFunc("POST /users", func(w http.ResponseWriter, r *http.Request) {
		m := body(r)
		m["user_id"] = 100 + len(l.users)
		m["arrived"] = m["client_id"]
		l.users[m["email"].(string)] = m
	})
	mux.HandleFunc("POST /verify", func(w http.ResponseWriter, r *http.Request) {
		change(w, body(r)["email"], func(u map[string]any) { u["email_verified"] = true })
	})
	mux.HandleFunc("POST /password", func(w http.ResponseWriter, r *http.Request) {
		m := body(r)
		change(w, m["email"], func(u map[string]any) { u["password_hash"] = m["hash"] })
	})
	mux.HandleFunc("POST /email", func(w http.ResponseWriter, r *http.Request) {
		m := body(r)
		change(w, m["email"], func(u map[string]any) {
			delete(l.users, m["email"].(string))
			u["email"] = m["newEmail"]
			l.users[m["newEmail"].(string)] = u
		})
	})
	mux.HandleFunc("DELETE /ids/{id}", func(http.ResponseWriter, *http.Request) {})
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.calls = append(l.calls, r.Method+" "+r.URL.Path)
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(l.Close)
	return l
}

// has adds somebody with the password good to the store.
func (l *legacy) has(t *testing.T, email, profile string) {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(good), 4)
	if err != nil {
		t.Fatal(err)
	}
	u := map[string]any{}
	if err := json.Unmarshal([]byte(profile), &u); err != nil {
		t.Fatal(err)
	}
	u["password_hash"], u["email"] = string(hash), email
	l.mu.Lock()
	defer l.mu.Unlock()
	l.users[email] = u
}

// called returns what was asked since the last time.
func (l *legacy) called() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	calls := strings.Join(l.calls, ", ")
	l.calls = nil
	return calls
}
