package connection

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// remote lets scripts of the tenant check passwords and keep users. Here is a shadow of each: what sessions, tokens, roles and metadata
// belong to.
type remote struct{ work }

func (r remote) authenticate(ctx context.Context, identifier, secret string) (*stagedoor.User, bool, error) {
	was, err := r.lately(ctx, identifier)
	if err != nil {
		return nil, false, err
	}
	p, err := r.login(ctx, identifier, secret)
	if err != nil {
		return r.meant(ctx, identifier, err)
	}
	u, err := r.shadow(ctx, p, nil)
	return asBefore(u, was), true, err
}

// lately is whom an identifier names as they are before a script is asked for their password; nil if it names nobody here.
func (w work) lately(ctx context.Context, identifier string) (*stagedoor.User, error) {
	u, err := w.byIdentifier(ctx, identifier)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		u, _, err = w.byLinked(ctx, identifier)
	}
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, nil
	}
	return u, err
}

// asBefore has what comes of a right password count as begun before it was looked at, if u was known by then: it may have been replaced meanwhile.
func asBefore(u, was *stagedoor.User) *stagedoor.User {
	if u != nil && was != nil && u.ID == was.ID {
		u.AccessEnded = was.AccessEnded
	}
	return u
}

// login lets the script check a password, and reads the profile that it answers.
func (w work) login(ctx context.Context, identifier, secret string) (*profile, error) {
	if secret == "" || len(secret) > maxPassword {
		return nil, ErrWrongCredentials()
	}
	raw, err := w.ask(ctx, "login", identifier, secret)
	if err != nil {
		return nil, err
	}
	if nobody(raw) {
		return nil, ErrWrongCredentials()
	}
	return w.readProfile(raw)
}

// meant finds out for the log whose login a script refused: it says so, or does not know them.
func (w work) meant(ctx context.Context, identifier string, refused error) (*stagedoor.User, bool, error) {
	f := FromScript(refused)
	if f == nil || f.UserID == "" {
		return nil, false, refused
	}
	u, err := w.byIdentifier(ctx, identifier)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return &stagedoor.User{ID: StrategyDatabase + "|" + strings.TrimPrefix(f.UserID, StrategyDatabase+"|")}, true, refused
	}
	if err != nil {
		return nil, true, err
	}
	return u, true, refused
}

// lookUp asks get_user for a profile; nil if there is nobody.
func (w work) lookUp(ctx context.Context, identifier string) (*profile, error) {
	raw, err := w.ask(ctx, "get_user", identifier)
	if err != nil || nobody(raw) {
		return nil, err
	}
	return w.readProfile(raw)
}

// known is the NotFound of people whom get_user does not know, and of what it gives for them.
func (w work) known(ctx context.Context, identifier string) (*profile, error) {
	p, err := w.lookUp(ctx, identifier)
	if err == nil && p == nil {
		err = stagedoor.Errorf(stagedoor.NotFound, "inexistent_user", "The user does not exist.")
	}
	return p, err
}

func (r remote) find(ctx context.Context, identifier string) (*stagedoor.User, error) {
	p, err := r.known(ctx, identifier)
	if err != nil {
		return nil, err
	}
	return r.shadow(ctx, p, nil)
}

// taken refuses a new user whom get_user knows.
func (w work) taken(ctx context.Context, identifier string) error {
	p, err := w.lookUp(ctx, identifier)
	if err == nil && p != nil {
		err = stagedoor.Errorf(stagedoor.Conflict, "user_exists", "The user already exists.")
	}
	return err
}

// create makes the user by the scripts: get_user must not know them, create makes them, login gives their profile.
func (r remote) create(ctx context.Context, u *stagedoor.User, secret string) error {
	wanted := *u
	if err := Identify(r.conn, u); err != nil {
		return err
	}
	if err := CheckPassword(r.conn, secret); err != nil {
		return err
	}
	if err := checkPersonal(r.conn, u, secret); err != nil {
		return err
	}
	identifier := identifierOf(u)
	if err := r.taken(ctx, identifier); err != nil {
		return err
	}
	if _, err := r.ask(ctx, "create", r.newcomer(&wanted, u, secret)); err != nil {
		return err
	}
	p, err := r.login(ctx, identifier, secret)
	if err != nil {
		return err
	}
	made, err := r.shadow(ctx, p, &wanted)
	if err == nil {
		*u = *made
	}
	return err
}

