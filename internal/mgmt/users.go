package mgmt

import (
	"maps"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/lucene"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

type listUsersIn struct {
	web.Paging
	web.Fields
	Sort         string        `json:"sort" pattern:"^[A-Za-z0-9_.]+:-?1$" doc:"Field to sort by. Use field:order where order is 1 for ascending and -1 for descending"`
	Connection   string        `json:"connection" doc:"Connection filter. Only applies when using search_engine=v1"`
	Query        string        `json:"q" doc:"Query in Lucene query string syntax"`
	SearchEngine string        `json:"search_engine" schema:"enum=v1|v2|v3" doc:"The version of the search engine"`
	PrimaryOrder web.Opt[bool] `json:"primary_order" doc:"If true (default), results are returned in a deterministic order"`
	Explain      bool          `json:"explain" doc:"If true, the answer tells how the search ran. Known to Stagedoor only"`
}

func (a *API) listUsers(c *call, in listUsersIn) (any, error) {
	switch in.SearchEngine {
	case "v1":
		return nil, bad("invalid_query_string", "You are not allowed to use search_engine=v1.")
	case "v2":
		return nil, bad("invalid_query_string", "You are not allowed to use search_engine=v2. Use search_engine=v3 instead.")
	}
	if err := withinReach(c, in.Paging); err != nil {
		return nil, err
	}
	field, order, _ := strings.Cut(in.Sort, ":")
	if !store.SortsUsersBy(field) {
		return nil, (&web.Violation{Path: "sort", Reason: "No enum match for: " + field}).Query()
	}
	where, err := meaning(&store.UserSchema, "q", in.Query)
	if err != nil {
		return nil, err
	}
	if in.Connection != "" {
		where = lucene.Both(where, lucene.Equal("identities.connection", in.Connection))
	}
	uq := store.UserQuery{Page: in.Page, PerPage: in.Size(), Where: where, Sort: field, Descending: order == "-1", NoTotal: !in.IncludeTotals, Estimate: true}
	if in.Explain {
		uq.Explain = &store.Explanation{}
	}
	users, total, err := c.store.UserTexts(c.ctx(), uq)
	if err != nil {
		return nil, err
	}
	shown, err := showUsers(users, in.Fields)
	switch {
	case err != nil:
		return nil, err
	case in.Explain:
		return map[string]any{"users": shown, "start": in.Start(), "limit": in.Size(), "length": len(users), "explain": uq.Explain}, nil
	case in.IncludeTotals:
		return usersWithTotal(in.Paging, shown, len(users), total), nil
	}
	return shown, nil
}

// usersWithTotal is the answer with include_totals. A total that was not counted says so: total_estimated is there then, and total_margin, by which it may be off.
func usersWithTotal(paging web.Paging, shown any, length int, total store.Total) map[string]any {
	out := map[string]any{"users": shown, "start": paging.Start(), "limit": paging.Size(), "length": length, "total": total.Count}
	if total.Estimated {
		out["total_estimated"], out["total_margin"] = true, total.Margin
	}
	return out
}

// withLength adds the count of items to an envelope, as users and logs have it.
func withLength(envelope any, length int) any {
	if m, ok := envelope.(map[string]any); ok {
		m["length"] = length
	}
	return envelope
}

// showUsers shows a list of users with the fields that were asked for.
func showUsers[T web.Appender](users []T, fields web.Fields) (any, error) {
	if len(fields.Names) == 0 {
		return web.List[T](users), nil
	}
	shown := make([]any, len(users))
	for i := range users {
		var err error
		if shown[i], err = fields.Pick(users[i]); err != nil {
			return nil, err
		}
	}
	return shown, nil
}

type usersByEmailIn struct {
	web.Fields
	Email string `json:"email" schema:"required,min=1,max=1000" doc:"Email address to search for (case-sensitive)"`
}

func (a *API) usersByEmail(c *call, in usersByEmailIn) (any, error) {
	users, err := c.store.UsersByEmail(c.ctx(), in.Email)
	if err != nil {
		return nil, err
	}
	shown := make([]*stagedoor.User, len(users))
	for i := range users {
		shown[i] = &users[i]
	}
	return showUsers(shown, in.Fields)
}

func (a *API) readUser(c *call, in web.Fields) (any, error) {
	text, err := c.store.UserText(c.ctx(), c.id())
	if err != nil || !c.caller.has("read:user_idp_tokens") {
		return picked(in, text, err)
	}
	tokens, err := c.store.IdentityTokens(c.ctx(), text.User.ID)
	if err != nil || len(tokens) == 0 {
		return picked(in, text, err)
	}
	u, err := text.Decoded()
	if err != nil {
		return nil, err
	}
	wire := u.Wire()
	if wire["identities"], err = u.WithTokens(tokens); err != nil {
		return nil, err
	}
	c.showedTokens = true
	return in.Pick(wire)
}

func picked(fields web.Fields, u *stagedoor.UserText, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return fields.Pick(u)
}

func (a *API) deleteUser(c *call) (any, error) {
	u, err := c.store.User(c.ctx(), c.id())
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return nil, a.removeUser(c, u)
}

// removeUser deletes a user, whoever keeps them, and logs it as what befell the user, beside the operation.
func (a *API) removeUser(c *call, u *stagedoor.User) error {
	e := a.event(c, "sdu", "User successfully deleted", nil)
	e.UserID, e.UserName, e.Connection = u.ID, u.Shown(), u.Connection
	e.Details = map[string]any{"body": map[string]any{"connection": u.Connection, "tenant": c.store.Tenant().ID}}
	err := a.dropUser(c, u)
	if err != nil {
		e.Type, e.Description = "fdu", bounded(stagedoor.AsError(err).Message, 500)
	}
	c.log(e)
	return err
}

func (a *API) dropUser(c *call, u *stagedoor.User) error {
	conn, err := c.store.ConnectionByName(c.ctx(), u.Connection)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return c.store.DeleteUser(c.ctx(), u.ID)
	}
	if err != nil {
		return err
	}
	defer c.goesOn()()
	return sandbox(a.Database.Delete(c.ctx(), c.store, conn, u))
}

