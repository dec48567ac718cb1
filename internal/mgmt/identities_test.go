package mgmt

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// conn makes a connection of acme that the client web_acme may use, and returns its id.
func (h *house) conn(strategy, name, options string) string {
	h.Helper()
	return h.call(h.machine("acme"), "POST", "/connections", `{"strategy":"`+strategy+`","name":"`+name+`","options":`+options+`,"enabled_clients":["web_acme"]}`).is(201, "").text("id")
}

// link asks for the second user to be linked to the first.
func (h *house) link(primary, secondary string) answer {
	h.Helper()
	provider, _, _ := strings.Cut(secondary, "|")
	return h.call(h.machine("acme"), "POST", "/users/"+primary+"/identities", `{"provider":"`+provider+`","user_id":"`+secondary+`"}`)
}

// proves tells whom a password proves in the connection Users, "" if nobody.
func (h *house) proves(identifier, secret string) string {
	h.Helper()
	conn, err := h.store("acme").ConnectionByName(context.Background(), "Users")
	h.ok(err)
	u, _, err := h.api.Database.Authenticate(context.Background(), h.store("acme"), conn, identifier, secret)
	if err != nil {
		return ""
	}
	return u.ID
}

const (
	adaIdentity = `{"connection":"Users","user_id":"ada","provider":"auth0","isSocial":false,"profileData":{"email":"ada@x.test","email_verified":false,"nickname":"ada","picture":"https://x.test/a.png"}}`
	bobIdentity = `{"connection":"Users","user_id":"bob","provider":"auth0","isSocial":false,"profileData":{"email":"bob@x.test","email_verified":true,"given_name":"Bob","nickname":"bob","picture":"https://x.test/b.png"}}`
)

func TestLinking(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		ada := h.user("ada", `,"picture":"https://x.test/a.png","user_metadata":{"a":1}`)
		bob := h.user("bob", `,"picture":"https://x.test/b.png","given_name":"Bob","email_verified":true,"user_metadata":{"b":1},"app_metadata":{"b":1}`)
		h.link(ada, bob).is(201, `[`+adaIdentity+`,`+bobIdentity+`]`)
		h.call(all, "GET", "/users/"+bob, "").fails(404, "inexistent_user", "The user does not exist.")
		got := h.call(all, "GET", "/users/"+ada, "")
		metadata, err := json.Marshal(got.get("user_metadata"))
		h.ok(err)
		if got.text("email") != "ada@x.test" || string(metadata) != `{"a":1}` || got.get("app_metadata") != nil {
			h.Errorf("after linking: %s", got.body)
		}
		h.call(all, "GET", `/users?q=identities.profileData.email:%22bob@x.test%22`, "").is(200, `[`+got.body+`]`)
		if h.proves("bob@x.test", "Correct-Horse-1") != ada || h.proves("bob@x.test", "wrong") != "" {
			h.Error("the linked password does not prove its new owner")
		}

		// What the linked identity is known by is taken.
		h.call(all, "POST", "/users", `{"connection":"Users","email":"bob@x.test","password":"Correct-Horse-1"}`).fails(409, "auth0_idp_error", "The user already exists.")
		h.call(all, "POST", "/users", `{"connection":"Users","email":"b@x.test","password":"Correct-Horse-1","user_id":"bob"}`).fails(409, "auth0_idp_error", "The user already exists.")
		eve := h.user("eve", "")
		h.call(all, "PATCH", "/users/"+eve, `{"email":"bob@x.test"}`).fails(400, "auth0_idp_error", "The specified new email already exists")
		h.link(eve, bob).fails(409, "identity_conflict", "Specified identity already exists.")
		h.link(ada, bob).fails(409, "identity_conflict", "Specified identity already exists.")
		h.link(ada, ada).fails(400, "operation_not_supported", "Main identity and the new one are the same.")
		h.link(ada, "auth0|nobody").fails(400, "operation_not_supported", "Linking to an inexistent identity requires a connection.")
		h.link("auth0|nobody", bob).fails(404, "inexistent_user", "The user does not exist.")

		// A user who brings identities along.
		h.link(eve, ada).is(201, "")
		if h.proves("bob@x.test", "Correct-Horse-1") != eve || h.proves("ada@x.test", "Correct-Horse-1") != eve {
			h.Error("identities were lost")
		}
		h.call(all, "DELETE", "/users/"+eve+"/identities/auth0/"+bob, "").is(200, "")
		h.call(all, "DELETE", "/users/"+eve+"/identities/auth0/eve", "").fails(400, "operation_not_supported", "Main identity cannot be removed.")
		h.call(all, "DELETE", "/users/"+eve+"/identities/auth0/ada", "").is(200, "")
		left := h.call(all, "DELETE", "/users/"+eve+"/identities/auth0/bob", "").is(200, "")
		if !strings.HasPrefix(left.body, `[{"connection":"Users","provider":"auth0","user_id":"eve"`) || strings.Count(left.body, "connection") != 1 {
			h.Errorf("left: %s", left.body)
		}
		h.call(all, "DELETE", "/users/auth0%7Cnobody/identities/auth0/ada", "").fails(404, "inexistent_user", "The user does not exist.")
		got = h.call(all, "GET", "/users/"+bob, "").is(200, "")
		if got.text("given_name") != "Bob" || got.text("name") != "bob@x.test" || got.get("email_verified") != true || got.get("user_metadata") != nil {
			h.Errorf("unlinked: %s", got.body)
		}
		if h.proves("bob@x.test", "Correct-Horse-1") != bob {
			h.Error("the password was lost")
		}
		h.link(ada, bob).is(201, "")
		h.call(all, "DELETE", "/users/"+ada, "").is(204, "")
		if logged := h.logged("acme"); logged[0] != "sapi Delete a User" || logged[1] != "sdu User successfully deleted" {
			h.Errorf("log %q", logged[:2])
		}
		h.user("bob", "")
	})
}