// newcomer is the user as the script create sees it.
func (r remote) newcomer(wanted, u *stagedoor.User, secret string) map[string]any {
	m := map[string]any{"tenant": r.st.Tenant().ID, "connection": r.conn.Name, "password": secret}
	if r.occasion != nil && r.occasion.ClientID != "" {
		m["client_id"] = r.occasion.ClientID
	}
	for name, value := range map[string]string{
		"email": u.Email, "username": u.Username, "phone_number": wanted.PhoneNumber, "name": wanted.Name, "nickname": wanted.Nickname,
		"given_name": wanted.GivenName, "family_name": wanted.FamilyName, "picture": wanted.Picture,
	} {
		if value != "" {
			m[name] = value
		}
	}
	if wanted.EmailVerified {
		m["email_verified"] = true
	}
	if wanted.UserMetadata != nil {
		m["user_metadata"] = wanted.UserMetadata
	}
	if wanted.AppMetadata != nil {
		m["app_metadata"] = wanted.AppMetadata
	}
	return m
}

func identifierOf(u *stagedoor.User) string {
	return cmp.Or(u.Email, u.Username, u.PhoneNumber)
}

func (r remote) replace(ctx context.Context, u *stagedoor.User, identity, secret string) error {
	identifier := identifierOf(u)
	for i := range u.Identities {
		if identity != "" && u.Identities[i].FullID() == identity {
			identifier = cmp.Or(u.Identities[i].Text("email"), u.Identities[i].Text("username"), u.Identities[i].Text("phone_number"))
		}
	}
	raw, err := r.ask(ctx, "change_password", identifier, secret)
	if err != nil {
		return err
	}
	if nobody(raw) {
		return refused("change_password")
	}
	changed := r.st.Clock().Now()
	var said struct {
		At time.Time `json:"last_password_reset"`
	}
	if json.Unmarshal(raw, &said) == nil && !said.At.IsZero() && said.At.Before(changed) {
		changed = said.At
	}
	return r.st.PasswordReset(ctx, u.ID, changed)
}

// refused is the answer of a script that did not do what was asked.
func refused(name string) error {
	e := stagedoor.Errorf(stagedoor.Scripted, CodeScript, "The script %s did not find the user, or changed nothing.", name)
	e.Err = &ScriptFailure{Script: name}
	return e
}

// verified tells the script; whether the address counts as verified is what the profile says afterwards.
func (r remote) verified(ctx context.Context, u *stagedoor.User) error {
	raw, err := r.ask(ctx, "verify", u.Email)
	if err != nil {
		return err
	}
	if nobody(raw) {
		return refused("verify")
	}
	p, err := r.lookUp(ctx, u.Email)
	if err != nil || p == nil || !p.EmailVerified {
		return err
	}
	return r.work.verified(ctx, u)
}

func (r remote) renamed(ctx context.Context, u *stagedoor.User, to Name) error {
	if to.Email != "" && to.Email != u.Email {
		if err := r.taken(ctx, to.Email); err != nil {
			return err
		}
		if err := r.agreed(ctx, "change_email", u.Email, to.Email, to.Verified); err != nil {
			return err
		}
	}
	if to.Username != "" && to.Username != u.Username {
		if err := r.agreed(ctx, "change_username", u.Username, to.Username); err != nil {
			return err
		}
	}
	if to.Phone != "" && to.Phone != u.PhoneNumber && r.scripts.Sources["change_phone_number"] != "" { // who has none is not asked
		return r.agreed(ctx, "change_phone_number", u.PhoneNumber, to.Phone, to.PhoneVerified)
	}
	return nil
}

