package mgmt

import (
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/web"
)

type patchUserIn struct {
	_                 struct{}                    `hint:" (consider storing them in app_metadata or user_metadata. See \"Users Metadata\" in https://auth0.com/docs/api/v2/changes for more details)"`
	AppMetadata       web.Opt[stagedoor.Metadata] `json:"app_metadata" doc:"Data related to the user that does affect the application's core functionality"`
	UserMetadata      web.Opt[stagedoor.Metadata] `json:"user_metadata" doc:"Data related to the user that does not affect the application's core functionality"`
	Blocked           web.Opt[bool]               `json:"blocked" schema:"notnull" doc:"Whether this user was blocked by an administrator"`
	Email             web.Opt[string]             `json:"email" schema:"format=email" doc:"Email address of this user"`
	EmailVerified     web.Opt[bool]               `json:"email_verified" schema:"notnull" doc:"Whether this email address is verified"`
	FamilyName        web.Opt[string]             `json:"family_name" schema:"min=1,max=150" doc:"The user's family name(s)"`
	GivenName         web.Opt[string]             `json:"given_name" schema:"min=1,max=150" doc:"The user's given name(s)"`
	Name              web.Opt[string]             `json:"name" schema:"min=1,max=300" doc:"Name of this user"`
	Nickname          web.Opt[string]             `json:"nickname" schema:"min=1,max=300" doc:"Preferred nickname or alias of this user"`
	Password          web.Opt[string]             `json:"password" schema:"min=1" doc:"New password for this user"`
	PhoneNumber       web.Opt[string]             `json:"phone_number" pattern:"^\\+[0-9]{1,15}$" doc:"The user's phone number (following the E.164 recommendation)"`
	PhoneVerified     web.Opt[bool]               `json:"phone_verified" schema:"notnull" doc:"Whether this phone number has been verified"`
	Picture           web.Opt[string]             `json:"picture" schema:"format=uri" doc:"URL to picture, photo, or avatar of this user"`
	Username          web.Opt[string]             `json:"username" schema:"min=1,max=128" doc:"The user's username"`
	VerifyEmail       web.Opt[bool]               `json:"verify_email" schema:"notnull" doc:"Whether this user will receive a verification email after update"`
	VerifyPhoneNumber web.Opt[bool]               `json:"verify_phone_number" schema:"notnull" doc:"Whether this user will receive a text after changing the phone number"`
	Connection        string                      `json:"connection" schema:"min=1" doc:"Name of the connection to target for this user update"`
	ClientID          string                      `json:"client_id" schema:"min=1" doc:"Auth0 client ID. Only valid when updating email address"`
}

// changesRoot tells whether more than metadata was sent.
func (in *patchUserIn) changesRoot() bool {
	return in.Blocked.Set || in.Email.Set || in.EmailVerified.Set || in.FamilyName.Set || in.GivenName.Set || in.Name.Set ||
		in.Nickname.Set || in.Password.Set || in.PhoneNumber.Set || in.PhoneVerified.Set || in.Picture.Set || in.Username.Set ||
		in.VerifyEmail.Set || in.VerifyPhoneNumber.Set || in.Connection != "" || in.ClientID != ""
}

// allowed tells whether the caller's scopes reach as far as what was sent. A person's token reaches user_metadata only.
func (in *patchUserIn) allowed(c *caller) error {
	if c.has("update:users") {
		return nil
	}
	switch {
	case in.changesRoot():
		return insufficient("update:users")
	case in.AppMetadata.Set && !c.has("update:users_app_metadata"):
		return insufficient("update:users", "update:users_app_metadata")
	case in.UserMetadata.Set && !c.has("update:current_user_metadata"):
		return insufficient("update:users", "update:current_user_metadata")
	}
	return nil
}

// patch returns a metadata object as Store.PatchMetadata takes it: nil if it was not sent, empty to clear.
func patch(o web.Opt[stagedoor.Metadata]) stagedoor.Metadata {
	if o.Set && o.Value == nil {
		return stagedoor.Metadata{}
	}
	return o.Value
}