func TestLinkRefusals(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	ada := h.user("ada", "")
	path := "/users/" + ada + "/identities"
	for body, reason := range map[string]string{
		`{}`:                                `'Missing required property: provider'.`,
		`{"provider":"auth0"}`:              `'Missing required property: user_id'.`,
		`{"provider":"auth0","user_id":{}}`: `'Expected type string but found another type' on property user_id.`,
		`{"provider":"auth0","user_id":"x","connection_id":"con_x"}`: `'String does not match pattern ^con_[A-Za-z0-9]{16}$: con_x' on property connection_id (connection_id of the secondary user account being linked when more than one auth0 database provider exists).`,
		`{"colour":1}`: `'Additional properties not allowed: colour'.`,
	} {
		h.call(all, "POST", path, body).fails(400, "invalid_body", "Payload validation error: "+reason)
	}
	h.call(all, "POST", path, `{"provider":"github","user_id":1}`).fails(400, "operation_not_supported", "The provider/connection is not configured.")
	h.call(all, "POST", path, `{"provider":"auth0","user_id":"x","link_with":"x"}`).fails(400, "invalid_body", "link_with cannot be sent together with provider, user_id or connection_id.")
	con := h.conn("auth0", "More", "{}")
	h.call(all, "POST", path, `{"provider":"auth0","user_id":"x","connection_id":"`+con+`"}`).fails(400, "operation_not_supported", "Provided secondary account not found.")
	h.user("bob", "")
	h.call(all, "POST", path, `{"provider":"auth0","user_id":"bob","connection_id":"`+con+`"}`).fails(400, "operation_not_supported", "Provided secondary account not found.")
	h.call(all, "POST", path, `{"provider":"auth0","user_id":"bob","connection_id":"`+h.connectionID()+`"}`).is(201, "") // of several databases the one that is named
}

