package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

func TestUserIsKeptWhole(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		blocked := true
		u := &stagedoor.User{
			ID: "auth0|ada", Connection: "Users", Email: "ada@example.com", EmailVerified: true, Username: "ada", PhoneNumber: "+441632960000",
			PhoneVerified: true, Name: "Ada 日本", Nickname: "ada", GivenName: "Ada", FamilyName: "L", Picture: "https://example.com/a.png",
			Blocked: &blocked, LastPasswordReset: clock.now,
			Identities:   []stagedoor.Identity{{Connection: "Users", Provider: "auth0", UserID: "ada"}, {Connection: "g", Provider: "google-oauth2", UserID: "1", IsSocial: true}},
			UserMetadata: object(t, `{"a":{"b":1}}`), AppMetadata: object(t, `{}`),
		}
		ok(t, s.CreateUser(t.Context(), u, "hash1"))
		same(t, must(s.User(t.Context(), u.ID))(t), u)
		if hash := must(s.PasswordHash(t.Context(), u.ID))(t); hash != "hash1" {
			t.Errorf("hash %q", hash)
		}
		clock.now = clock.in(time.Minute)
		updated := must(s.UpdateUser(t.Context(), u.ID, func(u *stagedoor.User) error {
			u.Email, u.Username, u.Name, u.Blocked, u.AppMetadata = "", "", "", nil, nil
			return nil
		}))(t)
		same(t, must(s.User(t.Context(), u.ID))(t), updated)
		if !updated.UpdatedAt.Equal(clock.now) || updated.CreatedAt.Equal(clock.now) || updated.AppMetadata != nil {
			t.Errorf("%+v", updated)
		}
		ok(t, s.RecordLogin(t.Context(), u, "192.0.2.1"))
		clock.now = clock.in(time.Minute)
		ok(t, s.RecordLogin(t.Context(), u, "2001:db8::1"))
		got := must(s.User(t.Context(), u.ID))(t)
		if got.LoginsCount != 2 || got.LastIP != "2001:db8::1" || !got.LastLogin.Equal(clock.now) || !got.LastChange().Equal(clock.now) {
			t.Errorf("%+v", got)
		}
		_, err := s.UpdateUser(t.Context(), u.ID, func(u *stagedoor.User) error { u.Name = "changed"; return errStop })
		if err != errStop {
			t.Errorf("error %v", err)
		}
		same(t, must(s.User(t.Context(), u.ID))(t), got)
	}, storetest.WithClock(clock.clock))
}

func TestMissingUser(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		_, readErr := s.User(ctx, "auth0|x")
		_, updateErr := s.UpdateUser(ctx, "auth0|x", func(*stagedoor.User) error { t.Error("called"); return nil })
		_, identifierErr := s.UserByIdentifier(ctx, "Users", "x@example.com")
		a := stagedoor.Authorization{UserID: "auth0|x"}
		for name, err := range map[string]error{
			"User": readErr, "UpdateUser": updateErr, "UserByIdentifier": identifierErr,
			"RecordLogin":        s.RecordLogin(ctx, &stagedoor.User{ID: "auth0|x"}, "::1"),
			"SetPasswordHash":    s.SetPasswordHash(ctx, "auth0|x", "h", time.Time{}),
			"reset":              s.SetPasswordHash(ctx, "auth0|x", "h", time.Now()),
			"CreateSession":      s.CreateSession(ctx, "h", &stagedoor.Session{ID: "s", UserID: "auth0|x"}),
			"SaveCode":           s.SaveCode(ctx, "c", &stagedoor.Code{Authorization: a}),
			"SaveAccessToken":    s.SaveAccessToken(ctx, "t", "", &a, time.Now()),
			"CreateRefreshToken": s.CreateRefreshToken(ctx, "t", &stagedoor.RefreshToken{UserID: "auth0|x"}),
			"CreateTicket":       s.CreateTicket(ctx, "t", &stagedoor.Ticket{UserID: "auth0|x"}),
			"AddGrant":           s.AddGrant(ctx, "auth0|x", "c", "a", nil),
		} {
			if !stagedoor.HasCode(err, "inexistent_user") || !stagedoor.IsKind(err, stagedoor.NotFound) {
				t.Errorf("%s: error %v", name, err)
			}
		}
		ok(t, s.DeleteUser(ctx, "auth0|x"))
		if hash := must(s.PasswordHash(ctx, "auth0|x"))(t); hash != "" {
			t.Errorf("hash %q", hash)
		}
	})
}

