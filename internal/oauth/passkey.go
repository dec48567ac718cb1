package oauth

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// grantPasskey is the grant by which an app, or a page of the client's own, signs somebody in with a passkey (Authentication API fact sheet 4.9).
const grantPasskey = "urn:okta:params:oauth:grant-type:webauthn"

// passkeyLife is how long somebody may take to use, or to make, their passkey.
const passkeyLife = 10 * time.Minute

// passkeySession is what an auth_session stands for.
type passkeySession struct {
	ClientID, Connection string
	SignsUp              bool
}

// startPasskey answers /passkey/challenge, and /passkey/register where somebody signs up.
func startPasskey(signsUp bool) handler {
	return func(d *Door, w http.ResponseWriter, r *http.Request, st *store.Store) {
		out, err := d.passkeyOptions(w, r, st, signsUp)
		if err != nil {
			refuse(w, r, st, err)
			return
		}
		noStore(w)
		web.WriteJSON(w, http.StatusOK, out)
	}
}

func (d *Door) passkeyOptions(w http.ResponseWriter, r *http.Request, st *store.Store, signsUp bool) (any, error) {
	ctx := r.Context()
	params, err := readParams(w, r)
	if err != nil {
		return nil, err
	}
	client, err := authenticateClient(ctx, r, st, params)
	if err != nil {
		return nil, err
	}
	if !client.Allows(grantPasskey) || !client.IsFirstParty || !client.OIDCConformant {
		return nil, errGrant(grantPasskey)
	}
	t := &tokenRequest{Door: d, st: st, client: client, params: params, visit: visit(r, st), event: &stagedoor.LogEvent{}}
	conn, err := t.passkeyConnection(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.begins(r, st, client, guard.Passkeys); err != nil {
		return nil, err
	}
	token, until := stagedoor.NewToken(), st.Clock().Now().Add(passkeyLife)
	var options json.RawMessage
	if signsUp {
		var u *stagedoor.User
		if u, err = newPerson(conn, params["user_profile"]); err == nil {
			options, err = d.Pipeline.StartPasskeySignUp(ctx, t.visit, conn, client.ID, u, "session/"+token, until, pipeline.PasskeyOrigins(client)...)
		}
	} else {
		options, err = d.Pipeline.StartPasskey(ctx, t.visit, "session/"+token, until, pipeline.PasskeyOrigins(client)...)
	}
	if err != nil {
		return nil, err
	}
	state, err := json.Marshal(passkeySession{client.ID, conn.Name, signsUp})
	if err != nil {
		return nil, err
	}
	if err := st.SaveCeremony(ctx, "passkey session/"+token, string(state), until); err != nil {
		return nil, err
	}
	st.Log(web.LogEvent(r, stagedoor.LogEvent{Type: "passkey_challenge_started", ClientID: client.ID, ClientName: client.Name, Connection: conn.Name, ConnID: conn.ID}))
	return map[string]any{"auth_session": token, "authn_params_public_key": options}, nil
}

// passkeyConnection is the database with passkeys that the request names, or the first one of the client.
func (t *tokenRequest) passkeyConnection(ctx context.Context) (*stagedoor.Connection, error) {
	all, err := t.st.Connections(ctx)
	if err != nil {
		return nil, err
	}
	realm := t.params["realm"]
	for i := range all {
		c := &all[i]
		if c.EnabledFor(t.client.ID) && c.Passkeys().On && (realm == "" || c.Name == realm || slices.Contains(c.Realms, realm)) {
			return c, nil
		}
	}
	return nil, invalid("No connection of the client takes passkeys.")
}

// newPerson reads who signs up. Names are bounded as at /dbconnections/signup.
func newPerson(conn *stagedoor.Connection, profile string) (*stagedoor.User, error) {
	var in struct {
		Email, Username, Name, Nickname string
		GivenName                       string `json:"given_name"`
		FamilyName                      string `json:"family_name"`
		Phone                           string `json:"phone_number"`
	}
	if profile == "" {
		return nil, missing("user_profile")
	}
	if json.Unmarshal([]byte(profile), &in) != nil {
		return nil, invalid("user_profile should be an object of texts")
	}
	u := &stagedoor.User{Email: in.Email, Username: in.Username, Name: in.Name, Nickname: in.Nickname, GivenName: in.GivenName, FamilyName: in.FamilyName}
	rules := conn.Options.Attributes()
	if rules.Flexible {
		u.PhoneNumber = in.Phone
	}
	for _, s := range []string{u.Email, u.PhoneNumber, u.Username, u.Name, u.Nickname, u.GivenName, u.FamilyName} {
		if len(s) > 350 || unreadable(s) {
			return nil, invalid("user_profile holds a text that is too long or cannot be read.")
		}
	}
	if strings.TrimSpace(u.Email) == "" && rules.Email.Must {
		return nil, invalid("Missing required property: user_profile.email")
	}
	return u, nil
}

// authSession reads what an auth_session stands for, as it was kept. One that is gone, or another client's, is refused.
func authSession[T any](state string, err error, client *stagedoor.Client, of func(T) string) (s T, _ error) {
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return s, invalidGrant("Invalid or expired auth_session.")
	}
	if err == nil {
		err = json.Unmarshal([]byte(state), &s)
	}
	if err == nil && of(s) != client.ID {
		err = invalidGrant("auth_session not issued to this client")
	}
	return s, err
}

// redeemPasskey signs somebody in, or up, with a passkey.
func redeemPasskey(ctx context.Context, t *tokenRequest) (*tokenResponse, error) {
	for _, name := range []string{"auth_session", "authn_response"} {
		if t.params[name] == "" {
			return nil, missing(name)
		}
	}
	state, err := t.st.TakeCeremony(ctx, "passkey session/"+t.params["auth_session"])
	s, err := authSession[passkeySession](state, err, t.client, func(s passkeySession) string { return s.ClientID })
	if err != nil {
		return nil, err
	}
	t.params["realm"] = s.Connection
	conn, err := t.passkeyConnection(ctx)
	if err != nil {
		return nil, err
	}
	x, err := t.direct(ctx, "oauth2-webauthn", "webauthn")
	if err != nil {
		return nil, err
	}
	a, user, err := t.Pipeline.ByPasskey(ctx, t.visit, x, conn, "session/"+t.params["auth_session"], []byte(t.params["authn_response"]), s.SignsUp, t.event, pipeline.PasskeyOrigins(t.client)...)
	if stagedoor.HasCode(err, "invalid_key") {
		return nil, invalidGrant("The passkey could not be verified.")
	}
	return t.directly(ctx, x, a, user, err)
}