func (r remote) agreed(ctx context.Context, name string, arguments ...any) error {
	raw, err := r.ask(ctx, name, arguments...)
	if err == nil && nobody(raw) {
		err = refused(name)
	}
	return err
}

func (r remote) deleted(ctx context.Context, u *stagedoor.User) error {
	_, err := r.ask(ctx, "delete", strings.TrimPrefix(u.ID, StrategyDatabase+"|"))
	return err
}

// shadow returns the user that a profile is of, written as the connection wants it; with says what else a new user has.
func (r remote) shadow(ctx context.Context, p *profile, with *stagedoor.User) (*stagedoor.User, error) {
	u, err := r.write(ctx, p, with)
	if err == nil && len(p.Tokens) > 0 {
		err = r.st.SetIdentityTokens(ctx, u.ID, StrategyDatabase+"|"+p.ID, p.Tokens)
	}
	return u, err
}

func (r remote) write(ctx context.Context, p *profile, with *stagedoor.User) (*stagedoor.User, error) {
	u, err := r.owner(ctx, p)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		if u, err = r.add(ctx, p, "", with); err == nil || !stagedoor.IsKind(err, stagedoor.Conflict) {
			return u, err
		}
		clash := err
		if u, err = r.owner(ctx, p); stagedoor.IsKind(err, stagedoor.NotFound) { // else somebody else was faster
			return nil, clashes(clash)
		}
	}
	if err != nil || u.ID != StrategyDatabase+"|"+p.ID { // a linked identity's profile is not the user's
		return u, err
	}
	after := *u
	if r.conn.SyncsProfile() == stagedoor.SyncEachLogin {
		p.describe(&after, r.conn.NotKept())
	}
	limit := r.st.Tenant().Settings.MetadataLimit()
	if err := p.merge(&after, limit); err != nil || same(&after, u) {
		return u, err
	}
	u, err = r.st.UpdateUser(ctx, u.ID, func(u *stagedoor.User) error {
		if r.conn.SyncsProfile() == stagedoor.SyncEachLogin {
			p.describe(u, r.conn.NotKept())
		}
		return p.merge(u, limit)
	})
	if stagedoor.IsKind(err, stagedoor.Conflict) {
		err = clashes(err)
	}
	return u, err
}

// owner returns the user with the identity that a profile is of, NotFound if there is none.
func (w work) owner(ctx context.Context, p *profile) (*stagedoor.User, error) {
	return ownerOf(ctx, w.st, w.conn, StrategyDatabase+"|"+p.ID)
}

// ownerOf returns the user with the identity of a connection, NotFound if there is none. An id that another connection's user has is
// refused: whoever writes that connection's scripts would else be everybody.
func ownerOf(ctx context.Context, st *store.Store, conn *stagedoor.Connection, id string) (*stagedoor.User, error) {
	u, err := st.UserByIdentity(ctx, id)
	if err != nil {
		return nil, err
	}
	for i := range u.Identities {
		if identity := &u.Identities[i]; identity.FullID() == id && identity.Connection == conn.Name {
			return u, nil
		}
	}
	return nil, badProfile("a user of another connection has its user_id.")
}

// clashes is the error for a profile whose address or username another user has.
func clashes(err error) error {
	e := stagedoor.AsError(badProfile("another user of the connection has its e-mail address or username."))
	e.Err = err
	return e
}

// add makes the record of a user.
func (w work) add(ctx context.Context, p *profile, hash string, with *stagedoor.User) (*stagedoor.User, error) {
	u := &stagedoor.User{}
	if with != nil {
		u.UserMetadata, u.AppMetadata = with.UserMetadata, with.AppMetadata
	}
	if err := p.merge(u, w.st.Tenant().Settings.MetadataLimit()); err != nil {
		return nil, err
	}
	u.ID, u.Connection = StrategyDatabase+"|"+p.ID, w.conn.Name
	u.Identities = []stagedoor.Identity{{Connection: w.conn.Name, Provider: StrategyDatabase, UserID: p.ID}}
	p.describe(u, w.conn.NotKept())
	return u, w.st.CreateUserWithFactors(ctx, u, hash, p.Factors)
}