// A social identity can be linked before its person has ever come through it; alone it is a user without a profile of its own.
func TestLinkingWhoNeverCame(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		ada := h.user("ada", "")
		con := h.conn("github", "github", "{}")
		h.call(all, "POST", "/users/"+ada+"/identities", `{"provider":"github","user_id":12345,"connection_id":"`+con+`"}`).is(201, "")
		h.call(all, "DELETE", "/users/"+ada+"/identities/github/12345", "").is(200, "")
		hub := "github%7C12345"
		got := h.call(all, "GET", "/users/"+hub, "").is(200, "")
		if !strings.Contains(got.body, `{"connection":"github","user_id":"12345","provider":"github","isSocial":true}`) && !strings.Contains(got.body, `"isSocial":true`) {
			h.Errorf("%s", got.body)
		}
		h.call(all, "PATCH", "/users/"+hub, `{"name":"N","family_name":"F"}`).fails(400, "operation_not_supported",
			"The following user attributes cannot be updated: family_name, name. The connection must either be a database connection (using the Auth0 store), "+
				"a passwordless connection (email or sms) or has disabled 'Sync user profile attributes at each login'. "+
				"For more information, see https://auth0.com/docs/dashboard/guides/connections/configure-connection-sync")
		h.call(all, "PATCH", "/users/"+hub, `{"email":"x@x.test"}`).fails(400, "operation_not_supported", "Cannot update email for non-database user")
		h.call(all, "PATCH", "/users/"+hub, `{"password":"Correct-Horse-2"}`).fails(400, "operation_not_supported", "Cannot update password for non-database user")
		h.call(all, "PATCH", "/users/"+hub, `{"phone_number":"+1555"}`).fails(400, "operation_not_supported", "Cannot update phone_number for non-sms user")
		h.call(all, "PATCH", "/users/"+hub, `{"blocked":true,"user_metadata":{"a":1}}`).is(200, "")
		h.call(all, "PATCH", "/connections/"+con, `{"options":{"set_user_root_attributes":"on_first_login"}}`).is(200, "")
		h.call(all, "PATCH", "/users/"+hub, `{"name":"N"}`).is(200, "")

		h.link(ada, "github|12345").is(201, "")
		h.call(all, "DELETE", "/connections/"+con, "")
		if got := h.call(all, "GET", "/users/"+ada, ""); strings.Contains(got.body, "github") {
			h.Errorf("an identity outlives its connection: %s", got.body)
		}
		con = h.conn("samlp", "corp", `{"signInEndpoint":"https://idp.test/","signingCert":"x"}`)
		h.call(all, "POST", "/users/"+ada+"/identities", `{"provider":"samlp","user_id":"corp|7","connection_id":"`+con+`"}`).is(201, "")
		h.call(all, "DELETE", "/users/"+ada+"/identities/samlp/corp%7C7", "").is(200, "")
		h.call(all, "PATCH", "/users/samlp%7Ccorp%7C7", `{"email_verified":true}`).fails(400, "operation_not_supported", "Email verification is not supported for enterprise users")
	})
}