// A panic in a change undoes it, is an error, and harms nobody else.
func TestPanicInAChange(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		before := newUser(t, s, "auth0|ada")
		for range 40 { // more often than there are connections
			_, err := s.UpdateUser(t.Context(), "auth0|ada", func(u *stagedoor.User) error { u.Name = "x"; panic("oh no") })
			if err == nil || !strings.Contains(err.Error(), "oh no") || stagedoor.IsKind(err, stagedoor.Invalid) {
				t.Fatalf("error %v", err)
			}
		}
		same(t, must(s.User(t.Context(), "auth0|ada"))(t), before)
	})
}

// A rotation that runs while access ends leaves no token behind.
func TestNoTokenEscapes(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		newUser(t, s, "auth0|ada")
		for i := range 20 {
			token := fmt.Sprint("t", i)
			ended := must(s.User(t.Context(), "auth0|ada"))(t).AccessEnded
			ok(t, s.CreateRefreshToken(t.Context(), token, &stagedoor.RefreshToken{FamilyID: token, UserID: "auth0|ada", ClientID: "c", AccessEnded: ended}))
			race(2, func(n int) error {
				if n == 0 {
					return s.SetPasswordHash(t.Context(), "auth0|ada", "new", time.UnixMilli(1000).UTC())
				}
				_, err := rotate(t.Context(), s, token, "next "+token, 0, 0)
				if err != nil {
					isKind(t, err, stagedoor.NotFound)
				}
				return err
			})
			_, err := s.RefreshToken(t.Context(), "next "+token)
			isKind(t, err, stagedoor.NotFound)
		}
	})
}

func TestUserClashes(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		ada := &stagedoor.User{ID: "auth0|ada", Connection: "Users", Email: "ada@example.com", Username: "ada"}
		ok(t, s.CreateUser(ctx, ada, "hash"))
		bob := &stagedoor.User{ID: "auth0|bob", Connection: "Users", Email: "bob@example.com", Username: "bob"}
		ok(t, s.CreateUser(ctx, bob, ""))
		for want, u := range map[string][]stagedoor.User{
			"user_exists":     {{ID: "auth0|ada", Connection: "Other"}, {ID: "auth0|new", Connection: "Users", Email: "ada@example.com"}},
			"username_exists": {{ID: "auth0|new", Connection: "Users", Username: "ada"}},
		} {
			for i := range u {
				hasCode(t, s.CreateUser(ctx, &u[i], "hash2"), stagedoor.Conflict, want)
			}
		}
		_, err := s.UpdateUser(ctx, bob.ID, func(u *stagedoor.User) error { u.Email = ada.Email; return nil })
		hasCode(t, err, stagedoor.Conflict, "user_exists")
		_, err = s.UpdateUser(ctx, bob.ID, func(u *stagedoor.User) error { u.Username = ada.Username; return nil })
		hasCode(t, err, stagedoor.Conflict, "username_exists")
		same(t, must(s.User(ctx, bob.ID))(t), bob)
		if hash := must(s.PasswordHash(ctx, ada.ID))(t); hash != "hash" {
			t.Errorf("hash %q", hash)
		}
		// The same address in another connection, and several users without any.
		for i, connection := range []string{"Other", "Users", "Users"} {
			u := stagedoor.User{ID: fmt.Sprint("auth0|", i), Connection: connection}
			if i == 0 {
				u.Email, u.Username = ada.Email, ada.Username
			}
			ok(t, s.CreateUser(ctx, &u, ""))
		}
		if users := must(s.UsersByEmail(ctx, ada.Email))(t); len(users) != 2 {
			t.Errorf("%d users have the address", len(users))
		}
	})
}