func (a *API) patchUser(c *call, in patchUserIn) (any, error) {
	if err := in.allowed(c.caller); err != nil {
		return nil, err
	}
	user, app := patch(in.UserMetadata), patch(in.AppMetadata)
	for _, m := range []struct {
		name  string
		patch stagedoor.Metadata
	}{{"user_metadata", user}, {"app_metadata", app}} {
		if err := stagedoor.CheckMetadata(m.name, m.patch); err != nil {
			return nil, err
		}
	}
	if in.changesRoot() {
		return a.patchRoot(c, &in)
	}
	if user == nil && app == nil { // an empty body changes nothing
		u, err := c.store.User(c.ctx(), c.id())
		if err != nil {
			return nil, err
		}
		return u, nil
	}
	u, err := c.store.PatchMetadata(c.ctx(), c.id(), user, app, c.store.Tenant().Settings.MetadataLimit())
	if err != nil {
		return nil, err
	}
	return u, nil
}

// exclusions are the pairs that cannot be changed at once, in the order in which they are looked for.
func (in *patchUserIn) exclusions() error {
	for _, pair := range []struct {
		both         bool
		first, other string
	}{
		{in.Password.Set && in.Email.Set, "password", "email"},
		{in.Password.Set && in.EmailVerified.Set, "password", "email_verified"},
		{in.Username.Set && in.Email.Set, "username", "email"},
		{in.Username.Set && in.EmailVerified.Set, "username", "email_verified"},
		{in.Username.Set && in.Password.Set, "username", "password"},
	} {
		if pair.both {
			return bad("operation_not_supported", "Cannot update "+pair.first+" and "+pair.other+" simultaneously")
		}
	}
	return nil
}

// profileNames are the attributes that a social or enterprise provider may own, those that were sent.
func (in *patchUserIn) profileNames() []string {
	var names []string
	for _, p := range []struct {
		name string
		sent bool
	}{{"family_name", in.FamilyName.Set}, {"given_name", in.GivenName.Set}, {"name", in.Name.Set}, {"nickname", in.Nickname.Set}, {"picture", in.Picture.Set}} {
		if p.sent {
			names = append(names, p.name)
		}
	}
	return names
}

// syncsProfile tells whether each login through the connection writes the profile anew.
func syncsProfile(conn *stagedoor.Connection) bool {
	return !conn.KeepsUsers() && !connection.IsPasswordless(conn.Strategy) && conn.SyncsProfile() == stagedoor.SyncEachLogin
}

// fits tells whether the connection of the identity that is meant allows the change.
func (in *patchUserIn) fits(conn *stagedoor.Connection, secondary bool) error {
	for _, unfit := range []string{in.unfitProfile(conn, secondary), in.unfitRemoval(conn), in.unfitIdentifier(conn), in.unfitVerification(conn)} {
		if unfit != "" {
			return bad("operation_not_supported", unfit)
		}
	}
	if in.VerifyPhoneNumber.Value && secondary {
		return unsupported("verify_phone_number of a linked identity")
	}
	return nil
}

// unfitProfile says why names and picture cannot be changed.
func (in *patchUserIn) unfitProfile(conn *stagedoor.Connection, secondary bool) string {
	names := strings.Join(in.profileNames(), ", ")
	switch {
	case names != "" && secondary:
		return "The following user attributes cannot be updated: " + names + ". The specified connection belongs to a secondary identity."
	case names != "" && syncsProfile(conn):
		return "The following user attributes cannot be updated: " + names + ". The connection must either be a database connection (using the Auth0 store), " +
			"a passwordless connection (email or sms) or has disabled 'Sync user profile attributes at each login'. " +
			"For more information, see https://auth0.com/docs/dashboard/guides/connections/configure-connection-sync"
	}
	return ""
}