// A person links with the ID token of the other account, made for the same client.
func TestLinkWith(t *testing.T) {
	h := sqlite(t)
	ada, bob := h.user("ada", ""), h.user("bob", "")
	own := h.person("acme", ada, "update:current_user_identities")
	path := "/users/" + ada + "/identities"
	idToken := func(changes map[string]any) string {
		claims := map[string]any{"aud": "web_acme", "sub": bob, "scope": nil, "azp": nil, "gty": nil}
		for k, v := range changes {
			claims[k] = v
		}
		return h.sign("acme", claims)
	}
	with := func(bearer, token string) answer { return h.call(bearer, "POST", path, `{"link_with":"`+token+`"}`) }
	for token, reason := range map[string]string{
		"x": "is not a valid JWT.",
		h.signWith("HS256", "", []byte("secret of the client that nobody else knows"), map[string]any{"sub": bob, "aud": "web_acme", "iss": "https://acme.test/", "iat": start.Unix(), "exp": start.Unix() + 60}): "must have an alg of RS256.",
		idToken(map[string]any{"exp": start.Unix() - 1}):               "has expired.",
		idToken(map[string]any{"iss": "https://evil.test/"}):           "must have the same iss as the access token.",
		idToken(map[string]any{"aud": "other"}):                        "must have an aud that is the azp of the access token.",
		idToken(map[string]any{"aud": []string{"web_acme", "other"}}):  "must have an aud that is the azp of the access token.",
		idToken(map[string]any{"sub": nil}):                            "must have a sub.",
		h.sign("other", map[string]any{"aud": "web_acme", "sub": bob}): "has an invalid signature.",
	} {
		with(own, token).fails(400, "invalid_body", "JWT (link_with) "+reason)
	}
	with(own, idToken(map[string]any{"sub": "auth0|nobody"})).fails(400, "operation_not_supported", "Provided secondary account not found.")
	with(own, idToken(map[string]any{"sub": ada})).fails(400, "operation_not_supported", "Main identity and the new one are the same.")
	with(h.person("acme", bob, "update:current_user_identities"), idToken(nil)).fails(403, "unowned_resource", "User to be acted on does not match subject in bearer token.")
	h.call(own, "POST", path, `{"provider":"auth0","user_id":"bob"}`).fails(400, "invalid_body", "Payload validation error: 'Missing required property: link_with'.")
	with(own, idToken(nil)).is(201, "")
	with(own, idToken(nil)).fails(400, "operation_not_supported", "Provided secondary account not found.")
	h.call(own, "DELETE", path+"/auth0/bob", "").is(200, "")
}

// Of all who want one account, one gets it, and nothing is lost.
func TestLinkingAtOnce(t *testing.T) {
	each(t, func(h *house) {
		bob := h.user("bob", "")
		rivals := []string{h.user("ada", ""), h.user("eve", ""), h.user("dan", "")}
		var wg sync.WaitGroup
		codes := make([]int, 9)
		for i := range codes {
			wg.Go(func() {
				switch i % 3 {
				case 0:
					codes[i] = h.link(rivals[i/3], bob).code
				case 1: // and the account takes the rival
					codes[i] = h.link(bob, rivals[i/3]).code
				default: // while others want its address
					codes[i] = h.call(h.machine("acme"), "POST", "/users", `{"connection":"Users","email":"bob@x.test","password":"Correct-Horse-1"}`).code
				}
			})
		}
		wg.Wait()
		for i, code := range codes {
			if code != 201 && code/100 != 4 || i%3 == 2 && code != 409 {
				h.Errorf("answers %v", codes)
			}
		}
		users, _, err := h.store("acme").Users(t.Context(), store.UserQuery{PerPage: 50})
		h.ok(err)
		seen := map[string]string{}
		for _, u := range users {
			for _, i := range u.Identities {
				if seen[i.FullID()] != "" {
					h.Errorf("%s is of %s and of %s", i.FullID(), seen[i.FullID()], u.ID)
				}
				seen[i.FullID()] = u.ID
			}
		}
		for _, id := range append(rivals, bob) {
			mail := strings.TrimPrefix(id, "auth0|") + "@x.test"
			if owner := seen[id]; owner == "" || h.proves(mail, "Correct-Horse-1") != owner {
				h.Errorf("%s is of %q, and its password proves %q", id, owner, h.proves(mail, "Correct-Horse-1"))
			}
		}
		if len(seen) != 4 {
			h.Errorf("identities %v, answers %v", seen, codes)
		}
	})
}