// sandbox gives what the script of a connection did the wire's words.
func sandbox(err error) error {
	f := connection.FromScript(err)
	if f == nil && !stagedoor.IsKind(err, stagedoor.Scripted) || stagedoor.HasCode(err, "user_exists") {
		return err
	}
	return &stagedoor.Error{Kind: stagedoor.Invalid, Code: "auth0_idp_error", Message: stagedoor.AsError(err).Message, Err: err}
}

type createUserIn struct {
	_             struct{}                    `hint:" (consider storing them in app_metadata or user_metadata. See \"Users Metadata\" in https://auth0.com/docs/api/v2/changes for more details)"`
	Connection    string                      `json:"connection" schema:"required,min=1" doc:"Name of the connection this user should be created in"`
	Email         string                      `json:"email" schema:"format=email" doc:"The user's email"`
	PhoneNumber   string                      `json:"phone_number" pattern:"^\\+[0-9]{1,15}$" doc:"The user's phone number (following the E.164 recommendation)"`
	Username      string                      `json:"username" schema:"min=1,max=128" doc:"The user's username"`
	Password      string                      `json:"password" schema:"min=1" doc:"Initial password for this user"`
	UserID        string                      `json:"user_id" schema:"max=255,format=nospace" doc:"The external user's id provided by the identity provider"`
	Name          string                      `json:"name" schema:"min=1,max=300" doc:"The user's full name"`
	Nickname      string                      `json:"nickname" schema:"min=1,max=300" doc:"The user's nickname"`
	GivenName     string                      `json:"given_name" schema:"min=1,max=150" doc:"The user's given name(s)"`
	FamilyName    string                      `json:"family_name" schema:"min=1,max=150" doc:"The user's family name(s)"`
	Picture       string                      `json:"picture" schema:"format=uri" doc:"A URI pointing to the user's picture"`
	Blocked       web.Opt[bool]               `json:"blocked" schema:"notnull" doc:"Whether this user was blocked by an administrator"`
	EmailVerified bool                        `json:"email_verified" doc:"Whether this email address is verified"`
	PhoneVerified bool                        `json:"phone_verified" doc:"Whether this phone number has been verified"`
	VerifyEmail   web.Opt[bool]               `json:"verify_email" schema:"notnull" doc:"Whether the user will receive a verification email after creation"`
	UserMetadata  web.Opt[stagedoor.Metadata] `json:"user_metadata" doc:"Data related to the user that does not affect the application's core functionality"`
	AppMetadata   web.Opt[stagedoor.Metadata] `json:"app_metadata" doc:"Data related to the user that does affect the application's core functionality"`
}