func TestFindUsers(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		for i, name := range []string{"cy", "ada", "bob"} {
			clock.now = clock.in(time.Second)
			u := newUser(t, s, "auth0|"+name)
			if i == 2 {
				must(s.UpdateUser(ctx, u.ID, func(u *stagedoor.User) error { u.Username, u.Email = "bobby", ""; return nil }))(t)
			}
		}
		ok(t, s.RecordLogin(ctx, &stagedoor.User{ID: "auth0|ada"}, "::1"))
		for identifier, want := range map[string]string{" ADA@Example.com ": "auth0|ada", "Bobby": "auth0|bob"} {
			if u := must(s.UserByIdentifier(ctx, "Users", identifier))(t); u.ID != want {
				t.Errorf("%q is %s", identifier, u.ID)
			}
		}
		for _, nobody := range []string{"", " ", "bob@example.com", "ada%", "a\x00", "\xff"} {
			_, err := s.UserByIdentifier(ctx, "Users", nobody)
			isKind(t, err, stagedoor.NotFound)
		}
		_, err := s.UserByIdentifier(ctx, "Other", "ada@example.com")
		isKind(t, err, stagedoor.NotFound)

		for _, q := range []struct {
			query store.UserQuery
			want  string
		}{
			{store.UserQuery{PerPage: 10}, "cy ada bob"},
			{store.UserQuery{PerPage: 2}, "cy ada"},
			{store.UserQuery{PerPage: 2, Page: 1}, "bob"},
			{store.UserQuery{PerPage: 2, Page: 2}, ""},
			{store.UserQuery{PerPage: 10, Descending: true}, "bob ada cy"},
			{store.UserQuery{PerPage: 10, Sort: "email"}, "ada cy bob"}, // who has no address comes last
			{store.UserQuery{PerPage: 10, Sort: "username"}, "bob cy ada"},
			{store.UserQuery{PerPage: 10, Sort: "user_id"}, "ada bob cy"},
			{store.UserQuery{PerPage: 10, Sort: "last_login", Descending: true}, "ada bob cy"},
			{store.UserQuery{PerPage: 10, Sort: "logins_count"}, "ada cy bob"},
			{store.UserQuery{PerPage: 10, Sort: "name"}, "ada bob cy"},
		} {
			users, total, err := s.Users(ctx, q.query)
			ok(t, err)
			var names []string
			for _, u := range users {
				names = append(names, strings.TrimPrefix(u.ID, "auth0|"))
			}
			if got := strings.Join(names, " "); got != q.want || total != 3 {
				t.Errorf("%+v: %q of %d, want %q", q.query, got, total, q.want)
			}
		}
		_, _, err = s.Users(ctx, store.UserQuery{PerPage: 1, Sort: "id; DROP TABLE users"})
		isKind(t, err, stagedoor.Invalid)
		if store.SortsUsersBy("profile") || !store.SortsUsersBy("email") {
			t.Error("SortsUsersBy")
		}
	}, storetest.WithClock(clock.clock))
}

// access gives a user one of everything that lets them in.
func access(t testing.TB, s *store.Store, user string, until time.Time) {
	t.Helper()
	ctx := t.Context()
	a := stagedoor.Authorization{UserID: user, ClientID: "c"}
	ok(t, s.CreateSession(ctx, "handle "+user, &stagedoor.Session{ID: "sid " + user, UserID: user, ExpiresAt: until, IdleExpiresAt: until}))
	ok(t, s.SaveCode(ctx, "code "+user, &stagedoor.Code{Authorization: a, ExpiresAt: until}))
	ok(t, s.SaveAccessToken(ctx, "access "+user, "", &a, until))
	ok(t, s.CreateRefreshToken(ctx, "refresh "+user, &stagedoor.RefreshToken{FamilyID: "family " + user, UserID: user, ClientID: "c", Audience: "a"}))
}

// hasAccess tells what of access still works.
func hasAccess(t testing.TB, s *store.Store, user string) (found []string) {
	t.Helper()
	ctx := t.Context()
	_, session := s.SessionByHandle(ctx, "handle "+user)
	_, token := s.AccessToken(ctx, "access "+user)
	_, refresh := s.RefreshToken(ctx, "refresh "+user)
	_, _, code := s.ConsumeCode(ctx, "code "+user)
	for _, v := range []struct {
		name string
		err  error
	}{{"session", session}, {"token", token}, {"refresh", refresh}, {"code", code}} {
		if v.err == nil {
			found = append(found, v.name)
		} else {
			isKind(t, v.err, stagedoor.NotFound)
		}
	}
	return found
}

func TestWhatEndsAccess(t *testing.T) {
	ends := map[string]func(*testing.T, *store.Store) error{
		"new password": func(t *testing.T, s *store.Store) error {
			return s.SetPasswordHash(t.Context(), "auth0|ada", "new", time.UnixMilli(1000).UTC())
		},
		"deletion": func(t *testing.T, s *store.Store) error {
			return s.DeleteUser(t.Context(), "auth0|ada")
		},
	}
	each(t, func(t *testing.T, s *store.Store) {
		for name, end := range ends {
			for _, user := range []string{"auth0|ada", "auth0|bob"} {
				ok(t, s.DeleteUser(t.Context(), user))
				newUser(t, s, user)
				access(t, s, user, time.Now().Add(time.Hour))
			}
			ok(t, s.SetPasswordHash(t.Context(), "auth0|ada", "rehashed", time.Time{}))
			ok(t, end(t, s))
			if got := hasAccess(t, s, "auth0|ada"); len(got) > 0 {
				t.Errorf("%s leaves %v", name, got)
			}
			if got := hasAccess(t, s, "auth0|bob"); len(got) != 4 {
				t.Errorf("%s: another user has only %v left", name, got)
			}
			if name == "new password" {
				u := must(s.User(t.Context(), "auth0|ada"))(t)
				if hash := must(s.PasswordHash(t.Context(), u.ID))(t); hash != "new" || u.LastPasswordReset.UnixMilli() != 1000 {
					t.Errorf("hash %q, reset %s", hash, u.LastPasswordReset)
				}
			}
		}
	})
}