func TestPatchLinkedIdentity(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		h.conn("auth0", "More", "{}")
		ada := h.user("ada", "")
		h.call(all, "POST", "/users", `{"connection":"More","email":"second@x.test","password":"Correct-Horse-1","user_id":"second"}`).is(201, "")
		h.call(all, "POST", "/users", `{"connection":"More","email":"taken@x.test","password":"Correct-Horse-1","user_id":"taken"}`).is(201, "")
		h.link(ada, "auth0|second").is(201, "")
		h.call(all, "PATCH", "/users/"+ada, `{"connection":"More","email":"taken@x.test"}`).fails(400, "auth0_idp_error", "The specified new email already exists")
		h.call(all, "PATCH", "/users/"+ada, `{"connection":"More","nickname":"n","picture":"https://x.test/p"}`).fails(400, "operation_not_supported",
			"The following user attributes cannot be updated: nickname, picture. The specified connection belongs to a secondary identity.")
		h.call(all, "PATCH", "/users/"+ada, `{"connection":"None","email":"x@x.test"}`).fails(400, "inexistent_connection", "The connection does not exist.")
		got := h.call(all, "PATCH", "/users/"+ada, `{"connection":"More","email":"Next@x.test","email_verified":true,"user_metadata":{"a":1}}`).is(200, "")
		u, err := h.store("acme").User(t.Context(), ada)
		h.ok(err)
		if i := u.Identities[1]; got.text("email") != "ada@x.test" || i.Text("email") != "next@x.test" || !i.Flag("email_verified") {
			h.Errorf("%s", got.body)
		}
		h.call(all, "PATCH", "/users/"+ada, `{"connection":"More","password":"Other-Horse-22"}`).is(200, "")
		conn, err := h.store("acme").ConnectionByName(t.Context(), "More")
		h.ok(err)
		if u, _, err := h.api.Database.Authenticate(t.Context(), h.store("acme"), conn, "next@x.test", "Other-Horse-22"); err != nil || u.ID != ada {
			h.Errorf("%v %v", u, err)
		}
		if h.proves("ada@x.test", "Correct-Horse-1") != ada {
			h.Error("the password of the first identity was changed")
		}
		h.conn("auth0", "Phones", `{"attributes":{"phone_number":{"identifier":{"active":true}}}}`)
		h.call(all, "POST", "/users", `{"connection":"Phones","phone_number":"+4915123456789","password":"Correct-Horse-1","user_id":"phone"}`).is(201, "")
		h.link(ada, "auth0|phone").is(201, "")
		h.call(all, "PATCH", "/users/"+ada, `{"connection":"Phones","phone_number":null}`).fails(400, "operation_not_supported", "The user would have nothing left to log in with.")
	})
}

func TestPasswordlessUsers(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		h.conn("sms", "sms", "{}")
		h.conn("email", "email", "{}")
		got := h.call(all, "POST", "/users", `{"connection":"sms","phone_number":"+15550100","phone_verified":true,"user_id":"p1"}`).is(201, "")
		if got.text("user_id") != "sms|p1" || got.text("name") != "+15550100" || got.get("phone_verified") != true || got.get("email") != nil {
			h.Errorf("%s", got.body)
		}
		h.call(all, "POST", "/users", `{"connection":"sms","phone_number":"+15550100"}`).fails(409, "auth0_idp_error", "The user already exists.")
		h.call(all, "POST", "/users", `{"connection":"sms"}`).fails(400, "invalid_body", "Payload validation error: 'Missing required property: phone_number'.")
		other := h.call(all, "POST", "/users", `{"connection":"sms","phone_number":"+15550101","email":"a@x.test"}`).is(201, "").text("user_id")
		h.call(all, "PATCH", "/users/"+other, `{"phone_number":"+15550100"}`).fails(400, "auth0_idp_error", "The specified new phone number already exists")
		h.call(all, "PATCH", "/users/"+other, `{"phone_number":null}`).fails(400, "operation_not_supported", "The following user attributes cannot be removed: phone_number.")
		h.call(all, "PATCH", "/users/"+other, `{"email_verified":true}`).fails(400, "operation_not_supported", "Email verification is not supported for enterprise users")
		h.call(all, "PATCH", "/users/"+other, `{"phone_number":"+15550102","name":"N"}`).is(200, "")

		mail := h.call(all, "POST", "/users", `{"connection":"email","email":"M@x.test","email_verified":true}`).is(201, "")
		if !strings.HasPrefix(mail.text("user_id"), "email|") || mail.text("email") != "m@x.test" || len(h.mails) != 0 {
			h.Errorf("%s %v", mail.body, h.mails)
		}
		h.call(all, "POST", "/users", `{"connection":"email","email":"m@x.test"}`).fails(409, "auth0_idp_error", "The user already exists.")
		h.call(all, "POST", "/users", `{"connection":"email","email":"n@x.test","password":"Correct-Horse-1"}`).fails(400, "invalid_body", "Cannot set password for a passwordless connection.")
		h.call(all, "POST", "/users", `{"connection":"email","email":"n@x.test","username":"n"}`).fails(400, "invalid_body", "Cannot set username for connection without requires_username.")
		h.call(all, "PATCH", "/users/"+mail.text("user_id"), `{"email":"n@x.test","email_verified":true}`).is(200, "")
		h.conn("github", "github", "{}")
		h.call(all, "POST", "/users", `{"connection":"github","email":"n@x.test"}`).
			fails(400, "invalid_body", "Connection does not support user creation through the API. It must either be a database or passwordless connection.")
		ada := h.user("ada", "")
		h.link(ada, "sms|p1").is(201, "")
		h.call(all, "POST", "/users", `{"connection":"sms","phone_number":"+15550100"}`).fails(409, "auth0_idp_error", "The user already exists.")
	})
}