// unfitRemoval says why attributes cannot be removed that are null.
func (in *patchUserIn) unfitRemoval(conn *stagedoor.Connection) string {
	rules := conn.Options.Attributes()
	flexible := conn.Strategy == connection.StrategyDatabase && rules.Flexible
	var cannot []string
	for _, of := range []struct {
		name string
		null bool
	}{
		{"email", in.Email.Null && (!flexible || rules.Email.Needed)},
		{"password", in.Password.Null},
		{"phone_number", in.PhoneNumber.Null && (conn.Strategy == connection.StrategySMS || flexible && rules.Phone.Needed)},
		{"username", in.Username.Null && (!flexible && conn.Options.Usernames().Must || flexible && rules.Username.Needed)},
	} {
		if of.null {
			cannot = append(cannot, of.name)
		}
	}
	if cannot == nil {
		return ""
	}
	return "The following user attributes cannot be removed: " + strings.Join(cannot, ", ") + "."
}

// unfitIdentifier says why what people are known by, or their password, cannot be set.
func (in *patchUserIn) unfitIdentifier(conn *stagedoor.Connection) string {
	database, rules := conn.Strategy == connection.StrategyDatabase, conn.Options.Attributes()
	switch {
	case in.Email.Set && !database && conn.Strategy != connection.StrategyEmail:
		return "Cannot update email for non-database user"
	case in.Password.Set && !database:
		return "Cannot update password for non-database user"
	case (in.Email.Set || in.Password.Set) && len(conn.EnabledClients) == 0:
		return "Cannot change email or password for users in a disabled connection"
	case in.EmailVerified.Set && (strategies[conn.Strategy].family == familyEnterprise || conn.Strategy == connection.StrategySMS):
		return "Email verification is not supported for enterprise users"
	case in.PhoneNumber.Has() && !database && conn.Strategy != connection.StrategySMS:
		return "Cannot update phone_number for non-sms user"
	case in.PhoneNumber.Has() && database && rules.Flexible && !rules.Phone.Had():
		return "Cannot set phone_number for connection without the attribute phone_number."
	case in.Username.Has() && !conn.Options.Usernames().Have:
		return "Cannot set username for connection without requires_username."
	case in.Username.Has() && !conn.Options.Usernames().Takes(in.Username.Value):
		return "The username is not as long as the connection wants it."
	}
	return ""
}

// unfitVerification says why no code can be sent to a new number.
func (in *patchUserIn) unfitVerification(conn *stagedoor.Connection) string {
	switch {
	case in.VerifyPhoneNumber.Value && conn.Strategy != connection.StrategySMS:
		return "Cannot verify phone_number for non-sms user"
	case in.VerifyPhoneNumber.Value && !in.PhoneNumber.Has():
		return "Cannot verify phone_number unless it is changed"
	}
	return ""
}

// identity returns the index of the identity that is meant: the first one unless connection names that of another.
func (in *patchUserIn) identity(u *stagedoor.User) (int, error) {
	if in.Connection == "" {
		return 0, nil
	}
	at := slices.IndexFunc(u.Identities, func(i stagedoor.Identity) bool { return i.Connection == in.Connection })
	if at < 0 {
		return 0, bad("inexistent_connection", "The connection does not exist.")
	}
	return at, nil
}

// rootChange is a change of root attributes that may be made.
type rootChange struct {
	before *stagedoor.User
	conn   *stagedoor.Connection // of the identity that is meant
	meant  string                // its full id, where it is a linked one
	texted *stagedoor.Client     // whose people log in with the code that proves a new number; nil: none is sent
}