// Several people of one connection to somebody else's server may have one address: there it is no name. Where people sign in by it, one has it, also of
// those who come at once.
func TestSharedAddresses(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		const address = "family@example.com"
		person := func(strategy, connection, id string) *stagedoor.User {
			return &stagedoor.User{
				ID: strategy + "|" + id, Connection: connection, Email: address, Username: "family",
				Identities: []stagedoor.Identity{{Connection: connection, Provider: strategy, UserID: id}},
			}
		}
		for strategy, want := range map[string]int{"auth0": 1, "email": 1, "sms": 1, "google-oauth2": 8, "samlp": 8, "auth0-oidc": 8} {
			if won := race(8, func(i int) error { return s.CreateUser(ctx, person(strategy, strategy, fmt.Sprint(strategy, i)), "") }); won != want {
				t.Errorf("%d of 8 people of %s with one address came in", won, strategy)
			}
		}
		all := must(s.UsersByEmail(ctx, address))(t)
		if len(all) != 3+3*8 {
			t.Errorf("%d users have the address", len(all))
		}
		if u := must(s.UserByIdentifier(ctx, "auth0", address))(t); u.Connection != "auth0" {
			t.Errorf("the address is of %s", u.ID)
		}
		for _, identifier := range []string{address, "family"} {
			_, err := s.UserByIdentifier(ctx, "samlp", identifier)
			isKind(t, err, stagedoor.NotFound)
		}
		// Who changes to another's address: the same.
		newUser(t, s, "auth0|other")
		u := person("samlp", "samlp", "other")
		u.Email, u.Username = "", ""
		ok(t, s.CreateUser(ctx, u, ""))
		take := func(u *stagedoor.User) error { u.Email = address; return nil }
		must(s.UpdateUser(ctx, u.ID, take))(t)
		must(s.UpdateUser(ctx, "auth0|other", take))(t) // it is of another connection
		newUser(t, s, "auth0|third")
		_, err := s.UpdateUser(ctx, "auth0|third", take)
		hasCode(t, err, stagedoor.Conflict, "user_exists")

		// Linked to others they stand in nobody's way either; a linked identity of a database does.
		ada, bob := newUser(t, s, "auth0|ada"), newUser(t, s, "auth0|bob")
		for i, owner := range []*stagedoor.User{ada, bob} {
			must(s.LinkIdentity(ctx, owner.ID, person("samlp", "samlp", fmt.Sprint("samlp", i)).Identities[0], true))(t)
		}
		ok(t, s.CreateUser(ctx, person("samlp", "samlp", "late"), ""))
		_, _, err = s.UserByLinked(ctx, "samlp", address)
		isKind(t, err, stagedoor.NotFound)
		must(s.LinkIdentity(ctx, ada.ID, stagedoor.Identity{Connection: "Users", Provider: "auth0", UserID: "other"}, true))(t)
		hasCode(t, s.CreateUser(ctx, person("auth0", "Users", "again"), ""), stagedoor.Conflict, "user_exists")
		must(s.UnlinkIdentity(ctx, bob.ID, "samlp", "samlp1"))(t)
		if u := must(s.User(ctx, "samlp|samlp1"))(t); u.Email != address {
			t.Errorf("%+v", u)
		}
	})
}

// TestCreateUsers: all of them or none.
func TestCreateUsers(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		user := func(n int, email string) *stagedoor.User {
			return &stagedoor.User{
				ID: fmt.Sprint("auth0|", n), Connection: "Users", Email: email,
				Identities: []stagedoor.Identity{{Connection: "Users", Provider: "auth0", UserID: fmt.Sprint(n)}},
			}
		}
		var many []*stagedoor.User
		for n := range 45 {
			many = append(many, user(n, fmt.Sprintf("u%d@example.com", n)))
		}
		ok(t, s.CreateUsers(t.Context(), many))
		if err := s.CreateUsers(t.Context(), []*stagedoor.User{user(100, "fresh@example.com"), user(101, "u7@example.com")}); !stagedoor.IsKind(err, stagedoor.Conflict) {
			t.Errorf("a taken address: %v", err)
		}
		if err := s.CreateUsers(t.Context(), []*stagedoor.User{user(100, "fresh@example.com"), user(100, "other@example.com")}); !stagedoor.IsKind(err, stagedoor.Conflict) {
			t.Errorf("one id twice: %v", err)
		}
		if _, err := s.User(t.Context(), "auth0|100"); !stagedoor.IsKind(err, stagedoor.NotFound) {
			t.Errorf("one of those who were refused is there: %v", err)
		}
		if u, err := s.User(t.Context(), "auth0|44"); err != nil || u.Email != "u44@example.com" {
			t.Errorf("the last one: %v %v", u, err)
		}
	})
}