// A linked identity has an address and a password of its own: what is asked for it must not be done to the user's.
func TestTicketsOfLinkedIdentities(t *testing.T) {
	h := sqlite(t)
	bearer := h.machine("acme")
	ada, bob := h.user("ada", ""), h.user("bob", "")
	h.link(ada, bob).is(201, "")
	for _, path := range []string{"/jobs/verification-email", "/tickets/email-verification", "/tickets/password-change"} {
		h.call(bearer, "POST", path, `{"user_id":"`+ada+`","identity":{"user_id":"bob","provider":"auth0"}}`).
			fails(501, "not_supported", "An identity that is linked to the user is not supported by this server.")
		h.call(bearer, "POST", path, `{"user_id":"`+ada+`","identity":{"user_id":"ada","provider":"auth0"}}`).is(201, "")
	}
}

// Whoever has an identity that is unlinked is somebody else from then on: what came by it ends, and what came by another connection stays.
func TestUnlinkingEndsWhatCameByIt(t *testing.T) {
	each(t, func(h *house) {
		all, st, ctx := h.machine("acme"), h.store("acme"), context.Background()
		ada := h.user("ada", "")
		con := h.conn("github", "github", "{}")
		h.call(all, "POST", "/users/"+ada+"/identities", `{"provider":"github","user_id":12345,"connection_id":"`+con+`"}`).is(201, "")
		for _, name := range []string{"github", "Users"} {
			until := start.Add(time.Hour)
			h.ok(st.CreateSession(ctx, "handle "+name, &stagedoor.Session{ID: "sess_" + name, UserID: ada, Connection: name, CreatedAt: start, LastInteractionAt: start, ExpiresAt: until, IdleExpiresAt: until}))
			h.ok(st.CreateRefreshToken(ctx, "refresh "+name, &stagedoor.RefreshToken{ID: "rt_" + name, FamilyID: name, UserID: ada, ClientID: "web_acme", Connection: name, ExpiresAt: until}))
			h.ok(st.SaveMFAToken(ctx, "mfa "+name, &stagedoor.MFAToken{UserID: ada, ClientID: "web_acme", Connection: name, ExpiresAt: until}))
		}
		left := func(when string, n int) {
			h.Helper()
			sessions, err := st.UserSessions(ctx, ada)
			h.ok(err)
			tokens, err := st.UserRefreshTokens(ctx, ada)
			h.ok(err)
			_, err = st.MFAToken(ctx, "mfa github")
			if _, own := st.MFAToken(ctx, "mfa Users"); len(sessions) != n || len(tokens) != n || (err == nil) != (n == 2) || own != nil {
				h.Errorf("%s: %v %v %v %v", when, sessions, tokens, err, own)
			}
		}
		h.call(all, "DELETE", "/users/"+ada+"/identities/github/1", "").is(200, "")
		h.call(all, "DELETE", "/users/"+ada+"/identities/auth0/ada", "").fails(400, "operation_not_supported", "Main identity cannot be removed.")
		left("nothing was unlinked", 2)
		h.call(all, "DELETE", "/users/"+ada+"/identities/github/12345", "").is(200, "")
		left("unlinked", 1)
	})
}