// rootChange looks at all that keeps a change from being made, before anything is changed.
func (a *API) rootChange(c *call, in *patchUserIn) (*rootChange, error) {
	if err := in.exclusions(); err != nil {
		return nil, err
	}
	before, err := c.store.User(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	at, err := in.identity(before)
	if err != nil {
		return nil, err
	}
	name, to := before.Connection, &rootChange{before: before}
	if at > 0 {
		name, to.meant = before.Identities[at].Connection, before.Identities[at].FullID()
	}
	if to.conn, err = c.store.ConnectionByName(c.ctx(), name); err != nil {
		return nil, err
	}
	if err := in.fits(to.conn, at > 0); err != nil {
		return nil, err
	}
	if in.VerifyEmail.Value {
		if _, err := linkStore(c); err != nil {
			return nil, err
		}
	}
	if in.VerifyPhoneNumber.Value {
		if to.texted, err = in.codeClient(c, to.conn); err != nil {
			return nil, err
		}
	}
	if in.Password.Set {
		if err := a.Database.CheckNew(c.ctx(), c.store, to.conn, before.ID, in.Password.Value); err != nil {
			return nil, invalidIdentifier(err)
		}
	}
	return to, nil
}

// patchRoot changes root attributes, and metadata with them.
func (a *API) patchRoot(c *call, in *patchUserIn) (any, error) {
	to, err := a.rootChange(c, in)
	if err != nil {
		return nil, err
	}
	conn, meant := to.conn, to.meant
	defer c.goesOn()()
	if renamed := in.renames(conn, to.before); meant == "" && renamed != (connection.Name{}) {
		if err := a.Database.Renamed(c.ctx(), c.store, conn, to.before, renamed); err != nil {
			return nil, updatedTwice(sandbox(err), false)
		}
	}
	u, err := c.store.UpdateUser(c.ctx(), c.id(), func(u *stagedoor.User) error {
		named := identifiedIn(conn, u, meant)
		err := in.apply(c, conn, u, meant)
		if err == nil && named && conn.ForPasswords() && !identifiedIn(conn, u, meant) {
			err = bad("operation_not_supported", "The user would have nothing left to log in with.")
		}
		return err
	})
	if err != nil {
		return nil, updatedTwice(err, in.PhoneNumber.Set)
	}
	if in.Password.Set {
		if err := a.setPassword(c, conn, u, meant, in.Password.Value); err != nil {
			return nil, err
		}
		if u, err = c.store.User(c.ctx(), u.ID); err != nil {
			return nil, err
		}
		a.afterPasswordChange(c, conn, u.ID)
	}
	if in.VerifyEmail.Value && !u.EmailVerified && meant == "" {
		a.sendVerification(c, u, in.ClientID)
	}
	if to.texted != nil && !u.PhoneVerified && a.Pipeline != nil {
		if err := a.Pipeline.TextNewNumber(c.ctx(), c.visit(), conn, to.texted, u.PhoneNumber); err != nil { // the tenant's log says why
			a.Log.ErrorContext(c.ctx(), "a code for a new number could not be sent", "tenant", c.store.Tenant().ID, "user", u.ID, "error", err)
		}
	}
	return u, nil
}

// codeClient is the client at which the code works that proves a new number: the one that is named, else the only one of the connection.
func (in *patchUserIn) codeClient(c *call, conn *stagedoor.Connection) (*stagedoor.Client, error) {
	id := in.ClientID
	if id == "" && len(conn.EnabledClients) == 1 {
		id = conn.EnabledClients[0]
	}
	switch {
	case !conn.SendsCodes():
		return nil, bad("operation_not_supported", "The connection is disabled.")
	case id == "":
		return nil, badProperty("client_id", "Missing required property: client_id (the code that verify_phone_number sends is for one of the connection's clients)")
	case !conn.EnabledFor(id):
		return nil, bad("operation_not_supported", "The connection is not enabled for the client.")
	}
	return c.store.Client(c.ctx(), id)
}

// identifiedIn tells whether a user, or the linked identity that is meant, can be found by what identifies the connection's users.
func identifiedIn(conn *stagedoor.Connection, u *stagedoor.User, meant string) bool {
	if meant != "" {
		at := slices.IndexFunc(u.Identities, func(i stagedoor.Identity) bool { return i.FullID() == meant })
		if at < 0 {
			return false
		}
		u = stagedoor.UserOf(u.Identities[at])
	}
	return connection.Identified(conn, u)
}

// renames tells by which other address, username or telephone number the user is to be known; what is malformed is refused later.
func (in *patchUserIn) renames(conn *stagedoor.Connection, u *stagedoor.User) (to connection.Name) {
	if email, err := connection.NormalizeEmail(in.Email.Value); in.Email.Has() && err == nil && email != u.Email {
		to.Email, to.Verified = email, in.EmailVerified.Value
	}
	if name, err := connection.Username(conn, in.Username.Value); in.Username.Has() && err == nil && name != u.Username {
		to.Username = name
	}
	if number, err := connection.NormalizePhone(in.PhoneNumber.Value); in.PhoneNumber.Has() && err == nil && number != u.PhoneNumber {
		to.Phone, to.PhoneVerified = number, in.PhoneVerified.Value
	}
	return to
}

// setPassword sets the password of a user, or of the linked identity that is meant.
func (a *API) setPassword(c *call, conn *stagedoor.Connection, u *stagedoor.User, meant, secret string) error {
	if meant != "" {
		return sandbox(a.Database.SetLinkedPassword(c.ctx(), c.store, conn, u.ID, meant, secret))
	}
	if err := a.Database.SetPassword(c.ctx(), c.store, conn, u.ID, secret); err != nil {
		return sandbox(err)
	}
	return guard.Unblock(c.ctx(), c.store, u.Identifiers()...)
}

// apply changes the user; meant is the full id of the linked identity that identifiers are of, "" for the user's own.
func (in *patchUserIn) apply(c *call, conn *stagedoor.Connection, u *stagedoor.User, meant string) error {
	if meant == "" {
		if err := in.identify(conn, u); err != nil {
			return err
		}
	} else if at := slices.IndexFunc(u.Identities, func(i stagedoor.Identity) bool { return i.FullID() == meant }); at < 0 {
		return bad("inexistent_connection", "The connection does not exist.")
	} else {
		alone := stagedoor.UserOf(u.Identities[at])
		if err := in.identify(conn, alone); err != nil {
			return err
		}
		u.Identities = slices.Clone(u.Identities)
		u.Identities[at].ProfileData = alone.ProfileData()
	}
	if in.Blocked.Set {
		u.Blocked = &in.Blocked.Value
	}
	in.Name.Into(&u.Name)
	in.Nickname.Into(&u.Nickname)
	in.GivenName.Into(&u.GivenName)
	in.FamilyName.Into(&u.FamilyName)
	in.Picture.Into(&u.Picture)
	user, app := patch(in.UserMetadata), patch(in.AppMetadata)
	u.UserMetadata = stagedoor.MergeMetadata(u.UserMetadata, user)
	u.AppMetadata = stagedoor.MergeMetadata(u.AppMetadata, app)
	if user == nil && app == nil {
		return nil
	}
	return checkMetadata(c, u.UserMetadata, u.AppMetadata)
}

// identify changes what identifies the person in a connection.
func (in *patchUserIn) identify(conn *stagedoor.Connection, u *stagedoor.User) (err error) {
	if in.Email.Null {
		u.Email, u.EmailVerified = "", false
	}
	if in.Email.Has() {
		email, err := connection.NormalizeEmail(in.Email.Value)
		if err != nil {
			return err
		}
		if email != u.Email {
			u.Email, u.EmailVerified = email, false
		}
	}
	if in.Username.Set {
		if u.Username, err = connection.Username(conn, in.Username.Value); err != nil {
			return err
		}
	}
	if in.PhoneNumber.Set && in.PhoneNumber.Value != u.PhoneNumber {
		u.PhoneNumber, u.PhoneVerified = in.PhoneNumber.Value, false
	}
	in.EmailVerified.Into(&u.EmailVerified)
	in.PhoneVerified.Into(&u.PhoneVerified)
	return nil
}

// updatedTwice gives the conflicts of an update the wire's words.
func updatedTwice(err error, phone bool) error {
	switch {
	case stagedoor.HasCode(err, "username_exists"):
		return bad("auth0_idp_error", "The username provided is in use already.")
	case stagedoor.HasCode(err, "user_exists") && phone:
		return bad("auth0_idp_error", "The specified new phone number already exists")
	case stagedoor.HasCode(err, "user_exists"):
		return bad("auth0_idp_error", "The specified new email already exists")
	}
	return invalidIdentifier(err)
}