func (a *API) createUser(c *call, in createUserIn) (any, error) {
	conn, err := c.store.ConnectionByName(c.ctx(), in.Connection)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, bad("inexistent_connection", "The connection does not exist.")
	}
	if err != nil {
		return nil, err
	}
	if err := in.check(conn); err != nil {
		return nil, err
	}
	u := &stagedoor.User{
		ID: in.UserID, Email: in.Email, EmailVerified: in.EmailVerified, Username: in.Username, PhoneNumber: in.PhoneNumber,
		PhoneVerified: in.PhoneVerified, Name: in.Name, Nickname: in.Nickname, GivenName: in.GivenName, FamilyName: in.FamilyName,
		Picture: in.Picture, UserMetadata: in.UserMetadata.Value.WithoutNulls(), AppMetadata: in.AppMetadata.Value.WithoutNulls(),
	}
	if in.Blocked.Set {
		u.Blocked = &in.Blocked.Value
	}
	if err := checkMetadata(c, u.UserMetadata, u.AppMetadata); err != nil {
		return nil, err
	}
	verify := in.VerifyEmail.Or(conn.Strategy == connection.StrategyDatabase) && !u.EmailVerified && u.Email != ""
	if verify {
		if _, err := linkStore(c); err != nil { // before anything is written
			return nil, err
		}
	}
	if err := a.beforeRegistration(c, conn, u, in.Password); err != nil {
		return nil, err
	}
	defer c.goesOn()()
	if conn.Strategy == connection.StrategyDatabase {
		err = a.Database.Create(c.ctx(), c.store, conn, u, in.Password)
	} else {
		err = connection.CreatePasswordless(c.ctx(), c.store, conn, u)
	}
	if err != nil {
		return nil, createdTwice(sandbox(err))
	}
	a.afterRegistration(c, conn, u)
	if verify && !u.EmailVerified {
		a.sendVerification(c, u, "")
	}
	return u, nil
}

func (in *createUserIn) check(conn *stagedoor.Connection) error {
	database, rules := conn.Strategy == connection.StrategyDatabase, conn.Options.Attributes()
	needed := func(name string) bool { return database && rules.Flexible && rules.Of(name).Needed }
	switch {
	case !database && !connection.IsPasswordless(conn.Strategy):
		return bad("invalid_body", "Connection does not support user creation through the API. It must either be a database or passwordless connection.")
	case len(conn.EnabledClients) == 0:
		return bad("operation_not_supported", "Connection is disabled")
	case in.Username != "" && !(database && conn.Options.Usernames().Have):
		return bad("invalid_body", "Cannot set username for connection without requires_username.")
	case in.PhoneNumber != "" && database && rules.Flexible && !rules.Phone.Had():
		return bad("invalid_body", "Cannot set phone_number for connection without the attribute phone_number.")
	case in.Password != "" && !database:
		return bad("invalid_body", "Cannot set password for a passwordless connection.")
	}
	for _, required := range []struct {
		name  string
		wrong bool
	}{
		{"email", in.Email == "" && (conn.Strategy == connection.StrategyEmail || database && !rules.Flexible || needed("email"))},
		{"phone_number", in.PhoneNumber == "" && (conn.Strategy == connection.StrategySMS || needed("phone_number"))},
		{"username", in.Username == "" && (database && !rules.Flexible && conn.Options.Usernames().Must || needed("username"))},
		{"password", in.Password == "" && database && conn.WantsPassword()},
	} {
		if required.wrong {
			return badProperty("", "Missing required property: "+required.name)
		}
	}
	if database && !connection.Identified(conn, &stagedoor.User{Email: in.Email, PhoneNumber: in.PhoneNumber, Username: in.Username}) {
		return badProperty("", "Missing required property: "+rules.Precedence[0])
	}
	return nil
}

// createdTwice gives the conflicts of a creation the wire's words.
func createdTwice(err error) error {
	switch {
	case stagedoor.HasCode(err, "username_exists"):
		return bad("auth0_idp_error", "The username provided is in use already.")
	case stagedoor.HasCode(err, "user_exists"):
		return stagedoor.Errorf(stagedoor.Conflict, "auth0_idp_error", "The user already exists.")
	}
	return invalidIdentifier(err)
}

// invalidIdentifier gives the refusals of an address or a username the wire's form.
func invalidIdentifier(err error) error {
	for code, property := range map[string]string{"invalid_email": "email", "invalid_username": "username", "invalid_phone_number": "phone_number", "invalid_password": "password"} {
		if stagedoor.HasCode(err, code) {
			return badProperty(property, "Object didn't pass validation for format "+property)
		}
	}
	return err
}

// checkMetadata refuses keys and sizes that a record must not have.
func checkMetadata(c *call, user, app stagedoor.Metadata) error {
	limit := c.store.Tenant().Settings.MetadataLimit()
	all := map[string]stagedoor.Metadata{"user_metadata": user, "app_metadata": app}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if err := stagedoor.CheckMetadata(name, all[name]); err != nil {
			return err
		}
		if all[name].Size() > limit {
			return stagedoor.Errorf(stagedoor.TooLarge, "payload_too_large", "%s would be larger than the limit of %d bytes.", name, limit)
		}
	}
	return nil
}

// sendVerification asks for the verification mail. The user is there whether it can be sent or not.
func (a *API) sendVerification(c *call, u *stagedoor.User, clientID string) {
	if a.SendVerification == nil || u.Email == "" {
		return
	}
	st, err := linkStore(c)
	if err != nil {
		a.Log.ErrorContext(c.ctx(), "a verification mail could not be sent", "tenant", c.store.Tenant().ID, "user", u.ID, "error", err)
		return
	}
	a.SendVerification(c.ctx(), st, u, clientID)
}