// TestVerifyPhoneNumber: whose number was changed gets a code by which they log in, at a client of the connection, and so prove that it is theirs.
func TestVerifyPhoneNumber(t *testing.T) {
	each(t, func(h *house) {
		all, ctx := h.machine("acme"), context.Background()
		con := h.conn("sms", "sms", `{"template":"{{ code }} is your code for {{ application.name }}","syntax":"liquid"}`)
		id := h.call(all, "POST", "/users", `{"connection":"sms","phone_number":"+15550100","phone_verified":true}`).is(201, "").text("user_id")
		patch := func(body string) answer { h.Helper(); return h.call(all, "PATCH", "/users/"+id, body) }
		sent := func(number string) string {
			h.Helper()
			mails, err := h.store("acme").Mails(ctx)
			h.ok(err)
			text := ""
			for _, m := range mails {
				if m.To == number {
					text = m.Text
				}
			}
			return text
		}
		patch(`{"phone_number":"+15550101","verify_phone_number":true}`).is(200, "") // nobody can send
		if got := h.logged("acme"); !slices.Contains(got, "fn The code could not be sent: There is no phone provider that could send the message.") {
			h.Errorf("%q", got)
		}
		_, err := h.store("acme").UpdateSettings(ctx, func(s *stagedoor.TenantSettings) error { s.Local.DevelopmentInbox = true; return nil })
		h.ok(err)
		if got := patch(`{"phone_number":"+15550102","verify_phone_number":true}`).is(200, ""); got.get("phone_verified") != false {
			h.Errorf("%s", got.body)
		}
		code, rest, _ := strings.Cut(sent("+15550102"), " ")
		if len(code) != 6 || rest != "is your code for web" {
			h.Errorf("%q", sent("+15550102"))
		}
		kept, err := h.store("acme").OneTimeCode(ctx, "login/"+con, "+15550102")
		if h.ok(err); kept.ClientID != "web_acme" || kept.Link {
			h.Errorf("%+v", kept)
		}
		if _, err := h.store("acme").OneTimeCode(ctx, "login/"+con, "+15550101"); err != nil {
			h.Error(err)
		}
		patch(`{"phone_number":"+15550103","verify_phone_number":false}`).is(200, "")
		patch(`{"phone_number":"+15550104","phone_verified":true,"verify_phone_number":true}`).is(200, "")
		if sent("+15550103") != "" || sent("+15550104") != "" {
			h.Error("a code that nobody wants")
		}
		patch(`{"verify_phone_number":true}`).fails(400, "operation_not_supported", "Cannot verify phone_number unless it is changed")
		patch(`{"phone_number":"+15550105","verify_phone_number":true,"client_id":"other"}`).fails(400, "operation_not_supported", "The connection is not enabled for the client.")
		second := h.call(all, "POST", "/clients", `{"name":"Second"}`).is(201, "").text("client_id")
		h.call(all, "PATCH", "/connections/"+con+"/clients", `[{"client_id":"`+second+`","status":true}]`).is(204, "")
		patch(`{"phone_number":"+15550105","verify_phone_number":true}`).
			fails(400, "invalid_body", "Payload validation error: 'Missing required property: client_id (the code that verify_phone_number sends is for one of the connection's clients)' on property client_id.")
		patch(`{"phone_number":"+15550105","verify_phone_number":true,"client_id":"`+second+`"}`).is(200, "")
		if got := sent("+15550105"); !strings.HasSuffix(got, "is your code for Second") {
			h.Errorf("%q", got)
		}
		user := h.call(all, "POST", "/users", `{"connection":"Users","email":"ada@example.com","password":"Engine-No.1 of ada"}`).is(201, "").text("user_id")
		h.call(all, "PATCH", "/users/"+user, `{"phone_number":"+15550106","verify_phone_number":true}`).fails(400, "operation_not_supported", "Cannot verify phone_number for non-sms user")
	})
}

