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
		return u.Wire(), nil
	}
	u, err := c.store.PatchMetadata(c.ctx(), c.id(), user, app, c.store.Tenant().Settings.MetadataLimit())
	if err != nil {
		return nil, err
	}
	return u.Wire(), nil
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

// fits tells whether the user's connection allows the change.
func (in *patchUserIn) fits(conn *stagedoor.Connection, u *stagedoor.User) error {
	if in.Connection != "" && !slices.ContainsFunc(u.Identities, func(i stagedoor.Identity) bool { return i.Connection == in.Connection }) {
		return bad("inexistent_connection", "The connection does not exist.")
	}
	var cannot []string
	for name, null := range map[string]bool{
		"email": in.Email.Null, "password": in.Password.Null, "username": in.Username.Null && conn.Options.RequiresUsername,
	} {
		if null {
			cannot = append(cannot, name)
		}
	}
	slices.Sort(cannot)
	switch {
	case len(cannot) > 0:
		return bad("operation_not_supported", "The following user attributes cannot be removed: "+strings.Join(cannot, ", ")+".")
	case in.Email.Set && conn.Strategy != connection.StrategyDatabase:
		return bad("operation_not_supported", "Cannot update email for non-database user")
	case in.Password.Set && conn.Strategy != connection.StrategyDatabase:
		return bad("operation_not_supported", "Cannot update password for non-database user")
	case (in.Email.Set || in.Password.Set) && len(conn.EnabledClients) == 0:
		return bad("operation_not_supported", "Cannot change email or password for users in a disabled connection")
	case in.Username.Has() && !conn.Options.RequiresUsername:
		return bad("operation_not_supported", "Cannot set username for connection without requires_username.")
	}
	return nil
}

// patchRoot changes root attributes, and metadata with them.
func (a *API) patchRoot(c *call, in *patchUserIn) (any, error) {
	if err := in.exclusions(); err != nil {
		return nil, err
	}
	before, err := c.store.User(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	conn, err := c.store.ConnectionByName(c.ctx(), before.Connection)
	if err != nil {
		return nil, err
	}
	if err := in.fits(conn, before); err != nil {
		return nil, err
	}
	if in.Password.Set { // before anything is changed
		if err := connection.CheckPassword(conn, in.Password.Value); err != nil {
			return nil, invalidIdentifier(err)
		}
	}
	u, err := c.store.UpdateUser(c.ctx(), c.id(), func(u *stagedoor.User) error { return in.apply(c, u) })
	if err != nil {
		return nil, updatedTwice(err)
	}
	if in.Password.Set {
		if err := a.Database.SetPassword(c.ctx(), c.store, conn, u.ID, in.Password.Value); err != nil {
			return nil, err
		}
		if err := guard.Unblock(c.ctx(), c.store, u.Identifiers()...); err != nil {
			return nil, err
		}
		if u, err = c.store.User(c.ctx(), u.ID); err != nil {
			return nil, err
		}
	}
	if in.VerifyEmail.Value && !u.EmailVerified {
		a.sendVerification(c, u, in.ClientID)
	}
	return u.Wire(), nil
}

func (in *patchUserIn) apply(c *call, u *stagedoor.User) (err error) {
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
		if u.Username, err = connection.NormalizeUsername(in.Username.Value); err != nil {
			return err
		}
	}
	if in.Blocked.Set {
		u.Blocked = &in.Blocked.Value
	}
	if in.PhoneNumber.Set && in.PhoneNumber.Value != u.PhoneNumber {
		u.PhoneNumber, u.PhoneVerified = in.PhoneNumber.Value, false
	}
	in.EmailVerified.Into(&u.EmailVerified)
	in.PhoneVerified.Into(&u.PhoneVerified)
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

// updatedTwice gives the conflicts of an update the wire's words.
func updatedTwice(err error) error {
	switch {
	case stagedoor.HasCode(err, "username_exists"):
		return bad("auth0_idp_error", "The username provided is in use already.")
	case stagedoor.HasCode(err, "user_exists"):
		return bad("auth0_idp_error", "The specified new email already exists")
	}
	return invalidIdentifier(err)
}
