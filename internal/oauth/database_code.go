package oauth

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// databaseCodePath is where an app asks for a code for somebody of a database, which it gives back with the grant of passwordless codes. Official SDKs call
// it (@auth0/auth0-auth-js 1.16); what is said nowhere is in docs/divergences.md.
const databaseCodePath = "/otp/challenge"

// maxOrganization is how long the id or the name of an organization may be, in bytes: it is kept before anybody looks for it.
const maxOrganization = 50

// codeSession is what an auth_session stands for.
type codeSession struct {
	ClientID, Connection, Address, Organization string
	SignsUp                                     bool
}

func (d *Door) startDatabaseCode(w http.ResponseWriter, r *http.Request, st *store.Store) {
	session, err := d.sendDatabaseCode(w, r, st)
	if err != nil {
		refuse(w, r, st, err)
		return
	}
	noStore(w)
	web.WriteJSON(w, http.StatusOK, map[string]string{"auth_session": session})
}

func (d *Door) sendDatabaseCode(w http.ResponseWriter, r *http.Request, st *store.Store) (string, error) {
	ctx := r.Context()
	params, err := readParams(w, r)
	if err != nil {
		return "", err
	}
	client, err := authenticateClient(ctx, r, st, params)
	if err != nil {
		return "", err
	}
	if !client.Allows(grantPasswordless) {
		return "", errGrant(grantPasswordless)
	}
	conn, err := codeDatabase(ctx, st, client, params["connection"])
	if err != nil {
		return "", err
	}
	address, err := codeTarget(conn, params)
	if err != nil {
		return "", err
	}
	if len(params["organization"]) > maxOrganization {
		return "", invalid("organization is neither the id nor the name of one.")
	}
	v := visitForMail(r, st, client)
	if err := d.Pipeline.Human(ctx, v, guard.FlowPasswordless, func(string) string { return params[paramCaptcha] }); err != nil {
		return "", err
	}
	s := codeSession{ClientID: client.ID, Connection: conn.Name, Address: address, Organization: params["organization"], SignsUp: params["allow_signup"] == "true" && !conn.Options.DisableSignup}
	state, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	token := stagedoor.NewToken()
	if _, err := d.Pipeline.SendDatabaseCode(ctx, v, s.login(token), conn, client, address); err != nil { // who asks too often leaves nothing behind
		return "", err
	}
	return token, st.SaveCeremony(ctx, codeSessionKey(token), string(state), st.Clock().Now().Add(pipeline.IdentifierCodeLife))
}

func codeSessionKey(token string) string { return "code session/" + token }

func (s *codeSession) login(token string) pipeline.CodeLogin {
	return pipeline.CodeLogin{ID: codeSessionKey(token), ClientID: s.ClientID, Organization: s.Organization, SignsUp: s.SignsUp}
}

// codeDatabase is the database that a request for a code names: one of the client's, whose people log in by codes.
func codeDatabase(ctx context.Context, st *store.Store, client *stagedoor.Client, name string) (*stagedoor.Connection, error) {
	if name == "" {
		return nil, missing("connection")
	}
	all, err := st.Connections(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(c stagedoor.Connection) bool { return c.Name == name || slices.Contains(c.Realms, name) })
	switch {
	case i < 0 || !all[i].EnabledFor(client.ID):
		return nil, invalid("the connection was not found or is not enabled")
	case !all[i].LoginCodes().On():
		return nil, invalid("The connection does not let people log in by a code.")
	}
	return &all[i], nil
}

// codeTarget is where a code is to be sent, as the server writes it.
func codeTarget(conn *stagedoor.Connection, params map[string]string) (string, error) {
	typed := params["email"]
	switch method := params["delivery_method"]; {
	case (typed == "") == (params[paramPhone] == ""):
		return "", invalid("One of these is needed: email, phone_number.")
	case method != "" && method != "text" && (method != "voice" || typed != ""):
		return "", invalid("delivery_method must be text or voice.")
	case method == "voice":
		return "", invalid("Codes to log in to a database are not spoken: delivery_method must be text.")
	case typed == "":
		typed = params[paramPhone]
	}
	address, _ := connection.CodeAddress(conn, typed)
	if address == "" || stagedoor.IsPhoneNumber(address) != (params["email"] == "") {
		return "", invalid("No code is sent there: the connection takes no such address.")
	}
	return address, nil
}

// redeemDatabaseCode signs somebody in, or up, by a code that was asked for at databaseCodePath.
func redeemDatabaseCode(ctx context.Context, t *tokenRequest) (*tokenResponse, error) {
	if t.params["otp"] == "" {
		return nil, missing("otp")
	}
	token := t.params["auth_session"]
	state, err := t.st.Ceremony(ctx, codeSessionKey(token))
	s, err := authSession[codeSession](state, err, t.client, func(s codeSession) string { return s.ClientID })
	if err != nil {
		return nil, err
	}
	conn, err := codeDatabase(ctx, t.st, t.client, s.Connection)
	if err != nil {
		return nil, err
	}
	if t.params["organization"] == "" {
		t.params["organization"] = s.Organization
	}
	x, err := t.direct(ctx, "oauth2-password", "")
	if err != nil {
		return nil, err
	}
	a, user, err := t.Pipeline.ByDatabaseCode(ctx, t.visit, x, s.login(token), conn, s.Address, t.params["otp"], t.event)
	return t.directly(ctx, x, a, user, err)
}