// A person's token is from before all their access ended, unless it is the one by which they ended it.
func TestAttackLinkFromBefore(t *testing.T) {
	each(t, func(h *house) {
		ada, bob := h.user("ada", ""), h.user("bob", "")
		own := h.person("acme", ada, "update:current_user_identities")
		found := h.person("acme", ada, "read:current_user", "update:current_user_identities")
		h.link(ada, bob).is(201, "")
		h.call(own, "DELETE", "/users/"+ada+"/identities/auth0/bob", "").is(200, "")
		h.call(own, "DELETE", "/users/"+ada+"/identities/auth0/bob", "").is(200, "")
		h.call(found, "GET", "/users/"+ada, "").is(401, "")
		h.call(h.machine("acme"), "PATCH", "/users/"+ada, `{"password":"Another-Horse-2","connection":"Users"}`).is(200, "")
		h.call(own, "POST", "/users/"+ada+"/identities", `{"link_with":"x"}`).is(401, "")
		h.call(h.person("acme", bob, "read:current_user"), "GET", "/users/"+bob, "").is(200, "") // somebody of their own
	})
}

// The ID token of somebody who is blocked, or from before they chose another password, takes their account nowhere: whoever found out the password has one.
func TestAttackLinkWithTokenFromBefore(t *testing.T) {
	each(t, func(h *house) {
		ada, bob := h.user("ada", ""), h.user("bob", "")
		own, st := h.person("acme", ada, "update:current_user_identities"), h.store("acme")
		token := func(more map[string]any) string {
			claims := map[string]any{"aud": "web_acme", "sub": bob, "scope": nil, "azp": nil, "gty": nil}
			maps.Copy(claims, more)
			return h.sign("acme", claims)
		}
		link := func(token string) answer {
			return h.call(own, "POST", "/users/"+ada+"/identities", `{"link_with":"`+token+`"}`)
		}
		found := token(map[string]any{"iat": start.Unix() - 60})
		h.call(h.machine("acme"), "PATCH", "/users/"+bob, `{"blocked":true}`).is(200, "")
		link(token(nil)).fails(400, "invalid_body", "JWT (link_with) is from before the access of its user ended.")
		h.call(h.machine("acme"), "PATCH", "/users/"+bob, `{"blocked":false}`).is(200, "")
		h.call(h.machine("acme"), "PATCH", "/users/"+bob, `{"password":"Another-Horse-2","connection":"Users"}`).is(200, "")
		link(found).fails(400, "invalid_body", "JWT (link_with) is from before the access of its user ended.")
		conformant := func(is bool) {
			_, err := st.UpdateClient(t.Context(), "web_acme", func(c *stagedoor.Client) error { c.OIDCConformant = is; return nil })
			h.ok(err)
		}
		u, err := st.User(t.Context(), bob)
		h.ok(err)
		now := map[string]any{"iat": start.Unix(), "access_ended": u.AccessEnded}
		conformant(false) // these say from when they are
		link(token(map[string]any{"iat": start.Unix(), "access_ended": u.AccessEnded - 1})).fails(400, "invalid_body", "JWT (link_with) is from before the access of its user ended.")
		link(token(now)).is(201, "")
		h.call(own, "DELETE", "/users/"+ada+"/identities/auth0/bob", "").is(200, "")
		conformant(true)
		delete(now, "access_ended")
		link(token(now)).is(201, "")
	})
}

// Who is blocked does nothing with a token from before.
func TestAttackBlockedPerson(t *testing.T) {
	h := sqlite(t)
	ada := h.user("ada", "")
	own := h.person("acme", ada, "update:current_user_metadata")
	h.call(own, "PATCH", "/users/"+ada, `{"user_metadata":{"a":1}}`).is(200, "")
	h.call(h.machine("acme"), "PATCH", "/users/"+ada, `{"blocked":true}`).is(200, "")
	h.call(own, "PATCH", "/users/"+ada, `{"user_metadata":{"a":2}}`).is(401, "")
}
